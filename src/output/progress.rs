use super::drawn_lines::DrawnLines;
use super::human;
use super::style::{state_style, styled};
use super::text::{truncate_middle, truncate_width};
use super::{RenderContext, TerminalSize, escape};
use crate::model::State;
use crate::sort::SortExt as _;

/// One line per job and a status line at the end of a terminal's output; cleared at the end.
#[derive(Debug, Default)]
pub struct Progress {
    drawn: DrawnLines,
    lines: Vec<String>,
}

/// The displayed data of a job.
#[derive(Debug, Clone)]
pub struct ProgressRow {
    /// The canonical reference.
    pub reference: String,
    /// The state that was last read, if any.
    pub state: Option<State>,
    /// How many seconds the job has been in its state.
    pub seconds: i64,
}

/// Width of the states and of the times.
const STATE_WIDTH: usize = 9;
const TIME_WIDTH: usize = 6;
/// Width before a reference.
const REFERENCE_COLUMN: usize = STATE_WIDTH + 1 + TIME_WIDTH + 2;

impl Progress {
    /// Returns the bytes that replace the last lines by jobs and a status line; empty
    /// if the terminal already shows them.
    ///
    /// If there are more jobs than rows, final jobs are omitted first, and a line counts the omitted ones.
    /// `is_final` is true for each job that needs no more polls; `row` returns the row of a job.
    pub fn draw(
        &mut self,
        is_final: &[bool],
        row: &dyn Fn(usize) -> ProgressRow,
        status: &str,
        context: &RenderContext,
        size: TerminalSize,
    ) -> String {
        let lines = lines(is_final, row, status, context, size);
        if lines == self.lines {
            return String::new();
        }
        self.lines.clone_from(&lines);
        self.drawn.draw(lines, size.width)
    }

    /// Returns the bytes that print a line above the others.
    pub fn println(&mut self, text: &str, width: usize) -> String {
        let cleared = self.drawn.clear(width);
        let again = match self.lines.is_empty() {
            true => String::new(),
            false => self.drawn.draw(self.lines.clone(), width),
        };
        format!("{cleared}{}\r\n{again}", escape(text))
    }

    /// Draws the next lines at the cursor, because it was moved.
    pub fn detach(&mut self) {
        self.drawn.detach();
        self.lines.clear();
    }

    /// Returns the bytes that clear the lines.
    pub fn clear(&mut self, width: usize) -> String {
        self.drawn.clear(width)
    }
}

/// Returns the numbers of the rows to show if only `max_rows` rows fit: those that are not final first.
fn shown_rows(is_final: &[bool], max_rows: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..is_final.len()).collect();
    if rows.len() > max_rows {
        rows.order_by_key(|number| is_final[*number]);
        rows.truncate(max_rows);
    }
    rows
}

fn lines(
    is_final: &[bool],
    row: &dyn Fn(usize) -> ProgressRow,
    status: &str,
    context: &RenderContext,
    size: TerminalSize,
) -> Vec<String> {
    // The status line and the cursor each take a row.
    let max_rows = size.height.saturating_sub(2);
    let all = is_final.len();
    let shown = shown_rows(
        is_final,
        max_rows.saturating_sub(usize::from(all > max_rows)),
    );
    let mut lines: Vec<String> = shown
        .iter()
        .map(|number| line(&row(*number), context, size.width))
        .collect();
    if shown.len() < all && max_rows > 0 {
        lines.push(format!("and {} more", all - shown.len()));
    }
    lines.push(escape(status).into_owned());
    let cut = |line: String| match line.contains('\u{1b}') {
        true => line,
        false => truncate_width(&line, size.width).into_owned(),
    };
    lines.into_iter().map(cut).collect()
}

