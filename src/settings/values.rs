//! Reads the values of a profile from variables and the config file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::profile::{Origin, Profile, SourcedValue, table_header};
use super::{SettingRole, SettingSpec, Settings, SettingsSchema, file, network, text_file};
use crate::error::{Category, Problem, closest_match};
use crate::secret::{Secret, quotable, shell_word};

/// Values by key.
pub(crate) type Values = BTreeMap<&'static str, SourcedValue>;

impl Settings {
    /// Returns the plain settings of a profile, from variables and the config file. Reads no credential and runs no
    /// command.
    ///
    /// # Errors
    /// `missing_credentials` if a named profile does not exist; a usage error for invalid values.
    pub fn plain_profile(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
    ) -> Result<Profile, Problem> {
        let profile = self.with_needed_variables(|own| own.read_plain_profile(schema, name));
        profile.map_err(|problem| problem.with_account(schema.cloud, name))
    }

    fn read_plain_profile(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
    ) -> Result<Profile, Problem> {
        if name == "default" {
            network::reject_variable(schema.cloud, &self.environment)?;
        }
        if self.recorded_plain_profile(schema, name).is_none()
            && let Some(problem) = self.recorded_problem(schema.cloud, name)
        {
            return Err(problem);
        }
        let mut profile = self.plain_values(schema, name, &|key| !schema.is_credential(key))?;
        profile.check_network()?;
        if profile.bool("token_cache")? {
            self.set_token_folder(&mut profile);
        }
        Ok(profile)
    }

    /// Returns a profile with only one plain setting of a profile. Errors in other settings are ignored.
    ///
    /// # Errors
    /// As [`Settings::plain_profile`], for this key only.
    pub fn profile_with_setting(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
        key: &str,
    ) -> Result<Profile, Problem> {
        let profile =
            self.with_needed_variables(|own| own.plain_values(schema, name, &|known| known == key));
        profile.map_err(|problem| problem.with_account(schema.cloud, name))
    }

