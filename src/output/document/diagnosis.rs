//! Problems between this machine and the clouds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Envelope, Exit};
use crate::error::{Category, Problem};
use crate::model::Time;

/// The document of `joblens doctor`.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct DoctorReport {
    /// Version of the shape: `joblens/1`.
    #[schemars(extend("const" = Envelope::SCHEMA))]
    pub schema: &'static str,
    /// Name of the command: `doctor`.
    pub command: &'static str,
    /// The program, the machine and the time.
    pub machine: HostInfo,
    /// Checks that apply to every account.
    pub checks: Vec<Check>,
    /// Every account that was checked.
    pub accounts: Vec<AccountCheck>,
    /// The exit code of the command.
    pub exit: Exit,
}

/// The program and the machine that it runs on.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct HostInfo {
    /// Version of joblens.
    pub version: &'static str,
    /// Operating system.
    pub os: &'static str,
    /// Architecture of the processor.
    pub arch: &'static str,
    /// When the check was made, by the local clock.
    pub time: Time,
    /// Seconds by which the local zone is east of UTC.
    pub utc_offset_seconds: i32,
    /// The config file; null when there is none or when it cannot be read.
    pub settings_file: Option<String>,
}

/// One profile of one cloud, and the result of one read-only request.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct AccountCheck {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Name of the profile.
    pub profile: String,
    /// The most severe of its checks.
    pub status: CheckStatus,
    /// Where its credential comes from, as `joblens auth status` shows it.
    pub source: Option<String>,
    /// The variable, file or command of the credential.
    pub location: Option<String>,
    /// The key id, masked, or the name of the user, or `token` or `certificate`; `role` for the instance role.
    pub key: Option<String>,
    /// The cloud's region.
    pub region: Option<String>,
    /// Scheme, host and port of the endpoint.
    pub endpoint: Option<String>,
    /// The last operation that was requested; null when there was no response.
    pub operation: Option<String>,
    /// Seconds by which the clock of the server is ahead of the local clock; null when unknown.
    pub clock_ahead_seconds: Option<i64>,
    /// The checks, from the settings to the response. Checks after a failure are left out.
    pub checks: Vec<Check>,
    /// The error of the request.
    pub problem: Option<Problem>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[schemars(rename = "DoctorCheck")]
pub struct Check {
    /// What was checked.
    pub name: CheckName,
    /// Whether the check passed.
    pub status: CheckStatus,
    /// What was found, in one sentence, without a trailing period.
    pub message: String,
    /// The next step for the user.
    pub hint: Option<String>,
    /// The kind of the failure; null unless it failed.
    pub category: Option<Category>,
}

/// What can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The config file; for an account, whether all required settings are present.
    Settings,
    /// The configured accounts.
    Accounts,
    /// The files of an account, and who can read them.
    Files,
    /// The proxies in environment variables; for an account, the one that its requests use.
    Proxy,
    /// The trusted CA certificates.
    Certificates,
    /// The addresses of the host.
    Dns,
    /// The connection to the host.
    Connection,
    /// Encryption, and the certificate of the server.
    Tls,
    /// The local clock compared with the server's.
    Clock,
    /// Whether the cloud accepts the credential.
    Credential,
    /// Whether the account has the permission.
    Permission,
    /// The response of the cloud.
    Response,
}

impl CheckName {
    /// Returns the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Accounts => "accounts",
            Self::Files => "files",
            Self::Proxy => "proxy",
            Self::Certificates => "certificates",
            Self::Dns => "dns",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Clock => "clock",
            Self::Credential => "credential",
            Self::Permission => "permission",
            Self::Response => "response",
        }
    }
}

/// Whether a check passed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It passed.
    Ok,
    /// It works, but should be fixed.
    Warn,
    /// It does not work.
    Fail,
}

impl CheckStatus {
    /// Returns the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Check {
    /// Creates a check that passed.
    pub fn ok(name: CheckName, message: impl Into<String>) -> Self {
        Self {
            name,
            status: CheckStatus::Ok,
            message: message.into(),
            hint: None,
            category: None,
        }
    }

    /// Creates a check for something that should be fixed, with a hint.
    pub fn warn(name: CheckName, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Warn,
            hint: Some(hint.into()),
            ..Self::ok(name, message)
        }
    }

    /// Creates a failed check.
    pub fn fail(name: CheckName, category: Category, message: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Fail,
            category: Some(category),
            ..Self::ok(name, message)
        }
    }

    /// Adds a hint, if any.
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}
