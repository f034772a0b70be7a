use chrono::{DateTime, Duration, FixedOffset, Utc};
use serde_json::{Map, Value, json};

mod machine;

use super::api::{EmulatedApi, ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use super::state::{EmulatedJob, EmulatedState, JobAt};
use crate::crypto::sha256_hex;
use crate::providers::tencent::sign;

/// The path of every operation.
const PATH: &str = "/v2/index.php";
const EVENTS: &str = "DescribeServiceEvent";
const INFO: &str = "DescribeClusterServiceInfo";
const LIST: &str = "DescribeClusterService";
const CLUSTERS: &str = "DescribeCluster";

/// How far a signed time may be off.
const WINDOW_SECONDS: u64 = 5 * 60;

/// The emulator in the cloud's place.
pub const EMULATOR: EmulatedApi = EmulatedApi {
    operation,
    respond,
    throttled: || {
        error(
            4400,
            "RequestLimitExceeded",
            "(4400)quota of requests exceeded",
        )
    },
    refused,
    unavailable,
    environment: &[
        ("TENCENTCLOUD_REGION", "ap-guangzhou"),
        ("TENCENTCLOUD_SECRET_ID", TEST_ID),
        ("TENCENTCLOUD_SECRET_KEY", TEST_SECRET),
    ],
};

fn operation(incoming: &ServerRequest) -> Option<String> {
    if let Some(step) = machine::operation(incoming) {
        return Some(step.to_owned());
    }
    let is_ours = incoming.path == PATH;
    is_ours.then(|| {
        incoming
            .parameter("Action")
            .unwrap_or_else(|| "unnamed".to_owned())
    })
}

fn respond(incoming: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    if let Some(answer) = machine::respond(incoming) {
        return answer;
    }
    let parameters = incoming.parameters();
    if let Err(refused) = check(incoming, &parameters, world) {
        return refused;
    }
    let action = incoming.parameter("Action").unwrap_or_default();
    match action.as_str() {
        LIST => return list(incoming, world),
        CLUSTERS => return clusters(incoming, world),
        _ => {}
    }
    if ![EVENTS, INFO].contains(&action.as_str()) {
        return error(6100, "InvalidAction", "(6100)action is not supported");
    }
    let (Some(cluster), Some(service)) = (
        incoming.parameter("clusterId"),
        incoming.parameter("serviceName"),
    ) else {
        return missing("clusterId or serviceName");
    };
    let namespace = incoming
        .parameter("namespace")
        .unwrap_or_else(|| "default".to_owned());
    let segments = [cluster.as_str(), namespace.as_str(), service.as_str()];
    match world.find("tencent/service", &segments, incoming.now) {
        None => error(5000, "ResourceNotFound", "(5000)resource does not exist"),
        Some(view) if action == INFO => succeeded(json!({"service": info(&segments, &view)})),
        Some(view) => match &view.job.document {
            Some(document) => ServerResponse::document(200, document),
            None => succeeded(json!({"eventList": events(&service, &view)})),
        },
    }
}

/// The services of one namespace or of all, which come without pages.
fn list(incoming: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    let Some(cluster) = incoming.parameter("clusterId") else {
        return missing("clusterId");
    };
    let is_in_cluster = |emulated: &EmulatedJob| {
        emulated.kind == "tencent/service" && emulated.segments.first() == Some(&cluster)
    };
    if !world.jobs.iter().any(is_in_cluster) {
        return error(5000, "ResourceNotFound", "(5000)resource does not exist");
    }
    let is_of_all = incoming.parameter("allnamespace").as_deref() == Some("1");
    let namespace = incoming
        .parameter("namespace")
        .unwrap_or_else(|| "default".to_owned());
    let services: Vec<Value> = world
        .all("tencent/service", incoming.now)
        .filter(|view| is_in_cluster(view.job))
        .filter(|view| is_of_all || view.job.segments.get(1) == Some(&namespace))
        // A document stands for the one answer it was written as, and has no row.
        .filter(|view| view.job.document.is_none())
        .map(|view| row(&view))
        .collect();
    succeeded(json!({"services": services}))
}

/// One page of the clusters of the scenario, newest first.
fn clusters(incoming: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    let number = |name: &str, default: usize| {
        let given = incoming.parameter(name);
        given.map_or(Some(default), |text| text.parse::<usize>().ok())
    };
    let (Some(offset), Some(limit)) = (number("offset", 0), number("limit", 20)) else {
        return error(4000, "InvalidParameter", "(4000)offset or limit is wrong");
    };
    let status = incoming.parameter("status");
    let mut all = world.clusters("tencent/");
    all.retain(|_| status.as_ref().is_none_or(|status| status == "Running"));
    all.sort_by_key(|(_, created_at)| std::cmp::Reverse(*created_at));
    let page: Vec<Value> = all
        .iter()
        .skip(offset)
        .take(limit)
        .map(|(id, created_at)| {
            json!({
                "clusterId": id,
                "clusterName": id,
                "description": "",
                "status": "Running",
                "nodeNum": 2,
                "nodeStatus": "AllNormal",
                "totalCpu": 8000,
                "totalMem": 16384,
                "os": "ubuntu16.04.1 LTSx86_64",
                "createdAt": wall_clock(*created_at),
                "updatedAt": wall_clock(*created_at),
                "regionId": 1,
                "region": "ap-guangzhou",
                "k8sVersion": "1.8.13",
                "clusterExternalEndpoint": null,
            })
        })
        .collect();
    succeeded(json!({"totalCount": all.len(), "clusters": page}))
}

/// A service of the list.
fn row(view: &JobAt<'_>) -> Value {
    let parts = view.job.parts.max(1);
    let warnings = &view.job.warnings;
    let reasons: Map<String, Value> = warnings
        .iter()
        .map(|warning| (warning.reason.clone(), json!(1)))
        .collect();
    json!({
        "serviceName": view.job.segments.last(),
        "status": if warnings.is_empty() { "Normal" } else { "Abnormal" },
        "reasonMap": reasons,
        "createdAt": wall_clock(view.created_at),
        "currentReplicas": parts,
        "desiredReplicas": parts,
        "lbId": "",
        "lbStatus": "None",
        "externalIp": "",
        "namespace": view.job.segments.get(1),
    })
}

/// Checks key, time, signature and nonce over all that was received.
fn check(
    incoming: &ServerRequest,
    parameters: &[(String, String)],
    world: &EmulatedState,
) -> Result<(), ServerResponse> {
    let needed = |name: &str| incoming.parameter(name).ok_or_else(|| missing(name));
    needed("Action")?;
    needed("Region")?;
    let secret_id = needed("SecretId")?;
    let timestamp = needed("Timestamp")?;
    let nonce = needed("Nonce")?;
    let given = needed("Signature")?;
    let token = incoming.parameter("Token");
    let Some(secret) = machine::key_of(&secret_id, token.as_deref(), incoming.now) else {
        return Err(refused());
    };
    let is_late = timestamp.parse::<i64>().map_or(true, |signed_at| {
        signed_at.abs_diff(incoming.now.timestamp()) > WINDOW_SECONDS
    });
    let is_number = nonce.parse::<i64>().is_ok_and(|nonce| nonce > 0);
    if is_late || !is_number {
        return Err(replayed());
    }
    let signed: Vec<(&str, &str)> = parameters
        .iter()
        .filter(|(name, _)| name != "Signature")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let host = incoming.header("host").unwrap_or_default();
    let text = sign::text_to_sign(&incoming.method, host, &incoming.path, &signed);
    let is_sha256 = incoming.parameter("SignatureMethod").as_deref() == Some(sign::METHOD);
    if !is_sha256 || given != sign::signature(&secret, &text) {
        return Err(error(
            4100,
            "AuthFailure",
            "(4100)signature verification failed",
        ));
    }
    match world.use_nonce(&format!("tencent {nonce}")) {
        true => Ok(()),
        false => Err(replayed()),
    }
}

fn missing(name: &str) -> ServerResponse {
    error(
        4000,
        "InvalidParameter",
        &format!("(4000)missing parameter {name}"),
    )
}

fn replayed() -> ServerResponse {
    error(4500, "ReplayAttack", "(4500)replay attack")
}

fn error(code: u16, word: &str, message: &str) -> ServerResponse {
    ServerResponse::json(
        200,
        &json!({"code": code, "message": message, "codeDesc": word}),
    )
}

fn succeeded(data: Value) -> ServerResponse {
    let body = json!({"code": 0, "message": "", "codeDesc": "Success", "data": data});
    ServerResponse::json(200, &body)
}

/// What the cluster knows of a service.
fn info(segments: &[&str; 3], view: &JobAt<'_>) -> Value {
    let [_, namespace, service] = segments;
    let parts = view.job.parts.max(1);
    json!({
        "serviceName": service,
        "serviceDesc": "",
        "namespace": namespace,
        "status": if view.job.warnings.is_empty() { "Normal" } else { "Abnormal" },
        "createdAt": wall_clock(view.created_at),
        "currentReplicas": parts,
        "desiredReplicas": parts,
        "accessType": "",
        "portMappings": null,
        "containers": [{"name": service, "image": "registry.example.com/demo/web:1.0"}],
    })
}

fn refused() -> ServerResponse {
    error(4104, "SecretIdNotFound", "(4104)SecretId does not exist")
}

fn unavailable(status: u16) -> ServerResponse {
    ServerResponse {
        status,
        ..error(6000, "InternalError", "(6000)internal error")
    }
}

/// Warnings of the scenario, and for each pod the event of its start.
fn events(service: &str, view: &JobAt<'_>) -> Vec<Value> {
    let pod = |part: usize| {
        let hash = sha256_hex(format!("{service}/{part}").as_bytes());
        format!("{service}-{}-{}", &hash[..10], &hash[10..15])
    };
    let warnings = view.job.warnings.iter().filter_map(|warning| {
        let first_at = view.created_at + warning.after;
        let age = view.now - first_at;
        let repeated = match warning.count {
            0..=1 => Duration::zero(),
            _ => Duration::minutes(age.num_minutes()),
        };
        (age >= Duration::zero()).then(|| {
            json!({
                "firstSeen": wall_clock(first_at),
                "lastSeen": wall_clock(first_at + repeated),
                "count": warning.count,
                "level": "Warning",
                "objType": "Pod",
                "objName": pod(1),
                "reason": warning.reason,
                "message": warning.message,
            })
        })
    });
    let starts = (1..=view.job.parts.max(1)).map(|part| {
        json!({
            "firstSeen": wall_clock(view.created_at),
            "lastSeen": wall_clock(view.created_at),
            "count": 1,
            "level": "Normal",
            "objType": "Pod",
            "objName": pod(part),
            "reason": "pod调度成功",
            "message": format!("Successfully assigned {} to 10.0.0.{}", pod(part), part % 250 + 1),
        })
    });
    warnings.chain(starts).collect()
}

/// Text at UTC+8 without a zone, as the cloud writes it.
fn wall_clock(moment: DateTime<Utc>) -> String {
    let china = FixedOffset::east_opt(8 * 3600).expect("8 hours are less than a day");
    moment
        .with_timezone(&china)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}
