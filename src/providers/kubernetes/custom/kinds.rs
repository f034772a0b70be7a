//! The kinds as data: references, states, resources.

use super::response::CustomJobDetails;
use super::{CustomJobs, CustomResource, StateField, read_object};
use crate::providers::kubernetes::kind::KubernetesKind;
use crate::providers::kubernetes::{NAMESPACE, objects, pod};
use crate::providers::prelude::*;

/// Builds a resource: its operations and its path.
macro_rules! resource {
    ($group:literal, $version:literal, $kind:literal, $plural:literal, $label:literal) => {
        resource!($group, $version, $kind, $plural, $label, list: ["", ""])
    };
    // With `pods`, lists read the pods of jobs whose state they decide.
    ($group:literal, $version:literal, $kind:literal, $plural:literal, $label:literal, pods) => {
        resource!(
            $group, $version, $kind, $plural, $label,
            list: [", core/v1 ListNamespacedPod", " and pods"]
        )
    };
    ($group:literal, $version:literal, $kind:literal, $plural:literal, $label:literal,
     list: [$operation:literal, $permission:literal]) => {
        CustomResource {
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
            objects: objects::Resource {
                get: concat!("ReadNamespaced", $kind),
                list: Operation::new(
                    concat!("ListNamespaced", $kind),
                    concat!($group, "/", $version, " ListNamespaced", $kind, $operation),
                    concat!("list on ", $plural, ".", $group, $permission),
                ),
                watch: concat!("WatchNamespaced", $kind),
                path: (concat!("/apis/", $group, "/", $version), $plural),
                read: read_object,
            },
            pods_label: $label,
        }
    };
}

const SEGMENTS: &[Segment] = &[NAMESPACE, Segment::required("JOB")];

/// Defines a kind and its operations.
macro_rules! kind {
    ($doc:literal, $kind:ident, $jobs:ident, $name:literal, $short:literal, $sample:literal, $product:literal,
     $resources:ident, get: $get:expr, list: $list:expr, $states:ident, state_field: $field:ident,
     unlisted: $unlisted:expr, similar: $similar:expr) => {
        #[doc = $doc]
        pub static $kind: Kind = Kind {
            similar_names: $similar,
            ..KubernetesKind {
                name: Name::new($name, $short),
                sample: $sample,
                summary: $doc,
                segments: SEGMENTS,
                states: &[
                    StateTable::new("job", $states),
                    StateTable::new("pod", pod::STATES),
                ],
                get: $get,
                list: $list,
                unlisted: $unlisted,
            }
            .into_kind()
            .with_details(&[schema_of::<CustomJobDetails>], &[])
        };

        pub(in super::super) static $jobs: CustomJobs = CustomJobs {
            kind: &$kind,
            product: $product,
            resources: $resources,
            state_field: StateField::$field,
        };
    };
}

kind!(
    "Job of Volcano in a Kubernetes cluster, with its pods",
    VOLCANO_JOB, VOLCANO_JOBS, "volcano-job", "vcjob", "kubernetes/volcano-job/train/vc-done",
    "Volcano", VOLCANO, get: VOLCANO[0].get, list: VOLCANO[0].objects.list, VOLCANO_STATES,
    state_field: StatePhase, unlisted: &[UnlistedField::User],
    similar: &["vj", "volcanojob"]
);

kind!(
    "Job of Kubeflow (PyTorchJob, TFJob, MPIJob, TrainJob, …) in a Kubernetes cluster, with its pods",
    KUBEFLOW_JOB, KUBEFLOW_JOBS, "kubeflow-job", "kfjob", "kubernetes/kubeflow-job/train/pt-done",
    "Kubeflow", KUBEFLOW, get: GET_KUBEFLOW, list: LIST_KUBEFLOW, KUBEFLOW_STATES,
    state_field: None, unlisted: &[UnlistedField::User],
    similar: &["jaxjob", "mpijob", "paddlejob", "pytorchjob", "tfjob", "trainjob", "xgboostjob"]
);

kind!(
    "JobSet of a Kubernetes cluster, with its pods",
    JOBSET, JOBSETS, "jobset", "jobset", "kubernetes/jobset/train/js-failed",
    "JobSet", JOB_SETS, get: JOB_SETS[0].get, list: JOB_SETS[0].objects.list, JOBSET_STATES,
    state_field: TerminalState, unlisted: &[UnlistedField::User],
    similar: &[]
);

kind!(
    "Workflow of Argo in a Kubernetes cluster, with its pods",
    ARGO_WORKFLOW, ARGO_WORKFLOWS, "argo-workflow", "wf", "kubernetes/argo-workflow/train/wf-failed",
    "Argo Workflows", ARGO, get: ARGO[0].get, list: ARGO[0].objects.list, ARGO_STATES,
    state_field: Phase,
    unlisted: &[UnlistedField::User, UnlistedField::Queue],
    similar: &["workflow"]
);

const VOLCANO: &[CustomResource] = &[resource!(
    "batch.volcano.sh",
    "v1alpha1",
    "VolcanoJob",
    "jobs",
    "volcano.sh/job-name"
)];

/// Defines the resources of Kubeflow, in all their versions, and the operations on all of them together.
macro_rules! kubeflow {
    ($($kind:literal, $plural:literal, [$($version:literal),+];)+) => {
        const KUBEFLOW: &[CustomResource] = &[
            $($(resource!(
                "kubeflow.org",
                $version,
                $kind,
                $plural,
                "training.kubeflow.org/job-name",
                pods
            ),)+)+
            resource!(
                "trainer.kubeflow.org",
                "v1alpha1",
                "TrainJob",
                "trainjobs",
                "jobset.sigs.k8s.io/jobset-name",
                pods
            ),
        ];

        const GET_KUBEFLOW: Operation = Operation::new(
            KUBEFLOW[0].get.name,
            concat!(
                $($("kubeflow.org/", $version, " ReadNamespaced", $kind, ", ",)+)+
                "trainer.kubeflow.org/v1alpha1 ReadNamespacedTrainJob, \
                 core/v1 ListNamespacedPod, ListNamespacedEvent"
            ),
            concat!(
                "get on ",
                $($plural, ".kubeflow.org, ",)+
                "trainjobs.trainer.kubeflow.org, list on pods and events"
            ),
        );

        const LIST_KUBEFLOW: Operation = Operation::new(
            KUBEFLOW[0].objects.list.name,
            concat!(
                $($("kubeflow.org/", $version, " ListNamespaced", $kind, ", ",)+)+
                "trainer.kubeflow.org/v1alpha1 ListNamespacedTrainJob, core/v1 ListNamespacedPod"
            ),
            concat!(
                "list on ",
                $($plural, ".kubeflow.org, ",)+
                "trainjobs.trainer.kubeflow.org and pods"
            ),
        );
    };
}

kubeflow! {
    "PyTorchJob", "pytorchjobs", ["v1"];
    "TFJob", "tfjobs", ["v1"];
    "XGBoostJob", "xgboostjobs", ["v1"];
    "PaddleJob", "paddlejobs", ["v1"];
    "JAXJob", "jaxjobs", ["v1"];
    "MPIJob", "mpijobs", ["v2beta1", "v1"];
}

const JOB_SETS: &[CustomResource] = &[resource!(
    "jobset.x-k8s.io",
    "v1alpha2",
    "JobSet",
    "jobsets",
    "jobset.sigs.k8s.io/jobset-name",
    pods
)];

const ARGO: &[CustomResource] = &[resource!(
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

/// Conditions of the v1 jobs and of TrainJob (`Complete`), and words for a job without a condition.
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

/// Conditions of a JobSet, and words for one without a condition.
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
