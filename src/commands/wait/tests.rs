//! Timing of a wait, on a clock that advances when all tasks wait for it.

mod check_counts;
mod identity;
mod pending_jobs;
mod single_check;

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::options::Timeout;
use super::*;
use crate::commands::lookup::{Reply, ScriptedClient};
use crate::error::Category;
use crate::gate::{Condition, GatePolicy};
use crate::model::{State, Time};
use crate::output::document::Envelope;
use crate::output::{RenderContext, Zone};
use crate::providers::{self, test_support};
use crate::reference::Reference;
use crate::settings::Environment;

const RUNNING: Reply = Reply::State(State::Running);
const SUCCEEDED: Reply = Reply::State(State::Succeeded);
const FAILED: Reply = Reply::State(State::Failed);

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Returns the reference of a job of Aliyun with this id.
fn reference(id: &str) -> Reference {
    let sample = "aliyun/job";
    let kind = providers::kinds()
        .find(|kind| kind.to_string() == sample)
        .expect("aliyun/job is a kind");
    test_support::reference(kind, &["C", id])
}

/// Creates a client with the request rate of a wait.
fn client(script: impl Fn(Duration, &str) -> Reply + Send + Sync + 'static) -> ScriptedClient {
    ScriptedClient::new(MIN_CALL_INTERVAL, script)
}

/// Returns the options of a wait for success with this time limit and the default interval.
fn options(limit: Duration) -> WaitOptions {
    WaitOptions {
        policy: GatePolicy::new(Condition::parse("succeeded", &[]).expect("a condition")),
        timeout: Timeout::After(limit),
        interval: None,
        warning: None,
    }
}

/// Waits for the jobs with these ids. Returns the report and the elapsed time.
async fn wait(
    client: &Arc<ScriptedClient>,
    ids: &[&str],
    options: &WaitOptions,
) -> (Envelope, Duration) {
    let references = ids.iter().map(|id| reference(id)).collect();
    wait_with(Lookup::scripted(references, client), options).await
}

async fn wait_with(lookup: Lookup, options: &WaitOptions) -> (Envelope, Duration) {
    let reports = Reports::parse(&[], &[], &Environment::default()).expect("no reports");
    let render_context = RenderContext {
        width: None,
        color: false,
        now: Time::from_unix(1_700_000_000).expect("a time"),
        zone: Zone::Utc,
    };
    let mut wait = WaitHandler::new(options.clone(), reports, Reporter::Quiet, render_context);
    let mut run = run_loop(Arc::new(lookup), options);
    let end = run.run(&mut wait, pin!(pending())).await;
    let elapsed = run.poller.elapsed();
    (wait.envelope(&mut run, &end), elapsed)
}

/// Returns a script for a job that runs until `end` and then has this response.
fn until(end: Duration, reply: Reply) -> impl Fn(Duration, &str) -> Reply {
    move |now, _| if now < end { RUNNING } else { reply }
}

