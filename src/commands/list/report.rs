//! The report of listing a scope, and the problems that make a list incomplete or failed.

use tokio::sync::oneshot;

use super::super::lookup::with_account_context;
use super::super::notices::NoticeLog;
use super::rows::ListedRows;
use super::target::ListTarget;
use crate::error::{Category, Problem};
use crate::kind::UnlistedField;
use crate::model::State;
use crate::providers::{COMPARED_FIELDS, Filter, ListStats, Truncation};
use crate::secret::shell_word;

/// The parts of a list that could not be read.
#[derive(Default)]
pub(super) struct RowProblems {
    /// Problems of rows that could not be read.
    pub problems: Vec<Problem>,
    /// The number of rows without an id, which cannot be referenced.
    pub without_id: usize,
    /// Why parts of the list failed.
    pub failed_parts: Vec<Problem>,
    /// Jobs created long ago are not listed, as requested: the list counts as complete.
    pub omits_old: bool,
}

impl RowProblems {
    pub(super) fn extend(&mut self, more: Self) {
        self.problems.extend(more.problems);
        self.without_id += more.without_id;
        self.failed_parts.extend(more.failed_parts);
        self.omits_old |= more.omits_old;
    }

    fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.without_id == 0 && self.failed_parts.is_empty()
    }
}

/// Returns the problem of a filter on a field that the rows of a scope do not have: "nothing found" would be wrong.
pub(super) fn unsupported_filter(target: &ListTarget, unlisted: &str) -> Problem {
    let message = format!("cannot filter by {unlisted}: this list has no {unlisted}");
    let mut problem = Problem::new(Category::InvalidArgument, message);
    problem.reference = Some(target.scope());
    problem.input = Some(target.input().to_owned());
    let is_recursive =
        matches!(target, ListTarget::Scopes { .. }) || target.listed_segment().is_some();
    let recursive = if is_recursive { "-R " } else { "" };
    let tests: Vec<&str> = unlisted.split(" or ").map(example).collect();
    problem.with_hint(format!(
        "to filter what lookups return: joblens list {recursive}{} -o name | joblens get - --detail --jq '.jobs[] | select({})'",
        shell_word(&target.scope()),
        tests.join(" and ")
    ))
}

/// Returns an example of a jq expression that compares a field of a job.
fn example(field: &str) -> &'static str {
    match field {
        "state" => ".state == \"failed\"",
        "user" => ".user == \"lin\"",
        "queue" => ".queue == \"gpu\"",
        "labels" => ".labels.team == \"vision\"",
        _ => ".created_at > \"2026-01-31\"",
    }
}

/// The result of listing one scope.
pub(super) struct ScopeReport {
    /// The listed scope.
    pub target: ListTarget,
    /// The number of rows found.
    pub count: usize,
    /// How many of them are in an earlier scope as well.
    pub repeated: usize,
    /// How many of them a filter kept because it could not compare them, by [`COMPARED_FIELDS`].
    pub uncompared: [usize; COMPARED_FIELDS.len()],
    /// The total number of rows, if the response contains it.
    pub total: Option<u64>,
    /// The parts that could not be read.
    pub unread: RowProblems,
    /// The notices, which are not masked.
    pub notices: NoticeLog,
    /// How the list ended.
    pub status: ListStatus,
    /// It contains scopes that are listed instead of it.
    pub has_parts: bool,
    /// The number of the scope that contains it.
    pub parent: Option<usize>,
}

/// How the list of one scope ended.
pub(super) enum ListStatus {
    /// It has not ended yet.
    Pending,
    /// The last page was read.
    Complete,
    /// The cloud may have more rows.
    Truncated(Truncation),
    /// The limit leaves out jobs that have ended, and active ones that were not found in time.
    ActiveFirst {
        /// No active job is left out.
        has_all_active: bool,
    },
    /// A request failed.
    Failed(Box<Problem>),
    /// It was not requested, because its rows do not have the fields of the filter.
    Unsupported(Box<Problem>),
}

impl From<ListStats> for ListStatus {
    fn from(listed: ListStats) -> Self {
        listed.truncation.map_or(Self::Complete, Self::Truncated)
    }
}

impl ScopeReport {
    /// Creates the report of a scope before its first page.
    pub(super) fn new(target: ListTarget) -> Self {
        Self {
            target,
            count: 0,
            repeated: 0,
            uncompared: Default::default(),
            total: None,
            unread: RowProblems::default(),
            notices: NoticeLog::default(),
            status: ListStatus::Pending,
            has_parts: false,
            parent: None,
        }
    }

