use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::proxies::Proxies;
use super::resolver::Resolver;
use super::trust::Trust;
use super::witness::{TrustedCertificates, Witness};
use super::{Authorities, Endpoint, Limits, Refusal, Route, Sink};
use crate::error::{Category, Fault, FaultKind, Problem};
use crate::settings::check_file;

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
    resolver: Arc<Resolver>,
    made: Mutex<HashMap<ClientKey, Client>>,
}

impl Clients {
    pub(super) fn new(
        limits: &Limits,
        proxies: &[(String, String)],
        sink: &Sink,
    ) -> Result<Self, Problem> {
        for path in &limits.ca_files {
            // A file that cannot be used is told before the first call, whoever will be asked.
            add_ca(&mut RootCertStore::empty(), path).map_err(|refusal| {
                Problem::usage(refusal.message).hint(refusal.hint.unwrap_or_default())
            })?;
        }
        Ok(Self {
            ca_files: limits.ca_files.clone(),
            proxies: Proxies::read(proxies),
            resolver: Arc::new(Resolver::new(sink)),
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
        let trusted = if is_checked || through_tls_proxy {
            self.trusted(key.trust.ca_file.as_deref().map(Path::new))?
        } else {
            TrustedCertificates::default()
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring serves the default protocol versions");
        let unchecked_host = key.unchecked_host.as_deref();
        let tls = Witness::trusting(tls, trusted, unchecked_host, &provider);
        let tls = key.trust.identify(tls, &provider)?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(key.connect_timeout)
            .tcp_nodelay(true)
            .dns_resolver(Arc::clone(&self.resolver))
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

    /// How calls to an endpoint get there.
    pub(super) fn route(&self, endpoint: &Endpoint) -> Route {
        self.proxies.route(endpoint)
    }

    /// What is wrong with variables that name proxies, whoever would use them.
    pub(super) fn proxy_problems(&self) -> Vec<Problem> {
        self.proxies.problems().cloned().collect()
    }

    /// Whom this machine trusts, whatever a profile adds.
    pub(super) fn authorities(&self) -> Authorities {
        let system = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (of_system, _) = roots.add_parsable_certificates(system.certs);
        for path in &self.ca_files {
            // They were read when the wire was made.
            let _ = add_ca(&mut roots, path);
        }
        Authorities {
            of_system,
            of_files: roots.len() - of_system,
            fault: system.errors.first().map(ToString::to_string),
        }
    }

    /// The system's store (or what `SSL_CERT_FILE` puts in its place) and the private CAs.
    fn trusted(&self, ca_file: Option<&Path>) -> Result<TrustedCertificates, Refusal> {
        let mut trusted = TrustedCertificates::default();
        let system = rustls_native_certs::load_native_certs().certs;
        trusted
            .roots
            .add_parsable_certificates(system.iter().cloned());
        trusted.exact = system;
        for path in self.ca_files.iter().map(PathBuf::as_path).chain(ca_file) {
            trusted.exact.extend(add_ca(&mut trusted.roots, path)?);
        }
        if trusted.roots.is_empty() {
            let mut refusal = Refusal::new(
                Category::Network,
                "this machine has no CA certificates, so no server can be trusted",
            );
            refusal.hint = Some("install the package ca-certificates, or set --ca-file".to_owned());
            refusal.fault = Some(Fault {
                kind: FaultKind::NoAuthorities,
                at_proxy: false,
            });
            return Err(refusal);
        }
        Ok(trusted)
    }
}

/// Adds the certificates of a file to the store, and gives them back.
fn add_ca(roots: &mut RootCertStore, path: &Path) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let wrong = |what: &str| {
        let mut refusal = Refusal::new(
            Category::Usage,
            format!("the CA file {} {what}", path.display()),
        );
        refusal.hint = Some("give a file with certificates in PEM form".to_owned());
        refusal
    };
    let data = fs::metadata(path).map_err(|_| wrong("cannot be read"))?;
    check_file(path, &data, false).map_err(|insecure| {
        let mut refusal = wrong(&insecure.reason);
        refusal.hint = Some(insecure.hint);
        refusal
    })?;
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|_| wrong("cannot be read"))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong("is no PEM file"))?;
    if certificates.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|_| wrong("holds a certificate that cannot be used"))?;
    }
    Ok(certificates)
}
