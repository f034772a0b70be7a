//! Decides which of the hosts returned by the platform may receive the token.

use std::net::IpAddr;

use crate::error::Problem;
use crate::http::Endpoint;
use crate::settings::Profile;

/// The setting that lists additional hosts.
pub(super) const AI_HOSTS: &str = "ai_hosts";

/// Maximum number of hosts. No centre has more; each host needs a client and, if it is down, costs a timeout.
const MAX_HOSTS: usize = 16;

/// Maximum length of a URL.
const MAX_URL_BYTES: usize = 2048;

/// Paths that may follow the host in a URL.
pub(super) const PATHS: &[&str] = &["/ai", "/hpc"];

/// Top-level domains whose public suffixes are known here, and those of private networks. Under other top-level
/// domains, anybody may be able to register names below a host's domain, as with `gitlab.io` and `blog.br`. Rejecting
/// a valid host only causes an error that names the setting, but accepting a wrong one leaks the token.
const KNOWN_TOPS: &[&str] = &[
    "cn",
    "com",
    "corp",
    "edu",
    "gov",
    "home",
    "internal",
    "intranet",
    "lan",
    "local",
    "net",
    "org",
    "xn--55qx5d",
    "xn--fiqs8s",
    "xn--fiqz9s",
    "xn--io0a7i",
];

/// Second-level labels of `cn` below which anybody can register a name, in addition to all labels of up to 3 letters.
const GENERIC_LABELS: &[&str] = &["asso", "info", "name"];

/// The same labels in Chinese (punycode): companies, networks, organizations, schools, authorities.
const CHINESE_LABELS: &[&str] = &[
    "xn--55qx5d",
    "xn--io0a7i",
    "xn--od0alg",
    "xn--zf0avx",
    "xn--od0aq3b",
    "xn--zf0ao64a",
    "xn--wcvs22d",
    "xn--lcvr32d",
    "xn--mxtq1m",
    "xn--gmqw5a",
    "xn--ciqpn",
    "xn--gmq050i",
    "xn--tn0ag",
    "xn--uc0atv",
    "xn--uc0ay4a",
    "xn--mk0axi",
    "xn--czrw28b",
];

/// Domains under known top-level domains below which a provider gives names to its customers, one per line.
const SHARED_DOMAINS: &str = include_str!("shared_domains.txt");

/// Policy for the hosts that may receive a token: the configured endpoint, hosts in its domain over TLS, and hosts that
/// the profile lists.
#[derive(Debug)]
pub(super) struct HostPolicy {
    named_by: Endpoint,
    listed: Vec<ListedHost>,
}

#[derive(Debug)]
enum ListedHost {
    /// This host with any port, over TLS.
    AnyPort(String),
    /// Exactly this endpoint.
    Exact(Endpoint),
}

/// The hosts of a response, split by the policy.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Distinct hosts in the order of the response, at most [`MAX_HOSTS`].
    pub allowed: Vec<Endpoint>,
    /// Why the first rejected host was rejected.
    pub rejected: Option<String>,
}

impl HostPolicy {
    /// Returns the policy of a profile for the hosts that the endpoint `named_by` returns.
    ///
    /// # Errors
    /// A usage error if `ai_hosts` has an entry that is not a host.
    pub(super) fn new(profile: &Profile, named_by: &Endpoint) -> Result<Self, Problem> {
        let text = profile.get(AI_HOSTS).unwrap_or_default();
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        let listed = entries
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                ListedHost::parse(entry).map_err(|problem| {
                    profile
                        .invalid(AI_HOSTS, &format!("has an invalid entry ({problem})"))
                        .with_hint("write host, host:port or https://host:port")
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            named_by: named_by.clone(),
            listed,
        })
    }

    /// Returns `true` for the endpoint that returned the hosts.
    pub(super) fn is_named_by(&self, host: &Endpoint) -> bool {
        self.named_by == *host
    }

