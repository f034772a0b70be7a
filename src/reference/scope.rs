use std::fmt;
use std::sync::Arc;

use super::{Reference, account, segment_error, write_cloud, write_scope};
use crate::crypto;
use crate::kind::Kind;

/// The prefix of references: all resources of one kind in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The kind of its resources.
    pub kind: &'static Kind,
    /// Name of the profile, `default` included.
    pub profile: Arc<str>,
    /// Decoded segments: at least as many as [`crate::kind::Template::with_scope_segments`] sets, at most all but
    /// the id.
    pub segments: Vec<String>,
    /// The text that the user typed.
    pub input: String,
}

/// A cloud with one of its profiles: everything that can be listed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudScope {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Name of the profile, `default` included.
    pub profile: Arc<str>,
    /// The text that the user typed.
    pub input: String,
}

/// The target of a text.
#[derive(Debug, Clone)]
pub enum Target {
    /// One resource, or all resources of a range.
    Jobs(Vec<Reference>),
    /// The newest resource of a complete scope (see [`LATEST`](super::LATEST)).
    Latest(Scope),
    /// All resources of a scope.
    Scope(Scope),
    /// Everything that can be listed in a cloud.
    Cloud(CloudScope),
}

impl Scope {
    /// Creates a scope with these segments; `None` if they are too few or too many, or invalid in a reference.
    pub fn at(kind: &'static Kind, profile: &str, segments: &[&str]) -> Option<Self> {
        let counts = kind.template.scope_segments..kind.template.segments.len();
        let is_faulty = segments.iter().any(|text| segment_error(text).is_some());
        if is_faulty || !counts.contains(&segments.len()) {
            return None;
        }
        let mut scope = Self {
            kind,
            profile: profile.into(),
            segments: segments.iter().map(ToString::to_string).collect(),
            input: String::new(),
        };
        scope.input = scope.to_string();
        Some(scope)
    }

    /// Returns the reference of the resource with these segments below the scope, the id last; `None` if they are
    /// too few or too many, or invalid in a reference, such as `..` or control characters.
    pub fn reference(&self, below: &[&str]) -> Option<Reference> {
        let segments = self.segments.len() + below.len();
        let has_all_segments = segments == self.kind.template.segments.len() && !below.is_empty();
        if !has_all_segments || below.iter().any(|text| segment_error(text).is_some()) {
            return None;
        }
        let below = below.iter().map(ToString::to_string);
        let mut reference = Reference {
            kind: self.kind,
            profile: Arc::clone(&self.profile),
            segments: self.segments.iter().cloned().chain(below).collect(),
            input: Arc::default(),
        };
        reference.input = reference.to_string().into();
        Some(reference)
    }

    /// Parses the canonical reference of a resource of this scope; `None` for any other text.
    pub fn reference_of(&self, canonical: &str) -> Option<Reference> {
        let below = canonical.strip_prefix(&self.to_string())?;
        let decoded: Option<Vec<String>> = below.split('/').map(crypto::percent_decode).collect();
        let decoded = decoded?;
        self.reference(&decoded.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Returns cloud and profile, the beginning of its references.
    pub fn account(&self) -> String {
        account(self.kind.template.cloud, &self.profile)
    }

    /// Returns the segment with this name in the template; `None` also if the scope does not contain it.
    pub fn segment(&self, name: &str) -> Option<&str> {
        let mut names = self.kind.template.segments.iter();
        let at = names.position(|segment| segment.name == name)?;
        self.segments.get(at).map(String::as_str)
    }
}

/// The canonical form with a trailing slash.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scope(f, self.kind, &self.profile, &self.segments)
    }
}

/// The canonical form with a trailing slash.
impl fmt::Display for CloudScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_cloud(f, self.cloud, &self.profile)
    }
}

impl CloudScope {
    /// Returns the canonical form without its slash: `aliyun@prod`.
    pub fn name(&self) -> String {
        let canonical = self.to_string();
        canonical.trim_end_matches('/').to_owned()
    }
}
