//! Timing of `watch` and `events --follow`, on a clock that advances when all tasks wait for it.

mod replaced;
mod scopes;
mod unread_events;

use std::future::pending;
use std::io::{self, Read as _};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::handler::FollowHandler;
use super::*;
use crate::commands::lookup::{Reply, ScriptedClient, now};
use crate::commands::poll::MIN_CALL_INTERVAL;
use crate::error::Category;
use crate::gate::Condition;
use crate::kind::Kind;
use crate::model::{Event, Job, Level, State, Time};
use crate::output::document::EventFilter;
use crate::output::{Live, RecordWriter, TimelineWriter, Zone};
use crate::providers::{self, test_support};
use crate::reference::{DEFAULT_PROFILE, Scope};

/// The result of following jobs.
struct Followed {
    code: u8,
    stdout: String,
    /// The lines on stderr.
    lines: Vec<String>,
    /// The jobs that are kept at the end.
    jobs: Vec<Job>,
    elapsed: Duration,
}

impl Followed {
    /// Returns the records of `-o jsonl`; checks that they are numbered and that only
    /// the last one is a summary.
    fn records(&self) -> Vec<Value> {
        let records = self.stdout.lines().map(serde_json::from_str);
        let records: Vec<Value> = records.collect::<Result<_, _>>().expect("JSON lines");
        for (number, record) in records.iter().enumerate() {
            assert_eq!(record["seq"], number + 1, "{record:#}");
            let is_last = number + 1 == records.len();
            assert_eq!(record["type"] == "summary", is_last, "{record:#}");
        }
        records
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn context() -> CommandContext {
    let mut context = CommandContext::from_options(&["--time", "utc"]);
    context.clock = Arc::new(now);
    context
}

/// Returns the reference of a job with this id.
fn reference(id: &str) -> String {
    format!("aliyun/job/C/{id}")
}

fn kind() -> &'static Kind {
    let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    kind.expect("aliyun/job is a kind")
}

/// Follows the jobs with these ids to their end, polled every second.
async fn follow(client: ScriptedClient, ids: &[&str], display: FollowOutput) -> Followed {
    let references = ids
        .iter()
        .map(|id| test_support::reference(kind(), &["C", id]));
    let lookup = Lookup::scripted(references.collect(), &Arc::new(client));
    follow_all(lookup, display).await
}

/// Follows all jobs of the cluster `C`, listed and polled every second.
async fn follow_scope(client: ScriptedClient) -> Followed {
    let scope = Scope::at(kind(), DEFAULT_PROFILE, &["C"]).expect("a scope");
    follow_all(Lookup::scripted_scope(scope, &Arc::new(client)), records()).await
}

async fn follow_all(lookup: Lookup, display: FollowOutput) -> Followed {
    let options = FollowOptions {
        policy: GatePolicy {
            missing_grace: Duration::ZERO,
            max_first_outage: Some(MAX_FIRST_OUTAGE),
            ..GatePolicy::new(Condition::Ended)
        },
        interval: Some(seconds(1)),
        notice_codes: &[],
    };
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let (sender, lines) = mpsc::channel();
    let reporter = Reporter::Lines(sender, thread::spawn(|| {}));
    let mut run = run_loop(Arc::new(lookup), options, &display);
    let context = context();
    let stdout = StdoutWriter::new(writer, None);
    let handler = FollowHandler::new(&context, display, stdout, reporter, None);
    let code = handler.run(&mut run, pin!(pending()), pending()).await;
    let mut stdout = String::new();
    reader.read_to_string(&mut stdout).expect("UTF-8");
    Followed {
        code,
        stdout,
        lines: lines
            .into_iter()
            .map(|line| line.trim_end().to_owned())
            .collect(),
        elapsed: run.poller.elapsed(),
        jobs: run
            .poller
            .jobs
            .into_iter()
            .filter_map(|one| one.current.job)
            .collect(),
    }
}

fn records() -> FollowOutput {
    FollowOutput::Records(RecordWriter::default())
}

/// One job, `train`, that fails after 3 s, and another one that succeeds after 2 s.
fn script(now: Duration, id: &str) -> Reply {
    let at = now.as_millis();
    Reply::State(match id {
        "train" if at < 1500 => State::Pending,
        "train" if at < 3000 => State::Running,
        "train" => State::Failed,
        _ if at < 2000 => State::Running,
        _ => State::Succeeded,
    })
}

fn client(script: impl Fn(Duration, &str) -> Reply + Send + Sync + 'static) -> ScriptedClient {
    ScriptedClient::new(MIN_CALL_INTERVAL, script)
}

/// Returns reference, state and previous state of each transition of a job.
fn transitions(records: &[Value], id: &str) -> Vec<[String; 2]> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let records = records.iter().filter(|one| one["type"] == "transition");
    let records = records.filter(|one| one["ref"] == reference(id));
    records
        .map(|one| [word(&one["previous"]), word(&one["state"])])
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_state_change_is_printed_as_a_line_until_all_jobs_have_ended() {
    let ids = ["train", "7"];
    let run = follow(client(script), &ids, FollowOutput::Lines(Zone::Utc)).await;
    assert_eq!((run.code, &run.lines[..]), (0, &[][..]));
    let lines = run.stdout.lines();
    let lines: Vec<Vec<&str>> = lines
        .map(|line| line.split_whitespace().collect())
        .collect();
    let states = |id: &str| -> Vec<[&str; 2]> {
        let reference = reference(id);
        let lines = lines.iter().filter(|line| line[1] == reference);
        lines.map(|line| [line[2], line[3]]).collect()
    };
    let train = [
        ["pending", "-"],
        ["running", "pending"],
        ["failed", "running"],
    ];
    assert_eq!(states("train"), train);
    assert_eq!(states("7"), [["running", "-"], ["succeeded", "running"]]);
    assert!(lines.iter().all(|line| line[0].ends_with('Z')), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn records_are_numbered_and_end_with_a_summary() {
    let run = follow(client(script), &["train", "7"], records()).await;
    assert_eq!((run.code, &run.lines[..]), (0, &[][..]));
    let records = run.records();
    let train = [
        ["-", "pending"],
        ["pending", "running"],
        ["running", "failed"],
    ];
    assert_eq!(transitions(&records, "train"), train);
    let other = [["-", "running"], ["running", "succeeded"]];
    assert_eq!(transitions(&records, "7"), other);
    let summary = records.last().expect("a summary");
    assert_eq!(
        (&summary["jobs"], &summary["errors"]),
        (&json!(2), &json!(0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_job_is_given_up_after_15_s_without_delaying_the_others() {
    let client = client(|now, id| match id {
        "gone" => Reply::NotFound,
        _ => script(now, id),
    });
    let run = follow(client, &["gone", "7"], records()).await;
    assert_eq!(run.code, 3);
    assert!(run.elapsed >= seconds(15), "{:?}", run.elapsed);
    assert!(run.elapsed < seconds(50), "{:?}", run.elapsed);
    let records = run.records();
    let of_missing = records.iter().filter(|one| one["ref"] == reference("gone"));
    let errors: Vec<_> = of_missing
        .map(|one| (one["category"].clone(), one["retryable"].clone()))
        .collect();
    assert_eq!(
        errors,
        [
            (json!("not_found"), json!(true)),
            (json!("not_found"), json!(false))
        ]
    );
    let other = [["-", "running"], ["running", "succeeded"]];
    assert_eq!(transitions(&records, "7"), other);
    let summary = records.last().expect("a summary");
    assert_eq!(
        (&summary["jobs"], &summary["errors"]),
        (&json!(1), &json!(1))
    );
    let retrying = run.lines.iter().filter(|line| line.ends_with("; retrying"));
    assert_eq!(retrying.count(), 1, "{:?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_reported_when_it_starts_and_when_it_ends() {
    let client = client(|now, id| match now.as_secs() {
        1..6 => Reply::Failed(Category::ServiceError),
        _ => script(now, id),
    });
    let run = follow(client, &["train"], records()).await;
    assert_eq!(run.code, 0);
    assert_eq!(run.lines.len(), 2, "{:?}", run.lines);
    assert!(run.lines[0].contains("aliyun reports an error"));
    assert!(run.lines[1].contains("aliyun responds again"));
    let records = run.records();
    let errors = records.iter().filter(|one| one["type"] == "error");
    let errors: Vec<_> = errors
        .map(|one| [&one["ref"], &one["category"], &one["retryable"]])
        .collect();
    let expected = [
        json!(reference("train")),
        json!("service_error"),
        json!(true),
    ];
    assert_eq!(errors, [expected.each_ref()]);
    let train = [["-", "pending"], ["pending", "failed"]];
    assert_eq!(transitions(&records, "train"), train);
    assert_eq!(records.last().expect("a summary")["errors"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_never_read_is_given_up_after_10_minutes() {
    let never = client(|_, _| Reply::Failed(Category::ServiceError));
    let run = follow(never, &["train"], records()).await;
    assert_eq!((run.code, run.elapsed.as_secs() / 10), (5, 60));
    let is_error = |line: &&String| line.starts_with("error: aliyun/job/C/train");
    assert_eq!(
        run.lines.iter().filter(is_error).count(),
        1,
        "{:?}",
        run.lines
    );
    // A job that was read once is followed however long an outage takes.
    let once = client(|now, _| match now.as_secs() {
        1..5000 => Reply::Failed(Category::ServiceError),
        5000.. => Reply::State(State::Succeeded),
        0 => Reply::State(State::Running),
    });
    let run = follow(once, &["train"], records()).await;
    assert_eq!((run.code, run.elapsed.as_secs() / 1000), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_was_never_listed_is_given_up_after_10_minutes() {
    let never = client(|_, _| Reply::Failed(Category::ServiceError));
    let run = follow_scope(never).await;
    assert_eq!((run.code, run.elapsed.as_secs() / 10), (5, 60));
    let errors = run.records();
    let errors = errors.iter().filter(|one| one["type"] == "error");
    let errors: Vec<_> = errors
        .map(|one| (one["ref"].clone(), one["retryable"].clone()))
        .collect();
    let error = |is_retryable: bool| (json!("aliyun/job/C/"), json!(is_retryable));
    assert_eq!(errors, [error(true), error(false)]);
    // A scope that was listed once is listed again however long an outage takes; a rejected request ends it.
    let once = client(|now, _| match now.as_secs() {
        0 => Reply::NotFound,
        1..5000 => Reply::Failed(Category::ServiceError),
        5000.. => Reply::Failed(Category::PermissionDenied),
    });
    let run = follow_scope(once).await;
    assert_eq!(run.elapsed.as_secs() / 1000, 5, "{:?}", run.lines);
}

/// Returns a client whose job `train` gets a warning after 2 s.
fn client_with_warning() -> ScriptedClient {
    client(script).with_jobs(|elapsed, job| {
        let at = |elapsed: Duration| Time::new(now() + elapsed);
        job.started_at = (job.state != State::Pending)
            .then(|| at(seconds(1)))
            .flatten();
        job.finished_at = job.ended.then(|| at(seconds(3))).flatten();
        job.events.extend((elapsed >= seconds(2)).then(|| Event {
            level: Some(Level::Warning),
            first_at: at(seconds(2)),
            last_at: at(seconds(2)),
            count: Some(1),
            reason: Some("BackOff".to_owned()),
            ..Event::default()
        }));
    })
}

#[tokio::test(start_paused = true)]
async fn each_event_is_shown_once_in_order_until_all_jobs_have_ended() {
    let context = context().render_context(false);
    let display = FollowOutput::Page(
        TimelineWriter::new(context, &[reference("train")]),
        EventDeduplicator::new(EventFilter::default()),
    );
    let run = follow(client_with_warning(), &["train"], display).await;
    assert_eq!((run.code, &run.lines[..]), (0, &[][..]));
    let position = |text: &str| {
        let mut lines = run.stdout.lines().enumerate();
        let found = lines.find(|(_, line)| line.contains(text));
        found.map(|(number, _)| number)
    };
    let positions = ["job created", "job started", "BackOff", "job failed"].map(position);
    assert_eq!(positions, [0, 1, 2, 3].map(Some), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 4, "{}", run.stdout);
    assert_eq!(run.stdout.matches("◀ first problem").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_details_of_ended_jobs_are_kept_only_for_their_rows() {
    for (display, kept) in [
        (FollowOutput::Lines(Zone::Utc), 0),
        (records(), 0),
        (
            FollowOutput::Live(Live::new(&context().output_options, true)),
            1,
        ),
    ] {
        let run = follow(client_with_warning(), &["train"], display).await;
        assert_eq!(run.code, 0, "{:?}", run.lines);
        let states: Vec<State> = run.jobs.iter().map(|job| job.state).collect();
        assert_eq!(states, [State::Failed]);
        assert_eq!(run.jobs[0].events.len(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn records_of_warnings_end_with_a_summary() {
    let filter = EventFilter {
        bad_only: true,
        ..EventFilter::default()
    };
    let display = FollowOutput::Events(RecordWriter::default(), EventDeduplicator::new(filter));
    let run = follow(client_with_warning(), &["train"], display).await;
    assert_eq!(run.code, 0, "{:?}", run.lines);
    let records = run.records();
    let (summary, events) = records.split_last().expect("a summary");
    assert_eq!(summary["jobs"], 1);
    assert!(
        events
            .iter()
            .all(|one| one["type"] == "event" && one["is_problem"] == true)
    );
    assert_eq!(events[0]["reason"], "BackOff");
}
