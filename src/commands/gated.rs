//! What a gate over watched things comes to.

use std::time::Duration;

use super::look_up::kind_of;
use super::poll::{Watched, is_stateless};
use crate::error::Problem;
use crate::gate::{Decision, Goal, Rules, Standing};
use crate::model::{Gate, Job, Notice, Report};
use crate::reference::Reference;

/// How all things stand.
pub(super) fn standings(watched: &[Watched], rules: &Rules, at: Duration) -> Vec<Standing> {
    watched
        .iter()
        .map(|watched| watched.track.standing(rules, at))
        .collect()
}

/// Wrong use: a goal that things of a kind without states can never reach.
///
/// # Errors
/// The first reference of such a kind.
pub(super) fn check_goal(references: &[Reference], goal: &Goal) -> Result<(), Problem> {
    if matches!(goal, Goal::NoWarnings(_)) {
        return Ok(());
    }
    match references.iter().find(|reference| is_stateless(reference)) {
        None => Ok(()),
        Some(reference) => {
            let mut problem = Problem::usage(format!(
                "{} reports events and no states, so it can never be {goal}",
                kind_of(reference)
            ))
            .hint("joblens wait --for no-warnings=10m REF");
            problem.input = Some(reference.input.clone());
            Err(problem)
        }
    }
}

/// Counts, time and calls of a gate so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// Time since the start.
    pub elapsed: Duration,
    /// Calls that were sent.
    pub calls: u64,
    /// No time was left.
    pub timed_out: bool,
}

/// The answer of a gate: the last that was read of each thing, and what could not be read.
pub(super) fn report(
    command: &'static str,
    watched: &[Watched],
    standings: &[Standing],
    decision: &Decision,
    spent: Spent,
    notices: Vec<Notice>,
    code: u8,
) -> Report {
    let jobs: Vec<Job> = watched
        .iter()
        .zip(standings)
        .filter_map(|(watched, standing)| {
            let mut job = watched.job.clone()?;
            job.verdict = Some(standing.word().to_owned());
            Some(job)
        })
        .collect();
    let errors: Vec<Problem> = watched
        .iter()
        .filter_map(|one| one.problem.clone())
        .collect();
    let count = |word: &str| standings.iter().filter(|one| one.word() == word).count() as u64;
    let gate = Gate {
        verdict: decision.verdict,
        yes: count("yes"),
        no: count("no"),
        open: count("open"),
        timed_out: spent.timed_out,
        reason: Some(decision.reason.clone()).filter(|reason| !reason.is_empty()),
        elapsed_seconds: spent.elapsed.as_secs(),
        calls: spent.calls,
    };
    let mut report = Report::new(command, jobs, errors, notices).with_gate(gate, code);
    report.coverage.asked = watched.len() as u64;
    report
}
