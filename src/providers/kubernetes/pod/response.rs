//! Converts a pod from the format of the API to a task or a job of the model.

mod cause;
mod contradiction;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Api;
use super::super::conditions::Conditions;
use super::super::container::{self, ContainerSpec, ContainerStatus, containers};
use super::super::evidence::object;
use super::super::object::{ApiObject, ObjectMeta};
use super::{INDEX_LABEL, STATES};
use crate::model::{Address, Container, failed_container};
use crate::providers::prelude::*;
use crate::providers::states::{self, NormalizedState};
use cause::reason_and_message;
use contradiction::contradiction;

/// A pod.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct PodObject {
    pub metadata: DefaultObject<ObjectMeta>,
    spec: DefaultObject<PodSpec>,
    status: Required<OptionalObject<PodStatus>>,
}

/// The specification of a pod or of a pod template.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct PodSpec {
    pub containers: List<ContainerSpec>,
    init_containers: List<ContainerSpec>,
    node_name: Text,
    restart_policy: Text,
    service_account_name: Text,
    scheduler_name: Text,
    priority: Int,
    priority_class_name: Text,
}

/// The template of pods.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct PodTemplate {
    pub metadata: DefaultObject<ObjectMeta>,
    pub spec: DefaultObject<PodSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: Checked<Text>,
    reason: Checked<Text>,
    message: Text,
    conditions: Conditions,
    start_time: Timestamp,
    #[serde(rename = "podIP")]
    pod_ip: Text,
    #[serde(rename = "podIPs")]
    pod_ips: List<PodIp>,
    #[serde(rename = "qosClass")]
    qos_class: Text,
    container_statuses: Required<List<ContainerStatus>>,
    init_container_statuses: Required<List<ContainerStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodIp {
    ip: Text,
}

/// Fields of pods.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesPod")]
pub struct PodDetails {
    /// Kind and name of its owner: `Job/train`.
    pub owner: Option<String>,
    /// `Guaranteed`, `Burstable` or `BestEffort`.
    pub qos_class: Option<String>,
    /// Its priority class.
    pub priority_class: Option<String>,
    /// The scheduler that chooses its node.
    pub scheduler: Option<String>,
    /// The service account that it runs as.
    pub service_account: Option<String>,
}

/// A pod as a task, with fields that only pods have.
pub(in super::super) struct PodTask {
    pub task: Task,
    pub details: PodDetails,
    pub uid: Option<String>,
    pub namespace: Option<String>,
    /// The UID of its owner.
    pub owner_uid: Option<String>,
    pub priority: Option<i64>,
    /// True if other fields contradict its success, so that how it ended is unknown.
    pub is_contradicted: bool,
    /// The reason of the disruption that was about to stop it, such as an eviction.
    disruption: Option<String>,
}

impl ApiObject for PodObject {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata.0
    }
}

impl PodObject {
    /// Returns the name, unless it cannot be read.
    pub(in super::super) fn name(&self) -> Option<&str> {
        self.metadata.0.name.value.trimmed()
    }

