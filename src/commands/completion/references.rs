use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;

use super::super::completion_cache;
use super::super::context::CommandContext;
use super::super::shell_session::{ShellSession, with_profile};
use super::prefix_matches;
use crate::crypto::{percent_decode, percent_encode};
use crate::providers::{self, CLOUDS, Cloud};
use crate::reference::DEFAULT_PROFILE;
use crate::settings::{Settings, SettingsSchema};

/// Candidates that are available on this machine, without a request to a cloud.
#[derive(Debug, Default)]
pub(super) struct CompletionData {
    /// The cloud and name of each profile in the config file.
    profiles: Vec<(&'static str, String)>,
    /// The profile for references without `@PROFILE`, if the command line or the environment sets one.
    chosen_profile: Option<String>,
    /// References and scopes from the last lists, newest first.
    listed: Vec<String>,
    /// The rows of the last list of this shell session.
    rows: Vec<String>,
}

impl CompletionData {
    /// Reads the cached lists and the config file: the one of `--config`, or the default one.
    pub(super) fn read(context: &CommandContext, typed: &[OsString]) -> Self {
        let schemas = CLOUDS.map(|cloud| cloud.schema);
        let settings = settings(context, named_file(typed), &schemas);
        let profiles = settings.iter().flat_map(|settings| {
            let of = |cloud: &'static str| {
                settings
                    .file()
                    .profiles(cloud)
                    .map(move |name| (cloud, name))
            };
            CLOUDS.iter().flat_map(move |cloud| of(cloud.name()))
        });
        let profiles = profiles.map(|(cloud, name)| (cloud, name.to_owned()));
        Self {
            profiles: profiles.collect(),
            chosen_profile: named_profile(typed).or_else(|| {
                context
                    .environment
                    .get("JOBLENS_PROFILE")
                    .map(str::to_owned)
            }),
            listed: completion_cache::path(&context.environment)
                .map(|cache_path| completion_cache::read(&cache_path))
                .unwrap_or_default(),
            rows: ShellSession::of_process(&context.environment)
                .map(|session| session.rows())
                .unwrap_or_default(),
        }
    }

    /// Completes profile names, and `default`, which needs no table.
    pub(super) fn profiles(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let names: BTreeSet<&str> = self
            .profiles
            .iter()
            .map(|(_, name)| name.as_str())
            .chain([DEFAULT_PROFILE])
            .collect();
        prefix_matches(typed, names)
    }

    /// Completes clouds and kinds.
    pub(super) fn kinds(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let kinds = providers::kinds().map(ToString::to_string);
        let names = CLOUDS.iter().map(|cloud| cloud.name().to_owned());
        let words: Vec<String> = names.chain(kinds).collect();
        prefix_matches(typed, words.iter().map(String::as_str))
    }

    /// Completes accounts: clouds, and clouds with a profile.
    pub(super) fn accounts(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let heads = self
            .cloud_prefixes(typed.to_str().unwrap_or("\0"))
            .into_iter();
        let words = heads.filter_map(|head| {
            let value = head.get_value().to_str()?;
            let help = head.get_help().map(ToString::to_string);
            Some(candidate(
                value.trim_end_matches('/').to_owned(),
                help.unwrap_or_default(),
            ))
        });
        words.collect()
    }

    /// Completes scopes that can be listed.
    pub(super) fn scopes(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let mut references = self.references(typed);
        references.retain(|reference| {
            let text = reference.get_value().to_string_lossy();
            text.ends_with('/') && !is_unlisted(&text)
        });
        references
    }

    /// Completes references, one segment at a time. A typed id is completed to the whole reference, if all
    /// matches are in one scope.
    pub(super) fn references(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let typed = typed.to_str().unwrap_or("\0");
        match typed.split_once('/') {
            None if typed.starts_with('%') => self.row_numbers(typed),
            None => {
                let prefixes = self.cloud_prefixes(typed);
                match prefixes.is_empty() {
                    true => self.by_id(typed),
                    false => prefixes,
                }
            }
            Some((head, rest)) => self.complete_cloud(typed, head, rest),
        }
    }

    /// Completes row numbers (`%1`, `%2`, …), each described by the reference in this row of the last list.
    fn row_numbers(&self, typed: &str) -> Vec<CompletionCandidate> {
        let rows = self.rows.iter().enumerate();
        let rows = rows.filter(|(_, row)| !row.is_empty());
        rows.map(|(at, row)| (format!("%{}", at + 1), row))
            .filter(|(number, _)| number.starts_with(typed))
            .map(|(number, row)| candidate(number, row.clone()))
            .collect()
    }

