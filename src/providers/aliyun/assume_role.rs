//! Assumes a role with a key pair: STS issues temporary keys for it.
//!
//! Source: credentials-go 1.4.12, the provider of RAM roles; STS API version `2015-04-01`.

use std::sync::Arc;

use async_trait::async_trait;

use super::access_key;
use super::errors::STS_ERRORS;
use super::instance_role::key_fields;
use super::sign::Signer;
use super::sign_v1;
use crate::credentials::temporary_key::{KeyError, TemporaryKeyFields};
use crate::credentials::{Credential, CredentialCache, CredentialProvider};
use crate::error::Problem;
use crate::http::{ApiClient, Deadline, Endpoint, Method, Request, Transport, encode_query};
use crate::providers::endpoints::with_scheme;
use crate::settings::{Origin, Profile, ROLE, STS_ENDPOINT};

/// Name of the operation.
pub(super) const ASSUME_ROLE: &str = "AssumeRole";
/// API version of STS.
pub(super) const VERSION: &str = "2015-04-01";

const DEFAULT_ENDPOINT: &str = "https://sts.aliyuncs.com";
const DEFAULT_SESSION_NAME: &str = "joblens";
const DEFAULT_LIFETIME_SECONDS: &str = "3600";

static FIELDS: TemporaryKeyFields = key_fields(&["Credentials"], None);

/// External id for the role. Like the next two settings, only a tool's profile contains it, for its own role.
pub(super) const EXTERNAL_ID: &str = "sts_external_id";
/// Policy that restricts the permissions of the role.
pub(super) const POLICY: &str = "sts_policy";
/// Lifetime of the temporary keys in seconds.
pub(super) const LIFETIME: &str = "sts_duration_seconds";

/// Provides temporary keys for a role that a profile's key pair assumes.
pub(super) struct AssumeRoleProvider {
    api: ApiClient,
    credentials: CredentialCache<sign_v1::Signer>,
    endpoint: Endpoint,
    role: String,
    /// The parameters of the request, encoded as its body.
    form_body: String,
}

/// Checks that the setting is the ARN of a role.
///
/// # Errors
/// `usage` if it is not.
pub(super) fn check_role(role: &str, profile: &Profile) -> Result<(), Problem> {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    if role.starts_with("acs:ram::") && role.chars().all(is_plain) {
        return Ok(());
    }
    Err(profile
        .invalid(ROLE, "is not a valid role")
        .with_hint("use the form acs:ram::ACCOUNT:role/NAME"))
}

impl AssumeRoleProvider {
    /// Creates the provider for a role and the profile's key pair.
    ///
    /// # Errors
    /// `usage` for an invalid setting, or the error for a missing one.
    pub(super) fn new(
        role: &str,
        profile: &Profile,
        transport: &Arc<Transport>,
    ) -> Result<Self, Problem> {
        check_role(role, profile)?;
        let credentials = access_key::credential_cache(profile, transport)?;
        let text = with_scheme(profile.get(STS_ENDPOINT).unwrap_or(DEFAULT_ENDPOINT));
        let endpoint = Endpoint::parse(&text, &[], transport.options().allow_http)
            .map_err(|problem| profile.unusable(STS_ENDPOINT, problem))?;
        let known = access_key::secrets(profile).chain(profile.secret(EXTERNAL_ID));
        Ok(Self {
            // Responses of STS contain credentials, which must not be recorded.
            api: ApiClient::new(transport, profile, access_key::label(profile), known)
                .for_credentials(),
            credentials,
            endpoint,
            role: role.to_owned(),
            form_body: form_body(role, profile),
        })
    }

    fn request(&self) -> Request {
        let query = [
            ("Action", ASSUME_ROLE),
            ("Format", "JSON"),
            ("Version", VERSION),
        ];
        Request {
            operation: ASSUME_ROLE,
            method: Method::Post,
            endpoint: self.endpoint.clone(),
            path: "/".to_owned(),
            query: query
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            headers: vec![
                ("accept", "application/json".to_owned()),
                (
                    "content-type",
                    "application/x-www-form-urlencoded".to_owned(),
                ),
            ],
            body: self.form_body.clone().into_bytes(),
            is_optional: false,
        }
    }

    async fn assume(&self, deadline: Deadline) -> Result<Credential<Signer>, Problem> {
        let request = self.request();
        let response = self
            .credentials
            .send(
                &self.api,
                &request,
                &STS_ERRORS.classifier(&request),
                deadline,
            )
            .await
            .map_err(|mut problem| {
                problem.message = format!("cannot assume {}: {}", self.role, problem.message);
                problem
            })?;
        let key = FIELDS.decode(&response.body).map_err(|error| {
            let (KeyError::Invalid(expected) | KeyError::Rejected(expected)) = error;
            let api = &self.api;
            api.decode_secret_problem(&request, &response, &expected, STS_ENDPOINT)
        })?;
        Ok(access_key::issued(key))
    }
}

/// Returns the name of an assumed role's keys in messages.
pub(super) fn label(role: &str, credential: &str) -> String {
    format!("role {role} by {credential}")
}

#[async_trait]
impl CredentialProvider<Signer> for AssumeRoleProvider {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<Signer>, Problem> {
        self.assume(deadline).await
    }

    fn label(&self) -> Option<String> {
        Some(label(&self.role, &self.api.credential()))
    }
}

fn form_body(role: &str, profile: &Profile) -> String {
    // The settings in a tool's profile apply only to the role of that profile.
    let is_tools = matches!(profile.origin(ROLE), Some(Origin::Tool { .. }));
    let beside = |key| profile.get(key).filter(|_| is_tools);
    let session = profile
        .get("role_session_name")
        .unwrap_or(DEFAULT_SESSION_NAME);
    let pairs = [
        ("RoleArn", Some(role)),
        ("RoleSessionName", Some(session)),
        (
            "DurationSeconds",
            beside(LIFETIME).or(Some(DEFAULT_LIFETIME_SECONDS)),
        ),
        ("ExternalId", beside(EXTERNAL_ID)),
        ("Policy", beside(POLICY)),
    ];
    let filled = pairs
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned())));
    encode_query(&filled.collect::<Vec<_>>())
}
