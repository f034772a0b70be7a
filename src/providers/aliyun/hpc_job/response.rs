//! What GetJob and ListJobs report of a job, made into the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::super::{Api, TRUST_FINISHED};
use super::{FINISHED, HpcJobDetails, STATES};
use crate::error::Category;
use crate::http::RequestError;
use crate::model::{Array, Job, Resources, State};
use crate::providers::api::DecodeError;
use crate::providers::lenient::{
    self, Checked, DefaultObject, Flag, Int, List, Map, Num, OptionalObject, Required, Text,
    Timestamp,
};
use crate::providers::{Cursor, GetOptions, GetResult, Page, job_at, raw, states};
use crate::reference::{Reference, Scope};
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
struct ListResponse {
    request_id: Text,
    success: Checked<Flag>,
    total_count: Int,
    jobs: Required<List<Row>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    job_name: Text,
    job_spec: DefaultObject<JobFields<Text>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Variable {
    name: Text,
    value: Text,
}

/// A job as GetJob has it; the other names are those of ListJobs. `V` is the form of its variables.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobFields<V> {
    job_id: Checked<Text>,
    id: Checked<Text>,
    job_name: Text,
    state: Checked<Text>,
    job_queue: Text,
    runas_user: Text,
    priority: Int,
    command_line: Text,
    comment: Text,
    node_list: Text,
    output_log: Text,
    stdout_path: Text,
    error_log: Text,
    stderr_path: Text,
    extra_info: Text,
    array_job_id: Text,
    array_job_sub_id: Int,
    array_request: Checked<Text>,
    create_time: Timestamp,
    submit_time: Timestamp,
    start_time: Timestamp,
    last_modify_time: Timestamp,
    variables: V,
    resources: DefaultObject<Amounts>,
    #[serde(alias = "ResourcesActualOccupied")]
    resources_used: DefaultObject<Amounts>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Amounts {
    cores: Num,
    gpus: Int,
    memory: Text,
    nodes: Int,
}

/// What PBS reports of the end of a job, where the cloud passes it on.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ExtraInfo {
    #[serde(rename = "Exit_status")]
    exit_status: Checked<Int>,
}

fn check_success(success: Checked<Flag>) -> Result<(), DecodeError> {
    match success.value.0 {
        Some(false) => {
            let error = RequestError::new(Category::ServiceError, "Success is false".to_owned());
            Err(DecodeError::Failed(Box::new(error)))
        }
        _ if success.is_unreadable => Err("true or false at Success".to_owned().into()),
        _ => Ok(()),
    }
}

pub(super) fn decode_job(
    body: &[u8],
    reference: &Reference,
    api: &Api,
    options: &GetOptions,
) -> Result<GetResult, DecodeError> {
    let wire: JobResponse = lenient::decode_response(body)?;
    check_success(wire.success)?;
    let mut fields = match wire.job_info {
        Required::Present(OptionalObject(Some(fields))) => *fields,
        Required::Present(OptionalObject(None)) | Required::Empty | Required::Null => {
            let what = format!("job {} not found in the cluster", reference.id());
            let error = RequestError::new(Category::NotFound, what);
            return Err(DecodeError::Failed(Box::new(error)));
        }
        Required::Missing | Required::Unreadable => return Err("JobInfo".to_owned().into()),
    };
    // PBS takes an id without its server, and responds with both.
    let of_server = |id: &str| {
        id.split_once('.')
            .is_some_and(|(id, _)| id == reference.id())
    };
    let is_asked = |id: &str| id == reference.id() || of_server(id);
    if fields.is_id_unreadable() || !fields.id().is_none_or(is_asked) {
        return Err("the requested JobId".to_owned().into());
    }
    let List(variables) = std::mem::take(&mut fields.variables);
    let variables = variables.into_iter();
    let variables = variables.filter_map(|Variable { name, value }| Some((name.0?, value)));
    let mut found = fields.into_result(reference, variables.collect(), api, options);
    found.job.request_id = wire.request_id.0;
    raw::attach(&mut found.job, &mut found.notices, options, || {
        let mut document = raw::document(body, options)?;
        if !options.show_secrets {
            mask(&mut document);
        }
        Some(document)
    });
    Ok(found)
}

/// Masks in a response to GetJob what is masked in its model.
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

pub(super) fn decode_list(
    body: &[u8],
    scope: &Scope,
    at: Cursor,
    api: &Api,
    options: &GetOptions,
) -> Result<Page, DecodeError> {
    let wire: ListResponse = lenient::decode_response(body)?;
    check_success(wire.success)?;
    let total = wire.total_count.0;
    let rows = wire.jobs.rows("Jobs", total)?;
    let address = |row: &Row| {
        let DefaultObject(fields) = &row.job_spec;
        let id = fields.id().filter(|_| !fields.is_id_unreadable())?;
        scope.reference(&[id])
    };
    let read = |row: Row, reference: &Reference| {
        let DefaultObject(mut fields) = row.job_spec;
        fields.job_name = row.job_name;
        // A JSON text.
        let variables = fields.variables.0.take().unwrap_or_default();
        let Map(variables) = serde_json::from_str(&variables).unwrap_or_default();
        let found = fields.into_result(reference, variables, api, options);
        found.with_request_id(wire.request_id.0.clone())
    };
    Ok(Page::from_addressed_rows(at, total, rows, address, read))
}

impl<V> JobFields<V> {
    /// The id, under the name of GetJob or that of ListJobs.
    fn id(&self) -> Option<&str> {
        let id = self.job_id.value.trimmed();
        id.or_else(|| self.id.value.trimmed())
    }