    /// Splits URLs into hosts that may receive the token and hosts that may not.
    pub(super) fn check<'a>(&self, urls: impl IntoIterator<Item = &'a str>) -> Checked {
        let mut checked = Checked::default();
        for url in urls {
            match self.check_one(url) {
                Ok(host) if checked.allowed.contains(&host) => {}
                Ok(host) => checked.allowed.push(host),
                Err(reason) => {
                    checked.rejected.get_or_insert(reason);
                }
            }
            if checked.allowed.len() == MAX_HOSTS {
                break;
            }
        }
        checked
    }

    fn check_one(&self, url: &str) -> Result<Endpoint, String> {
        if url.len() > MAX_URL_BYTES {
            return Err(format!("its URL is longer than {MAX_URL_BYTES} bytes"));
        }
        // Plain HTTP is allowed only for the endpoint itself and for listed loopback hosts, whatever other settings
        // allow.
        let host = Endpoint::parse(url, PATHS, true).map_err(|problem| problem.message)?;
        if self.is_named_by(&host) || self.listed.iter().any(|listed| listed.is(&host)) {
            return Ok(host);
        }
        if !host.is_https() {
            return Err(format!("{} is plain HTTP", host.origin()));
        }
        if self.is_same_domain(host.host()) {
            return Ok(host);
        }
        let authority = host.authority();
        Err(match shared_domain(self.named_by.host()) {
            Some(domain) => format!("{authority} is outside the domain {domain}"),
            None => format!("{authority} is not the host {}", self.named_by.host()),
        })
    }

    fn is_same_domain(&self, host: &str) -> bool {
        let own = self.named_by.host();
        without_dot(host) == without_dot(own)
            || shared_domain(own).is_some_and(|domain| is_within(host, domain))
    }
}

impl ListedHost {
    fn parse(entry: &str) -> Result<Self, Problem> {
        if entry.contains("://") {
            return Endpoint::parse(entry, PATHS, false).map(Self::Exact);
        }
        let host = Endpoint::parse(&format!("https://{entry}"), PATHS, false)?;
        // The parser drops the default port, but an explicit `:443` also restricts the entry to this port.
        let has_port = entry.trim_end_matches('/').ends_with(":443") || host.has_port();
        Ok(match has_port {
            true => Self::Exact(host),
            false => Self::AnyPort(host.host().to_owned()),
        })
    }

    fn is(&self, host: &Endpoint) -> bool {
        match self {
            Self::Exact(listed) => listed == host,
            Self::AnyPort(listed) => host.is_https() && listed == host.host(),
        }
    }
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Returns `true` if the host is the domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let rest = without_dot(host).strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Returns the domain whose names belong to the same organization as the host: the host's parent
/// or, if anybody can register names below the parent, the host itself. Returns `None` for
/// addresses, for hosts without such a domain, and if the organization is not known.
fn shared_domain(host: &str) -> Option<&str> {
    let host = without_dot(host);
    let (_, top) = host.rsplit_once('.')?;
    let is_shared = SHARED_DOMAINS.lines().any(|domain| is_within(host, domain));
    if host.parse::<IpAddr>().is_ok() || !KNOWN_TOPS.contains(&top) {
        return None;
    }
    if is_shared || is_public_suffix(host) {
        return None;
    }
    let (_, parent) = host.split_once('.')?;
    Some(match is_public_suffix(parent) {
        true => host,
        false => parent,
    })
}

/// Returns `true` for a domain below which anybody can register a name, such as `cn`, `com.cn` or
/// `cn.com`; `domain` must have a known top-level domain. Some other domains also match.
fn is_public_suffix(domain: &str) -> bool {
    let Some((label, top)) = domain.split_once('.') else {
        return true;
    };
    if top.contains('.') {
        return false;
    }
    match top == "cn" || top.starts_with("xn--") {
        true => {
            label.len() <= 3 || GENERIC_LABELS.contains(&label) || CHINESE_LABELS.contains(&label)
        }
        false => label.len() <= 2,
    }
}

#[cfg(test)]
mod tests;
