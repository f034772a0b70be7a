use schemars::JsonSchema;
use serde::Serialize;

use crate::providers::lenient::Words;
use crate::providers::prelude::*;

/// `details` of an `aliyun/job`.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunJob")]
pub struct JobDetails {
    /// Number of jobs that the response reports.
    pub total_count: Option<i64>,
    /// Index range as reported, also for jobs that are not array jobs.
    pub array_properties: OptionalObject<ArrayProperties>,
}

/// Index range, ends included.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default)]
#[schemars(!default)]
pub struct ArrayProperties {
    /// First index.
    #[serde(rename(deserialize = "IndexStart"))]
    pub start: Int,
    /// Last index.
    #[serde(rename(deserialize = "IndexEnd"))]
    pub end: Int,
    /// Distance of two indices.
    #[serde(rename(deserialize = "IndexStep"))]
    pub step: Int,
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
    pub sysctls: List<NameValue>,
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
    pub dns: OptionalObject<Dns>,
    /// Lines of its hosts file.
    pub host_aliases: List<HostAlias>,
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
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(!default)]
pub struct Dns {
    /// Addresses of name servers.
    pub name_servers: Words,
    /// Options of the resolver.
    pub options: List<NameValue>,
    /// Domains that are searched.
    pub searches: Words,
}

/// A line of a hosts file.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(!default)]
pub struct HostAlias {
    /// Address.
    pub ip: Text,
    /// Names of that address.
    pub hostnames: Words,
}

/// A name and its value.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(!default)]
pub struct NameValue {
    /// Name.
    pub name: Text,
    /// Value.
    pub value: Text,
}
