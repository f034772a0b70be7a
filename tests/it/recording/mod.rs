//! Tests of `--record` and `--replay`: the content of a recording, and the equal output of a replay.

mod credentials;
mod doctor;
mod incomplete;
mod inputs;
mod metrics;
mod offline;
mod refusals;
mod secrets;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::emulated::Emulated;
use crate::support::{Joblens, Run, SECRETS, in_parallel, joblens, wait_until};

const FAILED: &str = "aliyun/job/ehpc-hz-FYUr32/train-7";
const SCHEDULED: &str = "aliyun/job/ehpc-hz-FYUr32/train-8";
const IMAGE: &str = "huawei/image-job/702371902345678848";
const INSTANCE: &str = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35";
const SERVICE: &str = "tencent/service/cls-1/default/web";
const POD_JOB: &str = "kubernetes/job/ci/迁移";

/// Jobs of all clouds; some of them change during a test.
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
log = [{ after = "30m", line = "第一次运行" }, { after = "61m", line = "epoch {n}", every = "1m", times = 9 }]

[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train-8"
states = [{ after = "0s", state = "Running" }, { after = "700ms", state = "Succeeded" }]

[[job]]
ref = "huawei/image-job/702371902345678848"
name = "wks-image"
states = [{ after = "0s", state = "RUNNING" }, { after = "400ms", state = "SUCCESS" }]

[[job]]
ref = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35"
states = [{ after = "0s", state = "Running" }, { after = "500ms", state = "Completed" }]

[[job]]
ref = "kubernetes/job/ci/迁移"
states = [{ after = "0s", state = "Running" }, { after = "600ms", state = "Complete" }]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "26h"
warnings = [{ after = "25h30m", reason = "Unhealthy", message = "probe failed", count = 12 }]
"#;

/// Returns a folder for a recording that does not exist yet.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("录制");
    (parent, path)
}

fn with<'a>(arguments: &[&'a str], option: &'a str, folder: &'a Path) -> Vec<&'a str> {
    [arguments, &[option, folder.to_str().unwrap()]].concat()
}

/// Replays in an environment that contains nothing except the recording.
fn replay(arguments: &[&str], folder: &Path) -> Run {
    joblens(&with(arguments, "--replay", folder)).run()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn assert_same(arguments: &[&str], recorded: &Run, replayed: &Run) {
    assert_eq!(
        replayed.stdout, recorded.stdout,
        "{arguments:?} {}",
        replayed.stderr
    );
    assert_eq!(replayed.stderr, recorded.stderr, "{arguments:?}");
    assert_eq!(replayed.code, recorded.code, "{arguments:?}");
}

/// Checks that nobody else can read a recording, and that it contains no secret.
fn assert_private(folder: &Path, secrets: &[&str]) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    for path in files(folder) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        for secret in SECRETS.iter().chain(secrets) {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
    }
}

#[test]
fn a_replay_prints_the_output_of_the_recorded_run() {
    let emulated = Emulated::start(WORLD);
    let cases: [&[&str]; 15] = [
        &["get", FAILED, IMAGE, "-o", "json"],
        &["get", FAILED, INSTANCE, SERVICE],
        &["get", FAILED, "--raw", "-o", "yaml"],
        &["get", FAILED, "--exit-status"],
        &[
            "get",
            FAILED,
            "aliyun/job/ehpc-hz-FYUr32/no-such",
            "-o",
            "json",
        ],
        &["describe", FAILED, POD_JOB],
        &["list", "aliyun/job/ehpc-hz-FYUr32/", "--since", "2h"],
        &["list", "-o", "jsonl"],
        &["events", FAILED, SERVICE],
        &["logs", FAILED, "--all-containers"],
        &["logs", POD_JOB],
        &[
            "wait",
            SCHEDULED,
            IMAGE,
            INSTANCE,
            "--interval",
            "150ms",
            "-o",
            "json",
        ],
        &["wait", POD_JOB, "--interval", "150ms"],
        &[
            "wait",
            FAILED,
            IMAGE,
            "--any",
            "--interval",
            "100ms",
            "-t",
            "2m",
        ],
        &[
            "watch",
            SCHEDULED,
            POD_JOB,
            "--interval",
            "150ms",
            "-o",
            "jsonl",
        ],
    ];
    in_parallel(&cases, |arguments| {
        let (_parent, folder) = folder();
        let recorded = emulated
            .joblens(&with(arguments, "--record", &folder))
            .run();
        assert!(
            files(&folder).len() > 1,
            "{arguments:?} {}",
            recorded.stderr
        );
        assert_private(&folder, &[]);
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    });
}

#[test]
fn a_replay_may_use_another_output_format() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let recorded = emulated.get(&with(&[FAILED], "--record", &folder)).run();
    let name = replay(&["get", FAILED, "-o", "name"], &folder);
    assert_eq!((name.code, name.stdout.trim()), (recorded.code, FAILED));
}

