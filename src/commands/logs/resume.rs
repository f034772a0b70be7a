//! Finds the new text in a response that begins before the end of the known text.

use std::collections::VecDeque;

use super::printer::split_timestamp;
use crate::model::Time;

/// The number of first bytes, including the timestamp, by which a line is recognized.
pub(super) const HEAD_BYTES: usize = 40;

/// Finds the text that follows the known lines, part by part. Lines begin with timestamps.
#[derive(Debug, Default)]
pub(super) struct Resume {
    /// The time of the last known line, and the first bytes of the known lines with this time.
    last_lines: Option<(Time, VecDeque<Vec<u8>>)>,
    /// The first bytes of the last, incomplete known line, and how many of its bytes are known.
    partial_line: Option<(Vec<u8>, usize)>,
    /// The rest of the text is new.
    is_past: bool,
    /// The first bytes of a line that is not recognized yet.
    line_start: Vec<u8>,
    /// The rest of the current line is known.
    is_dropping: bool,
    has_dropped: bool,
    /// The text continues the incomplete known line.
    is_continued: bool,
    /// How many bytes of the current line are known.
    skipped: usize,
    /// The text does not continue the incomplete known line.
    is_broken: bool,
}

impl Resume {
    /// Creates a search for the text after `known`, which begins at the beginning of a line. If it has only one
    /// line, `omitted` is the number of bytes that were dropped after its first bytes.
    pub(super) fn after(known: &[u8], omitted: usize) -> Self {
        let end = memchr::memrchr(b'\n', known).map_or(0, |at| at + 1);
        let (complete, begun) = known.split_at(end);
        let mut last: Option<(Time, VecDeque<Vec<u8>>)> = None;
        for line in complete.split_inclusive(|byte| *byte == b'\n').rev() {
            match (split_timestamp(line).0, &mut last) {
                (None, _) => {}
                (Some(at), None) => last = Some((at, VecDeque::from([head(line)]))),
                (Some(at), Some((last, heads))) if at == *last => heads.push_front(head(line)),
                (Some(_), Some(_)) => break,
            }
        }
        let last = last.or_else(|| Some((split_timestamp(begun).0?, VecDeque::new())));
        let begun = (!begun.is_empty()).then(|| (head(begun), begun.len() + omitted));
        Self {
            is_past: last.is_none() && begun.is_none(),
            last_lines: last,
            partial_line: begun,
            ..Self::default()
        }
    }

    /// Returns the new text in the next part.
    pub(super) fn new_text(&mut self, part: &[u8]) -> Vec<u8> {
        let mut rest = part;
        while !self.is_past {
            if self.is_dropping {
                let Some(end) = memchr::memchr(b'\n', rest) else {
                    return Vec::new();
                };
                rest = &rest[end + 1..];
                self.is_dropping = false;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (head, after) = rest.split_at(end.min(HEAD_BYTES - self.line_start.len()));
            self.line_start.extend_from_slice(head);
            rest = after;
            let is_complete_line = self.line_start.ends_with(b"\n");
            if !is_complete_line && self.line_start.len() < HEAD_BYTES {
                return Vec::new();
            }
            if self.is_known() {
                self.line_start.clear();
                (self.has_dropped, self.is_dropping) = (true, !is_complete_line);
            } else {
                self.pass();
            }
        }
        let mut new = std::mem::take(&mut self.line_start);
        new.extend_from_slice(rest);
        if self.skipped > 0 {
            let end = memchr::memchr(b'\n', &new);
            let count = self.skipped.min(end.unwrap_or(new.len()));
            new.drain(..count);
            self.skipped = if end.is_some() {
                0
            } else {
                self.skipped - count
            };
        }
        new
    }

    /// Returns the new text of an incomplete line at the end.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        if self.line_start.is_empty() || self.is_known() {
            return Vec::new();
        }
        self.pass();
        self.new_text(&[])
    }

    /// Reports whether the text contains any known text.
    pub(super) fn has_found(&self) -> bool {
        self.has_dropped || self.is_continued
    }

    /// Returns `true`, once, if the text does not continue the incomplete known line.
    pub(super) fn take_break(&mut self) -> bool {
        std::mem::take(&mut self.is_broken)
    }

    /// Reports whether the line in `head` is known. A line without a timestamp belongs to the one before it.
    fn is_known(&mut self) -> bool {
        match (split_timestamp(&self.line_start).0, &mut self.last_lines) {
            (None, _) => self.has_dropped && self.partial_line.is_none(),
            (Some(at), Some((last, _))) if at < *last => true,
            (Some(at), Some((last, heads))) => {
                let is_known = at == *last && heads.front() == Some(&self.line_start);
                is_known && heads.pop_front().is_some()
            }
            (Some(_), None) => false,
        }
    }

    /// Handles the first line that is not known completely.
    fn pass(&mut self) {
        self.is_past = true;
        if let Some((begun, length)) = self.partial_line.take() {
            match self.line_start.starts_with(&begun) {
                true => (self.skipped, self.is_continued) = (length, true),
                false => self.is_broken = true,
            }
        }
    }
}

