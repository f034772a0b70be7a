//! Finds the new text in a response that begins before the end of the known text.

use std::collections::VecDeque;

use super::printer::split_timestamp;
use crate::model::Time;

/// The number of first bytes, including the timestamp, by which a line is recognized.
pub(super) const HEAD_BYTES: usize = 40;

/// Finds the text that follows the known lines, part by part. Lines begin with timestamps.
#[derive(Debug, Default)]
pub(super) struct Resume {
    known: Option<KnownLines>,
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

/// The known lines with times that a response can contain if it begins with the second of the last one.
#[derive(Debug)]
struct KnownLines {
    /// The time of the last known line.
    last: Time,
    /// The first bytes of the known lines of this second and of later ones: a clock that is set back writes earlier
    /// times after later ones.
    heads: VecDeque<Vec<u8>>,
    /// A response can contain lines of this second before the known ones.
    is_cut: bool,
    has_matched: bool,
}

impl KnownLines {
    /// Returns the known lines at the end of `complete`; `is_cut` if `complete` can begin between the lines of a
    /// second.
    fn of(complete: &[u8], is_cut: bool) -> Option<Self> {
        let second = |at: Time| at.to_datetime().timestamp();
        let mut known: Option<Self> = None;
        for line in complete.split_inclusive(|byte| *byte == b'\n').rev() {
            let Some(at) = split_timestamp(line).0 else {
                continue;
            };
            let known = known.get_or_insert_with(|| Self::none_before(at, is_cut));
            match second(at) >= second(known.last) {
                true => known.heads.push_front(head(line)),
                // The lines of the last second follow an earlier line, so all of them are known.
                false => known.is_cut = false,
            }
        }
        known
    }

    fn none_before(last: Time, is_cut: bool) -> Self {
        Self {
            last,
            heads: VecDeque::new(),
            is_cut,
            has_matched: false,
        }
    }

    /// Returns `true` if a line with this time is known, or comes before the known lines.
    fn contain(&mut self, at: Time, head: &[u8]) -> bool {
        let is_next = |known: Option<&Vec<u8>>| known.is_some_and(|known| *known == head);
        if is_next(self.heads.front()) {
            self.has_matched = true;
            return self.heads.pop_front().is_some();
        }
        if self.heads.is_empty() && self.has_matched {
            return false;
        }
        if at < self.last {
            return true;
        }
        if self.is_cut {
            return at == self.last && !self.heads.is_empty();
        }
        // A log that was rotated begins later than the known lines.
        let mut heads = self.heads.iter();
        let Some(index) = heads.position(|known| *known == head) else {
            return false;
        };
        self.heads.drain(..=index);
        self.has_matched = true;
        true
    }
}

impl Resume {
    /// Creates a search for the text after `known`, which begins at the beginning of a line. If it has only one
    /// line, `omitted` is the number of bytes that were dropped after its first bytes. `is_cut` if it can begin
    /// between the lines of a second.
    pub(super) fn after(known: &[u8], omitted: usize, is_cut: bool) -> Self {
        let end = memchr::memrchr(b'\n', known).map_or(0, |at| at + 1);
        let (complete, begun) = known.split_at(end);
        let lines = KnownLines::of(complete, is_cut).or_else(|| {
            let at = split_timestamp(begun).0?;
            Some(KnownLines::none_before(at, is_cut))
        });
        let begun = (!begun.is_empty()).then(|| (head(begun), begun.len() + omitted));
        Self {
            is_past: lines.is_none() && begun.is_none(),
            known: lines,
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

    /// Returns `true` if the text contains any known text.
    pub(super) fn has_found(&self) -> bool {
        self.has_dropped || self.is_continued
    }

    /// Returns `true`, once, if the text does not continue the incomplete known line.
    pub(super) fn take_break(&mut self) -> bool {
        std::mem::take(&mut self.is_broken)
    }

    /// Returns `true` if the line in `head` is known. A line without a timestamp belongs to the one before it.
    fn is_known(&mut self) -> bool {
        match (split_timestamp(&self.line_start).0, &mut self.known) {
            (None, _) => self.has_dropped && self.partial_line.is_none(),
            (Some(at), Some(known)) => known.contain(at, &self.line_start),
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
        let mut resume = Resume::after(known.as_bytes(), 0, false);
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
        let mut resume = Resume::after(&begun.as_bytes()[..70], 10, false);
        let new = resume.new_text(text.as_bytes());
        let rest = format!("{}{}", &begun[80..], line(3, "b"));
        assert_eq!(String::from_utf8(new).unwrap(), rest);
        assert!(resume.has_found());
    }

    #[test]
    fn a_short_last_line_without_a_newline_is_new_at_the_end_of_the_text() {
        let known = line(1, "a");
        let mut resume = Resume::after(known.as_bytes(), 0, false);
        let begun = b"2026-01-02T03:04:02.5Z b";
        let text = [known.as_bytes(), begun].concat();
        assert_eq!(resume.new_text(&text), b"");
        assert_eq!(
            (resume.finish(), resume.finish()),
            (begun.to_vec(), Vec::new())
        );
        let mut resume = Resume::after(known.as_bytes(), 0, false);
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

    fn at(seconds: &[(u32, &str)]) -> String {
        let line = |(second, text): &(u32, &str)| format!("2026-01-02T03:04:{second:02}Z {text}\n");
        seconds.iter().map(line).collect()
    }

    #[test]
    fn lines_of_the_same_second_before_the_tail_are_not_new() {
        let all = [(5, "a1"), (5, "a2"), (5, "a3"), (5, "a4"), (9, "b1")];
        for (known, is_cut, expected) in
            [(2..4, true, 4..5), (0..4, true, 4..5), (2..4, false, 0..5)]
        {
            let mut resume = Resume::after(at(&all[known.clone()]).as_bytes(), 0, is_cut);
            let new = resume.new_text(at(&all).as_bytes());
            let text = String::from_utf8(new).unwrap();
            assert_eq!(text, at(&all[expected]), "{known:?} {is_cut}");
        }
        let known = at(&[(4, "a"), (5, "b")]);
        let mut resume = Resume::after(known.as_bytes(), 0, true);
        let new = resume.new_text(at(&[(5, "c"), (5, "b")]).as_bytes());
        assert_eq!(String::from_utf8(new).unwrap(), at(&[(5, "c"), (5, "b")]));
    }

    #[test]
    fn no_line_is_repeated_after_a_clock_was_set_back() {
        let all = [
            (5, "a"),
            (6, "b"),
            (7, "c"),
            (8, "d"),
            (6, "e"),
            (7, "f"),
            (8, "g"),
            (9, "h"),
        ];
        for known in 1..all.len() {
            let second = all[known - 1].0;
            let from_second = |lines: &[(u32, &str)]| {
                let lines = lines.iter().filter(|line| line.0 >= second);
                at(&lines.copied().collect::<Vec<_>>())
            };
            let new_lines = (from_second(&all[known..]), false);
            let text = from_second(&all);
            for size in [1, 7, 1000] {
                let found = new(&at(&all[..known]), &text, size);
                assert_eq!(found, new_lines, "{known} {size}");
            }
        }
    }

    #[test]
    fn a_log_that_begins_after_the_first_known_line_of_a_second_repeats_none() {
        let known = at(&[(5, "a"), (5, "b"), (5, "c")]);
        let text = at(&[(5, "b"), (5, "c"), (5, "d")]);
        assert_eq!(new(&known, &text, 7).0, at(&[(5, "d")]));
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
