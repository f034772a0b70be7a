//! Credentials in the files of aliyun-cli and of the vendor's SDKs (aliyun-cli 3.4, credentials-go 1.4).

mod unsupported;

use serde::Deserialize;
use serde_json::Value;

use super::super::lenient::{Flag, Int, List, Text};
use super::assume_role::{EXTERNAL_ID, LIFETIME, POLICY};
use super::instance_role;
use crate::credentials::file::{
    Ini, Keys, found, found_values, json, json_profile, name_of, no_such_profile, non_empty,
    present_values,
};
use crate::credentials::{CredentialSource, SourceFile, SourceResult, ToolFiles};
use crate::error::{Category, Problem};
use crate::model::Time;
use crate::secret::{Secret, quotable};
use crate::settings::{METADATA, ROLE};

/// In the order in which the vendor's own SDKs ask them.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource {
        name: "aliyun-cli",
        load: from_cli_config,
    },
    CredentialSource {
        name: "alibabacloud",
        load: from_sdk_file,
    },
    CredentialSource {
        name: METADATA,
        load: from_instance_role,
    },
];

/// Variables that name the profile of aliyun-cli, first one wins.
const CLI_PROFILE: [&str; 3] = [
    "ALIBABACLOUD_PROFILE",
    "ALIBABA_CLOUD_PROFILE",
    "ALICLOUD_PROFILE",
];

/// The same for the SDKs. They read the first alone; who set another for aliyun-cli means that
/// profile here as well.
const SDK_PROFILE: [&str; 3] = [
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABACLOUD_PROFILE",
    "ALICLOUD_PROFILE",
];

/// Variables with which aliyun-cli or the SDKs pass the file of aliyun-cli over when they are `true`.
const CLI_OFF: [&str; 3] = [
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
    "ALIBABACLOUD_IGNORE_PROFILE",
    "ALIBABA_CLOUD_IGNORE_PROFILE",
];

const REPAIR_CLI: &str = "fix it, or move it away and run: aliyun configure";
const REPAIR_SDK: &str = "fix it, or move it away";

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    current: Text,
    #[serde(default)]
    profiles: List<Value>,
}

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    mode: Text,
    #[serde(default)]
    access_key_id: Text,
    #[serde(default)]
    access_key_secret: Text,
    #[serde(default)]
    sts_token: Text,
    #[serde(default)]
    sts_expiration: Int,
    #[serde(default)]
    ram_role_name: Text,
    #[serde(default)]
    ram_role_arn: Text,
    #[serde(default)]
    ram_session_name: Text,
    #[serde(default)]
    external_id: Text,
    #[serde(default)]
    policy: Text,
    #[serde(default)]
    expired_seconds: Int,
    #[serde(default)]
    sts_endpoint: Text,
    #[serde(default)]
    sts_region: Text,
    #[serde(default)]
    enable_vpc: Flag,
    #[serde(default)]
    region_id: Text,
}

/// `~/.aliyun/config.json`, or the file that `ALIBABA_CLOUD_CONFIG_FILE` names.
fn from_cli_config(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let is_true = |name: &&&str| {
        let text = desk.selected_profile(name);
        text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
    };
    let path = ".aliyun/config.json";
    if let (Some(name), None) = (CLI_OFF.iter().find(is_true), named) {
        return Ok(SourceResult::Empty(format!("{name} is true")));
    }
    let Some(page) = desk.open(Some("ALIBABA_CLOUD_CONFIG_FILE"), path)? else {
        return Ok(SourceResult::NotPresent);
    };
    let config: Config = json(&page, REPAIR_CLI)?;
    let current = config.current.trimmed().unwrap_or("default");
    let chosen = named.or_else(|| chosen(desk, &CLI_PROFILE));
    let name = chosen.unwrap_or(current);
    let profiles = &config.profiles.0;
    let names = || profiles.iter().filter_map(name_of);
    match profiles.iter().find(|one| name_of(one) == Some(name)) {
        Some(profile) => {
            let profile: Profile = json_profile(&page, name, profile, REPAIR_CLI)?;
            profile.resolve(&page, name, desk)
        }
        None => {
            let why = no_such_profile(&page, name, names());
            match (named, chosen) {
                (Some(_), _) => Err(Problem::usage(why)),
                // The variable is the SDKs' as well, whose file may have it.
                (None, Some(_)) => Ok(SourceResult::Empty(why)),
                (None, None) if profiles.is_empty() => Ok(SourceResult::Empty(why)),
                // The SDKs' file in its place would be another account.
                (None, None) => Err(Problem::new(Category::MissingCredentials, why).with_hint(
                    "it is the current profile of the aliyun CLI; run: aliyun configure switch --profile NAME",
                )),
            }
        }
    }
}

