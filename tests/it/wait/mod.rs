//! Runs `wait` and `get --exit-status` with the emulated clouds.

mod credential_ends;
mod deadline;
mod exit_codes;
mod first_round;
mod goals;
mod many;
mod missing;
mod outages;
mod output;
mod reports;
mod signals_and_exit;
mod single_lookup;
mod slow_commands;
mod terminal;
mod usage;
mod warnings;

use std::time::Duration;

use crate::support::Run;
use serde_json::Value;

const JOB: &str = "aliyun/job/C/1";
const OTHER_JOB: &str = "aliyun/job/C/2";
const INVOCATION: &str = "aliyun/invocation/C/c-1";
const INSTANCE: &str = "sugon/instance/i-1";
const IMAGE_JOB: &str = "huawei/image-job/7";
const SERVICE: &str = "tencent/service/cls-1/default/web";

/// Far longer than any of these tests needs, so that only a decision ends a run early.
const LONG: &str = "90s";
/// A run that ended within this time did not wait for [`LONG`].
const MAX_DURATION: Duration = Duration::from_secs(60);

/// Returns a resource with these states: `0s Running, 1s Succeeded`.
fn job(reference: &str, life: &str) -> String {
    job_with(reference, life, "")
}

/// Returns a resource with more keys.
fn job_with(reference: &str, life: &str, keys: &str) -> String {
    let step = |step: &str| {
        let (after, state) = step.trim().split_once(' ').unwrap();
        format!("{{ after = '{after}', state = '{state}', unrecognized = true }}")
    };
    let steps: Vec<String> = life.split(',').map(step).collect();
    let steps = steps.join(", ");
    format!("[[job]]\nref = '{reference}'\n{keys}\nstates = [{steps}]\n")
}

/// Returns the verdicts of the jobs by reference.
fn verdicts(run: &Run) -> Vec<(String, String)> {
    let json = run.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let jobs = json["jobs"].as_array().unwrap();
    jobs.iter()
        .map(|job| (text(&job["ref"]), text(&job["verdict"])))
        .collect()
}

/// Returns pairs in the form of [`verdicts`].
fn are(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(reference, word)| ((*reference).to_owned(), (*word).to_owned()))
        .collect()
}

fn reason(run: &Run) -> String {
    run.json()["gate"]["reason"].as_str().unwrap().to_owned()
}
