//! `describe`: a page with details, and the envelope of `get` for scripts.

use std::process::Stdio;

use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::jobs::{IMAGE_JOB, JOB, KINDS, SERVICE, WORLD};

#[test]
fn the_page_begins_with_the_likely_cause_in_local_time() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .joblens(&["describe", JOB])
        .env("TZ", "Asia/Shanghai")
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("failed 1h00m ago ("), "{}", lines[0]);
    assert!(lines[0].ends_with("+08:00), after 1h58m"), "{}", lines[0]);
    assert_eq!(
        lines[1..4],
        [
            "  container main of train-7-2 exited with 137: killed (SIGKILL), out of memory; memory limit 4GiB",
            "  OOMKilled: more than 16 GiB",
            "  1 of 2 container groups failed"
        ]
    );
    assert!(run.stdout.contains("\n  Name        训练 resnet\n"));
    assert!(!run.stdout.contains('\u{1b}'));
    let run = emulated
        .joblens(&["desc", JOB, "--time", "utc"])
        .env("TZ", "Asia/Shanghai")
        .run();
    assert!(run.stdout.lines().next().unwrap().contains("Z)"));
}

#[test]
fn several_jobs_have_a_page_each_and_errors_are_on_stderr() {
    let emulated = Emulated::start(WORLD);
    let missing = "aliyun/job/ehpc-hz-FYUr32/none";
    let run = emulated.joblens(&["desc", SERVICE, missing, "-"]);
    let run = run.input(&format!("{IMAGE_JOB}\n")).run();
    assert_eq!(run.code, 3);
    let rules: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("── ")?.split(' ').next())
        .collect();
    assert_eq!(rules, [SERVICE, IMAGE_JOB]);
    assert!(
        run.stdout
            .contains("\nunknown: the cloud reports events but no state\n")
    );
    assert!(run.stderr.contains(missing) && !run.stdout.contains(missing));
}

#[test]
fn other_output_formats_equal_those_of_get() {
    let emulated = Emulated::start(WORLD);
    let mut arguments = vec!["describe", "-o", "json", "--raw"];
    arguments.extend(KINDS);
    let run = emulated.joblens(&arguments).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut described = run.json();
    arguments[0] = "get";
    let mut got = emulated.joblens(&arguments).run().json();
    assert_eq!(described["command"], "describe");
    for envelope in [&mut described, &mut got] {
        envelope["command"].take();
        for job in envelope["jobs"].as_array_mut().unwrap() {
            job["observed_at"].take();
            job["request_id"].take();
            job["duration_seconds"].take();
            job["raw"].take();
        }
    }
    assert_eq!(described, got);
    let run = emulated.joblens(&["describe", "-o", "name", JOB]).run();
    assert_eq!(run.stdout, format!("{JOB}\n"));
    let run = emulated.joblens(&["describe", JOB, "--columns", "ref,exit_code"]);
    let lines: Vec<String> = run.run().stdout.lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("REF ") && lines[1].starts_with(JOB));
    let run = emulated.joblens(&["describe", JOB, "--jq", ".jobs[].exit_code"]);
    assert_eq!(run.run().stdout, "137\n");
}

#[test]
fn bad_input_is_reported_before_the_first_request() {
    let emulated = Emulated::start(WORLD);
    for arguments in [&["describe"][..], &["describe", JOB, "aliyun/jbo/c/5"]] {
        let run = emulated.joblens(arguments).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains("\nhint: "), "{}", run.stderr);
    }
    assert_eq!(emulated.accesses().len(), 0);
}

#[test]
fn a_closed_output_ends_describe_silently() {
    let emulated = Emulated::start(WORLD);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = emulated
        .joblens(&["describe", JOB])
        .start(writer, Stdio::piped())
        .end();
    assert_eq!((run.code, run.stderr.as_str()), (141, ""));
}

#[test]
fn the_help_mentions_the_page_secrets_and_time_options() {
    let run = joblens(&["desc", "--help"]).run();
    assert_eq!(run.code, 0);
    for words in ["details page", "--show-secrets", "--time utc"] {
        assert!(run.stdout.contains(words), "{words}");
    }
}
