//! Converts scheduler jobs to the model, for both versions of E-HPC.

mod details;
mod evidence;
mod outcome;
mod text_fields;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::memory::memory_bytes;
use super::{Api, CLOUD_NAME, CLUSTER};
use crate::collect::CollectExt as _;
use crate::http::RequestError;
use crate::kind::{IdReuse, OutcomeRule};
use crate::model::Array;
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};
use details::SchedulerJobDetails;
pub(super) use evidence::EndEvidence;
pub(super) use outcome::SlurmWord;
pub(super) use text_fields::text_fields;

#[derive(Deserialize)]
#[serde(default, rename_all = "PascalCase", bound = "R: Deserialize<'de>")]
struct ListResponse<R> {
    request_id: Text,
    success: Checked<Flag>,
    total_count: Int,
    jobs: Required<List<R>>,
}

impl<R> Default for ListResponse<R> {
    fn default() -> Self {
        Self {
            request_id: Text::default(),
            success: Checked::default(),
            total_count: Int::default(),
            jobs: Required::Missing,
        }
    }
}

/// A job with the field names of GetJob of E-HPC NEXT. The aliases are the names of its list, of the list of
/// E-HPC 1.0, and of PBS. `V` is the format of its variables.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct JobFields<V> {
    job_id: Checked<Text>,
    id: Checked<Text>,
    #[serde(alias = "Name", alias = "Job_Name")]
    pub job_name: Text,
    state: Checked<Text>,
    /// State word of PBS.
    #[serde(rename = "job_state")]
    pbs_state: Checked<Text>,
    #[serde(alias = "Queue", alias = "queue")]
    job_queue: Text,
    #[serde(alias = "Owner", alias = "Job_Owner")]
    runas_user: Text,
    priority: Int,
    command_line: Text,
    comment: Text,
    /// Comment of PBS, which explains why a job waits or was ended. Slurm's comment is written by the job's owner.
    #[serde(rename = "comment")]
    pbs_comment: Checked<Text>,
    #[serde(alias = "exec_host")]
    node_list: Text,
    #[serde(alias = "Output_Path")]
    output_log: Text,
    #[serde(alias = "Stdout")]
    stdout_path: Text,
    #[serde(alias = "Error_Path")]
    error_log: Text,
    #[serde(alias = "Stderr")]
    stderr_path: Text,
    #[serde(rename = "Exit_status")]
    exit_status: Checked<Int>,
    exit_code: Checked<Text>,
    job_state: Checked<Text>,
    derived_exit_code: Text,
    array_task_id: Checked<Text>,
    het_job_id: Checked<Text>,
    het_job_offset: Checked<Text>,
    /// 1 if Slurm may queue the job again.
    requeue: Int,
    /// How often Slurm has queued the job again.
    restarts: Int,
    /// Substate of PBS.
    #[serde(rename = "substate")]
    substate: Checked<Int>,
    #[serde(rename = "array_state_count")]
    subtask_counts: Checked<Text>,
    extra_info: Text,
    /// Evidence of its end from another operation.
    #[serde(skip)]
    pub known: EndEvidence,
    array_job_id: Checked<Text>,
    array_job_sub_id: Int,
    array_request: Checked<Text>,
    #[serde(alias = "ctime")]
    create_time: Timestamp,
    submit_time: Timestamp,
    #[serde(alias = "stime")]
    start_time: Timestamp,
    #[serde(alias = "mtime")]
    last_modify_time: Timestamp,
    #[serde(alias = "VariableList", alias = "Variable_List")]
    pub variables: V,
    #[serde(alias = "Resource_List")]
    resources: DefaultObject<ResourceAmounts>,
    #[serde(alias = "ResourcesActualOccupied", alias = "resources_used")]
    resources_used: DefaultObject<ResourceAmounts>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResourceAmounts {
    #[serde(alias = "ncpus")]
    cores: Num,
    #[serde(alias = "ngpus")]
    gpus: Int,
    #[serde(alias = "mem")]
    memory: Text,
    #[serde(alias = "nodect")]
    nodes: Int,
}

