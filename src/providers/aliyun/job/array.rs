//! Looks up array jobs as a whole, whose state depends on their subtasks.

use std::sync::atomic::Ordering;

use super::rows::{BatchPages, JobRows};
use super::{Api, Described, cluster_of, document, parent};
use crate::model::Array;
use crate::providers::get_result::summarize;
use crate::providers::is_list_unavailable;
use crate::providers::prelude::*;

/// Maximum seconds between the submission of an array job and those of its subtasks.
const SUBMISSION_SECONDS: i64 = 60;

impl Api {
    /// Looks up a job, and the subtasks of an array job.
    pub(super) async fn job(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<GetResult, Problem> {
        match self.describe(reference, options).await {
            Ok(described) => Ok(self.checked(described, reference, options).await),
            Err(problem) if parent::can_be_array_id(reference.id()) && is_not_found(&problem) => {
                self.listed_parent(reference, problem, options).await
            }
            Err(problem) => Err(problem),
        }
    }

    /// Checks the described job against its subtasks, if it can have any.
    ///
    /// Whatever the cloud's flag is, the list is read once for each state of a job that has not failed, and
    /// before each success.
    async fn checked(
        &self,
        described: Described,
        reference: &Reference,
        options: &RequestOptions,
    ) -> GetResult {
        let Described {
            mut job,
            mut notices,
            is_array_job: flag,
            is_flag_unreadable,
            subtasks,
        } = described;
        let known = self.known_arrays.of(reference);
        if !parent::can_be_array_id(&job.id) {
            return GetResult { job, notices };
        }
        job.array = parent::known_range(job.array, known.array);
        let is_array = job.array.is_some();
        let must_list = match job.state {
            _ if is_array => true,
            State::Failed | State::Canceled => false,
            State::Succeeded => true,
            state => known.checked_in != Some(state),
        };
        if !must_list {
            return GetResult { job, notices };
        }
        let may_skip_list = !is_flag_unreadable;
        if !is_array && may_skip_list && self.list_denied.load(Ordering::Relaxed) {
            note_unchecked(&job, flag, &mut notices);
            return GetResult { job, notices };
        }
        let (mut listing, problem) = self.subtasks(reference, job.array.as_ref(), options).await;
        listing.add_rows(subtasks, &options.states);
        let mut listed = self
            .extend((listing, problem), &mut job, flag, reference, options)
            .await;
        notices.append(&mut listed.0.notices);
        let contradiction = listed.0.contradiction(&job, &options.states);
        let is_conclusive = may_skip_list || listed.1.is_none();
        let is_ordinary = is_conclusive && is_ordinary(flag, &listed.0, listed.1.as_ref());
        if job.array.is_none() && is_ordinary {
            self.known_arrays.record_ordinary(reference, job.state);
            if listed.1.is_some() {
                note_unchecked(&job, flag, &mut notices);
            }
            contradict(&mut job, contradiction);
            return GetResult { job, notices };
        }
        let result = GetResult { job, notices };
        let mut result = self.with_subtasks(result, listed, reference, options).await;
        contradict(&mut result.job, contradiction);
        result
    }

    /// Lists the rows of an array job and its subtasks as far as possible. Returns them and the problem that
    /// ended the reading early.
    async fn subtasks(
        &self,
        reference: &Reference,
        array: Option<&Array>,
        options: &RequestOptions,
    ) -> (JobRows, Option<Problem>) {
        let id = reference.id();
        let ids = parent::ids_to_list(id, array);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.list(
            cluster_of(reference.segment("CLUSTER")),
            &ids,
            Some(id),
            options,
        )
        .await
    }

    /// Adds the rows that the ids of [`Self::subtasks`] omit. Sets and records what the rows show of the array job.
    ///
    /// Without a range, the list was requested for the first 99 indices only. A lookup of a listed subtask
    /// returns the range. If no subtask has it, or if the flag is missing and no subtask was found, the jobs
    /// that were submitted at the same time are searched as well.
    async fn extend(
        &self,
        (mut listing, mut problem): (JobRows, Option<Problem>),
        job: &mut Job,
        flag: Option<bool>,
        reference: &Reference,
        options: &RequestOptions,
    ) -> (JobRows, Option<Problem>) {
        if listing.is_array(&job.id) {
            job.array.get_or_insert(Array::UNKNOWN);
        }
        let is_decided = job.state.is_unsuccessful();
        let has_no_range = |array: &Array| array.end.is_none();
        if !is_decided && job.array.as_ref().is_some_and(has_no_range) {
            let range = self.range(reference, &listing, job.state, options).await;
            if let Some(range) = range {
                let (rows, cut_short) = self.subtasks(reference, Some(&range), options).await;
                listing.add_list(rows, &options.states);
                problem = cut_short;
                job.array = Some(range);
            }
        }
        let must_search = match &job.array {
            Some(array) => !parent::has_range(array),
            None => flag.is_none() && listing.count_mismatch().is_none(),
        };
        let is_decided = is_decided || listing.has_failed_subtask(&job.id, &options.states);
        if must_search && !is_decided && problem.is_none() {
            let (rows, cut_short) = self.search(reference, job.created_at, options).await;
            listing.add_list(rows, &options.states);
            problem = cut_short;
            if listing.is_array(&job.id) {
                job.array.get_or_insert(Array::UNKNOWN);
            }
        }
        if let Some(array) = &job.array {
            self.known_arrays.record_array(reference, array.clone());
        }
        (listing, problem)
    }

    /// Searches the subtasks of a job, with any index, among the jobs that were submitted at the same time.
    async fn search(
        &self,
        reference: &Reference,
        submitted_at: Option<Time>,
        options: &RequestOptions,
    ) -> (JobRows, Option<Problem>) {
        let mut filter = vec![("SubmitOrder".to_owned(), "Desc".to_owned())];
        if let Some(time) = submitted_at {
            let start = time.to_datetime().timestamp();
            let end = start.saturating_add(SUBMISSION_SECONDS);
            filter.push(("SubmitTimeStart".to_owned(), start.to_string()));
            filter.push(("SubmitTimeEnd".to_owned(), end.to_string()));
        }
        let (cluster, mut found) = (cluster_of(reference.segment("CLUSTER")), JobRows::default());
        let pages = BatchPages::search(reference.id());
        match self
            .read_pages(cluster, &filter, pages, &mut found, options)
            .await
        {
            Ok(problem) => (found, problem),
            Err(problem) => (found, Some(problem)),
        }
    }

    /// Looks up an array job that only the list contains, in its own row or those of its subtasks. Otherwise
    /// returns `missing`, the error of the request for the job.
    async fn listed_parent(
        &self,
        reference: &Reference,
        missing: Problem,
        options: &RequestOptions,
    ) -> Result<GetResult, Problem> {
        if self.lists_unavailable.load(Ordering::Relaxed) {
            return Err(missing);
        }
        let known = self.known_arrays.of(reference).array;
        let (listing, problem) = self.subtasks(reference, known.as_ref(), options).await;
        if !listing.is_array(reference.id()) {
            // It is not known whether the job is missing if the list cannot be queried.
            return Err(match problem {
                Some(problem) if !is_list_unavailable(&problem) => problem,
                _ => missing,
            });
        }
        let (mut job, mut notices) = (job_at(reference, self.region()), Vec::new());
        if let Some(row) = listing.row(reference.id()) {
            row.fill(&mut job, &options.states, &mut notices);
        }
        job.array = parent::known_range(job.array, known);
        let (mut listing, problem) = self
            .extend((listing, problem), &mut job, Some(true), reference, options)
            .await;
        notices.append(&mut listing.notices);
        if listing.row(reference.id()).is_none() {
            parent::fill_from_subtasks(&mut job, &listing, &options.states);
        }
        job.request_id.clone_from(&listing.request_id);
        raw::attach(&mut job, &mut notices, options, || {
            document::read(listing.document()?, options)
        });
        let result = GetResult { job, notices };
        Ok(self
            .with_subtasks(result, (listing, problem), reference, options)
            .await)
    }

    /// Returns the range of an array job. Lists do not report it, but a lookup of any of its subtasks does.
    async fn range(
        &self,
        reference: &Reference,
        listing: &JobRows,
        state: State,
        options: &RequestOptions,
    ) -> Option<Array> {
        let id = reference.id();
        let listed: Vec<&str> = listing.subtasks(id).into_keys().map(|key| key.1).collect();
        let candidates = match (listed.first(), listed.last()) {
            (Some(first), Some(last)) if first == last => vec![(*first).to_owned()],
            (Some(first), Some(last)) => vec![(*first).to_owned(), (*last).to_owned()],
            // The subtasks may have been removed from the list.
            _ if state == State::Succeeded => vec![format!("{id}_1"), format!("{id}_0")],
            _ => Vec::new(),
        };
        for candidate in candidates {
            let described = self
                .describe(&with_id(reference, candidate), options)
                .await
                .ok();
            let array = described.and_then(|described| described.job.array);
            if let Some(array) = array.filter(parent::has_range) {
                return Some(Array {
                    index: None,
                    ..array
                });
            }
        }
        None
    }

    /// Adds the listed subtasks to the array job and adjusts its state to them.
    async fn with_subtasks(
        &self,
        result: GetResult,
        (listing, problem): (JobRows, Option<Problem>),
        reference: &Reference,
        options: &RequestOptions,
    ) -> GetResult {
        let GetResult {
            mut job,
            mut notices,
        } = result;
        let unread = problem.as_ref().map(summarize);
        parent::reconcile_subtasks(
            &mut job,
            &listing,
            unread.as_deref(),
            &options.states,
            &mut notices,
        );
        if job.has_unread_subtasks() {
            job.unread_cause = problem.map(|problem| problem.category);
        }
        if let Some(failed) = parent::failed_subtask(&job) {
            let subtask = with_id(reference, failed.to_owned());
            let cause = self.describe(&subtask, options).await.ok();
            parent::explain(&mut job, cause.as_ref().map(|cause| &cause.job));
            notices.extend(notices_of_cause(cause));
        }
        GetResult { job, notices }
    }
}

/// Makes the state of a succeeded job unknown if its row in the list contradicts it.
fn contradict(job: &mut Job, contradiction: Option<String>) {
    if let Some(contradiction) = contradiction.filter(|_| job.state == State::Succeeded) {
        states::contradict(job, contradiction);
    }
}

/// Returns the notices of the request for a subtask, except that its raw response was omitted.
fn notices_of_cause(cause: Option<Described>) -> impl Iterator<Item = Notice> {
    cause
        .into_iter()
        .flat_map(|cause| cause.notices)
        .filter(|notice| notice.code != NoticeCode::RawOmitted)
}

/// Returns `true` if a success is final even though only the list could show that the job is an array job.
///
/// A flag is used unless a list was only partly read, because the missing rows can be subtasks. Without a flag
/// the whole list is needed, except for a key without permission to list, which cannot read more.
fn is_ordinary(flag: Option<bool>, listing: &JobRows, problem: Option<&Problem>) -> bool {
    let is_complete = listing.count_mismatch().is_none() && !listing.is_partial();
    match (problem, flag) {
        (None, Some(_)) => listing.count_mismatch().is_none(),
        (Some(problem), None) => problem.category == Category::PermissionDenied,
        (None, None) | (Some(_), Some(_)) => is_complete,
    }
}

/// Adds a notice about a success that no list and no flag confirm to be that of an ordinary job.
fn note_unchecked(job: &Job, flag: Option<bool>, notices: &mut Vec<Notice>) {
    if flag.is_none() && job.state == State::Succeeded {
        notices.push(Notice::new(
            NoticeCode::SubtasksUnchecked,
            format!(
                "{}: could not check whether this is an array job; grant \
                 ehpc:ListServerlessJobs to check its subtasks",
                job.reference
            ),
        ));
    }
}

/// Returns `true` if the cloud has the cluster but not the job, or accepts only ids of subtasks.
fn is_not_found(problem: &Problem) -> bool {
    let code = problem.code.as_deref().unwrap_or_default();
    match problem.category {
        Category::NotFound => code != "ClusterNotFound",
        Category::InvalidArgument => code.starts_with("InvalidParam") || code.contains("Job"),
        // Codes of other API versions.
        Category::ServiceError => problem.http_status == Some(404) && code.contains("Job"),
        _ => false,
    }
}

pub(super) fn with_id(reference: &Reference, id: String) -> Reference {
    let mut other = reference.clone();
    if let Some(last) = other.segments.last_mut() {
        *last = id;
    }
    other
}
