//! Runs `joblens list` and `@latest` with the emulated clouds.

mod configured;
mod filters;
mod kinds;
mod latest;
mod pages;
mod partial;
mod profiles;
mod several;
mod states;
mod streams;
mod usage;

use crate::support::Run;
use crate::support::emulated::Emulated;
use serde_json::Value;

/// Resources of every kind in two clusters.
const WORLD: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-1/5"
name = "训练 resnet"
user = "lin"
queue = "gpu"
age = "1h"
states = [{ after = "0s", state = "Running" }]

[[job]]
ref = "aliyun/job/ehpc-hz-1/6"
name = "sweep"
user = "wang"
queue = "comp"
age = "2h"
states = [{ after = "0s", state = "Failed", exit_code = 137 }]

[[job]]
ref = "aliyun/job/ehpc-hz-2/7"
age = "3d"
states = [{ after = "0s", state = "Succeeded", exit_code = 0 }]

[[job]]
ref = "aliyun/invocation/ehpc-hz-1/c-1"
age = "10m"
states = [{ after = "0s", state = "Running" }]

[[job]]
ref = "sugon/instance/i-1"
name = "语音识别"
user = "magic2"
age = "2h"
states = [{ after = "0s", state = "Running" }]

[[job]]
ref = "huawei/image-job/7"
age = "35m"
states = [{ after = "0s", state = "FAILED" }]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "26h"

[[job]]
ref = "tencent/service/cls-1/prod/web"
age = "25h"
"#;

fn list(emulated: &Emulated, arguments: &[&str]) -> Run {
    let mut all = vec!["list"];
    all.extend_from_slice(arguments);
    emulated.joblens(&all).run()
}

/// Returns the references and scopes in the output of `-o name`.
fn names(emulated: &Emulated, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["-o", "name"];
    all.extend_from_slice(arguments);
    let run = list(emulated, &all);
    run.stdout.lines().map(str::to_owned).collect()
}

/// Returns one field of each element of a list in the envelope.
fn each<'a>(elements: &'a Value, field: &str) -> Vec<&'a str> {
    let elements = elements.as_array().unwrap().iter();
    elements.map(|one| one[field].as_str().unwrap()).collect()
}

/// Returns this many running jobs of a cluster, in one range.
fn many(cluster: &str, count: usize) -> String {
    format!(
        "[[job]]\nref = 'aliyun/job/{cluster}/1_1-{count}'\nage = '1h'\nstates = [{{ after = '0s', state = 'Running' }}]\n"
    )
}

/// Returns a fault of the list of jobs after this many pages.
fn fault_after(pages: usize, what: &str) -> String {
    format!("[[fault]]\noperation = 'ListServerlessJobs'\nskip = {pages}\n{what}\n")
}

/// Returns the number of requests for the list of jobs.
fn pages_requested(emulated: &Emulated) -> u64 {
    let requests = emulated.requests();
    requests
        .get("aliyun/ListServerlessJobs")
        .copied()
        .unwrap_or(0)
}
