use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::gate::Verdict;
use crate::model::{Container, EnvVar, Job, State, Task};
use crate::output::document::Gate;
use crate::providers::mask_job;
use crate::secret::Redactor;

const SECRET: &str = "hunter2-hunter2";

fn report(verdict: Verdict, code: u8) -> Envelope {
    let job = Job {
        reference: "aliyun/job/c/5".into(),
        state: State::Failed,
        ended: true,
        verdict: Some("unmet".into()),
        ..Job::default()
    };
    with_job(job, verdict, code)
}

fn with_job(job: Job, verdict: Verdict, code: u8) -> Envelope {
    let gate = Gate {
        timed_out: false,
        verdict,
        unchecked: Vec::new(),
        met: 0,
        unmet: 1,
        pending: 0,
        reason: None,
        elapsed_seconds: 1,
        requests: 1,
    };
    Envelope::new("wait", vec![job], vec![], vec![]).with_gate(gate, code)
}

fn reports(values: &[&str], variables: &[(&str, &Path)]) -> Result<Reports, Problem> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    let variables = variables
        .iter()
        .map(|(name, path)| (name.to_string(), path.display().to_string()));
    Reports::parse(&values, &[], &Environment::new(variables))
}

fn at(kind: &str, folder: &TempDir, name: &str) -> String {
    format!("{kind}={}", folder.path().join(name).display())
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Ends a run. Returns the reported problems, the annotations, and the result.
fn finished(mut reports: Reports, report: &Envelope) -> (Vec<String>, String, Result<(), Problem>) {
    let (mut reported, mut err) = (Vec::new(), Vec::new());
    let outcome = reports.finish(report, &mut err, &mut |problem| {
        reported.push(problem.message.clone());
    });
    (reported, String::from_utf8(err).unwrap(), outcome)
}

fn silent(problem: &Problem) {
    panic!("{problem}");
}

#[test]
fn invalid_report_options_are_usage_errors_and_write_nothing() {
    let folder = TempDir::new().unwrap();
    let same = at("json", &folder, "a");
    let other_name = format!("junit={}/./a", folder.path().display());
    for (values, what) in [
        (vec!["xml=a"], "unknown report"),
        (vec![""], "unknown report"),
        (vec!["junit"], "requires a file name"),
        (vec!["junit="], "requires a file name"),
        (vec!["json=-"], "requires a file name"),
        (vec!["github=a"], "does not accept a file name"),
        (vec!["github", "github"], "can only be given once"),
        (vec![same.as_str(), other_name.as_str()], "the same file"),
        (vec!["json=/dev/stdout", "junit=/dev/fd/1"], "same file"),
    ] {
        let problem = reports(&values, &[]).err().expect(what);
        assert_eq!(problem.category, Category::Usage);
        assert!(problem.message.contains(what), "{}", problem.message);
    }
    let summary = folder.path().join("summary");
    let shared = [("GITHUB_STEP_SUMMARY", summary.as_path())];
    assert!(reports(&[&at("json", &folder, "summary"), "github"], &shared).is_err());
    assert!(names(&folder).is_empty());
    let list = folder.path().join("a");
    fs::write(&list, "aliyun/job/c/1\n").unwrap();
    let replacing = Reports::parse(&[other_name], &[list], &Environment::default()).err();
    let message = replacing.unwrap().message;
    assert!(message.contains("would replace the list"), "{message}");
}

#[test]
fn a_write_is_due_at_first_and_then_once_a_second_when_something_changed() {
    let folder = TempDir::new().unwrap();
    let mut reports = reports(&[&at("json", &folder, "a")], &[]).unwrap();
    let ms = Duration::from_millis;
    assert!(reports.due(ms(0)));
    reports.write(&report(Verdict::Undecided, 8), ms(0), &mut silent);
    assert!(!reports.due(ms(5000)));
    reports.mark_changed();
    assert_eq!(reports.due_at(), Some(ms(1000)));
    assert!(!reports.due(ms(999)));
    assert!(reports.due(ms(1000)));
    let only_at_the_end = Reports::parse(&["github".into()], &[], &Environment::default());
    assert!(!only_at_the_end.unwrap().due(ms(0)));
}

#[test]
fn report_files_are_rewritten_whole_without_leftover_files() {
    let folder = TempDir::new().unwrap();
    let values = [
        at("junit", &folder, "a.xml"),
        at("json", &folder, "b.json"),
        at("gitlab-dotenv", &folder, "c.env"),
    ];
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut reports = reports(&values, &[]).unwrap();
    let env = folder.path().join("c.env");
    reports.write(&report(Verdict::Undecided, 8), Duration::ZERO, &mut silent);
    assert!(
        fs::read_to_string(&env)
            .unwrap()
            .starts_with("JOBLENS_VERDICT=undecided\nJOBLENS_EXIT=8\n")
    );
    fs::set_permissions(&env, fs::Permissions::from_mode(0o640)).unwrap();
    let (reported, err, outcome) = finished(reports, &report(Verdict::Failed, 1));
    assert_eq!((reported.len(), err.as_str(), outcome), (0, "", Ok(())));
    assert_eq!(
        fs::read_to_string(&env).unwrap(),
        "JOBLENS_VERDICT=failed\nJOBLENS_EXIT=1\nJOBLENS_FAILED=aliyun/job/c/5\n\
         JOBLENS_PENDING=\nJOBLENS_PASSED=\n"
    );
    assert_eq!(fs::metadata(&env).unwrap().mode() & 0o777, 0o640);
    assert_eq!(names(&folder), ["a.xml", "b.json", "c.env"]);
    let json = fs::read(folder.path().join("b.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["gate"]["verdict"], "failed");
}

#[test]
fn a_link_keeps_pointing_at_the_file_that_is_rewritten() {
    let folder = TempDir::new().unwrap();
    let (link, file) = (folder.path().join("link"), folder.path().join("file"));
    fs::write(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    let reports = reports(&[&at("json", &folder, "link")], &[]).unwrap();
    finished(reports, &report(Verdict::Failed, 1)).2.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("joblens/1"));
}

#[test]
fn a_file_that_cannot_be_replaced_is_overwritten_and_cut_to_its_new_length() {
    // The condition covers both cases: root can write to any folder, so a file of another owner means "rejected".
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.env");
    fs::write(&file, "x".repeat(10_000)).unwrap();
    let before = fs::metadata(&file).unwrap();
    let is_root = before.uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&file, Some(1234), None).unwrap();
    } else {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    }
    let reports = reports(&[&at("gitlab-dotenv", &folder, "a.env")], &[]).unwrap();
    let outcome = finished(reports, &report(Verdict::Failed, 1)).2;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    outcome.unwrap();
    let after = fs::metadata(&file).unwrap();
    assert_eq!(after.ino(), before.ino());
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .ends_with("JOBLENS_FAILED=aliyun/job/c/5\nJOBLENS_PENDING=\nJOBLENS_PASSED=\n")
    );
    assert_eq!(names(&folder), ["a.env"]);
}

