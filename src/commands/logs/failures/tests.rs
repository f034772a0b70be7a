use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::*;
use crate::commands::lookup::{Reply, ScriptedClient};
use crate::model::{Container, Task};
use crate::providers::{
    self, CloudApi, GetResult, LogChunk, LogPosition, LogRequest, RequestOptions, test_support,
};

/// A client whose logs contain this text, repeatedly if `has_more` is set.
struct RepeatedLog {
    jobs: ScriptedClient,
    piece: String,
    has_more: bool,
    /// How many requests fail first.
    failures: usize,
    count: AtomicUsize,
}

#[async_trait]
impl Client for RepeatedLog {
    fn api(&self) -> &dyn CloudApi {
        &self.jobs
    }

    async fn get(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<GetResult, Problem> {
        self.jobs.get(reference, options).await
    }

    async fn read_log(&self, _request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        sleep(Duration::from_millis(1)).await;
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        if number < self.failures {
            return Err(Problem::new(Category::ServiceError, "no such node"));
        }
        Ok(LogChunk {
            data: self.piece.clone().into_bytes(),
            next: Some(LogPosition::Offset(number as u64)),
            has_more: self.has_more,
            ..LogChunk::default()
        })
    }
}

/// Returns the tails, the notices and the elapsed time.
async fn read(piece: String, has_more: bool) -> (Vec<LogTail>, Vec<String>, Duration) {
    let failed = ScriptedClient::new(Duration::ZERO, |_, _| Reply::State(State::Failed));
    read_of(failed, piece, has_more).await
}

async fn read_of(
    jobs: ScriptedClient,
    piece: String,
    has_more: bool,
) -> (Vec<LogTail>, Vec<String>, Duration) {
    let client = RepeatedLog {
        jobs,
        piece,
        has_more,
        failures: 0,
        count: AtomicUsize::new(0),
    };
    let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    let job = test_support::reference(kind.expect("a kind"), &["C", "train"]);
    let lookup = Lookup::scripted(vec![job], &Arc::new(client));
    let lookup = Arc::new(lookup);
    let results = lookup.get_all().await;
    let started = Instant::now();
    let tails = failure_tails(&lookup, &results).await;
    let notices = lookup.notices.take_new().into_iter();
    let messages = notices.map(|notice| notice.message).collect();
    (tails, messages, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_log_without_an_end_is_left_out_with_a_notice() {
    for (piece, words) in [
        (String::new(), "no end of the log in 30 s"),
        ("x".repeat(1 << 20), "the log is larger than 16 MiB"),
    ] {
        let (tails, notices, elapsed) = read(piece, true).await;
        assert_eq!(tails, []);
        let [notice] = &notices[..] else {
            panic!("{notices:?}");
        };
        assert!(notice.ends_with(words), "{notice}");
        assert!(elapsed <= READ_TIMEOUT, "{elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_container_that_waits_for_its_next_restart_is_read() {
    for (restarts, expected) in [(0, 0), (1, 1), (14, 1)] {
        let starting = |_, _: &str| Reply::State(State::Starting);
        let jobs = ScriptedClient::new(Duration::ZERO, starting);
        let jobs = jobs.with_jobs(move |_, job| {
            let container = Container {
                state: State::Pending,
                restart_count: Some(restarts),
                ..Container::default()
            };
            job.tasks = vec![Task {
                state: State::Starting,
                containers: vec![container],
                ..Task::default()
            }];
        });
        let (tails, _, _) = read_of(jobs, "错误\n".to_owned(), false).await;
        assert_eq!(tails.len(), expected, "{restarts} restarts");
    }
}

#[tokio::test(start_paused = true)]
async fn long_lines_are_cut_between_characters() {
    for (length, expected) in [
        (2_000, "短".repeat(2_000)),
        (2_001, "短".repeat(1_999) + "…"),
    ] {
        let (tails, notices, _) = read("短".repeat(length), false).await;
        assert_eq!(notices, [""; 0]);
        assert_eq!(tails[0].lines, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn failed_jobs_whose_logs_are_not_read_are_counted() {
    let names = (1..=12).map(|number| format!("train-{number}"));
    let (tails, notices) = read_all(names.collect(), "line\n", 0, |_| {}).await;
    assert_eq!(tails.len(), 10);
    assert_eq!(
        notices,
        ["logs are read for at most 10 failed jobs; not read for 2 more"]
    );
}

#[tokio::test(start_paused = true)]
async fn logs_that_are_not_read_after_empty_ones_are_reported() {
    let (tails, notices) = read_all(vec!["train".to_owned()], "", 0, |job| {
        job.tasks = (0..9).map(failed_task).collect();
    })
    .await;
    assert_eq!(tails, []);
    assert_eq!(
        notices,
        ["aliyun/job/C/train: the first 8 of 9 logs have no lines; the rest is not read"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_does_not_hide_the_next_one() {
    let ids = vec!["train".to_owned()];
    let (tails, notices) = read_all(ids, "line\n", 1, |job| {
        job.tasks = (0..3).map(failed_task).collect();
    })
    .await;
    assert_eq!(tails.len(), 1);
    assert_eq!(tails[0].label, "worker-1/main");
    assert_eq!(
        notices,
        ["aliyun/job/C/train: the log: worker-0/main: no such node"]
    );
}

fn failed_task(number: usize) -> Task {
    let container = Container {
        state: State::Failed,
        name: Some("main".to_owned()),
        ..Container::default()
    };
    Task {
        name: Some(format!("worker-{number}")),
        state: State::Failed,
        containers: vec![container],
        ..Task::default()
    }
}

/// Returns the tails and the notices of failed jobs with these ids and logs, of which the first ones cannot be read.
async fn read_all(
    ids: Vec<String>,
    piece: &str,
    failures: usize,
    edit: impl Fn(&mut Job) + Send + Sync + 'static,
) -> (Vec<LogTail>, Vec<String>) {
    let jobs = ScriptedClient::new(Duration::ZERO, |_, _| Reply::State(State::Failed));
    let client = RepeatedLog {
        jobs: jobs.with_jobs(move |_, job| edit(job)),
        piece: piece.to_owned(),
        has_more: false,
        failures,
        count: AtomicUsize::new(0),
    };
    let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    let kind = kind.expect("a kind");
    let references = ids
        .iter()
        .map(|id| test_support::reference(kind, &["C", id]))
        .collect();
    let lookup = Arc::new(Lookup::scripted(references, &Arc::new(client)));
    let results = lookup.get_all().await;
    let tails = failure_tails(&lookup, &results).await;
    let notices = lookup.notices.take_new().into_iter();
    (tails, notices.map(|notice| notice.message).collect())
}
