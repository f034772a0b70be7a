use std::borrow::Cow;

use super::super::escape;
use super::super::text::{needs_escape, width};

/// Wraps one shell command into lines of at most this many columns, unless a word is longer. Each line except the
/// last ends with a backslash, so that all lines can be pasted together.
pub(super) fn lines(words: &[String], columns: usize) -> Vec<String> {
    const CONTINUED: &str = " \\";
    const INDENT: &str = "  ";
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for (number, word) in words.iter().enumerate() {
        let word = quote(word);
        let wide = width(&word);
        let is_last = number + 1 == words.len();
        let end = if is_last { 0 } else { CONTINUED.len() };
        match lines.last_mut() {
            Some(line) if used + 1 + wide + end <= columns => {
                line.push(' ');
                line.push_str(&word);
                used += 1 + wide;
            }
            Some(line) => {
                line.push_str(CONTINUED);
                lines.push(format!("{INDENT}{word}"));
                used = INDENT.len() + wide;
            }
            None => {
                lines.push(word.into_owned());
                used = wide;
            }
        }
    }
    lines
}

/// Quotes a word for a shell. Characters that must not be shown unchanged are written
/// as `$'\n'`, which all current shells support.
pub(super) fn quote(word: &str) -> Cow<'_, str> {
    match shlex::try_quote(word) {
        Ok(quoted) if escape(word) == word => quoted,
        _ => Cow::Owned(ansi_quote(word)),
    }
}

fn ansi_quote(word: &str) -> String {
    let mut quoted = String::from("$'");
    let mut last = None;
    for c in word.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\'' | '\\' => quoted.extend(['\\', c]),
            // A CI system would interpret `##[` as a command.
            '#' if last == Some('#') => quoted.push_str("\\043"),
            c if c.is_ascii_control() => quoted.push_str(&format!("\\{:03o}", u32::from(c))),
            c if needs_escape(c) => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
        last = Some(c);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str], columns: usize) -> Vec<String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        lines(&words, columns)
    }

    #[test]
    fn words_with_special_characters_are_quoted_for_a_shell() {
        assert_eq!(
            shown(&["sh", "-c", "it's $HOME", "", "训练", "***"], 90),
            [r#"sh -c "it's "'$HOME' '' '训练' '***'"#]
        );
        assert_eq!(
            shown(
                &["a\nb\\'\u{1b}", "\u{202e}x", "::error::", "##[x", "a::b"],
                90
            ),
            [r"$'a\nb\\\'\033' $'\u202ex' $'::error::' $'#\043[x' a::b"]
        );
    }

    #[test]
    fn a_long_command_line_is_broken_between_words_with_backslashes() {
        assert_eq!(
            shown(&["run", "--input", "a b", "--long", "0123456789012345"], 14),
            [
                "run --input \\",
                "  'a b' \\",
                "  --long \\",
                "  0123456789012345"
            ]
        );
    }
}
