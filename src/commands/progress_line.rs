//! A line on the terminal at stderr that names slow requests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::job_control::is_in_background;
use crate::http::TransportEvent;
use crate::output::TerminalSize;
use crate::sync::lock;

/// A request that takes longer than this is shown.
pub(super) const SLOW_REQUEST: Duration = Duration::from_secs(1);
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);
/// How long the drawing thread sleeps without requests; the first request wakes it.
const IDLE_INTERVAL: Duration = Duration::from_secs(60);
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

/// The line, visible from [`ProgressLine::start`] to [`ProgressLine::stop`].
#[derive(Debug, Clone, Default)]
pub(super) struct ProgressLine(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<LineState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LineState {
    is_running: bool,
    /// The number of other writers that are using the terminal.
    writers: usize,
    /// The cursor is in an unfinished line of other output.
    is_mid_line: bool,
    /// The text of the line on the terminal.
    drawn: String,
    requests: BTreeMap<u64, SentRequest>,
}

/// A request without a response.
#[derive(Debug)]
struct SentRequest {
    cloud: &'static str,
    attempt: u32,
    is_throttled: bool,
    since: Instant,
}

impl ProgressLine {
    /// Starts to draw.
    pub(super) fn start(&self) {
        lock(&self.0.state).is_running = true;
        let shared = Arc::clone(&self.0);
        // Without a thread, the line is not drawn.
        let _ = thread::Builder::new().spawn(move || shared.draw());
    }

    /// Clears the line and stops drawing.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.0.state);
        state.clear();
        state.is_running = false;
        self.0.changed.notify_all();
    }

    /// Clears the line while `write` uses the terminal, however long that takes.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        let change = |by: isize| {
            let mut state = lock(&self.0.state);
            state.clear();
            state.writers = state.writers.saturating_add_signed(by);
        };
        change(1);
        let written = write();
        change(-1);
        written
    }

    /// Wraps an output on the same terminal.
    pub(super) fn share_terminal<W: Write>(&self, out: W) -> SharedTerminal<W> {
        let progress = self.clone();
        SharedTerminal { out, progress }
    }

    /// Updates the requests of a run.
    pub(super) fn record(&self, event: &TransportEvent) {
        let mut state = lock(&self.0.state);
        match *event {
            TransportEvent::Sending {
                number,
                cloud,
                attempt,
                is_throttled,
            } => {
                let request = state.requests.entry(number).or_insert(SentRequest {
                    cloud,
                    attempt,
                    is_throttled,
                    since: Instant::now(),
                });
                (request.attempt, request.is_throttled) = (attempt, is_throttled);
                self.0.changed.notify_all();
            }
            TransportEvent::Finished(number) => {
                state.requests.remove(&number);
            }
            _ => {}
        }
    }
}

/// An output on the terminal of the line, which is cleared during each write.
pub(super) struct SharedTerminal<W> {
    out: W,
    progress: ProgressLine,
}

