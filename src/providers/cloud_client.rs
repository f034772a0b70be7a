//! Implements [`Client`] for the API of a cloud and the operations of its kinds.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::batch;
use super::client::{Client, CloudApi, KindOps};
use super::get_result::RejectedLists;
use super::listed_ends::{BatchEnds, ListedEnds};
use super::request::{BatchRequest, GetRequest, ListRequest};
use super::{
    Cursor, Filter, GetResult, LogChunk, LogRequest, LogSource, Page, RequestOptions, states,
};
use crate::error::{Category, Problem};
use crate::kind::{Kind, ends_with_any};
use crate::model::{Job, Notice, NoticeCode, State};
use crate::reference::{Reference, Scope};
use crate::secret::quotable;

/// Smaller changes of the clock difference do not affect list requests.
const MIN_CLOCK_CHANGE: TimeDelta = TimeDelta::minutes(1);

/// A cloud's API with the operations of its kinds.
pub(super) struct CloudClient<A: 'static> {
    /// The kinds whose lists the cloud has rejected.
    rejected_lists: RejectedLists,
    /// The ends that the last lists of several jobs show.
    listed_ends: ListedEnds,
    /// The account.
    pub api: A,
    /// Every kind of the cloud, with its operations.
    kinds: &'static [KindEntry<A>],
}

/// A kind of a cloud, with its operations.
pub(super) type KindEntry<A> = (&'static Kind, &'static (dyn KindOps<A> + 'static));

/// Returns the kinds of a cloud's table.
pub(super) const fn kinds_of<A, const N: usize>(table: &[KindEntry<A>; N]) -> [&'static Kind; N] {
    let mut kinds = [table[0].0; N];
    let mut number = 1;
    while number < N {
        kinds[number] = table[number].0;
        number += 1;
    }
    kinds
}

impl<A: Sync> CloudClient<A> {
    /// Creates a client for an account.
    pub fn new(api: A, kinds: &'static [KindEntry<A>]) -> Self {
        Self {
            rejected_lists: RejectedLists::default(),
            listed_ends: ListedEnds::default(),
            api,
            kinds,
        }
    }

    fn ops(&self, kind: &Kind) -> &'static dyn KindOps<A> {
        let entry = self.kinds.iter().find(|(known, _)| *known == kind);
        entry.expect("a client is made by the cloud of the kind").1
    }
}

/// Marks jobs as rows of a list.
fn mark_listed<'a>(rows: impl Iterator<Item = &'a mut GetResult>) {
    for row in rows {
        row.job.from_list = true;
    }
}

/// What a row lacks whose success is not certain.
const MISSING_EVIDENCE: &str = "every field that can show a failure";

/// Adds a notice that jobs may have failed although their rows report success, unless the filter selects neither.
fn note_hidden_evidence(kind: &Kind, filter: &Filter, page: &mut Page) {
    let states = &filter.states;
    let is_selected = [State::Succeeded, State::Failed].map(|state| states.contains(&state));
    if !states.is_empty() && is_selected == [false, false] {
        return;
    }
    let hidden = kind.list.as_ref().and_then(|list| list.hidden_evidence);
    let succeeded = || {
        let rows = page.rows.iter().map(|row| &row.job);
        rows.filter(|job| job.state == State::Succeeded)
    };
    let lacks_evidence = succeeded().any(|job| job.unread_cause.is_some());
    let hidden = hidden.or(lacks_evidence.then_some(MISSING_EVIDENCE));
    if let Some(parts) = hidden.filter(|_| succeeded().next().is_some()) {
        let text = format!(
            "{kind}: the list does not show {parts}, so a job listed as succeeded may have \
             failed; joblens get shows its actual state"
        );
        page.notices.push(Notice::new(NoticeCode::FromLists, text));
    }
}

/// Adds notices about jobs that a filter for states leaves out because their state is not recognized, or
/// because the row does not show their outcome.
fn note_unknown_states(kind: &Kind, filter: &Filter, page: &mut Page) {
    if filter.states.is_empty() {
        return;
    }
    let rows = page.rows.iter();
    let left_out = rows.filter(|row| {
        let is_of_filter = filter.without_states().matches(&row.job, false);
        row.job.state == State::Unknown && is_of_filter && !filter.matches_state(&row.job)
    });
    let (has_ended, is_active): (Vec<_>, Vec<_>) =
        left_out.partition(|row| row.job.ended || row.job.has_unread_subtasks());
    let words = is_active.iter().find_map(|row| row.job.state_raw.clone());
    if let Some(word) = words {
        let text = format!(
            "{kind}: jobs in states that are not recognized, such as '{}', are left out; \
             --state unknown lists them",
            quotable(&word)
        );
        page.notices
            .push(Notice::new(NoticeCode::UnknownState, text));
    }
    if !has_ended.is_empty() {
        let text = format!(
            "{kind}: jobs that have ended are left out if the list does not show their outcome; \
             --state unknown lists them, joblens get shows their outcome"
        );
        page.notices.push(Notice::new(NoticeCode::FromLists, text));
    }
}

