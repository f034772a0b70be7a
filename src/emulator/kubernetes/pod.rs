use super::job::{names, pod_spec};
use super::objects::without_kind;
use super::owner::{OWNERS, pod_metadata, pod_phase};
use super::{TypeMeta, list, not_found, status, time, uid, version_of, watch};
use crate::emulator::prelude::*;
use crate::sort::SortExt as _;

pub(super) const KIND: &str = "kubernetes/pod";
const TYPE_META: TypeMeta = TypeMeta::new("Pod", "v1");

/// Maximum time for following a log.
const MAX_FOLLOW: TimeDelta = TimeDelta::hours(1);

/// Name of the only container.
const CONTAINER: &str = "main";

/// Routes of the pods of the scenario, and of its jobs and workloads.
pub(super) static PODS: &[Route] = &[
    Route::get("ReadNamespacedPod", "/api/v1/namespaces/{}/pods/{}").to(|call| {
        let pod = find(call)?;
        match pod.index {
            None => call.resource_response(&pod.view, || pod.object()),
            Some(_) => call.data(pod.object()),
        }
    }),
    Route::get("ReadNamespacedPodLog", "/api/v1/namespaces/{}/pods/{}/log")
        .to(|call| log(call, &find(call)?)),
    Route::get("ListNamespacedPod", "/api/v1/namespaces/{}/pods").to(list_pods),
    Route::get("ListNamespacedPod", "/api/v1/pods").to(list_pods),
    Route::get("WatchNamespacedPod", "/api/v1/namespaces/{}/pods").to(watch_pods),
    Route::get("WatchNamespacedPod", "/api/v1/pods").to(watch_pods),
];

/// Returns the requested pod.
///
/// # Errors
/// The pod does not exist.
fn find<'a>(call: &'a EmulatedCall<'_>) -> Result<Pod<'a>, EmulatedError> {
    let name = &call.segments[1];
    let mut pods = pods_in_namespace(call).into_iter();
    let found = pods.find(|pod| pod.name == *name);
    found.ok_or_else(|| EmulatedError::Response(not_found("pods", name)))
}

/// Returns the pods in the requested namespace, or in all.
fn pods_in_namespace<'a>(call: &'a EmulatedCall<'_>) -> Vec<Pod<'a>> {
    let namespace = call.segments.first();
    let mut pods = pods(call);
    pods.retain(|pod| namespace.is_none_or(|namespace| names(&pod.view)[0] == namespace));
    pods
}

fn list_pods(call: &EmulatedCall<'_>) -> HandlerResult {
    let mut pods = pods_in_namespace(call);
    pods.order_by_key(|pod| (names(&pod.view)[0], pod.name.clone()));
    let rows = pods.iter().map(|pod| without_kind(pod.object())).collect();
    list::respond(call, TYPE_META, rows)
}

fn watch_pods(call: &EmulatedCall<'_>) -> HandlerResult {
    let kinds: Vec<&str> = kinds().collect();
    let list = watch::WatchedList {
        call,
        type_meta: TYPE_META,
        resources: &kinds,
        objects: &|view| pods_of(*view).iter().map(Pod::object).collect(),
    };
    watch::respond(call, &list)
}

/// A pod of the scenario, or of one of its jobs with an index.
pub(super) struct Pod<'a> {
    pub view: JobView<'a>,
    pub name: String,
    index: Option<usize>,
}

/// Returns all pods.
pub(super) fn pods<'a>(call: &'a EmulatedCall<'_>) -> Vec<Pod<'a>> {
    kinds()
        .flat_map(|kind| call.rows(kind))
        .flat_map(pods_of)
        .collect()
}

/// Returns the kinds of the scenario that are pods or own pods.
fn kinds() -> impl Iterator<Item = &'static str> {
    let owners = OWNERS.iter().map(|owner| owner.kind);
    std::iter::once(KIND).chain(owners)
}

