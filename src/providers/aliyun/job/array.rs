//! Array jobs as a whole, which are as good as their subtasks.

use std::sync::atomic::Ordering;

use super::super::summarize;
use super::batch::id_filter;
use super::list::{MAX_ROWS, Page};
use super::rows::{BatchPages, JobRows};
use super::{Api, Described, cluster_of, document, parent};
use crate::error::{Category, Problem};
use crate::model::{Array, Job, Notice, NoticeCode, State, Time};
use crate::providers::{GetOptions, GetResult, is_list_unavailable, job_at, vendor};
use crate::reference::Reference;

/// Within so many seconds after an array job its subtasks are submitted.
const SUBMISSION_SECONDS: i64 = 60;

impl Api {
    /// A job, and with an array job its subtasks.
    pub(super) async fn job(
        &self,
        reference: &Reference,
        ask: &GetOptions,
    ) -> Result<GetResult, Problem> {
        match self.describe(reference, ask).await {
            Ok(described) => Ok(self.checked(described, reference, ask).await),
            Err(problem) if parent::can_be_array_id(reference.id()) && is_not_found(&problem) => {
                self.listed_parent(reference, problem, ask).await
            }
            Err(problem) => Err(problem),
        }
    }

    /// The job as it was described, checked against its subtasks where it may have some.
    ///
    /// A success is not believed before the list was asked once, whatever the cloud's own flag says.
    async fn checked(
        &self,
        described: Described,
        reference: &Reference,
        ask: &GetOptions,
    ) -> GetResult {
        let Described {
            mut job,
            mut notices,
            is_array_job,
        } = described;
        let has_evidence = job.array.is_some();
        let must_list = has_evidence || job.state == State::Succeeded;
        if !parent::can_be_array_id(&job.id) || !must_list {
            return GetResult { job, notices };
        }
        if !has_evidence && self.list_denied.load(Ordering::Relaxed) {
            note_unchecked(&job, is_array_job, &mut notices);
            return GetResult { job, notices };
        }
        let listed = match has_evidence {
            true => self.subtasks(reference, job.array.as_ref(), ask).await,
            false => {
                self.search(reference, is_array_job, job.created_at, ask)
                    .await
            }
        };
        let (listing, problem) = &listed;
        if listing.says_array(&job.id) {
            job.array.get_or_insert(Array::UNKNOWN);
        } else if !has_evidence && is_ordinary(is_array_job, listing, problem.as_ref()) {
            if problem.is_some() {
                note_unchecked(&job, is_array_job, &mut notices);
            }
            return GetResult { job, notices };
        }
        let has_no_range = job.array.as_ref().is_some_and(|array| array.end.is_none());
        let found = GetResult { job, notices };
        match has_no_range && found.job.state == State::Succeeded {
            true => self.with_range(found, listed, reference, ask).await,
            false => self.with_subtasks(found, listed, reference, ask).await,
        }
    }

    /// As [`Self::with_subtasks`], for an array job that does not tell its range.
    async fn with_range(
        &self,
        mut found: GetResult,
        mut listed: (JobRows, Option<Problem>),
        reference: &Reference,
        ask: &GetOptions,
    ) -> GetResult {
        let range = self.range(reference, ask).await;
        if range.end.is_some() {
            listed = self.subtasks(reference, Some(&range), ask).await;
            found.job.array = Some(range);
        }
        self.with_subtasks(found, listed, reference, ask).await
    }

    /// The rows of an array job and its subtasks, as far as they could be read, and what ended the
    /// reading early.
    async fn subtasks(
        &self,
        reference: &Reference,
        array: Option<&Array>,
        ask: &GetOptions,
    ) -> (JobRows, Option<Problem>) {
        let id = reference.id();
        let ids = parent::ids_to_list(id, array);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.list(
            cluster_of(reference.segment("CLUSTER")),
            &ids,
            Some(id),
            ask,
        )
        .await
    }

    /// The subtasks of a job that nothing calls an array job.
    ///
    /// By its ids the list is asked for the first 99 indices only. Where the cloud does not even say
    /// that it is an ordinary job, the jobs that were submitted with it are searched as well.
    async fn search(
        &self,
        reference: &Reference,
        flag: Option<bool>,
        submitted_at: Option<Time>,
        ask: &GetOptions,
    ) -> (JobRows, Option<Problem>) {
        let (listing, problem) = self.subtasks(reference, None, ask).await;
        let is_open = problem.is_none()
            && !listing.says_array(reference.id())
            && is_ordinary(flag, &listing, None);
        if flag.is_some() || !is_open {
            return (listing, problem);
        }
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
            .read_pages(cluster, &filter, pages, &mut found, ask)
            .await
        {
            Ok(problem) => (found, problem),
            Err(problem) => (found, Some(problem)),
        }
    }

