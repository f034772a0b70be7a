//! Reads one log: keeps the position, and finds the new text.

mod compared;
mod requested;

use std::mem;
use std::time::Duration;

use super::lines::{Block, Lines, Tail};
use super::message::split_message;
use super::printer::{PrintedLine, last_timestamp};
use super::streams::StreamState;
use super::window::Window;
use crate::error::Problem;
use crate::http::Stopwatch;
use crate::model::Time;
use crate::providers::{
    COMPARED_BYTES, Client, LogBody, LogChunk, LogParams, LogPosition, LogRequest, LogSource,
    RequestOptions,
};
use crate::reference::Reference;
use crate::secret::Redactor;
use compared::read_window;

/// One log of a job.
#[derive(Debug)]
pub(super) struct SourceLog {
    /// The log and its current state.
    pub source: LogSource,
    /// The text that existed at first is read.
    pub is_opened: bool,
    /// The log has had any text.
    pub has_text: bool,
    /// The API returns only the end of the log.
    pub is_window: bool,
    /// The note that its end is, or may be, missing was printed.
    pub is_end_noted: bool,
    /// The note that lines between two readings may be missing was printed.
    pub is_gap_noted: bool,
    position: LogPosition,
    /// The last bytes before the position.
    before: Vec<u8>,
    window: Window,
    lines: Lines,
    /// The options of the command; `follow` if new lines are printed until the job has ended.
    params: LogParams,
    /// The start of the next window; at first from `params`.
    since: Option<Time>,
    /// The rest of the first response.
    rest: Option<LogBody>,
    /// The last piece restarted the log, and more of it follows at once.
    is_begun_again: bool,
    /// The stream of the log while it is written.
    pub stream_state: StreamState,
    /// The printed part of the current line.
    pub printed: PrintedLine,
    /// A message of the server was printed.
    pub is_message_noted: bool,
    /// Runs since the first of the failures in a row to read it.
    pub unread: Option<Stopwatch>,
}

/// How long the rest of a log that was replaced is requested again after temporary failures.
const REST_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of a reading.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// The new lines.
    pub lines: Vec<Block>,
    /// Notes for the user: about omitted lines, or lines that may have been missed.
    pub notes: Vec<String>,
    /// The server's message in place of lines.
    pub message: Option<String>,
    /// More can be read at once.
    pub has_more: bool,
    /// The response was full, and the same as the last one.
    pub is_stuck: bool,
    /// The cloud does not return the text that it reports to have.
    pub lacks_rest: bool,
    /// Nothing was taken, because the text does not continue the last reading.
    pub is_disjoint: bool,
}

impl SourceLog {
    /// Creates a log of which nothing is read yet.
    pub(super) fn new(source: LogSource, params: &LogParams) -> Self {
        Self {
            source,
            is_opened: false,
            has_text: false,
            is_window: false,
            is_end_noted: false,
            is_gap_noted: false,
            position: LogPosition::Start,
            before: Vec::new(),
            window: Window::new(params.tail_lines.is_some()),
            lines: Lines::new(params.timestamps),
            params: params.clone(),
            since: params.since,
            rest: None,
            is_begun_again: false,
            stream_state: StreamState::default(),
            printed: PrintedLine::default(),
            is_message_noted: false,
            unread: None,
        }
    }

    /// Returns the parameters of a stream that starts after the known text; `None` if new lines cannot be
    /// distinguished from known ones.
    pub(super) fn follow_params(&self) -> Option<LogParams> {
        let is_known = self.since.is_some() || self.window.text().is_empty();
        let params = LogParams {
            tail_lines: None,
            since: self.since,
            follow: true,
            ..self.params.clone()
        };
        (self.is_opened && self.rest.is_none() && is_known && params.timestamps).then_some(params)
    }

    /// Adds a part of a stream, and returns the completed lines.
    pub(super) fn take_followed(&mut self, mut text: Vec<u8>) -> Reading {
        let message = self.split_message(&mut text, self.is_between_lines());
        let resume = self.stream_state.resume(|| self.window.resume());
        let new = resume.new_text(&text);
        let mut lines = Vec::new();
        if resume.take_break() {
            lines.extend(self.lines.break_line());
            self.window.break_line();
        }
        self.window.extend(&new);
        self.note_time(&new);
        lines.extend(self.lines.push(&new));
        self.has_text |= !lines.is_empty();
        Reading {
            lines,
            message,
            ..Reading::default()
        }
    }

