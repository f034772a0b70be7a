//! Finds what contradicts the end of a job.

use super::super::super::deletion::DeletionRule;
use super::super::super::evidence::{CheckedObject, is_invalid, is_unreadable};
use super::super::super::object::ObjectMeta;
use super::super::{CustomJobs, StateField};
use super::{Group, Node, Spec, Status, groups_in};
use crate::model::{State, Time};
use crate::providers::lenient::Required;

/// The word for the state of a job that has ended.
pub(super) struct End<'a> {
    pub jobs: &'a CustomJobs,
    pub meta: &'a ObjectMeta,
    pub word: &'a str,
    /// True if it is the type of a condition; false if it is in the state field.
    pub is_condition: bool,
    pub ended_at: Option<Time>,
}

impl End<'_> {
    /// Returns what contradicts the end: another end or, for a success, a condition of a job that has not
    /// ended, its deletion, or a failure in the job. `conditions` are the types of those with status `True`.
    pub fn contradiction<'a>(
        &self,
        conditions: impl Iterator<Item = &'a str> + Clone,
        field: Option<&str>,
        spec: &CheckedObject<Spec>,
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
        self.jobs.state_field.name()
    }

    /// Returns what contradicts the success in the deletion or the parts of a job.
    fn failure(&self, spec: &CheckedObject<Spec>, status: &Status) -> Option<String> {
        if spec.is_unreadable {
            return Some("the specification cannot be read".to_owned());
        }
        let deletion = self
            .meta
            .contradicting_deletion(self.ended_at, DeletionRule::Before);
        let name = self.meta.name.value.trimmed();
        deletion.or_else(|| match self.jobs.state_field {
            StateField::StatePhase => status.contradicting_pods(&spec.value),
            StateField::Phase => status.contradicting_root(name.unwrap_or_default()),
            field => status.contradicting_group(&spec.value, field),
        })
    }
}

/// The phases of a node that allow a workflow to succeed.
const SUCCEEDED_NODE: [&str; 3] = ["Succeeded", "Skipped", "Omitted"];

/// The groups of Kubeflow whose success is that of the job.
const DECIDING_GROUPS: [&str; 3] = ["Chief", LAUNCHER, "Master"];

/// The group of an MPIJob whose success is that of the job.
const LAUNCHER: &str = "Launcher";

impl Status {
    /// Describes the pods of a Volcano job that contradict its success: some have failed and none or too few have
    /// succeeded, or some have not ended although the job needs them all. Terminating pods are ignored, because pods
    /// are also removed after the end.
    fn contradicting_pods(&self, spec: &Spec) -> Option<String> {
        let counts = [
            (&self.failed, "Failed"),
            (&self.succeeded, "Succeeded"),
            (&self.pending, "Pending"),
            (&self.running, "Running"),
            (&self.unknown, "Unknown"),
        ];
        if let Some((_, phase)) = counts.iter().find(|(count, _)| is_invalid(count)) {
            return Some(format!("the number of {phase} pods cannot be read"));
        }
        let [(failed, _), (succeeded, _), active @ ..] =
            counts.map(|(count, phase)| (count.value.0.unwrap_or(0), phase));
        if failed > 0 && succeeded == 0 {
            return Some(format!("{failed} pods have failed, and none has succeeded"));
        }
        if failed > 0
            && let Some(text) = spec.missing_successes(succeeded)
        {
            return Some(format!("{failed} pods have failed, and {text}"));
        }
        let min_success = spec.min_success.value.unsigned();
        let succeeded = self.succeeded.value.unsigned().unwrap_or(0);
        if min_success.is_some_and(|needed| succeeded >= needed) {
            return None;
        }
        let (count, phase) = active.into_iter().find(|(count, _)| *count > 0)?;
        Some(format!("{count} pods are in the phase {phase}"))
    }

    /// Describes the node of the whole workflow, or of its exit handler, if it has not succeeded or cannot be
    /// read. Other nodes can fail in a workflow that continues or retries.
    fn contradicting_root(&self, workflow: &str) -> Option<String> {
        if matches!(self.nodes, Required::Unreadable) {
            return Some("the nodes cannot be read".to_owned());
        }
        let exit_handler = format!("{workflow}.onExit");
        self.all_nodes().find_map(|(id, node)| {
            let Node { name, phase, .. } = &node.value;
            // A node whose name cannot be read could be any node.
            let is_any = node.is_unreadable || is_unreadable(name);
            let name = name.value.trimmed().unwrap_or(id);
            if !is_any && name != workflow && name != exit_handler {
                return None;
            }
            if node.is_unreadable || is_unreadable(phase) {
                return Some(format!("the phase of node {name} cannot be read"));
            }
            let phase = phase.value.trimmed()?;
            let text = || format!("the phase of node {name} is {phase}");
            (!SUCCEEDED_NODE.contains(&phase)).then(text)
        })
    }

