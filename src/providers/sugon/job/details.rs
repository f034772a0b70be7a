use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Resources, Time};

/// `details` of a `sugon/job`.
#[derive(Debug, Default, JsonSchema, Serialize)]
#[schemars(rename = "SugonJob")]
pub struct JobDetails {
    /// Name of the computing region; only lists report it.
    pub region_name: Option<String>,
    /// Name of the scheduler.
    pub scheduler_name: Option<String>,
    /// The scheduler's own word for the state: `COMPLETED`, `OUT_OF_MEMORY`.
    pub scheduler_state: Option<String>,
    /// The application it was submitted as: `BASIC`.
    pub app_type: Option<String>,
    /// Group of the user.
    pub group: Option<String>,
    /// What runs, with secrets in its arguments masked; only the history reports it.
    pub command: Option<String>,
    /// Folder in which it runs.
    pub work_dir: Option<String>,
    /// File of its standard output.
    pub stdout_path: Option<String>,
    /// File of its standard error.
    pub stderr_path: Option<String>,
    /// Its nodes as the scheduler writes them: `a01r1n[00-03]`.
    pub nodes: Option<String>,
    /// How many nodes it requested, or uses.
    pub node_count: Option<i64>,
    /// Seconds that it may run.
    pub time_limit_seconds: Option<i64>,
    /// Seconds that it waited in the queue.
    pub wait_seconds: Option<i64>,
    /// Seconds of CPU time that it used.
    pub cpu_seconds: Option<i64>,
    /// What it uses, or used.
    pub used: Resources,
    /// Signal that ended it.
    pub signal: Option<i64>,
    /// Exit status of the platform; above 255 it is not an exit code.
    pub exit_status: Option<i64>,
    /// When the history took it in.
    pub booked_at: Option<Time>,
}
