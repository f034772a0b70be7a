use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::api::{EmulatedApi, ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use super::state::{EmulatedState, JobAt};
use crate::crypto::{nonce, percent_decode, sha256_hex};
use crate::providers::huawei::sign;

mod iam;
mod machine;

/// An `X-Auth-Token` that opens nothing but the emulator.
pub const TEST_TOKEN: &str = "joblens-test-auth-token";

/// The kind of the resources that are served.
const KIND: &str = "huawei/image-job";

/// The types of jobs; a list is of one of them.
const JOB_TYPES: [&str; 3] = ["CREATE_SERVER", "CREATE_SERVER_IMAGE", "DELETE_SERVER"];

/// The type of every job that is served.
const SERVED_TYPE: &str = JOB_TYPES[0];

/// How far a signed time may be off.
const WINDOW_MINUTES: i64 = 15;

/// The emulator in the cloud's place.
pub const EMULATOR: EmulatedApi = EmulatedApi {
    operation,
    respond,
    throttled,
    refused: || {
        error(
            401,
            "APIGW.0301",
            "Incorrect IAM authentication information",
        )
    },
    unavailable,
    environment: &[
        ("JOBLENS_HUAWEI_REGION", "cn-north-4"),
        (
            "HUAWEICLOUD_SDK_PROJECT_ID",
            "a4da8115c9d8464ead3a38309130523f",
        ),
        ("HUAWEICLOUD_SDK_AK", TEST_ID),
        ("HUAWEICLOUD_SDK_SK", TEST_SECRET),
    ],
};

fn operation(incoming: &ServerRequest) -> Option<String> {
    if let Some(step) = machine::operation(&incoming.path) {
        return Some(step.to_owned());
    }
    let name = match RequestKind::from_path(&incoming.path)? {
        RequestKind::Token => "KeystoneCreateUserTokenByPassword",
        RequestKind::Projects => "KeystoneListProjects",
        RequestKind::Job { .. } => "ShowImageJob",
        RequestKind::List => "ListImageJobs",
    };
    Some(name.to_owned())
}

/// What a path asks for.
enum RequestKind {
    /// One job: project and decoded id.
    Job { project: String, id: String },
    /// The jobs of a project.
    List,
    /// A token of IAM.
    Token,
    /// The projects that IAM knows.
    Projects,
}

impl RequestKind {
    fn from_path(path: &str) -> Option<Self> {
        match path {
            iam::TOKENS_PATH => return Some(Self::Token),
            iam::PROJECTS_PATH => return Some(Self::Projects),
            _ => {}
        }
        let segments: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
        match segments[..] {
            [_, "image-server-jobs"] => Some(Self::List),
            [project, "image-server-jobs", job] if !job.is_empty() => Some(Self::Job {
                project: percent_decode(project)?,
                id: percent_decode(job)?,
            }),
            _ => None,
        }
    }
}

fn respond(incoming: &ServerRequest, world: &EmulatedState) -> ServerResponse {
    if incoming.path == iam::TOKENS_PATH {
        return iam::token(incoming);
    }
    if machine::operation(&incoming.path).is_some() {
        return machine::respond(incoming);
    }
    if let Err(refused) = check(incoming) {
        return refused;
    }
    match RequestKind::from_path(&incoming.path).filter(|_| incoming.method == "GET") {
        Some(RequestKind::Job { project, id }) => show(incoming, world, &project, &id),
        Some(RequestKind::Projects) => iam::projects(incoming),
        Some(RequestKind::List) => list(incoming, world).unwrap_or_else(|refused| refused),
        Some(RequestKind::Token) | None => error(
            404,
            "APIGW.0101",
            "The API does not exist or has not been published in the environment",
        ),
    }
}

fn show(
    incoming: &ServerRequest,
    world: &EmulatedState,
    project: &str,
    id: &str,
) -> ServerResponse {
    match world.find(KIND, &[id], incoming.now) {
        None => error(404, "WKS.0202", "The resource does not exist."),
        Some(view) => match &view.job.document {
            Some(document) => ServerResponse::document(200, document),
            None => ServerResponse::json(200, &image_job(project, id, &view)),
        }
        .with_header("x-request-id", nonce()),
    }
}

/// One page of the jobs with the type and status that are requested; the type must be given.
fn list(incoming: &ServerRequest, world: &EmulatedState) -> Result<ServerResponse, ServerResponse> {
    let job_type = incoming
        .parameter("job_type")
        .filter(|job_type| JOB_TYPES.contains(&job_type.as_str()))
        .ok_or_else(|| error(400, "WKS.00211102", "The parameter job_type is invalid."))?;
    let number = |name: &str, default: usize, range: RangeInclusive<usize>| {
        let Some(text) = incoming.parameter(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            error(
                400,
                "WKS.0001",
                &format!("The parameter {name} is invalid."),
            )
        })
    };
    let limit = number("limit", 10, 1..=100)?;
    let offset = number("offset", 0, 0..=usize::MAX)?;
    let status = incoming.parameter("status");
    let all: Vec<JobAt<'_>> = world
        .all(KIND, incoming.now)
        // A document stands for the one answer it was written as, and has no row.
        .filter(|view| view.job.document.is_none() || !view.job.steps.is_empty())
        .filter(|_| job_type == SERVED_TYPE)
        .filter(|view| {
            let word = &view.step.state;
            status
                .as_ref()
                .is_none_or(|status| status.eq_ignore_ascii_case(word))
        })
        .collect();
    let items: Vec<Value> = all.iter().skip(offset).take(limit).map(row).collect();
    let page = json!({"count": all.len(), "items": items});
    Ok(ServerResponse::json(200, &page).with_header("x-request-id", nonce()))
}

