//! Decides which names of options, variables, headers and fields have a secret as their value.

use std::sync::LazyLock;

/// Suffixes of the last word of a name whose value is a secret.
const ENDINGS: [&str; 30] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "token",
    "secret",
    "credential",
    "apikey",
    "accesskey",
    "accountkey",
    "authkey",
    "encryptionkey",
    "keydata",
    "masterkey",
    "passkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "signingkey",
    "sshkey",
    "connectionstring",
    "密码",
    "口令",
    "令牌",
    "密钥",
    "秘钥",
    "私钥",
    "凭证",
    "凭据",
];

/// Last words of a name whose value is a secret. Other words can end in these, so they must match completely.
const WORDS: [&str; 19] = [
    "authorization",
    "bearer",
    "cookie",
    "dsn",
    "jwt",
    "key",
    "keypass",
    "otp",
    "pass",
    "pat",
    "pgpass",
    "pin",
    "psk",
    "pw",
    "requirepass",
    "signature",
    "sk",
    "sshpass",
    "storepass",
];

/// Last words of a name whose value is often a secret; see [`Sensitivity::Likely`].
const LIKELY_WORDS: [&str; 2] = ["auth", "cred"];

/// Words before `key` in names whose values are not secrets, such as `--public-key`, `--sort-key` and `TagKey`.
const OTHER_KEYS: [&str; 7] = [
    "foreign",
    "label",
    "partition",
    "primary",
    "public",
    "sort",
    "tag",
];

/// Words before `token` in names of page tokens, such as `NextToken` and `page_token`.
const OTHER_TOKENS: [&str; 3] = ["continuation", "next", "page"];

/// Words that are ignored after the name of a secret: `--password-text`, `tokenValue`.
const FORMS: [&str; 10] = [
    "b64",
    "base64",
    "hash",
    "literal",
    "plain",
    "plaintext",
    "raw",
    "string",
    "text",
    "value",
];

/// Names of query parameters that mean a secret only in URLs, since elsewhere they are too common.
const QUERY_WORDS: [&str; 3] = ["sig", "sign", "auth"];

/// Certainty that the value of a name is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// A secret, except for numbers, flags and methods: `--tokens 5`, `--auth basic`.
    Likely,
    /// A secret, whatever the value.
    Certain,
}

impl Sensitivity {
    /// Returns `true` if this value is a secret.
    pub fn covers(self, value: &str) -> bool {
        const METHODS: [&str; 14] = [
            "true", "false", "yes", "no", "on", "off", "none", "null", "auto", "basic", "digest",
            "ntlm", "oauth2", "bearer",
        ];
        if self == Self::Certain {
            return true;
        }
        let value = value.trim_matches(|c: char| matches!(c, '"' | '\'' | ',' | ';'));
        let is_number = value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let mut methods = METHODS.iter();
        !is_number && !methods.any(|method| value.eq_ignore_ascii_case(method))
    }
}

/// Returns `true` if the name of a secret may end at the end of a text, except for blanks and quotes after it. It reads
/// three bytes only, to reject most texts in a short time.
pub(super) fn may_end_name(text: &[u8]) -> bool {
    let is_after = |byte: &u8| b" \t\"'\\]".contains(byte);
    let end = text.iter().rposition(|byte| !is_after(byte));
    let Some([.., first, second, third]) = end.map(|end| &text[..=end]) else {
        // Shorter names do not occur in practice, but are not excluded.
        return end.is_some();
    };
    let index = [first, second, third].map(|byte| letter_index(*byte));
    match index {
        [Some(first), Some(second), Some(third)] => {
            NAME_ENDS[(first * LETTERS + second) * LETTERS + third]
        }
        [_, Some(second), Some(third)] => SHORT_NAME_ENDS[second * LETTERS + third],
        // Digits, signs and other scripts.
        _ => true,
    }
}

const LETTERS: usize = 26;

fn letter_index(byte: u8) -> Option<usize> {
    let lower = byte.to_ascii_lowercase();
    lower
        .is_ascii_lowercase()
        .then(|| usize::from(lower - b'a'))
}

/// Returns the last words of the names of secrets, and their plurals.
fn last_words() -> impl Iterator<Item = String> {
    let words = ENDINGS.iter().chain(&WORDS).chain(&LIKELY_WORDS);
    let words = words.chain(&FORMS).filter(|word| word.is_ascii());
    words.flat_map(|word| [(*word).to_owned(), format!("{word}s")])
}

/// The last three letters of the names of secrets.
static NAME_ENDS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut ends = vec![false; LETTERS * LETTERS * LETTERS];
    for word in last_words() {
        let mut letters = word.bytes().rev().map(letter_index);
        let mut next = || letters.next().flatten();
        match (next(), next(), next()) {
            (Some(third), Some(second), Some(first)) => {
                ends[(first * LETTERS + second) * LETTERS + third] = true;
            }
            // A name of two letters can follow any letter.
            (Some(third), Some(second), None) => {
                for first in 0..LETTERS {
                    ends[(first * LETTERS + second) * LETTERS + third] = true;
                }
            }
            _ => {}
        }
    }
    ends
});

/// The last two letters of the names of secrets, which follow a sign or a blank.
static SHORT_NAME_ENDS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut ends = vec![false; LETTERS * LETTERS];
    for word in last_words() {
        let letters: Vec<_> = word.bytes().map(letter_index).collect();
        if let [.., Some(second), Some(third)] = letters[..] {
            ends[second * LETTERS + third] = true;
        }
    }
    ends
});

/// Returns the sensitivity of an option, variable, header or field; `None` if its value is not a secret.
pub(super) fn sensitivity(name: &str) -> Option<Sensitivity> {
    of_words(&words(name))
}

