use schemars::JsonSchema;
use serde::Serialize;

use super::{Resources, State, Time};

/// A container of a task.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Container {
    /// Name within the task.
    pub name: Option<String>,
    /// True for a container that runs before the others.
    pub init: bool,
    /// True for a container next to the main ones whose result does not count.
    #[serde(skip)]
    pub is_sidecar: bool,
    /// Image address.
    pub image: Option<String>,
    /// Image pull policy.
    pub image_pull_policy: Option<String>,
    /// Entry point.
    pub command: Vec<String>,
    /// Arguments; secrets are masked unless requested.
    pub args: Vec<String>,
    /// Working directory of the command.
    pub working_dir: Option<String>,
    /// Environment; values are masked unless requested.
    pub env: Vec<EnvVar>,
    /// Ports it listens on.
    pub ports: Vec<Port>,
    /// Volume mounts.
    pub mounts: Vec<Mount>,
    /// Health probes.
    pub probes: Probes,
    /// Security settings.
    pub security: Option<Box<Security>>,
    /// Allocated resources.
    pub resources: Resources,
    /// True when stdin stays open.
    pub stdin: Option<bool>,
    /// True when stdin is closed after the first client detaches.
    pub stdin_once: Option<bool>,
    /// True when it has a terminal.
    pub tty: Option<bool>,
    /// Normalised state.
    pub state: State,
    /// The cloud's value.
    pub state_raw: Option<String>,
    /// True when its readiness probe passes.
    pub ready: Option<bool>,
    /// Number of restarts.
    pub restart_count: Option<u64>,
    /// Exit code; null unless it has ended.
    pub exit_code: Option<i64>,
    /// Signal that ended it; 0 is null.
    pub signal: Option<i64>,
    /// Reason of the state as a short word.
    pub reason: Option<String>,
    /// Reason of the state in a sentence.
    pub message: Option<String>,
    /// The cloud's more detailed state.
    pub detail_status: Option<String>,
    /// When it began to run.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// The state before the last restart.
    pub previous: Option<Box<Termination>>,
}

/// A previous state of a container.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Termination {
    /// Normalised state.
    pub state: State,
    /// The cloud's value.
    pub state_raw: Option<String>,
    /// Exit code.
    pub exit_code: Option<i64>,
    /// Signal that ended it; 0 is null.
    pub signal: Option<i64>,
    /// Reason as a short word.
    pub reason: Option<String>,
    /// Reason in a sentence.
    pub message: Option<String>,
    /// The cloud's more detailed state.
    pub detail_status: Option<String>,
    /// When it began to run.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct EnvVar {
    /// Name, exactly as the cloud returned it.
    pub name: Option<String>,
    /// Value; masked unless secrets were requested.
    pub value: Option<String>,
    /// Field the value is taken from.
    pub value_from: Option<String>,
}

/// A port.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Port {
    /// Port number.
    pub port: Option<i64>,
    /// Protocol as the cloud writes it.
    pub protocol: Option<String>,
    /// URL at which it can be reached; the query part is masked unless secrets were requested.
    pub access_url: Option<String>,
}

/// A volume that is mounted in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Mount {
    /// Name of the volume.
    pub name: Option<String>,
    /// Path in the container.
    pub path: Option<String>,
    /// Path outside the container, on clouds that mount folders instead of volumes.
    pub source_path: Option<String>,
    /// The cloud's name of the mount type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Path inside the volume.
    pub sub_path: Option<String>,
    /// True when it is read-only.
    pub read_only: Option<bool>,
    /// Mount propagation.
    pub propagation: Option<String>,
}

/// Health probes of a container.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Probes {
    /// Restarts the container when this probe fails.
    pub liveness: Option<Box<Probe>>,
    /// Takes the container out of service when this probe fails.
    pub readiness: Option<Box<Probe>>,
}

/// One health probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Probe {
    /// Command to run.
    pub exec: Vec<String>,
    /// HTTP request to send.
    pub http: Option<HttpGet>,
    /// TCP connection to open.
    pub tcp: Option<TcpSocket>,
    /// Delay before the first probe.
    pub initial_delay_seconds: Option<i64>,
    /// Time between two probes.
    pub period_seconds: Option<i64>,
    /// Timeout of a probe.
    pub timeout_seconds: Option<i64>,
    /// Number of successive passes after which the container is healthy.
    pub success_threshold: Option<i64>,
    /// Number of successive failures after which the container is unhealthy.
    pub failure_threshold: Option<i64>,
}

/// HTTP request of a probe.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct HttpGet {
    /// Path.
    pub path: Option<String>,
    /// Port number.
    pub port: Option<i64>,
    /// `HTTP` or `HTTPS`.
    pub scheme: Option<String>,
}

/// TCP connection of a probe.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct TcpSocket {
    /// Host.
    pub host: Option<String>,
    /// Port number.
    pub port: Option<i64>,
}

/// Security settings of a container.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "SecurityContext")]
pub struct Security {
    /// Added capabilities.
    pub capabilities: Vec<String>,
    /// True when its root file system is read-only.
    pub read_only_root: Option<bool>,
    /// User id of its processes.
    pub run_as_user: Option<i64>,
}
