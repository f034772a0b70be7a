//! `examples/gitlab-ci.yml`, with the job in the README that extends it.

use serde_json::Value;

use super::{BUILT_IN, Release, Runner, readme_block, scalar, yaml};
use crate::support::emulated::Emulated;

/// Returns the scripts of the template as one, since a runner of GitLab runs them in one shell.
fn script(template: &Value) -> String {
    let parts = ["before_script", "script"];
    let lines = parts
        .iter()
        .flat_map(|part| template[part].as_array().unwrap());
    lines.map(|line| scalar(line) + "\n").collect()
}

/// Returns the variables of the template and the sample, with the archive of a release.
fn variables(template: &Value, job: &Value, release: &Release) -> Vec<(String, String)> {
    let given = job["variables"].as_object().unwrap();
    let names = template["variables"].as_object().unwrap();
    let unknown: Vec<_> = given
        .keys()
        .filter(|name| !names.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let all = names.iter().chain(given);
    let mut all: Vec<_> = all
        .map(|(name, value)| (name.clone(), scalar(value)))
        .collect();
    all.push(("JOBLENS_RELEASES".to_owned(), release.url()));
    all.push(("JOBLENS_SHA256".to_owned(), release.sha256.clone()));
    all
}

#[test]
fn the_sample_of_the_readme_installs_the_release_and_passes() {
    let (sample, template) = (
        readme_block(".joblens-gate"),
        yaml("examples/gitlab-ci.yml"),
    );
    let job = &sample["gate"];
    assert_eq!(job["extends"], ".joblens-gate");
    let template = &template[".joblens-gate"];
    let release = Release::new();
    let runner = Runner::new(Some(Emulated::start(BUILT_IN)));
    let variables = variables(template, job, &release);
    let (code, text) = runner.run(&script(template), &variables);
    assert_eq!(code, 0, "{text}");
    let reports = &template["artifacts"]["reports"];
    let junit = runner.text(reports["junit"].as_str().unwrap());
    assert!(junit.contains("aliyun/job/ehpc-hz-FYUr32/10_3"), "{junit}");
    let dotenv = runner.text(reports["dotenv"].as_str().unwrap());
    assert!(dotenv.contains("JOBLENS_VERDICT=passed"), "{dotenv}");
}

#[test]
fn a_failed_job_fails_the_gate_and_a_wrong_checksum_runs_nothing() {
    let (sample, template) = (
        readme_block(".joblens-gate"),
        yaml("examples/gitlab-ci.yml"),
    );
    let template = &template[".joblens-gate"];
    let release = Release::new();
    let runner = Runner::new(Some(Emulated::start(BUILT_IN)));
    let mut variables = variables(template, &sample["gate"], &release);
    let failed = "aliyun/job/ehpc-hz-FYUr32/train-7".to_owned();
    variables.push(("GATE_REFERENCES".to_owned(), failed));
    variables.push((
        "GATE_OPTIONS".to_owned(),
        "--for running,succeeded --any".to_owned(),
    ));
    let (code, text) = runner.run(&script(template), &variables);
    assert_eq!(code, 1, "{text}");
    // A command that is not a gate has not passed, even if the result of an earlier gate remains.
    assert!(!runner.text("joblens.env").is_empty());
    variables.push(("GATE_OPTIONS".to_owned(), "--help".to_owned()));
    let (code, text) = runner.run(&script(template), &variables);
    assert_eq!(code, 2, "{text}");
    variables.push(("JOBLENS_SHA256".to_owned(), "0".repeat(64)));
    let (code, text) = runner.run(&script(template), &variables);
    assert!(
        code == 2 && text.contains("FAILED") && !text.contains("joblens: "),
        "{text}"
    );
}
