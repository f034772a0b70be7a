//! The last lines of the logs of jobs that failed, for their pages.

use futures_util::future::join_all;

use super::select::{STDERR, label};
use super::source_log::SourceLog;
use crate::commands::lookup::{LOOKUP_TIMEOUT, Lookup, LookupResult};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::kind::LogSupport;
use crate::model::{Job, Notice, NoticeCode, State, failed_tasks};
use crate::output::LogTail;
use crate::providers::{Client, LogParams, LogSource};
use crate::reference::Reference;
use crate::sort::SortExt as _;

/// Maximum number of lines that show why a job failed.
const LINES: u64 = 10;

/// The logs of this many jobs are read at most.
const MAX_JOBS: usize = 10;

/// This many logs of a job are read at most until one has lines.
const MAX_SOURCES: usize = 8;

/// The last lines of the logs of those jobs that failed. What cannot be read costs a notice.
pub(in crate::commands) async fn failure_tails(
    lookup: &Lookup,
    outcomes: &[LookupResult],
) -> Vec<LogTail> {
    let jobs = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let failed = jobs.filter(|job| job.state == State::Failed);
    let failed = failed.filter_map(|job| Some((job, reference(lookup, job)?)));
    let has_logs = |(_, reference): &(&Job, Reference)| {
        matches!(reference.kind.logs, LogSupport::Operation(_))
    };
    let tails = failed
        .filter(has_logs)
        .take(MAX_JOBS)
        .map(|(job, reference)| async move {
            match tail(lookup, &reference, job).await {
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

/// The reference of a job that was looked up by it, or as the newest of its scope.
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

/// The last lines of the first log with lines of what failed, in the order of the failures, or of the only
/// log of a job. Of a task with two streams the standard error comes first.
async fn tail(
    lookup: &Lookup,
    reference: &Reference,
    job: &Job,
) -> Result<Option<LogTail>, Problem> {
    let client = lookup.client(reference)?;
    let mut sources = client.log_sources(reference, job);
    let failed = failed_tasks(&job.tasks);
    sources.retain(|source| job.tasks.is_empty() || source.failure_rank(&failed).is_some());
    sources.order_by_key(|source| source.failure_rank(&failed));
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

/// The last lines of a log, masked.
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
    loop {
        let reading = log.read(client, reference, &options).await?;
        tail.extend(reading.lines);
        tail.extend(log.take_long(lookup.transport.redactor()));
        if !reading.has_more {
            break;
        }
    }
    tail.extend(Vec::from_iter(log.finish()));
    let lines = tail.into_lines().into_iter().map(|line| {
        let mut line = String::from_utf8_lossy(&line).trim_end().to_owned();
        lookup.transport.redactor().text(&mut line);
        line
    });
    let lines: Vec<String> = lines.collect();
    Ok(LogTail {
        reference: reference.to_string(),
        label: label(&log.source),
        lines,
    })
}
