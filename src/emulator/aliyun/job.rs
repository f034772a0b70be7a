use std::cmp::Reverse;
use std::collections::HashSet;

use super::{EHPC, cluster, list, request_id};
use crate::emulator::prelude::*;
use crate::emulator::state::{EmulatedState, Warning};
use crate::providers::aliyun::sign::timestamp;
use crate::sort::SortExt as _;

/// Routes of serverless jobs.
pub static JOB: &[Route] = &[
    Route::action("DescribeServerlessJobs")
        .only(METHODS)
        .version(EHPC)
        .to(get),
    Route::action("ListServerlessJobs")
        .only(METHODS)
        .version(EHPC)
        .to(jobs),
];

const KIND: &str = "aliyun/job";
const METHODS: &[&str] = &["GET", "POST"];

/// Maximum number of rows per page, and of ids per request.
const MAX_ROWS: usize = 100;

/// States that the list can filter by; the documentation does not include `Initing`.
const LISTABLE: [&str; 5] = ["Pending", "Running", "Succeeded", "Canceled", "Failed"];

const ENDS: [&str; 3] = ["Succeeded", "Canceled", "Failed"];

fn get(call: &EmulatedCall<'_>) -> HandlerResult {
    let (cluster, id) = (cluster(call)?, call.required("JobIds.1")?);
    if call.parameter("JobIds.2").is_some() {
        return Err(EmulatedError::Invalid("JobIds"));
    }
    let response = |jobs: Vec<Value>| json!({"TotalCount": jobs.len(), "RequestId": request_id(id), "JobInfos": jobs});
    match call.find(KIND, &[cluster, id]) {
        Err(_) => call.data(response(Vec::new())),
        Ok(view) => call.resource_response(&view, || response(vec![job(call.state, &view)])),
    }
}

fn jobs(call: &EmulatedCall<'_>) -> HandlerResult {
    let cluster = cluster(call)?;
    let (ids, names) = (flattened(call, "JobIds."), flattened(call, "JobNames."));
    if ids.len() > MAX_ROWS {
        return Err(EmulatedError::Invalid("JobIds"));
    }
    let state = call.parameter("State").filter(|word| *word != "All");
    if state.is_some_and(|word| !LISTABLE.contains(&word)) {
        return Err(EmulatedError::Invalid("State"));
    }
    let since = call.number("SubmitTimeStart", i64::MIN, i64::MIN..=i64::MAX)?;
    let until = call.number("SubmitTimeEnd", i64::MAX, i64::MIN..=i64::MAX)?;
    let ids: HashSet<&str> = ids.into_iter().collect();
    let parents: HashSet<&str> = subtasks(call.state, cluster)
        .map(|(parent, _)| parent)
        .collect();
    let mut all = call.rows(KIND);
    all.retain(|view| {
        view.job.segments[0] == cluster
            && (ids.is_empty() || ids.contains(view.id()))
            && (names.is_empty() || names.contains(&view.name()))
            && state.is_none_or(|word| word == view.step.state)
            && (since..=until).contains(&view.created_at.timestamp())
    });
    match call.parameter("SubmitOrder") {
        Some("Desc") => all.order_by_key(|view| Reverse(view.created_at)),
        Some("Asc") => all.order_by_key(|view| view.created_at),
        _ => {}
    }
    let pager = Pager::pages(20, MAX_ROWS);
    list(
        call,
        &pager,
        all,
        |view| row(&view, parents.contains(parent(view.id()))),
        |rows| json!({"Jobs": rows}),
    )
}

/// Returns the values of a flattened list: `JobIds.1`, `JobIds.2` and so on.
fn flattened<'a>(call: &'a EmulatedCall<'_>, prefix: &str) -> Vec<&'a str> {
    let all = call.parameters.iter();
    let all = all.filter(|(name, _)| name.starts_with(prefix));
    all.map(|(_, value)| value.as_str()).collect()
}

/// Returns a row. Its numbers and times are text, unlike in the response of a lookup.
fn row(view: &JobView<'_>, is_array: bool) -> Value {
    let seconds = |moment: DateTime<Utc>| moment.timestamp().to_string();
    json!({
        "JobId": view.id(), "JobName": view.name(), "State": view.step.state, "Priority": "0",
        "Queue": view.job.queue.as_deref().unwrap_or_default(),
        "User": view.job.user.as_deref().unwrap_or_default(),
        "SubmitTime": seconds(view.created_at),
        "StartTime": view.reached_at(&["Running"]).map(seconds).unwrap_or_default(),
        "EndTime": view.ended_at(&ENDS).map(seconds).unwrap_or_default(),
        "IsArrayJob": is_array,
    })
}

/// Returns the index range of the array job that a resource is or belongs to. All subtasks of the scenario count,
/// including those that do not exist at the moment.
fn array(state: &EmulatedState, view: &JobView<'_>) -> Option<Value> {
    let parent = parent(view.id());
    let subtasks = subtasks(state, &view.job.segments[0]);
    let subtasks = subtasks.filter(|(other, _)| *other == parent);
    let mut indices: Vec<u64> = subtasks.map(|(_, index)| index).collect();
    indices.order();
    let (start, end) = (*indices.first()?, *indices.last()?);
    let mut steps = indices.windows(2).map(|pair| pair[1] - pair[0]);
    let step = steps.next().unwrap_or(1);
    let step = if steps.all(|other| other == step) {
        step.max(1)
    } else {
        1
    };
    Some(json!({"IndexStart": start, "IndexEnd": end, "IndexStep": step}))
}

