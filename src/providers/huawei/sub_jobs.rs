//! Converts jobs with sub-jobs; only the sub-jobs report why a job failed.

use crate::model::Details;
use crate::providers::prelude::*;
use std::collections::BTreeSet;

/// The fields of a job, independent of the service.
pub(super) struct JobParts {
    pub name: Option<String>,
    pub status: Text,
    pub created_at: Option<Time>,
    /// When the job began to run, if its sub-jobs do not report it.
    pub started_at: Option<Time>,
    pub finished_at: Option<Time>,
    /// Why the job failed, if its sub-jobs do not report it.
    pub cause: states::FailureCause,
    /// Number of sub-jobs reported by the cloud, and number of distinct ones in the list.
    pub counts: (Option<i64>, usize),
    pub sub_jobs: Vec<SubJobParts>,
    /// Why a success cannot be trusted, for example because a sub-job is named but not listed.
    pub unconfirmed_reason: Option<String>,
    pub details: Arc<dyn Details>,
}

/// The fields of a sub-job, independent of the service.
pub(super) struct SubJobParts {
    pub id: Option<String>,
    pub name: Option<String>,
    pub status: Text,
    pub begin_time: Timestamp,
    pub end_time: Timestamp,
    /// Failure code.
    pub reason: Option<String>,
    pub message: Option<String>,
    pub details: Arc<dyn Details>,
}

/// Counts the distinct ids; sub-jobs without an id all count.
pub(super) fn distinct<'a>(ids: impl Iterator<Item = &'a Text>) -> usize {
    let mut seen = BTreeSet::new();
    ids.filter(|id| id.0.is_none() || seen.insert(id.0.as_deref()))
        .count()
}

impl JobParts {
    /// Converts the job. The first table of the kind's state words is for jobs, the second for sub-jobs.
    pub fn into_result(self, lookup: GetRequest<'_>, region: Option<&str>) -> GetResult {
        let GetRequest { reference, options } = lookup;
        let mut notices = Vec::new();
        let sub_words = reference.kind.states[1].map;
        let state = lookup.job_state(self.status.trimmed(), &mut notices);
        let (total, listed) = self.counts;
        if total.is_some_and(|total| usize::try_from(total) != Ok(listed)) {
            let total = total.unwrap_or_default();
            let text = format!("{reference} reports {total} sub-jobs but lists {listed}");
            notices.push(Notice::new(NoticeCode::CountMismatch, text));
        }
        // A sub-job that is not listed or has no status may have failed.
        let are_listed = |total: i64| usize::try_from(total).is_ok_and(|total| total <= listed);
        let lacks_sub_jobs = total.is_some_and(|total| !are_listed(total))
            || self
                .sub_jobs
                .iter()
                .any(|sub_job| sub_job.status.trimmed().is_none());
        let sub_jobs = self.sub_jobs.into_iter();
        let tasks: Vec<Task> = sub_jobs
            .map(|sub_job| sub_job.into_task(sub_words, options))
            .collect();
        note_unknown_words(&tasks, reference.kind, options, &mut notices);
        let (reason, message) = match (state.state, &state.raw) {
            (State::Failed, _) => {
                let (cause, job_cause) = (failure_cause(&tasks), self.cause.clone());
                (
                    cause.reason.or(job_cause.reason),
                    cause.message.or(job_cause.message),
                )
            }
            (_, None) => (
                Some("no status".to_owned()),
                Some("the response has no status".to_owned()),
            ),
            _ => (None, None),
        };
        let earliest_start = tasks.iter().filter_map(|task| task.started_at).min();
        let mut job = Job {
            name: self.name,
            reason: reason.map(Reason::from),
            message,
            created_at: self.created_at,
            started_at: earliest_start
                .or(self.started_at)
                .filter(|_| state.state != State::Pending),
            finished_at: self.finished_at,
            tasks,
            details: Some(self.details),
            unread_cause: lacks_sub_jobs.then_some(Category::InvalidResponse),
            ..state.into_job(job_at(reference, region))
        };
        let lacks = lacks_sub_jobs
            .then(|| format!("not all sub-jobs are listed with a status ({listed} listed)"));
        let unconfirmed_reason = lacks.or(self.unconfirmed_reason);
        let unconfirmed_reason =
            unconfirmed_reason.map(|what| format!("the job has succeeded, but {what}"));
        states::confirm_success_unless(&mut job, self.cause, unconfirmed_reason);
        GetResult { job, notices }
    }
}

impl SubJobParts {
    fn into_task(self, words: StateWords, options: &RequestOptions) -> Task {
        let word = self.status.trimmed();
        let state = states::normalize(words, &options.states, word);
        let created_at = self.begin_time.utc();
        // A successful sub-job has neither a reason nor a message.
        let is_explained = self.reason.is_some() || self.message.is_some();
        let has_failed = state.state == State::Succeeded && is_explained;
        Task {
            id: self.id,
            name: self.name,
            kind: "sub_job".to_owned(),
            state: if has_failed {
                State::Failed
            } else {
                state.state
            },
            reason: self.reason,
            message: self.message,
            created_at,
            started_at: created_at.filter(|_| state.state != State::Pending),
            finished_at: self.end_time.utc().filter(|_| state.ended),
            details: Some(self.details),
            ..state.into_task()
        }
    }
}

/// Adds one notice per unknown state word, however many sub-jobs have it.
fn note_unknown_words(
    tasks: &[Task],
    kind: &Kind,
    options: &RequestOptions,
    notices: &mut Vec<Notice>,
) {
    let known = tasks.iter().filter_map(|task| task.state_raw.as_deref());
    let source = format!("a sub-job of {kind}");
    for word in known.collect::<BTreeSet<_>>() {
        let state = states::normalize(kind.states[1].map, &options.states, Some(word));
        notices.extend(state.unknown_state_notice(&source));
    }
}

/// Returns the failure cause from the sub-jobs: the code and message of the first failed one.
fn failure_cause(tasks: &[Task]) -> states::FailureCause {
    let has_error = |task: &&Task| task.reason.is_some() || task.message.is_some();
    let mut failed: Vec<&Task> = tasks.iter().filter(|t| t.state == State::Failed).collect();
    if failed.is_empty() {
        failed = tasks.iter().filter(has_error).collect();
    }
    // A failed sub-job with a reason or message takes precedence over earlier ones without.
    let Some(first) = failed
        .iter()
        .find(|task| has_error(task))
        .or(failed.first())
    else {
        return states::FailureCause::default();
    };
    let name = first.name.as_deref().or(first.id.as_deref());
    let cause = first.message.as_deref().or(first.reason.as_deref());
    let mut message = format!(
        "{}: {}",
        name.unwrap_or("a sub-job"),
        cause.unwrap_or("failed")
    );
    if failed.len() > 1 {
        message += &format!(" (and {} more)", failed.len() - 1);
    }
    states::FailureCause {
        reason: first.reason.clone(),
        message: Some(message),
    }
}
