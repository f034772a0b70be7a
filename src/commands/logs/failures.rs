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
    results: &[LookupResult],
) -> Vec<LogTail> {
    let jobs = results.iter().filter_map(|result| result.as_ref().ok());
    let failed = jobs.filter(|job| job.state == State::Failed || has_crashed(job));
    let failed = failed.filter_map(|job| Some((job, reference(lookup, job)?)));
    let has_logs = |(_, reference): &(&Job, Reference)| {
        matches!(reference.kind.logs, LogSupport::Operation(_))
    };
    let failed: Vec<_> = failed.filter(has_logs).collect();
    if failed.len() > MAX_JOBS {
        let text = format!(
            "logs are read for at most {MAX_JOBS} failed jobs; not read for {} more",
            failed.len() - MAX_JOBS
        );
        lookup
            .notices
            .push(Notice::new(NoticeCode::LogUnread, text));
    }
    let tails = failed
        .into_iter()
        .take(MAX_JOBS)
        .map(|(job, reference)| async move {
            let tail = timeout(READ_TIMEOUT, tail(lookup, &reference, job)).await;
            match tail.unwrap_or_else(|_| Err(too_slow())) {
                Ok(tail) => tail,
                Err(problem) => {
                    note_unread(lookup, &reference, "", problem);
                    None
                }
            }
        });
    join_all(tails).await.into_iter().flatten().collect()
}

/// Adds a notice about a log that cannot be read. `log` is its label, empty for that of the job.
fn note_unread(lookup: &Lookup, reference: &Reference, log: &str, mut problem: Problem) {
    lookup.transport.mask(&mut problem);
    let operation = problem.operation.as_deref().unwrap_or("the log");
    let log = match log.is_empty() {
        true => String::new(),
        false => format!("{log}: "),
    };
    let text = format!("{reference}: {operation}: {log}{}", problem.message);
    lookup
        .notices
        .push(Notice::new(NoticeCode::LogUnread, text));
}

/// Returns `true` if the job has not ended and one of its containers waits for its next restart.
fn has_crashed(job: &Job) -> bool {
    let sources = LogSource::of_job(job);
    !job.ended && sources.iter().any(LogSource::has_crashed)
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
    let rank = |source: &LogSource| source.failure_rank(&failed, job.ended);
    sources.retain(|source| job.tasks.is_empty() || rank(source).is_some());
    sources.order_by_key(rank);
    let of_tasks = sources.chunk_by(|one, next| one.task == next.task);
    let sorted = of_tasks.flat_map(|of_task| {
        let is_error_stream = |source: &&LogSource| source.container.as_deref() == Some(STDERR);
        let (errors, rest): (Vec<_>, Vec<_>) = of_task.iter().partition(is_error_stream);
        errors.into_iter().chain(rest)
    });
    let sorted: Vec<&LogSource> = sorted.collect();
    for source in sorted.iter().copied().take(MAX_SOURCES) {
        match tail_of(lookup, &*client, reference, source.clone()).await {
            Ok(tail) if tail.lines.is_empty() => {}
            Ok(tail) => return Ok(Some(tail)),
            Err(problem) if problem.category == Category::NotFound => {}
            // The next log can explain the failure as well.
            Err(problem) => note_unread(lookup, reference, &label(source), problem),
        }
    }
    if sorted.len() > MAX_SOURCES {
        let text = format!(
            "{reference}: the first {MAX_SOURCES} of {} logs have no lines; the rest is not read",
            sorted.len()
        );
        lookup
            .notices
            .push(Notice::new(NoticeCode::LogUnread, text));
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
mod tests;
