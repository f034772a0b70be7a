use super::{EHPC, EHPC_NEXT, list, post};
use crate::emulator::prelude::*;
use crate::providers::aliyun::sign::timestamp;

/// Routes of the clusters in the scenario.
pub static CLUSTERS: &[Route] = &[
    Route::action("ListClusters")
        .only(&["GET"])
        .version(EHPC)
        .to(clusters),
    post(EHPC_NEXT, "ListClusters", next_clusters),
];

fn clusters(call: &EmulatedCall<'_>) -> HandlerResult {
    let row = |(id, created_at)| {
        json!({
            "Id": id, "Name": id, "Description": "", "Status": "running",
            "RegionId": "cn-hangzhou", "ZoneId": "cn-hangzhou-i",
            "SchedulerType": "slurm", "OsTag": "CentOS_7.6_64", "DeployMode": "Standard",
            "Location": "PublicCloud", "CreateTime": timestamp(created_at),
            "EhpcVersion": "1.0.0", "Count": 2,
            "Computes": {
                "Total": 2, "NormalCount": 2,
                "ExceptionCount": 0, "OperatingCount": 0, "StoppedCount": 0,
            },
            "TotalResources": {"Cpu": 16, "Gpu": 0, "Memory": 64},
            "UsedResources": {"Cpu": 4, "Gpu": 0, "Memory": 16},
        })
    };
    let all = call
        .state
        .clusters(&["aliyun/job", "aliyun/invocation", "aliyun/scheduler-job"]);
    list(
        call,
        &Pager::pages(10, 50),
        all,
        row,
        |rows| json!({"Clusters": {"ClusterInfoSimple": rows}}),
    )
}

/// Lists the clusters of E-HPC NEXT.
fn next_clusters(call: &EmulatedCall<'_>) -> HandlerResult {
    let row = |(id, created_at)| {
        json!({
            "ClusterId": id, "ClusterName": id, "ClusterDescription": "",
            "ClusterStatus": "running", "ClusterCategory": "Standard",
            "ClusterMode": "Integrated", "EhpcVersion": "2.0.0",
            "ClusterCreateTime": timestamp(created_at),
            "Manager": {"Scheduler": {"Type": "SLURM", "Version": "22.05.8"}},
        })
    };
    let all = call.state.clusters(&["aliyun/hpc-job"]);
    let wrap = |rows| json!({"Clusters": rows});
    list(call, &Pager::pages(10, 100), all, row, wrap)
}
