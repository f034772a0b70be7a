//! A custom resource as the API has it, made into the model.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Api;
use super::super::object::{ApiObject, Condition, Conditions, ObjectMeta, QUEUE_LABEL, object};
use super::super::parts::Owner;
use super::{CustomJobs, StateField};
use crate::providers::prelude::*;

/// A job of any of the kinds.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CustomObject {
    kind: Text,
    api_version: Text,
    pub metadata: DefaultObject<ObjectMeta>,
    spec: DefaultObject<Spec>,
    status: Required<OptionalObject<Status>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    suspend: Checked<Flag>,
    run_policy: DefaultObject<RunPolicy>,
    queue: Text,
    /// The groups of Volcano and JobSet.
    #[serde(alias = "replicatedJobs")]
    tasks: List<Group>,
    /// The groups of Kubeflow.
    #[serde(
        alias = "pytorchReplicaSpecs",
        alias = "tfReplicaSpecs",
        alias = "xgbReplicaSpecs",
        alias = "paddleReplicaSpecs",
        alias = "jaxReplicaSpecs",
        alias = "mpiReplicaSpecs"
    )]
    replica_specs: Map<DefaultObject<Group>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RunPolicy {
    suspend: Checked<Flag>,
    scheduling_policy: DefaultObject<SchedulingPolicy>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SchedulingPolicy {
    queue: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    /// The phase of Argo.
    phase: Checked<Text>,
    /// How a JobSet ended.
    terminal_state: Checked<Text>,
    /// The state of Volcano.
    state: Required<OptionalObject<VolcanoState>>,
    /// The pods of Volcano that have succeeded.
    succeeded: Int,
    /// The pods of Volcano that have failed.
    failed: Int,
    conditions: Conditions,
    start_time: Timestamp,
    started_at: Timestamp,
    completion_time: Timestamp,
    finished_at: Timestamp,
    message: Text,
    progress: Text,
    #[serde(alias = "retryCount")]
    restarts: Int,
    /// The groups of JobSet and TrainJob.
    #[serde(alias = "jobsStatus")]
    replicated_jobs_status: List<Group>,
    /// The groups of Kubeflow and Volcano.
    #[serde(alias = "taskStatusCount")]
    replica_statuses: Map<DefaultObject<Group>>,
    /// The steps of Argo.
    nodes: Map<DefaultObject<Node>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolcanoState {
    phase: Checked<Text>,
    reason: Text,
    message: Text,
    last_transition_time: Timestamp,
}

/// Pods that are alike, as they were ordered or as they are.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    name: Text,
    replicas: Int,
    active: Int,
    ready: Int,
    succeeded: Int,
    failed: Int,
    /// How many are in each phase, as Volcano counts.
    phase: Map<Int>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Node {
    display_name: Text,
    phase: Text,
    r#type: Text,
    message: Text,
}

/// What only custom resources have.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesCustomJob")]
pub struct CustomJobDetails {
    /// Kind of the resource, such as `PyTorchJob`.
    pub resource: Option<String>,
    /// Group and version of its API.
    pub api_version: Option<String>,
    /// Its pods by what they do.
    pub groups: Vec<ReplicaGroup>,
    /// How often it was restarted.
    pub restarts: Option<i64>,
    /// Steps that are done, of all steps: `1/2`.
    pub progress: Option<String>,
}

/// Pods that are alike.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesReplicaGroup")]
pub struct ReplicaGroup {
    /// Their name, such as `Worker`.
    pub name: String,
    /// How many there should be.
    pub replicas: Option<i64>,
    /// How many are active; of Volcano those that run.
    pub active: Option<i64>,
    /// How many are ready.
    pub ready: Option<i64>,
    /// How many have succeeded.
    pub succeeded: Option<i64>,
    /// How many have failed.
    pub failed: Option<i64>,
}

/// The word for the state of a job.
struct Word<'a> {
    text: &'a str,
    /// True where it is a field of the resource; else it is derived.
    is_own: bool,
    condition: Option<&'a Condition>,
}

impl ApiObject for CustomObject {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata.0
    }
}

impl CustomObject {
    /// The object, as its pods name it.
    pub fn owner(&self) -> Owner {
        Owner::new(self.kind.trimmed().unwrap_or_default(), &self.metadata.0)
    }

