mod success;

use std::sync::Mutex;

use serde_json::{Value, json};

use super::response::{previous_pod, quantity};
use super::*;
use crate::error::Category;
use crate::providers::aliyun::CLOUD;
use crate::providers::aliyun::errors::ERRORS;
use crate::providers::aliyun::tests::api;
use crate::providers::api::DecodeError;
use crate::providers::lenient::Text;
use crate::providers::test_support::{
    self, classify, fixture_response, get_options, get_options_without_details, lookup, promptly,
    reference,
};
use crate::providers::{Client, Cursor, Filter};
use crate::reference::Scope;
use crate::test_support::jobs::{hanging, job, responding, serve};
use crate::test_support::kinds::check_kind;
use crate::test_support::{ServerRequest, ServerResponse, TestServer};

check_kind!(
    &DLC_JOB,
    essential: ["JobId", "Status", "Jobs", "Jobs[]", "Jobs[].JobId", "Jobs[].Status"],
    evidence: [
        "Jobs[].GmtFailedTime", "Jobs[].GmtStoppedTime", "Jobs[].ReasonCode", "Jobs[].ReasonMessage",
        "Jobs[].StatusHistory", "Jobs[].StatusHistory[]", "Jobs[].StatusHistory[].Status",
        "Jobs[].StatusHistory[].StartTime", "Jobs[].StatusHistory[].EndTime",
        "Jobs[].StatusHistory[].ReasonCode", "Jobs[].StatusHistory[].ReasonMessage",
    ]
);

fn read(body: &Value) -> Result<GetResult, DecodeError> {
    let reference = reference(&DLC_JOB, &["dlc1"]);
    decode_job(
        body.to_string().as_bytes(),
        &api(),
        lookup(&reference, &get_options()),
    )
}

#[test]
fn a_job_that_reserves_its_pods_after_its_end_has_ended() {
    let state = |word: &str| {
        let job = read(&json!({"JobId": "dlc1", "Status": word})).unwrap().job;
        (job.state, job.ended)
    };
    assert_eq!(state("SucceededReserving"), (State::Succeeded, true));
    assert_eq!(state("FailedReserving"), (State::Failed, true));
    assert_eq!(state("Stopped"), (State::Canceled, true));
    assert_eq!(state("Bidding"), (State::Pending, false));
    for word in ["", "Reserving", "Completed"] {
        assert_eq!(state(word), (State::Unknown, false), "{word}");
    }
}

#[test]
fn a_failure_after_the_last_success_makes_a_succeeded_job_failed() {
    let [early, late] = ["2026-01-12T15:00:00Z", "2026-01-12T16:00:00Z"];
    let state = |reason: &str, succeeded_at: Value, failed_at: Value| {
        let pods = json!([{"PodId": "dlc1-worker-0", "Status": "Failed"}]);
        let message = if reason == "JobFailed" { "OOM" } else { "" };
        let body = json!({
            "JobId": "dlc1", "Status": "Succeeded", "ReasonCode": reason, "ReasonMessage": message,
            "GmtSuccessedTime": succeeded_at, "GmtFailedTime": failed_at, "Pods": pods,
        });
        let job = read(&body).unwrap().job;
        (job.state, job.reason)
    };
    let failed = || (State::Failed, Some("JobFailed".into()));
    assert_eq!(state("JobFailed", Value::Null, late.into()), failed());
    assert_eq!(state("JobFailed", early.into(), late.into()), failed());
    assert_eq!(state("JobFailed", late.into(), Value::Null), failed());
    assert_eq!(state("", Value::Null, late.into()), failed());
    // The failure is of an earlier run, before a restart.
    let succeeded = (State::Succeeded, None);
    assert_eq!(state("JobFailed", late.into(), early.into()), succeeded);
    // The failed pod is ignored, because the service replaces failed pods.
    assert_eq!(state("", late.into(), Value::Null), succeeded);
    assert_eq!(
        state("JobSucceeded", late.into(), Value::Null).0,
        State::Succeeded
    );
    for reason in [
        "JobStoppedByUser",
        "ResourceAllocateFailed",
        "jobfailed",
        "InvalidParameter",
        "OOMKilled",
        "PodEvicted",
        "NodeError",
        "JobTimeout",
        "JobFaile\u{fffd}",
    ] {
        assert_eq!(
            state(reason, late.into(), Value::Null).0,
            State::Unknown,
            "{reason}"
        );
    }
    assert_eq!(state("", late.into(), late.into()).0, State::Unknown);
    let stopped = json!({
        "JobId": "dlc1", "Status": "Succeeded", "GmtSuccessedTime": early, "GmtStoppedTime": late,
    });
    assert_eq!(read(&stopped).unwrap().job.state, State::Unknown);
}

