use super::scheduler::{JobList, find};
use super::{EHPC, cluster, request_id};
use crate::crypto;
use crate::emulator::prelude::*;

/// Routes of the schedulers' jobs in E-HPC 1.0.
pub static SCHEDULER_JOB: &[Route] = &[
    Route::action("DescribeJob").version(EHPC).to(|call| {
        let view = find(call, KIND)?;
        call.resource_response(&view, || {
            let info = json!({view.id(): job(&view)}).to_string();
            json!({"RequestId": request_id(view.id()), "Message": {"JobInfo": info}})
        })
    }),
    Route::action("ListJobsWithFilters").version(EHPC).to(jobs),
    Route::action("GetJobLog").version(EHPC).to(log),
];

const KIND: &str = "aliyun/scheduler-job";

/// Name of the node that runs all jobs.
const NODE: &str = "compute2";

/// State words of ended jobs.
const ENDED: &[&str] = &["FINISHED", "F", "X"];

fn jobs(call: &EmulatedCall<'_>) -> HandlerResult {
    let matches = |name, own: &Option<String>| {
        let value = call.parameter(name);
        value.is_none_or(|value| own.as_deref().is_some_and(|own| own.contains(value)))
    };
    let list = JobList {
        kind: KIND,
        cluster: cluster(call)?,
        parameter: "JobStatus",
        status: call.parameter("JobStatus"),
        order: call.parameter("SubmitOrder"),
        ended: ENDED,
        row,
    };
    list.page(call, |view| {
        matches("Users.1", &view.job.user) && matches("Queues.1", &view.job.queue)
    })
}

/// Returns the bytes of the log from an offset; the standard error is empty. The log of a running job needs the
/// name of its node.
fn log(call: &EmulatedCall<'_>) -> HandlerResult {
    let view = find(call, KIND)?;
    if !view.is(ENDED) && call.required("ExecHost")? != NODE {
        return Err(EmulatedError::NotFound);
    }
    let offset = call.number("Offset", 0, 0..=usize::MAX)?;
    let size = call.number("Size", 1024, 1..=409_600)?;
    let lines = view.log_lines(false).into_iter();
    let text: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    let part: Vec<u8> = text.bytes().skip(offset).take(size).collect();
    call.data(json!({
        "RequestId": request_id(format_args!("GetJobLog {}", view.id())), "JobId": view.id(),
        "OutputLog": crypto::base64(&part), "ErrorLog": "",
    }))
}

/// Returns the report of PBS about a job.
fn job(view: &JobView<'_>) -> Value {
    const LETTERS: &[(&str, &str)] = &[("QUEUED", "Q"), ("RUNNING", "R"), ("FINISHED", "F")];
    let state = view.step.state.as_str();
    let letter = LETTERS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(state));
    let time = |moment: DateTime<Utc>| {
        let china = moment + TimeDelta::hours(8);
        china.format("%a %b %e %H:%M:%S %Y").to_string()
    };
    let mut job = json!({
        "Job_Name": view.name(), "job_state": letter.map_or(state, |(_, letter)| letter),
        "Job_Owner": view.job.user.as_ref().map(|user| format!("{user}@scheduler")),
        "queue": view.job.queue, "Priority": 0, "server": "scheduler", "exec_host": format!("{NODE}/0"),
        "ctime": time(view.created_at), "mtime": time(view.state_since),
        "Variable_List": {"PBS_O_QUEUE": "workq", "PASSWORD": "test"},
        "Resource_List": {"ncpus": 2, "nodect": 1, "mem": "1gb"},
    });
    if let Some(code) = view.step.exit_code.filter(|_| view.is(ENDED)) {
        job["Exit_status"] = code.into();
    }
    job
}

fn row(view: &JobView<'_>) -> Value {
    let seconds = |moment: DateTime<Utc>| moment.timestamp().to_string();
    json!({
        "Id": view.id(), "Name": view.name(), "State": view.step.state, "Priority": "0",
        "Owner": view.job.user.as_ref().map(|user| format!("{user}@scheduler")),
        "Queue": view.job.queue, "Rerunable": true, "ArrayRequest": "", "Comment": "",
        "NodeList": json!([NODE]).to_string(), "Resources": {"Cores": 2, "Nodes": 1},
        "ShellPath": "./run", "Stdout": "./run.o", "Stderr": "./run.e",
        "SubmitTime": seconds(view.created_at), "LastModifyTime": seconds(view.state_since),
        "StartTime": view.reached_at(&["RUNNING"]).map(seconds).unwrap_or_default(),
        "VariableList": "{\"PBS_O_QUEUE\": \"workq\"}",
    })
}
