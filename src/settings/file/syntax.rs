//! Explains the errors of a file that is not valid TOML, for users who seldom write TOML. Shows no values.

use crate::secret::quotable;

/// A syntax error: its position, an explanation and a hint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Byte offset in the text.
    pub offset: usize,
    /// Explanation of the error.
    pub message: String,
    /// The correct text, if known.
    pub hint: Option<String>,
}

impl SyntaxError {
    fn new(offset: usize, message: &str, hint: Option<String>) -> Self {
        Self {
            offset,
            message: message.to_owned(),
            hint,
        }
    }
}

/// Characters that look like those of TOML.
const LOOKALIKES: [(char, &str); 15] = [
    ('“', "\""),
    ('”', "\""),
    ('„', "\""),
    ('＂', "\""),
    ('‘', "'"),
    ('’', "'"),
    ('＇', "'"),
    ('＝', "="),
    ('［', "["),
    ('］', "]"),
    ('\u{3000}', "a blank"),
    ('\u{a0}', "a blank"),
    ('\u{202f}', "a blank"),
    ('\u{200b}', "nothing"),
    ('\u{feff}', "nothing"),
];

/// Explains a parser error by the line in which it occurred.
pub(super) fn explain(text: &str, error: &toml::de::Error) -> SyntaxError {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let wrong_character = control_character(line, start).or_else(|| lookalike(line, start));
    if let Some(error) = wrong_character {
        return error;
    }
    if error.message().contains("duplicate") {
        return duplicate(line, start);
    }
    if line.trim_start().starts_with('[') {
        let hint = "write [CLOUD.PROFILE]; profile names with other characters must be quoted: [aliyun.\"…\"]";
        return SyntaxError::new(at, "invalid table header", Some(hint.to_owned()));
    }
    let Some((key, value)) = line.split_once('=') else {
        let message = "expected KEY = \"VALUE\" or [CLOUD.PROFILE]";
        let hint = "write: KEY = \"VALUE\"";
        return SyntaxError::new(start, message, Some(hint.to_owned()));
    };
    if at <= start + key.len() && !is_plain_key(key.trim()) {
        let message = "a key without quotes consists of the letters A-Z and a-z, digits, _ and -";
        let hint = "the keys of joblens have no other characters; see the file that joblens config init creates";
        return SyntaxError::new(start, message, Some(hint.to_owned()));
    }
    let value_at = start + key.len() + 1 + (value.len() - value.trim_start().len());
    let key = quotable(key.trim().trim_matches(['"', '\'']).trim());
    wrong_value(&key, value.trim(), value_at, at)
}

/// Explains a control character in a line, which begins at `start`.
fn control_character(line: &str, start: usize) -> Option<SyntaxError> {
    let mut characters = line.char_indices();
    let (at, c) = characters.find(|(_, c)| c.is_control() && *c != '\t')?;
    let message = format!(
        "the control character U+{:04X} is not valid in TOML",
        u32::from(c)
    );
    let hint = Some("remove the character".to_owned());
    Some(SyntaxError::new(start + at, &message, hint))
}

/// Explains a character that looks like one of TOML in a line, which begins at `start`.
fn lookalike(line: &str, start: usize) -> Option<SyntaxError> {
    let (at, (sign, ascii)) = line.char_indices().find_map(|(at, c)| {
        let sign = LOOKALIKES.iter().find(|(sign, _)| *sign == c)?;
        Some((at, sign))
    })?;
    let shown = match sign.is_whitespace() || *ascii == "nothing" {
        true => format!("the invisible character U+{:04X}", u32::from(*sign)),
        false => format!("'{sign}'"),
    };
    let message = format!("{shown} is not valid in TOML");
    let shown_sign = shown.trim_matches('\'');
    let hint = match *ascii {
        "nothing" => format!("remove {shown_sign}"),
        ascii => format!("use {ascii} instead of {shown_sign}"),
    };
    Some(SyntaxError::new(start + at, &message, Some(hint)))
}

/// Explains a wrong value, which begins at `value_at`; `at` is the position of the parser error.
fn wrong_value(key: &str, value: &str, value_at: usize, at: usize) -> SyntaxError {
    let text_hint = || Some(format!("write: {key} = \"…\""));
    if let Some(flag) = flag(value) {
        let hint = format!("write: {key} = {flag}");
        return SyntaxError::new(value_at, "a boolean is true or false", Some(hint));
    }
    match value.chars().next() {
        None => SyntaxError::new(value_at, "the value is missing", text_hint()),
        Some('"') if value.contains('\\') => SyntaxError::new(
            at,
            "invalid escape in a double-quoted string",
            Some(format!(
                "use single quotes for text with backslashes: {key} = '…'"
            )),
        ),
        Some(quote @ ('"' | '\'')) if value.matches(quote).count() == 1 => {
            SyntaxError::new(value_at, "the closing quote is missing", text_hint())
        }
        Some(quote @ ('"' | '\'')) => SyntaxError::new(
            at,
            "unexpected text after the value",
            Some(format!(
                "write {quote} around the whole value only, and # before a comment"
            )),
        ),
        Some('[') if !value.contains(['"', '\'']) => SyntaxError::new(
            value_at,
            "texts in a list must be in quotes",
            Some(format!("write: {key} = [\"…\", \"…\"]")),
        ),
        Some('[' | '{') => SyntaxError::new(
            at,
            "the list or table is not closed or not separated by commas",
            None,
        ),
        Some(_) => SyntaxError::new(value_at, "text must be in quotes", text_hint()),
    }
}

