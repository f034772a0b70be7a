//! The templates of references.

use std::fmt;

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
    /// The segments after the kind, last one the id.
    pub segments: &'static [Segment],
    /// How many segments a scope has at least; with fewer than all but the id it is a wider place,
    /// such as a cluster with all its namespaces.
    pub scope_segments: usize,
    /// True when the last segment may be a range such as `10_1-5` or `10_1-9:2`.
    pub ranges: bool,
    /// A reference of this kind as an example.
    pub sample: &'static str,
}

impl Template {
    /// The template of `cloud` and `kind`, each with its long and its short name; every segment but
    /// the id makes the scope.
    pub const fn new(
        cloud: [&'static str; 2],
        kind: [&'static str; 2],
        segments: &'static [Segment],
        sample: &'static str,
    ) -> Self {
        Self {
            cloud: cloud[0],
            cloud_short: cloud[1],
            kind: kind[0],
            kind_short: kind[1],
            segments,
            scope_segments: segments.len() - 1,
            ranges: false,
            sample,
        }
    }

    /// The same with scopes of this many segments at least.
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
    /// Name as templates show it: `CLUSTER`.
    pub name: &'static str,
    /// Key of the profile's settings that fills it when it is missing on the left.
    pub setting: Option<&'static str>,
    /// What it may be; anything where this is empty.
    pub values: &'static [&'static str],
}

impl Segment {
    /// A segment that must be written.
    pub const fn required(name: &'static str) -> Self {
        Self {
            name,
            setting: None,
            values: &[],
        }
    }

    /// A segment that must be one of these words.
    pub const fn one_of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            values,
            ..Self::required(name)
        }
    }

    /// A segment that a setting of the profile can fill.
    pub const fn with_setting(name: &'static str, key: &'static str) -> Self {
        Self {
            setting: Some(key),
            ..Self::required(name)
        }
    }
}
