use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy};

use super::Endpoint;
use crate::error::Problem;
use crate::secret::{Secret, mask_proxy_url, proxy_secrets, quotable};

/// How calls to an endpoint get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Straight; no proxy is named for it.
    Direct,
    /// Straight, since this variable excepts the host from the proxy that another one names.
    Bypassed(String),
    /// Through a proxy.
    Proxied {
        /// The variable that names it.
        variable: String,
        /// Its URL, name and password masked.
        proxy: String,
    },
    /// Not at all: the variable that names its proxy has a value that cannot be used.
    Unusable {
        /// What is wrong with it, name and password masked.
        problem: Box<Problem>,
    },
}

/// The proxies that the environment names.
pub(super) struct ProxyConfig {
    pub list: Vec<Proxy>,
    pub any_https: bool,
    vars: Vec<ProxyVar>,
    except: Option<(String, Matcher)>,
}

/// A variable that names a proxy.
struct ProxyVar {
    variable: String,
    /// Masked, or why it cannot be used.
    proxy: Result<String, Problem>,
    /// The scheme of the endpoints it is for; `None` for all.
    scheme: Option<&'static str>,
}

impl ProxyConfig {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` in either case; lower case wins.
    ///
    /// A value that cannot be used is an error for those calls alone that would use it: desktops set
    /// such variables for all programs.
    pub(super) fn parse(variables: &[(String, String)]) -> Self {
        let get = |name: &str| {
            [name.to_ascii_lowercase(), name.to_owned()]
                .iter()
                .find_map(|name| {
                    variables
                        .iter()
                        .find(|(key, value)| key == name && !value.trim().is_empty())
                })
        };
        let no_proxy = get("NO_PROXY");
        let except = no_proxy.and_then(|(_, value)| NoProxy::from_string(value));
        // The same rules as the client's own, asked what they would do with any proxy.
        let matcher = |value: &str| Matcher::builder().all("http://proxy").no(value).build();
        let mut proxies = Self {
            list: Vec::new(),
            any_https: false,
            vars: Vec::new(),
            except: no_proxy.map(|(name, value)| (name.clone(), matcher(value))),
        };
        type ProxyConstructor = fn(String) -> reqwest::Result<Proxy>;
        let kinds: [(&str, Option<&'static str>, ProxyConstructor); 3] = [
            ("HTTPS_PROXY", Some("https"), Proxy::https),
            ("HTTP_PROXY", Some("http"), Proxy::http),
            ("ALL_PROXY", None, Proxy::all),
        ];
        for (name, scheme, make) in kinds {
            let Some((name, value)) = get(name) else {
                continue;
            };
            let made = proxy_url(value)
                .and_then(|url| Some((make(url.clone()).ok()?, url)))
                .ok_or_else(|| unusable(name, value));
            let proxy = made.map(|(proxy, url)| {
                proxies.any_https |= url.starts_with("https://");
                proxies.list.push(proxy.no_proxy(except.clone()));
                mask_proxy_url(&url)
            });
            proxies.vars.push(ProxyVar {
                variable: name.clone(),
                proxy,
                scheme,
            });
        }
        proxies
    }

    /// What is wrong with the values that cannot be used.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.vars
            .iter()
            .filter_map(|named| named.proxy.as_ref().err())
    }

    /// How calls to an endpoint get there.
    pub(super) fn route(&self, endpoint: &Endpoint) -> Route {
        let scheme = if endpoint.is_https() { "https" } else { "http" };
        let serves = |named: &&ProxyVar| named.scheme.is_none_or(|own| own == scheme);
        let Some(named) = self.vars.iter().find(serves) else {
            return Route::Direct;
        };
        if endpoint.is_loopback() {
            return Route::Direct;
        }
        let uri = endpoint.origin().parse::<Uri>().ok();
        let passes = |matcher: &Matcher| uri.is_some_and(|uri| matcher.intercept(&uri).is_none());
        match &self.except {
            Some((variable, matcher)) if passes(matcher) => Route::Bypassed(variable.clone()),
            _ => match &named.proxy {
                Ok(proxy) => Route::Proxied {
                    variable: named.variable.clone(),
                    proxy: proxy.clone(),
                },
                Err(problem) => Route::Unusable {
                    problem: Box::new(problem.clone()),
                },
            },
        }
    }
}

/// What must not be shown of the variables that name proxies.
pub(super) fn secrets(variables: &[(String, String)]) -> Vec<Secret> {
    let is_proxy = |name: &str| {
        let name = name.to_ascii_uppercase();
        name.ends_with("_PROXY") && name != "NO_PROXY"
    };
    let proxies = variables.iter().filter(|(name, _)| is_proxy(name));
    proxies.flat_map(|(_, url)| proxy_secrets(url)).collect()
}

fn unusable(name: &str, value: &str) -> Problem {
    let shown = mask_proxy_url(value.trim());
    let shown = quotable(&shown);
    Problem::usage(format!("{name} is '{shown}', which is not the URL of a proxy")).with_hint(
        "use http://host:port, https://host:port or socks5h://host:port, or add the host to NO_PROXY",
    )
}

/// The proxy as a URL; an unknown scheme would be ignored in silence further down. As with curl,
/// `socks://` is SOCKS4.
fn proxy_url(value: &str) -> Option<String> {
    const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let value = value.trim();
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let scheme = match scheme.to_ascii_lowercase() {
        scheme if scheme == "socks" => "socks4".to_owned(),
        scheme if SCHEMES.contains(&scheme.as_str()) => scheme,
        _ => return None,
    };
    let url = format!("{scheme}://{rest}");
    let parsed = reqwest::Url::parse(&url).ok()?;
    parsed.has_host().then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> ProxyConfig {
        ProxyConfig::parse(&[(name.to_owned(), value.to_owned())])
    }

    fn route(proxies: &ProxyConfig, url: &str) -> Route {
        proxies.route(&Endpoint::parse(url, &[], true).unwrap())
    }

    #[test]
    fn a_proxy_with_an_unknown_scheme_is_an_error_and_shows_no_password() {
        let proxies = parse("HTTPS_PROXY", "htp://user:hunter2@proxy:1");
        assert!(proxies.list.is_empty());
        let Route::Unusable { problem } = route(&proxies, "https://cloud.example") else {
            panic!("it cannot be used");
        };
        assert!(
            problem.message.contains("htp://***@proxy:1"),
            "{}",
            problem.message
        );
        for wrong in [
            "http://",
            "socks6://h:1",
            "://h:1",
            "http://h:99999",
            "socks://",
        ] {
            assert_eq!(parse("ALL_PROXY", wrong).problems().count(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_stops_those_calls_that_would_use_it() {
        let variables = [
            ("all_proxy", "quic://proxy:1"),
            ("https_proxy", "http://good:3128"),
            ("no_proxy", "corp.example"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let proxies = ProxyConfig::parse(&variables);
        let is_through =
            |route| matches!(route, Route::Proxied { variable, .. } if variable == "https_proxy");
        assert!(is_through(route(&proxies, "https://cloud.example")));
        assert_eq!(route(&proxies, "http://127.0.0.1:1"), Route::Direct);
        let excepted = Route::Bypassed("no_proxy".to_owned());
        assert_eq!(route(&proxies, "http://ai.corp.example"), excepted);
        let unusable = route(&proxies, "http://cloud.example");
        assert!(matches!(unusable, Route::Unusable { .. }));
    }

    #[test]
    fn socks_without_a_number_is_socks4() {
        for value in ["socks://127.0.0.1:7891/", "SOCKS://127.0.0.1:7891/"] {
            let through = Route::Proxied {
                variable: "all_proxy".to_owned(),
                proxy: "socks4://127.0.0.1:7891/".to_owned(),
            };
            let proxies = parse("all_proxy", value);
            assert_eq!(route(&proxies, "https://cloud.example"), through);
        }
    }

    #[test]
    fn takes_the_usual_spellings() {
        for value in [
            "proxy:3128",
            "http://proxy",
            "https://u:p@proxy:1",
            "socks5h://proxy:1080",
        ] {
            assert_eq!(parse("https_proxy", value).list.len(), 1, "{value}");
        }
        assert!(parse("HTTPS_PROXY", " ").list.is_empty());
    }

    #[test]
    fn says_how_calls_get_to_an_endpoint() {
        let variables = [
            ("https_proxy", "http://joe:hunter2@proxy:3128"),
            ("ALL_PROXY", "socks5h://other:1080"),
            ("NO_PROXY", ".corp.example,10.0.0.0/8"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let proxies = ProxyConfig::parse(&variables);
        let route = |url: &str| route(&proxies, url);
        let through = |variable: &str, proxy: &str| Route::Proxied {
            variable: variable.to_owned(),
            proxy: proxy.to_owned(),
        };
        assert_eq!(
            route("https://cloud.example"),
            through("https_proxy", "http://***@proxy:3128")
        );
        assert_eq!(
            route("http://cloud.example"),
            through("ALL_PROXY", "socks5h://other:1080")
        );
        let excepted = Route::Bypassed("NO_PROXY".to_owned());
        assert_eq!(route("https://ai.corp.example:8443"), excepted);
        assert_eq!(route("https://10.1.2.3"), excepted);
        assert_eq!(route("https://127.0.0.1:1"), Route::Direct);
    }
}
