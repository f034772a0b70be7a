//! The sources of a profile's credential, in their order.

use chrono::Utc;

use super::profile::{Origin, Profile, Value, table};
use super::tool::{Desk, Findings, Reading, Tool};
use super::values::Values;
use super::{CloudKeys, SOURCE, Settings, network};
use crate::error::{Category, Problem};
use crate::model::{Notice, Time};
use crate::secret::Secret;

/// A source of credentials that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// What it is: `environment`, `settings file`, the name of a tool.
    pub source: String,
    /// Why it was not used.
    pub why: String,
}

/// What a profile would use, and what it would not.
#[derive(Debug)]
pub struct Survey {
    /// The profile, or what is wrong with it.
    pub profile: Result<Profile, Problem>,
    /// The sources that were not used, in their order.
    pub passed_over: Vec<PassedOver>,
}

/// A credential with what stands beside it.
pub(super) struct Credential {
    pub values: Values,
    pub expires_at: Option<Time>,
    pub notices: Vec<Notice>,
}

impl Credential {
    fn of(values: Values) -> Self {
        Self {
            values,
            expires_at: None,
            notices: Vec::new(),
        }
    }
}

impl Settings {
    /// One profile of one cloud.
    ///
    /// For `default` the order is: `JOBLENS_<CLOUD>_<KEY>`, the cloud's own variables, the settings
    /// file, the files of the cloud's own tools; a credential's parts come from one source together.
    /// A profile that is named uses its own settings only. A `source` is used and nothing besides.
    ///
    /// # Errors
    /// `no_credentials` for a profile that was named and is not there, and for a source that cannot
    /// be read; wrong use for values that cannot be used.
    pub fn profile(&self, cloud: &CloudKeys, name: &str) -> Result<Profile, Problem> {
        let mut passed_over = Vec::new();
        let mut profile = self.chosen(cloud, name, &mut passed_over)?;
        if profile.source(cloud).is_none() {
            let said = passed_over.into_iter();
            let said = said.map(|one| format!("{}: {}", one.source, one.why));
            profile.passed_over = said.collect();
        }
        Ok(profile)
    }

    /// The same with all sources that were not used. Files of tools are read that are not needed.
    pub fn survey(&self, cloud: &CloudKeys, name: &str) -> Survey {
        let mut passed_over = Vec::new();
        let profile = self.chosen(cloud, name, &mut passed_over);
        if name == "default" {
            let used = profile.as_ref().ok().and_then(|used| used.source(cloud));
            if let Some(used) = used {
                passed_over.extend(self.behind(cloud, used));
            }
        }
        Survey {
            profile,
            passed_over,
        }
    }

    /// One plain setting of a profile, in a profile of its own: no credential is read or fetched for
    /// it, and nothing else that is wrong with the profile matters.
    ///
    /// # Errors
    /// As [`Settings::profile`], for this key alone.
    pub fn profile_with_setting(
        &self,
        cloud: &CloudKeys,
        name: &str,
        key: &str,
    ) -> Result<Profile, Problem> {
        let is_default = name == "default";
        if !is_default && !self.file.has_profile(cloud.cloud, name) {
            return Err(self.no_such_profile(cloud.cloud, name));
        }
        let mut profile = Profile::empty(cloud, name);
        if is_default {
            profile.values = self.values_of_environment(cloud).0;
            profile.values.retain(|known, _| *known == key);
        }
        if profile.values.is_empty() {
            profile.values = self.values_of_file(cloud, &profile, Some(key))?;
        }
        Ok(profile)
    }

