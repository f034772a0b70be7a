//! Resolves the credential of a profile from its sources, in their order.

use std::time::Instant;

use super::characters;
use super::source::CredentialSource;
use super::source_cache::SourceCache;
use crate::error::Problem;
use crate::model::{Notice, SkippedSource, Time};
use crate::secret::{Secret, quotable};
use crate::settings::{Origin, Profile, SOURCE, SettingRole, Settings, SettingsSchema, Values};

/// A credential with its related settings.
pub(super) struct ResolvedCredential {
    pub values: Values,
    pub expires_at: Option<Time>,
    pub notices: Vec<Notice>,
}

impl ResolvedCredential {
    pub(super) fn from_values(values: Values) -> Self {
        Self {
            values,
            expires_at: None,
            notices: Vec::new(),
        }
    }
}

/// The sources of the credentials of all profiles, in their order.
#[derive(Debug, Clone)]
pub struct CredentialChain {
    pub(super) settings: Settings,
    /// The sources of each cloud other than variables and the config file, in the order in which they are tried.
    pub(super) sources: Vec<(&'static str, &'static [CredentialSource])>,
    pub(super) cache: SourceCache,
}

impl CredentialChain {
    /// Creates a chain: the sources that settings select, then `sources` by the long name of their cloud. A source
    /// that was read before is taken from the cache.
    pub(crate) fn new(
        settings: Settings,
        sources: Vec<(&'static str, &'static [CredentialSource])>,
        cache: SourceCache,
    ) -> Self {
        Self {
            settings,
            sources,
            cache,
        }
    }

    /// Ends commands at `deadline` at the latest.
    pub(crate) fn with_command_deadline(self, deadline: Option<Instant>) -> Self {
        Self {
            cache: self.cache.with_command_deadline(deadline),
            ..self
        }
    }

