//! What the emulator answers in the cloud's place: the gateway's checks, then the operations.

mod invocation;
mod list;
mod machine;
mod sts;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::api::{EmulatedApi, ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use super::state::{EmulatedState, JobAt};
use crate::crypto;
use crate::providers::aliyun::sign::{Authorization, SigningParams, timestamp};
use list::Range;

/// Version of the API.
const VERSION: &str = "2018-04-12";

/// The well-known token of the emulator; it opens nothing else.
const TEST_TOKEN: &str = "testtoken";

/// The emulator in the cloud's place.
pub const EMULATOR: EmulatedApi = EmulatedApi {
    operation,
    respond,
    throttled,
    refused,
    unavailable,
    environment: &[
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", TEST_ID),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", TEST_SECRET),
        ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
    ],
};

/// The operation that a request asks for: this cloud has one path and names it in a header, STS in
/// the query; the metadata service has paths of its own.
fn operation(request: &ServerRequest) -> Option<String> {
    if request.path != "/" {
        return machine::operation(request).map(str::to_owned);
    }
    let named = request.header("x-acs-action").map(str::to_owned);
    named.or_else(|| sts::is_asked(request).then(|| sts::ASSUME_ROLE.to_owned()))
}

/// The response to a request for this cloud.
fn respond(request: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    if request.path != "/" {
        return machine::respond(request);
    }
    let answered = match request.header("x-acs-action") {
        None => sts::assume_role(request, world),
        Some(_) => checked(request, world).and_then(|()| operate(request, world)),
    };
    answered.unwrap_or_else(|error| error.0)
}

/// "Too many calls", as this cloud says it: with status 400 and its own header.
fn throttled() -> ServerResponse {
    let message = "Request was denied due to user flow control.";
    Failure::new(400, "Throttling.User", message)
        .0
        .with_header("x-acs-retry-after", "200")
}

/// The cloud's own "this credential is not good".
fn refused() -> ServerResponse {
    no_such_key().0
}

fn no_such_key() -> Failure {
    let message = "Specified access key is not found.";
    Failure::new(404, "InvalidAccessKeyId.NotFound", message)
}

/// The cloud's own error with an HTTP status of 500 or more.
fn unavailable(status: u16) -> ServerResponse {
    let message = "The request has failed due to a temporary failure of the server.";
    Failure::new(status, "ServiceUnavailable", message).0
}

/// An error answer.
struct Failure(ServerResponse);

impl Failure {
    fn new(status: u16, code: &str, message: &str) -> Self {
        let request_id = request_id(code);
        Self(ServerResponse::json(
            status,
            &json!({
                "RequestId": request_id,
                "Message": message,
                "Recommend": format!(
                    "https://api.aliyun.com/troubleshoot?q={code}&product=EHPC&requestId={request_id}"
                ),
                "HostId": "ehpc.cn-hangzhou.aliyuncs.com",
                "Code": code,
            }),
        ))
    }

    fn missing(parameter: &str) -> Self {
        let message = format!("{parameter} is mandatory for this action.");
        Self::new(400, &format!("Missing{parameter}"), &message)
    }
}

/// An id that looks like the cloud's and is the same for the same text, so that output repeats.
fn request_id(seed: &str) -> String {
    let hex = crypto::sha256_hex(seed.as_bytes()).to_ascii_uppercase();
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32],
    ]
    .join("-")
}

/// The gateway's checks: version, time, key, signature, nonce.
fn checked(request: &ServerRequest, world: &EmulatedState) -> Result<(), Failure> {
    let incomplete = |what: &str| {
        let message = format!("The request signature does not conform to the standards: {what}");
        Failure::new(400, "IncompleteSignature", &message)
    };
    let header = |name: &str| request.header(name).ok_or_else(|| incomplete(name));
    if header("x-acs-version")? != VERSION {
        let message = "Specified api version is not found, please check your url and method.";
        return Err(Failure::new(404, "InvalidApi.NotFound", message));
    }
    let nonce = header("x-acs-signature-nonce")?;
    let hash = header("x-acs-content-sha256")?;
    let date = header("x-acs-date")?;
    check_time(date, request.now)?;
    let authorization = Authorization::parse(header("authorization")?)
        .ok_or_else(|| incomplete("authorization"))?;
    let (id, secret) = sts::key_of(request.header("x-acs-security-token"), request.now)?;
    if authorization.access_key_id != id {
        return Err(no_such_key());
    }
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-acs-");
    let all_signed = request
        .headers
        .iter()
        .filter(|(name, _)| must_be_signed(name))
        .all(|(name, _)| authorization.signed_headers.contains(name));
    let parts = SigningParams {
        method: &request.method,
        path: &request.path,
        query: &request.parameters(),
        headers: &request.headers,
        body: &request.body,
    };
    let is_ours = hash == crypto::sha256_hex(&request.body)
        && all_signed
        && authorization.is_signed_with(&secret, &parts);
    if !is_ours {
        let message = "Specified signature is not matched with our calculation.";
        return Err(Failure::new(400, "SignatureDoesNotMatch", message));
    }
    if !world.use_nonce(nonce) {
        let message = "Specified signature nonce was used already.";
        return Err(Failure::new(400, "SignatureNonceUsed", message));
    }
    Ok(())
}

