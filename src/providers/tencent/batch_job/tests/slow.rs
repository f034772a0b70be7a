//! Instances whose responses take long.

use std::time::Duration;

use super::*;
use crate::providers::test_support::{get_options_without_details, promptly};
use crate::test_support::{Responder, emulated};

/// Responds to requests for instances with a success, after a delay.
fn after(delay: Duration) -> Responder {
    let instance = json!({"TaskInstanceIndex": 0, "TaskInstanceState": "SUCCEED", "ExitCode": 0});
    let body = json!({"Response": {
        "TaskName": "main", "TaskInstanceTotalCount": 1, "TaskInstanceSet": [instance],
    }});
    let bytes = body.to_string().into_bytes();
    Arc::new(move |request| {
        let is_of_task = emulated(&CLOUD).operation(request).as_deref() == Some(GET_TASK);
        is_of_task.then(|| ServerResponse::stream(Vec::new(), vec![(delay, bytes.clone())]))
    })
}

/// What a lookup makes of a job in a state whose instances come after a delay.
async fn get(state: &str, delay: Duration) -> GetResult {
    let job = job(&BATCH_JOB, "job-1", state, &[]);
    let (_server, client) = serve(vec![job], after(delay)).await;
    let reference = reference(&BATCH_JOB, &["job-1"]);
    let options = get_options_without_details();
    promptly(client.get(&reference, &options)).await.unwrap()
}

#[tokio::test]
async fn instances_that_decide_nothing_are_not_waited_for() {
    const NEVER: Duration = Duration::from_secs(3_600);
    for (word, state) in [("FAILED", State::Failed), ("RUNNING", State::Running)] {
        let found = get(word, NEVER).await;
        assert_eq!(found.job.state, state);
        let text = &found.notices[0].message;
        let start = "cannot read the instances of the task main of tencent/batch-job/job-1: ";
        assert!(text.starts_with(start), "{text}");
        assert!(
            text.ends_with("; joblens describe waits longer for it"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn instances_that_a_success_depends_on_are_waited_for() {
    let found = get("SUCCEED", Duration::from_millis(300)).await;
    assert_eq!(found.job.state, State::Succeeded);
    assert!(found.notices.is_empty());
}
