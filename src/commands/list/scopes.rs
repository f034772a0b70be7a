//! What is listed: what was named, or what every configured profile has.

use std::collections::HashSet;

use super::super::context::CommandContext;
use super::super::lookup::{AccountId, parse_list};
use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::ScopeSummary;
use crate::providers::{self, CLOUDS, Cloud, plain_setting};
use crate::reference::{CloudScope, DEFAULT_PROFILE, ReferenceParser, Scope, Target};
use crate::settings::{Settings, table_header};

/// Something that can be listed.
#[derive(Debug, Clone)]
pub(in crate::commands) enum ListTarget {
    /// Resources of one kind.
    Jobs(Scope),
    /// The parent scopes of a cloud, such as clusters.
    Scopes(CloudScope),
}

impl ListTarget {
    /// The canonical scope.
    pub(super) fn scope(&self) -> String {
        match self {
            Self::Jobs(scope) => scope.to_string(),
            Self::Scopes(cloud) => cloud.to_string(),
        }
    }

    /// The scope as it was typed.
    pub(super) fn input(&self) -> &str {
        match self {
            Self::Jobs(scope) => &scope.input,
            Self::Scopes(cloud) => &cloud.input,
        }
    }

    /// The account that it is asked with.
    pub(in crate::commands) fn account(&self) -> AccountId {
        match self {
            Self::Jobs(scope) => (scope.kind.template.cloud, scope.profile.clone()),
            Self::Scopes(cloud) => (cloud.cloud, cloud.profile.clone()),
        }
    }

    /// The kind of the resources in it, or in the scopes that it contains.
    pub(super) fn listed_kind(&self) -> &'static Kind {
        match self {
            Self::Jobs(scope) => scope.kind,
            Self::Scopes(cloud) => cloud_of(cloud).kinds[0],
        }
    }

    /// The kind of the resources in it; `None` where it contains scopes.
    pub(in crate::commands) fn kind(&self) -> Option<&'static Kind> {
        match self {
            Self::Jobs(scope) => Some(scope.kind),
            Self::Scopes(_) => None,
        }
    }
}

/// What the command line names, each once, or the default scopes of all configured profiles.
///
/// # Errors
/// A usage error: all scopes that are wrong. `missing_credentials` when there is nothing to ask.
pub(super) fn targets(
    context: &CommandContext,
    settings: &Settings,
    typed: &[String],
) -> Result<Vec<ListTarget>, Vec<Problem>> {
    if typed.is_empty() {
        return defaults(context, settings).map_err(Vec::from);
    }
    let named = parse_list(typed, settings, context.default_profile(settings))?;
    let mut seen = HashSet::new();
    let places = named.targets.into_iter().flat_map(|target| match target {
        Target::Scope(scope) => vec![ListTarget::Jobs(scope)],
        Target::Cloud(cloud) => in_cloud(cloud),
        Target::Jobs(_) | Target::Latest(_) => Vec::new(),
    });
    Ok(places.filter(|place| seen.insert(place.scope())).collect())
}

/// A scope that a cloud returned, as something to list; `None` for one that joblens did not make.
pub(super) fn found(summary: &ScopeSummary, input: &str) -> Option<ListTarget> {
    let kinds: Vec<_> = providers::kinds().collect();
    let parser = ReferenceParser {
        kinds: &kinds,
        reserved: &[],
        default_profile: DEFAULT_PROFILE,
        setting: &|_, _, _| Ok(None),
    };
    match parser.parse_target(&summary.scope) {
        Ok(Target::Scope(scope)) => Some(ListTarget::Jobs(Scope {
            input: input.to_owned(),
            ..scope
        })),
        _ => None,
    }
}

