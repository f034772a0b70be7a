//! Masks the lines that a command writes to standard error, for a log.

use std::borrow::Cow;

use crate::secret::{MASK, looks_random, mask_text};

/// Masks the words of a line that may be secrets. Removes colors and other control sequences of terminals, which would
/// look like parts of the words.
pub(super) fn mask_words(line: &str) -> String {
    let line = without_control_sequences(line);
    let words = mask_text(line.trim());
    let words = words.split_whitespace();
    let words = words.map(|word| if looks_random(word) { MASK } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Removes control sequences of terminals: `ESC [ 31 m`, and `ESC ] … BEL` or `ESC ] … ESC \\` such as the title of a
/// window.
fn without_control_sequences(line: &str) -> Cow<'_, str> {
    const ESCAPE: char = '\u{1b}';
    if !line.contains(ESCAPE) {
        return line.into();
    }
    let mut parts = line.split(ESCAPE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut is_in_command = false;
    for part in parts {
        let rest = match part.chars().next() {
            Some('[') => {
                let end = part[1..].find(|c| ('\u{40}'..='\u{7e}').contains(&c));
                end.map_or("", |end| &part[end + 2..])
            }
            Some(']' | 'P' | '^' | '_' | 'X') => {
                is_in_command = !part.contains('\u{7}');
                part.split_once('\u{7}').map_or("", |(_, rest)| rest)
            }
            Some('\\') => {
                is_in_command = false;
                &part[1..]
            }
            // Other sequences have one or two more characters, which are shown.
            _ => part,
        };
        if !is_in_command {
            text += rest;
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_removed_before_words_are_masked() {
        for (line, expected) in [
            ("\u{1b}[31mPrompt\u{1b}[0m", "Prompt"),
            (
                "\u{1b}[1;38;5;196mOpen\u{1b}[m https://login.example",
                "Open https://login.example",
            ),
            ("code: B2C4\u{1b}[1mD7F9K\u{1b}[0m", "code: ***"),
            ("\u{1b}[31mpassword=\u{1b}[0mx y", "password=*** y"),
            ("\u{1b}]0;title\u{7}Login", "Login"),
            (
                "\u{1b}]8;;https://a.example\u{1b}\\here\u{1b}]8;;\u{1b}\\ now",
                "here now",
            ),
            ("\u{1b}[0m", ""),
            ("\u{1b}[", ""),
            ("\u{1b}[31é", ""),
            ("", ""),
        ] {
            assert_eq!(mask_words(line), expected, "{line:?}");
        }
    }
}
