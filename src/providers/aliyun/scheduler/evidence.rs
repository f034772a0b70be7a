//! Reads how a job ended from scheduler fields other than its state word.

use serde::Deserialize;
use serde_json::Value;

use super::text_fields::{TextRecord, text_fields};
use crate::providers::lenient::{self, Checked, Int, Text};
use crate::providers::slurm::{self, Part};
use crate::providers::states::describes_failure;

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
    pub comment: Checked<Text>,
    /// State of PBS.
    #[serde(rename = "job_state")]
    pub pbs_state: Checked<Text>,
    /// Substate of PBS.
    #[serde(rename = "substate")]
    pub substate: Checked<Int>,
    /// The highest exit code of the steps of a job of Slurm.
    #[serde(rename = "DerivedExitCode")]
    pub derived_exit_code: Text,
    /// Id of the array job of Slurm that a subtask belongs to.
    #[serde(rename = "ArrayJobId")]
    pub array_job_id: Checked<Text>,
    /// Index of a subtask of an array job of Slurm, or the indices of subtasks.
    #[serde(rename = "ArrayTaskId")]
    pub array_task_id: Checked<Text>,
    /// Id of the first component of a heterogeneous job of Slurm, which this component belongs to.
    #[serde(rename = "HetJobId")]
    pub het_job_id: Checked<Text>,
    /// Index of a component of a heterogeneous job of Slurm.
    #[serde(rename = "HetJobOffset")]
    pub het_job_offset: Checked<Text>,
    /// Number of subtasks of an array job of PBS in each state, such as `Queued:1 Running:2 Expired:3`.
    #[serde(rename = "array_state_count")]
    pub subtask_counts: Checked<Text>,
}

/// Names of [`ExitFields`] that are read from a text.
const TEXT_FIELDS: [&str; 12] = [
    "Exit_status",
    "ExitCode",
    "JobState",
    "comment",
    "job_state",
    "substate",
    "DerivedExitCode",
    "ArrayJobId",
    "ArrayTaskId",
    "HetJobId",
    "HetJobOffset",
    "array_state_count",
];

/// Endings of names of fields with a state, without underscores.
const STATE_NAMES: [&str; 4] = ["reason", "result", "state", "status"];

/// Endings of names of fields with an exit code, without underscores.
const EXIT_CODE_NAMES: [&str; 4] = ["exitcode", "exitstatus", "returncode", "signal"];

/// Values of an exit code that do not show a failure.
const NO_FAILURE: [&str; 10] = [
    "", "-", "(null)", "0", "0.0", "0:0", "n/a", "none", "null", "success",
];

/// States of PBS of a job that has ended or ends; they do not show the outcome.
const PBS_ENDS: [&str; 5] = ["C", "E", "F", "FINISHED", "X"];

/// Substates of PBS of a job that was terminated, or that failed.
const BAD_SUBSTATES: [i64; 2] = [91, 93];

/// The start of a comment of PBS about a job that has run, which ends with how the job ended.
pub(super) const RUN_COMMENT: &str = "Job run at ";

/// Fields with environment variables, which can have any name.
const VARIABLES: [&str; 3] = ["Variable_List", "VariableList", "Variables"];

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
    /// Describes steps that failed although the job succeeded.
    pub failed_steps: Option<String>,
    /// Describes the subtasks of an array job that have not ended.
    pub active_subtasks: Option<String>,
    /// True if a field cannot be read, or has a value that does not show how the job ended.
    pub is_unclear: bool,
    /// The job that the record is a part of, which does not prove the success of the other parts.
    pub part: Part,
}

impl ExitFields {
    fn part(&self) -> Part {
        let array = Part::of_array(&self.array_job_id, &self.array_task_id);
        array.and(Part::of_components(&self.het_job_id, &self.het_job_offset))
    }

    /// Returns `true` if Slurm reports that the job has completed, with exit code `0:0`.
    fn has_completed(&self) -> bool {
        let word = self.job_state.value.trimmed();
        let code = self.exit_code.value.trimmed();
        word.is_some_and(|word| word.eq_ignore_ascii_case("COMPLETED")) && code == Some("0:0")
    }
}

impl EndEvidence {
    /// Evidence from a field that cannot be read.
    pub const UNCLEAR: Self = Self {
        exit_code: None,
        failure: None,
        reason: None,
        comment: None,
        failed_steps: None,
        active_subtasks: None,
        is_unclear: true,
        part: Part::None,
    };

