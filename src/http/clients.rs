use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use super::ca_store::SystemStore;
use super::connector::Connector;
use super::proxies::ProxyConfig;
use super::resolver::Resolver;
use super::tls::{TlsConfig, ca_of_data, read_ca};
use super::trusted::TrustedCertificates;
use super::verifier::{RecordingVerifier, TrustStore};
use super::{CaCounts, ClientOptions, Endpoint, EventSink, RequestError, Route, ca_store};
use crate::error::{Category, Problem, TransportFailure, TransportFailureKind};
use crate::secret::Secret;
use crate::sync::lock;

/// A client with its open connections.
pub(super) type HttpClient = Client<Connector, Full<Bytes>>;

/// Time after which an unused connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The properties that require a separate HTTP client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PoolKey {
    /// Uses TLS.
    pub https: bool,
    /// Bypasses any proxy, as for services of this machine.
    pub bypasses_proxy: bool,
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// The profile's settings for certificates.
    pub tls: TlsConfig,
    /// The profile's proxy, which replaces those of the environment.
    pub proxy_url: Option<Secret>,
    /// The host whose certificate is not checked.
    pub insecure_host: Option<String>,
}

/// HTTP clients, created on first use: reading the system's certificates takes longer than a whole request over
/// loopback, and on a machine without certificates even a plain request would fail.
pub(super) struct ClientPool {
    ca_files: Vec<PathBuf>,
    system: Arc<SystemStore>,
    proxies: Arc<ProxyConfig>,
    resolver: Resolver,
    clients: Mutex<HashMap<PoolKey, HttpClient>>,
}

impl ClientPool {
    pub(super) fn new(
        options: &ClientOptions,
        environment: &[(String, String)],
        sink: &EventSink,
    ) -> Result<Self, Problem> {
        for path in &options.ca_files {
            // A file that cannot be used is reported before the first request, even if no request would use it.
            read_ca(path).map_err(|error| {
                Problem::usage(error.message).with_hint(error.hint.unwrap_or_default())
            })?;
        }
        Ok(Self {
            ca_files: options.ca_files.clone(),
            system: Arc::new(SystemStore::new(environment)),
            proxies: Arc::new(ProxyConfig::parse(environment)),
            resolver: Resolver::new(sink),
            clients: Mutex::default(),
        })
    }

    /// Returns the client for a request.
    pub(super) fn get(&self, key: &PoolKey) -> Result<HttpClient, RequestError> {
        let mut made = lock(&self.clients);
        if let Some(client) = made.get(key) {
            return Ok(client.clone());
        }
        let client = self.make(key)?;
        made.insert(key.clone(), client.clone());
        Ok(client)
    }

    fn make(&self, key: &PoolKey) -> Result<HttpClient, RequestError> {
        let account_proxies = key.proxy_url.as_ref();
        let account_proxies =
            account_proxies.map(|url| Arc::new(ProxyConfig::from_url(url.expose())));
        let proxies = account_proxies.as_ref().unwrap_or(&self.proxies);
        let through_tls_proxy = !key.bypasses_proxy && proxies.has_https_proxy();
        let is_checked = key.https && key.insecure_host.is_none();
        let trusted = if is_checked || through_tls_proxy {
            match &key.tls.ca_data {
                Some(data) => vec![TrustStore::Loaded(ca_of_data(data)?)],
                None => self.trusted(key.tls.ca_file.as_deref().map(Path::new))?,
            }
        } else {
            Vec::new()
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring serves the default protocol versions");
        let insecure_host = key.insecure_host.as_deref();
        let tls = RecordingVerifier::install(tls, trusted, insecure_host, &provider);
        let tls = key.tls.with_client_auth(tls, &provider)?;
        let connector = Connector {
            resolver: self.resolver.clone(),
            proxies: (!key.bypasses_proxy).then(|| Arc::clone(proxies)),
            server_name: key.tls.server_name.clone(),
            tls: Arc::new(tls),
            timeout: key.connect_timeout,
        };
        Ok(Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector))
    }

    /// Returns the proxies that the environment configures.
    pub(super) fn proxies(&self) -> &ProxyConfig {
        &self.proxies
    }

    /// Returns the route of requests to an endpoint.
    pub(super) fn route(&self, endpoint: &Endpoint) -> Route {
        self.proxies.route(endpoint)
    }

    /// Returns the problems of all proxy variables, even of those that no request uses.
    pub(super) fn proxy_problems(&self) -> Vec<Problem> {
        self.proxies.problems().cloned().collect()
    }

    /// Counts the trusted CA certificates of this machine, without those of a profile.
    pub(super) fn ca_counts(&self) -> CaCounts {
        let system = self.system.all();
        let mut roots = RootCertStore::empty();
        let (of_system, _) = roots.add_parsable_certificates(system.certificates);
        for path in &self.ca_files {
            // They were read when the transport was created.
            let certificates = read_ca(path).unwrap_or_default();
            roots.add_parsable_certificates(certificates);
        }
        CaCounts {
            system: of_system,
            extra: roots.len() - of_system,
            error: system.problem,
        }
    }

    /// Returns the private CAs, then the system's store or the file of `SSL_CERT_FILE` that replaces it. Of the
    /// latter, only enough is read here to know that any CA is trusted.
    fn trusted(&self, ca_file: Option<&Path>) -> Result<Vec<TrustStore>, RequestError> {
        let mut named = TrustedCertificates::default();
        for path in self.ca_files.iter().map(PathBuf::as_path).chain(ca_file) {
            named.add(read_ca(path)?);
        }
        let is_empty = |part| TrustedCertificates::of_system(&self.system, part).is_empty();
        if named.is_empty() && (0..SystemStore::PARTS).all(is_empty) {
            return Err(self.no_certificates());
        }
        let parts = 0..SystemStore::PARTS;
        let system = parts.map(|part| TrustStore::System(Arc::clone(&self.system), part));
        let named = std::iter::once(TrustStore::Loaded(named));
        Ok(named.chain(system).collect())
    }

    fn no_certificates(&self) -> RequestError {
        let (message, hint) = match &self.system.part(0).problem {
            Some(problem) => (
                format!("no CA certificates found: {problem}"),
                ca_store::FIX,
            ),
            None => (
                "no CA certificates found".to_owned(),
                "install the ca-certificates package, or set --ca-file",
            ),
        };
        let mut error = RequestError::new(Category::Network, message).with_hint(hint);
        error.transport_failure = Some(TransportFailure::direct(
            TransportFailureKind::NoCaCertificates,
        ));
        error
    }
}