fn head(line: &[u8]) -> Vec<u8> {
    line[..line.len().min(HEAD_BYTES)].to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(second: u32, text: &str) -> String {
        format!("2026-01-02T03:04:{second:02}.5Z {text}\n")
    }

    /// Returns the new text of `text`, read in parts of `size` bytes.
    fn new(known: &str, text: &str, size: usize) -> (String, bool) {
        let mut resume = Resume::after(known.as_bytes(), 0);
        let (mut new, mut is_broken) = (Vec::new(), false);
        for part in text.as_bytes().chunks(size) {
            new.extend(resume.new_text(part));
            is_broken |= resume.take_break();
        }
        (String::from_utf8(new).unwrap(), is_broken)
    }

    #[test]
    fn known_lines_with_the_same_timestamp_are_skipped_by_count() {
        let [one, two, three] = ["a", "b", "c"].map(|text| line(1, text));
        let known = format!("{one}{two}");
        let text = format!("{}{one}{two}{three}", line(0, "before the tail"));
        for size in [1, 7, 1000] {
            assert_eq!(new(&known, &text, size), (three.clone(), false), "{size}");
            assert_eq!(new("", &text, size), (text.clone(), false), "{size}");
        }
    }

    #[test]
    fn a_partially_read_line_continues_where_it_ended() {
        let long = line(2, &"x".repeat(90));
        let text = format!("{}{long}{}", line(1, "a"), line(3, "b"));
        for length in [1, 20, 60] {
            let known = format!("{}{}", line(1, "a"), &long[..length]);
            for size in [1, 7, 1000] {
                let rest = (text[known.len()..].to_owned(), false);
                assert_eq!(new(&known, &text, size), rest, "{length} {size}");
            }
        }
        let known = format!("{}2026-01-02T03:04:02.5Z half", line(1, "a"));
        let other = format!("{}{}", line(1, "a"), line(9, "another run"));
        assert_eq!(new(&known, &other, 7), (line(9, "another run"), true));
    }

    #[test]
    fn an_unknown_line_with_the_last_known_timestamp_is_new() {
        let [one, two, three] = ["a", "b", "c"].map(|text| line(1, text));
        assert_eq!(new(&one, &format!("{two}{three}"), 7).0, two + &three);
    }

    #[test]
    fn lines_before_a_partially_read_line_are_not_repeated() {
        let begun = line(2, &"x".repeat(90));
        let text = format!("{}{begun}{}", line(1, "before the tail"), line(3, "b"));
        let mut resume = Resume::after(&begun.as_bytes()[..70], 10);
        let new = resume.new_text(text.as_bytes());
        let rest = format!("{}{}", &begun[80..], line(3, "b"));
        assert_eq!(String::from_utf8(new).unwrap(), rest);
        assert!(resume.has_found());
    }

    #[test]
    fn a_short_last_line_without_a_newline_is_new_at_the_end_of_the_text() {
        let known = line(1, "a");
        let mut resume = Resume::after(known.as_bytes(), 0);
        let begun = b"2026-01-02T03:04:02.5Z b";
        let text = [known.as_bytes(), begun].concat();
        assert_eq!(resume.new_text(&text), b"");
        assert_eq!(
            (resume.finish(), resume.finish()),
            (begun.to_vec(), Vec::new())
        );
        let mut resume = Resume::after(known.as_bytes(), 0);
        assert_eq!(resume.new_text(known.as_bytes()), b"");
        assert_eq!(resume.finish(), b"");
    }

    #[test]
    fn a_line_without_a_timestamp_belongs_to_the_previous_line() {
        let known = format!("{}    at main\n", line(1, "trace"));
        let text = format!("{known}{}no time\n", line(2, "b"));
        assert_eq!(
            new(&known, &text, 5).0,
            format!("{}no time\n", line(2, "b"))
        );
    }

    proptest! {
        /// A log whose response starts again anywhere before its end, split at any byte.
        #[test]
        fn every_byte_after_the_cut_is_returned_once(steps in prop::collection::vec((0_u32..2, 0_usize..70), 1..30), cut in 0_usize..3000, size in 1_usize..90) {
            let mut second = 0;
            let lines: Vec<String> = steps.iter().map(|(step, length)| {
                second += step;
                line(second, &"x".repeat(*length))
            }).collect();
            let text = lines.concat();
            let cut = cut.min(text.len());
            prop_assert_eq!(new(&text[..cut], &text, size), (text[cut..].to_owned(), false));
        }
    }
}
