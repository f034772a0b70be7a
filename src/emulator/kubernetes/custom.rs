use super::job::names;
use super::objects::Objects;
use super::owner::{self, Owner};
use super::{time, version_of};
use crate::emulator::prelude::*;

/// Custom resources that are jobs.
pub struct CustomJobs {
    owner: Owner,
    routes: &'static [Route; 5],
    /// The name of the resource, including its group.
    resource: &'static str,
    /// Returns the status for a state.
    status: fn(&JobAt<'_>) -> Value,
}

/// Defines the routes of a resource.
macro_rules! routes {
    ($kind:literal, $api:literal, $plural:literal) => {
        &[
            Route::get(
                concat!("ReadNamespaced", $kind),
                concat!("/apis/", $api, "/namespaces/{}/", $plural, "/{}"),
            ),
            Route::get(
                concat!("ListNamespaced", $kind),
                concat!("/apis/", $api, "/namespaces/{}/", $plural),
            ),
            Route::get(
                concat!("ListNamespaced", $kind),
                concat!("/apis/", $api, "/", $plural),
            ),
            Route::get(
                concat!("WatchNamespaced", $kind),
                concat!("/apis/", $api, "/namespaces/{}/", $plural),
            ),
            Route::get(
                concat!("WatchNamespaced", $kind),
                concat!("/apis/", $api, "/", $plural),
            ),
        ]
    };
}

pub(super) const VOLCANO: CustomJobs = CustomJobs {
    owner: owner::VOLCANO,
    routes: routes!("VolcanoJob", "batch.volcano.sh/v1alpha1", "jobs"),
    resource: "jobs.batch.volcano.sh",
    status: |view| {
        json!({
            "state": {
                "phase": view.step.state, "reason": view.step.reason, "message": view.step.message,
                "lastTransitionTime": time(view.state_since),
            },
            "conditions": view.reached_at(&["Running"]).map(|at| json!([
                {"status": "Running", "lastTransitionTime": time(at)},
            ])),
            "minAvailable": view.job.parts.max(1),
        })
    },
};

/// Of the Kubeflow jobs, only PyTorchJobs are emulated.
pub(super) const KUBEFLOW: CustomJobs = CustomJobs {
    owner: owner::KUBEFLOW,
    routes: routes!("PyTorchJob", "kubeflow.org/v1", "pytorchjobs"),
    resource: "pytorchjobs.kubeflow.org",
    status: conditions,
};

pub(super) const JOBSET: CustomJobs = CustomJobs {
    owner: owner::JOBSET,
    routes: routes!("JobSet", "jobset.x-k8s.io/v1alpha2", "jobsets"),
    resource: "jobsets.jobset.x-k8s.io",
    status: conditions,
};

pub(super) const ARGO: CustomJobs = CustomJobs {
    owner: owner::ARGO,
    routes: routes!("Workflow", "argoproj.io/v1alpha1", "workflows"),
    resource: "workflows.argoproj.io",
    status: |view| {
        let ended = view.ended_at(&["Succeeded", "Failed", "Error"]);
        json!({
            "phase": view.step.state, "message": view.step.message,
            "startedAt": view.reached_at(&["Running"]).map(time), "finishedAt": ended.map(time),
        })
    },
};

/// Returns a status with a condition or, for states without a condition, with the number of active or ready pods.
fn conditions(view: &JobAt<'_>) -> Value {
    let word = view.step.state.as_str();
    let parts = view.job.parts.max(1);
    let derived = view.is(&["Pending", "Starting", "Terminating"])
        || word == "Running" && view.job.kind == owner::JOBSET.kind;
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

impl EmulatedKind for CustomJobs {
    fn routes(&self) -> &'static [Route] {
        self.routes
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
        let objects = Objects {
            kind: self.owner.kind,
            object: self.owner.object,
            resource: self.resource,
            make: &|view| self.object(view),
        };
        objects.respond(call)
    }
}

impl CustomJobs {
    fn object(&self, view: &JobAt<'_>) -> Value {
        let [namespace, name] = names(view);
        let [kind, version] = self.owner.object;
        let mut object = json!({
            "kind": kind, "apiVersion": version,
            "metadata": {
                "name": name, "namespace": namespace, "uid": self.owner.uid(view),
                "resourceVersion": version_of(view), "creationTimestamp": time(view.created_at),
                "labels": {"app": view.name()},
            },
            "spec": {"suspend": view.is(&["Suspended"]), "queue": view.job.queue},
            "status": (self.status)(view),
        });
        if view.is(&["Terminating"]) {
            object["metadata"]["deletionTimestamp"] = time(view.state_since).into();
        }
        object
    }
}
