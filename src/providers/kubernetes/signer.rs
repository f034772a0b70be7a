//! Adds the credential of the caller to requests.

use chrono::{DateTime, Utc};

use crate::http::{self, ClientIdentity, Request, SigningInstructions};
use crate::secret::Secret;

/// A token, a certificate or both, and the impersonation headers.
pub(super) struct Signer {
    /// The value of the `Authorization` header.
    pub token: Option<Secret>,
    /// The client certificate, if there is one.
    pub identity: Option<ClientIdentity>,
    pub headers: Vec<(String, Secret)>,
}

impl http::Signer for Signer {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        let token = self.token.iter().cloned();
        SigningInstructions {
            headers: token.map(|token| ("authorization", token)).collect(),
            query: Vec::new(),
        }
    }

    fn headers(&self) -> &[(String, Secret)] {
        &self.headers
    }

    fn identity(&self) -> Option<&ClientIdentity> {
        self.identity.as_ref()
    }
}