    /// Returns the listed references whose ids begin with the typed text, if all are in one scope. For several
    /// scopes, a shell would replace the typed text by the common prefix of the references.
    fn by_id(&self, typed: &str) -> Vec<CompletionCandidate> {
        let matches = self.listed.iter().filter_map(|reference| {
            let (scope, id) = reference.rsplit_once('/')?;
            Some((scope, completed_segment(id, typed)?))
        });
        let matches: Vec<_> = matches.collect();
        let mut scopes = matches.iter().map(|(scope, _)| scope);
        let first = scopes.next();
        if !scopes.all(|scope| Some(scope) == first) {
            return Vec::new();
        }
        let matches = matches.into_iter();
        let matches = matches.map(|(scope, id)| format!("{scope}/{id}"));
        let matches = matches.map(|reference| match self.default_profile() {
            DEFAULT_PROFILE => reference,
            _ => with_profile(&reference),
        });
        matches
            .map(|reference| candidate(reference, String::new()))
            .collect()
    }

    /// Returns the profile for references without `@PROFILE`.
    fn default_profile(&self) -> &str {
        self.chosen_profile.as_deref().unwrap_or(DEFAULT_PROFILE)
    }

    /// Completes `aliyun/` and, for each named profile, `aliyun@prod/`.
    fn cloud_prefixes(&self, typed: &str) -> Vec<CompletionCandidate> {
        let (cloud, is_named) = match typed.split_once('@') {
            Some((cloud, _)) => (cloud, true),
            None => (typed, false),
        };
        let mut heads = Vec::new();
        for known in CLOUDS {
            // Keep the short name of a cloud if it was typed.
            let name = match is_named && short(known) == cloud {
                true => short(known),
                false => known.name(),
            };
            // zsh groups candidates with the same description and changes their
            // order, so each description is unique.
            let description = |profile: &str| format!("profile {profile} of {}", known.name());
            let default = format!("default profile of {}", known.name());
            heads.push((format!("{name}/"), default));
            let profiles = self.profiles.iter().filter(|(of, _)| *of == known.name());
            let profiles = profiles.filter(|(_, profile)| profile != DEFAULT_PROFILE || is_named);
            heads.extend(profiles.map(|(_, profile)| {
                let profile = encoded(profile);
                (format!("{name}@{profile}/"), description(&profile))
            }));
        }
        let heads = heads
            .into_iter()
            .filter(|(head, _)| head.starts_with(typed));
        heads.map(|(head, help)| candidate(head, help)).collect()
    }

    /// Completes what follows `aliyun/`: kinds, then the clusters and ids of listed references.
    fn complete_cloud(&self, typed: &str, head: &str, rest: &str) -> Vec<CompletionCandidate> {
        let (name, profile) = match head.split_once('@') {
            Some((name, profile)) => (name, percent_decode(profile).unwrap_or_default()),
            None => (head, self.default_profile().to_owned()),
        };
        let known = CLOUDS
            .iter()
            .find(|known| known.name() == name || short(known) == name);
        let Some(known) = known else {
            return Vec::new();
        };
        let Some((kind, segments)) = rest.split_once('/') else {
            let templates = known.kinds.iter().map(|kind| &kind.template);
            let templates = templates.filter(|template| template.kind.starts_with(rest));
            return templates
                .map(|template| {
                    candidate(format!("{head}/{}/", template.kind), template.to_string())
                })
                .collect();
        };
        let mut templates = known.kinds.iter().map(|kind| &kind.template);
        let template = templates.find(|known| known.kind == kind || known.kind_short == kind);
        let Some(template) = template else {
            return Vec::new();
        };
        let account = match profile == DEFAULT_PROFILE {
            true => known.name().to_owned(),
            false => format!("{}@{profile}", known.name()),
        };
        let segments: Vec<&str> = segments.split('/').collect();
        let last_segment = segments.last().copied().unwrap_or_default();
        let before = &typed[..typed.len() - last_segment.len()];
        let listed = self.listed.iter().filter_map(|one| {
            let mut parts = one.splitn(3, '/');
            let is_same =
                percent_decode(parts.next()?)? == account && parts.next()? == template.kind;
            is_same
                .then(|| next_segment(parts.next()?, &segments))
                .flatten()
        });
        let values = template.segments.get(segments.len() - 1);
        let values = values.map_or(&[][..], |segment| segment.values);
        let values = values
            .iter()
            .filter(|value| value.starts_with(last_segment));
        let mut seen = BTreeSet::new();
        listed
            .chain(values.map(|value| format!("{value}/")))
            .filter(|segment| seen.insert(segment.clone()))
            .map(|segment| candidate(format!("{before}{segment}"), String::new()))
            .collect()
    }
}