    /// Creates the report of a scope that is not listed, because its rows do not have the fields of the filter.
    pub(super) fn unsupported((target, unlisted): &(ListTarget, String)) -> Self {
        let problem = unsupported_filter(target, unlisted);
        Self {
            status: ListStatus::Unsupported(Box::new(problem)),
            ..Self::new(target.clone())
        }
    }

    /// Adds the scopes to list instead of `parent`. Sends the number of the first one to its lister.
    pub(super) fn add_parts(
        reports: &mut Vec<Self>,
        parent: usize,
        targets: Vec<ListTarget>,
        first: oneshot::Sender<usize>,
    ) {
        reports[parent].has_parts = true;
        // A lister that has ended needs no number.
        let _ = first.send(reports.len());
        reports.extend(targets.into_iter().map(|target| Self {
            parent: Some(parent),
            ..Self::new(target)
        }));
    }

    /// Counts rows.
    pub(super) fn add(&mut self, rows: &ListedRows, filter: &Filter) {
        self.count += rows.count();
        let uncompared = rows.count_uncompared(filter);
        for (count, more) in self.uncompared.iter_mut().zip(uncompared) {
            *count += more;
        }
    }

    /// Returns `true` if the list is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.unread.is_empty() && matches!(self.status, ListStatus::Complete)
    }

    /// Returns `true` if the list is complete except for its limit.
    pub(super) fn is_limited(&self) -> bool {
        let is_limit = matches!(self.status, ListStatus::Truncated(Truncation::Limit(_)));
        is_limit && self.unread.is_empty()
    }

    /// Returns `true` if no row can match the filter: it requests states, and the kinds have none.
    pub(super) fn cannot_match(&self, filter: &Filter) -> bool {
        let kinds = self.target.listed_kinds();
        matches!(&self.status, ListStatus::Unsupported(_))
            && filter.filters_on(UnlistedField::State)
            && !filter.states.contains(&State::Unknown)
            && !kinds.iter().any(|kind| kind.has_states())
    }

    /// Returns `true` if every request succeeded, even if the limit cut the list.
    pub(super) fn is_answered(&self) -> bool {
        self.unread.failed_parts.is_empty()
            && matches!(
                self.status,
                ListStatus::Complete | ListStatus::Truncated(_) | ListStatus::ActiveFirst { .. }
            )
    }

    /// Returns the failure that ended the list early.
    pub(super) fn failure(&self) -> Option<&Problem> {
        match &self.status {
            ListStatus::Failed(problem) | ListStatus::Unsupported(problem) => Some(problem),
            _ => None,
        }
    }

    /// Returns all problems, except rows without an id, and failures that are only worth a notice: a kind that
    /// the account need not have. `all` are the reports of the whole list.
    pub(super) fn problems<'a>(&'a self, all: &[Self]) -> impl Iterator<Item = &'a Problem> {
        let parts = self.unread.failed_parts.iter();
        let problems = self.unread.problems.iter();
        let failure = self.failure().filter(|_| !self.is_optional(all));
        problems.chain(parts).chain(failure)
    }

    /// Returns `true` if the list succeeds without this scope: its rows do not have the
    /// fields of the filter, or it was not named itself and either the account has no
    /// access to its product, or the cluster rejects this kind but lists another.
    pub(super) fn is_optional(&self, all: &[Self]) -> bool {
        let category = match &self.status {
            ListStatus::Unsupported(_) => return true,
            ListStatus::Failed(problem) => problem.category,
            _ => return false,
        };
        let ListTarget::Jobs {
            scope,
            is_named: false,
        } = &self.target
        else {
            return false;
        };
        let is_beside = |other: &Self| match (&other.target, self.parent) {
            (_, None) => other.target.account() == self.target.account(),
            (ListTarget::Jobs { scope: theirs, .. }, parent) => {
                other.parent == parent && theirs.segments == scope.segments
            }
            (ListTarget::Scopes { .. }, Some(_)) => false,
        };
        let is_refusal = match category {
            Category::PermissionDenied | Category::NotFound => true,
            Category::InvalidArgument => self.parent.is_some(),
            _ => false,
        };
        is_refusal
            && all
                .iter()
                .any(|other| other.is_answered() && is_beside(other))
    }

    /// Returns the problem of the rows without an id.
    pub(super) fn row_problem(&self) -> Option<Problem> {
        let message = match self.unread.without_id {
            0 => return None,
            rows => Truncation::MissingIds(rows).to_string(),
        };
        let problem = Problem::new(Category::InvalidResponse, message);
        let mut problem = with_account_context(problem, &self.target.account(), None);
        problem.reference = Some(self.target.scope());
        problem.input = Some(self.target.input().to_owned());
        Some(problem)
    }
}