    /// True when the id cannot be read, or the two names give different ones.
    fn is_id_unreadable(&self) -> bool {
        let ids = [&self.job_id, &self.id];
        let differs =
            |id: &Checked<Text>| id.value.trimmed().is_some_and(|id| self.id() != Some(id));
        ids.into_iter().any(|id| id.is_unreadable || differs(id))
    }

    fn into_result(
        self,
        reference: &Reference,
        variables: BTreeMap<String, Text>,
        api: &Api,
        options: &GetOptions,
    ) -> GetResult {
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [
            &self.create_time,
            &self.submit_time,
            &self.start_time,
            &self.last_modify_time,
        ];
        clock.note_assumed("aliyun", times, &mut notices);
        let word = self.state.value.trimmed();
        let read = states::normalize(
            STATES,
            &options.states,
            word,
            "aliyun/hpc-job",
            &mut notices,
        );
        let (request, used) = (&self.resources.0, &self.resources_used.0);
        let shown = |text: &Text| match options.show_secrets {
            true => text.0.clone(),
            false => text.0.as_deref().map(mask_text),
        };
        let value = |value: Text| match options.show_secrets {
            true => value.0,
            false => value.0.map(|_| MASK.to_owned()),
        };
        let details = HpcJobDetails {
            command: shown(&self.command_line),
            comment: shown(&self.comment),
            stdout_path: self.output_log.0.clone().or(self.stdout_path.0.clone()),
            stderr_path: self.error_log.0.clone().or(self.stderr_path.0.clone()),
            nodes: self.node_list.0.clone(),
            node_count: request.nodes.0,
            used: used.resources(),
            used_node_count: used.nodes.0,
            array_job_id: self.array_job_id.0.clone(),
            array_request: self.array_request.value.0.clone(),
            variables: variables.into_iter().map(|(n, v)| (n, value(v))).collect(),
            extra_info: shown(&self.extra_info),
        };
        let mut job = Job {
            name: self.job_name.0.clone(),
            state: read.state,
            state_raw: read.raw,
            ended: read.ended,
            user: self.runas_user.0.clone(),
            queue: self.job_queue.0.clone(),
            priority: self.priority.0,
            created_at: clock
                .at(&self.create_time)
                .or_else(|| clock.at(&self.submit_time)),
            started_at: clock.at(&self.start_time),
            updated_at: clock.at(&self.last_modify_time),
            resources: request.resources(),
            array: self.array(),
            details: Some(Arc::new(details)),
            ..job_at(reference, api.region())
        };
        self.judge(&mut job, options.has_flag(&TRUST_FINISHED));
        GetResult { job, notices }
    }

    /// The place of a subtask in its array job; a job as a whole has no form that all schedulers share.
    fn array(&self) -> Option<Array> {
        let index = Some(self.array_job_sub_id.0?);
        let request = self.array_request.value.trimmed().unwrap_or_default();
        let (range, step) = request.split_once(':').unwrap_or((request, "1"));
        let bounds = range.split_once('-').and_then(|(start, end)| {
            let (start, end, step) = (start.parse().ok()?, end.parse().ok()?, step.parse().ok()?);
            Some((start, end, step))
        });
        let array = bounds.map(|(start, end, step)| Array {
            start: Some(start),
            end: Some(end),
            step: Some(step),
            index,
        });
        array.or(Some(Array {
            index,
            ..Array::UNKNOWN
        }))
    }

    /// Decides how a job ended whose word alone does not say so.
    fn judge(&self, job: &mut Job, trusts_finished: bool) {
        let word = self.state.value.trimmed().unwrap_or_default();
        let is_finished = word.eq_ignore_ascii_case(FINISHED);
        if !is_finished && !job.ended {
            return;
        }
        job.ended = true;
        let extra = self.extra_info.0.as_deref().unwrap_or_default();
        let extra: ExtraInfo = lenient::decode_response(extra.as_bytes()).unwrap_or_default();
        let exit_status = extra.exit_status;
        job.exit_code = exit_status.value.0;
        let request = &self.array_request;
        let has_request = request.is_unreadable || request.value.0.is_some();
        let is_whole_array = has_request && self.array_job_sub_id.0.is_none();
        match (job.state, job.exit_code) {
            (State::Succeeded | State::Unknown, Some(code)) if code != 0 => {
                job.state = State::Failed;
                job.message = Some(format!("exit status {code}"));
            }
            (State::Succeeded, _) if is_whole_array => {
                job.state = State::Unknown;
                job.ended = false;
                job.reason = Some(Job::SUBTASKS_UNREAD.to_owned());
                job.message = Some("the subtasks of the array job may not have ended".to_owned());
            }
            (State::Unknown, Some(0)) if !is_whole_array => job.state = State::Succeeded,
            (State::Unknown, _) if is_finished && trusts_finished => job.state = State::Succeeded,
            (State::Succeeded, _) if !exit_status.is_unreadable => {}
            (State::Succeeded | State::Unknown, _) => {
                job.state = State::Unknown;
                job.reason = Some("exit status unavailable".to_owned());
                job.message = Some(format!("{word} does not say whether the job succeeded"));
            }
            _ => {}
        }
    }
}

impl Amounts {
    fn resources(&self) -> Resources {
        Resources {
            cpu: self.cores.0,
            memory_bytes: self.memory.trimmed().and_then(memory_bytes),
            accelerators: self.gpus.unsigned(),
            ..Resources::default()
        }
    }
}

/// `1gb` of PBS, `1536MB` of Slurm.
pub(in super::super) fn memory_bytes(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let power = ["b", "kb", "mb", "gb", "tb"]
        .iter()
        .position(|known| *known == unit)?;
    number.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}
