//! What the state words mean, level by level.

use super::wire::{CONTAINER_STATES, GROUP_STATES, INVOCATION_STATES, JOB_STATES};
use crate::providers::states::{OutcomeRule, StateTable};

/// Serverless jobs, and what they are made of.
pub(super) const JOB: &[StateTable] = &[
    StateTable {
        allows_user_states: true,
        notes: &[(
            "Succeeded",
            "an array job is unknown until all its subtasks are known to have succeeded",
        )],
        ..StateTable::new("job", JOB_STATES)
    },
    StateTable {
        allows_user_states: true,
        ..StateTable::new("subtask", JOB_STATES)
    },
    StateTable::new("container_group", GROUP_STATES),
    StateTable {
        outcome_rules: &[OutcomeRule {
            word: "Terminated",
            when: ["exit code 0", "another exit code", "no exit code"],
        }],
        ..StateTable::new("container", CONTAINER_STATES)
    },
];

/// Invocations, and their nodes.
pub(super) const INVOCATION: &[StateTable] = &[
    StateTable {
        allows_user_states: true,
        outcome_rules: &[OutcomeRule {
            word: "Finished",
            when: [
                "all nodes: exit code 0",
                "a node: another exit code",
                "exit codes unavailable; --trust-finished treats it as succeeded",
            ],
        }],
        ..StateTable::new("job", INVOCATION_STATES)
    },
    StateTable {
        outcome_rules: &[OutcomeRule {
            word: "Finished",
            when: ["exit code 0", "another exit code", "no exit code"],
        }],
        ..StateTable::new("node", INVOCATION_STATES)
    },
];
