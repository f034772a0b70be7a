use std::ops::Range;

use super::mistakes;
use super::{LATEST, MAX_REFERENCE_BYTES, Reference, Scope, Target, segment_error};
use crate::crypto;
use crate::error::{Problem, closest_match};
use crate::kind::{Kind, Template};
use crate::secret::shell_word;

/// Returns the value of a profile's setting, by cloud, profile and key.
type SettingOf<'a> = dyn Fn(&str, &str, &str) -> Result<Option<String>, Problem> + 'a;

/// Parses references with the kinds of the registry and the settings of profiles.
pub struct ReferenceParser<'a> {
    /// All kinds.
    pub kinds: &'a [&'static Kind],
    /// The profile of a reference without `@PROFILE`.
    pub default_profile: &'a str,
    /// Returns the value of a profile's setting, by cloud, profile and key, or the reason why it cannot be used.
    pub setting: &'a SettingOf<'a>,
}

impl ReferenceParser<'_> {
    /// Parses a single resource, a range of them, or the newest one of a scope.
    ///
    /// # Errors
    /// A usage error with the wrong part, the template and a sample of the closest kind.
    pub fn parse(&self, input: &str) -> Result<Target, Problem> {
        let parts = split(input);
        let (kind, profile) = self.head(input, &parts)?;
        if is_scope(&parts) {
            let trimmed = input.trim_end_matches('/');
            let hint = match parts.len() - 3 < kind.template.segments.len() {
                true if kind.list.is_none() => kind.by_reference_hint(),
                true => format!("to list it: joblens list {}", shell_word(trimmed)),
                false => format!("did you mean '{trimmed}'?"),
            };
            let message = "this is a scope; expected a single resource".to_owned();
            let at = trimmed.len()..input.len();
            let problem = self.usage_error(input, message, at, Some(&kind.template));
            return Err(problem.with_hint(hint));
        }
        self.jobs(input, &parts[2..], kind, profile)
    }

    /// Parses a reference, or a scope if the text ends in `/`.
    ///
    /// # Errors
    /// As [`Self::parse`], and for a scope with too many, too few or invalid segments.
    pub fn parse_target(&self, input: &str) -> Result<Target, Problem> {
        let parts = split(input);
        let (kind, profile) = self.head(input, &parts)?;
        if !is_scope(&parts) {
            return self.jobs(input, &parts[2..], kind, profile);
        }
        let given = &parts[2..parts.len() - 1];
        self.scope(input, given, kind, profile).map(Target::Scope)
    }

    /// Parses kind and profile.
    pub(super) fn head(
        &self,
        input: &str,
        parts: &[Token<'_>],
    ) -> Result<(&'static Kind, String), Problem> {
        self.check_mistakes(input)?;
        if parts.len() == 1 && !input.trim().is_empty() && self.closest_template(input).is_none() {
            return Err(self.bare_id(input));
        }
        let (of_cloud, profile) = self.cloud(input, &parts[0])?;
        let Some(kind_part) = parts.get(1).filter(|part| !part.text.is_empty()) else {
            let message = "missing kind".to_owned();
            let at = parts.get(1).map_or_else(|| end_span(input), Token::range);
            return Err(self.usage_error(input, message, at, Some(&of_cloud[0].template)));
        };
        let kind = self.kind(input, &of_cloud, kind_part)?;
        Ok((kind, profile))
    }

    /// Checks that a text is not too long, and not another kind of input, such as a URL or a path.
    ///
    /// # Errors
    /// A usage error that explains the mistake.
    pub(super) fn check_mistakes(&self, input: &str) -> Result<(), Problem> {
        if input.len() > MAX_REFERENCE_BYTES {
            let message = format!(
                "a text of {} bytes is too long for a reference",
                input.len()
            );
            return Err(Problem::usage(message).with_hint(mistakes::HINT));
        }
        let is_kind = |text: &str| {
            let mut templates = self.templates();
            templates.any(|template| [template.kind, template.kind_short].contains(&text))
        };
        let rooted = input.strip_prefix('/');
        if rooted.is_some_and(|rest| rest.split('/').next().is_some_and(is_kind)) {
            // Only the cloud is missing.
            return Ok(());
        }
        let resembles_cloud = |text: &str| self.closest_cloud(text).is_some();
        mistakes::find(input, &resembles_cloud).map_or(Ok(()), Err)
    }

    /// Returns the names and short names of all clouds.
    pub(super) fn cloud_names(&self) -> impl Iterator<Item = &'static str> {
        self.templates()
            .flat_map(|template| [template.cloud, template.cloud_short])
    }

    /// Returns the problem of an unknown cloud or kind, with a suggested text.
    fn unknown_name_error(
        &self,
        input: &str,
        message: String,
        span: Range<usize>,
        closest: Option<&'static Template>,
    ) -> Problem {
        let problem = self.usage_error(input, message, span, closest);
        match self.suggestion(input) {
            Some(text) => problem.with_hint(format!("did you mean '{text}'?")),
            None => problem,
        }
    }

    /// Returns the problem of a text without a slash that resembles no cloud.
    fn bare_id(&self, input: &str) -> Problem {
        if is_short_reference(input) {
            let message = "short references work only as arguments in an interactive shell";
            let problem = self.usage_error(input, message.to_owned(), 0..input.len(), None);
            return problem.with_hint(
                "pass a reference, or pipe references: joblens list -o name | joblens get -",
            );
        }
        let message = format!("'{input}' is not a reference");
        let problem = self.usage_error(input, message, 0..input.len(), None);
        if input.starts_with('%') {
            return problem.with_hint(
                "%1 is the first row of the last list; pass each row as an argument: %1 %2",
            );
        }
        // A kind whose id is sufficient if a setting provides the other segment.
        let short = self.templates().find(|template| {
            template.segments.len() == 2 && template.segments[0].setting.is_some()
        });
        match short.and_then(|template| Some((template, template.segments[0].setting?))) {
            None => problem,
            Some((template, _)) if input.starts_with('-') => {
                problem.with_hint(format!("expected CLOUD/KIND/SEGMENT…, e.g. {}", template.sample))
            }
            // A line of a table or of JSON.
            Some((template, _)) if input.contains([' ', '\t', '{', '"', ',']) => problem.with_hint(format!(
                "expected CLOUD/KIND/SEGMENT…, e.g. {}; to print references: joblens list -o name",
                template.sample
            )),
            Some((template, key)) => problem.with_hint(format!(
                "expected CLOUD/KIND/SEGMENT…, e.g. {}; with a default {key}: {}/{}/{input}",
                template.sample, template.cloud, template.kind
            )),
        }
    }

    /// Returns the kinds of a cloud, of which there is at least one, and the profile.
    pub(super) fn cloud(
        &self,
        input: &str,
        part: &Token<'_>,
    ) -> Result<(Vec<&'static Kind>, String), Problem> {
        let (cloud_text, profile_text) = match part.text.split_once('@') {
            Some((cloud, profile)) => (cloud, Some(profile)),
            None => (part.text, None),
        };
        let of_cloud = self.kinds_of(cloud_text);
        if of_cloud.is_empty() {
            let at = part.at..part.at + cloud_text.len();
            let message = match cloud_text {
                "" if input.trim().is_empty() => "empty reference".to_owned(),
                "" => "missing cloud".to_owned(),
                _ => format!("unknown cloud '{cloud_text}'"),
            };
            return Err(self.unknown_name_error(input, message, at, None));
        }
        let profile = match profile_text {
            Some(text) => self.profile(input, part, text)?,
            None => self.default_profile.to_owned(),
        };
        Ok((of_cloud, profile))
    }

    fn jobs(
        &self,
        input: &str,
        given: &[Token<'_>],
        kind: &'static Kind,
        profile: String,
    ) -> Result<Target, Problem> {
        let template = &kind.template;
        let is_newest = given.last().is_some_and(|last| last.text == LATEST);
        if is_newest && kind.list.is_none() {
            return Err(not_listed(input, kind));
        }
        let mut segments = self.missing(input, template, given, &profile)?;
        let input_text = input.to_owned();
        let named = &given[..given.len() - usize::from(is_newest)];
        if let Some(last) = named.last().filter(|last| last.text.starts_with('@')) {
            let message = format!("unknown segment '{}'", last.text);
            let hint = match closest_match([LATEST], last.text) {
                Some(_) => format!("did you mean {LATEST}?"),
                None => format!("use {LATEST}, or %40 for an '@' that belongs to the ID"),
            };
            let problem = self.usage_error(input, message, last.range(), Some(template));
            return Err(problem.with_hint(hint));
        }
        for part in named {
            let text = self.segment(input, template, part)?;
            self.check_value(input, template, segments.len(), &text, part)?;
            segments.push(text);
        }
        if is_newest {
            return Ok(Target::Latest(Scope {
                kind,
                profile: profile.into(),
                segments,
                input: input_text,
            }));
        }
        let ids = match given.last() {
            Some(last) if template.ranges => self.range(input, template, last)?,
            _ => None,
        };
        let reference = Reference {
            kind,
            profile: profile.into(),
            segments,
            input: input_text.into(),
        };
        Ok(Target::Jobs(match ids {
            None => vec![reference],
            Some(ids) => ids.into_iter().map(|id| reference.with_id(id)).collect(),
        }))
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &'static Template> {
        self.kinds.iter().map(|kind| &kind.template)
    }

    pub(super) fn kinds_of(&self, cloud: &str) -> Vec<&'static Kind> {
        let is_requested = |kind: &&&Kind| {
            cloud.eq_ignore_ascii_case(kind.template.cloud)
                || cloud.eq_ignore_ascii_case(kind.template.cloud_short)
        };
        self.kinds.iter().filter(is_requested).copied().collect()
    }

    fn profile(&self, input: &str, part: &Token<'_>, text: &str) -> Result<String, Problem> {
        let start = part.at + part.text.len() - text.len();
        match crypto::percent_decode(text) {
            Some(profile) if !profile.is_empty() => Ok(profile),
            _ => {
                let message = "the profile after '@' is empty or badly encoded".to_owned();
                Err(self.usage_error(input, message, start..start + text.len(), None))
            }
        }
    }

    fn kind(
        &self,
        input: &str,
        of_cloud: &[&'static Kind],
        part: &Token<'_>,
    ) -> Result<&'static Kind, Problem> {
        let found = of_cloud.iter().find(|kind| {
            part.text.eq_ignore_ascii_case(kind.template.kind)
                || part.text.eq_ignore_ascii_case(kind.template.kind_short)
        });
        if let Some(kind) = found {
            return Ok(kind);
        }
        let templates = || of_cloud.iter().map(|kind| &kind.template);
        let cloud = of_cloud[0].template.cloud;
        let message = format!("unknown kind '{}' for {cloud}", part.text);
        let similar = of_cloud.iter().find(|kind| kind.is_similar_to(part.text));
        let similar = similar.map(|kind| kind.template.kind);
        let names = templates().map(|template| template.kind);
        let closest = similar.or_else(|| closest_match(names, part.text));
        let template = templates().find(|template| Some(template.kind) == closest);
        let problem = self.unknown_name_error(input, message, part.range(), template);
        Err(match template {
            Some(_) => problem,
            None => problem.with_hint(format!("available: {}", templates_text(templates()))),
        })
    }

    pub(super) fn segment(
        &self,
        input: &str,
        template: &'static Template,
        part: &Token<'_>,
    ) -> Result<String, Problem> {
        let usage_error = |message: &str| {
            Err(self.usage_error(input, message.to_owned(), part.range(), Some(template)))
        };
        let Some(text) = crypto::percent_decode(part.text) else {
            return usage_error(
                "'%' must be followed by two hex digits of UTF-8 text (%25 is a percent sign)",
            );
        };
        match segment_error(&text) {
            Some(fault) => usage_error(fault),
            None => Ok(text),
        }
    }

    /// Returns a usage error that marks a part of the text and shows the closest template.
    pub(super) fn usage_error(
        &self,
        input: &str,
        message: String,
        span: Range<usize>,
        closest: Option<&'static Template>,
    ) -> Problem {
        let mut problem = Problem::usage(message);
        problem.input = Some(input.to_owned());
        problem.span = Some(span);
        problem.with_hint(match closest.or_else(|| self.closest_template(input)) {
            Some(template) => format!("expected {template}, e.g. {}", template.sample),
            None => self.clouds_hint("CLOUD/KIND/SEGMENT…"),
        })
    }

    /// Returns the hint for an unknown cloud.
    pub(super) fn clouds_hint(&self, form: &str) -> String {
        let mut clouds: Vec<_> = self.templates().map(|one| one.cloud).collect();
        clouds.dedup();
        let clouds = clouds.join(", ");
        format!("expected {form}, where CLOUD is one of {clouds}; see: joblens kinds")
    }
}

