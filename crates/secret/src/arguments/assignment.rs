//! Finds the values of secret names: `NAME=V`, `NAME: V` and similar forms.

use super::{Expected, Masker, VisiblePart, is_scheme};
use crate::names::{Sensitivity, is_credential_header, is_secret_parameter, sensitivity};
use crate::quoting::value_end;

/// A value that begins within a word.
pub(super) struct WordValue {
    pub(super) from: usize,
    /// The quote that is open at that position.
    pub(super) open: Option<char>,
    pub(super) sensitivity: Sensitivity,
    /// `true` if the value can consist of several words.
    pub(super) is_header: bool,
    /// `true` if the sign before the value is percent-encoded.
    pub(super) is_encoded: bool,
}

impl WordValue {
    /// Returns the name before the value, with any text before it.
    pub(super) fn name<'a>(&self, word: &'a str) -> &'a str {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name = word[..self.from].trim_end_matches(|c| !is_name(c));
        &name[name.trim_end_matches(is_name).len()..]
    }

    pub(super) fn shown(&self, masker: &mut Masker, word: &str, rest: &str) -> VisiblePart {
        let value = &rest[self.from..];
        if self.is_header && (value.trim().is_empty() || is_scheme(value)) {
            masker.expected = Some(Expected::Credentials);
            return VisiblePart::Whole(rest.len());
        }
        if self.is_header {
            let ends = |c: char| c == '\n' || Some(c) == self.open;
            let length = value.find(ends).unwrap_or(value.len());
            let blank = value.len() - value.trim_start().len();
            return VisiblePart::Until(self.from + blank, self.from + length);
        }
        if self.from == word.len() {
            masker.expected = Some(Expected::Value(self.sensitivity));
            return VisiblePart::Whole(word.len());
        }
        match self.sensitivity.covers(&word[self.from..]) {
            true => {
                let end = escaped_end(value).unwrap_or_else(|| value_end(value, self.open));
                VisiblePart::Until(self.from, self.from + end)
            }
            false => VisiblePart::Whole(word.len()),
        }
    }
}

/// Returns the length of a secret name and the sign after it, as in `password = V`, where blanks separate the two.
pub(super) fn spaced_assignment(word: &str, rest: &str) -> Option<(usize, Sensitivity)> {
    // Checked first, since few words are followed by a sign and checking a name costs more.
    let after = rest[word.len()..].trim_start_matches([' ', '\t']);
    let sign = [":=", "=>", "=", ":", "："]
        .into_iter()
        .find(|sign| after.starts_with(sign))?;
    let name = word.trim_end_matches(['"', '\'', ']']);
    let name = name.rsplit(['"', '\'', '[', '{', '(']).next()?;
    let name = name.trim_start_matches(':');
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let found = sensitivity(name)?;
    let follows = &after[sign.len()..];
    let is_comparison = sign == "=" && follows.starts_with(['=', '~']);
    (!is_comparison).then(|| (rest.len() - follows.len(), found))
}

/// Returns the end of a value between escaped quotes, as in a document within a text: `\\"V\\"`.
pub(super) fn escaped_end(value: &str) -> Option<usize> {
    let slashes = value.len() - value.trim_start_matches('\\').len();
    let quote = value.get(..slashes + 1).filter(|_| slashes > 0)?;
    let inner = &value[quote.len()..];
    let is_quote = quote.ends_with(['"', '\'']);
    let length = inner.find(quote).filter(|_| is_quote)?;
    Some(2 * quote.len() + length)
}

/// Returns the value of the first secret name in a word whose sign is at or after this position.
///
/// Recognizes `NAME=V` at any position (`--set=db.password=V`, `?token=V`), `NAME:` or `"NAME":V` as in headers,
/// YAML and JSON, `--NAME:V` or `--NAME,V`, and `NAME%3DV`.
pub(super) fn secret_value(word: &str, after: usize) -> Option<WordValue> {
    let may_be_sign = |byte: u8| matches!(byte, b'=' | b':' | b',' | b'%') || byte >= 0x80;
    if !word.bytes().any(may_be_sign) {
        return None;
    }
    let trimmed = word.trim_start_matches(['"', '\'']);
    // `/password:V`, as in programs of Windows.
    let is_option = trimmed.starts_with('-') || is_windows_option(trimmed);
    let signs = word[after..].char_indices().filter_map(|(at, c)| {
        let (at, rest) = (after + at, &word[after + at..]);
        match c {
            '=' | ':' | '：' | ',' => Some((at, c, c.len_utf8())),
            '%' if rest.starts_with("%3D") || rest.starts_with("%3d") => Some((at, '=', 3)),
            _ => None,
        }
    });
    for (at, sign, length) in signs {
        let from = at + length;
        let after = &word[from..];
        let quoted = word[..at].ends_with(['"', '\'']);
        let before = word[..at].trim_end_matches(['"', '\'', '\\', ']']);
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = before.trim_end_matches(is_name).len();
        let name = &before[start..];
        let is_header = matches!(sign, ':' | '=') && is_credential_header(name);
        let is_assignment = match sign {
            '=' => !after.is_empty() && !after.starts_with(['=', '~']),
            ':' | '：' => {
                let is_path = after.starts_with('/') || before[..start].ends_with(['/', '.']);
                quoted
                    || is_option
                    || is_header
                    || after.is_empty()
                    || sign == '：'
                    || is_own_header(name)
                    || after.starts_with(['"', '\'', '-'])
                    || (!is_path && is_variable(name))
            }
            ',' => {
                let head = &before[..start];
                let is_setter = || SETTERS.iter().any(|setter| head.ends_with(setter));
                at > 0 && (is_option || (quoted && is_setter()))
            }
            _ => false,
        };
        if !is_assignment {
            continue;
        }
        let is_parameter = before[..start].ends_with(['?', '&']);
        let found = match sensitivity(name) {
            None if is_parameter && is_secret_parameter(name) => Sensitivity::Certain,
            None => continue,
            Some(found) => found,
        };
        let open = word[..at].chars().fold(None, |open, c| match open {
            None if c == '"' || c == '\'' => Some(c),
            Some(quote) if quote == c => None,
            open => open,
        });
        return Some(WordValue {
            from,
            open,
            sensitivity: found,
            is_header,
            is_encoded: word[at..].starts_with('%'),
        });
    }
    None
}

/// Ends of calls that set a variable in Python: `os.putenv("NAME", "V")`.
const SETTERS: [&str; 4] = ["putenv(\"", "putenv('", "default(\"", "default('"];

fn is_windows_option(word: &str) -> bool {
    let option = word
        .strip_prefix('/')
        .and_then(|option| option.split_once(':'));
    option.is_some_and(|(name, value)| {
        name.bytes().all(|byte| byte.is_ascii_alphabetic()) && !value.starts_with('/')
    })
}

/// Returns `true` if a name is a custom header such as `X-API-Key`, as in the arguments of HTTP clients.
pub(super) fn is_own_header(name: &str) -> bool {
    let prefix = name.get(..2);
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-"))
}

/// Accepts `DB_PASSWORD` and `password`, but not `sealed-secret`, which can be the name of an image.
fn is_variable(name: &str) -> bool {
    !name.contains(['-', '.']) && name != "key"
}
