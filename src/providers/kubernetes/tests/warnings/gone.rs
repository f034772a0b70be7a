//! Tests of warnings of deleted pods, and of responses without events.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[tokio::test]
async fn warnings_of_deleted_pods_count_for_a_gate() {
    let named = |uid: &str, name: &str| {
        let mut event = warning("Pod", uid);
        event["involvedObject"]["name"] = name.into();
        event
    };
    let events = [
        warning("Pod", "p0"),
        // It existed only between two polls.
        named("unseen", "x-x7k2p"),
        named("other", "x-eval-x7k2p"),
        named("another", "x-eval"),
    ];
    let before = cluster(pods(1, true));
    let after = cluster(json!([pod("p1", true)])).with_events(&events);
    for kind in KINDS {
        let is_gone = Arc::new(AtomicBool::default());
        let (before, after, switch) = (before.clone(), after.clone(), Arc::clone(&is_gone));
        let responder = move |request: &ServerRequest| {
            let cluster = if switch.load(Ordering::SeqCst) {
                &after
            } else {
                &before
            };
            Some(cluster.respond(request))
        };
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
        let x = reference(kind, &format!("{kind}/ci/x"));
        let client = client(&CLOUD, &server, &server.transport());
        let options = RequestOptions {
            events: EventDetail::Warnings,
            ..get_options()
        };
        let first = client.get(&x, &options).await.unwrap().job;
        assert!(warnings(&first.events).is_empty());
        is_gone.store(true, Ordering::SeqCst);
        let second = client.get(&x, &options).await.unwrap().job;
        let expected: &[&str] = match kind.template.kind {
            "job" => &["p0", "unseen"],
            _ => &["p0"],
        };
        assert_eq!(warnings(&second.events), expected, "{kind}");
    }
}

#[tokio::test]
async fn a_response_without_events_leaves_a_gate_undecided() {
    let status = json!({"kind": "Status", "status": "Failure", "code": 403});
    for (body, is_unreadable) in [
        (json!({}), true),
        (status, true),
        (json!({"kind": "List", "items": "x"}), true),
        (json!({"kind": "List", "items": null}), false),
    ] {
        let responder_body = body.clone();
        let cluster = cluster(pods(1, true));
        let responder = move |request: &ServerRequest| match request.path.ends_with("/events") {
            true => Some(ServerResponse::json(200, &responder_body)),
            false => Some(cluster.respond(request)),
        };
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
        let x = reference(&JOB, "kubernetes/job/ci/x");
        let client = client(&CLOUD, &server, &server.transport());
        let options = RequestOptions {
            events: EventDetail::Warnings,
            ..get_options()
        };
        let job = client.get(&x, &options).await.unwrap().job;
        assert_eq!(job.events_unreadable, is_unreadable, "{body}");
    }
}
