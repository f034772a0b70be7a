//! What the emulator and the emulated clouds exchange, as plain data.
//!
//! A cloud's folder checks a request as the cloud would (signature, time window, replayed nonce,
//! required parameters) and answers from the [`EmulatedState`], with the cloud's own error bodies.

use chrono::{DateTime, Utc};

use super::state::EmulatedState;

/// The well-known key id of the emulator; it opens nothing else.
pub const TEST_ID: &str = "testid";
/// The well-known key secret of the emulator; it opens nothing else.
pub const TEST_SECRET: &str = "testsecret";

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct ServerRequest {
    /// Method in upper case.
    pub method: String,
    /// Path, still percent-encoded.
    pub path: String,
    /// Query, still percent-encoded, without `?`; empty if there is none.
    pub query: String,
    /// Headers with lower-case names, in the order they came.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// The server's time.
    pub now: DateTime<Utc>,
}

impl ServerRequest {
    /// The first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Decoded parameters of the query; `+` is a space.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text)
                .decode_utf8_lossy()
                .into_owned()
        };
        self.query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect()
    }

    /// The decoded parameter with this name, unless it is empty.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters()
            .into_iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value)
    }
}

/// A response before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers with lower-case names; length and date are added.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl ServerResponse {
    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![(
                "content-type".into(),
                "application/json;charset=utf-8".into(),
            )],
            body: body.to_string().into_bytes(),
        }
    }

    /// A document that is served as it stands; XML is recognised by its first character.
    pub fn document(status: u16, body: &str) -> Self {
        let kind = if body.trim_start().starts_with('<') {
            "text/xml;charset=utf-8"
        } else {
            "application/json;charset=utf-8"
        };
        Self {
            status,
            headers: vec![("content-type".into(), kind.into())],
            body: body.as_bytes().to_vec(),
        }
    }

    /// The same answer with one more header.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What the emulator does in a cloud's place.
pub struct EmulatedApi {
    /// The cloud's name of the requested operation; `None` when the request is not for this cloud.
    /// Only method, path, query and headers are read.
    pub operation: fn(&ServerRequest) -> Option<String>,
    /// The response to a request for this cloud.
    pub respond: fn(&ServerRequest, &EmulatedState) -> ServerResponse,
    /// The cloud's own "rate limited".
    pub throttled: fn() -> ServerResponse,
    /// The cloud's own "this credential is not good".
    pub refused: fn() -> ServerResponse,
    /// The cloud's own error with an HTTP status of 500 or more.
    pub unavailable: fn(u16) -> ServerResponse,
    /// Variables that make a run use the emulator, besides the endpoints, which are set for every
    /// cloud alike.
    pub environment: &'static [(&'static str, &'static str)],
}
