//! Checks many jobs with few requests, by listing them by their ids with ListServerlessJobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use super::list::{MAX_ROWS, Page};
use super::parent::can_be_array_id;
use super::rows::{BatchPages, JobRows};
use super::{Api, JOB, LIST, cluster_of};
use crate::http::{Method, Request};
use crate::providers::aliyun::products::EHPC;
use crate::providers::is_list_unavailable;
use crate::providers::prelude::*;

/// Ids of jobs by cluster.
pub(super) type Clusters<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl Api {
    /// Returns the jobs for which a list saves requests: those of clusters with two or more of the jobs.
    pub(super) fn batchable<'a>(&self, references: &'a [Reference]) -> Clusters<'a> {
        let mut clusters = self.listable(references);
        clusters.retain(|_, ids| ids.len() > 1);
        clusters
    }

    /// Returns the jobs that can be listed; none if the account cannot list jobs.
    pub(super) fn listable<'a>(&self, references: &'a [Reference]) -> Clusters<'a> {
        let mut clusters = Clusters::new();
        if self.lists_unavailable.load(Ordering::Relaxed) {
            return clusters;
        }
        for reference in references.iter().filter(|r| r.kind == &JOB) {
            let ids = clusters
                .entry(cluster_of(reference.segment("CLUSTER")))
                .or_default();
            ids.insert(reference.id());
        }
        clusters
    }

    /// Looks up the references in the lists of these clusters.
    ///
    /// Jobs of an unknown cluster, or of a list that the cloud rejects, are omitted: a request for each job
    /// reports the error better, or needs no list.
    ///
    /// # Errors
    /// The error of a list request; then no job was looked up.
    pub(in super::super) async fn batch_get_jobs<'a>(
        &'a self,
        clusters: Clusters<'a>,
        batch: BatchRequest<'a>,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let BatchRequest {
            references,
            options,
            ends,
        } = batch;
        let (mut listings, mut unread) = (BTreeMap::new(), BTreeSet::new());
        for (cluster, ids) in clusters {
            let ids: Vec<&str> = ids.into_iter().collect();
            let all = self.known_arrays.with_probes(cluster, &ids);
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let (listing, problem) = self.list(cluster, &all, None, options).await;
            match problem {
                Some(problem) if !is_list_unavailable(&problem) => return Err(problem),
                Some(_) => drop(unread.insert(cluster)),
                None => self.known_arrays.record_probes(cluster, &ids, &listing),
            }
            listings.insert(cluster, listing);
        }
        let row_of = |reference: &Reference| {
            let cluster = cluster_of(reference.segment("CLUSTER"));
            let listing = listings.get(cluster);
            if listing.is_none() || unread.contains(cluster) {
                ends.skip(reference);
            }
            let listing = listing?;
            let at = job_at(reference, self.region());
            if let Some(row) = listing.contradicted_end(reference.id()) {
                let mut job = at.clone();
                row.fill(&mut job, &options.states, &mut Vec::new());
                ends.record(&job.reference, &job);
            }
            let checked_in = self.known_arrays.of(reference).checked_in;
            let row = listing.job_for(at, &options.states, checked_in);
            // The success of a job that can be an array job is checked, whatever its flag is.
            let is_proved = |job: &Job| job.state != State::Succeeded || !can_be_array_id(&job.id);
            let row = row.filter(|(job, _)| is_proved(job));
            row.map(|(job, notices)| GetResult { job, notices })
        };
        let is_job = |reference: &&Reference| reference.kind == &JOB;
        Ok(references
            .iter()
            .map(|reference| Some(reference).filter(is_job).and_then(row_of))
            .collect())
    }

    /// Lists the rows of these jobs as far as possible. Returns them and the problem that ended the reading
    /// early. If `parent` is an array job, all rows of its subtasks in the responses are included.
    pub(super) async fn list(
        &self,
        cluster: &str,
        ids: &[&str],
        parent: Option<&str>,
        options: &RequestOptions,
    ) -> (JobRows, Option<Problem>) {
        let mut listing = JobRows::default();
        let mut skipped = None;
        for ids in ids.chunks(MAX_ROWS) {
            let pages = match parent {
                Some(parent) => BatchPages::of_array(parent, ids),
                None => BatchPages::new(ids),
            };
            let filter = id_filter(ids);
            match self
                .read_pages(cluster, &filter, pages, &mut listing, options)
                .await
            {
                // Jobs without a row are looked up one by one; subtasks are not.
                Ok(problem) => skipped = skipped.or(problem.filter(|_| parent.is_some())),
                Err(problem) => return (listing, Some(problem)),
            }
        }
        (listing, skipped)
    }

    /// Reads the pages of one list into `listing`. Returns the problem of rows that were skipped.
    ///
    /// # Errors
    /// The error that ended the reading early.
    pub(super) async fn read_pages(
        &self,
        cluster: &str,
        filter: &[(String, String)],
        mut pages: BatchPages<'_>,
        listing: &mut JobRows,
        options: &RequestOptions,
    ) -> Result<Option<Problem>, Problem> {
        let mut skipped = None;
        loop {
            let request = self.list_request(cluster, filter, pages.next(), MAX_ROWS);
            let client = &self.client;
            let response = client
                .send(&client.http, &request, options.deadline)
                .await
                .inspect_err(|problem| self.record_list_denied(problem))?;
            // An unreadable row must not hide a failed subtask in another row.
            let decoded = client.decode(&request, &response, Page::decode_readable)?;
            listing.notices.extend(decoded.unreadable);
            let (page, dropped) = decoded.data;
            if let Some(expected) = dropped {
                listing.mark_partial();
                let problem = || {
                    let id = client.errors.request_id.in_error(&response);
                    let http = &client.http;
                    http.decode_problem(&request, &response, &expected, id)
                };
                skipped.get_or_insert_with(problem);
            }
            let has_next = pages.add(page, listing);
            listing.keep_document(&pages, options, response.body);
            if !has_next {
                return Ok(skipped);
            }
        }
    }

    pub(super) fn list_request(
        &self,
        cluster: &str,
        filter: &[(String, String)],
        page: usize,
        rows: usize,
    ) -> Request {
        let mut request = self.request(&EHPC, LIST.name, Method::Post, &[]);
        request.query = [
            ("ClusterId", cluster.to_owned()),
            ("PageNumber", page.to_string()),
            ("PageSize", rows.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .chain(filter.iter().cloned())
        .collect();
        request
    }

    /// Records that the cloud rejected the list, so that it is not requested again.
    pub(super) fn record_list_denied(&self, problem: &Problem) {
        if problem.category == Category::PermissionDenied {
            self.list_denied.store(true, Ordering::Relaxed);
        }
        if matches!(
            problem.category,
            Category::PermissionDenied | Category::InvalidArgument
        ) {
            self.lists_unavailable.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns the parameters of a list that select the jobs.
fn id_filter(ids: &[&str]) -> Vec<(String, String)> {
    ids.iter()
        .zip(1..)
        .map(|(id, number)| (format!("JobIds.{number}"), (*id).to_owned()))
        .collect()
}
