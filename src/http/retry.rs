use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use super::Response;
use crate::error::{Category, TransportFailure, TransportFailureKind};

/// Whether and how a call that failed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAction {
    /// The same call would fail again.
    No,
    /// Later, with backoff, up to the limit of attempts.
    Backoff,
    /// Once more at once, signed with a new nonce.
    Immediate,
    /// Once more with the time of the cloud's `Date` header; for codes about a wrong request time.
    AfterClockSync,
}

/// A cloud's "no": what `classify` reads from a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestError {
    /// Kind of the failure.
    pub category: Category,
    /// The cloud's own code.
    pub code: Option<String>,
    /// What happened, in the cloud's words or ours.
    pub message: String,
    /// The cloud's id of the request.
    pub request_id: Option<String>,
    /// Whether to send again.
    pub retry: RetryAction,
    /// How long to wait as the cloud requests it, in addition to the standard `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The next step for the user.
    pub hint: Option<String>,
    /// How the request failed in transit, if it did.
    pub transport_failure: Option<TransportFailure>,
}

impl RequestError {
    /// A refusal that is not tried again.
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            category,
            code: None,
            message: message.into(),
            request_id: None,
            retry: RetryAction::No,
            retry_after: None,
            hint: None,
            transport_failure: None,
        }
    }

    /// The same as a response with this status has it.
    ///
    /// HTTP 429, 502, 503 and 504 mean that the call was not decided, whatever code the body
    /// carries: such a call is sent again, and its code proves nothing about a job. The exceptions
    /// are a refused credential, which is never sent twice since clouds lock accounts for it, and a
    /// wrong clock, which has its own correction first.
    pub(super) fn at_status(mut self, status: u16) -> Self {
        let category = match status {
            429 => Category::Throttled,
            502..=504 => Category::ServiceError,
            _ => return self,
        };
        match self.category {
            Category::Unauthenticated => return self,
            Category::ClockSkew | Category::Throttled => {}
            _ => self.category = category,
        }
        if self.retry == RetryAction::No {
            self.retry = RetryAction::Backoff;
        }
        self
    }

    /// Whether the same call may succeed later; `status` is that of the response, if one came.
    pub(super) fn is_transient(&self, status: Option<u16>) -> bool {
        let is_gateways = matches!(status, Some(429 | 502..=504));
        self.retry == RetryAction::Backoff
            || (is_gateways && self.category != Category::Unauthenticated)
    }

    /// The same with a next step.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What an HTTP status means when the cloud gave no code that is known; `None` below 400,
    /// redirects excepted, which are never followed.
    pub fn from_status(response: &Response) -> Option<Self> {
        let (category, retry, what) = match response.status {
            200..=299 => return None,
            304 => (
                Category::InvalidResponse,
                RetryAction::No,
                "unexpected response (not modified)",
            ),
            300..=399 => return Some(redirect(response)),
            401 => (
                Category::Unauthenticated,
                RetryAction::No,
                "authentication failed",
            ),
            403 => (
                Category::PermissionDenied,
                RetryAction::No,
                "permission denied",
            ),
            // What is missing need not be the requested resource: the cloud has not reported which it is.
            404 => (
                Category::InvalidArgument,
                RetryAction::No,
                "endpoint not found (HTTP 404)",
            ),
            407 => (
                Category::Network,
                RetryAction::No,
                "proxy authentication required",
            ),
            408 => (
                Category::ServiceError,
                RetryAction::Backoff,
                "the service timed out waiting for the request",
            ),
            429 => (Category::Throttled, RetryAction::Backoff, "rate limited"),
            500 | 502..=504 => (
                Category::ServiceError,
                RetryAction::Backoff,
                "service error",
            ),
            400..=499 => (
                Category::InvalidArgument,
                RetryAction::No,
                "request rejected",
            ),
            _ => (Category::ServiceError, RetryAction::No, "service error"),
        };
        let mut refusal = Self::new(category, what);
        refusal.retry = retry;
        refusal.transport_failure = (response.status == 407).then_some(TransportFailure::at_proxy(
            TransportFailureKind::ProxyAuthorization,
        ));
        Some(refusal)
    }
}

