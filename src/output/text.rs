use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub(super) use crate::json::needs_escape;

/// Escapes control characters and commands of CI systems. What could move a cursor, set a title, change the text
/// direction or start a new row becomes an escape such as `\n` or `\u{1b}`; of a command, one character is escaped.
///
/// CI systems search every line of a log for commands: GitHub's begin the line with `::`, those of GitHub, Azure and
/// TeamCity contain `##[`, `##vso[` or `##teamcity[` anywhere.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(needs_escape) {
        return Cow::Owned(escape_ci_commands(&escape_controls(text)).into_owned());
    }
    escape_ci_commands(text)
}

/// Maximum number of bytes per column: the longest family emoji takes 13.
const MAX_BYTES_PER_COLUMN: usize = 16;

/// Escapes each line of a text and keeps its line breaks.
pub(super) fn escape_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.lines().map(escape).collect();
    lines.join("\n")
}

/// Truncates a text to this many characters, including `…`.
pub fn truncate_chars(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let end = text.char_indices().nth(most.saturating_sub(1));
            let end = end.map_or(text.len(), |(at, _)| at);
            Cow::Owned(format!("{}…", &text[..end]))
        }
    }
}

/// Returns the position to escape so that a line is not a command: the second `#` of `##[` or of `##word[`.
pub(super) fn ci_command_at(text: &str) -> Option<usize> {
    text.match_indices('[').find_map(|(at, _)| {
        let before = text[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        before.ends_with("##").then(|| before.len() - 1)
    })
}

pub(super) fn escape_ci_commands(text: &str) -> Cow<'_, str> {
    let command = text.trim_start();
    let blank = text.len() - command.len();
    let begins_one = command.starts_with("::");
    if !begins_one && ci_command_at(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut rest = text;
    if begins_one {
        shown.push_str(&text[..blank]);
        shown.push_str("\\u{3a}");
        rest = &command[1..];
    }
    while let Some(at) = ci_command_at(rest) {
        shown.push_str(&rest[..at]);
        shown.push_str("\\u{23}");
        rest = &rest[at + 1..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn escape_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if needs_escape(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Returns how many columns a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Truncates a text to this many columns, including `…`.
pub(super) fn truncate_width(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut short = take_columns(text, columns.saturating_sub(1)).to_owned();
    short.push('…');
    Cow::Owned(short)
}

/// Truncates a text in the middle to this many columns, including `…`.
pub(super) fn truncate_middle(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(1);
    let head = take_columns(text, room / 2);
    let room = room - width(head);
    let begins = |(at, c): &(usize, char)| c.width() != Some(0) && width(&text[*at..]) <= room;
    let tail = text.char_indices().find(begins);
    let tail = tail.map_or("", |(at, _)| &text[at..]);
    Cow::Owned(format!("{head}…{tail}"))
}

/// Returns the longest prefix that takes at most this many columns. Limits the number of characters without width to
/// what languages need, since these alone would never fill a line.
pub(super) fn take_columns(text: &str, columns: usize) -> &str {
    let most_bytes = columns.saturating_mul(MAX_BYTES_PER_COLUMN);
    // The sum of the widths of the characters is nearly always the width of the text, and takes linear time.
    let mut sum = 0;
    let mut end = 0;
    for c in text.chars() {
        sum += c.width().unwrap_or(0);
        let next = end + c.len_utf8();
        if next > most_bytes || sum > columns {
            break;
        }
        end = next;
    }
    if width(&text[..end]) > columns {
        end = 0;
    }
    // A character can combine with those before it (ZWJ, flags), so measure the whole prefix.
    for c in text[end..].chars() {
        let next = end + c.len_utf8();
        if next > most_bytes || width(&text[..next]) > columns {
            break;
        }
        end = next;
    }
    // Do not separate a character from the zero-width ones that belong to it.
    let rest = &text[end..];
    let is_cut = rest.chars().next().is_some_and(|c| c.width() == Some(0));
    match text[..end].char_indices().next_back() {
        Some((at, _)) if is_cut => &text[..at],
        _ => &text[..end],
    }
}

/// Returns how many columns a line gains if it must be escaped as a command of a CI system.
pub(super) fn escape_columns(line: &str) -> usize {
    match line.trim_start().starts_with("::") {
        true => "\\u{3a}".len() - 1,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_control_characters_and_keeps_other_characters() {
        assert_eq!(
            escape("a\u{1b}[2Jb\tc\r\n\u{9b}\u{202e}d"),
            "a\\u{1b}[2Jb\\tc\\r\\n\\u{9b}\\u{202e}d"
        );
        assert_eq!(escape("训练 👩‍🚀 🇨🇳 é"), "训练 👩‍🚀 🇨🇳 é");
    }

    #[test]
    fn escapes_the_beginning_of_ci_commands() {
        for (text, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("  \u{3000}::x", "  \u{3000}\\u{3a}:x"),
            ("a ::b::", "a ::b::"),
            ("std::io", "std::io"),
            ("\n::x", "\\n::x"),
            ("a##[group]b", "a#\\u{23}[group]b"),
            ("###[x ##vso[task.x", "##\\u{23}[x #\\u{23}vso[task.x"),
            ("::##[", "\\u{3a}:#\\u{23}["),
            ("## [x] # [", "## [x] # ["),
        ] {
            assert_eq!(escape(text), shown, "{text:?}");
        }
        assert_eq!(escape_lines("a\n ::b\r\nc\rd"), "a\n \\u{3a}:b\nc\\rd");
    }

    #[test]
    fn cuts_by_characters() {
        assert_eq!(truncate_chars("训练任务", 4), "训练任务");
        assert_eq!(truncate_chars("训练任务", 3), "训练…");
        assert_eq!(truncate_chars("ab", 0), "…");
    }

    #[test]
    fn shortens_by_columns_and_not_by_characters() {
        assert_eq!(truncate_width("训练任务", 8), "训练任务");
        assert_eq!(truncate_width("训练任务", 7), "训练任…");
        assert_eq!(truncate_width("训练任务", 6), "训练…");
        assert_eq!(truncate_width("abc", 0), "…");
    }

    #[test]
    fn shortens_in_the_middle_by_columns() {
        assert_eq!(truncate_middle("aliyun/job/c/5", 14), "aliyun/job/c/5");
        assert_eq!(truncate_middle("aliyun/job/c/5", 9), "aliy…/c/5");
        assert_eq!(truncate_middle("训练任务一二三", 8), "训…二三");
        assert_eq!(truncate_middle("abc", 0), "…");
    }

    proptest! {
        #[test]
        fn escaped_text_contains_no_character_that_needs_an_escape(text in any::<String>()) {
            prop_assert!(!escape(&text).contains(needs_escape));
        }

        #[test]
        fn escaped_text_is_not_a_ci_command(text in "[ \\t\\n:#\\[\\]av\u{a0}\u{2003}]{0,20}") {
            let shown = escape(&text);
            prop_assert!(!shown.trim_start().starts_with("::"), "{shown:?}");
            prop_assert!(ci_command_at(&shown).is_none(), "{shown:?}");
        }
    }
}