#[tokio::test]
async fn missing_or_possibly_truncated_events_leave_warnings_unknown() {
    let events = |count: usize| json!(vec!["2026-01-12 14:18:30 Created pod: x"; count]);
    for (body, is_unreadable) in [
        (json!({"Events": events(3)}), false),
        (json!({"Events": null}), false),
        (json!({"Events": "x"}), true),
        (json!({}), true),
        (json!({"Events": events(2000)}), true),
    ] {
        let job = job(&DLC_JOB, "dlc1", "Running", &[]);
        let responder = responding(&CLOUD, &["GetJobEvents"], ServerResponse::json(200, &body));
        let (_server, client) = serve(&CLOUD, vec![job], responder).await;
        let found = client
            .get(&reference(&DLC_JOB, &["dlc1"]), &get_options())
            .await;
        let unreadable = found.unwrap().job.events_unreadable;
        assert_eq!(unreadable, is_unreadable, "{:.60}", body.to_string());
    }
}

/// Returns the row of a job with all fields that can show a failure.
fn row(word: &str) -> Value {
    json!({
        "JobId": "dlc1", "Status": word, "ReasonCode": "", "ReasonMessage": "",
        "GmtFailedTime": null, "GmtStoppedTime": null, "StatusHistory": [],
    })
}

/// Creates a client of a cloud that lists one succeeded job with these additional fields.
async fn listing(fields: &Value) -> (TestServer, Box<dyn Client>) {
    let mut row = row("Succeeded");
    let fields = fields.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(fields);
    let body = json!({"TotalCount": 1, "Jobs": [row]});
    let responder = responding(&CLOUD, &[LIST.name], ServerResponse::json(200, &body));
    serve(&CLOUD, Vec::new(), responder).await
}

#[tokio::test]
async fn a_row_with_an_unreadable_failure_field_is_undecided() {
    let scope = Scope::at(&DLC_JOB, "default", &[]).unwrap();
    let references = [reference(&DLC_JOB, &["dlc1"])];
    for (fields, state) in [
        (
            json!({"GmtFailedTime": "2026-01-12T15:00:00Z"}),
            State::Failed,
        ),
        (json!({"GmtFailedTime": "garbage"}), State::Unknown),
        (json!({"ReasonCode": ["JobFailed"]}), State::Unknown),
        (json!({"ReasonMessage": ["OOMKilled"]}), State::Unknown),
        (json!({"DisplayName": ["x"]}), State::Succeeded),
    ] {
        let (_server, client) = listing(&fields).await;
        let filter = Filter::default();
        let page = client
            .list(&scope, &filter, Cursor::FIRST, &get_options())
            .await;
        let row = page.unwrap().rows.remove(0).job;
        let is_known = state != State::Unknown;
        assert_eq!((row.state, row.ended), (state, is_known), "{fields}");
        let found = client.batch_get(&references, &get_options()).await.unwrap();
        assert_eq!(found[0].is_some(), is_known, "{fields}");
    }
}

