//! Outages of watched scopes.

use super::*;

/// Returns the script of a scope whose list fails in two outages, and at last for good.
fn failing_list(now: Duration, _: &str) -> Reply {
    match now.as_secs() {
        0..10 => Reply::Failed(Category::Network),
        20..40 => Reply::Failed(Category::ServiceError),
        60.. => Reply::Failed(Category::PermissionDenied),
        _ => Reply::NotFound,
    }
}

/// The start of each line about an outage of [`failing_list`].
const OUTAGES: [&str; 4] = [
    "aliyun is unreachable (a failure of the script); retrying",
    "aliyun responds again after ",
    "aliyun reports an error (a failure of the script); retrying",
    "aliyun responds again after ",
];

/// Checks that the lines are those of two outages and of the final error of a scope.
fn assert_outages(lines: &[String]) {
    for (line, outage) in lines.iter().zip(OUTAGES) {
        let (_, text) = line.split_once(' ').expect("a time and a text");
        assert!(text.starts_with(outage), "{lines:?}");
    }
    let error = "error: aliyun/job/C/: a failure of the script";
    assert!(lines[OUTAGES.len()].starts_with(error), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn outages_of_a_scope_are_reported_when_they_start_and_when_they_end() {
    let run = follow_scope(client(failing_list)).await;
    assert_eq!(run.code, 4);
    assert_outages(&run.lines);
    let records = run.records();
    let errors = records.iter().filter(|one| one["type"] == "error");
    let errors: Vec<_> = errors
        .map(|one| (one["category"].clone(), one["retryable"].clone()))
        .collect();
    let expected = [
        (json!("network"), json!(true)),
        (json!("service_error"), json!(true)),
        (json!("permission_denied"), json!(false)),
    ];
    assert_eq!(errors, expected);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_scope_is_reported_although_a_job_of_the_account_is_read() {
    let script = |now, id: &str| match id {
        "7" => Reply::State(State::Running),
        _ => failing_list(now, id),
    };
    let script = move |now: Duration, id: &str| match (id, now.as_secs()) {
        ("7", 70..) => Reply::State(State::Succeeded),
        _ => script(now, id),
    };
    let client = Arc::new(client(script));
    let scope = Scope::at(kind(), DEFAULT_PROFILE, &["C"]).expect("a scope");
    let mut lookup = Lookup::scripted_scope(scope, &client);
    lookup.references = vec![test_support::reference(kind(), &["C", "7"])];
    let run = follow_all(lookup, FollowOutput::Lines(Zone::Utc)).await;
    assert_eq!(run.code, 4);
    assert_outages(&run.lines);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_is_given_up_does_not_extend_the_outage_of_a_job() {
    let script = |now: Duration, id: &str| match (id, now.as_secs()) {
        ("7", 0 | 700..900) => Reply::State(State::Running),
        ("7", 900..) => Reply::State(State::Succeeded),
        _ => Reply::Failed(Category::Network),
    };
    let client = Arc::new(client(script));
    let scope = Scope::at(kind(), DEFAULT_PROFILE, &["C"]).expect("a scope");
    let mut lookup = Lookup::scripted_scope(scope, &client);
    lookup.references = vec![test_support::reference(kind(), &["C", "7"])];
    let run = follow_all(lookup, FollowOutput::Lines(Zone::Utc)).await;
    assert_eq!(run.code, 5);
    let count = |text: &str| run.lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count("aliyun is unreachable"), 1, "{:?}", run.lines);
    assert_eq!(count("aliyun responds again"), 1, "{:?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_credential_is_printed_once_for_all_jobs_of_its_account() {
    let rejected = client(|now, _| match now.as_secs() {
        0..5 => Reply::State(State::Running),
        _ => Reply::Failed(Category::Unauthenticated),
    });
    let run = follow(rejected, &["1", "2", "3", "4"], records()).await;
    assert_eq!(run.code, 4);
    let errors = run.lines.iter().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{:?}", run.lines);
    let notes = run.lines.iter();
    let notes = notes.filter(|line| line.ends_with("aliyun: other references have the same error"));
    assert_eq!(notes.count(), 1, "{:?}", run.lines);
    let records = run.records();
    let records = records.iter().filter(|one| one["type"] == "error");
    assert_eq!(records.count(), 4);
}
