use std::cmp::Reverse;
use std::fmt;
use std::sync::OnceLock;

use memchr::memmem::Finder;

use super::Secret;
use super::filter::Filter;
use super::folded::{self, FoldedSecret, Index, Kind};
use super::urls::percent_encode;

/// Masks the secrets of credentials in text before it is shown.
///
/// It is applied to decoded text only: a response is never changed before it is decoded, since a secret can equal a
/// key, a number or a word in it.
#[derive(Clone, Default)]
pub struct SecretMasker {
    /// Secrets that are searched for without decoding: short ones and words. The longest come first.
    needles: Vec<Needle>,
    /// Secrets that are also found in other spellings.
    folded: Vec<FoldedSecret>,
    filter: Filter,
    /// The index of `folded`. It is built for the first text that may contain one of them, since most maskers of
    /// signatures never need it.
    index: OnceLock<Index>,
}

/// One spelling of one secret.
#[derive(Clone)]
struct Needle {
    finder: Finder<'static>,
    text: String,
    mask: String,
    kind: Kind,
}

impl fmt::Debug for SecretMasker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretMasker")
    }
}

/// Minimum length of a secret that is masked. Masking shorter ones would make text unreadable and protect nothing.
const MIN_LENGTH: usize = 4;

/// Shorter secrets that are ordinary words or numbers, such as `main` or `failed`, are masked only as the value of
/// a name like that of a credential.
const MIN_PLAIN_LENGTH: usize = 8;

/// Shorter secrets are masked only as whole words, since they can be a part of any word.
const MIN_LENGTH_WITHIN_WORDS: usize = 8;

/// Shorter secrets of letters and digits may be ordinary words or ids.
const MIN_DISTINCTIVE_LENGTH: usize = 16;

/// Shorter secrets of letters may be ordinary words.
const MIN_LONG_TEXT: usize = 20;

impl SecretMasker {
    /// Creates a masker for `secrets`.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut masker = Self::default();
        masker.add(secrets);
        masker
    }

    /// Adds secrets to mask.
    pub fn add<'a>(&mut self, secrets: impl IntoIterator<Item = &'a Secret>) {
        self.add_as(secrets, kind);
    }

    /// Creates a masker for a signature, which cannot be an ordinary word or id.
    pub fn of_signature(signature: &Secret) -> Self {
        let mut masker = Self::default();
        masker.add_as([signature], |_| Kind::Distinctive);
        masker
    }

    fn add_as<'a>(
        &mut self,
        secrets: impl IntoIterator<Item = &'a Secret>,
        kind: impl Fn(&str) -> Kind,
    ) {
        let is_masked = |secret: &&Secret| secret.expose().len() >= MIN_LENGTH;
        for secret in secrets.into_iter().filter(is_masked) {
            let (text, mask) = (secret.expose(), secret.mask());
            let kind = kind(text);
            let folded = match kind {
                Kind::Plain => Vec::new(),
                _ if text.len() < MIN_LENGTH_WITHIN_WORDS => Vec::new(),
                _ => FoldedSecret::spellings(text, &mask, kind),
            };
            if folded.is_empty() {
                self.needles.extend(spellings(text).map(|text| Needle {
                    finder: Finder::new(&text).into_owned(),
                    text,
                    mask: mask.clone(),
                    kind,
                }));
            }
            for folded in folded {
                if !self.folded.contains(&folded) {
                    self.folded.push(folded);
                }
            }
        }
        let order = |needle: &Needle| {
            let (text, mask) = (needle.text.clone(), needle.mask.clone());
            (Reverse(text.len()), text, mask)
        };
        self.needles.sort_by_cached_key(order);
        self.needles
            .dedup_by(|later, earlier| later.text == earlier.text);
        self.filter = Filter::new(self.folded.iter());
        self.index = OnceLock::new();
    }

    /// Masks the secrets in free text, such as a message.
    pub fn mask_text(&self, text: &mut String) {
        self.mask(text, |_, _| true);
    }

    /// Masks the secrets in a name or a reason. In a single word, such as `CrashLoopBackOff`, secrets that are
    /// ordinary words or numbers are not masked; other text is masked like free text.
    pub fn mask_name(&self, name: &mut String) {
        let is_free = is_free_text(name);
        self.mask(name, |kind, _| is_free || kind != Kind::Plain);
    }

    /// Masks the secrets in a key of a document, except ordinary words and short names, which can be keys of any
    /// document.
    pub fn mask_key(&self, key: &mut String) {
        let is_free = is_free_text(key);
        self.mask(key, |kind, length| {
            is_free || (kind != Kind::Plain && length >= MIN_LENGTH_WITHIN_WORDS)
        });
    }

    /// Masks the secrets in a value that programs use, such as an id: only secrets that cannot be an ordinary word,
    /// number or id, so that a common one never changes the value. A value that cannot be an id is masked like free
    /// text.
    pub fn mask_value(&self, value: &mut String) {
        let (is_free, is_id) = (is_free_text(value), is_id(value));
        self.mask(value, |kind, _| match kind {
            Kind::Plain | Kind::Name => is_free,
            Kind::Id => !is_id,
            Kind::Distinctive => true,
        });
    }

    /// Returns free text with masked secrets.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.mask_text(&mut text);
        text
    }

    /// Returns the secrets that are also found in other spellings.
    pub(super) fn folded(&self) -> impl Iterator<Item = &FoldedSecret> + Clone {
        self.folded.iter()
    }

    /// Returns `true` if a text contains a secret that is searched for without decoding.
    pub(super) fn has_needle(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.needles
            .iter()
            .any(|needle| needle.finder.find(text).is_some())
    }

    /// Returns the number of bytes of a text before an end that may begin a secret, or the name of one.
    pub(super) fn complete_length(&self, text: &str) -> usize {
        let needles = self.needles.iter().map(|needle| {
            let may_begin =
                |at: &usize| needle.text.as_bytes().starts_with(&text.as_bytes()[*at..]);
            let from = text.len().saturating_sub(needle.text.len());
            let mut places = (from..text.len()).filter(|at| text.is_char_boundary(*at));
            places.find(may_begin).unwrap_or(text.len())
        });
        let length = needles.min().unwrap_or(text.len());
        let length = length.min(folded::complete_length(text, &self.folded));
        // Words are masked only as the values of credentials.
        let has_words = self.needles.iter().any(|needle| needle.kind == Kind::Plain);
        match has_words && is_credential_value(&text[..length]) {
            true => 0,
            false => length,
        }
    }

    /// Masks the secrets whose kind and length `chosen` accepts.
    fn mask(&self, text: &mut String, chosen: impl Fn(Kind, usize) -> bool) {
        if self.filter.may_contain_secret(text) {
            let index = self.index.get_or_init(|| Index::new(&self.folded));
            let chosen = |secret: &FoldedSecret| chosen(secret.kind, secret.len());
            *text = folded::mask(text, &self.folded, index, chosen);
        }
        let needles = self.needles.iter();
        for needle in needles.filter(|needle| chosen(needle.kind, needle.text.len())) {
            replace(text, needle);
        }
    }
}

