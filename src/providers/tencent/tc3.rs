//! Signature TC3-HMAC-SHA256 of API 3.0. Like the vendor's SDKs, it signs the headers `content-type` and `host`.

use chrono::{DateTime, Utc};

use crate::crypto::{hex, hmac_sha256, sha256_hex};

/// The content type of every request.
pub const JSON: &str = "application/json";

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const SIGNED_HEADERS: &str = "content-type;host";

/// The parts of a request that are signed.
#[derive(Debug, Clone, Copy)]
pub struct SigningParams<'a> {
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The query as sent, without `?`.
    pub query: &'a str,
    /// Content type.
    pub content_type: &'a str,
    /// Host, with the port if it is not the default.
    pub host: &'a str,
    /// Body.
    pub body: &'a [u8],
    /// The product, such as `batch`.
    pub service: &'a str,
    /// Time of signing.
    pub signed_at: DateTime<Utc>,
}

impl SigningParams<'_> {
    /// Returns the canonical request, whose hash is signed.
    pub fn canonical_request(&self) -> String {
        format!(
            "{}\n/\n{}\ncontent-type:{}\nhost:{}\n\n{SIGNED_HEADERS}\n{}",
            self.method,
            self.query,
            self.content_type,
            self.host,
            sha256_hex(self.body)
        )
    }

    /// Returns the string to sign.
    pub fn string_to_sign(&self) -> String {
        let (seconds, scope) = (self.signed_at.timestamp(), self.scope());
        let hash = sha256_hex(self.canonical_request().as_bytes());
        format!("{ALGORITHM}\n{seconds}\n{scope}\n{hash}")
    }

    /// Derives the key for one day and product.
    pub fn signing_key(&self, secret_key: &str) -> [u8; 32] {
        let day = hmac_sha256(
            format!("TC3{secret_key}").as_bytes(),
            self.date().as_bytes(),
        );
        let service = hmac_sha256(&day, self.service.as_bytes());
        hmac_sha256(&service, b"tc3_request")
    }

    /// Returns the value of the `authorization` header.
    pub fn authorization(&self, secret_id: &str, secret_key: &str) -> String {
        let key = self.signing_key(secret_key);
        let signature = hex(&hmac_sha256(&key, self.string_to_sign().as_bytes()));
        let scope = self.scope();
        format!(
            "{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"
        )
    }

    fn date(&self) -> String {
        self.signed_at.format("%Y-%m-%d").to_string()
    }

    fn scope(&self) -> String {
        format!("{}/{}/tc3_request", self.date(), self.service)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::providers::test_support::json;

    fn vectors() -> Vec<Value> {
        let files =
            ["tc3", "tc3-products"].map(|name| json(&format!("tencent/vectors/{name}.json")));
        let vectors = files
            .iter()
            .flat_map(|file| file["vectors"].as_array().unwrap());
        vectors.cloned().collect()
    }

    fn signed_at(vector: &Value) -> DateTime<Utc> {
        let seconds = vector["timestamp"].as_str().unwrap().parse().unwrap();
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn every_signing_stage_agrees_with_the_vendors_code() {
        let vectors = vectors();
        for vector in &vectors {
            let text = |key: &str| vector[key].as_str().unwrap();
            let name = text("name");
            let headers = &vector["headers"];
            let (product, _) = text("host").split_once('.').unwrap();
            // Only an SDK option leaves the body unsigned.
            let unsigned = headers["X-TC-Content-SHA256"] == "UNSIGNED-PAYLOAD";
            let params = SigningParams {
                method: text("method"),
                query: text("raw_query"),
                content_type: headers["Content-Type"].as_str().unwrap(),
                host: text("host"),
                body: match unsigned {
                    true => b"UNSIGNED-PAYLOAD",
                    false => text("body").as_bytes(),
                },
                service: vector["service"].as_str().unwrap_or(product),
                signed_at: signed_at(vector),
            };
            assert_eq!(params.canonical_request(), text("canonical"), "{name}");
            assert_eq!(params.string_to_sign(), text("string_to_sign"), "{name}");
            let key = hex(&params.signing_key(text("access_key_secret")));
            assert_eq!(
                vector["signing_key"].as_str().unwrap_or(&key),
                key,
                "{name}"
            );
            let authorization =
                params.authorization(text("access_key_id"), text("access_key_secret"));
            assert_eq!(authorization, text("authorization"), "{name}");
        }
        assert_eq!(vectors.len(), 32);
    }
}
