//! The credentials joblens would use for each cloud.

use schemars::JsonSchema;
use serde::Serialize;

use super::Envelope;
use crate::error::Problem;
use crate::model::{Notice, SkippedSource, Time};

/// The document of `joblens auth status`.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AuthStatus {
    /// Version of the shape: `joblens/1`.
    #[schemars(extend("const" = Envelope::SCHEMA))]
    pub schema: &'static str,
    /// Name of the command: `auth status`.
    pub command: &'static str,
    /// The config file; null when there is none.
    pub settings_file: Option<String>,
    /// Every profile of every cloud; `default` is always among them.
    pub accounts: Vec<AccountStatus>,
}

/// One profile of one cloud, and what it would use.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AccountStatus {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Name of the profile.
    pub profile: String,
    /// Whether the profile can be used.
    pub status: AuthState,
    /// Where its credential comes from: `environment`, `config file`, `credential_command`,
    /// `metadata`, or a tool of the cloud with its profile; and the role that is assumed with it,
    /// where one is set.
    pub source: Option<String>,
    /// The variable, file or command of the credential.
    pub location: Option<String>,
    /// The key id or the name of the user, masked except for Kubernetes, or `token` or `certificate`; `role` for the
    /// instance role.
    pub key: Option<String>,
    /// The cloud's region.
    pub region: Option<String>,
    /// Scheme, host and port of the endpoint.
    pub endpoint: Option<String>,
    /// When the credential expires, if known.
    pub expires_at: Option<Time>,
    /// How to renew the client certificate, for one that joblens cannot renew.
    #[serde(skip)]
    pub certificate_renewal: Option<String>,
    /// The key is the name of a user who has no client certificate, or also has a token.
    #[serde(skip)]
    pub is_user: bool,
    /// The folder where tokens fetched with the credential are cached between runs; null when they are not.
    pub token_cache: Option<String>,
    /// Why the profile cannot be used.
    pub problem: Option<Problem>,
    /// Sources that are not used.
    pub skipped_sources: Vec<SkippedSource>,
    /// Notes on the sources of the credential.
    pub notices: Vec<Notice>,
}

/// Whether a profile can be used, as far as that is known without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthState {
    /// Everything required is set.
    Ready,
    /// Something is missing or wrong.
    Broken,
    /// Nothing is configured for it.
    NotConfigured,
}

impl AuthState {
    /// Returns the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Broken => "broken",
            Self::NotConfigured => "not_configured",
        }
    }
}
