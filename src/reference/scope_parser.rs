//! Parses the text of a scope.

use super::parser::{ReferenceParser, Token, end_span, not_listed, nth_segment, split};
use super::scope::{CloudScope, Scope, Target};
use crate::error::Problem;
use crate::kind::{Kind, Segment, Template};
use crate::secret::{quotable, shell_word};
use crate::settings::table_header;

impl ReferenceParser<'_> {
    /// Parses a scope or only a cloud, each with or without a slash at its end.
    ///
    /// # Errors
    /// As [`Self::parse_target`], for a single resource, and for a kind without a list.
    pub fn parse_list_target(&self, input: &str) -> Result<Target, Problem> {
        let mut parts = split(input);
        if parts.len() > 1 && parts.last().is_some_and(|part| part.text.is_empty()) {
            parts.pop();
        }
        let as_scope = |problem| self.as_scope(problem, input, &parts[0]);
        self.check_mistakes(input)?;
        if input.trim().is_empty() {
            let span = 0..input.len();
            let problem = self.usage_error(input, "empty scope".to_owned(), span, None);
            return Err(as_scope(problem));
        }
        if let [cloud] = &parts[..] {
            let (of_cloud, profile) = self.cloud(input, cloud).map_err(as_scope)?;
            return Ok(Target::Cloud(CloudScope {
                cloud: of_cloud[0].template.cloud,
                profile: profile.into(),
                input: input.to_owned(),
            }));
        }
        let (kind, profile) = self.head(input, &parts).map_err(as_scope)?;
        let template = &kind.template;
        let given = &parts[2..];
        let is_resource = given.len() == template.segments.len();
        if kind.list.is_none() {
            let problem = not_listed(input, kind);
            return Err(match is_resource {
                true => {
                    let reference = shell_word(input.trim_end_matches('/'));
                    problem.with_hint(format!("to get it: joblens get {reference}"))
                }
                false => problem,
            });
        }
        if let Some(last) = given.last().filter(|last| !last.text.is_empty())
            && is_resource
        {
            let message = "this is a single resource; expected a scope";
            let trimmed = input.trim_end_matches('/');
            return Err(self
                .usage_error(input, message.into(), last.range(), Some(template))
                .with_hint(format!(
                    "to get it: joblens get {}; to list its scope: joblens list {}",
                    shell_word(trimmed),
                    shell_word(&input[..last.at])
                )));
        }
        self.scope(input, given, kind, profile).map(Target::Scope)
    }

    /// Returns the template of the scopes of the kind that a text names, or of the first kind of a cloud alone. `None`
    /// if the text has the segments of a scope, or if the kind has no list.
    pub fn missing_scope(&self, input: &str) -> Option<String> {
        let parts = split(input);
        let kind = match &parts[..] {
            [cloud] => *self.cloud(input, cloud).ok()?.0.first()?,
            _ => self.head(input, &parts).ok()?.0,
        };
        let is_short = parts.len() < 2 + kind.template.scope_segments;
        (is_short && kind.list.is_some()).then(|| template_text(&kind.template))
    }

    /// Adds valid scopes to the problem of an unknown cloud or kind.
    pub(super) fn as_scope(&self, problem: Problem, input: &str, cloud: &Token<'_>) -> Problem {
        if let Some(text) = self.suggestion(input) {
            return problem.with_hint(format!("did you mean '{text}'?"));
        }
        let cloud = cloud.text.split('@').next().unwrap_or_default();
        let Some(closest) = self.closest_template(input) else {
            return problem.with_hint(self.clouds_hint("CLOUD/KIND[/SEGMENT…]/"));
        };
        let is_meant = |template: &&'static Template| {
            template.cloud == closest.cloud || template.cloud_short == cloud
        };
        let mut forms: Vec<String> = Vec::new();
        for template in self.templates().filter(is_meant) {
            let alone = format!("{}/", template.cloud);
            if template.scope_segments > 0 && !forms.contains(&alone) {
                forms.push(alone);
            }
            forms.push(template_text(template));
        }
        let which = if forms.len() > 1 { "one of: " } else { "" };
        problem.with_hint(format!("expected {which}{}", forms.join(", ")))
    }

    /// Parses the segments of a scope, counted from the left. If there are none, the profile's settings provide as
    /// many as are set.
    pub(super) fn scope(
        &self,
        input: &str,
        given: &[Token<'_>],
        kind: &'static Kind,
        profile: String,
    ) -> Result<Scope, Problem> {
        let template = &kind.template;
        let form = template_text(template);
        let with_expected_form = |mut problem: Problem| {
            problem.hint = Some(format!("expected {form}"));
            problem
        };
        let parents = &template.segments[..template.segments.len() - 1];
        if given.len() > parents.len() {
            let at = nth_segment(input, 2 + parents.len());
            let message = format!(
                "too many segments: expected {form} ({}), got {}",
                parents.len(),
                given.len()
            );
            let mut problem =
                with_expected_form(self.usage_error(input, message, at, Some(template)));
            let job = input.strip_suffix('/');
            if let Some(job) = job.filter(|_| given.len() == parents.len() + 1) {
                problem.hint = Some(format!(
                    "a scope ends with '/', a job does not: {}",
                    quotable(job)
                ));
            }
            return Err(problem);
        }
        let mut segments = Vec::with_capacity(parents.len());
        for part in given {
            let text = self
                .segment(input, template, part)
                .map_err(with_expected_form)?;
            self.check_value(input, template, segments.len(), &text, part)?;
            segments.push(text);
        }
        for segment in &parents[given.len()..] {
            let key = segment.setting.filter(|_| given.is_empty());
            match self.set(input, template, &profile, key)? {
                Some(value) => segments.push(value),
                None if segments.len() >= template.scope_segments => break,
                None if kind.list.is_none() => return Err(not_listed(input, kind)),
                None => {
                    let problem = self.missing_segment(input, template, segment, profile, key);
                    return Err(problem);
                }
            }
        }
        Ok(Scope {
            kind,
            profile: profile.into(),
            segments,
            input: input.to_owned(),
        })
    }

    /// Returns the error for a segment that neither the text nor the setting `key` of the profile provides.
    fn missing_segment(
        &self,
        input: &str,
        template: &'static Template,
        segment: &Segment,
        profile: String,
        key: Option<&str>,
    ) -> Problem {
        let message = format!("missing {}", segment.name);
        let problem = self.usage_error(input, message, end_span(input), Some(template));
        let cloud = CloudScope {
            cloud: template.cloud,
            profile: profile.into(),
            input: String::new(),
        };
        let mut hint = format!(
            "expected {}; to see what exists: joblens list {}",
            template_text(template),
            shell_word(&cloud.name())
        );
        if let Some(key) = key {
            let table = table_header(template.cloud, &cloud.profile);
            hint += &format!("; or set {key} in {table} of the config file");
        }
        problem.with_hint(hint)
    }
}

/// Returns the template of the scopes of a kind: `aliyun/job/CLUSTER/`, or `tencent/service/CLUSTER[/NAMESPACE]/`.
fn template_text(template: &Template) -> String {
    let mut form = format!("{}/{}", template.cloud, template.kind);
    let parents = &template.segments[..template.segments.len() - 1];
    for (at, segment) in parents.iter().enumerate() {
        form += &match at < template.scope_segments {
            true => format!("/{}", segment.name),
            false => format!("[/{}]", segment.name),
        };
    }
    form + "/"
}
