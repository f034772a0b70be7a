use super::*;
use crate::providers::kubernetes::tests::ESSENTIAL;
use crate::test_support::kinds::check_kind;

check_kind!(
    &WORKLOAD,
    essential: ESSENTIAL,
    evidence: [
        "metadata.generation",
        "spec",
        "spec.replicas",
        "status",
        "status.availableReplicas",
        "status.conditions",
        "status.conditions[]",
        "status.conditions[].reason",
        "status.conditions[].status",
        "status.conditions[].type",
        "status.observedGeneration",
        "status.readyReplicas",
        "status.replicas",
        "status.unavailableReplicas",
        "status.updatedReplicas",
        "items[].metadata.deletionTimestamp",
        "items[].metadata.generation",
        "items[].spec",
        "items[].spec.paused",
        "items[].spec.replicas",
        "items[].status",
        "items[].status.availableReplicas",
        "items[].status.conditions",
        "items[].status.conditions[]",
        "items[].status.conditions[].reason",
        "items[].status.conditions[].status",
        "items[].status.conditions[].type",
        "items[].status.observedGeneration",
        "items[].status.readyReplicas",
        "items[].status.replicas",
        "items[].status.unavailableReplicas",
        "items[].status.updatedReplicas"
    ]
);