/// Returns `true` if TOML accepts the key as it is: in quotes, or with plain characters, also with dots and blanks
/// between them.
fn is_plain_key(key: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-. \t".contains(c);
    key.starts_with(['"', '\'']) || key.chars().all(is_plain)
}

/// Returns the boolean that other languages write as this value.
fn flag(value: &str) -> Option<&'static str> {
    let word = value.split([' ', '\t', '#']).next().unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some("true"),
        "false" | "no" | "off" => Some("false"),
        _ => None,
    }
}

/// Describes a repeated key or table; `start` is the offset of the line.
fn duplicate(line: &str, start: usize) -> SyntaxError {
    let line = line.trim();
    let (what, hint) = match line
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next())
    {
        Some(name) => (
            format!("table [{}] is defined twice", quotable(name.trim())),
            "move its keys to the first one",
        ),
        None => {
            let key = line.split('=').next().unwrap_or_default();
            (
                format!("{} is set more than once", quotable(key.trim())),
                "remove one of the lines",
            )
        }
    };
    SyntaxError {
        offset: start,
        message: what,
        hint: Some(hint.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::de::DeTable;

    /// Text, position, explanation and hint.
    const SLIPS: [(&str, &str, &str, &str); 26] = [
        (
            "[a.b]\n区域 = \"x\"\n",
            "2:1",
            "a key without quotes",
            "config init",
        ),
        (
            "[a.b]\nre$gion = \"hunter2\"\n",
            "2:1",
            "a key without quotes",
            "config init",
        ),
        (
            "[a.b]\nregion\u{a0}= \"x\"\n",
            "2:7",
            "invisible character U+00A0",
            "a blank instead",
        ),
        (
            "\u{200b}[a.b]\nregion = \"x\"\n",
            "1:1",
            "U+200B",
            "remove the invisible character",
        ),
        (
            "[a.b]\nk = [hunter2, b]\n",
            "2:5",
            "list must be in quotes",
            "k = [\"…\", \"…\"]",
        ),
        ("[a.b]\nk = True\n", "2:5", "true or false", "k = true"),
        ("[a.b]\nk = no # off\n", "2:5", "true or false", "k = false"),
        (
            "[a.b]\nk = yesterday\n",
            "2:5",
            "text must be in quotes",
            "k = \"…\"",
        ),
        (
            "[a.b]\n\"k = hunter2\"\n",
            "2:6",
            "text must be in quotes",
            "write: k = \"…\"",
        ),
        (
            "[a.b]\nregion = “x”\n",
            "2:10",
            "'“' is not valid in TOML",
            "use \" instead of “",
        ),
        (
            "[a.b]\nregion ＝ \"x\"\n",
            "2:8",
            "'＝' is not valid in TOML",
            "use = instead of ＝",
        ),
        (
            "[a.b]\nk = 1\n\n[a.b]\nj = 2\n",
            "4:1",
            "table [a.b] is defined twice",
            "first one",
        ),
        (
            "[a.b]\nk = \"1\"\nk = \"2\"\n",
            "3:1",
            "k is set more than once",
            "remove one",
        ),
        (
            "[a.b]\nk = hunter2\n",
            "2:5",
            "text must be in quotes",
            "write: k = \"…\"",
        ),
        (
            "[a.b]\nk = cn-hangzhou\n",
            "2:5",
            "text must be in quotes",
            "write: k = \"…\"",
        ),
        (
            "[a.b]\nk = \"C:\\corp\\ca\"\n",
            "2:9",
            "invalid escape",
            "k = '…'",
        ),
        (
            "[a.b]\nk = \"hunter2\n",
            "2:5",
            "the closing quote is missing",
            "k = \"…\"",
        ),
        ("[a.b]\nk =\n", "2:4", "the value is missing", "k = \"…\""),
        (
            "[a.b]\nk: \"hunter2\"\n",
            "2:1",
            "expected KEY",
            "KEY = \"VALUE\"",
        ),
        ("[a.b]\nhunter2\n", "2:1", "expected KEY", "KEY = \"VALUE\""),
        ("# \0\n", "1:3", "control character U+0000", "remove"),
        ("[a.b]\nk = \"a\u{1b}\"\n", "2:7", "U+001B", "remove"),
        (
            "[a.产线]\nk = \"1\"\n",
            "1:4",
            "invalid table header",
            "must be quoted",
        ),
        (
            "[a.b\nk = \"1\"\n",
            "1:5",
            "invalid table header",
            "[CLOUD.PROFILE]",
        ),
        (
            "[a.b]\nk = \"x\" y\n",
            "2:9",
            "unexpected text after the value",
            "around the whole",
        ),
        (
            "[a.b]\nk = [\"x\" \"y\"]\n",
            "2:10",
            "separated by commas",
            "",
        ),
    ];

    #[test]
    fn each_syntax_error_has_its_position_and_a_hint() {
        for (text, position, what, hint) in SLIPS {
            let error = DeTable::parse(text).unwrap_err();
            let found = explain(text, &error);
            let before = &text[..found.offset];
            let line = 1 + before.matches('\n').count();
            let column = 1 + before.rsplit('\n').next().unwrap().chars().count();
            assert_eq!(format!("{line}:{column}"), position, "{text}");
            assert!(found.message.contains(what), "{text}: {}", found.message);
            let given = found.hint.unwrap_or_default();
            assert!(given.contains(hint), "{text}: {given}");
            assert!(
                !format!("{}{given}", found.message).contains("hunter2"),
                "{text}"
            );
        }
    }
}
