//! Temporary keys as the emulated clouds give them. Everything follows from the token, so that none
//! is remembered and any emulator of the same build takes them.

use chrono::{DateTime, Utc};

use super::api::TEST_SECRET;
use crate::crypto::{base64url, from_base64url, hex, hmac_sha256, nonce, sha256_hex};

/// Tokens of the clouds hold signs that are written otherwise in a URL.
const TAIL: &str = "/+==";

/// A key pair with its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryKey {
    /// Id of the key.
    pub id: String,
    /// The key.
    pub secret: String,
    /// The token that goes with it.
    pub token: String,
    /// When it ends to be good.
    pub expires_at: DateTime<Utc>,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// It was not given here.
    Unknown,
    /// It has run out.
    Expired,
}

impl TemporaryKey {
    /// New keys, of which no two are alike; ids begin with `prefix`.
    pub fn new(prefix: &str, expires_at: DateTime<Utc>) -> Self {
        Self::derive(prefix, encode_token(expires_at), expires_at)
    }

    /// The keys that a token was given with.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn from_token(prefix: &str, token: &str, now: DateTime<Utc>) -> Result<Self, TokenError> {
        let expires_at = decode_token(token).ok_or(TokenError::Unknown)?;
        match now < expires_at {
            true => Ok(Self::derive(prefix, token.to_owned(), expires_at)),
            false => Err(TokenError::Expired),
        }
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

/// A token that reports its own end, of which no two are alike.
pub fn encode_token(expires_at: DateTime<Utc>) -> String {
    let claims = format!("{} {}", expires_at.timestamp_millis(), nonce());
    let claims = base64url(claims.as_bytes());
    format!("{claims}.{}{TAIL}", sign_claims(&claims))
}

/// When a token that was given here ends; `None` for any other.
pub fn decode_token(token: &str) -> Option<DateTime<Utc>> {
    let (claims, given) = token.strip_suffix(TAIL)?.split_once('.')?;
    if given != sign_claims(claims) {
        return None;
    }
    let text = String::from_utf8(from_base64url(claims)?).ok()?;
    DateTime::from_timestamp_millis(text.split(' ').next()?.parse().ok()?)
}

fn sign_claims(claims: &str) -> String {
    base64url(&hmac_sha256(TEST_SECRET.as_bytes(), claims.as_bytes()))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn keys_follow_from_their_token_until_it_ends() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let given = TemporaryKey::new("STS.", now + TimeDelta::seconds(1));
        let taken = |token: &str, now| TemporaryKey::from_token("STS.", token, now);
        assert_eq!(taken(&given.token, now).as_ref(), Ok(&given));
        let later = now + TimeDelta::seconds(1);
        assert_eq!(taken(&given.token, later), Err(TokenError::Expired));
        for token in [
            "",
            ".",
            TAIL,
            &given.token[1..],
            &given.token.replace(TAIL, ""),
        ] {
            assert_eq!(taken(token, now), Err(TokenError::Unknown), "{token}");
        }
        assert_ne!(
            TemporaryKey::new("STS.", now).token,
            TemporaryKey::new("STS.", now).token
        );
    }
}
