use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use percent_encoding::percent_decode_str;
use url::Url;

use super::Endpoint;
use super::no_proxy::NoProxy;
use crate::error::Problem;
use crate::secret::{Secret, mask_proxy_url, proxy_secrets, quotable};
use crate::settings::PROXY_URL;

/// The route of requests to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Direct, since no proxy is configured for it.
    Direct,
    /// Direct, since this variable excludes the host from the configured proxy.
    Bypassed(String),
    /// Through a proxy.
    Proxied {
        /// The variable that configures it.
        variable: String,
        /// Its URL, with user name and password masked.
        proxy: String,
    },
    /// None: the variable that configures the proxy has an invalid value.
    Unusable {
        /// The problem of the value, with user name and password masked.
        problem: Box<Problem>,
    },
}

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProxyProtocol {
    Http,
    /// HTTP over TLS.
    Https,
    Socks4 {
        /// `true` if this machine resolves host names.
        resolves: bool,
    },
    Socks5 {
        /// `true` if this machine resolves host names.
        resolves: bool,
    },
}

/// Schemes of proxies with their protocol and default port. As with curl, `socks://` is SOCKS4.
const SCHEMES: [(&str, ProxyProtocol, u16); 7] = [
    ("http", ProxyProtocol::Http, 80),
    ("https", ProxyProtocol::Https, 443),
    ("socks", ProxyProtocol::Socks4 { resolves: true }, 1080),
    ("socks4", ProxyProtocol::Socks4 { resolves: true }, 1080),
    ("socks4a", ProxyProtocol::Socks4 { resolves: false }, 1080),
    ("socks5", ProxyProtocol::Socks5 { resolves: true }, 1080),
    ("socks5h", ProxyProtocol::Socks5 { resolves: false }, 1080),
];

/// A proxy.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    pub protocol: ProxyProtocol,
    /// The scheme of its URL.
    pub scheme: &'static str,
    /// `http://host:port` for every protocol.
    pub uri: Uri,
    /// User name and password, decoded.
    pub credentials: Option<(String, Secret)>,
    /// The variable or setting with its URL.
    pub variable: String,
    /// Its URL, with user name and password masked.
    masked_url: String,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked_url)
    }
}

impl Proxy {
    /// Returns its host; an IPv6 address has no brackets.
    pub(super) fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns `true` if it is an HTTP proxy and not a SOCKS proxy.
    pub(super) fn is_http(&self) -> bool {
        matches!(self.protocol, ProxyProtocol::Http | ProxyProtocol::Https)
    }

    /// Returns the value of `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<Secret> {
        let (name, password) = self.credentials.as_ref()?;
        let pair = STANDARD.encode(format!("{name}:{}", password.expose()));
        Some(Secret::new(format!("Basic {pair}")))
    }
}

/// The proxies of the environment, or the one of a profile.
#[derive(Debug)]
pub(super) struct ProxyConfig {
    variables: Vec<ProxyVariable>,
    no_proxy: Option<(String, NoProxy)>,
    /// `true` if requests to this machine also use the proxy.
    includes_loopback: bool,
}

/// A variable that configures a proxy.
#[derive(Debug)]
struct ProxyVariable {
    name: String,
    proxy: Result<Proxy, Problem>,
    /// The scheme of the endpoints that it applies to; `None` for all.
    scheme: Option<&'static str>,
}

