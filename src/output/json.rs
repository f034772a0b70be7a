use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::text::needs_escape;
use crate::output::document::Envelope;

/// Writes the envelope, indented, with a line end.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, report: &Envelope) -> io::Result<()> {
    write_document(out, report)
}

/// Writes a document, indented, with a line end.
pub(super) fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut serializer = Serializer::with_formatter(&mut out, SafeFormatter::default());
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a value as one line, with a line end.
pub(super) fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, SafeLineFormatter);
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// Indented JSON in which no text can move a cursor or be a command in a CI log: JSON itself escapes
/// only C0.
///
/// A line end and its indentation go out as one piece: large answers are mostly indentation, and
/// serde_json's own formatter writes each level by itself.
#[derive(Default)]
struct SafeFormatter {
    depth: usize,
    has_value: bool,
}

/// The end of a line and the indentation of the next one; deeper levels take several pieces.
const LINE: &[u8; 66] = b",\n                                                                ";

impl SafeFormatter {
    /// Ends a line, with a comma between two values, and indents the next one.
    fn line<W: ?Sized + Write>(&self, writer: &mut W, comma: bool) -> io::Result<()> {
        let head = usize::from(!comma);
        let mut spaces = 2 * self.depth;
        let piece = spaces.min(LINE.len() - 2);
        writer.write_all(&LINE[head..2 + piece])?;
        spaces -= piece;
        while spaces > 0 {
            let piece = spaces.min(LINE.len() - 2);
            writer.write_all(&LINE[2..2 + piece])?;
            spaces -= piece;
        }
        Ok(())
    }

    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(writer, false)?;
        }
        writer.write_all(bracket)
    }
}

impl Formatter for SafeFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_escaped(writer, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.line(writer, !first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.line(writer, !first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

/// The same on one line.
struct SafeLineFormatter;

impl Formatter for SafeLineFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_escaped(writer, fragment)
    }
}

/// Writes a part of a JSON string with all that could move a cursor or be a command in a CI log
/// escaped, in one pass: an answer can hold millions of such characters.
pub(super) fn write_escaped<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    // `#` begins the commands of CI logs.
    if fragment.is_ascii() && memchr::memchr2(0x7f, b'#', fragment.as_bytes()).is_none() {
        return writer.write_all(fragment.as_bytes());
    }
    let (mut written, mut hashes) = (0, 0);
    // The second `#` of `##word`, which is escaped when a bracket follows.
    let mut mark = None;
    for (at, c) in fragment.char_indices() {
        let to_escape = match c {
            '#' => {
                hashes += 1;
                mark = (hashes > 1).then_some(at);
                continue;
            }
            c if c.is_ascii_alphabetic() => {
                hashes = 0;
                continue;
            }
            '[' => mark,
            c => needs_escape(c).then_some(at),
        };
        (hashes, mark) = (0, None);
        if let Some(at) = to_escape {
            let c = fragment[at..].chars().next();
            let c = c.expect("a character stands where one was found");
            // All of them lie below U+10000, so that one escape is enough.
            write!(writer, "{}\\u{:04x}", &fragment[written..at], u32::from(c))?;
            written = at + c.len_utf8();
        }
    }
    writer.write_all(&fragment.as_bytes()[written..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Job;
    use proptest::prelude::*;

    fn written(name: &str) -> String {
        let job = Job {
            name: Some(name.into()),
            ..Job::default()
        };
        let mut out = Vec::new();
        write(&mut out, &Envelope::new("get", vec![job], vec![], vec![])).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_key_is_present_and_absent_is_null() {
        let value: serde_json::Value = serde_json::from_str(&written("x")).unwrap();
        assert_eq!(value["schema"], "joblens/1");
        assert_eq!(value["jobs"][0]["tasks"], serde_json::json!([]));
        assert!(value["jobs"][0]["message"].is_null());
        assert!(value.as_object().unwrap().contains_key("gate"));
        assert_eq!(value["exit"], serde_json::json!({"code": 0, "word": "ok"}));
    }

    #[test]
    fn a_text_is_no_command_in_a_log_and_still_the_same_text() {
        let json = written("::error::##[group]\u{9b}##vso[x] [[");
        assert!(
            json.contains(r##""::error::#\u0023[group]\u009b#\u0023vso[x] [[""##),
            "{json}"
        );
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            value["jobs"][0]["name"],
            "::error::##[group]\u{9b}##vso[x] [["
        );
    }

    #[test]
    fn is_indented_like_any_pretty_json_at_every_depth() {
        let mut deep = serde_json::json!([1, {}, [], {"a": [], "b": null}]);
        for _ in 0..50 {
            deep = serde_json::json!([{"in": deep, "n": 1.5}, "x"]);
        }
        let job = Job {
            raw: Some(deep),
            ..Job::default()
        };
        let report = Envelope::new("get", vec![job], vec![], vec![]);
        let mut out = Vec::new();
        write(&mut out, &report).unwrap();
        let usual = serde_json::to_string_pretty(&report).unwrap() + "\n";
        assert!(String::from_utf8(out).unwrap() == usual);
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same_text_and_moves_no_cursor(name in any::<String>()) {
            let json = written(&name);
            prop_assert!(!json.replace('\n', "").contains(needs_escape));
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(value["jobs"][0]["name"].as_str(), Some(name.as_str()));
        }
    }
}