    /// The job without its pods.
    pub fn into_result(self, jobs: &CustomJobs, reference: &Reference, api: &Api) -> GetResult {
        let DefaultObject(mut meta) = self.metadata;
        let DefaultObject(mut spec) = self.spec;
        let (mut status, is_readable) = object(self.status);
        let (state, is_state_readable) = object(std::mem::take(&mut status.state));
        let field = jobs.state_field;
        let is_readable = is_readable
            && (is_state_readable || field != StateField::StatePhase)
            && field
                .of(&status, &state)
                .is_none_or(|word| !word.is_unreadable)
            && !spec.suspend.is_unreadable
            && !spec.run_policy.0.suspend.is_unreadable
            && (field.is_phase() || status.conditions.are_readable());
        let groups = groups(&mut spec, &mut status);
        let word =
            Some(word(jobs, &meta, &spec, (&status, &state), &groups)).filter(|_| is_readable);
        let mut notices = Vec::new();
        let text = word.as_ref().map(|word| word.text);
        let what = jobs.kind.to_string();
        let mut read = states::normalize(jobs.kind.states[0].map, &[], text, &what, &mut notices);
        if word.as_ref().is_some_and(|word| !word.is_own) {
            read.raw = None;
        }
        let condition = word.and_then(|word| word.condition);
        let (reason, message) = match condition {
            Some(condition) if condition.explains_nothing() => (None, None),
            Some(condition) => (condition.reason.0.clone(), condition.message.0.clone()),
            None => (
                state.reason.0.clone(),
                state.message.0.clone().or(status.message.0.clone()),
            ),
        };
        let failure = status.failed_node().filter(|_| read.state == State::Failed);
        let message = [message, failure].into_iter().flatten();
        let since = condition.and_then(Condition::since);
        let since = since.or(state.last_transition_time.utc());
        let finished_at = status.completion_time.utc().or(status.finished_at.utc());
        let labels = meta.labels();
        let DefaultObject(policy) = spec.run_policy.0.scheduling_policy;
        let queue = spec.queue.0.or(policy.queue.0);
        let job = Job {
            name: meta.name.value.0.clone(),
            reason,
            message: message.reduce(|one, other| format!("{one}; {other}")),
            queue: queue.or_else(|| labels.get(QUEUE_LABEL).cloned().flatten()),
            labels,
            created_at: meta.creation_timestamp.utc(),
            started_at: status.started(),
            finished_at: finished_at.or(since),
            details: Some(Arc::new(CustomJobDetails {
                resource: self.kind.0,
                api_version: self.api_version.0,
                groups,
                restarts: status.restarts.0,
                progress: status.progress.0,
            })),
            uid: meta.uid.0.clone(),
            ..read.into_job(job_at(reference, Some(api.host())))
        };
        GetResult { job, notices }
    }
}

/// The word for the state: that of an end, what was done to the job, the phase or the newest condition that
/// is known, and else what its pods do.
fn word<'a>(
    jobs: &CustomJobs,
    meta: &ObjectMeta,
    spec: &Spec,
    (status, state): (&'a Status, &'a VolcanoState),
    groups: &[ReplicaGroup],
) -> Word<'a> {
    let table = jobs.kind.states[0].map;
    let known = |word: &str| {
        let mut known = table.iter().filter(|(known, _)| *known == word);
        known.next().map(|(_, state)| *state)
    };
    let is_end = |word: &str| known(word).is_some_and(State::is_end);
    let has_phase = jobs.state_field.is_phase();
    let phase = jobs.state_field.of(status, state);
    let phase = phase.and_then(|word| word.value.trimmed());
    let phase = phase.map(|text| (text, None));
    let conditions = status.conditions.all_true().filter(|_| !has_phase);
    let conditions = conditions.filter(|(word, _)| known(word).is_some());
    let conditions: Vec<_> = conditions.map(|(word, one)| (word, Some(one))).collect();
    let mut ends = conditions
        .iter()
        .copied()
        .chain(phase)
        .filter(|(word, _)| is_end(word));
    let own = |(text, condition)| Word {
        text,
        is_own: true,
        condition,
    };
    let derived = |text| Word {
        text,
        is_own: false,
        condition: None,
    };
    if let Some(end) = ends.next() {
        // The state of one with two different ends is unknown, as is that of a success that other fields
        // contradict.
        let are_same = ends.all(|(word, _)| known(word) == known(end.0));
        let succeeded = known(end.0) == Some(State::Succeeded);
        let is_suspended = conditions.iter().any(|(word, _)| *word == "Suspended");
        let is_unknown_end = !has_phase && phase.is_some_and(|(word, _)| !is_end(word));
        let is_denied = succeeded && (is_suspended || status.lacks_success(jobs.state_field));
        return match are_same && !is_unknown_end && !is_denied {
            true => own(end),
            false => own(("", None)),
        };
    }
    let is_suspended = [&spec.suspend, &spec.run_policy.0.suspend];
    let is_suspended = is_suspended
        .into_iter()
        .any(|flag| flag.value.0 == Some(true));
    let count =
        |count: fn(&ReplicaGroup) -> Option<i64>| groups.iter().any(|one| count(one) > Some(0));
    match conditions.last().copied().or(phase) {
        _ if meta.is_deleted() => derived("Terminating"),
        Some((text @ "Suspended", condition)) => own((text, condition)),
        _ if is_suspended => Word {
            is_own: true,
            ..derived("Suspended")
        },
        // What it runs is newer than a condition that stays.
        Some((text, _)) if known(text) == Some(State::Pending) && count(|one| one.ready) => {
            derived("Running")
        }
        Some(newest) => own(newest),
        None if has_phase => derived("Pending"),
        None if count(|one| one.ready) => derived("Running"),
        None if count(|one| one.active) => derived("Starting"),
        None => derived("Pending"),
    }
}

