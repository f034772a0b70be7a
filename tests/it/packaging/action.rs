//! Runs the steps of `action.yml` like a runner of GitHub.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{BUILT_IN, Release, Runner, readme_block, root, scalar, yaml};
use crate::support::emulated::Emulated;

type Inputs = BTreeMap<String, String>;

const PASSED: &str = "aliyun/job/ehpc-hz-FYUr32/10_3";
const FAILED: &str = "aliyun/job/ehpc-hz-FYUr32/train-7";

fn inputs(pairs: &[(&str, &str)]) -> Inputs {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

/// Evaluates an expression of the action: an input, or a plain text.
fn evaluated(value: &Value, inputs: &Inputs) -> String {
    let text = scalar(value);
    let name = text
        .strip_prefix("${{ inputs.")
        .and_then(|rest| rest.strip_suffix(" }}"));
    match name {
        Some(name) => inputs[name].clone(),
        None => {
            assert!(!text.contains("${{"), "{text}");
            text
        }
    }
}

/// Runs the scripts of the action in order until one fails.
fn run(runner: &mut Runner, given: &Inputs, steps: &[&str]) -> (i32, String) {
    let action = yaml("action.yml");
    let mut inputs = Inputs::new();
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = input.get("default").map(scalar);
        let value = given.get(name).cloned().or(default);
        inputs.insert(
            name.clone(),
            value.unwrap_or_else(|| panic!("{name} is required")),
        );
    }
    let unknown: Vec<_> = given
        .keys()
        .filter(|name| !inputs.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let mut shown = String::new();
    for step in action["runs"]["steps"].as_array().unwrap() {
        let (name, script) = (step["name"].as_str().unwrap(), &step["run"]);
        if script.is_null() || !steps.contains(&name) {
            continue;
        }
        assert_eq!(step["shell"], "bash");
        let of_step = step["env"].as_object().unwrap().iter();
        let of_step = of_step.map(|(name, value)| (name.clone(), evaluated(value, &inputs)));
        let file = |name: &str| runner.file(name).display().to_string();
        let of_runner = [
            ("GITHUB_ACTION_PATH", root().display().to_string()),
            ("GITHUB_OUTPUT", file("output")),
            ("GITHUB_PATH", file("path")),
            ("GITHUB_REPOSITORY", "team/release".to_owned()),
            ("GITHUB_SERVER_URL", "https://git.example".to_owned()),
            ("GITHUB_STEP_SUMMARY", file("summary")),
            ("RUNNER_TEMP", file("temp")),
        ];
        let of_runner = of_runner.map(|(name, value)| (name.to_owned(), value));
        fs::write(runner.file("output"), "").unwrap();
        fs::create_dir_all(runner.file("temp")).unwrap();
        let variables: Vec<_> = of_step.chain(of_runner).collect();
        let (code, text) = runner.run(script.as_str().unwrap(), &variables);
        shown += &text;
        if code != 0 {
            return (code, shown);
        }
        runner
            .path
            .extend(runner.text("path").lines().map(Into::into));
    }
    (0, shown)
}

const INSTALL: &str = "Install joblens";
const GATE: &str = "Wait for the jobs";

/// Returns a runner on which this build is installed.
fn installed(scenario: &str) -> Runner {
    let mut runner = Runner::new(Some(Emulated::start(scenario)));
    super::write_stub(&runner.file("joblens"));
    runner.path.push(runner.home.path().to_owned());
    runner
}

/// Returns a runner on which this script is installed as joblens.
fn with_program(script: &str) -> Runner {
    let mut runner = Runner::new(None);
    let program = runner.file("joblens");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    runner.path.push(runner.home.path().to_owned());
    runner
}

#[test]
fn the_sample_of_the_readme_installs_the_release_and_passes() {
    let release = Release::new();
    let workflow = readme_block("example/joblens@");
    let steps = workflow["jobs"]["release"]["steps"].as_array().unwrap();
    let gate = steps.iter().find(|step| step["id"] == "gate").unwrap();
    let given = gate["with"].as_object().unwrap().iter();
    let mut given: Inputs = given
        .map(|(name, value)| (name.clone(), scalar(value)))
        .collect();
    assert_eq!(given["version"], Release::VERSION);
    given.insert("releases".to_owned(), release.url());
    given.insert("sha256".to_owned(), release.sha256.clone());
    let mut runner = Runner::new(Some(Emulated::start(BUILT_IN)));
    let (code, text) = run(&mut runner, &given, &[INSTALL, GATE]);
    assert_eq!(code, 0, "{text}");
    assert!(
        runner.text("output").contains("verdict=passed\nexit=0\n"),
        "{text}"
    );
    assert!(runner.text("joblens.xml").contains(PASSED));
    assert!(runner.text("summary").contains(PASSED));
    let condition = "steps.gate.outputs.verdict == 'passed'";
    assert!(steps.iter().any(|step| step["if"] == condition));
}

#[test]
fn a_failed_job_fails_the_step_and_is_in_its_outputs() {
    let mut runner = installed(BUILT_IN);
    let references = format!("# two jobs\n  {PASSED}\n\n{FAILED}\n");
    let given = [
        ("references", &*references),
        ("version", "0.1.0"),
        ("junit", "reports/gate.xml"),
        ("options", "--no-fail-fast\n --max-outage=10m \n"),
    ];
    let (code, text) = run(&mut runner, &inputs(&given), &[GATE]);
    assert_eq!(code, 1, "{text}");
    let outputs = runner.text("output");
    assert!(outputs.contains("verdict=failed\nexit=1\n"), "{outputs}");
    assert!(
        outputs.contains(&format!("\nfailed={FAILED}\n")),
        "{outputs}"
    );
    assert!(runner.text("reports/gate.xml").contains("<failure"));
    assert!(text.contains("::error title="), "{text}");
}

#[test]
fn the_for_input_sets_the_condition() {
    let mut runner = installed(BUILT_IN);
    let given = [
        ("references", FAILED),
        ("version", "0.1.0"),
        ("for", "ended"),
    ];
    let (code, text) = run(&mut runner, &inputs(&given), &[GATE]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_usage_error_sets_the_verdict_undecided_and_replaces_an_old_report() {
    let mut runner = installed("");
    let report = runner.file("gate.xml");
    fs::write(&report, "that of an earlier gate").unwrap();
    let given = [
        ("references", "nothing"),
        ("version", "0.1.0"),
        ("junit", report.to_str().unwrap()),
    ];
    let (code, text) = run(&mut runner, &inputs(&given), &[GATE]);
    assert_eq!(code, 2, "{text}");
    let report = fs::read_to_string(report).unwrap();
    assert!(report.contains("<error"), "{report}");
    let outputs = runner.text("output");
    assert!(
        outputs.starts_with("verdict=undecided\nexit=2\n"),
        "{outputs}"
    );
    assert!(outputs.contains("\nfailed=\n"), "{outputs}");
}

#[test]
fn invalid_options_or_retries_never_pass_the_gate_or_run_code() {
    for (option, value) in [
        ("options", "--help"),
        ("retries", "x"),
        ("retries", "attempt[$(touch pwned)]"),
    ] {
        let mut runner = installed(BUILT_IN);
        let given = [
            ("references", FAILED),
            ("version", "0.1.0"),
            (option, value),
        ];
        let (code, text) = run(&mut runner, &inputs(&given), &[GATE]);
        assert_eq!(code, 2, "{value}: {text}");
        let outputs = runner.text("output");
        assert_eq!(outputs, "verdict=undecided\nexit=2\nfailed=\n", "{value}");
        assert!(!runner.file("pwned").exists());
    }
}

#[test]
fn only_exit_code_5_of_an_undecided_gate_is_retried() {
    // Replaces joblens and exits with the next code of a list.
    const STUB: &str = "#!/bin/sh\ncat >/dev/null\nread -r code rest < codes\necho \"$rest\" > codes\necho \"::error::attempt $code, then $rest\" >&2\necho \"attempt $code, then $rest\" >> \"$GITHUB_STEP_SUMMARY\"\necho \"verdict=$code\" | sed 's/=5/=undecided/;s/=6/=passed/' >> \"$GITHUB_OUTPUT\"\ntest \"$code\" != 6 || exit 5\nexit \"$code\"\n";
    for (codes, retries, expected, left) in [
        ("5 0 9", "2", 0, "9"),
        ("5 5 5 9", "2", 5, "9"),
        ("5 9", "0", 5, "9"),
        ("1 9", "2", 1, "9"),
        // A report could not be written, which a retry would not change.
        ("6 9", "2", 5, "9"),
    ] {
        let mut runner = with_program(STUB);
        fs::write(runner.file("codes"), format!("{codes}\n")).unwrap();
        let given = [
            ("references", PASSED),
            ("version", "0.1.0"),
            ("retries", retries),
        ];
        let (code, text) = run(&mut runner, &inputs(&given), &[GATE]);
        assert_eq!(
            (code, runner.text("codes").trim()),
            (expected, left),
            "{codes}: {text}"
        );
        // Only the last attempt has annotations and a summary.
        let last = format!("then {left}\n");
        assert!(text.contains(&last), "{codes}: {text}");
        assert_eq!(text.matches("::error::").count(), 1, "{codes}: {text}");
        let summary = runner.text("summary");
        assert!(summary.ends_with(&last), "{codes}: {summary}");
        assert_eq!(summary.lines().count(), 1, "{codes}: {summary}");
    }
}

#[test]
fn a_canceled_gate_has_annotations_and_a_summary() {
    // Replaces joblens, and cancels the gate.
    const STUB: &str = "#!/bin/sh\ncat >/dev/null\nstop() {\n  echo ::error::stopped >&2\n  echo stopped >>\"$GITHUB_STEP_SUMMARY\"\n  exit 143\n}\ntrap stop TERM\nkill -TERM 0\n";
    let mut runner = with_program(STUB);
    let given = [("references", PASSED), ("version", "0.1.0")];
    let (code, text) = run(&mut runner, &inputs(&given), &[GATE]);
    assert_eq!(code, 143, "{text}");
    assert!(text.contains("::error::stopped\n"), "{text}");
    assert_eq!(runner.text("summary"), "stopped\n", "{text}");
    assert!(
        runner
            .text("output")
            .contains("verdict=undecided\nexit=143\n")
    );
}

#[test]
fn an_archive_with_another_checksum_is_not_installed() {
    let release = Release::new();
    let other = "0".repeat(64);
    let url = release.url();
    for (sha256, expected, word) in [
        (&*other, 2, "the checksum of joblens-0.1.0"),
        ("abc", 2, "no SHA-256"),
        // A checksum from an address without TLS proves nothing.
        ("", 2, "SHA256SUMS is only read by HTTPS"),
    ] {
        let mut runner = Runner::new(None);
        let given = [
            ("references", PASSED),
            ("version", "0.1.0"),
            ("releases", &*url),
            ("sha256", sha256),
        ];
        let (code, text) = run(&mut runner, &inputs(&given), &[INSTALL]);
        assert_eq!(code, expected, "{text}");
        assert!(text.contains(word), "{text}");
        assert!(!runner.file("temp/joblens-bin").exists());
    }
}

#[test]
fn a_missing_release_exits_with_2_and_a_failing_server_with_5() {
    let mut runner = Runner::new(None);
    runner.path.push(runner.home.path().to_owned());
    let given = [
        ("references", PASSED),
        ("version", "0.1.0"),
        ("releases", "https://127.0.0.1:1"),
        ("sha256", &*"0".repeat(64)),
    ];
    for (status, code, words) in [
        ("404", 2, "error: joblens 0.1.0 has no joblens-0.1.0-"),
        ("503", 5, "(HTTP 503)"),
    ] {
        let curl = runner.file("curl");
        fs::write(&curl, format!("#!/bin/sh\nprintf {status}\n")).unwrap();
        fs::set_permissions(&curl, fs::Permissions::from_mode(0o755)).unwrap();
        let (found, text) = run(&mut runner, &inputs(&given), &[INSTALL]);
        assert_eq!(found, code, "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_version_or_machine_without_a_release_is_an_error_before_any_download() {
    let mut runner = Runner::new(None);
    let given = [
        ("references", PASSED),
        ("version", "../../x"),
        ("releases", "https://127.0.0.1:1"),
    ];
    let (code, text) = run(&mut runner, &inputs(&given), &[INSTALL]);
    assert_eq!(
        (code, text.trim()),
        (2, "error: '../../x' is not a version")
    );
    let uname = runner.file("uname");
    fs::write(&uname, "#!/bin/sh\necho riscv64\n").unwrap();
    fs::set_permissions(&uname, fs::Permissions::from_mode(0o755)).unwrap();
    runner.path.push(runner.home.path().to_owned());
    let given = [("references", PASSED), ("version", "0.1.0")];
    let (code, text) = run(&mut runner, &inputs(&given), &[INSTALL]);
    assert_eq!(code, 2);
    assert!(text.contains("no release for riscv64"), "{text}");
}

#[test]
fn outputs_of_the_action_are_those_of_the_gate_step() {
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["id"] == "gate"));
    let outputs = action["outputs"].as_object().unwrap();
    for (name, output) in outputs {
        let expected = format!("${{{{ steps.gate.outputs.{name} }}}}");
        assert_eq!(output["value"], expected);
    }
    let names: Vec<_> = outputs.keys().collect();
    assert_eq!(names, ["verdict", "exit", "failed"]);
}
