use schemars::JsonSchema;
use serde::Serialize;

use crate::providers::lenient::Words;
use crate::providers::prelude::*;

/// `details` of an `aliyun/job`.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunJob")]
pub struct JobDetails {
    /// Total number of jobs in the response.
    pub total_count: Option<i64>,
    /// Index range as reported, even for jobs that are not array jobs.
    pub array_properties: OptionalObject<ArrayProperties>,
}

/// Index range, including both ends.
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
    /// Difference between two consecutive indices.
    #[serde(rename(deserialize = "IndexStep"))]
    pub step: Int,
}

/// `details` of a container group; null if the cloud reports none.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunContainerGroup")]
pub struct GroupDetails {
    /// Time at which it succeeded.
    pub succeeded_at: Option<Time>,
    /// Time at which it failed.
    pub failed_at: Option<Time>,
    /// Time at which it expired, for a spot instance.
    pub expired_at: Option<Time>,
    /// Billing.
    pub billing: Billing,
    /// Network.
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

/// Billing of a container group.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Billing {
    /// `NoSpot`, `SpotWithPriceLimit` or `SpotAsPriceGo`.
    pub spot_strategy: Option<String>,
    /// Highest hourly price.
    pub spot_price_limit: Option<f64>,
    /// Discount, as the cloud writes it.
    pub discount: Option<i64>,
}

/// Network of a container group.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Network {
    /// Virtual private cloud.
    pub vpc_id: Option<String>,
    /// VSwitch.
    pub vswitch_id: Option<String>,
    /// Security group.
    pub security_group_id: Option<String>,
    /// Elastic network interface.
    pub eni_instance_id: Option<String>,
    /// The vendor's side of the connection.
    pub tenant: Tenant,
    /// Name resolution.
    pub dns: OptionalObject<Dns>,
    /// Lines of its `/etc/hosts` file.
    pub host_aliases: List<HostAlias>,
}

/// The vendor's side of the connection; documented as not available to users.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Tenant {
    /// Elastic network interface.
    pub eni_instance_id: Option<String>,
    /// Address of that interface.
    pub eni_ip: Option<String>,
    /// Security group.
    pub security_group_id: Option<String>,
    /// VSwitch.
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
    /// Search domains.
    pub searches: Words,
}

/// A line of a `/etc/hosts` file.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(!default)]
pub struct HostAlias {
    /// Address.
    pub ip: Text,
    /// Host names of that address.
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