impl StateField {
    /// The field; `None` for a kind that has none.
    fn of<'a>(self, status: &'a Status, state: &'a VolcanoState) -> Option<&'a Checked<Text>> {
        match self {
            Self::StatePhase => Some(&state.phase),
            Self::Phase => Some(&status.phase),
            Self::TerminalState => Some(&status.terminal_state),
            Self::None => None,
        }
    }
}

impl Status {
    /// True for a job of Volcano whose pods have all failed.
    fn lacks_success(&self, field: StateField) -> bool {
        let is_more_than_0 = |count: &Int| count.0.is_some_and(|count| count > 0);
        field == StateField::StatePhase
            && is_more_than_0(&self.failed)
            && !is_more_than_0(&self.succeeded)
    }

    /// When the job began; without a field for it, when it was running first.
    fn started(&self) -> Option<Time> {
        let fields = [&self.start_time, &self.started_at];
        let time = fields.into_iter().find_map(Timestamp::utc);
        time.or_else(|| self.conditions.running_since())
    }

    /// The first failed step, with its message.
    fn failed_node(&self) -> Option<String> {
        let nodes = self.nodes.0.values().map(|DefaultObject(node)| node);
        let is_failed = |node: &&Node| {
            node.r#type.trimmed() == Some("Pod")
                && matches!(node.phase.trimmed(), Some("Failed" | "Error"))
        };
        let node = nodes.clone().find(is_failed)?;
        Some(format!(
            "{}: {}",
            node.display_name.trimmed()?,
            node.message.trimmed()?
        ))
    }
}

/// The groups of a job: those that were ordered with their counts, then those that have counts only.
fn groups(spec: &mut Spec, status: &mut Status) -> Vec<ReplicaGroup> {
    let named = |map: &mut Map<DefaultObject<Group>>, list: &mut List<Group>| {
        let map = std::mem::take(map)
            .0
            .into_iter()
            .map(|(name, DefaultObject(group))| (name, group));
        let list = std::mem::take(list).0.into_iter();
        let list = list.filter_map(|group| Some((group.name.trimmed()?.to_owned(), group)));
        map.chain(list).collect::<Vec<_>>()
    };
    let mut groups = named(&mut spec.replica_specs, &mut spec.tasks);
    for (name, group) in named(
        &mut status.replica_statuses,
        &mut status.replicated_jobs_status,
    ) {
        let known = groups.iter_mut().find(|(known, _)| *known == name);
        match known {
            Some((_, ordered)) => {
                *ordered = Group {
                    replicas: ordered.replicas,
                    ..group
                }
            }
            None => groups.push((name, group)),
        }
    }
    let groups = groups.into_iter().map(|(name, group)| {
        let in_phase = |word: &str| group.phase.0.get(word).and_then(|count| count.0);
        ReplicaGroup {
            name,
            replicas: group.replicas.0,
            active: group.active.0.or(in_phase("Running")),
            ready: group.ready.0,
            succeeded: group.succeeded.0.or(in_phase("Succeeded")),
            failed: group.failed.0.or(in_phase("Failed")),
        }
    });
    groups.collect()
}
