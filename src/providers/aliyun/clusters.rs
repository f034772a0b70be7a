//! The clusters of a region, by pages.

use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::hpc_job::HPC_JOB;
use super::job::JOB;
use super::products::{EHPC, EHPC_NEXT};
use crate::http::Method;
use crate::model::ScopeSummary;
use crate::providers::ScopePage;
use crate::providers::lenient::WrappedList;
use crate::providers::prelude::*;
use crate::reference::Scope;

/// The page size that is requested, in clusters; the cloud gives no more.
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
    /// Text of its owner.
    pub description: Text,
    /// Zone it is in.
    pub zone_id: Text,
    /// `PublicCloud`, `OnPremise` or the like.
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
    /// Compute nodes in all.
    #[serde(rename(deserialize = "Count"))]
    pub node_count: Int,
    /// Compute nodes by how they are.
    pub computes: DefaultObject<NodeCounts>,
    /// Manager nodes by how they are.
    pub managers: DefaultObject<NodeCounts>,
    /// Login nodes, a JSON text of the cloud's own.
    pub login_nodes: Text,
    /// What all compute nodes have.
    pub total_resources: DefaultObject<ClusterResources>,
    /// What of it is in use.
    pub used_resources: DefaultObject<ClusterResources>,
    /// Highest price an hour of its spot nodes.
    #[serde(rename(deserialize = "ComputeSpotPriceLimit"))]
    pub spot_price_limit: Num,
    /// Virtual private cloud.
    pub vpc_id: Text,
    /// Its switch.
    #[serde(rename(deserialize = "VSwitchId"))]
    pub vswitch_id: Text,
}

/// Nodes of a cluster by how they are.
#[derive(Debug, Default, JsonSchema, Serialize, Deserialize)]
#[serde(default)]
#[schemars(!default)]
pub struct NodeCounts {
    /// All of them.
    #[serde(rename(deserialize = "Total"))]
    pub total: Int,
    /// Well.
    #[serde(rename(deserialize = "NormalCount"))]
    pub normal: Int,
    /// Not well.
    #[serde(rename(deserialize = "ExceptionCount"))]
    pub exception: Int,
    /// Being changed.
    #[serde(rename(deserialize = "OperatingCount"))]
    pub operating: Int,
    /// Stopped.
    #[serde(rename(deserialize = "StoppedCount"))]
    pub stopped: Int,
}

/// What the nodes of a cluster have, or use.
#[derive(Debug, Default, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(!default)]
pub struct ClusterResources {
    /// vCPU.
    pub cpu: Int,
    /// GPUs.
    pub gpu: Int,
    /// Memory in a unit that the cloud does not state.
    pub memory: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ClustersResponse {
    total_count: Int,
    clusters: Required<WrappedList<ClusterDetails>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NextClustersResponse {
    total_count: Int,
    clusters: Required<List<NextCluster>>,
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

/// One page of the clusters of the region that have jobs of a kind.
///
/// # Errors
/// An error of the cloud or of the connection.
pub(super) async fn list(
    api: &Api,
    kind: &'static Kind,
    profile: &str,
    at: Cursor,
    options: &GetOptions,
) -> Result<ScopePage, Problem> {
    let is_next = std::ptr::eq(kind, &HPC_JOB);
    let (product, method) = match is_next {
        true => (&EHPC_NEXT, Method::Post),
        false => (&EHPC, Method::Get),
    };
    let (page, size) = (at.page.to_string(), PAGE_SIZE.to_string());
    let query = [("PageNumber", page.as_str()), ("PageSize", &size)];
    let request = api.product_request(product, "ListClusters", method, &query);
    let decode = |body: &[u8]| match is_next {
        true => decode_next(body, at, profile, api.region()),
        false => decode(body, at, profile, api.region()),
    };
    let page = api.client.call(&request, options.deadline, decode);
    page.await.map(Decoded::into_page)
}

/// Decodes the page at `at`; `region` is that of the profile.
pub(super) fn decode(
    body: &[u8],
    at: Cursor,
    profile: &str,
    region: Option<&str>,
) -> Result<ScopePage, String> {
    let response: ClustersResponse = lenient::decode_response(body)?;
    let total = response.total_count.0;
    let rows = response.clusters.rows("Clusters", total)?;
    Ok(ScopePage::from_rows(at, total, rows, |row| {
        let scope = Scope::at(&JOB, profile, &[row.id.trimmed()?])?;
        Some(row.into_scope(scope.to_string(), region))
    }))
}

/// The same for a page of E-HPC NEXT.
pub(super) fn decode_next(
    body: &[u8],
    at: Cursor,
    profile: &str,
    region: Option<&str>,
) -> Result<ScopePage, String> {
    let response: NextClustersResponse = lenient::decode_response(body)?;
    let total = response.total_count.0;
    let rows = response.clusters.rows("Clusters", total)?;
    Ok(ScopePage::from_rows(at, total, rows, |row| {
        let scope = Scope::at(&HPC_JOB, profile, &[row.cluster_id.trimmed()?])?;
        Some(row.into_details().into_scope(scope.to_string(), region))
    }))
}

impl NextCluster {
    fn into_details(self) -> ClusterDetails {
        ClusterDetails {
            name: self.cluster_name,
            status: self.cluster_status,
            create_time: self.cluster_create_time,
            description: self.cluster_description,
            scheduler: self.manager.0.scheduler.0.scheduler_type,
            deploy_mode: self.cluster_category,
            location: self.cluster_mode,
            ehpc_version: self.ehpc_version,
            vpc_id: self.cluster_vpc_id,
            vswitch_id: self.cluster_v_switch_id,
            ..ClusterDetails::default()
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
