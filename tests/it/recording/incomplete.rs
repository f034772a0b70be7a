//! Replays of runs that were stopped before all of their requests had a response.

use super::*;

/// A job whose pods are read to distinguish pending from starting.
const STARTING: &str = r#"
[[job]]
ref = "kubernetes/job/ci/迁移"
states = [{ after = "0s", state = "Starting" }]
"#;

/// A jq expression that takes longer than the output of a run that was stopped by a signal may take.
const SLOW_QUERY: &str = "[range(1000000)] | length";

/// A cloud that does not respond to a request within a test.
const SLOW_IMAGE: &str = "[[fault]]\noperation = 'ShowImageJob'\nkind = 'slow'\ndelay = '5m'\n";

/// Records a list of starting jobs, and returns the file with the response that contains the pods.
fn record_list(folder: &Path) -> PathBuf {
    let emulated = Emulated::start(STARTING);
    let recorded = emulated
        .joblens(&with(&["list", "kubernetes/job/ci"], "--record", folder))
        .run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    let is_of_pods = |path: &PathBuf| path.to_string_lossy().contains("ListNamespacedPod");
    files(folder).into_iter().find(is_of_pods).unwrap()
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut document = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut document);
    fs::write(path, document.to_string()).unwrap();
}

#[test]
fn a_list_without_the_recorded_response_of_an_optional_request_fails() {
    let (_parent, folder) = folder();
    fs::remove_file(record_list(&folder)).unwrap();
    for format in ["table", "json", "jsonl"] {
        let run = replay(&["list", "kubernetes/job/ci", "-o", format], &folder);
        assert_eq!(run.code, 5, "{format} {}", run.stderr);
        let message = "error: the recording has no response to some requests of this run\n";
        assert!(run.stderr.contains(message), "{format} {}", run.stderr);
    }
    let run = replay(&["list", "kubernetes/job/ci", "-o", "json"], &folder);
    assert_eq!(run.json()["exit"]["code"], 5);
}

