//! The role of an ECS instance, through its metadata service.
//!
//! Source: credentials-go 1.4.12, the provider of ECS roles.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::keys::Temporary;
use super::sign::Signer;
use crate::crypto::percent_encode;
use crate::error::Problem;
use crate::http::{Deadline, Wire};
use crate::providers::Boxed;
use crate::providers::lenient::Text;
use crate::providers::login::{Issued, Issuer};
use crate::providers::metadata::{self, Metadata, Service};
use crate::secret::Secret;
use crate::settings::{Desk, Profile};

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

static SERVICE: Service = Service {
    address: "http://100.100.100.200",
    connect: Duration::from_secs(1),
    answer: Duration::from_secs(1),
    hint: "attach a RAM role to the ECS instance, or use another source",
};

/// The metadata service as a source, under the variables of the vendor's libraries.
pub(super) fn source(desk: &Desk, role: Option<&str>) -> Vec<(&'static str, Secret)> {
    let off = Some("ALIBABA_CLOUD_ECS_METADATA_DISABLED");
    let mut said = metadata::source(desk, role, off);
    if metadata::is_true(desk, "ALIBABA_CLOUD_IMDSV1_DISABLED") {
        said.push((TOKEN_ONLY, Secret::new("true")));
    }
    said
}

/// The role of this instance.
pub(super) struct Machine {
    service: Metadata,
    is_token_needed: bool,
}

impl Machine {
    /// # Errors
    /// As [`Metadata::new`].
    pub(super) fn new(profile: &Profile, wire: &Arc<Wire>) -> Result<Self, Problem> {
        Ok(Self {
            service: Metadata::new(&SERVICE, profile, wire)?,
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
                    .hint("ALIBABA_CLOUD_IMDSV1_DISABLED is set, so nothing is asked without"))
            }
            Err(problem) if self.is_token_needed => Err(problem),
            Ok((_, None)) | Err(_) => Ok(None),
        }
    }

    async fn issued<S: From<Signer>>(&self, deadline: Deadline) -> Result<Issued<S>, Problem> {
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
        let said: Said = service.decode(CREDENTIALS, &answer)?;
        match said.code.trimmed() {
            Some("Success") => {}
            Some(code) => return Err(service.refused(CREDENTIALS, code)),
            None => return Err(service.unreadable(CREDENTIALS, "Code")),
        }
        let keys: Temporary = service.decode(CREDENTIALS, &answer)?;
        let (issued, expires_at) = keys
            .issued()
            .map_err(|expected| service.unreadable(CREDENTIALS, &expected))?;
        service.lasting(CREDENTIALS, expires_at)?;
        Ok(issued)
    }
}

impl<S: From<Signer> + Send + 'static> Issuer<S> for Machine {
    fn issue(&self, deadline: Deadline) -> Boxed<'_, Result<Issued<S>, Problem>> {
        Box::pin(self.issued(deadline))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(rename = "Code")]
    code: Text,
}
