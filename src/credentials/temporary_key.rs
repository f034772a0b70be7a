//! Temporary key pairs that services issue.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::lenient::{self, Text};
use crate::secret::Secret;

/// An issued key pair.
pub(crate) struct TemporaryKey {
    /// Key id.
    pub id: String,
    /// Key secret.
    pub secret: Secret,
    /// Session token.
    pub token: Secret,
    /// Time at which it expires.
    pub expires_at: DateTime<Utc>,
}

/// Names of the fields of a key pair in a service's response. If several names are given, the first existing field
/// is used.
pub(crate) struct TemporaryKeyFields {
    /// The object that contains the parts; empty if the response itself contains them.
    pub object: &'static [&'static str],
    /// The field that is `Success` if a key was issued.
    pub code: Option<&'static str>,
    /// Key id.
    pub id: &'static [&'static str],
    /// Key secret.
    pub secret: &'static [&'static str],
    /// Session token.
    pub token: &'static [&'static str],
    /// Expiry, as RFC 3339 or in Unix seconds.
    pub expires_at: &'static [&'static str],
}

/// The reason why a response contains no key pair.
#[derive(Debug)]
pub(crate) enum KeyError {
    /// The service issued none and returned this error code.
    Rejected(String),
    /// The response is invalid. Contains what was expected, but no text of the response.
    Invalid(String),
}

impl From<String> for KeyError {
    fn from(expected: String) -> Self {
        Self::Invalid(expected)
    }
}

type Document = BTreeMap<String, Value>;

impl TemporaryKeyFields {
    /// Reads the key pair from a response.
    ///
    /// # Errors
    /// The reason why it contains no key pair.
    pub(crate) fn decode(&self, body: &[u8]) -> Result<TemporaryKey, KeyError> {
        let document: Document = lenient::decode(body)?;
        if let Some(name) = self.code {
            match text(&document, &[name]) {
                Some(code) if code == "Success" => {}
                Some(code) => return Err(KeyError::Rejected(code)),
                None => return Err(KeyError::Invalid(name.to_owned())),
            }
        }
        let (parts, location) = match self.object {
            [] => (Some(document), String::new()),
            names => {
                let object = names.iter().find_map(|name| document.get(*name));
                let parts = object.and_then(|object| serde_json::from_value(object.clone()).ok());
                (parts, format!(" in {}", names[0]))
            }
        };
        let parts = parts.unwrap_or_default();
        let part = |names: &[&str]| {
            let is_plain = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
            text(&parts, names).filter(is_plain).ok_or_else(|| {
                let name = names.first().copied().unwrap_or_default();
                format!("{name} of printable ASCII characters{location}")
            })
        };
        let (id, secret, token) = (part(self.id)?, part(self.secret)?, part(self.token)?);
        let expires_at = text(&parts, self.expires_at).and_then(|text| parse_time(&text));
        let expires_at = expires_at.ok_or_else(|| {
            let name = self.expires_at.first().copied().unwrap_or_default();
            format!("a time in {name}{location}")
        })?;
        Ok(TemporaryKey {
            id,
            secret: Secret::new(secret),
            token: Secret::new(token),
            expires_at,
        })
    }
}

fn text(document: &Document, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let value = document.get(*name)?.clone();
        let text: Text = serde_json::from_value(value).ok()?;
        text.trimmed().map(str::to_owned)
    })
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    match text.parse() {
        Ok(0) => None,
        Ok(seconds) => DateTime::from_timestamp(seconds, 0),
        Err(_) => Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()),
    }
}
