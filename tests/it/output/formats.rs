//! Output formats, tested with the real binary and the emulator.

use crate::support::emulated::Emulated;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, SERVICE};
use crate::support::{Run, joblens, yaml};
use serde_json::{Value, json};

const SCENARIO: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/10_3"
name = "训练, \"大\" 任务"
user = "lin"
queue = "gpu"
age = "3h"
parts = 2
states = [
  { after = "0s", state = "Pending" },
  { after = "2m", state = "Running" },
  { after = "2h", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "more than\n16 GiB" },
]
warnings = [{ after = "90m", reason = "BackOff", message = "again", count = 4 }]

[[job]]
ref = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35"
name = "=HYPERLINK(\"http://x\")"
age = "2h"
states = [
  { after = "0s", state = "Waiting" },
  { after = "2m", state = "Running" },
]

[[job]]
ref = "huawei/image-job/702371902345678848"
age = "35m"
parts = 3
states = [
  { after = "0s", state = "WAITING" },
  { after = "6m", state = "SUCCESS" },
]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "26h"
warnings = [{ after = "2m", reason = "BackOff", message = "拉取镜像", count = 6530 }]
"#;

const JOB: &str = "aliyun/job/ehpc-hz-FYUr32/10_3";
const ALL: [&str; 4] = [JOB, INSTANCE, IMAGE_JOB, SERVICE];
const MISSING: &str = "aliyun/job/ehpc-hz-FYUr32/404";

fn get(emulated: &Emulated, options: &[&str], references: &[&str]) -> Run {
    emulated
        .joblens(&[&["get"], options, references].concat())
        .run()
}

/// Returns the envelope without the values that differ between runs.
fn timeless(mut envelope: Value) -> Value {
    for job in envelope["jobs"].as_array_mut().unwrap() {
        for key in ["observed_at", "duration_seconds", "request_id"] {
            job[key] = Value::Null;
        }
    }
    envelope
}

#[test]
fn yaml_output_equals_json_output_and_keeps_ids_as_text() {
    let emulated = Emulated::start(SCENARIO);
    let json = get(&emulated, &["-o", "json", "--raw"], &ALL);
    let yaml = get(&emulated, &["-o", "yaml", "--raw"], &ALL);
    assert!(yaml.stdout.contains("id: \"10_3\""), "{}", yaml.stdout);
    let read = yaml::json_of(&yaml.stdout);
    assert_eq!(timeless(read), timeless(json.json()));
}

#[test]
fn jsonl_contains_complete_jobs_then_errors_then_the_summary() {
    let emulated = Emulated::start(SCENARIO);
    let references = [JOB, MISSING, SERVICE];
    let json = get(&emulated, &["-o", "json"], &references).json();
    let run = get(&emulated, &["-o", "jsonl"], &references);
    assert_eq!(run.code, 3);
    let records: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = records.iter().map(|record| &record["type"]).collect();
    assert_eq!(types, ["job", "job", "error", "summary"]);
    for (record, number) in records.iter().zip(1..) {
        assert_eq!(record["seq"], number);
    }
    for (record, job) in records.iter().zip(json["jobs"].as_array().unwrap()) {
        for (key, value) in job.as_object().unwrap() {
            if !["observed_at", "duration_seconds", "request_id"].contains(&key.as_str()) {
                assert_eq!(&record[key], value, "{key}");
            }
        }
    }
    assert_eq!(records[2]["category"], "not_found");
    assert_eq!(records[3]["jobs"], 2);
    assert_eq!(records[3]["errors"], 1);
    assert_eq!(records[3]["requests"], emulated.accesses().len() / 2);
}

#[test]
fn csv_is_safe_for_spreadsheets_and_tsv_escapes_line_breaks() {
    let emulated = Emulated::start(SCENARIO);
    let run = get(&emulated, &["-o", "csv"], &ALL);
    let text = run.stdout.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        let at = headers.iter().position(|header| header == name).unwrap();
        rows[row][at].to_owned()
    };
    assert_eq!(rows.len(), 4);
    assert_eq!(cell(0, "ref"), JOB);
    assert_eq!(cell(0, "name"), "训练, \"大\" 任务");
    assert_eq!(cell(0, "exit_code"), "137");
    assert_eq!(cell(1, "name"), "'=HYPERLINK(\"http://x\")");
    assert_eq!(cell(3, "warning_count"), "1");

    let options = ["-o", "tsv", "--columns", "ref,state,exit_code,message"];
    let run = get(&emulated, &[&options[..], &["--no-headers"]].concat(), &ALL);
    let rows: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows[0][..3], [JOB, "failed", "137"]);
    assert!(rows[0][3].contains("more than\\n16 GiB"), "{:?}", rows[0]);
    assert_eq!(rows[1], [INSTANCE, "running", "", ""]);
}

