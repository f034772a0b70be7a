//! The HTTP client: signs a request to a cloud, sends it within limits, and retries it as the cloud's `classify`
//! decides. No other module sends requests.

mod api_client;
mod body;
mod ca_store;
mod circuit_breaker;
mod client_certificate;
mod clients;
mod clock_offset;
mod concurrency_limit;
mod connection_settings;
mod connector;
mod credential_state;
mod deadline;
mod endpoint;
mod errors;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod html;
mod issuer;
mod lines;
mod no_proxy;
mod progress;
mod proxies;
mod rate_limiter;
mod recording;
mod request;
mod request_counts;
mod request_limits;
mod resolver;
mod response;
mod response_info;
mod retry;
mod server;
mod server_tls;
mod signed_request;
mod socks;
mod tls;
mod trusted;
mod tunnel;
mod verifier;
mod x509;

pub use api_client::ApiClient;
pub use circuit_breaker::UNREACHABLE_PREFIX;
pub use clock_offset::{ServerClocks, describe_offset, is_surely_past};
pub use connection_settings::{check_connection_settings, is_server_name};
pub use credential_state::KeyStates;
pub use deadline::Deadline;
pub use endpoint::Endpoint;
pub use errors::{CLIENT_CERTIFICATE_HINT, UNKNOWN_HOST_HINT};
pub use lines::{Chunks, LineError, Lines};
pub use proxies::{Route, check_proxy_url};
pub use recording::{Recorder, RecordingMasks, Replay, Session, Stopwatch};
pub use request::{Method, Request, Signer, SigningInstructions, encode_query, pairs};
pub use request_counts::RequestCount;
pub use response::{Response, excerpt};
pub use response_info::ResponseInfo;
pub use retry::{Classify, MAX_RETRY_AFTER, RequestError, RetryAction, exponential_backoff};
pub use server::{Handler, ResetConnection, ServerBody, ServerLimits, serve};
pub use server_tls::{PeerCertificate, ServerTls};
pub use tls::{ClientIdentity, check_ca, validate_tls};

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::Problem;
use crate::model::NoticeCode;
use crate::secret::Redactor;
use crate::sync::lock;
use clients::ClientPool;
use concurrency_limit::ConcurrencyLimit;
use request_counts::RequestCounts;

/// Value of the `User-Agent` header.
const USER_AGENT: &str = concat!("joblens/", env!("CARGO_PKG_VERSION"));

/// Limits and files that apply to the requests to every cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// Timeout of one attempt, from connection to the end of the response.
    pub request_timeout: Duration,
    /// Maximum size of a response body in bytes after decompression.
    pub max_body: u64,
    /// Maximum number of attempts per request.
    pub max_attempts: u32,
    /// Maximum concurrent requests per account.
    pub concurrency: usize,
    /// Allows plain HTTP beyond loopback.
    pub allow_http: bool,
    /// Minimum time between two requests of one account; `None` for a single check.
    pub min_interval: Option<Duration>,
    /// Number of requests of an account that may be sent at once before `min_interval` applies; at least 1.
    pub burst: u32,
    /// Time after which a rejected credential is tried again; `None` to never retry it. Clouds lock a key after a
    /// few rejections.
    pub auth_cooldown: Option<Duration>,
    /// State of the keys that several accounts share.
    pub key_states: KeyStates,
    /// Private CAs in addition to the system's store.
    pub ca_files: Vec<PathBuf>,
    /// The recording to write to or to replay from.
    pub session: Session,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            max_body: 64 << 20,
            max_attempts: 4,
            concurrency: 8,
            allow_http: false,
            min_interval: None,
            burst: 1,
            auth_cooldown: None,
            key_states: KeyStates::default(),
            ca_files: Vec::new(),
            session: Session::Live,
        }
    }
}

/// An event of the transport, for `-v`, for warnings and for a diagnosis. Secrets are already masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportEvent {
    /// A request or a response, as one line.
    Trace(String),
    /// A notice that is shown even without `-v`, with its code.
    Notice(NoticeCode, String),
    /// A host name was resolved to these addresses.
    DnsResolved {
        /// The host name.
        host: String,
        /// All its addresses, in the order in which they are tried.
        addresses: Vec<IpAddr>,
    },
    /// A response arrived, successful or not.
    Responded(ResponseInfo),
    /// An attempt of a request begins.
    Sending {
        /// Number of the request in this run.
        number: u64,
        /// The cloud that the request is sent to.
        cloud: &'static str,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// `true` if the cloud throttled the previous attempt.
        is_throttled: bool,
    },
    /// The request with this number has ended.
    Finished(u64),
}

/// Numbers of the CA certificates that this machine trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCounts {
    /// Certificates of the system's store, or of `SSL_CERT_FILE`, which replaces it.
    pub system: usize,
    /// Certificates of `--ca-file`.
    pub extra: usize,
    /// Error of a part of the store that could not be read.
    pub error: Option<String>,
}

/// Returns the current time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Receives the events of the transport.
pub type EventSink = Arc<dyn Fn(TransportEvent) + Send + Sync>;

