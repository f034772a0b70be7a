use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::emulator::message::{ServerRequest, ServerResponse};
use crate::emulator::state::{EmulatedJob, EmulatedState, LogLine, StateChange, Warning};
use crate::http::PeerCertificate;
use crate::providers::kubernetes::CLOUD;
use crate::test_support::{emulated, start_time};

/// Returns the response to a request `after` milliseconds after the start.
fn get(path: &str, query: &str, after: i64) -> ServerResponse {
    let after_start = Duration::from_millis;
    let step = |after, state: &str| StateChange {
        after: after_start(after),
        state: state.to_owned(),
        ..StateChange::default()
    };
    let line = |after| LogLine {
        after: after_start(after),
        text: format!("第 {after} 行"),
        ..LogLine::default()
    };
    let job = EmulatedJob {
        kind: "kubernetes/job".to_owned(),
        segments: vec!["ci".to_owned(), "迁移".to_owned()],
        steps: vec![step(0, "Running"), step(2000, "Complete")],
        vanishes_after: Some(after_start(3000)),
        log: [100, 1000, 2500].map(line).into(),
        ..EmulatedJob::default()
    };
    let state = EmulatedState::new(vec![job], start_time());
    emulated(&CLOUD).respond(&request(path, query, after), &state)
}

fn request(path: &str, query: &str, after: i64) -> ServerRequest {
    let token = "Bearer joblens-emulator-token".to_owned();
    ServerRequest {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: vec![("authorization".to_owned(), token)],
        certificate: None,
        body: Vec::new(),
        now: start_time() + TimeDelta::milliseconds(after),
    }
}

/// Returns the response to a watch, and its events: time, type, name.
fn watch(path: &str, query: &str, after: i64) -> (ServerResponse, Vec<(u64, String, String)>) {
    let response = get(path, &format!("watch=1&{query}"), after);
    let first = (Duration::ZERO, response.body.clone());
    let pieces = std::iter::once(&first).chain(&response.later);
    let events = pieces.flat_map(|(after, piece)| {
        let lines = piece
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines.map(|line| {
            let event: Value = serde_json::from_slice(line).unwrap();
            let name = event["object"]["metadata"]["name"]
                .as_str()
                .unwrap_or_default();
            let kind = event["type"].as_str().unwrap_or_default();
            (after.as_millis() as u64, kind.to_owned(), name.to_owned())
        })
    });
    let events = events.collect();
    (response, events)
}

const JOBS: &str = "/apis/batch/v1/namespaces/ci/jobs";

fn kinds(events: &[(u64, String, String)]) -> Vec<(u64, &str)> {
    events
        .iter()
        .map(|(after, kind, _)| (*after, kind.as_str()))
        .collect()
}

#[test]
fn a_watch_sends_each_change_when_it_happens() {
    let (_, events) = watch(
        JOBS,
        "resourceVersion=1500&allowWatchBookmarks=true&timeoutSeconds=11",
        500,
    );
    assert_eq!(
        kinds(&events),
        [
            (1500, "MODIFIED"),
            (2500, "DELETED"),
            (10_000, "BOOKMARK"),
            (11_000, "BOOKMARK")
        ]
    );
    let (_, past) = watch(JOBS, "resourceVersion=1500&timeoutSeconds=1", 2500);
    assert_eq!(kinds(&past), [(0, "MODIFIED"), (500, "DELETED")]);
    let (_, pods) = watch("/api/v1/pods", "resourceVersion=1500&timeoutSeconds=2", 500);
    assert_eq!(kinds(&pods), [(1500, "MODIFIED")]);
    let other = "resourceVersion=1500&timeoutSeconds=2&fieldSelector=metadata.name%3Dx";
    assert_eq!(watch(JOBS, other, 500).1, []);
}

#[test]
fn version_and_namespace_are_found_and_a_missing_object_is_named() {
    let body = |path: &str| -> Value { serde_json::from_slice(&get(path, "", 500).body).unwrap() };
    assert_eq!(body("/version")["major"], "1");
    let missing = body(&format!("{JOBS}/nope"));
    assert_eq!(missing["message"], "jobs.batch \"nope\" not found");
    assert_eq!(body("/api/v1/namespaces/ci")["metadata"]["name"], "ci");
    let missing = body("/api/v1/namespaces/none");
    assert_eq!(missing["message"], "namespaces \"none\" not found");
}

#[test]
fn a_watch_without_a_version_begins_with_the_existing_objects() {
    let query = "sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=0";
    let (response, events) = watch(JOBS, query, 500);
    assert_eq!(
        kinds(&events),
        [(0, "ADDED"), (0, "BOOKMARK"), (0, "BOOKMARK")]
    );
    assert_eq!(events[0].2, "迁移");
    let body = String::from_utf8(response.body).unwrap();
    assert!(body.contains("k8s.io/initial-events-end"), "{body}");
}

