//! Reads credentials from the files of aliyun-cli and of the vendor's SDKs (aliyun-cli 3.4, credentials-go 1.4).

mod unsupported;

use super::assume_role::{EXTERNAL_ID, LIFETIME, POLICY};
use super::instance_role::SERVICE;
use crate::credentials::file::{CredentialFile, FileField, FileProfile, Format, KeyValues};
use crate::credentials::{CredentialSource, SourceResult};
use crate::error::Problem;
use crate::lenient::{Flag, Int};
use crate::model::Time;
use crate::secret::{Secret, quotable, shell_word};
use crate::settings::{ROLE, STS_ENDPOINT};

/// The sources, in the order in which the vendor's own SDKs read them.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource::File(CredentialFile {
        name: "aliyun-cli",
        path_variable: Some("ALIBABA_CLOUD_CONFIG_FILE"),
        paths: &[".aliyun/config.json"],
        format: Format::JsonList,
        profile_variables: &[
            "ALIBABACLOUD_PROFILE",
            "ALIBABA_CLOUD_PROFILE",
            "ALICLOUD_PROFILE",
        ],
        off_variables: &[
            "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
            "ALIBABACLOUD_IGNORE_PROFILE",
            "ALIBABA_CLOUD_IGNORE_PROFILE",
        ],
        fields: &[
            FileField::key("access_key_id", "access_key_id"),
            FileField::key("access_key_secret", "access_key_secret"),
            FileField::optional("region_id", "region"),
            FileField::other("mode"),
            FileField::other("sts_token"),
            FileField::other("sts_expiration"),
            FileField::other("ram_role_name"),
            FileField::other("ram_role_arn"),
            FileField::other("ram_session_name"),
            FileField::other("external_id"),
            FileField::other("policy"),
            FileField::other("expired_seconds"),
            FileField::other(STS_ENDPOINT),
            FileField::other("sts_region"),
            FileField::other("enable_vpc"),
        ],
        resolve: from_cli,
        hint: "fix it, or move it away and run: aliyun configure",
        current_hint: Some(
            "it is the current profile of the aliyun CLI; run: aliyun configure switch --profile NAME",
        ),
        ..CredentialFile::PLAIN
    }),
    CredentialSource::File(CredentialFile {
        name: "alibabacloud",
        path_variable: Some("ALIBABA_CLOUD_CREDENTIALS_FILE"),
        // The files of the SDKs for Go and for Python.
        paths: &[".alibabacloud/credentials", ".alibabacloud/credentials.ini"],
        format: Format::IniSections,
        // The SDKs read only the first variable. A user who set another one for aliyun-cli expects that profile
        // here as well.
        profile_variables: &[
            "ALIBABA_CLOUD_PROFILE",
            "ALIBABACLOUD_PROFILE",
            "ALICLOUD_PROFILE",
        ],
        fields: &[
            FileField::key("access_key_id", "access_key_id"),
            FileField::key("access_key_secret", "access_key_secret"),
            FileField::other("type"),
            FileField::other("security_token"),
            FileField::other("role_name"),
            FileField::other(ROLE),
            FileField::other("role_session_name"),
            FileField::other("policy"),
        ],
        resolve: from_sdk,
        ..CredentialFile::PLAIN
    }),
    CredentialSource::InstanceRole(&SERVICE),
];

