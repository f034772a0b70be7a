use std::collections::BTreeSet;

use super::{DLC, WORKSPACE_API, find_job, list, request_id};
use crate::emulator::prelude::*;
use crate::emulator::state::Warning;
use crate::providers::aliyun::sign::timestamp;

/// Routes of PAI-DLC jobs and their workspaces.
pub static DLC_JOB: &[Route] = &[
    Route::get("ListJobs", "/api/v1/jobs").version(DLC).to(jobs),
    Route::get("ListWorkspaces", "/api/v1/workspaces")
        .version(WORKSPACE_API)
        .to(workspaces),
    Route::get("GetJob", "/api/v1/jobs/{}")
        .version(DLC)
        .to(|call| {
            let view = find(call)?;
            call.resource_response(&view, || job(&view))
        }),
    Route::get(EVENTS, "/api/v1/jobs/{}/events")
        .version(DLC)
        .to(|call| {
            let view = find(call)?;
            call.data(json!({
                "RequestId": request_id(format_args!("{EVENTS} {}", call.segments[0])),
                "JobId": call.segments[0],
                "Events": view.warnings().map(event).collect::<Vec<_>>(),
            }))
        }),
    Route::get("GetPodLogs", "/api/v1/jobs/{}/pods/{}/logs")
        .version(DLC)
        .to(|call| log(call, &find(call)?, &call.segments[1])),
];

const KIND: &str = "aliyun/dlc-job";
const EVENTS: &str = "GetJobEvents";
/// Id of the default workspace.
const WORKSPACE: &str = "268";

fn find<'a>(call: &'a EmulatedCall<'_>) -> Result<JobView<'a>, EmulatedError> {
    find_job(call, KIND, &call.segments[0])
}

fn event((warning, at): (&Warning, DateTime<Utc>)) -> String {
    let at = china_time(at);
    format!("{at} {}: {}", warning.reason, warning.message)
}

/// Returns the time in a parameter, or the default.
fn time(
    call: &EmulatedCall<'_>,
    name: &'static str,
    default: DateTime<Utc>,
) -> Result<DateTime<Utc>, EmulatedError> {
    match call.parameter(name) {
        Some(text) => text.parse().map_err(|_| EmulatedError::Invalid(name)),
        None => Ok(default),
    }
}

fn workspace_of<'a>(view: &'a JobView<'_>) -> &'a str {
    view.job.workspace.as_deref().unwrap_or(WORKSPACE)
}

fn workspaces(call: &EmulatedCall<'_>) -> HandlerResult {
    let all = call.rows(KIND);
    let ids: BTreeSet<&str> = all.iter().map(workspace_of).chain([WORKSPACE]).collect();
    let row = |id: &str| {
        json!({
            "WorkspaceId": id, "WorkspaceName": format!("ws-{id}"), "Status": "ENABLED",
            "IsDefault": id == WORKSPACE, "GmtCreateTime": "2026-01-01T00:00:00.000Z",
        })
    };
    let wrap = |rows| json!({"Workspaces": rows});
    let ids = ids.into_iter().collect();
    list(call, &Pager::pages(20, 100), ids, row, wrap)
}

fn jobs(call: &EmulatedCall<'_>) -> HandlerResult {
    let week = TimeDelta::days(7);
    let start = time(call, "StartTime", call.now() - week)?;
    let matches = |name, own: Option<&str>| {
        let value = call.parameter(name);
        value.is_none_or(|value| own == Some(value))
    };
    let ids = call.parameter("JobIds");
    let mut all = call.rows(KIND);
    all.retain(|view| {
        view.created_at >= start
            && ids.is_none_or(|ids| ids.split(',').any(|id| id == view.id()))
            && workspace_of(view) == call.parameter("WorkspaceId").unwrap_or(WORKSPACE)
            && matches("Status", Some(&view.step.state))
            && matches("Username", view.job.user.as_deref())
            && matches("ResourceId", view.job.queue.as_deref())
    });
    let is_ascending = call.parameter("Order") == Some("asc");
    sort_by_creation(&mut all, is_ascending);
    list(
        call,
        &Pager::pages(10, 100),
        all,
        |view| {
            let mut row = row(&view);
            merge(&mut row, json!({"StatusHistory": []}));
            row
        },
        |rows| json!({"Jobs": rows}),
    )
}