#[tokio::test(start_paused = true)]
async fn a_job_counts_as_missing_15_s_after_it_was_first_not_found() {
    let client = Arc::new(client(|_, _| Reply::NotFound));
    let mut options = options(seconds(90));
    options.policy.missing_grace = Duration::ZERO;
    let (envelope, elapsed) = wait(&client, &["1"], &options).await;
    assert_eq!(envelope.exit.code, 3);
    assert!(elapsed >= seconds(15), "{elapsed:?}");
    assert!(elapsed < seconds(50), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_never_appears_is_missing_at_the_deadline() {
    let client = Arc::new(client(|_, _| Reply::NotFound));
    let mut options = options(seconds(90));
    options.policy.missing_grace = Duration::ZERO;
    options.policy.waits_for_missing = true;
    let (envelope, elapsed) = wait(&client, &["1"], &options).await;
    assert_eq!((envelope.exit.code, elapsed), (3, seconds(90)));
}

#[tokio::test(start_paused = true)]
async fn no_job_counts_as_missing_within_the_grace_period() {
    let client = Arc::new(client(|_, _| Reply::NotFound));
    let (envelope, elapsed) = wait(&client, &["1"], &options(seconds(600))).await;
    assert_eq!(envelope.exit.code, 3);
    assert!(elapsed >= seconds(60), "{elapsed:?}");
    assert!(elapsed < seconds(100), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fixed_interval_longer_than_the_timeout_keeps_the_last_poll() {
    let client = Arc::new(client(until(seconds(1), FAILED)));
    let mut options = options(seconds(600));
    options.interval = Some(seconds(3600));
    let (envelope, _) = wait(&client, &["1"], &options).await;
    assert_eq!(envelope.exit.code, 1);
    let at: Vec<Duration> = client.received().iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [Duration::ZERO, seconds(599)]);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_share_a_list_call_share_their_last_poll() {
    let script = |now, id: &str| match id {
        "1_20" => until(seconds(1), SUCCEEDED)(now, id),
        _ => RUNNING,
    };
    let client = Arc::new(client(script).with_list());
    let ids: Vec<String> = (1..=20).map(|number| format!("1_{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (envelope, _) = wait(&client, &ids, &options(seconds(20))).await;
    assert_eq!(envelope.exit.code, 124);
    let gate = envelope.gate.expect("a wait has a gate");
    assert_eq!(gate.met, 1);
    let reason = gate.reason.expect("a gate has a reason");
    assert!(reason.contains("19 of 20 still running: "), "{reason}");
    let mut lists = client.received();
    lists.retain(|(_, what)| what == "list");
    // At the start, early enough to confirm each row, and right before the deadline.
    assert_eq!(lists.len(), 3, "{lists:?}");
}

#[tokio::test(start_paused = true)]
async fn many_jobs_that_end_before_the_deadline_are_all_confirmed() {
    let client = Arc::new(client(until(seconds(2), SUCCEEDED)).with_list());
    let ids: Vec<String> = (1..=20).map(|number| format!("1_{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (envelope, _) = wait(&client, &ids, &options(seconds(8))).await;
    assert_eq!(envelope.exit.code, 0);
    assert_eq!(envelope.gate.expect("a wait has a gate").met, 20);
}

/// Returns the ids of this many subtasks.
fn subtasks(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("1_{number}")).collect()
}

/// Counts the list calls and the lookups of single jobs.
fn counts(client: &ScriptedClient) -> (usize, usize) {
    let received = client.received();
    let lists = received.iter().filter(|(_, what)| what == "list").count();
    (lists, received.len() - lists)
}

#[tokio::test(start_paused = true)]
async fn thousands_of_subtasks_are_decided_by_lists_within_two_rounds() {
    let client = client(until(seconds(40), SUCCEEDED)).with_list();
    let client = Arc::new(client.with_jobs(|_, job| job.created_at = None));
    let ids = subtasks(3000);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (envelope, elapsed) = wait(&client, &ids, &options(seconds(3600))).await;
    assert_eq!(envelope.exit.code, 0);
    assert!(envelope.content.jobs.iter().all(|job| job.from_list));
    // A round takes 3 s and begins 4.5 s after the previous one.
    assert!(elapsed < seconds(40 + 2 * 5), "{elapsed:?}");
    let (lists, lookups) = counts(&client);
    assert_eq!(lookups, 0);
    assert!(lists <= 30 * 12, "{lists} lists in {elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn twenty_of_many_failures_are_looked_up_and_all_are_counted() {
    let client = Arc::new(client(until(seconds(5), FAILED)).with_list());
    let ids = subtasks(250);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut options = options(seconds(600));
    options.policy.fail_fast = false;
    let (envelope, _) = wait(&client, &ids, &options).await;
    assert_eq!(envelope.exit.code, 1);
    assert_eq!(envelope.gate.expect("a wait has a gate").unmet, 250);
    assert_eq!(counts(&client).1, 20);
    let from_lists = envelope.content.jobs.iter().filter(|job| job.from_list);
    assert_eq!(from_lists.count(), 230);
}

#[tokio::test(start_paused = true)]
async fn lists_of_thousands_of_failures_leave_requests_for_deciding_lookups() {
    for fail_fast in [true, false] {
        let client = client(|_, _| FAILED).with_list();
        let client = Arc::new(client.with_response_time(seconds(2)));
        let ids = subtasks(6000);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut options = options(seconds(60));
        options.policy.fail_fast = fail_fast;
        let (envelope, elapsed) = wait(&client, &ids, &options).await;
        assert_eq!(envelope.exit.code, 1);
        // A round of 60 lists takes 7.5 s with 16 requests in flight.
        assert!(elapsed < seconds(20), "{elapsed:?}");
        let (lists, lookups) = counts(&client);
        assert!(
            lists <= 2 * 60 && lookups <= 20,
            "{lists} lists, {lookups} lookups"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_row_decides_when_its_lookup_fails() {
    for (count, end) in [(3, SUCCEEDED), (3, FAILED), (30, FAILED)] {
        let broken = |_: Duration, _: &str| Reply::Failed(Category::ServiceError);
        let client = client(until(seconds(5), end)).with_list_and_lookups(broken);
        let client = Arc::new(client);
        let ids = subtasks(count);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (envelope, elapsed) = wait(&client, &ids, &options(seconds(600))).await;
        assert_eq!(envelope.exit.code, u8::from(end == FAILED));
        assert!(elapsed < seconds(40), "{elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_row_contradicted_by_its_lookup_decides_nothing() {
    let client = client(until(seconds(5), FAILED)).with_list_and_lookups(|_, _| RUNNING);
    let client = Arc::new(client);
    let ids = subtasks(30);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (envelope, _) = wait(&client, &ids[..1], &options(seconds(60))).await;
    assert_eq!(envelope.exit.code, 124);
    let (envelope, _) = wait(&client, &ids[..2], &options(seconds(60))).await;
    assert_eq!(envelope.exit.code, 124);
}

#[tokio::test(start_paused = true)]
async fn many_list_rows_decide_nothing_when_lookups_contradict_some_of_them() {
    for fail_fast in [true, false] {
        let client = client(until(seconds(5), FAILED)).with_list_and_lookups(|_, _| RUNNING);
        let client = Arc::new(client);
        let ids = subtasks(250);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut options = options(seconds(90));
        options.policy.fail_fast = fail_fast;
        let (envelope, _) = wait(&client, &ids, &options).await;
        assert_eq!(envelope.exit.code, 124);
        assert_eq!(envelope.gate.expect("a wait has a gate").pending, 250);
    }
}

#[tokio::test(start_paused = true)]
async fn every_end_is_looked_up_if_a_lookup_has_a_different_outcome_than_its_row() {
    let client = client(until(seconds(5), FAILED)).with_list_and_lookups(|_, _| SUCCEEDED);
    let client = Arc::new(client);
    let ids = subtasks(60);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut options = options(seconds(600));
    options.policy.fail_fast = false;
    let (envelope, _) = wait(&client, &ids, &options).await;
    assert_eq!(envelope.exit.code, 0);
    assert_eq!(envelope.gate.expect("a wait has a gate").met, 60);
}

#[tokio::test(start_paused = true)]
async fn all_of_many_references_are_looked_up_if_a_lookup_contradicts_its_row() {
    for (lookups, expected, count) in [
        (RUNNING, State::Running, 50),
        (SUCCEEDED, State::Succeeded, 50),
        (FAILED, State::Failed, 20),
    ] {
        let client = client(|_, _| FAILED).with_list_and_lookups(move |_, _| lookups);
        let client = Arc::new(client);
        let references = subtasks(50).iter().map(|id| reference(id)).collect();
        let lookup = Lookup::scripted(references, &client).with_lists();
        let results = Arc::new(lookup).get_all().await;
        let states = results.iter().map(|one| one.as_ref().map(|job| job.state));
        assert!(states.flatten().all(|state| state == expected));
        assert_eq!(counts(&client).1, count);
    }
}

#[tokio::test(start_paused = true)]
async fn all_rows_of_kinds_with_inconclusive_lists_are_looked_up() {
    let kind = providers::kinds().find(|kind| kind.to_string() == "huawei/image-job");
    let kind = kind.expect("huawei/image-job is a kind");
    assert!(!kind.conclusive_rows);
    let client = Arc::new(client(until(seconds(5), SUCCEEDED)).with_list());
    let references = subtasks(30).into_iter();
    let references = references.map(|id| test_support::reference(kind, &[&id]));
    let lookup = Lookup::scripted(references.collect(), &client);
    let (envelope, _) = wait_with(lookup, &options(seconds(600))).await;
    assert_eq!(envelope.exit.code, 0);
    assert_eq!(counts(&client).1, 30);
}

#[tokio::test(start_paused = true)]
async fn a_slow_cloud_is_polled_early_enough_to_respond_by_the_deadline() {
    let client = client(until(seconds(2), SUCCEEDED)).with_response_time(seconds(1));
    let client = Arc::new(client);
    let (envelope, _) = wait(&client, &["1"], &options(seconds(8))).await;
    assert_eq!(envelope.exit.code, 0);
    assert_eq!(client.received().len(), 2, "{:?}", client.received());
}

#[tokio::test(start_paused = true)]
async fn a_retry_hint_does_not_delay_the_last_poll() {
    let script = |now, _: &str| match now {
        now if now < seconds(1) => RUNNING,
        now if now < seconds(40) => Reply::Throttled(seconds(50)),
        _ => SUCCEEDED,
    };
    let client = Arc::new(client(script));
    let (envelope, elapsed) = wait(&client, &["1"], &options(seconds(50))).await;
    assert_eq!(envelope.exit.code, 0, "{:?}", client.received());
    assert!(elapsed < seconds(50), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_at_the_last_poll_does_not_delay_the_timeout() {
    let client = Arc::new(client(until(seconds(1), Reply::Nothing)));
    let (envelope, elapsed) = wait(&client, &["1"], &options(seconds(20))).await;
    assert_eq!(envelope.exit.code, 124);
    assert!(elapsed <= seconds(20), "{elapsed:?}");
    assert_eq!(client.received().len(), 2, "{:?}", client.received());
}

#[tokio::test(start_paused = true)]
async fn a_certain_verdict_does_not_wait_for_a_server_that_hangs() {
    for (end, any, code) in [(FAILED, false, 1), (SUCCEEDED, true, 0)] {
        let script = move |_, id: &str| match id {
            "2" => Reply::Nothing,
            "3" => RUNNING,
            _ => end,
        };
        let client = Arc::new(client(script));
        let mut options = options(seconds(600));
        options.policy.any = any;
        let (envelope, elapsed) = wait(&client, &["2", "1", "3"], &options).await;
        assert_eq!(envelope.exit.code, code);
        assert!(elapsed < seconds(4), "{elapsed:?}");
        let gate = envelope.gate.expect("a wait has a gate");
        assert_eq!(gate.pending, 2);
        assert_eq!(client.received().len(), 3);
        // The verdict is not certain without the job that has ended, or with --no-fail-fast.
        let (envelope, elapsed) = wait(&client, &["2", "3"], &options).await;
        assert_eq!((envelope.exit.code, elapsed), (5, seconds(600)));
        options.policy.fail_fast = false;
        let (envelope, elapsed) = wait(&client, &["2", "1"], &options).await;
        assert_eq!((envelope.exit.code, elapsed), (code, seconds(600)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_certain_verdict_waits_for_servers_that_respond() {
    let client = Arc::new(client(|_, _| FAILED).with_response_time(seconds(1)));
    let ids: Vec<String> = (1..=60).map(|number| format!("j{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (envelope, elapsed) = wait(&client, &ids, &options(seconds(600))).await;
    assert_eq!(envelope.exit.code, 1);
    assert_eq!(envelope.gate.expect("a wait has a gate").unmet, 60);
    assert!(elapsed > seconds(6), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_cut_by_the_deadline_is_not_an_error_of_the_cloud() {
    for reply in [Reply::Cut, Reply::Unsent] {
        for start in [seconds(0), seconds(1)] {
            let client = Arc::new(client(until(start, reply)));
            let (envelope, _) = wait(&client, &["1"], &options(seconds(20))).await;
            assert_eq!(envelope.exit.code, 124, "{reply:?} {start:?}");
            assert!(envelope.notices.is_empty(), "{:?}", envelope.notices);
        }
    }
}
