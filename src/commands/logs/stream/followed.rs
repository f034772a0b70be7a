//! Lines that are printed while they are written.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::{LogStream, Stop};
use crate::commands::logs::follow::{MAX_STREAMS, Part};
use crate::error::{Category, Problem, TransportFailureKind};
use crate::model::{Job, State};
use crate::providers::{LogPosition, LogRequest};

/// The stream of a log that has ended, or whose job has, may be silent for so long before its end.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// A stream that ends is a reason to look at the job, but not more often than this.
const MIN_LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl LogStream<'_> {
    /// Prints what is written until the next look at the job, which is earlier where a log ends.
    pub(super) async fn print_followed(&mut self, job: &Job, pause: Duration) -> Result<(), Stop> {
        if !job.ended {
            self.open_streams()?;
        }
        let started = Instant::now();
        let mut end = started + pause;
        loop {
            let (stream, part) = tokio::select! {
                part = self.streams.next() => part,
                () = sleep_until(end) => return Ok(()),
            };
            if let Part::End(_) = part {
                end = end.min(started + MIN_LOOK_INTERVAL);
            }
            self.take_part(stream, part).await?;
            // Parts that come faster than they are printed do not keep the job from being looked at.
            if Instant::now() >= end {
                return Ok(());
            }
        }
    }

    /// Opens the streams of the logs that are written.
    fn open_streams(&mut self) -> Result<(), Problem> {
        if !self.spec.follow {
            return Ok(());
        }
        let client = self.lookup.client(&self.reference)?;
        let options = self.options();
        for log in self.logs.iter_mut().take(MAX_STREAMS) {
            let is_written = log.source.state == State::Running && log.follow.is_due();
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
            self.streams.open(&mut log.follow, open);
        }
        Ok(())
    }

    /// Prints a part of a stream. What is of a log that is not shown any more is dropped.
    async fn take_part(&mut self, stream: u64, part: Part) -> Result<(), Stop> {
        let Some(number) = self.logs.iter().position(|log| log.follow.has(stream)) else {
            return Ok(());
        };
        match part {
            Part::Text(text) => {
                let lines = self.logs[number].take_followed(&text);
                self.print(number, lines).await
            }
            Part::End(end) => {
                let problem = end.as_ref().err();
                let is_absent =
                    problem.is_some_and(|problem| problem.category == Category::NotFound);
                let is_timeout = problem
                    .and_then(|problem| problem.transport_failure)
                    .is_some_and(|failure| failure.kind == TransportFailureKind::Timeout);
                let follow = &mut self.logs[number].follow;
                let is_refused = follow.end(&end, is_absent || is_timeout);
                if is_refused && !std::mem::replace(&mut self.streams.is_noted, true) {
                    let mut why = problem.map_or_else(
                        || Problem::new(Category::InvalidResponse, "it ends at once"),
                        |problem| (**problem).clone(),
                    );
                    self.lookup.transport.redact(&mut why);
                    self.note(format!(
                        "reading at intervals, since the log cannot be followed: {}",
                        why.message
                    ));
                }
                Ok(())
            }
        }
    }

    /// Prints what the stream of a log that has ended still brings.
    pub(super) async fn end_stream(&mut self, number: usize) -> Result<(), Stop> {
        let mut last = Instant::now();
        while self.logs[number].follow.is_open() {
            let left = END_TIMEOUT.saturating_sub(last.elapsed());
            let Ok((stream, part)) = timeout(left, self.streams.next()).await else {
                self.logs[number].follow.close();
                break;
            };
            if self.logs[number].follow.has(stream) {
                last = Instant::now();
            }
            self.take_part(stream, part).await?;
        }
        Ok(())
    }
}
