use std::io;

use super::EventDeduplicator;
use crate::error::Problem;
use crate::model::{Job, State, Time};
use crate::output::{
    self, Format, Live, OutputOptions, RecordWriter, RenderContext, Row, Summary, TimelineWriter,
    Zone, write_transition,
};

/// The display of followed jobs. Each method returns the bytes to write.
pub(in crate::commands) enum FollowOutput {
    /// A line for each state change.
    Lines(Zone),
    /// Records for programs.
    Records(RecordWriter),
    /// A table that is redrawn in place.
    Live(Live),
    /// A timeline for people, entry by entry.
    Page(TimelineWriter, EventDeduplicator),
    /// A timeline as records for programs.
    Events(RecordWriter, EventDeduplicator),
}

impl FollowOutput {
    /// Returns the display of states in an output format; `live` is the table to draw
    /// if the terminal supports it.
    pub(in crate::commands) fn of_states(
        options: &OutputOptions,
        zone: Zone,
        live: Option<Live>,
    ) -> Self {
        match (options.format, live) {
            (Format::Jsonl, _) => Self::Records(RecordWriter::default()),
            (_, Some(live)) => Self::Live(live),
            (_, None) => Self::Lines(zone),
        }
    }

    /// Returns `true` if timeline entries are shown, not only states.
    pub(super) fn needs_events(&self) -> bool {
        matches!(self, Self::Page(..) | Self::Events(..))
    }

    /// Returns `true` if the rows of all jobs are shown at the end.
    pub(super) fn needs_rows(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Handles a job that was read: shows what happened to it since the last read.
    pub(super) fn on_read(&mut self, at: Time, job: &Job) -> Vec<u8> {
        written(|out| match self {
            Self::Page(page, dedup) => {
                let new = dedup.new_events(job);
                new.iter().try_for_each(|one| page.entry(out, one))
            }
            Self::Events(records, dedup) => {
                let new = dedup.new_events(job);
                new.iter().try_for_each(|one| records.write(out, at, one))
            }
            Self::Lines(_) | Self::Records(_) | Self::Live(_) => Ok(()),
        })
    }

    /// Handles a job with a new state.
    pub(super) fn transition(&mut self, at: Time, job: &Job, previous: Option<State>) -> Vec<u8> {
        written(|out| match self {
            Self::Lines(zone) => write_transition(out, at, *zone, job, previous),
            Self::Records(records) => records.transition(out, at, job, previous),
            Self::Live(_) | Self::Page(..) | Self::Events(..) => Ok(()),
        })
    }

    /// Handles a job that cannot be read.
    pub(super) fn error(&mut self, at: Time, problem: &Problem) -> Vec<u8> {
        written(|out| match self {
            Self::Records(records) | Self::Events(records, _) => records.write(out, at, problem),
            Self::Lines(_) | Self::Live(_) | Self::Page(..) => Ok(()),
        })
    }

    /// Returns the table that is redrawn, if this is one.
    pub(super) fn live(&mut self) -> Option<&mut Live> {
        match self {
            Self::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Ends the display with the summary, or with the table as normal output.
    pub(super) fn close(
        self,
        rows: &[Row],
        render_context: &RenderContext,
        summary: Summary,
    ) -> Vec<u8> {
        match self {
            Self::Lines(_) | Self::Page(..) => Vec::new(),
            Self::Records(mut records) | Self::Events(mut records, _) => {
                written(|out| records.write(out, render_context.now, summary))
            }
            Self::Live(live) => live.close(rows, render_context),
        }
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes every byte");
    bytes
}

/// Formats a problem as lines for stderr.
pub(super) fn problem_lines(problem: &Problem, render_context: &RenderContext) -> Vec<String> {
    let bytes = written(|out| output::write_problem(out, problem, render_context));
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(str::to_owned).collect()
}
