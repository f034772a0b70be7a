//! Converts a custom resource from the format of the API to the model.

mod contradiction;
mod undecided;
mod word;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Api;
use super::super::conditions::{Condition, Conditions};
use super::super::evidence::{CheckedObject, object};
use super::super::object::{ApiObject, ObjectMeta, QUEUE_LABEL};
use super::super::parts::{Owner, joined};
use super::{CustomJobs, StateField};
use crate::providers::prelude::*;
use undecided::undecided;
use word::{SUSPENDED, word};

/// The object of a job of any of the kinds.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CustomObject {
    kind: Text,
    api_version: Text,
    pub metadata: DefaultObject<ObjectMeta>,
    spec: CheckedObject<Spec>,
    status: Required<OptionalObject<Status>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    suspend: Checked<Flag>,
    run_policy: DefaultObject<RunPolicy>,
    queue: Text,
    /// An object in a JobSet, text in a TFJob.
    success_policy: lenient::Document,
    /// With this number of succeeded pods a job of Volcano is complete, even if others run.
    min_success: Checked<Int>,
    /// Without `minSuccess`, a job of Volcano of which this number of pods have succeeded is complete once the others
    /// have ended.
    min_available: Checked<Int>,
    /// What Volcano does after events of the pods.
    policies: List<Policy>,
    /// The groups of Volcano and JobSet.
    #[serde(alias = "replicatedJobs")]
    tasks: Checked<List<Group>>,
    /// The groups of Kubeflow.
    #[serde(
        alias = "pytorchReplicaSpecs",
        alias = "tfReplicaSpecs",
        alias = "xgbReplicaSpecs",
        alias = "paddleReplicaSpecs",
        alias = "jaxReplicaSpecs",
        alias = "mpiReplicaSpecs"
    )]
    replica_specs: Checked<Map<DefaultObject<Group>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Policy {
    action: Text,
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
    /// The end of a JobSet: `Completed` or `Failed`.
    terminal_state: Checked<Text>,
    /// The state of Volcano.
    state: Required<OptionalObject<VolcanoState>>,
    // The pods of Volcano by their state.
    pending: Checked<Int>,
    running: Checked<Int>,
    succeeded: Checked<Int>,
    failed: Checked<Int>,
    unknown: Checked<Int>,
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
    replicated_jobs_status: Checked<List<Group>>,
    /// The groups of Kubeflow and Volcano.
    #[serde(alias = "taskStatusCount")]
    replica_statuses: Checked<Map<DefaultObject<Group>>>,
    /// The steps of Argo.
    nodes: Required<Map<CheckedObject<Node>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolcanoState {
    phase: Checked<Text>,
    reason: Text,
    message: Text,
    last_transition_time: Timestamp,
}

/// A group of similar pods (of a JobSet or TrainJob: jobs), in the specification or in the status.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    name: Text,
    replicas: Int,
    active: Checked<Int>,
    ready: Int,
    succeeded: Checked<Int>,
    failed: Checked<Int>,
    /// Number of pods in each phase, as counted by Volcano.
    phase: Map<Int>,
    /// What Volcano does after events of its pods.
    policies: List<Policy>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Node {
    name: Checked<Text>,
    display_name: Text,
    phase: Checked<Text>,
    r#type: Text,
    message: Text,
}

/// Fields of jobs that are custom resources.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesCustomJob")]
pub struct CustomJobDetails {
    /// Kind of the resource, such as `PyTorchJob`.
    pub resource: Option<String>,
    /// The group and version of its API.
    pub api_version: Option<String>,
    /// Groups of its replicas, such as workers.
    pub groups: Vec<ReplicaGroup>,
    /// Number of restarts.
    pub restarts: Option<i64>,
    /// Completed steps of all steps: `1/2`.
    pub progress: Option<String>,
}

/// A group of similar replicas: pods or, of a JobSet or TrainJob, jobs.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesReplicaGroup")]
pub struct ReplicaGroup {
    /// Its name, such as `Worker`.
    pub name: String,
    /// Desired number of replicas.
    pub replicas: Option<i64>,
    /// Number of active replicas; for Volcano, of running pods.
    pub active: Option<i64>,
    /// Number of ready replicas.
    pub ready: Option<i64>,
    /// Number of replicas that have succeeded.
    pub succeeded: Option<i64>,
    /// Number of replicas that have failed.
    pub failed: Option<i64>,
}

impl ApiObject for CustomObject {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata.0
    }
}

