//! Rejects characters that cannot be part of a credential: quotes around it and invisible characters.

/// Keys whose values users choose freely: names in any script, and passwords.
const FREE_TEXT: [&str; 3] = ["domain", PASSWORD, "user"];

/// A password may begin and end with quotes.
const PASSWORD: &str = "password";

/// Quotes that `docker --env-file` keeps or that word processors insert.
const QUOTES: [(char, char); 7] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('„', '“'),
    ('＂', '＂'),
];

/// Invisible characters, by name.
const NAMES: [(&[char], &str); 6] = [
    (&['\n', '\r', '\u{2028}', '\u{2029}'], "a line break"),
    (&['\u{feff}'], "a byte order mark"),
    (&['\u{a0}', '\u{202f}'], "a no-break space"),
    (
        &['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}'],
        "a zero-width character",
    ),
    (&['\u{ad}'], "a soft hyphen"),
    (
        &[
            '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
            '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
        ],
        "a direction mark",
    ),
];

/// Hints for values with quotes or other invalid characters.
const REMOVE_QUOTES_HINT: &str = "remove the quotes (docker --env-file also keeps them)";
const RESET: &str = "set it to the value, or remove it";
const RETYPE: &str = "remove the character from the value";
const JOIN: &str = "the value must be a single line, without anything else";

/// Describes the fault of a value of a credential, as it follows the key in a message, with a hint; `None` for a
/// value that can be sent. Shows at most the code of one character.
pub(super) fn fault(key: &str, value: &str) -> Option<(String, &'static str)> {
    if value.is_empty() {
        return Some(("contains only whitespace".to_owned(), RESET));
    }
    let is_quoted = |(open, close): &(char, char)| {
        let rest = value.strip_prefix(*open);
        rest.is_some_and(|rest| rest.ends_with(*close))
    };
    if key != PASSWORD && QUOTES.iter().any(is_quoted) {
        return Some(("is in quotes".to_owned(), REMOVE_QUOTES_HINT));
    }
    let is_free = FREE_TEXT.contains(&key);
    let name_of = |c: char| NAMES.iter().find(|(chars, _)| chars.contains(&c));
    let is_wrong = |c: &char| match is_free {
        // A user of Huawei's IAM can have a name like `ci bot`.
        true => *c != ' ' && (c.is_whitespace() || c.is_control() || name_of(*c).is_some()),
        false => !c.is_ascii_graphic(),
    };
    let wrong = value.chars().find(is_wrong)?;
    let code = u32::from(wrong);
    let what = match name_of(wrong) {
        Some((_, name)) => format!("contains {name} (U+{code:04X})"),
        None if wrong.is_whitespace() => "contains whitespace".to_owned(),
        None if wrong.is_control() => format!("contains a control character (U+{code:04X})"),
        None => format!("contains a character that is not ASCII (U+{code:04X})"),
    };
    let is_break = NAMES[0].0.contains(&wrong);
    Some((what, if is_break { JOIN } else { RETYPE }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_unexpected_characters_of_a_value_are_named() {
        for (value, expected) in [
            ("LTAI5tKey", None),
            ("", Some("contains only whitespace")),
            ("a\"b'c", None),
            ("\"half", None),
            ("\"LTAI\"", Some("is in quotes")),
            ("'x'", Some("is in quotes")),
            ("“x”", Some("is in quotes")),
            ("\u{feff}LTAI", Some("contains a byte order mark (U+FEFF)")),
            ("LT\u{a0}AI", Some("contains a no-break space (U+00A0)")),
            (
                "LTAI\u{200b}",
                Some("contains a zero-width character (U+200B)"),
            ),
            ("\u{202a}LTAI", Some("contains a direction mark (U+202A)")),
            ("LT\r\nAI", Some("contains a line break (U+000D)")),
            ("LT AI", Some("contains whitespace")),
            ("LT\0AI", Some("contains a control character (U+0000)")),
            (
                "LTAI”",
                Some("contains a character that is not ASCII (U+201D)"),
            ),
            (
                "密钥",
                Some("contains a character that is not ASCII (U+5BC6)"),
            ),
        ] {
            let found = fault("secret_key", value).map(|(what, _)| what);
            assert_eq!(found.as_deref(), expected, "{value:?}");
        }
    }

    #[test]
    fn a_value_of_two_lines_has_a_hint_to_join_them() {
        assert_eq!(fault("token", "one\ntwo").map(|(_, hint)| hint), Some(JOIN));
    }

    #[test]
    fn names_and_passwords_may_contain_characters_of_any_script() {
        for key in FREE_TEXT {
            assert_eq!(fault(key, "张三é"), None);
            assert_eq!(fault(key, "ci bot"), None);
            assert!(fault(key, "ci\tbot").is_some());
            let (what, hint) = fault(key, "张三\u{200b}").unwrap();
            assert_eq!(what, "contains a zero-width character (U+200B)");
            assert_eq!(hint, RETYPE);
        }
        assert_eq!(fault("password", "\"x\""), None);
        assert!(fault("user", "\"x\"").is_some());
    }
}
