use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use rustls::{ClientConfig, RootCertStore};

use super::proxies::ProxyConfig;
use super::resolver::Resolver;
use super::tls::{TlsConfig, add_ca};
use super::verifier::{RecordingVerifier, TrustedCertificates};
use super::{CaStore, ClientOptions, Endpoint, EventSink, RequestError, Route};
use crate::error::{Category, Problem, TransportFailure, TransportFailureKind};

/// What distinguishes HTTP clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    /// Needs TLS.
    pub https: bool,
    /// Talks past any proxy, as to this machine.
    pub bypasses_proxy: bool,
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// What the profile says of certificates.
    pub tls: TlsConfig,
    /// The host whose certificate is not checked.
    pub insecure_host: Option<String>,
}

/// HTTP clients, each made when it is first needed: reading the system's certificates takes longer
/// than a whole call over loopback, and on a machine without any even a plain call would fail.
pub(super) struct ClientPool {
    ca_files: Vec<PathBuf>,
    proxies: ProxyConfig,
    resolver: Arc<Resolver>,
    made: Mutex<HashMap<PoolKey, Client>>,
}

impl ClientPool {
    pub(super) fn new(
        limits: &ClientOptions,
        proxies: &[(String, String)],
        sink: &EventSink,
    ) -> Result<Self, Problem> {
        for path in &limits.ca_files {
            // A file that cannot be used is reported before the first call, whoever will be asked.
            add_ca(&mut RootCertStore::empty(), path).map_err(|refusal| {
                Problem::usage(refusal.message).with_hint(refusal.hint.unwrap_or_default())
            })?;
        }
        Ok(Self {
            ca_files: limits.ca_files.clone(),
            proxies: ProxyConfig::parse(proxies),
            resolver: Arc::new(Resolver::new(sink)),
            made: Mutex::default(),
        })
    }

    /// The client for a call.
    pub(super) fn get(&self, key: &PoolKey) -> Result<Client, RequestError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(key) {
            return Ok(client.clone());
        }
        let client = self.make(key)?;
        made.insert(key.clone(), client.clone());
        Ok(client)
    }

    fn make(&self, key: &PoolKey) -> Result<Client, RequestError> {
        let through_tls_proxy = !key.bypasses_proxy && self.proxies.any_https;
        let is_checked = key.https && key.insecure_host.is_none();
        let trusted = if is_checked || through_tls_proxy {
            self.trusted(key.tls.ca_file.as_deref().map(Path::new))?
        } else {
            TrustedCertificates::default()
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring serves the default protocol versions");
        let unchecked_host = key.insecure_host.as_deref();
        let tls = RecordingVerifier::install(tls, trusted, unchecked_host, &provider);
        let tls = key.tls.with_client_auth(tls, &provider)?;
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
        if !key.bypasses_proxy {
            for proxy in &self.proxies.list {
                builder = builder.proxy(proxy.clone());
            }
        }
        builder.build().map_err(|error| {
            RequestError::new(
                Category::Network,
                format!("cannot set up the HTTP client: {}", error.without_url()),
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
    pub(super) fn ca_counts(&self) -> CaStore {
        let system = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (of_system, _) = roots.add_parsable_certificates(system.certs);
        for path in &self.ca_files {
            // They were read when the wire was made.
            let _ = add_ca(&mut roots, path);
        }
        CaStore {
            system: of_system,
            extra: roots.len() - of_system,
            error: system.errors.first().map(ToString::to_string),
        }
    }

    /// The system's store (or what `SSL_CERT_FILE` puts in its place) and the private CAs.
    fn trusted(&self, ca_file: Option<&Path>) -> Result<TrustedCertificates, RequestError> {
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
            let mut refusal = RequestError::new(Category::Network, "no CA certificates found");
            refusal.hint = Some("install the ca-certificates package, or set --ca-file".to_owned());
            refusal.transport_failure = Some(TransportFailure {
                kind: TransportFailureKind::NoCaCertificates,
                at_proxy: false,
            });
            return Err(refusal);
        }
        Ok(trusted)
    }
}
