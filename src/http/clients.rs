use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::trust::{Trust, Unchecked};
use super::{Limits, Refusal};
use crate::error::{Category, Problem};
use crate::secret::mask_user_info;

/// What tells one HTTP client from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    /// Needs TLS.
    pub https: bool,
    /// Talks past any proxy, as to this machine.
    pub direct: bool,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// What the profile says of certificates.
    pub trust: Trust,
    /// The host whose certificate is not checked.
    pub unchecked_host: Option<String>,
}

/// HTTP clients, each made when it is first needed: reading the system's certificates takes longer
/// than a whole call over loopback, and on a machine without any even a plain call would fail.
pub(super) struct Clients {
    ca_files: Vec<PathBuf>,
    proxies: Proxies,
    made: Mutex<HashMap<ClientKey, Client>>,
}

impl Clients {
    pub(super) fn new(limits: &Limits, proxies: &[(String, String)]) -> Result<Self, Problem> {
        for path in &limits.ca_files {
            // A file that cannot be used is told before the first call, whoever will be asked.
            add_ca(&mut RootCertStore::empty(), path).map_err(|refusal| {
                Problem::usage(refusal.message).hint(refusal.hint.unwrap_or_default())
            })?;
        }
        Ok(Self {
            ca_files: limits.ca_files.clone(),
            proxies: Proxies::read(proxies)?,
            made: Mutex::default(),
        })
    }

    /// The client for a call.
    pub(super) fn get(&self, key: &ClientKey) -> Result<Client, Refusal> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(key) {
            return Ok(client.clone());
        }
        let client = self.make(key)?;
        made.insert(key.clone(), client.clone());
        Ok(client)
    }

    fn make(&self, key: &ClientKey) -> Result<Client, Refusal> {
        let through_tls_proxy = !key.direct && self.proxies.any_https;
        let is_checked = key.https && key.unchecked_host.is_none();
        let roots = if is_checked || through_tls_proxy {
            self.roots(key.trust.ca_file.as_deref().map(Path::new))?
        } else {
            RootCertStore::empty()
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring serves the default protocol versions");
        let tls = match &key.unchecked_host {
            None => tls.with_root_certificates(roots),
            Some(host) => {
                let verifier = Unchecked::new(host, roots, &provider);
                tls.dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let tls = key.trust.identify(tls)?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(key.connect_timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("joblens/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if !key.direct {
            for proxy in &self.proxies.list {
                builder = builder.proxy(proxy.clone());
            }
        }
        builder.build().map_err(|error| {
            Refusal::new(
                Category::Network,
                format!("the HTTP client cannot be set up: {}", error.without_url()),
            )
        })
    }

    /// The system's store (or what `SSL_CERT_FILE` puts in its place) and the private CAs.
    fn roots(&self, ca_file: Option<&Path>) -> Result<RootCertStore, Refusal> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for path in self.ca_files.iter().map(PathBuf::as_path).chain(ca_file) {
            add_ca(&mut roots, path)?;
        }
        if roots.is_empty() {
            let mut refusal = Refusal::new(
                Category::Network,
                "this machine has no CA certificates, so no server can be trusted",
            );
            refusal.hint = Some("install the package ca-certificates, or set --ca-file".to_owned());
            return Err(refusal);
        }
        Ok(roots)
    }
}

fn add_ca(roots: &mut RootCertStore, path: &Path) -> Result<(), Refusal> {
    let wrong = |what: &str| {
        let mut refusal = Refusal::new(
            Category::Usage,
            format!("the CA file {} {what}", path.display()),
        );
        refusal.hint = Some("give a file with certificates in PEM form".to_owned());
        refusal
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|_| wrong("cannot be read"))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong("is no PEM file"))?;
    if certificates.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|_| wrong("holds a certificate that cannot be used"))?;
    }
    Ok(())
}

/// The proxies that the environment names.
struct Proxies {
    list: Vec<Proxy>,
    any_https: bool,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` in either case; lower case wins.
    fn read(variables: &[(String, String)]) -> Result<Self, Problem> {
        let get = |name: &str| {
            [name.to_ascii_lowercase(), name.to_owned()]
                .iter()
                .find_map(|name| {
                    variables
                        .iter()
                        .find(|(key, value)| key == name && !value.trim().is_empty())
                })
        };
        let except = get("NO_PROXY").and_then(|(_, value)| NoProxy::from_string(value));
        let mut proxies = Self {
            list: Vec::new(),
            any_https: false,
        };
        type Make = fn(String) -> reqwest::Result<Proxy>;
        let kinds: [(&str, Make); 3] = [
            ("HTTPS_PROXY", Proxy::https),
            ("HTTP_PROXY", Proxy::http),
            ("ALL_PROXY", Proxy::all),
        ];
        for (name, make) in kinds {
            let Some((name, value)) = get(name) else {
                continue;
            };
            let url = proxy_url(name, value)?;
            proxies.any_https |= url.starts_with("https://");
            let proxy = make(url).map_err(|_| wrong_proxy(name, value))?;
            proxies.list.push(proxy.no_proxy(except.clone()));
        }
        Ok(proxies)
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
}
