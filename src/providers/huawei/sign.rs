use chrono::{DateTime, Utc};

use crate::collect::CollectExt as _;
use crate::credentials::{Credential, Storable, StoredFields};
use crate::crypto::{hex, hmac_sha256, percent_decode, percent_encode, sha256_hex};
use crate::http::{Request, SigningInstructions};
use crate::secret::Secret;
use crate::sort::SortExt as _;

use super::is_project_id;

/// Name of the signing scheme, the first word of the `Authorization` header and of the string to sign.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// Format of `X-Sdk-Date`.
pub const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Placeholder in a path for the project of the token that the request is sent with. A request can be retried with
/// a new token, which may belong to another project.
pub(super) const PROJECT_PLACEHOLDER: &str = "{project_id}";

/// A credential that authenticates requests to Huawei Cloud.
pub enum Signer {
    /// A key pair, which signs each request with SDK-HMAC-SHA256.
    Key {
        /// AK.
        id: Secret,
        /// SK.
        secret: Secret,
        /// The token of a temporary key pair.
        security_token: Option<Secret>,
    },
    /// An IAM token, sent as `X-Auth-Token`.
    Token {
        /// The token.
        token: Secret,
        /// The token's project, as reported by IAM.
        project: Option<String>,
    },
}

impl Signer {
    /// Returns the project for which IAM issued the token.
    pub(super) fn project(&self) -> Option<&str> {
        match self {
            Self::Token { project, .. } => project.as_deref(),
            Self::Key { .. } => None,
        }
    }

    /// Wraps a token in a credential.
    pub(super) fn credential(token: Secret, project: Option<String>) -> Credential<Self> {
        Credential {
            secrets: vec![token.clone()],
            signer: Self::Token { token, project },
            expires_at: None,
        }
    }
}

impl Storable for Signer {
    fn parts(&self) -> StoredFields {
        match self {
            Self::Token { token, project } => {
                let token = ("token".to_owned(), token.expose().to_owned());
                let project = project.clone().map(|id| ("project".to_owned(), id));
                [Some(token), project].into_iter().flatten().collect_map()
            }
            // A configured key is not stored: it was not issued.
            Self::Key { .. } => StoredFields::new(),
        }
    }

    fn from_parts(parts: &StoredFields) -> Option<Credential<Self>> {
        let token = parts.get("token").filter(|token| is_token(token))?;
        let project = parts.get("project").cloned();
        let is_fit = project.as_deref().is_none_or(is_project_id);
        is_fit.then(|| Self::credential(Secret::new(token), project))
    }
}

/// Returns `true` if the text can be sent as a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl crate::http::Signer for Signer {
    fn key(&self) -> Vec<&str> {
        match self {
            Self::Token { .. } => Vec::new(),
            Self::Key {
                id,
                secret,
                security_token,
            } => {
                let key = [id, secret].into_iter();
                key.chain(security_token).map(Secret::expose).collect()
            }
        }
    }

    fn complete(&self, request: &Request) -> Option<Request> {
        let project = self.project()?;
        request.path.contains(PROJECT_PLACEHOLDER).then(|| Request {
            path: request.path.replace(PROJECT_PLACEHOLDER, project),
            ..request.clone()
        })
    }

    fn sign(&self, request: &Request, now: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        let headers = match self {
            Self::Token { token, .. } => vec![("x-auth-token", token.clone())],
            Self::Key {
                id,
                secret,
                security_token,
            } => key_headers(request, now, id, secret, security_token.as_ref()),
        };
        SigningInstructions {
            headers,
            query: Vec::new(),
        }
    }
}

fn key_headers(
    request: &Request,
    now: DateTime<Utc>,
    id: &Secret,
    secret: &Secret,
    security_token: Option<&Secret>,
) -> Vec<(&'static str, Secret)> {
    let date = now.format(DATE_FORMAT).to_string();
    let mut added = vec![("x-sdk-date", Secret::new(&date))];
    added.extend(security_token.map(|token| ("x-security-token", token.clone())));
    let mut headers = vec![("host", request.endpoint.authority())];
    headers.extend(request.headers.iter().map(|(n, v)| (*n, v.as_str())));
    headers.extend(added.iter().map(|(n, v)| (*n, v.expose())));
    let (canonical, signed_headers) = canonical_request(
        request.method.as_str(),
        &request.path,
        &request.query,
        &headers,
        &request.body,
    );
    let signature = signature(secret.expose(), &string_to_sign(&date, &canonical));
    let authorization = format!(
        "{ALGORITHM} Access={}, SignedHeaders={signed_headers}, Signature={signature}",
        id.expose()
    );
    added.push(("authorization", Secret::new(authorization)));
    added
}

/// Returns the canonical request and the names of the signed headers.
///
/// `path` is as sent, `query` is decoded. All given headers are signed, except those with `_` in their name,
/// which the vendor's SDK 3.1.219 omits as well.
pub fn canonical_request(
    method: &str,
    path: &str,
    query: &[(String, String)],
    headers: &[(&str, &str)],
    body: &[u8],
) -> (String, String) {
    let mut signed: Vec<(String, &str)> = headers
        .iter()
        .filter(|(name, _)| !name.contains('_'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    signed.order();
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let declared = signed
        .iter()
        .find(|(name, _)| name == "x-sdk-content-sha256");
    let payload = match declared {
        Some((_, hash)) => (*hash).to_owned(),
        None => sha256_hex(body),
    };
    let canonical = format!(
        "{method}\n{}\n{}\n{lines}\n{names}\n{payload}",
        canonical_path(path),
        canonical_query(query)
    );
    (canonical, names)
}

/// Returns the canonical path: decoded, then split and encoded, so that an encoded slash becomes a plain one.
/// The trailing slash is added for signing only.
fn canonical_path(path: &str) -> String {
    let decoded = percent_decode(path).unwrap_or_else(|| path.to_owned());
    let mut canonical = decoded
        .split('/')
        .map(percent_encode)
        .collect::<Vec<_>>()
        .join("/");
    if !canonical.ends_with('/') {
        canonical.push('/');
    }
    canonical
}

/// Returns the canonical query: sorted by name and value, then encoded.
fn canonical_query(query: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = query.iter().collect();
    pairs.order();
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// Returns the string to sign: scheme, `X-Sdk-Date` and the hash of the canonical request.
pub fn string_to_sign(date: &str, canonical_request: &str) -> String {
    format!(
        "{ALGORITHM}\n{date}\n{}",
        sha256_hex(canonical_request.as_bytes())
    )
}

/// Returns the signature in lower-case hex. The secret key is used without derivation.
pub fn signature(secret: &str, string_to_sign: &str) -> String {
    hex(&hmac_sha256(secret.as_bytes(), string_to_sign.as_bytes()))
}

#[cfg(test)]
mod tests;
