//! Converts the responses of GetJob and ListJobs to the model.

use super::super::Api;
use super::super::scheduler::{JobFields, check_success, matches_id, not_found};
use crate::collect::CollectExt as _;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobResponse {
    request_id: Text,
    success: Checked<Flag>,
    job_info: Required<OptionalObject<JobFields<List<Variable>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Row {
    job_name: Text,
    job_spec: DefaultObject<JobFields<Text>>,
}

impl From<Row> for JobFields<Text> {
    fn from(row: Row) -> Self {
        let DefaultObject(mut fields) = row.job_spec;
        fields.job_name = row.job_name;
        fields
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Variable {
    name: Text,
    value: Text,
}

pub(super) fn decode_job(
    body: &[u8],
    api: &Api,
    lookup: GetRequest<'_>,
) -> Result<GetResult, DecodeError> {
    let GetRequest { reference, options } = lookup;
    let response: JobResponse = lenient::decode_response(body)?;
    check_success(response.success)?;
    let mut fields = match response.job_info {
        Required::Present(OptionalObject(Some(fields))) => *fields,
        Required::Present(OptionalObject(None)) | Required::Empty | Required::Null => {
            return Err(not_found(reference));
        }
        Required::Missing | Required::Unreadable => return Err("JobInfo".to_owned().into()),
    };
    let is_other = fields.id().is_none_or(|id| !matches_id(id, reference));
    if fields.is_id_unreadable() || is_other {
        return Err("the requested JobId".to_owned().into());
    }
    let List(variables) = std::mem::take(&mut fields.variables);
    let variables = variables.into_iter();
    let variables = variables.filter_map(|Variable { name, value }| Some((name.0?, value)));
    let mut result = fields.into_result(variables.collect_map(), api, lookup);
    result.job.request_id = response.request_id.0;
    raw::attach_masked(&mut result, body, options, mask);
    Ok(result)
}

/// Masks the fields of a response to GetJob that are masked in the model.
fn mask(document: &mut Value) {
    if let Some(Value::String(command)) = document.pointer_mut("/JobInfo/CommandLine") {
        *command = mask_text(command);
    }
    match document.pointer_mut("/JobInfo/Variables") {
        Some(Value::Array(variables)) => {
            let values = variables.iter_mut().filter_map(|row| row.get_mut("Value"));
            values.for_each(|value| *value = MASK.into());
        }
        Some(other) if !other.is_null() => *other = MASK.into(),
        _ => {}
    }
}
