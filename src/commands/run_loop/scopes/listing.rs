//! Lists the jobs of a watched scope.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::super::super::job_identity::JobIdentity;
use super::super::super::lookup::{LOOKUP_TIMEOUT, Lookup};
use super::MAX_LISTED;
use crate::error::Problem;
use crate::http::Deadline;
use crate::model::{Job, NoticeCode};
use crate::providers::{self, Filter, Page, ready};
use crate::reference::{Reference, Scope};

/// The result of one list of a scope.
pub(super) type ListOutcome = Result<ListedJobs, Box<Problem>>;

/// The jobs that a list of a scope returned.
pub(super) enum ListedJobs {
    /// The listed jobs, and why a part of the list failed.
    All(Vec<ListedJob>, Option<Box<Problem>>),
    /// The newest job.
    Latest(Reference),
}

/// A job in a list.
pub(super) struct ListedJob {
    /// The canonical reference.
    pub reference: String,
    pub identity: JobIdentity<'static>,
    pub ended: bool,
    /// The whole row, if the lookups of the job fail.
    pub row: Option<Box<Job>>,
}

/// Finds the newest job of a scope.
pub(super) async fn latest_in(lookup: &Lookup, scope: &Scope) -> ListOutcome {
    let newest = lookup.latest_in(scope).await;
    newest.map(ListedJobs::Latest).map_err(Box::new)
}

/// Lists a scope. Keeps the rows of the jobs in `unreadable`, by canonical reference.
pub(super) async fn list(
    lookup: &Lookup,
    scope: &Scope,
    unreadable: &HashSet<String>,
) -> ListOutcome {
    let with_context = |mut problem: Problem| {
        problem.reference = Some(scope.to_string());
        problem.input = Some(scope.input.clone());
        Box::new(problem)
    };
    let client = lookup.client_for_scope(scope).await;
    let client = client.map_err(with_context)?;
    let options = lookup.options_for(scope.kind, Deadline::after(LOOKUP_TIMEOUT));
    let (mut all, mut failed_part) = (Vec::new(), None);
    let mut keep = |page: Page| {
        let listed = page.rows.into_iter().map(|row| ListedJob {
            identity: JobIdentity::of(&row.job).into_owned(),
            reference: row.job.reference.clone(),
            ended: row.job.ended,
            row: unreadable
                .contains(&row.job.reference)
                .then(|| Box::new(row.job)),
        });
        all.extend(listed);
        // Watch an unreadable row too: its lookup reports the problem better.
        let unreadable = page.problems.into_iter().filter_map(|problem| {
            let reference = problem.reference?;
            Some(ListedJob {
                reference,
                identity: JobIdentity::of_unreadable_row(),
                ended: false,
                row: None,
            })
        });
        all.extend(unreadable);
        let mut notices = page.notices;
        notices.retain(|notice| notice.code == NoticeCode::ListWindow);
        lookup.keep_notices(notices);
        failed_part = failed_part.take().or(page.failed_parts.into_iter().next());
        ready(ControlFlow::Continue(()))
    };
    let all_of_them = Filter::default();
    let limit = scope.kind.list_limit();
    let limit = limit.or(Some(MAX_LISTED));
    let drained =
        providers::list_all(&*client, scope, &all_of_them, &options, limit, &mut keep).await;
    drained.map_err(with_context)?;
    Ok(ListedJobs::All(all, failed_part.map(with_context)))
}

/// Removes the rows from a list, by reference. Rows of one reference with different states show none.
pub(super) fn take_rows(jobs: &mut [ListedJob]) -> HashMap<String, Job> {
    let mut rows: HashMap<String, Option<Job>> = HashMap::new();
    for listed in jobs {
        let Some(row) = listed.row.take() else {
            continue;
        };
        match rows.entry(listed.reference.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Some(*row));
            }
            Entry::Occupied(mut entry) => {
                let is_same = |known: &Job| known.state == row.state;
                if !entry.get().as_ref().is_some_and(is_same) {
                    entry.insert(None);
                }
            }
        }
    }
    let rows = rows.into_iter();
    rows.filter_map(|(reference, row)| Some((reference, row?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::State;

    #[test]
    fn rows_of_one_resource_with_different_states_are_not_shown() {
        let listed = |reference: &str, state: Option<State>| ListedJob {
            reference: reference.to_owned(),
            identity: JobIdentity::of_unreadable_row(),
            ended: false,
            row: state.map(|state| {
                Box::new(Job {
                    state,
                    ..Job::default()
                })
            }),
        };
        let mut jobs = [
            listed("a", Some(State::Running)),
            listed("b", Some(State::Running)),
            listed("b", Some(State::Failed)),
            listed("b", Some(State::Failed)),
            listed("a", Some(State::Running)),
            listed("c", None),
        ];
        let rows = take_rows(&mut jobs);
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, row)| (&**name, row.state))
            .collect();
        assert_eq!(rows, [("a", State::Running)]);
        assert!(jobs.iter().all(|listed| listed.row.is_none()));
    }
}
