//! One call to a cloud: signed, sent, limited, and retried according to the cloud's own `classify`.
//! This is the only user of an HTTP client.

mod api_client;
mod attempt;
mod body;
mod ca_store;
mod circuit_breaker;
mod client_certificate;
mod clients;
mod clock_offset;
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
mod recording;
mod request;
mod request_counts;
mod resolver;
mod response;
mod response_info;
mod retry;
mod server;
mod server_tls;
mod socks;
mod tls;
mod trusted;
mod tunnel;
mod verifier;
mod x509;

pub use api_client::ApiClient;
pub use clock_offset::{ServerClocks, describe_offset, is_surely_past};
pub use credential_state::KeyStates;
pub use deadline::Deadline;
pub use endpoint::Endpoint;
pub use errors::{RAISE_MAX_BODY, UNKNOWN_HOST_HINT};
pub use lines::{Chunks, LineError, Lines};
pub use proxies::Route;
pub use recording::{Recorder, RecordingMasks, Replay, Session, Stopwatch};
pub use request::{Method, Request, Signer, SigningInstructions, encode_query, pairs};
pub use request_counts::RequestCount;
pub use response::{Response, excerpt};
pub use response_info::ResponseInfo;
pub use retry::{MAX_RETRY_AFTER, RequestError, RetryAction};
pub use server::{Handler, ResetConnection, ServerBody, ServerLimits, serve};
pub use server_tls::{PeerCertificate, ServerTls};
pub use tls::{ClientIdentity, check_ca, check_tls_files, validate_tls};

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::error::Problem;
use crate::model::NoticeCode;
use crate::secret::Redactor;
use crate::sync::lock;
use clients::ClientPool;
use request_counts::RequestCounts;

/// What this program calls itself.
const USER_AGENT: &str = concat!("joblens/", env!("CARGO_PKG_VERSION"));

/// Limits and files of the transport, for every cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// Time for one whole attempt.
    pub request_timeout: Duration,
    /// Bytes of a response's body, counted after decompression.
    pub max_body: u64,
    /// How often one call is sent at most.
    pub max_attempts: u32,
    /// Maximum concurrent requests per account.
    pub concurrency: usize,
    /// Allows plain HTTP beyond loopback.
    pub allow_http: bool,
    /// Shortest time between two calls of one account; none for a single check.
    pub min_interval: Option<Duration>,
    /// This many calls of an account may go out at once before `min_interval` applies; at least 1.
    pub burst: u32,
    /// After this time a refused credential is sent once more; `None` where it never is. Clouds lock a key after
    /// a few refusals.
    pub auth_cooldown: Option<Duration>,
    /// What is known of the keys that several accounts use.
    pub key_states: KeyStates,
    /// Private CAs in addition to the system's store.
    pub ca_files: Vec<PathBuf>,
    /// What the requests are recorded in, or answered from.
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

/// Something that happened on the wire, for `-v`, for warnings and for a diagnosis; secrets are
/// masked already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportEvent {
    /// A request or a response, as one line.
    Trace(String),
    /// A notice that is shown even without `-v`, with its code.
    Notice(NoticeCode, String),
    /// A host was found to have these addresses.
    DnsResolved {
        /// Its name.
        host: String,
        /// All of them, in the order in which they are tried.
        addresses: Vec<IpAddr>,
    },
    /// A response came, successful or not.
    Responded(ResponseInfo),
    /// An attempt of a request begins.
    Sending {
        /// Number of the request in this run.
        number: u64,
        /// The cloud it is for.
        cloud: &'static str,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// True when the cloud limited the attempt before.
        is_throttled: bool,
    },
    /// The request with this number has ended.
    Finished(u64),
}

/// How many certificates of CAs a machine trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaStore {
    /// Those of the system's store, or of what `SSL_CERT_FILE` puts in its place.
    pub system: usize,
    /// Those of `--ca-file`.
    pub extra: usize,
    /// What could not be read of the store.
    pub error: Option<String>,
}

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Where happenings go.
pub type EventSink = Arc<dyn Fn(TransportEvent) + Send + Sync>;

