//! Gates on warnings, the only gates for resources without states.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{JOB, LONG, MAX_DURATION, SERVICE, job, reason};
use crate::support::emulated::Emulated;
use crate::support::{SECRETS, Server, in_parallel, joblens, json};

fn service(warnings: &str) -> String {
    format!("[[job]]\nref = '{SERVICE}'\nage = '1h'\nwarnings = [{warnings}]\n")
}

const OLD: &str = "{ after = '5m', reason = 'BackOff', message = 'pull', count = 40 }";
const NEW: &str = "{ after = '1h2s', reason = 'Unhealthy', message = 'probe failed' }";

#[test]
fn old_warnings_do_not_fail_a_gate_without_new_ones() {
    let emulated = Emulated::start(&service(OLD));
    let run = emulated
        .wait(&[SERVICE, "--for", "no-warnings=1s", "-t", LONG])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
    let requests = emulated.requests();
    let confirmations = requests["tencent/DescribeClusterServiceInfo"];
    assert_eq!(confirmations, 2, "at the beginning and at the end");
}

#[test]
fn a_service_that_is_deleted_during_the_wait_does_not_pass() {
    let confirmations = AtomicUsize::new(0);
    let server = Server::start(move |_, got, stream| {
        let is_events = got.target().contains("DescribeServiceEvent");
        let body = match is_events {
            true => r#"{"code":0,"data":{"eventList":[]}}"#,
            false => match confirmations.fetch_add(1, Ordering::Relaxed) {
                0 => r#"{"code":0,"data":{"service":{"serviceName":"web"}}}"#,
                _ => r#"{"code":0,"data":{"service":[]}}"#,
            },
        };
        let _ = stream.write_all(&json(body));
    });
    let goal = ["--for", "no-warnings=200ms", "-t", "2s"];
    let wait = ["wait", SERVICE, "--interval", "50ms"];
    let run = joblens(&[&wait[..], &goal].concat())
        .env("JOBLENS_TENCENT_ENDPOINT", server.origin())
        .env("TENCENTCLOUD_REGION", "ap-guangzhou")
        .env("TENCENTCLOUD_SECRET_ID", "id")
        .env("TENCENTCLOUD_SECRET_KEY", SECRETS[3])
        .run();
    assert_eq!(run.code, 3, "{}", run.stderr);
}

#[test]
fn a_new_warning_fails_the_gate() {
    let emulated = Emulated::start(&service(&format!("{OLD}, {NEW}")));
    let run = emulated
        .wait(&[SERVICE, "--for", "no-warnings=1h", "-t", LONG])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(
        reason(&run),
        format!("{SERVICE}: new warning: probe failed; 1 unmet")
    );
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn a_service_that_does_not_exist_does_not_pass() {
    let emulated = Emulated::start(&service(OLD));
    let wrong = "tencent/service/cls-1/default/wbe";
    let run = emulated
        .wait(&[wrong, "--for", "no-warnings=100ms", "-t", "2s"])
        .run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()["gate"]["pending"], 1);
}

#[test]
fn a_service_whose_existence_cannot_be_confirmed_does_not_pass() {
    let fault = "[[fault]]\noperation = 'DescribeClusterServiceInfo'\nkind = 'status'\n";
    let emulated = Emulated::start(&(service(OLD) + fault));
    let options = [
        "--for",
        "no-warnings=100ms",
        "-t",
        "2s",
        "--max-attempts",
        "1",
    ];
    let run = emulated.wait(&[&[SERVICE][..], &options].concat()).run();
    assert_eq!(run.code, 5, "{}", run.stderr);
}

#[test]
fn a_job_that_fails_without_a_warning_fails_the_gate() {
    let emulated = Emulated::start(&job(JOB, "0s Running, 500ms Failed"));
    let run = emulated
        .wait(&[JOB, "--for", "no-warnings=1h", "-t", LONG])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
}

#[test]
fn waiting_for_a_state_of_a_kind_without_states_is_a_usage_error() {
    let emulated = Emulated::start(&service(OLD));
    for command in ["wait", "get"] {
        let arguments: &[&str] = match command {
            "wait" => &["wait", SERVICE, "-t", LONG],
            _ => &["get", SERVICE, "--exit-status"],
        };
        let run = emulated.joblens(arguments).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(
            run.stderr.contains("has events but no state"),
            "{}",
            run.stderr
        );
    }
    assert!(emulated.accesses().is_empty());
}

