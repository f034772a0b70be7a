//! Masks secrets in the messages of services.

use std::borrow::Cow;

use super::{Expected, Masker, VisiblePart, secret_value};

/// Masks the parts of a command line or a request that a service repeats in a message: values after `password=`,
/// and the text after `Bearer` or the header `Authorization`. Other words, such as names of secrets, are not
/// masked.
pub fn mask_message(text: &str) -> Cow<'_, str> {
    let may_be_secret = ["=", "\":", "':", "earer", "uthorization"]
        .iter()
        .any(|sign| text.contains(sign));
    if !may_be_secret {
        return text.into();
    }
    let mut masker = Masker {
        is_message: true,
        ..Masker::default()
    };
    masker.text(text, true)
}

impl Masker {
    /// Returns the part of `rest`, which begins with `word`, that is shown in a message.
    pub(super) fn word_of_message(&mut self, word: &str, rest: &str) -> VisiblePart {
        let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
        let mut schemes = ["basic", "bearer"].iter();
        // The parameters of URLs are masked with the URL, and keys of labels are not secrets.
        let is_other = word.contains("://") || trimmed.starts_with("key=");
        let value = secret_value(word).filter(|_| !is_other);
        match value {
            Some(value) if value.is_header => self.expected = Some(Expected::Token),
            Some(value) if is_assigned(rest, value.from) => {
                return value.shown(self, word, rest);
            }
            _ if schemes.any(|scheme| trimmed.eq_ignore_ascii_case(scheme)) => {
                self.expected = Some(Expected::Token);
            }
            _ => {}
        }
        VisiblePart::Whole(word.len())
    }
}

/// Reports whether the value of a secret begins at `from`: after `NAME=`, or in quotes after `"NAME":`.
fn is_assigned(text: &str, from: usize) -> bool {
    let (name, value) = text.split_at(from);
    let is_quoted = |text: &str| text.starts_with(['"', '\'']);
    let is_json =
        || name.trim_end_matches(':').ends_with(['"', '\'']) && is_quoted(value.trim_start());
    name.ends_with(['=', '"', '\'']) || is_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_and_credentials_are_masked() {
        for (text, expected) in [
            (
                "login failed password=hunter2 for db",
                "login failed password=*** for db",
            ),
            (
                "exit: DB_PASSWORD=\"a b\", retry",
                "exit: DB_PASSWORD=*** retry",
            ),
            (
                "sent Authorization: Bearer eyJhbGciOi9 to it",
                "sent Authorization: Bearer *** to it",
            ),
            ("header 'bearer abcdefgh1'", "header 'bearer ***"),
            (
                "bad env {\"DB_PASSWORD\":\"hunter2\",\"n\":1}",
                "bad env {\"DB_PASSWORD\":***",
            ),
            (
                "bad env {'DB_PASSWORD': 'hunter2'}",
                "bad env {'DB_PASSWORD': ***",
            ),
        ] {
            assert_eq!(mask_message(text), expected);
        }
    }

    #[test]
    fn kubernetes_messages_without_secrets_are_not_masked() {
        for text in [
            "MountVolume.SetUp failed for volume \"token\" : secret \"db-password\" not found",
            "back-off 5m0s restarting failed container=main pod=x_ci(4f1c0f2a)",
            "Error: couldn't find key password in Secret ci/db, field=token",
            "User \"u\" cannot list resource \"secrets\": authorization: denied for=all",
            "authorization failed: the bearer token has expired, status=401",
            "0/3 nodes are available: key=password: untolerated taint {token: x}",
        ] {
            assert_eq!(mask_message(text), text);
        }
    }
}
