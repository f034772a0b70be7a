//! Fills in segments from the settings of a profile.

use super::LATEST;
use super::parser::{ReferenceParser, Token, end_span, nth_segment};
use crate::error::Problem;
use crate::kind::{Segment, Template};
use crate::settings::table_header;

impl ReferenceParser<'_> {
    /// Returns the leftmost segments that the profile's settings provide.
    pub(super) fn missing(
        &self,
        input: &str,
        template: &'static Template,
        given: &[Token<'_>],
        profile: &str,
    ) -> Result<Vec<String>, Problem> {
        let wanted = template.segments.len();
        if given.len() > wanted {
            let at = nth_segment(input, 2 + wanted);
            let message = format!(
                "too many segments: expected {template} ({wanted}), got {}",
                given.len()
            );
            return Err(self.usage_error(input, message, at, Some(template)));
        }
        let (mut filled, mut unset) = (Vec::new(), Vec::new());
        for segment in &template.segments[..wanted - given.len()] {
            let key = segment.setting.filter(|_| !given.is_empty());
            match self.set(input, template, profile, key)? {
                Some(value) => filled.push(value),
                None => unset.push(segment),
            }
        }
        let Some(first) = unset.first() else {
            return Ok(filled);
        };
        let names = |segments: &[Segment]| {
            let names: Vec<_> = segments.iter().map(|segment| segment.name).collect();
            names.join("/")
        };
        let is_newest = given.last().is_some_and(|last| last.text == LATEST);
        let name = match is_newest || given.is_empty() {
            true => first.name.to_owned(),
            false => names(&template.segments[given.len()..]),
        };
        let message = format!("missing {name}");
        let problem = self.usage_error(input, message, end_span(input), Some(template));
        let keys: Vec<&str> = unset.iter().filter_map(|segment| segment.setting).collect();
        if keys.is_empty() || given.is_empty() {
            return Err(problem);
        }
        let texts: Vec<&str> = given.iter().map(|part| part.text).collect();
        let hint = format!(
            "{}; to read '{}' as {}, set {} in {} of the config file",
            problem.hint.as_deref().unwrap_or_default(),
            texts.join("/"),
            names(&template.segments[wanted - given.len()..]),
            keys.join(" and "),
            table_header(template.cloud, profile)
        );
        Err(problem.with_hint(hint))
    }

    /// Returns the setting of a profile for a segment.
    ///
    /// # Errors
    /// The problem of the setting, with the input that needs it.
    pub(super) fn set(
        &self,
        input: &str,
        template: &'static Template,
        profile: &str,
        key: Option<&str>,
    ) -> Result<Option<String>, Problem> {
        let Some(key) = key else {
            return Ok(None);
        };
        (self.setting)(template.cloud, profile, key).map_err(|problem| Problem {
            input: Some(input.to_owned()),
            ..problem
        })
    }
}
