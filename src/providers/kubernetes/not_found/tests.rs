use std::sync::Arc;

use super::*;
use crate::kind::Kind;
use crate::providers::kubernetes::CLOUD;
use crate::providers::kubernetes::custom::{KUBEFLOW_JOB, VOLCANO_JOB};
use crate::providers::kubernetes::job::JOB;
use crate::providers::kubernetes::pod::POD;
use crate::providers::test_support::get_options;
use crate::providers::{LogParams, LogPosition, LogRequest, LogSource};
use crate::test_support::kinds::{client, reference};
use crate::test_support::{EmulatedState, ServerRequest, ServerResponse, TestServer, start_time};

/// The responses of a server to requests for an object and for a list.
#[derive(Clone, Copy)]
struct Responses {
    object: (u16, &'static str),
    list: (u16, &'static str),
}

const ITEMS: (u16, &str) = (200, r#"{"kind": "List", "items": []}"#);
const FORBIDDEN: (u16, &str) = (
    403,
    r#"{"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no"}"#,
);

async fn server(responses: Responses) -> TestServer {
    let responder = move |request: &ServerRequest| {
        let is_object = request.path.ends_with("/x") || request.path.ends_with("/log");
        let (status, body) = match is_object {
            true => responses.object,
            false => responses.list,
        };
        let mut response = ServerResponse::json(status, &Value::Null);
        response.body = body.into();
        Some(response)
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    TestServer::start(&CLOUD, state, Arc::new(responder)).await
}

/// Returns the problem of a lookup of `ci/x`.
async fn lookup(kind: &'static Kind, responses: Responses) -> Problem {
    let server = server(responses).await;
    let client = client(&CLOUD, &server, &server.transport());
    let x = reference(kind, &format!("{kind}/ci/x"));
    client.get(&x, &get_options()).await.unwrap_err()
}

#[test]
fn a_path_is_split_into_its_list_resource_and_object_name() {
    let parts = |path: &'static str| {
        NamedObject::of(path).map(|object| (object.list, object.resource, object.name))
    };
    let pods = ("/api/v1/namespaces/ci/pods", "pods", "p");
    for (path, expected) in [
        ("/api/v1/namespaces/ci/pods/p", Some(pods)),
        ("/api/v1/namespaces/ci/pods/p/log", Some(pods)),
        (
            "/apis/batch/v1/namespaces/ci/jobs/p",
            Some(("/apis/batch/v1/namespaces/ci/jobs", "jobs", "p")),
        ),
        (
            "/api/v1/namespaces/ci",
            Some(("/api/v1/namespaces", "namespaces", "ci")),
        ),
        ("/api/v1/namespaces/ci/pods", None),
        ("/apis/batch/v1/namespaces/ci/jobs", None),
        ("/api/v1/pods", None),
        ("/api/v1/namespaces", None),
        ("/apis/batch/v1", None),
        ("/apis", None),
        ("", None),
    ] {
        assert_eq!(parts(path), expected, "{path}");
    }
}

#[tokio::test]
async fn http_404_means_not_found_if_the_list_exists_without_the_object() {
    let found = (Category::NotFound, "jobs \"x\" not found");
    for body in [
        "",
        "{}",
        "<html>404</html>",
        "not found",
        "404 page not found",
    ] {
        let (object, list) = ((404, body), ITEMS);
        let problem = lookup(&JOB, Responses { object, list }).await;
        assert_eq!((problem.category, &*problem.message), found, "{body}");
        assert_eq!(problem.http_status, Some(404));
    }
}

#[tokio::test]
async fn http_404_for_a_listed_object_is_a_retryable_service_error() {
    let list = (200, r#"{"items": [{"metadata": {"name": "x"}}]}"#);
    for body in [
        "",
        "<html>404</html>",
        r#"{"kind": "Status", "reason": "NotFound", "message": "cluster \"prod\" not found"}"#,
        r#"{"details": {"name": "something"}}"#,
    ] {
        let object = (404, body);
        let problem = lookup(&JOB, Responses { object, list }).await;
        let found = (problem.category, problem.retryable);
        assert_eq!(found, (Category::ServiceError, true), "{body}");
    }
}

#[tokio::test]
async fn http_404_about_another_object_means_not_found_only_by_the_list() {
    let prod = r#"{"kind": "Status", "reason": "NotFound", "message": "cluster \"prod\" not found",
        "details": {"name": "prod", "kind": "clusters"}}"#;
    for (list, category) in [
        ((404, prod), Category::ServiceError),
        (FORBIDDEN, Category::ServiceError),
        (ITEMS, Category::NotFound),
    ] {
        let object = (404, prod);
        let problem = lookup(&JOB, Responses { object, list }).await;
        assert_eq!(problem.category, category, "{list:?}");
    }
    let own =
        r#"{"kind": "Status", "reason": "NotFound", "message": "jobs.batch \"x\" not found"}"#;
    let (object, list) = ((404, own), (500, ""));
    let problem = lookup(&JOB, Responses { object, list }).await;
    assert_eq!(problem.category, Category::NotFound);
}

#[tokio::test]
async fn http_404_without_a_readable_list_does_not_mean_not_found() {
    let page = (404, "404 page not found");
    for (kind, object, list, category) in [
        (&JOB, (404, ""), (404, ""), Category::InvalidArgument),
        (&JOB, page, page, Category::InvalidArgument),
        (&JOB, (404, ""), (200, "<html>"), Category::InvalidArgument),
        (&JOB, (404, ""), (403, "<html>"), Category::InvalidArgument),
        (&JOB, (404, ""), FORBIDDEN, Category::InvalidArgument),
        (&VOLCANO_JOB, page, page, Category::InvalidArgument),
        (&VOLCANO_JOB, page, FORBIDDEN, Category::InvalidArgument),
        (&VOLCANO_JOB, (404, ""), page, Category::InvalidArgument),
        (
            &VOLCANO_JOB,
            (404, ""),
            FORBIDDEN,
            Category::InvalidArgument,
        ),
        (&VOLCANO_JOB, (404, ""), ITEMS, Category::NotFound),
    ] {
        let problem = lookup(kind, Responses { object, list }).await;
        assert_eq!(problem.category, category, "{kind} {object:?} {list:?}");
    }
}

#[tokio::test]
async fn an_empty_list_without_a_kind_does_not_prove_that_an_object_is_missing() {
    for list in [r#"{"items": []}"#, r#"{"kind": "Page", "items": null}"#] {
        let (object, list) = ((404, ""), (200, list));
        let problem = lookup(&JOB, Responses { object, list }).await;
        assert_eq!(problem.category, Category::InvalidArgument);
    }
}

#[tokio::test]
async fn a_product_whose_resource_is_listed_is_installed() {
    let page = "404 page not found";
    let listed = (200, r#"{"items": [{"metadata": {"name": "x"}}]}"#);
    for (kind, resource, not_found) in [
        (&VOLCANO_JOB, "jobs", "jobs \"x\" not found"),
        (
            &KUBEFLOW_JOB,
            "trainjobs",
            "no Kubeflow job 'x' in namespace ci",
        ),
    ] {
        for body in [page, "", "<html>"] {
            let object = (404, body);
            let missing = lookup(
                kind,
                Responses {
                    object,
                    list: ITEMS,
                },
            )
            .await;
            assert_eq!(missing.category, Category::NotFound, "{body}");
            let message = missing.message;
            assert!(message.starts_with(not_found), "{message}");
            let list = listed;
            let hidden = lookup(kind, Responses { object, list }).await;
            let found = (hidden.category, hidden.retryable, hidden.http_status);
            assert_eq!(found, (Category::ServiceError, true, Some(404)), "{body}");
            let message = hidden.message;
            assert!(message.starts_with("HTTP 404 for "), "{message}");
            assert!(message.contains(resource) || body != page, "{message}");
        }
        let (object, list) = ((404, page), (404, page));
        let problem = lookup(kind, Responses { object, list }).await;
        let message = problem.message;
        assert!(
            message.ends_with(" is not installed in the cluster"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_log_of_a_deleted_pod_is_not_found() {
    let server = server(Responses {
        object: (404, ""),
        list: ITEMS,
    });
    let server = server.await;
    let client = client(&CLOUD, &server, &server.transport());
    let x = reference(&POD, "kubernetes/pod/ci/x");
    let source = LogSource {
        task: Some("x".to_owned()),
        ..LogSource::default()
    };
    let request = LogRequest {
        reference: &x,
        source: &source,
        position: &LogPosition::default(),
        before: &[],
        params: &LogParams::default(),
        options: &get_options(),
    };
    let read = client.read_log(request).await;
    assert_eq!(read.err().unwrap().category, Category::NotFound);
}
