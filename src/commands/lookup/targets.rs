use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::inputs::{Input, Inputs, expand, shortened};
use crate::commands::context::CommandContext;
use crate::commands::recording::record_parse_problems;
use crate::error::Problem;
use crate::kind::{Kind, UnlistedField};
use crate::providers;
use crate::reference::{LATEST, Reference, ReferenceParser, Scope, Target, segment_error};
use crate::secret::shell_word;
use crate::settings::Settings;

/// The targets on a command line.
#[derive(Debug, Default)]
pub(in crate::commands) struct ParsedTargets {
    /// All targets in order, each once; scopes and `@latest` only if they are allowed.
    pub targets: Vec<Target>,
    /// Scopes in a list from stdin or a file, if only jobs can be looked up.
    pub skipped: Vec<Scope>,
}

/// What is allowed on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::commands) enum AllowedTargets {
    /// Only references of jobs, as for a gate: every run reads the same jobs.
    #[default]
    References,
    /// References and `@latest`, the newest job of a scope.
    ReferencesAndLatest,
    /// References, `@latest`, and scopes, each with a slash at the end.
    All,
}

impl ParsedTargets {
    /// Returns the jobs, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.targets.iter().flat_map(|target| match target {
            Target::Jobs(references) => &references[..],
            _ => &[],
        })
    }

    /// Returns the scopes, in order.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.targets.iter().filter_map(|target| match target {
            Target::Scope(scope) => Some(scope),
            _ => None,
        })
    }

    /// Returns the kind of each job and scope.
    pub fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        let scopes = self.scopes().chain(self.latest().map(|(_, scope)| scope));
        let kinds = scopes.map(|scope| scope.kind);
        kinds.chain(self.references().map(|one| one.kind))
    }

    /// Returns the scopes whose newest job is requested, each with the number of jobs before it.
    pub fn latest(&self) -> impl Iterator<Item = (usize, &Scope)> {
        let mut references = 0;
        self.targets.iter().filter_map(move |target| {
            match target {
                Target::Jobs(more) => references += more.len(),
                Target::Latest(scope) => return Some((references, scope)),
                Target::Scope(_) | Target::Cloud(_) => {}
            }
            None
        })
    }
}

/// Parses all references that were typed or read from stdin.
///
/// # Errors
/// Usage errors for all invalid references, so that they can be fixed at once.
/// References that are not allowed count as invalid.
pub(in crate::commands) fn parse(
    context: &CommandContext,
    inputs: Inputs<'_>,
    settings: &Settings,
    allowed: AllowedTargets,
) -> Result<ParsedTargets, Vec<Problem>> {
    let mut skipped = Vec::new();
    let is_gate = allowed == AllowedTargets::References;
    let allows_scopes = allowed == AllowedTargets::All;
    let inputs = Inputs {
        needs_newline: is_gate,
        ..inputs
    };
    let parsed = parse_each(context, inputs, settings, |parser, input| {
        let text = &*input.text;
        let skips = input.is_listed && !is_gate && !allows_scopes;
        let target = match allows_scopes || skips {
            true => parser.parse_target(text),
            false => parser.parse(text),
        };
        match target {
            Ok(Target::Scope(scope)) if skips => {
                skipped.push(scope);
                Ok(None)
            }
            Ok(Target::Latest(scope)) if is_gate => Err(latest_not_allowed(&scope)),
            Err(problem) if is_gate => match parser.parse_target(text) {
                Ok(Target::Scope(scope)) => Err(scope_in_gate(problem, &scope)),
                _ => Err(problem),
            },
            Err(problem) if allows_scopes => Err(with_scope_hint(parser, text, problem)),
            target => target.map(Some),
        }
    })?;
    Ok(ParsedTargets { skipped, ..parsed })
}

/// Parses the scopes and clouds to list.
///
/// # Errors
/// Usage errors for all invalid words, so that they can be fixed at once.
pub(in crate::commands) fn parse_list(
    context: &CommandContext,
    typed: &[String],
    settings: &Settings,
) -> Result<ParsedTargets, Vec<Problem>> {
    parse_each(context, typed.into(), settings, |parser, input| {
        parser.parse_list_target(&input.text).map(Some)
    })
}

/// Adds the scope that the input names if its last slash is missing, or the form of a scope if it has too few segments.
fn with_scope_hint(parser: &ReferenceParser<'_>, text: &str, problem: Problem) -> Problem {
    match parser.parse_list_target(text) {
        Ok(Target::Scope(scope)) if scope.kind.list.is_some() => {
            let scope = shell_word(&scope.to_string()).into_owned();
            problem.with_hint(format!("for all jobs of this scope: {scope}"))
        }
        _ => match (parser.missing_scope(text), &problem.hint) {
            (Some(form), Some(hint)) => {
                let hint = format!("{hint}; for all jobs of a scope: {form}");
                problem.with_hint(hint)
            }
            _ => problem,
        },
    }
}

/// Parses the targets to monitor: references, scopes with a slash at the end, and clouds.
///
/// # Errors
/// Usage errors for all invalid words, so that they can be fixed at once.
pub(in crate::commands) fn parse_monitored(
    context: &CommandContext,
    inputs: Inputs<'_>,
    settings: &Settings,
) -> Result<ParsedTargets, Vec<Problem>> {
    parse_each(context, inputs, settings, |parser, input| {
        monitored(parser, &input.text).map(Some)
    })
}