/// Maximum rows per page that the cloud allows.
pub(super) const PAGE_SIZE: usize = 50;

/// What differs between the two kinds.
pub(super) struct SchedulerKind {
    pub name: Name,
    /// An example of a reference.
    pub sample: &'static str,
    pub summary: &'static str,
    pub states: &'static [StateTable],
    pub get: Operation,
    pub list: Operation,
    pub logs: LogSpec,
}

impl SchedulerKind {
    /// Creates the kind, with references, lists, logs and flags as both kinds have them.
    pub const fn into_kind(self) -> Kind {
        const SEGMENTS: &[Segment] = &[CLUSTER, Segment::required("JOB")];
        let template = Template::new(CLOUD_NAME, self.name, SEGMENTS, self.sample);
        Kind {
            id_reuse: IdReuse::NumberedAndRequeued,
            evidence: &["ExtraInfo"],
            summary: self.summary,
            has_events: false,
            list: Some(ListSpec::new(self.list, ListOrder::NewestFirst)),
            logs: LogSupport::Operation(self.logs),
            batch_from: Some(2),
            flags: &[TRUST_FINISHED],
            ..Kind::new(template, self.states, self.get)
                .with_details(&[schema_of::<SchedulerJobDetails>], &[])
        }
    }
}

/// Creates the state table of a kind; the notes describe single words.
pub(super) const fn states(
    map: StateWords,
    outcome_rules: &'static [OutcomeRule],
    notes: &'static [(&'static str, &'static str)],
) -> StateTable {
    StateTable {
        outcome_rules,
        notes,
        ..StateTable::new("job", map).with_user_states()
    }
}

/// Describes which outcome is used for a word that does not show how a job ended.
pub(super) const fn outcome_rule(word: &'static str) -> OutcomeRule {
    OutcomeRule {
        word,
        when: [
            "exit status 0",
            "another exit status",
            "no exit status; --trust-finished treats it as succeeded",
        ],
    }
}

/// Checks the field `Success` of a response.
///
/// # Errors
/// `service_error` if the response reports that the operation failed.
pub(super) fn check_success(success: Checked<Flag>) -> Result<(), DecodeError> {
    match success.value.0 {
        Some(false) => {
            let error = RequestError::new(Category::ServiceError, "Success is false".to_owned());
            Err(DecodeError::Failed(Box::new(error)))
        }
        _ if success.is_unreadable => Err("true or false at Success".to_owned().into()),
        _ => Ok(()),
    }
}

/// Creates the error for a job that the cluster does not have.
pub(super) fn not_found(reference: &Reference) -> DecodeError {
    let message = format!("job {} not found in the cluster", reference.id());
    DecodeError::not_found(message, None)
}

/// Returns `true` for the id of the requested job. PBS accepts an id without its server, and responds with both.
pub(super) fn matches_id(id: &str, reference: &Reference) -> bool {
    let mut parts = id.split_once('.').into_iter();
    id == reference.id() || parts.any(|(number, _)| number == reference.id())
}

/// Decodes a page of rows that convert to [`JobFields`]. `known` returns what other responses have shown about
/// the end of a job, by its id.
pub(super) fn decode_list<R: DeserializeOwned + Into<JobFields<Text>>>(
    body: &[u8],
    api: &Api,
    list: ListRequest<'_>,
    known: impl Fn(&str) -> EndEvidence,
) -> Result<Page, DecodeError> {
    let response: ListResponse<R> = lenient::decode_response(body)?;
    check_success(response.success)?;
    let total = response.total_count.0;
    let rows = response.jobs.rows("Jobs", total)?;
    let rows = rows.into_iter().map(Into::into).collect();
    let read = |mut fields: JobFields<Text>, lookup: GetRequest<'_>| {
        // Lists contain the variables as JSON text.
        let variables = fields.variables.0.take().unwrap_or_default();
        let variables = lenient::parse(variables.as_bytes());
        let variables = variables.and_then(|variables| serde_json::from_value(variables).ok());
        let Map(variables) = variables.unwrap_or_default();
        fields.known = known(lookup.reference.id());
        fields.into_result(variables, api, lookup)
    };
    let page = list.page(total, rows, JobFields::readable_id, read);
    Ok(page.with_request_id(&response.request_id.0))
}

