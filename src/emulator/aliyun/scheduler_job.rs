use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{EHPC, cluster, list, request_id};
use crate::crypto;
use crate::emulator::api::{Answer, EmulatedCall, EmulatedError, EmulatedKind, Route};
use crate::emulator::pager::Pager;
use crate::emulator::state::JobAt;
use crate::sort::SortExt as _;

/// Jobs of the schedulers of E-HPC 1.0.
pub struct SchedulerJobs;

const KIND: &str = "aliyun/scheduler-job";
const GET: &str = "DescribeJob";
const LIST: &str = "ListJobsWithFilters";
const LOG: &str = "GetJobLog";

/// The node on which all jobs run.
const NODE: &str = "compute2";

impl EmulatedKind for SchedulerJobs {
    fn routes(&self) -> &'static [Route] {
        const {
            &[
                Route::action(GET).version(EHPC),
                Route::action(LIST).version(EHPC),
                Route::action(LOG).version(EHPC),
            ]
        }
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
        let cluster = cluster(call)?;
        if call.operation == LIST {
            return jobs(call, cluster);
        }
        let view = call.find(KIND, &[cluster, call.required("JobId")?])?;
        if call.operation == LOG {
            return log(call, &view);
        }
        call.about(&view, || {
            let info = json!({view.id(): job(&view)}).to_string();
            json!({"RequestId": request_id(view.id()), "Message": {"JobInfo": info}})
        })
    }
}

fn has_ended(view: &JobAt<'_>) -> bool {
    view.is(&["FINISHED", "F", "X"])
}

fn jobs(call: &EmulatedCall<'_>, cluster: &str) -> Answer {
    let is_ended = match call.parameter("JobStatus") {
        None | Some("all") => None,
        Some("finished") => Some(true),
        Some("notfinish") => Some(false),
        Some(_) => return Err(EmulatedError::Invalid("JobStatus")),
    };
    let matches = |name, own: &Option<String>| {
        let value = call.parameter(name);
        value.is_none_or(|value| own.as_deref().is_some_and(|own| own.contains(value)))
    };
    let mut all = call.rows(KIND);
    all.retain(|view| {
        view.job.segments[0] == cluster
            && is_ended.is_none_or(|is_ended| is_ended == has_ended(view))
            && matches("Users.1", &view.job.user)
            && matches("Queues.1", &view.job.queue)
    });
    match call.parameter("SubmitOrder") {
        Some("asc") => all.order_by_key(|view| view.created_at),
        _ => all.order_by_key(|view| Reverse(view.created_at)),
    }
    let wrap = |rows| json!({"Success": true, "Jobs": rows});
    list(call, &Pager::pages(10, 50), all, |view| row(&view), wrap)
}

/// The bytes from an offset on; nothing is written to the standard error. The log of a
/// running job needs the name of its node.
fn log(call: &EmulatedCall<'_>, view: &JobAt<'_>) -> Answer {
    if !has_ended(view) && call.required("ExecHost")? != NODE {
        return Err(EmulatedError::NotFound);
    }
    let offset = call.number("Offset", 0, 0..=usize::MAX)?;
    let size = call.number("Size", 1024, 1..=409_600)?;
    let lines = view.log_lines(false).into_iter();
    let text: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    let part: Vec<u8> = text.bytes().skip(offset).take(size).collect();
    call.data(json!({
        "RequestId": request_id(format_args!("{LOG} {}", view.id())), "JobId": view.id(),
        "OutputLog": crypto::base64(&part), "ErrorLog": "",
    }))
}

/// What PBS says of a job.
fn job(view: &JobAt<'_>) -> Value {
    const LETTERS: &[(&str, &str)] = &[("QUEUED", "Q"), ("RUNNING", "R"), ("FINISHED", "F")];
    let state = view.step.state.as_str();
    let letter = LETTERS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(state));
    let time = |moment: chrono::DateTime<chrono::Utc>| {
        let china = moment + chrono::TimeDelta::hours(8);
        china.format("%a %b %e %H:%M:%S %Y").to_string()
    };
    let mut job = json!({
        "Job_Name": view.name(), "job_state": letter.map_or(state, |(_, letter)| letter),
        "Job_Owner": view.job.user.as_ref().map(|user| format!("{user}@scheduler")),
        "queue": view.job.queue, "Priority": 0, "server": "scheduler", "exec_host": format!("{NODE}/0"),
        "ctime": time(view.created_at), "mtime": time(view.since),
        "Variable_List": {"PBS_O_QUEUE": "workq", "PASSWORD": "test"},
        "Resource_List": {"ncpus": 2, "nodect": 1, "mem": "1gb"},
    });
    if let Some(code) = view.step.exit_code.filter(|_| has_ended(view)) {
        job["Exit_status"] = code.into();
    }
    job
}

fn row(view: &JobAt<'_>) -> Value {
    let seconds = |moment: chrono::DateTime<chrono::Utc>| moment.timestamp().to_string();
    json!({
        "Id": view.id(), "Name": view.name(), "State": view.step.state, "Priority": "0",
        "Owner": view.job.user.as_ref().map(|user| format!("{user}@scheduler")),
        "Queue": view.job.queue, "Rerunable": true, "ArrayRequest": "", "Comment": "",
        "NodeList": json!([NODE]).to_string(), "Resources": {"Cores": 2, "Nodes": 1},
        "ShellPath": "./run", "Stdout": "./run.o", "Stderr": "./run.e",
        "SubmitTime": seconds(view.created_at), "LastModifyTime": seconds(view.since),
        "StartTime": view.reached_at(&["RUNNING"]).map(seconds).unwrap_or_default(),
        "VariableList": "{\"PBS_O_QUEUE\": \"workq\"}",
    })
}
