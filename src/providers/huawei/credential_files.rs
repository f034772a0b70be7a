//! Credentials in the files of the vendor's SDKs (SDK for Python 3.1) and of KooCLI 7.

use serde::Deserialize;

use super::instance_role::SERVICE;
use crate::credentials::file::{CredentialFile, FileField, FileProfile, Format};
use crate::credentials::file_reader::json;
use crate::credentials::{CredentialSource, SourceResult};
use crate::error::Problem;
use crate::lenient::Text;

/// The SDKs' file before KooCLI's, which is mostly encrypted.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource::File(CredentialFile {
        name: "huaweicloud",
        path_variable: Some("HUAWEICLOUD_SDK_CREDENTIALS_FILE"),
        paths: &[".huaweicloud/credentials"],
        // Its sections are kinds of credentials; this one is that of services with regions.
        format: Format::IniSection {
            name: "basic",
            inherits: true,
        },
        fields: &[
            FileField::key("ak", "access_key_id"),
            FileField::key("sk", "secret_access_key"),
            FileField::optional("security_token", "security_token"),
            FileField::optional("project_id", "project_id"),
        ],
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
    /// A word, `true` where it is missing.
    #[serde(default)]
    auth_encrypt: Text,
}

fn from_koocli(profile: &FileProfile<'_>) -> Result<SourceResult, Problem> {
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
