//! Converts the responses of GetJob and ListJobs to the model.

mod success;

use std::collections::HashSet;

use super::super::{Api, memory::memory_bytes};
use super::details::{DlcJobDetails, PastPod, PodDetails, PodSpec, ResourceConfig};
use super::{DLC_JOB, POD_STATES};
use crate::collect::CollectExt as _;
use crate::model::Address;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};
use crate::sync::lock;

/// The reason of a job whose run failed.
const JOB_FAILED: &str = "JobFailed";

/// The reason of a job that succeeded.
const JOB_SUCCEEDED: &str = "JobSucceeded";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListResponse {
    request_id: Text,
    total_count: Int,
    jobs: Required<List<DlcJobDetails>>,
}

pub(super) fn decode_job(
    body: &[u8],
    api: &Api,
    lookup: GetRequest<'_>,
) -> Result<GetResult, DecodeError> {
    let GetRequest { reference, options } = lookup;
    let mut details: DlcJobDetails = lenient::decode_response(body)?;
    if details.job_id.value.trimmed() != Some(reference.id()) {
        return Err("the requested JobId".to_owned().into());
    }
    let request_id = details.request_id.0.take();
    let result = details.into_result(api, lookup);
    let mut result = result.with_request_id(request_id);
    raw::attach_masked(&mut result, body, options, mask);
    Ok(result)
}

pub(super) fn decode_list(
    body: &[u8],
    api: &Api,
    list: ListRequest<'_>,
) -> Result<Page, DecodeError> {
    let response: ListResponse = lenient::decode_response(body)?;
    let total = response.total_count.0;
    let rows = response.jobs.rows("Jobs", total)?;
    let complete = ids_of_complete_rows(body);
    let read = |row: DlcJobDetails, lookup: GetRequest<'_>| {
        let mut result = row.into_result(api, lookup);
        if result.job.state == State::Succeeded && !complete.contains(lookup.reference.id()) {
            result.job.unread_cause = Some(Category::InvalidResponse);
        }
        result
    };
    let page = list.page(total, rows, |row| row.job_id.value.trimmed(), read);
    Ok(page.with_request_id(&response.request_id.0))
}

/// Returns the ids of the rows with all fields that can show a failure. A lookup may contain those that a row lacks,
/// whereas null means that, for example, the job has not failed.
fn ids_of_complete_rows(body: &[u8]) -> HashSet<String> {
    let document = lenient::parse(body).unwrap_or_default();
    let rows = document["Jobs"].as_array().into_iter().flatten();
    let is_complete =
        |row: &&Value| -> bool { DLC_JOB.evidence.iter().all(|name| row.get(name).is_some()) };
    let ids = rows.filter(is_complete).map(|row| match &row["JobId"] {
        Value::String(id) => id.trim().to_owned(),
        other => other.to_string(),
    });
    ids.collect()
}

/// Reads the creation time of a job from a response to GetJob.
pub(super) fn created_at(body: &[u8]) -> Result<Option<Time>, String> {
    let details: DlcJobDetails = lenient::decode_response(body)?;
    Ok(details.gmt_create_time.utc())
}

/// Reads the id of a pod before its last restart from a response to GetJob.
pub(super) fn previous_pod(body: &[u8], pod: &str) -> Result<Option<String>, String> {
    let details: DlcJobDetails = lenient::decode_response(body)?;
    let mut pods = details.pods.0.into_iter();
    let found_pod = pods.find(|known| known.pod_id.trimmed() == Some(pod));
    let previous = found_pod.and_then(|pod| {
        let created_at = |past: &PastPod| -> Option<Time> { past.gmt_create_time.utc() };
        pod.history.0.into_iter().max_by_key(created_at)
    });
    Ok(previous.and_then(|past| past.pod_uid.0))
}

/// Masks the fields of a response to GetJob that are masked in the model, and secrets that the model does not
/// contain.
fn mask(document: &mut Value) {
    let Value::Object(fields) = document else {
        if let Value::Array(list) = document {
            list.iter_mut().for_each(mask);
        }
        return;
    };
    for (name, value) in fields.iter_mut() {
        match (name.as_str(), &mut *value) {
            ("Envs" | "CustomEnvs" | "SystemEnvs" | "AssumeUserInfo", Value::Object(envs)) => {
                envs.values_mut().for_each(hide);
            }
            ("Envs" | "CustomEnvs" | "SystemEnvs" | "Auth", value) => hide(value),
            ("UserCommand" | "UserScript", Value::String(text)) => {
                *text = mask_text(text);
            }
            (_, value) => mask(value),
        }
    }
}

fn hide(value: &mut Value) {
    if !value.is_null() && *value != "" {
        *value = MASK.into();
    }
}

