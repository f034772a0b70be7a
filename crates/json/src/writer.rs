//! Writes JSON that is safe to show in a terminal and in the log of a CI job. Large responses consist mostly of
//! field names and indentation, which serde_json would write in many small pieces.

use std::io::{self, Write};

use crate::escape::write_escaped;

/// Number of bytes to write at once.
const CHUNK: usize = 1 << 16;

/// The end of a line after a value, with as much indentation as fits.
const LINE_AFTER_VALUE: [u8; 64] = line(b",\n");

/// The end of a line that follows no value, with as much indentation as fits.
const LINE: [u8; 64] = line(b"\n");

const fn line(head: &[u8]) -> [u8; 64] {
    let mut line = [b' '; 64];
    let (first, _) = line.split_at_mut(head.len());
    first.copy_from_slice(head);
    line
}

/// Collects JSON and writes it in large pieces.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    /// Begins with `length` bytes that have not been written yet.
    buffer: Vec<u8>,
    length: usize,
    is_indented: bool,
    depth: usize,
    /// Quote around texts.
    quote: &'static [u8],
    is_escaped: bool,
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room(bytes.len()).is_none() {
            self.write_buffer()?;
        }
        match self.room(bytes.len()) {
            Some(room) => room.copy_from_slice(bytes),
            None => return self.out.write(bytes),
        }
        self.length += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_buffer()?;
        self.out.flush()
    }
}

impl Writer<'_> {
    /// Creates a writer that indents by two spaces, or writes everything on one line.
    pub fn new(out: &mut dyn Write, is_indented: bool) -> Writer<'_> {
        Writer {
            out,
            buffer: vec![0; if is_indented { CHUNK } else { 1024 }],
            length: 0,
            is_indented,
            depth: 0,
            quote: b"\"",
            is_escaped: true,
        }
    }

    /// Writes texts without escapes from now on, even if the output is not valid JSON.
    pub(super) fn without_escapes(mut self) -> Self {
        self.is_escaped = false;
        self
    }

    fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        self.buffer.get_mut(self.length..)?.get_mut(..length)
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer[..self.length])?;
        self.length = 0;
        Ok(())
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(room) = self.room(bytes.len()) else {
            return self.write_all(bytes);
        };
        room.copy_from_slice(bytes);
        self.length += bytes.len();
        Ok(())
    }

    /// Ends a line, with a comma between two values, and indents the next one.
    pub(super) fn line(&mut self, comma: bool) -> io::Result<()> {
        let (line, head) = line_end(comma);
        if !self.is_indented {
            return self.put(&line[..head - 1]);
        }
        let spaces = 2 * self.depth;
        if head + spaces <= line.len()
            && let Some(room) = self.room(line.len())
        {
            // A copy of a fixed length is inlined.
            room.copy_from_slice(line);
            self.length += head + spaces;
            return Ok(());
        }
        self.put(&line[..head])?;
        (0..spaces).try_for_each(|_| self.put(b" "))
    }

    pub(super) fn colon(&mut self) -> io::Result<()> {
        self.put(if self.is_indented { b": " } else { b":" })
    }

    /// Writes a text with its quotes.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        let is_plain = !self.is_escaped || is_plain(text.as_bytes());
        let end = text.len() + 1;
        if is_plain
            && !self.quote.is_empty()
            && let Some(room) = self.room(end + 1)
        {
            room[0] = b'"';
            room[1..end].copy_from_slice(text.as_bytes());
            room[end] = b'"';
            self.length += end + 1;
            return Ok(());
        }
        self.put(self.quote)?;
        match is_plain {
            true => self.put(text.as_bytes())?,
            false => write_text(self, text)?,
        }
        self.put(self.quote)
    }

    /// Writes a field name, which needs no escapes, on a new line.
    pub(super) fn field(&mut self, comma: bool, name: &str) -> io::Result<()> {
        let (line, head) = line_end(comma);
        let (indent, end) = (head + 2 * self.depth, name.len() + 1);
        if self.is_indented
            && indent <= line.len()
            && let Some(room) = self.room(line.len() + end + 3)
        {
            room[..line.len()].copy_from_slice(line);
            let room = &mut room[indent..];
            room[0] = b'"';
            room[1..end].copy_from_slice(name.as_bytes());
            room[end..end + 3].copy_from_slice(b"\": ");
            self.length += indent + end + 3;
            return Ok(());
        }
        self.line(comma)?;
        self.put(b"\"")?;
        self.put(name.as_bytes())?;
        self.put(if self.is_indented { b"\": " } else { b"\":" })
    }

    pub(super) fn ends_with_quote(&self) -> bool {
        self.buffer[..self.length].ends_with(b"\"")
    }

    /// Sets whether texts have quotes from now on.
    pub(super) fn set_quotes(&mut self, has_quotes: bool) {
        self.quote = if has_quotes { b"\"" } else { b"" };
    }

    pub(super) fn begin(&mut self, bracket: u8) -> io::Result<()> {
        self.depth += 1;
        self.put(&[bracket])
    }

    pub(super) fn end(&mut self, bracket: u8, is_empty: bool) -> io::Result<()> {
        self.depth -= 1;
        if !is_empty {
            self.line(false)?;
        }
        self.put(&[bracket])
    }
}

/// Returns the end of a line with its indentation, and its length without the indentation.
fn line_end(comma: bool) -> (&'static [u8; 64], usize) {
    match comma {
        true => (&LINE_AFTER_VALUE, 2),
        false => (&LINE, 1),
    }
}

/// Returns `true` if a text is ASCII without characters to escape.
fn is_plain(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]);
    words.fold(0, |special, word| special | special_bytes(*word)) == 0
}

/// Returns a value other than 0 if a byte is not printable ASCII, or is a quote, a backslash, or `#`, with which
/// the commands of CI logs begin. All bytes are tested together, since most texts are short.
fn special_bytes(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_ne_bytes(word);
    // Sets the highest bit of each byte that is 0, and possibly of bytes after it.
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is = |byte: u8| is_zero(word ^ (ONES * u64::from(byte)));
    // `"` and `#` differ in their lowest bit.
    let quote_or_hash = is_zero((word | ONES) ^ (ONES * u64::from(b'#')));
    let control = word.wrapping_sub(ONES * u64::from(b' '));
    let beyond = word | word.wrapping_add(ONES);
    (quote_or_hash | is(b'\\') | control | beyond) & (ONES << 7)
}

/// Writes the content of a text between its quotes.
fn write_text(out: &mut Writer<'_>, text: &str) -> io::Result<()> {
    let is_escaped = |byte: &u8| matches!(byte, 0..b' ' | b'"' | b'\\');
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(&is_escaped) {
        write_escaped(out, &rest[..at])?;
        let byte = rest.as_bytes()[at];
        match byte {
            b'"' | b'\\' => out.write_all(&[b'\\', byte])?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            b'\t' => out.write_all(b"\\t")?,
            0x08 => out.write_all(b"\\b")?,
            0x0c => out.write_all(b"\\f")?,
            byte => write!(out, "\\u{byte:04x}")?,
        }
        rest = &rest[at + 1..];
    }
    write_escaped(out, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_needs_an_escape_is_detected_at_every_position() {
        for byte in 0..=u8::MAX {
            let is_special = !(b' '..=b'~').contains(&byte) || b"\"#\\".contains(&byte);
            for length in 1..20 {
                for at in 0..length {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    assert_eq!(is_plain(&text), !is_special, "{text:?}");
                }
            }
        }
    }
}
