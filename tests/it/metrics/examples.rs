//! The examples for Prometheus and Grafana.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{SCOPE, WORLD};
use crate::support::emulated::Emulated;
use crate::support::exposition::parse;
use crate::support::yaml;

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Returns the names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("joblens_")).collect()
}

#[test]
fn examples_and_readme_use_metrics_that_exist() {
    let run = Emulated::start(WORLD).joblens(&["metrics", SCOPE]).run();
    let families = parse(&run.stdout);
    let known: BTreeSet<&str> = families.iter().map(|family| &*family.name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<String> = ["README.md", "README.zh-CN.md"]
        .map(|name| fs::read_to_string(folder.join(name)).unwrap())
        .to_vec();
    let examples = [
        "prometheus/rules.yml",
        "prometheus/rules_test.yml",
        "grafana/joblens.json",
    ];
    texts.extend(examples.map(example));
    for text in &texts {
        let used = names(text);
        assert!(used.len() > 3 && used.is_subset(&known), "{used:?}");
    }
    assert!(
        known.is_subset(&names(&texts[0])),
        "the README names all metrics"
    );
}

#[test]
fn every_alert_rule_has_a_test_and_a_summary() {
    let rules = yaml::json_of(&example("prometheus/rules.yml"));
    let tests = example("prometheus/rules_test.yml");
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 8);
    for rule in rules {
        let alert = rule["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert}");
        assert!(rule["annotations"]["summary"].is_string(), "{alert}");
    }
    let tests = yaml::json_of(&tests);
    assert_eq!(tests["rule_files"][0], "rules.yml");
}

#[test]
fn the_scrape_configuration_assigns_every_target_to_one_exporter() {
    let config = yaml::json_of(&example("prometheus/scrape.yml"));
    assert_eq!(config["rule_files"][0], "rules.yml");
    let probe = &config["scrape_configs"][1];
    assert_eq!(probe["metrics_path"], "/probe");
    let steps = probe["relabel_configs"].as_array().unwrap();
    let hashmod = steps
        .iter()
        .find(|step| step["action"] == "hashmod")
        .unwrap();
    let shards = steps
        .iter()
        .filter(|step| step["target_label"] == "__address__");
    let addresses: Vec<&Value> = shards.map(|step| &step["replacement"]).collect();
    assert_eq!(
        hashmod["modulus"].as_u64().unwrap() as usize,
        addresses.len()
    );
    let exporters = &config["scrape_configs"][2]["static_configs"][0]["targets"];
    assert_eq!(
        exporters.as_array().unwrap().iter().collect::<Vec<_>>(),
        addresses
    );
    let targets = &probe["static_configs"][0]["targets"];
    for target in targets.as_array().unwrap() {
        assert!(target.as_str().unwrap().ends_with('/'), "{target}");
    }
}

#[test]
fn every_dashboard_panel_has_a_unique_id_a_valid_width_and_queries() {
    let dashboard: Value = serde_json::from_str(&example("grafana/joblens.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(panel["gridPos"]["w"].as_u64().unwrap() <= 24, "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert!(
                !names(target["expr"].as_str().unwrap()).is_empty(),
                "{target}"
            );
        }
    }
    assert!(panels.len() > 10);
}
