//! Executors that are missing, have no state, or have a message.

use super::*;

/// Returns the state of a succeeded job with this task, its message, and the number of exit codes that were requested.
pub(super) async fn read(task: Value) -> (State, Option<String>, usize) {
    let info = json!({"JobId": "job-1", "Status": "Succeed", "Tasks": [task]});
    let responder: Responder = Arc::new(move |request: &ServerRequest| {
        let body = match emulated(&CLOUD).operation(request)?.as_str() {
            "GetJob" => json!({"JobInfo": info}),
            "DescribeJobResults" => json!({"ExitCode": 0}),
            _ => return None,
        };
        Some(ServerResponse::json(200, &body))
    });
    let (server, client) = serve(&CLOUD, Vec::new(), responder).await;
    let reference = reference(&INSTANT_JOB, &["job-1"]);
    let job = client.get(&reference, &get_options()).await.unwrap().job;
    let requested = server.requested();
    let results = requested
        .iter()
        .filter(|name| *name == "DescribeJobResults");
    (job.state, job.message, results.count())
}

fn task(executors: Vec<Value>) -> Value {
    json!({"TaskName": "Task0", "ExecutorStatus": executors})
}

#[tokio::test]
async fn exit_codes_in_the_retry_policy_do_not_concern_the_outcome() {
    let task = |code: Value| {
        let mut task = task(vec![json!({"ArrayId": 0, "Status": "Succeeded"})]);
        let actions = json!([{"Action": "Retry", "ExitCode": code}]);
        task["TaskSpec"] = json!({"RetryPolicy": {"ExitCodeActions": actions}});
        task
    };
    for code in [json!(1), json!("1-127"), json!([1])] {
        let (state, message, _) = read(task(code)).await;
        assert_eq!((state, message), (State::Succeeded, None));
    }
}

#[tokio::test]
async fn an_executor_without_a_state_and_without_an_exit_code_leaves_a_success_undecided() {
    let executors = |count: usize, without_state: usize| {
        let executor = |index: usize| match index + without_state < count {
            true => json!({"ArrayId": index, "Status": "Succeeded"}),
            false => json!({"ArrayId": index, "Status": ""}),
        };
        task((0..count).map(executor).collect())
    };
    // The exit codes of executors without a state are read first.
    for (count, without_state, expected) in [
        (101, 0, State::Succeeded),
        (101, 1, State::Succeeded),
        (100, 100, State::Succeeded),
        (101, 101, State::Unknown),
    ] {
        let (state, message, requests) = read(executors(count, without_state)).await;
        assert_eq!((state, requests), (expected, 100), "{count}");
        let text = message.unwrap_or_default();
        let what = "an executor has neither a state nor an exit code";
        assert_eq!(text.contains(what), state == State::Unknown, "{text}");
    }
}

#[tokio::test]
async fn a_message_that_describes_a_failure_leaves_a_success_undecided() {
    let executor =
        |reason: &str| json!({"ArrayId": 0, "Status": "Succeeded", "StatusReason": reason});
    let read = async |reason| read(task(vec![executor(reason)])).await;
    for fine in ["", "Succeeded to release executor resource", "exit code 0"] {
        assert_eq!(read(fine).await.0, State::Succeeded, "{fine}");
    }
    let reason = "Failed: container exited with 137";
    let (state, message, _) = read(reason).await;
    let text = format!("the job has succeeded, but the message of Task0-0 is: {reason}");
    assert_eq!((state, message), (State::Unknown, Some(text)));
}

#[tokio::test]
async fn a_success_is_undecided_if_an_index_of_an_array_has_no_executor() {
    let array = |indices: &[i64], first: i64, last: i64, step: i64| {
        let executor = |index: &i64| json!({"ArrayId": index, "Status": "Succeeded"});
        let mut task = task(indices.iter().map(executor).collect());
        task["ExecutorPolicy"] =
            json!({"ArraySpec": {"IndexStart": first, "IndexEnd": last, "IndexStep": step}});
        task
    };
    for (indices, first, last, step, missing) in [
        (&[0, 1][..], 0, 1, 1, None),
        (&[4, 2, 0], 0, 5, 2, None),
        (&[0, 1, 5], 0, 1, 1, None),
        (&[0, 5], 0, 1, 1, Some(1)),
        (&[0, 1, 4], 0, 4, 2, Some(2)),
        (&[1, 2, 3], 1, 3, 1, None),
        (&[10, 14, 12], 10, 15, 2, None),
        // Positions instead of indices.
        (&[0, 1, 2], 1, 3, 1, None),
        (&[2, 1, 0], 10, 15, 2, None),
        (&[0, 1, 3], 1, 3, 1, Some(2)),
        (&[0, 2, 3], 1, 3, 1, Some(1)),
        (&[0, 1, 12], 10, 15, 2, Some(10)),
    ] {
        let (state, message, _) = read(array(indices, first, last, step)).await;
        let text = missing.map(|index| {
            format!(
                "the job has succeeded, but Task0 has no executor with the index {index}; --trust-finished accepts the cloud's state"
            )
        });
        assert_eq!((state == State::Unknown, message), (text.is_some(), text));
    }
}
