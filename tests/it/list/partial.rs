//! Lists that a cloud returns in parts, one of which it rejects.

use serde_json::json;

use super::each;
use crate::support::{Joblens, Server, http, joblens, json};

/// Starts a server with the image jobs of Huawei that rejects one type.
fn refusing(job_type: &'static str, status: &'static str, body: &'static str) -> Server {
    use std::io::Write as _;
    Server::start(move |_, request, stream| {
        let target = request.target();
        let response = match target.contains(&format!("job_type={job_type}&")) {
            true => http(
                status,
                "content-type: application/json\r\n",
                body.as_bytes(),
            ),
            false if target.contains("job_type=CREATE_SERVER&") => json(
                r#"{"count": 1, "items": [{"id": "7", "job_type": "CREATE_SERVER",
                    "begin_time": "2026-09-14T10:00:00Z", "status": "SUCCESS"}]}"#,
            ),
            false => json(r#"{"count": 0, "items": []}"#),
        };
        let _ = stream.write_all(&response);
    })
}

const DENIED: &str = r#"{"error_code": "WKS.0403", "error_msg": "no permission"}"#;

fn run(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(arguments).envs([
        ("JOBLENS_HUAWEI_ENDPOINT", server.origin().as_str()),
        ("JOBLENS_HUAWEI_PROJECT_ID", "p1"),
        ("JOBLENS_HUAWEI_TOKEN", "a-token"),
    ])
}

#[test]
fn a_refused_job_type_does_not_hide_jobs_of_the_others() {
    for (status, code) in [("403 Forbidden", 4), ("400 Bad Request", 5)] {
        let server = refusing("DELETE_SERVER", status, DENIED);
        let run = run(&server, &["list", "huawei/image-job", "-o", "json"]).run();
        let json = run.json();
        assert_eq!(run.code, code, "{}", run.stdout);
        assert_eq!(each(&json["jobs"], "ref"), ["huawei/image-job/7"]);
        let error = &json["errors"][0];
        assert_eq!(error["ref"], "huawei/image-job/");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("job_type DELETE_SERVER: "), "{message}");
        assert_eq!(json["errors"].as_array().unwrap().len(), 1);
        assert_eq!(
            json["coverage"],
            json!({"complete": false, "asked": 1, "answered": 0})
        );
    }
}

#[test]
fn a_refused_job_type_marks_the_table_and_the_names_as_incomplete() {
    let server = refusing("DELETE_SERVER", "403 Forbidden", DENIED);
    let table = run(&server, &["list", "huawei/image-job"]).run();
    assert!(
        table.stdout.contains("huawei/image-job/7"),
        "{}",
        table.stdout
    );
    let part = "huawei/image-job/: a part could not be listed\n";
    assert!(table.stderr.contains(part), "{}", table.stderr);
    let names = run(&server, &["list", "huawei/image-job", "-o", "name"]).run();
    let end = "huawei/image-job/7\n#!incomplete: huawei/image-job/: \
               a part could not be listed: job_type DELETE_SERVER: ";
    assert!(names.stdout.starts_with(end), "{}", names.stdout);
    // The only row would be in the rejected part, so the result is not "nothing found".
    let server = refusing("CREATE_SERVER", "403 Forbidden", DENIED);
    let none = run(&server, &["list", "huawei/image-job"]).run();
    assert_eq!(none.code, 4);
    assert!(!none.stderr.contains("nothing found"), "{}", none.stderr);
}

#[test]
fn latest_is_an_error_if_a_job_type_cannot_be_listed() {
    let server = refusing("DELETE_SERVER", "403 Forbidden", DENIED);
    let run = run(&server, &["get", "huawei/image-job/@latest", "-o", "json"]).run();
    assert_eq!(run.code, 4, "{}", run.stdout);
    let message = run.error()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("job_type DELETE_SERVER: "), "{message}");
}
