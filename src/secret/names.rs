//! Which names of options, variables, headers and fields say that their value is a secret.

/// Endings of the last word of a name whose value is a secret.
const ENDINGS: [&str; 29] = [
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

/// Last words of a name whose value is a secret; other words may end in them.
const WORDS: [&str; 10] = [
    "authorization",
    "bearer",
    "cookie",
    "dsn",
    "jwt",
    "key",
    "pass",
    "pat",
    "pgpass",
    "signature",
];

/// Last words of a name whose value is often a secret; see [`Sensitivity::Likely`].
const LIKELY_WORDS: [&str; 2] = ["auth", "cred"];

/// `--public-key` and `--sort-key` have values that are not secrets.
const OTHER_KEYS: [&str; 5] = ["foreign", "partition", "primary", "public", "sort"];

/// `NextToken` and `page_token` lead to the next page of a list.
const OTHER_TOKENS: [&str; 3] = ["continuation", "next", "page"];

/// Words after the name of a secret that change nothing: `--password-text`, `tokenValue`.
const FORMS: [&str; 9] = [
    "b64",
    "base64",
    "literal",
    "plain",
    "plaintext",
    "raw",
    "string",
    "text",
    "value",
];

/// Names of query parameters that are too common elsewhere.
const QUERY_WORDS: [&str; 3] = ["sig", "sign", "auth"];

/// How sure it is that a name has a secret as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sensitivity {
    /// Numbers, flags and methods are not secrets: `--tokens 5`, `--auth basic`.
    Likely,
    /// Any value is a secret.
    Certain,
}

impl Sensitivity {
    /// True when this value is a secret.
    pub(super) fn covers(self, value: &str) -> bool {
        const METHODS: [&str; 14] = [
            "true", "false", "yes", "no", "on", "off", "none", "null", "auto", "basic", "digest",
            "ntlm", "oauth2", "bearer",
        ];
        let value = value.trim_matches(|c: char| matches!(c, '"' | '\'' | ',' | ';'));
        let is_number = value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_ordinary = is_number || METHODS.contains(&value.to_ascii_lowercase().as_str());
        self == Self::Certain || !is_ordinary
    }
}

/// Whether the value of this option, variable, header or field is a secret.
pub(super) fn sensitivity(name: &str) -> Option<Sensitivity> {
    of_words(&words(name))
}

/// True for a field of a document that holds a secret, as its name says. `key` alone is the name of a
/// name there.
pub fn is_secret_field(name: &str) -> bool {
    let words = words(name);
    words.as_slice() != ["key"] && of_words(&words) == Some(Sensitivity::Certain)
}

/// As [`sensitivity`], for a parameter of a URL.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str);
    last.is_some_and(|last| QUERY_WORDS.contains(&last)) || of_words(&words).is_some()
}

/// True for headers whose value is more than one word.
pub(super) fn is_credential_header(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    ["authorization", "cookie"].contains(&last)
}

fn of_words(words: &[String]) -> Option<Sensitivity> {
    let (last, before) = words.split_last()?;
    let first = words[0].as_str();
    if words.len() > 1 && ["no", "without", "disable"].contains(&first) {
        return None;
    }
    let previous = before.last().map(String::as_str);
    let ends = |word: &str| ENDINGS.iter().any(|ending| word.ends_with(ending));
    let is_other = previous.is_some_and(|word| match last.as_str() {
        "key" => OTHER_KEYS.contains(&word),
        "token" => OTHER_TOKENS.contains(&word),
        _ => false,
    });
    if is_other {
        return None;
    }
    let both = format!("{}{last}", previous.unwrap_or_default());
    if ends(last) || ends(&both) || WORDS.contains(&last.as_str()) {
        return Some(Sensitivity::Certain);
    }
    if LIKELY_WORDS.contains(&last.as_str()) {
        return Some(Sensitivity::Likely);
    }
    let singular = last.strip_suffix('s');
    if singular.is_some_and(|word| ends(word) || word == "cookie" || word == "cred") {
        return Some(Sensitivity::Likely);
    }
    match FORMS.contains(&last.as_str()) && previous != Some("key") {
        true => of_words(before),
        false => None,
    }
}

/// The words of a name in lower case: `X-Auth-Token`, `dbPassword` and `SSHKey` have several.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1);
        let is_hump = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if is_hump || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            let last = words.last_mut().expect("there is at least one word");
            last.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_all_spellings_say_what_their_value_is() {
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
    fn numbers_flags_and_methods_are_spared_where_a_name_is_unsure() {
        for ordinary in ["5", "4096", "true", "Basic", "'none'", "0.5"] {
            assert!(!Sensitivity::Likely.covers(ordinary), "{ordinary}");
            assert!(Sensitivity::Certain.covers(ordinary), "{ordinary}");
        }
        assert!(Sensitivity::Likely.covers("S3cr3t"));
    }

    #[test]
    fn a_field_called_key_holds_a_name() {
        assert!(!is_secret_field("Key") && !is_secret_field("tokens"));
        assert!(is_secret_field("apiKey") && is_secret_field("sessionToken"));
        assert!(is_secret_parameter("sig") && is_secret_parameter("X-Amz-Credential"));
        assert!(!is_secret_parameter("x") && !is_secret_parameter("page"));
    }
}
