//! Describes the form of references.

use std::fmt;

/// The names of a cloud or kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The name in references.
    pub long: &'static str,
    /// A short name, accepted on input.
    pub short: &'static str,
}

impl Name {
    /// Creates the names.
    pub const fn new(long: &'static str, short: &'static str) -> Self {
        Self { long, short }
    }
}

/// The template of the references of a kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Short name of the cloud, accepted on input.
    pub cloud_short: &'static str,
    /// Bare kind.
    pub kind: &'static str,
    /// Short kind, accepted on input.
    pub kind_short: &'static str,
    /// The segments after the kind; the last one is the id.
    pub segments: &'static [Segment],
    /// Minimum number of segments of a scope. With fewer than all but the id, a scope is wider, such as a cluster
    /// with all its namespaces.
    pub scope_segments: usize,
    /// `true` if the last segment can be a range such as `10_1-5` or `10_1-9:2`.
    pub ranges: bool,
    /// An example of a reference.
    pub sample: &'static str,
}

impl Template {
    /// Creates the template of `cloud` and `kind`. A scope needs every segment but the id.
    pub const fn new(
        cloud: Name,
        kind: Name,
        segments: &'static [Segment],
        sample: &'static str,
    ) -> Self {
        Self {
            cloud: cloud.long,
            cloud_short: cloud.short,
            kind: kind.long,
            kind_short: kind.short,
            segments,
            scope_segments: segments.len() - 1,
            ranges: false,
            sample,
        }
    }

    /// Sets the minimum number of segments of a scope.
    pub const fn with_scope_segments(self, scope_segments: usize) -> Self {
        Self {
            scope_segments,
            ..self
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cloud, self.kind)?;
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{}", segment.name))
    }
}

/// One segment of a template.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment {
    /// Name in templates: `CLUSTER`.
    pub name: &'static str,
    /// Key of the profile's setting that provides the segment if it is missing on the left.
    pub setting: Option<&'static str>,
    /// Allowed values; empty if any value is allowed.
    pub values: &'static [&'static str],
}

impl Segment {
    /// Creates a segment that must be given.
    pub const fn required(name: &'static str) -> Self {
        Self {
            name,
            setting: None,
            values: &[],
        }
    }

    /// Creates a segment that must be one of these values.
    pub const fn one_of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            values,
            ..Self::required(name)
        }
    }

    /// Creates a segment that a setting of the profile can provide.
    pub const fn with_setting(name: &'static str, key: &'static str) -> Self {
        Self {
            setting: Some(key),
            ..Self::required(name)
        }
    }
}
