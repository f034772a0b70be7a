//! The kinds, as data: references, states, resources.

use super::response::CustomJobDetails;
use super::{CustomJobs, Resource};
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, Segment, StateTable, StateWords, Template, UnlistedField,
};
use crate::model::State;
use crate::providers::kubernetes::{logs, pod};
use crate::providers::shapes::schema_of;

/// The operations and the path of a resource.
macro_rules! resource {
    ($group:literal, $version:literal, $kind:literal, $plural:literal, $label:literal) => {
        Resource {
            get: Operation::new(
                concat!("ReadNamespaced", $kind),
                concat!(
                    $group,
                    "/",
                    $version,
                    " ReadNamespaced",
                    $kind,
                    ", core/v1 ListNamespacedPod, ListNamespacedEvent"
                ),
                concat!("get on ", $plural, ".", $group, ", list on pods and events"),
            ),
            list: Operation::new(
                concat!("ListNamespaced", $kind),
                concat!($group, "/", $version, " ListNamespaced", $kind),
                concat!("list on ", $plural, ".", $group),
            ),
            path: (concat!("/apis/", $group, "/", $version), $plural),
            pods_label: $label,
        }
    };
}

const fn kind(
    names: [&'static str; 2],
    sample: &'static str,
    summary: &'static str,
    states: &'static [StateTable],
    resource: &Resource,
    unlisted: &'static [UnlistedField],
) -> Kind {
    let list = ListSpec::new(resource.list, ListOrder::Unsorted).with_selector();
    Kind::new(
        Template::new(["kubernetes", "k8s"], names, SEGMENTS, sample).with_scope_segments(0),
        states,
        resource.get,
    )
    .with_summary(summary)
    .with_details(&[schema_of::<CustomJobDetails>], &[])
    .with_list(list.without(unlisted))
    .with_logs(logs::LOGS)
}

const SEGMENTS: &[Segment] = &[
    Segment::with_setting("NAMESPACE", "namespace"),
    Segment::required("JOB"),
];

const NO_QUEUE: &[UnlistedField] = &[UnlistedField::User, UnlistedField::Queue];
const QUEUE: &[UnlistedField] = &[UnlistedField::User];

/// The tables of a kind, with those of its pods.
macro_rules! tables {
    ($words:expr) => {
        &[
            StateTable::new("job", $words),
            StateTable::new("pod", pod::STATES),
        ]
    };
}

/// Jobs of Volcano.
pub static VOLCANO_JOB: Kind = kind(
    ["volcano-job", "vcjob"],
    "kubernetes/volcano-job/train/vc-done",
    "Job of Volcano in a Kubernetes cluster, with its pods",
    tables!(VOLCANO_STATES),
    &VOLCANO[0],
    QUEUE,
);

/// Jobs of Kubeflow: those of the Training Operator, of the MPI Operator, and of Trainer.
pub static KUBEFLOW_JOB: Kind = kind(
    ["kubeflow-job", "kfjob"],
    "kubernetes/kubeflow-job/train/pt-done",
    "Job of Kubeflow (PyTorchJob, TFJob, MPIJob, TrainJob, …) in a Kubernetes cluster, with its pods",
    tables!(KUBEFLOW_STATES),
    &KUBEFLOW[0],
    QUEUE,
);

/// JobSets.
pub static JOBSET: Kind = kind(
    ["jobset", "jobset"],
    "kubernetes/jobset/train/js-failed",
    "JobSet of a Kubernetes cluster, with its pods",
    tables!(JOBSET_STATES),
    &JOB_SETS[0],
    QUEUE,
);

/// Workflows of Argo.
pub static ARGO_WORKFLOW: Kind = kind(
    ["argo-workflow", "wf"],
    "kubernetes/argo-workflow/train/wf-failed",
    "Workflow of Argo in a Kubernetes cluster, with its pods",
    tables!(ARGO_STATES),
    &ARGO[0],
    NO_QUEUE,
);

pub(in super::super) static VOLCANO_JOBS: CustomJobs = CustomJobs {
    kind: &VOLCANO_JOB,
    product: "Volcano",
    resources: VOLCANO,
    has_phase: true,
};

pub(in super::super) static KUBEFLOW_JOBS: CustomJobs = CustomJobs {
    kind: &KUBEFLOW_JOB,
    product: "Kubeflow",
    resources: KUBEFLOW,
    has_phase: false,
};

pub(in super::super) static JOBSETS: CustomJobs = CustomJobs {
    kind: &JOBSET,
    product: "JobSet",
    resources: JOB_SETS,
    has_phase: false,
};

pub(in super::super) static ARGO_WORKFLOWS: CustomJobs = CustomJobs {
    kind: &ARGO_WORKFLOW,
    product: "Argo Workflows",
    resources: ARGO,
    has_phase: true,
};

const VOLCANO: &[Resource] = &[resource!(
    "batch.volcano.sh",
    "v1alpha1",
    "VolcanoJob",
    "jobs",
    "volcano.sh/job-name"
)];

macro_rules! training {
    ($version:literal, $kind:literal, $plural:literal) => {
        resource!(
            "kubeflow.org",
            $version,
            $kind,
            $plural,
            "training.kubeflow.org/job-name"
        )
    };
}

const KUBEFLOW: &[Resource] = &[
    training!("v1", "PyTorchJob", "pytorchjobs"),
    training!("v1", "TFJob", "tfjobs"),
    training!("v1", "XGBoostJob", "xgboostjobs"),
    training!("v1", "PaddleJob", "paddlejobs"),
    training!("v1", "JAXJob", "jaxjobs"),
    training!("v2beta1", "MPIJob", "mpijobs"),
    training!("v1", "MPIJob", "mpijobs"),
    resource!(
        "trainer.kubeflow.org",
        "v1alpha1",
        "TrainJob",
        "trainjobs",
        "jobset.sigs.k8s.io/jobset-name"
    ),
];

const JOB_SETS: &[Resource] = &[resource!(
    "jobset.x-k8s.io",
    "v1alpha2",
    "JobSet",
    "jobsets",
    "jobset.sigs.k8s.io/jobset-name"
)];

const ARGO: &[Resource] = &[resource!(
    "argoproj.io",
    "v1alpha1",
    "Workflow",
    "workflows",
    "workflows.argoproj.io/workflow"
)];

const VOLCANO_STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Running", State::Running),
    ("Restarting", State::Running),
    ("Completing", State::Stopping),
    ("Aborting", State::Stopping),
    ("Terminating", State::Stopping),
    ("Completed", State::Succeeded),
    ("Failed", State::Failed),
    ("Aborted", State::Canceled),
    ("Terminated", State::Canceled),
    ("Suspended", State::Pending),
];

/// Conditions of the v1 jobs and of TrainJob (`Complete`), and what a job without one is.
const KUBEFLOW_STATES: StateWords = &[
    ("Created", State::Pending),
    ("Running", State::Running),
    ("Restarting", State::Starting),
    ("Suspended", State::Pending),
    ("Succeeded", State::Succeeded),
    ("Complete", State::Succeeded),
    ("Failed", State::Failed),
    ("Terminating", State::Stopping),
    ("Starting", State::Starting),
    ("Pending", State::Pending),
];

/// Conditions of a JobSet, and what one without a condition is.
const JOBSET_STATES: StateWords = &[
    ("Completed", State::Succeeded),
    ("Failed", State::Failed),
    ("Suspended", State::Pending),
    ("Terminating", State::Stopping),
    ("Running", State::Running),
    ("Starting", State::Starting),
    ("Pending", State::Pending),
];

const ARGO_STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Running", State::Running),
    ("Succeeded", State::Succeeded),
    ("Failed", State::Failed),
    ("Error", State::Failed),
    ("Suspended", State::Pending),
    ("Terminating", State::Stopping),
];
