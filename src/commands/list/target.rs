//! What can be listed: jobs of a kind, or scopes that contain jobs.

use std::sync::Arc;

use super::super::lookup::{AccountId, NamedTarget, account_of_scope};
use crate::kind::Kind;
use crate::providers::{self, Cloud, ScopeListSpec};
use crate::reference::{CloudScope, Scope};

/// A target that can be listed.
#[derive(Debug, Clone)]
pub(in crate::commands) enum ListTarget {
    /// Jobs of one kind.
    Jobs {
        /// The scope of the jobs.
        scope: Scope,
        /// False if a cloud selected the scope, so that the account need not have any.
        is_named: bool,
    },
    /// Scopes that contain jobs, such as clusters.
    Scopes {
        /// The cloud, as it was named.
        cloud: CloudScope,
        /// How the scopes are listed.
        listing: &'static ScopeListSpec,
        /// The scope of the first kind that the settings name: the jobs of all kinds are listed in it only, and the
        /// scopes are not requested.
        configured: Option<Scope>,
    },
}

impl ListTarget {
    /// Returns the canonical scope.
    pub(in crate::commands) fn scope(&self) -> String {
        match self {
            Self::Jobs { scope, .. }
            | Self::Scopes {
                configured: Some(scope),
                ..
            } => scope.to_string(),
            Self::Scopes { cloud, listing, .. } => {
                let is_first = std::ptr::eq(*listing, &cloud_of(cloud).scope_listings[0]);
                match is_first {
                    true => cloud.to_string(),
                    false => format!("{cloud}{}/", listing.kinds[0].template.kind),
                }
            }
        }
    }

    /// Returns the scope for messages. A kind alone means the namespace that the settings name, so the scope with
    /// those of all namespaces is followed by a description.
    pub(super) fn title(&self) -> String {
        let scope = self.scope();
        match self.listed_segment() {
            Some(name) => {
                let name = name.to_ascii_lowercase();
                format!("{} (all {name}s)", scope.trim_end_matches('/'))
            }
            None => scope,
        }
    }

    /// Returns the name of the segment, such as `NAMESPACE`, with any value of which the jobs are listed, if the
    /// settings can provide it: the text of the scope then means another one.
    pub(super) fn listed_segment(&self) -> Option<&'static str> {
        let Self::Jobs { scope, .. } = self else {
            return None;
        };
        let first = scope.kind.template.segments.first();
        let first = first.filter(|first| scope.segments.is_empty() && first.setting.is_some());
        first.map(|first| first.name)
    }

    /// Describes what is listed, for messages about its kinds.
    pub(super) fn kinds_text(&self) -> String {
        match self {
            Self::Jobs { .. } => self.title(),
            Self::Scopes {
                cloud, configured, ..
            } => {
                let kinds = self.listed_kinds().into_iter();
                let scopes = kinds.map(|kind| match configured {
                    Some(scope) => of_kind(scope, kind).to_string(),
                    None => format!("{cloud}{}/", kind.template.kind),
                });
                scopes.collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Returns the scope as it was typed.
    pub(in crate::commands) fn input(&self) -> &str {
        match self {
            Self::Jobs { scope, .. }
            | Self::Scopes {
                configured: Some(scope),
                ..
            } => &scope.input,
            Self::Scopes { cloud, .. } => &cloud.input,
        }
    }

    /// Returns the target for the problems of its account.
    pub(in crate::commands) fn named(&self) -> NamedTarget<'_> {
        NamedTarget {
            account: self.account(),
            reference: self.scope(),
            input: self.input(),
        }
    }

    /// Returns the account that lists the target.
    pub(in crate::commands) fn account(&self) -> AccountId {
        match self {
            Self::Jobs { scope, .. } => account_of_scope(scope),
            Self::Scopes { cloud, .. } => AccountId {
                cloud: cloud.cloud,
                profile: Arc::clone(&cloud.profile),
            },
        }
    }

    /// Returns the kinds of the jobs in it, or in the scopes that it contains.
    pub(super) fn listed_kinds(&self) -> Vec<&'static Kind> {
        match self {
            Self::Jobs { scope, .. } => vec![scope.kind],
            Self::Scopes { listing, .. } => listed_by_default(listing)
                .chain(listing.optional_kinds.iter().copied())
                .collect(),
        }
    }

    /// Returns `false` if only the cloud was named.
    pub(super) fn is_named(&self) -> bool {
        matches!(self, Self::Jobs { is_named: true, .. })
    }

    /// Returns the target that lists the jobs of the first kind, if the settings name their scope; otherwise itself.
    pub(in crate::commands) fn of_first_kind(self) -> Self {
        match self {
            Self::Scopes {
                configured: Some(scope),
                ..
            } => Self::Jobs {
                scope,
                is_named: true,
            },
            other => other,
        }
    }

    /// Returns the kind of its jobs; `None` if it contains scopes.
    pub(in crate::commands) fn kind(&self) -> Option<&'static Kind> {
        match self {
            Self::Jobs { scope, .. } => Some(scope.kind),
            Self::Scopes { .. } => None,
        }
    }
}

/// Returns the kinds of a listing, except the optional ones and those whose list needs a request per job.
pub(super) fn listed_by_default(listing: &ScopeListSpec) -> impl Iterator<Item = &'static Kind> {
    let kinds = listing.kinds.iter().copied();
    kinds.filter(|kind| kind.list.is_some() && kind.list_limit().is_none())
}

/// Returns the scope with the same segments for another kind of its listing.
pub(super) fn of_kind(scope: &Scope, kind: &'static Kind) -> Scope {
    Scope {
        kind,
        ..scope.clone()
    }
}

pub(super) fn cloud_of(requested: &CloudScope) -> &'static Cloud {
    providers::cloud(requested.cloud).expect("every scope belongs to a registered cloud")
}
