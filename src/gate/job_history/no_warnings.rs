//! Evaluates the condition `no-warnings`.

use std::borrow::Cow;
use std::time::Duration;

use super::pending::{pending, unknown};
use super::{JobHistory, LastObserved, with_reason};
use crate::gate::{Evaluation, GatePolicy, Pending, PendingCause};
use crate::model::State;

impl JobHistory {
    /// Evaluates a job that must not have a new warning for this time.
    pub(super) fn evaluate_no_warnings(
        &self,
        warning_free_time: Duration,
        seen: &LastObserved,
        policy: &GatePolicy,
        now: Duration,
    ) -> Evaluation {
        match (&seen.inconsistency, seen.state) {
            // A failed part decides the outcome, even if other parts are still running.
            (_, state) if state.is_unsuccessful() => {
                return Evaluation::Unmet(with_reason(seen.state, seen.reason.as_deref()));
            }
            (Some(cause), _) => {
                return self.evaluate_inconsistent(cause, seen, policy, now);
            }
            (None, State::Unknown) if !self.is_stateless => return unknown(seen, policy),
            _ => {}
        }
        if let Some(references) = &seen.unread_events {
            return Evaluation::Pending(Pending {
                cause: PendingCause::Time,
                is_final: true,
                reason: Cow::Owned(format!(
                    "warnings of its subtasks are not in the response; wait for {references} instead"
                )),
            });
        }
        let unconfirmed = pending(PendingCause::Time, "existence not confirmed");
        if self.is_stateless && !self.was_confirmed {
            return unconfirmed;
        }
        let Some(warnings) = &self.warnings else {
            return pending(PendingCause::Time, "not checked yet");
        };
        if warnings.are_unreadable() {
            return pending(PendingCause::Time, "not all of its events could be read");
        }
        if let Some(text) = warnings.undated() {
            let reason = format!(
                "cannot determine whether the warning '{text}' still occurs: the response has no readable time for it"
            );
            return pending(PendingCause::Time, reason);
        }
        let time = seen
            .observed_at
            .saturating_sub(warnings.warning_free_since());
        match time >= warning_free_time {
            true if self.is_stateless && !seen.is_confirmed => unconfirmed,
            true => Evaluation::Met,
            false => pending(
                PendingCause::Time,
                format!("no warnings for {} s", time.as_secs()),
            ),
        }
    }
}
