//! Selects the accounts to check.

use super::super::context::CommandContext;
use super::super::list::nothing_configured;
use super::super::lookup::parse_list;
use crate::error::{Problem, closest_match};
use crate::output::document::{Check, CheckName};
use crate::providers::{CLOUDS, Cloud};
use crate::reference::{CloudScope, DEFAULT_PROFILE, Target};
use crate::settings::Settings;

/// An account to check.
pub(super) struct Candidate {
    pub cloud: &'static Cloud,
    pub profile: String,
}

/// Returns the configured accounts, or those that the command line names, which are
/// checked even if they are not configured.
///
/// # Errors
/// Returns a usage error for each argument that is not a cloud.
pub(super) fn candidates(
    context: &CommandContext,
    settings: &Settings,
    typed: &[String],
) -> Result<Vec<Candidate>, Vec<Problem>> {
    let requested_accounts = parse_accounts(context, settings, typed)?;
    let only = context.chosen_profile(settings);
    let credentials = context.credentials(settings);
    let mut candidates = Vec::new();
    for cloud in CLOUDS {
        let requested: Vec<&CloudScope> = requested_accounts
            .iter()
            .filter(|candidate| candidate.cloud == cloud.name())
            .collect();
        if !typed.is_empty() && requested.is_empty() {
            continue;
        }
        let mut names = credentials.configured(cloud.schema);
        names.retain(|profile| only.is_none_or(|only| only == profile));
        // An argument without a profile means the same profile as a reference without one.
        let is_whole_cloud = |scope: &&CloudScope| !scope.input.contains('@');
        if !requested.is_empty() && !requested.iter().any(is_whole_cloud) {
            names.clear();
        }
        let account_scopes = requested.iter().filter(|scope| !is_whole_cloud(scope));
        names.extend(account_scopes.map(|scope| scope.profile.to_string()));
        if names.is_empty() && !requested.is_empty() {
            names.push(only.unwrap_or(DEFAULT_PROFILE).to_owned());
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|profile| seen.insert(profile.clone()));
        let of_cloud = names.into_iter();
        candidates.extend(of_cloud.map(|profile| Candidate { cloud, profile }));
    }
    Ok(candidates)
}

const WRITE: &str = "pass a cloud or a profile, e.g. aliyun or aliyun@prod";

/// Suggests the closest cloud, or a valid argument.
fn cloud_hint(problem: &Problem) -> String {
    let input = problem.input.as_deref().unwrap_or_default();
    let typed = input.split(['@', '/']).next().unwrap_or_default();
    let names = CLOUDS.iter().map(|cloud| cloud.name());
    match closest_match(names, typed).filter(|name| *name != typed) {
        Some(name) => format!("did you mean '{name}'?"),
        None => WRITE.to_owned(),
    }
}

/// Returns `true` if a text begins with a cloud and continues with the kind of a resource.
fn names_resource(input: &str) -> bool {
    let Some((account, kind)) = input.split_once('/') else {
        return false;
    };
    let typed = account.split('@').next();
    !kind.is_empty() && CLOUDS.iter().any(|cloud| Some(cloud.name()) == typed)
}

fn not_account(input: Option<String>) -> Problem {
    let problem = Problem::usage("doctor checks accounts, not resources").with_hint(WRITE);
    Problem { input, ..problem }
}

/// Parses the accounts on the command line.
fn parse_accounts(
    context: &CommandContext,
    settings: &Settings,
    typed: &[String],
) -> Result<Vec<CloudScope>, Vec<Problem>> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let read = parse_list(context, typed, settings).map_err(|problems| {
        let problems = problems.into_iter();
        problems
            .map(|problem| {
                let hint = cloud_hint(&problem);
                match problem.input.as_deref().is_some_and(names_resource) {
                    true => not_account(problem.input),
                    false => problem.with_hint(hint),
                }
            })
            .collect::<Vec<_>>()
    })?;
    let (mut clouds, mut wrong) = (Vec::new(), Vec::new());
    for target in read.targets {
        let input = match target {
            Target::Cloud(cloud) => {
                clouds.push(cloud);
                continue;
            }
            Target::Scope(scope) | Target::Latest(scope) => scope.input,
            Target::Jobs(_) => continue,
        };
        wrong.push(not_account(Some(input)));
    }
    match wrong.is_empty() {
        true => Ok(clouds),
        false => Err(wrong),
    }
}

/// Lists the accounts, and the clouds without one.
pub(super) fn accounts_check(
    context: &CommandContext,
    settings: &Settings,
    candidates: &[Candidate],
) -> Check {
    if candidates.is_empty() {
        let problem = nothing_configured(settings, context.chosen_profile(settings), "check");
        let check = Check::fail(CheckName::Accounts, problem.category, problem.message);
        return check.hint(problem.hint);
    }
    let names_of_cloud = |cloud: &&Cloud| {
        let profiles = candidates
            .iter()
            .filter(|candidate| candidate.cloud.name() == cloud.name())
            .map(|candidate| candidate.profile.as_str());
        let profiles: Vec<&str> = profiles.collect();
        (!profiles.is_empty()).then(|| format!("{} ({})", cloud.name(), profiles.join(", ")))
    };
    let names: Vec<String> = CLOUDS.iter().filter_map(names_of_cloud).collect();
    let credentials = context.credentials(settings);
    // A recording contains only the accounts that were used.
    let is_complete = context.session.is_live();
    let is_requested = |cloud: &&&Cloud| {
        candidates
            .iter()
            .any(|candidate| candidate.cloud.name() == cloud.name())
    };
    let unconfigured: Vec<&str> = CLOUDS
        .iter()
        .filter(|cloud| {
            is_complete && !is_requested(cloud) && credentials.configured(cloud.schema).is_empty()
        })
        .map(|cloud| cloud.name())
        .collect();
    let rest = match unconfigured.is_empty() {
        true => String::new(),
        false => format!("; no profile of {} is configured", unconfigured.join(", ")),
    };
    Check::ok(CheckName::Accounts, format!("{}{rest}", names.join(", ")))
}
