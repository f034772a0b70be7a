use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::emulator::api::{Answer, EmulatedCall, EmulatedKind, Route};
use crate::emulator::pager::Pager;
use crate::emulator::state::china_time;
use crate::sort::SortExt as _;

/// The clusters of the scenario.
pub struct Clusters;

impl EmulatedKind for Clusters {
    fn routes(&self) -> &'static [Route] {
        const { &[Route::action("DescribeCluster")] }
    }

    /// One page of the clusters, newest first.
    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
        let page = Pager::rows(["offset", "limit"], 20, 0..=usize::MAX).page(call)?;
        let mut all = call.state.clusters(&["tencent/service"]);
        let status = call.parameter("status");
        all.retain(|_| status.is_none_or(|status| status == "Running"));
        all.order_by_key(|(_, created_at)| Reverse(*created_at));
        let total = all.len();
        let row = |(id, created_at)| {
            json!({
                "clusterId": id, "clusterName": id, "description": "", "status": "Running",
                "nodeNum": 2, "nodeStatus": "AllNormal", "totalCpu": 8000, "totalMem": 16384,
                "os": "ubuntu16.04.1 LTSx86_64",
                "createdAt": china_time(created_at), "updatedAt": china_time(created_at),
                "regionId": 1, "region": "ap-guangzhou", "k8sVersion": "1.8.13",
                "clusterExternalEndpoint": null,
            })
        };
        let rows: Vec<Value> = page.of(all).map(row).collect();
        call.data(json!({"totalCount": total, "clusters": rows}))
    }
}
