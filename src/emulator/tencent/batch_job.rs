use super::{filter_values, items, response};
use crate::crypto::base64;
use crate::emulator::prelude::*;

/// Routes of Batch jobs. Each has one task, whose instances are the parts of the scenario's job.
pub static BATCH_JOB: &[Route] = &[
    Route::action("DescribeJobs").to(list),
    Route::action("DescribeJob").to(|call| {
        let view = find(call)?;
        call.resource_response(&view, || response(call, job(&view)))
    }),
    Route::action("DescribeTask").to(|call| task(call, &find_task(call)?)),
    Route::action("DescribeTaskLogs").to(|call| logs(call, &find_task(call)?)),
];

const KIND: &str = "tencent/batch-job";

/// The name of the only task.
const TASK: &str = "main";

/// Maximum number of bytes of a log.
const MAX_LOG_BYTES: usize = 2048;

/// State words of ended jobs.
const ENDED: [&str; 3] = ["SUCCEED", "FAILED", "FAILED_INTERRUPTED"];

/// Names of the counts in the metrics, with their state words.
const COUNTS: [(&str, &str); 8] = [
    ("SubmittedCount", "SUBMITTED"),
    ("PendingCount", "PENDING"),
    ("RunnableCount", "RUNNABLE"),
    ("StartingCount", "STARTING"),
    ("RunningCount", "RUNNING"),
    ("SucceedCount", "SUCCEED"),
    ("FailedInterruptedCount", "FAILED_INTERRUPTED"),
    ("FailedCount", "FAILED"),
];

fn find<'a>(call: &'a EmulatedCall<'_>) -> Result<JobView<'a>, EmulatedError> {
    call.find(KIND, &[call.required("JobId")?])
}

/// Returns the job of the requested task.
fn find_task<'a>(call: &'a EmulatedCall<'_>) -> Result<JobView<'a>, EmulatedError> {
    let view = find(call)?;
    match call.required("TaskName")? == TASK {
        true => Ok(view),
        false => Err(EmulatedError::NotFound),
    }
}

