use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};

use super::OPERATION;
use crate::crypto::{percent_decode, sha256_hex};
use crate::providers::serve::{Incoming, Outgoing, Server, View, World};

/// A token of the documented shape that opens nothing but the emulator; it ends in 2100.
pub const TEST_TOKEN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    "eyJjb21wdXRlVXNlciI6ImpvYmxlbnMtZW11bGF0b3IiLCJleHBpcmVUaW1lIjoiNDEwMjQ0N",
    "DgwMDAwMCIsImNsdXN0ZXJJZCI6IjExMTEyIiwidXNlciI6ImpvYmxlbnMtZW11bGF0b3IifQ.",
    "hFCXDWsw_hCIGDevola-zW0X0jR2xMmsi6YPW5X3mL8",
);

/// The emulator in the cloud's place.
pub const SERVER: Server = Server {
    operation,
    answer,
    throttled,
    refused,
    unavailable,
    environment: &[
        ("JOBLENS_SUGON_ENDPOINT", "{origin}"),
        ("JOBLENS_SUGON_TOKEN", TEST_TOKEN),
    ],
};

fn operation(incoming: &Incoming) -> Option<String> {
    instance_of(&incoming.path).map(|_| OPERATION.to_owned())
}

/// The decoded id in a path of the one operation.
fn instance_of(path: &str) -> Option<String> {
    let id = path
        .strip_prefix("/ai/openapi/v2/instance-service/")?
        .strip_suffix("/detail")?;
    let is_one_segment = !id.is_empty() && !id.contains('/');
    percent_decode(id).filter(|_| is_one_segment)
}

fn answer(incoming: &Incoming, world: &World) -> Outgoing {
    match incoming.header("token") {
        None => return error("10003", "缺少必要参数"),
        Some(TEST_TOKEN) => {}
        Some(_) => return refused(),
    }
    if incoming.method != "GET" {
        return error("10004", "参数不合法");
    }
    let id = instance_of(&incoming.path).unwrap_or_default();
    match world.find("sugon/instance", &[&id], incoming.now) {
        None => success(Value::Null),
        Some(view) => match &view.thing.document {
            Some(document) => Outgoing::document(200, document),
            None => success(instance(&id, &view)),
        },
    }
}

fn success(data: Value) -> Outgoing {
    Outgoing::json(200, &json!({"code": "0", "msg": "success", "data": data}))
}

fn error(code: &str, message: &str) -> Outgoing {
    Outgoing::json(200, &json!({"code": code, "msg": message, "data": null}))
}

fn refused() -> Outgoing {
    error("10008", "权限不足")
}

/// No throttling is documented for this API; its gateways throttle as HTTP has it.
fn throttled() -> Outgoing {
    page(429)
}

fn unavailable(status: u16) -> Outgoing {
    page(status)
}

/// A gateway's page.
fn page(status: u16) -> Outgoing {
    Outgoing {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: format!("<html><head><title>{status}</title></head></html>").into_bytes(),
    }
}

/// The documented answer for a thing of the scenario.
fn instance(id: &str, view: &View<'_>) -> Value {
    let thing = view.thing;
    let is_running = view.step.state.eq_ignore_ascii_case("Running");
    let is_over = ["Completed", "Failed", "Terminated"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(&view.step.state));
    let started_at = view.reached(&["Running"]);
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
        "instanceServiceName": thing.name.as_deref().unwrap_or(id),
        "status": view.step.state,
        "taskType": "jupyter",
        "acceleratorType": "dcu",
        "gpuNumber": 1,
        "cpuNumber": 8,
        "ramSize": 15360,
        "resourceGroup": thing.queue.as_deref().unwrap_or("kshdtest"),
        "resourceSpec": "8 核心; 1 加速器; 15.0G 内存",
        "taskNumber": thing.parts.max(1),
        "currentIndex": 0,
        "timeoutLimit": "unlimited",
        "createTime": wall_clock(view.created_at),
        "startTime": started_at.map(wall_clock),
        "endTime": is_over.then(|| wall_clock(view.since)),
        "duration": "--",
        "remainingTime": "--",
        "userName": thing.user.as_deref().unwrap_or("magic2"),
        "version": "jupyterlab-pytorch:2.1.0",
        "imagePath": "10.0.35.26:5000/dcu/admin/base/jupyterlab-pytorch:2.1.0",
        "description": "",
        "headerNotebookId": notebook,
        "headerNotebookIp": is_running.then_some("10.0.40.17"),
        "tensorboardId": null,
        "tensorboardPath": null,
        "mountInfoList": [{"sourcePath": "/work/home/magic2", "type": "path"}],
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
