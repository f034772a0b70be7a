//! Tests of watched scopes.

use crate::support::{Server, http, json as response};

use super::*;

/// Jobs of one cluster: one ended long ago, one ends soon, and one starts later.
const CLUSTER: &str = r#"
[[job]]
ref = "aliyun/job/c-1/old"
age = "1d"
states = [{ after = "0s", state = "Succeeded", exit_code = 0 }]

[[job]]
ref = "aliyun/job/c-1/now"
age = "1h"
states = [
  { after = "0s", state = "Running" },
  { after = "3600500ms", state = "Succeeded", exit_code = 0 },
]

[[job]]
ref = "aliyun/job/c-1/later"
appears = "300ms"
states = [{ after = "0s", state = "Failed", exit_code = 1 }]
"#;

#[test]
fn a_watched_scope_follows_unfinished_and_new_jobs_until_a_signal() {
    let emulated = Emulated::start(CLUSTER);
    let mut watching = Watching::start(&emulated, &["-o", "jsonl", "aliyun/job/c-1/"]);
    let mut seen = BTreeMap::new();
    while !seen.contains_key("aliyun/job/c-1/later")
        || seen.get("aliyun/job/c-1/now") != Some(&json!("succeeded"))
    {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        assert_eq!(record["type"], "transition", "{record}");
        let reference = record["ref"].as_str().unwrap().to_owned();
        seen.insert(reference, record["state"].clone());
    }
    assert_eq!(seen["aliyun/job/c-1/later"], "failed");
    assert!(!seen.contains_key("aliyun/job/c-1/old"), "{seen:?}");
    // All jobs have ended, but new ones may appear.
    watching.signal("INT");
    let last: Value = serde_json::from_str(&watching.line()).unwrap();
    assert_eq!(last["type"], "summary");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn a_scope_that_does_not_exist_ends_the_watch_with_not_found() {
    let emulated = Emulated::start(CLUSTER);
    let run = watch(&emulated, &["-o", "jsonl", "aliyun/job/no-such-cluster/"]);
    let all = records(&run.stdout);
    assert_whole(&all);
    assert_eq!((run.code, &all[0]["category"]), (3, &json!("not_found")));
    assert_eq!(all[0]["ref"], "aliyun/job/no-such-cluster/");
}

#[test]
fn scopes_of_all_namespaces_and_of_invocations_can_be_watched() {
    const JOBS: &str = r#"
[[job]]
ref = "tencent/service/cls-1/default/web"
[[job]]
ref = "tencent/service/cls-1/other/web"
[[job]]
ref = "aliyun/invocation/c-1/c-7"
states = [{ after = "0s", state = "Running" }]
"#;
    let emulated = Emulated::start(JOBS);
    let scopes = ["tencent/service/cls-1/", "aliyun/invocation/c-1/"];
    let mut watching = Watching::start(&emulated, &[&["-o", "jsonl"], &scopes[..]].concat());
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 3 {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        seen.push(record["ref"].as_str().unwrap().to_owned());
    }
    seen.sort();
    let wanted = [
        "aliyun/invocation/c-1/c-7",
        "tencent/service/cls-1/default/web",
        "tencent/service/cls-1/other/web",
    ];
    assert_eq!(seen, wanted);
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn a_forbidden_part_of_a_scope_is_reported_and_the_rest_is_followed() {
    use std::io::Write as _;
    let server = Server::start(|_, request, stream| {
        let target = request.target();
        let response = match () {
            () if target.contains("job_type=DELETE_SERVER&") => http("403 Forbidden", "", b"{}"),
            () if target.contains("job_type=CREATE_SERVER_IMAGE&") => response(r#"{"items": []}"#),
            () if target.contains("job_type=") => {
                response(r#"{"items": [{"id": "7", "status": "RUNNING"}]}"#)
            }
            () => response(r#"{"id": "7", "status": "RUNNING"}"#),
        };
        let _ = stream.write_all(&response);
    });
    let origin = server.origin();
    let environment = [
        ("JOBLENS_HUAWEI_ENDPOINT", origin.as_str()),
        ("JOBLENS_HUAWEI_PROJECT_ID", "p1"),
        ("JOBLENS_HUAWEI_TOKEN", "a-token"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let scope = ["-o", "jsonl", "huawei/image-job/"];
    let mut watching = Watching::start_with(environment.to_vec(), &scope);
    let mut seen = BTreeMap::new();
    while seen.len() < 2 {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        let reference = record["ref"].as_str().unwrap().to_owned();
        let what = [&record["type"], &record["state"], &record["category"]];
        seen.insert(reference, what.map(Value::to_string).concat());
    }
    assert_eq!(
        seen["huawei/image-job/"],
        r#""error"null"permission_denied""#
    );
    assert_eq!(seen["huawei/image-job/7"], r#""transition""running"null"#);
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn a_job_that_can_only_be_listed_is_shown_as_in_the_list() {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let lists = AtomicUsize::new(0);
    let server = Server::start(move |_, request, stream| {
        let target = request.target();
        let response = match () {
            () if target.contains("job_type=CREATE_SERVER&") => {
                let status = match lists.fetch_add(1, Ordering::SeqCst) {
                    0..4 => "RUNNING",
                    _ => "FAILED",
                };
                response(format!(
                    r#"{{"items": [{{"id": "7", "status": "{status}"}}]}}"#
                ))
            }
            () if target.contains("job_type=") => response(r#"{"items": []}"#),
            () => http("403 Forbidden", "", b"{}"),
        };
        let _ = stream.write_all(&response);
    });
    let environment = [
        ("JOBLENS_HUAWEI_ENDPOINT", server.origin()),
        ("JOBLENS_HUAWEI_PROJECT_ID", "p1".to_owned()),
        ("JOBLENS_HUAWEI_TOKEN", "a-token".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let scope = ["-o", "jsonl", "huawei/image-job/"];
    let mut watching = Watching::start_with(environment.to_vec(), &scope);
    let mut shown = Vec::new();
    while !shown.contains(&"failed".to_owned()) {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        assert_eq!(record["ref"], "huawei/image-job/7", "{record}");
        let what = record["category"].as_str().or(record["state"].as_str());
        shown.push(what.unwrap().to_owned());
    }
    assert_eq!(shown, ["permission_denied", "running", "failed"]);
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn an_id_equal_to_a_secret_of_the_run_is_masked() {
    use std::io::Write as _;
    const TOKEN: &str = "Wd7s3cretIdOfTheRun2";
    let server = Server::start(|_, request, stream| {
        let job = format!(r#"{{"id": "{TOKEN}", "status": "RUNNING"}}"#);
        let response = match request.target() {
            target if target.contains(TOKEN) => response(&job),
            target if target.contains("job_type=CREATE_SERVER&") => {
                response(format!(r#"{{"items": [{job}]}}"#))
            }
            _ => response(r#"{"items": []}"#),
        };
        let _ = stream.write_all(&response);
    });
    let environment = [
        ("JOBLENS_HUAWEI_ENDPOINT", server.origin()),
        ("JOBLENS_HUAWEI_PROJECT_ID", "p1".to_owned()),
        ("JOBLENS_HUAWEI_TOKEN", TOKEN.to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let scope = ["-o", "jsonl", "huawei/image-job/"];
    let mut watching = Watching::start_with(environment.to_vec(), &scope);
    let line = watching.line();
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["ref"], "huawei/image-job/***");
    assert_eq!(record["state"], "running");
    assert!(!line.contains(TOKEN), "{line}");
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn an_outage_of_a_scope_is_reported_in_a_pipe() {
    let fault =
        "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'status'\nstatus = 502\ntimes = 2\n";
    let emulated = Emulated::start(&format!("{CLUSTER}{fault}"));
    let options = ["--max-attempts", "1", "aliyun/job/c-1/"];
    let mut watching = Watching::start(&emulated, &options);
    // The state of a job is only printed after a list.
    assert!(watching.line().contains("aliyun/job/c-1/"));
    watching.signal("INT");
    let (code, stderr) = watching.end();
    assert_eq!(code, Some(130), "{stderr}");
    let count = |text: &str| stderr.matches(text).count();
    assert_eq!(count("aliyun reports an error ("), 1, "{stderr}");
    assert_eq!(count("; retrying"), 1, "{stderr}");
    assert_eq!(count("aliyun responds again after"), 1, "{stderr}");
}

#[test]
fn errors_of_references_that_are_retried_are_not_skipped_requests() {
    let ids = ["1", "2", "3", "4"].map(|id| format!("aliyun/job/c-1/{id}"));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let emulated = Emulated::start(CLUSTER);
    let mut environment = emulated.environment();
    environment.retain(|(name, _)| name != "JOBLENS_ALIYUN_ENDPOINT");
    // Nothing listens on this port.
    let endpoint = "http://127.0.0.1:9".to_owned();
    environment.push(("JOBLENS_ALIYUN_ENDPOINT".to_owned(), endpoint));
    let options = ["-o", "jsonl", "--max-attempts", "1"];
    let mut watching = Watching::start_with(environment, &[&options[..], &ids].concat());
    for _ in &ids {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        let message = record["message"].as_str().unwrap();
        assert!(message.starts_with("the connection failed"), "{record}");
    }
    watching.signal("INT");
    watching.line();
    assert_eq!(watching.end().0, Some(130));
}
