//! Reads credentials from the files of the clouds' own tools, or from programs that these files configure.

use super::chain::{CredentialChain, ResolvedCredential};
use super::expiry::local_time;
use super::source::CredentialSource;
use super::tool_files::{FoundCredential, SourceResult, ToolFiles};
use crate::collect::CollectExt as _;
use crate::error::{Category, Problem, closest_match};
use crate::model::SkippedSource;
use crate::secret::{Secret, quotable};
use crate::settings::{Origin, Profile, SOURCE, SettingsSchema, SourcedValue, Values};

impl CredentialChain {
    /// Returns `true` if settings of the profile select a profile or a file of a tool.
    pub(super) fn selects_tool(&self, profile: &Profile) -> bool {
        let mut tools = self.sources(profile.schema).iter();
        tools.any(|tool| tool.selection(profile) != [None, None])
    }

    /// Returns a plain setting of a profile that a tool's file contains next to the credential.
    ///
    /// # Errors
    /// The problem of the profile or of the file.
    pub fn tool_setting(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
        key: &str,
    ) -> Result<Option<String>, Problem> {
        let profile = self.settings.plain_profile(schema, name)?;
        let credential = match self.custom_source(&profile)? {
            Some(SourceResult::Found(credential)) => credential,
            Some(SourceResult::Program(program)) => program.other_values,
            _ => return Ok(None),
        };
        let mut values = credential.values.into_iter();
        let value = values.find(|(known, _)| *known == key);
        Ok(value.map(|(_, value)| value.expose().to_owned()))
    }

    /// Returns the result of the tool with more than keys in its files that provides the profile's credential. Runs
    /// no program.
    ///
    /// # Errors
    /// The problem of its file.
    pub(super) fn custom_source(&self, profile: &Profile) -> Result<Option<SourceResult>, Problem> {
        self.with_needed_variables(|own| own.find_custom_source(profile))
    }

    fn find_custom_source(&self, profile: &Profile) -> Result<Option<SourceResult>, Problem> {
        let mut tools = self.sources(profile.schema).iter();
        let tool = tools.find(|tool| matches!(tool, CredentialSource::Custom(_)));
        let Some(tool) = tool.filter(|_| !self.settings.is_recorded()) else {
            return Ok(None);
        };
        let source = profile.get(SOURCE);
        let is_used = match profile.name.as_str() {
            _ if source.is_some() || self.selects_tool(profile) => true,
            "default" => {
                let (variables, _) = self.settings.values_of_environment(profile.schema);
                !variables
                    .keys()
                    .any(|key| profile.schema.is_credential(key))
            }
            _ => false,
        };
        let named = source.and_then(|source| source.split_once(':'));
        let named = named.map(|(_, name)| name).or(tool.selection(profile)[0]);
        let loaded = || self.load_tool(profile, tool, named);
        is_used.then(loaded).transpose()
    }

    /// Reads a tool's credential for a profile. Variables select nothing for a named profile.
    fn load_tool(
        &self,
        profile: &Profile,
        tool: &'static CredentialSource,
        named: Option<&str>,
    ) -> Result<SourceResult, Problem> {
        let files = match profile.name.as_str() {
            "default" => self.tool_files(),
            _ => self.tool_files().without_selection(),
        };
        let files = files.with_path(tool.selection(profile)[1]);
        let loaded = self.cache.load(profile.cloud(), tool, &files, named);
        loaded.map_err(|problem| problem.with_account(profile.cloud(), &profile.name))
    }

    pub(super) fn tool_files(&self) -> ToolFiles {
        // The variables that a tool needs are checked when its files have been read.
        ToolFiles::new(self.settings.environment().unread(), local_time())
    }

    /// Returns the credential of the first tool that has one. A file that exists but cannot be used ends the
    /// search, since another source could belong to another account.
    pub(super) fn load_from_tool_files(
        &self,
        profile: &Profile,
        pass: &mut dyn FnMut(&str, String),
    ) -> Result<Option<ResolvedCredential>, Problem> {
        let mut missing = None;
        for tool in self.sources(profile.schema) {
            match self.load_tool(profile, tool, tool.selection(profile)[0])? {
                SourceResult::Found(findings) => return Ok(Some(credential(tool, findings))),
                SourceResult::Program(program) => {
                    let ran = self.load_from_program(profile, tool, &program);
                    return ran.map(Some);
                }
                SourceResult::Empty(reason) => pass(tool.name(), reason),
                SourceResult::NoSuchProfile {
                    variable,
                    profile: name,
                    reason,
                } => {
                    let problem = || no_such_profile(variable, &name, &reason);
                    missing.get_or_insert_with(problem);
                    pass(tool.name(), reason);
                }
                SourceResult::NotPresent | SourceResult::InstanceRole(_) => {}
            }
        }
        match missing {
            Some(problem) => Err(problem.with_account(profile.cloud(), &profile.name)),
            None => Ok(None),
        }
    }

