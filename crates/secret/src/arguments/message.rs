//! Masks secrets in the messages of services.

mod value;

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

use super::{
    Masker, VisiblePart, WordValue, escaped_end, is_filler, is_own_header, is_scheme,
    secret_option, secret_value, spaced_assignment,
};
use crate::names::{Sensitivity, may_end_name};
use crate::private_key::PrivateKeyMasker;
use crate::programs::Value;
use crate::quoting::value_end;
use crate::urls::beginning;
use value::{ascii_length, is_last_word, is_prose, is_token, is_value, jwt};

/// Maximum number of secret names to read in a word, so that a long word is read in linear time.
const MAX_NAMES: usize = 64;

/// Maximum number of bytes of a word that decide whether it is a secret.
const MAX_READ_LENGTH: usize = 1024;

/// Masks the parts of a command line, a request or a document that a service repeats in a message: values of secret
/// names (`password=V`, `password: V`, `"password": "V"`), options and headers, tokens, and private keys.
///
/// A word of a sentence is not masked: after `password: ` or `Bearer `, only text that does not look like a word is.
pub fn mask_message(text: &str) -> Cow<'_, str> {
    if !may_contain_secret(text) {
        return text.into();
    }
    let mut masker = Masker {
        message: Some(Message {
            has_options: has_options(text),
            clue: None,
        }),
        ..Masker::default()
    };
    if !text.contains("PRIVATE KEY-----") {
        return masker.text(text, true);
    }
    let text = PrivateKeyMasker::text(text);
    masker.text(&text, true).into_owned().into()
}

/// Rejects most texts without a secret in a short time.
fn may_contain_secret(text: &str) -> bool {
    const SIGNS: [&str; 5] = ["earer ", "asic ", "eyJ", "PRIVATE KEY-----", "："];
    let bytes = text.as_bytes();
    memchr2(b'=', b'%', bytes).is_some()
        || memchr_iter(b':', bytes).any(|at| may_end_name(&bytes[..at]))
        || has_options(text)
        || SIGNS.iter().any(|sign| text.contains(sign))
}

