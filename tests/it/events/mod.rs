//! Runs `joblens events` with the emulated clouds.

mod follow;
mod since;
mod unread;

use crate::support::emulated::Emulated;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, JOB, SERVICE};
use crate::support::{Run, joblens};
use serde_json::{Value, json};

const GONE: &str = "aliyun/job/ehpc-hz-FYUr32/no-such";

/// Resources of four clouds; two of them failed, and the service has an old and a new warning.
const WORLD: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train-7"
name = "训练 resnet"
age = "3h"
parts = 2
states = [
  { after = "0s", state = "Pending" },
  { after = "2m", state = "Running" },
  { after = "2h", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "more than 16 GiB" },
]
warnings = [{ after = "90m", reason = "BackOff", message = "again", count = 4 }]

[[job]]
ref = "huawei/image-job/702371902345678848"
name = "wks-image"
age = "35m"
parts = 3
states = [
  { after = "0s", state = "WAITING" },
  { after = "10s", state = "RUNNING" },
  { after = "6m", state = "FAILED", reason = "WKS.0203", message = "no free address" },
]

[[job]]
ref = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35"
age = "2h"
states = [
  { after = "0s", state = "Waiting" },
  { after = "2m", state = "Running" },
]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "26h"
warnings = [
  { after = "2m", reason = "pod启动失败", message = "pull", count = 1 },
  { after = "25h30m", reason = "Unhealthy", message = "probe failed", count = 12 },
]
"#;

fn events(emulated: &Emulated, arguments: &[&str]) -> Run {
    let mut all = vec!["events"];
    all.extend_from_slice(arguments);
    emulated.joblens(&all).run()
}

fn list(run: &Run) -> Vec<Value> {
    run.json()["events"].as_array().unwrap().clone()
}

