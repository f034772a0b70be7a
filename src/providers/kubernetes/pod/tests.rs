use super::*;
use crate::test_support::kinds::check_kind;

check_kind!(
    &POD,
    essential: [
        "metadata",
        "metadata.name",
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
        "status.phase",
        "items[].metadata.deletionTimestamp",
        "items[].spec",
        "items[].spec.nodeName",
        "items[].status",
        "items[].status.phase"
    ]
);
