//! The role of an ECS instance, through its metadata service.
//!
//! Source: credentials-go 1.4.12, the provider of ECS roles.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use super::sign::Signer;
use super::temporary_key::TemporaryKey;
use crate::credentials::ToolFiles;
use crate::credentials::imds::{self, ImdsClient, ImdsService};
use crate::credentials::{Credential, CredentialProvider};
use crate::crypto::percent_encode;
use crate::error::Problem;
use crate::http::{Deadline, Transport};
use crate::providers::lenient::Text;
use crate::secret::Secret;
use crate::settings::Profile;

pub(super) const TOKEN_PATH: &str = "/latest/api/token";
pub(super) const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
pub(super) const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
pub(super) const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
/// Names of the three steps.
pub(super) const TOKEN: &str = "MetadataToken";
pub(super) const ROLE: &str = "MetadataRole";
pub(super) const CREDENTIALS: &str = "MetadataCredentials";

const TTL_SECONDS: &str = "21600";
/// Where a profile keeps that the service is asked with a token only.
const TOKEN_ONLY: &str = "metadata_token_only";

static SERVICE: ImdsService = ImdsService {
    address: "http://100.100.100.200",
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(1),
    hint: "attach a RAM role to the ECS instance, or use another source",
};

/// The metadata service as a source, under the variables of the vendor's libraries.
pub(super) fn source(desk: &ToolFiles, role: Option<&str>) -> Vec<(&'static str, Secret)> {
    let off = Some("ALIBABA_CLOUD_ECS_METADATA_DISABLED");
    let mut said = imds::source(desk, role, off);
    if imds::is_true(desk, "ALIBABA_CLOUD_IMDSV1_DISABLED") {
        said.push((TOKEN_ONLY, Secret::new("true")));
    }
    said
}

/// The role of this instance.
pub(super) struct InstanceRoleProvider {
    service: ImdsClient,
    is_token_needed: bool,
}

impl InstanceRoleProvider {
    /// # Errors
    /// As [`Metadata::new`].
    pub(super) fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        Ok(Self {
            service: ImdsClient::new(&SERVICE, profile, wire)?,
            is_token_needed: profile.get(TOKEN_ONLY).is_some(),
        })
    }

    /// A token, which the service can do without unless it is told to need one.
    async fn token(&self, deadline: Deadline) -> Result<Option<Secret>, Problem> {
        let ttl = (TTL_HEADER, TTL_SECONDS);
        let answered = self.service.token(TOKEN, TOKEN_PATH, ttl, deadline).await;
        match answered {
            Ok((_, Some(token))) => Ok(Some(token)),
            Ok((_, None)) if self.is_token_needed => {
                let problem = self.service.unreadable(TOKEN, "a token");
                Err(problem
                    .with_hint("ALIBABA_CLOUD_IMDSV1_DISABLED is set, so a token is required"))
            }
            Err(problem) if self.is_token_needed => Err(problem),
            Ok((_, None)) | Err(_) => Ok(None),
        }
    }

    async fn fetch<S: From<Signer>>(&self, deadline: Deadline) -> Result<Credential<S>, Problem> {
        let service = &self.service;
        let token = self.token(deadline).await?;
        let token = token.as_ref().map(|token| (TOKEN_HEADER, token));
        let role = match service.named_role() {
            Some(role) => role.to_owned(),
            None => {
                let answer = service.get(ROLE, ROLES_PATH, token, deadline).await?;
                service.role(ROLE, &answer)?
            }
        };
        let path = format!("{ROLES_PATH}{}", percent_encode(&role));
        let answer = service.get(CREDENTIALS, &path, token, deadline).await?;
        let said: CredentialResponse = service.decode(CREDENTIALS, &answer)?;
        match said.code.trimmed() {
            Some("Success") => {}
            Some(code) => return Err(service.refused(CREDENTIALS, code)),
            None => return Err(service.unreadable(CREDENTIALS, "Code")),
        }
        let keys: TemporaryKey = service.decode(CREDENTIALS, &answer)?;
        let (issued, expires_at) = keys
            .to_credential()
            .map_err(|expected| service.unreadable(CREDENTIALS, &expected))?;
        service.check_expiry(CREDENTIALS, expires_at)?;
        Ok(issued)
    }
}

#[async_trait]
impl<S: From<Signer> + Send + 'static> CredentialProvider<S> for InstanceRoleProvider {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<S>, Problem> {
        self.fetch(deadline).await
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CredentialResponse {
    #[serde(rename = "Code")]
    code: Text,
}