/// Returns the usage error for a scope of a kind without a list.
pub(super) fn not_listed(input: &str, kind: &Kind) -> Problem {
    Problem {
        input: Some(input.to_owned()),
        ..kind.not_listed()
    }
}

fn templates_text(templates: impl Iterator<Item = &'static Template>) -> String {
    let forms: Vec<String> = templates.map(ToString::to_string).collect();
    forms.join(", ")
}

/// The text between two slashes.
pub(super) struct Token<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl Token<'_> {
    pub fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }
}

pub(super) fn split(input: &str) -> Vec<Token<'_>> {
    let mut at = 0;
    input
        .split('/')
        .map(|text| {
            let part = Token { text, at };
            at += text.len() + 1;
            part
        })
        .collect()
}

/// Returns `true` if the text is a cloud and a kind with an empty last segment.
fn is_scope(parts: &[Token<'_>]) -> bool {
    parts.len() > 2 && parts.last().is_some_and(|part| part.text.is_empty())
}

pub(super) fn end_span(input: &str) -> Range<usize> {
    input.len()..input.len()
}

pub(super) fn nth_segment(input: &str, n: usize) -> Range<usize> {
    split(input)
        .get(n)
        .map_or_else(|| end_span(input), |part| part.at..input.len())
}

/// Returns `true` if a text is `-` or the number of a row such as `%1`, which stand for references on a terminal.
fn is_short_reference(input: &str) -> bool {
    let is_number = |row: &str| !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit());
    input == "-" || input.strip_prefix('%').is_some_and(is_number)
}
