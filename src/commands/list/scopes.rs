//! Selects the scopes to list: the named ones, or those of all configured profiles.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::context::CommandContext;
use super::super::lookup::{AccountId, parse_list};
use super::target::{ListTarget, cloud_of, listed_by_default, of_kind};
use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::ScopeSummary;
use crate::providers::{self, CLOUDS, Cloud, ScopeListSpec, plain_setting};
use crate::reference::{CloudScope, DEFAULT_PROFILE, ReferenceParser, Scope, Target};
use crate::secret::shell_word;
use crate::settings::{Settings, table_header};

/// The setting for the owner of a profile's jobs, and the one for its login user.
const USERS: [&str; 2] = ["job_user", "user"];

/// Returns the targets on the command line, each once, or the default scopes of all configured profiles. With
/// `recursive`, a kind alone is listed in all namespaces, instead of in the one that the settings name.
///
/// # Errors
/// Usage errors for all invalid scopes. `missing_credentials` if no account can be used.
pub(super) fn targets(
    context: &CommandContext,
    settings: &Settings,
    typed: &[String],
    recursive: bool,
) -> Result<Vec<ListTarget>, Vec<Problem>> {
    if typed.is_empty() {
        return defaults(context, settings).map_err(Vec::from);
    }
    let mut named = parse_list(context, typed, settings)?;
    if recursive {
        named.targets.iter_mut().try_for_each(widen)?;
    }
    let mut seen = HashSet::new();
    let targets = named.targets.into_iter().flat_map(|target| match target {
        Target::Scope(scope) => vec![ListTarget::Jobs {
            scope,
            is_named: true,
        }],
        Target::Cloud(cloud) => targets_of_cloud(&cloud),
        Target::Jobs(_) | Target::Latest(_) => Vec::new(),
    });
    Ok(targets
        .filter(|target| seen.insert(target.scope()))
        .collect())
}

/// Removes the segments of a scope that were not typed, but are from the settings: the scope then contains all
/// namespaces.
///
/// # Errors
/// A usage error if the cloud cannot list the kind in all of its clusters.
fn widen(target: &mut Target) -> Result<(), Problem> {
    let Target::Scope(scope) = target else {
        return Ok(());
    };
    let typed = scope.input.trim_end_matches('/').split('/').count();
    // The cloud and the kind.
    if typed > 2 {
        return Ok(());
    }
    let template = &scope.kind.template;
    if template.scope_segments == 0 {
        scope.segments.clear();
        return Ok(());
    }
    let mut problem = Problem::usage(format!(
        "-R: {}/{} cannot be listed in all clusters at once",
        template.cloud, template.kind
    ));
    problem.input = Some(scope.input.clone());
    let cloud = scope.account();
    Err(problem.with_hint(format!(
        "omit -R, or list all kinds in all clusters: joblens list -R {}",
        shell_word(&cloud)
    )))
}

/// Returns the users that the profiles of these targets name, and the tables of the profiles that name none.
///
/// # Errors
/// Returns an error if settings cannot be read.
pub(super) fn users(
    settings: &Settings,
    targets: &[ListTarget],
) -> Result<(HashMap<AccountId, String>, Vec<String>), Problem> {
    let (mut users, mut missing) = (HashMap::new(), Vec::new());
    let accounts: BTreeSet<AccountId> = targets.iter().map(ListTarget::account).collect();
    for account in accounts {
        let cloud = providers::cloud(account.cloud);
        let cloud = cloud.expect("every scope belongs to a registered cloud");
        let mut user = None;
        for key in USERS {
            let setting = settings.profile_with_setting(cloud.schema, &account.profile, key)?;
            user = user.or_else(|| setting.get(key).map(str::to_owned));
        }
        let Some(user) = user else {
            missing.push(table_header(account.cloud, &account.profile));
            continue;
        };
        users.insert(account, user);
    }
    Ok((users, missing))
}

/// Returns the targets in a scope that a cloud returned: jobs of each kind, except kinds whose list needs a request
/// per job. Returns `None` for a scope with an invalid form.
pub(super) fn scope_targets(
    summary: &ScopeSummary,
    listing: &ScopeListSpec,
    input: &str,
) -> Option<Vec<ListTarget>> {
    let kinds: Vec<_> = providers::kinds().collect();
    let parser = ReferenceParser {
        kinds: &kinds,
        default_profile: DEFAULT_PROFILE,
        setting: &|_, _, _| Ok(None),
    };
    match parser.parse_target(&summary.scope) {
        Ok(Target::Scope(scope)) => {
            let targets = listed_by_default(listing).map(|kind| ListTarget::Jobs {
                scope: Scope {
                    input: input.to_owned(),
                    ..of_kind(&scope, kind)
                },
                is_named: false,
            });
            Some(targets.collect())
        }
        _ => None,
    }
}

/// Returns the targets in a scope that the settings name: the jobs of the kinds of the listing, and of these optional
/// kinds. Only the first kind counts as named, so that a scope that does not exist is an error, but one that lacks
/// other kinds is not.
pub(super) fn configured_targets(
    scope: &Scope,
    listing: &ScopeListSpec,
    optional_kinds: Vec<&'static Kind>,
) -> Vec<ListTarget> {
    let kinds = listed_by_default(listing).chain(optional_kinds);
    let targets = kinds.map(|kind| ListTarget::Jobs {
        scope: of_kind(scope, kind),
        is_named: kind == scope.kind,
    });
    targets.collect()
}

