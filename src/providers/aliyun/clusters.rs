//! The clusters of a region, by pages.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Api;
use super::job::JOB;
use crate::error::Problem;
use crate::http::Method;
use crate::model::ScopeSummary;
use crate::providers::api::Decoded;
use crate::providers::lenient::{
    self, Int, Num, OptionalObject, Required, Text, Timestamp, WrappedList,
};
use crate::providers::{Cursor, GetOptions, ScopePage};
use crate::reference::Scope;

/// How many clusters a page is asked to hold; the cloud gives no more.
const PAGE_SIZE: usize = 50;

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

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ClustersResponse {
    total_count: Int,
    clusters: Required<WrappedList<Row>>,
}

/// `ClusterInfoSimple`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    id: Text,
    name: Text,
    description: Text,
    status: Text,
    region_id: Text,
    zone_id: Text,
    location: Text,
    scheduler_type: Text,
    os_tag: Text,
    deploy_mode: Text,
    ehpc_version: Text,
    create_time: Timestamp,
    vpc_id: Text,
    #[serde(rename = "VSwitchId")]
    vswitch_id: Text,
    count: Int,
    computes: OptionalObject<Counts>,
    managers: OptionalObject<Counts>,
    login_nodes: Text,
    total_resources: OptionalObject<ResourceCounts>,
    used_resources: OptionalObject<ResourceCounts>,
    compute_spot_price_limit: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Counts {
    total: Int,
    normal_count: Int,
    exception_count: Int,
    operating_count: Int,
    stopped_count: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResourceCounts {
    cpu: Int,
    gpu: Int,
    memory: Int,
}

/// One page of the clusters of the region.
///
/// # Errors
/// What the cloud said, or what went wrong on the way.
pub(super) async fn list(
    api: &Api,
    profile: &str,
    at: Cursor,
    options: &GetOptions,
) -> Result<ScopePage, Problem> {
    let (page, size) = (at.page.to_string(), PAGE_SIZE.to_string());
    let query = [("PageNumber", page.as_str()), ("PageSize", &size)];
    let decode = |body: &[u8]| decode(body, at, profile, api.region());
    let page = api.call("ListClusters", Method::Get, &query, options, decode);
    page.await.map(Decoded::into_page)
}

/// Decodes the page at `at`; `region` is that of the profile.
pub(super) fn decode(
    body: &[u8],
    at: Cursor,
    profile: &str,
    region: Option<&str>,
) -> Result<ScopePage, String> {
    let wire: ClustersResponse = lenient::decode_response(body)?;
    let total = wire.total_count.0;
    let rows = wire.clusters.rows("Clusters", total)?;
    Ok(ScopePage::from_rows(at, total, rows, |row| {
        let scope = Scope::at(&JOB, profile, &[row.id.trimmed()?])?;
        Some(row.into_scope(scope.to_string(), region))
    }))
}

impl Row {
    fn into_scope(self, scope: String, region: Option<&str>) -> ScopeSummary {
        let details = ClusterDetails {
            description: self.description.0,
            zone_id: self.zone_id.0,
            location: self.location.0,
            scheduler: self.scheduler_type.0,
            os: self.os_tag.0,
            deploy_mode: self.deploy_mode.0,
            ehpc_version: self.ehpc_version.0,
            node_count: self.count.0,
            computes: counts(self.computes),
            managers: counts(self.managers),
            login_nodes: self.login_nodes.0,
            total_resources: resources(self.total_resources),
            used_resources: resources(self.used_resources),
            spot_price_limit: self.compute_spot_price_limit.0,
            vpc_id: self.vpc_id.0,
            vswitch_id: self.vswitch_id.0,
        };
        ScopeSummary {
            scope,
            name: self.name.0,
            status: self.status.trimmed().map(str::to_owned),
            created_at: self.create_time.utc(),
            region: self.region_id.0.or_else(|| region.map(str::to_owned)),
            details: Some(Arc::new(details)),
        }
    }
}

fn counts(part: OptionalObject<Counts>) -> NodeCounts {
    let counts = part.0.map(|counts| *counts).unwrap_or_default();
    NodeCounts {
        total: counts.total.0,
        normal: counts.normal_count.0,
        exception: counts.exception_count.0,
        operating: counts.operating_count.0,
        stopped: counts.stopped_count.0,
    }
}

fn resources(part: OptionalObject<ResourceCounts>) -> ClusterResources {
    let resources = part.0.map(|resources| *resources).unwrap_or_default();
    ClusterResources {
        cpu: resources.cpu.0,
        gpu: resources.gpu.0,
        memory: resources.memory.0,
    }
}