#[test]
fn an_unwritable_report_is_reported_once_and_the_others_show_exit_code_5() {
    let folder = TempDir::new().unwrap();
    let missing = at("junit", &folder, "no-such-folder/a.xml");
    let good = at("json", &folder, "b.json");
    let outputs = folder.path().join("outputs");
    let mut reports = reports(
        &[&good, "github", &missing, "gitlab-dotenv=/dev/full"],
        &[("GITHUB_OUTPUT", &outputs)],
    )
    .unwrap();
    let mut reported = Vec::new();
    for second in 0..3 {
        let undecided = report(Verdict::Undecided, 8);
        reports.write(&undecided, Duration::from_secs(second), &mut |problem| {
            reported.push(problem.message.clone());
        });
    }
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].contains("no-such-folder/a.xml: No such file"));
    let (reported, err, outcome) = finished(reports, &report(Verdict::Passed, 0));
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(
        reported[0].contains("cannot write the report gitlab-dotenv=/dev/full: No space left"),
        "{reported:?}"
    );
    let problem = outcome.unwrap_err();
    assert!(problem.message.contains("no-such-folder"));
    assert_eq!(problem.category.exit_code(), 5);
    let json = fs::read(folder.path().join("b.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["gate"]["verdict"], "passed");
    assert_eq!(json["exit"]["code"], 5);
    assert!(err.contains("exit code 5"), "{err}");
    assert!(fs::read_to_string(&outputs).unwrap().contains("exit=5\n"));
}

#[test]
fn a_report_failure_does_not_change_the_exit_code_of_a_failed_gate() {
    let reports = reports(&["junit=/no/such/folder/a.xml", "github"], &[]).unwrap();
    let (_, err, outcome) = finished(reports, &report(Verdict::Failed, 1));
    assert!(outcome.is_err());
    assert!(err.contains("exit code 1"), "{err}");
}

#[test]
fn a_full_disk_keeps_the_old_report_and_leaves_no_partial_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.json");
    fs::write(&file, "old").unwrap();
    let written = sink::replace(&file, |new| {
        new.write_all(b"the beginning of")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(names(&folder), ["a.json"]);
}

#[test]
fn a_failed_overwrite_leaves_an_empty_file_and_no_mixed_content() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.json");
    fs::write(&file, "old and long").unwrap();
    let written = sink::overwrite(&file, |new| {
        new.write_all(b"new")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert!(written.is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
}

#[test]
fn a_pipe_is_written_once_at_the_end_and_waits_briefly_for_a_reader() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let value = at("gitlab-dotenv", &folder, "pipe");
    let mut read = reports(&[&value], &[]).unwrap();
    assert!(!read.due(Duration::ZERO));
    read.write(&report(Verdict::Undecided, 8), Duration::ZERO, &mut silent);
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    finished(read, &report(Verdict::Failed, 1)).2.unwrap();
    assert!(
        reader
            .join()
            .unwrap()
            .starts_with("JOBLENS_VERDICT=failed\n")
    );

    let unread = reports(&[&value], &[]).unwrap();
    let started = Instant::now();
    let (reported, _, outcome) = finished(unread, &report(Verdict::Undecided, 130));
    assert!(started.elapsed() < Duration::from_millis(500));
    assert!(
        reported[0].contains("nothing is reading from it"),
        "{reported:?}"
    );
    assert!(outcome.is_err());
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn files_shared_by_steps_are_appended_to_once_at_the_end() {
    let folder = TempDir::new().unwrap();
    let (summary, outputs) = (folder.path().join("summary"), folder.path().join("outputs"));
    fs::write(&outputs, "before=1").unwrap();
    let shared = [
        ("GITHUB_STEP_SUMMARY", summary.as_path()),
        ("GITHUB_OUTPUT", outputs.as_path()),
    ];
    let mut reports = reports(&["github"], &shared).unwrap();
    reports.write(&report(Verdict::Undecided, 8), Duration::ZERO, &mut silent);
    assert_eq!(fs::read_to_string(&outputs).unwrap(), "before=1");
    let (_, err, outcome) = finished(reports, &report(Verdict::Failed, 1));
    outcome.unwrap();
    assert_eq!(
        fs::read_to_string(&outputs).unwrap(),
        "before=1\nverdict=failed\nexit=1\nreason=\nfailed=aliyun/job/c/5\npending=\npassed=\n"
    );
    assert!(
        fs::read_to_string(&summary)
            .unwrap()
            .contains("| aliyun/job/c/5 |")
    );
    assert!(err.starts_with("::error title=joblens%3A failed::"));
}

#[test]
fn a_summary_stays_within_the_size_limit_of_a_github_step() {
    let folder = TempDir::new().unwrap();
    let summary = folder.path().join("summary");
    fs::write(&summary, "x".repeat((1 << 20) - 400)).unwrap();
    let shared = [("GITHUB_STEP_SUMMARY", summary.as_path())];
    let reports = reports(&["github"], &shared).unwrap();
    let mut many = report(Verdict::Failed, 1);
    many.content.jobs = vec![many.content.jobs[0].clone(); 100];
    finished(reports, &many).2.unwrap();
    let text = fs::read_to_string(&summary).unwrap();
    assert!(text.len() <= 1 << 20);
    assert!(
        text.ends_with("more are not shown.\n"),
        "{}",
        &text[text.len() - 200..]
    );
}

#[test]
fn a_masked_job_leaves_no_secret_in_any_report() {
    let folder = TempDir::new().unwrap();
    let shared = [
        ("GITHUB_STEP_SUMMARY", folder.path().join("summary")),
        ("GITHUB_OUTPUT", folder.path().join("outputs")),
    ];
    let shared = shared
        .each_ref()
        .map(|(name, path)| (*name, path.as_path()));
    let values = [
        at("junit", &folder, "a.xml"),
        at("json", &folder, "b.json"),
        at("gitlab-dotenv", &folder, "c.env"),
        "github".to_owned(),
    ];
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut job = report(Verdict::Failed, 1).content.jobs.remove(0);
    job.tasks = vec![Task {
        containers: vec![Container {
            name: Some("main".into()),
            state: State::Failed,
            args: vec![format!("--password={SECRET}")],
            env: vec![EnvVar {
                name: Some("TOKEN".into()),
                value: Some(SECRET.into()),
                value_from: None,
            }],
            ..Container::default()
        }],
        ..Task::default()
    }];
    let everything = |job: Job| {
        let reports = reports(&values, &shared).unwrap();
        let (_, err, outcome) = finished(reports, &with_job(job, Verdict::Failed, 1));
        outcome.unwrap();
        let files = names(&folder);
        assert_eq!(files.len(), 5, "{files:?}");
        files.iter().fold(err, |all, name| {
            all + &fs::read_to_string(folder.path().join(name)).unwrap()
        })
    };
    let mut masked = job.clone();
    mask_job(&mut masked, &Redactor::default(), false);
    let text = everything(masked);
    assert!(!text.contains(SECRET));
    assert!(text.contains("container main failed"));
    // Check that the test would notice a secret.
    assert!(everything(job).contains(SECRET));
}