impl CustomObject {
    /// Returns the object as the owner of its pods.
    pub fn owner(&self) -> Owner {
        Owner::new(self.kind.trimmed().unwrap_or_default(), &self.metadata.0)
    }

    /// Converts the job, without its pods.
    pub fn into_result(self, jobs: &CustomJobs, reference: &Reference, api: &Api) -> GetResult {
        let DefaultObject(mut meta) = self.metadata;
        let (mut status, is_status_readable) = object(self.status);
        let (volcano_state, is_state_readable) = object(std::mem::take(&mut status.state));
        let field = jobs.state_field;
        let groups = groups(&self.spec.value, &status);
        let word = word(jobs, &meta, &self.spec, (&status, &volcano_state), &groups);
        let is_state_readable = is_state_readable || field != StateField::StatePhase;
        let undecided = match is_status_readable && is_state_readable {
            true => undecided(jobs, &self.spec.value, (&status, &volcano_state), word.text),
            false => Some("the status cannot be read".to_owned()),
        };
        let word = Some(word).filter(|_| undecided.is_none());
        let contradiction = word.as_ref().and_then(|word| word.contradiction.clone());
        let mut notices = Vec::new();
        let text = word.as_ref().map(|word| word.text);
        let mut state = states::normalize(jobs.kind.states[0].map, &[], text);
        notices.extend(state.unknown_state_notice(jobs.kind));
        if word.as_ref().is_some_and(|word| !word.is_own) {
            state.raw = None;
        }
        if (state.state, &contradiction) == (State::Succeeded, &None)
            && let Some(failure) = status.failed_parts(&self.spec.value, field)
        {
            let text = format!("{reference}: the job has succeeded, but {failure}");
            notices.push(Notice::new(NoticeCode::FailedParts, text));
        }
        let condition = word.and_then(|word| word.condition);
        let (reason, message) = reason_and_message(condition, &volcano_state, &status);
        // The specification suspends a job without a condition that explains it.
        let reason = reason.or_else(|| text.filter(|word| *word == SUSPENDED).map(str::to_owned));
        let failure = status
            .failed_node()
            .filter(|_| state.state == State::Failed);
        let message = joined([message, failure]);
        let finished_at = status.ended(condition, &volcano_state);
        let labels = meta.labels();
        let spec = self.spec.value;
        let DefaultObject(policy) = spec.run_policy.0.scheduling_policy;
        let queue = spec.queue.0.or(policy.queue.0);
        let mut job = Job {
            name: meta.name.value.0.clone(),
            reason: reason.map(Reason::from),
            message,
            queue: queue.or_else(|| labels.get(QUEUE_LABEL).cloned().flatten()),
            labels,
            created_at: meta.creation_timestamp.utc(),
            started_at: status.started(),
            finished_at,
            details: Some(Arc::new(CustomJobDetails {
                resource: self.kind.0,
                api_version: self.api_version.0,
                groups,
                restarts: status.restarts.0,
                progress: status.progress.0,
            })),
            uid: meta.uid.0.clone(),
            ..state.into_job(job_at(reference, Some(api.host())))
        };
        if let Some(text) = undecided.or(contradiction) {
            states::contradict(&mut job, text);
        }
        GetResult { job, notices }
    }
}