    pub(super) fn of(fields: &ExitFields) -> Self {
        let is_unreadable = fields.exit_status.is_unreadable
            || fields.exit_code.is_unreadable
            || fields.job_state.is_unreadable
            || fields.pbs_state.is_unreadable
            || fields.substate.is_unreadable
            || fields.comment.is_unreadable;
        let comment = fields.comment.value.trimmed();
        let substate = fields.substate.value.0;
        let is_bad = comment.is_some_and(describes_bad_end)
            || substate.is_some_and(|substate| BAD_SUBSTATES.contains(&substate));
        let of_pbs = Self {
            is_unclear: is_unreadable || is_bad,
            comment: comment.map(str::to_owned),
            failed_steps: fields
                .derived_exit_code
                .trimmed()
                .and_then(slurm::failed_steps_text),
            active_subtasks: active_subtasks(&fields.subtask_counts),
            ..Self::of_exit_code(fields.exit_status.value.0)
        };
        let pbs_state = fields.pbs_state.value.trimmed().map(Self::of_pbs_state);
        let job_state = fields.job_state.value.trimmed();
        let has_code = !job_state.is_some_and(slurm::is_before_end);
        let slurm_code = fields.exit_code.value.trimmed().filter(|_| has_code);
        let slurm_code = slurm_code.map(Self::of_slurm_code);
        let slurm_state = job_state.map(Self::of_slurm_state);
        let part = fields.part();
        let is_success = fields.has_completed() && part == Part::None;
        let proof = Self {
            exit_code: is_success.then_some(0),
            part,
            ..Self::default()
        };
        of_pbs
            .and(proof)
            .and(pbs_state.unwrap_or_default())
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
            failed_steps: self.failed_steps.or(other.failed_steps),
            active_subtasks: self.active_subtasks.or(other.active_subtasks),
            is_unclear: self.is_unclear || other.is_unclear,
            part: self.part.and(other.part),
        }
    }

    /// Reads `ExtraInfo`: a JSON object, or text as Slurm or PBS print it.
    pub(super) fn of_extra_info(text: &str) -> Self {
        match lenient::decode_response::<ExitFields>(text.as_bytes()) {
            Ok(fields) => {
                let nested = lenient::parse(text.as_bytes());
                let nested =
                    nested.map_or(Self::UNCLEAR, |document| Self::of_nested("", &document));
                Self::of(&fields).and(nested)
            }
            // A truncated object may have contained a failure.
            Err(_) if text.contains('{') => Self::UNCLEAR,
            Err(_) => Self::of_text(text),
        }
    }

    /// Reads the fields of the scheduler's record of a job that [`ExitFields`] lacks. The state of the job itself is
    /// not among them.
    pub fn of_record(mut record: Value) -> Self {
        if let Value::Object(fields) = &mut record {
            fields.remove("State");
        }
        Self::of_nested("", &record)
    }

    /// Like [`EndEvidence::of_record`], for a record as the text of Slurm.
    pub fn of_record_text(text: &str) -> Self {
        let fields = TextRecord::read(text).fields.into_iter();
        let fields = fields.map(|(name, value)| Self::of_other_field(name, value));
        fields.fold(Self::default(), Self::and)
    }

    /// Reads the objects and lists in a document, such as a record of PBS with the id of its job as the key. `name` is
    /// the name of the field that contains the document.
    fn of_nested(name: &str, document: &Value) -> Self {
        let parts: Vec<(&str, &Value)> = match document {
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.filter(|(name, _)| !VARIABLES.contains(&name.as_str()));
                // The value of this field, such as `"return_code": {"set": true, "number": 1}`.
                let is_index = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
                let name_of = |field| match field {
                    "current" | "number" | "value" => name,
                    field if is_index(field) => name,
                    field => field,
                };
                let named = fields.map(|(field, value)| (name_of(field.as_str()), value));
                named.collect()
            }
            Value::Array(items) => items.iter().map(|item| (name, item)).collect(),
            Value::String(text) => return Self::of_other_field(name, text),
            Value::Number(number) => return Self::of_other_field(name, &number.to_string()),
            Value::Bool(flag) => return Self::of_flag(name, *flag),
            Value::Null => return Self::default(),
        };
        parts
            .into_iter()
            .fold(Self::default(), |evidence, (name, part)| {
                let own = match part {
                    Value::Object(_) => {
                        ExitFields::deserialize(part).map(|fields| Self::of(&fields))
                    }
                    _ => Ok(Self::default()),
                };
                let own = own.unwrap_or(Self::UNCLEAR);
                evidence.and(own).and(Self::of_nested(name, part))
            })
    }

    /// Reads a field that neither Slurm nor PBS has. It is unclear if its name is that of a state or an exit code, and
    /// its value describes a failure.
    fn of_other_field(name: &str, value: &str) -> Self {
        let name = match TEXT_FIELDS.contains(&name) {
            true => String::new(),
            false => name.to_ascii_lowercase().replace(['_', '-'], ""),
        };
        let is = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        let lower = value.trim().to_ascii_lowercase();
        let is_bad_code = || !NO_FAILURE.contains(&lower.as_str());
        let is_bad_state = || {
            describes_failure(value)
                || slurm::is_failure_reason(value)
                || lower.contains("cancel")
                || Self::of_slurm_state(value.trim()).failure.is_some()
        };
        Self {
            is_unclear: (is(&EXIT_CODE_NAMES) && is_bad_code())
                || (is(&STATE_NAMES) && is_bad_state()),
            ..Self::default()
        }
    }

    /// Reads a field such as `"success": false`.
    fn of_flag(name: &str, flag: bool) -> Self {
        let name = name.to_ascii_lowercase();
        let is_success = ["success", "successful", "succeeded"].contains(&name.as_str());
        let is_failure = ["error", "failed", "failure"].contains(&name.as_str());
        Self {
            is_unclear: (is_success && !flag) || (is_failure && flag),
            ..Self::default()
        }
    }

    /// Reads a text with fields such as `ExitCode=1:0`. Text without fields is unclear if it describes a failure.
    fn of_text(text: &str) -> Self {
        let fields = Value::Object(text_fields(text, &TEXT_FIELDS));
        let fields = ExitFields::deserialize(&fields).map(|fields| Self::of(&fields));
        let is_unclear = describes_failure(&TextRecord::read(text).prose.join(" "));
        let others = Self::of_record_text(text);
        fields.unwrap_or(Self::UNCLEAR).and(others).and(Self {
            is_unclear,
            ..Self::default()
        })
    }

    /// Interprets the state in a record of PBS, which can be a word of Slurm.
    fn of_pbs_state(word: &str) -> Self {
        let is_end = PBS_ENDS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word));
        match is_end {
            true => Self::default(),
            false => Self::of_slurm_state(word),
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

    /// Parses an exit code of Slurm. Slurm also reports `0:0` for running and canceled jobs, so it proves nothing by
    /// itself.
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

/// Returns `true` for comments of PBS such as `job killed: walltime 3600 exceeded limit` and `Job run at 10:00 on
/// (node1) and terminated by root@manager`. Only `and finished` is the end of a job that has ended by itself.
fn describes_bad_end(comment: &str) -> bool {
    const BAD_WORDS: [&str; 4] = ["killed", "exceeded", "terminated", "deleted"];
    let comment = comment.to_ascii_lowercase();
    let comment = comment.trim();
    let is_run = comment.starts_with(&RUN_COMMENT.to_ascii_lowercase());
    let end = comment.rsplit_once(" and ").map(|(_, end)| end);
    let is_other_end = is_run && end.is_some_and(|end| end.trim_end_matches('.') != "finished");
    is_other_end
        || comment.ends_with("failed")
        || BAD_WORDS.iter().any(|word| comment.contains(word))
}

/// Describes the subtasks that have not ended, or counts that cannot be read.
fn active_subtasks(counts: &Checked<Text>) -> Option<String> {
    let unreadable = || "its array_state_count cannot be read".to_owned();
    if counts.is_unreadable {
        return Some(unreadable());
    }
    let mut counts = counts.value.trimmed()?.split_whitespace();
    counts.find_map(|count| {
        let number = count
            .split_once(':')
            .map(|(state, number)| (state, number.parse::<u64>()));
        match number {
            Some(("Expired", Ok(_)) | (_, Ok(0))) => None,
            Some((state, Ok(number))) => {
                Some(format!("its array_state_count has {state}:{number}"))
            }
            _ => Some(unreadable()),
        }
    })
}

#[cfg(test)]
mod tests;
