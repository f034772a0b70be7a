use std::cmp::Reverse;

use super::tokens::REGION;
use crate::emulator::prelude::*;
use crate::sort::SortExt as _;

/// Routes of the schedulers' jobs.
pub static JOB: &[Route] = &[
    Route::get("GetJob", "/hpc/openapi/v2/jobs/{}").to(get),
    Route::get("ListJobs", "/hpc/openapi/v2/jobs")
        .to(|call| list(call, ROW_PARAMETERS, "strClusterIDList", is_live, live)),
    Route::get("ListHistoryJobs", "/hpc/openapi/v2/historyjobs").to(|call| {
        list(
            call,
            ROW_PARAMETERS,
            "strClusterNameList",
            is_in_history,
            history_row,
        )
    }),
    Route::get("GetHistoryJob", "/hpc/openapi/v2/historyjobs/{}/{}").to(get_ended),
    Route::post(
        "ListJobsOfPlatform",
        "/ac/openapi/v2/jobs/monitor/page-list",
    )
    .to(|call| list(call, PAGE_PARAMETERS, "", is_live, live_row)),
    Route::post(
        "ListHistoryJobsOfPlatform",
        "/ac/openapi/v2/jobs/history/page-list",
    )
    .to(|call| list(call, PAGE_PARAMETERS, "", is_in_history, history_row)),
    Route::post("ReadFile", "/hpc/openapi/v2/file/content").to(file),
];

const KIND: &str = "sugon/job";

// Parameters for position and size of a page, for a region and for the platform.
const ROW_PARAMETERS: [&str; 2] = ["start", "limit"];
const PAGE_PARAMETERS: [&str; 2] = ["page", "size"];

/// Outcomes of jobs: the platform's word, Slurm's word, and the exit status in the history.
const ENDED: [(&str, &str, i64); 6] = [
    ("statC", "COMPLETED", 0),
    ("statD", "FAILED", 1),
    ("statEX", "FAILED", 1),
    ("statT", "TIMEOUT", 10006),
    ("statN", "NODE_FAIL", 1),
    ("statDE", "CANCELLED by 1234", 0),
];

/// How long an ended job remains in the list of live jobs.
const LIVE_TIME: TimeDelta = TimeDelta::minutes(5);

/// Delay between the end of a job and its entry in the history.
const HISTORY_DELAY: TimeDelta = TimeDelta::seconds(44);

/// Number of lines per page of a file.
const PAGE_LINES: usize = 1000;

fn get(call: &EmulatedCall<'_>) -> HandlerResult {
    let scheduler = call.parameter("strJobManagerID");
    let mut all = call.state.all(KIND, call.now());
    let found = all.find(|view| {
        let matches = scheduler.is_none_or(|id| id == view.job.segments[1]);
        matches && view.id() == call.segments[0] && is_live(view)
    });
    let view = found.ok_or(EmulatedError::NotFound)?;
    call.resource_response(&view, || live(&view))
}

fn get_ended(call: &EmulatedCall<'_>) -> HandlerResult {
    let [scheduler, id] = [&*call.segments[0], &*call.segments[1]];
    let view = call.find(KIND, &[REGION, scheduler, id])?;
    match is_in_history(&view) {
        true => call.data(history_row(&view)),
        false => Err(EmulatedError::NotFound),
    }
}

fn ended(view: &JobView<'_>) -> Option<(&'static str, i64)> {
    let found = ENDED.iter().find(|(word, ..)| view.is(&[word]));
    found.map(|(_, own, status)| (*own, *status))
}

fn is_live(view: &JobView<'_>) -> bool {
    ended(view).is_none() || view.now < view.state_since + LIVE_TIME
}

fn is_in_history(view: &JobView<'_>) -> bool {
    ended(view).is_some() && view.now >= view.state_since + HISTORY_DELAY
}

