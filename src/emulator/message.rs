//! Requests and responses of the emulator as plain data.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::http::PeerCertificate;

/// A received request.
#[derive(Debug, Clone)]
pub struct ServerRequest {
    /// Method in upper case.
    pub method: String,
    /// Path, still percent-encoded.
    pub path: String,
    /// Query, still percent-encoded, without `?`; empty if there is none.
    pub query: String,
    /// Headers with lower-case names, in the order in which they were received.
    pub headers: Vec<(String, String)>,
    /// The client's certificate.
    pub certificate: Option<PeerCertificate>,
    /// Body.
    pub body: Vec<u8>,
    /// The server's time.
    pub now: DateTime<Utc>,
}

impl ServerRequest {
    /// Returns the first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the decoded parameters of the query; `+` is a space.
    pub fn query_parameters(&self) -> Vec<(String, String)> {
        form(&self.query)
    }

    /// Returns the decoded parameters of a form or JSON body, then those of the query.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let kind = self.header("content-type").unwrap_or_default();
        let mut parameters = match kind.starts_with("application/x-www-form-urlencoded") {
            true => form(&String::from_utf8_lossy(&self.body)),
            false => object(&self.body),
        };
        parameters.extend(self.query_parameters());
        parameters
    }

    /// Returns a decoded parameter, unless it is empty.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = self.parameters().into_iter();
        let found = parameters.find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value)
    }
}

/// Decodes the pairs of a form or query.
fn form(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
        decoded.into_owned()
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Returns the fields of a JSON object as text; empty if the body is not an object.
fn object(body: &[u8]) -> Vec<(String, String)> {
    let object: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let fields = object.into_iter().filter(|(_, value)| !value.is_null());
    fields
        .map(|(name, value)| {
            let text = value.as_str().map(str::to_owned);
            (name, text.unwrap_or_else(|| value.to_string()))
        })
        .collect()
}

/// A response to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers with lower-case names; `content-length` and `date` are added later.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Parts that follow the body, each with its delay after the head.
    pub later: Vec<(Duration, Vec<u8>)>,
}

impl ServerResponse {
    fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            later: Vec::new(),
        }
    }

    /// Creates a stream of JSON documents, one per line: `body` is sent immediately, `later` follows.
    pub fn stream(body: Vec<u8>, later: Vec<(Duration, Vec<u8>)>) -> Self {
        Self {
            later,
            ..Self::new(200, "application/json", body)
        }
    }

    /// Creates a JSON response.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json;charset=utf-8", body.to_string())
    }

    /// Creates a response with an unchanged document; XML is recognized by its first character.
    pub fn document(status: u16, body: &str) -> Self {
        let content_type = match body.trim_start().starts_with('<') {
            true => "text/xml;charset=utf-8",
            false => "application/json;charset=utf-8",
        };
        Self::new(status, content_type, body)
    }

    /// Creates a response without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Creates a plain-text response.
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain;charset=utf-8", body)
    }

    /// Creates an HTML page, as returned by gateways.
    pub fn html(status: u16, body: String) -> Self {
        Self::new(status, "text/html", body)
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
