use super::{PROJECT, failure};
use crate::emulator::prelude::*;

/// Routes of ModelArts training jobs, all in the default workspace.
pub static TRAINING_JOB: &[Route] = &[
    Route::get("ShowTrainingJobDetails", "/v2/{}/training-jobs/{}").to(|call| {
        let view = find(call)?;
        call.resource_response(&view, || job(&view))
    }),
    Route::post("ListTrainingJobs", "/v2/{}/training-job-searches").to(list),
    Route::get("ListTrainingJobEvents", "/v2/{}/training-jobs/{}/events")
        .to(|call| events(call, &find(call)?)),
    Route::get("ListTrainingJobStages", "/v2/{}/training-jobs/{}/stages")
        .to(|call| call.data(stages(&find(call)?))),
    Route::get("ListTrainingJobTasks", "/v2/{}/training-jobs/{}/tasks").to(|call| {
        let row =
            |task| json!({"task": task, "ip": "172.16.0.21", "host_ip": "", "schedule_count": 1});
        call.data(tasks(&find(call)?).map(row).collect())
    }),
    Route::get(
        "ShowTrainingJobLogsPreview",
        "/v2/{}/training-jobs/{}/tasks/{}/logs/preview",
    )
    .to(|call| log(call, &find(call)?, &call.segments[2])),
];

const KIND: &str = "huawei/training-job";
const WORKSPACE: &str = "0";

/// State words of ended jobs.
const ENDED: [&str; 4] = ["Completed", "Failed", "Abnormal", "Terminated"];

/// Maximum number of bytes that are returned from the end of a log.
const MAX_LOG_BYTES: usize = 5 << 20;

fn check_project(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    match call.segments[0] == PROJECT {
        true => Ok(()),
        false => {
            let message = "Project ID in token does not match.";
            let response = failure(404, "ModelArts.2786", message);
            Err(EmulatedError::Response(response))
        }
    }
}

fn find<'a>(call: &'a EmulatedCall<'_>) -> Result<JobView<'a>, EmulatedError> {
    check_project(call)?;
    call.find(KIND, &[&call.segments[1]])
}

/// Returns a page of the jobs that match the filters, the last created first.
fn list(call: &EmulatedCall<'_>) -> HandlerResult {
    check_project(call)?;
    let page = Pager::pages_from_0(["offset", "limit"], 50, 1..=50).page(call)?;
    let filters = call.parameter("filters").unwrap_or("[]");
    let filters: Vec<Value> =
        serde_json::from_str(filters).map_err(|_| EmulatedError::Invalid("filters"))?;
    let total = call.rows(KIND).len();
    let mut all = call.rows(KIND);
    for filter in &filters {
        let Some(values) = filter["value"].as_array() else {
            return Err(EmulatedError::Invalid("filters"));
        };
        match (filter["key"].as_str(), filter["operator"].as_str()) {
            (Some("phase"), Some("in")) => {
                all.retain(|view| values.iter().any(|value| *value == view.step.state));
            }
            (Some("name"), Some("like")) => all.retain(|view| {
                let mut parts = values.iter().filter_map(Value::as_str);
                parts.any(|part| view.name().contains(part))
            }),
            _ => return Err(EmulatedError::Invalid("filters")),
        }
    }
    let workspace = call.parameter("workspace_id").unwrap_or(WORKSPACE);
    all.retain(|_| workspace == WORKSPACE);
    let is_ascending = call.parameter("order") == Some("asc");
    sort_by_creation(&mut all, is_ascending);
    let items: Vec<Value> = page.of(all).map(|view| job(&view)).collect();
    call.data(json!({
        "total": total, "count": items.len(), "limit": page.size, "offset": page.at,
        "sort_by": "create_time", "order": "desc", "group_by": "", "workspace_id": workspace,
        "ai_project": "default-ai-project", "items": items,
    }))
}

fn tasks(view: &JobView<'_>) -> impl Iterator<Item = String> {
    (0..view.job.parts.max(1)).map(|number| format!("worker-{number}"))
}