/// Returns a page of the jobs of the scheduler in the given parameter, or of all jobs.
fn list(
    call: &EmulatedCall<'_>,
    page: [&'static str; 2],
    scheduler: &'static str,
    is_there: fn(&JobView<'_>) -> bool,
    row: fn(&JobView<'_>) -> Value,
) -> HandlerResult {
    let is_of_platform = scheduler.is_empty();
    let pager = match is_of_platform {
        true => Pager::numbers(page, 10, 1000),
        false => Pager::rows(page, 25, 1..=1000),
    };
    let page = pager.page(call)?;
    let scheduler = match is_of_platform {
        true => None,
        false => Some(call.required(scheduler)?),
    };
    let matches = |names: [&str; 2], own: &str| {
        let value = names.iter().find_map(|name| call.parameter(name));
        value.is_none_or(|value| value == own)
    };
    let mut all = call.rows(KIND);
    all.retain(|view| {
        let ended_at = ended(view).map(|_| china_time(view.state_since));
        let is_in_window = ended_at.is_none_or(|at| {
            let [start, end] = ["startTime", "endTime"].map(|name| call.parameter(name));
            start.is_none_or(|start| *at >= *start) && end.is_none_or(|end| *at <= *end)
        });
        is_there(view)
            && is_in_window
            && scheduler.is_none_or(|id| id == view.job.segments[1])
            && matches(["clusterId", ""], &view.job.segments[0])
            && matches(["jobId", "strJobId"], view.id())
            && matches(["queue", "strQueueName"], queue(view))
            && matches(["clusterUserName", "strJobOwner"], user(view))
            && matches(["strUser", ""], user(view))
    });
    all.order_by_key(|view| Reverse(view.created_at));
    let total = all.len();
    let rows: Vec<Value> = page.of(all).map(|view| row(&view)).collect();
    call.data(match is_of_platform {
        true => json!({"total": total, "records": rows}),
        false => json!({"total": total, "list": rows}),
    })
}

/// Returns a page of a job's standard output, counted from the start of the file; the standard error is
/// empty.
fn file(call: &EmulatedCall<'_>) -> HandlerResult {
    let path = call.required("dirPath")?;
    let page = call.number("triggerNum", 1, 1..=usize::MAX)?;
    let mut all = call.state.all(KIND, call.now());
    let found = all.find(|view| {
        let has_started = view.reached_at(&["statR"]).is_some();
        has_started
            && ["out", "err"]
                .iter()
                .any(|stream| path == output(view, stream))
    });
    let Some(view) = found else {
        let error = json!({"code": "911020", "msg": "File does not exist", "data": null});
        return Err(EmulatedError::Response(ServerResponse::json(200, &error)));
    };
    let mut lines = view.log_lines(false);
    lines.retain(|_| path == output(&view, "out"));
    let (total, pages) = (lines.len(), lines.len().div_ceil(PAGE_LINES));
    let from_end = call.parameter("rollDirection") == Some("UP");
    let page = if from_end {
        (pages + 1).saturating_sub(page)
    } else {
        page
    };
    let shown = lines
        .chunks(PAGE_LINES)
        .nth(page.wrapping_sub(1))
        .unwrap_or_default();
    let text: String = shown.iter().map(|(_, line)| format!("{line}\n")).collect();
    call.data(json!({
        "data": text, "allLineTotal": total, "totalTriggerTimes": pages, "success": "true", "errmsg": "",
    }))
}

fn output(view: &JobView<'_>, stream: &str) -> String {
    format!("/public/home/{}/std.{stream}.{}", user(view), view.id())
}

fn user<'a>(view: &JobView<'a>) -> &'a str {
    view.job.user.as_deref().unwrap_or("magic2")
}

fn queue<'a>(view: &JobView<'a>) -> &'a str {
    view.job.queue.as_deref().unwrap_or("kshdtest")
}

fn time(moment: Option<DateTime<Utc>>) -> String {
    moment.map(china_time).unwrap_or_default()
}

