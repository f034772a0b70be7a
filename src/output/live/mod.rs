mod rank;
#[cfg(test)]
mod tests;

use std::os::fd::AsFd;

use super::drawn_lines::{CLEAR_BELOW, DrawnLines, WITH_WRAP, WITHOUT_WRAP, height, push_line};
use super::human;
use super::text::truncate_width;
use super::{Layout, OutputOptions, RenderContext, Row, escape, job_table, terminal};
use crate::model::Job;
use rank::{Rank, first_by_rank};

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl TerminalSize {
    /// Returns the size of a terminal; 80 columns and 24 rows if unknown.
    pub fn of(terminal: impl AsFd) -> Self {
        let size = terminal_size::terminal_size_of(terminal);
        let (width, height) = size.map_or((80, 24), |(width, height)| (width.0, height.0));
        Self {
            width: usize::from(width),
            height: usize::from(height),
        }
    }
}

/// A table that is redrawn in place.
#[derive(Debug)]
pub struct Live {
    layout: Layout,
    screen: Screen,
}

/// Where the table is drawn.
#[derive(Debug)]
enum Screen {
    /// On the alternate screen: the next frame covers the effects of a resize, and the
    /// previous content of the terminal is kept.
    Alternate { is_open: bool, last: String },
    /// Below earlier output, if the terminal has no alternate screen.
    Normal(DrawnLines),
}

/// The content of a frame.
pub struct Frame<'a> {
    /// The last job that was read for each reference, in order, if any.
    pub jobs: &'a [Option<&'a Job>],
    /// Returns whether the last job that was read is current.
    pub read_status: &'a dyn Fn(usize) -> ReadStatus,
    /// Returns the row of a job.
    pub row: &'a dyn Fn(usize) -> Row<'a>,
    /// Messages; the newest are shown below the table.
    pub notes: &'a [String],
    /// The scopes in which jobs are searched.
    pub scopes: ScopeCounts,
    /// Seconds since a job was last read, or a scope was last listed; `None` if none was.
    pub last_read: Option<i64>,
    /// Whether `q` ends the command.
    pub has_keys: bool,
}

/// Whether the last job that was read for a reference is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadStatus {
    /// It is read again until it has ended.
    Polled,
    /// It is not read again because of an error.
    Failed,
    /// The job no longer exists.
    Gone,
}

/// Numbers of scopes, by the result of their last list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// Scopes that were listed.
    pub read: usize,
    /// Scopes without a result yet.
    pub unread: usize,
    /// Scopes that could not be listed.
    pub failed: usize,
}

/// The terminal displays everything between these two at once.
const BEGIN_FRAME: &str = "\x1b[?2026h\x1b[H";
const END_FRAME: &str = "\x1b[?2026l";

/// Maximum number of messages below the table.
const MAX_NOTES: usize = 3;
/// A terminal with fewer rows shows no status line.
const MIN_STATUS_HEIGHT: usize = 3;

impl Live {
    /// Creates a table with the columns that the options request; `has_alternate_screen` if the terminal has one.
    pub fn new(options: &OutputOptions, has_alternate_screen: bool) -> Self {
        Self {
            layout: Layout::from_options(options),
            screen: match has_alternate_screen {
                true => Screen::Alternate {
                    is_open: false,
                    last: String::new(),
                },
                false => Screen::Normal(DrawnLines::default()),
            },
        }
    }

    /// Returns the bytes of the next frame; empty if the terminal already shows it.
    ///
    /// Rows are in the given order if all fit. Otherwise the first failures come first, then the jobs that have not
    /// ended, and a line counts the rest. Messages are below, and a status line last.
    pub fn frame(
        &mut self,
        frame: &Frame<'_>,
        context: &RenderContext,
        size: TerminalSize,
    ) -> Vec<u8> {
        let max_height = match self.screen {
            Screen::Alternate { .. } => size.height,
            // The cursor is on the row below.
            Screen::Normal(_) => size.height.saturating_sub(1),
        };
        let lines = self.lines(
            frame,
            context,
            TerminalSize {
                height: max_height,
                ..size
            },
        );
        match &mut self.screen {
            Screen::Normal(drawn) => drawn.draw(lines, size.width).into(),
            Screen::Alternate { is_open, last } => {
                let next = alternate_frame(&lines, size);
                if *is_open && next == *last {
                    return Vec::new();
                }
                last.clone_from(&next);
                let opening = match std::mem::replace(is_open, true) {
                    true => &[],
                    false => terminal::enter_alternate_screen(),
                };
                [opening, next.as_bytes()].concat()
            }
        }
    }

    /// Draws the next frame even if nothing has changed.
    pub fn invalidate(&mut self) {
        if let Screen::Alternate { last, .. } = &mut self.screen {
            last.clear();
        }
    }

    /// Returns the bytes that restore the terminal; the next frame starts again.
    pub fn suspend(&mut self) -> Vec<u8> {
        match &mut self.screen {
            Screen::Normal(drawn) => {
                drawn.detach();
                Vec::new()
            }
            Screen::Alternate { is_open, .. } => match std::mem::take(is_open) {
                true => terminal::leave_alternate_screen().to_vec(),
                false => Vec::new(),
            },
        }
    }

    /// Returns the bytes that restore the terminal and leave the whole table as normal output.
    pub fn close(mut self, rows: &[Row], context: &RenderContext) -> Vec<u8> {
        let start = match &mut self.screen {
            Screen::Normal(drawn) => drawn.clear(context.width.unwrap_or(80)).into(),
            Screen::Alternate { .. } => self.suspend(),
        };
        [start, self.table(rows, &self.layout, context)].concat()
    }

