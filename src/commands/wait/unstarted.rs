//! Reports of a gate that has not polled anything.

use std::time::Duration;

use super::options::Arguments;
use crate::commands::context::CommandContext;
use crate::commands::reports::Reports;
use crate::error::{Problem, exit_code};
use crate::gate::Verdict;
use crate::output::document::{Envelope, Gate};

/// Returns the report of a gate that timed out before it had read its references.
pub(super) fn timed_out(problems: Vec<Problem>, elapsed: Duration) -> Envelope {
    let gate = Gate {
        verdict: Verdict::Undecided,
        met: 0,
        unmet: 0,
        pending: 0,
        timed_out: true,
        unchecked: Vec::new(),
        reason: problems.first().map(|problem| problem.message.clone()),
        elapsed_seconds: elapsed.as_secs(),
        requests: 0,
    };
    let envelope = Envelope::new("wait", Vec::new(), problems, Vec::new());
    let envelope = envelope.without_requests();
    envelope.with_gate(gate, exit_code::TIMED_OUT)
}

/// Returns the report of usage errors.
pub(super) fn usage_errors(problems: &[Problem]) -> Envelope {
    Envelope::new("wait", Vec::new(), problems.to_vec(), Vec::new()).without_requests()
}

/// Writes usage errors that were found before the command itself was called to its reports.
pub(in crate::commands) fn report_usage_errors(
    context: &CommandContext,
    arguments: &Arguments,
    problems: &[Problem],
) {
    // Their input is the value of an option; reports would contain it as a reference.
    let without_input = |problem: &Problem| Problem {
        input: None,
        span: None,
        ..problem.clone()
    };
    let problems: Vec<Problem> = problems.iter().map(without_input).collect();
    // An invalid `--report` names no file that could be written.
    if let Ok(mut reports) =
        Reports::parse(&arguments.reports, &arguments.files, &context.environment)
    {
        reports.rewrite(&usage_errors(&problems));
    }
}
