//! Gates on Kubernetes warnings, which include those of all parts of a job.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Run, Server, http, in_parallel, joblens};

const TIME: &str = "2026-11-28T08:00:00Z";

/// Properties of a server.
#[derive(Clone, Copy)]
struct Cluster {
    pods: usize,
    are_well: bool,
    /// HTTP status of the list of pods.
    pods_status: &'static str,
    /// UID of the object that has a warning since the second lookup of the job.
    unhealthy: &'static str,
    /// `true` if the first page of every list of events is empty.
    has_pages: bool,
}

const HEALTHY: Cluster = Cluster {
    pods: 1,
    are_well: true,
    pods_status: "200 OK",
    unhealthy: "p0",
    has_pages: false,
};

fn job() -> Value {
    json!({
        "metadata": {"name": "x", "namespace": "ci", "uid": "own", "creationTimestamp": TIME},
        "status": {"active": 1, "startTime": TIME},
    })
}

impl Cluster {
    fn pod(self, number: usize) -> Value {
        let state = match self.are_well {
            true => json!({"running": {"startedAt": TIME}}),
            false => json!({"waiting": {"reason": "CrashLoopBackOff"}}),
        };
        let status = json!({"name": "main", "ready": self.are_well, "state": state});
        let name = format!("p{number}");
        json!({
            "metadata": {"name": name, "namespace": "ci", "uid": name, "creationTimestamp": TIME},
            "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
            "status": {"phase": "Running", "containerStatuses": [status]},
        })
    }

    /// Returns the warning if a request is for the events of its object.
    fn events(self, target: &str) -> Value {
        if self.has_pages && !target.contains("continue=") {
            return json!({"metadata": {"continue": "next"}, "kind": "List", "items": []});
        }
        let (kind, name) = match self.unhealthy {
            "own" => ("Job", "x"),
            name => ("Pod", name),
        };
        let selectors = [
            format!("uid%3D{}", self.unhealthy),
            format!("kind%3D{kind}%2Ctype"),
            format!("kind%3D{kind}%2CinvolvedObject.name%3D{name}"),
        ];
        let is_selected = selectors.iter().any(|selector| target.contains(selector));
        let event = json!({
            "involvedObject": {"kind": kind, "name": name, "uid": self.unhealthy},
            "type": "Warning", "reason": "Unhealthy", "message": "probe failed",
            "firstTimestamp": TIME, "lastTimestamp": TIME, "count": 7,
        });
        json!({"kind": "List", "items": if is_selected { vec![event] } else { Vec::new() }})
    }

    fn wait(self, condition: &str, timeout: &str) -> Run {
        let lookups = Arc::new(AtomicUsize::new(0));
        let server = Server::start(move |_, request, connection| {
            let target = request.target();
            let path = target.split('?').next().unwrap_or_default();
            let (status, body) = match path.rsplit('/').next() {
                Some("x") => {
                    lookups.fetch_add(1, Ordering::SeqCst);
                    ("200 OK", job())
                }
                Some("pods") => {
                    let pods: Vec<Value> = (0..self.pods).map(|number| self.pod(number)).collect();
                    (self.pods_status, json!({"kind": "List", "items": pods}))
                }
                Some("events") if lookups.load(Ordering::SeqCst) > 1 => {
                    ("200 OK", self.events(target))
                }
                Some("events") => ("200 OK", json!({"kind": "List", "items": []})),
                _ => ("403 Forbidden", json!({"kind": "Status"})),
            };
            let response = http(status, "", body.to_string().as_bytes());
            let _ = connection.write_all(&response);
        });
        let condition = format!("no-warnings={condition}");
        let options = ["--for", &condition, "-t", timeout, "--interval", "1s"];
        joblens(&[&["wait", "kubernetes/job/ci/x", "-o", "json"][..], &options].concat())
            .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
            .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
            .with_secret("tok-given")
            .run()
    }
}

#[test]
fn a_new_warning_of_any_part_of_a_job_fails_a_gate() {
    let many = |pods, unhealthy| Cluster {
        pods,
        are_well: false,
        unhealthy,
        ..HEALTHY
    };
    let paged = Cluster {
        has_pages: true,
        ..HEALTHY
    };
    let own = Cluster {
        unhealthy: "own",
        ..paged
    };
    in_parallel(
        [HEALTHY, many(8, "p7"), many(20, "p19"), paged, own],
        |cluster| {
            let run = cluster.wait("1h", "60s");
            assert_eq!(run.code, 1, "{}: {}", cluster.unhealthy, run.stderr);
            let has_reason = run.stderr.contains("new warning: probe failed");
            assert!(has_reason, "{}", run.stderr);
        },
    );
}

#[test]
fn pods_that_cannot_be_read_leave_a_gate_undecided() {
    in_parallel(["403 Forbidden", "500 Internal Server Error"], |status| {
        let cluster = Cluster {
            pods_status: status,
            ..HEALTHY
        };
        let run = cluster.wait("500ms", "4s");
        assert_eq!(run.code, 124, "{}", run.stderr);
        let reason = "not all of its events could be read";
        assert!(run.stderr.contains(reason), "{}", run.stderr);
        let notices = run.json()["notices"].to_string();
        assert!(notices.contains("cannot read the events of"), "{notices}");
    });
}
