//! Assembles the lines of a log from its pieces.

use std::collections::VecDeque;

use crate::secret::Redactor;

/// A longer line is returned in pieces.
const MAX_LINE_BYTES: usize = 64 << 10;

/// How much of a long line is kept back, so that no secret is split.
const KEPT_BYTES: usize = 4 << 10;

/// The lines of one log.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of an incomplete line.
    pending: Vec<u8>,
    /// The beginning of the current line was returned by [`Lines::take_partial_line`].
    is_begun: bool,
    /// Lines begin with times, which are not split.
    has_times: bool,
}

/// Lines with their line ends, or a piece of a line.
pub(super) type Block = Vec<u8>;

/// Splits a block into lines with their line ends.
pub(super) fn split_lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split_inclusive(|byte| *byte == b'\n')
}

impl Lines {
    /// Creates an empty assembler; `has_times` if the lines begin with times.
    pub(super) fn new(has_times: bool) -> Self {
        Self {
            has_times,
            ..Self::default()
        }
    }

    /// Adds a piece of the log and returns the completed lines.
    pub(super) fn push(&mut self, data: &[u8]) -> Vec<Block> {
        let mut blocks = Vec::new();
        let complete = memchr::memrchr(b'\n', data).map_or(0, |end| end + 1);
        let (complete, rest) = data.split_at(complete);
        if !complete.is_empty() {
            let mut block = std::mem::take(&mut self.pending);
            block.extend_from_slice(complete);
            blocks.push(block);
            self.is_begun = false;
        }
        self.pending.extend_from_slice(rest);
        blocks
    }

    /// Returns the beginning of a line that is too long to wait for its end, in pieces.
    pub(super) fn take_long(&mut self, redactor: &Redactor) -> Vec<Block> {
        let (mut blocks, mut start) = (Vec::new(), 0);
        while self.pending.len() - start > MAX_LINE_BYTES {
            let rest = &self.pending[start..];
            let piece = &rest[..piece_length(rest, redactor)];
            start += piece.len();
            blocks.push(piece.to_vec());
        }
        if start > 0 {
            self.pending = self.pending.split_off(start);
        }
        blocks
    }

    /// Returns the incomplete last line of the log.
    pub(super) fn finish(&mut self) -> Option<Block> {
        let line = std::mem::take(&mut self.pending);
        Some(line).filter(|line| !line.is_empty())
    }

    /// Returns the available beginning of a line, such as a progress bar. Keeps back a possible beginning of a
    /// secret, of a time or of the line end until more of the line is known.
    pub(super) fn take_partial_line(&mut self, redactor: &Redactor) -> Option<Block> {
        let mut end = complete_bytes(&self.pending, redactor);
        end -= usize::from(self.pending[..end].ends_with(b"\r"));
        let partial_line = &self.pending[..end];
        if partial_line.is_empty()
            || (self.has_times && !self.is_begun && may_be_time(partial_line))
        {
            return None;
        }
        self.is_begun = true;
        let rest = self.pending.split_off(end);
        Some(std::mem::replace(&mut self.pending, rest))
    }

    /// Ends the current line, because the next text does not continue it.
    pub(super) fn break_line(&mut self) -> Option<Block> {
        let is_begun = std::mem::take(&mut self.is_begun);
        let mut line = self.finish().or(is_begun.then(Block::new))?;
        line.push(b'\n');
        Some(line)
    }
}

/// Returns the length of a piece of a long line. It ends at white space if there is
/// any in its second half, and never within a secret.
fn piece_length(line: &[u8], redactor: &Redactor) -> usize {
    let begins_character = |at: &usize| line[*at] & 0xc0 != 0x80;
    let end = MAX_LINE_BYTES - KEPT_BYTES;
    let end = (end - 3..=end).rev().find(begins_character).unwrap_or(end);
    let middle = end / 2;
    let mut half = line[middle..end].iter();
    let blank = half.rposition(u8::is_ascii_whitespace);
    let end = blank.map_or(end, |at| middle + at + 1);
    let complete = complete_bytes(&line[..end], redactor);
    Some(complete).filter(|at| *at > 0).unwrap_or(end)
}

/// Returns `true` if a text can be an RFC 3339 time or the beginning of one.
fn may_be_time(text: &[u8]) -> bool {
    let is_of_time = |byte: &u8| byte.is_ascii_digit() || b"-:.+TZ ".contains(byte);
    text.iter().all(is_of_time)
}

/// Returns how many bytes can be shown regardless of what follows them. A secret cannot continue after invalid
/// UTF-8; an incomplete character is not shown.
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

/// A longer line is printed in pieces.
const MAX_TAIL_LINE_BYTES: usize = 32 << 20;

/// The last lines of a log, up to a maximum number.
#[derive(Debug, Default)]
pub(super) struct Tail {
    most: usize,
    lines: VecDeque<Block>,
}

impl Tail {
    /// Creates a tail that keeps at most `most` lines.
    pub(super) fn new(most: u64) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            most,
            lines: VecDeque::new(),
        }
    }

    /// Adds lines.
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

    /// Returns the last lines.
    pub(super) fn into_lines(self) -> Vec<Block> {
        self.lines.into()
    }
}

#[cfg(test)]
mod tests;