/// Returns the targets of a cloud without a scope: its scopes, and the jobs outside of them.
pub(in crate::commands) fn targets_of_cloud(requested: &CloudScope) -> Vec<ListTarget> {
    let cloud = cloud_of(requested);
    let scopes = cloud
        .scope_listings
        .iter()
        .map(|listing| ListTarget::Scopes {
            cloud: requested.clone(),
            listing,
            configured: None,
        });
    let kinds = cloud.kinds.iter().copied();
    // If parents are listed, the jobs in them are listed with them.
    let has_parents = !cloud.scope_listings.is_empty();
    let kinds = kinds.filter(|kind| {
        let is_below = has_parents && kind.template.segments.len() > 1;
        kind.list.is_some() && kind.template.scope_segments == 0 && !is_below
    });
    let jobs = kinds.map(|kind| all_of(requested, kind));
    scopes.chain(jobs).collect()
}

/// Returns the target for all jobs of a kind in a named cloud.
pub(super) fn all_of(requested: &CloudScope, kind: &'static Kind) -> ListTarget {
    ListTarget::Jobs {
        scope: Scope {
            kind,
            profile: requested.profile.clone(),
            segments: Vec::new(),
            input: requested.input.clone(),
        },
        is_named: false,
    }
}

/// Returns the default scopes of every configured profile, or of the chosen one.
///
/// # Errors
/// Returns `missing_credentials`, with the settings to add.
pub(in crate::commands) fn defaults(
    context: &CommandContext,
    settings: &Settings,
) -> Result<Vec<ListTarget>, Problem> {
    let only = context.chosen_profile(settings);
    let credentials = context.credentials(settings);
    let mut targets = Vec::new();
    for cloud in CLOUDS {
        for profile in credentials.configured(cloud.schema) {
            if only.is_none_or(|only| only == profile) {
                targets.extend(default_scopes(settings, cloud, &profile));
            }
        }
    }
    match targets.is_empty() {
        false => Ok(targets),
        true => Err(nothing_configured(settings, only, "list")),
    }
}

/// Returns the default targets of a profile: all of its cloud. If its settings name a cluster or a namespace, the kinds
/// of the first listing are listed in this one only.
pub(in crate::commands) fn default_scopes(
    settings: &Settings,
    cloud: &'static Cloud,
    profile: &str,
) -> Vec<ListTarget> {
    let requested = CloudScope {
        cloud: cloud.name(),
        profile: profile.into(),
        input: String::new(),
    };
    let input = requested.name();
    let requested = CloudScope { input, ..requested };
    let mut targets = targets_of_cloud(&requested);
    let Some(scope) = configured_scope(settings, cloud, &requested) else {
        return targets;
    };
    // The first target lists the scopes of the first kind.
    let first = match cloud.scope_listings.first() {
        Some(listing) if listing.kinds.len() + listing.optional_kinds.len() > 1 => {
            ListTarget::Scopes {
                cloud: requested,
                listing,
                configured: Some(scope),
            }
        }
        _ => ListTarget::Jobs {
            scope,
            is_named: true,
        },
    };
    targets[0] = first;
    targets
}

/// Returns the scope of the cloud's first kind that the settings of a profile name, such as a cluster.
fn configured_scope(
    settings: &Settings,
    cloud: &'static Cloud,
    requested: &CloudScope,
) -> Option<Scope> {
    let profile = &*requested.profile;
    // Settings that cannot be read are reported when the account is used.
    let setting = |key| plain_setting(settings, cloud, profile, key).ok().flatten();
    let kind = cloud.kinds[0];
    let template = &kind.template;
    let segments: Vec<String> = template
        .segments
        .iter()
        .map_while(|segment| setting(segment.setting?))
        .collect();
    if segments.is_empty() || segments.len() < template.scope_segments {
        return None;
    }
    let mut scope = Scope {
        kind,
        profile: requested.profile.clone(),
        segments,
        input: String::new(),
    };
    scope.input = scope.to_string();
    Some(scope)
}

/// Returns the problem that no profile is configured, with the settings to add.
pub(in crate::commands) fn nothing_configured(
    settings: &Settings,
    only: Option<&str>,
    verb: &str,
) -> Problem {
    let tables = CLOUDS
        .iter()
        .flat_map(|cloud| settings.file().profiles(cloud.name()));
    let known = tables
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>();
    let known = match known.is_empty() {
        true => String::new(),
        false => format!("; available: {}", known.join(", ")),
    };
    match only.filter(|only| *only != DEFAULT_PROFILE) {
        Some(only) => Problem::new(
            Category::MissingCredentials,
            format!("unknown profile '{only}'{known}"),
        )
        .with_hint(format!(
            "add {} to the config file, e.g. {} (see: joblens config init)",
            table_header("CLOUD", only),
            table_header(CLOUDS[0].name(), only)
        )),
        None => {
            let variables = CLOUDS.iter().filter_map(|cloud| {
                let mut keys = cloud.schema.keys.iter();
                let key = keys.find(|key| key.role != crate::settings::SettingRole::Setting)?;
                key.variables.first().copied()
            });
            let variables: Vec<&str> = variables.chain(["KUBECONFIG"]).collect();
            Problem::new(
                Category::MissingCredentials,
                format!("no profile is configured, nothing to {verb}"),
            )
            .with_hint(format!(
                "set credentials in the environment, e.g. {}, or run: joblens config init; to try joblens without an account, run: joblens demo",
                variables.join(", ")
            ))
        }
    }
}
