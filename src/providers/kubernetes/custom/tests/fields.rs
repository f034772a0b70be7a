//! The fields that the results of each kind depend on.

use super::*;
use crate::providers::kubernetes::tests::ESSENTIAL;
use crate::test_support::kinds::check_kind;

mod volcano {
    use super::*;

    check_kind!(
        &VOLCANO_JOB,
        essential: ESSENTIAL,
        evidence: [
            "items[].spec",
            "items[].spec.minSuccess",
            "items[].status",
            "items[].status.failed",
            "items[].status.pending",
            "items[].status.running",
            "items[].status.state",
            "items[].status.state.phase",
            "items[].status.succeeded",
            "items[].status.unknown",
            "spec",
            "spec.minSuccess",
            "status",
            "status.failed",
            "status.pending",
            "status.running",
            "status.state",
            "status.state.phase",
            "status.succeeded",
            "status.unknown"
        ]
    );
}

mod kubeflow {
    use super::*;

    check_kind!(
        &KUBEFLOW_JOB,
        essential: ESSENTIAL,
        evidence: [
            "items[].spec",
            "items[].spec.mpiReplicaSpecs",
            "items[].spec.mpiReplicaSpecs.Launcher",
            "items[].spec.mpiReplicaSpecs.Launcher.replicas",
            "items[].spec.mpiReplicaSpecs.Master",
            "items[].spec.mpiReplicaSpecs.Master.replicas",
            "items[].spec.mpiReplicaSpecs.Worker",
            "items[].spec.mpiReplicaSpecs.Worker.replicas",
            "items[].spec.pytorchReplicaSpecs",
            "items[].spec.pytorchReplicaSpecs.Launcher",
            "items[].spec.pytorchReplicaSpecs.Launcher.replicas",
            "items[].spec.pytorchReplicaSpecs.Master",
            "items[].spec.pytorchReplicaSpecs.Master.replicas",
            "items[].spec.pytorchReplicaSpecs.Worker",
            "items[].spec.pytorchReplicaSpecs.Worker.replicas",
            "items[].spec.runPolicy",
            "items[].spec.runPolicy.suspend",
            "items[].status",
            "items[].status.conditions",
            "items[].status.conditions[]",
            "items[].status.conditions[].status",
            "items[].status.conditions[].type",
            "items[].status.jobsStatus",
            "items[].status.jobsStatus[]",
            "items[].status.jobsStatus[].active",
            "items[].status.jobsStatus[].failed",
            "items[].status.jobsStatus[].name",
            "items[].status.jobsStatus[].ready",
            "items[].status.jobsStatus[].succeeded",
            "items[].status.replicaStatuses",
            "items[].status.replicaStatuses.Master",
            "items[].status.replicaStatuses.Master.active",
            "items[].status.replicaStatuses.Master.failed",
            "items[].status.replicaStatuses.Master.succeeded",
            "items[].status.replicaStatuses.Worker",
            "items[].status.replicaStatuses.Worker.active",
            "items[].status.replicaStatuses.Worker.failed",
            "items[].status.replicaStatuses.Worker.succeeded",
            "spec",
            "status",
            "status.conditions",
            "status.conditions[]",
            "status.conditions[].status",
            "status.conditions[].type"
        ]
    );
}

mod jobset {
    use super::*;

    check_kind!(
        &JOBSET,
        essential: ESSENTIAL,
        evidence: [
            "items[].spec",
            "items[].spec.replicatedJobs",
            "items[].spec.replicatedJobs[]",
            "items[].spec.replicatedJobs[].name",
            "items[].spec.replicatedJobs[].replicas",
            "items[].spec.successPolicy",
            "items[].spec.successPolicy.operator",
            "items[].spec.suspend",
            "items[].status",
            "items[].status.conditions",
            "items[].status.conditions[]",
            "items[].status.conditions[].status",
            "items[].status.conditions[].type",
            "items[].status.replicatedJobsStatus",
            "items[].status.replicatedJobsStatus[]",
            "items[].status.replicatedJobsStatus[].active",
            "items[].status.replicatedJobsStatus[].failed",
            "items[].status.replicatedJobsStatus[].name",
            "items[].status.replicatedJobsStatus[].ready",
            "items[].status.replicatedJobsStatus[].succeeded",
            "items[].status.terminalState",
            "spec",
            "spec.replicatedJobs",
            "spec.replicatedJobs[]",
            "spec.replicatedJobs[].name",
            "spec.replicatedJobs[].replicas",
            "spec.successPolicy",
            "spec.successPolicy.operator",
            "spec.suspend",
            "status",
            "status.conditions",
            "status.conditions[]",
            "status.conditions[].status",
            "status.conditions[].type",
            "status.terminalState"
        ]
    );
}

mod argo {
    use super::*;

    check_kind!(
        &ARGO_WORKFLOW,
        essential: ESSENTIAL,
        evidence: [
            "items[].spec",
            "items[].spec.suspend",
            "items[].status",
            "items[].status.nodes",
            "items[].status.phase",
            "spec",
            "spec.suspend",
            "status",
            "status.nodes",
            "status.phase"
        ]
    );
}
