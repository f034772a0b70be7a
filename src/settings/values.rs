//! The values of a profile as variables and the settings file give them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::profile::{Origin, Profile, SourcedValue};
use super::{SettingRole, SettingSpec, Settings, SettingsSchema, file, network, tool};
use crate::error::Problem;
use crate::secret::{Secret, quotable};

/// Values by their keys.
pub(super) type Values = BTreeMap<&'static str, SourcedValue>;

impl Settings {
    /// What variables hold, and the name of one whose credential was not taken since those of another
    /// family hold one as well.
    pub(super) fn values_of_environment(&self, cloud: &SettingsSchema) -> (Values, Option<String>) {
        let is_set = |name: &&&str| self.environment.get(name).is_some();
        let families = cloud
            .credential_keys()
            .map(|spec| spec.variables.len())
            .max();
        // A variable that several families share tells nothing of which is meant.
        let own_name = |spec: &'static SettingSpec, at: usize| {
            let name = spec.variables.get(at)?;
            let uses = spec.variables.iter().filter(|other| *other == name);
            (uses.count() == 1).then_some(name)
        };
        let of_family = |at: usize| {
            let mut names = cloud
                .credential_keys()
                .filter_map(|spec| own_name(spec, at));
            names.find(is_set)
        };
        let mut filled = (0..families.unwrap_or(0)).filter(|at| of_family(*at).is_some());
        let family = filled.next();
        let other = filled.next().and_then(of_family).map(ToString::to_string);
        let mut values = Values::new();
        let of_variables = |spec: &&SettingSpec| spec.key != network::FILE_ONLY_KEY;
        for spec in cloud.all().filter(of_variables) {
            let own = cloud.variable(spec.key);
            let name = match (spec.role, family) {
                (SettingRole::Setting, family) => {
                    let own = self.environment.get(&own).is_some().then_some(own);
                    // The one that belongs to the credential: a project is of one account.
                    let beside = family.and_then(|at| spec.variables.get(at)).filter(is_set);
                    let other = || spec.variables.iter().find(is_set);
                    own.or_else(|| beside.or_else(other).map(ToString::to_string))
                }
                (_, Some(at)) => spec.variables.get(at).map(ToString::to_string),
                (_, None) => None,
            };
            let text = name.as_deref().and_then(|name| self.environment.get(name));
            if let (Some(text), Some(name)) = (text, &name) {
                let text = Secret::new(text.trim());
                let origin = Origin::Variable(name.clone());
                values.insert(spec.key, SourcedValue { text, origin });
            }
        }
        (values, other)
    }

    /// What the table of a profile holds for the keys that are asked for. The files of no other key
    /// are read.
    pub(super) fn values_of_file(
        &self,
        cloud: &SettingsSchema,
        profile: &Profile,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Values, Problem> {
        let mut values = Values::new();
        let entries = self.file.entries(cloud.cloud, &profile.name);
        let is_asked_for = |(key, entry): &(&str, &file::SettingValue)| {
            let base = match entry {
                file::SettingValue::Text(_) => key,
                file::SettingValue::Variable(base, _) | file::SettingValue::Path(base, _) => {
                    base.as_str()
                }
            };
            is_wanted(base)
        };
        for (key, entry) in entries.filter(is_asked_for) {
            let (base, text) = match entry {
                file::SettingValue::Text(text) => (key, text.expose().to_owned()),
                file::SettingValue::Variable(base, name) => {
                    let text = self.environment.get(name).ok_or_else(|| {
                        // A secret that was pasted here by mistake is no name of a variable.
                        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
                        let shown = match name.starts_with(is_name)
                            && !name.contains(|c: char| c.is_ascii_lowercase() || !c.is_ascii())
                            && name.contains('_')
                        {
                            true => format!("refers to the variable {name}, which is not set"),
                            false => "refers to a variable that is not set".to_owned(),
                        };
                        profile.invalid(key, &shown)
                    })?;
                    (base.as_str(), text.to_owned())
                }
                file::SettingValue::Path(base, path) => {
                    let spec = cloud.find(base);
                    let is_secret = spec.is_some_and(|spec| spec.role == SettingRole::Secret);
                    let read = tool::read(&self.beside_the_file(path), is_secret);
                    let (text, _) = read.map_err(|fault| {
                        let what =
                            format!("refers to {}, which {}", shown_path(path), fault.reason());
                        let problem = profile.invalid(key, &what);
                        match fault.hint() {
                            Some(hint) => problem.with_hint(hint),
                            None => problem,
                        }
                    })?;
                    // Whoever writes it anew empties it first; another source would be another account.
                    if text.trim_start_matches('\u{feff}').trim().is_empty() {
                        return Err(profile.invalid(
                            key,
                            &format!("refers to {}, which is empty", shown_path(path)),
                        ));
                    }
                    (base.as_str(), text)
                }
            };
            let text = text.trim_start_matches('\u{feff}').trim();
            let beside = (network::PATH_KEYS.contains(&base) && !text.is_empty())
                .then(|| self.beside_the_file(text));
            let text = beside.as_ref().map_or(text, |path| {
                path.to_str().expect("joined from texts of the settings")
            });
            if let (Some(spec), false) = (cloud.find(base), text.is_empty()) {
                let origin = Origin::File(self.file.path().to_path_buf());
                values.insert(
                    spec.key,
                    SourcedValue {
                        text: Secret::new(text),
                        origin,
                    },
                );
            }
        }
        Ok(values)
    }

    /// A path of the config file: `~/` is the home folder, a relative one starts at the file.
    pub(super) fn beside_the_file(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self
                .file
                .path()
                .parent()
                .map_or_else(|| PathBuf::from(path), |folder| folder.join(path)),
        }
    }
}

/// A path of the config file; a word that looks like a secret may be one that was pasted here.
fn shown_path(path: &str) -> Cow<'_, str> {
    match path.starts_with(['/', '~', '.']) {
        true => path.into(),
        false => quotable(path),
    }
}