/// Returns state, time and reference; the reference is truncated first. Without colors
/// if the other two do not fit either.
fn line(row: &ProgressRow, context: &RenderContext, width: usize) -> String {
    let word = row.state.map_or("-", State::as_str);
    let time = human::duration(row.seconds);
    let reference = escape(&row.reference);
    let max_width = width.saturating_sub(REFERENCE_COLUMN);
    let reference = truncate_middle(&reference, max_width);
    let blank = " ".repeat(STATE_WIDTH.saturating_sub(word.len()));
    let word = match row.state.filter(|_| width > REFERENCE_COLUMN) {
        Some(state) => styled(state_style(state), word, context),
        None => word.to_owned(),
    };
    format!("{word}{blank} {time:>TIME_WIDTH$}  {reference}")
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use crate::model::Time;

    fn context(color: bool) -> RenderContext {
        RenderContext {
            width: None,
            color,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        }
    }

    fn row(id: &str, state: Option<State>, seconds: i64) -> ProgressRow {
        ProgressRow {
            reference: format!("aliyun/job/ehpc-hz-FYUr32/{id}"),
            state,
            seconds,
        }
    }

    fn is_final(rows: &[ProgressRow]) -> Vec<bool> {
        let rows = rows.iter();
        rows.map(|row| row.state.is_some_and(State::is_end))
            .collect()
    }

    fn shown(rows: &[ProgressRow], width: usize, height: usize) -> Vec<String> {
        let size = TerminalSize { width, height };
        lines(
            &is_final(rows),
            &|number| rows[number].clone(),
            "waiting for succeeded: 1 of 3 met",
            &context(false),
            size,
        )
    }

    #[test]
    fn each_job_has_a_line_and_the_status_is_the_last() {
        let rows = [
            row("train-7", Some(State::Running), 3725),
            row("训练", None, 2),
        ];
        assert_eq!(
            shown(&rows, 80, 24),
            [
                "running    1h02m  aliyun/job/ehpc-hz-FYUr32/train-7",
                "-             2s  aliyun/job/ehpc-hz-FYUr32/训练",
                "waiting for succeeded: 1 of 3 met",
            ]
        );
    }

    #[test]
    fn a_narrow_terminal_shortens_references_in_the_middle() {
        let rows = [row("train-7", Some(State::Running), 3725)];
        let lines = shown(&rows, 36, 24);
        assert_eq!(lines[0], "running    1h02m  aliyun/j…2/train-7");
        assert_eq!(lines[1], "waiting for succeeded: 1 of 3 met");
        for width in 1..40 {
            for line in shown(&rows, width, 24) {
                assert!(super::super::text::width(&line) <= width, "{line:?}");
            }
        }
    }

    #[test]
    fn a_low_terminal_shows_jobs_that_are_not_final_and_counts_the_rest() {
        let mut rows = vec![row("1", Some(State::Succeeded), 5); 4];
        rows.push(row("train-7", Some(State::Running), 5));
        let lines = shown(&rows, 80, 5);
        assert!(lines[0].ends_with("/train-7"), "{lines:?}");
        assert_eq!(lines[2], "and 3 more");
        assert_eq!(lines.len(), 4);
        for height in 1..6 {
            assert!(shown(&rows, 80, height).len() < height.max(2));
        }
    }

    #[test]
    fn a_line_is_printed_above_and_the_rest_is_drawn_again() {
        let mut progress = Progress::default();
        let size = TerminalSize {
            width: 80,
            height: 24,
        };
        let rows = [row("1", Some(State::Running), 5)];
        let draw = |progress: &mut Progress| {
            let row = |number: usize| rows[number].clone();
            progress.draw(&is_final(&rows), &row, "status", &context(true), size)
        };
        assert!(!draw(&mut progress).is_empty());
        assert_eq!(draw(&mut progress), "");
        let text = progress.println("a\u{1b}[2Jb", 80);
        let (before, after) = text.split_once("a\\u{1b}[2Jb\r\n").unwrap();
        assert_eq!(before, "\r\u{1b}[2A\u{1b}[J");
        assert!(after.contains("\u{1b}[36mrunning\u{1b}[0m") && after.contains("status"));
        assert_eq!(progress.clear(80), "\r\u{1b}[2A\u{1b}[J");
    }
}