fn check_time(date: &str, now: DateTime<Utc>) -> Result<(), Failure> {
    let Some(date) = date.parse::<DateTime<Utc>>().ok() else {
        let message = "Specified time stamp or date value is not well formatted.";
        return Err(Failure::new(400, "InvalidTimeStamp.Format", message));
    };
    if (now - date).abs() > Duration::minutes(15) {
        let message = "Specified time stamp or date value is expired.";
        return Err(Failure::new(400, "InvalidTimeStamp.Expired", message));
    }
    Ok(())
}

fn operate(request: &ServerRequest, world: &EmulatedState) -> Result<ServerResponse, Failure> {
    let operation = request.header("x-acs-action").unwrap_or_default();
    match (operation, request.method.as_str()) {
        ("DescribeServerlessJobs", "GET" | "POST") => describe_jobs(request, world),
        ("ListServerlessJobs", "GET" | "POST") => list::jobs(request, world),
        ("ListClusters", "GET") => list::clusters(request, world),
        ("ListCommands", "GET") => list::commands(request, world),
        ("ListInvocationStatus", "GET") => invocation::status(request, world),
        ("ListInvocationResults", "GET") => invocation::results(request, world),
        ("ListClusters" | "ListCommands" | "ListInvocationStatus" | "ListInvocationResults", _) => {
            let message = "This http method is not supported.";
            Err(Failure::new(405, "UnsupportedHTTPMethod", message))
        }
        _ => {
            let message = "Specified api is not found, please check your url and method.";
            Err(Failure::new(404, "InvalidApi.NotFound", message))
        }
    }
}

/// A parameter that must be there.
fn parameter(request: &ServerRequest, name: &str) -> Result<String, Failure> {
    request.parameter(name).ok_or_else(|| {
        let bare = name.split('.').next().unwrap_or(name);
        Failure::missing(bare)
    })
}

/// The requested cluster; one exists when any emulated resource is in it.
fn cluster(request: &ServerRequest, world: &EmulatedState) -> Result<String, Failure> {
    let cluster = parameter(request, "ClusterId")?;
    let exists = world.jobs.iter().any(|emulated| {
        emulated.kind.starts_with("aliyun/") && emulated.segments.first() == Some(&cluster)
    });
    if exists {
        return Ok(cluster);
    }
    let message = "The specified cluster does not exist.";
    Err(Failure::new(404, "ClusterNotFound", message))
}

fn describe_jobs(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    let cluster = cluster(request, world)?;
    let id = parameter(request, "JobIds.1")?;
    if request.parameter("JobIds.2").is_some() {
        let message = "The parameter JobIds takes one element.";
        return Err(Failure::new(400, "InvalidParams", message));
    }
    let jobs = match world.find("aliyun/job", &[&cluster, &id], request.now) {
        None => Vec::new(),
        Some(view) => match &view.job.document {
            Some(document) => return Ok(ServerResponse::document(200, document)),
            None => vec![job(&view, &id, list::array(world, &view))],
        },
    };
    Ok(ServerResponse::json(
        200,
        &json!({"TotalCount": jobs.len(), "RequestId": request_id(&id), "JobInfos": jobs}),
    ))
}

fn is_end(word: &str) -> bool {
    ["Succeeded", "Canceled", "Failed"].contains(&word)
}

