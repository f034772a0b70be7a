//! Decodes responses about Batch jobs, their tasks and instances.

mod success;

use super::{BATCH, INSTANCE, LIST, STATES, TASK};
use crate::collect::CollectExt as _;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::providers::products::Product;
use crate::providers::tencent::{Api, list::Row};
use crate::sort::SortExt as _;
pub(super) use success::{failed_parts, unread_tasks};

detail_structs! {
    /// `details` of a `tencent/batch-job`; other fields are in the job itself.
    #[schemars(rename = "TencentBatchJob")]
    BatchJob {
        /// Zone that the job runs in.
        zone: Text,
        /// Pending operation, such as `TERMINATING`.
        next_action: Text,
        /// Dependencies between tasks.
        #[serde(rename(deserialize = "DependenceSet"))]
        dependencies: List<Dependency>,
        /// Number of tasks in each state.
        #[serde(rename(deserialize = "TaskMetrics"))]
        tasks: OptionalObject<Metrics>,
        /// Number of task instances in each state; missing in lists.
        #[serde(rename(deserialize = "TaskInstanceMetrics"))]
        task_instances: OptionalObject<Metrics>,
        /// Where the job runs; only present in lists.
        placement: OptionalObject<Placement>,
    } => {
        job_id: Checked<Text>,
        job_name: Text,
        job_state: Checked<Text>,
        priority: Int,
        create_time: Timestamp,
        end_time: Timestamp,
        state_reason: Text,
        task_set: List<TaskRow>,
        tags: List<Tag>,
        request_id: Text,
    }
    /// Dependency of a task on another task.
    #[schemars(rename = "TencentBatchDependency")]
    Dependency {
        /// Task that must end first.
        start_task: Text,
        /// Task that waits.
        end_task: Text,
    }
    /// Number of tasks or instances in each state.
    #[schemars(rename = "TencentBatchMetrics")]
    Metrics {
        /// Number in state `SUBMITTED`.
        submitted_count: Int,
        /// Number in state `PENDING`.
        pending_count: Int,
        /// Number in state `RUNNABLE`.
        runnable_count: Int,
        /// Number in state `STARTING`.
        starting_count: Int,
        /// Number in state `RUNNING`.
        running_count: Int,
        /// Number in state `SUCCEED`.
        succeed_count: Int,
        /// Number in state `FAILED_INTERRUPTED`.
        failed_interrupted_count: Int,
        /// Number in state `FAILED`.
        failed_count: Int,
    }
    /// Where a job runs.
    #[schemars(rename = "TencentBatchPlacement")]
    Placement {
        /// Zone.
        zone: Text,
        /// Id of the project.
        project_id: Int,
        /// Ids of dedicated hosts.
        host_ids: Words,
        /// Id of the dedicated host.
        host_id: Text,
        /// Tenancy of the dedicated resource pack.
        dedicated_resource_pack_tenancy: Text,
        /// Ids of dedicated resource packs.
        dedicated_resource_pack_ids: Words,
        /// Id of the rack.
        rack_id: Text,
    }
    /// Location of the complete output of an instance.
    #[schemars(rename = "TencentBatchRedirect")]
    Redirect {
        /// Path of the standard output.
        stdout_redirect_path: Text,
        /// Path of the standard error.
        stderr_redirect_path: Text,
        /// File name of the standard output.
        stdout_redirect_file_name: Text,
        /// File name of the standard error.
        stderr_redirect_file_name: Text,
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Tag {
    key: Text,
    value: Text,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TaskRow {
    task_name: Text,
    task_state: Text,
    create_time: Timestamp,
    end_time: Timestamp,
}

impl BatchJob {
    /// Returns the job if it is the requested one, otherwise an error.
    pub(super) fn check_id(self, reference: &Reference) -> Result<Self, DecodeError> {
        match self.job_id.value.trimmed() {
            Some(id) if id == reference.id() => Ok(self),
            _ => Err("the requested JobId".to_owned().into()),
        }
    }
}

impl Row for BatchJob {
    const PRODUCT: &'static Product = &BATCH;
    const OPERATION: &'static str = LIST.name;
    const FIELD: &'static str = "JobSet";
    const PAGE_SIZE: usize = 100;
    const IS_UNSORTED: bool = true;

    fn id(&self) -> Option<&str> {
        self.job_id.value.trimmed()
    }

    fn into_result(mut self, api: &Api, lookup: GetRequest<'_>) -> GetResult {
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [&self.create_time, &self.end_time];
        clock.note_assumed("tencent", times, &mut notices);
        let word = self.job_state.value.trimmed();
        let state = lookup.job_state(word, &mut notices);
        let tasks = std::mem::take(&mut self.task_set.0).into_iter();
        let tags = std::mem::take(&mut self.tags.0).into_iter();
        let next = self.next_action.0.as_ref().filter(|_| !state.ended);
        let metrics = [(&self.tasks, "tasks"), (&self.task_instances, "instances")];
        let failed = failed_parts(&metrics);
        let unfinished = success::active_parts(&metrics).or_else(|| self.pending_operation());
        let unfinished = unfinished.filter(|_| state.state == State::Succeeded);
        let failure_reason = states::failure(self.state_reason.clone());
        let mut job = Job {
            name: self.job_name.0.take(),
            reason: self.state_reason.0.take().map(Reason::from),
            message: next.map(|action| format!("next action: {action}")),
            priority: self.priority.0,
            labels: tags
                .filter_map(|tag| Some((tag.key.0?, tag.value.0)))
                .collect_map(),
            created_at: clock.at(&self.create_time),
            finished_at: clock.at(&self.end_time),
            tasks: tasks
                .map(|task| task.into_task(clock, &mut notices))
                .collect(),
            request_id: self.request_id.0.take(),
            details: Some(Arc::new(self)),
            ..state.into_job(job_at(lookup.reference, Some(&api.region)))
        };
        if let Some(unfinished) = &unfinished {
            let text = format!("{} has succeeded, but {unfinished}", job.reference);
            notices.push(Notice::new(NoticeCode::PartsUnread, text));
        }
        let cause = states::FailureCause {
            reason: failure_reason,
            message: failed,
        };
        let reason = unfinished.map(|what| format!("the job has succeeded, but {what}"));
        states::confirm_success_unless(&mut job, cause, reason);
        GetResult { job, notices }
    }
}

impl TaskRow {
    fn into_task(self, clock: WallClock, notices: &mut Vec<Notice>) -> Task {
        let word = self.task_state.trimmed();
        let state = states::normalize(STATES, &[], word);
        notices.extend(state.unknown_state_notice("a task of tencent/batch-job"));
        Task {
            id: self.task_name.0,
            kind: TASK.to_owned(),
            created_at: clock.at(&self.create_time),
            finished_at: clock.at(&self.end_time).filter(|_| state.ended),
            ..state.into_task()
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TaskResponse {
    job_id: Checked<Text>,
    task_name: Text,
    task_state: Text,
    task_instance_total_count: Int,
    task_instance_set: List<Instance>,
    task_instance_metrics: OptionalObject<Metrics>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Instance {
    task_instance_index: Int,
    task_instance_state: Text,
    exit_code: Int,
    state_reason: Text,
    state_detailed_reason: Text,
    compute_node_instance_id: Text,
    create_time: Timestamp,
    launch_time: Timestamp,
    running_time: Timestamp,
    end_time: Timestamp,
    redirect_info: DefaultObject<Redirect>,
}

/// `details` of a task instance.
#[derive(Debug, schemars::JsonSchema, serde::Serialize)]
#[schemars(rename = "TencentBatchTaskInstance")]
pub struct TaskInstanceDetails {
    /// Index of the instance, from 0.
    pub index: Option<i64>,
    /// When its node was launched.
    pub launched_at: Option<Time>,
    /// Location of its complete output.
    pub redirect: Redirect,
}

impl TaskResponse {
    /// Returns the response if it is about this task of this job.
    ///
    /// # Errors
    /// An error if it is about another task or job.
    pub fn check_names(self, job: &str, task: &str) -> Result<Self, String> {
        let is_other = |id: &str| id != job;
        if self.job_id.is_unreadable || self.job_id.value.trimmed().is_some_and(is_other) {
            return Err("the requested JobId".to_owned());
        }
        let is_about = self.task_name.trimmed() == Some(task);
        is_about
            .then_some(self)
            .ok_or_else(|| "the requested TaskName".to_owned())
    }

    /// Returns the instances in the order of their indexes; `has_ended` is true if the job has ended. The task is
    /// returned before them if it contradicts a success that the cloud claims for the job.
    pub fn into_tasks(
        self,
        has_ended: bool,
        claims_success: bool,
        clock: WallClock,
        notices: &mut Vec<Notice>,
    ) -> Vec<Task> {
        let mut instances = self.task_instance_set.0;
        instances.order_by_key(|instance| instance.task_instance_index.0);
        let (name, word) = (
            self.task_name.0.unwrap_or_default(),
            self.task_state.trimmed(),
        );
        let state = states::normalize(STATES, &[], word);
        notices.extend(state.unknown_state_notice("a task of tencent/batch-job"));
        let contradicts = claims_success && state.raw.is_some() && state.state != State::Succeeded;
        let task = contradicts.then(|| Task {
            id: Some(name.clone()),
            kind: TASK.to_owned(),
            ..state.into_task()
        });
        let instances = instances
            .into_iter()
            .map(|instance| instance.into_task(&name, has_ended, clock, notices));
        task.into_iter().chain(instances).collect()
    }
}

impl Instance {
    fn into_task(
        self,
        task: &str,
        has_ended: bool,
        clock: WallClock,
        notices: &mut Vec<Notice>,
    ) -> Task {
        let word = self.task_instance_state.trimmed();
        let state = states::normalize(STATES, &[], word);
        notices.extend(state.unknown_state_notice("an instance of tencent/batch-job"));
        let index = self.task_instance_index.0;
        // A failed instance with exit code 0 never ran, because its node did not start.
        let exit_code = self.exit_code.0.filter(|code| match code {
            0 => state.state == State::Succeeded,
            _ => state.ended || has_ended,
        });
        // A failed instance can have a text for a success, such as `successful`.
        let has_failed = state.state == State::Failed;
        let text = |text: Text| match has_failed {
            true => states::failure(text),
            false => text.0,
        };
        let details = TaskInstanceDetails {
            index,
            launched_at: clock.at(&self.launch_time),
            redirect: self.redirect_info.0,
        };
        Task {
            id: index.map(|index| format!("{task}/{index}")),
            kind: INSTANCE.to_owned(),
            reason: text(self.state_reason),
            message: text(self.state_detailed_reason),
            exit_code,
            created_at: clock.at(&self.create_time),
            started_at: clock.at(&self.running_time),
            finished_at: clock.at(&self.end_time).filter(|_| state.ended),
            node: self.compute_node_instance_id.0,
            details: Some(Arc::new(details)),
            ..state.into_task()
        }
    }
}
