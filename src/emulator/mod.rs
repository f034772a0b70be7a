//! The clouds on one loopback port: for `demo`, for people's scripts and for the tests.
//!
//! What each cloud checks and answers is in a folder of its own; here are the HTTP server, the clock,
//! the faults and the scenario around them.

mod aliyun;
mod api;
mod body;
mod clock;
mod faults;
mod huawei;
mod imds;
mod kubernetes;
mod message;
mod pager;
mod prelude;
mod scenario;
mod server;
mod state;
mod sugon;
mod tencent;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use clock::EmulatorClock;
pub use faults::{Effect, Fault};
pub use scenario::{BUILT_IN, Scenario};
pub use state::{EmulatedJob, LogLine, StateChange, Warning};

use crate::http::ServerTls;
use crate::providers::{self, Cloud};
use crate::settings::{NO_FILE, SOURCE};
pub(crate) use api::EmulatedApi;
use server::ServerState;

#[cfg(test)]
pub(crate) use {
    api::EmulatedError,
    message::{ServerRequest, ServerResponse},
    state::EmulatedState,
};

/// Every emulated cloud.
static APIS: [(&Cloud, &dyn EmulatedApi); 5] = [
    (&providers::aliyun::CLOUD, &aliyun::Gateway),
    (&providers::sugon::CLOUD, &sugon::ScNet),
    (&providers::huawei::CLOUD, &huawei::Gateway),
    (&providers::tencent::CLOUD, &tencent::Ccs),
    (&providers::kubernetes::CLOUD, &kubernetes::ApiServer),
];

fn clouds() -> Vec<(&'static str, &'static dyn EmulatedApi)> {
    APIS.map(|(cloud, api)| (cloud.name, api)).to_vec()
}

/// The emulator of the cloud with this long name.
#[cfg(test)]
pub(crate) fn api(cloud: &str) -> Option<&'static dyn EmulatedApi> {
    let found = APIS.into_iter().find(|(known, _)| known.name == cloud);
    found.map(|(_, api)| api)
}

/// The operations of a cloud, or of all.
fn operations(cloud: Option<&str>) -> impl Iterator<Item = &'static str> {
    let apis = APIS
        .into_iter()
        .filter(move |(known, _)| cloud.is_none_or(|name| name == known.name));
    let kinds = apis.flat_map(|(_, api)| api.kinds());
    let routes = kinds.flat_map(|kind| kind.routes());
    routes.map(|route| route.operation)
}

/// The port of `joblens emulate` when none is given, so that it is the same in scripts.
pub const DEFAULT_PORT: u16 = 7411;

/// A request that was answered, without headers and query, which may contain secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRecord {
    /// Method in upper case.
    pub method: String,
    /// Path, still percent-encoded, without the query.
    pub path: String,
    /// Long name of the cloud that took it; `None` when none did.
    pub cloud: Option<&'static str>,
    /// The cloud's name of the operation.
    pub operation: Option<String>,
    /// HTTP status of the response.
    pub status: u16,
    /// Word of the fault that hit it.
    pub fault: Option<&'static str>,
}

impl fmt::Display for AccessRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status, self.method, self.path)?;
        if let (Some(cloud), Some(operation)) = (self.cloud, &self.operation) {
            write!(f, " {cloud} {operation}")?;
        }
        match self.fault {
            Some(fault) => write!(f, " (fault: {fault})"),
            None => Ok(()),
        }
    }
}

/// Where accesses go: each before its answer is sent, in the order of the responses.
pub type AccessLog = Arc<dyn Fn(AccessRecord) + Send + Sync>;

/// A running emulator; it stops when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<ServerState>,
    accepting: JoinHandle<()>,
}

impl Emulator {
    /// Starts the clouds on a port of 127.0.0.1; port 0 takes a free one.
    ///
    /// Must be called inside a tokio runtime, which then has to be kept running.
    ///
    /// # Errors
    /// The port cannot be used, such as `AddrInUse`.
    pub async fn start(scenario: Scenario, port: u16, log: AccessLog) -> io::Result<Self> {
        Self::start_with(scenario, port, None, log, clouds()).await
    }

    /// The same over TLS.
    ///
    /// # Errors
    /// As [`Emulator::start`].
    pub async fn start_tls(
        scenario: Scenario,
        port: u16,
        tls: ServerTls,
        log: AccessLog,
    ) -> io::Result<Self> {
        Self::start_with(scenario, port, Some(tls), log, clouds()).await
    }

    async fn start_with(
        scenario: Scenario,
        port: u16,
        tls: Option<ServerTls>,
        log: AccessLog,
        clouds: Vec<(&'static str, &'static dyn EmulatedApi)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(ServerState::new(scenario, clouds, log));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let accepting = tokio::spawn(server::serve(listener, tls, Arc::clone(&state)));
        Ok(Self {
            address,
            scheme,
            state,
            accepting,
        })
    }

    /// `http://127.0.0.1:PORT`, with `https` over TLS.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// How often each operation was requested, as `cloud/operation`; the same that `GET
    /// /_emulator/requests` answers.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.state.counts()
    }

    /// Ends every connection and gives the port back.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The only error is that the task was stopped, which is what was requested.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Variables that make a run use the emulator at `origin`, with the well-known test keys: every
/// endpoint of every cloud is set, and every variable that would give another credential is empty,
/// which counts as unset.
pub fn environment(origin: &str) -> Vec<(String, String)> {
    APIS.into_iter()
        .flat_map(|(cloud, api)| variables(cloud, api, origin))
        .collect()
}

fn variables(cloud: &Cloud, api: &dyn EmulatedApi, origin: &str) -> Vec<(String, String)> {
    let keys = cloud.settings_schema();
    // A metadata service has no TLS: over TLS its requests fail at the emulator, and go nowhere else.
    let plain = origin.replacen("https:", "http:", 1);
    let endpoints = keys.all().filter(|spec| spec.is_endpoint());
    let endpoints = endpoints.map(|spec| match spec.key {
        "metadata_endpoint" => (keys.variable(spec.key), plain.as_str()),
        key => (keys.variable(key), origin),
    });
    let set = api.environment().iter();
    let set = set.map(|(name, value)| ((*name).to_owned(), *value));
    let credentials = keys.credential_keys().flat_map(|spec| spec.variables);
    let host_lists = keys.all().filter(|spec| spec.is_host_list());
    let others = credentials.map(ToString::to_string);
    let others = others.chain(host_lists.map(|spec| keys.variable(spec.key)));
    let others = others.chain([keys.variable(SOURCE)]).map(|name| (name, ""));
    let mut variables: Vec<(String, String)> = Vec::new();
    for (name, value) in set.chain(endpoints).chain(others) {
        if variables.iter().all(|(known, _)| *known != name) {
            variables.push((name, value.to_owned()));
        }
    }
    variables
}

/// The same for a shell, in which people may have chosen a config file and a profile: both may name
/// the real clouds. Over TLS, every cloud trusts the certificates of a file.
pub fn shell_environment(origin: &str, ca_file: Option<&str>) -> Vec<(String, String)> {
    let mut variables = environment(origin);
    for (cloud, _) in APIS.iter().filter(|_| ca_file.is_some()) {
        let name = cloud.settings_schema().variable("ca_file");
        variables.push((name, ca_file.unwrap_or_default().to_owned()));
    }
    let others = [("JOBLENS_CONFIG", NO_FILE), ("JOBLENS_PROFILE", "")];
    variables.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}

#[cfg(test)]
mod tests;