/// A redirect. Only the origin of its target is shown, since the rest of a URL may be a secret.
fn redirect(response: &Response) -> RequestError {
    let target = response.header("location");
    let target = target.and_then(|text| Url::parse(text.trim()).ok());
    let origin = target.map(|url| url.origin()).filter(Origin::is_tuple);
    let to = origin.map_or(String::new(), |origin| {
        format!(" to {}", origin.unicode_serialization())
    });
    let message = format!("unexpected redirect{to} (redirects are not followed)");
    RequestError::new(Category::InvalidResponse, message)
        .with_hint("check the scheme, host and path of the endpoint")
}

/// Shortest and longest wait between two attempts when no hint is given.
const INIT_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(8);
/// Hints when to retry are obeyed up to this; a longer one ends a request.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Full jitter: a random part of a delay that doubles from 0.5 s to 8 s.
///
/// `attempt` counts from 1, `fraction` is in `0.0..1.0`.
pub(super) fn backoff(attempt: u32, fraction: f64) -> Duration {
    let doubled = INIT_BACKOFF.saturating_mul(1_u32 << attempt.saturating_sub(1).min(10));
    doubled.min(MAX_BACKOFF).mul_f64(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateways_status_is_retried_whatever_the_code_is() {
        use Category::{
            ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
            Unauthenticated,
        };
        let at = |category, status| {
            let refusal = RequestError::new(category, "no").at_status(status);
            (refusal.category, refusal.retry)
        };
        for status in [502, 503, 504] {
            for category in [ServiceError, NotFound, PermissionDenied, InvalidArgument] {
                assert_eq!(
                    at(category, status),
                    (ServiceError, RetryAction::Backoff),
                    "{category:?}"
                );
            }
            assert_eq!(at(Throttled, status), (Throttled, RetryAction::Backoff));
        }
        for category in [
            ServiceError,
            NotFound,
            PermissionDenied,
            InvalidArgument,
            Throttled,
        ] {
            assert_eq!(
                at(category, 429),
                (Throttled, RetryAction::Backoff),
                "{category:?}"
            );
        }
        assert_eq!(at(ClockSkew, 503), (ClockSkew, RetryAction::Backoff));
        for status in [429, 503] {
            assert_eq!(
                at(Unauthenticated, status),
                (Unauthenticated, RetryAction::No)
            );
        }
        for status in [200, 400, 404, 500, 501] {
            assert_eq!(at(ServiceError, status), (ServiceError, RetryAction::No));
        }
    }

    #[test]
    fn a_redirect_names_the_origin_of_its_target_and_nothing_else_of_it() {
        for (target, shown) in [
            (
                Some("https://u:hunter2@login.example:8443/hunter2?t=hunter2#hunter2"),
                " to https://login.example:8443",
            ),
            (
                Some("HTTPS://login.example:443/"),
                " to https://login.example",
            ),
            (Some("/relative"), ""),
            (Some("data:hunter2"), ""),
            (Some("hunter2://hunter2/"), ""),
            (None, ""),
        ] {
            let headers = target.map(|target| ("location".to_owned(), target.to_owned()));
            let response = Response {
                status: 302,
                headers: Vec::from_iter(headers),
                ..Response::default()
            };
            let error = RequestError::from_status(&response).unwrap();
            let expected = format!("unexpected redirect{shown} (redirects are not followed)");
            assert_eq!(error.message, expected);
        }
    }

    #[test]
    fn backoff_doubles_up_to_its_ceiling() {
        let ceilings: Vec<f64> = (1..=7).map(|n| backoff(n, 1.0).as_secs_f64()).collect();
        assert_eq!(ceilings, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(u32::MAX, 0.5), Duration::from_secs(4));
    }
}
