//! Describes the kinds of jobs as plain data: the form of their references, their states, and the operations that
//! read them.

mod list;
mod logs;
mod template;

use std::fmt;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator};

use crate::model::State;

pub use list::{ListOrder, ListSpec, UnlistedField};
pub use logs::{LogSpec, LogStorage, LogSupport};
pub use template::{Name, Segment, Template};

/// Whether a later job can have the id of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdReuse {
    /// Ids are never reused.
    Never,
    /// The ids are numbers, which can be reused. A job with another creation time is another job.
    Numbered,
    /// The ids are numbers, and a requeued job also gets a new creation time. A job is another one only if its name
    /// differs as well.
    NumberedAndRequeued,
}

/// One kind of job in a cloud. Each kind is a static; kinds are compared by address.
pub struct Kind {
    /// Template of its references.
    pub template: Template,
    /// One-line description.
    pub summary: &'static str,
    /// Meanings of the cloud's state words; the table of the job itself comes first.
    pub states: &'static [StateTable],
    /// Types of its `details`.
    pub details: DetailSchemas,
    /// The operation that looks up a resource.
    pub get: Operation,
    /// How it is listed; `None` if it cannot be listed.
    pub list: Option<ListSpec>,
    /// How its logs are read.
    pub logs: LogSupport,
    /// `false` if the cloud reports no events for it.
    pub has_events: bool,
    /// Minimum number of references for which one list call is cheaper than separate lookups; `None` if no list
    /// reports states.
    pub batch_from: Option<usize>,
    /// Maximum number of ids in a list call; `None` if lists do not accept ids.
    pub max_ids: Option<usize>,
    /// `true` if a row of a batch lookup proves an end as well as a lookup does; a lookup then only adds details
    /// such as an exit code. A row of a success that lacks a field that can show a failure has an
    /// [`unread_cause`](crate::model::Job::unread_cause) and proves nothing.
    pub conclusive_rows: bool,
    /// Fields of responses that can show a failure although the cloud reports success. If one of them cannot be
    /// read, the state is undecided. Each is a name, or the end of a path, such as `CurrentState.ExitCode`, if
    /// another field has the same name.
    pub evidence: &'static [&'static str],
    /// `true` if a stream reports changes of its jobs. The rows of its batch lookups contain the same state as a
    /// lookup, but no events.
    pub is_watched: bool,
    /// `true` if the lookup of a mistyped name succeeds, so that a separate call must check whether the job exists.
    pub needs_check_exists: bool,
    /// Time for which a lookup may not find an existing job, such as one that was just submitted.
    pub missing_grace: Duration,
    /// Whether a later job can have the id of an earlier one.
    pub id_reuse: IdReuse,
    /// Options that only this kind has.
    pub flags: &'static [KindFlag],
    /// Names for its resources in other tools, singular and lower case. The kind is suggested for them.
    pub similar_names: &'static [&'static str],
}

impl Kind {
    /// Creates a kind that supports only lookups: without details, a list, a batch lookup or options.
    pub const fn new(template: Template, states: &'static [StateTable], get: Operation) -> Self {
        Self {
            template,
            summary: "",
            states,
            details: DetailSchemas {
                job: DetailTypes::NONE,
                task: DetailTypes::NONE,
            },
            get,
            list: None,
            logs: LogSupport::Unavailable("see the console of the cloud"),
            has_events: true,
            batch_from: None,
            max_ids: None,
            conclusive_rows: false,
            evidence: &[],
            is_watched: false,
            needs_check_exists: false,
            missing_grace: Duration::ZERO,
            id_reuse: IdReuse::Never,
            flags: &[],
            similar_names: &[],
        }
    }

    /// Sets the types of the `details` of its jobs and of their tasks.
    pub const fn with_details(self, job: &'static [SchemaFn], task: &'static [SchemaFn]) -> Self {
        let details = DetailSchemas {
            job: DetailTypes::new(job),
            task: DetailTypes::new(task),
        };
        Self { details, ..self }
    }

    /// Returns `true` if other tools use this name for its resources, ignoring case, in singular or plural.
    pub fn is_similar_to(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        let mut names = self.similar_names.iter();
        names.any(|name| {
            let rest = word.strip_prefix(name);
            rest.is_some_and(|rest| matches!(rest, "" | "s"))
        })
    }