    /// An array job that only the list knows; else `missing`, which is what the look-up said.
    async fn listed_parent(
        &self,
        reference: &Reference,
        missing: Problem,
        ask: &GetOptions,
    ) -> Result<GetResult, Problem> {
        if self.lists_unavailable.load(Ordering::Relaxed) {
            return Err(missing);
        }
        let (cluster, id) = (cluster_of(reference.segment("CLUSTER")), reference.id());
        let ids = parent::ids_to_list(id, None);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let request = self.list_request(cluster, &id_filter(&ids), 1, MAX_ROWS);
        let decode = |body: &[u8]| -> Result<Option<GetResult>, String> {
            let (page, skipped) = Page::decode_readable(body)?;
            let mut listing = JobRows::default();
            BatchPages::of_array(id, &ids).add(page, &mut listing);
            let Some(row) = listing.row(id).filter(|_| listing.says_array(id)) else {
                return skipped.map_or(Ok(None), Err);
            };
            let (mut job, mut notices) = (job_at(reference, self.region()), Vec::new());
            row.fill(&mut job, &ask.states, &mut notices);
            job.request_id.clone_from(&listing.request_id);
            vendor::attach(&mut job, &mut notices, ask, || document::read(body, ask));
            Ok(Some(GetResult { job, notices }))
        };
        let found = self.client.call(&request, ask.deadline, decode).await;
        let mut found = match found {
            Ok(found) => found.data.ok_or(missing)?,
            Err(problem) => {
                self.record_list_denied(&problem);
                // Whether it is missing is not known while the list cannot be asked.
                return Err(match is_list_unavailable(&problem) {
                    true => missing,
                    false => problem,
                });
            }
        };
        let range = self.range(reference, ask).await;
        let listed = self.subtasks(reference, Some(&range), ask).await;
        found.job.array = Some(range);
        Ok(self.with_subtasks(found, listed, reference, ask).await)
    }

    /// The range of an array job, which lists do not tell: any of its subtasks knows it.
    async fn range(&self, reference: &Reference, ask: &GetOptions) -> Array {
        for index in [1, 0] {
            let subtask = with_id(reference, format!("{}_{index}", reference.id()));
            let described = self.describe(&subtask, ask).await.ok();
            let array = described.and_then(|described| described.job.array);
            if let Some(array) = array.filter(|array| array.end.is_some()) {
                return Array {
                    index: None,
                    ..array
                };
            }
        }
        Array::UNKNOWN
    }

    /// The array job with its subtasks as they are listed, as good as they are.
    async fn with_subtasks(
        &self,
        found: GetResult,
        (listing, problem): (JobRows, Option<Problem>),
        reference: &Reference,
        ask: &GetOptions,
    ) -> GetResult {
        let GetResult {
            mut job,
            mut notices,
        } = found;
        let unread = problem.as_ref().map(summarize);
        parent::reconcile_subtasks(
            &mut job,
            &listing,
            unread.as_deref(),
            &ask.states,
            &mut notices,
        );
        if job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD) {
            job.unread_cause = problem.map(|problem| problem.category);
        }
        if let Some(failed) = parent::failed_subtask(&job) {
            let subtask = with_id(reference, failed.to_owned());
            let cause = self.describe(&subtask, ask).await.ok();
            parent::explain(&mut job, cause.as_ref().map(|cause| &cause.job));
            notices.extend(notices_of_cause(cause));
        }
        GetResult { job, notices }
    }
}

/// What a look at a subtask has to say besides; that its document was left out is of no interest.
fn notices_of_cause(cause: Option<Described>) -> impl Iterator<Item = Notice> {
    cause
        .into_iter()
        .flat_map(|cause| cause.notices)
        .filter(|notice| notice.code != NoticeCode::VendorOmitted)
}

/// True when a success stands though nothing but the list could tell that it is an array job.
///
/// An explicit flag stands unless a list was read in part: what it left out may be a subtask. Without
/// a flag only a key that may not list, which can obtain no evidence, has to do without it.
fn is_ordinary(flag: Option<bool>, listing: &JobRows, problem: Option<&Problem>) -> bool {
    let is_whole = listing.short().is_none() && !listing.is_partial();
    match (problem, flag) {
        (None, Some(_)) => listing.short().is_none(),
        (Some(problem), None) => problem.category == Category::PermissionDenied,
        (None, None) | (Some(_), Some(_)) => is_whole,
    }
}

/// Notes a success that no list confirms and no flag calls that of an ordinary job.
fn note_unchecked(job: &Job, flag: Option<bool>, notices: &mut Vec<Notice>) {
    if flag.is_none() && job.state == State::Succeeded {
        notices.push(Notice::new(
            NoticeCode::SubtasksUnchecked,
            format!(
                "{}: whether it is an array job could not be checked; allow \
                 ehpc:ListServerlessJobs to check its subtasks",
                job.reference
            ),
        ));
    }
}

/// True when the cloud knows the cluster and not the job, or takes only ids of subtasks.
fn is_not_found(problem: &Problem) -> bool {
    let code = problem.code.as_deref().unwrap_or_default();
    match problem.category {
        Category::NotFound => code != "ClusterNotFound",
        Category::InvalidArgument => code.starts_with("InvalidParam"),
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
