use serde_json::json;

use super::{WORLD, each, list, names};
use crate::support::emulated::Emulated;

#[test]
fn every_kind_is_listed_by_its_scope_with_or_without_a_slash() {
    let emulated = Emulated::start(WORLD);
    let expected: [(&str, &[&str]); 6] = [
        (
            "aliyun/job/ehpc-hz-1",
            &["aliyun/job/ehpc-hz-1/5", "aliyun/job/ehpc-hz-1/6"],
        ),
        ("ali/inv/ehpc-hz-1", &["aliyun/invocation/ehpc-hz-1/c-1"]),
        ("sugon/instance", &["sugon/instance/i-1"]),
        ("huawei/image-job", &["huawei/image-job/7"]),
        (
            "tencent/service/cls-1",
            &[
                "tencent/service/cls-1/default/web",
                "tencent/service/cls-1/prod/web",
            ],
        ),
        (
            "tencent/service/cls-1/prod",
            &["tencent/service/cls-1/prod/web"],
        ),
    ];
    for (scope, references) in expected {
        assert_eq!(names(&emulated, &[scope]), references, "{scope}");
        assert_eq!(names(&emulated, &[&format!("{scope}/")]), references);
    }
}

#[test]
fn a_cloud_scope_lists_its_clusters_or_its_jobs_if_it_has_none() {
    let emulated = Emulated::start(WORLD);
    let clusters = list(&emulated, &["aliyun", "-o", "json"]).json();
    assert_eq!(clusters["jobs"], json!([]));
    let mut scopes = each(&clusters["scopes"], "scope");
    scopes.sort_unstable();
    assert_eq!(scopes, ["aliyun/job/ehpc-hz-1/", "aliyun/job/ehpc-hz-2/"]);
    assert_eq!(names(&emulated, &["tencent"]), ["tencent/service/cls-1/"]);
    assert_eq!(names(&emulated, &["huawei"]), ["huawei/image-job/7"]);
    assert_eq!(names(&emulated, &["scnet"]), ["sugon/instance/i-1"]);
}

#[test]
fn names_in_the_output_can_be_listed_and_looked_up() {
    let emulated = Emulated::start(WORLD);
    let clusters = names(&emulated, &["aliyun", "tencent"]).join("\n");
    let jobs = emulated
        .joblens(&["list", "-", "-o", "name"])
        .input(&clusters)
        .run();
    assert_eq!(jobs.stdout.lines().count(), 5, "{}", jobs.stdout);
    let looked_up = emulated.get(&["-"]).input(&jobs.stdout).run();
    assert_eq!(looked_up.code, 0, "{}", looked_up.stderr);
    let references: Vec<&str> = jobs.stdout.lines().collect();
    assert_eq!(each(&looked_up.json()["jobs"], "ref"), references);
}

#[test]
fn clusters_are_in_a_separate_table_before_the_jobs() {
    let emulated = Emulated::start(WORLD);
    let run = list(&emulated, &["sugon/instance", "tencent"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("SCOPE"), "{}", run.stdout);
    assert!(lines[1].starts_with("tencent/service/cls-1/"));
    assert_eq!(lines[2], "");
    assert!(lines[3].starts_with("REF"));
    assert!(lines[4].starts_with("sugon/instance/i-1"));
    let footer = "2 found in sugon/instance/, tencent/; \
        nothing in tencent/training-task/, tencent/batch-job/\n";
    assert_eq!(run.stderr, footer);
}

#[test]
fn clusters_are_sorted_and_limited_with_the_jobs() {
    let emulated = Emulated::start(WORLD);
    let clouds = ["aliyun", "sugon/instance", "--sort-by=-ref"];
    let newest = ["aliyun/job/ehpc-hz-2/", "aliyun/job/ehpc-hz-1/"];
    assert_eq!(names(&emulated, &clouds[..1]).len(), 2);
    let sorted = names(&emulated, &clouds);
    assert_eq!(sorted, [newest[0], newest[1], "sugon/instance/i-1"]);
    let cut = [&clouds[..], &["--limit", "2"]].concat();
    let cut_names = names(&emulated, &cut);
    assert_eq!(cut_names, [newest[0], "sugon/instance/i-1"]);
    let run = list(&emulated, &[&cut[..], &["--columns", "ref,name"]].concat());
    let heads: Vec<&str> = run
        .stdout
        .lines()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(heads, ["REF", newest[0], "", "REF", "sugon/instance/i-1"]);
    let last = run.stderr.lines().last();
    assert_eq!(
        last,
        Some("showing the first 2 of 3; use --limit none to show all")
    );
}

#[test]
fn listed_jobs_contain_the_fields_of_their_row() {
    let emulated = Emulated::start(WORLD);
    let run = list(&emulated, &["aliyun/job/ehpc-hz-1", "-o", "json"]);
    let json = run.json();
    let job = &json["jobs"][0];
    assert_eq!(
        (&job["name"], &job["user"], &job["state"]),
        (&json!("训练 resnet"), &json!("lin"), &json!("running"))
    );
    assert!(job["observed_at"].is_string());
    assert_eq!(
        json["coverage"],
        json!({"complete": true, "asked": 1, "answered": 1})
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
