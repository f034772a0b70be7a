//! What a kind of job is, as plain data: the form of its references, its states, and the operations
//! that read it.

mod list;
mod logs;
mod template;

use std::fmt;
use std::time::Duration;

use schemars::{Schema, SchemaGenerator};

use crate::model::State;

pub use list::{ListOrder, ListSpec, UnlistedField};
pub use logs::{LogSpec, LogSupport};
pub use template::{Segment, Template};

/// Whether a later job may have the id of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdReuse {
    /// No other job gets the id.
    Never,
    /// The ids are numbers, which may be reused. A job with another creation time is another job.
    Numbered,
    /// The same, where a job that is requeued has a new time of creation, too: another job also has
    /// another name.
    NumberedAndRequeued,
}

/// One kind of job in a cloud. Each is a static of its own and compared by address.
pub struct Kind {
    /// Template of its references.
    pub template: Template,
    /// What it is, in one line.
    pub summary: &'static str,
    /// What the cloud's state words mean, first those of the job itself.
    pub states: &'static [StateTable],
    /// What its `details` can be.
    pub details: DetailSchemas,
    /// The operation behind a lookup.
    pub get: Operation,
    /// How it is listed; `None` where it cannot be.
    pub list: Option<ListSpec>,
    /// How its logs are read.
    pub logs: LogSupport,
    /// False when the cloud reports no events of it.
    pub has_events: bool,
    /// From how many references on one list call is cheaper than a lookup of each; `None` where no
    /// list reports states.
    pub batch_from: Option<usize>,
    /// How many ids a list takes; `None` where lists take no ids.
    pub max_ids: Option<usize>,
    /// True when a row of a batch lookup proves an end as well as a lookup does, which only adds details
    /// such as an exit code.
    pub conclusive_rows: bool,
    /// Fields of responses that may show the failure of a job that is called succeeded: where one of them cannot
    /// be read, the job is undecided.
    pub evidence: &'static [&'static str],
    /// True when a stream reports the changes of its jobs. The rows of its batch lookups report the state
    /// as a lookup does, and leave out events.
    pub is_watched: bool,
    /// True when the lookup of a mistyped name succeeds, so that existence needs a call of its own.
    pub needs_check_exists: bool,
    /// For this long a lookup may miss a job that exists, such as one that was just submitted.
    pub missing_grace: Duration,
    /// Whether a later job may have the id of an earlier one.
    pub id_reuse: IdReuse,
    /// Switches that only this kind has.
    pub flags: &'static [KindFlag],
    /// Names that other tools have for its resources, in the singular and in lower case: it is suggested for them.
    pub similar_names: &'static [&'static str],
}

impl Kind {
    /// A kind that can be looked up only: without details, a list, a batch lookup or switches.
    pub const fn new(template: Template, states: &'static [StateTable], get: Operation) -> Self {
        Self {
            template,
            summary: "",
            states,
            details: DetailSchemas {
                job: &[],
                task: &[],
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

    /// The same with the types of the `details` of its jobs and of their tasks.
    pub const fn with_details(self, job: &'static [SchemaFn], task: &'static [SchemaFn]) -> Self {
        let details = DetailSchemas {
            job: schemas_for_tests(job),
            task: schemas_for_tests(task),
        };
        Self { details, ..self }
    }

    /// True for a name that other tools have for its resources, in any case, and in the singular or the plural.
    pub fn is_similar_to(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        let mut names = self.similar_names.iter();
        names.any(|name| {
            let rest = word.strip_prefix(name);
            rest.is_some_and(|rest| matches!(rest, "" | "s"))
        })
    }

    /// Its operations: lookup, list, and logs.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        let list = self.list.as_ref().map(|list| &list.operation);
        let logs = match &self.logs {
            LogSupport::Operation(spec) => Some(&spec.operation),
            LogSupport::Unavailable(_) => None,
        };
        [Some(&self.get), list, logs].into_iter().flatten()
    }

    /// False when its jobs report events only.
    pub fn has_states(&self) -> bool {
        self.states.iter().any(|table| !table.map.is_empty())
    }

    /// True when it never ends, such as a Deployment.
    pub fn is_endless(&self) -> bool {
        self.states.first().is_some_and(|table| table.is_endless)
    }

    /// The default number of jobs in a list, where each of them costs calls of its own.
    pub fn list_limit(&self) -> Option<usize> {
        self.list.as_ref().and_then(|list| list.default_limit)
    }

    /// What the rows of its list do not report.
    pub fn unlisted_fields(&self) -> &'static [UnlistedField] {
        self.list.as_ref().map_or(&[], |list| list.unlisted)
    }
}

#[cfg(test)]
impl Kind {
    /// A kind of which only the form of its references matters.
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

/// Cloud and kind: `aliyun/job`.
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

/// An operation of an API, by its name, whose permission has the same name in a service.
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
    /// The same with the API it belongs to, and with what is called in addition.
    pub description: &'static str,
    /// The permission that it needs, as the cloud writes it.
    pub permission: &'static str,
}

impl Operation {
    /// An operation by its name, the same with its API, and its permission.
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

/// A switch of one kind.
#[derive(Debug)]
pub struct KindFlag {
    /// Its name on the command line, without the dashes.
    pub name: &'static str,
    /// Its help text.
    pub help: &'static str,
}

/// Adds a type to the definitions of a schema and returns a reference to it.
pub type SchemaFn = fn(&mut SchemaGenerator) -> Schema;

/// The same types in tests, which generate and record the printed schemas. None in the program: it prints what
/// was recorded, and the code that generates it would be a thirtieth of its size.
pub const fn schemas_for_tests(types: &'static [SchemaFn]) -> &'static [SchemaFn] {
    if cfg!(test) { types } else { &[] }
}

/// The types of `details` of the jobs of one kind and of their tasks.
pub struct DetailSchemas {
    /// Those of the job itself.
    pub job: &'static [SchemaFn],
    /// Those of its tasks.
    pub task: &'static [SchemaFn],
}

/// A cloud's words and what they mean.
pub type StateWords = &'static [(&'static str, State)];

/// The words of one level of a kind: of the job itself, or of one sort of its parts.
#[derive(Debug)]
pub struct StateTable {
    /// `job` for the job itself, `container`, or the `kind` of the tasks whose words these are.
    pub name: &'static str,
    /// The table that the words are read by; empty where the cloud reports none.
    pub map: StateWords,
    /// Words of the table that do not show by themselves how a job ended.
    pub outcome_rules: &'static [OutcomeRule],
    /// What else is to be known of words of the table.
    pub notes: &'static [(&'static str, &'static str)],
    /// Whether the user's words of the config file are read in addition to the table.
    pub allows_user_states: bool,
    /// True where no word is an end: the resource goes on until it is deleted.
    pub is_endless: bool,
}

impl StateTable {
    /// A level whose words need no rules or notes.
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

    /// The same with the user's words of the config file in addition.
    pub const fn with_user_states(self) -> Self {
        Self {
            allows_user_states: true,
            ..self
        }
    }
}

/// A word for a job that has ended, whose outcome other fields show, such as an exit code.
#[derive(Debug)]
pub struct OutcomeRule {
    /// The word, as the table has it.
    pub word: &'static str,
    /// When each outcome is taken: succeeded, failed, unknown.
    pub when: [&'static str; 3],
}
