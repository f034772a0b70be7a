use std::cmp::Reverse;

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};

use super::api::{EmulatedApi, ServerRequest, ServerResponse};
use super::state::{EmulatedState, JobAt};
use crate::crypto::{percent_decode, sha256_hex};
use crate::providers::sugon::CLOUD;

mod tokens;

/// A token of the documented shape that opens nothing but the emulator; it ends in 2100.
pub const TEST_TOKEN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    "eyJjb21wdXRlVXNlciI6ImpvYmxlbnMtZW11bGF0b3IiLCJleHBpcmVUaW1lIjoiNDEwMjQ0N",
    "DgwMDAwMCIsImNsdXN0ZXJJZCI6IjExMTEyIiwidXNlciI6ImpvYmxlbnMtZW11bGF0b3IifQ.",
    "hFCXDWsw_hCIGDevola-zW0X0jR2xMmsi6YPW5X3mL8",
);

/// The emulator in the cloud's place.
pub const EMULATOR: EmulatedApi = EmulatedApi {
    operation,
    respond,
    throttled,
    refused,
    unavailable,
    environment: &[("JOBLENS_SUGON_TOKEN", TEST_TOKEN)],
};

fn operation(incoming: &ServerRequest) -> Option<String> {
    let name = match incoming.path.as_str() {
        tokens::PATH => "GetUserTokens",
        tokens::CENTRE_PATH => "GetCenterInfo",
        path if is_list(path) => "ListInstances",
        path => instance_of(path).map(|_| "InstanceServiceDetail")?,
    };
    Some(name.to_owned())
}

/// True for the paths under which clients ask for the list.
fn is_list(path: &str) -> bool {
    const PATH: &str = "/ai/openapi/v2/instance-service/task";
    path.strip_prefix(PATH)
        .is_some_and(|rest| ["", "/list"].contains(&rest))
}

/// The decoded id in a path that asks for one instance.
fn instance_of(path: &str) -> Option<String> {
    let id = path
        .strip_prefix("/ai/openapi/v2/instance-service/")?
        .strip_suffix("/detail")?;
    let is_one_segment = !id.is_empty() && !id.contains('/');
    percent_decode(id).filter(|_| is_one_segment)
}

fn respond(incoming: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    if incoming.path == tokens::PATH {
        return tokens::tokens(incoming);
    }
    match incoming.header("token") {
        None => return error("10003", "缺少必要参数"),
        Some(TEST_TOKEN) => {}
        Some(token) if tokens::is_good(token, incoming.now) => {}
        Some(_) => return refused(),
    }
    if incoming.method != "GET" {
        return error("10004", "参数不合法");
    }
    if incoming.path == tokens::CENTRE_PATH {
        return tokens::centre(incoming);
    }
    if is_list(&incoming.path) {
        return list(incoming, world);
    }
    let id = instance_of(&incoming.path).unwrap_or_default();
    match world.find("sugon/instance", &[&id], incoming.now) {
        None => success(Value::Null),
        Some(view) => match &view.job.document {
            Some(document) => ServerResponse::document(200, document),
            None => success(instance(&id, &view)),
        },
    }
}

/// One page of the instances, filtered by what the body says, or the query where it is silent.
fn list(incoming: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    let body = match &incoming.body[..] {
        [] => Some(Value::Null),
        body => serde_json::from_slice(body).ok(),
    };
    let Some(body) = body else {
        return error("10004", "参数不合法");
    };
    let given = |name: &str| match &body[name] {
        Value::Null => incoming.parameter(name),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    };
    let number = |name: &str, default: usize| {
        given(name).map_or(Some(default), |text| text.parse::<usize>().ok())
    };
    let (Some(start), Some(limit)) = (number("start", 0), number("limit", 20)) else {
        return error("10004", "参数不合法");
    };
    if given("status").is_some_and(|word| {
        !CLOUD.kinds[0].states[0]
            .map
            .iter()
            .any(|(known, _)| *known == word)
    }) {
        return error("10004", "参数不合法");
    }
    let is_wanted = |name: &str, value: &str| given(name).is_none_or(|wanted| wanted == value);
    let mut all: Vec<JobAt<'_>> = world
        .all("sugon/instance", incoming.now)
        // A document stands for the one answer it was written as, and has no row.
        .filter(|view| view.job.document.is_none() || !view.job.steps.is_empty())
        .filter(|view| is_wanted("status", &view.step.state))
        .filter(|_| is_wanted("taskType", TASK_TYPE))
        .filter(|view| is_wanted("instanceServiceName", name_of(view)))
        .collect();
    match given("sort").as_deref() {
        Some("asc") => all.sort_by_key(|view| view.created_at),
        _ => all.sort_by_key(|view| Reverse(view.created_at)),
    }
    success(all.iter().skip(start).take(limit).map(row).collect())
}

