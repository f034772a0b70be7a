//! Lists the clusters of a region page by page.

use super::{Api, CLUSTERS, decode_ccs};
use crate::model::ScopeSummary;
use crate::providers::prelude::*;
use crate::providers::{ScopeListRequest, ScopePage};

const MIB: i64 = 1 << 20;

detail_structs! { "camelCase" =>
    /// Fields of a Tencent cluster in the list.
    #[schemars(rename = "TencentCluster")]
    ClusterDetails {
        /// Description from the owner.
        description: Text,
        /// Version of Kubernetes.
        #[serde(rename(deserialize = "k8sVersion"))]
        kubernetes_version: Text,
        /// Operating system of the nodes.
        os: Text,
        /// Number of nodes.
        #[serde(rename(deserialize = "nodeNum"))]
        node_count: Int,
        /// State of the nodes: `AllNormal`, `AllAbnormal` or `PartialAbnormal`.
        node_status: Text,
        /// Total number of vCPUs of the nodes.
        #[serde(skip_deserializing)]
        #[schemars(!skip_deserializing)]
        cpu: Option<f64>,
        /// Total memory of the nodes.
        #[serde(skip_deserializing)]
        #[schemars(!skip_deserializing)]
        memory_bytes: Option<i64>,
        /// Time of the last change.
        #[serde(skip_deserializing)]
        #[schemars(!skip_deserializing)]
        updated_at: Option<Time>,
        /// Address range of the containers.
        #[serde(rename(deserialize = "clusterCIDR"))]
        cidr: Text,
        /// External address of the Kubernetes API.
        #[serde(rename(deserialize = "clusterExternalEndpoint"))]
        external_endpoint: Text,
        /// True if the external address is open.
        #[serde(rename(deserialize = "openHttps"))]
        is_https_open: Flag,
        /// Id of the virtual private cloud.
        #[serde(rename(deserialize = "unVpcId"))]
        vpc_id: Text,
        /// Number of the virtual private cloud in the cloud's older numbering.
        #[serde(rename(deserialize = "vpcId"))]
        vpc_number: Int,
        /// Subnet of the load balancer in front of the masters.
        #[serde(rename(deserialize = "masterLbSubnetId"))]
        load_balancer_subnet_id: Text,
        /// Project that the cluster is charged to.
        project_id: Text,
        /// Number of the region.
        region_id: Int,
    } => {
        cluster_id: Text,
        cluster_name: Text,
        status: Text,
        region: Text,
        created_at: Timestamp,
        #[serde(rename(deserialize = "updatedAt"))]
        updated: Timestamp,
        total_cpu: Int,
        total_mem: Int,
    }
}

/// The field is `clusters` in samples and clients, but `clusterSet` in one table of the documentation.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClusterList {
    total_count: Int,
    clusters: Required<List<ClusterDetails>>,
    cluster_set: Required<List<ClusterDetails>>,
}

/// Requested page size in clusters. It is the cloud's default, because no maximum is documented.
const PAGE_SIZE: usize = 20;

/// Requests a page of the region's clusters, newest first.
///
/// # Errors
/// An error of the cloud or of the connection.
pub(super) async fn list(api: &Api, list: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
    let (offset, limit) = (list.cursor.offset.to_string(), PAGE_SIZE.to_string());
    let parameters = [("offset", offset.as_str()), ("limit", &limit)];
    let page = |body: &[u8]| decode_page(body, list, &api.region, api.clock);
    let page = api
        .call_ccs(CLUSTERS, &parameters, list.options, page)
        .await;
    page.map(Decoded::into_page)
}

/// Decodes a page; `region` is the profile's region.
fn decode_page(
    body: &[u8],
    list: ScopeListRequest<'_>,
    region: &str,
    clock: WallClock,
) -> Result<ScopePage, String> {
    let data: ClusterList = decode_ccs(body)?;
    let total = data.total_count.0;
    let rows = data.clusters.or(data.cluster_set);
    // Null means no clusters.
    let none = (rows == Required::Null).then_some(0);
    let rows = rows.rows("clusters", total.or(none))?;
    let mut notices = Vec::new();
    let times = rows.iter().map(|row| &row.created_at);
    clock.note_assumed("tencent", times, &mut notices);
    let read = |row: ClusterDetails, scope| row.into_scope(scope, region, clock);
    let page = list.page(total, rows, |row| row.cluster_id.trimmed(), read);
    Ok(ScopePage { notices, ..page })
}

impl ClusterDetails {
    fn into_scope(mut self, scope: String, region: &str, clock: WallClock) -> ScopeSummary {
        self.cpu = self.total_cpu.0.map(|milli| milli as f64 / 1000.0);
        self.memory_bytes = self.total_mem.0.and_then(|mib| mib.checked_mul(MIB));
        self.updated_at = clock.at(&self.updated);
        let own_region = self.region.0.take();
        ScopeSummary {
            scope,
            name: self.cluster_name.0.take(),
            status: self.status.trimmed().map(str::to_owned),
            created_at: clock.at(&self.created_at),
            region: own_region.or_else(|| Some(region.to_owned())),
            details: Some(Arc::new(self)),
        }
    }
}

#[cfg(test)]
mod tests;
