//! Parses the targets of the command line and of probes.

use std::sync::Arc;

use super::polled_target::PolledSelector;
use crate::commands::context::CommandContext;
use crate::commands::list::{ListTarget, defaults, targets_of_cloud};
use crate::commands::lookup::{
    Inputs, Lookup, NamedTarget, Pacing, ParsedTargets, account_of, parse_monitored,
    parse_monitored_text,
};
use crate::error::Problem;
use crate::reference::Target;
use crate::secret::quotable;

/// Parses the targets and creates a client for each of their accounts; without targets, for every configured profile.
/// Sends nothing.
///
/// # Errors
/// Returns usage errors, before any credential is read, or an error if no account is configured.
pub(super) fn create_lookup(
    context: &CommandContext,
    inputs: Inputs<'_>,
    pacing: Pacing,
) -> Result<(Arc<Lookup>, Vec<PolledSelector>), Vec<Problem>> {
    let settings = context.settings()?;
    let is_named = !inputs.is_empty();
    let targets = selectors(parse_monitored(context, inputs, &settings)?);
    let configured = match is_named {
        true => Vec::new(),
        false => defaults(context, &settings)?,
    };
    let configured = configured.iter().map(ListTarget::named);
    let named = targets.iter().flat_map(|target| match target {
        PolledSelector::Scope(target) => vec![target.named()],
        PolledSelector::Jobs(references) => references.iter().map(NamedTarget::of_job).collect(),
    });
    let scopes: Vec<_> = configured.chain(named).collect();
    let lookup = Lookup::for_scopes(context, settings, &scopes, is_named, pacing)?;
    Ok((Arc::new(lookup), targets))
}

/// Groups targets that are polled together: each scope by itself, and all named jobs in one group.
fn selectors(parsed: ParsedTargets) -> Vec<PolledSelector> {
    let mut jobs = Vec::new();
    let mut targets = Vec::new();
    for target in parsed.targets {
        match target {
            Target::Jobs(references) => jobs.extend(references),
            Target::Scope(scope) => targets.push(PolledSelector::Scope(ListTarget::Jobs {
                scope,
                is_named: true,
            })),
            Target::Cloud(cloud) => {
                targets.extend(
                    targets_of_cloud(&cloud)
                        .into_iter()
                        .map(PolledSelector::Scope),
                );
            }
            Target::Latest(_) => {}
        }
    }
    if !jobs.is_empty() {
        targets.push(PolledSelector::Jobs(jobs));
    }
    targets
}

/// Returns the targets of a probe, and their canonical name.
///
/// # Errors
/// Returns a usage error if the text is not a reference, scope or cloud, or its account is not polled.
pub(super) fn parse_probe(
    text: &str,
    lookup: &Lookup,
    default_profile: &str,
) -> Result<(String, Vec<PolledSelector>), Problem> {
    let parsed = parse_monitored_text(text, &lookup.settings, default_profile);
    let parsed = parsed.map_err(|problems| {
        let first = problems.into_iter().next();
        first.unwrap_or_else(|| Problem::usage("the parameter target is empty"))
    })?;
    if parsed.references().nth(1).is_some() {
        let message = format!("'{}' is more than one reference", quotable(text));
        let hint = "a probe reads one reference, scope or cloud";
        return Err(Problem::usage(message).with_hint(hint));
    }
    let name = match parsed.targets.first() {
        Some(Target::Scope(scope)) => scope.to_string(),
        Some(Target::Cloud(cloud)) => cloud.to_string(),
        _ => parsed.references().map(ToString::to_string).collect(),
    };
    let targets = selectors(parsed);
    let account = targets.first().and_then(|target| match target {
        PolledSelector::Scope(target) => Some(target.account()),
        PolledSelector::Jobs(references) => references.first().map(account_of),
    });
    match account.filter(|account| lookup.clients.contains(account)) {
        Some(_) => Ok((name, targets)),
        None => Err(Problem::usage(format!(
            "'{name}' is not in an account that this exporter reads"
        ))),
    }
}
