//! Lines of a log, put together from the pieces that it is read in.

use std::collections::VecDeque;

use crate::secret::Redactor;

/// A longer line is given in pieces.
const MAX_LINE_BYTES: usize = 64 << 10;

/// So much of a long line is kept back, so that no secret is cut in two.
const KEPT_BYTES: usize = 4 << 10;

/// The lines of one log.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line whose end has not come.
    pending: Vec<u8>,
    /// Bytes of `pending` at the last call of [`Lines::take_unfinished`].
    pending_before: usize,
    /// True when the beginning of the present line was given by [`Lines::take_unfinished`].
    is_begun: bool,
}

/// Lines with their line ends, or a piece of a line.
pub(super) type Block = Vec<u8>;

/// The lines of a block with their line ends.
pub(super) fn split_lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|byte| *byte == b'\n')
}

impl Lines {
    /// Takes a piece of the log and gives the lines that are whole now.
    pub(super) fn push(&mut self, data: &[u8]) -> Vec<Block> {
        let mut blocks = Vec::new();
        let whole = memchr::memrchr(b'\n', data).map_or(0, |end| end + 1);
        let (whole, rest) = data.split_at(whole);
        if !whole.is_empty() {
            let mut block = std::mem::take(&mut self.pending);
            block.extend_from_slice(whole);
            blocks.push(block);
            self.is_begun = false;
        }
        self.pending.extend_from_slice(rest);
        blocks
    }

    /// The beginning of a line that is too long to wait for its end, in pieces.
    pub(super) fn take_long(&mut self, redactor: &Redactor) -> Vec<Block> {
        let mut blocks = Vec::new();
        while self.pending.len() > MAX_LINE_BYTES {
            blocks.push(self.take_front(redactor));
        }
        blocks
    }

    /// A piece that ends at a blank if there is one, and within no secret.
    fn take_front(&mut self, redactor: &Redactor) -> Block {
        let begins_character = |at: &usize| self.pending[*at] & 0xc0 != 0x80;
        let end = MAX_LINE_BYTES - KEPT_BYTES;
        let end = (end - 3..=end).rev().find(begins_character).unwrap_or(end);
        let blank = self.pending[..end]
            .iter()
            .rposition(u8::is_ascii_whitespace);
        let end = blank.map_or(end, |at| at + 1);
        let complete = complete_bytes(&self.pending[..end], redactor);
        let end = Some(complete).filter(|at| *at > 0).unwrap_or(end);
        let rest = self.pending.split_off(end);
        std::mem::replace(&mut self.pending, rest)
    }

    /// The beginning of a line without an end, at the end of the log.
    pub(super) fn finish(&mut self) -> Option<Block> {
        self.pending_before = 0;
        let line = std::mem::take(&mut self.pending);
        Some(line).filter(|line| !line.is_empty())
    }

    /// The beginning of a line that has not grown since the last call, such as a progress bar. What may be
    /// the beginning of a secret is kept back until the line goes on or ends.
    pub(super) fn take_unfinished(&mut self, redactor: &Redactor) -> Option<Block> {
        let before = std::mem::replace(&mut self.pending_before, self.pending.len());
        if before != self.pending.len() {
            return None;
        }
        self.take_begun(redactor)
    }

    /// The beginning of a line as far as it has come, without what may be the beginning of a secret.
    pub(super) fn take_begun(&mut self, redactor: &Redactor) -> Option<Block> {
        let rest = self
            .pending
            .split_off(complete_bytes(&self.pending, redactor));
        let line = std::mem::replace(&mut self.pending, rest);
        self.pending_before = 0;
        self.is_begun |= !line.is_empty();
        Some(line).filter(|line| !line.is_empty())
    }

    /// Ends the present line, since what comes next does not continue it.
    pub(super) fn break_line(&mut self) -> Option<Block> {
        let is_begun = std::mem::take(&mut self.is_begun);
        let mut line = self.finish().or(is_begun.then(Block::new))?;
        line.push(b'\n');
        Some(line)
    }
}

/// How many bytes can be shown by themselves, whatever follows them. No secret goes on after bytes that are
/// not UTF-8; a character whose end has not come is not shown.
fn complete_bytes(bytes: &[u8], redactor: &Redactor) -> usize {
    let mut last = ("", 0);
    for chunk in bytes.utf8_chunks() {
        last = match std::str::from_utf8(chunk.invalid()) {
            Ok(_) => (chunk.valid(), 0),
            Err(error) if error.error_len().is_none() => (chunk.valid(), chunk.invalid().len()),
            Err(_) => ("", 0),
        };
    }
    let (end, unfinished) = last;
    bytes.len() - unfinished - end.len() + redactor.masks().complete_length(end)
}

/// A line of so many bytes is not put together any further.
const MAX_TAIL_LINE_BYTES: usize = 32 << 20;

