//! Combines texts about a failure without repetition.

use std::borrow::Cow;

use crate::model::repeats_exit_code;

/// Combines reason and message without repetition.
pub fn reason_text(reason: Option<&str>, message: Option<&str>) -> Option<String> {
    let clean = |text: &str| {
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    match (reason.and_then(clean), message.and_then(clean)) {
        (Some(reason), Some(message)) if message.contains(&reason) => Some(message),
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (reason, message) => reason.or(message),
    }
}

/// Combines reason and message on one line: all lines of a short message, otherwise the last line, which is the error
/// after a traceback or at the end of a log.
pub(super) fn reason_line(reason: Option<&str>, message: Option<&str>) -> Option<String> {
    reason_text(reason, message.map(on_one_line).as_deref())
}

fn on_one_line(text: &str) -> Cow<'_, str> {
    const MAX_CHARS: usize = 120;
    let text = text.trim();
    let is_long = || text.chars().nth(MAX_CHARS).is_some() || text.contains("Traceback (");
    match text.contains('\n') {
        false => text.into(),
        true if is_long() => last_line(text).into(),
        true => Vec::from_iter(text.split_whitespace()).join(" ").into(),
    }
}

/// Returns the last line with letters or digits.
fn last_line(text: &str) -> &str {
    let mut lines = text.lines().rev().map(str::trim);
    let last = lines.find(|line| line.contains(char::is_alphanumeric));
    last.unwrap_or(text)
}

/// Returns a text, unless it only repeats the exit code shown before it.
pub(super) fn unless_exit_code(text: Option<&str>, exit_code: Option<i64>) -> Option<&str> {
    text.filter(|text| !repeats_exit_code(text, exit_code))
}

/// Joins texts to one sentence, without full stops inside it.
pub(super) fn join(parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let join = |one: String, other: String| {
        let end = one.strip_suffix('.').filter(|text| !text.ends_with('.'));
        format!("{}; {other}", end.unwrap_or(&one))
    };
    parts.into_iter().flatten().reduce(join)
}

/// Texts that were shown, in normalized form.
#[derive(Debug, Default)]
pub(super) struct ShownTexts(Vec<String>);

impl ShownTexts {
    /// Adds a text.
    pub(super) fn add(&mut self, text: &str) {
        self.0.push(normalized(text));
    }

    /// Returns `true` if a text was shown, alone or within another one. A shorter text before a colon is ignored, as
    /// in `Failed to pull image "x": not found`.
    pub(super) fn contain(&self, text: &str) -> bool {
        let text = normalized(text);
        let is_shown = |part: &str| self.0.iter().any(|shown| contains_words(shown, part));
        let mut parts = text.match_indices(": ").map(|(at, _)| &text[at + 2..]);
        is_shown(&text) || parts.any(|part| part.len() * 2 >= text.len() && is_shown(part))
    }

    /// Returns reason and message of an event, except a message that was shown; `None` if both were.
    pub(super) fn unshown_text(
        &self,
        reason: Option<&str>,
        message: Option<&str>,
    ) -> Option<String> {
        let message = message.filter(|text| !text.trim().is_empty() && !self.contain(text));
        let rest = reason_text(reason, message)?;
        (!self.contain(&rest)).then_some(rest)
    }
}

/// Normalizes a text: lower case, single spaces, and no full stop at the end.
fn normalized(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .to_lowercase()
        .trim_end_matches('.')
        .to_owned()
}

/// Returns `true` if a text contains another one at word boundaries.
fn contains_words(text: &str, part: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut found = text.match_indices(part);
    !part.is_empty()
        && found.any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + part.len()..]);
            let inside = |text: Option<char>, end: Option<char>| is_word(text) && is_word(end);
            !inside(before.chars().next_back(), part.chars().next())
                && !inside(part.chars().next_back(), after.chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_message_is_joined_and_a_long_one_is_cut_to_its_last_line() {
        let traceback =
            "Traceback (most recent call last):\n  File \"a.py\"\nValueError: 批大小\n}\n \n";
        assert_eq!(
            reason_line(Some("E1"), Some(traceback)).unwrap(),
            "E1: ValueError: 批大小"
        );
        assert_eq!(reason_line(None, Some(" --- ")).unwrap(), "---");
        let log = format!("{}\nfatal: no space left\n---", "epoch\n".repeat(30));
        assert_eq!(
            reason_line(None, Some(&log)).unwrap(),
            "fatal: no space left"
        );
        let short = "more than\n  16 GiB\n";
        assert_eq!(reason_line(None, Some(short)).unwrap(), "more than 16 GiB");
    }

    #[test]
    fn a_text_contained_in_a_shown_text_counts_as_shown() {
        let mut shown = ShownTexts::default();
        shown.add("ImagePullBackOff: Back-off pulling image \"x\": ErrImagePull: rpc error: desc = x: not found");
        for (text, is_shown) in [
            ("Back-off  pulling image \"x\".", true),
            ("Error: ErrImagePull", true),
            (
                "Failed to pull image \"x\": rpc error: desc = x: not found",
                true,
            ),
            ("Failed to pull image \"x\": access denied", false),
            ("mage", false),
            ("a much longer text before the colon: not found", false),
        ] {
            assert_eq!(shown.contain(text), is_shown, "{text}");
        }
        let rest = |reason, message| shown.unshown_text(Some(reason), Some(message));
        let pulling = "Back-off pulling image \"x\"";
        assert_eq!(rest("BackOff", pulling).as_deref(), Some("BackOff"));
        assert_eq!(rest("ErrImagePull", pulling), None);
        assert_eq!(rest("Failed", "no").as_deref(), Some("Failed: no"));
        assert!(!ShownTexts::default().contain(""));
    }

    #[test]
    fn a_full_stop_before_a_semicolon_is_left_out() {
        let parts = ["It timed out.", "wait...", "done."].map(|part| Some(part.to_owned()));
        assert_eq!(join(parts).unwrap(), "It timed out; wait...; done.");
    }
}