    fn chosen(
        &self,
        cloud: &CloudKeys,
        name: &str,
        passed_over: &mut Vec<PassedOver>,
    ) -> Result<Profile, Problem> {
        let is_default = name == "default";
        if !is_default && !self.file.has_profile(cloud.cloud, name) {
            return Err(self.no_such_profile(cloud.cloud, name));
        }
        let mut profile = Profile::empty(cloud, name);
        if is_default {
            network::refuse_variable(cloud.cloud, &self.environment)
                .map_err(|problem| problem.of_account(profile.cloud, &profile.name))?;
        }
        let from_environment = match is_default {
            true => self.values_of_environment(cloud).0,
            false => Values::new(),
        };
        let is_credential = |(key, _): &(&'static str, Value)| cloud.is_credential(key);
        let from_file = self.values_of_file(cloud, &profile, None)?.into_iter();
        let (key_of_file, from_file): (Values, Values) = from_file.partition(is_credential);
        let from_environment = from_environment.into_iter();
        let (key_of_environment, from_environment): (Values, Values) =
            from_environment.partition(is_credential);
        profile.values.extend(from_file);
        profile.values.extend(from_environment);
        let mut pass = |source: &str, why: String| {
            passed_over.push(PassedOver {
                source: source.to_owned(),
                why,
            });
        };
        let found = if let Some(source) = profile.get(SOURCE) {
            for (what, key) in [
                ("environment", &key_of_environment),
                ("settings file", &key_of_file),
            ] {
                if !key.is_empty() {
                    pass(what, format!("the profile says {SOURCE} = “{source}”"));
                }
            }
            Some(self.pointed_at(cloud, &profile, source)?)
        } else if !key_of_environment.is_empty() {
            Some(Credential::of(key_of_environment))
        } else if !key_of_file.is_empty() {
            Some(Credential::of(key_of_file))
        } else if let Some(words) = self.file.command(cloud.cloud, name) {
            Some(self.printed(cloud, &profile, words)?)
        } else if is_default {
            self.found_by_tools(cloud, &profile, &mut pass)?
        } else {
            None
        };
        if let Some(found) = found {
            profile.expires_at = found.expires_at;
            profile.notices = found.notices;
            for (key, value) in found.values {
                profile.values.entry(key).or_insert(value);
            }
        }
        for (key, value) in &profile.values {
            let is_blank = |c: char| c.is_whitespace() || c.is_control();
            if cloud.is_credential(key) && value.text.expose().contains(is_blank) {
                return Err(profile.wrong(key, "holds a blank or a line break"));
            }
        }
        profile.check_network()?;
        if profile.flag("token_cache")? {
            let folder = self.environment.cache_folder();
            profile.token_folder = folder.map(|folder| folder.join("tokens"));
            if profile.token_folder.is_none() {
                profile.notices.push(Notice::new(
                    "token_cache",
                    "token_cache is true, and neither XDG_CACHE_HOME nor HOME says where",
                ));
            }
        }
        profile.again = self.again(cloud, &profile);
        Ok(profile)
    }

    pub(super) fn desk(&self) -> Desk {
        let now = Time::new(Utc::now()).expect("the present lies before the year 10000");
        Desk::new(self.environment.clone(), now)
    }

    /// The credential of the first tool that has one. A file that is there and cannot be used ends
    /// the search: another account in its place would be the wrong one.
    fn found_by_tools(
        &self,
        cloud: &CloudKeys,
        profile: &Profile,
        pass: &mut dyn FnMut(&str, String),
    ) -> Result<Option<Credential>, Problem> {
        let desk = self.desk();
        for tool in cloud.tools {
            match (tool.read)(&desk, None)
                .map_err(|problem| problem.of_account(profile.cloud, &profile.name))?
            {
                Reading::Found(findings) => return Ok(Some(credential(tool, findings))),
                Reading::Nothing(why) => pass(tool.name, why),
                Reading::Absent | Reading::Machine(_) => {}
            }
        }
        Ok(None)
    }

    /// What `source` names: `TOOL` or `TOOL:PROFILE`.
    fn pointed_at(
        &self,
        cloud: &CloudKeys,
        profile: &Profile,
        source: &str,
    ) -> Result<Credential, Problem> {
        let (name, named) = match source.split_once(':') {
            Some((name, named)) => (name, Some(named)),
            None => (source, None),
        };
        let Some(tool) = cloud.tools.iter().find(|tool| tool.name == name) else {
            let known: Vec<&str> = cloud.tools.iter().map(|tool| tool.name).collect();
            let hint = match known.is_empty() {
                true => format!("{} has no tool whose files are read", cloud.cloud),
                false => format!("{} has {}", cloud.cloud, known.join(", ")),
            };
            let what = format!("names “{name}”, which is no source");
            return Err(profile.wrong(SOURCE, &what).hint(hint));
        };
        // Variables choose nothing for a profile that was named.
        let desk = match profile.name.as_str() {
            "default" => self.desk(),
            _ => self.desk().without_choice(),
        };
        let reading = (tool.read)(&desk, named)
            .map_err(|problem| problem.of_account(profile.cloud, &profile.name))?;
        let why = match reading {
            Reading::Found(findings) => return Ok(credential(tool, findings)),
            Reading::Machine(said) => {
                let origin = Origin::Machine;
                return Ok(Credential::of(values(said, &origin)));
            }
            Reading::Nothing(why) => why,
            Reading::Absent => format!("{} has no file here", tool.name),
        };
        let message = format!(
            "profile {} of {} says {SOURCE} = “{source}”, and {why}",
            profile.name, profile.cloud
        );
        Err(Problem::new(Category::NoCredentials, message)
            .of_account(profile.cloud, &profile.name)
            .hint(format!("log in with {}, or correct {SOURCE}", tool.name)))
    }

    /// The sources that would have been asked after the one that is used.
    fn behind(&self, cloud: &CloudKeys, used: &Origin) -> Vec<PassedOver> {
        let why = format!("{} comes first", used.words());
        let mut behind = Vec::new();
        let profile = Profile::empty(cloud, "default");
        if matches!(used, Origin::Variable(_)) {
            let file = self
                .values_of_file(cloud, &profile, None)
                .unwrap_or_default();
            let has_command = self.file.command(cloud.cloud, "default").is_some();
            if has_command || file.keys().any(|key| cloud.is_credential(key)) {
                behind.push(("settings file", String::new()));
            }
            let (_, other) = self.values_of_environment(cloud);
            behind.extend(other.map(|name| ("environment", format!("{name}, "))));
        }
        let at = cloud
            .tools
            .iter()
            .position(|tool| matches!(used, Origin::Tool { tool: name, .. } if *name == tool.name));
        let desk = self.desk();
        let from = at.map_or(0, |at| at + 1);
        let mut all: Vec<PassedOver> = behind
            .into_iter()
            .map(|(source, what)| PassedOver {
                source: source.to_owned(),
                why: format!("{what}{why}"),
            })
            .collect();
        for tool in &cloud.tools[from..] {
            let why = match (tool.read)(&desk, None) {
                Ok(Reading::Absent | Reading::Machine(_)) => continue,
                Ok(Reading::Nothing(said)) => said,
                Ok(Reading::Found(_)) => why.clone(),
                Err(problem) => format!("{why}; {}", problem.message),
            };
            all.push(PassedOver {
                source: tool.name.to_owned(),
                why,
            });
        }
        all
    }

    fn no_such_profile(&self, cloud: &str, name: &str) -> Problem {
        let known = self.file.profiles(cloud).collect::<Vec<_>>().join(", ");
        let known = match known.is_empty() {
            true => "the settings file has none for it".to_owned(),
            false => format!("it has {known}"),
        };
        let message = format!("{cloud} has no profile “{name}”; {known}");
        Problem::new(Category::NoCredentials, message)
            .hint(format!("add {} to the settings file", table(cloud, name)))
            .of_account(cloud, name)
    }
}

fn credential(tool: &Tool, findings: Findings) -> Credential {
    let origin = Origin::Tool {
        tool: tool.name,
        profile: findings.profile,
        path: findings.path,
    };
    Credential {
        values: values(findings.values, &origin),
        expires_at: findings.expires_at,
        notices: findings.notices,
    }
}

fn values(found: Vec<(&'static str, Secret)>, origin: &Origin) -> Values {
    let value = |(key, text)| {
        let origin = origin.clone();
        (key, Value { text, origin })
    };
    found.into_iter().map(value).collect()
}