#[test]
fn markdown_cells_do_not_break_the_table() {
    let emulated = Emulated::start(SCENARIO);
    let run = get(&emulated, &["-o", "markdown"], &ALL);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().all(|line| line.matches('|').count() == 7));
    assert!(lines[2].contains("more than 16 GiB"), "{}", lines[2]);
}

#[test]
fn names_can_be_piped_to_the_next_command_unless_one_is_missing() {
    let emulated = Emulated::start(SCENARIO);
    let run = get(&emulated, &["-o", "name"], &ALL);
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), ALL);
    let again = emulated
        .joblens(&["get", "-", "-o", "name"])
        .input(&run.stdout)
        .run();
    assert_eq!((again.code, &again.stdout), (0, &run.stdout));

    let run = get(&emulated, &["-o", "name"], &[JOB, MISSING]);
    assert_eq!(run.code, 3);
    assert_eq!(
        run.stdout,
        format!("{JOB}\n#!incomplete: 1 of 2 could not be read\n")
    );
    let refused = emulated
        .joblens(&["wait", "-", "-t", "0"])
        .input(&run.stdout)
        .run();
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}

#[test]
fn columns_can_be_selected_and_rows_sorted_in_table_json_and_tsv() {
    let emulated = Emulated::start(SCENARIO);
    let table = get(
        &emulated,
        &["--columns", "state,exit_code,ref", "--sort-by", "state"],
        &ALL,
    );
    let first: Vec<&str> = table
        .stdout
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(
        first,
        ["STATE", "running", "succeeded", "failed", "unknown"]
    );
    let json = get(&emulated, &["-o", "json", "--sort-by=-created_at"], &ALL).json();
    let order: Vec<_> = json["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["ref"])
        .collect();
    assert_eq!(order, [IMAGE_JOB, INSTANCE, JOB, SERVICE]);
    let picked = get(
        &emulated,
        &[
            "-o",
            "tsv",
            "--columns",
            "details.job_type,id",
            "--no-headers",
        ],
        &[IMAGE_JOB],
    );
    assert_eq!(picked.stdout, "CREATE_SERVER\t702371902345678848\n");
}

#[test]
fn a_jq_expression_is_applied_to_the_envelope_and_keeps_the_exit_code() {
    let emulated = Emulated::start(SCENARIO);
    let run = get(
        &emulated,
        &["--jq", ".jobs[] | [.ref, .state] | @tsv"],
        &[JOB, SERVICE],
    );
    assert_eq!(
        (run.code, run.stdout),
        (0, format!("{JOB}\tfailed\n{SERVICE}\tunknown\n"))
    );
    let run = get(
        &emulated,
        &["--jq", ".errors[0].category, .exit"],
        &[MISSING],
    );
    assert_eq!(run.code, 3);
    assert_eq!(
        run.stdout,
        "not_found\n{\"code\":3,\"word\":\"not_found\"}\n"
    );
    let gate = get(
        &emulated,
        &["--exit-status", "--jq", ".gate.verdict"],
        &[JOB],
    );
    assert_eq!((gate.code, gate.stdout.as_str()), (1, "failed\n"));
    let wait = emulated
        .joblens(&["wait", "-t", "0", IMAGE_JOB, "--jq", ".jobs[].verdict"])
        .run();
    assert_eq!((wait.code, wait.stdout.as_str()), (0, "met\n"));
    // An error of the expression does not affect the verdict, and is reported.
    let broken = get(
        &emulated,
        &["--exit-status", "--jq", ".jobs[0].state.x"],
        &[JOB],
    );
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("--jq"), "{}", broken.stderr);
    let broken = get(&emulated, &["--jq", ".jobs[0].state.x"], &[JOB]);
    assert_eq!(broken.code, 5, "{}", broken.stderr);
}

