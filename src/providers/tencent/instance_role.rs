//! Reads temporary credentials of a CVM instance's role from the metadata service.
//!
//! Source: the provider of CVM roles in tencentcloud-sdk-python-common 3.1.195.

use std::time::Duration;

use crate::credentials::imds::{CredentialPath, ImdsService, Variables};
use crate::credentials::temporary_key::TemporaryKeyFields;

pub(super) const ROLES_PATH: &str = "/latest/meta-data/cam/security-credentials/";

pub(super) static SERVICE: ImdsService = ImdsService {
    address: "http://metadata.tencentyun.com",
    connect_timeout: Duration::from_secs(1),
    response_timeout: Duration::from_secs(1),
    token: None,
    path: CredentialPath::Roles(ROLES_PATH),
    fields: TemporaryKeyFields {
        object: &[],
        code: Some("Code"),
        id: &["TmpSecretId"],
        secret: &["TmpSecretKey"],
        token: &["Token"],
        expires_at: &["ExpiredTime"],
    },
    no_role: None,
    hint: "bind a CAM role to the CVM instance, or use another source",
    variables: Variables::NONE,
};
