//! Prints lines while they are written.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::{JobLogs, LogError};
use crate::commands::logs::absent::log_name;
use crate::commands::logs::source_log::SourceLog;
use crate::commands::logs::streams::{MAX_EVENTS, MAX_STREAMS, StreamEvent};
use crate::error::{Category, Problem, TransportFailureKind};
use crate::model::{Job, State};
use crate::output;
use crate::providers::{LogPosition, LogRequest};

/// How long the streams of ended logs or jobs can be silent before they are closed.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time to wait for them: a container can continue to write.
const MAX_END_TIME: Duration = Duration::from_secs(10);
/// Maximum number of bytes to read from them, much more than is in transit when a job ends.
const MAX_END_BYTES: usize = 64 << 20;
/// Minimum time between two polls of the job because of streams that end.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

impl JobLogs<'_> {
    /// Prints new lines until the next poll of the job, which is earlier if a stream ends.
    pub(super) async fn print_followed(
        &mut self,
        job: &Job,
        pause: Duration,
    ) -> Result<(), LogError> {
        if !job.ended {
            self.open_streams()?;
        }
        let started = Instant::now();
        let mut end = started + pause;
        loop {
            let (stream, event) = tokio::select! {
                // Events that were received before a poll are handled before it, also in a replay.
                biased;
                error = self.stdout.closed() => return Err(LogError::Output(error)),
                event = self.streams.next() => event,
                () = sleep_until(end) => return Ok(()),
            };
            if let StreamEvent::End(_) = event {
                end = end.min(started + MIN_POLL_INTERVAL);
            }
            self.handle_event(stream, event).await?;
            // Poll the job even if text comes faster than it is printed.
            if Instant::now() >= end {
                return self.print_received().await;
            }
        }
    }

    /// Handles the events that were received so far.
    async fn print_received(&mut self) -> Result<(), LogError> {
        for _ in 0..MAX_EVENTS {
            let Some((stream, event)) = self.streams.received() else {
                break;
            };
            self.handle_event(stream, event).await?;
        }
        Ok(())
    }

    /// Opens the streams of logs that are being written.
    fn open_streams(&mut self) -> Result<(), Problem> {
        if !self.spec.follow {
            return Ok(());
        }
        let client = self.lookup.client(&self.reference)?;
        let options = self.options();
        for log in self.logs.iter_mut().take(MAX_STREAMS) {
            let is_written = log.source.state == State::Running && log.stream_state.is_due();
            let Some(params) = log.follow_params().filter(|_| is_written) else {
                continue;
            };
            let (client, options) = (client.clone(), options.clone());
            let (reference, source) = (self.reference.clone(), log.source.clone());
            let open = async move {
                let request = LogRequest {
                    reference: &reference,
                    source: &source,
                    position: &LogPosition::Start,
                    params: &params,
                    before: &[],
                    options: &options,
                };
                let body = client.read_log(request).await?.rest;
                body.ok_or_else(|| Problem::new(Category::InvalidResponse, "the response is empty"))
            };
            let opened_at = self.context.session.stopwatch();
            self.streams.open(&mut log.stream_state, opened_at, open);
        }
        Ok(())
    }

    /// Handles an event of a stream. Drops the text of logs that are no longer shown.
    async fn handle_event(&mut self, stream: u64, event: StreamEvent) -> Result<(), LogError> {
        let Some(number) = self
            .logs
            .iter()
            .position(|log| log.stream_state.has(stream))
        else {
            return Ok(());
        };
        match event {
            StreamEvent::Text(text) => {
                let log = &mut self.logs[number];
                log.unread = None;
                let mut reading = log.take_followed(text);
                reading.lines.extend(log.take_long(self.printer.redactor));
                self.print_reading(number, reading).await
            }
            StreamEvent::End(end) => {
                let problem = end.as_ref().err();
                let is_absent =
                    problem.is_some_and(|problem| problem.category == Category::NotFound);
                let is_timeout = problem
                    .and_then(|problem| problem.transport_failure)
                    .is_some_and(|failure| failure.kind == TransportFailureKind::Timeout);
                let state = &mut self.logs[number].stream_state;
                let is_unsupported = state.end(&end, is_absent || is_timeout);
                if is_unsupported && !std::mem::replace(&mut self.streams.is_noted, true) {
                    let mut reason = problem.map_or_else(
                        || Problem::new(Category::InvalidResponse, "it ends at once"),
                        |problem| (**problem).clone(),
                    );
                    self.lookup.transport.mask(&mut reason);
                    self.note(format!(
                        "reading at intervals because the log cannot be followed: {}",
                        reason.message
                    ));
                }
                Ok(())
            }
        }
    }

    /// Prints the rest of the streams of logs that have ended or whose job has ended, then closes them. Returns the
    /// logs that are still being written.
    pub(super) async fn end_streams(
        &mut self,
        numbers: Range<usize>,
    ) -> Result<Vec<usize>, LogError> {
        let mut limit = EndLimit::default();
        let mut written = BTreeSet::new();
        let is_open = |log: &SourceLog| log.stream_state.is_open();
        while self.logs[numbers.clone()].iter().any(is_open) && !limit.remaining_time().is_zero() {
            let started = Instant::now();
            let next = timeout(limit.remaining_time(), self.streams.next()).await;
            limit.wait(started.elapsed());
            let Ok((stream, event)) = next else {
                break;
            };
            let mut ending = numbers.clone();
            if let Some(number) = ending.find(|number| self.logs[*number].stream_state.has(stream))
                && let StreamEvent::Text(text) = &event
            {
                limit.take(text.len());
                written.insert(number);
            }
            self.handle_event(stream, event).await?;
        }
        written.retain(|number| self.logs[*number].stream_state.is_open());
        for log in &mut self.logs[numbers] {
            log.stream_state.close();
        }
        // A silent log has ended as well.
        Ok(match limit.is_silent() {
            true => Vec::new(),
            false => written.into_iter().collect(),
        })
    }

    /// Closes the streams of a job that has ended or was deleted.
    pub(super) async fn end_streams_of_job(&mut self) -> Result<(), LogError> {
        for number in self.end_streams(0..self.logs.len()).await? {
            let log = log_name(&self.logs[number].source);
            self.note(format!(
                "{log} still writes after the end of the job; its later lines are not printed"
            ));
        }
        Ok(())
    }

    /// Notes once per log the message that its server returned in place of lines.
    pub(super) fn note_message(&mut self, number: usize, message: Option<String>) {
        let Some(mut message) = message else {
            return;
        };
        let log = &mut self.logs[number];
        if !std::mem::replace(&mut log.is_message_noted, true) {
            let log = log_name(&log.source);
            self.printer.redactor.text(&mut message);
            self.note(format!("{log}: {}", output::escape(&message)));
        }
    }

    /// Writes the beginnings of incomplete lines, because the command is interrupted.
    pub(in crate::commands::logs) fn write_partial_lines(&mut self) {
        for number in 0..self.logs.len() {
            let log = &mut self.logs[number];
            if log.is_opened && self.is_following {
                let partial_line = log.take_partial_line(self.printer.redactor);
                self.write(number, Vec::from_iter(partial_line));
            }
        }
    }
}

