//! Errors about `--columns` lead to a command line that works, for each command and format.

use crate::support::joblens;

const JOB: &str = "aliyun/job/c/5";
const TABULAR: &str = "--columns requires -o table, wide, csv, tsv or markdown";

/// Checks the error and the hint of each command with `--columns ref`.
fn check(cases: &[(&[&str], &str, &str)]) {
    for (arguments, error, hint) in cases {
        let run = joblens(&[*arguments, &["--columns", "ref"]].concat()).run();
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        for expected in [format!("error: {error}\n"), format!("hint: {hint}\n")] {
            let is_reported = run.stderr.contains(&expected);
            assert!(is_reported, "{arguments:?}: {expected}{}", run.stderr);
        }
    }
}

#[test]
fn a_command_with_columns_names_its_formats_and_how_to_select_fields() {
    let of_jobs = "to select JSON fields: --jq '.jobs[] | {ref, state}'";
    let (json, other) = (
        format!("use --jq {of_jobs}"),
        format!("omit -o, and use --jq {of_jobs}"),
    );
    let list = format!("{json}, or for clusters '.scopes[] | {{scope, status}}'");
    let events = "use --jq to select JSON fields: --jq '.events[] | {ref, reason}'";
    let lines = "to select fields, pipe the lines to jq";
    check(&[
        (&["get", "-o", "json", JOB], TABULAR, &json),
        (&["get", "-o", "yaml", JOB], TABULAR, &other),
        (&["get", "-o", "jsonl", JOB], TABULAR, lines),
        (&["list", "-o", "json", "aliyun"], TABULAR, &list),
        (&["events", "-o", "json", JOB], TABULAR, events),
        (
            &["watch", "-o", "json", JOB],
            "--columns requires -o table or wide",
            "to select fields, pipe the lines of -o jsonl to jq",
        ),
        (
            &["watch", "-o", "jsonl", JOB],
            "--columns requires -o table or wide",
            lines,
        ),
    ]);
}

#[test]
fn a_command_without_columns_reports_that_in_every_format() {
    let jsonl = "to select fields, pipe the lines of -o jsonl to jq";
    let lines = "to select fields, pipe the lines to jq";
    let json = "use --jq to select fields of the JSON";
    let other = "omit -o, and use --jq to select fields of the JSON";
    let logs = "logs does not support --columns";
    let follow = "events --follow does not support --columns";
    let kinds = "kinds does not support --columns";
    let states = "states does not support --columns";
    check(&[
        (&["logs", JOB], logs, jsonl),
        (&["logs", "-o", "json", JOB], logs, jsonl),
        (&["logs", "-o", "csv", JOB], logs, jsonl),
        (&["logs", "-o", "jsonl", JOB], logs, lines),
        (&["events", "-f", "-o", "json", JOB], follow, jsonl),
        (&["events", "-f", JOB], follow, jsonl),
        (&["kinds"], kinds, json),
        (&["kinds", "-o", "json"], kinds, json),
        (&["kinds", "-o", "jsonl"], kinds, other),
        (&["kinds", "-o", "csv"], kinds, other),
        (&["states", "-o", "json"], states, json),
        (&["states", "-o", "jsonl"], states, other),
        (
            &["schema", "-o", "json"],
            "schema prints JSON only",
            "omit -o, --columns and --sort-by",
        ),
        (
            &["metrics", "-o", "json", JOB],
            "metrics prints the Prometheus text format only",
            "omit -o, --jq, --columns and --sort-by",
        ),
    ]);
}