impl ProxyConfig {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` in either case; lower case has priority.
    ///
    /// An invalid value is an error only for requests that would use it, since desktops set such variables for all
    /// programs.
    pub(super) fn parse(environment: &[(String, String)]) -> Self {
        let get = |name: &str| {
            [name.to_ascii_lowercase(), name.to_owned()]
                .iter()
                .find_map(|name| {
                    environment
                        .iter()
                        .find(|(key, value)| key == name && !value.trim().is_empty())
                })
        };
        let kinds = [
            ("HTTPS_PROXY", Some("https")),
            ("HTTP_PROXY", Some("http")),
            ("ALL_PROXY", None),
        ];
        let variables = kinds.into_iter().filter_map(|(name, scheme)| {
            let (name, value) = get(name)?;
            Some(ProxyVariable {
                name: name.clone(),
                proxy: parse_proxy(name, value),
                scheme,
            })
        });
        Self {
            variables: variables.collect(),
            no_proxy: get("NO_PROXY").map(|(name, value)| (name.clone(), NoProxy::parse(value))),
            includes_loopback: false,
        }
    }

    /// Uses the proxy of a profile for all requests.
    pub(super) fn from_url(url: &str) -> Self {
        Self {
            variables: vec![ProxyVariable {
                name: PROXY_URL.to_owned(),
                proxy: parse_proxy(PROXY_URL, url),
                scheme: None,
            }],
            no_proxy: None,
            includes_loopback: true,
        }
    }

    /// Returns the problems of all invalid values.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.variables
            .iter()
            .filter_map(|named| named.proxy.as_ref().err())
    }

    /// Returns `true` if any proxy uses TLS, so that its certificate must be verified.
    pub(super) fn has_https_proxy(&self) -> bool {
        self.variables.iter().any(|named| {
            let proxy = named.proxy.as_ref();
            proxy.is_ok_and(|proxy| proxy.protocol == ProxyProtocol::Https)
        })
    }

    /// Returns the route of requests to an endpoint.
    pub(super) fn route(&self, endpoint: &Endpoint) -> Route {
        let Some(named) = self.variable_for(endpoint) else {
            return Route::Direct;
        };
        match (&self.no_proxy, &named.proxy) {
            (Some((variable, except)), _) if except.matches(endpoint.host(), endpoint.port()) => {
                Route::Bypassed(variable.clone())
            }
            (_, Ok(proxy)) => Route::Proxied {
                variable: named.name.clone(),
                proxy: proxy.masked_url.clone(),
            },
            (_, Err(problem)) => Route::Unusable {
                problem: Box::new(problem.clone()),
            },
        }
    }

    /// Returns the proxy for requests to an endpoint.
    pub(super) fn proxy_for(&self, endpoint: &Endpoint) -> Option<&Proxy> {
        match self.route(endpoint) {
            Route::Proxied { .. } => self.variable_for(endpoint)?.proxy.as_ref().ok(),
            Route::Direct | Route::Bypassed(_) | Route::Unusable { .. } => None,
        }
    }

    fn variable_for(&self, endpoint: &Endpoint) -> Option<&ProxyVariable> {
        let serves = |named: &&ProxyVariable| {
            named
                .scheme
                .is_none_or(|scheme| scheme == endpoint.scheme())
        };
        let is_remote = self.includes_loopback || !endpoint.is_loopback();
        self.variables.iter().find(serves).filter(|_| is_remote)
    }
}

/// Returns the secrets in the variables that configure proxies.
pub(super) fn secrets(variables: &[(String, String)]) -> Vec<Secret> {
    let is_proxy = |name: &str| {
        let name = name.to_ascii_uppercase();
        name.ends_with("_PROXY") && name != "NO_PROXY"
    };
    let proxies = variables.iter().filter(|(name, _)| is_proxy(name));
    proxies.flat_map(|(_, url)| proxy_secrets(url)).collect()
}

/// Returns the end of a hint to avoid a proxy. `NO_PROXY` does not apply to the proxy of a profile.
pub(super) fn or_bypass(variable: &str) -> &'static str {
    match variable.to_ascii_uppercase().ends_with("_PROXY") {
        true => ", or add the host to NO_PROXY",
        false => "",
    }
}

/// Checks the URL of a proxy in a setting, which the error names by `name`.
///
/// # Errors
/// A usage error if it cannot be used. It does not show the password.
pub fn check_proxy_url(name: &str, url: &str) -> Result<(), Problem> {
    parse_proxy(name, url).map(drop)
}

/// Parses the value of a variable. A user name may contain `@` and `\` unencoded; characters that would end the
/// host of a URL must be percent-encoded.
fn parse_proxy(name: &str, value: &str) -> Result<Proxy, Problem> {
    let value = value.trim();
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(end) = rest[authority.len()..].chars().next()
        && rest[authority.len()..].contains('@')
    {
        let message = format!("the user name or password in {name} contains '{end}'");
        let hint = format!("percent-encode it in {name}: %{:02X}", u32::from(end));
        return Err(Problem::usage(message).with_hint(hint));
    }
    let unusable = || {
        let masked_url = mask_proxy_url(value);
        let masked_url = quotable(&masked_url);
        Problem::usage(format!(
            "{name} is '{masked_url}', which is not the URL of a proxy"
        ))
        .with_hint(format!(
            "use http://host:port, https://host:port or socks5h://host:port{}",
            or_bypass(name)
        ))
    };
    let known = SCHEMES
        .iter()
        .find(|(known, ..)| scheme.eq_ignore_ascii_case(known));
    let &(scheme, protocol, port) = known.ok_or_else(unusable)?;
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, authority),
    };
    let url = Url::parse(&format!("http://{host}")).map_err(|_| unusable())?;
    // A URL parser removes port 80 of HTTP, which is not the default port of other protocols.
    let has_port_80 = host.ends_with(":80");
    let port = url.port().unwrap_or(if has_port_80 { 80 } else { port });
    let host = url
        .host_str()
        .filter(|_| url.path() == "/")
        .ok_or_else(unusable)?;
    let uri = format!("http://{host}:{port}")
        .parse()
        .map_err(|_| unusable())?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let credentials = user_info.map(|user_info| {
        let (name, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        (decoded(name), Secret::new(decoded(password)))
    });
    let mask = if credentials.is_some() { "***@" } else { "" };
    Ok(Proxy {
        protocol,
        scheme,
        variable: name.to_owned(),
        uri,
        credentials,
        masked_url: format!("{scheme}://{mask}{host}:{port}"),
    })
}

#[cfg(test)]
mod tests;