/// The last lines of a log, at most so many.
#[derive(Debug, Default)]
pub(super) struct Tail {
    most: usize,
    lines: VecDeque<Block>,
}

impl Tail {
    /// Keeps at most `most` lines.
    pub(super) fn new(most: u64) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            most,
            lines: VecDeque::new(),
        }
    }

    /// Takes further lines.
    pub(super) fn extend(&mut self, blocks: Vec<Block>) {
        for block in blocks {
            for line in split_lines(&block) {
                let goes_on =
                    |last: &&mut Block| !last.ends_with(b"\n") && last.len() < MAX_TAIL_LINE_BYTES;
                match self.lines.back_mut().filter(goes_on) {
                    Some(last) => last.extend_from_slice(line),
                    None => self.lines.push_back(line.to_vec()),
                }
            }
            let surplus = self.lines.len().saturating_sub(self.most);
            self.lines.drain(..surplus);
        }
    }

    /// The last lines.
    pub(super) fn into_lines(self) -> Vec<Block> {
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.push("损".as_bytes()), Vec::<Block>::new());
        assert_eq!(
            lines.push("失\r\nb\nc".as_bytes()),
            ["损失\r\nb\n".as_bytes()]
        );
        let none = Redactor::default();
        assert_eq!(lines.take_unfinished(&none), None);
        assert_eq!(lines.take_unfinished(&none), Some(b"c".to_vec()));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_line_without_an_end_is_not_joined_with_other_text() {
        let mut lines = Lines::default();
        assert_eq!(lines.break_line(), None);
        lines.push("损失".as_bytes());
        assert_eq!(lines.break_line(), Some("损失\n".as_bytes().to_vec()));
        assert_eq!(lines.break_line(), None);
        lines.push(b"50%");
        let none = Redactor::default();
        assert_eq!(lines.take_unfinished(&none), None);
        assert_eq!(lines.take_unfinished(&none), Some(b"50%".to_vec()));
        assert_eq!(lines.break_line(), Some(b"\n".to_vec()));
        assert_eq!(lines.push(b"a\n"), [b"a\n"]);
        assert_eq!(lines.break_line(), None);
    }

    #[test]
    fn a_secret_that_comes_in_pieces_is_not_shown_in_pieces() {
        let redactor = Redactor::default();
        redactor.add([&Secret::new("tok-s3cret-value-77")]);
        let mut lines = Lines::default();
        lines.push("\u{fffd} 密钥=tok-s3cret".as_bytes());
        assert_eq!(lines.take_unfinished(&redactor), None);
        let shown = lines.take_unfinished(&redactor);
        assert_eq!(shown, Some("\u{fffd} 密钥=".as_bytes().to_vec()));
        assert_eq!(lines.take_unfinished(&redactor), None);
        assert_eq!(lines.take_unfinished(&redactor), None);
        let whole = lines.push(b"-value-77 end\n");
        assert_eq!(whole, [b"tok-s3cret-value-77 end\n"]);
        lines.push(b"tok-\xff");
        assert_eq!(lines.take_unfinished(&redactor), None);
        assert_eq!(lines.take_unfinished(&redactor), Some(b"tok-\xff".to_vec()));
    }

    /// What is shown of a line that pauses after these places.
    fn shown(line: &[u8], pauses: &[usize], redactor: &Redactor) -> String {
        let (mut lines, mut shown, mut from) = (Lines::default(), String::new(), 0);
        let mut show = |block: Block| {
            let mut text = String::from_utf8_lossy(&block).into_owned();
            redactor.text(&mut text);
            shown.push_str(&text);
        };
        for at in pauses.iter().copied().chain([line.len()]) {
            lines.push(&line[from..at]);
            from = at;
            lines
                .take_unfinished(redactor)
                .into_iter()
                .for_each(&mut show);
            lines
                .take_unfinished(redactor)
                .into_iter()
                .for_each(&mut show);
        }
        lines.finish().into_iter().for_each(&mut show);
        shown
    }

    #[test]
    fn a_secret_is_not_shown_wherever_a_line_pauses_within_it() {
        const SECRET: &str = "Zk9/Q2+X7pR4tW8mN3sB";
        let redactor = Redactor::default();
        redactor.add([
            &Secret::new(SECRET),
            &Secret::new("nab12!c9"),
            &Secret::new("41bX!c9z"),
        ]);
        let hex = |sign: &str, end: &str| -> String {
            SECRET
                .bytes()
                .map(|byte| format!("{sign}{byte:02x}{end}"))
                .collect()
        };
        let spelled = [
            SECRET.to_owned(),
            "Zk9%2FQ2%2BX7pR4tW8mN3sB".to_owned(),
            "Zk9%252FQ2%252BX7pR4tW8mN3sB".to_owned(),
            hex("%", ""),
            hex("\\u00", ""),
            hex("\\\\x", ""),
            hex("&#x", ";"),
            hex("", ":"),
            hex("", ""),
            "Zk9/Q2\u{1b}[1;31m+X7pR4tW8mN3sB".to_owned(),
            "Zk9/Q2\u{200b}+X7pR<wbr>4tW8mN3sB".to_owned(),
            "Wms5L1EyK1g3cFI0dFc4bU4zc0I=".to_owned(),
            "nab12!c9".to_owned(),
            "41bX!c9z".to_owned(),
        ];
        let before = [
            "",
            "密",
            "\u{1b}[",
            "a\u{1b}[>[[\u{1b}\u{1b}",
            "%",
            "%2",
            "&",
            "&#",
            "&amp;",
            "\\",
            "\\\\",
            "\\x",
            "\\u0",
            "<",
            "=",
            "a:",
        ];
        for (secret, before) in spelled
            .iter()
            .flat_map(|one| before.map(|before| (one, before)))
        {
            let line = format!("{before}{secret} end").into_bytes();
            let [from, to] = [before.len(), before.len() + secret.len()];
            let mut pauses: Vec<Vec<usize>> = (1..=4)
                .map(|size| (1..to).step_by(size).collect())
                .collect();
            pauses.extend((from..to).map(|at| vec![at]));
            pauses.push(vec![from + 1, from + secret.len() / 2]);
            for pauses in pauses {
                let text = shown(&line, &pauses, &redactor);
                assert!(
                    !text.contains(&secret[1..]),
                    "{before:?} {secret} {pauses:?}: {text}"
                );
                assert!(text.ends_with(" end"), "{text}");
            }
        }
    }

    #[test]
    fn a_line_that_pauses_is_shown_but_for_what_may_begin_a_secret() {
        let redactor = Redactor::default();
        redactor.add([&Secret::new("Zk9vQ2xX7pR4tW8mN3sB6yH1cJ5dFg")]);
        for (line, expected) in [
            ("Continue? (:", "Continue? (:"),
            ("key=", "key="),
            ("a < b: 1\u{1b}[31", "a < b: 1\u{1b}[31"),
            ("50%", "50"),
            ("50%|", "50%|"),
            ("Zk9vQ\u{1b}", ""),
        ] {
            let mut lines = Lines::default();
            lines.push(line.as_bytes());
            assert_eq!(lines.take_unfinished(&redactor), None);
            let shown = lines.take_unfinished(&redactor).unwrap_or_default();
            assert_eq!(String::from_utf8(shown).unwrap(), expected);
        }
    }

    #[test]
    fn a_long_line_comes_in_pieces_without_a_loss() {
        let (mut lines, none) = (Lines::default(), Redactor::default());
        let text = "x".repeat(300_000) + "\n";
        let mut all = Vec::new();
        for piece in text.as_bytes().chunks(1000) {
            all.extend(lines.push(piece));
            all.extend(lines.take_long(&none));
            assert!(lines.pending.len() <= MAX_LINE_BYTES);
        }
        assert!(all.len() > 4 && all.concat() == text.as_bytes());
        let text = "损".repeat(60_000);
        lines.push(text.as_bytes());
        let all = lines.take_long(&none);
        assert!(all.len() > 1 && all.iter().all(|line| std::str::from_utf8(line).is_ok()));
    }

    #[test]
    fn a_long_line_is_not_cut_within_a_secret() {
        let redactor = Redactor::default();
        redactor.add([&Secret::new("tok-s3cret-value-77")]);
        for secret in ["tok-s3cret-value-77", "tok-s3cr et-value-77"] {
            for at in 1..secret.len() {
                let mut lines = Lines::default();
                let before = "x".repeat(MAX_LINE_BYTES - KEPT_BYTES - at);
                lines.push((before.clone() + secret + &"y".repeat(9000)).as_bytes());
                let first = lines.take_long(&redactor).remove(0);
                let expected = before.len()..=before.len() + secret.len();
                assert!(expected.contains(&first.len()), "{at}: {}", first.len());
                assert!(!first.ends_with(b"tok"), "{at}");
            }
        }
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut tail = Tail::new(2);
        tail.extend(vec![b"a\nb\n".to_vec(), b"c".to_vec()]);
        assert_eq!(tail.into_lines(), [&b"b\n"[..], b"c"]);
        let mut pieces = Tail::new(2);
        pieces.extend(
            [
                b"a\n".to_vec(),
                b"b".to_vec(),
                b"c".to_vec(),
                b"d\n".to_vec(),
            ]
            .into(),
        );
        assert_eq!(pieces.into_lines(), [&b"a\n"[..], b"bcd\n"]);
        let mut none = Tail::new(0);
        none.extend(vec![b"a".to_vec()]);
        assert!(none.into_lines().is_empty());
    }
}