    /// Reads the credential that `source` selects with `TOOL` or `TOOL:PROFILE`.
    pub(super) fn load_from_source(
        &self,
        profile: &Profile,
        source: &str,
    ) -> Result<ResolvedCredential, Problem> {
        let (tool, named) = find_source(self.sources(profile.schema), profile, source)?;
        let loaded = self.load_tool(profile, tool, named);
        // The profile of the tool comes from this setting, so the problem names the setting.
        let loaded = loaded.map_err(|problem| match problem.category {
            Category::Usage => {
                let what = format!("= '{}': {}", quotable(source), problem.message);
                let hint = problem.hint.unwrap_or_else(|| format!("fix {SOURCE}"));
                profile.invalid(SOURCE, &what).with_hint(hint)
            }
            _ => problem,
        });
        let reason = match loaded? {
            SourceResult::Found(findings) => return Ok(credential(tool, findings)),
            SourceResult::Program(program) => {
                return self.load_from_program(profile, tool, &program);
            }
            SourceResult::InstanceRole(settings) => {
                let origin = Origin::Machine;
                return Ok(ResolvedCredential::from_values(values(settings, &origin)));
            }
            SourceResult::Empty(reason) | SourceResult::NoSuchProfile { reason, .. } => reason,
            SourceResult::NotPresent => format!("no file of {} was found", tool.name()),
        };
        let message = format!(
            "profile '{}' ({}) has {SOURCE} = '{}': {reason}",
            profile.name,
            profile.cloud(),
            quotable(source)
        );
        Err(profile
            .missing_credentials(message)
            .with_hint(format!("log in with {}, or fix {SOURCE}", tool.name())))
    }

    /// Returns the tools that would have been tried after the source that is used.
    pub(super) fn shadowed_tools(
        &self,
        schema: &SettingsSchema,
        used: &Origin,
    ) -> Vec<SkippedSource> {
        let why = format!("overridden by {}", used.label());
        let sources = self.sources(schema);
        let is_used = |tool: &CredentialSource| match used {
            Origin::Tool { tool: name, .. } => {
                [true, false].map(|it| tool.label(it)).contains(&&**name)
            }
            _ => false,
        };
        let at = sources.iter().position(is_used);
        let files = self.tool_files();
        let behind = &sources[at.map_or(0, |at| at + 1)..];
        let skipped = behind.iter().filter_map(|tool| {
            let why = match self.cache.load(schema.cloud, tool, &files, None) {
                Ok(SourceResult::NotPresent | SourceResult::InstanceRole(_)) => return None,
                Ok(SourceResult::Empty(reason) | SourceResult::NoSuchProfile { reason, .. }) => {
                    reason
                }
                Ok(SourceResult::Found(_) | SourceResult::Program(_)) => why.clone(),
                Err(problem) => format!("{why}; {}", problem.message),
            };
            Some(SkippedSource {
                source: tool.name().to_owned(),
                why,
            })
        });
        skipped.collect()
    }
}

/// Returns the problem that no tool has the profile that a variable selects: the user wants to use that account.
fn no_such_profile(variable: &str, name: &str, reason: &str) -> Problem {
    let message = format!("{variable} is '{}': {reason}", quotable(name));
    Problem::new(Category::MissingCredentials, message)
        .with_hint(format!("fix or unset {variable}"))
}

/// Checks that the cloud of plain settings has the selected source.
///
/// # Errors
/// A usage error if it does not.
pub(crate) fn check_source(
    plain: &Profile,
    sources: &'static [CredentialSource],
) -> Result<(), Problem> {
    match plain.get(SOURCE) {
        Some(source) => find_source(sources, plain, source).map(|_| ()),
        None => Ok(()),
    }
}

/// Returns the tool that `source` selects, and the tool's profile if one is named.
///
/// # Errors
/// A usage error if the cloud has no such tool.
fn find_source<'a>(
    sources: &'static [CredentialSource],
    profile: &Profile,
    source: &'a str,
) -> Result<(&'static CredentialSource, Option<&'a str>), Problem> {
    let (name, named) = match source.split_once(':') {
        Some((name, named)) => (name, Some(named)),
        None => (source, None),
    };
    if let Some(tool) = sources.iter().find(|tool| tool.name() == name) {
        return Ok((tool, named));
    }
    let known: Vec<&str> = sources.iter().map(|tool| tool.name()).collect();
    let closest = closest_match(known.iter().copied(), name);
    let closest = closest.map_or_else(String::new, |closest| format!("did you mean '{closest}'? "));
    let hint = match known.is_empty() {
        true => format!("{} has no supported source", profile.cloud()),
        false => format!("{closest}{} supports {}", profile.cloud(), known.join(", ")),
    };
    let what = format!("has the unknown value '{}'", quotable(name));
    Err(profile.invalid(SOURCE, &what).with_hint(hint))
}

pub(super) fn credential(tool: &CredentialSource, findings: FoundCredential) -> ResolvedCredential {
    let origin = origin(tool, &findings, None);
    ResolvedCredential {
        values: values(findings.values, &origin),
        expires_at: findings.expires_at,
        notices: findings.notices,
    }
}

/// Returns the origin of a credential from a tool's file or from a program that the file configures.
pub(super) fn origin(
    tool: &CredentialSource,
    found: &FoundCredential,
    command: Option<&str>,
) -> Origin {
    let profile = found.profile.as_ref();
    Origin::Tool {
        tool: tool.label(profile.is_some()).into(),
        profile: profile.map(|name| format!("{} {name}", tool.profile_word())),
        command: command.map(str::to_owned),
        path: found.path.clone(),
    }
}

pub(super) fn values(found: Vec<(&'static str, Secret)>, origin: &Origin) -> Values {
    let value = |(key, text)| {
        let origin = origin.clone();
        (key, SourcedValue { text, origin })
    };
    found.into_iter().map(value).collect_map()
}
