use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ScopeSummary;
use crate::providers::lenient::{self, Flag, Int, List, OptionalObject, Text};
use crate::providers::wall_clock::WallClock;
use crate::providers::{Cursor, ScopePage};

const MIB: i64 = 1 << 20;

/// What the list tells of a Tencent cluster.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "TencentCluster")]
pub struct ClusterDetails {
    /// Text of its owner.
    pub description: Option<String>,
    /// Version of Kubernetes.
    pub kubernetes_version: Option<String>,
    /// Operating system of its nodes.
    pub os: Option<String>,
    /// Nodes in all.
    pub node_count: Option<i64>,
    /// `AllNormal`, `AllAbnormal` or `PartialAbnormal`.
    pub node_status: Option<String>,
    /// vCPU of all nodes.
    pub cpu: Option<f64>,
    /// Memory of all nodes.
    pub memory_bytes: Option<i64>,
    /// When it was last changed.
    pub updated_at: Option<crate::model::Time>,
    /// Address range of its containers.
    pub cidr: Option<String>,
    /// Address of its API from outside.
    pub external_endpoint: Option<String>,
    /// True when that address is open.
    pub is_https_open: Option<bool>,
    /// Virtual private cloud.
    pub vpc_id: Option<String>,
    /// The same in the cloud's older numbering.
    pub vpc_number: Option<i64>,
    /// Subnet of the load balancer before its masters.
    pub load_balancer_subnet_id: Option<String>,
    /// Project it is charged to.
    pub project_id: Option<String>,
    /// Number of the region.
    pub region_id: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope {
    code: Text,
    data: OptionalObject<Data>,
}

/// Samples and clients have `clusters`, one table has `clusterSet`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    total_count: Int,
    #[serde(deserialize_with = "lenient::deserialize_some")]
    clusters: Option<List<Row>>,
    #[serde(deserialize_with = "lenient::deserialize_some")]
    cluster_set: Option<List<Row>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Row {
    cluster_id: Text,
    cluster_name: Text,
    description: Text,
    #[serde(rename = "clusterCIDR")]
    cidr: Text,
    un_vpc_id: Text,
    vpc_id: Int,
    status: Text,
    node_num: Int,
    node_status: Text,
    total_cpu: Int,
    total_mem: Int,
    os: Text,
    created_at: Text,
    updated_at: Text,
    region_id: Int,
    region: Text,
    #[serde(rename = "k8sVersion")]
    kubernetes_version: Text,
    cluster_external_endpoint: Text,
    project_id: Text,
    master_lb_subnet_id: Text,
    open_https: Flag,
}

/// Reads the page at `at` of an answer that `classify` let pass; `scope_of` makes a cluster's scope
/// of its id, `region` is that of the profile.
///
/// # Errors
/// What was expected and not there.
pub fn decode(
    body: &[u8],
    at: Cursor,
    region: &str,
    clock: WallClock,
    scope_of: impl Fn(&str) -> Option<String>,
) -> Result<ScopePage, String> {
    let envelope: Envelope = lenient::decode(body)?;
    if envelope.code.trimmed() != Some("0") {
        return Err("code 0".to_owned());
    }
    let data = envelope.data.0.map(|data| *data).unwrap_or_default();
    let total = data.total_count.0;
    let none = (total == Some(0)).then(List::default);
    let rows = data.clusters.or(data.cluster_set).or(none);
    let List(rows) = rows.ok_or("a list clusters")?;
    let mut page = ScopePage::from_rows(at, total, rows, |row| {
        let scope = scope_of(row.cluster_id.trimmed()?)?;
        Some(row.into_scope(scope, region, clock))
    });
    let times: Vec<_> = page.rows.iter().map(|scope| scope.created_at).collect();
    clock.note_assumed("tencent", &times, &mut page.notices);
    Ok(page)
}

impl Row {
    fn into_scope(self, scope: String, region: &str, clock: WallClock) -> ScopeSummary {
        let details = ClusterDetails {
            description: self.description.0,
            kubernetes_version: self.kubernetes_version.0,
            os: self.os.0,
            node_count: self.node_num.0,
            node_status: self.node_status.0,
            cpu: self.total_cpu.0.map(|milli| milli as f64 / 1000.0),
            memory_bytes: self.total_mem.0.and_then(|mib| mib.checked_mul(MIB)),
            updated_at: clock.parse(&self.updated_at),
            cidr: self.cidr.0,
            external_endpoint: self.cluster_external_endpoint.0,
            is_https_open: self.open_https.0,
            vpc_id: self.un_vpc_id.0,
            vpc_number: self.vpc_id.0,
            load_balancer_subnet_id: self.master_lb_subnet_id.0,
            project_id: self.project_id.0,
            region_id: self.region_id.0,
        };
        ScopeSummary {
            scope,
            name: self.cluster_name.0,
            status: self.status.trimmed().map(str::to_owned),
            created_at: clock.parse(&self.created_at),
            region: self.region.0.or_else(|| Some(region.to_owned())),
            details: Some(Arc::new(details)),
        }
    }
}

#[cfg(test)]
mod tests;
