//! Tests that secrets in a log are masked in a recording.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::support::{Server, http};

/// Lines of a log, each with a secret that starts with `s3cr3t`.
const LOG: &str = r#"
[[job]]
ref = "kubernetes/pod/ci/p"
states = [{ after = "0s", state = "Running" }, { after = "300ms", state = "Succeeded" }]
log = [
  { after = "0s", line = "mysql -uroot -ps3cr3t-1 db" },
  { after = "0s", line = "run --password s3cr3t-2 now" },
  { after = "0s", line = "api_key: s3cr3t-3" },
  { after = "0s", line = "client-key-data: s3cr3t-4" },
  { after = "0s", line = "-----BEGIN PRIVATE KEY-----" },
  { after = "0s", line = "s3cr3t5AAAAAAAA" },
  { after = "100ms", line = "s3cr3t6AAAAAAAA" },
  { after = "100ms", line = "-----END PRIVATE KEY-----" },
  { after = "100ms", line = "epoch 1: loss 0.5" },
]
"#;

#[test]
fn secrets_in_a_log_are_masked_in_the_recording_and_other_lines_kept() {
    let emulated = Emulated::start(LOG);
    for arguments in [
        &["logs", "kubernetes/pod/ci/p", "-f"][..],
        &["logs", "kubernetes/pod/ci/p"],
    ] {
        let (_parent, folder) = folder();
        let run = emulated.joblens(&with(arguments, "--record", &folder));
        let recorded = run.run();
        assert_eq!(recorded.code, 0, "{}", recorded.stderr);
        assert!(recorded.stdout.contains("s3cr3t6"), "{}", recorded.stdout);
        assert_private(&folder, &["s3cr3t"]);
        let replayed = replay(arguments, &folder);
        let expected = "mysql -uroot -p*** db\nrun --password *** now\napi_key: ***\nclient-key-data: ***\n\
            ***\n***\n***\n***\nepoch 1: loss 0.5\n";
        assert_eq!(replayed.stdout, expected, "{}", replayed.stderr);
    }
}

#[test]
fn a_private_key_split_across_log_requests_is_not_recorded() {
    let streams = AtomicUsize::new(0);
    let is_gone = AtomicBool::new(false);
    let pod = json!({
        "kind": "Pod", "metadata": {"name": "p", "namespace": "ci", "uid": "u1", "resourceVersion": "3"},
        "spec": {"containers": [{"name": "main"}], "nodeName": "n1"},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "main", "ready": true, "restartCount": 0, "state": {"running": {}}}
        ]},
    });
    let line = |second: u8, text: &str| format!("2026-11-27T00:00:0{second}.5Z {text}\n");
    let server = Server::start(move |_, request, connection| {
        let target = request.target();
        let text = "content-type: text/plain\r\n";
        let is_stream = target.contains("follow=true");
        let stream = is_stream.then(|| streams.fetch_add(1, Ordering::SeqCst));
        let response = match (target, stream) {
            (_, Some(0)) => http("200 OK", text, line(2, "s3cr3t6AAAA").as_bytes()),
            (_, Some(_)) => {
                is_gone.store(true, Ordering::SeqCst);
                let end = [line(3, "s3cr3t7AAAA"), line(4, "-----END PRIVATE KEY-----")].concat();
                // After a reconnection, lines are repeated from the start of a second, which can be within the key.
                let rest = line(5, "epoch 1") + &end + &line(6, "epoch 2");
                http("200 OK", text, (end + &rest).as_bytes())
            }
            _ if is_gone.load(Ordering::SeqCst) => http(
                "404 Not Found",
                "",
                br#"{"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
                    "message": "pods \"p\" not found", "details": {"name": "p"}}"#,
            ),
            (target, _) if target.contains("/log") => {
                let begin = line(0, "-----BEGIN PRIVATE KEY-----");
                http("200 OK", text, (begin + &line(1, "s3cr3t5AAAA")).as_bytes())
            }
            (target, _) if target.contains("/events") => {
                crate::support::json(r#"{"kind": "EventList", "items": []}"#)
            }
            _ => crate::support::json(pod.to_string()),
        };
        let _ = connection.write_all(&response);
    });
    let (_parent, folder) = folder();
    let arguments = ["logs", "kubernetes/pod/ci/p", "-f", "--interval", "500ms"];
    let run = joblens(&with(&arguments, "--record", &folder))
        .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
        .with_secret("tok-given")
        .run();
    let printed = ["s3cr3t5", "s3cr3t6", "s3cr3t7", "epoch 1"];
    assert!(
        printed.iter().all(|text| run.stdout.contains(text)),
        "{}",
        run.stdout
    );
    assert_private(&folder, &["s3cr3t"]);
    let replayed = replay(&arguments, &folder);
    assert_eq!(
        replayed.stdout, "***\n***\n***\n***\n***\nepoch 1\n***\n***\nepoch 2\n",
        "{}",
        replayed.stderr
    );
}
