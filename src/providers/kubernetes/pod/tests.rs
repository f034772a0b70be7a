use super::*;
use crate::test_support::kinds::check_kind;

check_kind!(
    &POD,
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
        "spec",
        "spec.nodeName",
        "status",
        "status.containerStatuses[].state.terminated.exitCode",
        "status.phase",
        "items[].metadata.deletionTimestamp",
        "items[].spec",
        "items[].spec.nodeName",
        "items[].status",
        "items[].status.containerStatuses[].state.terminated.exitCode",
        "items[].status.phase"
    ]
);
