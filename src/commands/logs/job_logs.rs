//! Copies the logs of a job from the cloud to stdout.

mod changes;
mod follow;
mod job;
mod missing;
mod once;
mod outage;
mod streams;
mod unread;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::absent::{self, log_name};
use super::lines::Block;
use super::printer::Printer;
use super::select::{LogSelection, error_stream, label, others};
use super::source_log::{Reading, SourceLog};
use super::streams::Streams;
use crate::commands::context::CommandContext;
use crate::commands::job_identity::KnownIdentity;
use crate::commands::lookup::{LOOKUP_TIMEOUT, Lookup, with_reference};
use crate::commands::stdout_writer::StdoutWriter;
use crate::error::{Category, Problem};
use crate::http::{Deadline, exponential_backoff};
use crate::kind::LogSpec;
use crate::model::{Job, Since};
use crate::output;
use crate::providers::{LogParams, LogSource, RequestOptions};
use crate::reference::Reference;
pub(super) use outage::Outage;
use unread::UnreadLog;

/// The maximum time between two readings while the cloud cannot be reached.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// A job, its logs, and what was read and printed of them so far.
pub(super) struct JobLogs<'a> {
    pub context: &'a CommandContext,
    pub lookup: &'a Lookup,
    pub reference: Reference,
    pub spec: &'static LogSpec,
    pub params: LogParams,
    pub since: Option<&'a Since>,
    pub choice: LogSelection<'a>,
    pub printer: Printer<'a>,
    pub stdout: StdoutWriter,
    pub logs: Vec<SourceLog>,
    /// The logs that were not selected, if one was.
    pub others: Vec<LogSource>,
    /// The command waits for new text, so an incomplete line can still continue.
    pub is_following: bool,
    /// The streams of logs that are being written.
    pub streams: Streams,
    /// What all responses have shown of the identity of the job.
    pub identity: KnownIdentity,
    /// The current outage.
    pub outage: Outage,
    /// Which of several logs could not be read, by their numbers.
    pub unread: BTreeMap<usize, UnreadLog>,
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum LogError {
    /// The log cannot be read.
    Problem(Box<Problem>),
    /// The output cannot be written.
    Output(io::Error),
}

