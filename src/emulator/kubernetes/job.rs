use super::objects::{Objects, routes};
use super::{TypeMeta, time, uid, version_of};
use crate::emulator::prelude::*;

pub(super) const KIND: &str = "kubernetes/job";

/// Jobs of the API group `batch`.
pub(super) static JOBS: Objects = Objects {
    kind: KIND,
    type_meta: TypeMeta::new("Job", "batch/v1"),
    resource: "jobs.batch",
    routes: routes!("Job", "batch/v1", "jobs"),
    make: job,
};

/// Returns namespace and name of a resource.
pub(super) fn names<'a>(view: &JobView<'a>) -> [&'a str; 2] {
    let namespace = view.job.segments.first().map_or("", String::as_str);
    [namespace, view.id()]
}

/// Returns the labels of a job's pods.
pub(super) fn labels(view: &JobView<'_>) -> Value {
    let [namespace, name] = names(view);
    let uid = uid("Job", namespace, name);
    json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name,
        "controller-uid": uid, "job-name": name,
    })
}

/// Returns the spec of a job's pods.
pub(super) fn pod_spec() -> Value {
    json!({
        "containers": [{
            "name": "main", "image": "registry.example/train:1.4", "command": ["python", "train.py"],
            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}, "imagePullPolicy": "IfNotPresent",
        }],
        "restartPolicy": "Never", "schedulerName": "default-scheduler", "dnsPolicy": "ClusterFirst",
    })
}

fn job(view: &JobView<'_>) -> Value {
    let [namespace, name] = names(view);
    let uid = uid("Job", namespace, name);
    let parts = view.job.parts.max(1);
    let mut job = json!({
        "kind": "Job", "apiVersion": "batch/v1",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid, "resourceVersion": version_of(view),
            "generation": 1, "creationTimestamp": time(view.created_at), "labels": {"app": view.name()},
        },
        "spec": {
            "parallelism": parts, "completions": parts, "completionMode": "NonIndexed", "backoffLimit": 6,
            "suspend": view.is(&["Suspended"]),
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
            "template": {"metadata": {"labels": labels(view)}, "spec": pod_spec()},
        },
        "status": status(view, parts),
    });
    if let Some(queue) = &view.job.queue {
        job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = queue.as_str().into();
    }
    if view.is(&["Terminating"]) {
        job["metadata"]["deletionTimestamp"] = time(view.state_since).into();
    }
    job
}

fn status(view: &JobView<'_>, parts: usize) -> Value {
    let word = view.step.state.as_str();
    let condition = |word: &str| {
        json!({
            "type": word, "status": "True", "lastProbeTime": time(view.state_since),
            "lastTransitionTime": time(view.state_since), "reason": view.step.reason, "message": view.step.message,
        })
    };
    let conditions: &[&str] = match word {
        "Complete" => &["SuccessCriteriaMet", "Complete"],
        "Failed" => &["FailureTarget", "Failed"],
        "Suspended" => &["Suspended"],
        "FailureTarget" => &["FailureTarget"],
        "SuccessCriteriaMet" => &["SuccessCriteriaMet"],
        _ => &[],
    };
    let conditions: Vec<Value> = conditions.iter().map(|word| condition(word)).collect();
    let is_active = view.is(&["Pending", "Starting", "Running", "Terminating"]);
    let mut status = json!({
        "startTime": time(view.created_at), "uncountedTerminatedPods": {}, "terminating": 0,
        "ready": if view.is(&["Running"]) { parts } else { 0 },
    });
    match word {
        "Suspended" => status = json!({}),
        "Complete" => merge(
            &mut status,
            json!({"succeeded": parts, "completionTime": time(view.state_since)}),
        ),
        "Failed" => merge(&mut status, json!({"failed": parts})),
        _ if is_active => merge(&mut status, json!({"active": parts})),
        _ => {}
    }
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    status
}