fn job(view: &JobAt<'_>, id: &str, array: Option<Range>) -> Value {
    let emulated = view.job;
    let word = view.step.state.as_str();
    let seconds = |moment: DateTime<Utc>| moment.timestamp();
    let parts = emulated.parts.max(1);
    // The containers of an array job are its subtasks'.
    let is_parent = array.is_some() && list::index(id).is_none();
    let groups: Vec<Value> = (1..=parts)
        .filter(|_| !is_parent)
        .map(|part| group(view, id, part, part == parts))
        .collect();
    json!({
        "JobId": id,
        "JobName": emulated.name.as_deref().unwrap_or(id),
        "State": word,
        "Priority": 0,
        "Queue": emulated.queue,
        "User": emulated.user,
        "SubmitTime": seconds(view.created_at),
        "StartTime": view.reached_at(&["Running"]).map(seconds),
        "EndTime": is_end(word).then(|| seconds(view.since)),
        "LastModifyTime": view.since.timestamp_millis(),
        "IsArrayJob": array.is_some(),
        "ArrayProperties": array.map(|range| json!({
            "IndexStart": range.start,
            "IndexEnd": range.end,
            "IndexStep": range.step,
        })),
        "ContainerGroups": groups,
    })
}

fn group(view: &JobAt<'_>, id: &str, part: usize, is_last: bool) -> Value {
    let word = view.step.state.as_str();
    let status = match word {
        "Pending" | "Initing" => "Scheduling",
        "Canceled" => "Terminating",
        "Failed" if !is_last => "Succeeded",
        "Succeeded" | "Failed" => word,
        _ => "Running",
    };
    let at = timestamp(view.since);
    let ended_as = |wanted: &str| (status == wanted).then_some(&at);
    let events: Vec<Value> = view
        .job
        .warnings
        .iter()
        .filter(|_| is_last)
        .map(|warning| (warning, view.created_at + warning.after))
        .filter(|(_, first)| *first <= view.now)
        .map(|(warning, first)| {
            json!({
                "Count": warning.count.max(1),
                "FirstTimestamp": timestamp(first),
                "LastTimestamp": timestamp(first),
                "Message": warning.message,
                "Name": format!("eci-{id}-{part}"),
                "Reason": warning.reason,
                "Type": "Warning",
            })
        })
        .collect();
    json!({
        "ContainerGroupId": format!("eci-{id}-{part}"),
        "ContainerGroupName": format!("{id}-{part}"),
        "Status": status,
        "InstanceType": "ecs.c7.large",
        "Cpu": 2.0,
        "Memory": 4.0,
        "CreationTime": timestamp(view.created_at),
        "SucceededTime": ended_as("Succeeded"),
        "FailedTime": ended_as("Failed"),
        "RegionId": "cn-hangzhou",
        "ZoneId": "cn-hangzhou-i",
        "RestartPolicy": "Never",
        "IntranetIp": format!("10.0.{}.{}", part / 250 % 250, part % 250 + 1),
        "Events": events,
        "Containers": [{
            "Name": "main",
            "Image": "registry.example.com/demo/solver:1.0",
            "Commands": ["/bin/sh", "-c", "solve input.dat"],
            "Cpu": 2.0,
            "Memory": 4.0,
            "Gpu": 0,
            "Ready": status == "Running",
            "RestartCount": 0,
            "CurrentState": container_state(view, status, is_last),
        }],
    })
}

fn container_state(view: &JobAt<'_>, status: &str, is_last: bool) -> Value {
    let started = view.reached_at(&["Running"]).map(timestamp);
    let ended = |code: i64, reason: &str, message: &str| {
        json!({
            "State": "Terminated",
            "DetailStatus": "",
            "StartTime": started,
            "FinishTime": timestamp(view.since),
            "ExitCode": code,
            "Signal": 0,
            "Reason": reason,
            "Message": message,
        })
    };
    match status {
        "Succeeded" => ended(0, "Completed", ""),
        "Failed" => {
            let code = view.step.exit_code.filter(|_| is_last).unwrap_or(1);
            let reason = view.step.reason.as_deref().unwrap_or("Error");
            ended(
                code,
                reason,
                view.step.message.as_deref().unwrap_or_default(),
            )
        }
        "Running" => json!({"State": "Running", "StartTime": started}),
        _ => json!({"State": "Waiting"}),
    }
}

fn page_parameter(
    request: &ServerRequest,
    name: &str,
    default: usize,
    most: usize,
) -> Result<usize, Failure> {
    let Some(text) = request.parameter(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| {
            let message = format!("The parameter {name} is invalid.");
            Failure::new(400, "InvalidParams", &message)
        })
}

/// The rows of a page.
fn page_of(rows: Vec<Value>, number: usize, size: usize) -> Vec<Value> {
    let before = (number - 1).saturating_mul(size);
    rows.into_iter().skip(before).take(size).collect()
}
