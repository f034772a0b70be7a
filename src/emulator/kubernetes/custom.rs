//! Custom resources that are jobs.

use super::job::names;
use super::objects::{Objects, routes};
use super::owner::{ARGO, JOBSET, KUBEFLOW, Owner, VOLCANO};
use super::{time, version_of};
use crate::emulator::prelude::*;

pub(super) static VOLCANO_JOBS: Objects = Objects {
    kind: VOLCANO.kind,
    type_meta: VOLCANO.type_meta,
    resource: "jobs.batch.volcano.sh",
    routes: routes!("VolcanoJob", "batch.volcano.sh/v1alpha1", "jobs"),
    make: |view| {
        let status = json!({
            "state": {
                "phase": view.step.state, "reason": view.step.reason, "message": view.step.message,
                "lastTransitionTime": time(view.state_since),
            },
            "conditions": view.reached_at(&["Running"]).map(|at| json!([
                {"status": "Running", "lastTransitionTime": time(at)},
            ])),
            "minAvailable": view.job.parts.max(1),
        });
        object(&VOLCANO, view, status)
    },
};

/// Of the Kubeflow jobs, only PyTorchJobs are emulated.
pub(super) static KUBEFLOW_JOBS: Objects = Objects {
    kind: KUBEFLOW.kind,
    type_meta: KUBEFLOW.type_meta,
    resource: "pytorchjobs.kubeflow.org",
    routes: routes!("PyTorchJob", "kubeflow.org/v1", "pytorchjobs"),
    make: |view| object(&KUBEFLOW, view, conditions(view)),
};

pub(super) static JOBSETS: Objects = Objects {
    kind: JOBSET.kind,
    type_meta: JOBSET.type_meta,
    resource: "jobsets.jobset.x-k8s.io",
    routes: routes!("JobSet", "jobset.x-k8s.io/v1alpha2", "jobsets"),
    make: |view| object(&JOBSET, view, conditions(view)),
};

pub(super) static ARGO_WORKFLOWS: Objects = Objects {
    kind: ARGO.kind,
    type_meta: ARGO.type_meta,
    resource: "workflows.argoproj.io",
    routes: routes!("Workflow", "argoproj.io/v1alpha1", "workflows"),
    make: |view| {
        let ended = view.ended_at(&["Succeeded", "Failed", "Error"]);
        let status = json!({
            "phase": view.step.state, "message": view.step.message,
            "startedAt": view.reached_at(&["Running"]).map(time), "finishedAt": ended.map(time),
        });
        object(&ARGO, view, status)
    },
};

/// Returns a status with a condition or, for states without a condition, with the number of active or ready pods.
fn conditions(view: &JobView<'_>) -> Value {
    let word = view.step.state.as_str();
    let parts = view.job.parts.max(1);
    let derived = view.is(&["Pending", "Starting", "Terminating"])
        || word == "Running" && view.job.kind == JOBSET.kind;
    let group = json!({
        "name": "worker", "active": if view.is(&["Starting", "Running"]) { parts } else { 0 },
        "ready": if word == "Running" { parts } else { 0 },
    });
    let condition = json!({
        "type": word, "status": "True", "reason": view.step.reason, "message": view.step.message,
        "lastTransitionTime": time(view.state_since),
    });
    let conditions: Vec<Value> = (!derived).then_some(condition).into_iter().collect();
    json!({
        "conditions": conditions, "replicatedJobsStatus": [group],
        "startTime": view.reached_at(&["Running"]).map(time),
    })
}

fn object(owner: &Owner, view: &JobView<'_>, status: Value) -> Value {
    let [namespace, name] = names(view);
    let mut object = json!({
        "kind": owner.type_meta.kind, "apiVersion": owner.type_meta.api_version,
        "metadata": {
            "name": name, "namespace": namespace, "uid": owner.uid(view),
            "resourceVersion": version_of(view), "creationTimestamp": time(view.created_at),
            "labels": {"app": view.name()},
        },
        "spec": {"suspend": view.is(&["Suspended"]), "queue": view.job.queue},
        "status": status,
    });
    if view.is(&["Terminating"]) {
        object["metadata"]["deletionTimestamp"] = time(view.state_since).into();
    }
    object
}
