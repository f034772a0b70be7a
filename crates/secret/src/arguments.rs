//! Masks secrets in command lines.

mod assignment;
mod message;

use std::borrow::Cow;

use super::MASK;
use super::names::{Sensitivity, sensitivity};
use super::piped::{here_string, piped_secret};
use super::programs::{Program, Value};
use super::quoting::value_end;
use super::urls::mask_urls;
use assignment::{WordValue, escaped_end, is_own_header, secret_value, spaced_assignment};
use message::Message;
pub use message::mask_message;

/// Masks secrets in a command line given as a list of arguments.
///
/// It masks the values of options, variables, headers and fields with the names of secrets (`--opt VALUE`,
/// `--opt=V`, `NAME=V`, `"name": V`, `name = V`), the short options of common programs that take a password, the
/// tokens of `Authorization`, and the user info of URLs. An argument that is a shell script is read word by word.
/// If the end of a value is uncertain, it masks more rather than less.
pub fn mask_arguments<'a>(arguments: impl IntoIterator<Item = &'a mut String>) {
    let mut masker = Masker::default();
    let (mut is_text, mut is_user) = (false, false);
    for argument in arguments {
        let user_follows = matches!(argument.as_str(), "-u" | "--user" | "--proxy-user");
        if std::mem::replace(&mut is_user, user_follows)
            && let Some((user, password)) = argument.split_once(':')
            && !password.starts_with("//")
            && !password.bytes().all(|byte| byte.is_ascii_digit())
        {
            *argument = format!("{user}:{MASK}");
        }
        let text_follows = is_shell_text_option(argument);
        let is_shell_text = std::mem::replace(&mut is_text, text_follows);
        if let Cow::Owned(masked) = masker.argument(argument, is_shell_text) {
            *argument = masked;
        }
    }
}

/// Masks secrets in a text as in a shell script.
pub fn mask_text(text: &str) -> String {
    Masker::default().argument(text, true).into_owned()
}

/// The type of the next word, according to the words so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The value of a secret.
    Value(Sensitivity),
    /// A token, after the word `Bearer`, if the word looks like one.
    Token,
    /// The value of a header such as `Authorization`, in which a scheme can precede the secret.
    Credentials,
}

#[derive(Debug, Default)]
struct Masker {
    expected: Option<Expected>,
    /// `true` if a name and its value follow, as after `set`.
    is_set: bool,
    /// `true` if the words are those of a `.netrc`: `machine H login U password V`.
    is_netrc: bool,
    /// The state of reading a message; `None` for a command line.
    message: Option<Message>,
    program: Program,
}

