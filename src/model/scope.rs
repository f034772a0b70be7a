use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Details, ScopeDetails, Time};

/// A scope that contains resources: a cluster.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct ScopeSummary {
    /// Canonical scope with a trailing slash; it can be listed as well.
    pub scope: String,
    /// Name given by its owner.
    pub name: Option<String>,
    /// The cloud's word for its state.
    pub status: Option<String>,
    /// When it was created.
    pub created_at: Option<Time>,
    /// The cloud's region of the scope.
    pub region: Option<String>,
    /// Fields that only this kind of scope has.
    #[schemars(with = "ScopeDetails")]
    pub details: Option<Arc<dyn Details>>,
}
