use crate::emulator::prelude::*;
use serde_json::Map;

/// Routes of a cluster's services.
pub static SERVICE: &[Route] = &[
    Route::action("DescribeServiceEvent").to(|call| {
        let view = find(call)?;
        call.resource_response(&view, || json!({"eventList": events(&view)}))
    }),
    Route::action("DescribeClusterServiceInfo")
        .to(|call| call.data(json!({"service": service(&find(call)?)}))),
    Route::action("DescribeClusterService").to(list),
    Route::action("DescribeClusterNameSpaces").to(list_namespaces),
];

const KIND: &str = "tencent/service";

fn namespace<'a>(call: &'a EmulatedCall<'_>) -> &'a str {
    call.parameter("namespace").unwrap_or("default")
}

fn find<'a>(call: &'a EmulatedCall<'_>) -> Result<JobView<'a>, EmulatedError> {
    let [cluster, service] = [call.required("clusterId")?, call.required("serviceName")?];
    call.find(KIND, &[cluster, namespace(call), service])
}

/// Lists the services of one or all namespaces, without paging.
fn list(call: &EmulatedCall<'_>) -> HandlerResult {
    let (cluster, namespace) = (call.required("clusterId")?, namespace(call));
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

/// Lists the namespaces that contain services of a cluster, without paging.
fn list_namespaces(call: &EmulatedCall<'_>) -> HandlerResult {
    let cluster = call.required("clusterId")?;
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

/// Returns the fields of a service in the list.
fn service(view: &JobView<'_>) -> Value {
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

/// Returns the warnings of the scenario, and an event for the start of each pod.
fn events(view: &JobView<'_>) -> Vec<Value> {
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
