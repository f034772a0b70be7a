use serde_json::json;

use super::{EHPC, list};
use crate::emulator::api::{Answer, EmulatedCall, EmulatedKind, Route};
use crate::emulator::pager::Pager;
use crate::providers::aliyun::sign::timestamp;

/// The clusters of the scenario.
pub struct Clusters;

impl EmulatedKind for Clusters {
    fn routes(&self) -> &'static [Route] {
        const { &[Route::action("ListClusters").only(&["GET"]).version(EHPC)] }
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
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
        let all = call.state.clusters("aliyun/");
        list(
            call,
            &Pager::pages(10, 50),
            all,
            row,
            |rows| json!({"Clusters": {"ClusterInfoSimple": rows}}),
        )
    }
}
