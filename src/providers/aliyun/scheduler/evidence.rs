//! Reads how a job ended from scheduler fields other than its state word.

use serde::Deserialize;

use crate::providers::lenient::{Checked, Int, Text};
use crate::providers::slurm;

/// The fields of PBS and of Slurm that show how a job ended.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ExitFields {
    /// Exit status of PBS, once the job has ended.
    #[serde(rename = "Exit_status")]
    pub exit_status: Checked<Int>,
    /// Exit code and signal of Slurm, such as `1:0`.
    #[serde(rename = "ExitCode")]
    pub exit_code: Checked<Text>,
    /// Slurm's word for the state.
    #[serde(rename = "JobState")]
    pub job_state: Checked<Text>,
    /// Comment of PBS.
    #[serde(rename = "comment")]
    pub comment: Text,
}

/// Evidence of how a job ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::providers::aliyun) struct EndEvidence {
    /// The exit code. If there are several, one other than 0 has precedence.
    pub exit_code: Option<i64>,
    /// Description of the failure.
    pub failure: Option<String>,
    /// Slurm's state word, if it explains the failure.
    pub reason: Option<String>,
    /// Comment of PBS about the state.
    pub comment: Option<String>,
    /// True if a field cannot be read, or has a value that does not show how the job ended.
    pub is_unclear: bool,
}

impl EndEvidence {
    /// Evidence from a field that cannot be read.
    pub(super) const UNCLEAR: Self = Self {
        exit_code: None,
        failure: None,
        reason: None,
        comment: None,
        is_unclear: true,
    };

    pub(super) fn of(fields: &ExitFields) -> Self {
        let is_unreadable = fields.exit_status.is_unreadable
            || fields.exit_code.is_unreadable
            || fields.job_state.is_unreadable;
        let of_pbs = Self {
            is_unclear: is_unreadable || fields.comment.trimmed().is_some_and(describes_kill),
            comment: fields.comment.trimmed().map(str::to_owned),
            ..Self::of_exit_code(fields.exit_status.value.0)
        };
        let slurm_code = fields.exit_code.value.trimmed().map(Self::of_slurm_code);
        let slurm_state = fields.job_state.value.trimmed().map(Self::of_slurm_state);
        of_pbs
            .and(slurm_code.unwrap_or_default())
            .and(slurm_state.unwrap_or_default())
    }

    /// Combines both. If the exit codes differ, one other than 0 has precedence.
    pub fn and(self, other: Self) -> Self {
        let bad_code = self.exit_code.filter(|code| *code != 0);
        Self {
            exit_code: bad_code.or(other.exit_code).or(self.exit_code),
            failure: self.failure.or(other.failure),
            reason: self.reason.or(other.reason),
            comment: self.comment.or(other.comment),
            is_unclear: self.is_unclear || other.is_unclear,
        }
    }

    fn of_exit_code(exit_code: Option<i64>) -> Self {
        let bad_code = exit_code.filter(|code| *code != 0);
        Self {
            exit_code,
            failure: bad_code.map(|code| format!("exit status {code}")),
            ..Self::default()
        }
    }

    /// Parses an exit code of Slurm. Slurm also reports `0:0` for running and canceled jobs, so it proves nothing.
    fn of_slurm_code(text: &str) -> Self {
        let (code, signal) = text.split_once(':').unwrap_or((text, "0"));
        match (code.trim().parse::<i64>(), signal.trim().parse::<i64>()) {
            (Ok(0), Ok(0)) => Self::default(),
            (Ok(0), Ok(signal)) => Self {
                failure: Some(slurm::signal_text(signal)),
                ..Self::default()
            },
            (Ok(code), Ok(_)) => Self::of_exit_code(Some(code)),
            _ => Self {
                is_unclear: true,
                ..Self::default()
            },
        }
    }

    fn of_slurm_state(word: &str) -> Self {
        let reason = slurm::cause(word).map(str::to_owned);
        let word = word.to_ascii_uppercase();
        let is_failure = matches!(
            word.as_str(),
            "FAILED" | "TIMEOUT" | "NODE_FAIL" | "BOOT_FAIL" | "OUT_OF_MEMORY" | "DEADLINE"
        );
        Self {
            is_unclear: !is_failure && word != "COMPLETED",
            failure: is_failure.then(|| format!("scheduler state {word}")),
            reason,
            ..Self::default()
        }
    }
}

/// True for comments of PBS such as `job killed: walltime 3600 exceeded limit`.
fn describes_kill(comment: &str) -> bool {
    let comment = comment.to_ascii_lowercase();
    comment.contains("killed") || comment.contains("exceeded")
}
