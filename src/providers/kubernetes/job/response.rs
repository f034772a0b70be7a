//! Converts a job from the format of the API to the model.

mod contradiction;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Api;
use super::super::conditions::{Condition, Conditions};
use super::super::container::{self, containers};
use super::super::evidence::{CheckedObject, object};
use super::super::job_pods::JobPods;
use super::super::object::{ApiObject, ObjectMeta, QUEUE_LABEL};
use super::super::parts::Owner;
use super::super::pod::PodTemplate;
use super::super::selector::Selector;
use super::super::watch::JOB_LABEL;
use super::{STATES, indexes};
use crate::model::Array;
use crate::providers::prelude::*;
use contradiction::contradiction;

/// A job.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct JobObject {
    pub metadata: DefaultObject<ObjectMeta>,
    spec: CheckedObject<JobSpec>,
    status: Required<OptionalObject<JobStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JobSpec {
    parallelism: Int,
    completions: Checked<Int>,
    completion_mode: Checked<Text>,
    backoff_limit: Int,
    backoff_limit_per_index: Int,
    max_failed_indexes: Int,
    active_deadline_seconds: Int,
    ttl_seconds_after_finished: Int,
    suspend: Checked<Flag>,
    managed_by: Text,
    selector: DefaultObject<Selector>,
    template: DefaultObject<PodTemplate>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JobStatus {
    conditions: Conditions,
    start_time: Checked<Timestamp>,
    completion_time: Timestamp,
    active: Checked<Int>,
    ready: Int,
    succeeded: Checked<Int>,
    failed: Checked<Int>,
    terminating: Int,
    completed_indexes: Checked<Text>,
    failed_indexes: Checked<Text>,
}

/// Fields of Kubernetes jobs.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesJob")]
pub struct JobDetails {
    /// How many pods run at the same time.
    pub parallelism: Option<i64>,
    /// How many pods must succeed; null for a work queue.
    pub completions: Option<i64>,
    /// `NonIndexed` or `Indexed`.
    pub completion_mode: Option<String>,
    /// How many pods can fail; null if only the pods of each index are limited.
    pub backoff_limit: Option<i64>,
    /// How many pods of each index can fail.
    pub backoff_limit_per_index: Option<i64>,
    /// How many indexes can fail.
    pub max_failed_indexes: Option<i64>,
    /// Time limit of the job, in seconds.
    pub active_deadline_seconds: Option<i64>,
    /// Time from its end to its deletion, in seconds.
    pub ttl_seconds_after_finished: Option<i64>,
    /// The controller that runs it instead of the default one.
    pub managed_by: Option<String>,
    /// Pods that are not terminating.
    pub active: Option<i64>,
    /// Pods that are ready.
    pub ready: Option<i64>,
    /// Pods that have succeeded.
    pub succeeded: Option<i64>,
    /// Pods that have failed, of all indexes.
    pub failed: Option<i64>,
    /// Pods that are terminating.
    pub terminating: Option<i64>,
    /// Indexes that are complete: `0-2,5`.
    pub completed_indexes: Option<String>,
    /// Number of these indexes.
    pub completed_index_count: Option<u64>,
    /// Indexes that have failed.
    pub failed_indexes: Option<String>,
    /// Number of these indexes.
    pub failed_index_count: Option<u64>,
}

impl ApiObject for JobObject {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata.0
    }
}

impl JobObject {
    pub fn uid(&self) -> Option<String> {
        self.metadata.0.uid.0.clone()
    }

    /// Returns how its pods are recognized: by its selector, which it takes, or by the name of the job if it has
    /// none. The pods of a job with its own selector (`manualSelector`) need not have the label with the name.
    pub fn pods(&mut self, namespace: &str) -> JobPods {
        let meta = &self.metadata.0;
        let name = meta.name.value.trimmed().unwrap_or_default();
        let mut selector = std::mem::take(&mut self.spec.value.selector.0);
        if selector.text().is_empty() {
            selector = Selector::of_label(JOB_LABEL, name);
        }
        let labels = &self.spec.value.template.0.metadata.0.labels.0;
        let of_template = labels.get(JOB_LABEL).and_then(Text::trimmed);
        let has_name_label = of_template == Some(name) || selector.requires(JOB_LABEL, name);
        let owner = Owner::new("Job", meta);
        JobPods::new(namespace, name, selector, owner, has_name_label)
    }

