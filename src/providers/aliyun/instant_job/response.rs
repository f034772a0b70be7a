//! Converts the responses of GetJob and ListJobs to the model.

use super::super::Api;
use super::STATES;
use super::details::{InstantJobDetails, TaskDescription};
use crate::collect::CollectExt as _;
use crate::providers::prelude::*;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobResponse {
    request_id: Text,
    job_info: Required<OptionalObject<InstantJobDetails>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListResponse {
    request_id: Text,
    total_count: Int,
    job_list: Required<List<InstantJobDetails>>,
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
    let Required::Present(OptionalObject(Some(details))) = response.job_info else {
        return Err("JobInfo".to_owned().into());
    };
    if details.job_id.value.trimmed() != Some(lookup.reference.id()) {
        return Err("the requested JobId".to_owned().into());
    }
    let missing_executors = details.missing_executors();
    let result = details.into_result(api, lookup);
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
    let read = |row: InstantJobDetails, lookup: GetRequest<'_>| row.into_result(api, lookup);
    let page = list.page(total, rows, |row| row.job_id.value.trimmed(), read);
    Ok(page.with_request_id(&response.request_id.0))
}

impl InstantJobDetails {
    /// Describes which executors are missing: every task has at least one, and an array job one for each index.
    fn missing_executors(&self) -> Option<String> {
        let List(tasks) = &self.tasks;
        if tasks.is_empty() {
            return Some("it has no tasks".to_owned());
        }
        tasks.iter().find_map(|task| {
            let listed = task.executor_status.0.len() as u64;
            let DefaultObject(policy) = &task.executor_policy;
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

    fn into_result(mut self, api: &Api, lookup: GetRequest<'_>) -> GetResult {
        let GetRequest { reference, options } = lookup;
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [&self.create_time, &self.start_time, &self.end_time];
        clock.note_assumed("aliyun", times, &mut notices);
        let word = self.status.value.trimmed();
        let state = lookup.job_state(word, &mut notices);
        let reason = word.and_then(cause).map(Reason::from);
        if !options.show_secrets {
            self.mask();
        }
        let DefaultObject(placement) = &mut self.deployment_policy;
        let own_tags = std::mem::take(&mut self.tags.0).into_iter();
        let tags = own_tags.chain(std::mem::take(&mut placement.tags.0));
        let labels = tags.filter_map(|tag| Some((tag.tag_key.0?, tag.tag_value.0)));
        let tasks = self.tasks.0.iter_mut();
        let tasks = tasks.flat_map(|task| task.take_executors(reference, api));
        let mut job = Job {
            name: self.job_name.0.take(),
            reason,
            user: self.owner_uid.0.take(),
            queue: placement.pool.0.take(),
            priority: placement.priority.0,
            labels: labels.collect_map(),
            created_at: clock.at(&self.create_time),
            started_at: clock.at(&self.start_time),
            finished_at: clock.at(&self.end_time).filter(|_| state.ended),
            tasks: tasks.collect(),
            ..state.into_job(job_at(reference, api.region()))
        };
        job.details = Some(Arc::new(self));
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

impl TaskDescription {
    /// Converts the executors to tasks of the job and removes them from the details.
    fn take_executors(&mut self, reference: &Reference, api: &Api) -> Vec<Task> {
        let clock = api.clock;
        let name = self.task_name.0.as_deref();
        let DefaultObject(machine) = &self.task_spec.0.resource;
        let executors = std::mem::take(&mut self.executor_status.0).into_iter();
        let executors = executors.map(|executor| {
            let word = executor.status.trimmed();
            let state = states::normalize(STATES, &[], word);
            let id = name.zip(executor.array_id.0);
            Task {
                id: id.map(|(name, index)| format!("{}-{name}-{index}", reference.id())),
                name: id.map(|(name, index)| format!("{name}-{index}")),
                kind: "executor".to_owned(),
                reason: word.and_then(cause),
                message: executor.status_reason.0,
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
