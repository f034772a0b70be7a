use serde_json::{Value, json};

use super::{Failure, cluster, page_of, page_parameter, parameter, request_id, timestamp};
use crate::emulator::api::{ServerRequest, ServerResponse};
use crate::emulator::state::{EmulatedState, JobAt};

fn invocation<'a>(
    request: &ServerRequest,
    world: &'a EmulatedState,
) -> Result<(String, JobAt<'a>), Failure> {
    let cluster = cluster(request, world)?;
    let command = parameter(request, "CommandId")?;
    let found = world.find("aliyun/invocation", &[&cluster, &command], request.now);
    let view = found.ok_or_else(|| {
        let message = "The specified object does not exist.";
        Failure::new(404, "ObjectNotFound", message)
    })?;
    Ok((command, view))
}

fn nodes(view: &JobAt<'_>) -> impl Iterator<Item = (String, bool)> {
    let parts = view.job.parts.max(1);
    (1..=parts).map(move |part| (format!("i-node{part:03}"), part == parts))
}

/// ListInvocationStatus.
pub(super) fn status(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    let (command, view) = invocation(request, world)?;
    if let Some(document) = &view.job.document {
        return Ok(ServerResponse::document(200, document));
    }
    let word = &view.step.state;
    let instances: Vec<Value> = nodes(&view)
        .map(|(node, is_last)| {
            let word = if word == "Failed" && !is_last {
                "Finished"
            } else {
                word
            };
            json!({"InstanceId": node, "InstanceInvokeStatus": word})
        })
        .collect();
    Ok(ServerResponse::json(
        200,
        &json!({
            "RequestId": request_id(&command),
            "CommandId": command,
            "InvokeStatus": word,
            "InvokeInstances": {"InvokeInstance": instances},
        }),
    ))
}

/// ListInvocationResults.
pub(super) fn results(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    let (command, view) = invocation(request, world)?;
    let number = page_parameter(request, "PageNumber", 1, usize::MAX)?;
    let size = page_parameter(request, "PageSize", 10, 50)?;
    let word = &view.step.state;
    let all: Vec<Value> = nodes(&view)
        .map(|(node, is_last)| {
            let code = view.step.exit_code.filter(|_| is_last).unwrap_or(0);
            let has_ended = word != "Running";
            json!({
                "CommandId": command,
                "InstanceId": node,
                "InvokeRecordStatus": word,
                "ExitCode": has_ended.then_some(code),
                "Success": has_ended.then_some(code == 0),
                "Message": view.step.message.as_deref().filter(|_| is_last).unwrap_or_default(),
                "FinishedTime": has_ended.then(|| timestamp(view.since)),
            })
        })
        .collect();
    let total = all.len();
    let page = page_of(all, number, size);
    Ok(ServerResponse::json(
        200,
        &json!({
            "RequestId": request_id(&command),
            "TotalCount": total,
            "PageNumber": number,
            "PageSize": size,
            "InvocationResults": {"InvocationResult": page},
        }),
    ))
}