impl<V: Default> JobFields<V> {
    /// Returns the fields of a job that cannot be read, whose end is therefore unclear.
    pub fn unreadable() -> Self {
        Self {
            exit_code: Checked {
                value: Text(None),
                is_unreadable: true,
            },
            ..Self::default()
        }
    }
}

impl<V> JobFields<V> {
    /// Returns the id, from the field of GetJob or that of ListJobs.
    pub fn id(&self) -> Option<&str> {
        let id = self.job_id.value.trimmed();
        id.or_else(|| self.id.value.trimmed())
    }

    /// Returns the id, unless it cannot be read.
    fn readable_id(&self) -> Option<&str> {
        self.id().filter(|_| !self.is_id_unreadable())
    }

    /// Returns `true` if the id cannot be read, or if the two fields differ.
    pub fn is_id_unreadable(&self) -> bool {
        let ids = [&self.job_id, &self.id];
        let differs =
            |id: &Checked<Text>| id.value.trimmed().is_some_and(|id| self.id() != Some(id));
        ids.into_iter().any(|id| id.is_unreadable || differs(id))
    }

    pub fn into_result(
        self,
        variables: BTreeMap<String, Text>,
        api: &Api,
        lookup: GetRequest<'_>,
    ) -> GetResult {
        let GetRequest { reference, options } = lookup;
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [
            &self.create_time,
            &self.submit_time,
            &self.start_time,
            &self.last_modify_time,
        ];
        clock.note_assumed("aliyun", times, &mut notices);
        let word = self.state_word();
        notices.extend(self.differing_states(reference));
        let state = lookup.job_state(word, &mut notices);
        let (request, used) = (&self.resources.0, &self.resources_used.0);
        let shown = |text: &Text| match options.show_secrets {
            true => text.0.clone(),
            false => text.0.as_deref().map(mask_text),
        };
        let value = |value: Text| match options.show_secrets {
            true => value.0,
            false => value.0.map(|_| MASK.to_owned()),
        };
        let details = SchedulerJobDetails {
            command: shown(&self.command_line),
            comment: shown(&self.comment).or_else(|| shown(&self.pbs_comment.value)),
            stdout_path: self.output_log.0.clone().or(self.stdout_path.0.clone()),
            stderr_path: self.error_log.0.clone().or(self.stderr_path.0.clone()),
            nodes: self.node_list.0.clone(),
            node_count: request.nodes.0,
            used: used.resources(),
            used_node_count: used.nodes.0,
            array_job_id: self.array_job_id.value.0.clone(),
            array_request: self.array_request.value.0.clone(),
            variables: variables
                .into_iter()
                .map(|(n, v)| (n, value(v)))
                .collect_map(),
            extra_info: shown(&self.extra_info),
        };
        let mut job = Job {
            name: self.job_name.0.clone(),
            user: self.runas_user.0.as_deref().map(user).map(str::to_owned),
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
            ..state.into_job(job_at(reference, api.region()))
        };
        let evidence = self.evidence();
        self.resolve_state(&mut job, reference.kind, &evidence, options);
        notices.extend(evidence.failed_steps_notice(&job));
        evidence.explain(&mut job, options.show_secrets);
        GetResult { job, notices }
    }

    /// Returns the position of a subtask in its array job. Schedulers have no common format for array jobs as a
    /// whole.
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
}

impl ResourceAmounts {
    fn resources(&self) -> Resources {
        Resources {
            cpu: self.cores.0,
            memory_bytes: self.memory.trimmed().and_then(memory_bytes),
            accelerators: self.gpus.unsigned(),
            ..Resources::default()
        }
    }
}

/// Returns the user of `user@server`.
fn user(owner: &str) -> &str {
    owner.split_once('@').map_or(owner, |(user, _)| user)
}
