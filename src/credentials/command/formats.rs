//! The formats in which commands print credentials: JSON, and lines of `key=value` that may be meant for a
//! shell.

use serde_json::{Map, Value};

use super::CommandOutput;
use crate::secret::Secret;

/// Objects in which the clouds' tools wrap a credential.
const WRAPPERS: [&str; 5] = ["credential", "credentials", "data", "response", "status"];

/// What stands before an assignment that is meant for a shell.
const SHELL_PREFIXES: [&str; 2] = ["export ", "declare -x "];

/// The values that a command printed, by its names; `None` for any other format.
pub(super) fn decode(printed: &[u8]) -> Option<CommandOutput> {
    let text = std::str::from_utf8(printed).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut pairs = Vec::new();
    match text.starts_with('{') {
        true => collect(serde_json::from_str(text).ok()?, &mut pairs),
        false => {
            // `NAME=value; export NAME` is two lines.
            let text = text.replace("; export ", "\nexport ");
            for line in text.lines().map(str::trim) {
                pairs.extend(assignment(line)?);
            }
        }
    }
    let filled = pairs
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty());
    Some(
        filled
            .map(|(key, value)| (key, Secret::new(value.trim())))
            .collect(),
    )
}

/// The texts and numbers of an object and of those that wrap a credential.
fn collect(object: Map<String, Value>, pairs: &mut Vec<(String, String)>) {
    for (key, value) in object {
        match value {
            Value::String(text) => pairs.push((key, text)),
            Value::Number(number) => pairs.push((key, number.to_string())),
            Value::Object(inner) if WRAPPERS.iter().any(|one| key.eq_ignore_ascii_case(one)) => {
                collect(inner, pairs);
            }
            _ => {}
        }
    }
}

/// The name and value of a line, or that it has none; `None` for any other line.
fn assignment(line: &str) -> Option<Option<(String, String)>> {
    let exported = SHELL_PREFIXES
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix));
    if line.is_empty() || line.starts_with(['#', '[']) {
        return Some(None);
    }
    let Some((key, value)) = exported.unwrap_or(line).split_once('=') else {
        return exported.map(|_| None);
    };
    let value = value.trim();
    let is_quoted = value.starts_with(['"', '\'']);
    let value = match is_quoted || exported.is_some() {
        true => value.trim_end_matches(';').trim_end(),
        false => value,
    };
    let words = shlex::split(value).filter(|words| is_quoted && words.len() == 1);
    let value = words.map_or_else(|| value.to_owned(), |words| words.concat());
    Some(Some((key.trim().to_owned(), value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Option<Vec<(String, String)>> {
        let exposed = |(key, value): (String, Secret)| (key, value.expose().to_owned());
        let decoded = decode(text.as_bytes())?;
        Some(decoded.into_iter().map(exposed).collect())
    }

    #[test]
    fn reads_lines_that_are_meant_for_a_shell() {
        for text in [
            "id=i\nsecret=s=",
            "\u{feff}# c\r\nid = i\r\n\r\nexport secret=\"s=\"\r\n",
            "export id=i;\nexport secret='s=';\n",
            "export id=\"i\"; export secret=\"s=\";",
            "id=i; export id;\nsecret='s='; export secret;\n",
            "declare -x id=\"i\"\ndeclare -x secret=\"s=\"\n",
            "[default]\nid = i\nsecret = s=\nempty=\n",
        ] {
            let expected = [("id", "i"), ("secret", "s=")];
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(pairs(text), Some(expected.to_vec()), "{text}");
        }
    }

    #[test]
    fn a_value_keeps_what_is_part_of_it() {
        for (text, value) in [
            ("p=a;b;", "a;b;"),
            ("p=\"a;\"", "a;"),
            ("export p=\"a\\\"b\";", "a\"b"),
            ("export p='it'\\''s';", "it's"),
            ("p=it's", "it's"),
            ("p=\"half", "\"half"),
            ("p=\"x\" y", "\"x\" y"),
        ] {
            let expected = vec![("p".to_owned(), value.to_owned())];
            assert_eq!(pairs(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn reads_what_the_tools_of_clouds_print() {
        for text in [
            r#"{"RequestId":"r","AssumedRoleUser":{"Arn":"x"},"Credentials":{"id":"i","at":7}}"#,
            r#"{"Response":{"Credentials":{"id":"i"},"at":7,"more":[1]}}"#,
            r#"{"credential":{"id":"i","at":7}}"#,
            r#"{"Version":1,"id":"i","at":7}"#,
        ] {
            let mut found = pairs(text).unwrap();
            found.retain(|(key, _)| !["RequestId", "Version"].contains(&key.as_str()));
            let expected = [("at", "7"), ("id", "i")];
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn other_formats_are_not_guessed() {
        for text in ["hunter2", "id=i\nhunter2", "{\"id\":", "<html>", "id: i"] {
            assert_eq!(pairs(text), None, "{text}");
        }
        assert_eq!(decode(b"id=\xff"), None);
        assert_eq!(pairs(""), Some(Vec::new()));
    }
}
