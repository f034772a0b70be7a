//! The agency of an ECS instance, through its metadata service.
//!
//! Source: the vendor's SDK for Python 3.1.219, the provider of metadata credentials.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use serde::Deserialize;

use super::sign;
use crate::credentials::imds::{ImdsClient, ImdsService};
use crate::credentials::{Credential, CredentialProvider};
use crate::error::Problem;
use crate::http::{Deadline, Response, Transport};
use crate::providers::lenient::{OptionalObject, Text};
use crate::secret::Secret;
use crate::settings::{Profile, SOURCE};

pub const TOKEN_PATH: &str = "/meta-data/latest/api/token";
pub const KEY_PATH: &str = "/openstack/latest/securitykey";
pub const TOKEN_HEADER: &str = "x-metadata-token";
pub const TTL_HEADER: &str = "x-metadata-token-ttl-seconds";
/// Names of the two steps.
pub const TOKEN: &str = "MetadataToken";
pub const CREDENTIALS: &str = "MetadataCredentials";

/// What the service says, with the status of a missing token, when the machine has no agency.
pub const NO_AGENCY: &str = "Please configure Cloud Service Agency first";

const TTL_SECONDS: &str = "21600";

static SERVICE: ImdsService = ImdsService {
    address: "http://169.254.169.254",
    connect_timeout: Duration::from_secs(3),
    response_timeout: Duration::from_secs(3),
    hint: "set an agency (委托) for the ECS instance, or use another source",
};

/// The agency of this instance.
pub struct InstanceRoleProvider(ImdsClient);

impl InstanceRoleProvider {
    /// # Errors
    /// As [`Metadata::new`]; usage error, when a role is named.
    pub fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        let service = ImdsClient::new(&SERVICE, profile, wire)?;
        if service.named_role().is_some() {
            let what = "has a role, but an instance of this cloud has a single agency";
            return Err(profile.invalid(SOURCE, what).with_hint("use just metadata"));
        }
        Ok(Self(service))
    }

    /// A token; older machines give none, and need none.
    async fn token(&self, deadline: Deadline) -> Option<Secret> {
        let ttl = (TTL_HEADER, TTL_SECONDS);
        let answered = self.0.token(TOKEN, TOKEN_PATH, ttl, deadline).await;
        answered.ok().and_then(|(_, token)| token)
    }

    async fn key(&self, deadline: Deadline) -> Result<Response, Problem> {
        let service = &self.0;
        let ask = async |token: Option<&Secret>| {
            let header = token.map(|token| (TOKEN_HEADER, token));
            service
                .get_raw(CREDENTIALS, KEY_PATH, header, deadline)
                .await
        };
        let mut token = self.token(deadline).await;
        let mut answer = ask(token.as_ref()).await?;
        if answer.status == 401 && !is_no_agency(&answer) && token.is_none() {
            token = self.token(deadline).await;
            if token.is_some() {
                answer = ask(token.as_ref()).await?;
            }
        }
        match is_no_agency(&answer) {
            true => Err(service.no_role(CREDENTIALS, answer.status)),
            false => service.check_status(CREDENTIALS, answer),
        }
    }

    async fn fetch(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        let service = &self.0;
        let answer = self.key(deadline).await?;
        let said: CredentialResponse = service.decode(CREDENTIALS, &answer)?;
        let key = said.credential.0.unwrap_or_default();
        let part = |name, text| service.secret(CREDENTIALS, name, text);
        let id = part("access", &key.access)?;
        let secret = part("secret", &key.secret)?;
        let token = part("securitytoken", &key.security_token)?;
        let at = key.expires_at.trimmed();
        let at = at.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let at = at.ok_or_else(|| service.unreadable(CREDENTIALS, "a time in expires_at"))?;
        Ok(Credential {
            expires_at: Some(service.check_expiry(CREDENTIALS, at.to_utc())?),
            secrets: [&id, &secret, &token].map(Secret::clone).to_vec(),
            signer: sign::Signer::Key {
                id,
                secret,
                security_token: Some(token),
            },
        })
    }
}

#[async_trait]
impl CredentialProvider<sign::Signer> for InstanceRoleProvider {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        self.fetch(deadline).await
    }
}

fn is_no_agency(answer: &Response) -> bool {
    let text = NO_AGENCY.as_bytes();
    answer.status == 401 && answer.body.windows(text.len()).any(|part| part == text)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CredentialResponse {
    #[serde(alias = "credentials")]
    credential: OptionalObject<Key>,
}

/// A key under the names that machines of several ages give its parts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Key {
    #[serde(alias = "accessKeyId", alias = "access_key_id")]
    access: Text,
    #[serde(alias = "secretAccessKey", alias = "secret_access_key")]
    secret: Text,
    #[serde(
        rename = "securitytoken",
        alias = "securityToken",
        alias = "security_token"
    )]
    security_token: Text,
    #[serde(alias = "expiration")]
    expires_at: Text,
}
