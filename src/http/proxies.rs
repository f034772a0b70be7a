use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy};

use super::Endpoint;
use crate::error::Problem;
use crate::secret::mask_user_info;

/// How calls to an endpoint get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Straight; no proxy is named for it.
    Direct,
    /// Straight, since this variable excepts the host from the proxy that another one names.
    Excepted(String),
    /// Through a proxy.
    Through {
        /// The variable that names it.
        variable: String,
        /// Its URL, name and password masked.
        proxy: String,
    },
}

/// The proxies that the environment names.
pub(super) struct Proxies {
    pub list: Vec<Proxy>,
    pub any_https: bool,
    named: Vec<Named>,
    except: Option<(String, Matcher)>,
}

/// A variable that names a proxy.
struct Named {
    variable: String,
    /// Masked.
    proxy: String,
    /// The scheme of the endpoints it is for; `None` for all.
    scheme: Option<&'static str>,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` in either case; lower case wins.
    pub(super) fn read(variables: &[(String, String)]) -> Result<Self, Problem> {
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
            named: Vec::new(),
            except: no_proxy.map(|(name, value)| (name.clone(), matcher(value))),
        };
        type Make = fn(String) -> reqwest::Result<Proxy>;
        let kinds: [(&str, Option<&'static str>, Make); 3] = [
            ("HTTPS_PROXY", Some("https"), Proxy::https),
            ("HTTP_PROXY", Some("http"), Proxy::http),
            ("ALL_PROXY", None, Proxy::all),
        ];
        for (name, scheme, make) in kinds {
            let Some((name, value)) = get(name) else {
                continue;
            };
            let url = proxy_url(name, value)?;
            proxies.any_https |= url.starts_with("https://");
            proxies.named.push(Named {
                variable: name.clone(),
                proxy: mask_user_info(&url),
                scheme,
            });
            let proxy = make(url).map_err(|_| wrong_proxy(name, value))?;
            proxies.list.push(proxy.no_proxy(except.clone()));
        }
        Ok(proxies)
    }

    /// How calls to an endpoint get there.
    pub(super) fn route(&self, endpoint: &Endpoint) -> Route {
        let scheme = if endpoint.is_https() { "https" } else { "http" };
        let serves = |named: &&Named| named.scheme.is_none_or(|own| own == scheme);
        let Some(named) = self.named.iter().find(serves) else {
            return Route::Direct;
        };
        if endpoint.is_loopback() {
            return Route::Direct;
        }
        let uri = endpoint.origin().parse::<Uri>().ok();
        let passes = |matcher: &Matcher| uri.is_some_and(|uri| matcher.intercept(&uri).is_none());
        match &self.except {
            Some((variable, matcher)) if passes(matcher) => Route::Excepted(variable.clone()),
            _ => Route::Through {
                variable: named.variable.clone(),
                proxy: named.proxy.clone(),
            },
        }
    }
}

fn wrong_proxy(name: &str, value: &str) -> Problem {
    let shown = mask_user_info(value.trim());
    Problem::usage(format!("{name} holds “{shown}”, which is no proxy"))
        .hint("write http://host:port, https://host:port or socks5h://host:port")
}

/// The proxy as a URL; an unknown scheme would be ignored in silence further down.
fn proxy_url(name: &str, value: &str) -> Result<String, Problem> {
    const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let value = value.trim();
    let url = match value.split_once("://") {
        Some((scheme, _)) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => {
            value.to_owned()
        }
        Some(_) => return Err(wrong_proxy(name, value)),
        None => format!("http://{value}"),
    };
    match reqwest::Url::parse(&url) {
        Ok(parsed) if parsed.has_host() => Ok(url),
        _ => Err(wrong_proxy(name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Proxies, Problem> {
        Proxies::read(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_proxy_with_an_unknown_scheme_is_an_error_and_shows_no_password() {
        let problem = read("HTTPS_PROXY", "htp://user:hunter2@proxy:1")
            .err()
            .unwrap();
        assert!(
            problem.message.contains("htp://***@proxy:1"),
            "{}",
            problem.message
        );
        assert!(read("ALL_PROXY", "http://").is_err());
    }

    #[test]
    fn takes_the_usual_spellings() {
        for value in [
            "proxy:3128",
            "http://proxy",
            "https://u:p@proxy:1",
            "socks5h://proxy:1080",
        ] {
            assert_eq!(read("https_proxy", value).unwrap().list.len(), 1, "{value}");
        }
        assert!(read("HTTPS_PROXY", " ").unwrap().list.is_empty());
    }

    #[test]
    fn says_how_calls_get_to_an_endpoint() {
        let variables = [
            ("https_proxy", "http://joe:hunter2@proxy:3128"),
            ("ALL_PROXY", "socks5h://other:1080"),
            ("NO_PROXY", ".corp.example,10.0.0.0/8"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let proxies = Proxies::read(&variables).unwrap();
        let route = |url: &str| proxies.route(&Endpoint::parse(url, &[], true).unwrap());
        let through = |variable: &str, proxy: &str| Route::Through {
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
        let excepted = Route::Excepted("NO_PROXY".to_owned());
        assert_eq!(route("https://ai.corp.example:8443"), excepted);
        assert_eq!(route("https://10.1.2.3"), excepted);
        assert_eq!(route("https://127.0.0.1:1"), Route::Direct);
    }
}
