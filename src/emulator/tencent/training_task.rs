use super::{filter_values, response};
use crate::emulator::prelude::*;

/// Routes of TI-ONE training tasks.
pub static TRAINING_TASK: &[Route] = &[
    Route::action("DescribeTrainingTasks").to(list),
    Route::action("DescribeTrainingTask").to(|call| {
        let view = call.find(KIND, &[call.required("Id")?])?;
        let detail = || response(call, json!({"TrainingTaskDetail": detail(&view)}));
        call.resource_response(&view, detail)
    }),
    Route::action("DescribeTrainingTaskPods").to(pods),
    Route::action("DescribeLogs").to(logs),
    Route::action("DescribeEvents").to(|call| events(call, &find_run(call)?.0)),
];

const KIND: &str = "tencent/training-task";

/// State words of ended tasks.
const ENDED: [&str; 4] = ["SUCCEED", "FAILED", "SUBMIT_FAILED", "STOPPED"];

fn pods(call: &EmulatedCall<'_>) -> HandlerResult {
    let view = call.find(KIND, &[call.required("Id")?])?;
    let parts = 0..view.job.parts.max(1);
    let pods: Vec<Value> = parts.map(|part| pod(&view, part)).collect();
    let names: Vec<&Value> = pods.iter().map(|pod| &pod["Name"]).collect();
    let data = json!({"PodNames": names, "TotalCount": pods.len(), "PodInfoList": pods});
    call.data(response(call, data))
}

fn list(call: &EmulatedCall<'_>) -> HandlerResult {
    let page = Pager::rows(["Offset", "Limit"], 10, 1..=50).page(call)?;
    let (ids, words) = (filter_values(call, "Id")?, filter_values(call, "Status")?);
    let mut all = call.rows(KIND);
    all.retain(|view| {
        let matches = |values: &Option<Vec<String>>, own: &str| {
            values
                .as_ref()
                .is_none_or(|values| values.iter().any(|value| value == own))
        };
        matches(&ids, view.id()) && matches(&words, &view.step.state)
    });
    let is_ascending = call.parameter("Order") == Some("ASC");
    sort_by_creation(&mut all, is_ascending);
    let total = all.len();
    let rows: Vec<Value> = page.of(all).map(|view| row(&view)).collect();
    call.data(response(
        call,
        json!({"TotalCount": total, "TrainingTaskSet": rows}),
    ))
}

/// Returns the task of the requested run, and the number of later runs, which is 0 or 1.
fn find_run<'a>(call: &'a EmulatedCall<'_>) -> Result<(JobView<'a>, usize), EmulatedError> {
    if call.required("Service")? != "TRAIN" {
        return Err(EmulatedError::Invalid("Service"));
    }
    let run_id = call.required("ServiceId")?;
    let mut tasks = call.rows(KIND).into_iter();
    tasks
        .find_map(|view| {
            let later =
                (0..=view.restart_count().min(1)).find(|later| run(&view, *later) == run_id)?;
            Some((view, later))
        })
        .ok_or(EmulatedError::NotFound)
}

/// Returns the lines since a time, by default of the last hour. All pods end as the task does and
/// write the same lines.
fn logs(call: &EmulatedCall<'_>) -> HandlerResult {
    let (view, later) = find_run(call)?;
    let page = Pager::rows(["Offset", "Limit"], 100, 1..=100).page(call)?;
    let start = match call.parameter("StartTime") {
        None => call.now() - TimeDelta::hours(1),
        Some(start) => start
            .parse()
            .map_err(|_| EmulatedError::Invalid("StartTime"))?,
    };
    let end: Option<DateTime<Utc>> = match call.parameter("EndTime") {
        None => None,
        Some(end) => Some(end.parse().map_err(|_| EmulatedError::Invalid("EndTime"))?),
    };
    let mut pods = (0..view.job.parts.max(1)).map(|part| pod_name(&view, later, part));
    let writer = match call.parameter("PodName") {
        None => pods.next(),
        Some(pod) => pods.find(|name| name == pod),
    };
    let mut lines = view.log_lines(later > 0);
    lines.retain(|(at, _)| *at >= start && end.is_none_or(|end| *at <= end) && writer.is_some());
    if call.parameter("Order") != Some("ASC") {
        lines.reverse();
    }
    let lines = page.of(lines).map(|(at, line)| {
        json!({"Message": line, "PodName": writer, "Timestamp": at.to_rfc3339_opts(SecondsFormat::Nanos, true)})
    });
    let lines: Vec<Value> = lines.collect();
    call.data(response(call, json!({"Context": "", "Content": lines})))
}

