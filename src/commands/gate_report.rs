//! Reports the result of a gate over polled jobs.

mod reason;

use std::time::Duration;

use super::lookup::NOT_READ;
use super::poll::{PolledJob, is_stateless};
use crate::credentials::CredentialCommand;
use crate::error::{Category, Problem, Stop};
use crate::gate::{Condition, Counts, Decision, Evaluation, GatePolicy};
use crate::model::{Job, Notice};
use crate::output::document::{Envelope, Gate};
use crate::reference::Reference;
use crate::secret::shell_word;

/// Evaluates all jobs.
pub(super) fn evaluate_all(
    polled: &[PolledJob],
    policy: &GatePolicy,
    elapsed: Duration,
) -> Vec<Evaluation> {
    polled
        .iter()
        .map(|polled| polled.current.history.evaluate(policy, elapsed))
        .collect()
}

/// Checks that every kind of the references can meet the condition.
///
/// # Errors
/// Returns a usage error for the first reference whose kind cannot meet it.
pub(super) fn check_condition(
    references: &[Reference],
    condition: &Condition,
) -> Result<(), Problem> {
    let Some(reference) = references.iter().find(|one| !can_meet(one, condition)) else {
        return Ok(());
    };
    let (kind, word) = (reference.kind, shell_word(&reference.input));
    let mut problem = match is_stateless(reference) {
        _ if matches!(condition, Condition::NoWarnings(_)) => Problem::usage(format!(
            "{kind} has no events; --for no-warnings requires them"
        ))
        .with_hint(format!("wait for a state: joblens wait -t 2h {word}")),
        true => Problem::usage(format!(
            "{kind} has events but no state; it cannot reach '{condition}'"
        ))
        .with_hint(format!(
            "use: joblens wait -t 2h --for no-warnings=10m {word}"
        )),
        false => Problem::usage(format!("{kind} never ends; it cannot reach '{condition}'"))
            .with_hint(format!("use: joblens wait -t 2h --for running {word}")),
    };
    problem.input = Some(reference.input.to_string());
    Err(problem)
}

fn can_meet(reference: &Reference, condition: &Condition) -> bool {
    let endless = reference.kind.states.first();
    let endless = endless.filter(|_| reference.kind.is_endless());
    match (condition, endless) {
        (Condition::NoWarnings(_), _) => reference.kind.has_events,
        _ if is_stateless(reference) => false,
        (Condition::Ended, Some(_)) => false,
        (Condition::States(states), Some(table)) => {
            table.map.iter().any(|(_, state)| states.contains(state))
        }
        (_, None) => true,
    }
}

/// Whether a gate is polling, or why it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GateStatus {
    /// The gate is polling; this is an intermediate report.
    Running,
    /// The verdict is certain, or no later poll can change it.
    Certain,
    /// The timeout has passed.
    TimedOut,
    /// Everything was checked once, as requested.
    SingleCheck,
    /// The command was stopped.
    Stopped(Stop),
}

/// What a gate has used so far, and its status.
#[derive(Debug, Clone, Copy)]
pub(super) struct GateStats {
    /// The time since the start.
    pub elapsed: Duration,
    /// The number of requests sent.
    pub requests: u64,
    /// Whether the gate is polling, or why it stopped.
    pub status: GateStatus,
}

/// A gate and the jobs that it evaluates.
pub(super) struct GateState<'a> {
    /// The polled jobs, in the order of the references.
    pub polled: &'a [PolledJob],
    /// The evaluation of each job.
    pub evaluations: &'a [Evaluation],
    /// The policy of the gate.
    pub policy: &'a GatePolicy,
    /// The decision of the gate.
    pub decision: &'a Decision,
    /// Returns the command that prints the credential for a reference, if it has not ended.
    pub running_command: &'a dyn Fn(&Reference) -> Option<&'a CredentialCommand>,
    /// What the gate has used, and why it stopped.
    pub stats: GateStats,
}

/// The result of a gate, without its jobs.
pub(super) struct GateReport {
    gate: Gate,
    errors: Vec<Problem>,
    verdicts: Vec<&'static str>,
}

