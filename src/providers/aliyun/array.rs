//! Array jobs as a whole, which are as good as their subtasks.

use std::sync::atomic::Ordering;

use super::glance::is_no_list;
use super::wire::{self, Listing, Page, Pages};
use super::{Ehpc, cluster_of, tell_omitted, told};
use crate::error::{Category, Problem};
use crate::model::{Array, Notice};
use crate::providers::{Ask, Found, job_at};
use crate::reference::Reference;

impl Ehpc {
    /// A job, and with an array job its subtasks.
    pub(super) async fn job(&self, reference: &Reference, ask: &Ask) -> Result<Found, Problem> {
        match self.describe(reference, ask).await {
            Ok(found) if wire::is_parent(&found.job) => {
                Ok(self.with_subtasks(found, reference, ask).await)
            }
            Err(problem) if wire::may_be_parent(reference.id()) && is_miss(&problem) => {
                self.listed_parent(reference, problem, ask).await
            }
            other => other,
        }
    }

    /// An array job that only the list knows; else `missing`, which is what the look-up said.
    async fn listed_parent(
        &self,
        reference: &Reference,
        missing: Problem,
        ask: &Ask,
    ) -> Result<Found, Problem> {
        if self.no_lists.load(Ordering::Relaxed) {
            return Err(missing);
        }
        let (cluster, id) = (cluster_of(reference), reference.id());
        let request = self.list_request(cluster, &[id], 1, wire::MOST_ROWS);
        let answer = match self.send(&request, cluster, ask).await {
            Ok(answer) => answer,
            Err(problem) => {
                self.remember(&problem);
                // Whether it is missing is not known while the list cannot be asked.
                return Err(if is_no_list(&problem) {
                    missing
                } else {
                    problem
                });
            }
        };
        let page = Page::read(&answer.body)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))?;
        let mut listing = Listing::default();
        Pages::of(&[id]).add(page, &mut listing);
        let Some(row) = listing.row(id).filter(|row| row.is_parent()) else {
            return Err(missing);
        };
        let mut job = job_at(reference, self.region.as_deref());
        let mut notices = Vec::new();
        row.fill(&mut job, &ask.states, &mut notices);
        job.array = Some(self.range(reference, ask).await);
        job.request_id.clone_from(&listing.request_id);
        if ask.vendor {
            job.vendor = wire::vendor_document(&answer.body, ask.show_secrets);
            tell_omitted(&job, &mut notices);
        }
        let found = Found { job, notices };
        Ok(self.with_subtasks(found, reference, ask).await)
    }

    /// The range of an array job, which lists do not tell: any of its subtasks knows it.
    async fn range(&self, reference: &Reference, ask: &Ask) -> Array {
        for index in [1, 0] {
            let subtask = with_id(reference, format!("{}_{index}", reference.id()));
            let found = self.describe(&subtask, ask).await.ok();
            let array = found.and_then(|found| found.job.array);
            if let Some(array) = array.filter(|array| array.end.is_some()) {
                return Array {
                    index: None,
                    ..array
                };
            }
        }
        Array {
            start: None,
            end: None,
            step: None,
            index: None,
        }
    }

    async fn with_subtasks(&self, found: Found, reference: &Reference, ask: &Ask) -> Found {
        let Found {
            mut job,
            mut notices,
        } = found;
        let cluster = cluster_of(reference);
        let array = job.array.as_ref();
        let ids = array.and_then(|array| wire::subtask_ids(&job.id, array));
        let asked: Vec<&str> = ids.iter().flatten().map(String::as_str).collect();
        let (listing, problem) = self.list(cluster, &asked, ask).await;
        let unread = problem.as_ref().map(told);
        wire::judge(
            &mut job,
            ids.as_deref(),
            &listing,
            unread.as_deref(),
            &ask.states,
            &mut notices,
        );
        if let Some(failed) = wire::failed_subtask(&job) {
            let subtask = with_id(reference, failed.to_owned());
            let cause = self.describe(&subtask, ask).await.ok();
            wire::explain(&mut job, cause.as_ref().map(|cause| &cause.job));
            notices.extend(told_by_cause(cause));
        }
        Found { job, notices }
    }
}

/// What a look at a subtask has to say besides; that its document was left out is of no interest.
fn told_by_cause(cause: Option<Found>) -> impl Iterator<Item = Notice> {
    cause
        .into_iter()
        .flat_map(|cause| cause.notices)
        .filter(|notice| notice.code != "vendor_omitted")
}

/// True when the cloud knows the cluster and not the job, or takes only ids of subtasks.
fn is_miss(problem: &Problem) -> bool {
    let code = problem.code.as_deref().unwrap_or_default();
    match problem.category {
        Category::NotFound => code != "ClusterNotFound",
        Category::Rejected => code.starts_with("InvalidParam"),
        _ => false,
    }
}

fn with_id(reference: &Reference, id: String) -> Reference {
    let mut other = reference.clone();
    if let Some(last) = other.segments.last_mut() {
        *last = id;
    }
    other
}
