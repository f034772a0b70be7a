//! References: a reference is one shell word that names one resource in one cloud, `CLOUD[@PROFILE]/KIND/SEGMENT…`.

mod defaults;
mod mistakes;
mod parser;
mod range;
mod scope;
mod scope_parser;
mod suggestion;

use std::fmt;
use std::sync::Arc;

use crate::crypto;
use crate::kind::Kind;
use range::range_parts;

pub use mistakes::{find as find_mistake, find_first_character};
pub use parser::ReferenceParser;
pub use scope::{CloudScope, Scope, Target};

/// The profile that a reference without `@PROFILE` uses.
pub const DEFAULT_PROFILE: &str = "default";

/// Replaces the last segment of a reference to select the newest resource of its scope.
pub const LATEST: &str = "@latest";

/// Longer than any reference, so that an error can show the whole text.
pub const MAX_REFERENCE_BYTES: usize = 4096;

/// The address of one resource.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Its kind.
    pub kind: &'static Kind,
    /// Name of the profile, `default` included.
    pub profile: Arc<str>,
    /// Decoded segments, as many as in the template.
    pub segments: Vec<String>,
    /// The text that the user typed.
    pub input: Arc<str>,
}

impl Reference {
    /// Returns cloud and profile, the beginning of the reference.
    pub fn account(&self) -> String {
        account(self.kind.template.cloud, &self.profile)
    }

    /// Returns the last segment.
    pub fn id(&self) -> &str {
        self.segments
            .last()
            .expect("every template has at least one segment")
    }

    /// Returns the segments before the last one.
    pub fn parent_segments(&self) -> &[String] {
        self.segments
            .split_last()
            .map_or(&[], |(_, parents)| parents)
    }

    /// Returns the segment with this name in the template.
    pub fn segment(&self, name: &str) -> Option<&str> {
        let at = self
            .kind
            .template
            .segments
            .iter()
            .position(|segment| segment.name == name)?;
        self.segments.get(at).map(String::as_str)
    }
}

/// The canonical form: long names, without `@default`, with strict percent-encoding.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scope(f, self.kind, &self.profile, self.parent_segments())?;
        let mut id = crypto::percent_encode(self.id());
        if self.kind.template.ranges && range_parts(&id).is_some() {
            // An id that looks like a range must not be parsed as a range later.
            id = id.replace('-', "%2D");
        }
        f.write_str(&id)
    }
}

/// Writes the cloud and profile of a canonical reference, followed by a slash.
fn write_cloud(f: &mut fmt::Formatter<'_>, cloud: &str, profile: &str) -> fmt::Result {
    write!(f, "{}/", account(cloud, profile))
}

/// Returns cloud and profile, the beginning of a reference.
fn account(cloud: &str, profile: &str) -> String {
    match profile {
        DEFAULT_PROFILE => cloud.to_owned(),
        _ => format!("{cloud}@{}", crypto::percent_encode(profile)),
    }
}

/// Writes the part of a canonical reference before its id, including the slash.
fn write_scope(
    f: &mut fmt::Formatter<'_>,
    kind: &Kind,
    profile: &str,
    segments: &[String],
) -> fmt::Result {
    write_cloud(f, kind.template.cloud, profile)?;
    write!(f, "{}/", kind.template.kind)?;
    segments
        .iter()
        .try_for_each(|segment| write!(f, "{}/", crypto::percent_encode(segment)))
}

impl Reference {
    fn with_id(&self, id: String) -> Self {
        let mut reference = self.clone();
        *reference
            .segments
            .last_mut()
            .expect("every template has at least one segment") = id;
        reference
    }
}

/// Returns the reason why a decoded text cannot be a segment.
pub fn segment_error(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("empty segment"),
        "." | ".." => Some("'.' and '..' are not allowed as segments"),
        _ if text.contains(char::is_control) => Some("a segment contains a control character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