    /// Starts the next, small window at the end of the known text, which ends with `new`. Takes the time from the
    /// known text, because `new` can begin within a line, whose words can look like a time.
    fn note_time(&mut self, new: &[u8]) {
        if self.params.timestamps && new.contains(&b'\n') {
            self.since = last_timestamp(self.window.text()).or(self.since);
        }
    }

    fn no_lines(&self) -> Lines {
        Lines::new(self.params.timestamps)
    }

    fn is_between_lines(&self) -> bool {
        self.window.text().last().is_none_or(|byte| *byte == b'\n')
    }

    /// Removes and returns a server message at the end of a response, where a line with a time would begin.
    fn split_message(&self, text: &mut Vec<u8>, begins_line: bool) -> Option<String> {
        match self.params.timestamps {
            true => split_message(text, begins_line),
            false => None,
        }
    }

    /// Returns `true` if this is the log of the run before the last restart.
    pub(super) fn is_previous(&self) -> bool {
        self.params.previous
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// Returns errors of the client.
    pub(super) async fn read(
        &mut self,
        client: &dyn Client,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<Reading, Problem> {
        if let Some(rest) = self.rest.take() {
            return self.read_rest(rest).await;
        }
        let params = LogParams {
            tail_lines: self.requested_tail(),
            since: self.since,
            follow: false,
            ..self.params.clone()
        };
        let request = LogRequest {
            reference,
            source: &self.source,
            position: &self.position,
            params: &params,
            before: &self.before,
            options,
        };
        let mut chunk = client.read_log(request).await?;
        if self.is_opened {
            read_window(&mut chunk).await?;
        }
        Ok(self.take(chunk))
    }

    /// Reads more of the first response. If the response breaks off, the next reading continues after it, or starts
    /// again if nothing was printed yet because only the last lines are requested.
    async fn read_rest(&mut self, mut rest: LogBody) -> Result<Reading, Problem> {
        let text = match rest.next().await {
            Ok(text) => text,
            Err(problem) if !self.is_opened && self.params.tail_lines.is_some() => {
                (self.window, self.lines) = (Window::new(true), self.no_lines());
                self.since = self.params.since;
                return Err(problem);
            }
            Err(problem) => {
                self.is_opened = true;
                return Err(problem);
            }
        };
        let has_more = text.is_some();
        self.rest = has_more.then_some(rest);
        let (mut message, mut lines) = (None, Vec::new());
        let new = match text {
            Some(mut text) => {
                message = self.split_message(&mut text, self.is_between_lines());
                self.window.advance_rest(text)
            }
            None => self.window.finish(),
        };
        if self.window.take_break() {
            lines.extend(self.lines.break_line());
        }
        self.note_time(&new);
        lines.extend(self.lines.push(&new));
        Ok(Reading {
            lines,
            message,
            has_more,
            ..Reading::default()
        })
    }

    /// Reads what the container wrote before its restart, after the known text. The
    /// next reading starts with the new run.
    ///
    /// # Errors
    /// Returns errors of the client.
    pub(super) async fn read_previous(
        &mut self,
        client: &dyn Client,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<Reading, Problem> {
        self.params.previous = true;
        let mut read = self.read(client, reference, options).await;
        let is_disjoint = read.as_ref().is_ok_and(|reading| reading.is_disjoint);
        let mut rest = None;
        if is_disjoint {
            let none = self.no_lines();
            let window = mem::take(&mut self.window);
            let mut lines = mem::replace(&mut self.lines, none);
            read = self.read(client, reference, options).await;
            match &read {
                Ok(_) => rest = lines.break_line(),
                // The next attempt finds the gap again.
                Err(_) => (self.window, self.lines) = (window, lines),
            }
        }
        self.params.previous = false;
        let mut reading = read?;
        reading.is_disjoint = is_disjoint;
        reading.lines.splice(0..0, rest);
        reading.lines.extend(self.mark_gap());
        Ok(reading)
    }

    /// Takes all of the next reading as new text. Returns the beginning of a line whose end was missed.
    #[must_use]
    pub(super) fn mark_gap(&mut self) -> Option<Block> {
        self.window.mark_gap(self.params.timestamps);
        self.lines.break_line()
    }

    /// Adds a piece, and returns the completed lines.
    fn take(&mut self, mut chunk: LogChunk) -> Reading {
        if chunk.is_disjoint && chunk.data.is_empty() {
            // The replacement of the log has no text yet, or the log was removed.
            return Reading::default();
        }
        let is_full = chunk.truncated.is_some();
        let is_window = chunk.next.is_none() || chunk.overlaps;
        let began_again = mem::replace(
            &mut self.is_begun_again,
            chunk.is_disjoint && chunk.has_more,
        );
        if began_again && chunk.is_disjoint {
            // Stop here, since otherwise reading could never end.
            self.is_begun_again = true;
            return Reading {
                lacks_rest: true,
                ..Reading::default()
            };
        }
        // A window lacks the same text at each reading; after a position, the lacking text is new.
        let is_noted = (!self.is_opened || !is_window) && !self.has_requested_lines(&chunk.data);
        let has_times = self.params.timestamps;
        self.is_window |= is_window;
        if !is_window {
            self.window.reset();
        }
        let message = match is_window {
            true => self.split_message(&mut chunk.data, true),
            false => None,
        };
        let Some(mut new) = self.window.advance(chunk.data, has_times) else {
            return Reading {
                is_disjoint: true,
                ..Reading::default()
            };
        };
        if chunk.rest.is_none() {
            new.extend(self.window.finish());
        }
        let mut lines = Vec::new();
        if chunk.is_disjoint {
            self.before.clear();
        }
        if self.window.take_break() || chunk.is_disjoint {
            lines.extend(self.lines.break_line());
        }
        let has_position = chunk.next.is_some();
        if let Some(next) = chunk.next {
            self.position = next;
            self.before
                .extend(&new[new.len().saturating_sub(COMPARED_BYTES)..]);
            let surplus = self.before.len().saturating_sub(COMPARED_BYTES);
            self.before.drain(..surplus);
        }
        lines.extend(self.lines.push(&new));
        if !has_position {
            self.note_time(&new);
        }
        let has_rest = chunk.rest.is_some();
        self.rest = chunk.rest;
        Reading {
            is_stuck: is_full && is_window && self.is_opened && new.is_empty(),
            lines,
            message,
            notes: Vec::from_iter(chunk.truncated.filter(|_| is_noted)),
            has_more: has_rest || (chunk.has_more && !chunk.lacks_rest),
            lacks_rest: chunk.lacks_rest,
            is_disjoint: false,
        }
    }

    /// Returns the tail of the first reading, if only the last lines are requested.
    pub(super) fn tail(&self) -> Option<Tail> {
        let lines = self.params.tail_lines.filter(|_| !self.is_opened);
        lines.map(Tail::new)
    }

    /// Returns `true` if it could be read a short time ago, so that its rest may be readable soon.
    pub(super) fn may_be_read(&self) -> bool {
        let unread = self.unread.as_ref();
        unread.is_none_or(|unread| unread.elapsed() < REST_TIMEOUT)
    }

    /// Returns `true` if only lines since a time are read.
    pub(super) fn has_since(&self) -> bool {
        self.since.is_some()
    }

    /// Returns the beginning of an incomplete line at the end of the log.
    pub(super) fn finish(&mut self) -> Option<Block> {
        self.lines.finish()
    }

    /// Returns the beginning of a line that is too long to wait for its end.
    pub(super) fn take_long(&mut self, redactor: &Redactor) -> Vec<Block> {
        self.lines.take_long(redactor)
    }

    /// Returns the available beginning of a line, without a possible beginning of a secret.
    pub(super) fn take_partial_line(&mut self, redactor: &Redactor) -> Option<Block> {
        self.lines.take_partial_line(redactor)
    }
}

#[cfg(test)]
mod tests;
