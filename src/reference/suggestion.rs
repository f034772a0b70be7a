//! Suggests corrections for a misspelled cloud, kind or segment.

use super::parser::{ReferenceParser, Token};
use crate::error::{Problem, closest_match};
use crate::kind::Template;

impl ReferenceParser<'_> {
    /// Checks the value of a segment.
    ///
    /// # Errors
    /// A usage error if the segment is not one of the allowed values.
    pub(super) fn check_value(
        &self,
        input: &str,
        template: &'static Template,
        index: usize,
        text: &str,
        part: &Token<'_>,
    ) -> Result<(), Problem> {
        let Some(segment) = template.segments.get(index) else {
            return Ok(());
        };
        let values = segment.values;
        if values.is_empty() || values.contains(&text) {
            return Ok(());
        }
        let name = segment.name;
        let message = format!("unknown {name} '{text}'");
        let problem = self.usage_error(input, message, part.range(), Some(template));
        let closest = closest_match(values.iter().copied(), text);
        let closest =
            closest.map_or_else(String::new, |closest| format!("did you mean '{closest}'? "));
        Err(problem.with_hint(format!("{closest}{name} is one of: {}", values.join(", "))))
    }

    /// Returns the name of the cloud that is closest to a word. A short name has too few letters to be recognized in a
    /// word with another first letter and more differences.
    pub(super) fn closest_cloud(&self, word: &str) -> Option<&'static str> {
        // Distances take most of the time to read thousands of references.
        let mut names = self.cloud_names();
        if let Some(name) = names.find(|name| name.eq_ignore_ascii_case(word)) {
            return Some(name);
        }
        let initial = |text: &str| text.chars().next().map(|c| c.to_ascii_lowercase());
        let distance = |name| strsim::damerau_levenshtein(name, &word.to_lowercase());
        closest_match(self.cloud_names(), word)
            .filter(|name| initial(name) == initial(word) || distance(name) <= 1)
    }

    /// Returns the text with the closest names of cloud and kind.
    pub(super) fn suggestion(&self, input: &str) -> Option<String> {
        let template = self.closest_template(input)?;
        let mut parts = input.splitn(3, '/');
        let head = parts.next().unwrap_or_default();
        let (cloud, profile) = head.split_at(head.find('@').unwrap_or(head.len()));
        let of_cloud = || self.kinds_of(template.cloud).into_iter();
        let known = [template.cloud, template.cloud_short];
        let cloud = match known.contains(&cloud.to_ascii_lowercase().as_str()) {
            true => cloud,
            false => template.cloud,
        };
        let mut text = format!("{cloud}{profile}");
        if let Some(kind) = parts.next() {
            let names = of_cloud().flat_map(|one| [one.template.kind, one.template.kind_short]);
            let kind = match kind {
                "" => "",
                word => match of_cloud().find(|kind| kind.is_similar_to(word)) {
                    Some(kind) => kind.template.kind,
                    None => closest_match(names, word)?,
                },
            };
            text += &format!("/{kind}");
        }
        if let Some(rest) = parts.next() {
            text += &format!("/{rest}");
        }
        (text != input).then_some(text)
    }

    /// Returns the template of the closest cloud and kind.
    pub(super) fn closest_template(&self, input: &str) -> Option<&'static Template> {
        let mut parts = input.splitn(3, '/');
        let cloud = parts.next().unwrap_or_default();
        let cloud = cloud.split('@').next().unwrap_or_default();
        let of_cloud = self.kinds_of(self.closest_cloud(cloud)?);
        let word = parts.next().unwrap_or_default();
        let similar = of_cloud.iter().find(|kind| kind.is_similar_to(word));
        let similar = similar.map(|kind| kind.template.kind);
        let of_cloud = || of_cloud.iter().map(|kind| &kind.template);
        let kinds = of_cloud().map(|template| template.kind);
        let kind = similar.or_else(|| closest_match(kinds, word));
        let of_kind = of_cloud().find(|template| Some(template.kind) == kind);
        of_kind.or_else(|| of_cloud().next())
    }
}
