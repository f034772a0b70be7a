//! Finds the new text of a log whose API returns only its end each time.

use super::resume::{HEAD_BYTES, Resume};

/// The number of bytes to keep of the end of the text; more if its lines are longer.
const WINDOW_BYTES: usize = 4 << 20;

/// The end of the known text of a log.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The kept text, from the beginning of a line.
    last: Vec<u8>,
    /// If `last` is the beginning of one line, how many of the following bytes are not kept.
    omitted: usize,
    /// The next window need not overlap with the last one.
    follows_gap: bool,
    /// The known text can begin between the lines of a second, because only the last lines were requested.
    is_cut: bool,
    /// The text after the last window does not continue its incomplete line.
    is_broken: bool,
    /// Finds the new text in the rest of a window.
    resume: Option<Resume>,
}

impl Window {
    /// Creates an empty window; `is_cut` if the log is read from some of its last lines.
    pub(super) fn new(is_cut: bool) -> Self {
        Self {
            is_cut,
            ..Self::default()
        }
    }

    /// Adds the next window, or its first part, and returns its new text. Returns `None`, and changes nothing, if it
    /// does not overlap with the known text, since text between them may be missing.
    pub(super) fn advance(&mut self, window: Vec<u8>, has_times: bool) -> Option<Vec<u8>> {
        self.resume = None;
        if window.is_empty() {
            return Some(window);
        }
        let known = self.known_length(&window, has_times);
        let new = match known {
            None if has_times || self.omitted > 0 => self.new_by_time(&window),
            known => known.map(|known| window[known..].to_vec()),
        };
        let new = match new {
            None if self.follows_gap => window.clone(),
            new => new?,
        };
        self.follows_gap &= new.is_empty();
        if self.resume.is_some() {
            self.extend_resumed(&new);
        } else {
            (self.last, self.omitted) = (window, 0);
        }
        Some(new)
    }

    /// Returns how many bytes of the next window are known; `None` if the text does not show it.
    fn known_length(&self, window: &[u8], has_times: bool) -> Option<usize> {
        if self.last.is_empty() {
            return Some(0);
        }
        // Only the beginning of the line is kept, but the window can contain all of it.
        if self.omitted > 0 {
            return None;
        }
        let known = Some(overlap(&self.last, window)).filter(|known| *known > 0);
        let contained = || contained(&self.last, window).filter(|_| has_times);
        known.or_else(contained)
    }

    fn new_by_time(&mut self, window: &[u8]) -> Option<Vec<u8>> {
        let mut resume = self.resume();
        let new = resume.new_text(window);
        let has_found = resume.has_found();
        self.resume = has_found.then_some(resume);
        has_found.then_some(new)
    }

    /// Adds the next part of a window, and returns its new text.
    pub(super) fn advance_rest(&mut self, part: Vec<u8>) -> Vec<u8> {
        let new = match &mut self.resume {
            Some(resume) => resume.new_text(&part),
            None => part,
        };
        self.extend_resumed(&new);
        new
    }

    /// Returns the new text at the end of a window.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let resume = self.resume.as_mut();
        let new = resume.map(Resume::finish).unwrap_or_default();
        self.extend_resumed(&new);
        new
    }

    /// Adds new text, after the end of the incomplete known line if the text does not continue it.
    fn extend_resumed(&mut self, new: &[u8]) {
        if self.resume.as_mut().is_some_and(Resume::take_break) {
            self.break_line();
            self.is_broken = true;
        }
        self.extend(new);
    }

    /// Ends the incomplete known line. Otherwise, the next line would belong to it and have no time.
    pub(super) fn break_line(&mut self) {
        self.extend(b"\n");
    }

    /// Returns `true`, once, if the window does not continue the incomplete known line.
    pub(super) fn take_break(&mut self) -> bool {
        std::mem::take(&mut self.is_broken)
    }

    /// Returns a search for the text after the known text. Lines begin with timestamps.
    pub(super) fn resume(&self) -> Resume {
        Resume::after(&self.last, self.omitted, self.is_cut)
    }

    /// Adds text that directly follows the last window. Keeps only the end of a long
    /// text, and only the beginning of a long incomplete line.
    pub(super) fn extend(&mut self, text: &[u8]) {
        self.last.extend_from_slice(text);
        if text.contains(&b'\n') {
            self.omitted = 0;
        }
        if self.last.len() <= 2 * WINDOW_BYTES {
            return;
        }
        let surplus = self.last.len() - WINDOW_BYTES;
        match memchr::memchr(b'\n', &self.last[surplus..]) {
            Some(end) => drop(self.last.drain(..=surplus + end)),
            None => {
                let end = memchr::memrchr(b'\n', &self.last).map_or(0, |at| at + 1);
                self.last.drain(..end);
                self.omitted += self.last.len() - HEAD_BYTES;
                self.last.truncate(HEAD_BYTES);
            }
        }
    }

    /// Returns the kept end of the known text, from the beginning of a line.
    pub(super) fn text(&self) -> &[u8] {
        &self.last
    }

    /// Removes the text, because the next text does not follow it.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Prepares for a window that is from another run of the container, or does not reach back to the known text.
    /// Lines with timestamps are still recognized.
    pub(super) fn mark_gap(&mut self, has_times: bool) {
        self.is_cut = false;
        match has_times {
            true => self.follows_gap = true,
            false => self.reset(),
        }
    }
}