/// Completes the last typed segment with that of a listed reference, including the slash after it, so that a
/// cluster with a thousand jobs is one candidate. Returns `None` if the segments before it differ.
fn next_segment(listed: &str, typed: &[&str]) -> Option<String> {
    let (begun, before) = typed.split_last()?;
    let mut listed = listed.split_inclusive('/');
    for typed in before {
        let segment = listed.next()?.strip_suffix('/')?;
        if percent_decode(segment)? != percent_decode(typed)? {
            return None;
        }
    }
    completed_segment(listed.next()?, begun)
}

/// Completes a segment with a listed one, in the encoding in which its beginning was typed.
///
/// The result decodes to the same segment: an escaped slash, percent sign or range stays escaped.
fn completed_segment(listed: &str, begun: &str) -> Option<String> {
    let (segment, slash) = match listed.strip_suffix('/') {
        Some(segment) => (segment, "/"),
        None => (listed, ""),
    };
    let decoded = percent_decode(segment)?;
    // In a reference, the hyphen of an id that looks like a range is escaped.
    let is_like_range = segment.contains("%2D");
    let readable = |text: &str| match is_like_range {
        true => encoded(text).replace('-', "%2D"),
        false => encoded(text),
    };
    let shown = readable(&decoded);
    let mut forms = [shown.as_str(), segment].into_iter();
    let completed = match forms.find(|form| form.starts_with(begun)) {
        Some(form) => form.to_owned(),
        None if is_like_range && begun.contains('-') => return None,
        None => {
            let rest = decoded.strip_prefix(&percent_decode(begun)?)?;
            format!("{begun}{}", readable(rest))
        }
    };
    Some(completed + slash)
}

fn candidate(value: String, help: String) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| help.into());
    CompletionCandidate::new(value).help(help)
}

/// Returns `true` if a text begins with a kind that cannot be listed.
fn is_unlisted(text: &str) -> bool {
    let mut parts = text.split('/');
    let cloud = parts.next().and_then(|head| head.split('@').next());
    let kind = parts.next();
    let mut unlisted = providers::kinds().filter(|kind| kind.list.is_none());
    unlisted.any(|known| {
        let known = &known.template;
        [known.cloud, known.cloud_short].map(Some).contains(&cloud)
            && [known.kind, known.kind_short].map(Some).contains(&kind)
    })
}

/// Encodes a name or id as in references, but leaves non-ASCII letters and spaces readable.
fn encoded(name: &str) -> String {
    let parts = name.split_inclusive(|c: char| !c.is_ascii() || c == ' ');
    let parts = parts.map(|part| {
        let end = part
            .trim_end_matches(|c: char| !c.is_ascii() || c == ' ')
            .len();
        percent_encode(&part[..end]) + &part[end..]
    });
    parts.collect()
}

fn short(cloud: &Cloud) -> &'static str {
    let first = cloud.kinds.first();
    first.map_or(cloud.name(), |kind| kind.template.cloud_short)
}

/// Reads the config file; ignores an invalid one.
fn settings(
    context: &CommandContext,
    named: Option<PathBuf>,
    schemas: &[&'static SettingsSchema],
) -> Option<Settings> {
    let kinds: Vec<String> = providers::kinds().map(ToString::to_string).collect();
    Settings::load(named, context.environment.clone(), schemas, &kinds).ok()
}

/// Returns the file of `--config` on the command line.
fn named_file(typed: &[OsString]) -> Option<PathBuf> {
    let complete = &typed[..typed.len() - 1];
    option_value(complete, "--config").map(PathBuf::from)
}

/// Returns the profile of `-p` or `--profile` on the command line.
fn named_profile(typed: &[OsString]) -> Option<String> {
    let complete = &typed[..typed.len() - 1];
    // In `logs`, `-p` means `--previous`.
    let mut parts = complete.split(|word| word == "logs");
    let value = option_value(complete, "--profile");
    let value = value.or_else(|| option_value(parts.next()?, "-p"));
    value?.into_string().ok()
}

/// Returns the last value of an option, given as the next word or in the same word.
fn option_value(words: &[OsString], option: &str) -> Option<OsString> {
    words.iter().enumerate().rev().find_map(|(at, word)| {
        let rest = word.to_str()?.strip_prefix(option)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.into()),
            None if rest.is_empty() => words.get(at + 1).cloned(),
            None => (!option.starts_with("--")).then(|| rest.into()),
        }
    })
}

#[cfg(test)]
mod tests;
