//! What the state words mean, level by level.

use super::wire::{CONTAINER_STATES, GROUP_STATES, INVOCATION_STATES, JOB_STATES};
use crate::providers::states::{Level, Split};

/// Serverless jobs, and what they are made of.
pub(super) const JOB: &[Level] = &[
    Level {
        takes_own: true,
        notes: &[(
            "Succeeded",
            "an array job is unknown until all its subtasks were seen succeeded",
        )],
        ..Level::new("job", JOB_STATES)
    },
    Level {
        takes_own: true,
        ..Level::new("subtask", JOB_STATES)
    },
    Level::new("container_group", GROUP_STATES),
    Level {
        splits: &[Split {
            word: "Terminated",
            when: ["exit code 0", "another exit code", "no exit code"],
        }],
        ..Level::new("container", CONTAINER_STATES)
    },
];

/// Invocations, and their nodes.
pub(super) const INVOCATION: &[Level] = &[
    Level {
        takes_own: true,
        splits: &[Split {
            word: "Finished",
            when: [
                "all nodes: exit code 0",
                "a node: another exit code",
                "exit codes cannot be read; --trust-finished takes it as succeeded",
            ],
        }],
        ..Level::new("job", INVOCATION_STATES)
    },
    Level {
        splits: &[Split {
            word: "Finished",
            when: ["exit code 0", "another exit code", "no exit code"],
        }],
        ..Level::new("node", INVOCATION_STATES)
    },
];