/// Returns the length of `next` up to the end of `last`, if it contains all of `last` from the beginning of a line.
fn contained(last: &[u8], next: &[u8]) -> Option<usize> {
    let is_line = |at: &usize| *at == 0 || next[at - 1] == b'\n';
    let at = memchr::memmem::find(next, last).filter(is_line)?;
    last.contains(&b'\n').then_some(at + last.len())
}

/// Returns the length of the longest prefix of `next` that `last` ends with, if it
/// contains more than a part of a line.
fn overlap(last: &[u8], next: &[u8]) -> usize {
    if next.starts_with(last) {
        return last.len();
    }
    let next = &next[..next.len().min(last.len())];
    let length = longest_border(last, next);
    match length == next.len() || next[..length].contains(&b'\n') {
        true => length,
        false => 0,
    }
}

/// Returns the length of the longest prefix of `next` that is a suffix of `last`. Uses the failure function of
/// Knuth, Morris and Pratt, in linear time and memory.
fn longest_border(last: &[u8], next: &[u8]) -> usize {
    let last = &last[last.len().saturating_sub(next.len())..];
    let mut failure = vec![0_u32; next.len()];
    let mut length = 0_usize;
    for at in 1..next.len() {
        while length > 0 && next[at] != next[length] {
            length = failure[length - 1] as usize;
        }
        length += usize::from(next[at] == next[length]);
        failure[at] = u32::try_from(length).expect("a window is smaller than 4 GiB");
    }
    let mut matched = 0_usize;
    for (at, byte) in last.iter().enumerate() {
        while matched > 0 && (matched == next.len() || *byte != next[matched]) {
            matched = failure[matched - 1] as usize;
        }
        matched += usize::from(*byte == next[matched]);
        // A complete match of `next` counts only at the end of `last`.
        if matched == next.len() && at + 1 < last.len() {
            matched = failure[matched - 1] as usize;
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn advance(windows: &[&str]) -> Option<String> {
        let mut window = Window::default();
        let news = windows
            .iter()
            .map(|text| window.advance(text.as_bytes().to_vec(), false));
        let news: Option<Vec<Vec<u8>>> = news.collect();
        Some(String::from_utf8(news?.concat()).unwrap())
    }

    #[test]
    fn no_line_is_returned_twice_while_the_window_grows_and_moves() {
        let moving = ["", "a\n", "a\n", "a\nb\n", "b\nc\n", "", "c\nd\n"];
        assert_eq!(advance(&moving).as_deref(), Some("a\nb\nc\nd\n"));
        let growing = ["a\nhal", "a\nhalf\n", "half\nb"];
        assert_eq!(advance(&growing).as_deref(), Some("a\nhalf\nb"));
    }

    #[test]
    fn a_window_without_overlap_with_the_previous_one_is_rejected() {
        assert_eq!(advance(&["a\nb\n", "x\ny\n"]), None);
        // One common byte does not count.
        assert_eq!(advance(&["a\nb", "bx\ny\n"]), None);
        let mut window = Window::default();
        window.advance(b"a\n".to_vec(), false);
        assert_eq!(window.advance(b"x\n".to_vec(), false), None);
        assert_eq!(
            window.advance(b"a\nb\n".to_vec(), false).as_deref(),
            Some(&b"b\n"[..])
        );
        window.reset();
        assert_eq!(
            window.advance(b"x\n".to_vec(), false).as_deref(),
            Some(&b"x\n"[..])
        );
    }

    /// Returns lines of these seconds, each with different text.
    fn timed(seconds: &[u32]) -> Vec<u8> {
        let line = |(at, second)| format!("2026-01-02T03:04:{second:02}.{at:09}Z line {at:09}\n");
        let lines: String = seconds.iter().enumerate().map(line).collect();
        lines.into_bytes()
    }

    #[test]
    fn a_window_that_begins_before_the_known_text_repeats_no_line() {
        let all = timed(&[5; 40]);
        let length = timed(&[5]).len();
        for (from, to) in [(25, 30), (29, 30), (0, 30), (25, 40)] {
            let mut window = Window::default();
            window.advance(all[from * length..30 * length].to_vec(), true);
            let new = window.advance(all[..to * length].to_vec(), true);
            assert_eq!(new.as_deref(), Some(&all[30 * length..to * length]));
        }
        let mut window = Window::default();
        window.advance(all[..10 * length].to_vec(), true);
        assert_eq!(window.advance(all[20 * length..].to_vec(), true), None);
        window.mark_gap(true);
        let new = window.advance(all[20 * length..].to_vec(), true);
        assert_eq!(new.as_deref(), Some(&all[20 * length..]));
        window.mark_gap(true);
        let new = window.advance(all[30 * length..].to_vec(), true);
        assert_eq!(new.as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_late_line_with_an_earlier_timestamp_is_new_after_known_lines() {
        let [a, b, late] = [(5, "a"), (7, "b"), (6, "late")]
            .map(|(second, text)| format!("2026-01-02T03:04:{second:02}.5Z {text}\n"));
        let mut window = Window::default();
        window.advance(format!("{a}{b}").into_bytes(), true);
        let next = format!("{a}{b}{late}").into_bytes();
        assert_eq!(window.advance(next, true), Some(late.into_bytes()));
    }

    #[test]
    fn with_coarse_timestamps_known_lines_are_recognized_by_their_text() {
        let lines = |numbers: std::ops::Range<u32>| -> Vec<u8> {
            let line = |number| format!("2026-01-02T03:04:05Z a{number}\n");
            numbers.map(line).collect::<String>().into_bytes()
        };
        let mut window = Window::default();
        window.advance(lines(4..6), true);
        assert_eq!(window.advance(lines(0..7), true), Some(lines(6..7)));
    }

    #[test]
    fn lines_after_a_text_that_does_not_continue_are_recognized_later() {
        let line = |second| format!("2026-01-02T03:04:{second:02}.5Z line {second}\n");
        let lines = |seconds: std::ops::Range<u32>| seconds.map(line).collect::<String>();
        let mut window = Window::default();
        window.advance(lines(1..4).into_bytes(), true);
        window.extend(b"error: stream timed out");
        for (seconds, new, is_broken) in
            [(3..5, 4..5, true), (3..5, 5..5, false), (4..6, 5..6, false)]
        {
            let found = window.advance(lines(seconds.clone()).into_bytes(), true);
            assert_eq!(found, Some(lines(new).into_bytes()), "{seconds:?}");
            assert_eq!(window.take_break(), is_broken, "{seconds:?}");
        }
    }

    #[test]
    fn a_second_with_more_text_than_the_buffer_keeps_repeats_no_line() {
        let count = 3 * WINDOW_BYTES / timed(&[5]).len();
        let all = timed(&vec![5; count]);
        let new = b"2026-01-02T03:04:06.5Z new\n".to_vec();
        let mut window = Window::default();
        for part in all.chunks(1 << 16) {
            window.extend(part);
        }
        assert!(window.text().len() <= 2 * WINDOW_BYTES);
        let (first, rest) = all.split_at(1 << 20);
        assert_eq!(window.advance(first.to_vec(), true), Some(Vec::new()));
        assert_eq!(window.advance_rest([rest, &new].concat()), new);
    }

    #[test]
    fn a_window_that_begins_with_a_line_longer_than_the_buffer_repeats_nothing() {
        let part = vec![b'x'; 1 << 20];
        for (head, has_times) in [(&b"2026-01-02T03:04:05.5Z "[..], true), (b"no time", false)] {
            let mut window = Window::default();
            window.extend(head);
            for _ in 0..20 {
                window.extend(&part);
            }
            let first = [head, &part.repeat(3)].concat();
            let rest = [&part.repeat(17)[..], b"rest"].concat();
            assert_eq!(window.advance(first, has_times), Some(Vec::new()));
            assert_eq!(window.advance_rest(rest), b"rest");
        }
    }

    #[test]
    fn a_line_longer_than_the_buffer_continues_where_it_ended() {
        let mut window = Window::default();
        let head = b"2026-01-02T03:04:05.5Z ";
        let part = vec![b'x'; 1 << 20];
        window.extend(&timed(&[4, 4]));
        window.extend(head);
        for _ in 0..20 {
            window.extend(&part);
        }
        assert!(window.text().len() <= 2 * WINDOW_BYTES);
        let line = [&head[..], &part.repeat(20), b"rest\n"].concat();
        let next = [timed(&[4, 4]), line].concat();
        assert_eq!(window.advance(next, true).as_deref(), Some(&b"rest\n"[..]));
        assert!(!window.take_break());
    }

    proptest! {
        /// A log with repeated lines, seen through a window of its last lines.
        #[test]
        fn every_line_is_returned_once(words in prop::collection::vec(0_u32..1000, 1..60), steps in prop::collection::vec(1_usize..6, 1..20)) {
            let lines: Vec<String> = words.iter().enumerate().map(|(at, word)| format!("{at} {word}\n")).collect();
            let (mut window, mut end, mut seen) = (Window::default(), 0, String::new());
            for step in steps {
                end = (end + step).min(lines.len());
                let text = lines[end.saturating_sub(8)..end].concat();
                let new = window.advance(text.into_bytes(), false);
                seen.push_str(&String::from_utf8(new.unwrap()).unwrap());
            }
            prop_assert_eq!(seen, lines[..end].concat());
        }

        #[test]
        fn the_longest_border_is_found(last in "[ab]{1,12}", next in "[ab]{1,12}") {
            let (last, next) = (last.as_bytes(), next.as_bytes());
            let longest = (0..=next.len()).rev().find(|length| last.ends_with(&next[..*length]));
            prop_assert_eq!(longest_border(last, next), longest.unwrap());
        }
    }
}
