use unicode_width::UnicodeWidthChar as _;

use super::text::truncate_width;
use super::{Layout, OutputOptions, RenderContext, Row, escape, job_table, terminal};

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A table that is drawn again and again in the same place.
///
/// It lives on the terminal's second screen: whatever a resize does to lines that were drawn
/// before, the next frame covers it, and what the terminal showed before is untouched.
#[derive(Debug)]
pub struct Live {
    layout: Layout,
    last: Vec<u8>,
}

/// Back to what was there before, with the cursor.
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
/// The terminal shows what lies between these two at once.
const BEGIN_FRAME: &[u8] = b"\x1b[?2026h\x1b[H";
const END_FRAME: &[u8] = b"\x1b[?2026l";
const CLEAR_LINE: &[u8] = b"\x1b[K";
const CLEAR_BELOW: &[u8] = b"\x1b[J";

/// Messages that stand under the table.
const MAX_NOTES: usize = 3;

impl Live {
    /// A table with the columns that the options ask for, and the bytes that open its screen.
    pub fn open(form: &OutputOptions) -> (Self, Vec<u8>) {
        let (layout, last) = (Layout::from_options(form), Vec::new());
        terminal::entered_alternate_screen();
        (Self { layout, last }, terminal::ENTER.to_vec())
    }

    /// The bytes of the next frame; `None` when the terminal shows it already.
    ///
    /// Rows stand in the order given while all fit. Else those that have not ended come first, and
    /// a last line counts the rest. The newest `notes` stand below.
    pub fn frame(
        &mut self,
        rows: &[Row],
        notes: &[String],
        screen: &RenderContext,
        size: TerminalSize,
    ) -> Option<Vec<u8>> {
        let lines = self.lines(rows, notes, screen, size);
        let mut frame = BEGIN_FRAME.to_vec();
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                frame.extend_from_slice(b"\r\n");
            }
            frame.extend_from_slice(line.as_bytes());
            // At the end of a full row the cursor still stands on its last column.
            if last_column(line, size.width) < size.width {
                frame.extend_from_slice(CLEAR_LINE);
            }
        }
        if height(&lines, size.width) < size.height {
            frame.extend_from_slice(b"\r\n");
            frame.extend_from_slice(CLEAR_BELOW);
        }
        frame.extend_from_slice(END_FRAME);
        if frame == self.last {
            return None;
        }
        self.last.clone_from(&frame);
        Some(frame)
    }

    /// Draws the next frame even if nothing has changed.
    pub fn invalidate(&mut self) {
        self.last.clear();
    }

    /// The bytes that close the screen and leave the whole table as normal output.
    pub fn close(self, rows: &[Row], screen: &RenderContext) -> Vec<u8> {
        terminal::left_alternate_screen();
        [LEAVE, &self.table(rows, screen)].concat()
    }

    fn lines(
        &self,
        rows: &[Row],
        notes: &[String],
        screen: &RenderContext,
        size: TerminalSize,
    ) -> Vec<String> {
        let room_for_notes = (size.height / 4).min(MAX_NOTES);
        let first = notes.len().saturating_sub(room_for_notes);
        let notes = notes[first..]
            .iter()
            .map(|note| truncate_width(&escape(note), size.width).into_owned());
        let notes: Vec<String> = notes.collect();
        let room = size.height.saturating_sub(notes.len());
        let mut lines = self.table_lines(rows, screen);
        if height(&lines, size.width) > room {
            lines = self.cut(rows, screen, size.width, room);
        }
        lines.extend(notes);
        lines
    }

    fn table(&self, rows: &[Row], screen: &RenderContext) -> Vec<u8> {
        let mut text = Vec::new();
        job_table::write_rows(&mut text, rows, &self.layout, screen)
            .expect("memory takes every byte");
        text
    }

    fn table_lines(&self, rows: &[Row], screen: &RenderContext) -> Vec<String> {
        let text = self.table(rows, screen);
        let text = String::from_utf8_lossy(&text);
        text.lines().map(str::to_owned).collect()
    }

    /// As many rows as fit with the line that counts the others.
    fn cut(&self, rows: &[Row], screen: &RenderContext, width: usize, room: usize) -> Vec<String> {
        let has_ended = |row: &Row| row.job.is_some_and(|job| job.ended);
        let mut ordered: Vec<Row> = rows.to_vec();
        ordered.sort_by_key(has_ended);
        let (mut fits, mut most) = (0, room.min(ordered.len().saturating_sub(1)));
        let mut lines = Vec::new();
        while fits < most {
            let tried = (fits + most).div_ceil(2);
            let shown = self.table_lines(&ordered[..tried], screen);
            if height(&shown, width) < room {
                (fits, lines) = (tried, shown);
            } else {
                most = tried - 1;
            }
        }
        let rest = match fits {
            0 => format!("{} jobs", rows.len()),
            _ => format!("and {} more", rows.len() - fits),
        };
        lines.push(truncate_width(&rest, width).into_owned());
        lines
    }
}

