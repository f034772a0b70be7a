//! What all kinds of the cloud have in common.

use super::{CLOUD_NAME, logs};
use crate::providers::prelude::*;

/// What differs between the kinds of the cloud.
pub(super) struct KubernetesKind {
    pub name: Name,
    /// An example of a reference.
    pub sample: &'static str,
    pub summary: &'static str,
    pub segments: &'static [Segment],
    pub states: &'static [StateTable],
    pub get: Operation,
    pub list: Operation,
    /// Fields that the rows of lists lack.
    pub unlisted: &'static [UnlistedField],
}

impl KubernetesKind {
    /// Creates the kind, with references, lists, logs and streams of changes as all kinds have them.
    pub const fn into_kind(self) -> Kind {
        let template = Template::new(CLOUD_NAME, self.name, self.segments, self.sample);
        let list = ListSpec {
            unlisted: self.unlisted,
            has_selector: true,
            ..ListSpec::new(self.list, ListOrder::Unsorted)
        };
        Kind {
            summary: self.summary,
            list: Some(list),
            logs: LogSupport::Operation(logs::LOGS),
            batch_from: Some(1),
            is_watched: true,
            conclusive_rows: true,
            ..Kind::new(template.with_scope_segments(0), self.states, self.get)
        }
    }
}
