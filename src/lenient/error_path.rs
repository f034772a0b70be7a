//! Describes errors in a JSON response: what was expected, and where.

use std::fmt::Write as _;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::shape::TOO_MANY;
use crate::json;

/// Maximum length of a path in a message.
const MAX_PATH_LEN: usize = 120;

/// Describes what was expected and where, without any text of the response except field names.
pub(super) fn explain(error: &json::Error, body: &[u8]) -> String {
    let (line, column) = error.position(body);
    let position = format!("line {line} column {column}");
    let text = error.to_string();
    if body.trim_ascii().is_empty() {
        return "JSON".to_owned();
    }
    if error.is_end() {
        return format!("more JSON after {position}");
    }
    if error.is_syntax() {
        return format!("JSON at {position}");
    }
    if text.contains(TOO_MANY) {
        return TOO_MANY.to_owned();
    }
    let path = path(&body[..error.offset()]);
    match path.is_empty() {
        _ if text.starts_with("duplicate field") => format!("{path} only once at {position}"),
        true => format!("{} at {position}", expected_type(&text)),
        false => format!("{} at {path}, {position}", expected_type(&text)),
    }
}

/// Returns the path of a value with another type, and what was expected: `data.gpu (expected a number)`.
pub(super) fn explain_path(error: &json::Error, body: &[u8]) -> String {
    let path = path(&body[..error.offset()]);
    format!("{path} (expected {})", expected_type(&error.to_string()))
}

/// Returns what was expected, in the user's terms.
fn expected_type(error: &str) -> &str {
    // serde quotes the actual value before this word. Only the expected type is safe to show.
    let expected_type = error.rsplit_once("expected ");
    let expected_type = expected_type.map_or("another value", |(_, expected_type)| expected_type);
    match expected_type {
        "a map" => "an object",
        expected_type if expected_type.starts_with("struct ") => "an object",
        expected_type => expected_type,
    }
}

/// Returns the path of the value at which `read` ends, such as `data.list[2].name`; empty for the document itself.
///
/// Decoding into the types of a response could also return the path, but would need a second decoder for each type,
/// which is a tenth of the binary.
pub(super) fn path(read: &[u8]) -> String {
    let mut path = Vec::new();
    // Starts a value that was only peeked at. Reading it ends in an error in any case.
    let open_element: &[u8] = match read.trim_ascii_end().last() {
        Some(b',' | b':') => b"[",
        _ => b"",
    };
    let cut = [read, open_element].concat();
    let _ = serde_json::Deserializer::from_slice(&cut).deserialize_any(PathVisitor(&mut path));
    let mut text = String::new();
    for step in path {
        match step {
            PathStep::Key(key) if text.is_empty() => text = key,
            PathStep::Key(key) => {
                let _ = write!(text, ".{key}");
            }
            PathStep::Index(at) => {
                let _ = write!(text, "[{at}]");
            }
        }
    }
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(MAX_PATH_LEN).collect()
}

enum PathStep {
    Key(String),
    Index(usize),
}

/// Reads values of any type and keeps the path of the last one. The path is reset only when the next value begins,
/// since an error in a value is found at its end.
struct PathVisitor<'a>(&'a mut Vec<PathStep>);

/// Reads a value that is `depth` steps below the document.
struct PathSeed<'a> {
    path: &'a mut Vec<PathStep>,
    depth: usize,
    step: PathStep,
}

impl<'de> DeserializeSeed<'de> for PathSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.path.truncate(self.depth);
        self.path.push(self.step);
        deserializer.deserialize_any(PathVisitor(self.path))
    }
}

impl<'de> Visitor<'de> for PathVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let PathVisitor(path) = self;
        let depth = path.len();
        for at in 0.. {
            let step = PathStep::Index(at);
            if seq
                .next_element_seed(PathSeed { path, depth, step })?
                .is_none()
            {
                break;
            }
        }
        path.truncate(depth);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let PathVisitor(path) = self;
        let depth = path.len();
        while let Some(key) = map.next_key()? {
            let step = PathStep::Key(key);
            map.next_value_seed(PathSeed { path, depth, step })?;
        }
        path.truncate(depth);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_path_leads_to_the_value_at_the_end_of_the_text() {
        for (read, expected) in [
            (r#""#, ""),
            (r#"[""#, "[0]"),
            (r#"{"a": "x""#, "a"),
            (r#"{"a": {"b": [1, {"c": 22"#, "a.b[1].c"),
            (r#"{"a": {"b": 1}"#, "a"),
            (r#"{"a": {"b": 1}, "d": {"#, "d"),
            (r#"{"a": [[1, 2], [3"#, "a[1][0]"),
            (r#"{"a": [[1, 2], "#, "a[1]"),
            (r#"{"a": {"b": 1}, "c": "#, "c"),
            (r#"{"a": 1.5, "名称": true"#, "名称"),
            (r#"{"a\u001b[2J": null"#, "a[2J"),
        ] {
            assert_eq!(path(read.as_bytes()), expected, "{read}");
        }
    }
}
