use std::borrow::Cow;

use super::{MASK, mask_url_query, mask_user_info};

/// A shorter run of letters and digits may be a part of any name.
const MIN_KEY_LENGTH: usize = 16;

/// A run of letters in both cases that is not shorter is no word, even without a digit.
const MIN_KEY_LENGTH_WITHOUT_DIGITS: usize = 24;

/// A text of a file or of a setting, fit to be quoted in a message: `***` in place of one that looks
/// like a secret, which people paste in the wrong place, and of the user info and query of a URL.
pub fn quotable(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control();
    if text.contains(is_control) || looks_like_secret(text) {
        return MASK.into();
    }
    mask_url_query(&mask_user_info(text)).into()
}

/// True for a text that can be the name of a region, such as `cn-north-4`, and hardly a secret.
pub fn is_region_like(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_word = part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_number = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        !part.is_empty() && (is_word || is_number)
    };
    text.len() <= 32 && text.contains('-') && text.split('-').all(is_part)
}

fn looks_like_secret(text: &str) -> bool {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    runs.into_iter().any(|run| {
        let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
        let has_digits = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        let has_cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        (run.len() >= MIN_KEY_LENGTH && has_digits)
            || (run.len() >= MIN_KEY_LENGTH_WITHOUT_DIGITS && has_cases)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_keys_are_not() {
        for name in [
            "prod",
            "team-a_2026",
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
        ] {
            assert_eq!(quotable(secret), MASK, "{secret}");
        }
        assert_eq!(quotable("https://u:pw@host/?t=x"), "https://***@host/?***");
    }

    #[test]
    fn regions_are_words_and_numbers() {
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