/// What a cloud alone stands for: its places, or all that lies in none.
fn in_cloud(requested: CloudScope) -> Vec<ListTarget> {
    let cloud = cloud_of(&requested);
    if has_scopes(cloud) {
        return vec![ListTarget::Scopes(requested)];
    }
    let kinds = cloud.kinds.iter().copied().map(|kind| {
        ListTarget::Jobs(Scope {
            kind,
            profile: requested.profile.clone(),
            segments: Vec::new(),
            input: requested.input.clone(),
        })
    });
    kinds.collect()
}

/// True when resources of a cloud belong to scopes that can be listed.
fn has_scopes(cloud: &Cloud) -> bool {
    cloud.scope_listing.is_some()
}

/// The default scopes of every configured profile, or of the one that was named.
///
/// # Errors
/// `missing_credentials`, with what to set.
fn defaults(context: &CommandContext, settings: &Settings) -> Result<Vec<ListTarget>, Problem> {
    let only = context.chosen_profile(settings);
    let credentials = context.credentials(settings);
    let mut places = Vec::new();
    for cloud in CLOUDS {
        for profile in credentials.configured(&cloud.settings_schema()) {
            if only.is_none_or(|only| only == profile) {
                places.extend(default_scopes(settings, cloud, &profile));
            }
        }
    }
    match places.is_empty() {
        false => Ok(places),
        true => Err(nothing_configured(only, "list")),
    }
}

/// What a profile lists when nothing is named: its cluster as far as its settings name one, else the
/// places of its cloud, or all that lies in none.
pub(in crate::commands) fn default_scopes(
    settings: &Settings,
    cloud: &'static Cloud,
    profile: &str,
) -> Vec<ListTarget> {
    let requested = CloudScope {
        cloud: cloud.name,
        profile: profile.to_owned(),
        input: String::new(),
    };
    let input = requested.name();
    let requested = CloudScope { input, ..requested };
    if !has_scopes(cloud) {
        return in_cloud(requested);
    }
    // Settings that cannot be read are reported when the account is used.
    let setting = |key| plain_setting(settings, cloud, profile, key).ok().flatten();
    let kind = cloud.kinds[0];
    let template = &kind.template;
    let segments: Vec<String> = template
        .segments
        .iter()
        .map_while(|segment| setting(segment.setting?))
        .collect();
    if segments.len() < template.scope_segments {
        return vec![ListTarget::Scopes(requested)];
    }
    let mut scope = Scope {
        kind,
        profile: requested.profile,
        segments,
        input: String::new(),
    };
    scope.input = scope.to_string();
    vec![ListTarget::Jobs(scope)]
}

fn cloud_of(requested: &CloudScope) -> &'static Cloud {
    providers::cloud(requested.cloud).expect("every scope belongs to a registered cloud")
}

/// That there is nothing to do something with, and what to set.
pub(in crate::commands) fn nothing_configured(only: Option<&str>, verb: &str) -> Problem {
    match only.filter(|only| *only != DEFAULT_PROFILE) {
        Some(only) => Problem::new(
            Category::MissingCredentials,
            format!("unknown profile '{only}'"),
        )
        .with_hint(format!(
            "add {} to the config file, e.g. {} (see: joblens config init)",
            table_header("CLOUD", only),
            table_header(CLOUDS[0].name, only)
        )),
        None => {
            let ids = CLOUDS.iter().filter_map(|cloud| {
                let keys = cloud.keys.iter();
                let mut credential =
                    keys.filter(|key| key.role != crate::settings::SettingRole::Setting);
                let key = credential.next()?;
                let variable = key.variables.first()?;
                Some(format!("{variable} ({})", cloud.name))
            });
            let ids: Vec<String> = ids.collect();
            Problem::new(
                Category::MissingCredentials,
                format!("no profile is configured, nothing to {verb}"),
            )
            .with_hint(format!(
                "set credentials in the environment (e.g. {}) or in [{}.default] of the config file (joblens config init); to try joblens without an account, run: joblens demo",
                ids.join(" or "),
                CLOUDS[0].name
            ))
        }
    }
}
