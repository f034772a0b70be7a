use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::credentials::{Credential, Storable, StoredFields};
use crate::crypto::from_base64url;
use crate::http::{Request, SigningInstructions};
use crate::providers::lenient::{self, Int};
use crate::secret::Secret;

/// Signer that sends the token unchanged in the header `token`.
pub struct Signer {
    token: Secret,
}

impl Signer {
    /// Creates a signer for a token of a computing region.
    pub fn new(token: Secret) -> Self {
        Self { token }
    }

    /// Wraps a token in a credential.
    pub(super) fn credential(token: Secret) -> Credential<Self> {
        let signer = Self::new(token.clone());
        Credential {
            expires_at: signer.expires_at(),
            secrets: vec![token],
            signer,
        }
    }

    /// Returns when the token expires; `None` if it is not a JWT or never expires.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        let payload = self.token.expose().split('.').nth(1)?;
        let claims: Claims = lenient::decode(&from_base64url(payload)?).ok()?;
        DateTime::from_timestamp_millis(claims.expire_time.not_zero()?)
    }
}

impl Storable for Signer {
    fn parts(&self) -> StoredFields {
        StoredFields::from([("token".to_owned(), self.token.expose().to_owned())])
    }

    fn from_parts(parts: &StoredFields) -> Option<Credential<Self>> {
        let token = parts.get("token").filter(|token| is_token(token))?;
        Some(Self::credential(Secret::new(token)))
    }
}

/// Returns `true` if the text can be sent as a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl crate::http::Signer for Signer {
    fn sign(&self, _request: &Request, _now: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        SigningInstructions {
            headers: vec![("token", self.token.clone())],
            query: Vec::new(),
        }
    }
}

/// The only claim that a client needs; a client cannot verify the token anyway.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Claims {
    /// Unix milliseconds, as text.
    expire_time: Int,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(token: &str) -> Option<String> {
        Signer::new(Secret::new(token))
            .expires_at()
            .map(|at| at.to_rfc3339())
    }

    #[test]
    fn the_expiry_of_a_jwt_is_read_in_milliseconds() {
        // {"expireTime":"1686900109231"} and {"expireTime":1686900109231}
        for payload in [
            "eyJleHBpcmVUaW1lIjoiMTY4NjkwMDEwOTIzMSJ9",
            "eyJleHBpcmVUaW1lIjoxNjg2OTAwMTA5MjMxfQ",
        ] {
            assert_eq!(
                expiry(&format!("e30.{payload}.c2ln")).as_deref(),
                Some("2023-06-16T07:21:49.231+00:00")
            );
        }
    }

    #[test]
    fn a_token_that_is_not_a_jwt_has_no_known_expiry() {
        for token in ["", "opaque", "a.b.c", "e30.e30.c2ln", "..", "e30.W10.x"] {
            assert_eq!(expiry(token), None, "{token}");
        }
    }
}
