//! Tests lists of jobs in several resources.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::*;
use crate::providers::{list_all, ready};

/// Reads all pages of the list of jobs; returns the names of the jobs and the problems of parts.
async fn list(server: &TestServer) -> (Vec<String>, Vec<Problem>) {
    let client = new_client(server);
    let (mut at, mut names, mut failed) = (Some(Cursor::FIRST), Vec::new(), Vec::new());
    while let Some(cursor) = at {
        let page = page(&*client, cursor).await.unwrap();
        names.extend(page.rows.into_iter().map(|row| row.job.id));
        failed.extend(page.failed_parts);
        at = page.next;
    }
    (names, failed)
}

fn listed(names: &[&str]) -> Value {
    let items = names
        .iter()
        .map(|name| json!({"metadata": {"name": name, "namespace": "train"}}));
    json!({"metadata": {}, "kind": "List", "items": items.collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_list_has_one_problem_for_all_resources_without_permission() {
    let denied = |path| {
        let status =
            json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no"});
        (path, 403, status)
    };
    let server = served(vec![
        ("/pytorchjobs", 200, listed(&["a"])),
        denied("/tfjobs"),
        denied("/xgboostjobs"),
        denied("/paddlejobs"),
        denied("/jaxjobs"),
        denied("/mpijobs"),
        denied("/trainjobs"),
    ]);
    let (names, failed) = list(&server.await).await;
    assert_eq!(names, ["a"]);
    let failed: Vec<_> = failed
        .iter()
        .map(|one| (one.category, one.message.as_str()))
        .collect();
    let message =
        "no permission to list tfjobs, xgboostjobs, paddlejobs, jaxjobs, mpijobs, trainjobs: no";
    assert_eq!(failed, [(Category::PermissionDenied, message)]);
}

#[tokio::test]
async fn a_broken_resource_does_not_hide_the_jobs_of_others_from_a_list() {
    let status = |code: u16| json!({"kind": "Status", "status": "Failure", "message": "webhook failed", "code": code});
    let server = served(vec![
        ("/pytorchjobs", 200, listed(&["a"])),
        ("/tfjobs", 500, status(500)),
        ("/mpijobs", 200, json!([])),
        ("/trainjobs", 200, listed(&["b"])),
    ]);
    let (names, failed) = list(&server.await).await;
    assert_eq!(names, ["a", "b"]);
    let is_about = |name: &str| {
        let start = format!("cannot list {name}: ");
        let mut all = failed.iter().map(|one| &one.message);
        all.any(|message| message.starts_with(&start))
    };
    assert!(is_about("tfjobs") && is_about("mpijobs"));
    // The two versions of an MPIJob have the same problem.
    assert_eq!(failed.len(), 2);
    let server = served(vec![("/pytorchjobs", 500, status(500))]).await;
    let problem = page(&*new_client(&server), Cursor::FIRST)
        .await
        .unwrap_err();
    assert_eq!(problem.message, "cannot list pytorchjobs: webhook failed");
}

#[tokio::test]
async fn a_listed_job_whose_name_is_in_several_resources_is_unknown() {
    let list = |kind: &str, names: &[&str], end: &str| {
        let items = names.iter().map(|name| {
            json!({
                "kind": kind,
                "metadata": {"name": name, "namespace": "train", "uid": format!("{kind} {name}")},
                "status": {"conditions": [{"type": end, "status": "True"}]},
            })
        });
        json!({"metadata": {}, "kind": "List", "items": items.collect::<Vec<_>>()})
    };
    let server = served(vec![
        (
            "/pytorchjobs",
            200,
            list("PyTorchJob", &["a", "x"], "Failed"),
        ),
        (
            "v2beta1/namespaces/train/mpijobs",
            200,
            list("MPIJob", &["b"], "Succeeded"),
        ),
        (
            "v1/namespaces/train/mpijobs",
            200,
            list("MPIJob", &["b"], "Succeeded"),
        ),
        ("/trainjobs", 200, list("TrainJob", &["c", "x"], "Complete")),
    ]);
    let server = server.await;
    let client = new_client(&server);
    for _ in 0..2 {
        let (mut at, mut rows) = (Some(Cursor::FIRST), Vec::new());
        while let Some(cursor) = at {
            let page = page(&*client, cursor).await.unwrap();
            rows.extend(page.rows.into_iter().map(|row| row.job));
            at = page.next;
        }
        let states = rows.iter().map(|job| (job.id.as_str(), job.state));
        assert_eq!(
            states.collect::<Vec<_>>(),
            [
                ("a", State::Failed),
                ("x", State::Failed),
                ("b", State::Succeeded),
                ("b", State::Succeeded),
                ("c", State::Succeeded),
                ("x", State::Unknown),
            ]
        );
        let message = rows.last().unwrap().message.as_deref();
        assert_eq!(
            message,
            Some("x is in several resources: pytorchjobs, trainjobs")
        );
    }
}

#[tokio::test]
async fn a_resource_that_is_not_served_after_its_first_page_is_a_failed_part() {
    let page_1 = |name: &str| {
        let item = json!({"metadata": {"name": name, "namespace": "train"}});
        json!({"metadata": {"continue": "more"}, "kind": "List", "items": [item]})
    };
    let gone = |path| (path, 404, json!("404 page not found"));
    for others in [200, 404] {
        let server = served(vec![
            ("/pytorchjobs", 200, page_1("a")),
            gone("/pytorchjobs?more"),
            ("/tfjobs", others, listed(&["b"])),
            gone("/xgboostjobs"),
            gone("/paddlejobs"),
            gone("/jaxjobs"),
            gone("/mpijobs"),
            gone("/trainjobs"),
        ]);
        let (names, failed) = list(&server.await).await;
        let expected: &[&str] = if others == 200 { &["a", "b"] } else { &["a"] };
        assert_eq!(names, expected);
        let [problem] = &failed[..] else {
            panic!("{failed:?}");
        };
        let message = &problem.message;
        assert!(
            message.starts_with("cannot list pytorchjobs: "),
            "{message}"
        );
    }
    let server = served(vec![("/jobs", 200, page_1("a")), gone("/jobs?more")]).await;
    let filter = Filter {
        is_optional: true,
        ..Filter::default()
    };
    let (client, scope) = (new_client(&server), scope(&VOLCANO_JOB));
    let options = get_options();
    let first = client.list(&scope, &filter, Cursor::FIRST, &options).await;
    let next = first.unwrap().next.unwrap();
    let second = client.list(&scope, &filter, next, &options).await;
    assert_eq!(second.unwrap().failed_parts.len(), 1);
}

#[tokio::test]
async fn a_page_with_only_names_of_other_resources_does_not_end_a_list() {
    let page_1 = |names: &[&str]| {
        let mut page = listed(names);
        page["metadata"]["continue"] = "more".into();
        page
    };
    let server = served(vec![
        ("/pytorchjobs", 200, listed(&["a", "b"])),
        ("/tfjobs", 200, page_1(&["a"])),
        ("/tfjobs?more", 200, listed(&["b"])),
        ("/mpijobs", 200, listed(&["m"])),
        ("/trainjobs", 200, listed(&["t"])),
    ]);
    let server = server.await;
    let (client, mut names) = (new_client(&server), HashSet::new());
    let mut on_page = |page: Page| {
        names.extend(page.rows.into_iter().map(|row| row.job.id));
        ready(ControlFlow::Continue(()))
    };
    let (scope, filter, options) = (scope(&KUBEFLOW_JOB), Filter::default(), get_options());
    let listed = list_all(&*client, &scope, &filter, &options, None, &mut on_page).await;
    assert_eq!(listed.unwrap().truncation, None);
    assert_eq!(names, ["a", "b", "m", "t"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_server_that_fails_for_all_resources_is_not_requested_for_each() {
    let status = |code: u16| json!({"kind": "Status", "status": "Failure", "message": "failed", "code": code});
    for (code, message, resources) in [
        (500, "cannot list pytorchjobs, tfjobs: failed", 2),
        (503, "failed", 1),
    ] {
        let server = served(vec![("jobs", code, status(code))]).await;
        let problem = page(&*new_client(&server), Cursor::FIRST)
            .await
            .unwrap_err();
        assert_eq!(problem.message, message);
        let requested: HashSet<String> = server.requested().into_iter().collect();
        assert_eq!(requested.len(), resources, "{requested:?}");
    }
}

#[tokio::test]
async fn a_list_without_any_resource_names_all_that_failed() {
    let status = |path, code: u16, reason: &str| {
        let status = json!({"kind": "Status", "status": "Failure", "reason": reason, "message": "no", "code": code});
        (path, code, status)
    };
    let server = served(vec![
        status("/tfjobs", 500, "InternalError"),
        status("jobs", 403, "Forbidden"),
    ]);
    let problem = page(&*new_client(&server.await), Cursor::FIRST).await;
    let problem = problem.unwrap_err();
    assert_eq!(problem.category, Category::ServiceError);
    let message = "cannot list tfjobs: no; no permission to list pytorchjobs, xgboostjobs, paddlejobs, jaxjobs, \
                   mpijobs, trainjobs: no";
    assert_eq!(problem.message, message);
}
