//! Formats errors of an expression on one line, without the data.

use jaq_json::Val;
use serde::de::IgnoredAny;

use super::paths::type_name;

/// Messages of the engine that contain values; each is the text before the first value.
const WITH_VALUES: [&str; 4] = [
    "cannot use ",
    "cannot index ",
    "cannot calculate ",
    "invalid path expression with input ",
];

const MAX_CHARS: usize = 200;

/// Returns the message of an error. The text of `error("…")` is shown unchanged.
pub(super) fn of(error: jaq_core::Error<Val>, expression: &str) -> String {
    let text = match error.into_val() {
        Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
        other => return format!("error with a value of type {}", type_name(&other)),
    };
    let found = WITH_VALUES.iter().find(|start| text.starts_with(**start));
    let message = match found {
        Some(start) => (*start).to_owned() + &without_values(&text[start.len()..], expression),
        None => text,
    };
    let line = message.lines().next().unwrap_or_default();
    // A CI system must not find a command at the beginning.
    let line = match line.trim_start().starts_with([':', '#']) {
        true => format!("error: {line}"),
        false => line.to_owned(),
    };
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Replaces each value by its type, but keeps names that are in the expression.
fn without_values(mut text: &str, expression: &str) -> String {
    let mut message = String::new();
    while let Some(first) = text.chars().next() {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        let is_value = matches!(values.next(), Some(Ok(_)));
        let end = if is_value {
            values.byte_offset()
        } else {
            first.len_utf8()
        };
        let part = &text[..end];
        let name = part.trim_matches('"');
        match (is_value, first) {
            (false, _) => message.push_str(part),
            (true, '"') if !name.is_empty() && expression.contains(name) => message.push_str(part),
            (true, '"') => message.push_str("string"),
            (true, '{') => message.push_str("object"),
            (true, '[') => message.push_str("array"),
            (true, 'n' | 't' | 'f') => message.push_str(part),
            (true, _) => message.push_str("number"),
        }
        text = &text[end..];
        // A value begins only after a space.
        let rest = text.find(' ').map_or(text.len(), |blank| blank + 1);
        message.push_str(&text[..rest]);
        text = &text[rest..];
    }
    message
}
