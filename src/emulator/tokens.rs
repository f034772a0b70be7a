//! Tokens and temporary keys of the emulated clouds. All data is derived from the token, so none is stored, and
//! every emulator of the same build accepts them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::crypto::{base64url, from_base64url, hex, hmac_sha256, nonce, sha256_hex};

/// The well-known key id, valid only in the emulator.
pub const TEST_ID: &str = "testid";
/// The well-known key secret, valid only in the emulator.
pub const TEST_SECRET: &str = "testsecret";
/// The well-known token that can be sent with the test key.
pub const TEST_TOKEN: &str = "testtoken";

/// Format of temporary keys' tokens; it contains characters that must be escaped in a URL.
pub const SECURITY_TOKEN: TokenFormat = TokenFormat {
    prefix: "",
    suffix: "/+==",
};

/// The parts of a token around its signed claims.
#[derive(Debug)]
pub struct TokenFormat {
    /// Prefix of the claims.
    pub prefix: &'static str,
    /// Suffix of the signature.
    pub suffix: &'static str,
}

/// Why a token is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// The emulator did not issue it.
    Unknown,
    /// It has expired.
    Expired,
}

impl TokenFormat {
    /// Issues a unique token with these claims and this expiry.
    pub fn issue(&self, mut claims: Value, expires_at: DateTime<Utc>) -> String {
        claims["expireTime"] = expires_at.timestamp_millis().to_string().into();
        claims["invoker"] = nonce().into();
        let signed = format!(
            "{}{}",
            self.prefix,
            base64url(claims.to_string().as_bytes())
        );
        format!("{signed}.{}{}", sign(&signed), self.suffix)
    }

    /// Returns the claims and expiry of a token.
    ///
    /// # Errors
    /// An error if the token is not valid.
    pub fn read(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<(Value, DateTime<Utc>), TokenError> {
        let (claims, expires_at) = self.parse(token).ok_or(TokenError::Unknown)?;
        match now < expires_at {
            true => Ok((claims, expires_at)),
            false => Err(TokenError::Expired),
        }
    }

    fn parse(&self, token: &str) -> Option<(Value, DateTime<Utc>)> {
        let (signed, signature) = token.strip_suffix(self.suffix)?.rsplit_once('.')?;
        let claims = from_base64url(signed.strip_prefix(self.prefix)?)?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let expires_at = claims["expireTime"].as_str()?.parse().ok()?;
        let expires_at = DateTime::from_timestamp_millis(expires_at)?;
        (signature == sign(signed)).then_some((claims, expires_at))
    }
}

fn sign(signed: &str) -> String {
    base64url(&hmac_sha256(TEST_SECRET.as_bytes(), signed.as_bytes()))
}

/// A key pair with its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryKey {
    /// Id of the key.
    pub id: String,
    /// The key.
    pub secret: String,
    /// Token that is sent with the key.
    pub token: String,
    /// Expiry of the key.
    pub expires_at: DateTime<Utc>,
}

impl TemporaryKey {
    /// Creates a unique key whose id begins with `prefix`.
    pub fn new(prefix: &str, expires_at: DateTime<Utc>) -> Self {
        let token = SECURITY_TOKEN.issue(json!({}), expires_at);
        Self::derive(prefix, token, expires_at)
    }

    /// Returns the key that was issued with a token.
    ///
    /// # Errors
    /// An error if the token is not valid.
    pub fn from_token(prefix: &str, token: &str, now: DateTime<Utc>) -> Result<Self, TokenError> {
        let (_, expires_at) = SECURITY_TOKEN.read(token, now)?;
        Ok(Self::derive(prefix, token.to_owned(), expires_at))
    }

    fn derive(prefix: &str, token: String, expires_at: DateTime<Utc>) -> Self {
        let of_token = sha256_hex(token.as_bytes());
        Self {
            id: format!("{prefix}{}", &of_token[..20]),
            secret: hex(&hmac_sha256(TEST_SECRET.as_bytes(), of_token.as_bytes())),
            token,
            expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn temporary_keys_are_derived_from_their_token_until_it_expires() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let given = TemporaryKey::new("STS.", now + TimeDelta::seconds(1));
        let taken = |token: &str, now| TemporaryKey::from_token("STS.", token, now);
        assert_eq!(taken(&given.token, now).as_ref(), Ok(&given));
        let later = now + TimeDelta::seconds(1);
        assert_eq!(taken(&given.token, later), Err(TokenError::Expired));
        for token in [
            "",
            ".",
            SECURITY_TOKEN.suffix,
            &given.token[1..],
            &given.token.replace(SECURITY_TOKEN.suffix, ""),
        ] {
            assert_eq!(taken(token, now), Err(TokenError::Unknown), "{token}");
        }
        assert_ne!(
            TemporaryKey::new("STS.", now).token,
            TemporaryKey::new("STS.", now).token
        );
    }
}
