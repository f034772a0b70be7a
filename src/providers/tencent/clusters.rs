//! The clusters of a region, by pages.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Api, CLUSTERS, decode, service::SERVICE};
use crate::error::Problem;
use crate::model::ScopeSummary;
use crate::providers::api::Decoded;
use crate::providers::lenient::{Flag, Int, List, Required, Text, Timestamp};
use crate::providers::wall_clock::WallClock;
use crate::providers::{Cursor, GetOptions, ScopePage};
use crate::reference::Scope;

const MIB: i64 = 1 << 20;

/// What the list reports of a Tencent cluster.
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

/// Samples and clients have `clusters`, one table has `clusterSet`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClusterList {
    total_count: Int,
    clusters: Required<List<ClusterRow>>,
    cluster_set: Required<List<ClusterRow>>,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClusterRow {
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
    created_at: Timestamp,
    updated_at: Timestamp,
    region_id: Int,
    region: Text,
    #[serde(rename = "k8sVersion")]
    kubernetes_version: Text,
    cluster_external_endpoint: Text,
    project_id: Text,
    master_lb_subnet_id: Text,
    open_https: Flag,
}

/// How many clusters a page is asked to hold: as many as the cloud gives when nobody says, since
/// it does not document how many it would.
const PAGE_SIZE: usize = 20;

/// One page of the clusters of the region, newest first.
///
/// # Errors
/// What the cloud said, or what went wrong on the way.
pub(super) async fn list(
    api: &Api,
    profile: &str,
    at: Cursor,
    options: &GetOptions,
) -> Result<ScopePage, Problem> {
    let (offset, limit) = (at.offset.to_string(), PAGE_SIZE.to_string());
    let parameters = [("offset", offset.as_str()), ("limit", &limit)];
    let page = |body: &[u8]| decode_page(body, at, profile, &api.region, api.clock);
    let page = api.call(CLUSTERS, &parameters, options, page).await;
    page.map(Decoded::into_page)
}

/// Decodes the page at `at`; `region` is that of the profile.
fn decode_page(
    body: &[u8],
    at: Cursor,
    profile: &str,
    region: &str,
    clock: WallClock,
) -> Result<ScopePage, String> {
    let data: ClusterList = decode(body)?;
    let total = data.total_count.0;
    let rows = data.clusters.or(data.cluster_set);
    // Null stands for no clusters.
    let none = (rows == Required::Null).then_some(0);
    let rows = rows.rows("clusters", total.or(none))?;
    let mut notices = Vec::new();
    let times = rows.iter().map(|row| &row.created_at);
    clock.note_assumed("tencent", times, &mut notices);
    let page = ScopePage::from_rows(at, total, rows, |row| {
        let scope = Scope::at(&SERVICE, profile, &[row.cluster_id.trimmed()?])?;
        Some(row.into_scope(scope.to_string(), region, clock))
    });
    Ok(ScopePage { notices, ..page })
}

impl ClusterRow {
    fn into_scope(self, scope: String, region: &str, clock: WallClock) -> ScopeSummary {
        let details = ClusterDetails {
            description: self.description.0,
            kubernetes_version: self.kubernetes_version.0,
            os: self.os.0,
            node_count: self.node_num.0,
            node_status: self.node_status.0,
            cpu: self.total_cpu.0.map(|milli| milli as f64 / 1000.0),
            memory_bytes: self.total_mem.0.and_then(|mib| mib.checked_mul(MIB)),
            updated_at: clock.at(&self.updated_at),
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
            created_at: clock.at(&self.created_at),
            region: self.region.0.or_else(|| Some(region.to_owned())),
            details: Some(Arc::new(details)),
        }
    }
}

#[cfg(test)]
mod tests;
