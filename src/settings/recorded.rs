//! Converts settings to and from their form in a recording, which has no secrets.

mod accounts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::profile::{Origin, Profile, SourcedValue};
use super::{
    CA_DATA, Environment, PROXY_URL, RECORDED_CLIENT_CERT, SettingRole, Settings, SettingsFile,
    SettingsSchema,
};
use super::{network, values::Values};
use crate::collect::CollectExt as _;
use crate::error::{Category, Problem};
use crate::model::{Notice, NoticeCode, State, Time};
use crate::secret::{Secret, blanked_id, mask_proxy_url, mask_urls};
use accounts::{RecordedAccount, without_urls};

/// Variables that affect the format of the output. A replay reads them from its own environment.
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

/// The variable that selects the default profile.
const PROFILE: &str = "JOBLENS_PROFILE";

/// The settings that a run used.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RecordedSettings {
    /// The value of `JOBLENS_PROFILE`.
    default_profile: Option<String>,
    config_file: Option<PathBuf>,
    /// The default path of a config file, whether or not it exists.
    config_place: Option<PathBuf>,
    http: BTreeMap<String, String>,
    states: BTreeMap<String, Vec<(String, State)>>,
    /// Cloud and name of each profile of the config file.
    tables: Vec<(String, String)>,
    /// The accounts that the run used, inspected or could not use.
    accounts: Vec<RecordedAccount>,
    /// Why the settings could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    /// The references that were read for a command-line argument: `-`, `%1` or a file.
    references: BTreeMap<String, Vec<String>>,
    /// Why the references for an argument could not be read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unread_references: BTreeMap<String, Problem>,
}

/// Returns `true` if a replay needs a setting. Files may not exist on its machine, and certificates are not verified.
fn is_needed(key: &str) -> bool {
    !network::PATH_KEYS.contains(&key) && ![CA_DATA, "token_cache"].contains(&key)
}

/// The settings of an account with masked secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedProfile {
    values: BTreeMap<String, RecordedValue>,
    /// Expiry of its credential.
    expires_at: Option<String>,
    /// Code and message.
    notices: Vec<(String, String)>,
    #[serde(rename = "credential_place")]
    credential_location: Option<String>,
    skipped_sources: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RecordedValue {
    value: String,
    origin: Origin,
}

impl RecordedProfile {
    /// Creates the recording of a profile; `placeholder` returns the text that replaces a secret.
    pub fn new(
        profile: &Profile,
        expires_at: Option<Time>,
        placeholder: impl Fn(&Secret) -> String,
    ) -> Self {
        let role = |key: &str| profile.schema.find(key).map(|spec| spec.role);
        let shown = |key: &str, secret: &Secret| match (role(key), secret.expose()) {
            (Some(SettingRole::Secret), _) => placeholder(secret),
            (Some(SettingRole::Id), text) => blanked_id(text),
            (_, text) if key == PROXY_URL => mask_proxy_url(text),
            (_, text) => mask_urls(text).into_owned(),
        };
        let values = profile.values.iter().filter(|(key, _)| is_needed(key));
        let values = values.map(|(key, value)| {
            let origin = value.origin.clone();
            let value = shown(key, &value.text);
            ((*key).to_owned(), RecordedValue { value, origin })
        });
        let certificate = profile.client_cert_origin();
        let certificate = certificate.filter(|_| profile.schema.client_cert_is_credential);
        let certificate = certificate.map(|origin| {
            let (value, origin) = (String::new(), origin.clone());
            (
                RECORDED_CLIENT_CERT.to_owned(),
                RecordedValue { value, origin },
            )
        });
        let notices = profile.notices.iter();
        Self {
            values: values.chain(certificate).collect_map(),
            expires_at: expires_at.map(Time::rfc3339),
            notices: notices
                .map(|notice| (notice.code.as_str().to_owned(), notice.message.clone()))
                .collect(),
            credential_location: profile.credential_location.clone(),
            skipped_sources: profile.skipped_sources.clone(),
        }
    }

    fn profile(&self, schema: &'static SettingsSchema, name: &str) -> Profile {
        let code = |word: &str| {
            let mut known = NoticeCode::ALL.iter().copied();
            known.find(|code| code.as_str() == word)
        };
        let notices = self.notices.iter();
        let mut profile = Profile::empty(schema, name);
        profile.values = self.values(schema);
        profile.expires_at = self.expires_at.as_deref().and_then(Time::from_rfc3339);
        profile.notices = notices
            .filter_map(|(word, message)| Some(Notice::new(code(word)?, message.clone())))
            .collect();
        profile
            .credential_location
            .clone_from(&self.credential_location);
        profile.skipped_sources.clone_from(&self.skipped_sources);
        profile
    }

