//! Corrects the clock for signing after a response that rejects the time of a request.

use super::super::clock_offset::{Correction, describe_offset};
use super::super::{Request, RequestError, Response, TransportEvent};
use super::ApiClient;
use crate::model::NoticeCode;

const SET_CLOCK: &str =
    "synchronize the local clock, and check that the endpoint is the cloud's own";

impl ApiClient {
    /// Corrects the signing clock by the response to a request whose time was rejected. Returns `true` if the request
    /// should be sent again with the corrected time. If the difference is too large, adds it to the message of the
    /// rejection.
    ///
    /// `offset` is the offset in seconds that the request was signed with.
    pub(super) fn adjust_clock_skew(
        &self,
        request: &Request,
        response: &Response,
        offset: i64,
        error: &mut RequestError,
    ) -> bool {
        let host = request.endpoint.authority();
        let correction = self
            .clock_offset
            .correct(response.date(), self.transport.now(), offset);
        match correction {
            Correction::None => false,
            Correction::Applied { seconds, is_new } => {
                if is_new {
                    let message = match seconds {
                        0 => format!(
                            "the local clock agrees with {host} again; using the local time for signing"
                        ),
                        _ => format!(
                            "the local clock is {}; using the server time for signing",
                            describe_offset(seconds, host)
                        ),
                    };
                    self.transport
                        .emit(TransportEvent::Notice(NoticeCode::ClockCorrected, message));
                }
                true
            }
            Correction::Rejected { seconds } => {
                error.message = format!(
                    "{}; the local clock is {}, and differences of more than one day are not corrected",
                    error.message.trim_end().trim_end_matches(['.', '。']),
                    describe_offset(seconds, host)
                );
                error.hint = Some(SET_CLOCK.to_owned());
                false
            }
        }
    }
}
