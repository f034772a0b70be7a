//! Reads the forms of `JobInfo` and masks its secrets.

use serde_json::Map;

use super::super::scheduler::{EndEvidence, text_fields};
use crate::providers::lenient;
use crate::providers::mask::mask_document;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};

/// Path of the jobs in a response.
pub(super) const JOB_INFO: &str = "/Message/JobInfo";

/// The start of the text of Slurm.
const SLURM_START: &str = "JobId=";

/// Fields that are read from `JobId=12 JobName=relax ... JobState=FAILED ... ExitCode=1:0`.
const SLURM_FIELDS: [&str; 10] = [
    "JobId",
    "JobState",
    "ExitCode",
    "DerivedExitCode",
    "ArrayJobId",
    "ArrayTaskId",
    "HetJobId",
    "HetJobOffset",
    "Requeue",
    "Restarts",
];

/// Returns the job if `JobInfo` contains one job instead of an object of jobs by id: as an object with `JobId`,
/// as its JSON text, or as the text of Slurm.
pub(super) fn single_job(info: &Value) -> Option<Value> {
    match info {
        Value::String(text) if text.trim_start().starts_with(SLURM_START) => {
            Some(Value::Object(text_fields(text, &SLURM_FIELDS)))
        }
        Value::String(text) => {
            let job = lenient::parse(text.as_bytes());
            job.filter(|job| job.get("JobId").is_some())
        }
        job => job.get("JobId").is_some().then(|| job.clone()),
    }
}

/// Returns the evidence in fields of the record of [`single_job`] that [`JobFields`](super::JobFields) lacks.
pub(super) fn single_evidence(info: &Value, job: Value) -> EndEvidence {
    match info {
        Value::String(text) if text.trim_start().starts_with(SLURM_START) => {
            EndEvidence::of_record_text(text)
        }
        _ => EndEvidence::of_record(job),
    }
}

/// Like [`single_evidence`], for the job with this id in an object of jobs by id. The evidence is unclear if the record
/// cannot be read.
pub(super) fn evidence_of(info: Option<&Value>, id: &str) -> EndEvidence {
    let parsed = match info {
        Some(Value::String(text)) => lenient::parse(text.as_bytes()),
        _ => None,
    };
    let jobs = parsed.as_ref().or(info);
    let record = jobs.and_then(|jobs| jobs.get(id)).cloned();
    record.map_or(EndEvidence::UNCLEAR, EndEvidence::of_record)
}

/// Returns the document of a response as it is shown; `None` if it is nested too deeply.
pub(super) fn masked_document(body: &[u8], options: &RequestOptions) -> Option<Value> {
    if options.show_secrets {
        return raw::document(body, options);
    }
    let mut document = lenient::parse_shown(body)?;
    // Masking the JSON text as plain text would make it invalid.
    let info = document.pointer_mut(JOB_INFO).map(Value::take);
    mask_document(&mut document);
    if let Some((masked, mut info)) = document.pointer_mut(JOB_INFO).zip(info) {
        mask_info(&mut info);
        *masked = info;
    }
    Some(document)
}

fn mask_info(info: &mut Value) {
    let Value::String(text) = info else {
        return mask_jobs(info);
    };
    *text = match lenient::parse_shown(text.as_bytes()) {
        Some(mut jobs) => {
            mask_jobs(&mut jobs);
            jobs.to_string()
        }
        None if text.contains("Variable_List") => MASK.to_owned(),
        None => mask_text(text),
    };
}

/// Masks all secrets of one job or of an object of jobs.
fn mask_jobs(jobs: &mut Value) {
    mask_document(jobs);
    mask_job(jobs);
    let jobs = jobs.as_object_mut().into_iter();
    jobs.flat_map(Map::values_mut).for_each(mask_job);
}

/// Masks the variables and the arguments of a job.
fn mask_job(job: &mut Value) {
    match job.get_mut("Variable_List") {
        Some(Value::Object(variables)) => {
            variables
                .values_mut()
                .for_each(|value| *value = MASK.into());
        }
        Some(other) if !other.is_null() => *other = MASK.into(),
        _ => {}
    }
    for name in [
        "Submit_arguments",
        "comment",
        "Comment",
        "Command",
        "SubmitLine",
    ] {
        match job.get_mut(name) {
            Some(Value::String(text)) => *text = mask_text(text),
            Some(other) if !other.is_null() => *other = MASK.into(),
            _ => {}
        }
    }
    // Arguments as XML, in which an option and its value are in separate elements.
    if let Some(arguments) = job
        .get_mut("argument_list")
        .filter(|value| !value.is_null())
    {
        *arguments = MASK.into();
    }
}