impl From<Problem> for LogError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl JobLogs<'_> {
    /// Prints the incomplete last lines.
    async fn finish_lines(&mut self) -> Result<(), LogError> {
        self.end_streams_of_job().await?;
        for number in 0..self.logs.len() {
            let rest = self.logs[number].finish();
            self.print(number, Vec::from_iter(rest)).await?;
        }
        Ok(())
    }

    /// Reads all logs up to their current ends; a missing log is read the next time. A log that cannot be read does
    /// not prevent reading the others.
    async fn read_all(&mut self, job: &Job, interval: Duration) -> Result<(), LogError> {
        if job.ended {
            self.end_streams_of_job().await?;
        }
        for number in 0..self.logs.len() {
            if self.is_paused(number, job, interval) {
                continue;
            }
            match self.read_new_lines(number, job).await {
                Ok(()) => {
                    self.unread.remove(&number);
                }
                Err(error) => self.skip_log(number, error)?,
            }
        }
        self.note_unread_logs()
    }

    /// Reads a log up to its current end, unless its stream delivers the lines.
    async fn read_new_lines(&mut self, number: usize, job: &Job) -> Result<(), LogError> {
        let read = match self.logs[number].stream_state.is_read() {
            true => Ok(true),
            false => self.read_log(number).await,
        };
        match read {
            Ok(_) => {}
            Err(LogError::Problem(problem)) if problem.category == Category::NotFound => {
                let log = &self.logs[number];
                let cause = absent::explain(log, job, self.spec, true, Some(*problem));
                let is_lost = job.ended && !log.is_opened && self.logs.len() == 1;
                if let Some(problem) = cause.filter(|_| is_lost) {
                    return Err(with_reference(problem, &self.reference).into());
                }
            }
            Err(error) => return Err(error),
        }
        let rest = match job.ended {
            true => self.logs[number].finish(),
            false if self.printer.joins_pieces() => {
                self.logs[number].take_partial_line(self.printer.redactor)
            }
            false => None,
        };
        self.print(number, Vec::from_iter(rest)).await
    }

    /// Returns why a job has no log that could be read.
    fn no_task(&self, job: &Job) -> LogError {
        let mut problem = absent::no_task(job, self.spec, self.is_following);
        self.lookup.transport.mask(&mut problem);
        with_reference(problem, &self.reference).into()
    }

    /// Selects the logs of a job, and names the others.
    fn choose(&mut self, job: &Job) -> Result<(), Problem> {
        let client = self.lookup.client(&self.reference)?;
        let sources = client.log_sources(&self.reference, job);
        let chosen = self.choice.of(job, sources);
        let (chosen, rest) = chosen.map_err(|problem| with_reference(problem, &self.reference))?;
        if let ([one], false) = (&chosen[..], rest.is_empty()) {
            let others = others(&rest);
            self.note(format!("showing {}; others: {others}", label(one)));
        }
        self.others = rest;
        let logs = chosen
            .into_iter()
            .map(|source| SourceLog::new(source, &self.params));
        self.logs = logs.collect();
        self.unread.clear();
        Ok(())
    }

    /// Switches to the standard error of a job that has ended without standard output; `missing` is the message if the
    /// latter could not be read. Returns `false` if there is none.
    fn show_error_stream(&mut self, job: &Job, missing: Option<&str>) -> bool {
        let [log] = &self.logs[..] else {
            return false;
        };
        let is_silent = job.ended && !log.has_text && !log.is_previous();
        let at = error_stream(&log.source, &self.others).filter(|_| is_silent);
        let Some(at) = at else {
            return false;
        };
        let empty = log.source.clone();
        let [from, to] = [&empty, &self.others[at]].map(label);
        let cause = missing.map_or_else(|| format!("{from} is empty"), str::to_owned);
        self.note(format!("{cause}; showing {to}"));
        let stream = std::mem::replace(&mut self.others[at], empty);
        self.logs = vec![SourceLog::new(stream, &self.params)];
        true
    }

    /// Selects the logs like [`Self::choose`], but a missing log can be selected later.
    fn choose_early(&mut self, job: &Job) -> Result<(), Problem> {
        match self.choose(job) {
            Err(problem) if problem.category == Category::NotFound && !job.ended => Ok(()),
            chosen => chosen,
        }
    }

    /// Reads a log up to its current end and prints it. Returns `true` if there was any text.
    async fn read_log(&mut self, number: usize) -> Result<bool, LogError> {
        let client = self.lookup.client(&self.reference)?;
        let mut tail = self.logs[number].tail();
        let mut has_text = false;
        loop {
            let options = self.options();
            let read = self.logs[number]
                .read(&*client, &self.reference, &options)
                .await;
            self.time_failures(number, &read);
            let mut reading = read.map_err(|mut problem| {
                self.lookup.transport.mask(&mut problem);
                with_reference(problem, &self.reference)
            })?;
            if reading.is_disjoint {
                self.handle_gap(number).await?;
                continue;
            }
            self.note_stuck(number, &reading);
            let long = self.logs[number].take_long(self.printer.redactor);
            reading.lines.extend(long);
            let has_more = reading.has_more;
            if !has_more && !self.is_following {
                reading.lines.extend(self.logs[number].finish());
            }
            has_text |= !reading.lines.is_empty();
            if let Some(tail) = &mut tail {
                tail.extend(std::mem::take(&mut reading.lines));
            }
            self.print_reading(number, reading).await?;
            if !has_more {
                break;
            }
        }
        self.logs[number].is_opened = true;
        self.logs[number].has_text |= has_text;
        if let Some(tail) = tail {
            self.print(number, tail.into_lines()).await?;
        }
        Ok(has_text)
    }

    /// Notes once that the cloud does not return, or may not return, the rest of a log.
    fn note_stuck(&mut self, number: usize, reading: &Reading) {
        let log = &mut self.logs[number];
        let may_lack_end = self.spec.may_lack_end && !log.source.state.is_end();
        let missing = match reading.lacks_rest {
            true => "the rest is missing",
            false if reading.is_stuck && may_lack_end => "newer lines may be missing",
            false => return,
        };
        if !std::mem::replace(&mut log.is_end_noted, true) {
            let (operation, log) = (self.spec.operation.name, log_name(&log.source));
            self.note(format!(
                "{log}: {operation} returned no more of the log; {missing}"
            ));
        }
    }

    async fn print_reading(&mut self, number: usize, reading: Reading) -> Result<(), LogError> {
        for note in reading.notes {
            let label = label(&self.logs[number].source);
            self.note(match label.is_empty() {
                true => note,
                false => format!("{label}: {note}"),
            });
        }
        self.note_message(number, reading.message);
        self.print(number, reading.lines).await
    }

    /// Prints lines, and waits until they are written: a log can be larger than the memory.
    async fn print(&mut self, number: usize, blocks: Vec<Block>) -> Result<(), LogError> {
        self.write(number, blocks);
        self.stdout.flushed().await.map_err(LogError::Output)
    }

    fn write(&mut self, number: usize, blocks: Vec<Block>) {
        let mut out = Vec::with_capacity(blocks.iter().map(Vec::len).sum());
        let log = &mut self.logs[number];
        log.has_text |= !blocks.is_empty();
        for block in blocks {
            self.printer
                .print(&mut out, &log.source, &mut log.printed, &block);
        }
        self.stdout.write(out);
    }

    fn options(&self) -> RequestOptions {
        self.lookup
            .options_for(self.reference.kind, Deadline::after(LOOKUP_TIMEOUT))
    }

    /// Prints a note to stderr, unless `--quiet` is given.
    fn note(&self, message: String) {
        if !self.context.global.quiet {
            let text = format!("note: {message}");
            let write = || output::write_line(&mut io::stderr().lock(), &text);
            // A closed stderr does not stop the command.
            let _ = self.context.progress.suspend(write);
        }
    }
}

/// Returns the time to the next reading after this many consecutive failures.
fn pause(interval: Duration, failures: u32) -> Duration {
    exponential_backoff(interval, failures.saturating_add(1), MAX_BACKOFF).max(interval)
}
