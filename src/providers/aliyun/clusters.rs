//! Lists the clusters of a region.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Api;
use super::hpc_job::HPC_JOB;
use super::products::{EHPC, EHPC_NEXT};
use crate::http::Method;
use crate::model::ScopeSummary;
use crate::providers::prelude::*;
use crate::providers::{ScopeListRequest, ScopePage};

/// Clusters per page, the maximum that the cloud allows.
const PAGE_SIZE: usize = 50;

/// `details` of a cluster.
#[derive(Debug, Default, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "AliyunCluster", !default)]
pub struct ClusterDetails {
    #[serde(skip_serializing)]
    #[schemars(skip)]
    id: Text,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    name: Text,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    status: Text,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    region_id: Text,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    create_time: Timestamp,
    /// Description that its owner wrote.
    pub description: Text,
    /// Availability zone.
    pub zone_id: Text,
    /// Location, such as `PublicCloud` or `OnPremise`.
    pub location: Text,
    /// Scheduler, such as `slurm` or `pbs`.
    #[serde(rename(deserialize = "SchedulerType"))]
    pub scheduler: Text,
    /// Operating system of its nodes.
    #[serde(rename(deserialize = "OsTag"))]
    pub os: Text,
    /// `Standard`, `Advanced`, `Simple` or `Tiny`.
    pub deploy_mode: Text,
    /// Version of E-HPC.
    pub ehpc_version: Text,
    /// Number of compute nodes.
    #[serde(rename(deserialize = "Count"))]
    pub node_count: Int,
    /// Number of compute nodes by status.
    pub computes: DefaultObject<NodeCounts>,
    /// Number of manager nodes by status.
    pub managers: DefaultObject<NodeCounts>,
    /// Login nodes, as JSON text from the cloud.
    pub login_nodes: Text,
    /// Resources of all compute nodes.
    pub total_resources: DefaultObject<ClusterResources>,
    /// Resources that are in use.
    pub used_resources: DefaultObject<ClusterResources>,
    /// Highest hourly price of its spot nodes.
    #[serde(rename(deserialize = "ComputeSpotPriceLimit"))]
    pub spot_price_limit: Num,
    /// Virtual private cloud.
    pub vpc_id: Text,
    /// VSwitch.
    #[serde(rename(deserialize = "VSwitchId"))]
    pub vswitch_id: Text,
}

/// Number of nodes of a cluster by status.
#[derive(Debug, Default, JsonSchema, Serialize, Deserialize)]
#[serde(default)]
#[schemars(!default)]
pub struct NodeCounts {
    /// All nodes.
    #[serde(rename(deserialize = "Total"))]
    pub total: Int,
    /// Nodes in normal status.
    #[serde(rename(deserialize = "NormalCount"))]
    pub normal: Int,
    /// Nodes in abnormal status.
    #[serde(rename(deserialize = "ExceptionCount"))]
    pub exception: Int,
    /// Nodes on which an operation runs.
    #[serde(rename(deserialize = "OperatingCount"))]
    pub operating: Int,
    /// Stopped nodes.
    #[serde(rename(deserialize = "StoppedCount"))]
    pub stopped: Int,
}

/// Resources that the nodes of a cluster have or use.
#[derive(Debug, Default, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(!default)]
pub struct ClusterResources {
    /// vCPU.
    pub cpu: Int,
    /// GPUs.
    pub gpu: Int,
    /// Memory, in a unit that the cloud does not document.
    pub memory: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    rename_all = "PascalCase",
    bound = "R: Default + Deserialize<'de>"
)]
struct ClustersResponse<R, const IS_WRAPPED: bool> {
    total_count: Int,
    clusters: Required<List<R, IS_WRAPPED>>,
}

/// A cluster of E-HPC NEXT.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NextCluster {
    cluster_id: Text,
    cluster_name: Text,
    cluster_status: Text,
    cluster_description: Text,
    cluster_category: Text,
    cluster_mode: Text,
    ehpc_version: Text,
    cluster_create_time: Timestamp,
    cluster_vpc_id: Text,
    cluster_v_switch_id: Text,
    manager: DefaultObject<Manager>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Manager {
    scheduler: DefaultObject<Scheduler>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scheduler {
    #[serde(rename = "Type")]
    scheduler_type: Text,
}

/// Lists one page of the region's clusters that contain jobs of a kind.
///
/// # Errors
/// An error of the cloud or the connection.
pub(super) async fn list(api: &Api, list: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
    let (product, method) = match is_next(list) {
        true => (&EHPC_NEXT, Method::Post),
        false => (&EHPC, Method::Get),
    };
    let (page, size) = (list.cursor.page.to_string(), PAGE_SIZE.to_string());
    let query = [("PageNumber", page.as_str()), ("PageSize", &size)];
    let request = api.request(product, "ListClusters", method, &query);
    let decode = |body: &[u8]| decode(body, list, api.region());
    let page = api.call(request, list.options, decode).await;
    page.map(Decoded::into_page)
}

/// Returns `true` for the clusters of E-HPC NEXT.
fn is_next(list: ScopeListRequest<'_>) -> bool {
    std::ptr::eq(list.listing.kinds[0], &HPC_JOB)
}

/// Decodes a page; `region` is that of the profile.
pub(super) fn decode(
    body: &[u8],
    list: ScopeListRequest<'_>,
    region: Option<&str>,
) -> Result<ScopePage, String> {
    match is_next(list) {
        true => decode_rows::<NextCluster, false>(body, list, region),
        false => decode_rows::<ClusterDetails, true>(body, list, region),
    }
}

fn decode_rows<R: DeserializeOwned + Default + Into<ClusterDetails>, const IS_WRAPPED: bool>(
    body: &[u8],
    list: ScopeListRequest<'_>,
    region: Option<&str>,
) -> Result<ScopePage, String> {
    let response: ClustersResponse<R, IS_WRAPPED> = lenient::decode_response(body)?;
    let total = response.total_count.0;
    let rows = response.clusters.rows("Clusters", total)?.into_iter();
    let rows: Vec<ClusterDetails> = rows.map(Into::into).collect();
    let read = |row: ClusterDetails, scope| row.into_scope(scope, region);
    Ok(list.page(total, rows, |row| row.id.trimmed(), read))
}

impl From<NextCluster> for ClusterDetails {
    fn from(cluster: NextCluster) -> Self {
        Self {
            id: cluster.cluster_id,
            name: cluster.cluster_name,
            status: cluster.cluster_status,
            create_time: cluster.cluster_create_time,
            description: cluster.cluster_description,
            scheduler: cluster.manager.0.scheduler.0.scheduler_type,
            deploy_mode: cluster.cluster_category,
            location: cluster.cluster_mode,
            ehpc_version: cluster.ehpc_version,
            vpc_id: cluster.cluster_vpc_id,
            vswitch_id: cluster.cluster_v_switch_id,
            ..Self::default()
        }
    }
}

impl ClusterDetails {
    fn into_scope(mut self, scope: String, region: Option<&str>) -> ScopeSummary {
        let region_id = self.region_id.0.take();
        ScopeSummary {
            scope,
            name: self.name.0.take(),
            status: self.status.trimmed().map(str::to_owned),
            created_at: self.create_time.utc(),
            region: region_id.or_else(|| region.map(str::to_owned)),
            details: Some(Arc::new(self)),
        }
    }
}