#[tokio::test]
async fn a_conflicting_row_on_another_page_leaves_the_job_to_a_lookup() {
    let references = [reference(&DLC_JOB, &["dlc1"])];
    for (second, is_known) in [("Succeeded", true), ("Failed", false)] {
        let responder = move |request: &ServerRequest| {
            let word = match request.parameter("PageNumber").as_deref() {
                Some("2") => second,
                _ => "Succeeded",
            };
            let body = json!({"TotalCount": 2, "Jobs": [row(word)]});
            request
                .path
                .ends_with("/jobs")
                .then(|| ServerResponse::json(200, &body))
        };
        let (_server, client) = serve(&CLOUD, Vec::new(), Arc::new(responder)).await;
        let found = client.batch_get(&references, &get_options()).await.unwrap();
        assert_eq!(found[0].is_some(), is_known, "{second}");
    }
}

#[tokio::test]
async fn active_jobs_are_listed_without_the_7_day_window() {
    let scope = Scope::at(&DLC_JOB, "default", &[]).unwrap();
    for (states, is_cut) in [(State::ACTIVE.to_vec(), false), (Vec::new(), true)] {
        let (_server, client) = listing(&json!({"Status": "Running"})).await;
        let filter = Filter {
            states,
            ..Filter::default()
        };
        let page = client
            .list(&scope, &filter, Cursor::FIRST, &get_options())
            .await;
        let notices = page.unwrap().notices;
        let is_window = |notice: &Notice| notice.message.contains("in the last 7 days");
        assert_eq!(notices.iter().any(is_window), is_cut);
    }
}

#[tokio::test]
async fn a_failed_or_cut_list_of_workspaces_leaves_the_job_list_incomplete() {
    let scope = Scope::at(&DLC_JOB, "default", &[]).unwrap();
    let denied = json!({"Code": "Forbidden.RAM", "Message": "m"});
    let failed = json!({"Code": "ServiceUnavailable", "Message": "m"});
    let many: Vec<Value> = (0..100)
        .map(|id| json!({"WorkspaceId": id.to_string()}))
        .collect();
    let many = json!({"TotalCount": 101, "Workspaces": many});
    for (status, body, is_incomplete) in
        [(403, denied, false), (400, failed, true), (200, many, true)]
    {
        let response = ServerResponse::json(status, &body);
        let responder = responding(&CLOUD, &["ListWorkspaces"], response);
        let (_server, client) = serve(&CLOUD, Vec::new(), responder).await;
        let filter = Filter::default();
        let page = client
            .list(&scope, &filter, Cursor::FIRST, &get_options())
            .await;
        let page = page.unwrap();
        assert_eq!(!page.failed_parts.is_empty(), is_incomplete, "{status}");
    }
}

#[tokio::test]
async fn each_workspace_is_listed_to_its_own_end() {
    // Workspace, and number of its rows.
    let workspaces = [("a", 60), ("b", 150), ("c", 5)];
    for failing in [None, Some("a")] {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let sent = Arc::clone(&requests);
        let responder = move |request: &ServerRequest| {
            if request.path.ends_with("/workspaces") {
                let rows = workspaces.map(|(id, _)| json!({"WorkspaceId": id}));
                let body = json!({"TotalCount": rows.len(), "Workspaces": rows});
                return Some(ServerResponse::json(200, &body));
            }
            let workspace = request.parameter("WorkspaceId").unwrap();
            let page: usize = request.parameter("PageNumber").unwrap().parse().unwrap();
            lock(&sent).push(format!("{workspace}{page}"));
            if failing == Some(&*workspace) && page == 2 {
                let body = json!({"Code": "Forbidden.RAM", "Message": "m"});
                return Some(ServerResponse::json(403, &body));
            }
            let (_, total) = workspaces.into_iter().find(|(id, _)| *id == workspace)?;
            let numbers = (page - 1) * PAGE_SIZE..total.min(page * PAGE_SIZE);
            let row =
                |number| json!({"JobId": format!("dlc{workspace}{number}"), "Status": "Running"});
            let rows: Vec<Value> = numbers.map(row).collect();
            let body = json!({"TotalCount": total, "Jobs": rows});
            Some(ServerResponse::json(200, &body))
        };
        let (_server, client) = serve(&CLOUD, Vec::new(), Arc::new(responder)).await;
        let scope = Scope::at(&DLC_JOB, "default", &[]).unwrap();
        let (filter, options) = (Filter::default(), get_options());
        let (mut next, mut rows, mut failed) = (Some(Cursor::FIRST), 0, 0);
        while let Some(cursor) = next {
            let page = client
                .list(&scope, &filter, cursor, &options)
                .await
                .unwrap();
            // Another list does not change the position in this one.
            let count = lock(&requests).len();
            let first = client.list(&scope, &filter, Cursor::FIRST, &options).await;
            first.unwrap();
            lock(&requests).truncate(count);
            rows += page.rows.len();
            failed += page.failed_parts.len();
            next = page.next;
        }
        let expected = if failing.is_none() {
            (215, 0)
        } else {
            (205, 1)
        };
        assert_eq!((rows, failed), expected);
        let mut requests = lock(&requests).clone();
        requests.sort();
        assert_eq!(requests, ["a1", "a2", "b1", "b2", "b3", "c1"]);
    }
}

