//! Classifies a cloud's errors by declarative rules.

use std::time::Duration;

use super::request_id::RequestIdNames;
use crate::error::Category;
use crate::http::{Request, RequestError, Response, RetryAction};

/// How the errors of an API are parsed and classified.
pub(super) struct ErrorSpec {
    /// Parses the error in a response. If it has no code, only the HTTP status makes the response an error.
    pub error_details: fn(&Response) -> ErrorDetails,
    /// The headers and fields that contain the cloud's id of the request.
    pub request_id: RequestIdNames,
    /// Rules for all operations. The first rule that matches applies; if none does, the HTTP status decides.
    pub rules: &'static [ErrorRule],
    /// Rules for single operations. The first rule that matches changes the result of `rules`.
    pub overrides: &'static [ErrorRule],
}

/// The error that a response reports.
#[derive(Debug, Default)]
pub(super) struct ErrorDetails {
    /// The cloud's error code.
    pub code: Option<String>,
    /// The cloud's message.
    pub message: Option<String>,
    /// The cloud's id of the request.
    pub request_id: Option<String>,
    /// How long to wait, from a header that only this cloud uses.
    pub retry_after: Option<Duration>,
}

/// The data that a hint can depend on.
#[derive(Clone, Copy)]
pub(super) struct HintContext<'a> {
    /// The request.
    pub request: &'a Request,
    /// The region of the profile.
    pub region: Option<&'a str>,
}

impl HintContext<'_> {
    /// Returns a query parameter; empty if it is missing.
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
    /// A fixed text.
    Text(&'static str),
    /// A text that depends on the request.
    With(fn(&HintContext<'_>) -> Option<String>),
}

/// When a rule applies: all conditions that are set must match.
struct Condition {
    codes: &'static [&'static str],
    has_code: Option<bool>,
    status: Option<u16>,
    category: Option<Category>,
}

/// Changes the classification of some errors. Fields that are not set keep the value from the HTTP status.
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

    /// Assigns a category without retries to errors with one of these codes. A code that ends in `*` is a
    /// prefix, one that begins with `*` a suffix.
    pub const fn codes(codes: &'static [&'static str], category: Category) -> Self {
        Self {
            category: Some(category),
            retry: Some(RetryAction::No),
            ..Self::ANY.for_codes(codes)
        }
    }

    /// Matches errors with this HTTP status.
    pub const fn status(status: u16) -> Self {
        Self::ANY.for_status(status)
    }

    /// Matches errors with this category, which the HTTP status or [`ErrorSpec::rules`] determined.
    pub const fn category(category: Category) -> Self {
        Self {
            condition: Condition {
                category: Some(category),
                ..Self::ANY.condition
            },
            ..Self::ANY
        }
    }

    /// Matches errors with any code.
    pub const fn any_code() -> Self {
        Self::ANY.for_code(true)
    }

    /// Matches only errors with one of these codes.
    pub const fn for_codes(mut self, codes: &'static [&'static str]) -> Self {
        self.condition.codes = codes;
        self
    }

    /// Matches only errors with this HTTP status.
    pub const fn for_status(mut self, status: u16) -> Self {
        self.condition.status = Some(status);
        self
    }

    /// Matches only errors with a code, or only those without one.
    pub const fn for_code(mut self, has_code: bool) -> Self {
        self.condition.has_code = Some(has_code);
        self
    }

    /// Sets the category.
    pub const fn with_category(mut self, category: Category) -> Self {
        self.category = Some(category);
        self
    }

    /// Sets whether the request is retried.
    pub const fn retry(mut self, retry: RetryAction) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Sets the message. In [`ErrorSpec::rules`], the cloud's message has precedence.
    pub const fn message(mut self, message: &'static str) -> Self {
        self.message = Some(message);
        self
    }

    /// Sets the hint.
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(Hint::Text(hint));
        self
    }

    /// Sets the hint to one that depends on the request.
    pub const fn hint_with(mut self, hint: fn(&HintContext<'_>) -> Option<String>) -> Self {
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

    /// Changes an error, whose message is kept if it is the cloud's and the rule has none.
    fn apply(&self, error: &mut RequestError, context: &HintContext<'_>, has_cloud_message: bool) {
        error.category = self.category.unwrap_or(error.category);
        error.retry = self.retry.unwrap_or(error.retry);
        match (self.message, &error.code) {
            (Some(message), _) => message.clone_into(&mut error.message),
            // The code is more specific than the default message of the HTTP status.
            (None, Some(code)) if !self.condition.codes.is_empty() && !has_cloud_message => {
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
    /// Returns a classifier of responses to a request whose region does not matter.
    pub fn classifier(
        &self,
        request: &Request,
    ) -> impl Fn(&Response) -> Option<RequestError> + Sync {
        let context = HintContext {
            request,
            region: None,
        };
        move |response| self.classify(&context, response)
    }

    /// Classifies an error: by the cloud's code, or by the HTTP status if there is no code or no rule for it.
    /// Returns `None` for a success.
    pub fn classify(&self, context: &HintContext<'_>, response: &Response) -> Option<RequestError> {
        let details = (self.error_details)(response);
        let by_status = RequestError::from_status(response);
        if by_status.is_none() && details.code.is_none() {
            return None;
        }
        let mut error =
            by_status.unwrap_or_else(|| RequestError::new(Category::ServiceError, "service error"));
        if details.code.is_some() {
            // The cloud itself responded, so a 407 is not from a proxy.
            error.transport_failure = None;
        }
        error.code = details.code;
        error.request_id = details
            .request_id
            .or_else(|| self.request_id.in_error(response));
        let has_cloud_message = details.message.is_some();
        let apply = |rules: &[ErrorRule], error: &mut RequestError| {
            let rule = rules
                .iter()
                .find(|rule| rule.matches(error, response.status));
            if let Some(rule) = rule {
                rule.apply(error, context, has_cloud_message);
            }
        };
        apply(self.rules, &mut error);
        if let Some(message) = details.message {
            error.message = message;
        }
        if details.retry_after.is_some() && response.status >= 400 {
            error.category = Category::Throttled;
            error.retry = RetryAction::Backoff;
            error.retry_after = details.retry_after;
        }
        apply(self.overrides, &mut error);
        Some(error)
    }
}