impl GateReport {
    /// Creates the report of a gate.
    pub(super) fn new(state: &GateState<'_>) -> Self {
        let GateState {
            polled,
            evaluations,
            decision,
            running_command,
            stats,
            ..
        } = *state;
        let mut unchecked = Vec::new();
        let mut errors: Vec<Problem> = Vec::new();
        for polled in polled {
            if polled.current.job.is_none() && polled.current.problem.is_none() {
                unchecked.push(polled.reference.to_string());
                let command = running_command(&polled.reference);
                errors.push(not_checked(&polled.reference, stats.status, command));
            }
            errors.extend(polled.current.problem.as_deref().cloned());
        }
        let verdicts: Vec<&str> = evaluations.iter().map(Evaluation::as_str).collect();
        let counts = Counts::of(evaluations);
        let gate = Gate {
            verdict: decision.verdict,
            met: counts.met,
            unmet: counts.unmet,
            pending: counts.pending,
            timed_out: matches!(stats.status, GateStatus::TimedOut | GateStatus::SingleCheck),
            unchecked,
            reason: Some(reason::of(state)),
            elapsed_seconds: stats.elapsed.as_secs(),
            requests: stats.requests,
        };
        Self {
            gate,
            errors,
            verdicts,
        }
    }

    /// Returns the output of the gate: for each reference the last job that was read, or why there is none.
    /// `jobs` are in the order of the references.
    pub(super) fn into_envelope(
        self,
        command: &'static str,
        jobs: Vec<Option<Job>>,
        notices: Vec<Notice>,
        code: u8,
    ) -> Envelope {
        let requested = self.verdicts.len() as u64;
        // Reuses the memory of `jobs`: there can be thousands.
        let judged = jobs
            .into_iter()
            .zip(self.verdicts)
            .filter_map(|(job, verdict)| {
                let mut job = job?;
                job.verdict = Some(verdict.to_owned());
                Some(job)
            });
        let envelope = Envelope::new(command, judged.collect(), self.errors, notices);
        let mut envelope = envelope.with_gate(self.gate, code);
        envelope.coverage.requested = requested;
        envelope.coverage.complete &= envelope.coverage.answered == requested;
        envelope
    }
}

/// Returns the problem of a reference with neither a response nor an error.
fn not_checked(
    reference: &Reference,
    status: GateStatus,
    command: Option<&CredentialCommand>,
) -> Problem {
    let message = match status {
        GateStatus::TimedOut => "not checked before the timeout",
        GateStatus::Stopped(Stop::EndOfRecording) => "not checked before the end of the recording",
        GateStatus::Stopped(_) => NOT_READ,
        GateStatus::Certain if command.is_some() => "not checked before the verdict was certain",
        GateStatus::Certain => "no response before the verdict was certain",
        GateStatus::Running | GateStatus::SingleCheck => "not checked yet",
    };
    let (category, message) = match command {
        Some(command) => (
            Category::MissingCredentials,
            format!("{message}: {command} has not ended"),
        ),
        None => (Category::Network, message.to_owned()),
    };
    let mut problem = Problem::new(category, message)
        .with_account(reference.kind.template.cloud, &reference.profile);
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.to_string());
    problem.retryable = true;
    match status {
        GateStatus::TimedOut => problem.with_hint("allow more time with --timeout"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;
    use crate::reference::DEFAULT_PROFILE;

    #[test]
    fn a_suggested_wait_has_a_timeout_because_ci_requires_one() {
        let mut suggested = 0;
        for kind in providers::kinds() {
            let reference = Reference {
                kind,
                profile: DEFAULT_PROFILE.into(),
                segments: Vec::new(),
                input: kind.template.sample.into(),
            };
            for condition in ["succeeded", "no-warnings=10m"] {
                let condition = Condition::parse(condition, &[]).unwrap();
                let checked = check_condition(std::slice::from_ref(&reference), &condition);
                let Some(hint) = checked.err().and_then(|problem| problem.hint) else {
                    continue;
                };
                suggested += 1;
                assert!(hint.contains("joblens wait -t 2h "), "{hint}");
            }
        }
        assert!(suggested >= 3, "{suggested}");
    }
}
