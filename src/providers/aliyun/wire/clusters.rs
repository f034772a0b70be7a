use std::sync::Arc;

use serde::Deserialize;

use super::details::{ClusterDetails, ClusterResources, NodeCounts};
use super::wrapped_list::WrappedList;
use crate::model::{ScopeSummary, Time};
use crate::providers::lenient::{self, Int, Num, OptionalObject, Text};
use crate::providers::{Cursor, ScopePage};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ClustersResponse {
    total_count: Int,
    clusters: Option<WrappedList<Row>>,
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
    create_time: Text,
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

/// Reads the page at `at` of an answer to ListClusters; `scope_of` makes a cluster's scope of its
/// id, `region` is that of the profile.
///
/// # Errors
/// What was expected of the answer, and where it was missed.
pub(in super::super) fn decode(
    body: &[u8],
    at: Cursor,
    region: Option<&str>,
    scope_of: impl Fn(&str) -> Option<String>,
) -> Result<ScopePage, String> {
    let wire: ClustersResponse = lenient::decode(body)?;
    let total = wire.total_count.0;
    let WrappedList(rows) = match (wire.clusters, total) {
        (Some(rows), _) => rows,
        (None, Some(0)) => WrappedList::default(),
        (None, _) => return Err("a list Clusters".to_owned()),
    };
    Ok(ScopePage::from_rows(at, total, rows, |row| {
        let scope = scope_of(row.id.trimmed()?)?;
        Some(row.into_scope(scope, region))
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
            created_at: self.create_time.trimmed().and_then(Time::from_rfc3339),
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