impl<W: Write> Write for SharedTerminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.progress.suspend(|| self.out.write(bytes))?;
        if let Some(last) = bytes[..written].last() {
            lock(&self.progress.0.state).is_mid_line = *last != b'\n';
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Shared {
    /// Redraws the line until it is stopped; waits while there are no requests.
    fn draw(&self) {
        let mut state = lock(&self.state);
        while state.is_running {
            let width = TerminalSize::of(io::stderr()).width;
            match state.text(Instant::now(), width.saturating_sub(1)) {
                _ if is_in_background(io::stderr()) => {}
                Some(text) if text != state.drawn => {
                    let line = [CLEAR_LINE, text.as_bytes()].concat();
                    // A terminal that is gone does not stop the command.
                    let _ = io::stderr().write_all(&line);
                    state.drawn = text;
                }
                Some(_) => {}
                None => state.clear(),
            }
            let interval = match state.requests.is_empty() {
                true => IDLE_INTERVAL,
                false => REDRAW_INTERVAL,
            };
            // A poisoned lock means that the command has failed.
            let Ok((next, _)) = self.changed.wait_timeout(state, interval) else {
                return;
            };
            state = next;
        }
    }
}

impl LineState {
    fn clear(&mut self) {
        if !std::mem::take(&mut self.drawn).is_empty() {
            let _ = io::stderr().write_all(CLEAR_LINE);
        }
    }

    /// Returns for example `waiting for sugon (attempt 1, 3 s)`, with the slowest request of each cloud.
    /// Returns `None` if no request is slow, or if other output is using the terminal.
    fn text(&self, now: Instant, width: usize) -> Option<String> {
        if self.writers > 0 || self.is_mid_line {
            return None;
        }
        let mut clouds: Vec<(&str, String)> = Vec::new();
        for request in self.requests.values() {
            let elapsed = now.saturating_duration_since(request.since);
            if elapsed < SLOW_REQUEST || clouds.iter().any(|(cloud, _)| *cloud == request.cloud) {
                continue;
            }
            let SentRequest { cloud, attempt, .. } = request;
            let progress = format!("(attempt {attempt}, {} s)", elapsed.as_secs());
            let text = match request.is_throttled {
                true => format!("{cloud} is throttling requests; retrying {progress}"),
                false => format!("waiting for {cloud} {progress}"),
            };
            clouds.push((cloud, text));
        }
        let texts: Vec<String> = clouds.into_iter().map(|(_, text)| text).collect();
        let line: String = texts.join(", ").chars().take(width).collect();
        (!line.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(number: u64, cloud: &'static str, attempt: u32) -> TransportEvent {
        TransportEvent::Sending {
            number,
            cloud,
            attempt,
            is_throttled: attempt == 3,
        }
    }

    fn text(line: &ProgressLine, after: Duration, width: usize) -> Option<String> {
        lock(&line.0.state).text(Instant::now() + after, width)
    }

    #[test]
    fn the_slowest_request_of_each_cloud_is_shown_after_a_second() {
        let line = ProgressLine::default();
        for event in [
            sending(0, "sugon", 1),
            sending(1, "sugon", 1),
            sending(2, "aliyun", 1),
            sending(2, "aliyun", 2),
        ] {
            line.record(&event);
        }
        assert_eq!(text(&line, Duration::ZERO, 200), None);
        let shown = text(&line, Duration::from_millis(3500), 200);
        let expected = "waiting for sugon (attempt 1, 3 s), waiting for aliyun (attempt 2, 3 s)";
        assert_eq!(shown.as_deref(), Some(expected));
        let narrow = text(&line, Duration::from_millis(3500), 11);
        assert_eq!(narrow.as_deref(), Some("waiting for"));
    }

    #[test]
    fn nothing_is_drawn_while_other_output_is_written_or_ends_mid_line() {
        let line = ProgressLine::default();
        line.record(&sending(0, "sugon", 1));
        let shown = || text(&line, Duration::from_secs(2), 200);
        assert!(shown().is_some());
        assert_eq!(line.suspend(shown), None);
        assert!(shown().is_some());
        let mut out = line.share_terminal(Vec::new());
        for (part, is_shown) in [("half", false), (" line\n", true), ("", true)] {
            out.write_all(part.as_bytes()).unwrap();
            assert_eq!(shown().is_some(), is_shown, "{part}");
        }
        assert_eq!(out.out, b"half line\n");
    }

    #[test]
    fn throttling_is_named_and_finished_requests_are_not_shown() {
        let line = ProgressLine::default();
        line.record(&sending(0, "aliyun", 3));
        line.record(&sending(1, "sugon", 1));
        line.record(&TransportEvent::Finished(1));
        let shown = text(&line, Duration::from_millis(1500), 200);
        let expected = "aliyun is throttling requests; retrying (attempt 3, 1 s)";
        assert_eq!(shown.as_deref(), Some(expected));
    }
}
