//! Training tasks of TI-ONE, API version `2021-11-11`.
//!
//! Source: tencentcloud-sdk-python-tione 3.1.191. Not documented: the time zone of the times in lists, and how long
//! events and logs are kept.

mod details;
mod logs;
mod response;

use futures_util::future::join;

use super::list::{self, Row};
use super::products::TIONE;
use super::{Api, CLOUD_NAME, decode_product};
use crate::providers::prelude::*;
use crate::providers::raw::Documents;
use details::TrainingTask;
use response::{EventsResponse, PodsResponse, TaskResponse};

/// Training tasks.
pub static TRAINING_TASK: Kind = Kind {
    summary: "Training task of TI-ONE, with its pods",
    list: Some(ListSpec::new(LIST, ListOrder::NewestFirst)),
    logs: LogSupport::Operation(logs::LOGS),
    batch_from: Some(2),
    max_ids: Some(TrainingTask::PAGE_SIZE),
    conclusive_rows: true,
    evidence: &["FailureReason"],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("training-task", "train"),
            &[Segment::required("TASK")],
            "tencent/training-task/train-1410000000000000003",
        ),
        &[
            StateTable {
                notes: &[(
                    "SUCCEED",
                    "failed with a failure reason, unknown if its message describes a failure; failed pods are ignored because they may have been replaced",
                )],
                ..StateTable::new("job", STATES).with_user_states()
            },
            StateTable::new("pod", POD_STATES),
        ],
        GET,
    )
    .with_details(&[schema_of::<TrainingTask>], &[])
};

const GET: Operation = Operation::new(
    "DescribeTrainingTask",
    "TI-ONE 2021-11-11 DescribeTrainingTask, DescribeTrainingTaskPods, DescribeEvents",
    "tione:DescribeTrainingTask, tione:DescribeTrainingTaskPods, tione:DescribeEvents",
);

const LIST: Operation = operation!("TI-ONE 2021-11-11", "tione", "DescribeTrainingTasks");

const PODS: &str = "DescribeTrainingTaskPods";
const EVENTS: &str = "DescribeEvents";

/// The name of the training service in operations that several services share.
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

/// Maximum number of events per response.
const MAX_EVENTS: usize = 100;

/// The operations on training tasks.
pub(super) struct TrainingTasks;

#[async_trait]
impl KindOps<Api> for TrainingTasks {
    /// Requests a task, then its pods and events, which the cloud reports separately.
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        let mut documents = Documents::new(options);
        let response = task(api, lookup).await;
        documents.add(GET.name, None, &response);
        let response = response?;
        let run = response.data.0.latest_instance_id.0.clone();
        let response = response.map(|(task, request_id)| {
            let result = task.into_result(api, lookup);
            result.with_request_id(request_id)
        });
        let mut result = response.into_result();
        if let Some(run) = run {
            let id = json!({"Id": reference.id()});
            let mut events = json!({
                "Service": SERVICE, "ServiceId": run, "Limit": MAX_EVENTS,
                "Order": "DESC", "OrderField": "LastTimestamp",
            });
            if let Some(created_at) = result.job.created_at {
                events["StartTime"] = created_at.rfc3339().into();
            }
            let options = &options.for_parts(&result.job);
            let (pods, events) = join(
                api.read_product::<PodsResponse>(&TIONE, PODS, &id, options),
                api.read_product::<EventsResponse>(&TIONE, EVENTS, &events, options),
            )
            .await;
            documents.add(PODS, None, &pods);
            documents.add(EVENTS, None, &events);
            let pods = result.part("the pods", pods).unwrap_or_default();
            let tasks = pods.into_tasks(api.clock, &mut result.notices);
            if let Some(events) = result.events_part(events) {
                result.job.events = events.into_events(api.clock, &tasks, &mut result);
            }
            result.job.tasks = tasks;
        } else {
            // Warnings are requested with the id of the run.
            result.job.events_unreadable = true;
            if result.job.started_at.is_some() || result.job.state == State::Running {
                let message =
                    format!("cannot read the events of {reference}: its run is not known");
                result.note(NoticeCode::PartsUnread, message);
            }
        }
        documents.attach(&mut result);
        Ok(result)
    }

    /// Returns a page of the tasks, newest first.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let mut parameters = json!({"Order": "DESC", "OrderField": "CreateTime"});
        if !list.filter.ids.is_empty() {
            parameters["Filters"] = json!([{"Name": "Id", "Values": list.filter.ids}]);
        } else if let Some(words) = list.filter.state_words(STATES, &list.options.states) {
            parameters["Filters"] = json!([{"Name": "Status", "Values": words}]);
        }
        list::list::<TrainingTask>(api, list, parameters).await
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

/// Looks up a task; the result includes the id of the request.
async fn task(
    api: &Api,
    lookup: GetRequest<'_>,
) -> Result<Decoded<(TrainingTask, Option<String>)>, Problem> {
    let decode = |body: &[u8]| -> Result<_, DecodeError> {
        decode_product::<TaskResponse>(body)?.read(lookup.reference)
    };
    let id = json!({"Id": lookup.reference.id()});
    api.call_product(&TIONE, GET.name, &id, lookup.options, decode)
        .await
}

#[cfg(test)]
mod tests;
