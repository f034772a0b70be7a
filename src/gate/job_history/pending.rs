//! Explains why the gate is undecided about a job.

use std::borrow::Cow;
use std::time::Duration;

use super::{GatePolicy, Inconsistency, JobHistory, LastObserved, MISSING_RECHECK_INTERVAL};
use super::{NotFoundSpan, ReadFailure};
use crate::error::Category;
use crate::gate::{Evaluation, Pending, PendingCause};
use crate::model::duration;

/// How long after its end the outcome of a job can be missing.
const OUTCOME_GRACE: Duration = Duration::from_secs(60);

/// How long a request that succeeded before can be rejected, for example by a gateway during an update.
pub const REJECTION_GRACE: Duration = Duration::from_secs(600);

impl JobHistory {
    pub(super) fn pending_on_failure(
        &self,
        failure: &ReadFailure,
        policy: &GatePolicy,
        now: Duration,
    ) -> Pending {
        let outage = now.saturating_sub(failure.since);
        let limit = policy.outage_limit(self.last.is_some());
        let is_long = limit.is_some_and(|limit| outage >= limit);
        let exceeded = policy.max_outage.filter(|limit| outage >= *limit);
        let (cause, is_final, exceeded) = match failure.category {
            Category::MissingCredentials
            | Category::Unauthenticated
            | Category::PermissionDenied => (PendingCause::Credentials, true, None),
            Category::ClockSkew => (PendingCause::Credentials, false, None),
            _ if failure.is_rejected && self.last.is_some() => {
                let is_final = is_long || outage >= REJECTION_GRACE;
                (PendingCause::Service, is_final, exceeded)
            }
            _ if failure.is_rejected => (PendingCause::Service, true, None),
            Category::Usage => (PendingCause::Service, true, None),
            // A part of the job was not found. It can still appear for a short time after the end.
            Category::NotFound => (PendingCause::Service, outage >= OUTCOME_GRACE, None),
            _ => (PendingCause::Service, is_long, exceeded),
        };
        let message = &failure.message;
        Pending {
            cause,
            is_final,
            reason: Cow::Owned(match exceeded {
                Some(limit) => {
                    // The limit comes first because long messages are cut.
                    let limit = limit_text(limit);
                    format!("could not be read for {limit} (--max-outage): {message}")
                }
                None => message.clone(),
            }),
        }
    }

    /// Evaluates a job whose subtasks do not confirm a success: it is pending, like after a failed request if they
    /// could not be read.
    pub(super) fn evaluate_inconsistent(
        &self,
        inconsistency: &Inconsistency,
        seen: &LastObserved,
        policy: &GatePolicy,
        now: Duration,
    ) -> Evaluation {
        let message = inconsistency.message.clone();
        Evaluation::Pending(match inconsistency.cause {
            Some(category) => {
                let since = seen.state_since;
                let failure = ReadFailure {
                    category,
                    is_rejected: category == Category::InvalidArgument,
                    message,
                    since,
                };
                self.pending_on_failure(&failure, policy, now)
            }
            None => Pending {
                cause: PendingCause::Time,
                is_final: false,
                reason: Cow::Owned(message),
            },
        })
    }

    pub(super) fn pending_on_missing(
        &self,
        missing: &NotFoundSpan,
        policy: &GatePolicy,
    ) -> Pending {
        let apart = missing.last.saturating_sub(missing.first);
        let min_apart = MISSING_RECHECK_INTERVAL.max(self.missing_grace);
        let believed = apart >= min_apart && missing.last >= policy.missing_grace;
        let reason = match &self.last {
            Some(seen) => Cow::Owned(format!("disappeared (was {})", seen.state)),
            None => Cow::Borrowed("not found"),
        };
        Pending {
            cause: PendingCause::Missing,
            is_final: believed && !policy.waits_for_missing,
            reason,
        }
    }
}

/// Formats a limit, which can be less than a second.
fn limit_text(limit: Duration) -> String {
    match (limit.subsec_nanos(), i64::try_from(limit.as_secs())) {
        (0, Ok(seconds)) => duration(seconds),
        _ => format!("{limit:?}"),
    }
}

pub(super) fn pending(cause: PendingCause, reason: impl Into<Cow<'static, str>>) -> Evaluation {
    Evaluation::Pending(Pending {
        cause,
        is_final: false,
        reason: reason.into(),
    })
}

/// Evaluates an undetermined state: an unrecognized one, or an end with an unreadable outcome.
pub(super) fn unknown(seen: &LastObserved, policy: &GatePolicy) -> Evaluation {
    let reason = match (seen.has_ended, seen.state_word.as_deref()) {
        (true, Some(word)) => format!("ended, but state '{word}' does not show the outcome"),
        (true, None) => "ended, but no state in the response shows the outcome".to_owned(),
        (false, Some(word)) => format!("state unknown ('{word}')"),
        (false, None) => "no state in the response".to_owned(),
    };
    let word = seen.state_word.as_deref();
    let reason = match seen.reason.as_deref().filter(|_| seen.has_ended) {
        Some(message) if word.is_some_and(|word| message.contains(word)) => {
            format!("ended: {message}")
        }
        Some(message) => format!("{reason}: {message}"),
        None => reason,
    };
    match (seen.has_ended, policy.unknown_fails) {
        (true, _) => Evaluation::Pending(Pending {
            cause: PendingCause::Service,
            is_final: seen.observed_at.saturating_sub(seen.state_since) >= OUTCOME_GRACE,
            reason: Cow::Owned(reason),
        }),
        (false, true) => Evaluation::Unmet(reason),
        (false, false) => pending(PendingCause::Time, reason),
    }
}
