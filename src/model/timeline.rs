use std::collections::HashSet;

use serde::Serialize;

use super::occurrence::{self, Occurrence};
use super::{Coverage, Exit, Gate, Job, Notice, Report, Time};
use crate::error::Problem;

/// The envelope of a timeline: what happened to things, and what could not be read.
#[derive(Debug, Clone, Serialize)]
pub struct Timeline {
    /// Version of the shape: `joblens/1`.
    pub schema: &'static str,
    /// Name of the command.
    pub command: &'static str,
    /// What happened, oldest first, all references together; what has no time comes last.
    pub events: Vec<Occurrence>,
    /// What could not be answered, in the order of the references.
    pub errors: Vec<Problem>,
    /// What a reader should know besides, such as where a cloud keeps no older events.
    pub notices: Vec<Notice>,
    /// How much of what was asked was answered.
    pub coverage: Coverage,
    /// A timeline is no gate: null.
    pub gate: Option<Gate>,
    /// How the command ends.
    pub exit: Exit,
}

impl Timeline {
    /// The timeline of what was found. What happened at the same time to several things stands in
    /// the order of `jobs`.
    pub fn new(
        command: &'static str,
        jobs: &[Job],
        errors: Vec<Problem>,
        notices: Vec<Notice>,
    ) -> Self {
        let mut events: Vec<Occurrence> = jobs.iter().flat_map(Occurrence::all_of).collect();
        occurrence::sort(&mut events);
        let answered = jobs.len() as u64;
        // Coverage and exit follow from the same rules as everywhere.
        let report = Report::new(command, Vec::new(), errors, notices);
        Self {
            schema: report.schema,
            command,
            events,
            coverage: Coverage {
                asked: answered + report.coverage.asked,
                answered,
                ..report.coverage
            },
            errors: report.errors,
            notices: report.notices,
            gate: None,
            exit: report.exit,
        }
    }

    /// Leaves out what a sieve does not let pass.
    pub fn sift(&mut self, sieve: Sieve) {
        self.events.retain(|one| sieve.lets_pass(one));
    }

    /// The references of the things to which something happened, each once, by the first of it.
    pub fn references(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        self.events
            .iter()
            .map(|one| one.reference.as_str())
            .filter(|reference| known.insert(*reference))
            .collect()
    }
}

/// Which occurrences are wanted; the default lets all pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sieve {
    /// Failed ends and warnings only.
    pub bad_only: bool,
    /// It was last seen then or later. What has no time passes: nothing shows that it is older.
    pub since: Option<Time>,
}

impl Sieve {
    /// True when an occurrence is wanted.
    pub fn lets_pass(self, one: &Occurrence) -> bool {
        let is_old = self
            .since
            .zip(one.happened_at)
            .is_some_and(|(since, at)| at < since);
        (one.bad || !self.bad_only) && !is_old
    }
}
