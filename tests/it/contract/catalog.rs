use std::fs;

use serde_json::{Value, json};

use crate::support::joblens;

fn states(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["states", "-o", "json"];
    all.extend_from_slice(arguments);
    let run = joblens(&all).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json()["states"].as_array().unwrap().clone()
}

/// Returns the states of a level's word, each with whether it has ended.
fn rows_of_word(rows: &[Value], level: &str, word: Value) -> Vec<(String, bool)> {
    let rows = rows
        .iter()
        .filter(|row| row["level"] == level && row["word"] == word);
    rows.map(|row| {
        let state = row["state"].as_str().unwrap().to_owned();
        (state, row["ended"].as_bool().unwrap())
    })
    .collect()
}

#[test]
fn states_shows_the_meaning_of_a_word_at_each_level() {
    let rows = states(&["aliyun/job"]);
    assert!(rows.iter().all(|row| row["kind"] == "job"));
    let one = |level, word: &str| rows_of_word(&rows, level, json!(word));
    assert_eq!(one("job", "Pending"), [("pending".to_owned(), false)]);
    assert_eq!(
        one("container_group", "Pending"),
        [("starting".to_owned(), false)]
    );
    assert_eq!(
        one("container_group", "Expired"),
        [("failed".to_owned(), true)]
    );
}

#[test]
fn a_word_decided_by_exit_codes_has_a_row_for_each_outcome() {
    for (kind, level, word) in [
        ("aliyun/job", "container", "Terminated"),
        ("ali/inv", "job", "Finished"),
        ("aliyun/invocation/", "node", "Finished"),
    ] {
        let outcomes = rows_of_word(&states(&[kind]), level, json!(word));
        let ended = |state: &str| (state.to_owned(), true);
        assert_eq!(
            outcomes,
            [ended("succeeded"), ended("failed"), ended("unknown")]
        );
    }
}

#[test]
fn a_kind_without_states_has_a_note() {
    let rows = states(&["tencent"]);
    assert_eq!(
        rows_of_word(&rows, "job", Value::Null),
        [("unknown".to_owned(), false)]
    );
    assert!(rows[0]["note"].is_string());
}