/// Rows of the terminal that lines take.
fn height(lines: &[String], width: usize) -> usize {
    lines.iter().map(|line| end_position(line, width).0).sum()
}

/// The column after a line's end on its last row.
fn last_column(line: &str, width: usize) -> usize {
    end_position(line, width).1
}

/// Rows that a line takes on a terminal that breaks it where it must, and the column after its end.
fn end_position(line: &str, width: usize) -> (usize, usize) {
    let (mut rows, mut column) = (1, 0);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            // Only colours stand in a line: text from a cloud is escaped.
            let _ = rest.find(|c| *c == 'm');
            continue;
        }
        let wide = c.width().unwrap_or(0);
        if column + wide > width && column > 0 {
            rows += 1;
            column = 0;
        }
        column += wide;
    }
    (rows, column)
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Zone};
    use super::*;
    use crate::model::{Job, State, Time};
    use proptest::prelude::*;

    const NOW: i64 = 1_700_000_000;

    fn job(number: usize, state: State) -> Job {
        let mut job = Job {
            reference: format!("aliyun/job/ehpc/{number}"),
            name: Some("训练".into()),
            state,
            ended: state.is_end(),
            created_at: Time::from_unix(NOW - 90),
            started_at: Time::from_unix(NOW - 60),
            finished_at: Time::from_unix(NOW),
            message: (state == State::Failed).then(|| "the node ran out of memory".into()),
            ..Job::default()
        };
        job.finalize(Time::from_unix(NOW).unwrap());
        job
    }

    fn rows(jobs: &[Job]) -> Vec<Row<'_>> {
        let row = |job| Row {
            reference: "not used".into(),
            job: Some(job),
            read_failure: None,
        };
        jobs.iter().map(row).collect()
    }

    fn form() -> OutputOptions {
        OutputOptions {
            format: Format::Table,
            columns: None,
            headers: true,
            query: None,
        }
    }

    fn screen(width: usize, later: i64) -> RenderContext {
        RenderContext {
            width: Some(width),
            colour: false,
            now: Time::from_unix(NOW + later).unwrap(),
            zone: Zone::Utc,
        }
    }

    /// The next frame after `later` seconds, without the codes around it, one per line.
    fn drawn(
        live: &mut Live,
        jobs: &[Job],
        notes: &[&str],
        size: TerminalSize,
        later: i64,
    ) -> Vec<String> {
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        let frame = live
            .frame(&rows(jobs), &notes, &screen(size.width, later), size)
            .unwrap();
        let text = String::from_utf8(frame).unwrap();
        let text = text.strip_prefix("\u{1b}[?2026h\u{1b}[H").unwrap();
        let text = text.strip_suffix("\u{1b}[?2026l").unwrap();
        let text = text.strip_suffix("\r\n\u{1b}[J").unwrap_or(text);
        text.split("\r\n")
            .map(|line| line.strip_suffix("\u{1b}[K").unwrap_or(line).to_owned())
            .collect()
    }

    fn live() -> Live {
        Live::open(&form()).0
    }

    const SMALL: TerminalSize = TerminalSize {
        width: 80,
        height: 5,
    };

    #[test]
    fn a_frame_is_the_table_with_the_present_ages_and_the_notes_below() {
        let jobs = [job(1, State::Running), job(2, State::Failed)];
        let notes = ["aliyun does not answer\u{1b}[2J"];
        let size = TerminalSize {
            width: 80,
            height: 20,
        };
        assert_eq!(
            drawn(&mut live(), &jobs, &notes, size, 7),
            [
                "REF                STATE    NAME  RAN    AGE    WHY",
                "aliyun/job/ehpc/1  running  训练  1m07s  1m37s",
                "aliyun/job/ehpc/2  failed   训练  1m     1m37s  the node ran out of memory",
                "aliyun does not answer\\u{1b}[2J",
            ]
        );
    }

    #[test]
    fn more_rows_than_fit_leave_those_that_have_not_ended_and_a_count() {
        let mut jobs: Vec<Job> = (1..=4).map(|one| job(one, State::Succeeded)).collect();
        jobs.extend((5..=7).map(|one| job(one, State::Running)));
        let shown = drawn(&mut live(), &jobs, &[], SMALL, 0);
        let first = |line: &String| line.split(' ').next().unwrap().to_owned();
        assert_eq!(
            shown[..4].iter().map(first).collect::<Vec<_>>(),
            [
                "REF",
                "aliyun/job/ehpc/5",
                "aliyun/job/ehpc/6",
                "aliyun/job/ehpc/7"
            ]
        );
        assert_eq!(shown[4], "and 4 more");
    }

    #[test]
    fn a_frame_that_is_shown_already_is_not_drawn_again() {
        let jobs = [job(1, State::Succeeded)];
        let mut live = live();
        let mut frame = |later| {
            let mut jobs = jobs.clone();
            jobs[0].created_at = None;
            live.frame(&rows(&jobs), &[], &screen(80, later), SMALL)
        };
        assert!(frame(0).is_some());
        assert_eq!(frame(1), None);
        live.invalidate();
        let jobs = [Job {
            created_at: None,
            ..jobs[0].clone()
        }];
        assert!(
            live.frame(&rows(&jobs), &[], &screen(80, 1), SMALL)
                .is_some()
        );
    }

    #[test]
    fn what_was_not_read_yet_has_a_row_that_says_so() {
        let unread = [
            Row {
                reference: "sugon/instance/a".into(),
                job: None,
                read_failure: None,
            },
            Row {
                reference: "sugon/instance/b".into(),
                job: None,
                read_failure: Some("not found; retrying".into()),
            },
        ];
        let frame = live().frame(&unread, &[], &screen(100, 0), SMALL);
        let text = String::from_utf8(frame.unwrap()).unwrap();
        assert!(
            text.contains("sugon/instance/a  -      -     -    -\u{1b}[K\r\n"),
            "{text:?}"
        );
        assert!(
            text.contains("-    -    not found; retrying\u{1b}[K"),
            "{text:?}"
        );
    }

    #[test]
    fn closing_shows_the_cursor_and_leaves_every_row_as_normal_output() {
        let jobs: Vec<Job> = (1..=9).map(|one| job(one, State::Succeeded)).collect();
        let (live, opened) = Live::open(&form());
        assert_eq!(opened, b"\x1b[?1049h\x1b[?25l");
        let text = String::from_utf8(live.close(&rows(&jobs), &screen(80, 0))).unwrap();
        let table = text.strip_prefix("\u{1b}[?25h\u{1b}[?1049l").unwrap();
        assert_eq!(table.lines().count(), 10);
        assert!(!table.contains('\u{1b}') && table.ends_with('\n'));
    }

    #[test]
    fn a_line_takes_the_rows_that_a_terminal_breaks_it_into() {
        assert_eq!(end_position("", 10), (1, 0));
        assert_eq!(end_position("0123456789", 10), (1, 10));
        assert_eq!(end_position("0123456789a", 10), (2, 1));
        assert_eq!(end_position("训练训练", 5), (2, 4));
        assert_eq!(
            end_position("\u{1b}[38;5;9m0123456789\u{1b}[39m", 10),
            (1, 10)
        );
    }

    proptest! {
        #[test]
        fn a_frame_never_takes_more_rows_than_the_terminal_has(
            width in 1_usize..120,
            height in 1_usize..30,
            count in 1_usize..40,
            notes in 0_usize..5,
        ) {
            let states = [State::Running, State::Failed, State::Succeeded];
            let jobs: Vec<Job> = (0..count).map(|one| job(one, states[one % 3])).collect();
            let notes = vec!["aliyun does not answer"; notes];
            let lines = drawn(&mut live(), &jobs, &notes, TerminalSize { width, height }, 0);
            prop_assert!(super::height(&lines, width) <= height, "{lines:#?}");
        }
    }
}
