//! Profiles that share a key, and profiles of one cloud whose hosts do not respond.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::{Mutex, mpsc};

use crate::support::emulated::Emulated;
use crate::support::jobs::WORLD;
use crate::support::{Joblens, Run, Server, http, in_parallel, joblens};

/// Runs with this config file and no variables.
struct Configured {
    folder: tempfile::TempDir,
}

impl Configured {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, settings).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder }
    }

    fn joblens(&self, arguments: &[&str]) -> Joblens {
        let path = self.folder.path().join("config.toml");
        let config = ["--config", path.to_str().unwrap()];
        joblens(&[arguments, &config].concat())
    }
}

const PROFILES: [&str; 3] = ["default", "a", "b"];

/// Returns three profiles with the same settings.
fn three(cloud: &str, settings: &str) -> Configured {
    let tables = PROFILES.map(|profile| format!("[{cloud}.{profile}]\n{settings}\n"));
    Configured::new(&tables.concat())
}

/// Returns clouds, each with its endpoints and a rejected key, and a reference without the cloud.
fn rejected(origin: &str) -> [(&'static str, String, &'static str); 5] {
    let huawei = format!(
        "region = 'cn-north-4'\nendpoint = '{origin}'\nmodelarts_endpoint = '{origin}'\n\
         iam_endpoint = '{origin}'\n"
    );
    let job = "image-job/702364883651395584";
    [
        (
            "aliyun",
            format!(
                "region = 'cn-hangzhou'\nendpoint = '{origin}'\n\
                 access_key_id = 'wrong-key-id'\naccess_key_secret = 'wrong-hunter2'"
            ),
            "job/ehpc-hz-FYUr32/train-7",
        ),
        (
            "huawei",
            format!(
                "{huawei}project_id = 'a4da8115c9d8464ead3a383091305230'\n\
                 access_key_id = 'wrong-key-id'\nsecret_access_key = 'wrong-hunter2'"
            ),
            job,
        ),
        (
            "huawei",
            format!("{huawei}user = 'ci'\npassword = 'wrong-hunter2'\ndomain = 'corp'"),
            job,
        ),
        (
            "tencent",
            format!(
                "region = 'ap-guangzhou'\nendpoint = '{origin}'\n\
                 secret_id = 'wrong-key-id'\nsecret_key = 'wrong-hunter2'"
            ),
            "service/cls-xxxxx/default/test-web-service",
        ),
        (
            "sugon",
            format!(
                "auth_endpoint = '{origin}'\nplatform_endpoint = '{origin}'\nuser = 'ci'\n\
                 access_key = 'wrong-key-id'\nsecret_key = 'wrong-hunter2'"
            ),
            "instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35",
        ),
    ]
}

/// Returns the profiles in the errors of a run, which must all be about a rejected credential.
fn refused_profiles(run: &Run) -> Vec<String> {
    let json = run.json();
    let errors = json["errors"].as_array().unwrap().iter();
    let mut profiles: Vec<String> = errors
        .map(|error| {
            assert_eq!(error["category"], "unauthenticated", "{error:#}");
            error["profile"].as_str().unwrap().to_owned()
        })
        .collect();
    profiles.sort_unstable();
    profiles.dedup();
    profiles
}

#[test]
fn a_rejected_key_is_sent_at_most_twice_for_any_number_of_profiles() {
    // The requests of all profiles are in flight at the same time.
    let slow = "\n[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '200ms'\n";
    let world = format!("{WORLD}{slow}");
    let cases = rejected("").map(|(cloud, _, _)| cloud);
    in_parallel(0..cases.len(), |number| {
        for command in ["get", "wait", "list", "doctor"] {
            let emulated = Emulated::start(&world);
            let (cloud, settings, reference) = &rejected(&emulated.origin)[number];
            let configured = three(cloud, settings);
            let of = |profile| format!("{cloud}@{profile}/{reference}");
            let references = PROFILES.map(of);
            let mut arguments = vec![command, "-o", "json"];
            if ["get", "wait"].contains(&command) {
                arguments.extend(references.iter().map(String::as_str));
            }
            if command == "wait" {
                arguments.extend(["-t", "30s"]);
                if *cloud == "tencent" {
                    arguments.extend(["--for", "no-warnings=1s"]);
                }
            }
            let run = configured.joblens(&arguments);
            let run = run.with_secret("wrong-hunter2").run();
            assert_eq!(
                run.code, 4,
                "{cloud} {command}: {}{}",
                run.stdout, run.stderr
            );
            let sent = emulated.accesses().len();
            assert!(
                (1..=2).contains(&sent),
                "{cloud} {command}: {sent} requests"
            );
            if command == "get" || command == "list" {
                assert_eq!(refused_profiles(&run), ["a", "b", "default"]);
            }
        }
    });
}