/// Returns the pods of a resource. A suspended job has none.
fn pods_of(view: JobView<'_>) -> Vec<Pod<'_>> {
    if view.job.kind == KIND {
        let name = view.id().to_owned();
        let index = None;
        return vec![Pod { view, name, index }];
    }
    let count = match pod_phase(&view, true) {
        None => 0,
        Some(_) => view.job.parts.max(1),
    };
    let pod = |index| {
        let [namespace, name] = names(&view);
        let hash = uid("Pod", namespace, &format!("{name}-{index}"));
        Pod {
            view,
            name: format!("{name}-{}", &hash[..5]),
            index: Some(index),
        }
    };
    (0..count).map(pod).collect()
}

impl Pod<'_> {
    /// Returns `true` for the last pod of a job, which determines how the job ends.
    fn is_last(&self) -> bool {
        self.index
            .is_none_or(|index| index + 1 == self.view.job.parts.max(1))
    }

    pub fn uid(&self) -> String {
        uid("Pod", names(&self.view)[0], &self.name)
    }

    /// Returns the phase, and whether the pod has a node.
    fn phase(&self) -> (&str, bool) {
        match (self.index, self.view.step.state.as_str()) {
            (None, "Pending") => ("Pending", false),
            (None, word) => (word, true),
            (Some(_), _) => pod_phase(&self.view, self.is_last()).unwrap_or(("Unknown", false)),
        }
    }

    pub fn object(&self) -> Value {
        let namespace = names(&self.view)[0];
        let (phase, has_node) = self.phase();
        let mut pod = json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {
                "name": self.name, "namespace": namespace, "uid": self.uid(), "resourceVersion": version_of(&self.view),
                "creationTimestamp": time(self.view.created_at), "labels": {"app": self.view.name()},
            },
            "spec": pod_spec(),
            "status": {
                "phase": phase, "conditions": [self.scheduled(has_node)], "qosClass": "Burstable",
            },
        });
        if let Some((labels, owner)) = pod_metadata(&self.view) {
            pod["metadata"]["labels"] = labels;
            pod["metadata"]["ownerReferences"] = json!([owner]);
        }
        if has_node {
            pod["spec"]["nodeName"] = "n1".into();
            pod["status"]["podIP"] = "10.244.0.15".into();
            pod["status"]["startTime"] = time(self.view.created_at).into();
            pod["status"]["containerStatuses"] = json!([self.container(phase)]);
        }
        pod
    }

    fn scheduled(&self, has_node: bool) -> Value {
        let since = time(self.view.created_at);
        let mut condition = json!({
            "type": "PodScheduled", "status": if has_node { "True" } else { "False" },
            "lastProbeTime": null, "lastTransitionTime": since,
        });
        if !has_node {
            let step = self.view.step;
            let message = step.message.as_deref();
            condition["reason"] = step.reason.as_deref().unwrap_or("Unschedulable").into();
            condition["message"] = message.unwrap_or("0/3 nodes are available").into();
        }
        condition
    }

    fn container(&self, phase: &str) -> Value {
        let (view, step) = (&self.view, self.view.step);
        let started = view.reached_at(&["Running"]).unwrap_or(view.created_at);
        let state = match phase {
            "Pending" => {
                let reason = step.reason.as_deref().unwrap_or("ContainerCreating");
                json!({"waiting": {"reason": reason, "message": step.message}})
            }
            "Running" => json!({"running": {"startedAt": time(started)}}),
            _ => {
                let code = match phase {
                    "Failed" => step.exit_code.unwrap_or(1),
                    _ => 0,
                };
                let reason = match code {
                    0 => "Completed",
                    137 => "OOMKilled",
                    _ => "Error",
                };
                json!({"terminated": {
                    "exitCode": code, "reason": reason, "startedAt": time(started),
                    "finishedAt": time(view.state_since),
                }})
            }
        };
        json!({
            "name": CONTAINER, "state": state, "lastState": {}, "ready": phase == "Running",
            "restartCount": if self.is_last() { view.restart_count() } else { 0 },
            "image": "registry.example/train:1.4", "imageID": "", "started": phase == "Running",
        })
    }
}

/// Returns the log lines of the container.
fn log(call: &EmulatedCall<'_>, pod: &Pod<'_>) -> HandlerResult {
    let bad_request = |message: String| {
        let response = status(400, "BadRequest", &message, json!({}));
        Err(EmulatedError::Response(response))
    };
    let name = &pod.name;
    if let Some(container) = call
        .parameter("container")
        .filter(|name| *name != CONTAINER)
    {
        return bad_request(format!("container {container} is not valid for pod {name}"));
    }
    let (phase, has_node) = pod.phase();
    if !has_node {
        return Ok(ServerResponse::text(204, ""));
    }
    if phase == "Pending" {
        return bad_request(format!(
            "container \"{CONTAINER}\" in pod \"{name}\" is waiting to start: ContainerCreating"
        ));
    }
    let is_previous = call.parameter("previous") == Some("true");
    if is_previous && (pod.view.restart_count() == 0 || !pod.is_last()) {
        return bad_request(format!(
            "previous terminated container \"{CONTAINER}\" in pod \"{name}\" not found"
        ));
    }
    let (mut view, is_last) = (pod.view, pod.is_last());
    // Lines that are written later.
    if call.parameter("follow") == Some("true") && phase == "Running" {
        let end = call.now() + MAX_FOLLOW;
        let changes = call.state.changes(view.job).filter(|at| *at > call.now());
        view.now = changes.min().unwrap_or(end).min(end);
    }
    let mut lines = view.lines_of_part(is_last, is_previous);
    if let Some(since) = call.parameter("sinceTime") {
        let since = DateTime::parse_from_rfc3339(since);
        let since = since.map_err(|_| EmulatedError::Invalid("sinceTime"))?;
        lines.retain(|(at, _)| *at >= since);
    }
    let later = lines.split_off(lines.partition_point(|(at, _)| *at <= call.now()));
    let tail = call.number("tailLines", usize::MAX, 0..=usize::MAX)?;
    let skipped = lines.len().saturating_sub(tail);
    let has_times = call.parameter("timestamps") == Some("true");
    let text = |(at, line): &(DateTime<Utc>, &str)| match has_times {
        true => format!(
            "{} {line}\n",
            at.to_rfc3339_opts(SecondsFormat::Nanos, true)
        ),
        false => format!("{line}\n"),
    };
    let written: String = lines[skipped..].iter().map(text).collect();
    let response = ServerResponse::text(200, &written);
    let after = |at: DateTime<Utc>| (at - call.now()).to_std().unwrap_or_default();
    let mut later: Vec<_> = later
        .iter()
        .map(|line| (after(line.0), text(line).into_bytes()))
        .collect();
    if view.now > call.now() {
        later.push((after(view.now), Vec::new()));
    }
    Ok(ServerResponse { later, ..response })
}