fn job(view: &JobView<'_>) -> Value {
    let tasks: Vec<String> = tasks(view).collect();
    let is_ended = view.is(&ENDED);
    let started_at = view.reached_at(&["Running"]);
    let until = if is_ended { view.state_since } else { view.now };
    let duration = started_at.map_or(TimeDelta::zero(), |start| until - start);
    let statuses = tasks.iter().enumerate().map(|(number, task)| {
        let is_failed = view.is(&["Failed"]) && number + 1 == tasks.len();
        let exit_code = view.step.exit_code.unwrap_or(1);
        let message = view.step.message.as_deref().filter(|_| is_failed);
        json!({
            "task": task, "exit_code": if is_failed { exit_code } else { 0 },
            "message": message.unwrap_or_default(),
        })
    });
    let statuses: Vec<Value> = statuses
        .filter(|_| is_ended && started_at.is_some())
        .collect();
    json!({
        "kind": "job",
        "metadata": {
            "id": view.id(), "name": view.name(), "workspace_id": WORKSPACE, "description": "",
            "create_time": view.created_at.timestamp_millis(), "user_name": view.job.user,
            "annotations": {"job_template": "Template DL", "key_task": "worker"},
        },
        "status": {
            "phase": view.step.state,
            "secondary_phase": view.step.reason.as_ref().unwrap_or(&view.step.state),
            "duration": duration.num_milliseconds(),
            "start_time": started_at.map_or(0, |at| at.timestamp_millis()),
            "node_count_metrics": null, "tasks": tasks,
            "task_statuses": Some(statuses).filter(|statuses| !statuses.is_empty()),
            "running_records": started_at.map(|at| {
                let end = is_ended.then_some(view.state_since.timestamp());
                json!([{"start_at": at.timestamp(), "end_at": end, "start_type": "init_or_rescheduled"}])
            }),
        },
        "algorithm": {
            "code_dir": "/bucket/code/", "boot_file": "/bucket/code/train.py",
            "command": "python train.py --password test",
            "parameters": [{"name": "lr", "value": "1e-5", "description": ""}],
            "engine": {"engine_id": "pytorch-2.1", "engine_name": "PyTorch", "engine_version": "2.1.0"},
            "inputs": [], "outputs": [], "environments": [{"NCCL_DEBUG": "test"}],
        },
        "spec": {
            "resource": {
                "policy": "regular", "flavor_id": "modelarts.p3.large.public", "node_count": tasks.len(),
                "pool_id": view.job.queue, "pool_name": view.job.queue,
                "flavor_detail": {"flavor_type": "GPU", "flavor_info": {
                    "max_num": 4, "cpu": {"arch": "x86", "core_num": 8},
                    "gpu": {"unit_num": 1, "product_name": "GP-V100", "memory": "32GB"},
                    "memory": {"size": 64, "unit": "GB"},
                }},
            },
            "log_export_path": {}, "schedule_policy": {"priority": 1, "preemptible": false}, "volumes": [],
        },
    })
}

/// Formats a time with the UTC offset of China, as in the cloud.
fn time(at: DateTime<Utc>) -> String {
    (at + TimeDelta::hours(8))
        .format("%Y-%m-%dT%H:%M:%S+08:00")
        .to_string()
}

fn events(call: &EmulatedCall<'_>, view: &JobView<'_>) -> HandlerResult {
    let page = Pager::rows(["offset", "limit"], 50, 1..=100).page(call)?;
    let order = call.parameter("order").unwrap_or("asc");
    let last = tasks(view).last().unwrap_or_default();
    let mut all: Vec<_> = view.warnings().collect();
    if order == "desc" {
        all.reverse();
    }
    let total = all.len();
    let events: Vec<Value> = page
        .of(all)
        .map(|(warning, at)| {
            let message = format!("[{last}] {}: {}", warning.reason, warning.message);
            json!({"time": time(at), "level": "Warning", "message": message, "source": "Task"})
        })
        .collect();
    call.data(json!({
        "total": total, "limit": page.size, "offset": page.at, "order": order,
        "start_time": "", "end_time": "", "events": events,
    }))
}

/// Returns the stages: scheduling until the job runs.
fn stages(view: &JobView<'_>) -> Value {
    let started_at = view.reached_at(&["Running"]);
    let stage = |order: u32, name: &str, start: DateTime<Utc>, end: Option<DateTime<Utc>>| {
        json!({
            "job_id": view.id(), "name": name.to_lowercase(), "en_message": name, "zh_message": name,
            "start_time": time(start), "end_time": end.map(time).unwrap_or_default(),
            "stage_order": order, "sub_stages": [],
        })
    };
    let mut stages = vec![stage(1, "Scheduling", view.created_at, started_at)];
    let end = view.ended_at(&ENDED);
    stages.extend(started_at.map(|at| stage(3, "Running", at, end)));
    json!({"total_count": 1, "running_records": [{"record_order": 1, "stages": stages}]})
}

/// Returns the log of a task; no log exists before the job runs.
fn log(call: &EmulatedCall<'_>, view: &JobView<'_>, task: &str) -> HandlerResult {
    let names: Vec<String> = tasks(view).collect();
    if !names.iter().any(|name| name == task) {
        return Err(EmulatedError::NotFound);
    }
    if view.reached_at(&["Running"]).is_none() {
        return Ok(ServerResponse::empty(204));
    }
    let is_last = names.last().is_some_and(|last| last == task);
    let lines = view.lines_of_part(is_last, false).into_iter();
    let text: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    let mut start = text.len().saturating_sub(MAX_LOG_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = &text[start..];
    call.data(json!({"content": end, "current_size": end.len(), "full_size": text.len()}))
}