/// Checks token or signature as the gateway does.
fn check(incoming: &ServerRequest) -> Result<(), ServerResponse> {
    let refused = |what: &str| {
        let message = format!("Incorrect IAM authentication information: {what}");
        error(401, "APIGW.0301", &message)
    };
    match incoming.header("x-auth-token") {
        Some(TEST_TOKEN) => return Ok(()),
        Some(token) if iam::is_good(token, incoming.now) => return Ok(()),
        Some(_) => return Err(refused("decrypt token fail")),
        None => {}
    }
    let authorization = incoming
        .header("authorization")
        .ok_or_else(|| refused("x-auth-token not found"))?;
    let (id, names, given) =
        parts(authorization).ok_or_else(|| refused("authorization is malformed"))?;
    let date = incoming.header("x-sdk-date").unwrap_or_default();
    let signed_at = NaiveDateTime::parse_from_str(date, sign::DATE_FORMAT)
        .map_err(|_| refused("x-sdk-date is malformed"))?
        .and_utc();
    if (incoming.now - signed_at).abs() > Duration::minutes(WINDOW_MINUTES) {
        return Err(error(
            401,
            "APIGW.0303",
            "Incorrect IAM authentication information: the time of the request is off by more than 15 minutes",
        ));
    }
    let names: Vec<&str> = names.split(';').collect();
    let token = incoming.header("x-security-token");
    let secret = machine::secret_of(id, token, incoming.now)
        .filter(|_| names.contains(&"host") && names.contains(&"x-sdk-date"))
        .ok_or_else(|| refused("verify ak sk signature fail"))?;
    let headers: Option<Vec<(&str, &str)>> = names
        .iter()
        .map(|name| Some((*name, incoming.header(name)?)))
        .collect();
    let headers = headers.ok_or_else(|| refused("a signed header is missing"))?;
    let (canonical, _) = sign::canonical_request(
        &incoming.method,
        &incoming.path,
        &incoming.parameters(),
        &headers,
        &incoming.body,
    );
    let expected = sign::signature(&secret, &sign::string_to_sign(date, &canonical));
    if given != expected {
        let echo = canonical.replace('\n', "|");
        return Err(refused(&format!(
            "verify ak sk signature fail, canonicalRequest: {echo}"
        )));
    }
    Ok(())
}

