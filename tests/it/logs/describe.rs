//! The log at the end of a failed job's page.

use super::WORLD;
use crate::support::emulated::Emulated;
use crate::support::jobs::JOB;

#[test]
fn describe_shows_the_last_log_lines_of_a_failed_job_unless_disabled() {
    let emulated = Emulated::start(WORLD);
    let page = emulated.joblens(&["describe", JOB]).run();
    assert_eq!((page.code, page.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = page.stdout.lines().map(str::trim).collect();
    let heading = "last lines of the log of eci-train-7-2/main:";
    let start = lines.iter().position(|line| *line == heading).unwrap();
    assert_eq!(lines[start + 1], "epoch 32    损失 0.9");
    assert_eq!(lines[start + 10], "Killed");
    let without = emulated.joblens(&["describe", "--no-logs", JOB]).run();
    assert!(!without.stdout.contains("损失"), "{}", without.stdout);
    let json = emulated.joblens(&["describe", "-o", "json", JOB]).run();
    assert!(!json.stdout.contains("损失"));
    assert_eq!(emulated.requests()["aliyun/DescribeContainerLog"], 1);
}

#[test]
fn describe_shows_stderr_or_stdout_if_stderr_is_empty() {
    let job = |id: &str, log: &str| {
        format!(
            "[[job]]\nref = 'tencent/batch-job/{id}'\nage = '1h'\nlog = [{log}]\n\
             states = [{{after = '0s', state = 'FAILED', exit_code = 1}}]\n"
        )
    };
    let out = "{after = '1m', line = 'step 一'}";
    let error = "{after = '1m', line = 'ImportError: 没有 torch', stream = 'stderr'}";
    let scenario = job("job-1", &format!("{out}, {error}")) + &job("job-2", out);
    let emulated = Emulated::start(&scenario);
    for (id, shown) in [("job-1", "ImportError: 没有 torch"), ("job-2", "step 一")] {
        let page = emulated
            .joblens(&["describe", &format!("tencent/batch-job/{id}")])
            .run();
        let mut lines = page.stdout.lines().map(str::trim);
        let heading = lines.find(|line| line.starts_with("last lines of the log of "));
        assert!(heading.is_some(), "{}", page.stdout);
        assert_eq!(lines.next(), Some(shown), "{}", page.stdout);
    }
}

#[test]
fn describe_shows_the_log_of_the_first_failed_part_with_lines() {
    let emulated = Emulated::start(
        "[[job]]\nref = 'tencent/training-task/train-1'\nage = '1h'\nparts = 2\n\
         log = [{after = '1m', line = 'RuntimeError: 内存不足'}]\n\
         states = [{after = '0s', state = 'RUNNING'}, {after = '2m', state = 'FAILED'}]\n",
    );
    let page = emulated
        .joblens(&["describe", "tencent/training-task/train-1"])
        .run();
    let mut lines = page.stdout.lines().map(str::trim);
    let heading = lines.find(|line| line.starts_with("last lines of the log of "));
    assert!(
        heading.is_some_and(|line| line.ends_with("-worker-0:")),
        "{}",
        page.stdout
    );
    assert_eq!(lines.next(), Some("RuntimeError: 内存不足"));
}

#[test]
fn an_unreadable_log_is_only_a_warning_in_describe() {
    let denied = "[[fault]]\noperation = 'DescribeContainerLog'\nkind = 'refuse'\n";
    let emulated = Emulated::start(&format!("{WORLD}{denied}"));
    let page = emulated.joblens(&["describe", JOB]).run();
    assert_eq!(page.code, 0, "{}", page.stderr);
    assert!(page.stderr.starts_with("warning: "), "{}", page.stderr);
    assert!(
        page.stderr.contains(": DescribeContainerLog: "),
        "{}",
        page.stderr
    );
    assert!(page.stdout.contains("failed"));
}