/// Returns `true` if a word of a text begins with `-`.
fn has_options(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b'-', bytes).any(|at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        before.is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`([{".contains(&byte))
    })
}

/// The state of reading a message.
#[derive(Debug)]
pub(super) struct Message {
    has_options: bool,
    /// What the words so far show about the next one.
    clue: Option<Clue>,
}

/// What precedes a word that may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clue {
    /// `NAME:` or `NAME =`.
    Name {
        certainty: Certainty,
        is_spaced_equals: bool,
    },
    /// `"NAME":` before a quote.
    Field(Sensitivity),
    /// `--NAME`.
    Option,
    /// The name of a header such as `Authorization`.
    Header,
    /// The name of a header with cookies.
    Cookie,
    /// `Bearer`, in a header or not.
    Scheme { is_header: bool },
}

/// How likely the text after a name is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// After `secret:` or `tokens:`, which often precede names and numbers.
    Low,
    /// After `password:`.
    Medium,
    /// After a name that only programs use, such as `DB_PASSWORD:`.
    High,
}

impl Clue {
    /// Returns the clue of a name before a colon, or before an equals sign between blanks.
    fn of_name(name: &str, sensitivity: Sensitivity, is_spaced_equals: bool) -> Option<Self> {
        let name = name.trim_matches(|c: char| !c.is_alphanumeric());
        // A key is usually that of a map.
        if name.eq_ignore_ascii_case("key") {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        let is_hump = name.chars().skip(1).any(|c| c.is_ascii_uppercase());
        let certainty = match &*lower {
            _ if sensitivity == Sensitivity::Likely => Certainty::Low,
            "secret" | "signature" | "credential" | "pass" => Certainty::Low,
            // Parsers and language models have tokens, too.
            _ if lower.ends_with("token") && !is_own_header(name) => Certainty::Low,
            _ if name.contains('_') || is_hump || is_own_header(name) => Certainty::High,
            _ => Certainty::Medium,
        };
        Some(Self::Name {
            certainty,
            is_spaced_equals,
        })
    }

    /// Returns `true` if `word` at the beginning of `rest` is a secret.
    fn covers(self, word: &str, rest: &str) -> bool {
        let word = beginning(word, MAX_READ_LENGTH);
        match self {
            Self::Field(sensitivity) => sensitivity.covers(word),
            Self::Name {
                certainty: Certainty::Low,
                ..
            } => is_value(word) && crate::looks_random(word),
            Self::Name {
                certainty,
                is_spaced_equals,
            } => {
                let is_assigned = certainty == Certainty::High || is_spaced_equals;
                is_value(word) || (is_assigned && is_last_word(word, rest) && !is_prose(word))
            }
            Self::Option => !word.starts_with('-') && !is_prose(word),
            Self::Cookie => word.contains('='),
            Self::Header => is_token(word, true),
            Self::Scheme { is_header } => is_token(word, is_header),
        }
    }
}

impl Masker {
    /// Returns the part of `rest`, which begins with `word`, that is shown in a message.
    pub(super) fn word_of_message(&mut self, word: &str, rest: &str) -> VisiblePart {
        let clue = self.message.as_mut().and_then(|one| one.clue.take());
        if let Some(clue) = clue {
            let is_header = matches!(clue, Clue::Header | Clue::Scheme { is_header: true });
            if is_header && is_scheme(word) {
                return self.expect(Clue::Scheme { is_header }, word.len());
            }
            if is_filler(word) {
                return self.expect(clue, word.len());
            }
            if clue.covers(word, rest) {
                let end = match clue {
                    Clue::Cookie => rest.find(['\n', '"', '\'']).unwrap_or(rest.len()),
                    Clue::Name { .. } if ascii_length(word) > 0 => {
                        let end = escaped_end(rest).unwrap_or_else(|| value_end(rest, None));
                        end.min(ascii_length(rest))
                    }
                    _ => escaped_end(rest).unwrap_or_else(|| value_end(rest, None)),
                };
                return VisiblePart::Until(0, end);
            }
        }
        if let Some(part) = self.named_value(word, rest) {
            return part;
        }
        if let Some((from, end)) = jwt(word) {
            return VisiblePart::Until(from, end);
        }
        if let Some((length, sensitivity)) = spaced_assignment(word, rest)
            && let Some(clue) = Clue::of_name(word, sensitivity, rest[..length].ends_with('='))
        {
            return self.expect(clue, length);
        }
        let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
        if ["basic", "bearer"]
            .iter()
            .any(|scheme| trimmed.eq_ignore_ascii_case(scheme))
        {
            return self.expect(Clue::Scheme { is_header: false }, word.len());
        }
        match self.message.as_ref().is_some_and(|one| one.has_options) {
            true => self.word_of_command(word, rest),
            false => VisiblePart::Whole(word.len()),
        }
    }

    /// Returns the part of a word with the name of a secret; `None` if the word has no such name, or its value is
    /// not a secret.
    fn named_value(&mut self, word: &str, rest: &str) -> Option<VisiblePart> {
        let mut after = 0;
        for _ in 0..MAX_NAMES {
            let value = secret_value(word, after)?;
            // The parameters of URLs are masked with the URL, and keys of labels are not secrets.
            let trimmed = word.trim_start_matches(|c: char| !c.is_alphanumeric());
            let is_url = word[..value.from].contains("://");
            let is_other = is_url || trimmed.starts_with("key=");
            if value.is_encoded || !is_other {
                let part = self.value_of_message(&value, word, rest);
                if part.is_some() {
                    return part;
                }
            }
            after = value.from;
        }
        None
    }

    fn value_of_message(
        &mut self,
        value: &WordValue,
        word: &str,
        rest: &str,
    ) -> Option<VisiblePart> {
        let text = &word[value.from..];
        if value.is_header {
            let clue = match value.name(word).to_ascii_lowercase().ends_with("cookie") {
                true => Clue::Cookie,
                false => Clue::Header,
            };
            let bare = text.trim_matches(['"', '\'', '\\']);
            return match bare.is_empty() {
                true => Some(self.expect(clue, word.len())),
                false if is_scheme(bare) => {
                    Some(self.expect(Clue::Scheme { is_header: true }, word.len()))
                }
                false if is_assigned(rest, value.from) || clue.covers(text, text) => Some(
                    VisiblePart::Until(value.from, value.from + value_end(text, value.open)),
                ),
                false => None,
            };
        }
        if value.is_encoded {
            return Some(VisiblePart::Until(value.from, word.len()));
        }
        if is_assigned(rest, value.from) {
            return Some(match text.is_empty() {
                true => self.expect(Clue::Field(value.sensitivity), word.len()),
                false => value.shown(self, word, rest),
            });
        }
        let clue = Clue::of_name(value.name(word), value.sensitivity, false)?;
        match text.trim_matches(['"', '\'', '\\']).is_empty() {
            true => Some(self.expect(clue, word.len())),
            false if clue.covers(text, &rest[value.from..]) => {
                let length = match ascii_length(text) {
                    0 => text.len(),
                    length => length,
                };
                let end = value.from + value_end(text, value.open).min(length);
                Some(VisiblePart::Until(value.from, end))
            }
            false => None,
        }
    }

    /// Reads a word of a command line in a message.
    fn word_of_command(&mut self, word: &str, rest: &str) -> VisiblePart {
        match self.program.read(word) {
            Some(Value::At(from)) => {
                let is_option = word.contains(['-', '/']) || is_value(&word[from..]);
                let end = from + value_end(&rest[from..], None);
                return match is_option {
                    true => VisiblePart::Until(from, end),
                    false => VisiblePart::Whole(word.len()),
                };
            }
            Some(Value::Next) => return self.expect(Clue::Option, word.len()),
            None => {}
        }
        // An option in a list: `["--password", "V"]`.
        let quoted = word
            .strip_suffix(',')
            .and_then(|word| word.strip_suffix(['"', '\'']));
        let option = quoted.map_or(word, |word| word.trim_start_matches(['[', '(', '"', '\'']));
        let ends_in_name = option.ends_with(char::is_alphanumeric);
        match secret_option(option).filter(|_| ends_in_name) {
            Some(Sensitivity::Certain) => self.expect(Clue::Option, word.len()),
            _ => VisiblePart::Whole(word.len()),
        }
    }

    /// Shows this number of bytes, after which a secret may follow.
    fn expect(&mut self, clue: Clue, shown: usize) -> VisiblePart {
        if let Some(message) = &mut self.message {
            message.clue = Some(clue);
        }
        VisiblePart::Whole(shown)
    }

    /// Forgets what the words of the last line show.
    pub(super) fn forget_clue(&mut self) {
        if let Some(message) = &mut self.message {
            message.clue = None;
        }
    }
}

/// Returns `true` if the value of a secret begins at `from`: after `NAME=`, or in quotes after `"NAME":`.
fn is_assigned(text: &str, from: usize) -> bool {
    let (name, value) = text.split_at(from);
    let is_quoted = |text: &str| text.trim_start_matches('\\').starts_with(['"', '\'']);
    let is_json =
        || name.trim_end_matches(':').ends_with(['"', '\'']) && is_quoted(value.trim_start());
    name.ends_with(['=', '"', '\'']) || is_json()
}

#[cfg(test)]
mod tests;
