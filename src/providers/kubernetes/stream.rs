//! Reads a stream of changes, and opens it again when it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::list::is_expired;
use super::watch::{Position, Watch, WatchError};
use super::{Api, Server};
use crate::error::{Category, Problem};
use crate::http::{Deadline, LineError, Lines, exponential_backoff};
use crate::providers::get_result::summarize;
use crate::sync::lock;

/// Maximum length of a line, in bytes. An API server stores objects of up to 1.5 MiB by default.
const MAX_LINE: usize = 8 << 20;
/// A stream that ends sooner than this is reopened only after a pause.
const MIN_LENGTH: Duration = Duration::from_secs(1);
/// Maximum time for which a stream can exceed the requested length.
const MAX_OVERTIME: Duration = Duration::from_secs(10);
/// First and maximum time to the next attempt to open a stream, before jitter.
const INIT_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// After this many streams in a row without any event, the server is considered not to support them.
const MAX_UNUSED: u32 = 3;
/// The pause before the next attempt if the server rejects streams.
const REJECTION_COOLDOWN: Duration = Duration::from_secs(300);
/// The timeout for opening a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);

/// The stream that keeps a watch up to date.
pub(super) struct Stream {
    server: Arc<Server>,
    watch: Arc<Watch>,
    /// The name of the operation.
    operation: &'static str,
    /// The path of the list.
    path: String,
}

impl Stream {
    /// Starts the stream of a watch, unless it has been started already or cannot be used.
    pub fn start(api: &Api, watch: &Arc<Watch>, operation: &'static str, path: String) {
        if watch.try_start() {
            let stream = Self {
                server: Arc::clone(&api.server),
                watch: Arc::clone(watch),
                operation,
                path,
            };
            lock(&api.watches.streams).spawn(stream.run());
        }
    }

    /// Runs as long as the stream is needed.
    async fn run(self) {
        let (mut failures, mut unused, mut has_worked) = (0, 0, false);
        loop {
            let position = self.watch.position().await;
            let mut is_used = false;
            let read = match self.open(&position).await {
                Ok(mut lines) if self.watch.connect(&position) => {
                    self.read(&mut lines, &mut is_used).await
                }
                Ok(_) => continue,
                Err(problem) => {
                    if failures == 0 {
                        self.watch.report_all();
                    }
                    Err(watch_error(&problem))
                }
            };
            has_worked |= is_used;
            match &read {
                Ok(()) => self.watch.pause(),
                Err(watch_error) => self.watch.disconnect(watch_error),
            }
            if self.watch.is_over() {
                return;
            }
            let Err(watch_error) = read else {
                (failures, unused) = (0, 0);
                continue;
            };
            failures += 1;
            let pause = backoff(failures, self.server.client.http.jitter());
            let (reason, is_rejected) = match watch_error {
                // If the server cannot be reached, the next poll reports it.
                WatchError::Broken(reason) => (reason, false),
                WatchError::Outdated(reason) => {
                    unused = if is_used { 0 } else { unused + 1 };
                    (reason, unused >= MAX_UNUSED)
                }
                WatchError::Rejected(reason) => {
                    unused += 1;
                    (reason, !has_worked || unused >= MAX_UNUSED)
                }
            };
            let trace = format!("the stream of {} ended: {reason}", self.operation);
            self.server.client.http.trace(trace);
            let pause = match is_rejected {
                true => {
                    self.watch.reject(&reason);
                    REJECTION_COOLDOWN
                }
                false => pause,
            };
            sleep(pause).await;
        }
    }

    async fn open(&self, position: &Position) -> Result<Lines, Problem> {
        let length = self.length();
        let seconds = length.as_secs().to_string();
        let mut query = vec![
            ("watch", "1"),
            (
                "resourceVersion",
                position.version.as_deref().unwrap_or_default(),
            ),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", seconds.as_str()),
        ];
        let selector = position.selector.as_ref();
        query.extend(selector.map(|(name, selector)| (*name, selector.as_str())));
        let request = self.server.request(self.operation, &self.path, &query);
        let client = &self.server.client;
        let http = client.http.for_stream();
        let deadline = Deadline::after(OPEN_TIMEOUT);
        client.send(&http, &request, deadline).await?;
        let timeout = http.options().request_timeout;
        let timeout = timeout.max(length + Duration::from_secs(1));
        let lines = http.take_lines(MAX_LINE, timeout);
        Ok(lines.expect("the body of a success was left"))
    }

    /// Reads events until the server ends the stream, or it no longer covers all followed objects. A stream
    /// without any event, even without the bookmark at its end, is an error, since it can hide changes.
    async fn read(&self, lines: &mut Lines, is_used: &mut bool) -> Result<(), WatchError> {
        let opened = Instant::now();
        let end = opened + self.length() + MAX_OVERTIME;
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                () = self.watch.outdated() => return Ok(()),
                () = sleep_until(end) => {
                    let reason = "it did not end in time".to_owned();
                    return Err(WatchError::Outdated(reason));
                }
            };
            match line {
                Ok(Some(line)) => self.watch.apply(&line, &self.path)?,
                Ok(None) if !*is_used => {
                    return Err(WatchError::Outdated("it was empty".to_owned()));
                }
                Ok(None) if opened.elapsed() < MIN_LENGTH => {
                    return Err(WatchError::Broken("it ended at once".to_owned()));
                }
                Ok(None) => return Ok(()),
                Err(reason @ (LineError::TooLong(_) | LineError::Silent(_))) => {
                    return Err(WatchError::Outdated(reason.to_string()));
                }
                Err(reason) => return Err(WatchError::Broken(reason.to_string())),
            }
            *is_used = true;
        }
    }

    /// Returns the requested length of a stream, which is shorter than the timeout of a silent one.
    fn length(&self) -> Duration {
        let timeout = self.server.client.http.options().request_timeout;
        Duration::from_secs((timeout.as_secs() * 2 / 3).clamp(1, 60))
    }
}

/// Returns the pause after this many failures: from 1 s, doubled up to 30 s, less up to a quarter of jitter.
fn backoff(failures: u32, fraction: f64) -> Duration {
    exponential_backoff(INIT_BACKOFF, failures, MAX_BACKOFF).mul_f64(1.0 - fraction / 4.0)
}

/// Classifies the problem of opening a stream. A rejected credential (401) does not count as a rejected
/// stream, since the next list reports it.
fn watch_error(problem: &Problem) -> WatchError {
    let reason = summarize(problem);
    match problem.http_status {
        _ if is_expired(problem) => WatchError::Outdated(reason),
        Some(400 | 402..=428 | 430..=499) => WatchError::Rejected(reason),
        _ if problem.category == Category::InvalidResponse => WatchError::Rejected(reason),
        _ => WatchError::Broken(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_half_a_minute() {
        let seconds = |failures| backoff(failures, 0.0).as_secs();
        assert_eq!([1, 2, 3, 5, 6, 99].map(seconds), [1, 2, 4, 16, 30, 30]);
        assert_eq!(backoff(1, 1.0), Duration::from_millis(750));
    }
}
