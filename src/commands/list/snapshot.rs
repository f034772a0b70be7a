//! Lists all jobs of a target, for commands that do not print a list.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::super::lookup::Lookup;
use super::lister::{ListEvent, ScopeLister};
use super::options::ListOptions;
use super::report::{ListStatus, ScopeReport};
use super::target::ListTarget;
use crate::error::Problem;
use crate::model::Job;
use crate::output::Format;

/// The result of listing one scope.
pub(in crate::commands) struct ListedScope {
    /// The canonical scope.
    pub scope: String,
    /// The long name of its cloud.
    pub cloud: &'static str,
    /// Why it, or a part of it, could not be listed.
    pub problem: Option<Problem>,
    /// It was not named and can be rejected, such as a scope of a product that the account does not use.
    pub is_optional: bool,
    /// There are more jobs than were listed.
    pub is_truncated: bool,
    /// The number of rows that could not be read.
    pub unreadable: usize,
}

/// Lists a target with all scopes in it: at most `max_jobs` jobs of each, and its active jobs in addition. Calls
/// `on_job` with each job and the number of its scope.
pub(in crate::commands) async fn list_jobs(
    lookup: &Arc<Lookup>,
    target: &ListTarget,
    max_jobs: usize,
    on_job: &mut (dyn FnMut(usize, Job) + Send),
) -> Vec<ListedScope> {
    let concurrency = lookup.transport.options().concurrency;
    let lister = ScopeLister {
        number: 0,
        target: target.clone(),
        lookup: Arc::clone(lookup),
        options: Arc::new(ListOptions::capped(max_jobs)),
        format: Format::Jsonl,
        sorts: false,
        active_first: true,
        turns: Arc::new(Semaphore::new(concurrency)),
    };
    let (sender, mut events) = mpsc::unbounded_channel();
    let mut running = JoinSet::new();
    running.spawn(lister.run(sender));
    let mut reports = vec![ScopeReport::new(target.clone())];
    while let Some((number, event)) = events.recv().await {
        match event {
            // Dropping this sender requests the next page.
            ListEvent::Page(page, _taken) => {
                reports[number].unread.extend(page.problems);
                lookup.keep_notices(page.notices);
                let jobs = page.rows.jobs.into_iter();
                jobs.for_each(|job| on_job(number, job));
            }
            ListEvent::Parts(targets, first) => {
                ScopeReport::add_parts(&mut reports, number, targets, first);
            }
            ListEvent::End(status) => reports[number].status = status,
        }
    }
    reports.iter().map(|one| listed(one, &reports)).collect()
}

fn listed(report: &ScopeReport, all: &[ScopeReport]) -> ListedScope {
    let parts = report.unread.failed_parts.first();
    ListedScope {
        scope: report.target.scope(),
        cloud: report.target.account().cloud,
        problem: report.failure().or(parts).cloned(),
        is_optional: report.is_optional(all),
        is_truncated: report.unread.omits_old
            || matches!(
                report.status,
                ListStatus::Truncated(_) | ListStatus::ActiveFirst { .. }
            ),
        unreadable: report.unread.problems.len() + report.unread.without_id,
    }
}
