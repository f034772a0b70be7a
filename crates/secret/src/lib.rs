//! Secrets that cannot be printed, and the masking of secrets in text.

mod arguments;
mod escapes;
mod filter;
mod folded;
mod names;
mod piped;
mod private_key;
mod programs;
mod quoting;
mod random;
mod redactor;
mod secret_masker;
mod urls;
mod yaml;

use std::fmt;

pub use arguments::{mask_arguments, mask_message, mask_text};
pub use names::{Sensitivity, field_sensitivity, is_secret_field};
pub use private_key::PrivateKeyMasker;
pub use quoting::{is_region_like, quotable, quotable_path, shell_word};
pub use random::looks_random;
pub use redactor::{Masks, Redactor};
pub use secret_masker::SecretMasker;
pub use urls::{
    mask_access_url, mask_proxy_url, mask_urls, mask_user_info, percent_encode, proxy_secrets,
};
pub use yaml::mask_yaml;

/// What is in place of a secret.
pub const MASK: &str = "***";

/// A secret text. It has no `Display`, and its `Debug` shows the mask.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    text: String,
    is_key_id: bool,
}

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_key_id: false,
        }
    }

    /// The id of a key, of which [`masked_id`] is shown.
    pub fn key_id(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_key_id: true,
        }
    }

    /// The text itself, for signing and sending only.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is shown in its place.
    fn mask(&self) -> String {
        match self.is_key_id {
            true => masked_id(&self.text),
            false => MASK.to_owned(),
        }
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

/// A key id in which all that [`masked_id`] hides is replaced, so that the same is shown of it.
pub fn blanked_id(id: &str) -> String {
    let length = id.chars().count();
    let (head, tail) = match length < 12 {
        true => (length.min(6) / 3, 0),
        false => (4, 3),
    };
    let is_shown = |at: usize| at < head || at >= length - tail;
    let chars = id.chars().enumerate();
    chars
        .map(|(at, c)| if is_shown(at) { c } else { 'x' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blanked_id_is_shown_as_the_id_and_contains_no_more() {
        for id in ["LTAI5tExampleKey3Qk", "testid", "密钥", "a", ""] {
            let blanked = blanked_id(id);
            assert_eq!(masked_id(&blanked), masked_id(id));
        }
        assert_eq!(blanked_id("LTAI5tExampleKey3Qk"), "LTAIxxxxxxxxxxxx3Qk");
    }

    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), "***");
    }

    #[test]
    fn shows_enough_of_a_key_id_to_recognise_it() {
        assert_eq!(masked_id("LTAI5tExampleKey3Qk"), "LTAI…3Qk");
        assert_eq!(masked_id("testid"), "te…");
        assert_eq!(masked_id(""), "…");
    }
}
