//! Emulates the clouds on one loopback port, for `demo`, for users' scripts and for tests.
//!
//! Each cloud's checks and responses are in a separate folder. This module contains the HTTP server, the clock, the
//! faults and the scenario.

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
pub use scenario::{Scenario, built_in_text};
pub use state::{EmulatedJob, LogLine, StateChange, Warning};

use crate::http::ServerTls;
use crate::providers::{self, Cloud};
use crate::settings::{NO_FILE, SettingRole};
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
    APIS.map(|(cloud, api)| (cloud.name(), api)).to_vec()
}

/// Returns the emulator of the cloud with this long name.
#[cfg(test)]
pub(crate) fn api(cloud: &str) -> Option<&'static dyn EmulatedApi> {
    let entry = APIS.into_iter().find(|(known, _)| known.name() == cloud);
    entry.map(|(_, api)| api)
}

/// Returns the operations of one cloud, or of all clouds.
fn operations(cloud: Option<&str>) -> impl Iterator<Item = &'static str> {
    let apis = APIS
        .into_iter()
        .filter(move |(known, _)| cloud.is_none_or(|name| name == known.name()));
    let kinds = apis.flat_map(|(_, api)| api.kinds());
    let routes = kinds.flat_map(|kind| kind.routes());
    routes.map(|route| route.operation)
}

/// The default port of `joblens emulate`, so that scripts can rely on it.
pub const DEFAULT_PORT: u16 = 7411;

/// A handled request, without headers and query, which may contain secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRecord {
    /// Method in upper case.
    pub method: String,
    /// Path, still percent-encoded, without the query.
    pub path: String,
    /// Long name of the cloud that received the request; `None` if none did.
    pub cloud: Option<&'static str>,
    /// The cloud's name of the operation.
    pub operation: Option<String>,
    /// HTTP status of the response.
    pub status: u16,
    /// Name of the fault that affected the request.
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

/// Callback that receives each access before its response is sent, in the order of the responses.
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
    /// Starts the clouds on a port of 127.0.0.1; with port 0, the system chooses a free one.
    ///
    /// Must be called inside a tokio runtime, which must then keep running.
    ///
    /// # Errors
    /// An error if the port cannot be used, such as `AddrInUse`.
    pub async fn start(scenario: Scenario, port: u16, log: AccessLog) -> io::Result<Self> {
        Self::start_with(scenario, port, None, log, clouds()).await
    }

    /// Starts the clouds over TLS.
    ///
    /// # Errors
    /// The errors of [`Emulator::start`].
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

    /// Returns the origin: `http://127.0.0.1:PORT`, or `https` with TLS.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Returns how often each operation was requested, as `cloud/operation`. `GET /_emulator/requests` returns the
    /// same counts.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.state.counts()
    }

    /// Closes all connections and releases the port.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The only possible error is that the task was stopped, as requested.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns the variables that make a run use the emulator at `origin` with the well-known test keys: all endpoints
/// of all clouds are set, and the variables of all other settings are empty, which counts as unset: they could provide
/// another credential or select other jobs.
pub fn environment(origin: &str) -> Vec<(String, String)> {
    APIS.into_iter()
        .flat_map(|(cloud, api)| variables(cloud, api, origin))
        .collect()
}

fn variables(cloud: &Cloud, api: &dyn EmulatedApi, origin: &str) -> Vec<(String, String)> {
    let schema = cloud.schema;
    // A metadata service does not use TLS. If the emulator does, these requests fail there and go nowhere else.
    let plain = origin.replacen("https:", "http:", 1);
    let endpoints = schema.all().filter(|spec| spec.is_endpoint());
    let endpoints = endpoints.map(|spec| match spec.key {
        "metadata_endpoint" => (schema.variable(spec.key), plain.as_str()),
        key => (schema.variable(key), origin),
    });
    let set = api.environment().iter();
    let set = set.map(|(name, value)| ((*name).to_owned(), *value));
    // The parts of a credential are only read from the variables of the cloud's tools.
    let own = schema
        .all()
        .filter(|spec| spec.role == SettingRole::Setting);
    let own = own.map(|spec| schema.variable(spec.key));
    let of_tools = schema.all().flat_map(|spec| spec.variables);
    let others = of_tools.map(ToString::to_string).chain(own);
    let others = others.map(|name| (name, ""));
    let mut variables: Vec<(String, String)> = Vec::new();
    for (name, value) in set.chain(endpoints).chain(others) {
        if variables.iter().all(|(known, _)| *known != name) {
            variables.push((name, value.to_owned()));
        }
    }
    variables
}

/// Returns the variables for a shell. They also reset a config file and profile that the user may have selected
/// and that could refer to the real clouds. With TLS, every cloud trusts the certificates in `ca_file`.
pub fn shell_environment(origin: &str, ca_file: Option<&str>) -> Vec<(String, String)> {
    let mut variables = environment(origin);
    let names = APIS.map(|(cloud, _)| cloud.schema.variable("ca_file"));
    let ca_variables = variables
        .iter_mut()
        .filter(|(name, _)| names.contains(name));
    for (_, value) in ca_variables {
        ca_file.unwrap_or_default().clone_into(value);
    }
    let others = [("JOBLENS_CONFIG", NO_FILE), ("JOBLENS_PROFILE", "")];
    variables.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}

#[cfg(test)]
mod tests;