/// Returns the array job and index of each subtask in a cluster.
fn subtasks<'a>(
    state: &'a EmulatedState,
    cluster: &'a str,
) -> impl Iterator<Item = (&'a str, u64)> {
    let jobs = state.jobs.iter().filter(|job| job.kind == KIND);
    let segments = jobs.map(|job| &job.segments[..]);
    let segments = segments.filter(move |segments| segments[0] == cluster);
    segments.filter_map(|segments| index(segments.last()?))
}

/// Returns the array job of a subtask; for any other job, its own id.
fn parent(id: &str) -> &str {
    index(id).map_or(id, |(parent, _)| parent)
}

/// Splits the id of a subtask into array job and index.
fn index(id: &str) -> Option<(&str, u64)> {
    let (parent, index) = id.rsplit_once('_')?;
    let is_number = !parent.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some((parent, index.parse().ok()?)))?
}

fn job(state: &EmulatedState, view: &JobView<'_>) -> Value {
    let seconds = |moment: DateTime<Utc>| moment.timestamp();
    let array = array(state, view);
    // The containers of an array job belong to its subtasks.
    let parts = match array.is_some() && index(view.id()).is_none() {
        true => 0,
        false => view.job.parts.max(1),
    };
    let groups: Vec<Value> = (1..=parts)
        .map(|part| group(view, part, part == parts))
        .collect();
    json!({
        "JobId": view.id(), "JobName": view.name(), "State": view.step.state, "Priority": 0,
        "Queue": view.job.queue, "User": view.job.user,
        "SubmitTime": seconds(view.created_at),
        "StartTime": view.reached_at(&["Running"]).map(seconds),
        "EndTime": view.ended_at(&ENDS).map(seconds),
        "LastModifyTime": view.state_since.timestamp_millis(),
        "IsArrayJob": array.is_some(), "ArrayProperties": array,
        "ContainerGroups": groups,
    })
}

fn group(view: &JobView<'_>, part: usize, is_last: bool) -> Value {
    let id = view.id();
    let state = view.step.state.as_str();
    let status = match state {
        "Pending" | "Initing" => "Scheduling",
        "Canceled" => "Terminating",
        "Failed" if !is_last => "Succeeded",
        "Succeeded" | "Failed" => state,
        _ => "Running",
    };
    let at = timestamp(view.state_since);
    let ended_as = |wanted: &str| (status == wanted).then_some(&at);
    let event = |(warning, first): (&Warning, DateTime<Utc>)| {
        json!({
            "Count": warning.count.max(1), "Type": "Warning", "Name": format!("eci-{id}-{part}"),
            "FirstTimestamp": timestamp(first), "LastTimestamp": timestamp(first),
            "Message": warning.message, "Reason": warning.reason,
        })
    };
    let events: Vec<Value> = view.warnings().filter(|_| is_last).map(event).collect();
    let restarts = if is_last { view.restart_count() } else { 0 };
    json!({
        "ContainerGroupId": format!("eci-{id}-{part}"), "ContainerGroupName": format!("{id}-{part}"),
        "Status": status, "InstanceType": "ecs.c7.large", "Cpu": 2.0, "Memory": 4.0,
        "CreationTime": timestamp(view.created_at),
        "SucceededTime": ended_as("Succeeded"), "FailedTime": ended_as("Failed"),
        "RegionId": "cn-hangzhou", "ZoneId": "cn-hangzhou-i", "RestartPolicy": "Never",
        "IntranetIp": format!("10.0.{}.{}", part / 250 % 250, part % 250 + 1),
        "Events": events,
        "Containers": [{
            "Name": "main", "Image": "registry.example.com/demo/solver:1.0",
            "Commands": ["/bin/sh", "-c", "solve input.dat"],
            "Cpu": 2.0, "Memory": 4.0, "Gpu": 0, "Ready": status == "Running",
            "RestartCount": restarts,
            "PreviousState": (restarts > 0).then(|| json!({"State": "Terminated", "ExitCode": 1})),
            "CurrentState": container_state(view, status, is_last),
        }],
    })
}

fn container_state(view: &JobView<'_>, status: &str, is_last: bool) -> Value {
    let started = view.reached_at(&["Running"]).map(timestamp);
    let step = view.step;
    let (code, reason, message) = match status {
        "Succeeded" => (0, "Completed", ""),
        "Failed" => (
            step.exit_code.filter(|_| is_last).unwrap_or(1),
            step.reason.as_deref().unwrap_or("Error"),
            step.message.as_deref().unwrap_or_default(),
        ),
        "Running" => return json!({"State": "Running", "StartTime": started}),
        _ => return json!({"State": "Waiting"}),
    };
    json!({
        "State": "Terminated", "DetailStatus": "", "Signal": 0,
        "StartTime": started, "FinishTime": timestamp(view.state_since),
        "ExitCode": code, "Reason": reason, "Message": message,
    })
}
