use crate::emulator::prelude::*;
use crate::providers::sugon::CLOUD;

/// Routes of container instances.
pub static INSTANCE: &[Route] = &[
    Route::get(
        "InstanceServiceDetail",
        "/ai/openapi/v2/instance-service/{}/detail",
    )
    .to(|call| {
        let view = call.find(KIND, &[&call.segments[0]])?;
        call.resource_response(&view, || instance(&view))
    }),
    Route::get(LIST, "/ai/openapi/v2/instance-service/task").to(list),
    Route::get(LIST, "/ai/openapi/v2/instance-service/task/list").to(list),
];

const KIND: &str = "sugon/instance";
const LIST: &str = "ListInstances";
/// Type of all emulated instances.
const TASK_TYPE: &str = "jupyter";

/// Returns a page of the instances, filtered by fields of the body or otherwise parameters of the query.
fn list(call: &EmulatedCall<'_>) -> HandlerResult {
    let page = Pager::rows(["start", "limit"], 20, 0..=usize::MAX).page(call)?;
    let states = CLOUD.kinds[0].states[0].map;
    let status = call.parameter("status");
    if status.is_some_and(|word| states.iter().all(|(known, _)| *known != word)) {
        return Err(EmulatedError::Invalid("status"));
    }
    let is_wanted = |name, value: &str| call.parameter(name).is_none_or(|wanted| wanted == value);
    let mut all = call.rows(KIND);
    all.retain(|view| {
        is_wanted("status", &view.step.state)
            && is_wanted("taskType", TASK_TYPE)
            && is_wanted("instanceServiceName", view.name())
    });
    let is_ascending = call.parameter("sort") == Some("asc");
    sort_by_creation(&mut all, is_ascending);
    call.data(page.of(all).map(|view| row(&view)).collect())
}

/// Returns the fields of a list row, as the vendor's command-line tool reads them.
fn row(view: &JobView<'_>) -> Value {
    json!({
        "id": view.id(), "instanceServiceName": view.name(), "status": view.step.state,
        "taskType": TASK_TYPE, "gpuNumber": 1, "cpuNumber": 8, "ramSize": 15360,
        "createTime": china_time(view.created_at), "remainingTime": "--",
    })
}

/// Returns the documented response for a resource of the scenario.
fn instance(view: &JobView<'_>) -> Value {
    let is_running = view.is(&["Running"]);
    let notebook = &sha256_hex(view.id().as_bytes())[..32];
    let url = format!("https://{notebook}.emulator.example/lab?token={notebook}");
    let port = json!({"accessUrl": url, "containerPort": "8888", "protocolType": "HTTP"});
    let mut instance = row(view);
    let more = json!({
        "acceleratorType": "dcu", "resourceSpec": "8 核心; 1 加速器; 15.0G 内存",
        "resourceGroup": view.job.queue.as_deref().unwrap_or("kshdtest"),
        "taskNumber": view.job.parts.max(1), "currentIndex": 0, "timeoutLimit": "unlimited",
        "startTime": view.reached_at(&["Running"]).map(china_time),
        "endTime": view.ended_at(&["Completed", "Failed", "Terminated"]).map(china_time),
        "duration": "--", "userName": view.job.user.as_deref().unwrap_or("magic2"),
        "version": "jupyterlab-pytorch:2.1.0",
        "imagePath": "10.0.35.26:5000/dcu/admin/base/jupyterlab-pytorch:2.1.0",
        "headerNotebookId": notebook,
        "headerNotebookIp": is_running.then_some("10.0.40.17"),
        "mountInfoList": [{"sourcePath": "/public/home/magic2", "type": "path"}],
        "containerPortInfoList": if is_running { vec![port] } else { Vec::new() },
        "useStartScript": false, "startScriptActionScope": "all",
    });
    merge(&mut instance, more);
    instance
}