    fn lines(&self, frame: &Frame<'_>, context: &RenderContext, size: TerminalSize) -> Vec<String> {
        let room_for_notes = (size.height / 4).min(MAX_NOTES);
        let first = frame.notes.len().saturating_sub(room_for_notes);
        let mut below = frame.notes[first..].to_vec();
        if size.height >= MIN_STATUS_HEIGHT {
            below.push(status(frame));
        }
        let below = below
            .iter()
            .map(|line| truncate_width(&escape(line), size.width).into_owned());
        let below: Vec<String> = below.collect();
        let max_height = size.height.saturating_sub(below.len());
        let jobs = frame.jobs.iter().enumerate();
        let ranks: Vec<Rank> = jobs
            .map(|(number, job)| Rank::of(*job, (frame.read_status)(number)))
            .collect();
        let first_rows = |max_height| -> Vec<Row> {
            let shown = first_by_rank(&ranks, max_height).into_iter();
            shown.map(frame.row).collect()
        };
        // A row takes at least one line.
        let (mut rows, all) = (first_rows(max_height), frame.jobs.len());
        let mut lines = self.table_lines(&rows, context);
        if rows.len() < all || height(&lines, size.width) > max_height {
            if rows.len() == all {
                rows = first_rows(all.saturating_sub(1));
            }
            lines = self.cut(&rows, all, context, size.width, max_height);
        }
        lines.extend(below);
        lines
    }

    fn table(&self, rows: &[Row], layout: &Layout, context: &RenderContext) -> Vec<u8> {
        let mut text = Vec::new();
        job_table::write_rows(&mut text, rows, layout, context).expect("memory takes every byte");
        text
    }

    fn table_lines(&self, rows: &[Row], context: &RenderContext) -> Vec<String> {
        let text = self.table(rows, &self.layout.clone().grouped(), context);
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    }

    /// Returns as many rows as fit together with the line that counts the remaining ones of `all`.
    fn cut(
        &self,
        rows: &[Row],
        all: usize,
        context: &RenderContext,
        width: usize,
        max_height: usize,
    ) -> Vec<String> {
        let (mut fits, mut most) = (0, max_height.min(rows.len()));
        let mut lines = Vec::new();
        while fits < most {
            let tried = (fits + most).div_ceil(2);
            let shown = self.table_lines(&rows[..tried], context);
            if height(&shown, width) < max_height {
                (fits, lines) = (tried, shown);
            } else {
                most = tried - 1;
            }
        }
        let rest = match fits {
            0 => format!("{all} jobs"),
            _ => format!("and {} more", all - fits),
        };
        lines.push(truncate_width(&rest, width).into_owned());
        lines
    }
}

fn alternate_frame(lines: &[String], size: TerminalSize) -> String {
    let mut frame = BEGIN_FRAME.to_owned() + WITHOUT_WRAP;
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            frame.push_str("\r\n");
        }
        push_line(&mut frame, line, size.width);
    }
    if height(lines, size.width) < size.height {
        frame.push_str("\r\n");
        frame.push_str(CLEAR_BELOW);
    }
    frame.push_str(WITH_WRAP);
    frame.push_str(END_FRAME);
    frame
}

/// Returns for example `1 failed, 4 running, polled 3 s ago, q to quit`.
fn status(frame: &Frame<'_>) -> String {
    let jobs = frame.jobs.iter().enumerate();
    let (mut states, mut unread, mut failed, mut gone) = (Vec::new(), 0, 0, 0);
    for (number, job) in jobs {
        match ((frame.read_status)(number), job) {
            (ReadStatus::Gone, _) => gone += 1,
            (ReadStatus::Failed, Some(job)) if job.ended => states.push(job.state),
            (ReadStatus::Failed, _) => failed += 1,
            (ReadStatus::Polled, Some(job)) => states.push(job.state),
            (ReadStatus::Polled, None) => unread += 1,
        }
    }
    let mut parts = Vec::new();
    if !states.is_empty() {
        parts.push(human::state_counts(states));
    }
    if gone > 0 {
        parts.push(format!("{gone} disappeared"));
    }
    if failed > 0 {
        parts.push(format!("{failed} cannot be read"));
    }
    if unread > 0 {
        parts.push(format!("{unread} not read yet"));
    }
    parts.extend(scope_status(frame));
    match frame.last_read {
        Some(seconds @ 0..60) => parts.push(format!("polled {seconds} s ago")),
        Some(seconds) => parts.push(format!("polled {} ago", human::duration(seconds))),
        None => {}
    }
    if frame.has_keys {
        parts.push("q to quit".to_owned());
    }
    parts.join(", ")
}

/// Returns for example `no active jobs`, or `2 scopes cannot be read`.
fn scope_status(frame: &Frame<'_>) -> Vec<String> {
    let counted = |count: usize| match count {
        1 => "1 scope".to_owned(),
        count => format!("{count} scopes"),
    };
    let ScopeCounts {
        read,
        unread,
        failed,
    } = frame.scopes;
    let mut parts = Vec::new();
    if frame.jobs.is_empty() && read > 0 {
        parts.push("no active jobs".to_owned());
    }
    if unread > 0 {
        parts.push(format!("{} not read yet", counted(unread)));
    }
    if failed > 0 {
        parts.push(format!("{} cannot be read", counted(failed)));
    }
    parts
}
