//! Secrets that cannot be printed, and the masking of secrets in text.

use std::fmt;

use crate::crypto;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Last words of a name whose value is a secret.
const SECRET_WORDS: [&str; 7] = [
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

/// Replaces the secrets of one credential wherever a cloud echoes them.
#[derive(Clone, Default)]
pub struct Scrubber {
    needles: Vec<Vec<u8>>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} texts)", self.needles.len())
    }
}

impl Scrubber {
    /// Shorter texts are not searched for: they would tear holes into ordinary words.
    const SHORTEST: usize = 6;

    /// A scrubber for `secrets` as they are, percent-encoded, and as JSON writes them.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut needles: Vec<Vec<u8>> = secrets
            .into_iter()
            .map(Secret::expose)
            .filter(|text| text.len() >= Self::SHORTEST)
            .flat_map(|text| {
                let json = serde_json::to_string(text).expect("a string is always JSON");
                let json = json[1..json.len() - 1].to_owned();
                let form = crypto::percent_encode(text);
                let slashes = json.replace('/', "\\/");
                [text.to_owned(), form, json, slashes]
            })
            .map(String::into_bytes)
            .collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Self { needles }
    }

    /// `bytes` without the secrets; not copied when none stands in it.
    pub fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for needle in &self.needles {
            let places: Vec<usize> = memchr::memmem::find_iter(&bytes, needle).collect();
            if places.is_empty() {
                continue;
            }
            let mut clean = Vec::with_capacity(bytes.len());
            let mut from = 0;
            for place in places {
                clean.extend_from_slice(&bytes[from..place]);
                clean.extend_from_slice(MASK.as_bytes());
                from = place + needle.len();
            }
            clean.extend_from_slice(&bytes[from..]);
            bytes = clean;
        }
        bytes
    }

    /// `text` without the secrets.
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes().to_vec())).into_owned()
    }
}

/// True when a value that stands after this option or variable name is a secret.
fn names_a_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-');
    let last = name
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let lower = last.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| {
        lower == *word
            // accessKeySecret, dbPassword: the last word of a camel-case name
            || (lower.ends_with(word)
                && last[last.len() - word.len()..].starts_with(|c: char| c.is_ascii_uppercase())
                && last.chars().any(|c| c.is_ascii_lowercase()))
            // PGPASSWORD, MYSQLPWD: words that end no other word
            || (lower.ends_with(word) && ["password", "passwd", "pwd"].contains(word))
    })
}

/// Masks secrets in a command line given as a list of arguments.
///
/// `--OPT VALUE`, `--OPT=V` and `NAME=V` are masked where the last word of the name is one of
/// password, passwd, pwd, token, secret, key or credential; inside one argument that holds a
/// whole shell text the same rule is applied word by word.
pub fn mask_arguments(arguments: &mut [String]) {
    let mut value_follows = false;
    for argument in arguments {
        if std::mem::take(&mut value_follows) && !argument.starts_with('-') {
            *argument = MASK.to_owned();
            continue;
        }
        if argument.contains(char::is_whitespace) {
            *argument = mask_shell_text(argument);
            continue;
        }
        match mask_word(argument) {
            Masked::Word(masked) => *argument = masked,
            Masked::ValueFollows => value_follows = true,
            Masked::Clean => {}
        }
    }
}

enum Masked {
    /// The word with its value masked.
    Word(String),
    /// The word is an option whose value is the next word.
    ValueFollows,
    /// Nothing to hide.
    Clean,
}

fn mask_word(word: &str) -> Masked {
    let bare = word.trim_start_matches(['"', '\'', '(', ';', '&', '|', '{', '`']);
    match bare.split_once('=') {
        Some((name, value)) if names_a_secret(name) && !value.is_empty() => {
            let head = &word[..word.len() - value.len()];
            Masked::Word(format!("{head}{MASK}"))
        }
        None if bare.starts_with('-') && names_a_secret(bare) => Masked::ValueFollows,
        _ => Masked::Clean,
    }
}

