use glob::Pattern;

use crate::kind::{StateWords, UnlistedField};
use crate::model::{Job, Since, State};
use crate::providers::states;

/// Filters for the jobs of a list; the default matches all jobs.
///
/// The cloud applies the filters that its API supports; [`list_all`](crate::providers::list_all()) still checks
/// every row.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Accepted ids, at most [`Kind::max_ids`](crate::kind::Kind::max_ids) and only for kinds that set it;
    /// empty for any.
    pub ids: Vec<String>,
    /// Accepted states; empty for any.
    pub states: Vec<State>,
    /// Pattern that the name or the id must match.
    pub name: Option<Pattern>,
    /// User who owns the job.
    pub user: Option<String>,
    /// Queue or card group of the job.
    pub queue: Option<String>,
    /// Label selector, which the cloud applies; only for kinds whose list supports one.
    pub selector: Option<String>,
    /// Earliest creation time.
    pub since: Option<Since>,
    /// Maximum number of rows per page, if the cloud supports a page size.
    pub page_rows: Option<usize>,
    /// Maximum number of rows for which additional requests are sent, for kinds whose list requires them; `None` if
    /// the limit of rows applies.
    pub max_lookups: Option<usize>,
    /// Maximum number of pages to request.
    pub max_pages: Option<usize>,
    /// True if the user named the scope, so that an empty list of a scope that does not exist is an error.
    pub checks_scope: bool,
    /// True if the user did not name the scope, so that a product that is not installed has an empty list.
    pub is_optional: bool,
}

/// Options that keep a row without the field they compare, and a description of that field.
pub const COMPARED_FIELDS: [(&str, &str); 5] = [
    ("--since", "readable creation time"),
    ("--user", "readable user"),
    ("--queue", "readable queue"),
    ("--name", "readable name"),
    ("--state", "known state"),
];

impl Filter {
    /// Returns `true` if a job matches. A row without a field fails the filter for it. Exceptions are the state
    /// and the creation time, which every job has, and unreadable fields (`has_unreadable`): they do not drop
    /// the row. A job that has not ended and whose state is unknown matches a filter for active jobs.
    pub fn matches(&self, job: &Job, has_unreadable: bool) -> bool {
        let is_requested = |requested: Option<&String>, field: Option<&String>| {
            let (Some(requested), Some(field)) = (requested, field) else {
                return requested.is_none() || has_unreadable;
            };
            field.trim() == requested
        };
        (self.ids.is_empty() || self.ids.contains(&job.id))
            && self.matches_state(job)
            && (self.matches_name(job.name.as_deref(), &job.id)
                || (has_unreadable && job.name.is_none()))
            && is_requested(self.user.as_ref(), job.user.as_ref())
            && is_requested(self.queue.as_ref(), job.queue.as_ref())
            && self
                .since
                .as_ref()
                .is_none_or(|since| job.created_at.is_none_or(|at| at >= since.time()))
    }

    /// Returns `true` if the state is, or can be, one of the requested states.
    pub(in crate::providers) fn matches_state(&self, job: &Job) -> bool {
        let includes_all_active = State::ACTIVE
            .iter()
            .all(|state| self.states.contains(state));
        let may_match = job.state == State::Unknown
            && (job.state_raw.is_none() || (includes_all_active && !job.ended));
        self.states.is_empty() || self.states.contains(&job.state) || may_match
    }

    /// Reports for each option in [`COMPARED_FIELDS`] whether it kept a job without the field it compares.
    pub fn uncompared(&self, job: &Job) -> [bool; COMPARED_FIELDS.len()] {
        let is_named = job.name.is_some() || self.matches_name(None, &job.id);
        [
            self.since.is_some() && job.created_at.is_none(),
            self.user.is_some() && job.user.is_none(),
            self.queue.is_some() && job.queue.is_none(),
            !is_named,
            !self.states.is_empty() && !self.states.contains(&job.state),
        ]
    }

    /// Returns `true` if the name or the id matches the pattern.
    pub fn matches_name(&self, name: Option<&str>, id: &str) -> bool {
        self.name.as_ref().is_none_or(|pattern| {
            name.is_some_and(|name| pattern.matches(name.trim())) || pattern.matches(id)
        })
    }

    /// Returns `true` if the filter accepts active jobs only.
    pub(in crate::providers) fn is_active_only(&self) -> bool {
        let mut states = self.states.iter();
        !self.states.is_empty() && states.all(|state| State::ACTIVE.contains(state))
    }

    /// Returns the filter without states, because reading a state can require additional requests.
    pub(in crate::providers) fn without_states(&self) -> Self {
        Self {
            states: Vec::new(),
            ..self.clone()
        }
    }

    /// Returns the cloud's only state word for the requested states; `None` if there are several, or if
    /// unrecognized words may mean one of them.
    pub(in crate::providers) fn single_state_word(
        &self,
        table: StateWords,
        user_states: &[(String, State)],
    ) -> Option<&'static str> {
        match states::words_for(table, user_states, &self.states)[..] {
            [word] => Some(word),
            _ => None,
        }
    }

    /// Returns the cloud's state words for the requested states, including words of jobs that other fields can
    /// show to be in one of them. Returns `None` if no states are requested, or if unrecognized words may mean
    /// one of them.
    pub(in crate::providers) fn state_words(
        &self,
        table: StateWords,
        user_states: &[(String, State)],
    ) -> Option<Vec<&'static str>> {
        let mut states = self.states.clone();
        if states.contains(&State::Failed) {
            // Other fields of a row can show that a job with the word for success has failed.
            states.push(State::Succeeded);
        }
        Some(states::words_for(table, user_states, &states)).filter(|words| !words.is_empty())
    }

    /// Returns the number of rows to request per page, if the cloud allows at most `max`.
    pub(in crate::providers) fn page_size(&self, max: usize) -> usize {
        self.page_rows.map_or(max, |rows| rows.clamp(1, max))
    }
}

impl Filter {
    /// Returns `true` if the filter uses this field.
    pub fn filters_on(&self, unlisted: UnlistedField) -> bool {
        match unlisted {
            UnlistedField::State => !self.states.is_empty(),
            UnlistedField::User => self.user.is_some(),
            UnlistedField::Queue => self.queue.is_some(),
            UnlistedField::CreatedAt => self.since.is_some(),
        }
    }
}
