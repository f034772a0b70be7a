//! Jobs that do not run, for a reason that lists do not contain.

use super::*;

/// Waits 20 s for jobs whose rows have no reason. Returns the report, and the jobs that were looked up.
async fn wait_for(state: State, lookups: Reply, count: usize) -> (Envelope, Vec<String>) {
    let script = move |_: Duration, _: &str| Reply::State(state);
    let client = client(script).with_list_and_lookups(move |_, _| lookups);
    let client = client.with_jobs(|_, job| job.name = Some("训练".to_owned()));
    let client = Arc::new(client);
    let ids: Vec<String> = (0..count).map(|number| format!("j{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (envelope, elapsed) = wait(&client, &ids, &options(seconds(20))).await;
    assert!(elapsed <= seconds(20), "{elapsed:?}");
    let received = client.received().into_iter();
    let mut looked_up: Vec<String> = received.map(|(_, what)| what).collect();
    looked_up.retain(|what| what != "list");
    (envelope, looked_up)
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_looks_up_some_of_the_pending_jobs() {
    const PENDING: Reply = Reply::State(State::Pending);
    let (envelope, looked_up) = wait_for(State::Pending, PENDING, 30).await;
    assert_eq!(envelope.exit.code, 124);
    let mut unique = looked_up.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((unique.len(), looked_up.len()), (20, 20), "{looked_up:?}");
    let (_, looked_up) = wait_for(State::Running, RUNNING, 30).await;
    assert_eq!(looked_up, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_lookup_of_a_pending_job_does_not_change_the_exit_code() {
    let denied = Reply::Failed(Category::PermissionDenied);
    let (envelope, looked_up) = wait_for(State::Pending, denied, 30).await;
    assert_eq!(envelope.exit.code, 124, "{:?}", envelope.errors);
    assert_eq!(looked_up.len(), 20, "{looked_up:?}");
}
