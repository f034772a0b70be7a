//! The sources of a profile's credential, in their order.

use chrono::Utc;

use super::profile::{Origin, Profile, SourcedValue, table_header};
use super::tool::{CredentialSource, FoundCredential, SourceResult, ToolFiles};
use super::values::Values;
use super::{SOURCE, Settings, SettingsSchema, network};
use crate::error::{Category, Problem};
use crate::model::{Notice, Time};
use crate::secret::{Secret, quotable};

/// A source of credentials that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedSource {
    /// What it is: `environment`, `config file`, the name of a tool.
    pub source: String,
    /// Why it was not used.
    pub why: String,
}

/// What a profile would use, and what it would not.
#[derive(Debug)]
pub struct SourceReport {
    /// The profile, or what is wrong with it.
    pub profile: Result<Profile, Problem>,
    /// The sources that were not used, in their order.
    pub skipped_sources: Vec<SkippedSource>,
}

/// A credential with what stands beside it.
pub(super) struct ResolvedCredential {
    pub values: Values,
    pub expires_at: Option<Time>,
    pub notices: Vec<Notice>,
}

impl ResolvedCredential {
    fn from_values(values: Values) -> Self {
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
    /// For `default` the order is: `JOBLENS_<CLOUD>_<KEY>`, the cloud's own variables, the config file, the files of the cloud's own tools; a credential's parts come from one source together.
    /// A profile that is named uses its own settings only. A `source` is used and nothing besides.
    ///
    /// # Errors
    /// `missing_credentials` for a profile that was named and is not there, and for a source that cannot
    /// be read; usage error for values that cannot be used.
    pub fn profile(&self, cloud: &SettingsSchema, name: &str) -> Result<Profile, Problem> {
        let mut passed_over = Vec::new();
        let mut profile = self.resolve(cloud, name, &mut passed_over)?;
        if profile.source(cloud).is_none() {
            let said = passed_over.into_iter();
            let said = said.map(|one| format!("{}: {}", one.source, one.why));
            profile.skipped_sources = said.collect();
        }
        Ok(profile)
    }

    /// The same with all sources that were not used. Files of tools are read that are not needed.
    pub fn inspect_sources(&self, cloud: &SettingsSchema, name: &str) -> SourceReport {
        let mut passed_over = Vec::new();
        let profile = self.resolve(cloud, name, &mut passed_over);
        if name == "default" {
            let used = profile.as_ref().ok().and_then(|used| used.source(cloud));
            if let Some(used) = used {
                passed_over.extend(self.shadowed_sources(cloud, used));
            }
        }
        SourceReport {
            profile,
            skipped_sources: passed_over,
        }
    }

    /// One plain setting of a profile, in a profile of its own: no credential is read or fetched for
    /// it, and nothing else that is wrong with the profile matters.
    ///
    /// # Errors
    /// As [`Settings::profile`], for this key alone.
    pub fn profile_with_setting(
        &self,
        cloud: &SettingsSchema,
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

    fn resolve(
        &self,
        cloud: &SettingsSchema,
        name: &str,
        passed_over: &mut Vec<SkippedSource>,
    ) -> Result<Profile, Problem> {
        let is_default = name == "default";
        if !is_default && !self.file.has_profile(cloud.cloud, name) {
            return Err(self.no_such_profile(cloud.cloud, name));
        }
        let mut profile = Profile::empty(cloud, name);
        if is_default {
            network::refuse_variable(cloud.cloud, &self.environment)
                .map_err(|problem| problem.with_account(profile.cloud, &profile.name))?;
        }
        let from_environment = match is_default {
            true => self.values_of_environment(cloud).0,
            false => Values::new(),
        };
        let is_credential = |(key, _): &(&'static str, SourcedValue)| cloud.is_credential(key);
        let from_file = self.values_of_file(cloud, &profile, None)?.into_iter();
        let (key_of_file, from_file): (Values, Values) = from_file.partition(is_credential);
        let from_environment = from_environment.into_iter();
        let (key_of_environment, from_environment): (Values, Values) =
            from_environment.partition(is_credential);
        profile.values.extend(from_file);
        profile.values.extend(from_environment);
        let mut pass = |source: &str, why: String| {
            passed_over.push(SkippedSource {
                source: source.to_owned(),
                why,
            });
        };
        let found = if let Some(source) = profile.get(SOURCE) {
            for (what, key) in [
                ("environment", &key_of_environment),
                ("config file", &key_of_file),
            ] {
                if !key.is_empty() {
                    pass(
                        what,
                        format!("the profile sets {SOURCE} = '{}'", quotable(source)),
                    );
                }
            }
            Some(self.load_from_source(cloud, &profile, source)?)
        } else if !key_of_environment.is_empty() {
            Some(ResolvedCredential::from_values(key_of_environment))
        } else if !key_of_file.is_empty() {
            Some(ResolvedCredential::from_values(key_of_file))
        } else if let Some(words) = self.file.command(cloud.cloud, name) {
            Some(self.load_from_command(cloud, &profile, words)?)
        } else if is_default {
            self.load_from_tool_files(cloud, &profile, &mut pass)?
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
                return Err(profile.invalid(key, "contains whitespace"));
            }
        }
        profile.check_network()?;
        if profile.bool("token_cache")? {
            self.set_token_folder(&mut profile);
        }
        profile.reload = self.reload(cloud, &profile);
        Ok(profile)
    }

    pub(super) fn tool_files(&self) -> ToolFiles {
        let now = Time::new(Utc::now()).expect("the current year is before 10000");
        ToolFiles::new(self.environment.clone(), now)
    }

    /// The credential of the first tool that has one. A file that is there and cannot be used ends
    /// the search: another account in its place would be the wrong one.
    fn load_from_tool_files(
        &self,
        cloud: &SettingsSchema,
        profile: &Profile,
        pass: &mut dyn FnMut(&str, String),
    ) -> Result<Option<ResolvedCredential>, Problem> {
        let desk = self.tool_files();
        for tool in cloud.sources {
            match (tool.load)(&desk, None)
                .map_err(|problem| problem.with_account(profile.cloud, &profile.name))?
            {
                SourceResult::Found(findings) => return Ok(Some(credential(tool, findings))),
                SourceResult::Empty(why) => pass(tool.name, why),
                SourceResult::NotPresent | SourceResult::InstanceRole(_) => {}
            }
        }
        Ok(None)
    }

    /// What `source` names: `TOOL` or `TOOL:PROFILE`.
    fn load_from_source(
        &self,
        cloud: &SettingsSchema,
        profile: &Profile,
        source: &str,
    ) -> Result<ResolvedCredential, Problem> {
        let (name, named) = match source.split_once(':') {
            Some((name, named)) => (name, Some(named)),
            None => (source, None),
        };
        let Some(tool) = cloud.sources.iter().find(|tool| tool.name == name) else {
            let known: Vec<&str> = cloud.sources.iter().map(|tool| tool.name).collect();
            let hint = match known.is_empty() {
                true => format!("{} has no supported source", cloud.cloud),
                false => format!("{} supports {}", cloud.cloud, known.join(", ")),
            };
            let what = format!("has the unknown value '{}'", quotable(name));
            return Err(profile.invalid(SOURCE, &what).with_hint(hint));
        };
        // Variables choose nothing for a profile that was named.
        let desk = match profile.name.as_str() {
            "default" => self.tool_files(),
            _ => self.tool_files().ignoring_selection(),
        };
        let reading = (tool.load)(&desk, named)
            .map_err(|problem| problem.with_account(profile.cloud, &profile.name))?;
        let why = match reading {
            SourceResult::Found(findings) => return Ok(credential(tool, findings)),
            SourceResult::InstanceRole(said) => {
                let origin = Origin::Machine;
                return Ok(ResolvedCredential::from_values(values(said, &origin)));
            }
            SourceResult::Empty(why) => why,
            SourceResult::NotPresent => format!("no file of {} found", tool.name),
        };
        let message = format!(
            "profile '{}' ({}) has {SOURCE} = '{}': {why}",
            profile.name,
            profile.cloud,
            quotable(source)
        );
        Err(Problem::new(Category::MissingCredentials, message)
            .with_account(profile.cloud, &profile.name)
            .with_hint(format!("log in with {}, or fix {SOURCE}", tool.name)))
    }

    /// The sources that would have been asked after the one that is used.
    fn shadowed_sources(&self, cloud: &SettingsSchema, used: &Origin) -> Vec<SkippedSource> {
        let why = format!("overridden by {}", used.label());
        let mut behind = Vec::new();
        let profile = Profile::empty(cloud, "default");
        if matches!(used, Origin::Variable(_)) {
            let file = self
                .values_of_file(cloud, &profile, None)
                .unwrap_or_default();
            let has_command = self.file.command(cloud.cloud, "default").is_some();
            if has_command || file.keys().any(|key| cloud.is_credential(key)) {
                behind.push(("config file", String::new()));
            }
            let (_, other) = self.values_of_environment(cloud);
            behind.extend(other.map(|name| ("environment", format!("{name}, "))));
        }
        let at = cloud
            .sources
            .iter()
            .position(|tool| matches!(used, Origin::Tool { tool: name, .. } if *name == tool.name));
        let desk = self.tool_files();
        let from = at.map_or(0, |at| at + 1);
        let mut all: Vec<SkippedSource> = behind
            .into_iter()
            .map(|(source, what)| SkippedSource {
                source: source.to_owned(),
                why: format!("{what}{why}"),
            })
            .collect();
        for tool in &cloud.sources[from..] {
            let why = match (tool.load)(&desk, None) {
                Ok(SourceResult::NotPresent | SourceResult::InstanceRole(_)) => continue,
                Ok(SourceResult::Empty(said)) => said,
                Ok(SourceResult::Found(_)) => why.clone(),
                Err(problem) => format!("{why}; {}", problem.message),
            };
            all.push(SkippedSource {
                source: tool.name.to_owned(),
                why,
            });
        }
        all
    }

    fn no_such_profile(&self, cloud: &str, name: &str) -> Problem {
        let known = self.file.profiles(cloud).collect::<Vec<_>>().join(", ");
        let known = match known.is_empty() {
            true => "the config file has none".to_owned(),
            false => format!("available: {known}"),
        };
        let message = format!("{cloud} has no profile '{name}'; {known}");
        Problem::new(Category::MissingCredentials, message)
            .with_hint(format!(
                "add {} to the config file",
                table_header(cloud, name)
            ))
            .with_account(cloud, name)
    }
}

fn credential(tool: &CredentialSource, findings: FoundCredential) -> ResolvedCredential {
    let origin = Origin::Tool {
        tool: tool.name,
        profile: findings.profile,
        path: findings.path,
    };
    ResolvedCredential {
        values: values(findings.values, &origin),
        expires_at: findings.expires_at,
        notices: findings.notices,
    }
}

fn values(found: Vec<(&'static str, Secret)>, origin: &Origin) -> Values {
    let value = |(key, text)| {
        let origin = origin.clone();
        (key, SourcedValue { text, origin })
    };
    found.into_iter().map(value).collect()
}