    /// Returns the indexes that have failed.
    pub fn failed_indexes(&self) -> Option<String> {
        let (Required::Present(OptionalObject(Some(status))), true) =
            (&self.status, self.spec.value.is_indexed())
        else {
            return None;
        };
        status.failed_indexes.value.0.clone()
    }

    /// Converts the job, without its pods.
    pub fn into_result(self, reference: &Reference, api: &Api) -> GetResult {
        let DefaultObject(mut meta) = self.metadata;
        let (status, is_status_readable) = object(self.status);
        let contradiction = contradiction(&meta, &self.spec, &status);
        let mut spec = self.spec.value;
        let (word, condition) = word(&meta, &spec, &status);
        let undecided = match is_status_readable {
            false => Some("the status cannot be read".to_owned()),
            true => {
                let decides = |kind: &str| STATES.iter().any(|(word, _)| *word == kind);
                let failure = condition.and((word == "Failed").then_some(word));
                status.conditions.undecided(decides, failure)
            }
        };
        let is_readable = undecided.is_none();
        let known = is_readable.then_some(word);
        let state = states::normalize(STATES, &[], known);
        let condition = condition.filter(|_| is_readable);
        let finished_at = match state.state {
            State::Succeeded => status.completion_time.utc(),
            _ => condition.and_then(Condition::since),
        };
        let managed_by = spec.managed_by.trimmed();
        let waits = condition.is_none() && !status.has_started();
        let manager = managed_by.filter(|_| waits && state.state == State::Pending);
        let manager = manager.map(|name| format!("waits for its controller {name}"));
        let template = std::mem::take(&mut spec.template.0.spec.0.containers);
        let template = containers(template, List::default(), false);
        let labels = meta.labels();
        let mut job = Job {
            name: meta.name.value.0.clone(),
            state_raw: condition.map(|_| word.to_owned()),
            reason: match (word, condition) {
                ("Suspended", _) if is_readable => Some(word.into()),
                (_, condition) => condition
                    .and_then(|condition| condition.reason.value.0.clone())
                    .map(Reason::from),
            },
            message: condition
                .and_then(|condition| condition.message.0.clone())
                .or(manager),
            queue: labels.get(QUEUE_LABEL).cloned().flatten(),
            labels,
            created_at: meta.creation_timestamp.utc(),
            started_at: status.start_time.value.utc(),
            has_started: status.has_had_pods(),
            finished_at,
            resources: container::total(&template),
            array: spec.array(),
            has_subtask_events: true,
            details: Some(Arc::new(details(&spec, &status))),
            uid: meta.uid.0.clone(),
            ..state.into_job(job_at(reference, Some(api.host())))
        };
        if let Some(text) = undecided.or(contradiction) {
            states::contradict(&mut job, text);
        }
        let notices = Vec::new();
        GetResult { job, notices }
    }
}

impl JobStatus {
    /// Returns `true` if the job has had pods that are no longer active.
    fn has_had_pods(&self) -> bool {
        let counts = [&self.succeeded.value, &self.failed.value, &self.terminating];
        counts
            .iter()
            .any(|count| count.0.is_some_and(|count| count > 0))
    }

    /// Returns `true` if the job has a start time, even one that cannot be read.
    fn has_started(&self) -> bool {
        self.start_time.is_unreadable || self.start_time.value.utc().is_some()
    }
}

impl JobSpec {
    fn is_indexed(&self) -> bool {
        self.completion_mode.value.trimmed() == Some("Indexed")
    }

    /// Returns how many pods can fail. The API sets the largest number if only the pods of each index are
    /// counted.
    fn backoff_limit(&self) -> Option<i64> {
        let is_per_index = self.backoff_limit_per_index.0.is_some();
        let limit = self.backoff_limit.0;
        limit.filter(|limit| !is_per_index || *limit < i64::from(i32::MAX))
    }

    fn array(&self) -> Option<Array> {
        let completions = self.completions.value.0.filter(|_| self.is_indexed());
        completions.filter(|count| *count > 0).map(|count| Array {
            start: Some(0),
            end: Some(count - 1),
            step: Some(1),
            index: None,
        })
    }
}