/// The profile that the first of these variables names.
fn chosen<'a>(desk: &'a ToolFiles, variables: &[&str]) -> Option<&'a str> {
    variables
        .iter()
        .find_map(|name| desk.selected_profile(name))
}

impl Profile {
    /// The CLI guesses a mode that is not written.
    fn mode(&self) -> &str {
        match self.mode.trimmed() {
            Some(mode) => mode,
            None if self.sts_token.trimmed().is_some() => "StsToken",
            None if self.ram_role_arn.trimmed().is_some() => "RamRoleArn",
            None if self.uses_instance_role() => "EcsRamRole",
            None => "AK",
        }
    }

    fn uses_instance_role(&self) -> bool {
        self.access_key_id.trimmed().is_none() && self.ram_role_name.trimmed().is_some()
    }

    fn instance_role(&self, page: &SourceFile, name: &str, desk: &ToolFiles) -> SourceResult {
        let mut values = instance_role::source(desk, self.ram_role_name.trimmed());
        let region = self.region_id.trimmed();
        values.extend(region.map(|region| ("region", Secret::new(region))));
        SourceResult::Found(found(page, Some(name), values, None))
    }

    /// What takes on the role of mode RamRoleArn, besides the key.
    fn role(&self, page: &SourceFile, name: &str) -> Result<Vec<(&'static str, Secret)>, Problem> {
        let Some(role) = self.ram_role_arn.trimmed() else {
            let name = quotable(name);
            let what = format!("has no ram_role_arn for profile '{name}' (mode RamRoleArn)");
            return Err(page.problem(&what, REPAIR_CLI));
        };
        let region = self.sts_region.trimmed();
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_some_and(|region| !region.bytes().all(is_plain)) {
            let name = quotable(name);
            let what = format!("has profile '{name}' with an invalid sts_region");
            return Err(page.problem(&what, REPAIR_CLI));
        }
        let network = if self.enable_vpc.0 == Some(true) {
            "-vpc"
        } else {
            ""
        };
        let regional = region.map(|region| format!("sts{network}.{region}.aliyuncs.com"));
        let endpoint = self.sts_endpoint.trimmed().map(str::to_owned).or(regional);
        let seconds = self.expired_seconds.not_zero();
        let seconds = seconds.map(|seconds| seconds.to_string());
        Ok(present_values(&[
            (ROLE, Some(role)),
            ("role_session_name", self.ram_session_name.trimmed()),
            ("sts_endpoint", endpoint.as_deref()),
            (EXTERNAL_ID, self.external_id.trimmed()),
            (POLICY, self.policy.trimmed()),
            (LIFETIME, seconds.as_deref()),
        ]))
    }

    fn resolve(
        &self,
        page: &SourceFile,
        name: &str,
        desk: &ToolFiles,
    ) -> Result<SourceResult, Problem> {
        let now = desk.now();
        let mode = self.mode();
        let ends_at = self.sts_expiration.not_zero().and_then(Time::from_unix);
        let renew = format!("run: aliyun sts GetCallerIdentity --profile '{name}'");
        let has_token = match mode {
            "AK" | "RamRoleArn" => false,
            "StsToken" | "CloudSSO" | "OAuth" => true,
            "EcsRamRole" => return Ok(self.instance_role(page, name, desk)),
            mode => return Err(unsupported::mode(page, name, mode)),
        };
        let is_cached = matches!(mode, "CloudSSO" | "OAuth");
        let what = format!("profile '{}' (mode {mode})", quotable(name));
        let id = self.access_key_id.trimmed();
        let secret = self.access_key_secret.trimmed();
        let token = self.sts_token.trimmed();
        let (id, secret) = match (id, secret) {
            (Some(id), Some(secret)) if token.is_some() || !has_token => (id, secret),
            _ if is_cached => {
                return Err(page.problem(
                    &format!("has no credentials for {what}; not logged in"),
                    &renew,
                ));
            }
            (None, None) => {
                let path = page.path.display();
                return Ok(SourceResult::Empty(format!(
                    "no credentials for {what} in {path}"
                )));
            }
            (id, secret) => {
                let missing = match (id, secret) {
                    (None, _) => "access_key_id",
                    (_, None) => "access_key_secret",
                    _ => "sts_token",
                };
                return Err(page.problem(&format!("has no {missing} for {what}"), REPAIR_CLI));
            }
        };
        // Keys that are cached without their end are taken: the cloud knows better.
        let ended = ends_at.filter(|at| has_token && *at <= now);
        if let Some(at) = ended {
            let message = format!(
                "the credentials of {what} in {} expired at {}",
                page.path.display(),
                at.rfc3339()
            );
            let hint = match is_cached {
                true => format!("{renew} to renew them"),
                false => "get new ones and run: aliyun configure --mode StsToken".to_owned(),
            };
            return Err(Problem::new(Category::Unauthenticated, message).with_hint(hint));
        }
        let mut values = present_values(&[
            ("access_key_id", Some(id)),
            ("access_key_secret", Some(secret)),
            ("security_token", token.filter(|_| has_token)),
            ("region", self.region_id.trimmed()),
        ]);
        if mode == "RamRoleArn" {
            values.extend(self.role(page, name)?);
        }
        let ends_at = ends_at.filter(|_| has_token);
        Ok(SourceResult::Found(found(
            page,
            Some(name),
            values,
            ends_at,
        )))
    }
}