    /// Returns the requested settings of a profile: those of the environment, then those of the file.
    fn plain_values(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Profile, Problem> {
        let is_default = name == "default";
        if let Some(mut recorded) = self.recorded_plain_profile(schema, name) {
            recorded.values.retain(|key, _| is_wanted(key));
            return Ok(recorded);
        }
        if !is_default && !self.file.has_profile(schema.cloud, name) {
            self.check_recorded(schema.cloud, name)?;
            return Err(self.no_such_profile(schema.cloud, name));
        }
        let mut profile = Profile::empty(schema, name);
        if is_default {
            profile.values = self.values_of_environment(schema).0;
            profile.values.retain(|key, _| is_wanted(key));
        }
        let from_environment = std::mem::take(&mut profile.values);
        profile.values = self.values_of_file(&profile, is_wanted)?;
        profile.values.extend(from_environment);
        Ok(profile)
    }

    fn no_such_profile(&self, cloud: &str, name: &str) -> Problem {
        let profiles: Vec<&str> = self.file.profiles(cloud).collect();
        let known = match profiles.is_empty() {
            true => format!("the config file defines no profile of {cloud}"),
            false => format!("available: {}", profiles.join(", ")),
        };
        let message = format!("{cloud} has no profile '{name}'; {known}");
        let hint = match closest_match(profiles, name) {
            Some(closest) => format!(
                "did you mean {}?",
                shell_word(&format!("{cloud}@{closest}"))
            ),
            None => format!(
                "add {} to the config file (see: joblens config init)",
                table_header(cloud, name)
            ),
        };
        Problem::new(Category::MissingCredentials, message)
            .with_hint(hint)
            .with_account(cloud, name)
    }

    /// Returns the values of variables. Variables of credentials form families, of which one is used; the second
    /// result is a variable of another family that was ignored.
    pub(crate) fn values_of_environment(
        &self,
        schema: &SettingsSchema,
    ) -> (Values, Option<String>) {
        let is_set = |name: &&&str| self.environment.get(name).is_some();
        // A blank value is an error, since another source could belong to another account.
        let is_given = |name: &&&str| self.environment.raw(name).is_some_and(|v| !v.is_empty());
        let families = schema
            .credential_keys()
            .map(|spec| spec.variables.len())
            .max();
        // A variable that several families share does not show which family is used.
        let own_name = |spec: &'static SettingSpec, at: usize| {
            let name = spec.variables.get(at)?;
            let uses = spec.variables.iter().filter(|other| *other == name);
            (uses.count() == 1).then_some(name)
        };
        let of_family = |at: usize| {
            let mut names = schema
                .credential_keys()
                .filter_map(|spec| own_name(spec, at));
            names.find(is_given)
        };
        let mut filled = (0..families.unwrap_or(0)).filter(|at| of_family(*at).is_some());
        let family = filled.next();
        let other = filled.next().and_then(of_family).map(ToString::to_string);
        let mut values = Values::new();
        let of_variables = |spec: &&SettingSpec| spec.key != network::FILE_ONLY_KEY;
        for spec in schema.all().filter(of_variables) {
            let own_variable = schema.variable(spec.key);
            let name = match (spec.role, family) {
                (SettingRole::Setting, family) => {
                    let own_variable = self
                        .environment
                        .get(&own_variable)
                        .is_some()
                        .then_some(own_variable);
                    // The variable of the credential's family is preferred, since a setting such as a project
                    // belongs to one account.
                    let same_family = family.and_then(|at| spec.variables.get(at)).filter(is_set);
                    let other = || spec.variables.iter().find(is_set);
                    own_variable.or_else(|| same_family.or_else(other).map(ToString::to_string))
                }
                (_, Some(at)) => spec.variables.get(at).map(ToString::to_string),
                (_, None) => None,
            };
            let text = name.as_deref().and_then(|name| match spec.role {
                SettingRole::Setting => self.environment.get(name),
                _ => self.environment.raw(name).filter(|text| !text.is_empty()),
            });
            if let (Some(text), Some(name)) = (text, &name) {
                let text = Secret::new(text.trim());
                let origin = Origin::Variable(name.clone());
                values.insert(spec.key, SourcedValue { text, origin });
            }
        }
        // A variable that several families share counts as used if the selected family uses it.
        let is_used = |name: &&&str| {
            let mut origins = values.values().map(|value| &value.origin);
            origins.any(|origin| matches!(origin, Origin::Variable(used) if used == *name))
        };
        let mut shared = schema.credential_keys().flat_map(|spec| spec.variables);
        let mut unused = || shared.find(|name| is_given(name) && !is_used(name));
        let other = other.or_else(|| unused().map(ToString::to_string));
        (values, other)
    }