/// Returns the values that are set.
fn present(values: &[(&'static str, Option<&str>)]) -> KeyValues {
    let filled = values.iter();
    let filled = filled.filter_map(|(key, value)| Some((*key, Secret::new((*value)?))));
    filled.collect()
}

/// Returns the mode of a profile of aliyun-cli. A missing mode is inferred as aliyun-cli does.
fn mode<'a>(profile: &'a FileProfile<'_>) -> &'a str {
    let is_set = |name| profile.get(name).is_some();
    match profile.get("mode") {
        Some(mode) => mode,
        None if is_set("sts_token") => "StsToken",
        None if is_set("ram_role_arn") => "RamRoleArn",
        None if !is_set("access_key_id") && is_set("ram_role_name") => "EcsRamRole",
        None => "AK",
    }
}

fn from_cli(profile: &FileProfile<'_>) -> Result<SourceResult, Problem> {
    let mode = mode(profile);
    let has_token = match mode {
        "AK" | "RamRoleArn" => false,
        "StsToken" | "CloudSSO" | "OAuth" => true,
        "EcsRamRole" => return Ok(profile.instance_role(&SERVICE, profile.get("ram_role_name"))),
        mode => return Err(unsupported::mode(profile, mode)),
    };
    // An invalid field is an error even if there is no key.
    profile.parse::<Int>("expired_seconds")?;
    profile.parse::<Flag>("enable_vpc")?;
    let expires_at = profile.parse::<Int>("sts_expiration")?.not_zero();
    let expires_at = expires_at.filter(|_| has_token).and_then(Time::from_unix);
    let mut with_mode = profile.clone();
    with_mode.location = format!("{} (mode {mode})", profile.location);
    let profile = &with_mode;
    let renew = format!(
        "run: aliyun sts GetCallerIdentity --profile {}",
        shell_word(&quotable(profile.name.unwrap_or_default()))
    );
    let is_cached = matches!(mode, "CloudSSO" | "OAuth");
    let token = profile.get("sts_token").filter(|_| has_token);
    let is_missing = |name: &&str| profile.get(name).is_none();
    let mut parts = ["access_key_id", "access_key_secret", "sts_token"].iter();
    if is_cached && parts.any(is_missing) {
        return Err(profile
            .problem("has no credentials (not logged in)")
            .with_hint(renew));
    }
    let Some(mut values) = profile.keys()? else {
        return Ok(profile.no_credentials());
    };
    if has_token && token.is_none() {
        return Err(profile.problem("has no sts_token"));
    }
    values.extend(present(&[("security_token", token)]));
    if mode == "RamRoleArn" {
        values.extend(role(profile)?);
    }
    // Cached keys without an expiration time are used: the cloud decides whether they have expired.
    let profile_name = profile.location.trim_start_matches("for ");
    let path = profile.file.path.display();
    let label = format!("the credentials of {profile_name} in {path}");
    let hint = match is_cached {
        true => format!("{renew} to renew them"),
        false => "get new ones and run: aliyun configure --mode StsToken".to_owned(),
    };
    profile.with_expiring_credential(values, expires_at, &label, &hint)
}

/// Returns the settings to assume the role in mode RamRoleArn, in addition to the key.
fn role(profile: &FileProfile<'_>) -> Result<KeyValues, Problem> {
    let Some(role) = profile.get("ram_role_arn") else {
        return Err(profile.problem("has no ram_role_arn"));
    };
    let region = profile.get("sts_region");
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_some_and(|region| !region.bytes().all(is_plain)) {
        return Err(profile.problem("has an invalid sts_region"));
    }
    let network = match profile.parse::<Flag>("enable_vpc")?.0 {
        Some(true) => "-vpc",
        _ => "",
    };
    let regional = region.map(|region| format!("sts{network}.{region}.aliyuncs.com"));
    let endpoint = profile.get(STS_ENDPOINT).map(str::to_owned).or(regional);
    let seconds = profile.parse::<Int>("expired_seconds")?.not_zero();
    let seconds = seconds.map(|seconds| seconds.to_string());
    Ok(present(&[
        (ROLE, Some(role)),
        ("role_session_name", profile.get("ram_session_name")),
        (STS_ENDPOINT, endpoint.as_deref()),
        (EXTERNAL_ID, profile.get("external_id")),
        (POLICY, profile.get("policy")),
        (LIFETIME, seconds.as_deref()),
    ]))
}

fn from_sdk(profile: &FileProfile<'_>) -> Result<SourceResult, Problem> {
    let kind = profile.get("type");
    let is_role = kind == Some("ram_role_arn");
    match kind {
        None | Some("access_key" | "ram_role_arn" | "sts") => {}
        Some("ecs_ram_role") => {
            return Ok(profile.instance_role(&SERVICE, profile.get("role_name")));
        }
        Some(other) => return Err(unsupported::section_type(profile, other)),
    }
    let Some(mut values) = profile.keys()? else {
        return Ok(profile.no_credentials());
    };
    let role = |name| profile.get(name).filter(|_| is_role);
    if is_role && role(ROLE).is_none() {
        return Err(profile.problem(&format!("has no {ROLE}")));
    }
    let token = profile.get("security_token");
    if kind == Some("sts") && token.is_none() {
        return Err(profile.problem("has no security_token"));
    }
    values.extend(present(&[
        ("security_token", token.filter(|_| kind == Some("sts"))),
        (ROLE, role(ROLE)),
        ("role_session_name", role("role_session_name")),
        (POLICY, role("policy")),
    ]));
    Ok(profile.with_credential(values, None))
}
