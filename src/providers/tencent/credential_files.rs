//! Reads credentials from the files of tccli and of the vendor's SDKs (tccli 3.1, SDK for Python 3.1).

use serde::Deserialize;

use super::instance_role::SERVICE;
use crate::credentials::file::{CredentialFile, FileField, FileProfile, Format};
use crate::credentials::file_reader::json;
use crate::credentials::{CredentialSource, SourceResult};
use crate::error::Problem;
use crate::lenient::{Int, OptionalObject, Text};
use crate::model::Time;
use crate::secret::{Secret, quotable, shell_word};

const FOLDER: &str = ".tccli";

/// The credential files. Those of tccli come before those of the SDKs, which contain no region.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource::File(CredentialFile {
        name: "tccli",
        format: Format::JsonFiles {
            folder: FOLDER,
            ends: &[".credential", ".configure"],
        },
        profile_variables: &["TCCLI_PROFILE"],
        fields: &[
            FileField::key("secretId", "secret_id"),
            FileField::key("secretKey", "secret_key"),
            FileField::optional("token", "token"),
            FileField::other("role-arn"),
            FileField::other("type"),
            FileField::other("expiresAt"),
        ],
        resolve: from_tccli,
        region: |profile| Ok(region(profile)?.map(|region| vec![region])),
        hint: "fix it, or move it away and run: tccli configure",
        current_hint: Some("run: tccli configure"),
        ..CredentialFile::PLAIN
    }),
    CredentialSource::File(CredentialFile {
        name: "tencentcloud",
        paths: &[".tencentcloud/credentials"],
        shared_path: Some("etc/tencentcloud/credentials"),
        // The SDK reads only this section.
        format: Format::IniSection {
            name: "default",
            inherits: false,
        },
        fields: &[
            FileField::key("secret_id", "secret_id"),
            FileField::key("secret_key", "secret_key"),
        ],
        ..CredentialFile::PLAIN
    }),
    CredentialSource::InstanceRole(&SERVICE),
];

/// The file of a profile's settings; it also has an entry of any shape for each service.
#[derive(Deserialize)]
struct Configure {
    #[serde(default, rename = "_sys_param")]
    system: OptionalObject<System>,
    /// The region in very old files. In newer files, this entry belongs to the service named `region`.
    #[serde(default)]
    region: serde_json::Value,
}

#[derive(Default, Deserialize)]
struct System {
    #[serde(default)]
    region: Text,
}

/// Returns the region of a profile, which is in a separate file.
fn region(profile: &FileProfile<'_>) -> Result<Option<(&'static str, Secret)>, Problem> {
    let name = profile.name.unwrap_or_default();
    let path = format!("{FOLDER}/{name}.configure");
    let Some(file) = profile.files.open(None, &path)? else {
        return Ok(None);
    };
    let configure: Configure = json(&file, profile.spec.hint)?;
    let system = configure.system.0.as_deref();
    let region = system.and_then(|system| system.region.trimmed());
    let old = configure.region.as_str().map(str::trim);
    let region = region.or(old.filter(|text| !text.is_empty()));
    Ok(region.map(|region| ("region", Secret::new(region))))
}

fn from_tccli(profile: &FileProfile<'_>) -> Result<SourceResult, Problem> {
    let region = region(profile)?;
    let is_temporary = match profile.get("type") {
        None | Some("default") => false,
        Some("sso" | "oauth") => true,
        Some("cvm-role") => {
            let mut result = profile.instance_role(&SERVICE, None);
            if let SourceResult::Found(found) = &mut result {
                // The type contains no secret.
                found.notices.clear();
                found.values.extend(region);
            }
            return Ok(result);
        }
        // The type is not printed: it can be a secret pasted into the wrong field.
        Some(_) => {
            return Err(profile.problem("has an unknown type").with_hint(
                "use a profile with keys, or provide temporary keys with credential_command",
            ));
        }
    };
    if profile.get("role-arn").is_some() {
        let message = "assumes a role (role-arn), which is not supported here";
        return Err(profile.problem(message).with_hint(
            "use a profile without role-arn, or provide the role's keys with credential_command",
        ));
    }
    let expires_at = profile.parse::<Int>("expiresAt")?.not_zero();
    let log_in = format!(
        "run: tccli auth login --profile {}",
        shell_word(&quotable(profile.name.unwrap_or_default()))
    );
    let keys = profile.keys().map_err(|problem| match is_temporary {
        true => problem.with_hint(log_in.as_str()),
        false => problem,
    })?;
    let Some(mut values) = keys else {
        return match is_temporary {
            true => Err(profile.problem("has no secretId").with_hint(log_in)),
            false => Ok(profile.no_credentials()),
        };
    };
    let expires_at = expires_at
        .filter(|_| is_temporary)
        .and_then(Time::from_unix);
    values.extend(region);
    let label = format!("the credentials in {}", profile.file.path.display());
    profile.with_expiring_credential(values, expires_at, &label, &log_in)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::credentials::FoundCredential;
    use crate::credentials::ToolFiles;
    use crate::model::Time;
    use crate::settings::Environment;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn keys(id: &str) -> String {
        format!("[default]\nsecret_id = {id}\nsecret_key = k\n")
    }

    fn read(root: &Path) -> Result<SourceResult, Problem> {
        let home = root.join("home").to_str().unwrap().to_owned();
        let environment = Environment::new([("HOME".to_owned(), home)]);
        let now = Time::from_unix(1_700_000_000).unwrap();
        SOURCES[1].load(&ToolFiles::new(environment, now).below(root), None)
    }

    fn found_credential(root: &Path) -> FoundCredential {
        match read(root) {
            Ok(SourceResult::Found(findings)) => findings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_system_wide_file_is_read_only_if_the_user_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(matches!(read(root), Ok(SourceResult::NotPresent)));
        write(root, "etc/tencentcloud/credentials", &keys("shared"));
        let findings = found_credential(root);
        assert_eq!(findings.values[0].1.expose(), "shared");
        assert!(findings.notices.is_empty(), "it is there for everybody");
        write(root, "home/.tencentcloud/credentials", &keys("own"));
        assert_eq!(found_credential(root).values[0].1.expose(), "own");
        // Only the first existing file is used.
        write(root, "home/.tencentcloud/credentials", "[default]\n");
        assert!(matches!(read(root), Ok(SourceResult::Empty(_))));
    }

    #[test]
    fn an_unreadable_system_wide_file_is_skipped_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("etc/tencentcloud/credentials")).unwrap();
        let Ok(SourceResult::Empty(reason)) = read(root) else {
            panic!("nothing is found");
        };
        assert!(
            reason.contains("cannot be read (not a regular file)"),
            "{reason}"
        );
    }
}