#[test]
fn a_jq_expression_accepts_variables_and_can_decide_the_exit_code() {
    let named = ["--arg", "state", "failed", "--argjson", "n", "[1, 2]"];
    for (options, code, output) in [
        (&["--jq", "-1 * 2"][..], 0, "-2\n"),
        (&["--jq", ".kinds | length > 1", "-e"], 0, "true\n"),
        (&["--jq", ".kinds[0].nosuch", "-e"], 1, "null\n"),
        (&["--jq", "$state, $n[1]"], 0, "failed\n2\n"),
        (&["--jq", "$ARGS.named.n"], 0, "[1,2]\n"),
        (&["--jq", "env.DB_PASSWORD, $ENV.REGION"], 0, "***\ncn-x\n"),
    ] {
        let arguments = [&["kinds"], options, &named].concat();
        let run = joblens(&arguments)
            .env("DB_PASSWORD", "hunter2")
            .env("REGION", "cn-x")
            .run();
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (code, output),
            "{options:?}"
        );
    }
}

#[test]
fn invalid_output_options_are_usage_errors_before_the_first_request() {
    let emulated = Emulated::start(SCENARIO);
    for (options, expected) in [
        (&["--jq", ".jobs["][..], "at column 7"),
        (&["--jq", "nosuch"], "unknown filter 'nosuch'"),
        (
            &["--jq", ".", "--arg", "1x", "v"],
            "invalid value '1x' for --arg: expected a variable name",
        ),
        (
            &["--jq", ".", "--argjson", "x", "{"],
            "invalid value '{' for --argjson x: invalid JSON",
        ),
        (&["--arg", "x", "v"], "--arg requires --jq"),
        (&["-e", "--no-headers"], "-e requires --jq"),
        (&["--jq", ".", "-o", "csv"], "--jq requires JSON output"),
        (&["--columns", "ref,exitcode"], "did you mean 'exit_code'?"),
        (
            &["--columns", "ref,details.nope"],
            "has no column 'details.nope'",
        ),
        (&["--sort-by", "-details.nope"], "available: details."),
        (
            &["--columns", "ref", "-o", "json"],
            "--columns requires -o table",
        ),
        (&["--sort-by", "age_"], "did you mean 'age'?"),
        (&["-o", "xml"], "possible values"),
        (&["-o", "json/2"], "json"),
    ] {
        let run = get(&emulated, options, &[JOB]);
        assert_eq!(run.code, 2, "{options:?}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{options:?}: {}", run.stderr);
    }
    assert_eq!(emulated.accesses().len(), 0);
    let pinned = get(&emulated, &["-o", "json/1"], &[JOB]).json();
    assert_eq!(pinned["schema"], "joblens/1");
}

#[test]
fn table_times_use_the_requested_zone_and_tsv_times_are_utc() {
    let emulated = Emulated::start(SCENARIO);
    let zoned = |options: &[&str]| {
        let words = [&["get"], options, &[JOB]].concat();
        emulated.joblens(&words).env("TZ", "CST-8").run().stdout
    };
    let columns = ["--columns", "created_at", "--no-headers"];
    let local = zoned(&[&columns[..], &["--time", "local"]].concat());
    assert!(local.trim_end().ends_with("+08:00"), "{local}");
    assert!(zoned(&columns).trim_end().ends_with('Z'));
    let tsv = zoned(&[&columns[..], &["--time", "local", "-o", "tsv"]].concat());
    assert!(tsv.trim_end().ends_with('Z'), "{tsv}");
}

#[test]
fn output_without_rows_is_still_valid_in_its_format() {
    for (format, shown) in [
        ("csv", None),
        ("name", Some("#!incomplete: 1 of 1 could not be read\n")),
        ("markdown", Some("")),
        ("table", Some("")),
    ] {
        let run = joblens(&["get", "-o", format, "sugon/instance/1"]).run();
        assert_eq!(run.code, 4);
        match shown {
            Some(shown) => assert_eq!(run.stdout, shown, "{format}"),
            None => assert!(
                run.stdout.starts_with("\u{feff}ref,state,"),
                "{}",
                run.stdout
            ),
        }
    }
    let run = joblens(&["get", "-o", "yaml", "sugon/instance/1"]).run();
    assert_eq!(
        yaml::json_of(&run.stdout)["exit"],
        json!({"code": 4, "word": "credentials"})
    );
}
