use super::{EHPC, cluster, list, request_id};
use crate::emulator::prelude::*;
use crate::providers::aliyun::sign::timestamp;

/// Routes of commands that were run on the nodes of a cluster.
pub static INVOCATION: &[Route] = &[
    Route::action("ListInvocationStatus")
        .only(&["GET"])
        .version(EHPC)
        .to(|call| {
            let view = find(call)?;
            call.resource_response(&view, || status(&view))
        }),
    Route::action("ListInvocationResults")
        .only(&["GET"])
        .version(EHPC)
        .to(|call| results(call, &find(call)?)),
    Route::action("ListCommands")
        .only(&["GET"])
        .version(EHPC)
        .to(commands),
];

const KIND: &str = "aliyun/invocation";
const PAGER: Pager = Pager::pages(10, 50);

fn find<'a>(call: &'a EmulatedCall<'_>) -> Result<JobView<'a>, EmulatedError> {
    call.find(KIND, &[cluster(call)?, call.required("CommandId")?])
}

/// Lists the commands, without states.
fn commands(call: &EmulatedCall<'_>) -> HandlerResult {
    let cluster = cluster(call)?;
    let wanted = call.parameter("CommandId");
    let all = call.state.all(KIND, call.now());
    let all = all.filter(|view| view.job.segments[0] == cluster);
    let all = all.filter(|view| wanted.is_none_or(|id| id == view.id()));
    let row = |view: JobView<'_>| {
        let content = "solve --input data.h5 --password test";
        json!({
            "CommandId": view.id(), "CommandContent": content, "Timeout": "60", "WorkingDir": "/root",
        })
    };
    let wrap = |rows| json!({"Commands": {"Command": rows}});
    list(call, &PAGER, all.collect(), row, wrap)
}

/// Returns the nodes of an invocation, each with whether it is the last one; only the last one fails.
fn nodes(view: &JobView<'_>) -> impl Iterator<Item = (String, bool)> {
    let parts = view.job.parts.max(1);
    (1..=parts).map(move |part| (format!("i-node{part:03}"), part == parts))
}

fn status(view: &JobView<'_>) -> Value {
    let state = view.step.state.as_str();
    let nodes = nodes(view).map(|(node, is_last)| {
        let is_other = state == "Failed" && !is_last;
        let state = if is_other { "Finished" } else { state };
        json!({"InstanceId": node, "InstanceInvokeStatus": state})
    });
    json!({
        "RequestId": request_id(view.id()), "CommandId": view.id(), "InvokeStatus": state,
        "InvokeInstances": {"InvokeInstance": nodes.collect::<Vec<_>>()},
    })
}

fn results(call: &EmulatedCall<'_>, view: &JobView<'_>) -> HandlerResult {
    let has_ended = view.step.state != "Running";
    let row = |(node, is_last)| {
        let code = view.step.exit_code.filter(|_| is_last).unwrap_or(0);
        let output = view.lines_of_part(is_last, false).into_iter();
        let output: String = output.map(|(_, line)| format!("{line}\n")).collect();
        let message = match has_ended {
            true if is_last && output.is_empty() => view.step.message.clone().unwrap_or_default(),
            true => output,
            false => String::new(),
        };
        json!({
            "CommandId": view.id(), "InstanceId": node, "InvokeRecordStatus": view.step.state,
            "ExitCode": has_ended.then_some(code), "Success": has_ended.then_some(code == 0),
            "Message": message,
            "FinishedTime": has_ended.then(|| timestamp(view.state_since)),
        })
    };
    let wrap = |rows| json!({"InvocationResults": {"InvocationResult": rows}});
    let wanted = call.parameter("Instance.1.Id");
    let nodes = nodes(view).filter(|(node, _)| wanted.is_none_or(|wanted| wanted == node));
    list(call, &PAGER, nodes.collect(), row, wrap)
}
