//! `metrics`: a replay prints the text of the recorded run.

use super::*;

const SCOPE: &str = "aliyun/job/ehpc-hz-FYUr32/";

#[test]
fn a_replay_prints_the_metrics_of_the_recorded_run() {
    let emulated = Emulated::start(WORLD);
    let cases: [&[&str]; 6] = [
        &["metrics", SCOPE],
        &["metrics", FAILED, POD_JOB, INSTANCE],
        &["metrics", SCOPE, IMAGE, "kubernetes/job/ci/"],
        &["metrics", "aliyun", SCOPE, "huawei", "kubernetes"],
        &["metrics", SCOPE, "--max-jobs", "1", "--max-lookups", "1"],
        &["metrics", FAILED, "aliyun/job/ehpc-hz-FYUr32/no-such"],
    ];
    in_parallel(&cases, |arguments| {
        let (_parent, folder) = folder();
        let run = emulated.joblens(&with(arguments, "--record", &folder));
        let recorded = run.run();
        let has_failed = arguments.iter().any(|word| word.ends_with("no-such"));
        assert_eq!(
            recorded.code,
            if has_failed { 3 } else { 0 },
            "{arguments:?}"
        );
        assert!(files(&folder).len() > 1, "{arguments:?}");
        assert_private(&folder, &[]);
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    });
}

#[test]
fn targets_from_stdin_are_replayed_from_the_recording() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let arguments = ["metrics", "-"];
    let run = emulated.joblens(&with(&arguments, "--record", &folder));
    let recorded = run.input(&format!("{SCOPE}\n{IMAGE}\n")).run();
    assert!(recorded.stdout.contains(IMAGE), "{}", recorded.stderr);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn a_replay_writes_the_textfile_with_the_times_of_the_recording() {
    let emulated = Emulated::start(WORLD);
    let (parent, folder) = folder();
    let path = |name: &str| parent.path().join(name).to_str().unwrap().to_owned();
    let (first, second) = (path("first.prom"), path("second.prom"));
    let record = ["metrics", SCOPE, "--textfile", &first];
    let run = emulated.joblens(&with(&record, "--record", &folder));
    let recorded = run.run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    let again = ["metrics", SCOPE, "--textfile", &second];
    assert_same(&again, &recorded, &replay(&again, &folder));
    let text = fs::read_to_string(&first).unwrap();
    assert!(
        text.contains("joblens_scope_poll_duration_seconds{"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(&second).unwrap(), text);

    // The times are those of the recording, whenever it is replayed.
    let header = folder.join("recording.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&header).unwrap()).unwrap();
    document["values"]["end of poll 1"] = "2026-01-01T00:00:00Z".into();
    document["measured"]["poll 1"] = 1234.into();
    fs::write(&header, document.to_string()).unwrap();
    let text = replay(&["metrics", SCOPE], &folder).stdout;
    for (name, value) in [
        ("joblens_scope_last_success_timestamp_seconds", "1767225600"),
        ("joblens_scope_poll_duration_seconds", "1.234"),
    ] {
        let line = format!("{name}{{scope=\"{SCOPE}\",cloud=\"aliyun\"}} {value}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
}

#[test]
fn a_lookup_that_was_not_recorded_is_an_error() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let arguments = ["metrics", SCOPE, "--max-lookups", "0"];
    let run = emulated.joblens(&with(&arguments, "--record", &folder));
    let recorded = run.run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
    for other in [&["metrics", SCOPE][..], &["metrics", FAILED]] {
        let run = replay(other, &folder);
        assert_eq!(run.code, 5, "{other:?} {}", run.stderr);
        let words = "the recording has no response to";
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn record_and_replay_of_an_exporter_are_usage_errors() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let listen = ["metrics", SCOPE, "--listen", "127.0.0.1:0"];
    let refused = |run: Run, option: &str| {
        assert_eq!(run.code, 2, "{}", run.stdout);
        let words =
            format!("{option} is not available with --listen: an exporter sends requests when");
        assert!(run.stderr.contains(&words), "{}", run.stderr);
    };
    let run = emulated.joblens(&with(&listen, "--record", &folder));
    refused(run.run(), "--record");
    assert!(!folder.exists(), "a folder is left");
    let once = emulated.joblens(&with(&["metrics", SCOPE], "--record", &folder));
    assert_eq!(once.run().code, 0);
    refused(replay(&listen, &folder), "--replay");
}
