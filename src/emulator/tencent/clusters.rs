use std::cmp::Reverse;

use crate::emulator::prelude::*;
use crate::sort::SortExt as _;

/// Routes of the clusters in the scenario.
pub static CLUSTERS: &[Route] = &[Route::action("DescribeCluster").to(list)];

/// Returns a page of the clusters, newest first.
fn list(call: &EmulatedCall<'_>) -> HandlerResult {
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
