//! What joblens would ask each cloud with.

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
    /// Whether it can be used.
    pub status: AuthState,
    /// Where its credential comes from: `environment`, `config file`, `credential_command`,
    /// `metadata`, or a tool of the cloud's with its profile; and the role that is taken on with it,
    /// where one is named.
    pub source: Option<String>,
    /// The variable, file or command of the credential.
    pub location: Option<String>,
    /// The id of the key, masked, or `token`; `role` when the machine gives it.
    pub key: Option<String>,
    /// The cloud's region.
    pub region: Option<String>,
    /// Scheme, host and port that are asked.
    pub endpoint: Option<String>,
    /// When the credential ends, where that is known.
    pub expires_at: Option<Time>,
    /// The folder where tokens that are fetched with it are kept between runs; null when none are.
    pub token_cache: Option<String>,
    /// Why it cannot be used.
    pub problem: Option<Problem>,
    /// Sources that are not used.
    pub skipped_sources: Vec<SkippedSource>,
    /// What else is to be known of its sources.
    pub notices: Vec<Notice>,
}

/// Whether a profile can be used, as far as this can be told without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthState {
    /// All that is needed is there.
    Ready,
    /// Something is missing or wrong.
    Broken,
    /// Nobody has set anything for it.
    NotConfigured,
}

impl AuthState {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Broken => "broken",
            Self::NotConfigured => "not_configured",
        }
    }
}
