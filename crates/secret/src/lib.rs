//! Secrets that cannot be printed, and functions that mask secrets in text.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "tables of cases are long")
)]

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
pub use quoting::{CLOUDS, is_region_like, quotable, quotable_path, shell_word};
pub use random::looks_random;
pub use redactor::{Masks, Redactor};
pub use secret_masker::SecretMasker;
pub use urls::{
    mask_access_url, mask_proxy_url, mask_urls, mask_user_info, percent_encode, proxy_secrets,
};
pub use yaml::mask_yaml;

/// Replaces a secret in the output.
pub const MASK: &str = "***";

/// A secret text. It has no `Display`, and its `Debug` prints the mask.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret {
    text: String,
    is_key_id: bool,
}

impl Secret {
    /// Creates a secret from a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_key_id: false,
        }
    }

    /// Creates a key id, which is shown as [`masked_id`].
    pub fn key_id(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_key_id: true,
        }
    }

    /// Returns the text itself, only for signing and sending.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns the text that is shown instead.
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

/// Shortens a key id so that it can be recognized but not used: `LTAI…3Qk`.
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

/// Replaces the characters of a key id that [`masked_id`] hides, so that the masked form stays the same.
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
    fn a_blanked_id_keeps_only_the_characters_that_are_shown() {
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
