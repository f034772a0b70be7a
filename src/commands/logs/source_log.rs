//! One log while it is read: where reading goes on, and what of it is new.

use super::lines::{Line, Lines, Tail};
use super::printer::last_timestamp;
use super::window::Window;
use crate::error::Problem;
use crate::providers::{
    Client, GetOptions, LogChunk, LogParams, LogPosition, LogRequest, LogSource,
};
use crate::reference::Reference;

/// One log of a job.
#[derive(Debug)]
pub(super) struct SourceLog {
    /// Which log it is, and how it is now.
    pub source: LogSource,
    /// Whether all that was there at first is read.
    pub is_opened: bool,
    /// True when the API gives the end of the log only, so that an empty one may also be gone.
    pub is_window: bool,
    position: LogPosition,
    window: Window,
    lines: Lines,
    params: LogParams,
}

/// What a reading brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// The new lines.
    pub lines: Vec<Line>,
    /// What a reader should know: what the cloud left out, or what may have been missed.
    pub notes: Vec<String>,
    /// True when more can be read at once.
    pub has_more: bool,
}

impl SourceLog {
    /// A log of which nothing is read.
    pub(super) fn new(source: LogSource, params: &LogParams) -> Self {
        Self {
            source,
            is_opened: false,
            is_window: false,
            position: LogPosition::Start,
            window: Window::default(),
            lines: Lines::default(),
            params: params.clone(),
        }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// Those of the client.
    pub(super) async fn read(
        &mut self,
        client: &dyn Client,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<Reading, Problem> {
        // No API takes 0 lines, and nothing of the first reading is printed then.
        let tail_lines = self.params.tail_lines.map(|lines| lines.max(1));
        let params = LogParams {
            tail_lines: tail_lines.filter(|_| !self.is_opened),
            ..self.params.clone()
        };
        let request = LogRequest {
            reference,
            source: &self.source,
            position: &self.position,
            params: &params,
        };
        let chunk = client.read_log(request, options).await?;
        Ok(self.take(chunk))
    }

    /// Reads what the container wrote before its restart, after what is known of it, and goes on with
    /// the new run from its start.
    ///
    /// # Errors
    /// Those of the client.
    pub(super) async fn read_previous(
        &mut self,
        client: &dyn Client,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<Reading, Problem> {
        self.params.previous = true;
        let read = self.read(client, reference, options).await;
        self.params.previous = false;
        self.window.reset();
        let mut reading = read?;
        reading.lines.extend(self.lines.finish());
        Ok(reading)
    }

    /// The lines that a piece completes.
    fn take(&mut self, chunk: LogChunk) -> Reading {
        let mut notes = Vec::from_iter(chunk.truncated.filter(|_| !self.is_opened));
        let data = match chunk.next {
            Some(next) => {
                self.position = next;
                chunk.data
            }
            None => {
                self.is_window = true;
                if self.params.timestamps && self.is_opened {
                    // The next window begins where this one ends, and is small.
                    self.params.since = last_timestamp(&chunk.data).or(self.params.since);
                }
                let new = self.window.advance(chunk.data);
                if new.has_gap {
                    notes.push("lines between two readings may be missing".to_owned());
                }
                new.data
            }
        };
        Reading {
            lines: self.lines.push(&data),
            notes,
            has_more: chunk.has_more,
        }
    }

    /// The last lines of a first reading, as many as were asked for.
    pub(super) fn tail(&self) -> Option<Tail> {
        let lines = self.params.tail_lines.filter(|_| !self.is_opened);
        lines.map(Tail::new)
    }

    /// The beginning of a line whose end will not come.
    pub(super) fn finish(&mut self) -> Option<Line> {
        self.lines.finish()
    }

    /// The beginning of a line that has not grown for a while.
    pub(super) fn take_unfinished(&mut self) -> Option<Line> {
        self.lines.take_unfinished()
    }
}
