//! Derives the checks of every step between this machine and the cloud from one request.

mod response;

use std::time::Duration;

use response::cause_text;

use super::hints::{hint_for, name_of};
use crate::error::{Category, Problem, TransportFailure, TransportFailureKind};
use crate::http::{
    Endpoint, ResponseInfo, Route, Transport, TransportEvent, UNKNOWN_HOST_HINT, describe_offset,
};
use crate::model::NoticeCode;
use crate::output::document::{AccountStatus, Check, CheckName};
use crate::settings::PROXY_URL;

/// Minimum offset of the clock for a warning: clouds reject signatures if the clock is wrong by minutes.
const MIN_WARNED_OFFSET_SECONDS: i64 = 60;
/// Maximum number of addresses to show.
const MAX_ADDRESSES: usize = 3;

/// The data that is available after the call.
pub(super) struct ExaminedCall<'a> {
    pub account: &'a AccountStatus,
    pub transport: &'a Transport,
    pub events: &'a [TransportEvent],
    /// The proxy in the profile, if any.
    pub proxy: Option<String>,
    /// Why the call failed, if it did.
    pub problem: Option<&'a Problem>,
    pub elapsed: Duration,
}

impl ExaminedCall<'_> {
    /// Returns a check for each step that was reached.
    pub(super) fn checks(&self) -> Vec<Check> {
        let route = self.route();
        let fault = self.problem.and_then(|problem| problem.transport_failure);
        let mut checks = self.network_checks(&route, fault);
        checks.extend(self.clock());
        if fault.is_none_or(is_after_sending) {
            checks.extend(self.response_checks(&route));
        }
        checks
    }

    /// Returns `host[:port]` of the last request.
    fn host(&self) -> &str {
        let of_problem = self.problem.and_then(|problem| problem.host.as_deref());
        let response = self.response_info().map(|response| response.host.as_str());
        let endpoint = self.account.endpoint.as_deref();
        let endpoint = endpoint.and_then(|url| Some(url.split_once("://")?.1));
        of_problem.or(response).or(endpoint).unwrap_or_default()
    }

    /// Returns `true` if the last request was encrypted. A token endpoint can have
    /// another host and scheme than the API.
    fn is_https(&self) -> bool {
        let response = self
            .response_info()
            .filter(|response| response.host == self.host());
        let endpoint = self.account.endpoint.as_deref();
        let is_endpoint = || endpoint.is_none_or(|url| url.starts_with("https://"));
        response.map_or_else(is_endpoint, |response| response.is_https)
    }

    fn route(&self) -> Route {
        if let Some(proxy) = self.proxy.clone() {
            let variable = PROXY_URL.to_owned();
            return Route::Proxied { variable, proxy };
        }
        let scheme = if self.is_https() { "https" } else { "http" };
        let url = format!("{scheme}://{}", self.host());
        let endpoint = Endpoint::parse(&url, &[], true);
        endpoint.map_or(Route::Direct, |endpoint| self.transport.route(&endpoint))
    }

    fn response_info(&self) -> Option<&ResponseInfo> {
        self.events.iter().rev().find_map(|event| match event {
            TransportEvent::Responded(response) => Some(response),
            _ => None,
        })
    }

    /// Returns the checks of proxy, DNS, connection and TLS, up to the one that failed.
    fn network_checks(&self, route: &Route, fault: Option<TransportFailure>) -> Vec<Check> {
        // Neither a response nor an error: the call was not sent.
        if fault.is_none() && self.response_info().is_none() {
            return Vec::new();
        }
        let failed_at = fault.map(|fault| self.failed_step(fault, route));
        let mut checks = Vec::new();
        for step in [
            CheckName::Certificates,
            CheckName::Proxy,
            CheckName::Dns,
            CheckName::Connection,
            CheckName::Tls,
        ] {
            let is_proxy = step == CheckName::Proxy;
            if failed_at == Some(step) {
                checks.extend(self.plaintext_proxy().filter(|_| is_proxy));
                checks.extend(self.failure_check(step, route));
                return checks;
            }
            if is_proxy {
                checks.extend(proxy(route));
            }
            // After a timeout it is unknown which step took the time.
            let is_known = fault.is_none_or(|fault| fault.kind != TransportFailureKind::Timeout);
            checks.extend(match step {
                CheckName::Proxy => self.plaintext_proxy(),
                CheckName::Dns => self.addresses(route),
                CheckName::Connection if is_known => {
                    let how = match route {
                        Route::Proxied { .. } => "connected through proxy to",
                        _ => "connected to",
                    };
                    Some(Check::ok(step, format!("{how} {}", self.host())))
                }
                CheckName::Tls if is_known && self.is_https() => Some(self.encryption()),
                _ => None,
            });
        }
        checks
    }

    /// Returns the step in which a call failed.
    fn failed_step(&self, fault: TransportFailure, route: &Route) -> CheckName {
        use TransportFailureKind as Kind;
        let through_proxy = matches!(route, Route::Proxied { .. });
        match fault.kind {
            _ if fault.at_proxy => CheckName::Proxy,
            Kind::ProxyRefused | Kind::ProxyAuthorization | Kind::InvalidProxy => CheckName::Proxy,
            Kind::UnknownHost | Kind::DnsFailure => CheckName::Dns,
            // The connect timeout includes the time for DNS.
            Kind::ConnectTimeout if !through_proxy && self.is_unresolved() => CheckName::Dns,
            Kind::ConnectionRefused
            | Kind::Unreachable
            | Kind::ConnectTimeout
            | Kind::Connection => CheckName::Connection,
            // Without CA certificates nothing is sent.
            Kind::NoCaCertificates => CheckName::Certificates,
            Kind::UnknownIssuer
            | Kind::Expired
            | Kind::NotYetValid
            | Kind::WrongName
            | Kind::Certificate
            | Kind::ClientCertificate
            | Kind::NoTls
            | Kind::Tls => CheckName::Tls,
            Kind::Timeout | Kind::DeadlineExceeded | Kind::Broken => CheckName::Response,
        }
    }

    /// Returns `true` if the host is a name that was not resolved.
    fn is_unresolved(&self) -> bool {
        let name = name_of(self.host());
        let is_address = name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok();
        !is_address && self.resolved(name).is_none()
    }

    fn resolved(&self, name: &str) -> Option<&[std::net::IpAddr]> {
        self.events.iter().rev().find_map(|event| match event {
            TransportEvent::DnsResolved { host, addresses } if host == name => Some(&addresses[..]),
            _ => None,
        })
    }

    fn failure_check(&self, step: CheckName, route: &Route) -> Option<Check> {
        let problem = self.problem?;
        let fault = problem.transport_failure?;
        let host = self.host();
        let message = match fault.kind {
            TransportFailureKind::ConnectTimeout if step == CheckName::Dns => {
                format!("{host}: DNS lookup timed out")
            }
            _ => match route {
                Route::Proxied { variable, proxy } if step == CheckName::Proxy => {
                    format!("{proxy} ({variable}): {}", problem.message)
                }
                _ => format!("{host}: {}", problem.message),
            },
        };
        let hint = match fault.kind {
            TransportFailureKind::ConnectTimeout if step == CheckName::Dns => {
                let kind = TransportFailureKind::DnsFailure;
                hint_for(TransportFailure { kind, ..fault }, host, route)
            }
            // A hint that is not the default one is more specific.
            TransportFailureKind::UnknownHost
                if !fault.at_proxy && problem.hint.as_deref() != Some(UNKNOWN_HOST_HINT) =>
            {
                problem.hint.clone()
            }
            _ => hint_for(fault, host, route),
        };
        Some(
            Check::fail(step, problem.category, message)
                .hint(hint.or_else(|| problem.hint.clone())),
        )
    }

    fn addresses(&self, route: &Route) -> Option<Check> {
        let name = match route {
            Route::Proxied { proxy, .. } => name_of(proxy.rsplit(['/', '@']).next()?),
            _ => name_of(self.host()),
        };
        let addresses = self.resolved(name)?;
        let shown: Vec<String> = addresses
            .iter()
            .take(MAX_ADDRESSES)
            .map(ToString::to_string)
            .collect();
        let more = if addresses.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let message = format!("{name} is {}{more}", shown.join(", "));
        Some(Check::ok(CheckName::Dns, message))
    }

    /// Warns if a proxy can read the credentials.
    fn plaintext_proxy(&self) -> Option<Check> {
        let notice = self.notice(NoticeCode::PlaintextProxy)?;
        let hint = "use an https:// endpoint, or add the host to NO_PROXY";
        Some(Check::warn(CheckName::Proxy, notice.to_owned(), hint))
    }

    /// Returns the first notice with this code.
    fn notice(&self, code: NoticeCode) -> Option<&str> {
        self.events.iter().find_map(|event| match event {
            TransportEvent::Notice(known, message) if *known == code => Some(message.as_str()),
            _ => None,
        })
    }

    fn encryption(&self) -> Check {
        match self.notice(NoticeCode::InsecureSkipVerify).is_some() {
            true => Check::warn(
                CheckName::Tls,
                format!(
                    "the certificate of {} is not verified (insecure_skip_verify)",
                    self.host()
                ),
                "set ca_file to the server's CA certificate and remove insecure_skip_verify",
            ),
            false => Check::ok(
                CheckName::Tls,
                format!("the certificate of {} is trusted", self.host()),
            ),
        }
    }

    fn clock(&self) -> Option<Check> {
        let refused = self
            .problem
            .filter(|problem| problem.category == Category::ClockSkew);
        let ahead = self
            .response_info()
            .and_then(|response| response.clock_ahead_seconds);
        let host = self.response_info().map_or("", |response| &response.host);
        let text = ahead.map(|ahead| {
            let off = ahead.abs();
            match ahead {
                _ if off < MIN_WARNED_OFFSET_SECONDS => {
                    format!("within {} s of the clock of {host}", off + 1)
                }
                _ => format!("the local clock is {}", describe_offset(ahead, host)),
            }
        });
        const SET: &str = "synchronize the clock with NTP (Linux: timedatectl set-ntp true)";
        if let Some(problem) = refused {
            let text = text.map_or_else(String::new, |text| format!("{text}; "));
            let message = format!(
                "{text}the cloud rejects the request time: {}",
                cause_text(problem)
            );
            return Some(
                Check::fail(CheckName::Clock, problem.category, message).hint(Some(SET.to_owned())),
            );
        }
        let is_off = ahead?.abs() >= MIN_WARNED_OFFSET_SECONDS;
        Some(match is_off {
            true => Check::warn(CheckName::Clock, text?, SET),
            false => Check::ok(CheckName::Clock, text?),
        })
    }
}

/// Returns `true` if the request was already sent when it failed.
fn is_after_sending(fault: TransportFailure) -> bool {
    matches!(
        fault.kind,
        TransportFailureKind::Timeout
            | TransportFailureKind::DeadlineExceeded
            | TransportFailureKind::Broken
    )
}

/// Returns the check of the proxy, if variables or the profile set one.
fn proxy(route: &Route) -> Option<Check> {
    let message = match route {
        // If the proxy is unusable, the calls that need it fail with their own check.
        Route::Direct | Route::Unusable { .. } => return None,
        Route::Bypassed(variable) => format!("bypassed (${variable})"),
        Route::Proxied { variable, proxy } if variable == PROXY_URL => {
            format!("via {proxy} ({variable})")
        }
        Route::Proxied { variable, proxy } => format!("via {proxy} (${variable})"),
    };
    Some(Check::ok(CheckName::Proxy, message))
}