/// Key id, names of the signed headers and signature.
fn parts(authorization: &str) -> Option<(&str, &str, &str)> {
    let rest = authorization
        .strip_prefix(sign::ALGORITHM)?
        .strip_prefix(" Access=")?;
    let (id, rest) = rest.split_once(", SignedHeaders=")?;
    let (names, signature) = rest.split_once(", Signature=")?;
    Some((id, names, signature))
}

fn error(status: u16, code: &str, message: &str) -> ServerResponse {
    let request_id = nonce();
    ServerResponse::json(
        status,
        &json!({"error_code": code, "error_msg": message, "request_id": request_id}),
    )
    .with_header("x-request-id", request_id)
}

fn throttled() -> ServerResponse {
    error(
        429,
        "APIGW.0308",
        "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 second",
    )
}

fn unavailable(status: u16) -> ServerResponse {
    error(status, "APIGW.0201", "Backend unavailable")
}

/// A job of the list, which has no sub-jobs.
fn row(view: &JobAt<'_>) -> Value {
    json!({
        "id": view.job.segments.last(),
        "job_type": SERVED_TYPE,
        "begin_time": time(view.created_at),
        "end_time": end_time(view),
        "status": view.step.state,
        "sub_jobs_total": view.job.parts,
    })
}

fn end_time(view: &JobAt<'_>) -> Option<String> {
    let is_over = ["SUCCESS", "FAILED"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(&view.step.state));
    is_over.then(|| time(view.since))
}

/// The documented response for a resource of the scenario.
fn image_job(project: &str, id: &str, view: &JobAt<'_>) -> Value {
    let state = view.step.state.as_str();
    let end_time = end_time(view);
    let begin_time = view.reached_at(&["RUNNING", "SUCCESS", "FAILED"]).map(time);
    let parts = view.job.parts;
    let sub_jobs: Vec<Value> = (1..=parts)
        .map(|part| {
            let has_failed = part == parts && state.eq_ignore_ascii_case("FAILED");
            let is_saved = part < parts && state.eq_ignore_ascii_case("FAILED");
            let text = |text: &Option<String>| text.clone().filter(|_| has_failed);
            json!({
                "id": digits(&format!("{id}/{part}")),
                "job_type": SERVED_TYPE,
                "job_resource_info": {
                    "resource_id": &sha256_hex(format!("{id}/{part}").as_bytes())[..32],
                    "resource_name": format!("{}-{part:02}", view.job.name.as_deref().unwrap_or("image-server")),
                },
                "begin_time": begin_time,
                "end_time": end_time,
                "status": if is_saved { "SUCCESS" } else { state },
                "job_execute_info": {
                    "error_code": text(&view.step.reason).unwrap_or_default(),
                    "error_message": text(&view.step.message).unwrap_or_default(),
                },
                "project_id": project,
                "job_id": id,
            })
        })
        .collect();
    json!({
        "id": id,
        "job_type": SERVED_TYPE,
        "begin_time": time(view.created_at),
        "end_time": end_time,
        "status": state,
        "sub_jobs_total": parts,
        "sub_jobs": sub_jobs,
    })
}

/// An id of 18 digits, as the cloud gives them.
fn digits(seed: &str) -> String {
    let hash = sha256_hex(seed.as_bytes());
    let number = u64::from_str_radix(&hash[..15], 16).expect("15 hex digits fit into 64 bits");
    format!("7{:017}", number % 100_000_000_000_000_000)
}

/// With as many fraction digits as are needed, as the cloud writes it.
fn time(moment: DateTime<Utc>) -> String {
    let text = moment.format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}
