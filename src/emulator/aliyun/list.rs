use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Failure, cluster, is_end, page_of, page_parameter, request_id, timestamp};
use crate::emulator::api::{ServerRequest, ServerResponse};
use crate::emulator::state::{EmulatedState, JobAt};

/// States that the list filters by.
const LISTABLE: [&str; 5] = ["Pending", "Running", "Succeeded", "Failed", "Canceled"];

/// Pages hold at most so many rows, and a call takes at most so many ids.
const MAX_ROWS: usize = 100;

/// The indices of an array job, ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub start: u64,
    pub end: u64,
    pub step: u64,
}

/// The array job that a resource is, or belongs to: its range is spanned by all subtasks of the
/// scenario, also by those that are not there at the moment.
pub(super) fn array(world: &EmulatedState, view: &JobAt<'_>) -> Option<Range> {
    let [cluster, id] = &view.job.segments[..] else {
        return None;
    };
    let parent = index(id).map_or(id.as_str(), |(parent, _)| parent);
    let mut indices: Vec<u64> = world
        .jobs
        .iter()
        .filter(|emulated| {
            emulated.kind == "aliyun/job" && emulated.segments.first() == Some(cluster)
        })
        .filter_map(|emulated| index(emulated.segments.last()?))
        .filter(|(other, _)| *other == parent)
        .map(|(_, index)| index)
        .collect();
    indices.sort_unstable();
    let (start, end) = (*indices.first()?, *indices.last()?);
    let mut steps = indices.windows(2).map(|pair| pair[1] - pair[0]);
    let step = steps.next().unwrap_or(1);
    let is_even = steps.all(|other| other == step);
    Some(Range {
        start,
        end,
        step: if is_even { step.max(1) } else { 1 },
    })
}

/// Array job and index in the id of a subtask.
pub(super) fn index(id: &str) -> Option<(&str, u64)> {
    let (parent, index) = id.rsplit_once('_')?;
    let is_number = !parent.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some((parent, index.parse().ok()?)))?
}

/// ListServerlessJobs.
pub(super) fn jobs(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    let cluster = cluster(request, world)?;
    let number = page_parameter(request, "PageNumber", 1, usize::MAX)?;
    let size = page_parameter(request, "PageSize", 20, MAX_ROWS)?;
    let (ids, names) = (list_of(request, "JobIds."), list_of(request, "JobNames."));
    if ids.len() > MAX_ROWS {
        let message = "The parameter JobIds takes at most 100 elements.";
        return Err(Failure::new(400, "InvalidParams", message));
    }
    let state = state(request)?;
    let (since, until) = (
        seconds_parameter(request, "SubmitTimeStart")?,
        seconds_parameter(request, "SubmitTimeEnd")?,
    );
    let mut all: Vec<JobAt<'_>> = world
        .all("aliyun/job", request.now)
        .filter(|view| view.job.segments.first() == Some(&cluster))
        // A document stands for the one answer it was written as, and has no row.
        .filter(|view| view.job.document.is_none() || !view.job.steps.is_empty())
        .filter(|view| ids.is_empty() || ids.iter().any(|id| id == id_of(view)))
        .filter(|view| names.is_empty() || names.iter().any(|name| name == name_of(view)))
        .filter(|view| state.as_ref().is_none_or(|word| *word == view.step.state))
        .filter(|view| since.is_none_or(|since| view.created_at.timestamp() >= since))
        .filter(|view| until.is_none_or(|until| view.created_at.timestamp() <= until))
        .collect();
    match request.parameter("SubmitOrder").as_deref() {
        Some("Desc") => all.sort_by_key(|view| Reverse(view.created_at)),
        Some("Asc") => all.sort_by_key(|view| view.created_at),
        _ => {}
    }
    let page: Vec<Value> = all
        .iter()
        .skip((number - 1).saturating_mul(size))
        .take(size)
        .map(|view| row(world, view))
        .collect();
    Ok(ServerResponse::json(
        200,
        &json!({
            "RequestId": request_id(&format!("{cluster}/{number}")),
            "TotalCount": all.len(),
            "PageNumber": number,
            "PageSize": size,
            "Jobs": page,
        }),
    ))
}

/// The word to filter by; one that is not documented, as `Initing` is not, is refused.
fn state(request: &ServerRequest) -> Result<Option<String>, Failure> {
    match request.parameter("State") {
        Some(word) if word == "All" => Ok(None),
        Some(word) if !LISTABLE.contains(&word.as_str()) => {
            let message = "The parameter State is invalid.";
            Err(Failure::new(400, "InvalidParams", message))
        }
        word => Ok(word),
    }
}

