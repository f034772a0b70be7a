//! Tests which of several resources contains a job if some cannot be read.

use super::*;

#[tokio::test]
async fn a_failed_resource_request_is_an_error_and_a_denied_one_a_notice() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let status = |reason: &str| json!({"kind": "Status", "status": "Failure", "reason": reason, "message": "no"});
    let found = ("/tfjobs/x", 200, object("TFJob", "2"));
    let broken = ("/pytorchjobs/x", 500, status("InternalError"));
    let server = served(vec![broken, found.clone()]).await;
    let problem = new_client(&server)
        .get(&x, &get_options())
        .await
        .unwrap_err();
    assert_eq!(problem.http_status, Some(500));
    let message = "x is in tfjobs, but pytorchjobs cannot be read and may contain another job with this name: no";
    assert_eq!(problem.message, message);
    let denied = ("/pytorchjobs/x", 403, status("Forbidden"));
    let server = served(vec![denied, found]).await;
    let read = new_client(&server).get(&x, &get_options()).await.unwrap();
    let notice = &read.notices[0].message;
    let expected = "no permission to read pytorchjobs in namespace train, which may contain jobs with the same names";
    assert_eq!(notice, expected);
}

#[tokio::test]
async fn a_role_for_one_resource_finds_many_jobs_by_lists() {
    let names = ["a", "b", "c"];
    let references = names.map(|name| {
        let text = format!("kubernetes/kubeflow-job/train/{name}");
        reference(&KUBEFLOW_JOB, &text)
    });
    let responder = move |request: &ServerRequest| {
        let path = request.path.as_str();
        let job = |kind: &str, name: &str| {
            let mut job = object(kind, name);
            job["metadata"]["name"] = name.into();
            job
        };
        let body = match path.rsplit('/').next().unwrap() {
            "pytorchjobs" => {
                json!({"kind": "List", "metadata": {}, "items": [job("PyTorchJob", "a"), job("PyTorchJob", "b")]})
            }
            "c" if path.ends_with("/tfjobs/c") => job("TFJob", "c"),
            "a" if path.ends_with("/pytorchjobs/a") => job("PyTorchJob", "a"),
            "pods" | "events" => return None,
            _ => {
                let status = json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no"});
                return Some(ServerResponse::json(403, &status));
            }
        };
        Some(ServerResponse::json(200, &body))
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
    let client = new_client(&server);
    let rows = client.batch_get(&references, &get_options()).await.unwrap();
    let states = rows.iter().map(|row| row.as_ref().map(|row| row.job.state));
    let running = Some(State::Running);
    assert_eq!(states.collect::<Vec<_>>(), [running, running, None]);
    // One list of each resource, and one of the resource that contains the jobs.
    assert_eq!(server.requested().len(), KUBEFLOW_JOBS.resources.len() + 1);
    let notices = rows.into_iter().flatten().flat_map(|row| row.notices);
    let notices: Vec<String> = notices.map(|notice| notice.message).collect();
    let expected = "no permission to read tfjobs, xgboostjobs, paddlejobs, jaxjobs, mpijobs, trainjobs in namespace \
                    train, which may contain jobs with the same names";
    assert_eq!(notices, [expected]);
    // The role allows a lookup of this job, but no list.
    let found = client.get(&references[2], &get_options()).await.unwrap();
    assert_eq!(found.job.state, State::Running);
    let found = client.get(&references[0], &get_options()).await.unwrap();
    let denied = |notice: &Notice| notice.message.contains("permission");
    assert!(!found.notices.iter().any(denied));
}

#[tokio::test]
async fn an_unreadable_list_of_a_namespace_leaves_only_its_jobs_to_lookups() {
    let references = ["a/x", "a/y", "b/x", "b/y"].map(|name| {
        let text = format!("kubernetes/kubeflow-job/{name}");
        reference(&KUBEFLOW_JOB, &text)
    });
    let responder = move |request: &ServerRequest| {
        let path = request.path.as_str();
        let job = |name: &str| {
            let namespace = path.split('/').nth(5).unwrap();
            let mut job = object("TFJob", &format!("{namespace} {name}"));
            (job["metadata"]["name"], job["metadata"]["namespace"]) =
                (name.into(), namespace.into());
            job
        };
        let (status, body) = match path.rsplit('/').next().unwrap() {
            "tfjobs" => (
                200,
                json!({"kind": "List", "metadata": {}, "items": [job("x"), job("y")]}),
            ),
            "pytorchjobs" if path.contains("/b/") => (
                500,
                json!({"kind": "Status", "status": "Failure", "message": "no"}),
            ),
            _ => (200, json!({"kind": "List", "metadata": {}, "items": []})),
        };
        Some(ServerResponse::json(status, &body))
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
    let rows = new_client(&server)
        .batch_get(&references, &get_options())
        .await;
    let rows = rows.unwrap();
    let states = rows.iter().map(|row| row.as_ref().map(|row| row.job.state));
    let running = Some(State::Running);
    assert_eq!(states.collect::<Vec<_>>(), [running, running, None, None]);
}

#[tokio::test]
async fn jobs_are_left_to_lookups_if_one_list_cannot_be_read() {
    let references = ["x", "y"].map(|name| {
        let text = format!("kubernetes/kubeflow-job/train/{name}");
        reference(&KUBEFLOW_JOB, &text)
    });
    let row = json!({"metadata": {"name": "x", "namespace": "train", "uid": "2"},
        "status": {"conditions": [{"type": "Succeeded", "status": "True"}]}});
    let status =
        json!({"kind": "Status", "status": "Failure", "reason": "InternalError", "message": "no"});
    let server = served(vec![
        ("/pytorchjobs", 500, status.clone()),
        ("/pytorchjobs/x", 500, status),
        ("/tfjobs", 200, json!({"metadata": {}, "items": [row]})),
    ]);
    let rows = new_client(&server.await)
        .batch_get(&references, &get_options())
        .await;
    let rows = rows.unwrap();
    assert!(rows.iter().all(Option::is_none));
}

#[tokio::test]
async fn an_api_that_is_no_longer_served_is_a_service_error() {
    for kind in [&KUBEFLOW_JOB, &VOLCANO_JOB] {
        let x = reference(kind, &format!("{kind}/train/x"));
        let is_served = Arc::new(AtomicUsize::new(1));
        let served = Arc::clone(&is_served);
        let responder = move |request: &ServerRequest| {
            let name = request
                .path
                .rsplit('/')
                .find(|part| part.ends_with("jobs"))?;
            let job = object("", "1");
            Some(match (served.load(Ordering::SeqCst), name) {
                (1, "pytorchjobs" | "jobs") => ServerResponse::json(200, &job),
                _ => ServerResponse::json(404, &json!("404 page not found")),
            })
        };
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
        let client = new_client(&server);
        client.get(&x, &get_options()).await.unwrap();
        is_served.store(0, Ordering::SeqCst);
        let after = client.get(&x, &get_options()).await.unwrap_err();
        assert_eq!(after.category, Category::ServiceError, "{kind}");
        let never = new_client(&server)
            .get(&x, &get_options())
            .await
            .unwrap_err();
        assert_eq!(never.category, Category::InvalidArgument, "{kind}");
        assert_eq!(never.message, after.message);
    }
}

#[tokio::test]
async fn a_job_that_no_resource_contains_is_described_with_all_resources() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let status = |reason: &str| json!({"kind": "Status", "status": "Failure", "reason": reason, "message": "no \"x\"", "details": {"name": "x"}});
    let missing = |path| (path, 404, status("NotFound"));
    let none = "no Kubeflow job 'x' in namespace train (searched pytorchjobs, tfjobs, xgboostjobs, paddlejobs, \
                jaxjobs, mpijobs; not served: trainjobs)";
    let denied = "found no Kubeflow job 'x' in namespace train (searched pytorchjobs, xgboostjobs, paddlejobs, \
                  jaxjobs, mpijobs; no permission to read tfjobs; not served: trainjobs): no \"x\"";
    for (code, reason, category, message) in [
        (404, "NotFound", Category::NotFound, none),
        (403, "Forbidden", Category::PermissionDenied, denied),
    ] {
        let server = served(vec![
            missing("/pytorchjobs/x"),
            ("/tfjobs/x", code, status(reason)),
            missing("/xgboostjobs/x"),
            missing("/paddlejobs/x"),
            missing("/jaxjobs/x"),
            missing("v1/namespaces/train/mpijobs/x"),
            (
                "v2beta1/namespaces/train/mpijobs/x",
                404,
                json!("404 page not found"),
            ),
            (
                "v2beta1/namespaces/train/mpijobs",
                404,
                json!("404 page not found"),
            ),
            ("/trainjobs/x", 404, json!("404 page not found")),
            ("/trainjobs", 404, json!("404 page not found")),
        ]);
        let server = server.await;
        let problem = new_client(&server)
            .get(&x, &get_options())
            .await
            .unwrap_err();
        assert_eq!(
            (problem.category, problem.message.as_str()),
            (category, message)
        );
    }
}
