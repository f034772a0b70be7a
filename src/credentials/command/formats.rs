//! Decodes the formats in which commands print credentials: JSON, and lines of `key=value`, possibly in shell
//! syntax.

use serde_json::{Map, Value};

use super::{CommandOutput, shell};
use crate::secret::Secret;

/// Objects in which the clouds' tools nest a credential.
const WRAPPERS: [&str; 5] = ["credential", "credentials", "data", "response", "status"];

/// Shell keywords at the beginning of an assignment.
const SHELL_WORDS: [&str; 3] = ["export", "declare", "typeset"];

/// Returns the printed values by name; `None` for any other format.
pub(in crate::credentials) fn decode(printed: &[u8]) -> Option<CommandOutput> {
    let text = std::str::from_utf8(printed).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut pairs = Vec::new();
    match text.starts_with('{') {
        true => collect(serde_json::from_str(text).ok()?, &mut pairs),
        false => {
            for line in text.lines().map(str::trim) {
                pairs.extend(assignments(line)?);
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

/// Collects the strings and numbers of an object, and of nested objects that contain a credential.
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

/// Returns the names and values of a line; `None` for a line in another format.
fn assignments(line: &str) -> Option<Vec<(String, String)>> {
    if line.is_empty() || line.starts_with(['#', '[']) {
        return Some(Vec::new());
    }
    let words = line.split(|c: char| c.is_whitespace() || c == ';');
    let is_exported = words.clone().any(|word| SHELL_WORDS.contains(&word));
    let pair = line.split_once('=');
    let is_quoted = pair.is_some_and(|(_, value)| {
        let value = value.trim_start();
        ["\"", "'", "$'"]
            .iter()
            .any(|quote| value.starts_with(quote))
    });
    // Unlike a shell, files allow blanks around `=`.
    let compact = pair.map(|(name, value)| format!("{}={}", name.trim_end(), value.trim_start()));
    if (is_exported || is_quoted)
        && let Some(pairs) = shell::assignments(compact.as_deref().unwrap_or(line))
    {
        return Some(pairs);
    }
    let (name, value) = pair?;
    let name = name.trim();
    let name = match name.split_once(char::is_whitespace) {
        Some((word, name)) if SHELL_WORDS.contains(&word) => name.trim_start(),
        _ => name,
    };
    Some(vec![(name.to_owned(), value.trim().to_owned())])
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
    fn reads_assignments_in_shell_syntax() {
        for text in [
            "id=i\nsecret=s=",
            "\u{feff}# c\r\nid = i\r\n\r\nexport secret=\"s=\"\r\n",
            "export id=i;\nexport secret='s=';\n",
            "export id=\"i\"; export secret=\"s=\";",
            "id=i; export id;\nsecret='s='; export secret;\n",
            "declare -x id=\"i\"\ndeclare -x secret=\"s=\"\n",
            "export id=\"i\";export secret=\"s=\";",
            "export id=\"i\" secret=\"s=\"",
            "id=\"i\"; secret=\"s=\"; export id secret;",
            "id=i && secret='s=' && export id secret",
            "export\tid=i\nexport secret=\"s=\"; # comment",
            "id=\"i\" # the id\nsecret='s=' ;",
            "export id=$'i'\nexport secret=s\\=",
            "[default]\nid = i\nsecret = s=\nempty=\n",
        ] {
            let expected = [("id", "i"), ("secret", "s=")];
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(pairs(text), Some(expected.to_vec()), "{text}");
        }
    }

    #[test]
    fn quotes_comments_and_separators_inside_a_value_are_kept() {
        for (text, value) in [
            ("p=a;b;", "a;b;"),
            ("p=\"a;\"", "a;"),
            ("export p=\"a\\\"b\";", "a\"b"),
            ("export p='it'\\''s';", "it's"),
            ("p=it's", "it's"),
            ("p=\"half", "\"half"),
            ("p=\"x\" y", "\"x\" y"),
            ("export p=\"a$b`c\\d\\$\";", "a$b`c\\d$"),
            ("export p='a;b#c \"d'; # e", "a;b#c \"d"),
            ("export p=$'it\\'s'", "it's"),
            ("export p=a#b", "a#b"),
            ("export p=a&b", "a&b"),
            ("p=a #b", "a #b"),
        ] {
            let expected = vec![("p".to_owned(), value.to_owned())];
            assert_eq!(pairs(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn reads_the_json_output_of_cloud_tools() {
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
