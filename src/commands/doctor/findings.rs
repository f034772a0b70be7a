//! What one call tells of everything between this machine and the cloud.

use std::time::Duration;

use super::examine::{credential, key};
use super::hints::{about, name_of};
use crate::error::{Category, Fault, FaultKind, Problem};
use crate::http::{Endpoint, Happening, Heard, Route, Wire};
use crate::model::{Account, Check, Subject};

/// A clock that is further off than this should be set: clouds refuse what is signed with it from
/// some minutes on.
const LARGEST_OFFSET_SECONDS: i64 = 60;
/// So many addresses are shown.
const MOST_ADDRESSES: usize = 3;

/// What is known after the call.
pub(super) struct Evidence<'a> {
    pub account: &'a Account,
    pub wire: &'a Wire,
    pub happenings: &'a [Happening],
    /// Why it failed, if it did.
    pub problem: Option<&'a Problem>,
    pub spent: Duration,
}

impl Evidence<'_> {
    /// A check of each step that was reached.
    pub(super) fn checks(&self) -> Vec<Check> {
        let route = self.route();
        let fault = self.problem.and_then(|problem| problem.fault);
        let mut checks = self.way(&route, fault);
        checks.extend(self.clock());
        if fault.is_none_or(is_after_sending) {
            checks.extend(self.answer(&route));
        }
        checks
    }

    /// `host[:port]` that was asked last.
    fn host(&self) -> &str {
        let of_problem = self.problem.and_then(|problem| problem.host.as_deref());
        let heard = self.heard().map(|heard| heard.host.as_str());
        let endpoint = self.account.endpoint.as_deref();
        let endpoint = endpoint.and_then(|url| Some(url.split_once("://")?.1));
        of_problem.or(heard).or(endpoint).unwrap_or_default()
    }

    /// Tokens may be asked for elsewhere and otherwise than the cloud itself.
    fn is_https(&self) -> bool {
        let heard = self.heard().filter(|heard| heard.host == self.host());
        let endpoint = self.account.endpoint.as_deref();
        let is_endpoint = || endpoint.is_none_or(|url| url.starts_with("https://"));
        heard.map_or_else(is_endpoint, |heard| heard.is_https)
    }

    fn route(&self) -> Route {
        let scheme = if self.is_https() { "https" } else { "http" };
        let url = format!("{scheme}://{}", self.host());
        let endpoint = Endpoint::parse(&url, &[], true);
        endpoint.map_or(Route::Direct, |endpoint| self.wire.route(&endpoint))
    }

    fn heard(&self) -> Option<&Heard> {
        self.happenings
            .iter()
            .rev()
            .find_map(|happening| match happening {
                Happening::Answered(heard) => Some(heard),
                _ => None,
            })
    }

    /// Proxy, name, connection and encryption, up to the one that failed.
    fn way(&self, route: &Route, fault: Option<Fault>) -> Vec<Check> {
        // Nothing came from anybody, and nothing broke: the call was never sent.
        if fault.is_none() && self.heard().is_none() {
            return Vec::new();
        }
        let failed_at = fault.map(|fault| self.step(fault, route));
        let mut checks = Vec::new();
        for step in [
            Subject::Certificates,
            Subject::Proxy,
            Subject::Dns,
            Subject::Connection,
            Subject::Tls,
        ] {
            if failed_at == Some(step) {
                checks.extend(self.broken(step, route));
                return checks;
            }
            // An attempt that took too long may have spent its time anywhere.
            let is_known = fault.is_none_or(|fault| fault.kind != FaultKind::Timeout);
            checks.extend(match step {
                Subject::Proxy => proxy(route),
                Subject::Dns => self.addresses(route),
                Subject::Connection if is_known => {
                    Some(Check::ok(step, format!("open to {}", self.host())))
                }
                Subject::Tls if is_known && self.is_https() => Some(self.encryption()),
                _ => None,
            });
        }
        checks
    }

    /// Where a call broke.
    fn step(&self, fault: Fault, route: &Route) -> Subject {
        use FaultKind as Kind;
        let through_proxy = matches!(route, Route::Through { .. });
        match fault.kind {
            _ if fault.at_proxy => Subject::Proxy,
            Kind::ProxyRefused | Kind::ProxyAuthorization | Kind::InvalidProxy => Subject::Proxy,
            Kind::UnknownHost | Kind::NameService => Subject::Dns,
            // The time for a connection is spent on the address too.
            Kind::ConnectTimeout if !through_proxy && self.is_unresolved() => Subject::Dns,
            Kind::ConnectionRefused
            | Kind::Unreachable
            | Kind::ConnectTimeout
            | Kind::Connection => Subject::Connection,
            // Without them nothing is sent at all.
            Kind::NoAuthorities => Subject::Certificates,
            Kind::UnknownIssuer
            | Kind::Expired
            | Kind::NotYetValid
            | Kind::WrongName
            | Kind::Certificate
            | Kind::ClientCertificate
            | Kind::NoTls
            | Kind::Tls => Subject::Tls,
            Kind::Timeout | Kind::Broken => Subject::Answer,
        }
    }

    /// True when the host is a name whose addresses never came.
    fn is_unresolved(&self) -> bool {
        let name = name_of(self.host());
        let is_address = name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok();
        !is_address && self.resolved(name).is_none()
    }

    fn resolved(&self, name: &str) -> Option<&[std::net::IpAddr]> {
        self.happenings
            .iter()
            .rev()
            .find_map(|happening| match happening {
                Happening::Resolved { host, addresses } if host == name => Some(&addresses[..]),
                _ => None,
            })
    }

    fn broken(&self, step: Subject, route: &Route) -> Option<Check> {
        let problem = self.problem?;
        let fault = problem.fault?;
        let host = self.host();
        let message = match fault.kind {
            FaultKind::ConnectTimeout if step == Subject::Dns => {
                format!("{host}: no address in time")
            }
            _ => match route {
                Route::Through { variable, proxy } if step == Subject::Proxy => {
                    format!("{proxy} ({variable}): {}", problem.message)
                }
                _ => format!("{host}: {}", problem.message),
            },
        };
        let hint = match fault.kind {
            FaultKind::ConnectTimeout if step == Subject::Dns => {
                let kind = FaultKind::NameService;
                about(Fault { kind, ..fault }, host, route)
            }
            _ => about(fault, host, route),
        };
        Some(
            Check::fail(step, problem.category, message)
                .hint(hint.or_else(|| problem.hint.clone())),
        )
    }

    fn addresses(&self, route: &Route) -> Option<Check> {
        let name = match route {
            Route::Through { proxy, .. } => name_of(proxy.rsplit(['/', '@']).next()?),
            _ => name_of(self.host()),
        };
        let found = self.resolved(name)?;
        let shown: Vec<String> = found
            .iter()
            .take(MOST_ADDRESSES)
            .map(ToString::to_string)
            .collect();
        let more = if found.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let message = format!("{name} is {}{more}", shown.join(", "));
        Some(Check::ok(Subject::Dns, message))
    }

    fn encryption(&self) -> Check {
        let unchecked = self.happenings.iter().any(
            |one| matches!(one, Happening::Notice(code, _) if *code == "insecure_skip_verify"),
        );
        match unchecked {
            true => Check::warn(
                Subject::Tls,
                format!(
                    "the certificate of {} is not checked (insecure_skip_verify)",
                    self.host()
                ),
                "set ca_file to the CA of the server, and remove insecure_skip_verify",
            ),
            false => Check::ok(
                Subject::Tls,
                format!("the certificate of {} is trusted", self.host()),
            ),
        }
    }

    fn clock(&self) -> Option<Check> {
        let refused = self
            .problem
            .filter(|problem| problem.category == Category::Clock);
        let ahead = self.heard().and_then(|heard| heard.clock_ahead_seconds);
        let host = self.heard().map_or("", |heard| &heard.host);
        let told = ahead.map(|ahead| {
            let off = ahead.abs();
            match ahead {
                _ if off < LARGEST_OFFSET_SECONDS => {
                    format!("within {} s of the clock of {host}", off + 1)
                }
                0.. => format!("this machine's clock is {off} s behind that of {host}"),
                _ => format!("this machine's clock is {off} s ahead of that of {host}"),
            }
        });
        const SET: &str =
            "set this machine's clock, and keep it set with NTP (Linux: timedatectl set-ntp true)";
        if let Some(problem) = refused {
            let told = told.map_or_else(String::new, |told| format!("{told}; "));
            let message = format!(
                "{told}the cloud refuses calls with its time: {}",
                said(problem)
            );
            return Some(
                Check::fail(Subject::Clock, problem.category, message).hint(Some(SET.to_owned())),
            );
        }
        let is_off = ahead?.abs() >= LARGEST_OFFSET_SECONDS;
        Some(match is_off {
            true => Check::warn(Subject::Clock, told?, SET),
            false => Check::ok(Subject::Clock, told?),
        })
    }

    /// What the cloud says of the credential, of the permission, and of the call.
    fn answer(&self, route: &Route) -> Vec<Check> {
        let known = || {
            let message = format!("the cloud takes {}", key(self.account));
            Check::ok(Subject::Credential, message)
        };
        let Some(problem) = self.problem else {
            let operation = self.heard().map_or("the call", |heard| heard.operation);
            let spent = self.spent.as_millis();
            return vec![
                known(),
                Check::ok(Subject::Permission, format!("{operation} is allowed")),
                Check::ok(
                    Subject::Answer,
                    format!("{operation} answered in {spent} ms"),
                ),
            ];
        };
        if let Some(page) = self.page(problem, route) {
            return vec![page];
        }
        let has_code = problem.code.is_some();
        let fail =
            |name| Check::fail(name, problem.category, said(problem)).hint(problem.hint.clone());
        match problem.category {
            // It was told with the clock.
            Category::Clock => Vec::new(),
            Category::Usage | Category::NoCredentials => vec![fail(Subject::Settings)],
            Category::Refused => {
                let message = format!(
                    "the cloud refuses {}: {}",
                    credential(self.account),
                    said(problem)
                );
                let check = Check::fail(Subject::Credential, problem.category, message);
                vec![check.hint(problem.hint.clone())]
            }
            Category::Permission if has_code => vec![known(), fail(Subject::Permission)],
            Category::Permission => vec![fail(Subject::Permission)],
            Category::NotFound if has_code => vec![known(), fail(Subject::Answer)],
            Category::Network => {
                let fault = problem.fault;
                let hint = fault.and_then(|fault| about(fault, self.host(), route));
                let hint = hint.or_else(|| problem.hint.clone());
                vec![fail(Subject::Answer).hint(hint)]
            }
            Category::NotFound
            | Category::Throttled
            | Category::Service
            | Category::Rejected
            | Category::Unreadable => vec![fail(Subject::Answer)],
        }
    }

    /// A page for people, or a way elsewhere, in the place of the cloud's answer.
    fn page(&self, problem: &Problem, route: &Route) -> Option<Check> {
        let heard = self.heard()?;
        let is_page = heard.is_page && heard.status < 500;
        let is_elsewhere = (300..400).contains(&heard.status);
        if problem.code.is_some() || !(is_page || is_elsewhere) {
            return None;
        }
        let what = match is_page {
            true => "a web page came in place of the cloud's answer",
            false => "a way to another address came in place of the cloud's answer",
        };
        let by = heard.by.as_ref();
        let by = by.map_or_else(String::new, |by| format!(" from “{by}”"));
        let message = format!("{}: {what}: HTTP {}{by}", heard.host, heard.status);
        let between = match route {
            Route::Through { variable, .. } => {
                format!("the proxy of {variable} may want a login or forbid the host")
            }
            _ => "the network may want a login (open a page in a browser), or a proxy answers"
                .to_owned(),
        };
        let hint = format!("{between}; check the endpoint as well");
        let check = Check::fail(Subject::Answer, Category::Unreadable, message);
        Some(check.hint(Some(hint)))
    }
}

