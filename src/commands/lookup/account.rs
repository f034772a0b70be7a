//! What accounts share: their ids, the transport, and the context of their problems.

use std::sync::Arc;
use std::time::Duration;

use crate::commands::context::CommandContext;
use crate::commands::notices::NoticeLog;
use crate::error::{Category, Problem};
use crate::http::Transport;
use crate::kind::Kind;
use crate::reference::{Reference, Scope};
use crate::settings::Settings;

/// Identifies an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::commands) struct AccountId {
    /// The name of the cloud.
    pub cloud: &'static str,
    /// The name of the profile.
    pub profile: Arc<str>,
}

/// Returns the account that looks up a reference.
pub(in crate::commands) fn account_of(reference: &Reference) -> AccountId {
    AccountId {
        cloud: reference.kind.template.cloud,
        profile: Arc::clone(&reference.profile),
    }
}

/// Returns the account that lists a scope.
pub(in crate::commands) fn account_of_scope(scope: &Scope) -> AccountId {
    AccountId {
        cloud: scope.kind.template.cloud,
        profile: Arc::clone(&scope.profile),
    }
}

/// The request rate of one account.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::commands) struct Pacing {
    /// The minimum time between two requests.
    pub min_interval: Option<Duration>,
    /// How many more requests can be sent at once before this limit applies.
    pub extra_burst: u32,
    /// After this time a rejected credential is used once more; `None` to never use it again.
    pub auth_cooldown: Option<Duration>,
}

/// Creates the transport that all clients of a run share.
///
/// # Errors
/// Returns a usage error for an invalid option or setting of the connection.
pub(in crate::commands) fn transport(
    context: &CommandContext,
    settings: &Settings,
    notices: &NoticeLog,
    pacing: Pacing,
) -> Result<Arc<Transport>, Problem> {
    let mut options = context.global.client_options(settings.file())?;
    options.min_interval = pacing.min_interval;
    options.burst += pacing.extra_burst;
    options.auth_cooldown = pacing.auth_cooldown;
    options.session = context.session.clone();
    let variables = settings.environment().network();
    settings.environment().check()?;
    let clock = Arc::clone(&context.clock);
    Transport::new(options, &variables, clock, context.event_sink(notices))
}

/// Adds the reference to a problem, with its account.
pub(in crate::commands) fn with_reference(mut problem: Problem, reference: &Reference) -> Problem {
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.to_string());
    let permission = reference.kind.get.permission;
    with_account_context(problem, &account_of(reference), Some(permission))
}

/// Adds the account to a problem, and a default hint if it has none. `permission` is
/// what the request needs, if known.
pub(in crate::commands) fn with_account_context(
    mut problem: Problem,
    account: &AccountId,
    permission: Option<&str>,
) -> Problem {
    problem
        .cloud
        .get_or_insert_with(|| account.cloud.to_owned());
    problem
        .profile
        .get_or_insert_with(|| account.profile.to_string());
    if problem.hint.is_none() {
        problem.hint = default_hint(problem.category, permission);
    }
    problem
}

/// The permission that listing a kind needs.
pub(in crate::commands) fn list_permission(kind: &Kind) -> Option<&'static str> {
    kind.list.as_ref().map(|list| list.operation.permission)
}

fn default_hint(category: Category, permission: Option<&str>) -> Option<String> {
    let step = match category {
        Category::PermissionDenied => {
            return Some(format!("the account needs the permission {}", permission?));
        }
        Category::ClockSkew => "synchronize the local clock",
        Category::Network => "check the endpoint and network; --request-timeout allows more time",
        Category::Throttled | Category::ServiceError => "try again later; -v shows every attempt",
        Category::InvalidArgument | Category::InvalidResponse => "use -v to see the request",
        Category::Usage
        | Category::NotFound
        | Category::MissingCredentials
        | Category::Unauthenticated => {
            return None;
        }
    };
    Some(step.to_owned())
}
