use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Resources, Time};

/// `details` of a `sugon/job`.
#[derive(Debug, Default, JsonSchema, Serialize)]
#[schemars(rename = "SugonJob")]
pub struct JobDetails {
    /// Name of the computing region; only present in lists.
    pub region_name: Option<String>,
    /// Name of the scheduler.
    pub scheduler_name: Option<String>,
    /// State word of the scheduler, such as `COMPLETED` or `OUT_OF_MEMORY`.
    pub scheduler_state: Option<String>,
    /// Application type of the submission, such as `BASIC`.
    pub app_type: Option<String>,
    /// Group of the user.
    pub group: Option<String>,
    /// Command, with secrets in its arguments masked; only present in the history.
    pub command: Option<String>,
    /// Working directory.
    pub work_dir: Option<String>,
    /// Path of the standard output.
    pub stdout_path: Option<String>,
    /// Path of the standard error.
    pub stderr_path: Option<String>,
    /// Nodes in the scheduler's format, such as `a01r1n[00-03]`.
    pub nodes: Option<String>,
    /// Number of nodes that the job requested or uses.
    pub node_count: Option<i64>,
    /// Time limit in seconds.
    pub time_limit_seconds: Option<i64>,
    /// Waiting time in the queue in seconds.
    pub wait_seconds: Option<i64>,
    /// Used CPU time in seconds.
    pub cpu_seconds: Option<i64>,
    /// Resources that the job uses or used.
    pub used: Resources,
    /// Signal that ended the job.
    pub signal: Option<i64>,
    /// Exit status of the platform; a value above 255 is not an exit code.
    pub exit_status: Option<i64>,
    /// When the job was entered into the history.
    pub booked_at: Option<Time>,
}