impl Masker {
    fn argument<'a>(&mut self, argument: &'a str, is_shell_text: bool) -> Cow<'a, str> {
        if let Some(expected) = self.expected.take() {
            let trimmed = argument.trim();
            if trimmed.is_empty() || expected.comes_after(trimmed) {
                self.expected = Some(expected);
                return argument.into();
            }
            if expected.covers(trimmed) && secret_option(trimmed).is_none() {
                return MASK.to_owned().into();
            }
        }
        if argument.contains("PRIVATE KEY-----") {
            return MASK.to_owned().into();
        }
        match mask_urls(argument) {
            Cow::Borrowed(text) => self.text(text, is_shell_text),
            Cow::Owned(text) => self.text(&text, is_shell_text).into_owned().into(),
        }
    }

    /// Masks the values of secret names in a text. A value ends where the word of a shell would end; in an argument
    /// that is not a shell script and begins with an assignment, the value extends to the end.
    fn text<'a>(&mut self, text: &'a str, is_shell_text: bool) -> Cow<'a, str> {
        let mut masked = String::new();
        let (mut copied, mut at, mut word_end) = (0, 0, 0);
        while at < text.len() {
            let gap = text[at..].len() - text[at..].trim_start().len();
            if text[at..at + gap].contains('\n') && !text[..at].ends_with('\\') {
                self.program.end_command();
                self.forget_clue();
            }
            at += gap;
            let rest = &text[at..];
            // The rest of a long word is not searched again.
            if at >= word_end {
                let length = rest.find(char::is_whitespace);
                word_end = length.map_or(text.len(), |length| at + length);
            }
            let word = &text[at..word_end];
            let (shown, length) = match self.word(word, rest) {
                VisiblePart::Whole(length) => (length, length),
                VisiblePart::Until(from, _) if at == 0 && !is_shell_text => (from, rest.len()),
                VisiblePart::Until(from, end) => (from, end),
            };
            if shown < length {
                masked.push_str(&text[copied..at + shown]);
                masked.push_str(MASK);
                copied = at + length;
            }
            at += length;
        }
        match copied {
            0 => text.into(),
            _ => (masked + &text[copied..]).into(),
        }
    }

    /// Returns the part of `rest`, which begins with `word`, that is shown.
    fn word(&mut self, word: &str, rest: &str) -> VisiblePart {
        if self.message.is_some() {
            return self.word_of_message(word, rest);
        }
        if let Some(expected) = self.expected.take() {
            if expected.comes_after(word) {
                self.expected = Some(expected);
                return VisiblePart::Whole(word.len());
            }
            if !word.is_empty() && expected.covers(word) && secret_option(word).is_none() {
                return VisiblePart::Until(0, value_end(rest, None));
            }
        }
        if let Some(value) = secret_value(word, 0) {
            return value.shown(self, word, rest);
        }
        if let Some((from, end)) = piped_secret(word, rest) {
            return VisiblePart::Until(from, end);
        }
        if let Some(from) = here_string(word, rest) {
            self.expected = (from == word.len()).then_some(Expected::Value(Sensitivity::Certain));
            return match self.expected {
                Some(_) => VisiblePart::Whole(from),
                None => VisiblePart::Until(from, from + value_end(&rest[from..], None)),
            };
        }
        match self.program.read(word) {
            Some(Value::At(from)) => {
                return VisiblePart::Until(from, from + value_end(&rest[from..], None));
            }
            Some(Value::Next) => self.expected = Some(Expected::Value(Sensitivity::Certain)),
            None => self.expected = secret_option(word).map(Expected::Value),
        }
        let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
        if trimmed.eq_ignore_ascii_case("bearer") {
            self.expected = Some(Expected::Token);
        }
        let sets = matches!(trimmed, "set" | "setx" | "setenv");
        if self.is_set && word.starts_with('-') {
            self.is_set = !word.ends_with(';');
        } else if std::mem::replace(&mut self.is_set, sets) {
            self.expected = sensitivity(trimmed).map(Expected::Value);
        }
        self.is_netrc |= trimmed == "machine";
        if self.is_netrc && trimmed == "password" {
            self.expected = Some(Expected::Value(Sensitivity::Certain));
        }
        if let Some((length, found)) = spaced_assignment(word, rest) {
            self.expected = Some(Expected::Value(found));
            return VisiblePart::Whole(length);
        }
        VisiblePart::Whole(word.len())
    }
}

impl Expected {
    /// Returns `true` if this word can precede the value.
    fn comes_after(self, word: &str) -> bool {
        is_filler(word) || (self == Self::Credentials && is_scheme(word))
    }

    fn covers(self, word: &str) -> bool {
        match self {
            Self::Value(sensitivity) => sensitivity.covers(word),
            Self::Credentials => true,
            Self::Token => word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit()),
        }
    }
}

/// The part of a text that is shown unchanged.
enum VisiblePart {
    /// This number of bytes.
    Whole(usize),
    /// The bytes before the first position; the value ends at the second one.
    Until(usize, usize),
}

/// Returns `true` if an argument is `-c` or `-lc`, which are followed by a shell script.
fn is_shell_text_option(argument: &str) -> bool {
    argument.ends_with('c') && argument.starts_with('-') && !argument.starts_with("--")
}

/// Returns `true` if a word is the scheme of a header, which precedes the secret.
fn is_scheme(word: &str) -> bool {
    const SCHEMES: [&str; 9] = [
        "apikey",
        "appcode",
        "basic",
        "bearer",
        "digest",
        "negotiate",
        "oauth",
        "token",
        "x-api-key",
    ];
    let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
    SCHEMES
        .iter()
        .any(|scheme| trimmed.eq_ignore_ascii_case(scheme))
}

/// Returns `true` if a word can occur between an option and its value.
fn is_filler(word: &str) -> bool {
    matches!(word, "\\" | "--" | "''" | "\"\"" | "=")
}

/// Returns the sensitivity of an option whose value is the next word. Ignores quotes and brackets around the
/// option.
fn secret_option(word: &str) -> Option<Sensitivity> {
    let begins = word.find(|c: char| c.is_alphanumeric() || c == '-')?;
    if !word[begins..].starts_with('-') {
        return None;
    }
    let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
    let is_option = !trimmed.contains(|c: char| matches!(c, '=' | ':' | ',') || c.is_whitespace());
    is_option.then(|| sensitivity(trimmed)).flatten()
}

#[cfg(test)]
mod tests;