#[test]
fn a_recording_contains_the_command_requests_and_responses_as_json() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    emulated.get(&with(&[FAILED], "--record", &folder)).run();
    let names: Vec<String> = files(&folder)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names[0], "0001-aliyun-DescribeServerlessJobs.json");
    assert_eq!(names.last().unwrap(), "recording.json");
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
    };
    let header = read("recording.json");
    assert_eq!(
        (&header["format"], &header["exit_code"]),
        (&1.into(), &0.into())
    );
    assert_eq!(header["command"][1], "get");
    let exchange = read(&names[0]);
    let url = exchange["request"]["url"].as_str().unwrap();
    assert!(
        url.contains("JobIds.1=train-7") && !url.contains("Signature"),
        "{url}"
    );
    let response = &exchange["outcome"]["response"];
    assert_eq!(response["status"], 200);
    assert!(
        response["body"]["json"]["JobInfos"].is_array(),
        "{response:#}"
    );
}

#[test]
fn an_interrupted_run_is_replayed_up_to_the_interrupt() {
    let emulated = Emulated::start(
        "[[job]]\nref = 'aliyun/job/ehpc-hz-FYUr32/train-7'\nstates = [{after='0s', state='Running'}]\n",
    );
    let arguments = ["watch", FAILED, "--interval", "100ms", "-o", "jsonl"];
    let (_parent, folder) = folder();
    let run = emulated.joblens(&with(&arguments, "--record", &folder));
    let run = run.start(Stdio::piped(), Stdio::piped());
    let third = folder.join("0003-aliyun-DescribeServerlessJobs.json");
    wait_until("the third request is recorded", || third.exists());
    run.signal("INT");
    let recorded = run.end();
    assert_eq!(recorded.code, 130);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn a_full_disk_only_makes_the_recording_incomplete() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let run = emulated.get(&with(&[FAILED], "--record", &folder));
    let run = limited(run).run();
    assert_eq!(run.job()["state"], "failed");
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("is not complete"), "{}", run.stderr);
}

/// Limits the size of files to one block, to simulate a full disk.
fn limited(run: Joblens) -> Joblens {
    run.ignoring("XFSZ").file_blocks(1)
}

#[test]
fn a_response_that_was_not_written_is_an_error_in_the_replay() {
    let emulated = Emulated::start(&WORLD.replace("parts = 2", "parts = 100"));
    let (_parent, folder) = folder();
    let run = emulated.get(&with(&[FAILED], "--record", &folder));
    let recorded = run.ignoring("XFSZ").file_blocks(32).run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert!(recorded.stderr.contains("is not complete"));
    let replayed = replay(&["get", FAILED, "-o", "json"], &folder);
    assert_eq!(replayed.code, 5, "{}", replayed.stderr);
    let message = &replayed.error()["message"];
    assert_eq!(message, "the recording has no response to this request");
}

/// Replays recordings from earlier versions; each has the output of the recorded run.
#[test]
fn recordings_of_earlier_versions_are_replayed_unchanged() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings");
    for folder in files(&fixtures) {
        let header = fs::read(folder.join("recording.json")).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        let words = header["command"].as_array().unwrap().iter();
        let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
        let option = words.iter().position(|word| *word == "--record").unwrap();
        let run = replay(&words[1..option], &folder);
        assert_eq!(header["exit_code"], run.code, "{}", run.stderr);
        let expected = folder.join("expected.txt");
        let printed = run.stdout + &run.stderr;
        if std::env::var_os("JOBLENS_BLESS").is_some() {
            fs::write(&expected, &printed).unwrap();
        }
        assert_eq!(printed, fs::read_to_string(expected).unwrap());
    }
}

#[test]
fn a_wait_without_a_timeout_is_replayed_in_ci() {
    let emulated = Emulated::start(WORLD);
    let (_parent, path) = folder();
    let wait = ["wait", FAILED, "-o", "json"];
    let recorded = emulated.joblens(&with(&wait, "--record", &path)).run();
    assert_eq!(recorded.code, 1, "{}", recorded.stderr);
    let in_ci = |arguments: &[&str]| joblens(arguments).env("CI", "true").run();
    let replayed = in_ci(&with(&wait, "--replay", &path));
    assert_eq!(replayed.code, 1, "{}", replayed.stderr);
    assert_eq!(in_ci(&wait).code, 2);
}

#[test]
fn a_folder_in_use_by_a_recording_is_refused_for_a_second_run() {
    let emulated = Emulated::start(&format!("latency = '300ms'\n{WORLD}"));
    let (_parent, path) = folder();
    let get = ["get", FAILED, "-o", "json"];
    let first = emulated
        .joblens(&with(&get, "--record", &path))
        .start(Stdio::piped(), Stdio::piped());
    while !path.join("recording.json").exists() {
        std::thread::yield_now();
    }
    let second = emulated.joblens(&with(&get, "--record", &path)).run();
    assert_eq!(second.code, 2);
    assert!(
        second.stderr.contains("it is not empty"),
        "{}",
        second.stderr
    );
    let first = first.end();
    assert_eq!(replay(&get, &path).stdout, first.stdout);
    let wrong = path.with_file_name("wrong");
    let usage = emulated.joblens(&with(&["get", "aliyun"], "--record", &wrong));
    assert_eq!(usage.run().code, 2);
    assert!(!wrong.exists());
}