    /// Converts the pod to a task.
    pub(in super::super) fn into_task(self, notices: &mut Vec<Notice>) -> PodTask {
        let DefaultObject(mut meta) = self.metadata;
        let DefaultObject(spec) = self.spec;
        let (status, is_readable) = object(self.status);
        let mut state = state(&meta, &spec, &status, is_readable, notices);
        let lists = [status.init_container_statuses, status.container_statuses];
        let (count, [init, main]) = counted_statuses(lists);
        let init = containers(spec.init_containers, init, true);
        let main = containers(spec.containers, main, false);
        refine(&mut state.state, &main);
        let all: Vec<Container> = init.into_iter().chain(main).collect();
        let contradiction = contradiction(&meta, &state, &status.reason, &all, count);
        let is_contradicted = contradiction.is_some();
        let (reason, message) = match contradiction {
            Some(contradiction) => {
                (state.state, state.ended) = (State::Unknown, false);
                let message = format!("the phase is Succeeded, but {contradiction}");
                (None, Some(message))
            }
            None => reason_and_message(
                &state,
                status.reason.value,
                status.message,
                &status.conditions,
                &all,
            ),
        };
        let disruption = status.conditions.find_true(DISRUPTED);
        let disruption = disruption.map(|one| one.reason.value.0.clone().unwrap_or_default());
        let owner_uid = meta.controller().and_then(|owner| owner.uid.0.clone());
        let details = PodDetails {
            owner: owner_text(&meta),
            qos_class: status.qos_class.0,
            priority_class: spec.priority_class_name.0,
            scheduler: spec.scheduler_name.0,
            service_account: spec.service_account_name.0,
        };
        // A container, such as an init container, can have ended before its pod.
        let finished_at = all.iter().filter_map(|one| one.finished_at).max();
        let finished_at = finished_at.filter(|_| state.ended);
        let labels = meta.labels();
        let task = Task {
            id: meta.name.value.0.clone(),
            name: meta.name.value.0.clone(),
            kind: "pod".to_owned(),
            reason,
            message,
            exit_code: exit_code(state.state, &all),
            created_at: meta.creation_timestamp.utc(),
            started_at: started_at(&all, status.start_time.utc()),
            finished_at,
            resources: container::total(&all),
            addresses: addresses(status.pod_ips, status.pod_ip),
            node: spec.node_name.0,
            restart_policy: spec.restart_policy.0,
            index: index(&labels),
            labels,
            containers: all,
            ..state.into_task()
        };
        PodTask {
            task,
            details,
            uid: meta.uid.0,
            namespace: meta.namespace.value.0,
            owner_uid,
            priority: spec.priority.0,
            is_contradicted,
            disruption,
        }
    }

    pub(super) fn into_result(
        self,
        reference: &Reference,
        api: &Api,
    ) -> (GetResult, Option<String>) {
        let mut notices = Vec::new();
        let pod = self.into_task(&mut notices);
        notices.extend(pod.disruption_notice(reference));
        let task = pod.task;
        let job = Job {
            name: task.name.clone(),
            state: task.state,
            state_raw: task.state_raw.clone(),
            ended: task.ended,
            reason: match pod.is_contradicted {
                true => Some(Reason::SubtasksUnread),
                false => task.reason.clone().map(Reason::from),
            },
            unread_cause: pod.is_contradicted.then_some(Category::InvalidResponse),
            message: task.message.clone(),
            exit_code: task.exit_code,
            priority: pod.priority,
            labels: task.labels.clone(),
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
            resources: task.resources.clone(),
            details: Some(Arc::new(pod.details)),
            tasks: vec![task],
            uid: pod.uid.clone(),
            ..job_at(reference, Some(api.host()))
        };
        (GetResult { job, notices }, pod.uid)
    }
}

/// Refines the state of a pod by its main containers: it is starting while they are down, and has failed if one of
/// them has.
fn refine(state: &mut State, main: &[Container]) {
    if *state == State::Running && container::are_down(main) {
        *state = State::Starting;
    }
    if *state == State::Succeeded && failed_container(main).is_some() {
        *state = State::Failed;
    }
}

/// Returns the kind and name of the owner.
fn owner_text(meta: &ObjectMeta) -> Option<String> {
    let owner = meta.controller()?;
    Some(format!(
        "{}/{}",
        owner.kind.trimmed()?,
        owner.name.trimmed()?
    ))
}

impl PodTask {
    /// Returns a notice if the pod succeeded although it was about to be stopped. The condition does not contradict
    /// the success, because programs can end by themselves before they are stopped, but they may have ended early.
    fn disruption_notice(&self, reference: &Reference) -> Option<Notice> {
        let reason = self.disruption.as_deref();
        let reason = reason.filter(|_| self.task.state == State::Succeeded)?;
        let text = format!(
            "{reference}: the pod has succeeded, but its programs may have been stopped: the condition {DISRUPTED} is True ({reason})"
        );
        Some(Notice::new(NoticeCode::FailedParts, text))
    }
}

