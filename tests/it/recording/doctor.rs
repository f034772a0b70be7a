//! Tests that the findings of `doctor` are recorded, and that a replay shows the same ones.

use super::*;
use crate::config::settings::Config;

#[test]
fn a_recording_of_doctor_contains_its_report_and_replays_it() {
    let emulated = Emulated::start(WORLD);
    let (_parent, folder) = folder();
    let run = emulated
        .joblens(&with(&["doctor", "aliyun", "huawei"], "--record", &folder))
        .run();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_private(&folder, &[]);
    let text = fs::read_to_string(folder.join("doctor.txt")).unwrap();
    assert!(text.contains("aliyun"), "{text}");
    let report: Value =
        serde_json::from_slice(&fs::read(folder.join("doctor.json")).unwrap()).unwrap();
    assert_eq!(report["accounts"].as_array().unwrap().len(), 2);
    let replayed = replay(&["doctor", "aliyun", "huawei", "-o", "json"], &folder);
    let checks = |report: &Value| report["accounts"][1]["checks"].as_array().unwrap().len();
    assert_eq!(checks(&replayed.json()), checks(&report));
    assert_eq!(replayed.code, 0);
    let printed = replay(&["doctor", "aliyun", "huawei"], &folder);
    assert_same(&["doctor"], &run, &printed);
}

#[test]
fn a_replay_of_doctor_shows_the_checks_of_the_recorded_machine() {
    let emulated = Emulated::start(WORLD);
    let origin = &emulated.origin;
    let config = Config::new(&format!(
        "[aliyun.default]\nregion = 'cn-hangzhou'\nendpoint = '{origin}'\nca_file = 'missing.pem'\n\
         [aliyun.open]\nregion = 'cn-hangzhou'\nendpoint = '{origin}'\naccess_key_id = 'testid'\n\
         access_key_secret_file = 'secret'\n"
    ));
    config.write("joblens/secret", "testsecret", 0o600);
    let path = config.path();
    let (_parent, folder) = folder();
    let arguments = ["doctor", "aliyun@default", "aliyun@open"];
    let options = with(&arguments, "--config", Path::new(&path));
    let run = emulated.joblens(&with(&options, "--record", &folder));
    let recorded = run
        .env("HTTPS_PROXY", "http://me:s3cr3t@127.0.0.1:9")
        .env("SSL_CERT_FILE", "/nonexistent/ca.pem")
        .run();
    assert_eq!(recorded.code, 2, "{}{}", recorded.stdout, recorded.stderr);
    for text in [
        "missing.pem",
        "/secret is readable",
        "HTTPS_PROXY=",
        "/nonexistent/",
    ] {
        assert!(recorded.stdout.contains(text), "{text} {}", recorded.stdout);
    }
    assert_private(&folder, &["s3cr3t", "testsecret"]);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn doctor_is_recorded_and_replayed_even_with_invalid_settings() {
    let config = Config::new("[aliyun.default]\nregion = 3\n");
    let path = config.path();
    let (_parent, folder) = folder();
    let options = with(&["doctor"], "--config", Path::new(&path));
    let recorded = joblens(&with(&options, "--record", &folder)).run();
    assert_eq!(recorded.code, 2, "{}", recorded.stdout);
    assert!(recorded.stdout.contains("must be a string"));
    assert_private(&folder, &[]);
    assert_eq!(files(&folder).len(), 3);
    assert_same(&["doctor"], &recorded, &replay(&["doctor"], &folder));
}
