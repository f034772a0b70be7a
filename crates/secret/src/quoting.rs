use std::borrow::Cow;
use std::path::Path;

use super::random::looks_like_secret;
use super::{MASK, mask_access_url, mask_user_info};

/// The names of the clouds, long and short: the text before the `@` of `CLOUD@PROFILE` is not the user info of a URL.
pub const CLOUDS: [&str; 10] = [
    "aliyun",
    "ali",
    "sugon",
    "scnet",
    "huawei",
    "hw",
    "tencent",
    "qcloud",
    "kubernetes",
    "k8s",
];

/// Prepares a text of a file or a setting for a message: masks a text that looks like a secret, which users paste
/// in the wrong place, and the user info and parameters of a URL.
pub fn quotable(text: &str) -> Cow<'_, str> {
    if let Some((cloud, profile)) = text.split_once('@')
        && CLOUDS.contains(&cloud)
    {
        return format!("{cloud}@{}", quotable(profile)).into();
    }
    let is_control = |c: char| c.is_control();
    if text.contains(is_control) || looks_like_secret(text) {
        return MASK.into();
    }
    mask_access_url(&mask_user_info(text)).into()
}

/// Returns `true` if a text looks like the name of a region, such as `cn-north-4`, and not like a secret.
pub fn is_region_like(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_word = part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_number = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        !part.is_empty() && (is_word || is_number)
    };
    text.len() <= 32 && text.contains('-') && text.split('-').all(is_part)
}

/// Prepares a path for a message: masks a path that looks like a secret, since one may have been pasted in its
/// place.
pub fn quotable_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if path.is_relative() && looks_like_secret(&text) {
        return MASK.to_owned();
    }
    let parts = text.split('/').map(quotable);
    parts.collect::<Vec<_>>().join("/")
}

/// Returns `true` if a word is a reference to a variable, such as `"$TOKEN"`.
pub(super) fn is_variable(word: &str) -> bool {
    let trimmed = word.trim_matches(['"', '\'']);
    let name = trimmed
        .strip_prefix('$')
        .map(|name| name.trim_matches(['{', '}']));
    name.is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// Quotes a word for a shell, for commands in messages.
pub fn shell_word(word: &str) -> Cow<'_, str> {
    shlex::try_quote(word).unwrap_or_else(|_| MASK.into())
}

/// Returns the end of a value: its closing quote, or white space that is not inside a quote or `$(…)` or after a
/// backslash.
pub(super) fn value_end(text: &str, open: Option<char>) -> usize {
    let mut quote = open;
    let mut escaped = false;
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(end), c) if c == end && open.is_some() => return at,
            (Some('\''), '\'') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (Some(end), c) if c == end => quote = None,
            (None, '(') if before == '$' || depth > 0 => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, c) if c.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_quoted_and_likely_keys_are_masked() {
        for name in [
            "prod",
            "team-a_2026",
            "Team-A-Production-2026",
            "kubernetes-worker-role-20260914",
            "算力",
            "cn-hangzhou",
            "https://ehpc.cn-hangzhou.aliyuncs.com",
        ] {
            assert_eq!(quotable(name), name);
        }
        for secret in [
            "SuperSecretValue0123456789ab",
            "access_key\naccess_key_secret = x",
            "SuperSecretValueWithoutDigits",
            "LTAIabcdefgh12345678",
            "https://SuperSecretValue0123456789ab",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "1f0e7c9a-3b5d-4e2f-8a6b-0c1d2e3f4a5b",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY,",
            "('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY').",
            "<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>!",
        ] {
            assert_eq!(quotable(secret), MASK, "{secret}");
        }
        assert_eq!(quotable("aliyun@prod/job"), "aliyun@prod/job");
        let key = "k8s@wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        assert_eq!(quotable(key), "k8s@***");
        for secret in ["aliyun:pw@host", "hunter@host", "ALIYUN@host"] {
            assert_eq!(quotable(secret), "***@host", "{secret}");
        }
        assert_eq!(quotable("https://u:pw@host/?t=x"), "https://***@host/?***");
        let path = |path: &str| quotable_path(Path::new(path));
        assert_eq!(path("/etc/ssl/corp-ca.pem"), "/etc/ssl/corp-ca.pem");
        assert_eq!(path("/etc/SuperSecretValue0123456789ab"), "/etc/***");
        assert_eq!(path("SuperSecretValue0123456789ab/x.pem"), "***");
        assert_eq!(path("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "***");
        assert_eq!(path("../keys/team-a.pem"), "../keys/team-a.pem");
    }

    #[test]
    fn regions_are_recognized_as_words_with_an_optional_number() {
        for region in [
            "cn-north-4",
            "my-kualalumpur-1",
            "eu-west-101",
            "cn-hangzhou",
        ] {
            assert!(is_region_like(region), "{region}");
        }
        for other in ["", "hunter", "cn-", "cn-Hangzhou", "a1b2-c3", "0123-456789"] {
            assert!(!is_region_like(other), "{other}");
        }
    }
}