#[test]
fn a_list_that_was_interrupted_during_an_optional_request_ends_with_the_same_exit_code() {
    let (_parent, folder) = folder();
    edit(&record_list(&folder), |exchange| {
        exchange["outcome"] = "canceled".into();
    });
    edit(&folder.join("recording.json"), |header| {
        header["exit_code"] = 130.into();
    });
    let list = ["list", "kubernetes/job/ci"];
    let run = replay(&list, &folder);
    assert_eq!(run.code, 130, "{}", run.stderr);
    let run = replay(&[&list[..], &["--jq", SLOW_QUERY]].concat(), &folder);
    assert_eq!(
        (run.code, &*run.stdout),
        (130, "1000000\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_run_that_needs_more_responses_than_its_recording_has_fails_and_is_not_interrupted() {
    const RUNNING: &str = "aliyun/job/ehpc-hz-FYUr32/5";
    let world = format!(
        "[[job]]\nref = '{RUNNING}'\nstates = [{{ after = '0s', state = 'Running' }}]\n\
         log = [{{ after = '0s', line = 'epoch 1' }}]\n"
    );
    let emulated = Emulated::start(&world);
    let (_parent, waited) = folder();
    let wait = ["wait", "-t", "0", RUNNING];
    let recorded = emulated.joblens(&with(&wait, "--record", &waited)).run();
    assert_eq!(recorded.code, 8, "{}", recorded.stderr);
    let (_parent, logged) = folder();
    let recorded = emulated
        .joblens(&with(&["logs", RUNNING], "--record", &logged))
        .run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    for (arguments, folder) in [
        (&["wait", "-t", "1h", RUNNING] as &[&str], &waited),
        (&["watch", RUNNING, "-o", "jsonl"], &waited),
        (&["events", "-f", RUNNING, "-o", "jsonl"], &waited),
        (&["logs", "-f", RUNNING, "-o", "jsonl"], &logged),
    ] {
        let run = replay(arguments, folder);
        assert_eq!(run.code, 5, "{arguments:?} {}", run.stderr);
        assert!(!run.stderr.contains("interrupted"), "{}", run.stderr);
        let message = match arguments[0] {
            "wait" => "undecided: the recording ends after ",
            "logs" => "the recording has no response to this request\n",
            _ => "the recording ends before this run does\n",
        };
        assert!(run.stderr.contains(message), "{arguments:?} {}", run.stderr);
        if let Some(last) = run.stdout.lines().last().filter(|_| arguments[0] != "wait") {
            let last: Value = serde_json::from_str(last).unwrap();
            let (kind, complete) = (&last["type"], &last["complete"]);
            assert_eq!((kind, complete), (&"summary".into(), &false.into()));
        }
    }
    let document = replay(&["wait", "-t", "1h", RUNNING, "-o", "json"], &waited).json();
    assert_eq!(
        document["exit"],
        serde_json::json!({"code": 5, "word": "service"})
    );
    assert_eq!(document["errors"][0]["category"], "invalid_argument");
    let run = replay(&["wait", "-t", "1h", RUNNING, "--jq", SLOW_QUERY], &waited);
    assert_eq!((run.code, &*run.stdout), (5, "1000000\n"), "{}", run.stderr);
    let message = "undecided: the recording ends after ";
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn an_interrupted_get_is_replayed_with_what_was_read() {
    let emulated = Emulated::start(&format!("{WORLD}\n{SLOW_IMAGE}"));
    let get = ["get", IMAGE, INSTANCE, "-o", "json"];
    let (_parent, folder) = folder();
    let run = emulated
        .joblens(&with(&get, "--record", &folder))
        .start(Stdio::piped(), Stdio::piped());
    let is_read = || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.any(|name| name.contains("InstanceServiceDetail") && name.ends_with(".json"))
    };
    wait_until("the instance is recorded", is_read);
    run.signal("INT");
    let recorded = run.end();
    assert_eq!(recorded.code, 130, "{}", recorded.stderr);
    assert_same(&get, &recorded, &replay(&get, &folder));
}

#[test]
fn a_killed_run_is_replayed_although_its_first_request_got_no_response() {
    let emulated = Emulated::start(&format!("{WORLD}\n{SLOW_IMAGE}"));
    let (_parent, folder) = folder();
    let run = emulated
        .joblens(&with(&["get", IMAGE, INSTANCE], "--record", &folder))
        .start(Stdio::piped(), Stdio::piped());
    let is_read = || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let files = files.filter(|file| {
            file.file_name()
                .to_string_lossy()
                .contains("InstanceServiceDetail")
        });
        let texts = files.map(|file| fs::read(file.path()).unwrap());
        texts
            .into_iter()
            .any(|text| serde_json::from_slice::<Value>(&text).is_ok())
    };
    emulated.wait_for_request("huawei/ShowImageJob");
    wait_until("the instance is recorded", is_read);
    run.signal("KILL");
    let replayed = replay(&["get", INSTANCE, "-o", "json"], &folder);
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert_eq!(replayed.job()["ref"], INSTANCE);
    let replayed = replay(&["get", IMAGE, "-o", "json"], &folder);
    assert_eq!(replayed.code, 5, "{}", replayed.stderr);
    let message = &replayed.error()["message"];
    assert_eq!(message, "the recording has no response to this request");
}

#[test]
fn the_header_is_written_before_the_first_response() {
    let emulated = Emulated::start(&format!("{WORLD}\n{SLOW_IMAGE}"));
    let (_parent, folder) = folder();
    let run = emulated
        .joblens(&with(&["get", IMAGE], "--record", &folder))
        .start(Stdio::piped(), Stdio::piped());
    emulated.wait_for_request("huawei/ShowImageJob");
    run.signal("KILL");
    let header = fs::read(folder.join("recording.json")).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["command"][1], "get");
    assert_eq!(header["settings"]["accounts"][0]["cloud"], "huawei");
}

#[test]
fn a_canceled_request_does_not_advance_the_clock_of_a_replay() {
    let emulated = Emulated::start(&format!("{WORLD}\n{SLOW_IMAGE}"));
    let (_parent, folder) = folder();
    let watch = ["watch", IMAGE, INSTANCE, "-o", "jsonl"];
    let run = emulated
        .joblens(&with(&watch, "--record", &folder))
        .start(Stdio::piped(), Stdio::piped());
    let file_of = |operation: &str| {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut paths = files.map(|file| file.path());
        paths.find(|path| path.to_string_lossy().contains(operation))
    };
    emulated.wait_for_request("huawei/ShowImageJob");
    wait_until("the instance is recorded", || {
        file_of("InstanceServiceDetail").is_some()
    });
    run.signal("INT");
    let recorded = run.end();
    assert_eq!(recorded.code, 130, "{}", recorded.stderr);
    let delayed = |time: &Value| (time.as_u64().unwrap() + 5000).into();
    edit(&file_of("ShowImageJob").unwrap(), |exchange| {
        assert_eq!(exchange["outcome"], "canceled");
        exchange["end_ms"] = delayed(&exchange["end_ms"]);
    });
    edit(&folder.join("recording.json"), |header| {
        header["ended_ms"] = delayed(&header["ended_ms"]);
    });
    let ended_at = |run: &Run| {
        let last = run.stdout.lines().last().unwrap();
        serde_json::from_str::<Value>(last).unwrap()["at"].clone()
    };
    let replayed = replay(&watch, &folder);
    assert_eq!(ended_at(&replayed), ended_at(&recorded));
}
