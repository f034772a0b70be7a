//! What follows a response that refuses a request.

use std::time::Duration;

use super::ApiClient;
use crate::error::Category;
use crate::http::retry::{MAX_RETRY_AFTER, backoff};
use crate::http::{Request, RequestError, Response, RetryAction};

/// So often a call is sent again at once: after a correction of the clock, and after one that undoes
/// it since the time of a single response was wrong.
const MAX_IMMEDIATE_RESENDS: u32 = 2;

/// What is known of an attempt that was refused.
#[derive(Clone, Copy)]
pub(super) struct Refused<'a> {
    pub response: Option<&'a Response>,
    /// Seconds between the local clock and the time that it was signed with.
    pub offset: i64,
    /// Attempts so far.
    pub attempts: u32,
    /// How many of them were sent again at once.
    pub resends: u32,
}

/// What follows a refusal.
pub(super) enum RetryDecision {
    Fail,
    /// The call is signed and sent again at once.
    AtOnce,
    /// The call is sent again after a while.
    After(Duration),
}

impl ApiClient {
    /// What follows a refusal, which may say more afterwards.
    pub(super) fn next(
        &self,
        request: &Request,
        refusal: &mut RequestError,
        refused: Refused<'_>,
    ) -> RetryDecision {
        let Refused {
            response,
            offset,
            attempts,
            resends,
        } = refused;
        // One code may stand for a replay and for a time that is too far off.
        let is_about_time = refusal.category == Category::ClockSkew
            && matches!(
                refusal.retry,
                RetryAction::AfterClockSync | RetryAction::Immediate
            );
        let is_corrected = match response {
            Some(response) if is_about_time => {
                self.adjust_clock_skew(request, response, offset, refusal)
            }
            _ => false,
        };
        let is_replay = refusal.retry == RetryAction::Immediate && resends == 0;
        if is_replay || (is_corrected && resends < MAX_IMMEDIATE_RESENDS) {
            return RetryDecision::AtOnce;
        }
        if !refusal.is_transient(response.map(|response| response.status)) {
            return RetryDecision::Fail;
        }
        let pause = self.pause(refusal, response, attempts);
        if pause > MAX_RETRY_AFTER {
            refusal.category = Category::Throttled;
            let seconds = pause.as_secs();
            refusal.message = format!("{}; the cloud asks to wait {seconds} s", refusal.message);
            return RetryDecision::Fail;
        }
        RetryDecision::After(pause)
    }

    fn pause(
        &self,
        refusal: &RequestError,
        response: Option<&Response>,
        attempts: u32,
    ) -> Duration {
        let hint = refusal
            .retry_after
            .or_else(|| response.and_then(|response| response.retry_after(self.transport.now())));
        let jitter = backoff(attempts, self.jitter());
        hint.map_or(jitter, |hint| {
            hint.max(jitter.min(Duration::from_millis(100)))
        })
    }
}