/// True for a fault of a call that was on its way to the cloud already.
fn is_after_sending(fault: Fault) -> bool {
    matches!(fault.kind, FaultKind::Timeout | FaultKind::Broken)
}

/// The proxy of a host, where variables name any.
fn proxy(route: &Route) -> Option<Check> {
    let message = match route {
        // A call that needs one that cannot be used breaks there.
        Route::Direct | Route::Unusable { .. } => return None,
        Route::Excepted(variable) => format!("none, since {variable} excepts the host"),
        Route::Through { variable, proxy } => format!("through {proxy} ({variable})"),
    };
    Some(Check::ok(Subject::Proxy, message))
}

/// Operation, message, and all that the cloud's support asks for.
fn said(problem: &Problem) -> String {
    let operation = problem.operation.as_ref();
    let operation = operation.map_or_else(String::new, |name| format!("{name}: "));
    let mut known = Vec::new();
    known.extend(problem.code.clone());
    known.extend(problem.http_status.map(|status| format!("HTTP {status}")));
    known.extend(
        problem
            .request_id
            .as_ref()
            .map(|id| format!("request {id}")),
    );
    let known = match known.is_empty() {
        true => String::new(),
        false => format!(" ({})", known.join(", ")),
    };
    format!("{operation}{}{known}", problem.message)
}