fn details(spec: &JobSpec, status: &JobStatus) -> JobDetails {
    JobDetails {
        parallelism: spec.parallelism.0,
        completions: spec.completions.value.0,
        completion_mode: spec.completion_mode.value.0.clone(),
        backoff_limit: spec.backoff_limit(),
        backoff_limit_per_index: spec.backoff_limit_per_index.0,
        max_failed_indexes: spec.max_failed_indexes.0,
        active_deadline_seconds: spec.active_deadline_seconds.0,
        ttl_seconds_after_finished: spec.ttl_seconds_after_finished.0,
        managed_by: spec.managed_by.0.clone(),
        active: status.active.value.0,
        ready: status.ready.0,
        succeeded: status.succeeded.value.0,
        failed: status.failed.value.0,
        terminating: status.terminating.0,
        completed_index_count: indexes::count(&status.completed_indexes.value),
        completed_indexes: status.completed_indexes.value.0.clone(),
        failed_index_count: indexes::count(&status.failed_indexes.value),
        failed_indexes: status.failed_indexes.value.0.clone(),
    }
}

/// Returns the word for the state of a job, with the condition if the word is its type.
fn word<'a>(
    meta: &ObjectMeta,
    spec: &JobSpec,
    status: &'a JobStatus,
) -> (&'static str, Option<&'a Condition>) {
    let condition = |word: &'static str| Some((word, Some(status.conditions.find_true(word)?)));
    let is_more_than_0 = |count: &Int| count.0.is_some_and(|count| count > 0);
    let derived = |word: &'static str, is: bool| is.then_some((word, None));
    // No pod is created then, but one can still run.
    let is_paused = spec.parallelism.0 == Some(0) && !is_more_than_0(&status.terminating);
    condition("Complete")
        .or_else(|| condition("Failed"))
        .or_else(|| derived("Terminating", meta.is_deleted()))
        .or_else(|| condition("FailureTarget"))
        .or_else(|| condition("SuccessCriteriaMet"))
        .or_else(|| condition("Suspended"))
        .or_else(|| derived("Suspended", spec.suspend.value.0 == Some(true)))
        .or_else(|| derived("Pending", !status.has_started()))
        .or_else(|| derived("Running", is_more_than_0(&status.ready)))
        .or_else(|| derived("Starting", is_more_than_0(&status.active.value)))
        // Between two pods, such as before a retry, or while one is stopped before it is replaced.
        .or_else(|| derived("Starting", status.has_had_pods() && !is_paused))
        .unwrap_or(("Pending", None))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_with_an_unreadable_start_time_has_started() {
        let of = |status: Value| -> &str {
            let status = serde_json::from_value(status).unwrap();
            word(&ObjectMeta::default(), &JobSpec::default(), &status).0
        };
        assert_eq!(of(json!({"startTime": "soon", "ready": 1})), "Running");
        assert_eq!(of(json!({"startTime": 12345, "ready": 1})), "Running");
        assert_eq!(of(json!({"ready": 1})), "Pending");
    }

    #[test]
    fn a_job_between_two_pods_waits_for_the_next_one() {
        let of = |count: &str, number: i64, spec: Value| {
            let status = json!({"startTime": "2026-11-27T20:00:00Z", "active": 0, count: number});
            let status = serde_json::from_value(status).unwrap();
            let spec = serde_json::from_value(spec).unwrap();
            word(&ObjectMeta::default(), &spec, &status).0
        };
        let paused = || json!({"parallelism": 0});
        for count in ["failed", "succeeded", "terminating"] {
            assert_eq!(of(count, 1, json!({})), "Starting", "{count}");
            assert_eq!(of(count, 0, json!({})), "Pending", "{count}");
            assert_eq!(of(count, 0, paused()), "Pending", "{count}");
        }
        assert_eq!(of("succeeded", 1, paused()), "Pending");
        assert_eq!(of("terminating", 1, paused()), "Starting");
    }

    #[test]
    fn retries_are_limited_for_each_index_or_for_the_whole_job() {
        let limits = |spec: Value| {
            let spec: JobSpec = serde_json::from_value(spec).unwrap();
            let details = details(&spec, &JobStatus::default());
            (details.backoff_limit, details.backoff_limit_per_index)
        };
        let largest = i32::MAX;
        let per_index = json!({"backoffLimit": largest, "backoffLimitPerIndex": 1});
        assert_eq!(limits(per_index), (None, Some(1)));
        let both = json!({"backoffLimit": 9, "backoffLimitPerIndex": 0});
        assert_eq!(limits(both), (Some(9), Some(0)));
        let of_job = json!({"backoffLimit": largest});
        assert_eq!(limits(of_job), (Some(i64::from(largest)), None));
    }
}
