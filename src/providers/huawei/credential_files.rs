//! Reads credentials from the files of the vendor's SDKs (SDK for Python 3.1) and of KooCLI 7.

use serde::Deserialize;

use super::instance_role::SERVICE;
use crate::credentials::file::{CredentialFile, FileField, FileProfile, Format};
use crate::credentials::file_reader::json;
use crate::credentials::{CredentialSource, SourceResult};
use crate::error::Problem;
use crate::lenient::Text;

/// The credential files; the SDKs' file comes before KooCLI's, which is mostly encrypted.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource::File(CredentialFile {
        name: "huaweicloud",
        path_variable: Some("HUAWEICLOUD_SDK_CREDENTIALS_FILE"),
        paths: &[".huaweicloud/credentials"],
        // Each section is for one type of credential; `basic` is for services that have regions.
        format: Format::IniSection {
            name: "basic",
            inherits: true,
        },
        fields: &[
            FileField::key("ak", "access_key_id"),
            FileField::key("sk", "secret_access_key"),
            FileField::optional("security_token", "security_token"),
            FileField::optional("project_id", "project_id"),
            FileField::other("idp_id"),
            FileField::other("id_token_file"),
        ],
        resolve: from_sdk,
        ..CredentialFile::PLAIN
    }),
    CredentialSource::File(CredentialFile {
        name: "koocli",
        paths: &[".hcloud/config.json"],
        format: Format::JsonList,
        fields: &[
            FileField::key("accessKeyId", "access_key_id"),
            FileField::key("secretAccessKey", "secret_access_key"),
            FileField::optional("securityToken", "security_token"),
            FileField::optional("region", "region"),
            FileField::optional("projectId", "project_id"),
            FileField::other("mode"),
            FileField::other("agencyName"),
            FileField::other("agencyDomainId"),
            FileField::other("agencyDomainName"),
        ],
        resolve: from_koocli,
        hint: "fix it, or move it away and run: hcloud configure init",
        ..CredentialFile::PLAIN
    }),
    CredentialSource::InstanceRole(&SERVICE),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encryption {
    /// `true` or `false`; `true` if it is missing.
    #[serde(default)]
    auth_encrypt: Text,
}

/// The hint for a credential that is not a plain access key.
const USE_KEYS: &str =
    "provide temporary keys with credential_command, or use a profile with an access key";

/// The known modes of KooCLI. An unknown mode is not printed: it can be a secret pasted into the wrong field.
const OTHER_MODES: [&str; 4] = ["agency", "ecsAgency", "SSO", "token"];

fn from_sdk(profile: &FileProfile<'_>) -> Result<SourceResult, Problem> {
    if ["idp_id", "id_token_file"]
        .iter()
        .any(|name| profile.get(name).is_some())
    {
        let message = "uses an identity provider (idp_id, id_token_file), which is not supported";
        return Err(profile.problem(message).with_hint(USE_KEYS));
    }
    profile.resolve()
}

/// Rejects a profile if KooCLI would use another credential than its key, or more than its key.
fn check_mode(profile: &FileProfile<'_>) -> Result<(), Problem> {
    let mode = profile.get("mode").unwrap_or("AKSK");
    let agency = ["agencyName", "agencyDomainId", "agencyDomainName"];
    let agency = agency.into_iter().find(|name| profile.get(name).is_some());
    let known = OTHER_MODES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(mode));
    let message = match (known, agency) {
        (Some(known), _) => format!("has mode {known}, which is not supported"),
        (None, _) if !mode.eq_ignore_ascii_case("AKSK") => "has an unknown mode".to_owned(),
        (None, Some(name)) => format!("uses an agency ({name}), which is not supported"),
        (None, None) => return Ok(()),
    };
    Err(profile.problem(&message).with_hint(USE_KEYS))
}

fn from_koocli(profile: &FileProfile<'_>) -> Result<SourceResult, Problem> {
    check_mode(profile)?;
    let result = profile.resolve()?;
    let encryption: Encryption = json(profile.file, profile.spec.hint)?;
    let word = encryption.auth_encrypt.trimmed();
    let is_plain = word.is_some_and(|word| word.eq_ignore_ascii_case("false"));
    match &result {
        SourceResult::Found(_) if !is_plain => Err(profile.file.problem(
            "contains encrypted keys, which only hcloud can decrypt",
            "run: hcloud configure set --cli-auth-encrypt=false",
        )),
        _ => Ok(result),
    }
}