/// Returns the reason and the message of the condition that shows the state or, if there is none, those of the state
/// of Volcano or of the status.
fn reason_and_message(
    condition: Option<&Condition>,
    state: &VolcanoState,
    status: &Status,
) -> (Option<String>, Option<String>) {
    match condition {
        Some(condition) if condition.is_uninformative() => (None, None),
        Some(condition) => (
            condition.reason.value.0.clone(),
            condition.message.0.clone(),
        ),
        None => (
            state.reason.0.clone(),
            state.message.0.clone().or(status.message.0.clone()),
        ),
    }
}

impl StateField {
    /// Returns the field; `None` for a kind that has none.
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
    /// Returns when the job started or, if no field contains that, when it first ran.
    fn started(&self) -> Option<Time> {
        let fields = [&self.start_time, &self.started_at];
        let time = fields.into_iter().find_map(Timestamp::utc);
        time.or_else(|| self.conditions.running_since())
    }

    /// Returns when a job with this condition or state of Volcano ended.
    fn ended(&self, condition: Option<&Condition>, state: &VolcanoState) -> Option<Time> {
        let fields = [&self.completion_time, &self.finished_at];
        let time = fields.into_iter().find_map(Timestamp::utc);
        let since = || condition.and_then(Condition::since);
        time.or_else(since).or(state.last_transition_time.utc())
    }

    /// Returns the nodes of a workflow with their ids.
    fn all_nodes(&self) -> impl Iterator<Item = (&String, &CheckedObject<Node>)> {
        let nodes = match &self.nodes {
            Required::Present(Map(nodes)) => Some(nodes),
            _ => None,
        };
        nodes.into_iter().flatten()
    }

    /// Describes the first failed step, with its message.
    fn failed_node(&self) -> Option<String> {
        let is_failed = |node: &&Node| {
            node.r#type.trimmed() == Some("Pod")
                && matches!(node.phase.value.trimmed(), Some("Failed" | "Error"))
        };
        let mut nodes = self.all_nodes().map(|(_, node)| &node.value);
        let node = nodes.find(is_failed)?;
        Some(format!(
            "{}: {}",
            node.display_name.trimmed()?,
            node.message.trimmed()?
        ))
    }
}

/// Returns the groups of a map and of a list, with their names.
fn groups_in<'a>(
    map: &'a Checked<Map<DefaultObject<Group>>>,
    list: &'a Checked<List<Group>>,
) -> impl Iterator<Item = (Option<&'a str>, &'a Group)> {
    let map = map
        .value
        .0
        .iter()
        .map(|(name, group)| (Some(name.as_str()), &group.0));
    map.chain(
        list.value
            .0
            .iter()
            .map(|group| (group.name.trimmed(), group)),
    )
}

/// Returns the groups of a job: first those of the specification, with their counts, then those that are only
/// in the status.
fn groups(spec: &Spec, status: &Status) -> Vec<ReplicaGroup> {
    let ordered = groups_in(&spec.replica_specs, &spec.tasks);
    let mut groups: Vec<(&str, Option<i64>, &Group)> = ordered
        .filter_map(|(name, group)| Some((name?, group.replicas.0, group)))
        .collect();
    for (name, group) in groups_in(&status.replica_statuses, &status.replicated_jobs_status) {
        let Some(name) = name else {
            continue;
        };
        match groups.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, counts)) => *counts = group,
            None => groups.push((name, group.replicas.0, group)),
        }
    }
    let groups = groups.into_iter().map(|(name, replicas, group)| {
        let in_phase = |word: &str| group.phase.0.get(word).and_then(|count| count.0);
        ReplicaGroup {
            name: name.to_owned(),
            replicas,
            active: group.active.value.0.or(in_phase("Running")),
            ready: group.ready.0,
            succeeded: group.succeeded.value.0.or(in_phase("Succeeded")),
            failed: group.failed.value.0.or(in_phase("Failed")),
        }
    });
    groups.collect()
}