    /// Returns its operations: lookup, list, and logs.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        let list = self.list.as_ref().map(|list| &list.operation);
        let logs = match &self.logs {
            LogSupport::Operation(spec) => Some(&spec.operation),
            LogSupport::Unavailable(_) => None,
        };
        [Some(&self.get), list, logs].into_iter().flatten()
    }

    /// Returns `true` if its jobs have states. Otherwise they only have events.
    pub fn has_states(&self) -> bool {
        self.states.iter().any(|table| !table.map.is_empty())
    }

    /// Returns `true` if its resources never end, such as a Deployment.
    pub fn is_endless(&self) -> bool {
        self.states.first().is_some_and(|table| table.is_endless)
    }

    /// Returns the default number of jobs in a list, if each of them needs separate calls.
    pub fn list_limit(&self) -> Option<usize> {
        self.list.as_ref().and_then(|list| list.default_limit)
    }

    /// Returns the fields that the rows of its list do not contain.
    pub fn unlisted_fields(&self) -> &'static [UnlistedField] {
        self.list.as_ref().map_or(&[], |list| list.unlisted)
    }
}

#[cfg(test)]
impl Kind {
    /// Creates a kind of which only the form of its references is used.
    pub(crate) const fn from_template(template: Template) -> Self {
        Self::new(template, &[], Operation::new("", "", ""))
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Kind {}

/// Writes cloud and kind: `aliyun/job`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.template.cloud, self.template.kind)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({self})")
    }
}

/// Creates an operation of an API from its name, which is also the name of its permission in a service.
macro_rules! operation {
    ($api:literal, $service:literal, $name:literal) => {
        $crate::kind::Operation::new(
            $name,
            concat!($api, " ", $name),
            concat!($service, ":", $name),
        )
    };
}
pub(crate) use operation;

/// An operation of a cloud's API.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Its name in requests and messages.
    pub name: &'static str,
    /// Its name with that of the API, and further operations that are called with it.
    pub description: &'static str,
    /// The required permission, as the cloud writes it.
    pub permission: &'static str,
}

impl Operation {
    /// Creates an operation from its name, its description with the API, and its permission.
    pub const fn new(
        name: &'static str,
        description: &'static str,
        permission: &'static str,
    ) -> Self {
        Self {
            name,
            description,
            permission,
        }
    }
}

/// A command-line option of one kind.
#[derive(Debug)]
pub struct KindFlag {
    /// Name of the option, without the dashes.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
}

/// Adds a type to the definitions of a schema and returns a reference to it.
pub type SchemaFn = fn(&mut SchemaGenerator) -> Schema;

/// Types of `details`. Only tests contain them, which generate and record the printed schemas. The program prints the
/// recorded schemas, since the code that generates them would be a thirtieth of its size.
#[derive(Clone, Copy)]
pub struct DetailTypes(&'static [SchemaFn]);

impl DetailTypes {
    /// No types.
    pub const NONE: Self = Self(&[]);

    /// Creates the list of these types.
    pub const fn new(types: &'static [SchemaFn]) -> Self {
        Self(if cfg!(test) { types } else { &[] })
    }

    /// Returns the types; none outside tests.
    pub fn iter(self) -> impl Iterator<Item = &'static SchemaFn> {
        self.0.iter()
    }
}

/// Types of the `details` of a kind's jobs and of their tasks.
pub struct DetailSchemas {
    /// Types for the job itself.
    pub job: DetailTypes,
    /// Types for its tasks.
    pub task: DetailTypes,
}

/// A cloud's state words and their meanings.
pub type StateWords = &'static [(&'static str, State)];

/// The state words of one level of a kind: of the job itself, or of one type of its parts.
#[derive(Debug)]
pub struct StateTable {
    /// `job` for the job itself, `container`, or the `kind` of the tasks that use these words.
    pub name: &'static str,
    /// The words and their states; empty if the cloud reports none.
    pub map: StateWords,
    /// Words of the table that do not determine how a job ended.
    pub outcome_rules: &'static [OutcomeRule],
    /// Notes about words of the table.
    pub notes: &'static [(&'static str, &'static str)],
    /// `true` if the user's words in the config file extend the table.
    pub allows_user_states: bool,
    /// `true` if no word is an end: the resource runs until it is deleted.
    pub is_endless: bool,
}

impl StateTable {
    /// Creates a table whose words need no rules or notes.
    pub const fn new(name: &'static str, words: StateWords) -> Self {
        Self {
            name,
            map: words,
            outcome_rules: &[],
            notes: &[],
            allows_user_states: false,
            is_endless: false,
        }
    }

    /// Allows the user's words in the config file.
    pub const fn with_user_states(self) -> Self {
        Self {
            allows_user_states: true,
            ..self
        }
    }
}

/// A word for a job that has ended. Other fields, such as an exit code, determine its outcome.
#[derive(Debug)]
pub struct OutcomeRule {
    /// The word as in the table.
    pub word: &'static str,
    /// The condition for each outcome: succeeded, failed, unknown.
    pub when: [&'static str; 3],
}

/// Returns `true` if a path without indices ends with one of these names or ends of paths.
pub(crate) fn ends_with_any(path: &str, ends: &[&str]) -> bool {
    let is_end = |end: &&str| {
        let before = path.strip_suffix(*end);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    ends.iter().any(is_end)
}
