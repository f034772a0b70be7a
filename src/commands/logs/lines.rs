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
        while self.pending.len() > MAX_LINE_BYTES {
            blocks.push(self.take_front());
        }
        blocks
    }

    /// The beginning of a line that is too long to wait for its end, up to a blank if there is one.
    fn take_front(&mut self) -> Block {
        let begins_character = |at: &usize| self.pending[*at] & 0xc0 != 0x80;
        let end = self.pending.len() - KEPT_BYTES;
        let end = (end - 3..=end).rev().find(begins_character).unwrap_or(end);
        let blank = self.pending[..end]
            .iter()
            .rposition(u8::is_ascii_whitespace);
        let rest = self.pending.split_off(blank.map_or(end, |at| at + 1));
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
/// not UTF-8.
fn complete_bytes(bytes: &[u8], redactor: &Redactor) -> usize {
    let end = bytes.utf8_chunks().last();
    let end = end.filter(|chunk| chunk.invalid().is_empty());
    let end = end.map_or("", |chunk| chunk.valid());
    bytes.len() - end.len() + redactor.masks().complete_length(end)
}

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
            self.lines.extend(split_lines(&block).map(<[u8]>::to_vec));
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

    #[test]
    fn a_long_line_comes_in_pieces_without_a_loss() {
        let mut lines = Lines::default();
        let text = "x".repeat(300_000) + "\n";
        let mut all = Vec::new();
        for piece in text.as_bytes().chunks(1000) {
            all.extend(lines.push(piece));
            assert!(lines.pending.len() <= MAX_LINE_BYTES);
        }
        assert!(all.len() > 4 && all.concat() == text.as_bytes());
        let text = "损".repeat(60_000);
        let pieces = text.as_bytes().chunks(1000);
        let all: Vec<Block> = pieces.flat_map(|piece| lines.push(piece)).collect();
        assert!(all.len() > 1 && all.iter().all(|line| std::str::from_utf8(line).is_ok()));
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut tail = Tail::new(2);
        tail.extend(vec![b"a\nb\n".to_vec(), b"c".to_vec()]);
        assert_eq!(tail.into_lines(), [&b"b\n"[..], b"c"]);
        let mut none = Tail::new(0);
        none.extend(vec![b"a".to_vec()]);
        assert!(none.into_lines().is_empty());
    }
}
