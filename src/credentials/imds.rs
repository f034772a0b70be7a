//! Describes, as data, the metadata services of several clouds, and reads the settings of profiles for them.

use std::time::Duration;

use super::temporary_key::TemporaryKeyFields;
use super::tool_files::{SourceResult, ToolFiles};
use crate::error::{Category, Problem};
use crate::http::Endpoint;
use crate::secret::Secret;
use crate::settings::{METADATA, Origin, Profile, SOURCE};

/// Maximum length of a role name.
const MAX_ROLE_LEN: usize = 128;
const ENDPOINT: &str = "metadata_endpoint";
/// Internal setting: the variable that forbids calls to the service.
const FORBIDDEN: &str = "metadata_forbidden";
/// Internal setting: the variable that requires a session token.
pub(super) const TOKEN_ONLY: &str = "metadata_token_only";

/// A cloud's metadata service according to its documentation.
pub(crate) struct ImdsService {
    /// `http://` and the host.
    pub address: &'static str,
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// Timeout of the response after the connection was opened.
    pub response_timeout: Duration,
    /// Request for a session token, if the service has such tokens.
    pub token: Option<TokenStep>,
    /// Path of the credential.
    pub path: CredentialPath,
    /// Fields of the credential.
    pub fields: TemporaryKeyFields,
    /// Message of the service if the instance has no role. It has the same status as a missing token.
    pub no_role: Option<&'static str>,
    /// Hint that explains how to assign a role to a machine of this cloud.
    pub hint: &'static str,
    /// Variables of the cloud's own tools that affect the service.
    pub variables: Variables,
}

/// Request for a session token.
pub(crate) struct TokenStep {
    /// Path of the request.
    pub path: &'static str,
    /// The request header with the lifetime of the token.
    pub ttl_header: &'static str,
    /// The header in which the token is sent.
    pub header: &'static str,
    /// `true` if a token that the service did not issue may still be required, so that it is requested once more.
    pub is_retried: bool,
}

/// Path of the credentials.
pub(crate) enum CredentialPath {
    /// A list of roles, each with its credential below it.
    Roles(&'static str),
    /// The instance has at most one role, whose name is not used.
    Single(&'static str),
}

/// Variables that affect a metadata service.
pub(crate) struct Variables {
    /// Sets the role.
    pub role: Option<&'static str>,
    /// If `true`, the service is not called.
    pub disabled: Option<&'static str>,
    /// If `true`, the service is called only with a session token.
    pub token_required: Option<&'static str>,
}

impl Variables {
    /// No variable is read.
    pub(crate) const NONE: Self = Self {
        role: None,
        disabled: None,
        token_required: None,
    };
}

impl ImdsService {
    /// Returns the settings that select the service as the source of a profile. Without `role`, the role of the
    /// machine is used.
    pub(crate) fn values(
        &self,
        files: &ToolFiles,
        role: Option<&str>,
    ) -> Vec<(&'static str, Secret)> {
        let is_true = |name: &&str| {
            let text = files.variable(name);
            text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
        };
        let flags = [
            (FORBIDDEN, self.variables.disabled),
            (TOKEN_ONLY, self.variables.token_required),
        ];
        let flags = flags
            .into_iter()
            .filter_map(|(key, name)| Some((key, Secret::new(name.filter(is_true)?))));
        let role = (METADATA, Secret::new(role.unwrap_or_default()));
        std::iter::once(role).chain(flags).collect()
    }

    /// Selects the service for a profile with `metadata` or `metadata:ROLE`.
    pub(crate) fn load(&self, files: &ToolFiles, named: Option<&str>) -> SourceResult {
        let chosen = || files.selected_profile(self.variables.role?);
        SourceResult::InstanceRole(self.values(files, named.or_else(chosen)))
    }
}

/// Checks that no variable forbids calls to the service.
///
/// # Errors
/// `missing_credentials` if a variable forbids them.
pub(super) fn check_enabled(profile: &Profile) -> Result<(), Problem> {
    let Some(variable) = profile.get(FORBIDDEN) else {
        return Ok(());
    };
    let message = format!(
        "profile '{}' ({}) uses the metadata service, which {variable} disables",
        profile.name,
        profile.cloud()
    );
    let hint = format!("unset {variable}, or use another credential source");
    Err(Problem::new(Category::MissingCredentials, message).with_hint(hint))
}

const NOT_THE_SERVICE: &str = "is neither the metadata service's address nor a loopback address";

/// Checks the address of the service, if it is set.
///
/// # Errors
/// A usage error if it is not the address of a plain HTTP service.
pub(crate) fn check_endpoint(profile: &Profile) -> Result<(), Problem> {
    let is_usable = |text: &str| Endpoint::parse(text, &[], true).is_ok_and(|at| !at.is_https());
    match profile.get(ENDPOINT) {
        Some(text) if !is_usable(text) => Err(profile
            .invalid(ENDPOINT, NOT_THE_SERVICE)
            .with_hint("fix or remove it")),
        _ => Ok(()),
    }
}

/// Returns the role that a profile sets.
pub(super) fn role<'a>(
    service: &ImdsService,
    profile: &'a Profile,
) -> Result<Option<&'a str>, Problem> {
    let role = profile.get(METADATA).filter(|role| !role.is_empty());
    if role.is_some_and(|role| !is_role_name(role)) {
        let key = match profile.origin(METADATA) {
            Some(Origin::Machine) => SOURCE,
            _ => "the name of the role",
        };
        return Err(profile.invalid(key, "is not a valid role name"));
    }
    match (&service.path, role) {
        (CredentialPath::Single(_), Some(_)) => {
            let what = "names a role, but an instance of this cloud has only one agency";
            Err(profile
                .invalid(SOURCE, what)
                .with_hint("set source = \"metadata\""))
        }
        _ => Ok(role),
    }
}

/// Returns the documented address, or a configured address of this machine.
pub(super) fn endpoint(service: &ImdsService, profile: &Profile) -> Result<Endpoint, Problem> {
    let parse = |text: &str| Endpoint::parse(text, &[], true);
    let documented = parse(service.address)?;
    let Some(text) = profile.get(ENDPOINT) else {
        return Ok(documented);
    };
    let invalid_endpoint = || {
        profile
            .invalid(ENDPOINT, NOT_THE_SERVICE)
            .with_hint(format!("use {}, or remove it", service.address))
    };
    let endpoint = parse(text).map_err(|_| invalid_endpoint())?;
    let is_here = endpoint.is_loopback() && !endpoint.is_https();
    match endpoint == documented || is_here {
        true => Ok(endpoint),
        false => Err(invalid_endpoint()),
    }
}

/// Accepts letters, digits and the characters of role names; rejects names that a path would drop, such as `..`.
pub(super) fn is_role_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+=,".contains(&byte);
    text.len() <= MAX_ROLE_LEN
        && text.bytes().all(is_plain)
        && text.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests;
