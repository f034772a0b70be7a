use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Container, Details, Resources, State, TaskDetails, Time};

/// A part of a job: a container group, a sub-job, a node of an invocation.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Task {
    /// The cloud's id.
    pub id: Option<String>,
    /// Name given by its owner.
    pub name: Option<String>,
    /// `container_group`, `subtask`, `sub_job`, `node`, `notebook`, `pod`, `executor`, `task`,
    /// `task_instance`.
    pub kind: String,
    /// Normalised state.
    pub state: State,
    /// The cloud's value.
    pub state_raw: Option<String>,
    /// True when the state can no longer change by itself.
    pub ended: bool,
    /// Reason of the state as a short word or code.
    pub reason: Option<String>,
    /// Reason of the state in a sentence.
    pub message: Option<String>,
    /// Exit code; null unless it has ended.
    pub exit_code: Option<i64>,
    /// When it was created.
    pub created_at: Option<Time>,
    /// When it began to run.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Allocated resources.
    pub resources: Resources,
    /// Network addresses.
    pub addresses: Vec<Address>,
    /// Node it runs on.
    pub node: Option<String>,
    /// Zone it runs in.
    pub zone: Option<String>,
    /// Machine type.
    pub instance_type: Option<String>,
    /// Restart policy of its containers.
    pub restart_policy: Option<String>,
    /// Labels or tags.
    pub labels: BTreeMap<String, Option<String>>,
    /// Its containers, init containers first.
    pub containers: Vec<Container>,
    /// Its volumes.
    pub volumes: Vec<Volume>,
    /// The index of a pod in an Indexed job.
    #[serde(skip)]
    pub index: Option<i64>,
    /// Fields that only this kind has.
    #[schemars(with = "TaskDetails")]
    pub details: Option<Arc<dyn Details>>,
}

/// A network address of a task.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "NetworkAddress")]
pub struct Address {
    /// `public`, `private` or `ipv6`.
    pub kind: String,
    /// The address as the cloud writes it.
    pub address: String,
}

impl Address {
    /// Returns an address within the cloud's network.
    pub fn private(address: String) -> Self {
        Self {
            kind: "private".to_owned(),
            address,
        }
    }
}

/// A volume, with every type of source that the cloud filled.
// The types are boxed, since most volumes have only one of them.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Volume {
    /// Name that mounts refer to.
    pub name: Option<String>,
    /// The cloud's name of the type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Network share.
    pub nfs: Option<Box<Nfs>>,
    /// An empty folder that is deleted with the task.
    pub empty_dir: Option<Box<EmptyDir>>,
    /// Files generated from the job's description.
    pub config_files: Vec<ConfigFile>,
    /// A disk.
    pub disk: Option<Box<Disk>>,
    /// Volume of a driver.
    pub flex: Option<Box<Flex>>,
}

/// A network share.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Nfs {
    /// Host of the server.
    pub server: Option<String>,
    /// Exported path.
    pub path: Option<String>,
    /// True when it is read-only.
    pub read_only: Option<bool>,
}

/// An empty folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct EmptyDir {
    /// Where it is stored, such as `Memory`.
    pub medium: Option<String>,
    /// Size limit as the cloud writes it.
    pub size_limit: Option<String>,
}

/// A file generated from the job's description.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct ConfigFile {
    /// Path below the mount.
    pub path: Option<String>,
    /// Content; masked unless secrets were requested.
    pub content: Option<String>,
}

/// A disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Disk {
    /// The cloud's id.
    pub id: Option<String>,
    /// File system.
    pub fs_type: Option<String>,
}

/// A volume of a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "FlexVolume")]
pub struct Flex {
    /// Driver's name.
    pub driver: Option<String>,
    /// File system.
    pub fs_type: Option<String>,
    /// Driver's options; masked unless secrets were requested.
    pub options: Option<String>,
}