#[test]
fn a_skipped_request_names_its_own_profile_and_the_one_whose_key_was_rejected() {
    let emulated = Emulated::start(WORLD);
    let (cloud, settings, reference) = &rejected(&emulated.origin)[1];
    let configured = three(cloud, settings);
    let references = PROFILES.map(|profile| format!("{cloud}@{profile}/{reference}"));
    let mut arguments = vec!["get", "-o", "json", "--concurrency", "1"];
    arguments.extend(references.iter().map(String::as_str));
    let run = configured.joblens(&arguments).run();
    let json = run.json();
    let errors = json["errors"].as_array().unwrap();
    let skipped = errors.iter().find(|error| error["attempts"] == 0).unwrap();
    let sent: Vec<_> = errors.iter().filter(|one| one["attempts"] == 1).collect();
    let message = skipped["message"].as_str().unwrap();
    assert!(message.starts_with("skipped: authentication already failed for profile '"));
    let names = |error: &serde_json::Value| {
        let profile = error["profile"].as_str().unwrap();
        message.contains(&format!("profile '{profile}', which has the same key: "))
    };
    assert!(sent.iter().any(|error| names(error)), "{message}");
    assert!(!names(skipped), "{message}");
    assert_eq!(skipped["code"], sent[0]["code"]);
}

#[test]
fn a_rejected_key_does_not_affect_another_key_of_the_same_cloud() {
    let emulated = Emulated::start(WORLD);
    let (cloud, settings, reference) = &rejected(&emulated.origin)[0];
    let good = settings
        .replace("wrong-key-id", "testid")
        .replace("wrong-hunter2", "testsecret");
    let tables = format!("[{cloud}.default]\n{settings}\n[{cloud}.good]\n{good}\n");
    let configured = Configured::new(&tables);
    let references = ["default", "good"].map(|name| format!("{cloud}@{name}/{reference}"));
    let run = configured.joblens(&["get", "-o", "json", &references[0], &references[1]]);
    let run = run.run();
    assert_eq!(run.job()["profile"], "good", "{}", run.stdout);
    assert_eq!(refused_profiles(&run), ["default"]);
}

#[test]
fn a_hanging_host_does_not_delay_another_profile_of_its_cloud() {
    for command in ["get", "wait"] {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let hanging = Server::start(move |_, _, stream| {
            // All requests continue after the test has ended the wait.
            let _ = released.lock().unwrap().recv();
            let body = br#"{"Code":"NotAuthorized","Message":"no"}"#;
            let _ = stream.write_all(&http("403 Forbidden", "", body));
        });
        let emulated = Emulated::start(WORLD);
        let table = |name: &str, origin: &str| {
            format!(
                "[aliyun.{name}]\nregion = 'cn-hangzhou'\nendpoint = '{origin}'\n\
                 access_key_id = '{name}'\naccess_key_secret = 'testsecret'\n"
            )
        };
        let good = table("testid", &emulated.origin);
        let hangs = table("hangs", &hanging.origin());
        let configured = Configured::new(&format!("{good}{hangs}"));
        let waiting = (0..12).map(|number| format!("aliyun@hangs/job/C/{number}"));
        let last = "aliyun@testid/job/ehpc-hz-FYUr32/train-7".to_owned();
        let references: Vec<String> = waiting.chain([last]).collect();
        let mut arguments = vec![command, "-o", "json", "--request-timeout", "60s"];
        if command == "wait" {
            arguments.extend(["-t", "none", "--no-fail-fast"]);
        }
        arguments.extend(references.iter().map(String::as_str));
        let run = configured.joblens(&arguments);
        let run = run.start(Stdio::piped(), Stdio::piped());
        emulated.wait_for_request("aliyun/DescribeServerlessJobs");
        drop(release);
        let run = run.end();
        assert_eq!(run.job()["profile"], "testid", "{}", run.stderr);
        assert!(run.elapsed.as_secs() < 30, "{:?}", run.elapsed);
    }
}
