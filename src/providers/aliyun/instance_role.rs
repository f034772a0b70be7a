//! Gets credentials for the role of an ECS instance from its metadata service.
//!
//! Source: credentials-go 1.4.12, the provider of ECS roles.

use std::time::Duration;

use crate::credentials::imds::{CredentialPath, ImdsService, TokenStep, Variables};
use crate::credentials::temporary_key::TemporaryKeyFields;

pub(super) const TOKEN_PATH: &str = "/latest/api/token";
pub(super) const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
pub(super) const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";

/// Returns the fields of a temporary key pair in responses of STS (inside `object`) and of the metadata service.
pub(super) const fn key_fields(
    object: &'static [&'static str],
    code: Option<&'static str>,
) -> TemporaryKeyFields {
    TemporaryKeyFields {
        object,
        code,
        id: &["AccessKeyId"],
        secret: &["AccessKeySecret"],
        token: &["SecurityToken"],
        expires_at: &["Expiration"],
    }
}

pub(super) static SERVICE: ImdsService = ImdsService {
    address: "http://100.100.100.200",
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(1),
    token: Some(TokenStep {
        path: TOKEN_PATH,
        ttl_header: TTL_HEADER,
        header: TOKEN_HEADER,
        is_retried: false,
    }),
    path: CredentialPath::Roles(ROLES_PATH),
    fields: key_fields(&[], Some("Code")),
    no_role: None,
    hint: "attach a RAM role to the ECS instance, or use another source",
    variables: Variables {
        role: Some("ALIBABA_CLOUD_ECS_METADATA"),
        disabled: Some("ALIBABA_CLOUD_ECS_METADATA_DISABLED"),
        token_required: Some("ALIBABA_CLOUD_IMDSV1_DISABLED"),
    },
};