/// A Unix time in seconds, written as text.
fn seconds_parameter(request: &ServerRequest, name: &str) -> Result<Option<i64>, Failure> {
    let number = |text: String| {
        text.parse().map_err(|_| {
            let message = format!("The parameter {name} is invalid.");
            Failure::new(400, "InvalidParams", &message)
        })
    };
    request.parameter(name).map(number).transpose()
}

/// ListClusters: each cluster of the scenario once.
pub(super) fn clusters(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    let number = page_parameter(request, "PageNumber", 1, usize::MAX)?;
    let size = page_parameter(request, "PageSize", 10, 50)?;
    let all: Vec<Value> = world
        .clusters("aliyun/")
        .into_iter()
        .map(|(id, created_at)| {
            json!({
                "Id": id,
                "Name": id,
                "Description": "",
                "Status": "running",
                "RegionId": "cn-hangzhou",
                "ZoneId": "cn-hangzhou-i",
                "SchedulerType": "slurm",
                "OsTag": "CentOS_7.6_64",
                "DeployMode": "Standard",
                "Location": "PublicCloud",
                "CreateTime": timestamp(created_at),
                "EhpcVersion": "1.0.0",
                "Count": 2,
                "Computes": {
                    "Total": 2,
                    "NormalCount": 2,
                    "ExceptionCount": 0,
                    "OperatingCount": 0,
                    "StoppedCount": 0,
                },
                "TotalResources": {"Cpu": 16, "Gpu": 0, "Memory": 64},
                "UsedResources": {"Cpu": 4, "Gpu": 0, "Memory": 16},
            })
        })
        .collect();
    let total = all.len();
    Ok(ServerResponse::json(
        200,
        &json!({
            "RequestId": request_id(&format!("clusters/{number}")),
            "TotalCount": total,
            "PageNumber": number,
            "PageSize": size,
            "Clusters": {"ClusterInfoSimple": page_of(all, number, size)},
        }),
    ))
}

/// ListCommands, which reports no states.
pub(super) fn commands(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    let cluster = cluster(request, world)?;
    let number = page_parameter(request, "PageNumber", 1, usize::MAX)?;
    let size = page_parameter(request, "PageSize", 10, 50)?;
    let wanted = request.parameter("CommandId");
    let all: Vec<Value> = world
        .all("aliyun/invocation", request.now)
        .filter(|view| view.job.segments.first() == Some(&cluster))
        .filter(|view| wanted.as_ref().is_none_or(|id| id == id_of(view)))
        .map(|view| {
            json!({
                "CommandId": id_of(&view),
                "CommandContent": "solve --input data.h5 --password test",
                "Timeout": "60",
                "WorkingDir": "/root",
            })
        })
        .collect();
    let total = all.len();
    Ok(ServerResponse::json(
        200,
        &json!({
            "RequestId": request_id(&format!("{cluster}/commands/{number}")),
            "TotalCount": total,
            "PageNumber": number,
            "PageSize": size,
            "Commands": {"Command": page_of(all, number, size)},
        }),
    ))
}

/// The values of a flattened list, `JobIds.1` and so on.
fn list_of(request: &ServerRequest, prefix: &str) -> Vec<String> {
    request
        .parameters()
        .into_iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(_, value)| value)
        .collect()
}

fn id_of<'a>(view: &JobAt<'a>) -> &'a str {
    view.job.segments.last().map_or("", String::as_str)
}

fn name_of<'a>(view: &JobAt<'a>) -> &'a str {
    view.job.name.as_deref().unwrap_or_else(|| id_of(view))
}

/// Numbers and times are text here, unlike in the response about one job.
fn row(world: &EmulatedState, view: &JobAt<'_>) -> Value {
    let seconds = |moment: DateTime<Utc>| moment.timestamp().to_string();
    let word = view.step.state.as_str();
    let started = view.reached_at(&["Running"]).map(seconds);
    json!({
        "JobId": id_of(view),
        "JobName": name_of(view),
        "State": word,
        "Priority": "0",
        "Queue": view.job.queue.as_deref().unwrap_or_default(),
        "User": view.job.user.as_deref().unwrap_or_default(),
        "SubmitTime": seconds(view.created_at),
        "StartTime": started.unwrap_or_default(),
        "EndTime": if is_end(word) { seconds(view.since) } else { String::new() },
        "IsArrayJob": array(world, view).is_some(),
    })
}
