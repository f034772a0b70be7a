//! Signs requests to STS with signature version 1, `HMAC-SHA1` over the parameters. The vendor's own credential
//! libraries use it for STS.
//!
//! Source: credentials-go 1.4.12 and alibabacloud-openapi-util 0.2.4, whose test vectors the tests check for
//! each step.

use chrono::{DateTime, Utc};

use super::sign;
use crate::crypto::{base64, hmac_sha1, percent_decode, percent_encode};
use crate::http::{self, Request, SigningInstructions};
use crate::secret::Secret;
use crate::sort::SortExt as _;

/// Decoded names and values of parameters.
pub type Params = Vec<(String, String)>;

/// Joins the parameters of query and body, sorted by name. Names and values are percent-encoded.
pub fn canonical_query(parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.order_by(|a, b| a.0.cmp(&b.0));
    let pairs = sorted
        .into_iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Returns the text whose HMAC is the signature.
pub fn string_to_sign(method: &str, canonical_query: &str) -> String {
    format!("{method}&%2F&{}", percent_encode(canonical_query))
}

/// Returns the HMAC-SHA1 in Base64. The key is the secret followed by `&`.
pub fn signature(secret: &str, string_to_sign: &str) -> String {
    let key = format!("{secret}&");
    base64(&hmac_sha1(key.as_bytes(), string_to_sign.as_bytes()))
}

/// Parses the parameters of a form body, in which `+` is a space.
fn parse_form(body: &[u8]) -> Params {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let decode = |text: &str| percent_decode(&text.replace('+', " ")).unwrap_or_default();
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Signs requests with an access key. The request itself contains its action, version and format.
#[derive(Debug, Clone)]
pub struct Signer(pub sign::Signer);

impl From<sign::Signer> for Signer {
    fn from(key: sign::Signer) -> Self {
        Self(key)
    }
}

impl http::Signer for Signer {
    fn key(&self) -> Vec<&str> {
        self.0.key()
    }

    fn sign(&self, request: &Request, now: DateTime<Utc>, nonce: &str) -> SigningInstructions {
        let key = &self.0;
        let mut added = vec![
            ("AccessKeyId", Secret::new(&key.access_key_id)),
            ("SignatureMethod", Secret::new("HMAC-SHA1")),
            ("SignatureNonce", Secret::new(nonce)),
            ("SignatureVersion", Secret::new("1.0")),
            ("Timestamp", Secret::new(sign::timestamp(now))),
        ];
        if let Some(token) = &key.security_token {
            added.push(("SecurityToken", token.clone()));
        }
        let mut parameters = request.query.clone();
        parameters.extend(parse_form(&request.body));
        let signed = added.iter();
        parameters.extend(signed.map(|(name, value)| ((*name).into(), value.expose().into())));
        let text = string_to_sign(request.method.as_str(), &canonical_query(&parameters));
        let signature = signature(key.access_key_secret.expose(), &text);
        added.push(("Signature", Secret::new(signature)));
        SigningInstructions {
            headers: Vec::new(),
            query: added,
        }
    }
}

#[cfg(test)]
mod tests;
