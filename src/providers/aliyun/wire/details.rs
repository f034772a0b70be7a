use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Time;

/// `details` of an `aliyun/job`.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunJob")]
pub struct JobDetails {
    /// How many jobs the answer says it holds.
    pub total_count: Option<i64>,
    /// Index range as it was reported, for jobs that are no array jobs too.
    pub array_properties: Option<ArrayProperties>,
}

/// Index range, ends included.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct ArrayProperties {
    /// First index.
    pub start: Option<i64>,
    /// Last index.
    pub end: Option<i64>,
    /// Distance of two indices.
    pub step: Option<i64>,
}

/// `details` of a container group; null when the cloud reports nothing of it.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunContainerGroup")]
pub struct GroupDetails {
    /// When it succeeded.
    pub succeeded_at: Option<Time>,
    /// When it failed.
    pub failed_at: Option<Time>,
    /// When it ran out of its time, as a spot instance.
    pub expired_at: Option<Time>,
    /// What it is charged as.
    pub billing: Billing,
    /// Where it is connected.
    pub network: Network,
    /// RAM role of its instance.
    pub ram_role_name: Option<String>,
    /// Resource group.
    pub resource_group_id: Option<String>,
    /// Region.
    pub region_id: Option<String>,
    /// Kernel parameters that were set.
    pub sysctls: Vec<NameValue>,
}

/// What a container group is charged as.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Billing {
    /// `NoSpot`, `SpotWithPriceLimit` or `SpotAsPriceGo`.
    pub spot_strategy: Option<String>,
    /// Highest price an hour.
    pub spot_price_limit: Option<f64>,
    /// Discount as the cloud counts it.
    pub discount: Option<i64>,
}

/// Where a container group is connected.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Network {
    /// Virtual private cloud.
    pub vpc_id: Option<String>,
    /// Its switch.
    pub vswitch_id: Option<String>,
    /// Security group.
    pub security_group_id: Option<String>,
    /// Elastic network interface.
    pub eni_instance_id: Option<String>,
    /// The vendor's own side of the connection.
    pub tenant: Tenant,
    /// Name resolution.
    pub dns: Option<Box<Dns>>,
    /// Lines of its hosts file.
    pub host_aliases: Vec<HostAlias>,
}

/// The vendor's own side of the connection; documented as not open to users.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Tenant {
    /// Elastic network interface.
    pub eni_instance_id: Option<String>,
    /// Address of that interface.
    pub eni_ip: Option<String>,
    /// Security group.
    pub security_group_id: Option<String>,
    /// Switch.
    pub vswitch_id: Option<String>,
}

/// Name resolution of a container group.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Dns {
    /// Addresses of name servers.
    pub name_servers: Vec<String>,
    /// Options of the resolver.
    pub options: Vec<NameValue>,
    /// Domains that are searched.
    pub searches: Vec<String>,
}

/// A line of a hosts file.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct HostAlias {
    /// Address.
    pub ip: Option<String>,
    /// Names of that address.
    pub hostnames: Vec<String>,
}

/// A name and its value.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct NameValue {
    /// Name.
    pub name: Option<String>,
    /// Value.
    pub value: Option<String>,
}

/// `details` of an `aliyun/invocation`.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunInvocation")]
pub struct InvocationDetails {
    /// `known` when every node's exit code was read, else `unknown`.
    pub exit_codes: &'static str,
    /// What runs, with secrets in its arguments masked; only lists tell it.
    pub content: Option<String>,
    /// Longest time it may run; only lists tell it.
    pub timeout_seconds: Option<i64>,
    /// The folder it runs in; only lists tell it.
    pub working_dir: Option<String>,
}

/// `details` of a cluster.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunCluster")]
pub struct ClusterDetails {
    /// Text of its owner.
    pub description: Option<String>,
    /// Zone it lies in.
    pub zone_id: Option<String>,
    /// `PublicCloud`, `OnPremise` or the like.
    pub location: Option<String>,
    /// Scheduler, such as `slurm` or `pbs`.
    pub scheduler: Option<String>,
    /// Operating system of its nodes.
    pub os: Option<String>,
    /// `Standard`, `Advanced`, `Simple` or `Tiny`.
    pub deploy_mode: Option<String>,
    /// Version of E-HPC.
    pub ehpc_version: Option<String>,
    /// Compute nodes in all.
    pub node_count: Option<i64>,
    /// Compute nodes by how they are.
    pub computes: NodeCounts,
    /// Manager nodes by how they are.
    pub managers: NodeCounts,
    /// Login nodes, a JSON text of the cloud's own.
    pub login_nodes: Option<String>,
    /// What all compute nodes have.
    pub total_resources: ClusterResources,
    /// What of it is in use.
    pub used_resources: ClusterResources,
    /// Highest price an hour of its spot nodes.
    pub spot_price_limit: Option<f64>,
    /// Virtual private cloud.
    pub vpc_id: Option<String>,
    /// Its switch.
    pub vswitch_id: Option<String>,
}

/// Nodes of a cluster by how they are.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct NodeCounts {
    /// All of them.
    pub total: Option<i64>,
    /// Well.
    pub normal: Option<i64>,
    /// Not well.
    pub exception: Option<i64>,
    /// Being changed.
    pub operating: Option<i64>,
    /// Stopped.
    pub stopped: Option<i64>,
}

/// What the nodes of a cluster have, or use.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct ClusterResources {
    /// vCPU.
    pub cpu: Option<i64>,
    /// GPUs.
    pub gpu: Option<i64>,
    /// Memory in a unit that the cloud does not state.
    pub memory: Option<i64>,
}

/// `details` of a node of an invocation; null until its result was read.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunNode")]
pub struct NodeDetails {
    /// The cloud's own verdict; false with exit code 0 counts as failed.
    pub success: Option<bool>,
    /// State word of the result, which may differ from that of the status.
    pub record_status: Option<String>,
}
