//! Errors for unsupported types of credentials. An unknown type is never quoted, because it can be a secret
//! that was pasted into the wrong field.

use crate::credentials::file::FileProfile;
use crate::error::Problem;
use crate::secret::quotable;

/// Unsupported modes of aliyun-cli.
const MODES: [&str; 8] = [
    "RsaKeyPair",
    "RamRoleArnWithRoleName",
    "ChainableRamRoleArn",
    "External",
    "CredentialsURI",
    "OIDC",
    "BearerToken",
    "Anonymous",
];

/// Unsupported types of sections in the SDKs' file.
const TYPES: [&str; 8] = [
    "bearer",
    "cloud_sso",
    "credentials_uri",
    "external",
    "oidc_role_arn",
    "ram_role_arn_with_role_name",
    "rsa_key_pair",
    "static_bearer",
];

/// Creates the problem of a profile of aliyun-cli with an unsupported mode.
pub(super) fn mode(profile: &FileProfile<'_>, mode: &str) -> Problem {
    let hint = match mode {
        "External" => {
            "set credential_command in a joblens profile to its command; joblens does not run it from this file"
        }
        _ => {
            "use a profile of mode AK, StsToken, RamRoleArn, EcsRamRole, CloudSSO or OAuth, or provide temporary keys with credential_command"
        }
    };
    let name = quotable(profile.name.unwrap_or_default());
    let message = match MODES.contains(&mode) {
        true => format!("has profile '{name}' of mode {mode}, which is not supported here"),
        false => format!("has profile '{name}' with an unknown mode"),
    };
    profile.file.problem(&message, hint)
}

/// Creates the problem of a section of the SDKs' file with an unsupported type.
pub(super) fn section_type(profile: &FileProfile<'_>, kind: &str) -> Problem {
    let name = quotable(profile.name.unwrap_or_default());
    let message = match TYPES.contains(&kind) {
        true => format!("has section [{name}] of type {kind}, which is not supported here"),
        false => format!("has section [{name}] with an unknown type"),
    };
    let hint = "use a section of type access_key, ram_role_arn or ecs_ram_role";
    profile.file.problem(&message, hint)
}
