//! Variables that are not UTF-8: only the account that needs them is affected.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::support::Run;
use crate::support::emulated::Emulated;
use crate::support::jobs::{INSTANCE, SERVICE, WORLD};

const MESSAGE: &str = "environment variable TENCENTCLOUD_TOKEN is not valid UTF-8";

fn run(emulated: &Emulated, variable: &str, arguments: &[&str]) -> Run {
    let value = OsString::from_vec(b"\xd3\xc3".to_vec());
    emulated.joblens(arguments).env(variable, value).run()
}

#[test]
fn a_variable_of_one_cloud_that_is_not_utf_8_affects_no_other_cloud() {
    let emulated = Emulated::start(WORLD);
    let get = |reference| ["get", "-o", "json", INSTANCE, reference];
    let named = run(&emulated, "TENCENTCLOUD_TOKEN", &get(SERVICE));
    assert_eq!(named.code, 2, "{}", named.stderr);
    assert_eq!(named.error()["ref"], SERVICE);
    assert_eq!(named.error()["message"], MESSAGE);
    let other = run(&emulated, "TENCENTCLOUD_TOKEN", &["get", INSTANCE]);
    assert_eq!(other.code, 0, "{}", other.stderr);

    let listed = run(&emulated, "TENCENTCLOUD_TOKEN", &["list", "-o", "json"]);
    assert_eq!(listed.code, 4, "{}", listed.stderr);
    let json = listed.json();
    let errors = json["errors"].as_array().unwrap();
    assert!(!errors.is_empty());
    for error in errors {
        assert_eq!(error["cloud"], "tencent", "{error:#}");
        assert_eq!(error["message"], MESSAGE);
    }
    let clouds = json["jobs"].as_array().unwrap().iter();
    assert!(clouds.clone().any(|job| job["cloud"] == "aliyun"));

    let one = run(&emulated, "TENCENTCLOUD_TOKEN", &["doctor", "sugon"]);
    assert_eq!(one.code, 0, "{}{}", one.stdout, one.stderr);
    let all = run(&emulated, "TENCENTCLOUD_TOKEN", &["doctor"]);
    assert!(
        all.stdout.contains("tencent default: fail"),
        "{}",
        all.stdout
    );
    assert!(all.stdout.contains("aliyun default: ok"), "{}", all.stdout);
}

#[test]
fn a_variable_that_is_not_utf_8_is_not_skipped_for_another_source() {
    let emulated = Emulated::start(WORLD);
    for (variable, reference) in [
        ("TENCENTCLOUD_SECRET_ID", SERVICE),
        ("JOBLENS_SUGON_ENDPOINT", INSTANCE),
        ("HTTPS_PROXY", INSTANCE),
        ("JOBLENS_PROFILE", INSTANCE),
    ] {
        let before = emulated.accesses().len();
        let run = run(&emulated, variable, &["get", "-o", "json", reference]);
        assert_eq!(run.code, 2, "{variable}: {}", run.stderr);
        let message = format!("environment variable {variable} is not valid UTF-8");
        assert_eq!(run.error()["message"], message);
        assert_eq!(emulated.accesses().len(), before, "{variable}");
    }
}