    /// Returns the requested values of a profile's table. Files are read only for these keys.
    pub(crate) fn values_of_file(
        &self,
        profile: &Profile,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Values, Problem> {
        let mut values = Values::new();
        let entries = self.file.entries(profile.cloud(), &profile.name);
        let is_requested = |(key, entry): &(&str, &file::SettingValue)| {
            let base = match entry {
                file::SettingValue::Text(_) => key,
                file::SettingValue::Variable(base, _) | file::SettingValue::Path(base, _) => {
                    base.as_str()
                }
            };
            is_wanted(base)
        };
        for (key, entry) in entries.filter(is_requested) {
            let line = self.file.position(profile.cloud(), &profile.name, key);
            let (base, text, location) = match entry {
                file::SettingValue::Text(text) => (key, Cow::from(text.expose()), line),
                file::SettingValue::Variable(base, name) => {
                    let text = self.environment.get(name);
                    self.environment.check()?;
                    let text = text.ok_or_else(|| unset_variable(profile, key, name, &line))?;
                    let location = format!("{name}, named in {line}");
                    (base.as_str(), text.into(), location)
                }
                file::SettingValue::Path(base, path) => {
                    let spec = profile.schema.find(base);
                    let is_secret = spec.is_some_and(|spec| spec.role == SettingRole::Secret);
                    let text = self.text_of_file(profile, [key, path, &line], is_secret)?;
                    let location = format!("{}, named in {line}", self.display_path(path));
                    (base.as_str(), text.into(), location)
                }
            };
            let is_given = !text.is_empty() && profile.schema.is_credential(base);
            let text = text.trim_start_matches('\u{feff}').trim();
            let resolved_path = (network::PATH_KEYS.contains(&base) && !text.is_empty())
                .then(|| self.resolve_path(text));
            let text = resolved_path.as_ref().map_or(text, |path| {
                path.to_str().expect("joined from texts of the settings")
            });
            if let (Some(spec), true) = (profile.schema.find(base), is_given || !text.is_empty()) {
                let text = Secret::new(text);
                let path = self.file.path().to_path_buf();
                let origin = Origin::File { path, location };
                values.insert(spec.key, SourcedValue { text, origin });
            }
        }
        Ok(values)
    }

    /// Returns the first part of the credential that is set to an empty text in the profile's table.
    pub(crate) fn empty_credential_key(&self, schema: &SettingsSchema, name: &str) -> Option<&str> {
        let mut entries = self.file.entries(schema.cloud, name);
        let is_empty = |(key, entry): &(&str, &file::SettingValue)| {
            let is_empty =
                matches!(entry, file::SettingValue::Text(text) if text.expose().is_empty());
            is_empty && schema.is_credential(key)
        };
        entries.find(is_empty).map(|(key, _)| key)
    }

    /// Reads the file that a key of a profile refers to. `position` is that of the key in the config file.
    fn text_of_file(
        &self,
        profile: &Profile,
        [key, path, position]: [&str; 3],
        is_secret: bool,
    ) -> Result<String, Problem> {
        let read = text_file::read_text(&self.resolve_path(path), is_secret);
        let (text, _) = read.map_err(|fault| {
            let path = self.display_path(path);
            let what = format!(
                "refers to {path}, which {} (from {position})",
                fault.reason()
            );
            let hint = match fault.hint() {
                Some(hint) => hint.to_owned(),
                None if fault.is_absence() => {
                    format!("create {path} with the value alone, or fix the path")
                }
                None => "fix the file or its permissions, or fix the path".to_owned(),
            };
            profile.invalid(key, &what).with_hint(hint)
        })?;
        // A program that rewrites the file may just have emptied it; another source could belong to another
        // account.
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            let path = self.display_path(path);
            let what = format!("refers to {path}, which is empty (from {position})");
            let hint = format!("write the value to {path}, or fix the path");
            return Err(profile.invalid(key, &what).with_hint(hint));
        }
        Ok(text)
    }

    /// Returns the full path for a path of the config file: `~/` is the home folder, a relative path starts at the
    /// folder of the config file.
    pub(crate) fn resolve_path(&self, path: &str) -> PathBuf {
        let path = match (path.strip_prefix("~/"), self.environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.file.path().with_file_name("").join(path),
        };
        std::path::absolute(&path).unwrap_or(path)
    }

    /// Returns a path of the config file for messages. A word that looks like a secret is masked, since it may have
    /// been pasted here by mistake.
    fn display_path(&self, path: &str) -> String {
        let shown = match path.starts_with(['/', '~', '.']) {
            true => path.into(),
            false => quotable(path),
        };
        self.resolve_path(&shown).display().to_string()
    }
}

/// Returns the problem of a key that refers to a variable that is not set.
fn unset_variable(profile: &Profile, key: &str, text: &str, position: &str) -> Problem {
    const MAX_WORD: usize = 16;
    let name = text.trim_start_matches('$').trim_matches(['{', '}']);
    // A secret that was pasted here by mistake does not look like the name of a variable.
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name
            .bytes()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
        && (name.contains('_')
            || name.len() <= MAX_WORD && !name.contains(|c: char| c.is_ascii_digit()));
    if !is_name {
        let what = format!("refers to a variable that is not set (from {position})");
        let hint = format!("{key} must be the name of a variable, not its value");
        return profile.invalid(key, &what).with_hint(hint);
    }
    let what = format!("refers to the variable {name}, which is not set (from {position})");
    let hint = match name == text {
        true => format!("export {name} before joblens is run, or fix {key}"),
        false => format!("write: {key} = \"{name}\""),
    };
    profile.invalid(key, &what).with_hint(hint)
}