/// Returns `true` if a text has several words, or words in other scripts.
fn is_free_text(text: &str) -> bool {
    text.contains(|c: char| !c.is_ascii_graphic())
}

fn is_id(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn kind(secret: &str) -> Kind {
    let has = |is: fn(&u8) -> bool| secret.as_bytes().iter().any(is);
    let is_all = |is: fn(u8) -> bool| secret.bytes().all(is);
    let is_long = secret.len() >= MIN_DISTINCTIVE_LENGTH && has(u8::is_ascii_digit);
    let is_long_text = secret.len() >= MIN_LONG_TEXT && !has(u8::is_ascii_digit);
    let is_of_ids = is_all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    match secret.len() >= MIN_LENGTH_WITHIN_WORDS && !is_of_ids {
        true => Kind::Distinctive,
        false if is_long && is_id(secret) => Kind::Id,
        false if is_long && has(u8::is_ascii_alphabetic) => Kind::Distinctive,
        // No word is this long, but a name of several words can be.
        false if is_long_text && is_all(|byte| byte.is_ascii_alphabetic()) => Kind::Distinctive,
        false if is_long_text && is_of_ids => Kind::Name,
        false if is_of_ids && !(has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)) => {
            Kind::Plain
        }
        false => Kind::Name,
    }
}

fn replace(text: &mut String, needle: &Needle) {
    let is_found = |(at, _): &(usize, &str)| {
        let length = needle.text.len();
        let is_bare = length >= MIN_LENGTH_WITHIN_WORDS || is_whole_word(text, *at, &needle.text);
        let is_word = needle.kind == Kind::Plain && length < MIN_PLAIN_LENGTH;
        is_bare && (!is_word || is_credential_value(&text[..*at]))
    };
    // Fast path: most texts contain no secret.
    if needle.finder.find(text.as_bytes()).is_none() {
        return;
    }
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in text.match_indices(&needle.text).filter(is_found) {
        clean.push_str(&text[from..at]);
        clean.push_str(&needle.mask);
        from = at + found.len();
    }
    clean.push_str(&text[from..]);
    *text = clean;
}

/// Returns `true` if the match at `at` is not part of a longer word or number. Letters beyond ASCII end a word, since
/// Chinese is written without spaces.
fn is_whole_word(text: &str, at: usize, found: &str) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let end = at + found.len();
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let continues_before = is_word(before) && is_word(bytes.get(at));
    let continues_after = is_word(bytes.get(end)) && is_word(bytes.get(end - 1));
    !continues_before && !continues_after
}

/// Returns `true` if a text ends in the name of a credential and the characters before its value, as in `SecretId=`
/// and `"access_key": "`.
fn is_credential_value(before: &str) -> bool {
    const WORDS: [&str; 6] = ["credential", "key", "passw", "secret", "sign", "token"];
    let is_between = |c: char| matches!(c, '=' | ':' | '"' | '\'' | '\\' | ' ');
    let name = before.trim_end_matches(is_between);
    if !before[name.len()..].contains(['=', ':']) {
        return false;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let start = name.trim_end_matches(is_part).len();
    let name = name[start..].to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Returns the spellings of a secret: unchanged, percent-encoded, and with the escapes of JSON.
fn spellings(secret: &str) -> impl Iterator<Item = String> {
    let json = serde_json::to_string(secret).expect("a string is always JSON");
    let json = json[1..json.len() - 1].to_owned();
    let mut spellings = vec![secret.to_owned(), percent_encode(secret), json];
    spellings.sort();
    spellings.dedup();
    spellings.into_iter()
}

#[cfg(test)]
mod tests;
