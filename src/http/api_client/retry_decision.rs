//! Decides whether and when a failed request is sent again.

use std::time::Duration;

use super::ApiClient;
use crate::error::Category;
use crate::http::retry::{MAX_RETRY_AFTER, backoff};
use crate::http::{Request, RequestError, Response, RetryAction};

/// Maximum number of immediate retries: one after a correction of the clock, and one after that correction is
/// undone because the time of a single response was wrong.
const MAX_IMMEDIATE_RESENDS: u32 = 2;

/// The facts about a failed attempt that the decision depends on.
#[derive(Clone, Copy)]
pub(super) struct FailedAttempt<'a> {
    pub response: Option<&'a Response>,
    /// Offset in seconds to the local clock that the attempt was signed with.
    pub offset: i64,
    /// Number of attempts so far.
    pub attempts: u32,
    /// Number of immediate retries among them.
    pub resends: u32,
}

/// Decision whether and when a request is sent again.
pub(super) enum RetryDecision {
    Fail,
    /// The request is signed and sent again immediately.
    Immediate,
    /// The request is sent again after this delay.
    After(Duration),
}

impl ApiClient {
    /// Decides whether and when a request is sent again after an error. The error's message may be extended.
    pub(super) fn retry_decision(
        &self,
        request: &Request,
        error: &mut RequestError,
        attempt: FailedAttempt<'_>,
    ) -> RetryDecision {
        let FailedAttempt {
            response,
            offset,
            attempts,
            resends,
        } = attempt;
        // The same code can mean a replayed request or a time that is too far off.
        let is_about_time = error.category == Category::ClockSkew
            && matches!(
                error.retry,
                RetryAction::AfterClockSync | RetryAction::Immediate
            );
        let is_corrected = match response {
            Some(response) if is_about_time => {
                self.adjust_clock_skew(request, response, offset, error)
            }
            _ => false,
        };
        let is_replay = error.retry == RetryAction::Immediate && resends == 0;
        if is_replay || (is_corrected && resends < MAX_IMMEDIATE_RESENDS) {
            return RetryDecision::Immediate;
        }
        if !error.is_transient(response.map(|response| response.status)) {
            return RetryDecision::Fail;
        }
        let pause = self.pause(error, response, attempts);
        if pause > MAX_RETRY_AFTER {
            error.category = Category::Throttled;
            let seconds = pause.as_secs();
            let at_proxy = error
                .transport_failure
                .is_some_and(|failure| failure.at_proxy);
            let who = if at_proxy { "proxy" } else { "cloud" };
            error.message = format!(
                "{}; the {who} requests a wait of {seconds} s",
                error.message
            );
            return RetryDecision::Fail;
        }
        RetryDecision::After(pause)
    }

    fn pause(&self, error: &RequestError, response: Option<&Response>, attempts: u32) -> Duration {
        let hint = self.requested_wait(error, response);
        let jitter = backoff(attempts, self.jitter());
        hint.map_or(jitter, |hint| {
            hint.max(jitter.min(Duration::from_millis(100)))
        })
    }

    /// Returns the time that a response asks a client to wait: the longer one of the cloud's own header or field and
    /// of the standard header, which a gateway can add.
    pub(super) fn requested_wait(
        &self,
        error: &RequestError,
        response: Option<&Response>,
    ) -> Option<Duration> {
        let standard = response.and_then(|response| response.retry_after(self.transport.now()));
        error.retry_after.max(standard)
    }
}
