//! Cheap looks at many jobs: ListServerlessJobs by their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use super::wire::{self, BatchPages, JobRows, Page};
use super::{Ehpc, JOB, cluster_of};
use crate::error::{Category, Problem};
use crate::http::{Method, Request};
use crate::providers::{GetOptions, GetResult, job_at};
use crate::reference::Reference;

/// Ids of jobs by cluster.
pub(super) type Clusters<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl Ehpc {
    /// The jobs for which a list saves calls: those of clusters that two or more are asked of.
    pub(super) fn batchable<'a>(&self, references: &'a [Reference]) -> Option<Clusters<'a>> {
        if self.lists_unavailable.load(Ordering::Relaxed) {
            return None;
        }
        let mut clusters = Clusters::new();
        for reference in references.iter().filter(|r| r.kind == &JOB) {
            let ids = clusters.entry(cluster_of(reference)).or_default();
            ids.insert(reference.id());
        }
        clusters.retain(|_, ids| ids.len() > 1);
        (!clusters.is_empty()).then_some(clusters)
    }

    /// What the lists of these clusters tell of the references.
    ///
    /// A cluster that the cloud does not know, and a list that it does not give, leave their jobs
    /// untold: a look at each says better what is wrong with it, or needs no list.
    ///
    /// # Errors
    /// What went wrong on the way, so that nothing is told of any.
    pub(super) async fn batch_get_jobs<'a>(
        &'a self,
        clusters: Clusters<'a>,
        references: &'a [Reference],
        ask: &'a GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let mut listings = BTreeMap::new();
        for (cluster, ids) in clusters {
            let ids: Vec<&str> = ids.into_iter().collect();
            let (listing, problem) = self.list(cluster, &ids, None, ask).await;
            match problem {
                Some(problem) if !is_list_unavailable(&problem) => return Err(problem),
                _ => listings.insert(cluster, listing),
            };
        }
        let told = |reference: &Reference| {
            let listing = listings.get(cluster_of(reference))?;
            let at = job_at(reference, self.region.as_deref());
            let told = listing.job_for(at, &ask.states);
            told.map(|(job, notices)| GetResult { job, notices })
        };
        let is_job = |reference: &&Reference| reference.kind == &JOB;
        Ok(references
            .iter()
            .map(|reference| Some(reference).filter(is_job).and_then(told))
            .collect())
    }

    /// The rows of these jobs, as far as they could be read, and what ended the reading early; with
    /// an array job as `parent` the rows of all its subtasks that come with them.
    pub(super) async fn list(
        &self,
        cluster: &str,
        ids: &[&str],
        parent: Option<&str>,
        ask: &GetOptions,
    ) -> (JobRows, Option<Problem>) {
        let mut listing = JobRows::default();
        for ids in ids.chunks(wire::MAX_ROWS) {
            let mut pages = match parent {
                Some(parent) => BatchPages::of_array(parent, ids),
                None => BatchPages::new(ids),
            };
            loop {
                let request = self.list_request(cluster, ids, pages.next(), wire::MAX_ROWS);
                let answer = match self.send(&request, cluster, ask).await {
                    Ok(answer) => answer,
                    Err(problem) => {
                        self.record_list_denied(&problem);
                        return (listing, Some(problem));
                    }
                };
                let page = match Page::decode(&answer.body) {
                    Ok(page) => page,
                    Err(expected) => {
                        let problem = self.api.decode_problem(&request, &answer, &expected);
                        return (listing, Some(problem));
                    }
                };
                if !pages.add(page, &mut listing) {
                    break;
                }
            }
        }
        (listing, None)
    }

    pub(super) fn list_request(
        &self,
        cluster: &str,
        ids: &[&str],
        page: usize,
        rows: usize,
    ) -> Request {
        let mut request = self.request("ListServerlessJobs", Method::Post, &[]);
        let ids = ids
            .iter()
            .zip(1..)
            .map(|(id, number)| (format!("JobIds.{number}"), (*id).to_owned()));
        request.query = [
            ("ClusterId", cluster.to_owned()),
            ("PageNumber", page.to_string()),
            ("PageSize", rows.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(ids)
        .collect();
        request
    }

    /// A list that is not given once is not asked for again.
    pub(super) fn record_list_denied(&self, problem: &Problem) {
        if matches!(
            problem.category,
            Category::PermissionDenied | Category::InvalidArgument
        ) {
            self.lists_unavailable.store(true, Ordering::Relaxed);
        }
    }
}

/// True when the cloud answered well and gives no such list, so that looks at each job may do.
pub(super) fn is_list_unavailable(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::PermissionDenied | Category::InvalidArgument
    )
}
