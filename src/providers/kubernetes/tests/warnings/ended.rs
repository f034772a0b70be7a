//! Tests of events of a job whose end was reported by a list or a stream.

use super::*;
use crate::error::{Category, Problem};

const DETAILS: [EventDetail; 3] = [
    EventDetail::ForState,
    EventDetail::Warnings,
    EventDetail::All,
];

/// Returns a job with this condition and resource version.
fn ended(condition: &str, version: &str) -> Value {
    let mut job = cluster(json!([])).object;
    job["metadata"]["resourceVersion"] = version.into();
    job["status"]["conditions"] = json!([{"type": condition, "status": "True"}]);
    job
}

/// Returns the results of lookups with each of [`DETAILS`], after a list that contains `listed`. `object` is the
/// response to the lookups.
async fn lookups(listed: &Value, object: Value) -> Vec<(EventDetail, Result<GetResult, Problem>)> {
    let mut cluster = cluster(json!([])).with_list("jobs", json!([listed]));
    cluster.events = vec![vec![warning("Job", "own")]];
    cluster.events[0][0]["involvedObject"]["name"] = "x".into();
    cluster.object = object;
    let server = cluster.serve().await;
    let client = client(&CLOUD, &server, &server.transport());
    let x = reference(&JOB, "kubernetes/job/ci/x");
    let options = RequestOptions {
        changes: Some(Arc::default()),
        ..get_options()
    };
    let rows = client.batch_get(std::slice::from_ref(&x), &options).await;
    assert!(rows.unwrap()[0].is_some());
    let mut found = Vec::new();
    for events in DETAILS {
        let options = RequestOptions {
            events,
            ..options.clone()
        };
        found.push((events, client.get(&x, &options).await));
    }
    found
}

#[tokio::test]
async fn a_job_that_no_longer_exists_has_no_events() {
    for (events, found) in lookups(&ended("Complete", "900"), json!(404)).await {
        let job = found.unwrap().job;
        let needs_events = events != EventDetail::ForState;
        assert_eq!(job.state, State::Succeeded);
        assert_eq!(job.events_unreadable, needs_events, "{events:?}");
        assert_eq!((job.events_error(), job.lookup_failed), (None, false));
    }
}

#[tokio::test]
async fn a_lookup_that_is_not_permitted_is_the_reason_for_which_events_are_missing() {
    for (events, found) in lookups(&ended("Failed", "900"), json!(403)).await {
        let job = found.unwrap().job;
        assert_eq!((job.state, job.lookup_failed), (State::Failed, false));
        let error = job.events_error().map(|error| error.category);
        let needs_events = events != EventDetail::ForState;
        assert_eq!(error, needs_events.then_some(Category::PermissionDenied));
    }
}

#[tokio::test]
async fn a_temporary_failure_is_reported_if_the_events_of_an_ended_job_are_needed() {
    for (condition, are_found) in [
        ("Complete", [true, false, false]),
        ("Failed", [true, true, false]),
    ] {
        let found = lookups(&ended(condition, "900"), json!({})).await;
        for ((events, found), is_found) in found.into_iter().zip(are_found) {
            match found {
                Ok(found) => assert!(is_found && found.job.ended && found.job.lookup_failed),
                Err(problem) => {
                    assert!(!is_found, "{condition} {events:?}");
                    assert_eq!(problem.category, Category::InvalidResponse);
                }
            }
        }
    }
}

#[tokio::test]
async fn the_events_of_an_end_that_the_lookup_does_not_show_yet_are_read() {
    let mut running = ended("Failed", "100");
    running["status"]["conditions"] = json!([]);
    for (events, found) in lookups(&ended("Failed", "900"), running).await {
        let job = found.unwrap().job;
        assert_eq!((job.state, job.events_unreadable), (State::Failed, false));
        let needs_events = events != EventDetail::ForState;
        assert_eq!(job.events.len(), usize::from(needs_events), "{events:?}");
    }
}
