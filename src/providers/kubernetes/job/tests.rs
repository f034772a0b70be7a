use super::super::parts;
use super::*;
use crate::model::Job;
use crate::providers::kubernetes::tests::ESSENTIAL;
use crate::test_support::kinds::check_kind;

check_kind!(
    &JOB,
    essential: ESSENTIAL,
    evidence: [
        "metadata.deletionTimestamp",
        "metadata.uid",
        "spec",
        "spec.completionMode",
        "spec.completions",
        "spec.suspend",
        "status",
        "status.active",
        "status.completedIndexes",
        "status.conditions",
        "status.conditions[]",
        "status.conditions[].reason",
        "status.conditions[].status",
        "status.conditions[].type",
        "status.failed",
        "status.failedIndexes",
        "status.ready",
        "status.startTime",
        "status.succeeded",
        "items[].metadata.deletionTimestamp",
        "items[].metadata.ownerReferences[].uid",
        "items[].spec",
        "items[].spec.completionMode",
        "items[].spec.completions",
        "items[].spec.containers",
        "items[].spec.containers[]",
        "items[].spec.containers[].name",
        "items[].spec.initContainers",
        "items[].spec.initContainers[]",
        "items[].spec.initContainers[].name",
        "items[].spec.initContainers[].restartPolicy",
        "items[].spec.nodeName",
        "items[].spec.suspend",
        "items[].status",
        "items[].status.active",
        "items[].status.completedIndexes",
        "items[].status.conditions",
        "items[].status.conditions[]",
        "items[].status.conditions[].reason",
        "items[].status.conditions[].status",
        "items[].status.conditions[].type",
        "items[].status.containerStatuses",
        "items[].status.containerStatuses[]",
        "items[].status.containerStatuses[].name",
        "items[].status.containerStatuses[].state",
        "items[].status.containerStatuses[].state.running",
        "items[].status.containerStatuses[].state.terminated",
        "items[].status.containerStatuses[].state.terminated.exitCode",
        "items[].status.containerStatuses[].state.terminated.signal",
        "items[].status.containerStatuses[].state.waiting",
        "items[].status.failed",
        "items[].status.failedIndexes",
        "items[].status.initContainerStatuses",
        "items[].status.initContainerStatuses[]",
        "items[].status.initContainerStatuses[].name",
        "items[].status.initContainerStatuses[].state",
        "items[].status.initContainerStatuses[].state.running",
        "items[].status.initContainerStatuses[].state.terminated",
        "items[].status.initContainerStatuses[].state.terminated.exitCode",
        "items[].status.initContainerStatuses[].state.terminated.signal",
        "items[].status.initContainerStatuses[].state.waiting",
        "items[].status.phase",
        "items[].status.ready",
        "items[].status.startTime",
        "items[].status.succeeded"
    ]
);

#[test]
fn an_active_job_without_pods_is_starting() {
    for are_all in [true, false] {
        let mut job = Job {
            state: State::Starting,
            ..Job::default()
        };
        parts::add_pods(&mut job, Vec::new(), are_all);
        assert_eq!(job.state, State::Starting);
    }
}
