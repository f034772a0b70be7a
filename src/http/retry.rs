use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use super::Response;
use crate::error::{Category, FailureDetail, TransportFailure, TransportFailureKind};

/// Reads a cloud's error from a response; `None` for a success.
pub type Classify<'a> = &'a (dyn Fn(&Response) -> Option<RequestError> + Sync);

/// Whether and how a failed request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAction {
    /// The same request would fail again.
    No,
    /// Retry later with backoff, up to the maximum number of attempts.
    Backoff,
    /// Retry once immediately, signed with a new nonce.
    Immediate,
    /// Retry once with the time of the cloud's `Date` header; for codes about a wrong request time.
    AfterClockSync,
}

/// An error that `classify` reads from a cloud's response, or an error of the transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestError {
    /// Category of the error.
    pub category: Category,
    /// The cloud's error code.
    pub code: Option<String>,
    /// The cloud's message or ours.
    pub message: String,
    /// The cloud's id of the request.
    pub request_id: Option<String>,
    /// Whether and how to retry.
    pub retry: RetryAction,
    /// Delay that the cloud requests in addition to the standard `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The next step for the user.
    pub hint: Option<String>,
    /// How the request failed in transit, if it did.
    pub transport_failure: Option<TransportFailure>,
    /// What else is known about the failed request and decides how to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<FailureDetail>,
}

impl RequestError {
    /// Creates an error that is not retried.
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
            detail: None,
        }
    }

    /// Adjusts the error to the status of its response.
    ///
    /// HTTP 429, 502, 503 and 504 mean that the request was not decided, whatever code the body contains: such a
    /// request is retried, and its code proves nothing about a job. The exceptions are a rejected credential, which is
    /// never sent twice since clouds lock accounts for it, and a wrong clock, which is first corrected.
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

    /// Returns `true` if the same request can succeed later; `status` is that of the response, if there was one.
    pub(super) fn is_transient(&self, status: Option<u16>) -> bool {
        let is_gateways = matches!(status, Some(429 | 502..=504));
        self.retry == RetryAction::Backoff
            || (is_gateways && self.category != Category::Unauthenticated)
    }

    /// Adds a hint for the next step.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the error for an HTTP status if the cloud sent no known code; `None` for a success. Redirects are
    /// errors, since they are never followed.
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
            // The missing resource need not be the requested one: the cloud has not reported which one is missing.
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
        let mut error = Self::new(category, what);
        error.retry = retry;
        error.transport_failure = (response.status == 407).then_some(TransportFailure::at_proxy(
            TransportFailureKind::ProxyAuthorization,
        ));
        Some(error)
    }
}

/// Returns the error for a redirect. It names only the origin of the target, since the rest of the URL may be
/// secret.
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

/// First and maximum backoff, before jitter, if the cloud sends no delay.
const INIT_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(8);
/// Maximum delay requested by a cloud that is waited for; a longer one ends the request.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Returns a delay with full jitter: a random fraction of a delay that doubles from 0.5 s to 8 s.
///
/// `attempt` counts from 1, `fraction` is in `0.0..1.0`.
pub(super) fn backoff(attempt: u32, fraction: f64) -> Duration {
    exponential_backoff(INIT_BACKOFF, attempt, MAX_BACKOFF).mul_f64(fraction)
}

/// Returns a delay without jitter: `initial` after the first failure, then doubled by each one, up to `max`. `failures`
/// counts from 1.
pub fn exponential_backoff(initial: Duration, failures: u32, max: Duration) -> Duration {
    let doubled = initial.saturating_mul(1_u32 << failures.saturating_sub(1).min(30));
    doubled.min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_status_is_retried_regardless_of_the_error_code() {
        use Category::{
            ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
            Unauthenticated,
        };
        let at = |category, status| {
            let error = RequestError::new(category, "no").at_status(status);
            (error.category, error.retry)
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
    fn a_redirect_error_names_only_the_origin_of_its_target() {
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
    fn backoff_doubles_up_to_its_maximum() {
        let ceilings: Vec<f64> = (1..=7).map(|n| backoff(n, 1.0).as_secs_f64()).collect();
        assert_eq!(ceilings, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(u32::MAX, 0.5), Duration::from_secs(4));
    }
}
