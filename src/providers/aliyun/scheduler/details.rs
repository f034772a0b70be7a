use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Resources;

/// `details` of an `aliyun/hpc-job` or `aliyun/scheduler-job`.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "AliyunHpcJob")]
pub struct SchedulerJobDetails {
    /// Command, with secrets in its arguments masked; lists do not report it.
    pub command: Option<String>,
    /// Comment of its owner or of the scheduler; only lists report it.
    pub comment: Option<String>,
    /// File of its standard output.
    pub stdout_path: Option<String>,
    /// File of its standard error.
    pub stderr_path: Option<String>,
    /// Its nodes as the scheduler writes them: `compute[002,005]`.
    pub nodes: Option<String>,
    /// Number of nodes it requested.
    pub node_count: Option<i64>,
    /// Resources it uses or used.
    pub used: Resources,
    /// Number of nodes it uses or used.
    pub used_node_count: Option<i64>,
    /// Id of the array job it belongs to.
    pub array_job_id: Option<String>,
    /// Indices of the array job as they were submitted: `1-5:2`.
    pub array_request: Option<String>,
    /// Environment variables; values are masked.
    pub variables: BTreeMap<String, Option<String>>,
    /// JSON text with the scheduler's own record.
    pub extra_info: Option<String>,
}