    /// Describes a group whose jobs or pods have failed or are active while too few of them have succeeded, or
    /// whose counts cannot be read. Groups that the success policy of a JobSet excludes do not count, and with
    /// `Any` one success is sufficient. Counts of 0 contradict nothing, because jobs can be deleted after the
    /// end.
    fn contradicting_group(&self, spec: &Spec, field: StateField) -> Option<String> {
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
        let has_success = groups.iter().any(|(_, group)| group.succeeded() > 0);
        if has_success && policy["operator"] == "Any" {
            return None;
        }
        let unreadable = groups.iter().find_map(|(name, group)| {
            let counts = [
                (&group.failed, "failed"),
                (&group.active, "active"),
                (&group.succeeded, "succeeded"),
            ];
            let (_, word) = counts.into_iter().find(|(count, _)| is_invalid(count))?;
            let name = name.unwrap_or("a group");
            Some(format!("the number of {word} {name} cannot be read"))
        });
        let is_unreadable = self.replica_statuses.is_unreadable
            || self.replicated_jobs_status.is_unreadable
            || spec.replica_specs.is_unreadable
            || spec.tasks.is_unreadable;
        if unreadable.is_some() || is_unreadable {
            return unreadable.or_else(|| Some("the number of replicas cannot be read".to_owned()));
        }
        if self.has_succeeded_launcher(spec, field) {
            return None;
        }
        // The other groups of Kubeflow can be active after the end.
        let must_end = |name: &str| {
            let is_kubeflow = matches!(field, StateField::None);
            !is_kubeflow || !has_success || DECIDING_GROUPS.contains(&name)
        };
        groups.into_iter().find_map(|(name, group)| {
            let needed = spec.replicas(name);
            let name = name.unwrap_or("a group");
            let active = group.active.value.0;
            let active = active.filter(|active| *active > 0 && must_end(name));
            let active = active.map(|active| format!("{active} of {name} are active"));
            group
                .failure(name)
                .or(active)
                .filter(|_| group.succeeded() < needed)
        })
    }

    /// Returns `true` if the launcher of an MPIJob has succeeded. The operator derives the success of the job from it
    /// alone, since workers can remain active, or fail as they are stopped.
    fn has_succeeded_launcher(&self, spec: &Spec, field: StateField) -> bool {
        let statuses = self.replica_statuses.value.0.iter();
        let mut launchers = statuses.filter(|(name, _)| *name == LAUNCHER);
        field == StateField::None
            && launchers.any(|(name, group)| group.0.succeeded() >= spec.replicas(Some(name)))
    }

    /// Describes what has failed in a job that has succeeded: pods of Volcano, or workers of an MPIJob.
    pub(super) fn failed_parts(&self, spec: &Spec, field: StateField) -> Option<String> {
        match field {
            StateField::StatePhase => self.failed_pods(spec),
            field => self.failed_workers(spec, field),
        }
    }

    /// Describes the failed pods of a Volcano job, and why it has succeeded without them.
    fn failed_pods(&self, spec: &Spec) -> Option<String> {
        let failed = self.failed.value.0.filter(|failed| *failed > 0)?;
        let text = format!("{failed} pods have failed");
        let succeeded = self.succeeded.value.0.unwrap_or(0);
        Some(match spec.needed_successes() {
            Some((name, needed)) if needed <= succeeded => format!("{text}; {name} is {needed}"),
            Some(_) => format!("{text}; a policy has completed the job"),
            None => text,
        })
    }

    /// Describes the workers of an MPIJob that have failed although its launcher has succeeded.
    fn failed_workers(&self, spec: &Spec, field: StateField) -> Option<String> {
        if !self.has_succeeded_launcher(spec, field) {
            return None;
        }
        self.replica_statuses
            .value
            .0
            .iter()
            .find_map(|(name, group)| {
                let failure = group.0.failure(name)?;
                (group.0.succeeded() < spec.replicas(Some(name))).then_some(failure)
            })
    }
}

/// The action of a policy with which Volcano completes a job, whatever the number of succeeded pods.
const COMPLETE_JOB: &str = "CompleteJob";

impl Spec {
    /// Returns the number of succeeded pods with which Volcano completes a job, and the name of the field.
    fn needed_successes(&self) -> Option<(&'static str, i64)> {
        let fields = [
            ("minSuccess", &self.min_success),
            ("minAvailable", &self.min_available),
        ];
        let mut fields = fields.into_iter();
        fields.find_map(|(name, count)| Some((name, count.value.0?)))
    }

    /// Describes why too few pods of a Volcano job have succeeded to complete it.
    fn missing_successes(&self, succeeded: i64) -> Option<String> {
        if is_invalid(&self.min_success) || is_invalid(&self.min_available) {
            return Some("the number of pods that must succeed cannot be read".to_owned());
        }
        let (name, needed) = self.needed_successes()?;
        let of_groups = groups_in(&self.replica_specs, &self.tasks);
        let of_groups = of_groups.flat_map(|(_, group)| &group.policies.0);
        let mut policies = self.policies.0.iter().chain(of_groups);
        let completes = policies.any(|policy| policy.action.trimmed() == Some(COMPLETE_JOB));
        let has_too_few = succeeded < needed && !completes;
        has_too_few.then(|| format!("only {succeeded} of {needed} ({name}) have succeeded"))
    }

    /// Returns the ordered number of replicas of a group.
    fn replicas(&self, name: Option<&str>) -> i64 {
        let mut groups = groups_in(&self.replica_specs, &self.tasks);
        let group = groups.find(|(known, _)| known.is_some() && *known == name);
        group.and_then(|(_, group)| group.replicas.0).unwrap_or(1)
    }
}

impl Group {
    fn succeeded(&self) -> i64 {
        self.succeeded.value.0.unwrap_or(0)
    }

    fn failure(&self, name: &str) -> Option<String> {
        let failed = self.failed.value.0.filter(|failed| *failed > 0)?;
        Some(format!("{failed} of {name} have failed"))
    }
}