/// What all calls of a run share: connections, limits, the clock and the sink.
pub struct Transport {
    options: ClientOptions,
    clock: Clock,
    sink: EventSink,
    clients: ClientPool,
    slots: Mutex<HashMap<(&'static str, String), Arc<Semaphore>>>,
    calls: AtomicU64,
    requests: AtomicU64,
    counts: RequestCounts,
    redactor: Redactor,
    server_clocks: ServerClocks,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("limits", &self.options)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport that has not sent anything yet; `environment` contains the variables that name proxies and CA
    /// certificates.
    ///
    /// # Errors
    /// A usage error when a file of `--ca-file` cannot be used.
    pub fn new(
        limits: ClientOptions,
        environment: &[(String, String)],
        clock: Clock,
        sink: EventSink,
    ) -> Result<Arc<Self>, Problem> {
        let clients = ClientPool::new(&limits, environment, &sink)?;
        let redactor = Redactor::default();
        redactor.add(&proxies::secrets(environment));
        Ok(Arc::new(Self {
            options: limits,
            clock,
            sink,
            clients,
            slots: Mutex::new(HashMap::new()),
            calls: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            counts: RequestCounts::default(),
            redactor,
            server_clocks: ServerClocks::default(),
        }))
    }

    /// The limits of this run.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// The time as this machine has it.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// The time by the clocks of the servers that have answered, where they agree that this machine's is
    /// wrong.
    pub fn server_now(&self) -> DateTime<Utc> {
        self.server_clocks.correct(self.now())
    }

    /// True where a time is past, as [`ServerClocks::is_past`].
    pub fn is_past(&self, at: DateTime<Utc>) -> bool {
        self.server_clocks.is_past(at, self.now())
    }

    /// How calls to an endpoint get there.
    pub fn route(&self, endpoint: &Endpoint) -> Route {
        self.clients.route(endpoint)
    }

    /// Checks that the proxy settings of the environment allow a call to this URL.
    ///
    /// # Errors
    /// A usage error when the variable that names its proxy has a value that cannot be used.
    pub fn check_route(&self, url: &str) -> Result<(), Problem> {
        let Ok(endpoint) = Endpoint::parse(url, &[], true) else {
            return Ok(());
        };
        match self.route(&endpoint) {
            Route::Unusable { problem } => Err(*problem),
            Route::Direct | Route::Bypassed(_) | Route::Proxied { .. } => Ok(()),
        }
    }

    /// What is wrong with variables that name proxies, whoever would use them.
    pub fn proxy_problems(&self) -> Vec<Problem> {
        self.clients.proxy_problems()
    }

    /// The trusted CA certificates of this machine, without those of a profile. The store is read for it.
    pub fn ca_counts(&self) -> CaStore {
        self.clients.ca_counts()
    }

    /// How many calls were sent so far, every attempt counted.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The same by cloud and operation, with the attempts that failed.
    pub fn request_counts(&self) -> Vec<RequestCount> {
        self.counts.all()
    }

    /// What must not be shown of this run, in whatever a response leads to.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Masks the secrets of the run in a problem before it is shown.
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

    fn emit(&self, mut happening: TransportEvent) {
        match &mut happening {
            TransportEvent::Trace(text) | TransportEvent::Notice(_, text) => {
                self.redactor.text(text)
            }
            TransportEvent::Responded(heard) => {
                self.server_clocks.record(heard);
                heard.mask(&self.redactor);
            }
            TransportEvent::DnsResolved { .. }
            | TransportEvent::Sending { .. }
            | TransportEvent::Finished(_) => {}
        }
        (self.sink)(happening);
    }

    /// The places of an account, so that a host that hangs delays no other account.
    fn concurrency_for(&self, cloud: &'static str, profile: &str) -> Arc<Semaphore> {
        let mut slots = lock(&self.slots);
        let places = slots.entry((cloud, profile.to_owned()));
        Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(self.options.concurrency))))
    }
}
