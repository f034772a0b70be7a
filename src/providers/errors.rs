//! What the errors of a cloud mean, as data.

use std::time::Duration;

use super::request_id::RequestIdNames;
use crate::error::Category;
use crate::http::{Request, RequestError, Response, RetryAction};

/// How the errors of an API are read.
pub(super) struct ErrorSpec {
    /// The error that a response reports; without a code, only the HTTP status makes it one.
    pub error_details: fn(&Response) -> ErrorDetails,
    /// Where a response has the cloud's id of its request.
    pub request_id: RequestIdNames,
    /// What failures mean; the first rule that matches counts, the HTTP status where none does.
    pub rules: &'static [ErrorRule],
    /// What is different for single operations; the first rule that matches changes the result.
    pub overrides: &'static [ErrorRule],
}

/// The error that a response reports.
#[derive(Debug, Default)]
pub(super) struct ErrorDetails {
    /// The cloud's code.
    pub code: Option<String>,
    /// The cloud's words.
    pub message: Option<String>,
    /// The cloud's id of the request.
    pub request_id: Option<String>,
    /// How long to wait, from a header of the cloud's own.
    pub retry_after: Option<Duration>,
}

/// The request, as far as a hint needs it.
#[derive(Clone, Copy)]
pub(super) struct ErrorContext<'a> {
    /// The request.
    pub request: &'a Request,
    /// The region of the profile.
    pub region: Option<&'a str>,
}

impl ErrorContext<'_> {
    /// A parameter of the query; empty where it is missing.
    pub fn parameter(&self, name: &str) -> &str {
        let mut query = self.request.query.iter();
        query
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

/// The next step for the user.
#[derive(Clone, Copy)]
pub(super) enum Hint {
    /// A text.
    Text(&'static str),
    /// What depends on the request.
    With(fn(&ErrorContext<'_>) -> Option<String>),
}

/// When a rule matches: everything that is given must match.
struct Condition {
    codes: &'static [&'static str],
    has_code: Option<bool>,
    status: Option<u16>,
    category: Option<Category>,
}

/// What some failures mean. What it does not set stays as the HTTP status has it.
pub(super) struct ErrorRule {
    condition: Condition,
    category: Option<Category>,
    retry: Option<RetryAction>,
    message: Option<&'static str>,
    hint: Option<Hint>,
}

impl ErrorRule {
    const ANY: Self = Self {
        condition: Condition {
            codes: &[],
            has_code: None,
            status: None,
            category: None,
        },
        category: None,
        retry: None,
        message: None,
        hint: None,
    };

    /// Failures with one of these codes are of this category and not retried; a code that ends in `*`
    /// is a prefix, one that begins with it a suffix.
    pub const fn codes(codes: &'static [&'static str], category: Category) -> Self {
        Self {
            category: Some(category),
            retry: Some(RetryAction::No),
            ..Self::ANY.for_codes(codes)
        }
    }

    /// Failures with this HTTP status.
    pub const fn status(status: u16) -> Self {
        Self::ANY.for_status(status)
    }

    /// Failures that are of this category otherwise.
    pub const fn category(category: Category) -> Self {
        Self {
            condition: Condition {
                category: Some(category),
                ..Self::ANY.condition
            },
            ..Self::ANY
        }
    }

    /// Failures with any code.
    pub const fn any_code() -> Self {
        Self::ANY.for_code(true)
    }

    /// Only those with one of these codes.
    pub const fn for_codes(mut self, codes: &'static [&'static str]) -> Self {
        self.condition.codes = codes;
        self
    }

    /// Only those with this HTTP status.
    pub const fn for_status(mut self, status: u16) -> Self {
        self.condition.status = Some(status);
        self
    }

    /// Only those with a code, or without one.
    pub const fn for_code(mut self, has_code: bool) -> Self {
        self.condition.has_code = Some(has_code);
        self
    }

    /// They are of this category.
    pub const fn becomes(mut self, category: Category) -> Self {
        self.category = Some(category);
        self
    }

    /// Whether they are sent again.
    pub const fn retry(mut self, retry: RetryAction) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Their message where the cloud has none.
    pub const fn message(mut self, message: &'static str) -> Self {
        self.message = Some(message);
        self
    }

    /// What to do about them.
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(Hint::Text(hint));
        self
    }

    /// The hint for them, by the request.
    pub const fn hint_with(mut self, hint: fn(&ErrorContext<'_>) -> Option<String>) -> Self {
        self.hint = Some(Hint::With(hint));
        self
    }

    fn matches(&self, error: &RequestError, status: u16) -> bool {
        let condition = &self.condition;
        let code = error.code.as_deref();
        let is_code = |pattern: &&str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*'))
        {
            (Some(prefix), _) => code.is_some_and(|code| code.starts_with(prefix)),
            (None, Some(suffix)) => code.is_some_and(|code| code.ends_with(suffix)),
            (None, None) => code == Some(*pattern),
        };
        (condition.codes.is_empty() || condition.codes.iter().any(is_code))
            && condition.has_code.is_none_or(|has| code.is_some() == has)
            && condition.status.is_none_or(|wanted| wanted == status)
            && condition
                .category
                .is_none_or(|wanted| wanted == error.category)
    }

    fn apply(&self, error: &mut RequestError, context: &ErrorContext<'_>) {
        error.category = self.category.unwrap_or(error.category);
        error.retry = self.retry.unwrap_or(error.retry);
        match (self.message, &error.code) {
            (Some(message), _) => message.clone_into(&mut error.message),
            // A code is more specific than a status that is known to be imprecise.
            (None, Some(code)) if !self.condition.codes.is_empty() => {
                error.message.clone_from(code);
            }
            (None, _) => {}
        }
        match self.hint {
            Some(Hint::Text(text)) => error.hint = Some(text.to_owned()),
            Some(Hint::With(make)) => error.hint = make(context),
            None => {}
        }
    }
}

impl ErrorSpec {
    /// Reads failures of a request whose region does not matter.
    pub fn classifier(
        &self,
        request: &Request,
    ) -> impl Fn(&Response) -> Option<RequestError> + Sync {
        let context = ErrorContext {
            request,
            region: None,
        };
        move |response| self.classify(&context, response)
    }

    /// Reads a failure: by the cloud's code first, by the HTTP status where there is none or none that
    /// is known; `None` for a success.
    pub fn classify(
        &self,
        context: &ErrorContext<'_>,
        response: &Response,
    ) -> Option<RequestError> {
        let details = (self.error_details)(response);
        let by_status = RequestError::from_status(response);
        if by_status.is_none() && details.code.is_none() {
            return None;
        }
        let mut error =
            by_status.unwrap_or_else(|| RequestError::new(Category::ServiceError, "service error"));
        if details.code.is_some() {
            // The cloud itself answered, so that a 407 is not a proxy's.
            error.transport_failure = None;
        }
        error.code = details.code;
        error.request_id = details
            .request_id
            .or_else(|| self.request_id.in_error(response));
        first_match(self.rules, &mut error, context, response.status);
        if let Some(message) = details.message {
            error.message = message;
        }
        if details.retry_after.is_some() && response.status >= 400 {
            error.category = Category::Throttled;
            error.retry = RetryAction::Backoff;
            error.retry_after = details.retry_after;
        }
        first_match(self.overrides, &mut error, context, response.status);
        Some(error)
    }
}

fn first_match(
    rules: &[ErrorRule],
    error: &mut RequestError,
    context: &ErrorContext<'_>,
    status: u16,
) {
    if let Some(rule) = rules.iter().find(|rule| rule.matches(error, status)) {
        rule.apply(error, context);
    }
}