impl DlcJobDetails {
    fn into_result(mut self, api: &Api, lookup: GetRequest<'_>) -> GetResult {
        let GetRequest { reference, options } = lookup;
        if let Some(workspace) = self.workspace_id.trimmed() {
            lock(&api.dlc_workspaces).insert(reference.id().to_owned(), workspace.to_owned());
        }
        let mut notices = Vec::new();
        let word = self.status.value.trimmed();
        let state = lookup.job_state(word, &mut notices);
        let contradiction = self.contradiction(state.state, &options.states);
        let is_unread = contradiction.is_some() || self.is_failure_unreadable();
        let has_failed = self.has_failed();
        let is_cause_outdated = self.is_cause_outdated(state.state);
        let finished = [
            &self.gmt_finish_time,
            &self.gmt_successed_time,
            &self.gmt_failed_time.value,
            &self.gmt_stopped_time.value,
        ];
        let finished_at = finished.into_iter().find_map(Timestamp::utc);
        if !options.show_secrets {
            self.mask();
        }
        let Map(tags) = std::mem::take(&mut self.settings.0.tags);
        let pods = std::mem::take(&mut self.pods.0).into_iter();
        let pods = pods.map(|pod| pod.into_task(reference.id(), &self.specs.0));
        let pods = pods.collect();
        let mut reason = self.reason_code.value.0.take();
        let mut message = self.reason_message.value.0.take();
        if is_cause_outdated {
            (reason, message) = (None, None);
        }
        let mut job = Job {
            name: self.display_name.0.take(),
            reason: reason.clone().map(Reason::from),
            message: message.clone(),
            user: self.username.0.take().or_else(|| self.user_id.0.clone()),
            queue: self.resource_id.0.take(),
            priority: self.priority.0,
            labels: tags
                .into_iter()
                .map(|(name, tag)| (name, tag.0))
                .collect_map(),
            created_at: self.gmt_create_time.utc(),
            started_at: self.gmt_running_time.utc(),
            finished_at,
            updated_at: self.gmt_modified_time.utc(),
            resources: Resources {
                cpu: self.cpu.0,
                memory_bytes: quantity(&self.request_memory),
                accelerators: gpu_count(self.gpu),
                ..Resources::default()
            },
            details: Some(Arc::new(self)),
            unread_cause: is_unread.then_some(Category::InvalidResponse),
            ..state.into_job(job_at(reference, api.region()))
        };
        // The pods are added later and do not affect the outcome, because the service replaces failed pods.
        if has_failed {
            let reason = reason.or_else(|| Some(JOB_FAILED.to_owned()));
            states::confirm_success(&mut job, states::FailureCause { reason, message });
        } else if let Some(text) = contradiction {
            states::contradict(&mut job, text);
        } else {
            states::mark_unknown_if_unread(&mut job);
        }
        job.tasks = pods;
        GetResult { job, notices }
    }
}

impl PodDetails {
    /// Converts the pod to a task with the resources of its role.
    fn into_task(mut self, job: &str, specs: &[PodSpec]) -> Task {
        let word = self.status.trimmed();
        let state = states::normalize(POD_STATES, &[], word);
        let spec = specs.iter().find(|spec| spec.r#type == self.role);
        let resources = spec.map(|spec| spec.resource_config.0.resources());
        let ips = std::mem::take(&mut self.pod_ips.0).into_iter();
        let ips = ips.map(|ip| ip.ip).chain([std::mem::take(&mut self.ip)]);
        let mut addresses: Vec<Address> = Vec::new();
        let ips = ips.filter_map(|ip| ip.0);
        for address in ips.map(Address::private) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let name = self.pod_id.trimmed().map(|id| {
            let short = id.strip_prefix(job).and_then(|id| id.strip_prefix('-'));
            short.unwrap_or(id).to_owned()
        });
        Task {
            id: self.pod_id.0.take(),
            name,
            kind: "pod".to_owned(),
            reason: self.sub_status.0.clone().filter(|word| word != "Normal"),
            created_at: self.gmt_create_time.utc(),
            started_at: self.gmt_start_time.utc(),
            finished_at: self.gmt_finish_time.utc().filter(|_| state.ended),
            resources: resources.unwrap_or_default(),
            addresses,
            node: self.node_name.0.take(),
            instance_type: spec.and_then(|spec| spec.ecs_spec.0.clone()),
            restart_policy: spec.and_then(|spec| spec.restart_policy.0.clone()),
            details: Some(Arc::new(self)),
            ..state.into_task()
        }
    }
}

impl ResourceConfig {
    fn resources(&self) -> Resources {
        Resources {
            cpu: self.cpu.0,
            memory_bytes: quantity(&self.memory),
            accelerators: gpu_count(self.gpu),
            accelerator_type: self.gpu_type.0.clone(),
            ..Resources::default()
        }
    }
}

/// Parses a memory size such as `64Gi` to bytes.
pub(super) fn quantity(text: &Text) -> Option<u64> {
    let text = text.trimmed()?;
    memory_bytes(&format!("{}b", text.strip_suffix('i')?))
}

/// Converts a number of GPUs; `None` for a fraction.
fn gpu_count(number: Num) -> Option<u64> {
    let whole = number
        .0
        .filter(|number| number.fract() == 0.0 && (0.0..1e9).contains(number));
    whole.map(|number| number as u64)
}
