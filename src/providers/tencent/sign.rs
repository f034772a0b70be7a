use chrono::{DateTime, Utc};

use super::{products, tc3};
use crate::crypto::{base64, hmac_sha256};
use crate::http::{Request, SigningInstructions};
use crate::secret::Secret;
use crate::sort::SortExt as _;

/// The only method of signature v2 that is used here. Without this parameter, the cloud would expect SHA-1.
pub const METHOD: &str = "HmacSHA256";

/// Signer for API 2.0 with signature v2 (called v1 in the documentation of API 3.0), and for API 3.0 with TC3.
pub struct Signer {
    /// Id of the key.
    pub secret_id: Secret,
    /// The key.
    pub secret_key: Secret,
    /// Token of a temporary key.
    pub token: Option<Secret>,
}

impl crate::http::Signer for Signer {
    fn key(&self) -> Vec<&str> {
        let key = [&self.secret_id, &self.secret_key].into_iter();
        key.chain(&self.token).map(Secret::expose).collect()
    }

    fn sign(&self, request: &Request, now: DateTime<Utc>, nonce: &str) -> SigningInstructions {
        if let Some(product) = products::of_request(request) {
            return self.sign_tc3(product.name, request, now);
        }
        let mut added = vec![
            ("Timestamp", Secret::new(now.timestamp().to_string())),
            ("Nonce", Secret::new(number_of(nonce).to_string())),
            ("SecretId", self.secret_id.clone()),
            ("SignatureMethod", Secret::new(METHOD)),
        ];
        added.extend(self.token.clone().map(|token| ("Token", token)));
        let mut parameters: Vec<(&str, &str)> = request
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        parameters.extend(added.iter().map(|(name, value)| (*name, value.expose())));
        let text = string_to_sign(
            request.method.as_str(),
            request.endpoint.authority(),
            &request.path,
            &parameters,
        );
        let signature = signature(self.secret_key.expose(), &text);
        added.push(("Signature", Secret::new(signature)));
        SigningInstructions {
            headers: Vec::new(),
            query: added,
        }
    }
}

impl Signer {
    /// Signs a request without a query.
    fn sign_tc3(
        &self,
        service: &str,
        request: &Request,
        now: DateTime<Utc>,
    ) -> SigningInstructions {
        let params = tc3::SigningParams {
            method: request.method.as_str(),
            query: "",
            content_type: tc3::JSON,
            host: request.endpoint.authority(),
            body: &request.body,
            service,
            signed_at: now,
        };
        let (id, key) = (self.secret_id.expose(), self.secret_key.expose());
        let authorization = params.authorization(id, key);
        let timestamp = now.timestamp().to_string();
        let mut headers = vec![
            ("x-tc-timestamp", Secret::new(timestamp)),
            ("authorization", Secret::new(authorization)),
        ];
        headers.extend(self.token.clone().map(|token| ("x-tc-token", token)));
        SigningInstructions {
            headers,
            query: Vec::new(),
        }
    }
}

/// Converts the hex digits of a nonce to a positive number below 2^63.
fn number_of(nonce: &str) -> u64 {
    let digits = nonce.chars().filter_map(|c| c.to_digit(16));
    let number = digits.fold(0_u64, |number, digit| number << 4 | u64::from(digit));
    (number >> 1).max(1)
}

/// Joins the parameters, sorted by name (with `_` as `.`) and without encoding.
pub fn canonical_query(parameters: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, &str)> = parameters
        .iter()
        .map(|(name, value)| (name.replace('_', "."), *value))
        .collect();
    pairs.order_by(|(a, _), (b, _)| a.cmp(b));
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// Returns the text to sign: method, host without scheme, path and canonical query.
pub fn string_to_sign(method: &str, host: &str, path: &str, parameters: &[(&str, &str)]) -> String {
    format!("{method}{host}{path}?{}", canonical_query(parameters))
}

/// Returns the HMAC in Base64. The secret key is used without derivation.
pub fn signature(secret_key: &str, string_to_sign: &str) -> String {
    base64(&hmac_sha256(
        secret_key.as_bytes(),
        string_to_sign.as_bytes(),
    ))
}

#[cfg(test)]
mod tests;
