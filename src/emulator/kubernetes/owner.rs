//! Objects that own pods: jobs, workloads and custom resources.

use super::{TypeMeta, job, uid};
use crate::emulator::prelude::*;
use crate::model::State;
use crate::providers;

/// A type of object whose pods are emulated.
pub(super) struct Owner {
    /// Kind in the scenario.
    pub kind: &'static str,
    pub type_meta: TypeMeta,
    /// The pod label that contains the owner's name; for a workload, it also matches the selector.
    pods_label: &'static str,
}

pub(super) const JOB: Owner = Owner {
    kind: job::KIND,
    type_meta: TypeMeta::new("Job", "batch/v1"),
    pods_label: "job-name",
};
pub(super) const WORKLOAD: Owner = Owner {
    kind: "kubernetes/workload",
    type_meta: TypeMeta::new("Deployment", "apps/v1"),
    pods_label: "app",
};
pub(super) const VOLCANO: Owner = Owner {
    kind: "kubernetes/volcano-job",
    type_meta: TypeMeta::new("Job", "batch.volcano.sh/v1alpha1"),
    pods_label: "volcano.sh/job-name",
};
pub(super) const KUBEFLOW: Owner = Owner {
    kind: "kubernetes/kubeflow-job",
    type_meta: TypeMeta::new("PyTorchJob", "kubeflow.org/v1"),
    pods_label: "training.kubeflow.org/job-name",
};
pub(super) const JOBSET: Owner = Owner {
    kind: "kubernetes/jobset",
    type_meta: TypeMeta::new("JobSet", "jobset.x-k8s.io/v1alpha2"),
    pods_label: "jobset.sigs.k8s.io/jobset-name",
};
pub(super) const ARGO: Owner = Owner {
    kind: "kubernetes/argo-workflow",
    type_meta: TypeMeta::new("Workflow", "argoproj.io/v1alpha1"),
    pods_label: "workflows.argoproj.io/workflow",
};

pub(super) static OWNERS: [Owner; 6] = [JOB, WORKLOAD, VOLCANO, KUBEFLOW, JOBSET, ARGO];

impl Owner {
    /// Returns the owner type for a resource of the scenario.
    fn of(view: &JobView<'_>) -> Option<&'static Self> {
        OWNERS.iter().find(|owner| owner.kind == view.job.kind)
    }

    /// Returns the UID of a resource's object.
    pub fn uid(&self, view: &JobView<'_>) -> String {
        let [namespace, name] = job::names(view);
        let kind = if self.kind == JOB.kind {
            "Job"
        } else {
            self.kind
        };
        uid(kind, namespace, name)
    }
}

/// Returns the name of a workload's only ReplicaSet.
pub(super) fn replica_set_name(view: &JobView<'_>) -> String {
    format!("{}-{}", view.id(), &WORKLOAD.uid(view)[..8])
}

/// Returns the labels of a resource's pods, and a reference to the object that owns them.
pub(super) fn pod_metadata(view: &JobView<'_>) -> Option<(Value, Value)> {
    let owner = Owner::of(view)?;
    let (type_meta, name, uid) = match owner.kind == WORKLOAD.kind {
        true => {
            let name = replica_set_name(view);
            let uid = uid("ReplicaSet", job::names(view)[0], &name);
            (TypeMeta::new("ReplicaSet", "apps/v1"), name, uid)
        }
        false => (owner.type_meta, view.id().to_owned(), owner.uid(view)),
    };
    let reference = json!({
        "apiVersion": type_meta.api_version, "kind": type_meta.kind, "name": name, "uid": uid,
        "controller": true,
    });
    let labels = match owner.kind == JOB.kind {
        true => job::labels(view),
        false => json!({owner.pods_label: view.id()}),
    };
    Some((labels, reference))
}

/// Returns the phase of a resource's pod, and whether it has a node; `None` if the resource has no pods.
pub(super) fn pod_phase(view: &JobView<'_>, is_last: bool) -> Option<(&'static str, bool)> {
    let word = view.step.state.as_str();
    let is_workload = view.job.kind == WORKLOAD.kind;
    let failed = if is_last { "Failed" } else { "Succeeded" };
    Some(match (state(view), word) {
        (_, "Suspended" | "ScaledToZero") | (State::Canceled, _) => return None,
        (_, "FailureTarget") => (failed, true),
        (_, "SuccessCriteriaMet") | (State::Succeeded | State::Unknown, _) => ("Succeeded", true),
        (State::Failed, _) if is_workload => ("Pending", true),
        (State::Failed, _) => (failed, true),
        (State::Pending, _) => ("Pending", false),
        (State::Starting, _) => ("Pending", true),
        (State::Running | State::Stopping, _) => ("Running", true),
    })
}

/// Returns the state of a resource.
fn state(view: &JobView<'_>) -> State {
    let mut kinds = providers::kinds();
    let kind = kinds.find(|kind| kind.to_string() == view.job.kind);
    let words = kind.into_iter().flat_map(|kind| kind.states[0].map);
    let mut words = words.filter(|(word, _)| view.is(&[word]));
    words.next().map(|(_, state)| *state).unwrap_or_default()
}
