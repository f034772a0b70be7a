//! Tests metrics with a server that does not respond to requests for events.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use super::{number, state};
use crate::support::exposition::{parse, value};
use crate::support::{Server, http, joblens};

const POD: &str = "kubernetes/pod/ci/p";

#[test]
fn hanging_event_requests_do_not_delay_a_poll_and_are_left_out() {
    let server = Server::start(|_, request, connection| {
        if request.target().contains("/events") {
            // Keeps the connection open until the client closes it.
            let _ = std::io::copy(connection, &mut std::io::sink());
            return;
        }
        let pod = json!({
            "metadata": {"name": "p", "namespace": "ci", "uid": "u1"},
            "spec": {"nodeName": "n"}, "status": {"phase": "Failed"},
        });
        let _ = connection.write_all(&http("200 OK", "", pod.to_string().as_bytes()));
    });
    let run = joblens(&["metrics", POD])
        .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let families = parse(&run.stdout);
    assert_eq!(state(&families, POD).as_deref(), Some("failed"));
    assert_eq!(value(&families, "joblens_job_warning_events", POD), None);
    // Without a shorter limit for events, the poll would take one minute, the limit of a whole request.
    let seconds = number(&families, "joblens_scope_poll_duration_seconds", POD);
    assert!(
        seconds < 40.0 && run.elapsed < Duration::from_secs(40),
        "{seconds}"
    );
}
