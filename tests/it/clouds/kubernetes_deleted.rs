//! Pods that are deleted behind proxies that change the responses to requests for them.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::{Server, http, in_parallel, joblens};

const POD: &str = "kubernetes/pod/ci/p";

/// A server with a pod that is deleted once its log was read. It responds with this body to requests for it then.
fn server(body: &'static str) -> Server {
    let is_deleted = AtomicBool::new(false);
    Server::start(move |_, request, connection| {
        let target = request.target();
        let pod = json!({
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "ci", "uid": "u1", "resourceVersion": "3"},
            "spec": {"containers": [{"name": "main"}], "nodeName": "n1"},
            "status": {
                "phase": "Running",
                "containerStatuses": [{"name": "main", "state": {"running": {}}}],
            },
        });
        let list = json!({"kind": "List", "items": []}).to_string();
        let is_of_pod = target.contains("/pods/p");
        let response = match is_of_pod && is_deleted.load(Ordering::SeqCst) {
            true => http("404 Not Found", "", body.as_bytes()),
            false if target.contains("/log") => {
                let line = b"2026-11-27T00:00:00.5Z one\n";
                is_deleted.store(true, Ordering::SeqCst);
                http("200 OK", "", line)
            }
            false if is_of_pod => http("200 OK", "", pod.to_string().as_bytes()),
            false => http("200 OK", "", list.as_bytes()),
        };
        let _ = connection.write_all(&response);
    })
}

#[test]
fn following_the_log_of_a_deleted_pod_ends_for_every_404_body() {
    let bodies = [
        r#"{"kind": "Status", "reason": "NotFound", "details": {"name": "p"}}"#,
        r#"{"message": "pods \"p\" not found"}"#,
        "{}",
        "",
        "<html>Not Found</html>",
    ];
    in_parallel(bodies, |body| {
        let server = server(body);
        let run = joblens(&["logs", "-f", "--interval", "50ms", POD])
            .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
            .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
            .run();
        assert_eq!(
            (run.code, &*run.stdout),
            (0, "one\n"),
            "{body}: {}",
            run.stderr
        );
        let note = "note: the log ended: ";
        assert!(run.stderr.contains(note), "{body}: {}", run.stderr);
    });
}