fn list(call: &EmulatedCall<'_>) -> HandlerResult {
    let page = Pager::rows(["Offset", "Limit"], 20, 1..=100).page(call)?;
    let ids: Option<Vec<String>> = items(call, "JobIds")?;
    let words = filter_values(call, "job-state")?;
    if ids.is_some() && words.is_some() {
        return Err(EmulatedError::Invalid("Filters"));
    }
    let matches = |values: &Option<Vec<String>>, own: &str| {
        values
            .as_ref()
            .is_none_or(|values| values.iter().any(|value| value == own))
    };
    let mut all = call.rows(KIND);
    all.retain(|view| matches(&ids, view.id()) && matches(&words, &view.step.state));
    let total = all.len();
    let rows: Vec<Value> = page.of(all).map(|view| row(&view)).collect();
    call.data(response(call, json!({"TotalCount": total, "JobSet": rows})))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns the times of a job or task. Before the end, the end time is meaningless, as in the cloud.
fn times(view: &JobView<'_>) -> Value {
    let ended_at = view.ended_at(&ENDED).unwrap_or(view.created_at);
    json!({"CreateTime": time(view.created_at), "EndTime": time(ended_at)})
}

/// Returns metrics in which all `count` parts are in the state of the job.
fn metrics(view: &JobView<'_>, count: usize) -> Value {
    let counts = COUNTS.iter();
    counts
        .map(|(name, word)| {
            (
                (*name).to_owned(),
                json!(count * usize::from(view.is(&[word]))),
            )
        })
        .collect()
}

fn row(view: &JobView<'_>) -> Value {
    let mut row = json!({
        "JobId": view.id(), "JobName": view.name(), "JobState": view.step.state, "Priority": 1,
        "Placement": {"Zone": "ap-guangzhou-6", "ProjectId": 0}, "TaskMetrics": metrics(view, 1), "Tags": [],
    });
    merge(&mut row, times(view));
    row
}

fn job(view: &JobView<'_>) -> Value {
    let mut task = json!({"TaskName": TASK, "TaskState": view.step.state});
    merge(&mut task, times(view));
    let mut job = json!({
        "JobId": view.id(), "JobName": view.name(), "JobState": view.step.state, "Priority": 1,
        "Zone": "ap-guangzhou-6", "TaskSet": [task], "DependenceSet": [], "Tags": null, "NextAction": "",
        "TaskMetrics": metrics(view, 1), "TaskInstanceMetrics": metrics(view, view.job.parts.max(1)),
        "StateReason": view.step.reason.as_deref().unwrap_or_default(),
    });
    merge(&mut job, times(view));
    job
}

fn task(call: &EmulatedCall<'_>, view: &JobView<'_>) -> HandlerResult {
    let page = Pager::rows(["Offset", "Limit"], 100, 1..=1000).page(call)?;
    let parts = view.job.parts.max(1);
    let rows = page
        .of((0..parts).collect())
        .map(|part| instance(view, part));
    let rows: Vec<Value> = rows.collect();
    let mut task = json!({
        "JobId": view.id(), "TaskName": TASK, "TaskState": view.step.state,
        "TaskInstanceTotalCount": parts, "TaskInstanceSet": rows, "TaskInstanceMetrics": metrics(view, parts),
    });
    merge(&mut task, times(view));
    call.data(response(call, task))
}

/// Returns an instance; the last one determines how the job ends.
fn instance(view: &JobView<'_>, part: usize) -> Value {
    let is_last = part + 1 == view.job.parts.max(1);
    let word = match view.is(&["FAILED"]) && !is_last {
        true => "SUCCEED",
        false => &view.step.state,
    };
    let is_failed = word == "FAILED";
    let text = |own: &Option<String>| own.as_deref().filter(|_| is_failed).map(str::to_owned);
    let running_at = view.reached_at(&["RUNNING"]).map(time).unwrap_or_default();
    let mut instance = json!({
        "TaskInstanceIndex": part, "TaskInstanceState": word,
        "ExitCode": view.step.exit_code.filter(|_| is_failed).unwrap_or(0),
        "StateReason": text(&view.step.reason), "StateDetailedReason": text(&view.step.message),
        "ComputeNodeInstanceId": if view.is(&["RUNNING"]) { "ins-0p2o4i6u" } else { "" },
        "LaunchTime": running_at, "RunningTime": running_at, "RedirectInfo": null,
    });
    merge(&mut instance, times(view));
    instance
}

/// Returns the end of both streams of the instances.
fn logs(call: &EmulatedCall<'_>, view: &JobView<'_>) -> HandlerResult {
    let indexes: Vec<usize> = match items(call, "TaskInstanceIndexes")? {
        Some(indexes) => indexes,
        None => {
            let page = Pager::rows(["Offset", "Limit"], 5, 1..=10).page(call)?;
            page.of((0..view.job.parts.max(1)).collect()).collect()
        }
    };
    let end = |text: &str| base64(&text.as_bytes()[text.len().saturating_sub(MAX_LOG_BYTES)..]);
    let rows = indexes
        .into_iter()
        .filter(|index| *index < view.job.parts.max(1))
        .map(|index| {
            let (stdout, stderr) = view.streams(index + 1 == view.job.parts.max(1));
            json!({
                "TaskInstanceIndex": index, "StdoutLog": end(&stdout), "StderrLog": end(&stderr),
                "StdoutRedirectPath": "", "StderrRedirectPath": "",
                "StdoutRedirectFileName": "", "StderrRedirectFileName": "",
            })
        });
    let rows: Vec<Value> = rows.collect();
    call.data(response(
        call,
        json!({"TotalCount": view.job.parts.max(1), "TaskInstanceLogSet": rows}),
    ))
}