/// State shared by all requests of a run: connections, options, the clock and the event sink.
pub struct Transport {
    options: ClientOptions,
    clock: Clock,
    sink: EventSink,
    clients: ClientPool,
    concurrency_limits: Mutex<HashMap<(&'static str, String), ConcurrencyLimit>>,
    requests_sent: AtomicU64,
    /// The number of the next request in the order of their start, for recordings.
    next_request: AtomicU64,
    counts: RequestCounts,
    /// Why the last attempt of each request in flight failed that is being repeated, by the number of the request.
    failed_attempts: Mutex<BTreeMap<u64, Problem>>,
    redactor: Redactor,
    server_clocks: ServerClocks,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Creates a transport. `environment` contains the variables that name proxies and CA certificates.
    ///
    /// # Errors
    /// A usage error if a file of `--ca-file` cannot be used.
    pub fn new(
        options: ClientOptions,
        environment: &[(String, String)],
        clock: Clock,
        sink: EventSink,
    ) -> Result<Arc<Self>, Problem> {
        let clients = ClientPool::new(&options, environment, &sink)?;
        let redactor = Redactor::default();
        redactor.add(&proxies::secrets(environment));
        Ok(Arc::new(Self {
            options,
            clock,
            sink,
            clients,
            concurrency_limits: Mutex::new(HashMap::new()),
            requests_sent: AtomicU64::new(0),
            next_request: AtomicU64::new(0),
            counts: RequestCounts::default(),
            failed_attempts: Mutex::default(),
            redactor,
            server_clocks: ServerClocks::default(),
        }))
    }

    /// Returns the options of this run.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Returns the time of this machine's clock.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// Returns the time by the servers' clocks if they agree that this machine's clock is wrong, else the local
    /// time.
    pub fn server_now(&self) -> DateTime<Utc> {
        self.server_clocks.correct(self.now())
    }

    /// Returns `true` if a time has passed; see [`ServerClocks::is_past`].
    pub fn is_past(&self, at: DateTime<Utc>) -> bool {
        self.server_clocks.is_past(at, self.now())
    }

    /// Returns the route of requests to an endpoint: direct or through a proxy.
    pub fn route(&self, endpoint: &Endpoint) -> Route {
        self.clients.route(endpoint)
    }

    /// Checks that the proxy settings of the environment allow a request to this URL.
    ///
    /// # Errors
    /// A usage error if the variable that names the proxy for this URL has an invalid value.
    pub fn check_route(&self, url: &str) -> Result<(), Problem> {
        let Ok(endpoint) = Endpoint::parse(url, &[], true) else {
            return Ok(());
        };
        match self.route(&endpoint) {
            Route::Unusable { problem } => Err(*problem),
            Route::Direct | Route::Bypassed(_) | Route::Proxied { .. } => Ok(()),
        }
    }

    /// Returns the problems of all proxy variables, even of those that no request uses.
    pub fn proxy_problems(&self) -> Vec<Problem> {
        self.clients.proxy_problems()
    }

    /// Counts the trusted CA certificates of this machine, without those of a profile. Reads the system's store.
    pub fn ca_counts(&self) -> CaCounts {
        self.clients.ca_counts()
    }

    /// Returns the number of requests sent so far; every attempt counts.
    pub fn requests_sent(&self) -> u64 {
        self.requests_sent.load(Ordering::Relaxed)
    }

    /// Returns the requests by cloud and operation, with the number of failed attempts.
    pub fn request_counts(&self) -> Vec<RequestCount> {
        self.counts.all()
    }

    /// Returns why the last attempt of a request of an account failed that is still being repeated; the newest request
    /// if there are several.
    pub fn failed_attempt(&self, cloud: &str, profile: &str) -> Option<Problem> {
        let failed_attempts = lock(&self.failed_attempts);
        let is_of_account = |problem: &&Problem| {
            problem.cloud.as_deref() == Some(cloud) && problem.profile.as_deref() == Some(profile)
        };
        failed_attempts.values().rev().find(is_of_account).cloned()
    }

    /// Returns the redactor that masks this run's secrets in everything that is derived from a response.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Masks the run's secrets in a problem before it is shown.
    pub fn mask(&self, problem: &mut Problem) {
        self.redactor.text(&mut problem.message);
        let values = [
            &mut problem.code,
            &mut problem.request_id,
            &mut problem.hint,
            &mut problem.reference,
            &mut problem.input,
        ];
        for value in values.into_iter().flatten() {
            self.redactor.masks().value(value);
        }
    }

    /// Reports a line that `-v` shows. It must not contain a secret.
    pub fn trace(&self, line: String) {
        self.emit(TransportEvent::Trace(line));
    }

    fn emit(&self, mut event: TransportEvent) {
        match &mut event {
            TransportEvent::Trace(text) | TransportEvent::Notice(_, text) => {
                self.redactor.text(text)
            }
            TransportEvent::Responded(response) => {
                self.server_clocks.record(response);
                response.mask(&self.redactor);
            }
            TransportEvent::DnsResolved { .. }
            | TransportEvent::Sending { .. }
            | TransportEvent::Finished(_) => {}
        }
        (self.sink)(event);
    }

    /// Returns the limit of an account. Each account has its own, so that a host that hangs delays no other account.
    fn concurrency_for(&self, cloud: &'static str, profile: &str) -> ConcurrencyLimit {
        let mut limits = lock(&self.concurrency_limits);
        let limit = limits.entry((cloud, profile.to_owned()));
        let new_limit = || ConcurrencyLimit::new(self.options.concurrency);
        limit.or_insert_with(new_limit).clone()
    }
}
