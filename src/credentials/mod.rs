//! Finds, fetches, refreshes and caches credentials.
//!
//! [`CredentialChain`] finds the credential of a profile: variables, the config file, its command, files of the
//! clouds' own tools. A `CredentialProvider` issues a credential that signs requests, and a `CredentialCache` keeps
//! it while it is valid.

mod cache;
mod chain;
mod characters;
mod command;
mod command_output;
mod configured;
mod credential_command;
mod expiry;
pub(crate) mod file;
mod file_profile;
pub(crate) mod file_reader;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub(crate) mod imds;
mod ini;
pub(crate) mod instance_role;
mod negative_cache;
mod profile;
mod program;
mod region;
mod reload;
mod source;
mod source_cache;
mod store;
pub(crate) mod temporary_key;
#[cfg(test)]
mod test_support;
mod token_file;
mod tool_files;
mod tool_sources;
mod unread_variables;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Problem;
use crate::http::{Deadline, Request, Signer, SigningInstructions};
use crate::secret::Secret;

pub use cache::CredentialInfo;
pub(crate) use cache::{CredentialCache, KeySource};
pub use chain::CredentialChain;
pub use command::{PromptSink, end_commands};
pub use credential_command::CredentialCommand;
pub(crate) use imds::check_endpoint;
pub(crate) use negative_cache::NegativeCache;
pub(crate) use profile::reload;
pub(crate) use source::{CredentialSource, CustomSource};
pub use source_cache::SourceCache;
pub(crate) use store::{Storable, StoredFields, StoredValue};
pub(crate) use tool_files::{
    CredentialProgram, FoundCredential, SourceFile, SourceResult, ToolFiles,
};
pub(crate) use tool_sources::check_source;

/// A credential that expires within this time is refreshed before it is used.
const REFRESH_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// An issued credential.
pub(crate) struct Credential<S> {
    /// Signs requests with it.
    pub signer: S,
    /// Its secrets, which are masked in all responses from now on.
    pub secrets: Vec<Secret>,
    /// Expiry, if known.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Refreshes a credential that has expired or was rejected: from a service, or from a file whose content may have
/// changed.
#[async_trait]
pub(crate) trait CredentialProvider<S>: Send + Sync {
    /// Returns a new credential.
    ///
    /// # Errors
    /// The reason why there is none.
    async fn provide(&self, deadline: Deadline) -> Result<Credential<S>, Problem>;

    /// Returns the label of the last issued credential in messages, if it can change.
    fn label(&self) -> Option<String> {
        None
    }

    /// Called when the cloud rejects an issued credential.
    fn on_rejected(&self, _signer: &S) {}

    /// Returns `true` if issuing a credential needs calls.
    fn makes_calls(&self) -> bool {
        true
    }
}

/// Signs nothing: the service accepts any caller, or the body of the request authenticates it.
pub(crate) struct Anonymous;

impl Signer for Anonymous {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        SigningInstructions::default()
    }
}
