//! Converts the responses of GetJob and ListJobs to the model.

use super::super::Api;
use super::STATES;
use super::details::{InstantJobDetails, Machine};
use crate::collect::CollectExt as _;
use crate::providers::prelude::*;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobResponse {
    request_id: Text,
    job_info: Required<OptionalObject<JobFields>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListResponse {
    request_id: Text,
    total_count: Int,
    job_list: Required<List<JobFields>>,
}

/// The same responses, deserialized a second time for `details`, which have their own type.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DetailResponse {
    job_info: DefaultObject<InstantJobDetails>,
    job_list: List<InstantJobDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobFields {
    job_id: Checked<Text>,
    job_name: Text,
    status: Checked<Text>,
    owner_uid: Text,
    create_time: Timestamp,
    start_time: Timestamp,
    end_time: Timestamp,
    tags: List<Tag>,
    deployment_policy: DefaultObject<Placement>,
    tasks: List<TaskFields>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Placement {
    pool: Text,
    priority: Int,
    tags: List<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Tag {
    tag_key: Text,
    tag_value: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TaskFields {
    task_name: Text,
    executor_status: List<Executor>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Executor {
    array_id: Int,
    status: Text,
    status_reason: Text,
    create_time: Timestamp,
    start_time: Timestamp,
    end_time: Timestamp,
}

/// A job in the response of GetJob.
pub(super) struct InstantJob {
    pub result: GetResult,
    /// Which executors the response lacks.
    pub missing_executors: Option<String>,
}

pub(super) fn decode_job(
    body: &[u8],
    api: &Api,
    lookup: GetRequest<'_>,
) -> Result<InstantJob, DecodeError> {
    let response: JobResponse = lenient::decode_response(body)?;
    let Required::Present(OptionalObject(Some(fields))) = response.job_info else {
        return Err("JobInfo".to_owned().into());
    };
    if fields.job_id.value.trimmed() != Some(lookup.reference.id()) {
        return Err("the requested JobId".to_owned().into());
    }
    let details: DetailResponse = lenient::decode_response(body)?;
    let missing_executors = fields.missing_executors(&details.job_info.0);
    let result = fields.into_result(details.job_info.0, api, lookup);
    let result = result.with_request_id(response.request_id.0);
    Ok(InstantJob {
        result: result.with_raw(body, lookup.options),
        missing_executors,
    })
}

pub(super) fn decode_list(
    body: &[u8],
    api: &Api,
    list: ListRequest<'_>,
) -> Result<Page, DecodeError> {
    let response: ListResponse = lenient::decode_response(body)?;
    // The total can be missing.
    let total = response.total_count.0;
    let rows = response.job_list.rows("JobList", total)?;
    let details: DetailResponse = lenient::decode_response(body)?;
    let rows = rows.into_iter().zip(details.job_list.0).collect();
    let read = |(row, details): (JobFields, InstantJobDetails), lookup: GetRequest<'_>| {
        row.into_result(details, api, lookup)
    };
    let page = list.page(total, rows, |(row, _)| row.job_id.value.trimmed(), read);
    Ok(page.with_request_id(&response.request_id.0))
}

impl JobFields {
    /// Describes which executors are missing: every task has at least one, and an array job one for each index.
    fn missing_executors(&self, details: &InstantJobDetails) -> Option<String> {
        let List(tasks) = &self.tasks;
        if tasks.is_empty() {
            return Some("it has no tasks".to_owned());
        }
        tasks
            .iter()
            .zip(&details.tasks.0)
            .find_map(|(task, details)| {
                let listed = task.executor_status.0.len() as u64;
                let DefaultObject(policy) = &details.executor_policy;
                let needed = policy.array_spec.0.count().unwrap_or(1);
                let name = task.task_name.trimmed().unwrap_or("a task");
                if listed < needed {
                    return Some(format!("{name} has {listed} of {needed} executors"));
                }
                let executors = task.executor_status.0.iter();
                let indices = executors
                    .filter_map(|executor| executor.array_id.0)
                    .collect();
                let missing = policy.array_spec.0.first_missing(&indices)?;
                Some(format!("{name} has no executor with the index {missing}"))
            })
    }

    fn into_result(
        self,
        mut details: InstantJobDetails,
        api: &Api,
        lookup: GetRequest<'_>,
    ) -> GetResult {
        let GetRequest { reference, options } = lookup;
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [&self.create_time, &self.start_time, &self.end_time];
        clock.note_assumed("aliyun", times, &mut notices);
        let word = self.status.value.trimmed();
        let state = states::normalize(STATES, &options.states, word);
        notices.extend(state.unknown_state_notice("aliyun/instant-job"));
        if !options.show_secrets {
            details.mask();
        }
        let DefaultObject(placement) = self.deployment_policy;
        let tags = self.tags.0.into_iter().chain(placement.tags.0);
        let labels = tags.filter_map(|tag| Some((tag.tag_key.0?, tag.tag_value.0)));
        let machines = details.tasks.0.iter();
        let machines = machines.map(|task| &task.task_spec.0.resource.0);
        let tasks = self.tasks.0.into_iter().zip(machines);
        let tasks = tasks.flat_map(|(task, machine)| task.into_tasks(machine, reference, api));
        let mut job = Job {
            name: self.job_name.0,
            reason: word.and_then(cause).map(Reason::from),
            user: self.owner_uid.0,
            queue: placement.pool.0,
            priority: placement.priority.0,
            labels: labels.collect_map(),
            created_at: clock.at(&self.create_time),
            started_at: clock.at(&self.start_time),
            finished_at: clock.at(&self.end_time).filter(|_| state.ended),
            tasks: tasks.collect(),
            ..state.into_job(job_at(reference, api.region()))
        };
        job.details = Some(Arc::new(details));
        // The response has a message for executors only.
        if !matches!(job.state, State::Running | State::Succeeded) {
            let mut alike = job.tasks.iter().filter(|task| task.state == job.state);
            job.message = alike.find_map(|task| task.message.clone());
        }
        GetResult { job, notices }
    }
}

/// Returns the state word if it is also the reason: `Expired` means that the time to start is over.
fn cause(word: &str) -> Option<String> {
    let is_cause = word.eq_ignore_ascii_case("Expired");
    is_cause.then(|| word.to_owned())
}

impl TaskFields {
    fn into_tasks(self, machine: &Machine, reference: &Reference, api: &Api) -> Vec<Task> {
        let clock = api.clock;
        let name = self.task_name.0;
        let executors = self.executor_status.0.into_iter().map(|executor| {
            let word = executor.status.trimmed();
            let state = states::normalize(STATES, &[], word);
            let id = name.as_deref().zip(executor.array_id.0);
            Task {
                id: id.map(|(name, index)| format!("{}-{name}-{index}", reference.id())),
                name: id.map(|(name, index)| format!("{name}-{index}")),
                kind: "executor".to_owned(),
                reason: word.and_then(cause),
                message: executor.status_reason.0.clone(),
                created_at: clock.at(&executor.create_time),
                started_at: clock.at(&executor.start_time),
                finished_at: clock.at(&executor.end_time).filter(|_| state.ended),
                resources: Resources {
                    cpu: machine.cores.0,
                    memory_bytes: machine.memory.times(1 << 30),
                    ..Resources::default()
                },
                ..state.into_task()
            }
        });
        executors.collect()
    }
}
