use super::super::poll::{Poller, Watched};
use crate::error::{Category, Problem};
use crate::gate::{Open, Rules, Standing};
use crate::output::Row;

/// A row for each thing, in the order given.
pub(super) fn rows<'a>(poller: &'a Poller, rules: &Rules) -> Vec<Row<'a>> {
    let now = poller.elapsed();
    poller
        .watched
        .iter()
        .map(|watched| {
            let standing = watched.track.standing(rules, now);
            let trouble = trouble(watched, &standing).map(|problem| match watched.done {
                true => problem.message,
                false => format!("{}; looking on", problem.message),
            });
            Row {
                reference: watched.reference.to_string(),
                job: watched.job.as_ref(),
                trouble,
            }
        })
        .collect()
}

/// Why a thing cannot be read, if it cannot: what existed and is gone is told as such, and what is
/// looked at again as something that may pass.
pub(super) fn trouble(watched: &Watched, standing: &Standing) -> Option<Problem> {
    let mut problem = watched.problem.clone()?;
    let Standing::Open(Open { settled, why, .. }) = standing else {
        return None;
    };
    if problem.category == Category::NotFound && watched.job.is_some() {
        problem.message.clone_from(why);
    }
    problem.retryable = !settled;
    Some(problem)
}