#[test]
fn mapped_words_of_the_config_file_are_listed_at_their_levels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    fs::write(&path, "[states.\"aliyun/job\"]\nSuspended = 'stopping'\n").unwrap();
    let rows = states(&["--config", path.to_str().unwrap(), "aliyun/job"]);
    let own: Vec<&Value> = rows
        .iter()
        .filter(|row| row["source"] == "settings")
        .collect();
    let levels: Vec<&Value> = own.iter().map(|row| &row["level"]).collect();
    assert_eq!(levels, ["job", "subtask"]);
    assert!(
        own.iter()
            .all(|row| row["word"] == "Suspended" && row["state"] == "stopping")
    );
    fs::write(&path, "[states.\"aliyun/job\"]\nRUNNING = 'failed'\n").unwrap();
    let run = joblens(&["states", "--config", path.to_str().unwrap()]).run();
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("c.toml:2:11: [states.\"aliyun/job\"]: 'RUNNING' is already recognized"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_sample_of_a_kind_is_a_valid_reference() {
    let run = joblens(&["kinds", "-o", "json"]).run();
    let kinds = run.json()["kinds"].as_array().unwrap().clone();
    assert!(kinds.len() > 10);
    for kind in kinds {
        let sample = kind["sample"].as_str().unwrap();
        // Without credentials, the error is about them and not about the form.
        let error = joblens(&["get", "-o", "json", sample]).run().error();
        assert_ne!(error["category"], "usage", "{sample}");
        let of_kind = format!(
            "{}/{}/",
            kind["cloud"].as_str().unwrap(),
            kind["kind"].as_str().unwrap()
        );
        for field in ["template", "sample", "scope"] {
            // Brackets mark optional segments.
            let text = kind[field].as_str().unwrap().replace('[', "");
            assert!(format!("{text}/").starts_with(&of_kind), "{field}: {text}");
        }
    }
}

#[test]
fn kinds_are_grouped_by_cloud_with_a_template_and_summary() {
    let overview = joblens(&["kinds"]).run().stdout;
    let json = joblens(&["kinds", "-o", "json"]).run().json();
    let mut lines = overview.lines().filter(|line| !line.is_empty());
    let mut cloud = "";
    for kind in json["kinds"].as_array().unwrap() {
        let text = |key: &str| kind[key].as_str().unwrap();
        if text("cloud") != cloud {
            cloud = text("cloud");
            assert_eq!(lines.next(), Some(cloud));
        }
        let line = lines.next().unwrap();
        assert!(!text("summary").is_empty(), "{line}");
        assert!(line.trim_start().starts_with(text("template")), "{line}");
        assert!(line.ends_with(&format!("  {}", text("summary"))), "{line}");
    }
    assert_eq!(lines.next(), None);
    let one = joblens(&["kinds", "aliyun/dlc-job"]).run().stdout;
    assert!(
        one.contains("  logs        PAI-DLC 2020-12-03 GetPodLogs\n"),
        "{one}"
    );
}

#[test]
fn an_unknown_cloud_or_kind_is_a_usage_error_with_a_suggestion() {
    for (arguments, near) in [
        (["states", "sugin"], "did you mean 'sugon'?"),
        (
            ["kinds", "huawei/image"],
            "did you mean 'huawei/image-job'?",
        ),
    ] {
        let run = joblens(&arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(near), "{}", run.stderr);
    }
}

#[test]
fn kinds_and_states_support_all_output_formats_except_jsonl_and_name() {
    for command in ["states", "kinds"] {
        for form in ["table", "wide", "json", "yaml", "csv", "tsv", "markdown"] {
            let run = joblens(&[command, "-o", form]).run();
            assert_eq!(run.code, 0, "{command} -o {form}: {}", run.stderr);
            let rows = run.stdout.lines().count();
            assert!(rows > 5, "{command} -o {form}: {}", run.stdout);
            assert!(run.stdout.contains("image-job"), "{}", run.stdout);
        }
        for form in ["jsonl", "name"] {
            assert_eq!(
                joblens(&[command, "-o", form]).run().code,
                2,
                "{command} -o {form}"
            );
        }
        let run = joblens(&[command, "--columns", "ref"]).run();
        assert_eq!(run.code, 2, "{command} --columns");
    }
}

#[test]
fn schema_prints_only_json() {
    let run = joblens(&["schema", "-o", "csv"]).run();
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("schema prints JSON only"),
        "{}",
        run.stderr
    );
    let run = joblens(&["schema", "stream", "--jq", ".oneOf | length"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (0, "7\n"));
    let run = joblens(&["schema", "envelop"]).run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("envelope"), "{}", run.stderr);
}

#[test]
fn kinds_name_the_operation_and_permission_to_list_their_parent_scopes() {
    let kinds = joblens(&["kinds", "-o", "json"]).run().json();
    for kind in kinds["kinds"].as_array().unwrap() {
        let is_in_clusters = kind["scope"].as_str().unwrap().contains("/CLUSTER");
        let expected = match kind["cloud"].as_str().unwrap() {
            "aliyun" if kind["kind"] == "hpc-job" => [
                "aliyun/",
                "E-HPC 2024-07-30 ListClusters",
                "ehpc:ListClusters",
            ],
            "aliyun" if is_in_clusters => [
                "aliyun/",
                "E-HPC 2018-04-12 ListClusters",
                "ehpc:ListClusters",
            ],
            "tencent" if is_in_clusters => [
                "tencent/",
                "CCS API 2.0 DescribeCluster",
                "ccs:DescribeCluster",
            ],
            "kubernetes" if !["pod", "workload"].iter().any(|name| kind["kind"] == *name) => {
                ["kubernetes/", "core/v1 ListNamespace", "list on namespaces"]
            }
            _ => {
                assert!(kind["scopes_parent"].is_null() && kind["scopes_operation"].is_null());
                continue;
            }
        };
        let keys = ["scopes_parent", "scopes_operation", "scopes_permission"];
        assert_eq!(keys.map(|key| kind[key].as_str().unwrap()), expected);
        let table = joblens(&["kinds", kind["cloud"].as_str().unwrap()])
            .run()
            .stdout;
        assert!(expected.iter().all(|text| table.contains(text)), "{table}");
    }
}