/// `~/.alibabacloud/credentials` (Go) or `credentials.ini` (Python), or the file that
/// `ALIBABA_CLOUD_CREDENTIALS_FILE` names.
fn from_sdk_file(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let variable = Some("ALIBABA_CLOUD_CREDENTIALS_FILE");
    let mut page = desk.open(variable, ".alibabacloud/credentials")?;
    if page.is_none() {
        page = desk.open(None, ".alibabacloud/credentials.ini")?;
    }
    let Some(page) = page else {
        return Ok(SourceResult::NotPresent);
    };
    let ini = Ini::read(&page, REPAIR_SDK);
    let name = named
        .or_else(|| chosen(desk, &SDK_PROFILE))
        .unwrap_or("default");
    let Some(keys) = &ini.inheriting_section(name)? else {
        let why = no_such_profile(&page, name, ini.names());
        return match named {
            Some(_) => Err(Problem::usage(why)),
            None => Ok(SourceResult::Empty(why)),
        };
    };
    let shown = quotable(name);
    let kind = value(keys, "type");
    let token = match kind {
        None | Some("access_key" | "ram_role_arn") => None,
        Some("sts") => value(keys, "security_token"),
        Some("ecs_ram_role") => {
            let values = instance_role::source(desk, value(keys, "role_name"));
            return Ok(SourceResult::Found(found(&page, Some(name), values, None)));
        }
        Some(other) => return Err(unsupported::section_type(&page, name, other)),
    };
    let (id, secret) = (
        value(keys, "access_key_id"),
        value(keys, "access_key_secret"),
    );
    if id.is_none() && secret.is_none() {
        let path = page.path.display();
        return Ok(SourceResult::Empty(format!(
            "no credentials in {path} in [{shown}]"
        )));
    }
    if let Some(key) = [("access_key_id", id), ("access_key_secret", secret)]
        .into_iter()
        .find_map(|(key, value)| value.is_none().then_some(key))
    {
        return Err(page.problem(&format!("has no {key} in [{shown}]"), REPAIR_SDK));
    }
    let is_role = kind == Some("ram_role_arn");
    let role = |key| value(keys, key).filter(|_| is_role);
    if is_role && role(ROLE).is_none() {
        return Err(page.problem(&format!("has no {ROLE} in [{shown}]"), REPAIR_SDK));
    }
    let values = [
        ("access_key_id", id),
        ("access_key_secret", secret),
        ("security_token", token),
        (ROLE, role(ROLE)),
        ("role_session_name", role("role_session_name")),
        (POLICY, role("policy")),
    ];
    Ok(found_values(&page, Some(name), &values, None))
}

/// A value as the SDKs take it: every `#` starts a comment, since no key of this cloud holds one.
fn value<'a>(keys: &'a Keys, key: &str) -> Option<&'a str> {
    let text = non_empty(keys, key)?.split('#').next()?.trim_end();
    (!text.is_empty()).then_some(text)
}

/// The metadata service, where a profile names it: `metadata` or `metadata:ROLE`.
fn from_instance_role(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let role = named.or(desk.selected_profile("ALIBABA_CLOUD_ECS_METADATA"));
    Ok(SourceResult::InstanceRole(instance_role::source(
        desk, role,
    )))
}
