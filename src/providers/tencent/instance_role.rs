//! The role of a CVM instance, through its metadata service.
//!
//! Source: tencentcloud-sdk-python-common 3.1.195, the provider of CVM roles.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use serde::Deserialize;

use super::sign;
use crate::credentials::imds::{ImdsClient, ImdsService};
use crate::credentials::{Credential, CredentialProvider};
use crate::crypto::percent_encode;
use crate::error::Problem;
use crate::http::{Deadline, Transport};
use crate::providers::lenient::{Int, Text};
use crate::secret::Secret;
use crate::settings::Profile;

pub const ROLES_PATH: &str = "/latest/meta-data/cam/security-credentials/";
/// Names of the two steps.
pub const ROLE: &str = "MetadataRole";
pub const CREDENTIALS: &str = "MetadataCredentials";

static SERVICE: ImdsService = ImdsService {
    address: "http://metadata.tencentyun.com",
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(1),
    hint: "bind a CAM role to the CVM instance, or use another source",
};

/// The role of this instance.
pub struct InstanceRoleProvider(ImdsClient);

impl InstanceRoleProvider {
    /// # Errors
    /// As [`Metadata::new`].
    pub fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        ImdsClient::new(&SERVICE, profile, wire).map(Self)
    }

    async fn fetch(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        let service = &self.0;
        let role = match service.named_role() {
            Some(role) => role.to_owned(),
            None => {
                let answer = service.get(ROLE, ROLES_PATH, None, deadline).await?;
                service.role(ROLE, &answer)?
            }
        };
        let path = format!("{ROLES_PATH}{}", percent_encode(&role));
        let answer = service.get(CREDENTIALS, &path, None, deadline).await?;
        let said: CredentialResponse = service.decode(CREDENTIALS, &answer)?;
        match said.code.trimmed() {
            Some("Success") => {}
            Some(code) => return Err(service.refused(CREDENTIALS, code)),
            None => return Err(service.unreadable(CREDENTIALS, "Code")),
        }
        let secret = |name, text| service.secret(CREDENTIALS, name, text);
        let secret_id = secret("TmpSecretId", &said.secret_id)?;
        let secret_key = secret("TmpSecretKey", &said.secret_key)?;
        let token = secret("Token", &said.token)?;
        let at = said.expired_time.not_zero();
        let at = at.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let at = at.ok_or_else(|| service.unreadable(CREDENTIALS, "a time in ExpiredTime"))?;
        Ok(Credential {
            expires_at: Some(service.check_expiry(CREDENTIALS, at)?),
            secrets: [&secret_id, &secret_key, &token]
                .map(Secret::clone)
                .to_vec(),
            signer: sign::Signer {
                secret_id,
                secret_key,
                token: Some(token),
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

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CredentialResponse {
    code: Text,
    #[serde(rename = "TmpSecretId")]
    secret_id: Text,
    #[serde(rename = "TmpSecretKey")]
    secret_key: Text,
    token: Text,
    expired_time: Int,
}