    /// Returns the settings that contain the profiles.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the sources of a cloud other than variables and the config file.
    pub(super) fn sources(&self, schema: &SettingsSchema) -> &'static [CredentialSource] {
        let mut sources = self.sources.iter();
        let of_cloud = sources.find(|(name, _)| *name == schema.cloud);
        of_cloud.map_or(&[], |(_, sources)| sources)
    }

    /// Returns a profile of a cloud with its credential.
    ///
    /// For `default` the order is: `JOBLENS_<CLOUD>_<KEY>`, the cloud's own variables, the config file, the files
    /// of the cloud's own tools. All parts of a credential come from one source. A named profile uses only its own
    /// settings. If `source` is set, only that source is used.
    ///
    /// # Errors
    /// As [`Settings::plain_profile`] and [`CredentialChain::with_credential`].
    pub fn profile(&self, schema: &'static SettingsSchema, name: &str) -> Result<Profile, Problem> {
        self.with_credential(self.settings.plain_profile(schema, name)?)
    }

    /// Adds the credential to a profile: reads files or runs the profile's command.
    ///
    /// # Errors
    /// `missing_credentials` for a source that cannot be read; a usage error for invalid values.
    pub fn with_credential(&self, plain: Profile) -> Result<Profile, Problem> {
        let mut skipped = Vec::new();
        let mut profile = self.resolve(plain, &mut skipped)?;
        let unread = match profile.source() {
            None => self.unread_variables(profile.schema),
            Some(Origin::Variable(_)) => {
                skipped.retain(|one| one.source == "environment");
                None
            }
            Some(_) => return Ok(profile),
        };
        add_reasons(&mut profile, &skipped, unread);
        Ok(profile)
    }

    /// Like [`CredentialChain::with_credential`], but also returns all sources that were not used, in their order.
    /// It also reads tools' files that are not needed for the credential.
    pub fn inspect_sources(
        &self,
        plain: Profile,
    ) -> (Result<Profile, Problem>, Vec<SkippedSource>) {
        let (schema, is_default) = (plain.schema, plain.name == "default");
        let mut skipped = Vec::new();
        let mut profile = self.resolve(plain, &mut skipped);
        if let Ok(profile) = &mut profile
            && profile.source().is_none()
        {
            add_reasons(profile, &skipped, self.unread_variables(schema));
        }
        if !is_default {
            return (profile, skipped);
        }
        let used = profile.as_ref().ok();
        let used = used.map(|used| used.source());
        if let Some(Some(used)) = used {
            skipped.extend(self.shadowed_tools(schema, used));
        }
        if used.is_some() {
            skipped.extend(self.unread_variables(schema).map(|reason| SkippedSource {
                source: "environment".to_owned(),
                why: reason,
            }));
        }
        (profile, skipped)
    }

    /// Calls `read` with a chain that only checks the variables that `read` needs.
    ///
    /// # Errors
    /// As [`Settings::with_needed_variables`].
    pub(super) fn with_needed_variables<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if !self.settings.environment().has_unreadable() {
            return read(self);
        }
        self.settings.with_needed_variables(|settings| {
            read(&Self {
                settings: settings.clone(),
                ..self.clone()
            })
        })
    }

    fn resolve(
        &self,
        profile: Profile,
        skipped: &mut Vec<SkippedSource>,
    ) -> Result<Profile, Problem> {
        let (cloud, account) = (profile.cloud(), profile.name.clone());
        let resolved = self.with_needed_variables(|own| own.resolve_unchecked(profile, skipped));
        resolved.map_err(|problem| problem.with_account(cloud, &account))
    }

    fn resolve_unchecked(
        &self,
        mut profile: Profile,
        skipped: &mut Vec<SkippedSource>,
    ) -> Result<Profile, Problem> {
        let schema = profile.schema;
        if let Some(recorded) = self.settings.recorded_profile(schema, &profile.name) {
            return Ok(recorded);
        }
        self.settings.check_recorded(schema.cloud, &profile.name)?;
        let credential = self.credential(&profile, skipped);
        self.settings.environment().check()?;
        let credential = credential?;
        if let Some(credential) = credential {
            profile.expires_at = credential.expires_at;
            profile.notices.splice(0..0, credential.notices);
            for (key, value) in credential.values {
                profile.values.entry(key).or_insert(value);
            }
        }
        for spec in schema
            .keys
            .iter()
            .filter(|spec| spec.role == SettingRole::Id)
        {
            if let Some(value) = profile.values.get_mut(spec.key) {
                value.text = Secret::key_id(value.text.expose());
            }
        }
        for (key, value) in &profile.values {
            let fault = characters::fault(key, value.text.expose());
            if let Some((what, hint)) = fault.filter(|_| schema.is_credential(key)) {
                let problem = profile.invalid(key, &what).with_hint(hint);
                return Err(match profile.origin(key) {
                    Some(Origin::Variable(_) | Origin::File { .. }) => problem,
                    // In a tool's file, or printed by a command.
                    _ => problem.not_of_usage(),
                });
            }
        }
        self.add_region(&mut profile);
        profile.credential_location = credential_location(&profile);
        profile.reload = self.reload(&profile);
        Ok(profile)
    }

    /// Returns the credential of the first source that has one.
    fn credential(
        &self,
        profile: &Profile,
        skipped: &mut Vec<SkippedSource>,
    ) -> Result<Option<ResolvedCredential>, Problem> {
        let is_default = profile.name == "default";
        let schema = profile.schema;
        let is_credential = |key: &str| schema.is_credential(key);
        let in_file = self.settings.values_of_file(profile, &is_credential)?;
        let (mut in_environment, other) = match is_default {
            true => self.settings.values_of_environment(schema),
            false => (Values::new(), None),
        };
        self.settings.environment().check()?;
        in_environment.retain(|key, _| schema.is_credential(key));
        let command = self.settings.file().command(schema.cloud, &profile.name);
        let mut skip = |source: &str, reason: String| {
            skipped.push(SkippedSource {
                source: source.to_owned(),
                why: reason,
            });
        };
        if let Some(source) = profile.get(SOURCE) {
            for (what, values) in [("environment", &in_environment), ("config file", &in_file)] {
                if !values.is_empty() {
                    let source = quotable(source);
                    skip(what, format!("the profile sets {SOURCE} = '{source}'"));
                }
            }
            return self.load_from_source(profile, source).map(Some);
        }
        if !in_environment.is_empty() {
            let reason = "overridden by environment";
            if command.is_some() || !in_file.is_empty() {
                skip("config file", reason.to_owned());
            }
            if let Some(other) = other {
                let first = in_environment.values().next();
                let first = first.map_or_else(String::new, |value| value.origin.fix_location());
                skip("environment", format!("{other}, overridden by {first}"));
            }
            return Ok(Some(ResolvedCredential::from_values(in_environment)));
        }
        if !in_file.is_empty() {
            return Ok(Some(ResolvedCredential::from_values(in_file)));
        }
        // An empty key is an error here, since another source could belong to another account.
        let mut empty = self.settings.empty_credential_key(schema, &profile.name);
        if let Some(key) = empty.take_if(|_| command.is_none()) {
            let position = self
                .settings
                .file()
                .position(schema.cloud, &profile.name, key);
            let what = format!("is empty (from {position})");
            let hint = format!("set {key}, or remove it to use another source");
            return Err(profile.invalid(key, &what).with_hint(hint));
        }
        // The files of the cloud's tools belong to another server.
        let has_own_server = schema.client_cert_is_credential
            && profile.get("endpoint").is_some()
            && profile.get("client_cert").is_some();
        match command {
            None if has_own_server => Ok(None),
            Some(words) => self.load_from_command(profile, words).map(Some),
            None if is_default || self.selects_tool(profile) => {
                self.load_from_tool_files(profile, &mut skip)
            }
            None => Ok(None),
        }
    }
}

/// Adds the reasons why sources gave no credential to a profile.
fn add_reasons(profile: &mut Profile, skipped: &[SkippedSource], unread: Option<String>) {
    let reasons = skipped.iter();
    let reasons = reasons.map(|one| format!("{}: {}", one.source, one.why));
    let reasons: Vec<String> = reasons.chain(unread).collect();
    profile.skipped_sources.splice(0..0, reasons);
}

/// Returns where a credential is: the location of its first part, and the files and variables that contain other
/// parts.
fn credential_location(profile: &Profile) -> Option<String> {
    let mut locations = vec![profile.source()?.fix_location()];
    let parts = profile.schema.credential_keys();
    let parts = parts.filter_map(|spec| profile.origin(spec.key));
    let is_elsewhere = |location: &String| location.contains(", named in ");
    for location in parts.map(Origin::fix_location).filter(is_elsewhere) {
        if !locations.contains(&location) {
            locations.push(location);
        }
    }
    Some(locations.join("; "))
}

#[cfg(test)]
mod tests;
