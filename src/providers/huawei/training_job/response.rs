//! Decodes responses about training jobs.

mod success;

use chrono::TimeDelta;

use super::super::error_body::contradict_by_message;
use super::details::{Algorithm, Amount, Resource, RunningRecord, TrainingJobDetails};
use crate::collect::CollectExt as _;
use crate::model::failed_tasks;
use crate::providers::lenient::Words;
use crate::providers::mask::mask_named;
use crate::providers::prelude::*;
use crate::providers::states::ExitOutcome;
use success::check_success;

/// A job in the response of a lookup or list.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TrainingJob {
    kind: Text,
    metadata: DefaultObject<Metadata>,
    status: DefaultObject<Status>,
    algorithm: DefaultObject<Algorithm>,
    spec: DefaultObject<Spec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    id: Checked<Text>,
    name: Text,
    description: Text,
    create_time: Timestamp,
    workspace_id: Text,
    user_name: Text,
    annotations: Map<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: Checked<Text>,
    secondary_phase: Text,
    /// In milliseconds.
    duration: Int,
    start_time: Timestamp,
    tasks: Words,
    task_statuses: List<TaskStatus>,
    running_records: List<RunningRecord>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TaskStatus {
    task: Text,
    exit_code: Int,
    message: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    resource: DefaultObject<Resource>,
    schedule_policy: DefaultObject<SchedulePolicy>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SchedulePolicy {
    priority: Int,
    preemptible: Flag,
}

/// A page of the list.
pub(super) struct JobPage {
    pub rows: Vec<TrainingJob>,
    /// The actual page size, if the cloud changed it.
    limit: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListResponse {
    limit: Int,
    total: Int,
    items: Required<List<TrainingJob>>,
}

impl JobPage {
    /// Decodes a page.
    ///
    /// # Errors
    /// An error if the response is not a list.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        let response: ListResponse = lenient::decode_response(body)?;
        // The counts in the response cover all jobs of the user, or are not documented; only 0 is conclusive.
        let total = response.total.0.filter(|total| *total == 0);
        let rows = response.items.rows("items", total)?;
        let limit = response
            .limit
            .not_zero()
            .and_then(|limit| usize::try_from(limit).ok());
        Ok(Self { rows, limit })
    }

    /// Returns the cursor of the next page; `None` if this page is not full.
    pub fn next(&self, cursor: Cursor, size: usize) -> Option<Cursor> {
        let size = self.limit.map_or(size, |limit| limit.clamp(1, size));
        let is_full = self.rows.len() >= size;
        cursor
            .after(self.rows.len(), Some(u64::MAX))
            .filter(|_| is_full)
    }
}

pub(super) fn decode_job(
    body: &[u8],
    lookup: GetRequest<'_>,
    region: Option<&str>,
) -> Result<GetResult, String> {
    let GetRequest { reference, options } = lookup;
    let job: TrainingJob = lenient::decode_response(body)?;
    if job.metadata.0.id.value.trimmed() != Some(reference.id()) {
        return Err("the requested metadata.id".to_owned());
    }
    let mut result = job.into_result(lookup, region, true);
    contradict_by_message(&mut result.job, body);
    raw::attach_masked(&mut result, body, options, |document| {
        let secrets = ["environments", "task_urls"];
        mask_named(document, &secrets, &["command", "description", "value"]);
    });
    Ok(result)
}

impl TrainingJob {
    pub fn id(&self) -> Option<&str> {
        self.metadata.0.id.value.trimmed()
    }

    /// Converts a row of a list, which can lack exit codes.
    pub fn into_row(self, lookup: GetRequest<'_>, region: Option<&str>) -> GetResult {
        self.into_result(lookup, region, false)
    }

    fn into_result(
        mut self,
        lookup: GetRequest<'_>,
        region: Option<&str>,
        has_exit_codes: bool,
    ) -> GetResult {
        let mut notices = Vec::new();
        let status = std::mem::take(&mut self.status.0);
        let unconfirmed_reason = status.unconfirmed_reason(has_exit_codes);
        let unrecognized_phase = status.unrecognized_phase();
        let mut job = self.into_job(status, lookup, region, &mut notices);
        check_success(
            &mut job,
            unconfirmed_reason,
            unrecognized_phase,
            &mut notices,
        );
        GetResult { job, notices }
    }

    fn into_job(
        self,
        status: Status,
        lookup: GetRequest<'_>,
        region: Option<&str>,
        notices: &mut Vec<Notice>,
    ) -> Job {
        let (metadata, spec) = (self.metadata.0, self.spec.0);
        let word = status.phase.value.trimmed();
        let state = lookup.job_state(word, notices);
        let secondary = status.secondary_phase.trimmed();
        // The word for a success explains nothing.
        let known = [word, Some("Completed")];
        let is_known = |secondary: &str| {
            let mut known = known.into_iter().flatten();
            known.any(|word| word.eq_ignore_ascii_case(secondary))
        };
        let reason = secondary.filter(|secondary| !is_known(secondary));
        let tasks = status.tasks(state.state);
        let message = (state.state == State::Failed).then(|| status.cause(&tasks));
        let mut details = TrainingJobDetails {
            job_type: self.kind,
            secondary_phase: status.secondary_phase.clone(),
            description: metadata.description,
            workspace_id: metadata.workspace_id,
            algorithm: self.algorithm.0,
            preemptible: spec.schedule_policy.0.preemptible,
            ..TrainingJobDetails::default()
        };
        if !lookup.options.show_secrets {
            details.mask();
        }
        let started_at = status.start_time.utc();
        let duration = status.duration.0.and_then(TimeDelta::try_milliseconds);
        let end = |start: Time| Time::new(start.to_datetime().checked_add_signed(duration?)?);
        details.resource = spec.resource.0;
        let resource = &details.resource;
        let job = Job {
            name: metadata.name.0,
            reason: reason.map(Reason::from),
            message: message.flatten(),
            exit_code: status.exit_code(state.state, &tasks),
            user: metadata.user_name.0,
            queue: resource.pool_name.or(&resource.pool_id),
            priority: spec.schedule_policy.0.priority.0,
            labels: metadata
                .annotations
                .0
                .into_iter()
                .map(|(name, Text(text))| (name, text))
                .collect_map(),
            created_at: metadata.create_time.utc(),
            started_at,
            finished_at: started_at.and_then(end),
            resources: resource.resources(),
            tasks,
            ..state.into_job(job_at(lookup.reference, region))
        };
        details.running_records = status.running_records;
        Job {
            details: Some(Arc::new(details)),
            ..job
        }
    }
}

/// Returns the first failed task with an exit code other than 0; it explains the failure.
fn failed_task(tasks: &[Task]) -> Option<&Task> {
    let mut failed = failed_tasks(tasks).into_iter();
    failed.find(|task| task.exit_code.is_some_and(|code| code != 0))
}

impl Status {
    /// Describes in a sentence why the job failed.
    fn cause(&self, tasks: &[Task]) -> Option<String> {
        let Some(task) = failed_task(tasks) else {
            let run = self.last_run()?;
            let reason = run.end_reason.trimmed()?;
            let task = run.end_related_task.trimmed();
            return Some(
                task.map_or_else(|| reason.to_owned(), |task| format!("{task}: {reason}")),
            );
        };
        let name = task.id.as_deref().unwrap_or("a task");
        let code = task.exit_code.unwrap_or_default();
        Some(match &task.message {
            Some(message) => format!("{name}: {message} (exit code {code})"),
            None => format!("{name}: exit code {code}"),
        })
    }

    /// Returns the run that began last, whatever the order of the list.
    fn last_run(&self) -> Option<&RunningRecord> {
        let runs = self.running_records.0.iter();
        runs.max_by_key(|run| run.started_at)
    }

    /// Returns the exit code of the failed task; 0 if the job is completed and all tasks have exit code 0.
    fn exit_code(&self, state: State, tasks: &[Task]) -> Option<i64> {
        let mut codes = self.task_statuses.0.iter().map(|task| task.exit_code.0);
        let has_codes = !self.task_statuses.0.is_empty();
        let is_all_zero = has_codes && codes.all(|code| code == Some(0));
        let failed = failed_task(tasks).and_then(|task| task.exit_code);
        failed.or((state == State::Succeeded && is_all_zero).then_some(0))
    }

    /// Returns the tasks. The cloud reports their names and, when they have ended, their exit codes.
    fn tasks(&self, job: State) -> Vec<Task> {
        let statuses = &self.task_statuses.0;
        let mut names: Vec<&str> = self.tasks.0.iter().map(String::as_str).collect();
        let others = statuses.iter().map(|task| task.task.0.as_deref());
        names.extend(others.map(Option::unwrap_or_default));
        let mut known = std::collections::HashSet::new();
        // A status with an exit code may lack a task name.
        names.retain(|name| known.insert(*name));
        let task = |name: &str| {
            let of_name = |task: &&TaskStatus| task.task.0.as_deref().unwrap_or_default() == name;
            let statuses = || statuses.iter().filter(of_name);
            // If a task has several statuses, a failed one takes precedence.
            let failed = statuses().find(|task| task.exit_code.not_zero().is_some());
            let status = failed.or_else(|| statuses().next());
            let exit_code = status.and_then(|task| task.exit_code.0);
            let state = match exit_code {
                None if State::ACTIVE.contains(&job) => job,
                code => ExitOutcome::from_exit_code(code).state(),
            };
            Task {
                id: Some(name.to_owned()).filter(|name| !name.is_empty()),
                kind: "task".to_owned(),
                state,
                ended: exit_code.is_some(),
                message: status.and_then(|task| task.message.0.clone()),
                exit_code,
                ..Task::default()
            }
        };
        names.into_iter().map(task).collect()
    }
}

impl Resource {
    /// Returns the total resources of all machines.
    fn resources(&self) -> Resources {
        let flavor = &self.flavor_detail.0.flavor_info.0;
        let nodes = self.node_count.unsigned().filter(|nodes| *nodes > 0);
        let all = |amount: Option<u64>| amount?.checked_mul(nodes?);
        let has_units = |cards: &&Amount| cards.unit_num.not_zero().is_some();
        let mut cards = [&flavor.gpu.0, &flavor.npu.0].into_iter();
        let cards = cards.find(has_units);
        let memory = &flavor.memory.0;
        let unit: Option<u64> = match memory.unit.trimmed() {
            Some("GB") => Some(1 << 30),
            Some("MB") => Some(1 << 20),
            _ => None,
        };
        let bytes = memory.size.unsigned().zip(unit);
        Resources {
            cpu: flavor
                .cpu
                .0
                .core_num
                .0
                .zip(nodes)
                .map(|(cores, nodes)| cores * nodes as f64),
            memory_bytes: all(bytes.and_then(|(size, unit)| size.checked_mul(unit))),
            accelerators: all(cards.and_then(|cards| cards.unit_num.unsigned())),
            accelerator_type: cards.and_then(|cards| cards.product_name.0.clone()),
            ..Resources::default()
        }
    }
}
