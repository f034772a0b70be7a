//! Runs `joblens logs` with the emulated clouds.

mod describe;
mod follow;
mod init_containers;
mod long;
mod lost_pod;
mod refused;
mod replaced;
mod silent;
mod stopped;
mod tail;
mod unread;

use serde_json::{Value, json};

use crate::support::emulated::Emulated;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, JOB, SERVICE};
use crate::support::{Run, joblens};

const INVOCATION: &str = "aliyun/invocation/ehpc-hz-FYUr32/c-1";
const HPC_JOB: &str = "aliyun/hpc-job/ehpc-hz-FYUr32/1.manager";

/// Jobs of every kind with a log; the last container group of the first has failed.
const WORLD: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train-7"
age = "3h"
parts = 2
restarts = ["1h"]
states = [
  { after = "0s", state = "Pending" },
  { after = "2m", state = "Running" },
  { after = "2h", state = "Failed", exit_code = 137, reason = "OOMKilled" },
]
log = [
  { after = "30m", line = "第一次运行" },
  { after = "61m", line = "epoch {n}\t损失 0.9", every = "1m", times = 40 },
  { after = "7199s", line = "Killed" },
]

[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/silent"
age = "1h"
parts = 2
states = [{ after = "0s", state = "Running" }, { after = "1m", state = "Succeeded" }]

[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/waiting"
age = "1m"
states = [{ after = "0s", state = "Pending" }]

[[job]]
ref = "aliyun/invocation/ehpc-hz-FYUr32/c-1"
age = "1h"
parts = 2
states = [
  { after = "0s", state = "Running" },
  { after = "45s", state = "Finished", exit_code = 2 },
]
log = [{ after = "44s", line = "tar: 无法 open" }]

[[job]]
ref = "aliyun/hpc-job/ehpc-hz-FYUr32/1.manager"
age = "5h"
states = [
  { after = "0s", state = "RUNNING" },
  { after = "40m", state = "FINISHED" },
]
log = [{ after = "1m", line = "iteration {n}: residual 1e-3", times = 9000 }]
"#;

fn logs(emulated: &Emulated, arguments: &[&str]) -> Run {
    let mut all = vec!["logs"];
    all.extend_from_slice(arguments);
    emulated.joblens(&all).run()
}

fn records(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_failed_container_is_shown_and_the_others_are_named() {
    let emulated = Emulated::start(WORLD);
    let run = logs(&emulated, &[JOB]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "note: showing eci-train-7-2/main; others: eci-train-7-1/main\n"
    );
    assert_eq!(run.stdout.lines().count(), 41);
    assert!(run.stdout.starts_with("epoch 1\t损失 0.9\n") && run.stdout.ends_with("\nKilled\n"));
    let quiet = logs(&emulated, &["-q", "--tail", "2", JOB]);
    assert_eq!(
        (quiet.stdout.as_str(), quiet.stderr.as_str()),
        ("epoch 40\t损失 0.9\nKilled\n", "")
    );
    let previous = logs(&emulated, &["-qp", JOB]);
    assert_eq!(previous.stdout, "第一次运行\n");
    let never = logs(&emulated, &["-p", "--task", "eci-train-7-1", JOB]);
    assert_eq!((never.code, never.stdout.as_str()), (3, ""));
    assert!(
        never
            .stderr
            .contains("has no previous log: it was not restarted"),
        "{}",
        never.stderr
    );
    let task = logs(
        &emulated,
        &["--task", "eci-train-7-1", "--container", "main", JOB],
    );
    assert_eq!(task.code, 0, "{}", task.stderr);
    assert_eq!(task.stdout.lines().count(), 41);
    assert!(task.stdout.ends_with("epoch 40\t损失 0.9\n"));
}

#[test]
fn all_containers_prefixes_every_line_with_its_source() {
    let emulated = Emulated::start(WORLD);
    let run = logs(&emulated, &["--all-containers", "--tail", "1", INVOCATION]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "i-node002 tar: 无法 open\n"),
        "{}",
        run.stderr
    );
    let streams = logs(&emulated, &["--all-containers", "--tail", "1", HPC_JOB]);
    assert_eq!(streams.stdout, "stdout iteration 9000: residual 1e-3\n");
}

#[test]
fn a_file_is_read_whole_or_from_its_end() {
    let emulated = Emulated::start(WORLD);
    let whole = logs(&emulated, &[HPC_JOB]);
    assert_eq!(whole.stdout.lines().count(), 9000);
    assert_eq!(emulated.requests()["aliyun/GetJobLog"], 5);
    let tail = logs(&emulated, &["--tail", "2", HPC_JOB]);
    let lines = [
        "iteration 8999: residual 1e-3",
        "iteration 9000: residual 1e-3",
    ];
    assert!(tail.stdout.lines().eq(lines), "{}", tail.stdout);
    assert!(emulated.requests()["aliyun/GetJobLog"] <= 8);
    for arguments in [
        ["--tail=-1", HPC_JOB].as_slice(),
        &["--tail", "-1", HPC_JOB],
    ] {
        assert_eq!(logs(&emulated, arguments).stdout, whole.stdout);
    }
    let none = logs(&emulated, &["--tail", "0", HPC_JOB]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
    let empty = logs(&emulated, &["-c", "stderr", HPC_JOB]);
    assert_eq!(empty.code, 3);
    assert!(
        empty
            .stderr
            .contains("stderr has no log: it wrote nothing, or its file was moved or removed"),
        "{}",
        empty.stderr
    );
}

#[test]
fn an_empty_log_is_an_error_for_every_kind_once_the_job_has_ended() {
    let jobs = [
        (JOB, "Running", "Succeeded"),
        (HPC_JOB, "RUNNING", "FINISHED"),
        ("aliyun/dlc-job/dlc1abcdefgh9999", "Running", "Succeeded"),
        ("tencent/training-task/train-1", "RUNNING", "SUCCEED"),
        ("sugon/job/11112/1638523853/8231402", "statR", "statC"),
    ];
    for (reference, running, ended) in jobs {
        let scenario = |state: &str| {
            format!(
                "[[job]]\nref = '{reference}'\nage = '1h'\nstates = [{{after = '0s', state = '{state}'}}]\n"
            )
        };
        let run = logs(&Emulated::start(&scenario(running)), &["-q", reference]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{reference}");
        let run = logs(&Emulated::start(&scenario(ended)), &["-q", reference]);
        assert_eq!(run.code, 3, "{reference}: {}", run.stderr);
        // Only the logs of containers are removed with the job.
        let (expected, hint) = match reference.contains("hpc-job") || reference.contains("sugon") {
            true => ("its file was moved or removed", "storage of the cluster"),
            false => ("its log was removed", "logs of containers"),
        };
        let expected = format!("has no log: it wrote nothing, or {expected}");
        assert!(run.stderr.contains(&expected), "{}", run.stderr);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
}

#[test]
fn times_are_shown_when_requested_and_are_in_every_record() {
    let emulated = Emulated::start(WORLD);
    let run = logs(&emulated, &["-q", "--tail", "1", "--timestamps", JOB]);
    let (time, line) = run.stdout.split_once(' ').unwrap();
    assert!(time.ends_with('Z') && time.len() == 20, "{time}");
    assert_eq!(line, "Killed\n");
    let records = records(&logs(&emulated, &["-q", "--tail", "2", "-o", "jsonl", JOB]).stdout);
    let [first, second, summary] = &records[..] else {
        panic!("{records:#?}")
    };
    assert_eq!((&first["type"], &first["seq"]), (&json!("log"), &json!(1)));
    assert_eq!(first["line"], "epoch 40\t损失 0.9");
    assert_eq!(
        (&first["ref"], &first["task"]),
        (&json!(JOB), &json!("eci-train-7-2"))
    );
    assert_eq!(
        (&second["container"], &second["at"]),
        (&json!("main"), &json!(time))
    );
    assert_eq!(
        (&summary["type"], &summary["complete"]),
        (&json!("summary"), &json!(true))
    );
    let recent = logs(&emulated, &["-q", "--since", "89m30s", JOB]);
    assert_eq!(recent.stdout.lines().count(), 11, "{}", recent.stdout);
}

#[test]
fn each_reason_for_a_missing_log_has_its_own_message() {
    let emulated = Emulated::start(WORLD);
    let waiting = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/waiting"]);
    assert_eq!(waiting.code, 3);
    assert!(
        waiting
            .stderr
            .contains("has not started yet; the job is pending"),
        "{}",
        waiting.stderr
    );
    assert!(
        waiting.stderr.contains("hint: use -f"),
        "{}",
        waiting.stderr
    );
    let gone = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/silent"]);
    assert_eq!(gone.code, 3);
    assert!(
        gone.stderr.contains("its log was removed")
            && gone
                .stderr
                .contains("hint: other logs: eci-silent-2/main; "),
        "{}",
        gone.stderr
    );
    let old = logs(
        &emulated,
        &[
            "-c",
            "main",
            "--task",
            "eci-train-7-2",
            "--since",
            "1m",
            JOB,
        ],
    );
    assert_eq!(
        (old.code, old.stderr.as_str()),
        (0, "note: no lines since that time\n")
    );
    let missing = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/no-such"]);
    assert_eq!(missing.code, 3);
    assert!(
        missing.stderr.contains("DescribeServerlessJobs"),
        "{}",
        missing.stderr
    );
    for reference in [SERVICE, INSTANCE, IMAGE_JOB] {
        let run = joblens(&["logs", reference]).run();
        assert_eq!(run.code, 2, "{reference}");
        assert!(
            run.stderr
                .contains("the API has no operation for logs\nhint: "),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn the_error_for_a_forbidden_log_names_the_operation() {
    let denied = r#"
[[fault]]
operation = "DescribeContainerLog"
kind = "refuse"
"#;
    let emulated = Emulated::start(&format!("{WORLD}{denied}"));
    let run = logs(&emulated, &["-q", JOB]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("DescribeContainerLog at "),
        "{}",
        run.stderr
    );
}

#[test]
fn unsupported_options_are_usage_errors_before_the_first_request() {
    let emulated = Emulated::start(WORLD);
    for (arguments, expected) in [
        (
            &["--previous", HPC_JOB][..],
            "--previous cannot be used with aliyun/hpc-job",
        ),
        (
            &["--since", "1h", INVOCATION][..],
            "--since cannot be used with aliyun/invocation",
        ),
        (
            &["--timestamps", HPC_JOB][..],
            "--timestamps cannot be used with aliyun/hpc-job",
        ),
        (
            &["-o", "json", JOB][..],
            "logs supports only -o table and jsonl",
        ),
        (
            &["--columns", "ref", JOB][..],
            "logs does not support --columns",
        ),
        (
            &["--columns", "nosuch", JOB][..],
            "logs does not support --columns",
        ),
        (
            &["--sort-by=-nosuch", "-o", "jsonl", JOB][..],
            "logs does not support --sort-by",
        ),
        (&[JOB, HPC_JOB][..], "logs prints one job at a time"),
        (
            &["--tail", "-2", JOB][..],
            "invalid value '-2' for --tail: expected a number of lines, or -1 for all",
        ),
        (&["-f", "-p", JOB][..], "--previous"),
    ] {
        let run = logs(&emulated, arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    assert!(emulated.requests().is_empty());
    let wrong = logs(&emulated, &["-c", "side", JOB]);
    assert_eq!(wrong.code, 3);
    assert!(
        wrong.stderr.contains("hint: containers: main"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn the_profile_is_given_by_p_before_the_command_or_by_profile_after_it() {
    let emulated = Emulated::start(WORLD);
    for arguments in [
        &["-p", "prod", "logs", JOB][..],
        &["logs", "--profile", "prod", JOB][..],
    ] {
        let run = emulated.joblens(arguments).run();
        assert_eq!(run.code, 4);
        assert!(
            run.stderr.contains("aliyun has no profile 'prod'"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn an_ended_job_without_standard_output_shows_its_standard_error() {
    let job = |word: &str, stream: &str| {
        format!(
            "[[job]]\nref = '{HPC_JOB}'\nstates = [{{after = '0s', state = 'RUNNING'}}, \
             {{after = '300ms', state = '{word}', exit_code = 1}}]\n\
             log = [{{after = '100ms', line = 'ImportError: 没有 torch', stream = '{stream}'}}]\n"
        )
    };
    let emulated = Emulated::start(&job("Failed", "stderr"));
    let run = logs(&emulated, &["-f", "--interval", "50ms", HPC_JOB]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "ImportError: 没有 torch\n");
    let notes = "note: showing stdout; others: stderr\nnote: stdout is empty; showing stderr\n";
    assert_eq!(run.stderr, notes);
    let run = logs(&emulated, &["--tail", "1", HPC_JOB]);
    assert_eq!(
        (&*run.stdout, &*run.stderr),
        ("ImportError: 没有 torch\n", notes)
    );
    let run = logs(&emulated, &["-q", "-c", "stdout", HPC_JOB]);
    assert_eq!((run.code, &*run.stdout), (3, ""), "{}", run.stderr);
}
