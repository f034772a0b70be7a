//! Writes the envelope as YAML in block style, with every string in double quotes.
//!
//! YAML accepts JSON's escapes, so only the structure around the values differs; serde_json writes the values, and
//! numbers keep all their digits. A library that selects a quoting style would not escape direction marks and
//! commands of CI systems in the plainer styles.

use std::io::{self, BufWriter, Write};

use serde_json::ser::{CharEscape, Formatter, Serializer};

use crate::json::write_escaped;
use crate::output::document::Envelope;

/// Writes the envelope.
///
/// # Errors
/// Returns errors of the writer.
pub(super) fn write(out: &mut dyn Write, envelope: &Envelope) -> io::Result<()> {
    write_value(out, envelope)
}

/// Writes a document.
///
/// # Errors
/// Returns errors of the writer.
pub(super) fn write_value(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut out = TrimBlank {
        out: BufWriter::with_capacity(1 << 16, out),
        has_blank: false,
    };
    let mut serializer = Serializer::with_formatter(&mut out, YamlFormatter::default());
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Removes the space between a colon or dash and the end of its line. Texts contain no line ends.
struct TrimBlank<W> {
    out: W,
    has_blank: bool,
}

impl<W: Write> Write for TrimBlank<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((last, _)) = bytes.split_last() else {
            return Ok(0);
        };
        if std::mem::take(&mut self.has_blank) && bytes[0] != b'\n' {
            self.out.write_all(b" ")?;
        }
        self.has_blank = *last == b' ';
        let end = bytes.len() - usize::from(self.has_blank);
        self.out.write_all(&bytes[..end])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Formats YAML in block style: one line per entry.
#[derive(Default)]
struct YamlFormatter {
    /// The open lists and objects, outermost first; true once one has an entry.
    open: Vec<bool>,
    /// The next entry is on the line of the dash before it.
    after_dash: bool,
    /// The text of a key while it is written, and whether it must be quoted.
    key: Option<(Vec<u8>, bool)>,
    /// The key was too long for the line of its colon, so the colon has a separate line.
    has_long_key: bool,
}

/// YAML accepts a key before its colon only up to 1024 characters.
const MAX_KEY_LEN: usize = 1000;

impl YamlFormatter {
    fn begin(&mut self) {
        self.open.push(false);
    }

    /// Closes a list or object; writes `empty` if it has no entries.
    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, empty: &[u8]) -> io::Result<()> {
        self.after_dash = false;
        match self.open.pop() {
            Some(false) => writer.write_all(empty),
            _ => Ok(()),
        }
    }

    /// Begins the line of an entry.
    fn entry<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let depth = self.open.len();
        let is_outermost_first = depth == 1 && !self.open[0];
        if let Some(has_entries) = self.open.last_mut() {
            *has_entries = true;
        }
        if std::mem::take(&mut self.after_dash) || is_outermost_first {
            return Ok(());
        }
        self.line(writer)
    }

    /// Begins a line at the depth of the entries.
    fn line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        for _ in 1..self.open.len() {
            writer.write_all(b"  ")?;
        }
        Ok(())
    }

    /// Writes a number in the form that every YAML reader accepts: with a decimal
    /// point and a signed exponent, or neither.
    fn number<W: ?Sized + Write>(&self, writer: &mut W, text: &str) -> io::Result<()> {
        let Some((digits, exponent)) = text.split_once(['e', 'E']) else {
            return writer.write_all(text.as_bytes());
        };
        let dot = if digits.contains('.') { "" } else { ".0" };
        let sign = if exponent.starts_with(['+', '-']) {
            ""
        } else {
            "+"
        };
        write!(writer, "{digits}{dot}e{sign}{exponent}")
    }
}

impl Formatter for YamlFormatter {
    fn begin_array<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.begin();
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"[]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, _: bool) -> io::Result<()> {
        self.entry(writer)?;
        self.after_dash = true;
        writer.write_all(b"- ")
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.after_dash = false;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.begin();
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"{}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, _: bool) -> io::Result<()> {
        self.entry(writer)?;
        self.key = Some((Vec::new(), false));
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let (text, must_quote) = self.key.take().unwrap_or_default();
        self.has_long_key = text.len() > MAX_KEY_LEN;
        if self.has_long_key {
            writer.write_all(b"? ")?;
        }
        if must_quote || !is_plain_key(&text) {
            writer.write_all(b"\"")?;
            writer.write_all(&text)?;
            return writer.write_all(b"\"");
        }
        writer.write_all(&text)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if std::mem::take(&mut self.has_long_key) {
            self.line(writer)?;
        }
        writer.write_all(b": ")
    }

    fn begin_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.key {
            Some(_) => Ok(()),
            None => writer.write_all(b"\""),
        }
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin_string(writer)
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        match &mut self.key {
            Some((text, _)) => write_escaped(text, fragment),
            None => write_escaped(writer, fragment),
        }
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let mut usual = serde_json::ser::CompactFormatter;
        match &mut self.key {
            Some((text, must_quote)) => {
                *must_quote = true;
                usual.write_char_escape(text, escape)
            }
            None => usual.write_char_escape(writer, escape),
        }
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let mut text = Vec::new();
        serde_json::ser::CompactFormatter.write_f64(&mut text, value)?;
        self.number(writer, &String::from_utf8_lossy(&text))
    }

    fn write_number_str<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        value: &str,
    ) -> io::Result<()> {
        self.number(writer, value)
    }
}

/// Returns `true` if every YAML reader would read an unquoted key as text.
fn is_plain_key(text: &[u8]) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_word = WORDS
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begins_well = text.first().is_some_and(u8::is_ascii_alphabetic);
    begins_well && !is_word && text.iter().all(is_name)
}

#[cfg(test)]
mod tests;
