use chrono::{DateTime, Utc};

use super::{ClientIdentity, Endpoint};
use crate::crypto::percent_encode;
use crate::secret::Secret;

/// HTTP methods of requests that read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST; some clouds use it for reads, and token services require it.
    Post,
    /// PUT; metadata services require it for tokens.
    Put,
}

impl Method {
    /// Returns the name of the method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// A request before it is signed.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cloud's name of the operation, for messages.
    pub operation: &'static str,
    /// Method.
    pub method: Method,
    /// The host to call.
    pub endpoint: Endpoint,
    /// Percent-encoded path with a leading slash.
    pub path: String,
    /// Decoded parameters, sent in this order.
    pub query: Vec<(String, String)>,
    /// Headers with lower-case names, in addition to those that the signer adds.
    pub headers: Vec<(&'static str, String)>,
    /// Body; empty for most requests. It is never shown, since it may contain a password.
    pub body: Vec<u8>,
    /// True if another request decides whether the host can be reached: if this one fails in transit, requests are
    /// still sent to the host.
    pub is_optional: bool,
}

impl Request {
    /// Creates a GET request without query, headers or body.
    pub fn get(operation: &'static str, endpoint: &Endpoint, path: impl Into<String>) -> Self {
        Self {
            operation,
            method: Method::Get,
            endpoint: endpoint.clone(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            is_optional: false,
        }
    }

    /// Encodes the query without the signer's parameters: `a=b&c=`.
    pub fn encoded_query(&self) -> String {
        encode_query(&self.query)
    }
}

/// Copies the parameters into owned strings.
pub fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    query.iter().map(owned).collect()
}

/// Percent-encodes names and values strictly, and joins them.
pub fn encode_query(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The credentials and signature to add to a request, which is not changed otherwise.
#[derive(Debug, Clone, Default)]
pub struct SigningInstructions {
    /// Headers to add, with lower-case names. Their values are never shown.
    pub headers: Vec<(&'static str, Secret)>,
    /// Decoded parameters to append to the query. Their values are never shown.
    pub query: Vec<(&'static str, Secret)>,
}

impl SigningInstructions {
    /// Returns the signature, with which anyone who reads it can send this request again for a while.
    pub(super) fn signature(&self) -> Option<Secret> {
        let in_header = self.headers.iter().find_map(|(name, value)| {
            if *name == "signature" {
                return Some(value.clone());
            }
            let is_authorization = name.eq_ignore_ascii_case("authorization");
            let (_, signature) = value.expose().rsplit_once("Signature=")?;
            is_authorization.then(|| Secret::new(signature))
        });
        in_header.or_else(|| {
            let (_, value) = self.query.iter().find(|(name, _)| *name == "Signature")?;
            Some(value.clone())
        })
    }
}

/// Signs requests. A signature is a pure function of request, credential, time and nonce.
pub trait Signer: Send + Sync {
    /// Signs one attempt. `nonce` is 32 hex digits that no other attempt uses.
    fn sign(&self, request: &Request, now: DateTime<Utc>, nonce: &str) -> SigningInstructions;

    /// Returns the parts of the key if the cloud rejects a key for all hosts and accounts at once; nothing for a
    /// token, which each host checks separately.
    fn key(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Completes the request with data of the credential, such as its project; `None` if the request needs none.
    fn complete(&self, _request: &Request) -> Option<Request> {
        None
    }

    /// Returns headers of every request. They are never shown; a name can occur several times.
    fn headers(&self) -> &[(String, Secret)] {
        &[]
    }

    /// Returns the client certificate; `None` for that of the profile.
    fn identity(&self) -> Option<&ClientIdentity> {
        None
    }
}
