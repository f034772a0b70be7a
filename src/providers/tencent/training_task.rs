//! Training tasks of TI-ONE, API version `2021-11-11`.
//!
//! Source: tencentcloud-sdk-python-tione 3.1.191. Not documented: the zone of the times of the list, how
//! long events and logs are kept.

mod details;
mod logs;
mod response;

use async_trait::async_trait;
use futures_util::future::join;
use serde_json::json;

use super::Api;
use super::lookup::{self, Lookup, Row as _};
use super::products::TIONE;
use crate::error::Problem;
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, Segment, StateTable, StateWords, Template,
};
use crate::model::State;
use crate::providers::shapes::schema_of;
use crate::providers::{
    Cursor, Filter, GetOptions, GetResult, KindOps, LogChunk, LogRequest, Page,
};
use crate::reference::{Reference, Scope};
use details::TrainingTask;
use response::{EventsResponse, PodsResponse, TaskResponse};

/// Training tasks.
pub static TRAINING_TASK: Kind = Kind::new(
    Template::new(
        ["tencent", "qcloud"],
        ["training-task", "train"],
        &[Segment::required("TASK")],
        "tencent/training-task/train-1410000000000000003",
    ),
    &[
        StateTable::new("job", STATES).with_user_states(),
        StateTable::new("pod", POD_STATES),
    ],
    GET,
)
.with_details(&[schema_of::<TrainingTask>], &[])
.with_list(ListSpec::new(LIST, ListOrder::NewestFirst))
.with_logs(logs::LOGS)
.with_batch_from(2);

const GET: Operation = Operation::new(
    "DescribeTrainingTask",
    "TI-ONE 2021-11-11 DescribeTrainingTask, DescribeTrainingTaskPods, DescribeEvents",
    "tione:DescribeTrainingTask, tione:DescribeTrainingTaskPods, tione:DescribeEvents",
);

const LIST: Operation = Operation::new(
    "DescribeTrainingTasks",
    "TI-ONE 2021-11-11 DescribeTrainingTasks",
    "tione:DescribeTrainingTasks",
);

const PODS: &str = "DescribeTrainingTaskPods";
const EVENTS: &str = "DescribeEvents";

/// What training is called where several services share an operation.
const SERVICE: &str = "TRAIN";

const STATES: StateWords = &[
    ("SUBMITTING", State::Pending),
    ("PENDING", State::Pending),
    ("STARTING", State::Starting),
    ("RUNNING", State::Running),
    ("STOPPING", State::Stopping),
    ("SUCCEED", State::Succeeded),
    ("FAILED", State::Failed),
    ("SUBMIT_FAILED", State::Failed),
    ("STOPPED", State::Canceled),
];

const POD_STATES: StateWords = &[
    ("SUBMITTING", State::Pending),
    ("PENDING", State::Pending),
    ("RUNNING", State::Running),
    ("TERMINATING", State::Stopping),
    ("SUCCEEDED", State::Succeeded),
    ("FAILED", State::Failed),
    ("TERMINATED", State::Canceled),
];

/// The most events that the cloud gives at once.
const MAX_EVENTS: usize = 100;

/// The operations on training tasks.
pub(super) struct TrainingTasks;

#[async_trait]
impl KindOps<Api> for TrainingTasks {
    fn kind(&self) -> &'static Kind {
        &TRAINING_TASK
    }

    /// A task with its pods and events, which the cloud reports separately.
    async fn get(
        &self,
        api: &Api,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let lookup = Lookup::new(api, &TIONE, options);
        let id = json!({"Id": reference.id()});
        let read = |wire: TaskResponse| wire.read(reference);
        let (task, request_id) = lookup.call(GET.name, id.clone(), read).await?;
        let mut notices = Vec::new();
        let run = task.latest_instance_id.0.clone();
        let mut job = task.into_job(reference, api, options, &mut notices);
        job.request_id = request_id;
        if let Some(run) = run {
            let mut events = json!({
                "Service": SERVICE, "ServiceId": run, "Limit": MAX_EVENTS,
                "Order": "DESC", "OrderField": "LastTimestamp",
            });
            if let Some(created_at) = job.created_at {
                events["StartTime"] = created_at.rfc3339().into();
            }
            let (pods, events) = join(
                lookup.part::<PodsResponse>(PODS, None, id),
                lookup.part::<EventsResponse>(EVENTS, None, events),
            )
            .await;
            let pods = pods.unwrap_or_default();
            job.tasks = pods.into_tasks(api.clock, &mut notices);
            job.events_unreadable = events.is_none();
            let events = events.unwrap_or_default();
            job.events = events.into_events(api.clock, &job.tasks, &mut notices);
        }
        Ok(lookup.into_result(job, notices))
    }

    /// What one list of each 50 tasks reports.
    async fn batch_get(
        &self,
        api: &Api,
        references: &[Reference],
        options: &GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let by_id = |ids: &[&str]| json!({"Filters": [{"Name": "Id", "Values": ids}]});
        lookup::batch_get::<TrainingTask>(api, references, by_id, options).await
    }

    /// One page of the tasks, newest first.
    async fn list(
        &self,
        api: &Api,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        let mut parameters = json!({"Order": "DESC", "OrderField": "CreateTime"});
        if let Some(words) = filter.state_words(STATES, &options.states) {
            parameters["Filters"] = json!([{"Name": "Status", "Values": words}]);
        }
        let size = filter.page_size(TrainingTask::PAGE_SIZE);
        lookup::list::<TrainingTask>(api, scope, parameters, size, at, options).await
    }

    async fn read_log(
        &self,
        api: &Api,
        request: LogRequest<'_>,
        options: &GetOptions,
    ) -> Result<LogChunk, Problem> {
        logs::read(api, request, options).await
    }
}

#[cfg(test)]
mod tests;
