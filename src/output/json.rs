mod serializer;
mod writer;

use std::io::{self, Write};

use serde::Serialize;

pub(super) use serializer::EXACT_NUMBER;

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
    serializer::write(out, document, true)
}

/// Writes a value as one line, with a line end.
pub(super) fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serializer::write(out, value, false)
}

/// Writes a part of a JSON string with all that could move a cursor or be a command in a CI log
/// escaped, in one pass: an answer can contain millions of such characters.
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
            let c = c.expect("there is a character where one was found");
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
