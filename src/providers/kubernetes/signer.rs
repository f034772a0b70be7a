//! What authenticates the caller to an API server.

use chrono::{DateTime, Utc};

use crate::http::{self, ClientIdentity, Request, SigningInstructions};
use crate::secret::Secret;

/// A token, a certificate, or both; and the headers of impersonation.
pub(super) struct Signer {
    /// The value of the header `Authorization`.
    pub token: Option<Secret>,
    /// The certificate that is presented, if there is one.
    pub identity: Option<ClientIdentity>,
    /// The impersonation headers.
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
