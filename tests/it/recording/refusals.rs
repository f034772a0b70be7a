//! Options and recordings that are rejected with a message of one line.

use std::os::unix::fs::symlink;

use super::*;

/// Returns the error of a command that must not send anything.
fn refused(arguments: &[&str]) -> String {
    let run = joblens(arguments).run();
    assert_eq!(run.code, 2, "{arguments:?} {}{}", run.stdout, run.stderr);
    run.stderr
}

#[test]
fn invalid_options_and_folders_for_recordings_are_usage_errors() {
    let (parent, folder) = folder();
    let (folder, other) = (folder.to_str().unwrap(), parent.path().join("other"));
    let both = [
        "get",
        FAILED,
        "--record",
        folder,
        "--replay",
        other.to_str().unwrap(),
    ];
    assert!(refused(&both).contains("mutually exclusive"));
    for (command, reason) in [
        (&["config", "path"][..], "it sends no requests"),
        (&["completion", "bash"], "it sends no requests"),
        (&["man", "pages"], "it sends no requests"),
        (
            &["demo"],
            "its responses come from an emulator in the same process",
        ),
        (&["emulate"], "it only receives requests"),
    ] {
        for option in ["--record", "--replay"] {
            let error = refused(&[command, &[option, folder]].concat());
            let name = match command {
                ["config", action] => format!("config {action}"),
                _ => command[0].to_owned(),
            };
            let message = format!("{option} is not available for {name}: {reason}\n");
            assert!(error.contains(&message), "{error}");
        }
    }
    let error = refused(&["get", FAILED, "--show-secrets", "--record", folder]);
    assert!(error.contains("--show-secrets"), "{error}");
    let error = refused(&["get", "aliyun/job/", "--exit-status", "--record", folder]);
    assert!(!error.contains("record"), "{error}");
    let error = refused(&["get", FAILED, "-o", "name", "--jq", ".", "--record", folder]);
    assert!(!error.contains("record"), "{error}");
    assert!(!Path::new(folder).exists(), "a folder is left");
    fs::create_dir(folder).unwrap();
    refused(&["get", FAILED, "--show-secrets", "--record", folder]);
    assert!(Path::new(folder).exists(), "the folder was there before");
    fs::write(parent.path().join("录制/note.txt"), "x").unwrap();
    let error = refused(&["get", FAILED, "--record", folder]);
    assert!(error.contains("it is not empty"), "{error}");
    let error = refused(&["get", FAILED, "--record", "/dev/null/x"]);
    assert!(error.contains("cannot record in /dev/null/x"), "{error}");
    let error = refused(&["get", FAILED, "--replay", folder]);
    assert!(
        error.contains("recording.json") && error.lines().count() == 2,
        "{error}"
    );
}

