//! Signs requests with signature version 3, `ACS3-HMAC-SHA256`.
//!
//! Source: "V3 request structure and signature" of the vendor's SDK documentation, and
//! alibabacloud-openapi-util 0.2.4, whose test vectors the tests check for each step.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::crypto;
use crate::http::{self, Request, SigningInstructions};
use crate::secret::Secret;
use crate::sort::SortExt as _;

/// Name of the scheme in the Authorization header and in the string to sign.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The parts of a request that are signed.
#[derive(Debug, Clone, Copy)]
pub struct SigningParams<'a> {
    /// Method in upper case.
    pub method: &'a str,
    /// Percent-encoded path.
    pub path: &'a str,
    /// Decoded query parameters in any order.
    pub query: &'a [(String, String)],
    /// The headers to sign, in any order and case.
    pub headers: &'a [(String, String)],
    /// The body as sent.
    pub body: &'a [u8],
}

/// Returns the text to hash: method, path, sorted query, sorted headers, their names, and the hash of the body.
pub fn canonical_request(parts: &SigningParams<'_>) -> String {
    let mut query: Vec<_> = parts.query.iter().collect();
    query.order_by(|a, b| a.0.cmp(&b.0));
    let query: Vec<String> = query
        .into_iter()
        .map(|(name, value)| {
            let (name, value) = (crypto::percent_encode(name), crypto::percent_encode(value));
            format!("{name}={value}")
        })
        .collect();
    let headers: String = sorted_headers(parts.headers)
        .into_iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    [
        parts.method,
        parts.path,
        &query.join("&"),
        &headers,
        &signed_headers(parts.headers),
        &crypto::sha256_hex(parts.body),
    ]
    .join("\n")
}

/// Returns the lower-case names of the headers, sorted and joined by `;`.
pub fn signed_headers(headers: &[(String, String)]) -> String {
    let mut names: Vec<String> = sorted_headers(headers)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.dedup();
    names.join(";")
}

/// Returns the text whose HMAC is the signature: the name of the scheme and the hash of the canonical request.
pub fn string_to_sign(canonical_request: &str) -> String {
    let hash = crypto::sha256_hex(canonical_request.as_bytes());
    format!("{ALGORITHM}\n{hash}")
}

/// Returns the HMAC-SHA256 in lower-case hex. The key is the access key secret itself; no key is derived.
pub fn signature(secret: &str, string_to_sign: &str) -> String {
    crypto::hex(&crypto::hmac_sha256(
        secret.as_bytes(),
        string_to_sign.as_bytes(),
    ))
}

/// Formats a time as in requests to this cloud: `2026-01-02T03:04:05Z`.
pub fn timestamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns headers with lower-case names and trimmed values, sorted by name. The values of a repeated name are
/// sorted and joined.
fn sorted_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut sorted: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    sorted.order();
    sorted.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = format!("{},{}", kept.1, next.1);
        }
        same
    });
    sorted
}

/// The fields of an Authorization header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The access key id.
    pub access_key_id: String,
    /// Names of the headers that were signed.
    pub signed_headers: Vec<String>,
    /// Lower-case hex signature.
    pub signature: String,
}

impl Authorization {
    /// Parses `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`; returns `None` if a part is missing.
    pub fn parse(header: &str) -> Option<Self> {
        let fields = header.trim().strip_prefix(ALGORITHM)?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
        };
        Some(Self {
            access_key_id: field("Credential")?.to_owned(),
            signed_headers: field("SignedHeaders")?
                .split(';')
                .map(str::to_ascii_lowercase)
                .collect(),
            signature: field("Signature")?.to_owned(),
        })
    }

    /// Returns `true` if the signature of these parts is valid for the secret. Only headers in `SignedHeaders`
    /// are used, and all of them must exist.
    pub fn is_signed_with(&self, secret: &str, parts: &SigningParams<'_>) -> bool {
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .filter(|(name, _)| {
                let name = name.to_ascii_lowercase();
                self.signed_headers.contains(&name)
            })
            .cloned()
            .collect();
        let signed = SigningParams {
            headers: &headers,
            ..*parts
        };
        signed_headers(&headers) == self.signed_headers.join(";")
            && signature(secret, &string_to_sign(&canonical_request(&signed))) == self.signature
    }
}

/// Signs requests with an access key, and with a security token if the key is temporary.
///
/// The request itself contains its operation in `x-acs-action` and `x-acs-version`. The signature covers
/// `host`, every `x-acs-*` header, and `content-type` if it is set.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The access key id.
    pub access_key_id: String,
    /// The access key secret.
    pub access_key_secret: Secret,
    /// The token of a temporary key.
    pub security_token: Option<Secret>,
}

impl http::Signer for Signer {
    fn key(&self) -> Vec<&str> {
        let token = self.security_token.as_ref().map(Secret::expose);
        let key = [self.access_key_id.as_str(), self.access_key_secret.expose()];
        key.into_iter().chain(token).collect()
    }

    fn sign(&self, request: &Request, now: DateTime<Utc>, nonce: &str) -> SigningInstructions {
        let mut added = vec![
            ("x-acs-date", Secret::new(timestamp(now))),
            ("x-acs-signature-nonce", Secret::new(nonce)),
            (
                "x-acs-content-sha256",
                Secret::new(crypto::sha256_hex(&request.body)),
            ),
        ];
        if let Some(token) = &self.security_token {
            added.push(("x-acs-accesskey-id", Secret::new(&self.access_key_id)));
            added.push(("x-acs-security-token", token.clone()));
        }
        let request_headers = request
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-acs-") || *name == "content-type")
            .map(|(name, value)| (*name, value.as_str()));
        let signed: Vec<(String, String)> = added
            .iter()
            .map(|(name, value)| (*name, value.expose()))
            .chain(request_headers)
            .chain([("host", request.endpoint.authority())])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let canonical = canonical_request(&SigningParams {
            method: request.method.as_str(),
            path: &request.path,
            query: &request.query,
            headers: &signed,
            body: &request.body,
        });
        let signature = signature(self.access_key_secret.expose(), &string_to_sign(&canonical));
        let authorization = format!(
            "{ALGORITHM} Credential={},SignedHeaders={},Signature={signature}",
            self.access_key_id,
            signed_headers(&signed)
        );
        added.push(("authorization", Secret::new(authorization)));
        SigningInstructions {
            headers: added,
            query: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
