use super::*;

/// Returns `true` if events may be missing from this response.
async fn are_unreadable(fields: &Value) -> bool {
    let mut body = json!({"Response": {"RequestId": "r"}});
    let response = body["Response"].as_object_mut().unwrap();
    response.extend(fields.as_object().unwrap().clone());
    let responder = responding(&CLOUD, &[EVENTS], ServerResponse::json(200, &body));
    let (_server, client) = serve(vec![task(TASK, "RUNNING", &[])], responder).await;
    let reference = reference(&TRAINING_TASK, &[TASK]);
    let found = client.get(&reference, &get_options()).await.unwrap();
    found.job.events_unreadable
}

#[tokio::test]
async fn events_are_unreadable_if_the_response_lacks_the_counted_ones() {
    for (fields, is_unreadable) in [
        (json!({"TotalCount": 5}), true),
        (json!({"TotalCount": 5, "Events": null}), true),
        (json!({"TotalCount": 5, "Events": []}), true),
        (json!({"TotalCount": 0, "Events": []}), false),
    ] {
        assert_eq!(are_unreadable(&fields).await, is_unreadable, "{fields}");
    }
}

#[tokio::test]
async fn events_are_unreadable_unless_the_newest_100_are_in_the_response() {
    let rows = |seconds: &mut dyn Iterator<Item = usize>| -> Vec<Value> {
        let time = |second| format!("2026-01-01T00:{:02}:{:02}+08:00", second / 60, second % 60);
        let row = |second| json!({"Message": "m", "Type": "Normal", "LastTimestamp": time(second)});
        seconds.map(row).collect()
    };
    let (newest, oldest) = (rows(&mut (0..100).rev()), rows(&mut (0..100)));
    for (total, events, is_unreadable) in [
        (json!(1), &newest[..1], false),
        (json!(5), &newest[..1], true),
        (json!(100), &oldest[..], false),
        (json!(101), &newest[..], false),
        (json!(101), &oldest[..], true),
        (json!(null), &newest[..], false),
        (json!(null), &oldest[..], true),
        (json!(null), &oldest[..5], false),
    ] {
        let fields = json!({"TotalCount": total, "Events": events});
        let read = are_unreadable(&fields).await;
        assert_eq!(read, is_unreadable, "{total}, {}", events.len());
    }
}

#[tokio::test]
async fn events_of_a_task_without_a_readable_run_are_unreadable() {
    for (word, run, notices) in [
        ("RUNNING", json!(null), 1),
        ("RUNNING", json!(["r"]), 2),
        ("PENDING", json!(null), 0),
    ] {
        let detail = json!({"Id": TASK, "Status": word, "LatestInstanceId": run});
        let body = json!({"Response": {"TrainingTaskDetail": detail}});
        let responder = responding(&CLOUD, &[GET.name], ServerResponse::json(200, &body));
        let (_server, client) = serve(Vec::new(), responder).await;
        let reference = reference(&TRAINING_TASK, &[TASK]);
        let found = client.get(&reference, &get_options()).await.unwrap();
        assert!(found.job.events_unreadable, "{word}");
        assert_eq!(found.notices.len(), notices, "{word}");
    }
}

#[tokio::test]
async fn a_looked_up_task_can_succeed_without_the_failure_reason_field() {
    let detail = json!({"Id": TASK, "Status": "SUCCEED", "LatestInstanceId": "r"});
    let body = json!({"Response": {"TrainingTaskDetail": detail}});
    let responder = responding(&CLOUD, &[GET.name], ServerResponse::json(200, &body));
    let (_server, client) = serve(vec![task(TASK, "SUCCEED", &[])], responder).await;
    let reference = reference(&TRAINING_TASK, &[TASK]);
    let found = client.get(&reference, &get_options()).await.unwrap();
    assert_eq!(found.job.state, State::Succeeded);
}

#[tokio::test]
async fn a_hanging_events_request_does_not_delay_a_failure() {
    let jobs = vec![task(TASK, "FAILED", &[])];
    let (_server, client) = serve(jobs, hanging(&CLOUD, &[PODS, EVENTS])).await;
    let reference = reference(&TRAINING_TASK, &[TASK]);
    let found = promptly(client.get(&reference, &get_options_without_details())).await;
    let job = found.unwrap().job;
    assert_eq!((job.state, job.events_unreadable), (State::Failed, true));
}
