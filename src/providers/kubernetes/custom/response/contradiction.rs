//! Finds what contradicts the end of a job.

use super::super::{CustomJobs, StateField};
use super::{Group, Int, Spec, Status, groups_in};
use crate::model::State;

/// The word for the state of a job that has ended.
pub(super) struct End<'a> {
    pub jobs: &'a CustomJobs,
    /// The name of the job.
    pub name: &'a str,
    pub word: &'a str,
    /// True if it is the type of a condition; false if it is in the state field.
    pub is_condition: bool,
}

impl End<'_> {
    /// Returns what contradicts the end: another end or, for a success, a condition of a job that has not
    /// ended, or a failure in the job. `conditions` are the types of those with status `True`.
    pub fn contradiction<'a>(
        &self,
        conditions: impl Iterator<Item = &'a str> + Clone,
        field: Option<&str>,
        spec: &Spec,
        status: &Status,
    ) -> Option<String> {
        let job_state = self.state(self.word);
        let has_succeeded = job_state == Some(State::Succeeded);
        let is_other = |word: &&str| match self.state(word) {
            Some(state) if state.is_end() => Some(state) != job_state,
            // The condition `Created` remains true.
            _ => has_succeeded && *word != "Created",
        };
        let condition_text = conditions.clone().find(is_other);
        let condition_text = condition_text.map(|word| format!("the condition {word} is True"));
        let field = field.filter(|word| self.state(word) != job_state);
        let field = field.map(|word| format!("the {} is {word}", self.field()));
        let failure = || has_succeeded.then(|| self.failure(spec, status)).flatten();
        let contradiction = condition_text.or(field).or_else(failure)?;
        Some(match self.is_condition {
            true => format!("the condition {} is True, but {contradiction}", self.word),
            false => format!("the {} is {}, but {contradiction}", self.field(), self.word),
        })
    }

    fn state(&self, word: &str) -> Option<State> {
        let mut table = self.jobs.kind.states[0].map.iter();
        let known = table.find(|(known, _)| known.eq_ignore_ascii_case(word));
        known.map(|(_, state)| *state)
    }

    fn field(&self) -> &'static str {
        match self.jobs.state_field {
            StateField::TerminalState => "terminal state",
            _ => "phase",
        }
    }

    /// Returns what failed in a job whose word is a success.
    fn failure(&self, spec: &Spec, status: &Status) -> Option<String> {
        match self.jobs.state_field {
            StateField::StatePhase => status.failed_pods(),
            StateField::Phase => status.failed_root(self.name),
            StateField::TerminalState | StateField::None => status.failed_group(spec),
        }
    }
}

impl Status {
    /// Describes the failure if pods of a Volcano job have failed and none has succeeded.
    fn failed_pods(&self) -> Option<String> {
        let count = |count: &Int| count.0.filter(|count| *count > 0);
        let failed = count(&self.failed).filter(|_| count(&self.succeeded).is_none())?;
        Some(format!("{failed} pods have failed, and none has succeeded"))
    }

    /// Describes the failure if the node of the whole workflow, or of its exit handler, has failed. Other
    /// nodes can fail in a workflow that continues or retries.
    fn failed_root(&self, workflow: &str) -> Option<String> {
        let exit_handler = format!("{workflow}.onExit");
        let decides = |name: &str| name == workflow || name == exit_handler;
        self.nodes.0.iter().find_map(|(id, node)| {
            let name = node.0.name.trimmed().unwrap_or(id);
            let phase = node.0.phase.trimmed()?;
            let is_failed = ["Failed", "Error"].contains(&phase);
            let text = || format!("the phase of node {name} is {phase}");
            (is_failed && decides(name)).then(text)
        })
    }

    /// Describes the failure if jobs or pods of a group have failed and too few others have succeeded
    /// instead. Groups that the success policy of a JobSet excludes do not count, and with `Any` one success
    /// is sufficient.
    fn failed_group(&self, spec: &Spec) -> Option<String> {
        let policy = &spec.success_policy.0;
        let targets = policy["targetReplicatedJobs"].as_array();
        let targets = targets.filter(|targets| !targets.is_empty());
        // A group without a name could be any group.
        let is_target = |name: Option<&str>| {
            let is = |name: &str| targets.is_none_or(|all| all.iter().any(|one| *one == *name));
            name.is_none_or(is)
        };
        let named = groups_in(&self.replica_statuses, &self.replicated_jobs_status);
        let groups: Vec<_> = named.filter(|(name, _)| is_target(*name)).collect();
        let succeeded = |group: &Group| group.succeeded.0.unwrap_or(0);
        let is_any = policy["operator"] == "Any";
        if is_any && groups.iter().any(|(_, group)| succeeded(group) > 0) {
            return None;
        }
        let ordered = |name: Option<&str>| {
            let mut ordered = groups_in(&spec.replica_specs, &spec.tasks);
            let group = ordered.find(|(known, _)| known.is_some() && *known == name);
            group.and_then(|(_, group)| group.replicas.0).unwrap_or(1)
        };
        groups.into_iter().find_map(|(name, group)| {
            let needed = ordered(name);
            let name = name.unwrap_or("a group");
            if group.failed.is_unreadable {
                return Some(format!("the number of failed {name} cannot be read"));
            }
            let failed = group.failed.value.0.filter(|failed| *failed > 0)?;
            let text = || format!("{failed} of {name} have failed");
            (succeeded(group) < needed).then(text)
        })
    }
}