#[test]
fn a_response_without_the_requested_job_id_is_invalid() {
    for body in [
        json!({}),
        json!({"JobId": null, "Status": "Succeeded"}),
        json!({"JobId": "dlc12", "Status": "Succeeded"}),
        json!({"JobId": ["dlc1"], "Status": "Succeeded"}),
    ] {
        assert!(
            matches!(read(&body), Err(DecodeError::Invalid(_))),
            "{body}"
        );
    }
}

#[test]
fn memory_is_read_in_binary_units() {
    let read = |text: &str| quantity(&Text(Some(text.to_owned())));
    assert_eq!(read("64Gi"), Some(64 << 30));
    assert_eq!(read("512Mi"), Some(512 << 20));
    for other in ["64", "64.0", "Gi", "i", "64G", "-1Gi", "损失i"] {
        assert_eq!(read(other), None, "{other}");
    }
}

#[test]
fn the_pod_before_a_restart_is_the_newest_of_its_history() {
    let past = |uid: &str, day: u8| json!({"PodUid": uid, "GmtCreateTime": format!("2026-01-0{day}T00:00:00Z")});
    let pods = json!({"Pods": [
        {"PodId": "dlc1-worker-0", "HistoryPods": [past("a", 1), past("c", 3), past("b", 2)]},
        {"PodId": "dlc1-worker-1", "HistoryPods": []},
    ]});
    let uid = |pod| previous_pod(pods.to_string().as_bytes(), pod).unwrap();
    assert_eq!(uid("dlc1-worker-0").as_deref(), Some("c"));
    assert_eq!(uid("dlc1-worker-1"), None);
    assert_eq!(uid("dlc1-worker-2"), None);
}

#[test]
fn an_unknown_job_is_not_found_whatever_the_status() {
    for status in [200, 400, 404] {
        let error = classify(
            &ERRORS,
            &fixture_response(status, "aliyun/error-dlc-not-found.json"),
        )
        .unwrap();
        assert_eq!(error.category, Category::NotFound, "{status}");
    }
    let forbidden = test_support::response(403, r#"{"Code": "OperationForbidden"}"#);
    let error = classify(&ERRORS, &forbidden).unwrap();
    assert_eq!(error.category, Category::PermissionDenied);
}

#[test]
fn the_window_of_a_list_begins_at_a_full_hour() {
    let at = |text: &str| list_start(text.parse().unwrap());
    assert_eq!(at("2026-01-12T15:00:00Z"), "2026-01-05T15:00:00Z");
    assert_eq!(at("2026-01-12T15:59:59Z"), "2026-01-05T15:00:00Z");
}

#[tokio::test]
async fn a_hanging_events_request_does_not_delay_a_failure() {
    let jobs = vec![job(&DLC_JOB, "dlc1", "Failed", &[])];
    let (_server, client) = serve(&CLOUD, jobs, hanging(&CLOUD, &["GetJobEvents"])).await;
    let reference = reference(&DLC_JOB, &["dlc1"]);
    let found = promptly(client.get(&reference, &get_options_without_details())).await;
    let job = found.unwrap().job;
    assert_eq!((job.state, job.events_unreadable), (State::Failed, true));
}