/// Starts a service with one warning in every response, with these times and count.
fn with_a_warning(times: &'static str, count: &'static str) -> Server {
    Server::start(move |_, got, stream| {
        let body = match got.target().contains("DescribeServiceEvent") {
            false => r#"{"code":0,"data":{"service":{"serviceName":"web"}}}"#.to_owned(),
            true => format!(
                r#"{{"code":0,"data":{{"eventList":[{{"level":"Warning","objName":"web-1",
                "reason":"BackOff","message":"重启容器"{times}{count}}}]}}}}"#
            ),
        };
        let _ = stream.write_all(&json(body));
    })
}

#[test]
fn a_gate_never_passes_while_a_warning_has_no_readable_time() {
    let times = [
        "",
        r#","firstSeen":"--","lastSeen":"--""#,
        r#","firstSeen":"刚刚","lastSeen":"刚刚""#,
    ];
    in_parallel(times, |times| {
        for count in ["", r#","count":5"#] {
            let server = with_a_warning(times, count);
            let goal = ["--for", "no-warnings=200ms", "-t", "1s", "-o", "json"];
            let wait = ["wait", SERVICE, "--interval", "50ms"];
            let run = joblens(&[&wait[..], &goal].concat())
                .env("JOBLENS_TENCENT_ENDPOINT", server.origin())
                .env("TENCENTCLOUD_REGION", "ap-guangzhou")
                .env("TENCENTCLOUD_SECRET_ID", "id")
                .env("TENCENTCLOUD_SECRET_KEY", SECRETS[3])
                .run();
            assert_eq!(run.code, 124, "{times}{count}: {}", run.stderr);
            assert!(
                reason(&run).contains("no readable time"),
                "{}",
                reason(&run)
            );
        }
    });
}

/// Returns exit code and output of a gate on warnings; `events` returns the nth response about events.
fn code_with_events(events: impl Fn(usize) -> String + Send + Sync + 'static) -> (i32, String) {
    let polls = AtomicUsize::new(0);
    let server = Server::start(move |_, got, stream| {
        let body = match got.target().contains("DescribeServiceEvent") {
            false => r#"{"code":0,"data":{"service":{"serviceName":"web"}}}"#.to_owned(),
            true => events(polls.fetch_add(1, Ordering::Relaxed)),
        };
        let _ = stream.write_all(&json(body));
    });
    let goal = ["--for", "no-warnings=200ms", "-t", "1s"];
    let wait = ["wait", SERVICE, "--interval", "50ms"];
    let run = joblens(&[&wait[..], &goal].concat())
        .env("JOBLENS_TENCENT_ENDPOINT", server.origin())
        .env("TENCENTCLOUD_REGION", "ap-guangzhou")
        .env("TENCENTCLOUD_SECRET_ID", "id")
        .env("TENCENTCLOUD_SECRET_KEY", SECRETS[3])
        .run();
    (run.code, run.stderr)
}

#[test]
fn a_changed_unreadable_last_time_counts_as_a_new_warning() {
    let (code, stderr) = code_with_events(|poll| {
        format!(
            r#"{{"code":0,"data":{{"eventList":[{{"level":"Warning","count":1,"message":"m",
            "firstSeen":"2024-01-01 00:00:00","lastSeen":"第 {poll} 次"}}]}}}}"#
        )
    });
    assert_eq!(code, 1, "{stderr}");
}

#[test]
fn an_event_of_any_level_except_normal_fails_a_gate_on_warnings() {
    let cases = [
        (r#""level":"Error","#, 1),
        (r#""level":"警告","#, 1),
        (r#""level":2,"#, 1),
        ("", 1),
        (r#""level":"NORMAL","#, 0),
    ];
    in_parallel(cases, |(level, expected)| {
        let (code, stderr) = code_with_events(move |poll| {
            format!(
                r#"{{"code":0,"data":{{"eventList":[{{{level}"count":{},"message":"m",
                "firstSeen":"2024-01-01 00:00:00","lastSeen":"2024-01-01 00:00:00"}}]}}}}"#,
                poll + 1
            )
        });
        assert_eq!(code, expected, "{level}: {stderr}");
    });
}

#[test]
fn a_gate_never_passes_on_a_response_without_a_list_of_events() {
    let cases = [
        ("", 5),
        (r#","data":[]"#, 5),
        (r#","data":{}"#, 5),
        (r#","data":{"events":[]}"#, 5),
        (r#","data":{"eventList":null}"#, 124),
        (r#","data":{"eventList":""}"#, 124),
        (r#","data":{"eventList":{}}"#, 124),
        (r#","data":null"#, 124),
    ];
    in_parallel(cases, |(data, expected)| {
        let (code, stderr) = code_with_events(move |_| format!(r#"{{"code":0{data}}}"#));
        assert_eq!(code, expected, "{data}: {stderr}");
    });
    let (code, stderr) = code_with_events(|_| r#"{"code":0,"data":{"eventList":[]}}"#.to_owned());
    assert_eq!(code, 0, "{stderr}");
}