    fn values(&self, schema: &SettingsSchema) -> Values {
        // A recording could have been manipulated, so paths in it are not opened.
        let values = self.values.iter().filter(|(key, _)| is_needed(key));
        let values = values.map(|(key, recorded)| {
            let spec = schema.find(key);
            // The few names of other keys are never freed.
            let name = spec.map_or_else(|| &*key.clone().leak(), |spec| spec.key);
            let text = match spec.map(|spec| spec.role) {
                Some(SettingRole::Id) => Secret::key_id(&recorded.value),
                _ => Secret::new(&recorded.value),
            };
            let origin = recorded.origin.clone();
            (name, SourcedValue { text, origin })
        });
        values.collect_map()
    }
}

impl RecordedSettings {
    /// Returns the recorded settings of a run whose settings could not be read.
    pub fn unreadable(problem: &Problem, config_place: Option<PathBuf>) -> Self {
        Self {
            config_place,
            problem: Some(without_urls(problem)),
            ..Self::default()
        }
    }

    /// Returns why the settings could not be read, or `None` if they were.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Adds the references that were read for an argument, or why they could not be read.
    pub fn add_references(&mut self, word: &str, references: Result<Vec<String>, Problem>) {
        match references {
            Ok(references) => {
                self.references.insert(word.to_owned(), references);
            }
            Err(problem) => {
                let problem = without_urls(&problem);
                self.unread_references.insert(word.to_owned(), problem);
            }
        }
    }

    /// Returns the references that were read for an argument, or why they could not be read; `None` if the recorded run
    /// did not read any for it.
    pub fn references(&self, word: &str) -> Option<Result<Vec<String>, Problem>> {
        let problem = self.unread_references.get(word).cloned().map(Err);
        problem.or_else(|| self.references.get(word).cloned().map(Ok))
    }
}

impl Settings {
    /// Returns the settings as they are recorded, without accounts. `config_place` is the path at which a config file
    /// would be.
    pub fn to_recorded(&self, config_place: Option<PathBuf>) -> RecordedSettings {
        let file = &self.file;
        RecordedSettings {
            default_profile: self.environment.get(PROFILE).map(str::to_owned),
            config_file: file.existing_path().map(PathBuf::from),
            config_place,
            http: needed(&file.http),
            states: file.states.clone(),
            tables: file.profiles.keys().cloned().collect(),
            ..RecordedSettings::default()
        }
    }

    /// Creates the settings of a replay. They read no files and run no programs.
    pub fn from_recorded(environment: Environment, recorded: &RecordedSettings) -> Self {
        let accounts = recorded.accounts.iter();
        let accounts = accounts.filter(|one| one.profile.is_some() || one.problem.is_some());
        let accounts = accounts.map(|account| (account.cloud.clone(), account.name.clone()));
        let tables = recorded.tables.iter().cloned().chain(accounts);
        Self {
            environment,
            file: SettingsFile {
                path: recorded.config_file.clone().unwrap_or_default(),
                profiles: tables.map(|table| (table, BTreeMap::new())).collect_map(),
                http: needed(&recorded.http),
                states: recorded.states.clone(),
                ..SettingsFile::default()
            },
            recorded: Some(Arc::new(recorded.clone())),
        }
    }

    /// Returns `true` if the settings come from a recording.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// Returns the path at which a config file would have been in the recorded run.
    pub fn recorded_config_path(&self) -> Option<&Path> {
        self.recorded.as_ref()?.config_place.as_deref()
    }

    /// Rejects an account that the recorded run did not use, or could not use.
    ///
    /// # Errors
    /// `invalid_argument`, or the reason why it could not be used.
    pub(crate) fn check_recorded(&self, cloud: &str, name: &str) -> Result<(), Problem> {
        let Some(recorded) = &self.recorded else {
            return Ok(());
        };
        if let Some(problem) = self.recorded_problem(cloud, name) {
            return Err(problem);
        }
        let known = recorded.accounts.iter().filter(|one| one.has_credential);
        let known = known.map(|account| format!("{} ({})", account.cloud, account.name));
        let known = match known.collect::<Vec<_>>().join(", ") {
            known if known.is_empty() => "none".to_owned(),
            known => known,
        };
        let message = format!("the recording has no account {cloud} ({name}); it has {known}");
        Err(Problem::new(Category::InvalidArgument, message)
            .with_hint("run the recorded command, or record again")
            .with_account(cloud, name))
    }
}

fn needed(http: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let http = http.iter().filter(|(key, _)| is_needed(key));
    http.map(|(key, value)| (key.clone(), value.clone()))
        .collect_map()
}

impl Environment {
    /// Returns the environment of a replay: its own variables for the format of the output, and the recorded ones.
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
