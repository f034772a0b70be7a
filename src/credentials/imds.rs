//! The metadata services of several clouds' machines, as data, and the settings of profiles for them.

use std::time::Duration;

use super::temporary_key::TemporaryKeyFields;
use super::tool_files::{SourceResult, ToolFiles};
use crate::error::{Category, Problem};
use crate::http::Endpoint;
use crate::secret::Secret;
use crate::settings::{METADATA, Origin, Profile, SOURCE};

/// A longer name is not a valid role's.
const MAX_ROLE_LEN: usize = 128;
const ENDPOINT: &str = "metadata_endpoint";
/// Where a profile keeps the reason not to query the service.
const FORBIDDEN: &str = "metadata_forbidden";
/// Where a profile keeps which variable requires a session token.
pub(super) const TOKEN_ONLY: &str = "metadata_token_only";

/// A cloud's metadata service, as it is documented.
pub(crate) struct ImdsService {
    /// `http://` and its host.
    pub address: &'static str,
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// Time for the response after that.
    pub response_timeout: Duration,
    /// How a session token is requested, where there are some.
    pub token: Option<TokenStep>,
    /// Where the credential is.
    pub path: CredentialPath,
    /// Its parts.
    pub fields: TemporaryKeyFields,
    /// The message of the service, with the status of a missing token, when the instance has no role.
    pub no_role: Option<&'static str>,
    /// What gives a machine of this cloud a role.
    pub hint: &'static str,
    /// Variables of the cloud's own tools that matter to the service.
    pub variables: Variables,
}

/// How a session token is requested.
pub(crate) struct TokenStep {
    /// Where it is issued.
    pub path: &'static str,
    /// The request header with the lifetime of the token.
    pub ttl_header: &'static str,
    /// The header that it is sent in.
    pub header: &'static str,
    /// True where a service that gave none may still need one and is queried once more.
    pub is_retried: bool,
}

/// Where a service has credentials.
pub(crate) enum CredentialPath {
    /// A list of roles, below which each has its credential.
    Roles(&'static str),
    /// The instance has at most one role, which is not named.
    Single(&'static str),
}

/// Variables that matter to a metadata service.
pub(crate) struct Variables {
    /// Names the role.
    pub role: Option<&'static str>,
    /// With `true` the service is not queried.
    pub disabled: Option<&'static str>,
    /// With `true` the service is queried with a session token only.
    pub token_required: Option<&'static str>,
}

impl Variables {
    /// None of them is read.
    pub(crate) const NONE: Self = Self {
        role: None,
        disabled: None,
        token_required: None,
    };
}

impl ImdsService {
    /// The service as the source of a profile: with a role, or with the one that the machine has.
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

    /// The service where a profile names it: `metadata` or `metadata:ROLE`.
    pub(crate) fn load(&self, files: &ToolFiles, named: Option<&str>) -> SourceResult {
        let chosen = || files.selected_profile(self.variables.role?);
        SourceResult::InstanceRole(self.values(files, named.or_else(chosen)))
    }
}

/// # Errors
/// That a variable forbids calls to the service.
pub(super) fn check_enabled(profile: &Profile) -> Result<(), Problem> {
    let Some(variable) = profile.get(FORBIDDEN) else {
        return Ok(());
    };
    let message = format!(
        "profile '{}' ({}) uses the metadata service, which {variable} disables",
        profile.name, profile.cloud
    );
    let hint = format!("unset {variable}, or use another source");
    Err(Problem::new(Category::MissingCredentials, message).with_hint(hint))
}

const NOT_THE_SERVICE: &str = "is neither the metadata service's address nor a loopback address";

/// Checks that the address of the service, where one is set, is one at all.
///
/// # Errors
/// Usage: it is not the address of a plain HTTP service.
pub(crate) fn check_endpoint(profile: &Profile) -> Result<(), Problem> {
    let is_usable = |text: &str| Endpoint::parse(text, &[], true).is_ok_and(|at| !at.is_https());
    match profile.get(ENDPOINT) {
        Some(text) if !is_usable(text) => Err(profile
            .invalid(ENDPOINT, NOT_THE_SERVICE)
            .with_hint("fix or remove it")),
        _ => Ok(()),
    }
}

/// The role that a profile names.
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
            let what = "has a role, but an instance of this cloud has a single agency";
            Err(profile.invalid(SOURCE, what).with_hint("use just metadata"))
        }
        _ => Ok(role),
    }
}

/// The documented address, or this machine.
pub(super) fn endpoint(service: &ImdsService, profile: &Profile) -> Result<Endpoint, Problem> {
    let parse = |text: &str| Endpoint::parse(text, &[], true);
    let documented = parse(service.address)?;
    let Some(text) = profile.get(ENDPOINT) else {
        return Ok(documented);
    };
    let wrong = || {
        profile
            .invalid(ENDPOINT, NOT_THE_SERVICE)
            .with_hint(format!("use {}, or remove it", service.address))
    };
    let endpoint = parse(text).map_err(|_| wrong())?;
    let is_here = endpoint.is_loopback() && !endpoint.is_https();
    match endpoint == documented || is_here {
        true => Ok(endpoint),
        false => Err(wrong()),
    }
}

/// Letters, digits and signs that names of roles have; no word that a path would swallow.
pub(super) fn is_role_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+=,".contains(&byte);
    text.len() <= MAX_ROLE_LEN
        && text.bytes().all(is_plain)
        && text.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests;
