use super::super::poll::{PolledJob, Poller};
use crate::error::{Category, Problem};
use crate::gate::{Evaluation, GatePolicy, Pending};
use crate::output::Row;

/// Returns a row for each resource, in order.
pub(super) fn rows<'a>(poller: &'a Poller, rules: &GatePolicy) -> Vec<Row<'a>> {
    let jobs = poller.jobs.iter();
    jobs.map(|watched| row(poller, watched, rules)).collect()
}

/// Returns the row of a resource.
pub(super) fn row<'a>(poller: &Poller, watched: &'a PolledJob, rules: &GatePolicy) -> Row<'a> {
    let evaluation = watched.history.evaluate(rules, poller.elapsed());
    let failure = read_failure(watched, &evaluation).map(|problem| match watched.is_final {
        true => problem.message,
        false => format!("{}; retrying", problem.message),
    });
    Row {
        reference: poller.display_reference(watched),
        job: watched.job.as_ref(),
        unreadable_reason: failure,
    }
}

/// Returns why a resource cannot be read, if it cannot. One that existed before is reported as gone, and one
/// that is retried as a temporary failure.
pub(super) fn read_failure(watched: &PolledJob, evaluation: &Evaluation) -> Option<Problem> {
    let mut problem = watched.problem.as_deref().cloned()?;
    let Evaluation::Pending(Pending {
        is_final, reason, ..
    }) = evaluation
    else {
        return None;
    };
    if problem.category == Category::NotFound && watched.job.is_some() {
        problem.message = reason.to_string();
    }
    problem.retryable = !is_final;
    Some(problem)
}