/// Returns the warnings of the scenario.
fn events(call: &EmulatedCall<'_>, view: &JobView<'_>) -> HandlerResult {
    let warnings = view.warnings().map(|(warning, first_at)| {
        json!({
            "Id": sha256_hex(warning.message.as_bytes())[..8], "Message": warning.message,
            "FirstTimestamp": first_at.to_rfc3339(), "LastTimestamp": first_at.to_rfc3339(),
            "Count": warning.count, "Type": "Warning",
            "ResourceKind": "Pod", "ResourceName": pod_name(view, 0, 0),
        })
    });
    let events: Vec<Value> = warnings.collect();
    call.data(response(
        call,
        json!({"TotalCount": events.len(), "Events": events}),
    ))
}

/// Returns the name of a run that `later` runs follow; a restart begins a new run.
fn run(view: &JobView<'_>, later: usize) -> String {
    let number = view.restart_count().saturating_sub(later);
    let text = match number {
        0 => view.id().to_owned(),
        _ => format!("{}/{number}", view.id()),
    };
    format!("{}-{}", view.id(), &sha256_hex(text.as_bytes())[..12])
}

fn pod_name(view: &JobView<'_>, later: usize, part: usize) -> String {
    format!("{}-worker-{part}", run(view, later))
}

fn pod(view: &JobView<'_>, part: usize) -> Value {
    let word = match view.step.state.as_str() {
        "SUCCEED" => "SUCCEEDED",
        "FAILED" => "FAILED",
        "STARTING" => "PENDING",
        "STOPPING" => "TERMINATING",
        "STOPPED" => "TERMINATED",
        word => word,
    };
    let time = |at: Option<DateTime<Utc>>| at.map(hour_offset);
    json!({
        "Name": pod_name(view, 0, part), "IP": format!("10.0.7.{}", part % 250 + 1), "Status": word,
        "StartTime": time(view.reached_at(&["RUNNING"])), "EndTime": time(view.ended_at(&ENDED)),
        "ResourceConfigInfo": role(view), "SubUin": "100000000001",
    })
}

fn role(view: &JobView<'_>) -> Value {
    json!({
        "Role": "WORKER", "Cpu": 16000, "Memory": 65536, "GpuType": "V100", "Gpu": 200,
        "InstanceType": "", "InstanceNum": view.job.parts.max(1), "InstanceTypeAlias": "16核64G V100*2",
        "RDMAConfig": {"Enable": false},
    })
}

/// Returns the fields that lists and lookups share; their time formats differ.
fn common(view: &JobView<'_>, time: fn(DateTime<Utc>) -> String) -> Value {
    let ended_at = view.ended_at(&ENDED);
    let started_at = view.reached_at(&["RUNNING"]);
    let seconds = started_at.map_or(0, |start| {
        (ended_at.unwrap_or(view.now) - start).num_seconds()
    });
    json!({
        "Id": view.id(), "Name": view.name(), "Status": view.step.state,
        "FrameworkName": "PYTORCH", "FrameworkVersion": "2.3.0-py3.10-gpu",
        "FrameworkEnvironment": "tensor2.3-py3.10-cuda12.1-gpu", "TrainingMode": "DDP",
        "ChargeType": "PREPAID", "ChargeStatus": "NOT_BILLING", "ResourceGroupId": "trsg-5z8b7f6d",
        "ResourceGroupName": view.job.queue, "ResourceConfigInfos": [role(view)],
        "RuntimeInSeconds": seconds, "CreateTime": time(view.created_at), "UpdateTime": time(view.state_since),
        "StartTime": started_at.map(time).unwrap_or_default(),
        "EndTime": ended_at.map(time).unwrap_or_default(),
        "FailureReason": view.step.message, "Message": "", "Tags": [],
        "SubUin": "100000000001", "SubUinName": view.job.user,
    })
}

fn row(view: &JobView<'_>) -> Value {
    let mut row = common(view, china_time);
    let variables = json!([{"Name": "WANDB_KEY", "Value": "test", "IsPrivate": true}]);
    merge(&mut row, json!({"AppId": "1250000000", "Envs": variables}));
    row
}

fn detail(view: &JobView<'_>) -> Value {
    let mut detail = common(view, hour_offset);
    let commands =
        json!({"StartCmd": "bash run.sh --lr 1e-5", "PsStartCmd": "", "WorkerStartCmd": ""});
    let has_run = !view.is(&["SUBMITTING", "SUBMIT_FAILED"]);
    merge(
        &mut detail,
        json!({
            "Region": "ap-guangzhou", "StartCmdInfo": commands, "DataSource": "COS", "LogEnable": true,
            "LatestInstanceId": has_run.then(|| run(view, 0)), "Remark": "",
        }),
    );
    detail
}

/// Formats a time such as `2026-09-13T19:01:00+08`.
fn hour_offset(at: DateTime<Utc>) -> String {
    format!("{}+08", china_time(at).replace(' ', "T"))
}