/// Limits how long the streams of ended logs are read. The time for printing their text does not count.
#[derive(Debug, Default)]
struct EndLimit {
    waited: Duration,
    /// The time since the last text.
    silent: Duration,
    bytes: usize,
}

impl EndLimit {
    fn remaining_time(&self) -> Duration {
        match self.bytes {
            0..MAX_END_BYTES => {
                let silent = END_TIMEOUT.saturating_sub(self.silent);
                silent.min(MAX_END_TIME.saturating_sub(self.waited))
            }
            _ => Duration::ZERO,
        }
    }

    fn wait(&mut self, time: Duration) {
        self.waited += time;
        self.silent += time;
    }

    fn take(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.silent = Duration::ZERO;
    }

    fn is_silent(&self) -> bool {
        self.silent >= END_TIMEOUT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_streams_are_read_until_silence_or_a_time_or_size_limit() {
        let second = Duration::from_secs(1);
        let mut limit = EndLimit::default();
        limit.wait(second);
        assert_eq!(limit.remaining_time(), END_TIMEOUT - second);
        limit.take(1);
        assert_eq!(limit.remaining_time(), END_TIMEOUT);
        limit.wait(END_TIMEOUT);
        assert!(limit.remaining_time().is_zero() && limit.is_silent());
        let mut ticking = EndLimit::default();
        for _ in 0..10 {
            assert!(!ticking.remaining_time().is_zero());
            ticking.wait(second);
            ticking.take(1);
        }
        assert!(ticking.remaining_time().is_zero() && !ticking.is_silent());
        let mut fast = EndLimit::default();
        fast.take(MAX_END_BYTES);
        assert!(fast.remaining_time().is_zero() && !fast.is_silent());
    }
}
