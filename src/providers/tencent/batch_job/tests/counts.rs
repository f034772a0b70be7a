//! Tasks and instances that a job names or counts and does not list.

use super::*;
use crate::test_support::{Responder, emulated};

/// Returns the state of a job with these fields and one task with one instance, and its message.
async fn read(fields: Value) -> (State, Option<String>) {
    let mut job = json!({
        "JobId": "job-1", "JobState": "SUCCEED",
        "TaskSet": [{"TaskName": "main", "TaskState": "SUCCEED"}],
    });
    let fields = fields.as_object().unwrap().clone();
    job.as_object_mut().unwrap().extend(fields);
    let task = json!({
        "TaskName": "main", "TaskInstanceTotalCount": 1,
        "TaskInstanceSet": [{"TaskInstanceIndex": 0, "TaskInstanceState": "SUCCEED", "ExitCode": 0}],
    });
    let responder: Responder = Arc::new(move |request| {
        let data = match emulated(&CLOUD).operation(request)?.as_str() {
            GET_TASK => &task,
            _ => &job,
        };
        Some(ServerResponse::json(200, &json!({"Response": data})))
    });
    let (_server, client) = serve(Vec::new(), responder).await;
    let found = client
        .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
        .await;
    let job = found.unwrap().job;
    (job.state, job.message)
}

#[tokio::test]
async fn a_success_is_undecided_if_a_named_task_or_a_counted_instance_is_missing() {
    let pair = |start: &str, end: &str| json!([{"StartTask": start, "EndTask": end}]);
    let counts = |count: u64| json!({"SucceedCount": count});
    for fields in [
        json!({}),
        json!({"DependenceSet": pair("main", "main")}),
        json!({"TaskInstanceMetrics": counts(1)}),
        json!({"TaskInstanceMetrics": counts(0)}),
    ] {
        assert_eq!(read(fields.clone()).await.0, State::Succeeded, "{fields}");
    }
    for (fields, reason) in [
        (
            json!({"DependenceSet": pair("main", "end")}),
            "the task end of a dependency is not listed",
        ),
        (
            json!({"TaskInstanceMetrics": counts(2)}),
            "the tasks have 1 of 2 instances",
        ),
    ] {
        let message = format!("the job has succeeded, but {reason}");
        assert_eq!(read(fields).await, (State::Unknown, Some(message)));
    }
}
