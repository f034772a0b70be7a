use std::fmt;

use super::{Part, Reader, Reference, Template, end_of, nth_segment, segment_fault, write_scope};
use crate::error::Problem;

/// A reference without its last segment: all things of one kind in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The form of the references of the things in it.
    pub template: &'static Template,
    /// Name of the profile, `default` included.
    pub profile: String,
    /// Decoded segments, one less than the template has.
    pub segments: Vec<String>,
    /// What was typed.
    pub input: String,
}

/// What a text names.
#[derive(Debug, Clone)]
pub enum Target {
    /// One thing, or as many as a range holds.
    Things(Vec<Reference>),
    /// All things of a scope.
    Scope(Scope),
}

impl Scope {
    /// The reference of the thing with this id in the scope; `None` for an id that no reference can
    /// hold, such as `..` or a text with control characters.
    pub fn reference(&self, id: &str) -> Option<Reference> {
        if segment_fault(id).is_some() {
            return None;
        }
        let id = std::iter::once(id.to_owned());
        let mut reference = Reference {
            template: self.template,
            profile: self.profile.clone(),
            segments: self.segments.iter().cloned().chain(id).collect(),
            input: String::new(),
        };
        reference.input = reference.to_string();
        Some(reference)
    }

    /// The segment with this name in the template.
    pub fn segment(&self, name: &str) -> Option<&str> {
        let mut names = self.template.segments.iter();
        let at = names.position(|segment| segment.name == name)?;
        self.segments.get(at).map(String::as_str)
    }
}

/// The canonical form, with its trailing slash.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scope(f, self.template, &self.profile, &self.segments)
    }
}

impl Reader<'_> {
    /// Reads the segments of a scope; those missing on the left come from the profile's settings.
    pub(super) fn scope(
        &self,
        input: &str,
        given: &[Part<'_>],
        template: &'static Template,
        profile: String,
    ) -> Result<Scope, Problem> {
        let form = form_of(template);
        let wrong = |mut problem: Problem| {
            problem.hint = Some(format!("write {form}"));
            problem
        };
        let parents = &template.segments[..template.segments.len() - 1];
        let Some(left_out) = parents.len().checked_sub(given.len()) else {
            let at = nth_segment(input, 2 + parents.len());
            let message = format!(
                "{} segments where {form} has {}",
                given.len(),
                parents.len()
            );
            return Err(wrong(self.wrong(input, message, at, Some(template))));
        };
        let mut segments = Vec::with_capacity(parents.len());
        for segment in &parents[..left_out] {
            let value = segment
                .setting
                .and_then(|key| (self.setting)(template.cloud, &profile, key));
            let Some(value) = value else {
                let message = format!("{} is missing", segment.name);
                let mut problem = wrong(self.wrong(input, message, end_of(input), Some(template)));
                if let (Some(hint), Some(key)) = (&mut problem.hint, segment.setting) {
                    let table = format!("[{}.{profile}]", template.cloud);
                    *hint += &format!("; or set {key} in {table} of the settings file");
                }
                return Err(problem);
            };
            segments.push(value);
        }
        for part in given {
            segments.push(self.segment(input, template, part).map_err(wrong)?);
        }
        Ok(Scope {
            template,
            profile,
            segments,
            input: input.to_owned(),
        })
    }
}

/// The form of the scopes of a kind: `aliyun/job/CLUSTER/`.
fn form_of(template: &Template) -> String {
    let form = template.to_string();
    let (scope, _id) = form
        .rsplit_once('/')
        .expect("a template has slashes between its parts");
    format!("{scope}/")
}
