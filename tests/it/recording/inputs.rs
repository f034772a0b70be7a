//! Inputs of a run other than responses, which a replay reads from its recording.

use std::io::{self, Write as _};

use super::*;

#[test]
fn references_from_stdin_and_files_are_replayed_from_the_recording() {
    let emulated = Emulated::start(WORLD);
    let list = tempfile::tempdir().unwrap();
    let path = list.path().join("jobs.txt");
    let path = path.to_str().unwrap();
    let lines = format!("# jobs\n{FAILED}\n{SCHEDULED}\n");
    for arguments in [
        &["get", "-", "-o", "json"][..],
        &["get", IMAGE, "-f", path],
        &["get", "-f", "-"],
        &["wait", "-", "--interval", "100ms", "-t", "2m", "--any"],
    ] {
        let (_parent, folder) = folder();
        fs::write(path, &lines).unwrap();
        let run = emulated.joblens(&with(arguments, "--record", &folder));
        let recorded = run.input(&lines).run();
        assert!(files(&folder).len() > 1, "{}", recorded.stderr);
        fs::remove_file(path).unwrap();
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    }
}

#[test]
fn references_that_were_not_read_in_time_are_the_same_error_in_a_replay() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(format!("{FAILED}\n").as_bytes()).unwrap();
    let wait = ["wait", "-t", "1s", "-", "-o", "json"];
    let recorded = emulated.joblens(&with(&wait, "--record", &folder));
    let recorded = recorded.run_with(reader);
    assert_eq!(recorded.code, 124, "{}", recorded.stderr);
    let message = "timed out after 1s: the references on stdin are not complete";
    assert_eq!(recorded.json()["gate"]["reason"], message);
    drop(writer);
    // With all references, and without any.
    for input in [&*format!("{SCHEDULED}\n"), ""] {
        let replayed = joblens(&with(&wait, "--replay", &folder));
        assert_same(&wait, &recorded, &replayed.input(input).run());
    }
}

#[test]
fn a_replay_does_not_read_stdin() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    emulated.get(&with(&[FAILED], "--record", &folder)).run();
    for arguments in [
        &["get", "-", "-o", "json"][..],
        &["get", "-f", "-", "-o", "json"],
    ] {
        let (endless, _writer) = io::pipe().unwrap();
        let run = joblens(&with(arguments, "--replay", &folder)).run_with(endless);
        let message = "the recording has no references from stdin";
        assert_eq!((run.code, &run.error()["message"]), (2, &message.into()));
    }
}

#[test]
fn a_replay_does_not_open_files_named_in_the_recording() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let arguments = ["get", FAILED];
    let recorded = emulated
        .joblens(&with(&arguments, "--record", &folder))
        .run();
    let path = folder.join("recording.json");
    let mut header: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let settings = &mut header["settings"];
    for key in ["ca_file", "client_cert", "client_key", "kubeconfig"] {
        settings["http"][key] = "/etc/hostname".into();
        settings["accounts"][0]["profile"]["values"][key] =
            serde_json::json!({"value": "/etc/hostname", "origin": "machine"});
    }
    fs::write(&path, header.to_string()).unwrap();
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn an_unreadable_number_is_replayed_like_in_the_recorded_run() {
    let document = fs::read_to_string("fixtures/aliyun/job/describe-serverless-jobs.json").unwrap();
    let id = serde_json::from_str::<Value>(&document).unwrap()["JobInfos"][0]["JobId"].clone();
    let document = document
        .replace(&id.to_string(), "\"train-7\"")
        .replace("\"ExitCode\": 0", "\"ExitCode\": NaN");
    let scenario = &format!("[[job]]\nref = '{FAILED}'\ndocument = '''\n{document}'''\n");
    let emulated = Emulated::start(scenario);
    for arguments in [
        &["get", FAILED, "-o", "json"][..],
        &["wait", FAILED, "-t", "2s"],
    ] {
        let (_parent, folder) = folder();
        let run = emulated.joblens(&with(arguments, "--record", &folder));
        let recorded = run.run();
        let named = recorded.stdout.clone() + &recorded.stderr;
        assert!(
            named.contains("ExitCode (expected a whole number)"),
            "{named}"
        );
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    }
}

#[test]
fn a_list_of_invocations_is_replayed() {
    let scenario = "[[job]]\nref = 'aliyun/invocation/ehpc-hz-FYUr32/c-1'\nstates = [{after='0s', state='Running'}]\n";
    let emulated = Emulated::start(scenario);
    let (_parent, folder) = folder();
    let arguments = ["list", "aliyun/invocation/ehpc-hz-FYUr32", "-o", "json"];
    let run = emulated.joblens(&with(&arguments, "--record", &folder));
    let recorded = run.run();
    assert_eq!(recorded.job()["id"], "c-1");
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn a_replay_has_the_time_zone_of_the_recorded_run() {
    let emulated = Emulated::start(WORLD);
    let date = chrono::Utc::now().format("%Y-%m-%d").to_string();
    for arguments in [
        &["describe", FAILED][..],
        &["events", FAILED],
        &["get", FAILED, "--time", "local"],
        &["list", "aliyun/job/ehpc-hz-FYUr32", "--since", &date],
        &["doctor", "aliyun"],
    ] {
        let (_parent, folder) = folder();
        let run = emulated.joblens(&with(arguments, "--record", &folder));
        let recorded = run.env("TZ", "NPT-5:45").run();
        let printed = recorded.stdout.clone() + &recorded.stderr;
        assert!(
            printed.contains("+05:45") || printed.contains("T18:15:00Z"),
            "{printed}"
        );
        let replayed = joblens(&with(arguments, "--replay", &folder));
        let replayed = replayed.env("TZ", "BRT+3").run();
        assert_same(arguments, &recorded, &replayed);
    }
}