/// Splits at white space outside quotes and keeps every separator as it was.
fn mask_shell_text(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut value_follows = false;
    let mut rest = text;
    while !rest.is_empty() {
        let gap = rest.len() - rest.trim_start().len();
        masked.push_str(&rest[..gap]);
        rest = &rest[gap..];
        let word = &rest[..word_end(rest)];
        rest = &rest[word.len()..];
        if word.is_empty() {
            break;
        }
        if std::mem::take(&mut value_follows) && !word.starts_with('-') {
            masked.push_str(MASK);
            continue;
        }
        match mask_word(word) {
            Masked::Word(clean) => masked.push_str(&clean),
            Masked::ValueFollows => {
                value_follows = true;
                masked.push_str(word);
            }
            Masked::Clean => masked.push_str(word),
        }
    }
    masked
}

/// Where the first shell word of `text` ends: at white space that no quote or backslash guards.
fn word_end(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('\''), '\'') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// Masks the query part of a URL: `http://h/p?***`.
pub fn mask_url_query(url: &str) -> String {
    match url.split_once('?') {
        Some((head, query)) if !query.is_empty() => format!("{head}?{MASK}"),
        _ => url.to_owned(),
    }
}

/// Masks the password of `scheme://user:password@host` wherever it stands in a text.
pub fn mask_user_info(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    match authority.rsplit_once('@') {
        Some((user_info, _)) => format!("{scheme}://{MASK}{}", &rest[user_info.len()..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(arguments: &[&str]) -> Vec<String> {
        let mut owned: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        mask_arguments(&mut owned);
        owned
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), "***");
    }

    #[test]
    fn masks_values_after_secret_names() {
        assert_eq!(
            masked(&["--password", "p", "x"]),
            ["--password", "***", "x"]
        );
        assert_eq!(masked(&["--api-token=p"]), ["--api-token=***"]);
        assert_eq!(masked(&["DB_PASSWORD=p"]), ["DB_PASSWORD=***"]);
        assert_eq!(masked(&["PGPASSWORD=p"]), ["PGPASSWORD=***"]);
        assert_eq!(masked(&["--accessKeySecret=p"]), ["--accessKeySecret=***"]);
    }

    #[test]
    fn leaves_names_of_files_and_other_words() {
        let kept = [
            "--key-file",
            "/k",
            "--key-name=x",
            "monkey=1",
            "--tokens",
            "5",
        ];
        assert_eq!(masked(&kept), kept);
    }

    #[test]
    fn masks_inside_one_shell_text() {
        assert_eq!(
            masked(&[
                "-c",
                "export TOKEN=abc;  run --secret 'a b' --n 3 && PWD='x y' go"
            ]),
            [
                "-c",
                "export TOKEN=***  run --secret *** --n 3 && PWD=*** go"
            ]
        );
    }

    #[test]
    fn scrubs_what_a_cloud_echoes_in_every_spelling() {
        let secret = Secret::new("to/ken+==");
        let scrubber = Scrubber::new([&secret]);
        let text = r#"a to/ken+== b to%2Fken%2B%3D%3D c to\/ken+== d"#;
        assert_eq!(scrubber.text(text), "a *** b *** c *** d");
    }

    #[test]
    fn shows_enough_of_a_key_id_to_recognise_it() {
        assert_eq!(masked_id("LTAI5tExampleKey3Qk"), "LTAI…3Qk");
        assert_eq!(masked_id("testid"), "te…");
        assert_eq!(masked_id(""), "…");
    }

    #[test]
    fn hides_user_info_of_a_proxy() {
        assert_eq!(
            mask_user_info("http://user:pa@ss@proxy:8080/x"),
            "http://***@proxy:8080/x"
        );
        assert_eq!(mask_user_info("http://proxy:8080"), "http://proxy:8080");
    }
}
