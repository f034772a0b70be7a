use super::check_project;
use crate::crypto::nonce;
use crate::emulator::prelude::*;

/// Routes of asynchronous jobs, whose paths are the same in all services.
pub static JOB: &[Route] = &[Route::get("ShowJob", "/v1/{}/jobs/{}").to(|call| {
    check_project(call)?;
    let mut all = call.state.all("huawei/job", call.now());
    let found = all.find(|view| view.id() == call.segments[1]);
    let view = found.ok_or_else(|| {
        let error = json!({"code": "Ecs.0114", "message": "The job does not exist."});
        let response = ServerResponse::json(404, &json!({"error": error}));
        EmulatedError::Response(response.with_header("x-request-id", nonce()))
    })?;
    call.resource_response(&view, || job(&view))
})];

fn job(view: &JobView<'_>) -> Value {
    let (job_type, entities) = match view.job.segments[0].as_str() {
        "ims" => {
            let percent = if view.is(&["SUCCESS"]) { 1.0 } else { 0.42 };
            let image = json!({"image_name": view.name(), "process_percent": percent});
            ("imsCreateImageByInstance", image)
        }
        "evs" | "vbs" => {
            let id = &sha256_hex(view.id().as_bytes())[..32];
            let volume = json!({
                "name": view.name(), "volume_id": id, "volume_type": "SSD", "size": 100,
            });
            ("createVolume", volume)
        }
        _ => {
            let parts = view.job.parts.max(1);
            let sub_jobs: Vec<Value> = (0..parts).map(|part| sub_job(view, part, parts)).collect();
            let servers = json!({"sub_jobs_total": parts, "sub_jobs": sub_jobs});
            ("createServer", servers)
        }
    };
    fields(view, view.id(), job_type, &view.step.state, &entities)
}

/// Returns a sub-job; the last one fails with the job.
fn sub_job(view: &JobView<'_>, part: usize, parts: usize) -> Value {
    let hash = sha256_hex(format!("{}/{part}", view.id()).as_bytes());
    let word = match view.is(&["FAIL"]) && part + 1 < parts {
        true => "SUCCESS",
        false => &view.step.state,
    };
    let entities = json!({"server_id": &hash[32..]});
    fields(view, &hash[..32], "createSingleServer", word, &entities)
}

fn fields(view: &JobView<'_>, id: &str, job_type: &str, word: &str, entities: &Value) -> Value {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let failure = |text: &Option<String>| text.clone().filter(|_| word == "FAIL");
    json!({
        "status": word, "entities": entities, "job_id": id, "job_type": job_type,
        "begin_time": time(view.created_at), "end_time": view.ended_at(&["SUCCESS", "FAIL"]).map(time),
        "error_code": failure(&view.step.reason), "fail_reason": failure(&view.step.message),
    })
}
