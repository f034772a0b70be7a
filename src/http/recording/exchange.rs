use serde::{Deserialize, Serialize};

use super::content::{Content, Extent, Masker, is_secret_name};
use crate::http::{Method, Request, RequestError, Response, encode_query};
use crate::secret::PrivateKeyMasker;

/// One attempt of a request and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// When the request was sent, by the clock of the machine.
    pub at: String,
    /// When the request was sent, in milliseconds since the first request.
    pub start_ms: u64,
    /// When the outcome was known, in milliseconds since the first request.
    pub end_ms: u64,
    pub cloud: String,
    pub profile: String,
    pub operation: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    pub request: RecordedRequest,
    pub outcome: RecordedOutcome,
}

/// A request without the values that authenticate the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedRequest {
    pub method: String,
    pub url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Content>,
    /// Its response contains a credential.
    #[serde(
        rename = "is_for_credential",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub is_for_credentials: bool,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RecordedOutcome {
    Response(RecordedResponse),
    /// No complete response was received.
    Error(RequestError),
    /// The caller stopped waiting for the response.
    Canceled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Content,
    /// The body was too large and was not recorded completely.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// The body could not be parsed, so its values are masked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_masked: bool,
}

/// A request with its destination.
#[derive(Clone, Copy)]
pub(in crate::http) struct Outgoing<'a> {
    pub cloud: &'static str,
    pub profile: &'a str,
    pub request: &'a Request,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Its response contains a credential.
    pub is_for_credentials: bool,
}

impl Outgoing<'_> {
    /// Returns the request with its secrets masked.
    pub(super) fn masked(&self, masker: &Masker<'_>) -> RecordedRequest {
        let request = self.request;
        let query = request.query.iter();
        let query = masker.pairs(query.map(|(name, value)| (name.as_str(), value.as_str())));
        let mark = if query.is_empty() { "" } else { "?" };
        let (origin, path) = (request.endpoint.origin(), &request.path);
        let headers = request
            .headers
            .iter()
            .filter(|(name, _)| !is_secret_name(name));
        let has_body = !request.body.is_empty() && !self.is_for_credentials;
        RecordedRequest {
            method: request.method.as_str().to_owned(),
            url: format!("{origin}{path}{mark}{}", encode_query(&query)),
            headers: masker.pairs(headers.map(|(name, value)| (*name, value.as_str()))),
            body: has_body.then(|| masker.content(&request.body, None).0),
            is_for_credentials: self.is_for_credentials,
        }
    }

    /// Returns a key that is equal for requests that can have the same response.
    pub(super) fn key(&self, request: &RecordedRequest) -> String {
        key(self.cloud, self.profile, self.request.operation, request)
    }

    /// Returns `true` if the response is a secret: metadata services return a token for a PUT request.
    pub(super) fn has_secret_response(&self) -> bool {
        self.request.method == Method::Put
    }
}

impl Exchange {
    pub(super) fn key(&self) -> String {
        key(&self.cloud, &self.profile, &self.operation, &self.request)
    }
}

fn key(cloud: &str, profile: &str, operation: &str, request: &RecordedRequest) -> String {
    let url = match request.is_for_credentials {
        true => request.url.split('?').next().unwrap_or_default(),
        false => &request.url,
    };
    let body = serde_json::to_string(&request.body).unwrap_or_default();
    let method = &request.method;
    format!("{cloud} {profile} {operation} {method} {url} {body}")
}

impl RecordedResponse {
    /// Returns the response with its secrets masked. `keys` is the state after earlier responses with parts of the same
    /// log, which can end within a private key.
    pub(super) fn masked(
        response: &Response,
        masker: &Masker<'_>,
        keys: &mut PrivateKeyMasker,
    ) -> Self {
        let headers = response.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let content_type = response.header("content-type").unwrap_or_default();
        let plain = [
            "text/plain",
            "application/octet-stream",
            "binary/octet-stream",
        ];
        let is_plain = plain.iter().any(|name| content_type.starts_with(name));
        let (body, extent) = masker.content(&response.body, is_plain.then_some(keys));
        Self {
            status: response.status,
            headers: masker.pairs(headers),
            body,
            is_cut: extent == Extent::Cut,
            is_masked: extent == Extent::Masked,
        }
    }
}