fn records(stdout: &str) -> Vec<Value> {
    let lines = stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn events_of_several_clouds_are_sorted_in_one_timeline() {
    let emulated = Emulated::start(WORLD);
    let run = events(
        &emulated,
        &["-o", "json", JOB, IMAGE_JOB, INSTANCE, SERVICE],
    );
    assert_eq!(
        (run.code, run.stderr.lines().count()),
        (0, 4),
        "{}",
        run.stderr
    );
    let envelope = run.json();
    let keys: Vec<&String> = envelope.as_object().unwrap().keys().collect();
    let expected = "schema command events errors notices coverage gate exit";
    assert_eq!(keys, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(
        envelope["coverage"],
        json!({"complete": true, "asked": 4, "answered": 4})
    );
    let all = list(&run);
    let times: Vec<&str> = all.iter().map(|one| text(one, "happened_at")).collect();
    assert!(times.is_sorted(), "{times:?}");
    let count = all[0].as_object().unwrap().len();
    assert!(
        all.iter()
            .all(|one| one.as_object().unwrap().len() == count)
    );
    let marked: Vec<_> = all.iter().filter(|one| one["first_bad"] == true).collect();
    let marks: Vec<_> = marked
        .iter()
        .map(|one| (text(one, "ref"), text(one, "reason")))
        .collect();
    assert_eq!(
        marks,
        [
            (SERVICE, "pod启动失败"),
            (JOB, "BackOff"),
            (IMAGE_JOB, "WKS.0203")
        ]
    );
    for (what, state) in [
        ("job", "pending"),
        ("job", "running"),
        ("task", "pending"),
        ("container", "running"),
        ("container", "failed"),
        ("task", "failed"),
        ("job", "failed"),
    ] {
        let is_it = |one: &&Value| {
            (text(one, "ref"), text(one, "what"), text(one, "state")) == (JOB, what, state)
        };
        assert!(all.iter().any(|one| is_it(&one)), "{what} {state}");
    }
}

#[test]
fn warnings_and_since_filter_the_events() {
    let emulated = Emulated::start(WORLD);
    let bad = list(&events(
        &emulated,
        &["-o", "json", "--warnings", JOB, SERVICE],
    ));
    assert!(bad.iter().all(|one| one["is_problem"] == true), "{bad:#?}");
    // A warning, a container, its group and the job; and the two warnings of the service.
    assert_eq!(bad.len(), 6, "{bad:#?}");
    let late = list(&events(
        &emulated,
        &["-o", "json", "--since", "45m", JOB, SERVICE],
    ));
    let reasons: Vec<_> = late.iter().map(|one| text(one, "reason")).collect();
    assert_eq!(reasons, ["Unhealthy"], "{late:#?}");
    let never = "2999-01-01T00:00:00+08:00";
    let none = events(&emulated, &["--since", never, JOB]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
    assert_eq!(none.stderr, "no matching events\n");
}

#[test]
fn a_missing_job_does_not_hide_other_events_and_decides_the_exit_code() {
    let emulated = Emulated::start(WORLD);
    let run = events(&emulated, &["-o", "json", GONE, JOB]);
    assert_eq!(run.code, 3);
    let envelope = run.json();
    assert_eq!(
        envelope["coverage"],
        json!({"complete": false, "asked": 2, "answered": 1})
    );
    assert_eq!(run.error()["ref"], GONE);
    assert!(list(&run).len() > 8);
    let page = events(&emulated, &[GONE, JOB]);
    assert_eq!(page.code, 3);
    assert!(page.stdout.contains("job failed") && page.stderr.contains("no-such"));
    assert!(
        !page.stderr.contains("no matching events"),
        "{}",
        page.stderr
    );
}

#[test]
fn the_page_has_local_times_and_notes_about_truncated_events() {
    let emulated = Emulated::start(WORLD);
    let page = |arguments: &[&str]| {
        let mut all = vec!["events"];
        all.extend_from_slice(arguments);
        emulated.joblens(&all).env("TZ", "Asia/Shanghai").run()
    };
    let run = page(&[SERVICE]);
    assert!(
        run.stdout.lines().all(|line| line.contains("+08:00  ")),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("!  Unhealthy ×12 since "),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("◀ first problem"));
    let notes = "note: Tencent only keeps events of the last hour\n\
        note: Tencent has retired the API of tencent/service; use kubernetes/workload\n";
    assert_eq!(run.stderr, notes);
    assert!(page(&["--time", "utc", SERVICE]).stdout.contains("Z  "));
    assert_eq!(page(&["-q", SERVICE]).stderr, "");
    let message = page(&["-o", "json", SERVICE]).json()["notices"].to_string();
    assert!(message.contains("events_truncated"), "{message}");
}

#[test]
fn fifty_events_of_a_container_group_cause_a_truncation_notice() {
    let event = r#"{"Count":1,"Type":"Normal","Reason":"Pulled","Name":"n","Message":"image","FirstTimestamp":"2022-03-16T10:00:00Z","LastTimestamp":"2022-03-16T10:00:00Z"}"#;
    let list_of = vec![event; 50].join(",");
    let document = format!(
        r#"{{"RequestId":"r","TotalCount":1,"JobInfos":[{{"JobId":"train-7","State":"Running","SubmitTime":1647423718,"ContainerGroups":[{{"ContainerGroupId":"eci-1","ContainerGroupName":"rank-0","Status":"Running","Events":[{list_of}]}}]}}]}}"#
    );
    let emulated = Emulated::start(&format!(
        "[[job]]\nref = \"{JOB}\"\ndocument = '''\n{document}'''\n"
    ));
    let run = events(&emulated, &["-o", "jsonl", JOB]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(records(&run.stdout).len(), 52, "{}", run.stdout);
    assert!(
        run.stderr
            .contains("only the last 50 events per container group"),
        "{}",
        run.stderr
    );
}

#[test]
fn records_are_numbered_and_end_with_the_summary() {
    let emulated = Emulated::start(WORLD);
    let run = events(&emulated, &["-o", "jsonl", JOB, GONE]);
    assert_eq!(run.code, 3);
    let records = records(&run.stdout);
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], number + 1);
    }
    let (last, rest) = records.split_last().unwrap();
    let (error, events) = rest.split_last().unwrap();
    assert!(
        events
            .iter()
            .all(|one| one["type"] == "event" && one["ref"] == JOB)
    );
    assert_eq!((text(error, "type"), text(error, "ref")), ("error", GONE));
    assert_eq!(
        (text(last, "type"), &last["jobs"], &last["errors"]),
        ("summary", &json!(1), &json!(1))
    );
}

#[test]
fn name_output_contains_only_jobs_with_matching_events() {
    let emulated = Emulated::start(WORLD);
    let run = events(
        &emulated,
        &["-o", "name", "--warnings", JOB, INSTANCE, SERVICE],
    );
    assert_eq!(run.stdout, format!("{SERVICE}\n{JOB}\n"));
    let next = emulated.joblens(&["events", "-o", "json", "-"]);
    let next = next.input(&run.stdout).run();
    assert_eq!(next.json()["coverage"]["answered"], 2, "{}", next.stderr);
}

#[test]
fn events_of_latest_are_those_of_the_newest_job() {
    let emulated = Emulated::start(WORLD);
    let newest = "aliyun/job/ehpc-hz-FYUr32/@latest";
    let all = list(&events(&emulated, &["-o", "json", newest]));
    assert!(
        all.len() > 8 && all.iter().all(|one| one["ref"] == JOB),
        "{all:#?}"
    );
    // A single reference needs no column.
    let page = events(&emulated, &[newest]);
    assert!(!page.stdout.contains(JOB), "{}", page.stdout);
    let followed = events(&emulated, &["-f", "--interval", "50ms", newest]);
    assert_eq!(followed.code, 0, "{}", followed.stderr);
    assert!(
        followed.stdout.contains("job failed"),
        "{}",
        followed.stdout
    );
}

#[test]
fn incomplete_name_output_ends_with_a_mark() {
    let emulated = Emulated::start(WORLD);
    let run = events(&emulated, &["-o", "name", JOB, GONE]);
    assert_eq!(run.code, 3);
    assert_eq!(
        run.stdout,
        format!("{JOB}\n#!incomplete: 1 of 2 could not be read\n")
    );
}

#[test]
fn columns_and_jq_expressions_select_fields_of_events() {
    let emulated = Emulated::start(WORLD);
    let picked = ["--columns", "mark,reason", "--warnings", SERVICE];
    let tsv = events(&emulated, &[&["-o", "tsv"][..], &picked].concat());
    assert_eq!(
        tsv.stdout,
        "mark\treason\nfirst problem\tpod启动失败\nproblem\tUnhealthy\n"
    );
    let table = events(&emulated, &[&["--no-headers"][..], &picked].concat());
    assert_eq!(
        table.stdout,
        "first problem  pod启动失败\nproblem        Unhealthy\n"
    );
    let expression = ".events[] | select(.first_bad) | .reason";
    let jq = events(&emulated, &["--jq", expression, SERVICE, JOB]);
    assert_eq!((jq.code, jq.stdout.as_str()), (0, "pod启动失败\nBackOff\n"));
    let csv = events(&emulated, &["-o", "csv", JOB]);
    assert!(
        csv.stdout
            .starts_with("\u{feff}happened_at,level,count,ref,"),
        "{}",
        csv.stdout
    );
}

#[test]
fn usage_errors_are_reported_before_the_first_request() {
    let emulated = Emulated::start(WORLD);
    for (arguments, expected) in [
        (&[][..], "no references given"),
        (&["--since", "2", JOB], "invalid value '2' for --since"),
        (
            &["--since", "yesterday", JOB],
            "invalid value 'yesterday' for --since",
        ),
        (
            &["-f", "-o", "json", JOB],
            "supports only -o table and jsonl",
        ),
        (
            &["-f", "-o", "name", JOB],
            "supports only -o table and jsonl",
        ),
        (
            &["-f", "--interval", "0", JOB],
            "for --interval: must be greater than 0",
        ),
        (
            &["-f", "--interval", "2", JOB],
            "invalid value '2' for --interval",
        ),
        (
            &["-f", "--columns", "ref", JOB],
            "events --follow does not support --columns",
        ),
        (
            &["-f", "--jq", ".", JOB],
            "events --follow does not support --jq",
        ),
        (&["--sort-by", "ref", JOB], "sorted by time"),
        (&["--sort-by=-happened_at", JOB], "sorted by time"),
        (
            &["--columns", "ref,happend_at", JOB],
            "did you mean 'happened_at'?",
        ),
        (&["--interval", "2s", JOB], "--follow"),
        (&["aliyun/job/ehpc-hz-FYUr32/"], "aliyun/job"),
    ] {
        let run = events(&emulated, arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(
            run.stderr.contains(expected),
            "{arguments:?}: {}",
            run.stderr
        );
    }
    let envelope = events(&emulated, &["-o", "json", "--since", "2", JOB]).json();
    assert_eq!(
        (&envelope["events"], &envelope["exit"]["code"]),
        (&json!([]), &json!(2))
    );
    assert!(emulated.accesses().is_empty());
}

#[test]
fn help_names_the_exit_codes() {
    let help = joblens(&["events", "--help"]).run();
    assert!(help.stdout.contains("--follow") && help.stdout.contains("Exit codes"));
}
