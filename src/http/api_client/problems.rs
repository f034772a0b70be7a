//! Builds problems that name the operation and the account.

use super::ApiClient;
use crate::error::{Category, Problem};
use crate::http::response::{mask_sentence, shorten};
use crate::http::{Request, RequestError, Response, RetryAction, excerpt, html};
use crate::secret::{MASK, looks_random};

/// Maximum length of a server's message, and of its codes and request ids.
const MAX_MESSAGE_CHARS: usize = 4096;
const MAX_ID_CHARS: usize = 200;

impl ApiClient {
    /// Returns the problem of a response that could not be decoded.
    ///
    /// `expected` names what was expected and where it was missing; `request_id` is the cloud's.
    pub fn decode_problem(
        &self,
        request: &Request,
        response: &Response,
        expected: &str,
        request_id: Option<String>,
    ) -> Problem {
        self.count_error(request, Category::InvalidResponse);
        let unreadable = || {
            let begins = excerpt(&response.body, self.transport.redactor());
            let message = match begins.is_empty() {
                true => format!("empty response; expected {expected}"),
                false => {
                    format!("invalid response: expected {expected}; body starts with: {begins}")
                }
            };
            let mut problem = self.problem(request, Category::InvalidResponse, message);
            problem.http_status = Some(response.status);
            problem
                .with_hint("check that the endpoint is the cloud's own; use -v to see the request")
        };
        let page = self.page_problem(request, response);
        let mut problem = page.unwrap_or_else(unreadable);
        problem.request_id = request_id;
        self.transport.mask(&mut problem);
        problem
    }

    /// Returns the problem of a response with a credential that could not be decoded. Its text is not shown, since
    /// it may be a secret. `endpoint_key` is the setting of the service's endpoint.
    pub fn decode_secret_problem(
        &self,
        request: &Request,
        response: &Response,
        expected: &str,
        endpoint_key: &str,
    ) -> Problem {
        self.count_error(request, Category::InvalidResponse);
        let unreadable = || {
            let message = format!("invalid response: expected {expected}");
            let problem = self.problem(request, Category::InvalidResponse, message);
            problem.with_hint(format!("check {endpoint_key}"))
        };
        let mut problem = self.page_problem(request, response);
        if let Some(page) = &mut problem {
            page.message = mask_random_words(&page.message);
        }
        problem.unwrap_or_else(unreadable)
    }

    /// Describes an HTML page received instead of a response; `None` for other responses.
    pub fn describe_page(&self, response: &Response) -> Option<String> {
        html::describe(response, self.transport.redactor())
    }

    /// Counts an attempt that failed.
    pub(super) fn count_error(&self, request: &Request, category: Category) {
        let counts = &self.transport.counts;
        counts.record_error(self.cloud, request.operation, category);
    }

    fn page_problem(&self, request: &Request, response: &Response) -> Option<Problem> {
        let page = self.describe_page(response)?;
        let message = format!("invalid response: {page}");
        let mut problem = self.problem(request, Category::InvalidResponse, message);
        problem.http_status = Some(response.status);
        Some(problem.with_hint(html::hint(response)))
    }

    /// Creates a problem of this account and operation.
    pub fn problem(
        &self,
        request: &Request,
        category: Category,
        message: impl Into<String>,
    ) -> Problem {
        let problem = Problem::new(category, message);
        let mut problem = problem.with_account(self.cloud, &self.profile);
        problem.operation = Some(request.operation.to_owned());
        problem.host = Some(request.endpoint.authority().to_owned());
        problem.credential = Some(self.credential());
        problem.attempts = 1;
        self.transport.mask(&mut problem);
        shorten(&mut problem.message, MAX_MESSAGE_CHARS);
        problem
    }

    /// Replaces each `{key}` in a hint by that key of the profile and the source of its value.
    fn with_setting_locations(&self, hint: &str) -> String {
        let mut parts = hint.split('{');
        let mut shown = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (key, rest) = part.split_once('}').unwrap_or((part, ""));
            shown += key;
            if let Some(location) = self.setting_locations.get(key) {
                shown += &format!(" ({location})");
            }
            shown += rest;
        }
        shown
    }

    /// Returns an error of the cloud as a problem of this account and operation.
    pub fn to_problem(
        &self,
        request: &Request,
        error: RequestError,
        response: Option<&Response>,
        attempts: u32,
    ) -> Problem {
        let retry_after = self.requested_wait(&error, response);
        let message = error.message.trim_end().trim_end_matches(['.', '。']);
        // A service that issues a key may repeat it in a message before the redactor knows it.
        let message = match self.is_for_credentials {
            true => mask_random_words(&mask_sentence(message)),
            false => mask_sentence(message),
        };
        let mut problem = self.problem(request, error.category, message);
        problem.code = error.code;
        problem.request_id = error.request_id;
        problem.retry_after = retry_after;
        problem.retryable = error.retry != RetryAction::No;
        let is_rejected = error.category == Category::Unauthenticated;
        let default = || is_rejected.then(|| "check the {credential}".to_owned());
        let hint = error.hint.or_else(default);
        problem.hint = hint.map(|hint| self.with_setting_locations(&hint));
        problem.transport_failure = error.transport_failure;
        problem.detail = error.detail;
        problem.http_status = response.map(|response| response.status);
        problem.attempts = attempts;
        self.transport.mask(&mut problem);
        let ids = [&mut problem.code, &mut problem.request_id];
        for id in ids.into_iter().flatten() {
            shorten(id, MAX_ID_CHARS);
        }
        problem
    }
}

/// Masks words that look like keys.
fn mask_random_words(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-');
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..].find(|c| !is_part(c));
        let end = end.map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        masked.push_str(&rest[..start]);
        masked.push_str(if looks_random(word) { MASK } else { word });
        rest = &rest[end..];
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::mask_random_words;

    #[test]
    fn words_that_may_be_an_issued_key_are_masked_and_sentences_are_kept() {
        let issued = "wyPTqiX5kEr8vKgqRTWGbYsd2hJm4n";
        for text in [issued.to_owned(), format!("got '{issued}' for STS.NTb1x")] {
            assert!(!mask_random_words(&text).contains(issued), "{text}");
        }
        for text in [
            "You are not authorized to do this action. You should be authorized by RAM",
            "The specified role acs:ram::1234567890123456:role/ci-reader does not exist",
            "got an HTML page instead of an API response: '502 Bad Gateway'",
        ] {
            assert_eq!(mask_random_words(text), text);
        }
    }
}
