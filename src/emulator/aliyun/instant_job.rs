use super::{INSTANT, find_job, list, post, request_id};
use crate::crypto;
use crate::emulator::prelude::*;
use crate::emulator::state::Warning;

/// Routes of E-HPC Instant jobs.
pub static INSTANT_JOB: &[Route] = &[
    post(INSTANT, "GetJob", |call| {
        filter(call)?;
        let view = find_job(call, KIND, call.required("JobId")?)?;
        let data = || json!({"RequestId": request_id(view.id()), "JobInfo": job(&view)});
        call.resource_response(&view, data)
    }),
    post(INSTANT, "ListJobs", jobs),
    post(INSTANT, "ListExecutorEvents", events),
    post(INSTANT, "DescribeJobResults", |call| {
        filter(call)?;
        results(call, &find_job(call, KIND, call.required("JobId")?)?)
    }),
];

const KIND: &str = "aliyun/instant-job";
const PAGER: Pager = Pager::pages(50, 100);

fn filter(call: &EmulatedCall<'_>) -> Result<Value, EmulatedError> {
    let filter = call.parameter("Filter").unwrap_or("{}");
    serde_json::from_str(filter).map_err(|_| EmulatedError::Invalid("Filter"))
}

/// Lists jobs; the response contains no total.
fn jobs(call: &EmulatedCall<'_>) -> HandlerResult {
    let filter = filter(call)?;
    let after = filter["TimeCreatedAfter"].as_i64();
    let mut all = call.rows(KIND);
    all.retain(|view| {
        let ids = filter["JobIds"].as_array();
        ids.is_none_or(|ids| ids.iter().any(|id| id == view.id()))
            && filter["Status"]
                .as_str()
                .is_none_or(|word| view.is(&[word]))
            && after.is_none_or(|after| view.created_at.timestamp() >= after)
    });
    let page = PAGER.page(call)?;
    let rows: Vec<Value> = page.of(all).map(|view| row(&view)).collect();
    call.data(json!({
        "RequestId": request_id(format_args!("ListJobs {}", call.request.query)),
        "PageNumber": page.at, "PageSize": page.size, "JobList": rows,
    }))
}

fn events(call: &EmulatedCall<'_>) -> HandlerResult {
    let filter = filter(call)?;
    let id = filter["JobId"].as_str().unwrap_or_default();
    let view = find_job(call, KIND, id)?;
    let row = |(warning, at): (&Warning, DateTime<Utc>)| {
        json!({
            "JobId": id, "ExecutorId": format!("{id}-Task0-{}", last(&view)), "Level": "Error",
            "Time": china_time(at), "Content": format!("{}: {}", warning.reason, warning.message),
        })
    };
    let rows: Vec<_> = view.warnings().collect();
    list(
        call,
        &PAGER,
        rows,
        row,
        |rows| json!({"ExecutorEventList": rows}),
    )
}

/// Returns the output and exit code of an executor. Only the last one ends with the exit code of the job.
fn results(call: &EmulatedCall<'_>, view: &JobView<'_>) -> HandlerResult {
    call.required("TaskName")?;
    let index = call.number("ArrayIndex", 0, 0..=last(view))?;
    let limit = call.number("LimitBytes", 1 << 20, 1..=1 << 20)?;
    let is_last = index == last(view);
    let mut lines = view.lines_of_part(is_last, false);
    if let Some(since) = call.parameter("StartTime") {
        let since = since.parse::<DateTime<Utc>>();
        let since = since.map_err(|_| EmulatedError::Invalid("StartTime"))?;
        lines.retain(|(at, _)| *at >= since);
    }
    let text: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
    let output = &text.as_bytes()[text.len().saturating_sub(limit)..];
    let exit_code = match is_last {
        true => view.step.exit_code.unwrap_or(0),
        false => 0,
    };
    call.data(json!({
        "RequestId": request_id(format_args!("DescribeJobResults {} {index}", view.id())),
        "ExitCode": exit_code, "Output": crypto::base64(output),
    }))
}

/// Returns the index of the last executor.
fn last(view: &JobView<'_>) -> usize {
    view.job.parts.saturating_sub(1)
}

fn ended_at(view: &JobView<'_>) -> String {
    let ends = ["Succeeded", "Succeed", "Failed", "Expired", "Deleted"];
    view.ended_at(&ends).map(china_time).unwrap_or_default()
}

fn started_at(view: &JobView<'_>) -> String {
    let started_at = view.reached_at(&["Running"]);
    started_at.map(china_time).unwrap_or_default()
}

fn row(view: &JobView<'_>) -> Value {
    json!({
        "JobId": view.id(), "JobName": view.name(), "JobDescription": "",
        "Status": view.step.state, "OwnerUid": view.job.user, "AppName": "",
        "CreateTime": china_time(view.created_at), "StartTime": started_at(view),
        "EndTime": ended_at(view), "ExecutorCount": view.job.parts.max(1), "TaskCount": 1,
        "TaskSustainable": false, "Tags": [],
    })
}

fn job(view: &JobView<'_>) -> Value {
    let executor = |index: usize| {
        let is_other = index < last(view) && view.is(&["Failed"]);
        json!({
            "ArrayId": index, "Status": if is_other { "Succeeded" } else { &view.step.state },
            "StatusReason": if is_other { None } else { view.step.message.as_deref() },
            "CreateTime": china_time(view.created_at), "StartTime": started_at(view),
            "EndTime": ended_at(view),
        })
    };
    let executors: Vec<Value> = (0..=last(view)).map(executor).collect();
    json!({
        "JobId": view.id(), "JobName": view.name(), "JobDescription": "",
        "Status": view.step.state, "JobScheduler": "HPC",
        "CreateTime": china_time(view.created_at), "StartTime": started_at(view),
        "EndTime": ended_at(view),
        "DeploymentPolicy": {"Pool": view.job.queue, "Priority": 50},
        "Tasks": [{
            "TaskName": "Task0", "TaskSustainable": false, "ExecutorStatus": executors,
            "TaskSpec": {
                "Resource": {"Cores": 2, "Memory": 4},
                "TaskExecutor": [{"VM": {"Image": "m-f8z0dfa96lux00001", "Script": "dGVzdA=="}}],
            },
        }],
    })
}
