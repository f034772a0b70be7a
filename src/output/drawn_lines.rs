//! Lines at the end of a terminal's output that are redrawn in place, with codes that
//! every terminal since the VT100 supports.

use unicode_width::UnicodeWidthChar as _;

pub(super) const CLEAR_LINE: &str = "\x1b[K";
pub(super) const CLEAR_BELOW: &str = "\x1b[J";

/// Disables wrapping by the terminal, which can display some characters wider than expected: an additional row would
/// misplace all later drawings. Lines are wrapped here instead.
pub(super) const WITHOUT_WRAP: &str = "\x1b[?7l";
pub(super) const WITH_WRAP: &str = "\x1b[?7h";

/// The lines that were drawn last; the cursor is on the row below them.
#[derive(Debug, Default)]
pub(super) struct DrawnLines {
    drawn: Vec<String>,
}

impl DrawnLines {
    /// Returns the bytes that replace the last drawn lines, on a terminal with this number of columns.
    pub(super) fn draw(&mut self, lines: Vec<String>, width: usize) -> String {
        let mut text = self.start(width) + WITHOUT_WRAP;
        for line in &lines {
            push_line(&mut text, line, width);
            text.push_str("\r\n");
        }
        text.push_str(CLEAR_BELOW);
        text.push_str(WITH_WRAP);
        self.drawn = lines;
        text
    }

    /// Returns the bytes that clear the lines; empty if there are none.
    pub(super) fn clear(&mut self, width: usize) -> String {
        if self.drawn.is_empty() {
            return String::new();
        }
        let text = self.start(width) + CLEAR_BELOW;
        self.drawn.clear();
        text
    }

    /// Keeps the drawn lines, and draws the next ones at the cursor.
    pub(super) fn detach(&mut self) {
        self.drawn.clear();
    }

    /// Returns the bytes that move the cursor to the first row. On a terminal that
    /// became narrower, lines take more rows.
    fn start(&self, width: usize) -> String {
        match height(&self.drawn, width) {
            0 => "\r".to_owned(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

/// Adds the rows of a line, and the codes that clear the rest of each row.
pub(super) fn push_line(text: &mut String, line: &str, width: usize) {
    let end = |text: &mut String, column| {
        // At the end of a full row the cursor is still on its last column.
        if column < width {
            text.push_str(CLEAR_LINE);
        }
    };
    let mut rest = line;
    loop {
        let (row, column, after) = split_row(rest, width);
        text.push_str(row);
        end(text, column);
        if after.is_empty() {
            return;
        }
        text.push_str("\r\n");
        rest = after;
    }
}

/// Returns how many rows of the terminal the lines take.
pub(super) fn height(lines: &[String], width: usize) -> usize {
    lines.iter().map(|line| end_position(line, width).0).sum()
}

/// Returns how many rows a line takes if it is wrapped at the last column, and the column after its end.
fn end_position(line: &str, width: usize) -> (usize, usize) {
    let (mut rows, mut rest) = (1, line);
    loop {
        let (_, column, after) = split_row(rest, width);
        if after.is_empty() {
            return (rows, column);
        }
        (rows, rest) = (rows + 1, after);
    }
}

/// Splits a line into its first row, the columns that this row takes, and the rest.
fn split_row(line: &str, width: usize) -> (&str, usize, &str) {
    let mut column = 0;
    let mut rest = line.char_indices();
    while let Some((at, c)) = rest.next() {
        if c == '\u{1b}' {
            // The only escape sequences in a line are colors: text of a cloud is escaped.
            let _ = rest.find(|(_, c)| *c == 'm');
            continue;
        }
        let wide = c.width().unwrap_or(0);
        if column + wide > width && column > 0 {
            return (&line[..at], column, &line[at..]);
        }
        column += wide;
    }
    (line, column, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_end_of_a_line_is_where_a_terminal_wraps_it_to() {
        assert_eq!(end_position("", 10), (1, 0));
        assert_eq!(end_position("0123456789", 10), (1, 10));
        assert_eq!(end_position("0123456789a", 10), (2, 1));
        assert_eq!(end_position("训练训练", 5), (2, 4));
        assert_eq!(end_position("\u{1b}[31m0123456789\u{1b}[39m", 10), (1, 10));
    }

    #[test]
    fn a_long_line_is_wrapped_before_the_terminal_would_wrap_it() {
        let mut text = String::new();
        push_line(&mut text, "训练训练\u{1b}[31mab\u{1b}[39m", 5);
        assert_eq!(
            text,
            "训练\u{1b}[K\r\n训练\u{1b}[31ma\r\nb\u{1b}[39m\u{1b}[K"
        );
    }

    #[test]
    fn lines_are_drawn_over_the_previous_lines() {
        let mut drawn = DrawnLines::default();
        assert_eq!(drawn.clear(10), "");
        let first = drawn.draw(lines(&["one", "0123456789"]), 10);
        assert_eq!(first, "\r\x1b[?7lone\x1b[K\r\n0123456789\r\n\x1b[J\x1b[?7h");
        let next = drawn.draw(lines(&["one"]), 10);
        assert_eq!(next, "\r\x1b[2A\x1b[?7lone\x1b[K\r\n\x1b[J\x1b[?7h");
        assert_eq!(drawn.clear(10), "\r\x1b[1A\x1b[J");
    }

    #[test]
    fn lines_wrapped_by_a_narrower_terminal_are_drawn_over_completely() {
        let mut drawn = DrawnLines::default();
        drawn.draw(lines(&["0123456789", "one"]), 10);
        assert!(drawn.draw(lines(&["one"]), 4).starts_with("\r\x1b[4A"));
    }

    #[test]
    fn detached_lines_are_not_drawn_over() {
        let mut drawn = DrawnLines::default();
        drawn.draw(lines(&["one"]), 10);
        drawn.detach();
        assert_eq!(
            drawn.draw(lines(&["two"]), 10),
            "\r\x1b[?7ltwo\x1b[K\r\n\x1b[J\x1b[?7h"
        );
    }
}
