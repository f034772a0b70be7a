use super::{PROJECT, check_project, failure};
use crate::emulator::prelude::*;

/// Routes of image server jobs.
pub static IMAGE_JOB: &[Route] = &[
    Route::get("ShowImageJob", "/v1/{}/image-server-jobs/{}").to(|call| {
        check_project(call)?;
        let view = call.find(KIND, &[&call.segments[1]])?;
        call.resource_response(&view, || image_job(&view))
    }),
    Route::get("ListImageJobs", "/v1/{}/image-server-jobs").to(list),
    Route::get("ListImageSubJobs", "/v1/{}/image-server-sub-jobs").to(list_sub_jobs),
];

const KIND: &str = "huawei/image-job";

/// The job types. A list returns jobs of one type; all emulated jobs have the first type.
const JOB_TYPES: [&str; 3] = ["CREATE_SERVER", "CREATE_SERVER_IMAGE", "DELETE_SERVER"];

/// Returns a page of the jobs with the requested type and status; the type is required.
fn list(call: &EmulatedCall<'_>) -> HandlerResult {
    check_project(call)?;
    let job_type = call.parameter("job_type").unwrap_or_default();
    if !JOB_TYPES.contains(&job_type) {
        let message = "The parameter job_type is invalid.";
        return Err(EmulatedError::Response(failure(
            400,
            "WKS.00211102",
            message,
        )));
    }
    let page = Pager::rows(["offset", "limit"], 10, 1..=100).page(call)?;
    let status = call.parameter("status");
    let mut all = call.rows(KIND);
    all.retain(|view| job_type == JOB_TYPES[0] && status.is_none_or(|status| view.is(&[status])));
    let count = all.len();
    let items: Vec<Value> = page.of(all).map(|view| row(&view)).collect();
    call.data(json!({"count": count, "items": items}))
}

/// Returns a page of the sub-jobs, filtered by type, status and job if these are given.
fn list_sub_jobs(call: &EmulatedCall<'_>) -> HandlerResult {
    check_project(call)?;
    let page = Pager::rows(["offset", "limit"], 10, 1..=100).page(call)?;
    let rows = call.rows(KIND);
    let mut all: Vec<Value> = rows.iter().flat_map(sub_jobs).collect();
    for key in ["job_type", "status", "job_id"] {
        let requested = call.parameter(key);
        all.retain(|one| requested.is_none_or(|requested| one[key] == requested));
    }
    let count = all.len();
    call.data(json!({"count": count, "items": page.of(all).collect::<Vec<_>>()}))
}

/// Returns a row of the list, which has no sub-jobs.
fn row(view: &JobView<'_>) -> Value {
    json!({
        "id": view.id(),
        "job_type": JOB_TYPES[0],
        "begin_time": time(view.created_at),
        "end_time": view.ended_at(&["SUCCESS", "FAILED"]).map(time),
        "status": view.step.state,
        "sub_jobs_total": view.job.parts,
    })
}

/// Returns the documented response for a resource of the scenario.
fn image_job(view: &JobView<'_>) -> Value {
    let mut job = row(view);
    job["sub_jobs"] = sub_jobs(view).into();
    job
}

fn sub_jobs(view: &JobView<'_>) -> Vec<Value> {
    let parts = view.job.parts;
    let begin_time = view.reached_at(&["RUNNING", "SUCCESS", "FAILED"]).map(time);
    let end_time = view.ended_at(&["SUCCESS", "FAILED"]).map(time);
    let is_failed = view.is(&["FAILED"]);
    let sub_job = |part: usize| {
        let seed = format!("{}/{part}", view.id());
        let is_last = part == parts;
        let text = |text: &Option<String>| {
            let text = text.clone().filter(|_| is_failed && is_last);
            text.unwrap_or_default()
        };
        let name = view.job.name.as_deref().unwrap_or("image-server");
        json!({
            "id": digits(&seed), "job_type": JOB_TYPES[0],
            "job_resource_info": {
                "resource_id": &sha256_hex(seed.as_bytes())[..32],
                "resource_name": format!("{name}-{part:02}"),
            },
            "begin_time": begin_time, "end_time": end_time,
            "status": if is_failed && !is_last { "SUCCESS" } else { &view.step.state },
            "job_execute_info": {
                "error_code": text(&view.step.reason), "error_message": text(&view.step.message),
            },
            "project_id": PROJECT, "job_id": view.id(),
        })
    };
    (1..=parts).map(sub_job).collect()
}

/// Returns an id of 18 digits, as in the cloud.
fn digits(seed: &str) -> String {
    let hash = sha256_hex(seed.as_bytes());
    let number = u64::from_str_radix(&hash[..15], 16).expect("15 hex digits fit into 64 bits");
    format!("7{:017}", number % 100_000_000_000_000_000)
}

/// Formats a time with as many fraction digits as needed, as in the cloud.
fn time(moment: DateTime<Utc>) -> String {
    let text = moment.format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}
