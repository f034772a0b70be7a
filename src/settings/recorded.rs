//! Settings as a recording contains them, without secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::profile::{Origin, Profile, SourcedValue};
use super::{CA_DATA, Environment, PROXY_URL, SettingRole, Settings, SettingsFile, SettingsSchema};
use super::{network, values::Values};
use crate::model::{Notice, NoticeCode, State, Time};
use crate::secret::{MASK, Secret, blanked_id, mask_proxy_url, mask_urls};

/// Variables that say how something is shown, which a replay takes from its own environment.
const DISPLAY: [&str; 14] = [
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "JOBLENS_PAGER",
    "LANG",
    "LESS",
    "LINES",
    "LV",
    "MORE",
    "NO_COLOR",
    "PAGER",
    "PATH",
    "TERM",
];

/// The variable of the default profile.
const PROFILE: &str = "JOBLENS_PROFILE";

/// What a run has used.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RecordedSettings {
    /// The value of `JOBLENS_PROFILE`.
    default_profile: Option<String>,
    config_file: Option<PathBuf>,
    http: BTreeMap<String, String>,
    states: BTreeMap<String, Vec<(String, State)>>,
    /// Cloud and name of each profile of the config file.
    tables: Vec<(String, String)>,
    /// The accounts that were used.
    profiles: Vec<RecordedProfile>,
}

/// An account, with its secrets masked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedProfile {
    cloud: String,
    name: String,
    values: BTreeMap<String, RecordedValue>,
    /// When its credential ends.
    expires_at: Option<String>,
    /// Code and message.
    notices: Vec<(String, String)>,
    credential_place: Option<String>,
    skipped_sources: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RecordedValue {
    value: String,
    origin: Origin,
}

impl RecordedProfile {
    /// What is recorded of a profile whose credential ends then.
    pub fn new(cloud: &SettingsSchema, profile: &Profile, expires_at: Option<Time>) -> Self {
        let role = |key: &str| cloud.find(key).map(|spec| spec.role);
        let shown = |key: &str, text: &str| match role(key) {
            Some(SettingRole::Secret) => MASK.to_owned(),
            Some(SettingRole::Id) => blanked_id(text),
            _ if key == PROXY_URL => mask_proxy_url(text),
            _ => mask_urls(text).into_owned(),
        };
        // Files may not be there when it is replayed, and nothing is verified then.
        let is_needed = |key: &str| {
            !network::PATH_KEYS.contains(&key) && ![CA_DATA, "token_cache"].contains(&key)
        };
        let values = profile.values.iter().filter(|(key, _)| is_needed(key));
        let values = values.map(|(key, value)| {
            let origin = value.origin.clone();
            let value = shown(key, value.text.expose());
            ((*key).to_owned(), RecordedValue { value, origin })
        });
        let notices = profile.notices.iter();
        Self {
            cloud: profile.cloud.to_owned(),
            name: profile.name.clone(),
            values: values.collect(),
            expires_at: expires_at.map(Time::rfc3339),
            notices: notices
                .map(|notice| (notice.code.as_str().to_owned(), notice.message.clone()))
                .collect(),
            credential_place: profile.credential_place.clone(),
            skipped_sources: profile.skipped_sources.clone(),
        }
    }

    fn profile(&self, cloud: &SettingsSchema) -> Profile {
        let code = |word: &str| {
            let mut known = NoticeCode::ALL.iter().copied();
            known.find(|code| code.as_str() == word)
        };
        let notices = self.notices.iter();
        let mut profile = Profile::empty(cloud, &self.name);
        profile.values = self.values(cloud);
        profile.expires_at = self.expires_at.as_deref().and_then(Time::from_rfc3339);
        profile.notices = notices
            .filter_map(|(word, message)| Some(Notice::new(code(word)?, message.clone())))
            .collect();
        profile.credential_place.clone_from(&self.credential_place);
        profile.skipped_sources.clone_from(&self.skipped_sources);
        profile
    }

    fn values(&self, cloud: &SettingsSchema) -> Values {
        let values = self.values.iter().map(|(key, recorded)| {
            let spec = cloud.find(key);
            // The names of the few others live as long as the process.
            let name = spec.map_or_else(|| &*key.clone().leak(), |spec| spec.key);
            let text = match spec.map(|spec| spec.role) {
                Some(SettingRole::Id) => Secret::key_id(&recorded.value),
                _ => Secret::new(&recorded.value),
            };
            let origin = recorded.origin.clone();
            (name, SourcedValue { text, origin })
        });
        values.collect()
    }
}

impl RecordedSettings {
    /// Adds an account, or replaces what was recorded of it.
    pub fn add(&mut self, profile: RecordedProfile) {
        let is_same =
            |known: &RecordedProfile| known.cloud == profile.cloud && known.name == profile.name;
        self.profiles.retain(|known| !is_same(known));
        self.profiles.push(profile);
    }
}

impl Settings {
    /// What is recorded of the settings, without accounts.
    pub fn to_recorded(&self) -> RecordedSettings {
        let file = &self.file;
        RecordedSettings {
            default_profile: self.environment.get(PROFILE).map(str::to_owned),
            config_file: file.existing_path().map(PathBuf::from),
            http: file.http.clone(),
            states: file.states.clone(),
            tables: file.profiles.keys().cloned().collect(),
            profiles: Vec::new(),
        }
    }

    /// The settings of a recording: no file is read and no program is run for them.
    pub fn from_recorded(environment: Environment, recorded: &RecordedSettings) -> Self {
        let names = recorded.profiles.iter();
        let names = names.map(|profile| (profile.cloud.clone(), profile.name.clone()));
        let tables = recorded.tables.iter().cloned().chain(names);
        Self {
            environment,
            file: SettingsFile {
                path: recorded.config_file.clone().unwrap_or_default(),
                profiles: tables.map(|table| (table, BTreeMap::new())).collect(),
                http: recorded.http.clone(),
                states: recorded.states.clone(),
                ..SettingsFile::default()
            },
            recorded: Some(Arc::new(recorded.clone())),
        }
    }

    /// True for the settings of a recording.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// A profile of a recording with its credential.
    pub(crate) fn recorded_profile(&self, cloud: &SettingsSchema, name: &str) -> Option<Profile> {
        let mut profiles = self.recorded.as_ref()?.profiles.iter();
        let is_wanted = |one: &&RecordedProfile| one.cloud == cloud.cloud && one.name == name;
        Some(profiles.find(is_wanted)?.profile(cloud))
    }
}

impl Environment {
    /// The environment of a replay: what says how something is shown, and what was recorded.
    pub fn for_replay(&self, recorded: &RecordedSettings) -> Self {
        let is_kept = |name: &&str| {
            DISPLAY.contains(name) || name.starts_with("LC_") || name.starts_with("GITHUB_")
        };
        let names = self.variables.keys().map(String::as_str).filter(is_kept);
        let kept = names.map(|name| (name.to_owned(), self.variables[name].clone()));
        let profile = recorded.default_profile.clone();
        let profile = profile.map(|profile| (PROFILE.to_owned(), profile));
        Self::new(kept.chain(profile))
    }
}