fn id_of<'a>(view: &JobAt<'a>) -> &'a str {
    view.job.segments.last().map_or("", String::as_str)
}

fn name_of<'a>(view: &JobAt<'a>) -> &'a str {
    view.job.name.as_deref().unwrap_or_else(|| id_of(view))
}

/// An instance of the list, with the fields that the vendor's command-line tool reads.
fn row(view: &JobAt<'_>) -> Value {
    let mut document = instance(id_of(view), view);
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| ROW.contains(&name.as_str()));
    }
    document
}

const ROW: [&str; 9] = [
    "id",
    "instanceServiceName",
    "status",
    "taskType",
    "cpuNumber",
    "gpuNumber",
    "ramSize",
    "createTime",
    "remainingTime",
];

/// What runs in every instance of the emulator.
const TASK_TYPE: &str = "jupyter";

fn success(data: Value) -> ServerResponse {
    ServerResponse::json(200, &json!({"code": "0", "msg": "success", "data": data}))
}

fn error(code: &str, message: &str) -> ServerResponse {
    ServerResponse::json(200, &json!({"code": code, "msg": message, "data": null}))
}

fn refused() -> ServerResponse {
    error("10008", "权限不足")
}

/// No throttling is documented for this API; its gateways throttle as HTTP has it.
fn throttled() -> ServerResponse {
    page(429)
}

fn unavailable(status: u16) -> ServerResponse {
    page(status)
}

/// A gateway's page.
fn page(status: u16) -> ServerResponse {
    ServerResponse {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: format!("<html><head><title>{status}</title></head></html>").into_bytes(),
    }
}

/// The documented response for a resource of the scenario.
fn instance(id: &str, view: &JobAt<'_>) -> Value {
    let emulated = view.job;
    let is_running = view.step.state.eq_ignore_ascii_case("Running");
    let is_over = ["Completed", "Failed", "Terminated"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(&view.step.state));
    let started_at = view.reached_at(&["Running"]);
    let notebook = &sha256_hex(id.as_bytes())[..32];
    let ports = match is_running {
        true => json!([{
            "accessUrl": format!("https://{notebook}.emulator.example/lab?token={notebook}"),
            "containerPort": "8888",
            "protocolType": "HTTP",
        }]),
        false => json!([]),
    };
    json!({
        "id": id,
        "instanceServiceName": name_of(view),
        "status": view.step.state,
        "taskType": TASK_TYPE,
        "acceleratorType": "dcu",
        "gpuNumber": 1,
        "cpuNumber": 8,
        "ramSize": 15360,
        "resourceGroup": emulated.queue.as_deref().unwrap_or("kshdtest"),
        "resourceSpec": "8 核心; 1 加速器; 15.0G 内存",
        "taskNumber": emulated.parts.max(1),
        "currentIndex": 0,
        "timeoutLimit": "unlimited",
        "createTime": wall_clock(view.created_at),
        "startTime": started_at.map(wall_clock),
        "endTime": is_over.then(|| wall_clock(view.since)),
        "duration": "--",
        "remainingTime": "--",
        "userName": emulated.user.as_deref().unwrap_or("magic2"),
        "version": "jupyterlab-pytorch:2.1.0",
        "imagePath": "10.0.35.26:5000/dcu/admin/base/jupyterlab-pytorch:2.1.0",
        "description": "",
        "headerNotebookId": notebook,
        "headerNotebookIp": is_running.then_some("10.0.40.17"),
        "tensorboardId": null,
        "tensorboardPath": null,
        "mountInfoList": [{"sourcePath": "/public/home/magic2", "type": "path"}],
        "containerPortInfoList": ports,
        "useStartScript": false,
        "startScriptActionScope": "all",
        "startScriptPath": null,
        "startScriptContent": "",
    })
}

/// Text at UTC+8 without a zone, as the cloud writes it.
fn wall_clock(moment: DateTime<Utc>) -> String {
    let china = FixedOffset::east_opt(8 * 3600).expect("8 hours are less than a day");
    moment
        .with_timezone(&china)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}
