use glob::Pattern;

use crate::kind::{StateWords, UnlistedField};
use crate::model::{Job, Since, State};
use crate::providers::states;

/// What the resources of a list must match; the default matches all of them.
///
/// Filters are pushed to the cloud where its API supports them; [`list_all`](crate::providers::list_all()) checks every
/// row nevertheless.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Ids, at most [`Kind::max_ids`](crate::kind::Kind::max_ids) and only for kinds that have it; empty
    /// for any.
    pub ids: Vec<String>,
    /// Accepted states; empty for any.
    pub states: Vec<State>,
    /// Pattern of the name or the id.
    pub name: Option<Pattern>,
    /// Who owns it.
    pub user: Option<String>,
    /// Queue or card group.
    pub queue: Option<String>,
    /// Selector of its labels, which the cloud applies; for kinds whose list has one.
    pub selector: Option<String>,
    /// It was created then or later.
    pub since: Option<Since>,
    /// No more rows than this are wanted on a page, where the cloud lets one choose.
    pub page_rows: Option<usize>,
    /// No more pages than this are requested.
    pub max_pages: Option<usize>,
    /// A person has named the place, so that an empty list of one that does not exist is an error.
    pub checks_scope: bool,
    /// A product that is not installed is an empty list: the scope was not named.
    pub is_optional: bool,
}

/// Options that keep a row whose field is not known, and what the row lacks.
pub const COMPARED_FIELDS: [(&str, &str); 5] = [
    ("--since", "readable creation time"),
    ("--user", "readable user"),
    ("--queue", "readable queue"),
    ("--name", "readable name"),
    ("--state", "known state"),
];

impl Filter {
    /// True when a resource matches. A field that a row does not have fails its filter, except for
    /// state and creation time, which every resource has, and except where fields of the response could not
    /// be read (`has_unreadable`): an unreadable field does not drop the row. A job that has not ended in a
    /// state that is not known may be active.
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

    /// True when the state is what was requested, or may be.
    pub(in crate::providers) fn matches_state(&self, job: &Job) -> bool {
        let includes_all_active = State::ACTIVE
            .iter()
            .all(|state| self.states.contains(state));
        let may_match = job.state == State::Unknown
            && (job.state_raw.is_none() || (includes_all_active && !job.ended));
        self.states.is_empty() || self.states.contains(&job.state) || may_match
    }

    /// Of each option in [`COMPARED_FIELDS`], whether it kept a resource that does not have its field.
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

    /// True when the name or the id is what was requested.
    pub fn matches_name(&self, name: Option<&str>, id: &str) -> bool {
        self.name.as_ref().is_none_or(|pattern| {
            name.is_some_and(|name| pattern.matches(name.trim())) || pattern.matches(id)
        })
    }

    /// True when it requests active jobs only.
    pub(in crate::providers) fn is_active_only(&self) -> bool {
        let mut states = self.states.iter();
        !self.states.is_empty() && states.all(|state| State::ACTIVE.contains(state))
    }

    /// The same without regard to states, which may cost calls to read.
    pub(in crate::providers) fn without_states(&self) -> Self {
        Self {
            states: Vec::new(),
            ..self.clone()
        }
    }

    /// The one state of a cloud that equals the requested states; `None` when several do, or
    /// unrecognized ones might.
    pub(in crate::providers) fn single_state_word(
        &self,
        table: StateWords,
        own: &[(String, State)],
    ) -> Option<&'static str> {
        states::single_word_for(table, own, &self.states)
    }

    /// The states of a cloud that equal the requested states, or may turn out to; `None` where none are
    /// requested, or unrecognized ones might be among them.
    pub(in crate::providers) fn state_words(
        &self,
        table: StateWords,
        own: &[(String, State)],
    ) -> Option<Vec<&'static str>> {
        let mut states = self.states.clone();
        if states.contains(&State::Failed) {
            // Other fields of a row may contradict its word.
            states.push(State::Succeeded);
        }
        Some(states::words_for(table, own, &states)).filter(|words| !words.is_empty())
    }

    /// The page size that is requested, in rows, where the cloud gives at most `most`.
    pub(in crate::providers) fn page_size(&self, most: usize) -> usize {
        self.page_rows.map_or(most, |rows| rows.clamp(1, most))
    }
}

impl Filter {
    /// True when it requests this.
    pub fn filters_on(&self, unlisted: UnlistedField) -> bool {
        match unlisted {
            UnlistedField::State => !self.states.is_empty(),
            UnlistedField::User => self.user.is_some(),
            UnlistedField::Queue => self.queue.is_some(),
            UnlistedField::CreatedAt => self.since.is_some(),
        }
    }
}