/// Returns the scheduler's record; it has a word for each outcome, while the platform has one for all.
fn record(view: &JobView<'_>) -> Value {
    let word = ended(view).map(|(word, _)| word);
    let word = word.unwrap_or(if view.is(&["statR"]) {
        "RUNNING"
    } else {
        "PENDING"
    });
    let code = view.step.exit_code.unwrap_or(i64::from(word == "FAILED"));
    json!({"JobState": word, "ExitCode": format!("{code}:0"), "Reason": view.step.reason.as_deref().unwrap_or("None")})
}

/// Returns the fields that both responses about live jobs share.
fn common(view: &JobView<'_>) -> Value {
    let [stdout, stderr] = ["out", "err"].map(|stream| output(view, stream));
    json!({
        "jobId": view.id(), "jobName": view.name(), "queue": queue(view), "nodeUsed": "a01r1n00",
        "procNumUsed": 8, "procNumReq": 8, "gpuNumReq": 0, "dcuNumReq": 4, "nodeNumReq": 1,
        "jobStartTime": time(view.reached_at(&["statR"])), "workDir": "/public/home/magic2",
        "outputPath": stdout, "errorPath": stderr, "exitCode": "",
        "reason": view.step.reason.as_deref().unwrap_or("None"),
    })
}

fn live_word<'a>(view: &JobView<'a>) -> &'a str {
    ended(view).map_or(&view.step.state, |_| "statC")
}

fn live(view: &JobView<'_>) -> Value {
    let mut job = common(view);
    merge(
        &mut job,
        json!({
            "jobStatus": live_word(view), "user": user(view), "jobSubmitTime": china_time(view.created_at),
            "jobEndTime": time(ended(view).map(|_| view.state_since)), "jobmanagerName": "slurm-emulator",
            "jobmanagerType": "SLURM", "jobInitAttr": record(view),
        }),
    );
    job
}

fn live_row(view: &JobView<'_>) -> Value {
    let mut job = common(view);
    merge(
        &mut job,
        json!({
            "jobState": live_word(view), "clusterId": 11112, "clusterName": "emulator",
            "clusterUserName": user(view), "jobManagerId": view.job.segments[1],
            "jobManagerName": "slurm-emulator", "jobQueueTime": china_time(view.created_at),
            "wallTimeReq": "1-00:00:00", "appType": "BASIC", "taskType": "HPC",
            "initContentAttr": record(view).to_string(),
        }),
    );
    job
}

fn history_row(view: &JobView<'_>) -> Value {
    let status = ended(view).map_or(0, |(_, status)| status);
    let started_at = view.reached_at(&["statR"]);
    let seconds = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_seconds();
    let booked_at = (view.state_since + HISTORY_DELAY).format("%Y-%m-%dT%H:%M:%S.000+0000");
    let [stdout, stderr] = ["out", "err"].map(|stream| output(view, stream));
    json!({
        "acctTime": booked_at.to_string(), "jobId": view.id(), "jobmanagerId": view.job.segments[1],
        "jobmanagerName": "slurm-emulator", "clusterId": view.job.segments[0], "clusterName": "emulator",
        "userName": user(view), "queue": queue(view), "jobName": view.name(), "groupName": "emulator",
        "jobQueueTime": china_time(view.created_at), "jobStartTime": time(started_at),
        "jobEndTime": china_time(view.state_since), "jobExecHost": "a01r1n00", "walltime": 86_400,
        "jobWaitTime": started_at.map_or(0, |at| seconds(view.created_at, at)),
        "jobCpuTime": started_at.map_or(0, |at| 8 * seconds(at, view.state_since)),
        "jobExitStatus": view.step.exit_code.unwrap_or(status), "jobMemUsed": 786_432, "jobProcNum": 8,
        "jobGpuNum": 0, "workdir": "/public/home/magic2", "stdout": stdout, "stderr": stderr,
        "command": "srun solve --password test", "jobState": view.step.state,
    })
}
