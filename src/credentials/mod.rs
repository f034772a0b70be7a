//! Credentials: where they are found, how they are fetched, and how long they are used.
//!
//! [`CredentialChain`] finds what a profile is to use: variables, the config file, the command of the
//! config file, files of the clouds' own tools. A `CredentialProvider` issues what signs requests,
//! and a `CredentialCache` keeps it while it is good.

mod beside_variables;
mod cache;
mod chain;
mod characters;
mod command;
mod command_output;
mod configured;
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

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Problem;
use crate::http::{Deadline, Request, Signer, SigningInstructions};
use crate::secret::Secret;

pub use cache::CredentialInfo;
pub(crate) use cache::{CredentialCache, KeySource};
pub use chain::CredentialChain;
pub use command::{PromptSink, end_commands};
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

/// A credential this close to its end is renewed before it is used.
const REFRESH_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// A credential as it was issued.
pub(crate) struct Credential<S> {
    /// What signs with it.
    pub signer: S,
    /// Its secrets, which are masked in everything that the cloud answers from now on.
    pub secrets: Vec<Secret>,
    /// When it ends to be good, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Gets a credential again: from a service, or from a file whose content may have changed.
#[async_trait]
pub(crate) trait CredentialProvider<S>: Send + Sync {
    /// A new credential.
    ///
    /// # Errors
    /// Why there is none.
    async fn provide(&self, deadline: Deadline) -> Result<Credential<S>, Problem>;

    /// What messages call the credential that was issued last, where that may be another than before.
    fn label(&self) -> Option<String> {
        None
    }

    /// Called when the cloud rejects what was issued.
    fn on_rejected(&self, _signer: &S) {}

    /// True when issuing costs calls.
    fn makes_calls(&self) -> bool {
        true
    }
}

/// Signs nothing: the service responds to any caller, or the body of the request authenticates it.
pub(crate) struct Anonymous;

impl Signer for Anonymous {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        SigningInstructions::default()
    }
}