/// Returns the log lines of a pod.
fn log(call: &EmulatedCall<'_>, view: &JobView<'_>, pod: &str) -> HandlerResult {
    let mut pods = pods(view).into_iter();
    let found = pods
        .find(|known| known["PodId"] == pod)
        .ok_or(EmulatedError::NotFound)?;
    let most = call.number("MaxLines", 2000, 1..=usize::MAX)?;
    let start = time(call, "StartTime", call.now() - TimeDelta::days(7))?;
    let end = time(call, "EndTime", call.now() + TimeDelta::seconds(1))?;
    let uid = call.parameter("PodUid");
    let past = found["HistoryPods"].as_array().and_then(|past| past.last());
    let is_past = uid.is_some() && past.is_some_and(|past| past["PodUid"].as_str() == uid);
    let mut lines = view.lines_of_part(pods.next().is_none(), is_past);
    lines.retain(|(at, _)| (start..end).contains(at));
    // Which end is kept is not documented; keeping the first lines is the harder case for a client.
    lines.truncate(most);
    let lines: Vec<&str> = lines.into_iter().map(|(_, line)| line).collect();
    call.data(json!({
        "RequestId": request_id(format_args!("GetPodLogs {pod}")), "JobId": view.id(),
        "PodId": pod, "PodUid": uid.unwrap_or_default(), "Logs": lines,
        "ContainerInfo": {"MainContainer": "pytorch", "SidecarContainers": []},
    }))
}

/// Returns the fields that lists and lookups share.
fn row(view: &JobView<'_>) -> Value {
    let ended = |words: &[&str]| view.ended_at(words).map(timestamp);
    let (failed, stopped) = (ended(&["Failed", "FailedReserving"]), ended(&["Stopped"]));
    let succeeded = ended(&["Succeeded", "SucceededReserving"]);
    json!({
        "JobId": view.id(), "JobType": "PyTorchJob", "DisplayName": view.name(),
        "Status": view.step.state, "SubStatus": "", "ReasonCode": view.step.reason,
        "ReasonMessage": view.step.message, "WorkspaceId": workspace_of(view),
        "WorkspaceName": "dlc-workspace", "ResourceId": view.job.queue, "Priority": 1,
        "UserId": "1200000000000001", "Username": view.job.user,
        "UserCommand": "python train.py --password test",
        "Envs": {"NCCL_DEBUG": "INFO", "WANDB_API_KEY": "test"}, "RequestCPU": 8,
        "RequestGPU": "1", "RequestMemory": "32Gi",
        "RestartTimes": format!("{}/10", view.restart_count()),
        "GmtCreateTime": timestamp(view.created_at),
        "GmtRunningTime": view.reached_at(&["Running"]).map(timestamp),
        "GmtFinishTime": failed.as_ref().or(stopped.as_ref()).or(succeeded.as_ref()),
        "GmtFailedTime": failed, "GmtStoppedTime": stopped, "GmtSuccessedTime": succeeded,
    })
}

fn job(view: &JobView<'_>) -> Value {
    let mut job = row(view);
    let spec = json!({
        "Type": "Worker", "PodCount": view.job.parts.max(1), "RestartPolicy": "OnFailure",
        "Image": "registry-vpc.cn-hangzhou.aliyuncs.com/pai-dlc/pytorch:1.12",
        "ResourceConfig": {"CPU": "8", "GPU": "1", "GPUType": "V100", "Memory": "32Gi"},
        "ImageConfig": {"Username": "puller", "Password": "test", "Auth": "test"},
    });
    merge(
        &mut job,
        json!({
            "RequestId": request_id(view.id()), "JobSpecs": [spec], "Pods": pods(view),
            "Settings": {"JobReservedMinutes": 30},
        }),
    );
    job
}

/// Returns the pods: none before the job runs. Only the last one ends as the job does.
fn pods(view: &JobView<'_>) -> Vec<Value> {
    let Some(started_at) = view.reached_at(&["Running"]) else {
        return Vec::new();
    };
    let parts = view.job.parts.max(1);
    let status = match view.step.state.trim_end_matches("Reserving") {
        word @ ("Succeeded" | "Failed" | "Stopped") => word,
        _ => "Running",
    };
    let pod = |number: usize| {
        let id = format!("{}-worker-{number}", view.id());
        let is_last = number + 1 == parts;
        let uid = |life: usize| request_id(format_args!("{id} {life}")).to_ascii_lowercase();
        let lives = if is_last { view.restart_count() } else { 0 };
        let past = (0..lives).map(|life| {
            json!({
                "PodId": id, "PodUid": uid(life), "Type": "Worker", "Status": "Failed",
                "SubStatus": "Normal", "GmtCreateTime": timestamp(started_at),
            })
        });
        let status = if status == "Failed" && !is_last {
            "Succeeded"
        } else {
            status
        };
        json!({
            "PodId": id, "PodUid": uid(lives), "Type": "Worker", "Status": status,
            "SubStatus": "Normal", "Ip": "10.0.1.2", "GmtCreateTime": timestamp(started_at),
            "GmtStartTime": timestamp(started_at),
            "GmtFinishTime": (status != "Running").then(|| timestamp(view.state_since)),
            "HistoryPods": past.collect::<Vec<_>>(),
        })
    };
    (0..parts).map(pod).collect()
}
