use chrono::{DateTime, Utc};

use super::{ClientIdentity, Endpoint};
use crate::crypto::percent_encode;
use crate::secret::Secret;

/// The methods of reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST; some clouds read with it, and tokens are requested with it.
    Post,
    /// PUT; metadata services give tokens for it.
    Put,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// A call before it is signed: built once, encoded once.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cloud's name of the operation, for messages.
    pub operation: &'static str,
    /// Method.
    pub method: Method,
    /// The host that is called.
    pub endpoint: Endpoint,
    /// Path, percent-encoded, with its leading slash.
    pub path: String,
    /// Decoded parameters; sent in this order.
    pub query: Vec<(String, String)>,
    /// Headers with lower-case names, in addition to those that the signer adds.
    pub headers: Vec<(&'static str, String)>,
    /// Body; empty for most calls. It is never shown, since it may contain a password.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET without a query, headers of its own or a body.
    pub fn get(operation: &'static str, endpoint: &Endpoint, path: impl Into<String>) -> Self {
        Self {
            operation,
            method: Method::Get,
            endpoint: endpoint.clone(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The query as it goes out, without what a signer adds: `a=b&c=`.
    pub fn encoded_query(&self) -> String {
        encode_query(&self.query)
    }
}

/// The same parameters, owned.
pub fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    query.iter().map(owned).collect()
}

/// Names and values strictly percent-encoded and joined.
pub fn encode_query(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// What authenticates the caller: added to a request, which is otherwise left as it is.
#[derive(Debug, Clone, Default)]
pub struct SigningInstructions {
    /// Headers to add, lower-case names. Their values are never shown.
    pub headers: Vec<(&'static str, Secret)>,
    /// Decoded parameters to append to the query. Their values are never shown.
    pub query: Vec<(&'static str, Secret)>,
}

impl SigningInstructions {
    /// The signature alone, which lets whoever reads it send this one call again for a while.
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

/// A signer is a pure function of request, credential, time and nonce.
pub trait Signer: Send + Sync {
    /// The proof for one attempt. `nonce` is 32 hex digits that no other attempt has.
    fn sign(&self, request: &Request, now: DateTime<Utc>, nonce: &str) -> SigningInstructions;

    /// The parts of the key, where a cloud judges the key whatever host and account it is used for;
    /// none for a token, which each host judges by itself.
    fn key(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The request with what only the credential knows, such as its project; `None` where nothing of it is needed.
    fn complete(&self, _request: &Request) -> Option<Request> {
        None
    }

    /// Headers of every request, which are never shown; a name may be there several times.
    fn headers(&self) -> &[(String, Secret)] {
        &[]
    }

    /// The certificate that is presented to the server; that of the profile where there is none.
    fn identity(&self) -> Option<&ClientIdentity> {
        None
    }
}