#[test]
fn a_watch_from_a_version_that_is_too_old_streams_an_error() {
    let (response, events) = watch(JOBS, "resourceVersion=1500", 600_000);
    assert_eq!((response.status, kinds(&events)), (200, vec![(0, "ERROR")]));
    let (response, _) = watch(JOBS, "resourceVersion=x", 0);
    assert_eq!(response.status, 400);
}

#[test]
fn a_log_is_followed_until_the_container_ends() {
    let pods: Value = serde_json::from_slice(&get("/api/v1/pods", "", 0).body).unwrap();
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let path = format!(
        "/api/v1/namespaces/ci/pods/{}/log",
        crate::crypto::percent_encode(pod)
    );
    let log = get(&path, "follow=true", 500);
    assert_eq!(log.body, "第 100 行\n".as_bytes());
    let later: Vec<(u128, &[u8])> = log
        .later
        .iter()
        .map(|(after, text)| (after.as_millis(), &text[..]))
        .collect();
    assert_eq!(later, [(500, "第 1000 行\n".as_bytes()), (1500, b"")]);
    assert_eq!(get(&path, "follow=true", 2200).later, []);
}

#[test]
fn warnings_of_pods_are_listed_in_pages() {
    let job = |kind: &str| EmulatedJob {
        kind: kind.to_owned(),
        segments: vec!["ci".to_owned(), "x".to_owned()],
        warnings: vec![Warning::default(); 2],
        ..EmulatedJob::default()
    };
    let jobs = ["kubernetes/job", "kubernetes/pod"].map(job).to_vec();
    let state = EmulatedState::new(jobs, start_time());
    let list = |selector: &str, next: &str| -> Value {
        let query = format!("fieldSelector={selector}&limit=1&continue={next}");
        let request = request("/api/v1/namespaces/ci/events", &query, 0);
        let response = emulated(&CLOUD).respond(&request, &state);
        serde_json::from_slice(&response.body).unwrap()
    };
    let warnings = "involvedObject.kind%3DPod%2Ctype%21%3DNormal";
    let first = list(warnings, "");
    assert_eq!(first["items"][0]["involvedObject"]["kind"], "Pod");
    let last = list(warnings, first["metadata"]["continue"].as_str().unwrap());
    assert_eq!(last["items"].as_array().unwrap().len(), 1);
    assert_eq!(last["metadata"]["continue"], Value::Null);
    assert_eq!(list("type%21%3DWarning", "")["items"], json!([]));
}

#[test]
fn api_groups_list_their_versions_and_resources() {
    let json = |path| serde_json::from_slice::<Value>(&get(path, "", 0).body).unwrap();
    assert_eq!(json("/api")["versions"][0], "v1");
    assert_eq!(
        json("/apis")["groups"][0]["preferredVersion"]["groupVersion"],
        "batch/v1"
    );
    assert_eq!(json("/apis/batch/v1")["resources"][0]["kind"], "Job");
    assert_eq!(json("/api/v1")["resources"][0]["shortNames"][0], "po");
    assert_eq!(get("/apis/example.org/v1", "", 0).status, 404);
}

#[test]
fn a_self_subject_review_names_the_user() {
    let mut request = request("/apis/authentication.k8s.io/v1/selfsubjectreviews", "", 0);
    request.method = "POST".to_owned();
    let state = EmulatedState::new(Vec::new(), start_time());
    let response = emulated(&CLOUD).respond(&request, &state);
    let review: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(review["status"]["userInfo"]["username"], "joblens");
}

#[test]
fn a_certificate_of_the_cluster_identifies_the_client() {
    let review = |is_trusted, has_token| {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let mut request = request(path, "", 0);
        request.method = "POST".to_owned();
        request.headers.retain(|_| has_token);
        request.certificate = Some(PeerCertificate {
            name: "jane".to_owned(),
            organizations: vec!["devs".to_owned(), "admins".to_owned()],
            is_trusted,
        });
        let state = EmulatedState::new(Vec::new(), start_time());
        let response = emulated(&CLOUD).respond(&request, &state);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        (response.status, body["status"]["userInfo"].clone())
    };
    let groups = ["devs", "admins", "system:authenticated"];
    let jane = json!({"username": "jane", "groups": groups});
    assert_eq!(review(true, false), (200, jane.clone()));
    assert_eq!(review(true, true), (200, jane));
    assert_eq!(review(false, false), (401, Value::Null));
    assert_eq!(review(false, true).1["username"], "joblens");
}
