use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::crypto::sha256_hex;
use crate::emulator::api::{Answer, EmulatedCall, EmulatedError, EmulatedKind, Route};
use crate::emulator::state::{JobAt, china_time};

/// Services of a cluster.
pub struct Service;

const KIND: &str = "tencent/service";
const LIST: &str = "DescribeClusterService";
const INFO: &str = "DescribeClusterServiceInfo";
const NAMESPACES: &str = "DescribeClusterNameSpaces";
const EVENTS: &str = "DescribeServiceEvent";

impl EmulatedKind for Service {
    fn routes(&self) -> &'static [Route] {
        const {
            &[
                Route::action(EVENTS),
                Route::action(LIST),
                Route::action(INFO),
                Route::action(NAMESPACES),
            ]
        }
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
        let cluster = call.required("clusterId")?;
        let namespace = call.parameter("namespace").unwrap_or("default");
        match call.operation {
            LIST => return list(call, cluster, namespace),
            NAMESPACES => return list_namespaces(call, cluster),
            _ => {}
        }
        let view = call.find(KIND, &[cluster, namespace, call.required("serviceName")?])?;
        match call.operation {
            INFO => call.data(json!({"service": service(&view)})),
            _ => call.about(&view, || json!({"eventList": events(&view)})),
        }
    }
}

/// The services of one namespace or of all, which come without pages.
fn list(call: &EmulatedCall<'_>, cluster: &str, namespace: &str) -> Answer {
    if !call.state.has_cluster(KIND, cluster) {
        return Err(EmulatedError::NotFound);
    }
    let is_of_all = call.parameter("allnamespace") == Some("1");
    let mut rows = call.rows(KIND);
    rows.retain(|view| {
        let segments = &view.job.segments;
        segments[0] == cluster && (is_of_all || segments[1] == namespace)
    });
    call.data(json!({"services": rows.iter().map(service).collect::<Vec<_>>()}))
}

/// The namespaces of the services of a cluster, which come without pages.
fn list_namespaces(call: &EmulatedCall<'_>, cluster: &str) -> Answer {
    let rows = call.rows(KIND);
    let of_cluster = rows.iter().filter(|view| view.job.segments[0] == cluster);
    let mut names: Vec<&str> = of_cluster.map(|view| &*view.job.segments[1]).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Err(EmulatedError::NotFound);
    }
    let namespace = |name: &&str| json!({"name": name, "status": "Active", "description": ""});
    let namespaces: Vec<Value> = names.iter().map(namespace).collect();
    call.data(json!({"totalCount": names.len(), "namespaces": namespaces}))
}

/// What the cluster knows of a service.
fn service(view: &JobAt<'_>) -> Value {
    let parts = view.job.parts.max(1);
    let warnings = view.job.warnings.iter();
    let reasons: Map<_, _> = warnings.map(|w| (w.reason.clone(), json!(1))).collect();
    json!({
        "serviceName": view.id(), "namespace": view.job.segments[1],
        "status": if reasons.is_empty() { "Normal" } else { "Abnormal" }, "reasonMap": reasons,
        "createdAt": china_time(view.created_at),
        "currentReplicas": parts, "desiredReplicas": parts,
        "lbId": "", "lbStatus": "None", "externalIp": "",
    })
}

/// Warnings of the scenario, and for each pod the event of its start.
fn events(view: &JobAt<'_>) -> Vec<Value> {
    let pod = |part: usize| {
        let hash = sha256_hex(format!("{}/{part}", view.id()).as_bytes());
        format!("{}-{}-{}", view.id(), &hash[..10], &hash[10..15])
    };
    let warnings = view.warnings().map(|(warning, first_at)| {
        let repeated = TimeDelta::minutes((view.now - first_at).num_minutes());
        let last_at = first_at + repeated * i32::from(warning.count > 1);
        json!({
            "firstSeen": china_time(first_at), "lastSeen": china_time(last_at),
            "count": warning.count, "level": "Warning", "objType": "Pod", "objName": pod(1),
            "reason": warning.reason, "message": warning.message,
        })
    });
    let starts = (1..=view.job.parts.max(1)).map(|part| {
        let (pod, at) = (pod(part), china_time(view.created_at));
        json!({
            "firstSeen": at, "lastSeen": at,
            "count": 1, "level": "Normal", "objType": "Pod", "objName": pod, "reason": "pod调度成功",
            "message": format!("Successfully assigned {pod} to 10.0.0.{}", part % 250 + 1),
        })
    });
    warnings.chain(starts).collect()
}
