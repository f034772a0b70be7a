use super::scheduler::{JobList, find};
use super::{EHPC_NEXT, cluster, post, request_id};
use crate::crypto;
use crate::emulator::prelude::*;

/// Routes of the schedulers' jobs in E-HPC NEXT.
pub static HPC_JOB: &[Route] = &[
    post(EHPC_NEXT, "GetJob", |call| {
        let view = find(call, KIND)?;
        let id = request_id(view.id());
        call.resource_response(
            &view,
            || json!({"RequestId": id, "Success": "true", "JobInfo": job(&view)}),
        )
    }),
    post(EHPC_NEXT, "ListJobs", jobs),
    post(EHPC_NEXT, "GetJobLog", log),
];

const KIND: &str = "aliyun/hpc-job";

fn jobs(call: &EmulatedCall<'_>) -> HandlerResult {
    let cluster = cluster(call)?;
    let filter = call.parameter("JobFilter").unwrap_or("{}");
    let filter: Value =
        serde_json::from_str(filter).map_err(|_| EmulatedError::Invalid("JobFilter"))?;
    let matches = |list: &str, own: &Option<String>| {
        let values = filter[list].as_array();
        values.is_none_or(|values| values.iter().any(|value| value.as_str() == own.as_deref()))
    };
    let list = JobList {
        kind: KIND,
        cluster,
        parameter: "JobFilter",
        status: filter["JobStatus"].as_str(),
        order: filter["SortBy"]["SubmitOrder"].as_str(),
        ended: &["FINISHED", "Completed", "Failed"],
        row,
    };
    list.page(call, |view| {
        matches("Users", &view.job.user) && matches("Queues", &view.job.queue)
    })
}

/// Returns the bytes of the requested streams from an offset.
fn log(call: &EmulatedCall<'_>) -> HandlerResult {
    let view = find(call, KIND)?;
    let offset = call.number("Offset", 0, 0..=usize::MAX)?;
    let size = call.number("Size", 10_240, 1..=409_600)?;
    let (stdout, stderr) = view.streams(true);
    let part = |text: &str, other: &str| {
        let is_requested = call.parameter("LogType") != Some(other);
        let part = text.as_bytes().iter().skip(offset).take(size).copied();
        let part: Vec<u8> = part.filter(|_| is_requested).collect();
        crypto::base64(&part)
    };
    call.data(json!({
        "RequestId": request_id(format_args!("GetJobLog {}", view.id())), "JobId": view.id(),
        "Success": "true", "StdoutLog": part(&stdout, "stderr"), "StderrLog": part(&stderr, "stdout"),
        "StdoutLogSize": stdout.len().to_string(), "StderrLogSize": stderr.len().to_string(),
    }))
}

/// Returns a job. Its times have no time zone here, but are Unix times in the list.
fn job(view: &JobView<'_>) -> Value {
    let time = |moment: DateTime<Utc>| china_time(moment).replace(' ', "T");
    let exit_status = view.step.exit_code.filter(|_| view.is(&["FINISHED"]));
    let extra = match exit_status {
        Some(code) => json!({"Exit_status": code}),
        None => json!({}),
    };
    json!({
        "JobId": view.id(), "JobName": view.name(), "State": view.step.state,
        "JobQueue": view.job.queue, "RunasUser": view.job.user, "Priority": "0",
        "CommandLine": "solve --input data.h5 --password test", "NodeList": "compute000",
        "OutputLog": "/home/solve.o1", "ErrorLog": "/home/solve.e1", "ExtraInfo": extra.to_string(),
        "ArrayJobId": "", "ArrayJobSubId": "", "ArrayRequest": "",
        "CreateTime": time(view.created_at), "LastModifyTime": time(view.state_since),
        "StartTime": view.reached_at(&["Running"]).map(time).unwrap_or_default(),
        "Variables": [{"Name": "PBS_O_QUEUE", "Value": "workq"}],
        "Resources": {"Cores": "2", "Gpus": "0", "Memory": "1gb", "Nodes": "1"},
        "ResourcesUsed": {"Cores": "2", "Memory": "512mb", "Nodes": "1"},
    })
}

fn row(view: &JobView<'_>) -> Value {
    let seconds = |moment: DateTime<Utc>| moment.timestamp().to_string();
    let resources = json!({"Cores": "2", "Gpus": "0", "Memory": "1024MB", "Nodes": "1"});
    json!({"JobName": view.name(), "JobSpec": {
        "Id": view.id(), "State": view.step.state, "Priority": "0", "Comment": "",
        "JobQueue": view.job.queue, "RunasUser": view.job.user, "NodeList": "compute000",
        "ArrayJobId": "", "ArrayJobSubId": "", "ArrayRequest": "",
        "SubmitTime": seconds(view.created_at), "LastModifyTime": seconds(view.state_since),
        "StartTime": view.reached_at(&["Running"]).map(seconds).unwrap_or_default(),
        "StdoutPath": "/home/solve.o1", "StderrPath": "/home/solve.e1",
        "Variables": "{\"PBS_O_QUEUE\": \"workq\"}",
        "Resources": resources, "ResourcesActualOccupied": resources,
    }})
}