#[test]
fn a_damaged_or_unsupported_recording_is_refused_with_the_file_name() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    emulated.get(&with(&[FAILED], "--record", &folder)).run();
    let path = |name: &str| folder.join(name);
    let (header, exchange) = ("recording.json", "0001-aliyun-DescribeServerlessJobs.json");
    let original = |name: &str| fs::read_to_string(path(name)).unwrap();
    let (header_text, exchange_text) = (original(header), original(exchange));
    let check = |name: &str, text: &str, words: &str| {
        fs::write(path(name), text).unwrap();
        let error = refused(&with(&["get", FAILED], "--replay", &folder));
        assert!(error.contains(name) && error.contains(words), "{error}");
        assert_eq!(error.lines().count(), 2, "{error}");
    };
    let version = env!("CARGO_PKG_VERSION");
    let newer = header_text.replace(
        &format!("\"joblens\": \"{version}\""),
        "\"joblens\": \"99.0.0\"",
    );
    check(header, &newer, "newer than");
    check(
        header,
        &header_text.replace("\"format\": 1", "\"format\": 2"),
        "format 2 is not supported",
    );
    check(
        header,
        &header_text[..header_text.len() / 2],
        "invalid content at line",
    );
    check(header, "[]", "invalid content");
    let unversioned = header_text.replace(&format!("\"{version}\""), "\"abc\"");
    check(header, &unversioned, "joblens is not a version");
    let with_year_0 = |text: &str, name: &str| {
        let at = text.find(&format!("\"{name}\": \"")).unwrap() + name.len() + 5;
        format!("{}0000{}", &text[..at], &text[at + 4..])
    };
    let folder_name = folder.file_name().unwrap().to_str().unwrap();
    fs::write(path(header), with_year_0(&header_text, "started_at")).unwrap();
    let error = refused(&with(&["get", FAILED], "--replay", &folder));
    assert!(
        error.contains(folder_name) && error.contains("started_at is not a time"),
        "{error}"
    );
    fs::write(path(header), &header_text).unwrap();
    check(
        exchange,
        &exchange_text.replace("\"status\": 200", "\"status\": \"200\""),
        "invalid content",
    );
    check(exchange, "", "invalid content");
    check(
        exchange,
        &with_year_0(&exchange_text, "at"),
        "at is not a time",
    );
    let without_status = exchange_text.replace("\"status\": 200", "\"status\": 99");
    fs::write(path(exchange), without_status).unwrap();
    let run = replay(&["get", FAILED], &folder);
    assert!(
        run.code == 5 && run.stderr.contains("the status is not valid"),
        "{}",
        run.stderr
    );
    let end = exchange_text.find("\"end_ms\": ").unwrap();
    let rest = exchange_text[end..].find(',').unwrap();
    let late = format!(
        "{}\"end_ms\": {}{}",
        &exchange_text[..end],
        u64::MAX,
        &exchange_text[end + rest..]
    );
    fs::write(path(exchange), late).unwrap();
    let run = replay(&["get", FAILED, "-o", "json"], &folder);
    assert_eq!(run.code, 0, "{}", run.stderr);
    fs::remove_file(path(exchange)).unwrap();
    symlink("/etc/passwd", path(exchange)).unwrap();
    let error = refused(&with(&["get", FAILED], "--replay", &folder));
    assert!(error.contains("not a regular file"), "{error}");
    fs::remove_file(path(exchange)).unwrap();
    fs::create_dir(path(exchange)).unwrap();
    let error = refused(&with(&["get", FAILED], "--replay", &folder));
    assert!(error.contains("not a regular file"), "{error}");
}

#[test]
fn a_request_without_a_recorded_response_is_an_error() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    emulated.get(&with(&[FAILED], "--record", &folder)).run();
    for arguments in [
        &["get", SCHEDULED, "-o", "json"][..],
        &["wait", SCHEDULED, "-o", "json"],
        &["events", SCHEDULED, "-o", "json"],
        &["list", "aliyun/job/ehpc-hz-FYUr32/", "-o", "json"],
    ] {
        let run = replay(arguments, &folder);
        assert_eq!(run.code, 5, "{arguments:?} {}{}", run.stdout, run.stderr);
        assert!(
            run.stderr.contains("the recording has no response"),
            "{}",
            run.stderr
        );
    }
    for (arguments, account) in [
        (&["get", IMAGE, "-o", "json"][..], "huawei (default)"),
        (&["wait", IMAGE], "huawei (default)"),
        (&["get", FAILED, "-p", "prod"], "aliyun (prod)"),
    ] {
        let other = replay(arguments, &folder);
        let words = format!("the recording has no account {account}; it has aliyun (default)");
        assert!(other.stderr.contains(&words), "{}", other.stderr);
        assert!(!other.stderr.contains("config"), "{}", other.stderr);
        assert_eq!(other.code, 5, "{}", other.stderr);
    }
    let body = folder.join("0001-aliyun-DescribeServerlessJobs.json");
    let text = fs::read_to_string(&body).unwrap();
    let start = text.find("\"body\": {").unwrap();
    let cut = format!("{}\"body\": {{\"base64\": \"?\"}} }} }} }}", &text[..start]);
    fs::write(&body, cut).unwrap();
    let damaged = replay(&["get", FAILED, "-o", "json"], &folder);
    assert_eq!(damaged.code, 5, "{}", damaged.stderr);
    assert!(
        damaged.stderr.contains("the body is not valid"),
        "{}",
        damaged.stderr
    );
}
