//! Decodes responses about TI-ONE tasks, their pods and events.

use super::details::{Role, TrainingTask};
use super::{LIST, MAX_EVENTS, POD_STATES, TIONE};
use crate::collect::CollectExt as _;
use crate::model::{Address, Event, Object};
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::providers::products::Product;
use crate::providers::tencent::{Api, list::Row};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TaskResponse {
    training_task_detail: Required<OptionalObject<TrainingTask>>,
    request_id: Text,
}

impl TaskResponse {
    /// Returns the task and the id of the request.
    ///
    /// # Errors
    /// An error if the response contains no task, or another one.
    pub fn read(
        self,
        reference: &Reference,
    ) -> Result<(TrainingTask, Option<String>), DecodeError> {
        let Required::Present(OptionalObject(Some(task))) = self.training_task_detail else {
            return Err("an object TrainingTaskDetail".to_owned().into());
        };
        match task.id.value.trimmed() {
            Some(id) if id == reference.id() => {
                let mut task = task;
                // In a lookup, a missing reason means that there is none; an unreadable reason is evidence of a
                // failure.
                task.failure_reason.is_unreadable = false;
                Ok((*task, self.request_id.0))
            }
            _ => Err("the requested Id".to_owned().into()),
        }
    }
}

impl Row for TrainingTask {
    const PRODUCT: &'static Product = &TIONE;
    const OPERATION: &'static str = LIST.name;
    const FIELD: &'static str = "TrainingTaskSet";
    const PAGE_SIZE: usize = 50;
    const IS_UNSORTED: bool = false;

    fn id(&self) -> Option<&str> {
        self.id.value.trimmed()
    }

    fn into_result(mut self, api: &Api, lookup: GetRequest<'_>) -> GetResult {
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [
            &self.create_time,
            &self.start_time,
            &self.end_time,
            &self.update_time,
        ];
        clock.note_assumed("tencent", times, &mut notices);
        let word = self.status.value.trimmed();
        let state = lookup.job_state(word, &mut notices);
        if !lookup.options.show_secrets {
            self.mask();
        }
        let failure = states::failure(self.failure_reason.value.clone());
        let tags = std::mem::take(&mut self.tags.0).into_iter();
        let region = self.region.0.take();
        let mut job = Job {
            name: self.name.0.take(),
            message: failure.clone().or(self.message.value.0.clone()),
            user: self.sub_uin_name.or(&self.sub_uin),
            queue: self.resource_group_name.or(&self.resource_group_id),
            labels: tags
                .filter_map(|tag| Some((tag.tag_key.0?, tag.tag_value.0)))
                .collect_map(),
            created_at: clock.at(&self.create_time),
            started_at: clock.at(&self.start_time),
            finished_at: clock.at(&self.end_time),
            updated_at: clock.at(&self.update_time),
            resources: self.resources(),
            ..state.into_job(job_at(
                lookup.reference,
                region.as_deref().or(Some(&api.region)),
            ))
        };
        let is_unread = self.failure_reason.is_unreadable || self.message.is_unreadable;
        let is_unread = is_unread && job.state == State::Succeeded;
        job.unread_cause = is_unread.then_some(Category::InvalidResponse);
        let cause = states::FailureCause {
            reason: None,
            message: failure,
        };
        states::confirm_success(&mut job, cause);
        let text = self.message.value.trimmed();
        if job.state == State::Succeeded
            && let Some(text) = text.filter(|text| states::describes_failure(text))
        {
            let text = format!("the task has succeeded, but its message is: {text}");
            states::contradict(&mut job, text);
        }
        job.details = Some(Arc::new(self));
        GetResult { job, notices }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct PodsResponse {
    pod_names: Words,
    pod_info_list: List<Pod>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Pod {
    name: Text,
    #[serde(rename = "IP")]
    ip: Text,
    status: Text,
    start_time: Timestamp,
    end_time: Timestamp,
    resource_config_info: DefaultObject<Role>,
}

impl PodsResponse {
    /// Converts the pods. A pod of which only the name is reported has no state.
    pub fn into_tasks(self, clock: WallClock, notices: &mut Vec<Notice>) -> Vec<Task> {
        let pods = self.pod_info_list.0;
        let times = pods.iter().flat_map(|pod| [&pod.start_time, &pod.end_time]);
        clock.note_assumed("tencent", times, notices);
        let mut tasks: Vec<Task> = pods
            .into_iter()
            .map(|pod| pod.into_task(clock, notices))
            .collect();
        for name in self.pod_names.0 {
            if tasks.iter().all(|task| task.id.as_ref() != Some(&name)) {
                tasks.push(Task {
                    id: Some(name),
                    kind: "pod".to_owned(),
                    ..Task::default()
                });
            }
        }
        tasks
    }
}

impl Pod {
    fn into_task(self, clock: WallClock, notices: &mut Vec<Notice>) -> Task {
        let word = self.status.trimmed();
        let state = states::normalize(POD_STATES, &[], word);
        notices.extend(state.unknown_state_notice("a pod of tencent/training-task"));
        let role = self.resource_config_info.0;
        let address = self.ip.0.map(Address::private);
        Task {
            id: self.name.0,
            kind: "pod".to_owned(),
            started_at: clock.at(&self.start_time),
            finished_at: clock.at(&self.end_time).filter(|_| state.ended),
            addresses: address.into_iter().collect(),
            instance_type: role
                .instance_type
                .0
                .clone()
                .or(role.instance_type_alias.0.clone()),
            resources: role.resources(Some(1)),
            ..state.into_task()
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct EventsResponse {
    total_count: Int,
    events: Required<List<TaskEvent>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TaskEvent {
    message: Text,
    first_timestamp: Timestamp,
    last_timestamp: Timestamp,
    count: Int,
    #[serde(rename = "Type")]
    level: Text,
    resource_kind: Text,
    resource_name: Text,
}

impl EventsResponse {
    /// Converts the events, each with the pod that it is about.
    pub fn into_events(
        self,
        clock: WallClock,
        pods: &[Task],
        result: &mut GetResult,
    ) -> Vec<Event> {
        let total = self.total_count.0;
        let events = result.events(self.events.first_page("Events", total));
        let (read, is_full) = (events.len(), events.len() >= MAX_EVENTS);
        let has_more = self
            .total_count
            .unsigned()
            .map_or(is_full, |total| total > read as u64);
        let times = events
            .iter()
            .filter_map(|row| clock.at(&row.last_timestamp));
        match has_more && read > 0 {
            true if is_full && times.is_sorted_by(|one, next| one >= next) => {
                let message = format!("Tencent returned only the last {read} events");
                result.note(NoticeCode::EventsTruncated, message);
            }
            // The newest event may be among the missing ones.
            true => {
                result.job.events_unreadable = true;
                let reference = &result.job.reference;
                let message = format!("read {read} events of {reference}, of which there are more");
                result.note(NoticeCode::PartsUnread, message);
            }
            false => {}
        }
        let events = events.into_iter().map(|event| {
            let pod = event.resource_name.0.clone();
            let is_pod = pods.iter().any(|task| task.id.is_some() && task.id == pod);
            Event {
                count: event.count.unsigned(),
                object: Object {
                    kind: event.resource_kind.0,
                    name: event.resource_name.0,
                },
                task: pod.filter(|_| is_pod),
                message: event.message.0,
                ..clock.event(&event.level, event.first_timestamp, event.last_timestamp)
            }
        });
        EventOrder::NewestFirst.newest_first(events.collect())
    }
}
