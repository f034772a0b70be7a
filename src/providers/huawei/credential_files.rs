//! Credentials in the files of the vendor's SDKs (SDK for Python 3.1) and of KooCLI 7.

use serde::Deserialize;
use serde_json::Value;

use super::super::lenient::{List, Text};
use crate::credentials::file::{
    Ini, found_values, json, json_profile, name_of, no_such_profile, non_empty,
};
use crate::credentials::imds;
use crate::credentials::{CredentialSource, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::secret::quotable;
use crate::settings::METADATA;

/// The SDKs' file before KooCLI's, which is mostly encrypted.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource {
        name: "huaweicloud",
        load: from_sdk_file,
    },
    CredentialSource {
        name: "koocli",
        load: from_cli_config,
    },
    CredentialSource {
        name: METADATA,
        load: imds::read,
    },
];

const REPAIR_SDK: &str = "fix it, or move it away";
const REPAIR_CLI: &str = "fix it, or move it away and run: hcloud configure init";

/// `~/.huaweicloud/credentials`, or the file that `HUAWEICLOUD_SDK_CREDENTIALS_FILE` names. Its
/// sections are kinds of credentials; `[basic]` is that of services with regions.
fn from_sdk_file(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let variable = Some("HUAWEICLOUD_SDK_CREDENTIALS_FILE");
    let Some(page) = desk.open(variable, ".huaweicloud/credentials")? else {
        return Ok(SourceResult::NotPresent);
    };
    let ini = Ini::read(&page, REPAIR_SDK);
    if let Some(named) = named.filter(|named| *named != "basic") {
        return Err(Problem::usage(no_such_profile(&page, named, ["basic"])));
    }
    let keys = ini.inheriting_section("basic")?.unwrap_or_default();
    let key = |name| non_empty(&keys, name);
    let (id, secret) = (key("ak"), key("sk"));
    let missing = match (id, secret) {
        (Some(_), Some(_)) => {
            let values = [
                ("access_key_id", id),
                ("secret_access_key", secret),
                ("security_token", key("security_token")),
                ("project_id", key("project_id")),
            ];
            return Ok(found_values(&page, None, &values, None));
        }
        (None, None) => {
            let path = page.path.display();
            return Ok(SourceResult::Empty(format!(
                "no credentials in [basic] of {path}"
            )));
        }
        (None, _) => "ak",
        (_, None) => "sk",
    };
    Err(page.problem(&format!("has no {missing} in [basic]"), REPAIR_SDK))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    current: Text,
    /// A word, `true` where it is missing.
    #[serde(default)]
    auth_encrypt: Text,
    #[serde(default)]
    profiles: List<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(default)]
    access_key_id: Text,
    #[serde(default)]
    secret_access_key: Text,
    #[serde(default)]
    security_token: Text,
    #[serde(default)]
    region: Text,
    #[serde(default)]
    project_id: Text,
}

/// `~/.hcloud/config.json`.
fn from_cli_config(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let Some(page) = desk.open(None, ".hcloud/config.json")? else {
        return Ok(SourceResult::NotPresent);
    };
    let config: Config = json(&page, REPAIR_CLI)?;
    let name = named.or(config.current.trimmed()).unwrap_or("default");
    let profiles = &config.profiles.0;
    let names = || profiles.iter().filter_map(name_of);
    let Some(profile) = profiles.iter().find(|one| name_of(one) == Some(name)) else {
        let why = no_such_profile(&page, name, names());
        return match named {
            Some(_) => Err(Problem::usage(why)),
            None => Ok(SourceResult::Empty(why)),
        };
    };
    let profile: Profile = json_profile(&page, name, profile, REPAIR_CLI)?;
    let (id, secret) = (
        profile.access_key_id.trimmed(),
        profile.secret_access_key.trimmed(),
    );
    let missing = match (id, secret) {
        (Some(_), Some(_)) => None,
        (None, None) => {
            let path = page.path.display();
            return Ok(SourceResult::Empty(format!(
                "no credentials in {path} for profile '{}'",
                quotable(name)
            )));
        }
        (None, _) => Some("accessKeyId"),
        (_, None) => Some("secretAccessKey"),
    };
    if let Some(missing) = missing {
        let what = format!("has no {missing} for profile '{}'", quotable(name));
        return Err(page.problem(&what, REPAIR_CLI));
    }
    let is_plain = config
        .auth_encrypt
        .trimmed()
        .is_some_and(|word| word.eq_ignore_ascii_case("false"));
    if !is_plain {
        let hint = "run: hcloud configure set --cli-auth-encrypt=false";
        return Err(page.problem(
            "contains encrypted keys, which only hcloud can decrypt",
            hint,
        ));
    }
    let values = [
        ("access_key_id", id),
        ("secret_access_key", secret),
        ("security_token", profile.security_token.trimmed()),
        ("region", profile.region.trimmed()),
        ("project_id", profile.project_id.trimmed()),
    ];
    Ok(found_values(&page, Some(name), &values, None))
}
