use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Details, ScopeDetails, Time};

/// A scope that contains resources: a cluster.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct ScopeSummary {
    /// Canonical scope, with its trailing slash; it can be listed in its turn.
    pub scope: String,
    /// Name given by its owner.
    pub name: Option<String>,
    /// The cloud's own word for how it is.
    pub status: Option<String>,
    /// When it was created.
    pub created_at: Option<Time>,
    /// The cloud's region it is in.
    pub region: Option<String>,
    /// What only this kind of place has.
    #[schemars(with = "ScopeDetails")]
    pub details: Option<Arc<dyn Details>>,
}
