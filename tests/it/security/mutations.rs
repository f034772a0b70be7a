use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Server, http, in_parallel, joblens};

const SECRET: &str = "Ak7+test/9c2Secret==Zq41xYw8";

/// Returns the forms in which clouds and gateways repeat a secret that they received.
fn spellings() -> [String; 8] {
    let escaped = |before: &str, after: &str| {
        let sign = |c: char| format!("{before}{:02x}{after}", u32::from(c));
        SECRET
            .chars()
            .fold(String::new(), |text, c| match c.is_ascii_alphanumeric() {
                true => text + &c.to_string(),
                false => text + &sign(c),
            })
    };
    [
        SECRET.to_owned(),
        SECRET[..SECRET.len() - 2].to_owned(),
        SECRET.replace('+', " "),
        SECRET.to_uppercase(),
        escaped("%", ""),
        escaped("&#x", ";"),
        escaped("\\u00", ""),
        format!("{}\n{}", &SECRET[..14], &SECRET[14..]),
    ]
}

/// Adds the secret to every text except those without which a response cannot be read: ids, states, numbers and
/// times. Each text gets the next spelling.
fn inject(value: &mut Value, key: &str, next: &mut usize) {
    const NEEDED: [&str; 8] = [
        "JobId", "State", "Status", "status", "state", "id", "code", "job_id",
    ];
    match value {
        Value::Object(map) => map
            .iter_mut()
            .for_each(|(key, value)| inject(value, key, next)),
        Value::Array(list) => list.iter_mut().for_each(|value| inject(value, key, next)),
        Value::String(text) => {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if !NEEDED.contains(&key) && !is_number {
                *text = format!("{text} {}", spellings()[*next % 8]);
                *next += 1;
            }
        }
        _ => {}
    }
}

fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Fails if an output contains the secret in any spelling, or most of it.
fn assert_masked(what: &str, output: &str) {
    let parts = [
        SECRET[..20].to_owned(),
        SECRET[8..].to_owned(),
        SECRET[14..24].to_owned(),
    ];
    for spelling in spellings().into_iter().chain(parts) {
        assert!(
            !output.contains(&spelling),
            "{what}: {spelling:?} in {output}"
        );
    }
}

fn run(arguments: &[&str], server: &Server, folder: &Path) -> String {
    let secrets = [
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "JOBLENS_SUGON_TOKEN",
        "HUAWEICLOUD_SDK_SK",
        "TENCENTCLOUD_SECRET_KEY",
        "JOBLENS_KUBERNETES_TOKEN",
    ];
    let run = joblens(arguments)
        .envs(joblens::emulator::environment(&server.origin()))
        .envs(secrets.map(|name| (name, SECRET)))
        .current_dir(folder)
        .run();
    assert_ne!(run.code, 2, "{arguments:?}: {}", run.stderr);
    format!("{}{}", run.stdout, run.stderr)
}

const FIXTURES: [(&str, &str); 6] = [
    (
        "aliyun/job/describe-serverless-jobs-every-field.json",
        "aliyun/job/ehpc-hz-FYUr32/10_3",
    ),
    (
        "aliyun/job/describe-serverless-jobs-failed.json",
        "aliyun/job/ehpc-hz-FYUr32/10_3",
    ),
    (
        "aliyun/invocation/list-invocation-status.json",
        "aliyun/invocation/ehpc-hz-FYUr32/c-1",
    ),
    (
        "sugon/instance/completed.json",
        "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35",
    ),
    (
        "huawei/image-job/failed.json",
        "huawei/image-job/702371902345678848",
    ),
    (
        "tencent/service/events.json",
        "tencent/service/cls-1/default/web",
    ),
];

#[test]
fn a_secret_in_any_field_header_or_status_line_is_in_no_output() {
    const COMMANDS: [&[&str]; 9] = [
        &["get"],
        &["get", "-o", "wide", "-v"],
        &["get", "-o", "json", "--raw", "--show-secrets"],
        &["get", "-o", "yaml"],
        &["get", "-o", "csv"],
        &["get", "-o", "markdown"],
        &["describe"],
        &["events", "-o", "jsonl"],
        &[
            "wait",
            "-t",
            "0s",
            "--report",
            "github",
            "--report",
            "junit=junit.xml",
            "--report",
            "json=report.json",
        ],
    ];
    let headers = format!(
        "content-type: application/json\r\nserver: {SECRET}\r\nx-request-id: {SECRET}\r\n\
        www-authenticate: Bearer {SECRET}\r\nvia: 1.1 {SECRET}\r\n"
    );
    in_parallel(FIXTURES, |(name, reference)| {
        let folder = tempfile::tempdir().unwrap();
        let mut document = fixture(name);
        inject(&mut document, "", &mut 0);
        let body = document.to_string();
        let status = format!("200 {SECRET}");
        let server = Server::answering(http(&status, &headers, body.as_bytes()));
        // A service has no state to wait for.
        let has_state = !reference.starts_with("tencent");
        for command in COMMANDS
            .into_iter()
            .filter(|one| has_state || one[0] != "wait")
        {
            let output = run(&[command, &[reference]].concat(), &server, folder.path());
            assert_masked(&format!("{name} {command:?}"), &output);
        }
        for report in ["junit.xml", "report.json"].iter().filter(|_| has_state) {
            let report = fs::read_to_string(folder.path().join(report)).unwrap();
            assert_masked(name, &report);
        }
    });
}

#[test]
fn a_secret_in_an_error_response_is_in_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let spelled = spellings()
        .map(|spelling| spelling.replace('\n', " "))
        .join(", ");
    let page = format!("<html><title>{spelled}</title><p>{spelled}</p></html>");
    let refusal = serde_json::json!({
        "Code": SECRET, "code": SECRET, "error_code": SECRET, "RequestId": SECRET,
        "Message": spelled, "message": spelled, "msg": spelled, "error_msg": spelled,
    });
    let bodies = [
        ("403", "application/json", refusal.to_string()),
        ("200", "application/json", refusal.to_string()),
        ("502", "text/html", page),
        ("500", "text/plain", spelled),
    ];
    in_parallel(bodies, |(status, kind, body)| {
        let status = format!("{status} {SECRET}");
        let headers = format!("content-type: {kind}\r\nserver: {SECRET}\r\n");
        let server = Server::answering(http(&status, &headers, body.as_bytes()));
        let references = FIXTURES.map(|(_, reference)| reference);
        let get = ["get", "-v", "-o", "json", "--max-attempts", "1"];
        for command in [
            &[&get[..], &references].concat()[..],
            &["doctor", "-o", "markdown"],
        ] {
            let output = run(command, &server, folder.path());
            assert_masked(&format!("{status} {command:?}"), &output);
        }
    });
}