/// Returns `true` if notices name an unreadable field that can show a failure.
fn is_evidence_unread(kind: &Kind, notices: &[Notice]) -> bool {
    let mut fields = notices.iter().flat_map(|notice| &notice.fields);
    let is_evidence = |path: &String| path == "*" || ends_with_any(path, kind.evidence);
    !kind.evidence.is_empty() && fields.any(is_evidence)
}

/// Makes a succeeded job's state unknown if a field that can show a failure could not be read.
fn mark_unknown_if_unread(kind: &Kind, result: &mut GetResult) {
    if is_evidence_unread(kind, &result.notices) {
        mark_unknown(&mut result.job);
    }
}

/// As [`mark_unknown_if_unread`] for all rows of a page, because a notice of the page does not name the row.
fn mark_rows_unknown_if_unread(kind: &Kind, page: &mut Page) {
    if is_evidence_unread(kind, &page.notices) {
        page.rows
            .iter_mut()
            .for_each(|row| mark_unknown(&mut row.job));
    }
}

fn mark_unknown(job: &mut Job) {
    job.unread_cause.get_or_insert(Category::InvalidResponse);
    states::mark_unknown_if_unread(job);
}

#[async_trait]
impl<A: CloudApi> Client for CloudClient<A> {
    fn api(&self) -> &dyn CloudApi {
        &self.api
    }

    async fn get(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<GetResult, Problem> {
        let lookup = GetRequest { reference, options };
        let mut result = self.ops(reference.kind).get(&self.api, lookup).await?;
        mark_unknown_if_unread(reference.kind, &mut result);
        if self.listed_ends.contradicts(reference, &result.job) {
            // The last list may have been out of date. After an error, the contradiction remains.
            let reread = self.batch_get(std::slice::from_ref(reference), options);
            drop(reread.await);
            self.listed_ends.contradict(reference, &mut result.job);
        }
        Ok(result)
    }

    fn can_batch(&self, references: &[Reference]) -> bool {
        let first = references.first();
        first.is_some_and(|first| {
            !self.rejected_lists.contains(first.kind)
                && self.ops(first.kind).can_batch(&self.api, references)
        })
    }

    fn confirms_end(&self, reference: &Reference) -> bool {
        self.ops(reference.kind).confirms_end(reference)
    }

    async fn batch_get(
        &self,
        references: &[Reference],
        options: &RequestOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let Some(first) = references.first() else {
            return Ok(Vec::new());
        };
        let (ops, ends) = (self.ops(first.kind), BatchEnds::default());
        let batch = BatchRequest {
            references,
            options,
            ends: &ends,
        };
        let results = match ops.batch_get(&self.api, batch).await {
            Ok(None) => batch::batch_get(ops, &self.api, batch).await,
            results => results.map(Option::unwrap_or_default),
        };
        match results {
            Err(problem) if self.rejected_lists.record(first.kind, &problem) => {
                Ok(references.iter().map(|_| None).collect())
            }
            Err(problem) => Err(problem),
            Ok(mut results) => {
                mark_listed(results.iter_mut().flatten());
                let rows = results.iter_mut().flatten();
                rows.for_each(|row| mark_unknown_if_unread(first.kind, row));
                let rows = results.iter().map(|row| row.as_ref().map(|row| &row.job));
                self.listed_ends.replace(&ends, references.iter().zip(rows));
                Ok(results)
            }
        }
    }

    async fn list(
        &self,
        scope: &Scope,
        filter: &Filter,
        cursor: Cursor,
        options: &RequestOptions,
    ) -> Result<Page, Problem> {
        let ops = self.ops(scope.kind);
        let list = ListRequest {
            scope,
            filter,
            cursor,
            options,
        };
        loop {
            // A request that depends on the time, such as for the jobs of the last day, is sent again if its
            // response shows that the local clock is wrong.
            let ahead = self.api.clock_ahead();
            let mut page = ops.list(&self.api, list).await?;
            mark_listed(page.rows.iter_mut());
            mark_rows_unknown_if_unread(scope.kind, &mut page);
            if (self.api.clock_ahead() - ahead).abs() < MIN_CLOCK_CHANGE {
                note_hidden_evidence(scope.kind, filter, &mut page);
                note_unknown_states(scope.kind, filter, &mut page);
                return Ok(page);
            }
        }
    }

    fn log_sources(&self, reference: &Reference, job: &Job) -> Vec<LogSource> {
        let kind = reference.kind;
        self.ops(kind).log_sources(kind, job)
    }

    async fn read_log(&self, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        let ops = self.ops(request.reference.kind);
        ops.read_log(&self.api, request).await
    }

    async fn check_exists(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<(), Problem> {
        let lookup = GetRequest { reference, options };
        self.ops(reference.kind)
            .check_exists(&self.api, lookup)
            .await
    }
}

#[cfg(test)]
mod tests;
