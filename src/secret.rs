//! Secrets that cannot be printed, and the masking of secrets in text.

mod quoting;
mod redactor;
mod scrubber;

use std::fmt;

pub use quoting::{is_region_like, quotable, quotable_path};
pub use redactor::Redactor;
pub use scrubber::SecretMasker;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Last words of a name whose value is a secret.
const SECRET_NAMES: [&str; 7] = [
    "password",
    "passwd",
    "pwd",
    "token",
    "secret",
    "key",
    "credential",
];

/// A secret text. It has no `Display`, and its `Debug` shows the mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for signing and sending only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// A key id short enough to recognise and too short to use: `LTAI…3Qk`.
pub fn masked_id(id: &str) -> String {
    let chars: Vec<char> = id.chars().collect();
    if chars.len() < 12 {
        let head: String = chars.iter().take(chars.len().min(6) / 3).collect();
        return format!("{head}…");
    }
    let head: String = chars[..4].iter().collect();
    let tail: String = chars[chars.len() - 3..].iter().collect();
    format!("{head}…{tail}")
}

/// Words that end in `key` and are written as one; `monkey` and `hotkey` are not secrets.
const COMPOUND_SECRET_NAMES: [&str; 5] =
    ["apikey", "accesskey", "secretkey", "privatekey", "authkey"];

/// True when a value that stands after this option or variable name is a secret.
fn names_a_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-');
    let last = name
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let lower = last.to_ascii_lowercase();
    COMPOUND_SECRET_NAMES.contains(&lower.as_str())
        || SECRET_NAMES.iter().any(|word| match *word {
            "key" => {
                // sshKey: the last word of a camel-case name
                lower == *word
                    || (last.ends_with("Key") && last.chars().any(|c| c.is_ascii_lowercase()))
            }
            // PGPASSWORD, dbPassword, accesstoken: these end no other word
            word => lower.ends_with(word),
        })
}

/// Masks secrets in a command line given as a list of arguments.
///
/// `--OPT VALUE`, `--OPT=V` and `NAME=V` are masked where the last word of the name is one of
/// password, passwd, pwd, token, secret, key or credential; so are `"NAME": V` and the user info of
/// URLs. Inside one argument that holds a whole shell text the same rules are applied word by word.
/// Where the end of a value is in doubt, more is masked rather than less.
pub fn mask_arguments(arguments: &mut [String]) {
    let mut value_follows = false;
    let mut text_follows = false;
    for argument in arguments {
        let is_text = std::mem::replace(&mut text_follows, is_shell_text_option(argument));
        if std::mem::take(&mut value_follows) && !is_secret_option(argument) {
            *argument = MASK.to_owned();
            continue;
        }
        if is_secret_option(argument) {
            value_follows = true;
            continue;
        }
        *argument = mask_text(&mask_urls(argument), is_text);
    }
}

/// `-c` and `-lc`, which shells take a whole text after.
fn is_shell_text_option(argument: &str) -> bool {
    argument.ends_with('c') && argument.starts_with('-') && !argument.starts_with("--")
}

/// An option whose value is the next word; quotes and brackets around it do not matter.
fn is_secret_option(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    bare.starts_with('-')
        && !bare.contains(|c: char| c == '=' || c == ':' || c.is_whitespace())
        && names_a_secret(bare)
}

/// Masks what follows a secret name in a text. A value ends where a shell would end its word, but
/// an argument that begins with an assignment and is not a shell text is one value to its end.
fn mask_text(text: &str, is_shell_text: bool) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut value_follows = false;
    let mut at = 0;
    while at < text.len() {
        let gap = text[at..].len() - text[at..].trim_start().len();
        masked.push_str(&text[at..at + gap]);
        at += gap;
        let rest = &text[at..];
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        let is_line_end = word == "\\";
        if value_follows && !word.is_empty() && !is_line_end && !is_secret_option(word) {
            value_follows = false;
            masked.push_str(MASK);
            at += value_end(rest, None);
            continue;
        }
        value_follows = is_secret_option(word) || (value_follows && is_line_end);
        match secret_value(word) {
            Some((value, _)) if value == word.len() => {
                value_follows = true;
                masked.push_str(word);
                at += word.len();
            }
            Some((value, open)) => {
                masked.push_str(&word[..value]);
                masked.push_str(MASK);
                at += match at == 0 && !is_shell_text {
                    true => rest.len(),
                    false => value + value_end(&rest[value..], open),
                };
            }
            None => {
                masked.push_str(word);
                at += word.len();
            }
        }
    }
    masked
}

/// Where the value of the first secret name in a word begins, and the quote that is open there.
///
/// `NAME=V` wherever it stands (`--set=db.password=V`, `?token=V`), and `NAME:` or `"NAME":V` as
/// headers, YAML and JSON have it.
fn secret_value(word: &str) -> Option<(usize, Option<char>)> {
    for (at, sign) in word.char_indices() {
        let after = &word[at + sign.len_utf8()..];
        let quoted = word[..at].ends_with(['"', '\'']);
        let is_assignment = match sign {
            '=' => !after.is_empty(),
            ':' => quoted || after.is_empty() || after.starts_with(['"', '\'']),
            _ => false,
        };
        if !is_assignment {
            continue;
        }
        let before = word[..at].trim_end_matches(['"', '\'', '\\']);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name = &before[before.trim_end_matches(is_name).len()..];
        if names_a_secret(name) {
            let open = word[..at].chars().fold(None, |open, c| match open {
                None if c == '"' || c == '\'' => Some(c),
                Some(quote) if quote == c => None,
                open => open,
            });
            return Some((at + sign.len_utf8(), open));
        }
    }
    None
}

/// Where a value ends: at its closing quote, or at white space that no quote or backslash guards.
fn value_end(text: &str, open: Option<char>) -> usize {
    let mut quote = open;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(end), c) if c == end && open.is_some() => return at,
            (Some('\''), '\'') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (Some(end), c) if c == end => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// Masks the user info of every URL in a text: people clone with a token in it.
fn mask_urls(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once("://") {
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let authority = &tail[..tail.find(ends).unwrap_or(tail.len())];
        let host = authority.rfind('@').unwrap_or(0);
        masked.push_str(head);
        masked.push_str("://");
        masked.push_str(if host > 0 { MASK } else { "" });
        rest = &tail[host..];
    }
    masked + rest
}

/// Masks the query part of a URL: `http://h/p?***`.
pub fn mask_url_query(url: &str) -> String {
    match url.split_once('?') {
        Some((head, query)) if !query.is_empty() => format!("{head}?{MASK}"),
        _ => url.to_owned(),
    }
}

/// Masks the password of `scheme://user:password@host`, where a scheme need not stand.
///
/// Whatever stands before the last `@` is masked: a password that was not encoded may hold any
/// character, and what it belongs to is then no URL.
pub fn mask_user_info(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (&text[..scheme.len() + 3], rest),
        None => ("", text),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{MASK}@{host}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