/// Parses one text like [`parse_monitored`], but without stdin and rows of a list.
///
/// # Errors
/// Returns a usage error.
pub(in crate::commands) fn parse_monitored_text(
    text: &str,
    settings: &Settings,
    default_profile: &str,
) -> Result<ParsedTargets, Vec<Problem>> {
    let input = [Input::typed(text.to_owned())];
    parse_inputs(&input, settings, default_profile, |parser, input| {
        monitored(parser, &input.text).map(Some)
    })
}

fn monitored(parser: &ReferenceParser<'_>, text: &str) -> Result<Target, Problem> {
    match parser.parse_target(text) {
        Ok(Target::Latest(scope)) => Err(latest_not_allowed(&scope)),
        Ok(Target::Scope(scope)) if scope.kind.list.is_none() => Err(Problem {
            input: Some(scope.input),
            ..scope.kind.not_listed()
        }),
        Err(problem) => match parser.parse_list_target(text) {
            Ok(Target::Cloud(cloud)) => Ok(Target::Cloud(cloud)),
            _ => Err(with_scope_hint(parser, text, problem)),
        },
        target => target,
    }
}

fn parse_each(
    context: &CommandContext,
    inputs: Inputs<'_>,
    settings: &Settings,
    parse: impl FnMut(&ReferenceParser<'_>, &Input) -> Result<Option<Target>, Problem>,
) -> Result<ParsedTargets, Vec<Problem>> {
    let inputs = expand(inputs, settings.environment(), &context.session)?;
    let parsed = parse_inputs(&inputs, settings, context.default_profile(settings), parse);
    if let Err(problems) = &parsed {
        record_parse_problems(&context.session, problems);
    }
    parsed.map_err(shortened)
}

fn parse_inputs(
    inputs: &[Input],
    settings: &Settings,
    default_profile: &str,
    mut parse: impl FnMut(&ReferenceParser<'_>, &Input) -> Result<Option<Target>, Problem>,
) -> Result<ParsedTargets, Vec<Problem>> {
    let kinds: Vec<_> = providers::kinds().collect();
    // Cache the settings: a thousand references can omit the same segment.
    let cache = RefCell::new(HashMap::new());
    let setting = |cloud: &str, profile: &str, key: &str| {
        let setting_key = (cloud.to_owned(), profile.to_owned(), key.to_owned());
        let mut cache = cache.borrow_mut();
        let value = cache.entry(setting_key);
        let value = value.or_insert_with(|| segment_setting(settings, cloud, profile, key));
        value.clone()
    };
    let parser = ReferenceParser {
        kinds: &kinds,
        default_profile,
        setting: &setting,
    };
    let mut parsed = ParsedTargets::default();
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for input in inputs {
        match parse(&parser, input) {
            Ok(target) => parsed.targets.extend(
                target.and_then(|target| deduplicate(target, &mut |text| seen.insert(text))),
            ),
            Err(problem) => problems.push(problem),
        }
    }
    match problems.is_empty() {
        true => Ok(parsed),
        false => Err(problems),
    }
}

/// Returns the segment that a profile's setting provides.
///
/// # Errors
/// Returns the problem of the profile or of the setting.
fn segment_setting(
    settings: &Settings,
    cloud: &str,
    profile: &str,
    key: &str,
) -> Result<Option<String>, Problem> {
    let Some(cloud) = providers::cloud(cloud) else {
        return Ok(None);
    };
    // The files that were read for the setting are not in the recording.
    if let Some(problem) = settings.recorded_parse_problem(cloud.name(), profile) {
        return Err(problem);
    }
    let Some(text) = providers::plain_setting(settings, cloud, profile, key)? else {
        return Ok(None);
    };
    match segment_error(&text) {
        None => Ok(Some(text)),
        Some(fault) => {
            let profile = settings.profile_with_setting(cloud.schema, profile, key)?;
            Err(profile.invalid(key, &format!("cannot be used: {fault}")))
        }
    }
}

/// Removes the parts of a target that are already known; `None` if all are.
fn deduplicate(target: Target, is_new: &mut dyn FnMut(String) -> bool) -> Option<Target> {
    match target {
        Target::Jobs(mut references) => {
            references.retain(|reference| is_new(reference.to_string()));
            (!references.is_empty()).then_some(Target::Jobs(references))
        }
        Target::Latest(scope) => {
            is_new(format!("{scope}{LATEST}")).then_some(Target::Latest(scope))
        }
        Target::Scope(scope) => is_new(scope.to_string()).then_some(Target::Scope(scope)),
        Target::Cloud(cloud) => is_new(cloud.to_string()).then_some(Target::Cloud(cloud)),
    }
}

fn latest_not_allowed(scope: &Scope) -> Problem {
    let input = &scope.input;
    let mut problem = Problem::usage(format!(
        "{LATEST} cannot be used here because it may resolve to a different job each time"
    ));
    let start = input.len().saturating_sub(LATEST.len());
    problem.span = Some(start..input.len());
    problem.input = Some(input.clone());
    problem.with_hint(format!(
        "to see what it resolves to now: joblens get {} -o name",
        shell_word(&format!("{scope}{LATEST}"))
    ))
}

fn scope_in_gate(problem: Problem, scope: &Scope) -> Problem {
    if scope.kind.list.is_none() {
        return problem.with_hint(scope.kind.by_reference_hint());
    }
    let name = scope.to_string();
    let name = name.trim_end_matches('/');
    let has_state = !scope.kind.unlisted_fields().contains(&UnlistedField::State);
    let active = if has_state { " --active" } else { "" };
    problem.with_hint(format!(
        "joblens list {name}{active} -o name | joblens wait - -t 5m"
    ))
}

#[cfg(test)]
mod tests;