/// Returns the state of a pod: its phase, refined by whether it has a node and whether it is being deleted.
fn state(
    meta: &ObjectMeta,
    spec: &PodSpec,
    status: &PodStatus,
    is_readable: bool,
    notices: &mut Vec<Notice>,
) -> NormalizedState {
    let word = status.phase.value.trimmed();
    let is_readable = is_readable && !status.phase.is_unreadable;
    let word = word.or_else(|| is_readable.then_some("Pending"));
    let mut state = states::normalize(STATES, &[], word);
    notices.extend(state.unknown_state_notice("kubernetes/pod"));
    if state.ended || state.state == State::Unknown {
        return state;
    }
    if meta.is_deleted() {
        state.state = State::Stopping;
    } else if state.state == State::Pending && spec.node_name.trimmed().is_some() {
        state.state = State::Starting;
    }
    state
}

/// Returns the statuses of the init and the main containers, and the number of the main ones if all can be read.
fn counted_statuses(
    lists: [Required<List<ContainerStatus>>; 2],
) -> (Option<usize>, [List<ContainerStatus>; 2]) {
    let lists = lists.map(statuses);
    let are_readable = lists.iter().all(Option::is_some);
    let lists = lists.map(Option::unwrap_or_default);
    let [init, main] = &lists;
    let are_readable = are_readable && init.0.iter().all(ContainerStatus::is_readable);
    (are_readable.then_some(main.0.len()), lists)
}

/// Returns the statuses of containers; `None` if they cannot be read.
fn statuses(list: Required<List<ContainerStatus>>) -> Option<List<ContainerStatus>> {
    match list {
        Required::Present(list) => Some(list),
        Required::Unreadable => None,
        _ => Some(List::default()),
    }
}

/// The condition of a pod that is about to be stopped.
const DISRUPTED: &str = "DisruptionTarget";

/// Returns the exit code of a pod that has ended: 0, or that of the failed container.
fn exit_code(state: State, containers: &[Container]) -> Option<i64> {
    match state {
        State::Succeeded => Some(0),
        State::Failed => failed_container(containers)?.exit_code,
        _ => None,
    }
}

/// Returns the index of a pod of an Indexed job.
fn index(labels: &BTreeMap<String, Option<String>>) -> Option<i64> {
    labels.get(INDEX_LABEL)?.as_deref()?.trim().parse().ok()
}

/// Returns when the first container began to run. Only the last two runs of each container are known; if
/// there were more, the time at which the node accepted the pod counts.
fn started_at(containers: &[Container], pod_start: Option<Time>) -> Option<Time> {
    const KNOWN_RESTARTS: u64 = 1;
    let count = |one: &Container| one.restart_count.unwrap_or_default();
    let has_unknown_runs = containers.iter().any(|one| count(one) > KNOWN_RESTARTS);
    let times = containers.iter().flat_map(|one| {
        let previous = one
            .previous
            .as_ref()
            .and_then(|previous| previous.started_at);
        [one.started_at, previous]
    });
    let first = times.flatten().min();
    let pod_start = pod_start.filter(|_| has_unknown_runs);
    [first, pod_start].into_iter().flatten().min()
}

fn addresses(ips: List<PodIp>, first_ip: Text) -> Vec<Address> {
    let ips = ips.0.into_iter().map(|ip| ip.ip).chain([first_ip]);
    let mut addresses: Vec<Address> = Vec::new();
    for address in ips.filter_map(|ip| ip.0) {
        let kind = if address.contains(':') {
            "ipv6"
        } else {
            "private"
        };
        let address = Address {
            kind: kind.to_owned(),
            address,
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests;
