//! Reads the last log lines of failed jobs, for their details pages.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::select::{STDERR, label};
use super::source_log::SourceLog;
use crate::commands::lookup::{LOOKUP_TIMEOUT, Lookup, LookupResult};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::kind::LogSupport;
use crate::model::{Job, Notice, NoticeCode, State, failed_tasks};
use crate::output::{LogTail, truncate_chars};
use crate::providers::{Client, LogParams, LogSource};
use crate::reference::Reference;
use crate::sort::SortExt as _;

/// Maximum number of lines that show why a job failed.
const LINES: u64 = 10;

/// Maximum length of a line in characters; the rest is omitted.
const MAX_LINE_CHARS: usize = 2_000;

/// Maximum number of bytes of a log to read for its last lines.
const MAX_BYTES: usize = 16 << 20;

/// Maximum time to read the logs of a job.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum number of jobs whose logs are read.
const MAX_JOBS: usize = 10;

/// Maximum number of logs of a job to read until one has lines.
const MAX_SOURCES: usize = 8;

/// Returns the last log lines of jobs that failed or have a container that waits for its next restart. A log that
/// cannot be read adds a notice.
pub(in crate::commands) async fn failure_tails(
    lookup: &Lookup,
    outcomes: &[LookupResult],
) -> Vec<LogTail> {
    let jobs = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let failed = jobs.filter(|job| job.state == State::Failed || has_crashed(job));
    let failed = failed.filter_map(|job| Some((job, reference(lookup, job)?)));
    let has_logs = |(_, reference): &(&Job, Reference)| {
        matches!(reference.kind.logs, LogSupport::Operation(_))
    };
    let tails = failed
        .filter(has_logs)
        .take(MAX_JOBS)
        .map(|(job, reference)| async move {
            let tail = timeout(READ_TIMEOUT, tail(lookup, &reference, job)).await;
            match tail.unwrap_or_else(|_| Err(too_slow())) {
                Ok(tail) => tail,
                Err(mut problem) => {
                    lookup.transport.mask(&mut problem);
                    let operation = problem.operation.as_deref().unwrap_or("the log");
                    let text = format!("{reference}: {operation}: {}", problem.message);
                    lookup
                        .notices
                        .push(Notice::new(NoticeCode::LogUnread, text));
                    None
                }
            }
        });
    join_all(tails).await.into_iter().flatten().collect()
}

/// Reports whether the job has not ended and one of its containers waits for its next restart.
fn has_crashed(job: &Job) -> bool {
    let sources = LogSource::of_job(job);
    !job.ended && sources.iter().any(is_crashed)
}

fn is_crashed(source: &LogSource) -> bool {
    source.waits_for_restart() && !source.is_sidecar
}

/// Returns the reference with which a job was looked up, or that of the newest job of a scope.
fn reference(lookup: &Lookup, job: &Job) -> Option<Reference> {
    let mut named = lookup.references.iter();
    let named = named.find(|reference| reference.to_string() == job.reference);
    let latest = || {
        let mut scopes = lookup.latest.iter().map(|(_, scope)| scope);
        scopes.find_map(|scope| {
            let newest = scope.reference(&[&job.id])?;
            (newest.to_string() == job.reference).then_some(newest)
        })
    };
    named.cloned().or_else(latest)
}

/// Returns the last lines of the first failed log with lines, in the order of the failures, or of the only log of a
/// job. If a task has two streams, stderr comes first.
async fn tail(
    lookup: &Lookup,
    reference: &Reference,
    job: &Job,
) -> Result<Option<LogTail>, Problem> {
    let client = lookup.client(reference)?;
    let mut sources = client.log_sources(reference, job);
    let failed = failed_tasks(&job.tasks);
    let rank = |source: &LogSource| match source.failure_rank(&failed) {
        None if !job.ended && is_crashed(source) => Some(failed.len() + 1),
        rank => rank,
    };
    sources.retain(|source| job.tasks.is_empty() || rank(source).is_some());
    sources.order_by_key(rank);
    let of_tasks = sources.chunk_by(|one, next| one.task == next.task);
    let sorted = of_tasks.flat_map(|of_task| {
        let is_error_stream = |source: &&LogSource| source.container.as_deref() == Some(STDERR);
        let (errors, rest): (Vec<_>, Vec<_>) = of_task.iter().partition(is_error_stream);
        errors.into_iter().chain(rest)
    });
    for source in sorted.take(MAX_SOURCES) {
        match tail_of(lookup, &*client, reference, source.clone()).await {
            Ok(tail) if tail.lines.is_empty() => {}
            Ok(tail) => return Ok(Some(tail)),
            Err(problem) if problem.category == Category::NotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(None)
}

/// Returns the last lines of a log, masked.
async fn tail_of(
    lookup: &Lookup,
    client: &dyn Client,
    reference: &Reference,
    source: LogSource,
) -> Result<LogTail, Problem> {
    let params = LogParams {
        tail_lines: Some(LINES),
        ..LogParams::default()
    };
    let mut log = SourceLog::new(source, &params);
    let mut tail = log.tail().unwrap_or_default();
    let options = lookup.options_for(reference.kind, Deadline::after(LOOKUP_TIMEOUT));
    let mut bytes = 0;
    loop {
        let mut reading = log.read(client, reference, &options).await?;
        reading
            .lines
            .extend(log.take_long(lookup.transport.redactor()));
        bytes += reading.lines.iter().map(Vec::len).sum::<usize>();
        if bytes > MAX_BYTES {
            return Err(too_large());
        }
        tail.extend(reading.lines);
        if !reading.has_more {
            break;
        }
    }
    tail.extend(Vec::from_iter(log.finish()));
    let lines = tail.into_lines().into_iter().map(|line| {
        let mut line = String::from_utf8_lossy(&line).trim_end().to_owned();
        lookup.transport.redactor().text(&mut line);
        truncate_chars(&line, MAX_LINE_CHARS).into_owned()
    });
    let lines: Vec<String> = lines.collect();
    Ok(LogTail {
        reference: reference.to_string(),
        label: label(&log.source),
        lines,
    })
}

fn too_slow() -> Problem {
    let text = format!("no end of the log in {} s", READ_TIMEOUT.as_secs());
    Problem::new(Category::Network, text)
}

fn too_large() -> Problem {
    let text = format!("the log is larger than {} MiB", MAX_BYTES >> 20);
    Problem::new(Category::InvalidResponse, text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::commands::lookup::{Reply, ScriptedClient};
    use crate::model::{Container, Task};
    use crate::providers::{
        self, CloudApi, GetOptions, GetResult, LogChunk, LogPosition, LogRequest, test_support,
    };

    /// A client whose logs contain this text, repeatedly if `has_more` is set.
    struct RepeatedLog {
        jobs: ScriptedClient,
        piece: String,
        has_more: bool,
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
            options: &GetOptions,
        ) -> Result<GetResult, Problem> {
            self.jobs.get(reference, options).await
        }

        async fn read_log(&self, _request: LogRequest<'_>) -> Result<LogChunk, Problem> {
            sleep(Duration::from_millis(1)).await;
            let number = self.count.fetch_add(1, Ordering::SeqCst);
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
            count: AtomicUsize::new(0),
        };
        let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
        let job = test_support::reference(kind.expect("a kind"), &["C", "train"]);
        let lookup = Lookup::scripted(vec![job], &Arc::new(client));
        let lookup = Arc::new(lookup);
        let outcomes = lookup.outcomes().await;
        let started = Instant::now();
        let tails = failure_tails(&lookup, &outcomes).await;
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
}
