use std::borrow::Cow;

use super::super::poll::{PolledJob, Poller};
use crate::error::{Category, Problem};
use crate::gate::{Evaluation, GatePolicy, Pending};
use crate::model::Job;
use crate::output::{ReadStatus, Row};

/// Returns a row for each job, in order.
pub(super) fn rows<'a>(poller: &'a Poller, policy: &GatePolicy) -> Vec<Row<'a>> {
    let jobs = poller.jobs.iter();
    jobs.map(|polled| row(poller, polled, policy)).collect()
}

/// Returns the row of a job.
pub(super) fn row<'a>(poller: &Poller, polled: &'a PolledJob, policy: &GatePolicy) -> Row<'a> {
    let evaluation = polled.current.history.evaluate(policy, poller.elapsed());
    let failure = read_failure(polled, &evaluation).map(|problem| match polled.current.is_final {
        true => problem.message,
        false => format!("{}; retrying", problem.message),
    });
    Row {
        reference: poller.display_reference(polled),
        job: polled
            .current
            .job
            .as_ref()
            .map(|job| match polled.read_status() {
                ReadStatus::Failed | ReadStatus::Gone if !job.ended => Cow::Owned(outdated(job)),
                _ => Cow::Borrowed(job),
            }),
        unreadable_reason: failure,
    }
}

/// Returns a job whose state is unknown by now, without what depends on the state.
fn outdated(job: &Job) -> Job {
    Job {
        reference: job.reference.clone(),
        name: job.name.clone(),
        user: job.user.clone(),
        queue: job.queue.clone(),
        region: job.region.clone(),
        created_at: job.created_at,
        ..Job::default()
    }
}

/// Returns why a job cannot be read, if it cannot. One that existed before is reported as gone, and one
/// that is retried as a temporary failure.
pub(super) fn read_failure(polled: &PolledJob, evaluation: &Evaluation) -> Option<Problem> {
    let mut problem = polled.current.problem.as_deref().cloned()?;
    let Evaluation::Pending(Pending {
        is_final, reason, ..
    }) = evaluation
    else {
        return None;
    };
    let is_missing = problem.category == Category::NotFound && !polled.is_replaced();
    if is_missing && polled.current.job.is_some() {
        problem.message = reason.to_string();
    }
    problem.retryable = !is_final;
    Some(problem)
}
