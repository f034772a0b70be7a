use super::super::poll::{PolledJob, Poller};
use crate::error::{Category, Problem};
use crate::gate::{Evaluation, GatePolicy, Pending};
use crate::output::Row;

/// A row for each resource, in the order given.
pub(super) fn rows<'a>(poller: &'a Poller, rules: &GatePolicy) -> Vec<Row<'a>> {
    let now = poller.elapsed();
    poller
        .jobs
        .iter()
        .map(|watched| {
            let evaluation = watched.history.evaluate(rules, now);
            let trouble =
                read_failure(watched, &evaluation).map(|problem| match watched.is_final {
                    true => problem.message,
                    false => format!("{}; retrying", problem.message),
                });
            Row {
                reference: watched.reference.to_string(),
                job: watched.job.as_ref(),
                read_failure: trouble,
            }
        })
        .collect()
}

/// Why a resource cannot be read, if it cannot: one that existed before is reported as gone, and
/// one that is retried as a temporary failure.
pub(super) fn read_failure(watched: &PolledJob, evaluation: &Evaluation) -> Option<Problem> {
    let mut problem = watched.problem.clone()?;
    let Evaluation::Pending(Pending {
        is_final: settled,
        reason: why,
        ..
    }) = evaluation
    else {
        return None;
    };
    if problem.category == Category::NotFound && watched.job.is_some() {
        problem.message.clone_from(why);
    }
    problem.retryable = !settled;
    Some(problem)
}
