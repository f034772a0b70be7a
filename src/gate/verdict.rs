use schemars::JsonSchema;
use serde::Serialize;

use super::{Evaluation, GatePolicy, PendingCause};
use crate::error::exit_code;

/// Whether a gate passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The condition was met.
    Passed,
    /// The condition can no longer be met.
    Failed,
    /// The result is not certain.
    Undecided,
}

impl Verdict {
    /// Returns the value in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
        }
    }
}

/// A verdict, with the cause of an undecided one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Why the gate is undecided, if it is.
    pub cause: Option<PendingCause>,
}

impl Decision {
    /// Returns the decision of a gate that was stopped before it could decide.
    pub fn undecided() -> Self {
        Self {
            verdict: Verdict::Undecided,
            cause: None,
        }
    }

    /// Returns the exit code. `pending` is the code for a gate whose time is up: 124, or 8 for a single check.
    pub fn exit_code(&self, pending: u8) -> u8 {
        match (self.verdict, self.cause) {
            (Verdict::Passed, _) => exit_code::OK,
            (Verdict::Failed, _) => exit_code::FAILED,
            (Verdict::Undecided, Some(PendingCause::Credentials)) => exit_code::CREDENTIALS,
            (Verdict::Undecided, Some(PendingCause::Service)) => exit_code::SERVICE,
            (Verdict::Undecided, Some(PendingCause::Missing)) => exit_code::NOT_FOUND,
            (Verdict::Undecided, Some(PendingCause::NotStarted | PendingCause::Time) | None) => {
                pending
            }
        }
    }
}

/// The phase of a gate's polling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatePhase {
    /// At least one reference has neither a response nor a failure yet, and its server does not hang.
    FirstRound,
    /// Every reference had a response or a failure at least once, unless its server hangs.
    Polling,
    /// The time is up.
    Over,
}

/// Decides a gate, or returns `None` if it must poll again.
///
/// A verdict is returned only after the first round, even if it is certain earlier, so that every reference is
/// reported.
pub fn decide(
    evaluations: &[Evaluation],
    policy: &GatePolicy,
    phase: GatePhase,
) -> Option<Decision> {
    let verdict = conclusive(evaluations, policy.any);
    let can_change = evaluations.iter().any(is_active);
    let is_decided = verdict.is_some() || (!policy.any && evaluations.iter().any(is_not_started));
    let done = match phase {
        GatePhase::FirstRound => false,
        GatePhase::Polling => !can_change || (policy.fail_fast && is_decided),
        GatePhase::Over => true,
    };
    done.then(|| match verdict {
        Some(verdict) => Decision {
            verdict,
            cause: None,
        },
        None => Decision {
            verdict: Verdict::Undecided,
            cause: most_important(evaluations),
        },
    })
}

/// Returns a certain verdict. For `all`, one unmet job fails and all met jobs pass;
/// for `any`, one met job passes and all unmet jobs fail.
fn conclusive(evaluations: &[Evaluation], any: bool) -> Option<Verdict> {
    let is_met = |evaluation: &Evaluation| matches!(evaluation, Evaluation::Met);
    let is_unmet = |evaluation: &Evaluation| matches!(evaluation, Evaluation::Unmet(_));
    match any {
        _ if evaluations.is_empty() => Some(Verdict::Passed),
        false if evaluations.iter().any(is_unmet) => Some(Verdict::Failed),
        false if evaluations.iter().all(is_met) => Some(Verdict::Passed),
        true if evaluations.iter().any(is_met) => Some(Verdict::Passed),
        true if evaluations.iter().all(is_unmet) => Some(Verdict::Failed),
        _ => None,
    }
}

fn is_active(evaluation: &Evaluation) -> bool {
    matches!(evaluation, Evaluation::Pending(pending) if !pending.is_final)
}

/// Returns `true` if a job did not start in time, so that not all jobs can meet the condition.
fn is_not_started(evaluation: &Evaluation) -> bool {
    matches!(evaluation, Evaluation::Pending(pending) if pending.cause == PendingCause::NotStarted)
}

/// Returns the most important cause of the pending jobs.
fn most_important(evaluations: &[Evaluation]) -> Option<PendingCause> {
    let causes = evaluations
        .iter()
        .filter_map(|evaluation| match evaluation {
            Evaluation::Pending(pending) => Some(pending.cause),
            _ => None,
        });
    causes.min()
}

#[cfg(test)]
mod tests;
