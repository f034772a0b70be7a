//! Reads temporary credentials of an ECS instance's agency from the metadata service.
//!
//! Source: the provider of metadata credentials in the vendor's SDK for Python 3.1.219.

use std::time::Duration;

use crate::credentials::imds::{CredentialPath, ImdsService, TokenStep, Variables};
use crate::credentials::temporary_key::TemporaryKeyFields;

pub(super) const TOKEN_PATH: &str = "/meta-data/latest/api/token";
pub(super) const KEY_PATH: &str = "/openstack/latest/securitykey";
pub(super) const TOKEN_HEADER: &str = "x-metadata-token";
const TTL_HEADER: &str = "x-metadata-token-ttl-seconds";

pub(super) static SERVICE: ImdsService = ImdsService {
    address: "http://169.254.169.254",
    connect_timeout: Duration::from_secs(3),
    response_timeout: Duration::from_secs(3),
    token: Some(TokenStep {
        path: TOKEN_PATH,
        ttl_header: TTL_HEADER,
        header: TOKEN_HEADER,
        is_retried: true,
    }),
    path: CredentialPath::Single(KEY_PATH),
    // The field names depend on the age of the instance.
    fields: TemporaryKeyFields {
        object: &["credential", "credentials"],
        code: None,
        id: &["access", "accessKeyId", "access_key_id"],
        secret: &["secret", "secretAccessKey", "secret_access_key"],
        token: &["securitytoken", "securityToken", "security_token"],
        expires_at: &["expires_at", "expiration"],
    },
    no_role: Some("Please configure Cloud Service Agency first"),
    hint: "set an agency (委托) for the ECS instance, or use another source",
    variables: Variables::NONE,
};