/// Returns `true` if a field of a document has the name of a secret. The name `key` does not count, since its value
/// is usually a name.
pub fn is_secret_field(name: &str) -> bool {
    field_sensitivity(name) == Some(Sensitivity::Certain)
}

/// Returns the sensitivity of a field of a document; see [`is_secret_field`].
pub fn field_sensitivity(name: &str) -> Option<Sensitivity> {
    let words = words(name);
    (words != "key").then(|| of_words(&words)).flatten()
}

/// Returns `true` if a parameter of a URL has the name of a secret.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let words = words(name);
    QUERY_WORDS.contains(&last_of(&words)) || of_words(&words).is_some()
}

/// Returns `true` if a header's value has several words.
pub(super) fn is_credential_header(name: &str) -> bool {
    ["authorization", "cookie"].contains(&last_of(&words(name)))
}

fn last_of(words: &str) -> &str {
    words.rsplit(' ').next().unwrap_or_default()
}

fn of_words(words: &str) -> Option<Sensitivity> {
    let (before, last) = words.rsplit_once(' ').unwrap_or(("", words));
    let previous = last_of(before);
    let is_negated = ["no ", "without ", "disable "]
        .iter()
        .any(|first| words.starts_with(first));
    let is_other = match last {
        "key" => OTHER_KEYS.contains(&previous),
        "token" => OTHER_TOKENS.contains(&previous),
        _ => false,
    };
    if is_negated || is_other || last.is_empty() {
        return None;
    }
    // A suffix can begin in the previous word: `api key`.
    let ends = |word: &str, ending: &&str| {
        word.ends_with(*ending)
            || ending
                .strip_suffix(word)
                .is_some_and(|head| previous.ends_with(head))
    };
    if ENDINGS.iter().any(|ending| ends(last, ending)) || WORDS.contains(&last) {
        return Some(Sensitivity::Certain);
    }
    if LIKELY_WORDS.contains(&last) {
        return Some(Sensitivity::Likely);
    }
    let singular = last.strip_suffix('s');
    let is_plural = |word: &str| {
        ENDINGS.iter().any(|ending| word.ends_with(ending)) || ["cookie", "cred"].contains(&word)
    };
    if singular.is_some_and(is_plural) {
        return Some(Sensitivity::Likely);
    }
    match FORMS.contains(&last) && previous != "key" {
        true => of_words(before),
        false => None,
    }
}

/// Splits a name such as `X-Auth-Token`, `dbPassword` or `SSHKey` into words in lower case, separated by blanks.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut before = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek();
        let is_hump = c.is_ascii_uppercase()
            && before.is_some_and(|before: char| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        let is_part = c.is_alphanumeric();
        if (is_hump || !is_part) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        if is_part {
            words.push(c.to_ascii_lowercase());
        }
        before = Some(c);
    }
    words.truncate(words.trim_end().len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_secret_is_rejected_by_its_last_letters() {
        for name in last_words() {
            for name in [
                name.clone(),
                format!("x_{name}\""),
                name.to_uppercase() + " ",
            ] {
                assert!(may_end_name(name.as_bytes()), "{name}");
            }
        }
        assert!(may_end_name("数据库密码".as_bytes()) && may_end_name(b"password_b64"));
        for other in ["failed", "Error", "image \"registry/team/app", "reason"] {
            assert!(!may_end_name(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn names_of_secrets_are_recognized_in_all_spellings() {
        for name in [
            "--password",
            "PGPASSWORD",
            "dbPass",
            "DB_PASS",
            "SSHKey",
            "SSHKEY",
            "sshKey",
            "--key",
            "X-Api-Key",
            "accessKeySecret",
            "GITHUB_PAT",
            "--password-text",
            "tokenValue",
            "数据库密码",
            "AccountKey",
            "X-Amz-Signature",
            "npm:_authToken",
            "client_secret",
            "Set-Cookie",
            "HW_SK",
            "-storepass",
            "UserPasswordHash",
            "client-key-data",
        ] {
            assert_eq!(sensitivity(name), Some(Sensitivity::Certain), "{name}");
        }
        for name in ["--tokens", "credentials", "_auth", "cookies"] {
            assert_eq!(sensitivity(name), Some(Sensitivity::Likely), "{name}");
        }
        for name in [
            "",
            "--key-file",
            "key_name",
            "monkey",
            "HotKeys",
            "bypass",
            "PATH",
            "tokenizer",
            "--public-key",
            "TagKey",
            "NextToken",
            "--no-password",
            "password-stdin",
            "author",
            "key-value",
            "max-length",
        ] {
            assert_eq!(sensitivity(name), None, "{name}");
        }
    }

    #[test]
    fn numbers_flags_and_methods_are_masked_only_after_certain_secret_names() {
        for ordinary in ["5", "4096", "true", "Basic", "'none'", "0.5"] {
            assert!(!Sensitivity::Likely.covers(ordinary), "{ordinary}");
            assert!(Sensitivity::Certain.covers(ordinary), "{ordinary}");
        }
        assert!(Sensitivity::Likely.covers("S3cr3t"));
    }

    #[test]
    fn names_of_secret_fields_and_parameters_are_recognized_and_key_is_not() {
        assert!(!is_secret_field("Key") && !is_secret_field("tokens"));
        assert!(is_secret_field("apiKey") && is_secret_field("sessionToken"));
        assert!(is_secret_parameter("sig") && is_secret_parameter("X-Amz-Credential"));
        assert!(!is_secret_parameter("x") && !is_secret_parameter("page"));
    }
}
