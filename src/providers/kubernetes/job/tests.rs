use super::super::parts;
use super::*;
use crate::model::Job;
use crate::test_support::kinds::check_kind;

check_kind!(
    &JOB,
    essential: [
        "kind",
        "metadata",
        "metadata.name",
        "metadata.namespace",
        "items",
        "items[]",
        "items[].metadata",
        "items[].metadata.name",
        "items[].metadata.namespace"
    ],
    evidence: [
        "metadata.deletionTimestamp",
        "metadata.uid",
        "spec",
        "spec.suspend",
        "status",
        "status.active",
        "status.conditions",
        "status.conditions[]",
        "status.conditions[].status",
        "status.conditions[].type",
        "status.ready",
        "status.startTime",
        "items[].metadata.deletionTimestamp",
        "items[].metadata.ownerReferences[].uid",
        "items[].spec",
        "items[].spec.containers",
        "items[].spec.containers[]",
        "items[].spec.containers[].name",
        "items[].spec.nodeName",
        "items[].spec.suspend",
        "items[].status",
        "items[].status.active",
        "items[].status.conditions",
        "items[].status.conditions[]",
        "items[].status.conditions[].status",
        "items[].status.conditions[].type",
        "items[].status.containerStatuses",
        "items[].status.containerStatuses[]",
        "items[].status.containerStatuses[].name",
        "items[].status.containerStatuses[].state",
        "items[].status.containerStatuses[].state.running",
        "items[].status.phase",
        "items[].status.ready",
        "items[].status.startTime"
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
