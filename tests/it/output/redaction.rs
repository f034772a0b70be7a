//! Credentials are masked in the output, but never change how responses are read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Server, joblens, json as response};

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Returns every key, word and number of a document that could be a credential.
fn words(document: &Value) -> BTreeSet<String> {
    let text = document.to_string();
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    let whole = text.split('"').filter(|part| part.is_ascii());
    let words = parts.chain(whole).filter(|word| word.len() >= 4);
    let is_token = |word: &&str| word.bytes().all(|byte| byte.is_ascii_graphic());
    words.filter(is_token).map(str::to_owned).collect()
}

/// Returns the fields on which a script bases decisions.
fn decided(run: &crate::support::Run) -> Value {
    let json = run.json();
    let job = &json["jobs"][0];
    let each = |list: &str, keys: &[&str]| -> Value {
        let rows = job[list].as_array();
        let rows = rows.unwrap_or_else(|| panic!("{json:#}")).iter();
        let rows = rows.map(|row| keys.iter().map(|key| row[*key].clone()).collect::<Value>());
        rows.collect()
    };
    let of_job = [
        "ref",
        "id",
        "state",
        "state_raw",
        "ended",
        "exit_code",
        "warning_count",
        "created_at",
        "started_at",
        "finished_at",
        "resources",
        "array",
    ];
    let of_job: Value = of_job.iter().map(|key| job[*key].clone()).collect();
    let tasks = [
        "id",
        "state",
        "state_raw",
        "ended",
        "exit_code",
        "resources",
    ];
    let events = ["level", "level_raw", "count", "first_at", "last_at"];
    json!({
        "code": run.code,
        "exit": json["exit"],
        "coverage": json["coverage"],
        "job": of_job,
        "tasks": each("tasks", &tasks),
        "events": each("events", &events),
    })
}

/// Maximum number of words of one fixture that are tested as a token.
const MAX_RUNS: usize = 60;

#[test]
fn a_token_equal_to_a_word_of_a_response_does_not_change_its_reading() {
    let clouds = [
        (
            "sugon/instance/completed.json",
            &["get", "--exit-status", "-o", "json"][..],
            "JOBLENS_SUGON_TOKEN",
            "JOBLENS_SUGON_ENDPOINT",
            "sugon/instance/",
        ),
        (
            "tencent/service/events.json",
            &["get", "-o", "json"],
            "TENCENTCLOUD_TOKEN",
            "JOBLENS_TENCENT_ENDPOINT",
            "tencent/service/cls-1/default/web",
        ),
    ];
    for (name, command, variable, endpoint, reference) in clouds {
        let document = fixture(name);
        let server = Server::answering(response(document.to_string()));
        let id = document["data"]["id"].as_str().unwrap_or_default();
        let reference = format!("{reference}{id}");
        let get = |token: &str| {
            let run = joblens(&[command, &[&reference]].concat())
                .envs(joblens::emulator::environment(&server.origin()))
                .env(endpoint, server.origin())
                .env(variable, token);
            decided(&run.run())
        };
        let expected = get("another-token");
        // Limits the number of runs for fixtures with many words.
        let words: Vec<String> = words(&document).into_iter().collect();
        for word in words.iter().step_by(words.len().div_ceil(MAX_RUNS)) {
            assert_eq!(get(word), expected, "{name}: {word}");
        }
    }
}

/// Adds the secret to every text of a document except those without which the response cannot be read: the id,
/// states, numbers and times.
fn inject(value: &mut Value, key: &str, secret: &str) {
    const NEEDED: [&str; 3] = ["JobId", "State", "Status"];
    match value {
        Value::Object(map) => map
            .iter_mut()
            .for_each(|(key, value)| inject(value, key, secret)),
        Value::Array(list) => list.iter_mut().for_each(|value| inject(value, key, secret)),
        Value::String(text) => {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            let is_flag = ["true", "false"].contains(&text.to_ascii_lowercase().as_str());
            if !NEEDED.contains(&key) && !is_number && !is_flag {
                *text = format!("{text} {secret}令牌");
            }
        }
        _ => {}
    }
}

#[test]
fn a_secret_in_any_text_of_a_response_is_masked_in_every_output() {
    let folder = tempfile::tempdir().unwrap();
    for secret in ["aliyun-test-secret-91c2", "hunter2"] {
        let mut document = fixture("aliyun/job/describe-serverless-jobs-every-field.json");
        inject(&mut document, "", secret);
        let server = Server::answering(response(document.to_string()));
        let reference = "aliyun/job/ehpc-hz-FYUr32/10_3";
        let file = |name: &str| folder.path().join(name).display().to_string();
        let (junit, dotenv) = (file("report.xml"), file("report.env"));
        let junit_report = format!("junit={junit}");
        let dotenv_report = format!("gitlab-dotenv={dotenv}");
        let commands: [&[&str]; 7] = [
            &["get", "-o", "json", "--raw", "-v", "--show-secrets"],
            &["get", "-o", "yaml", "-v"],
            &["get", "-o", "wide"],
            &[
                "get",
                "-o",
                "markdown",
                "--columns",
                "ref,state,name,why,message",
            ],
            &["describe"],
            &["events", "-o", "jsonl"],
            &[
                "wait",
                "-t",
                "0s",
                "--report",
                &junit_report,
                "--report",
                &dotenv_report,
            ],
        ];
        for arguments in commands {
            let run = joblens(&[arguments, &[reference]].concat())
                .envs(joblens::emulator::environment(&server.origin()))
                .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
                .with_secret(secret)
                .run();
            let shows_all = arguments.contains(&"json") || arguments[0] == "describe";
            assert!(!shows_all || run.stdout.contains("***"), "{arguments:?}");
            assert_ne!(run.code, 2, "{arguments:?}: {}", run.stderr);
        }
        for path in [&junit, &dotenv] {
            assert!(
                !fs::read_to_string(path).unwrap().contains(secret),
                "{path}"
            );
        }
    }
}

#[test]
fn a_secret_in_an_unknown_state_word_is_masked() {
    let secret = "sugon-test-token-7f3a";
    let body = json!({"code": "0", "msg": "success", "data": {"id": "i1", "status": secret}});
    let server = Server::answering(response(body.to_string()));
    let run = joblens(&["get", "-o", "json", "sugon/instance/i1"])
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", secret)
        .run();
    assert_eq!(run.job()["state_raw"], "***");
    assert_eq!(run.json()["notices"][0]["code"], "unknown_state");
}
