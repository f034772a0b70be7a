//! New text of a log whose API gives its end only, again and again.

/// So many bytes of the end of a text are kept at least: the next window begins up to a second before
/// that end, so that they must be more than what a container writes in it.
const MAX_KEPT_BYTES: usize = 4 << 20;

/// The last window of a log that was read.
#[derive(Debug, Default)]
pub(super) struct Window {
    last: Vec<u8>,
}

impl Window {
    /// Takes the next window and gives the text that the one before it did not have; `None`, and nothing
    /// is taken, where the two have nothing in common, so that text between them may have been missed.
    pub(super) fn advance(&mut self, window: Vec<u8>) -> Option<Vec<u8>> {
        if window.is_empty() {
            return Some(window);
        }
        let known = match self.last.is_empty() {
            true => 0,
            false => Some(overlap(&self.last, &window)).filter(|known| *known > 0)?,
        };
        let new = window[known..].to_vec();
        self.last = window;
        Some(new)
    }

    /// Takes text that follows the last window at once. Of a long text only the end is kept.
    pub(super) fn extend(&mut self, text: &[u8]) {
        self.last.extend_from_slice(text);
        if self.last.len() > 2 * MAX_KEPT_BYTES {
            self.last.drain(..self.last.len() - MAX_KEPT_BYTES);
        }
    }

    /// The end of what was read, as far as it is kept.
    pub(super) fn text(&self) -> &[u8] {
        &self.last
    }

    /// Forgets the last window: the next one is of another run of the container.
    pub(super) fn reset(&mut self) {
        self.last.clear();
    }
}

/// Length of the longest beginning of `next` that `last` ends with, and that is more than a part of a
/// line.
fn overlap(last: &[u8], next: &[u8]) -> usize {
    if next.starts_with(last) {
        return last.len();
    }
    let length = longest_border(last, next);
    match length == next.len() || next[..length].contains(&b'\n') {
        true => length,
        false => 0,
    }
}

/// Length of the longest beginning of `next` that `last` ends with, by the failure function of Knuth,
/// Morris and Pratt: in time and memory of the size of both.
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
        // All of `next` within `last` counts only at its end.
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
            .map(|text| window.advance(text.as_bytes().to_vec()));
        let news: Option<Vec<Vec<u8>>> = news.collect();
        Some(String::from_utf8(news?.concat()).unwrap())
    }

    #[test]
    fn no_line_is_new_twice_while_the_window_grows_and_moves() {
        let moving = ["", "a\n", "a\n", "a\nb\n", "b\nc\n", "", "c\nd\n"];
        assert_eq!(advance(&moving).as_deref(), Some("a\nb\nc\nd\n"));
        let growing = ["a\nhal", "a\nhalf\n", "half\nb"];
        assert_eq!(advance(&growing).as_deref(), Some("a\nhalf\nb"));
    }

    #[test]
    fn a_window_without_anything_of_the_last_is_not_taken() {
        assert_eq!(advance(&["a\nb\n", "x\ny\n"]), None);
        // One byte alike proves nothing.
        assert_eq!(advance(&["a\nb", "bx\ny\n"]), None);
        let mut window = Window::default();
        window.advance(b"a\n".to_vec());
        assert_eq!(window.advance(b"x\n".to_vec()), None);
        assert_eq!(
            window.advance(b"a\nb\n".to_vec()).as_deref(),
            Some(&b"b\n"[..])
        );
        window.reset();
        assert_eq!(
            window.advance(b"x\n".to_vec()).as_deref(),
            Some(&b"x\n"[..])
        );
    }

    proptest! {
        /// A log of lines that repeat, seen through a window of its last lines.
        #[test]
        fn every_line_comes_once(words in prop::collection::vec(0_u32..1000, 1..60), steps in prop::collection::vec(1_usize..6, 1..20)) {
            let lines: Vec<String> = words.iter().enumerate().map(|(at, word)| format!("{at} {word}\n")).collect();
            let (mut window, mut end, mut seen) = (Window::default(), 0, String::new());
            for step in steps {
                end = (end + step).min(lines.len());
                let text = lines[end.saturating_sub(8)..end].concat();
                let new = window.advance(text.into_bytes());
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
