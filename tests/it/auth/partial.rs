//! Parts of a credential and settings beside it: which source they come from.

use super::matrix::variables;
use super::*;

#[test]
fn the_region_of_a_tool_is_used_unless_another_is_set() {
    let desk = Desk::with(&[&TCCLI]);
    desk.get(SERVICE).run();
    desk.get(SERVICE).env("TENCENTCLOUD_REGION", "ap-x").run();
    let got = desk.server.received();
    assert!(
        got[0].target().contains("Region=ap-guangzhou"),
        "{}",
        got[0].target()
    );
    assert!(
        got[1].target().contains("Region=ap-x"),
        "{}",
        got[1].target()
    );
}

#[test]
fn hosts_of_scnet_that_are_not_used_are_reported() {
    let text = SCNET.text();
    for (overrides, expected) in [
        ("{\"api\": \"https://x\", \"ai\": \"\"}", true),
        ("{\"api\": null}", false),
        ("null", false),
    ] {
        let desk = Desk::new();
        desk.write(SCNET.path, &text.replace("{}", overrides));
        let run = desk.get(INSTANCE).run();
        let is_reported = run
            .stderr
            .contains("has base_overrides (api) for profile 'default'");
        assert_eq!(is_reported, expected, "{}", run.stderr);
        assert_eq!(desk.signed_by(), "scnetDefaultKey01");
    }
}

#[test]
fn a_profile_that_a_tool_does_not_have_lets_no_other_tool_in() {
    let desk = Desk::with(&[&TCCLI, &TENCENT_SDK, &ALIYUN_SDK]);
    let current = ALIYUN_CLI
        .text()
        .replace(r#""current": "prod""#, r#""current": "gone""#);
    assert!(current.contains("gone"), "{current}");
    desk.write(ALIYUN_CLI.path, &current);
    let bare = Desk::with(&[&TENCENT_SDK]);
    for (desk, reference, message) in [
        (&desk, SERVICE, "TCCLI_PROFILE is 'nobody'"),
        (&bare, SERVICE, "TCCLI_PROFILE is 'nobody'"),
        (
            &desk,
            JOB,
            "has no profile 'gone'; available: default, prod",
        ),
    ] {
        let run = desk.get(reference).env("TCCLI_PROFILE", "nobody").run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert!(run.error()["hint"].is_string(), "{}", run.stderr);
        assert!(desk.server.received().is_empty(), "{}", run.stderr);
    }
}

#[test]
fn a_part_of_a_credential_alone_is_named_with_what_is_missing_and_fills_from_nowhere() {
    let desk = Desk::with(&[&ALIYUN_CLI]);
    desk.configure("[aliyun.default]\naccess_key_id = 'X'\naccess_key_secret = 'file-secret-w5'\n");
    let run = desk
        .get(JOB)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "ENVKEY")
        .run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    let message = "has access_key_id from ALIBABA_CLOUD_ACCESS_KEY_ID, but no access_key_secret";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(desk.server.received().is_empty());
}

#[test]
fn the_project_is_that_of_the_variables_with_the_key() {
    let desk = Desk::new();
    desk.get(IMAGE_JOB)
        .envs(variables("huawei"))
        .env("HUAWEICLOUD_SDK_PROJECT_ID", "p-of-another")
        .run();
    let got = desk.server.received();
    assert!(got[0].target().contains("/p-env/"), "{}", got[0].target());
}

#[test]
fn a_key_file_that_is_empty_lets_no_other_source_in() {
    let desk = Desk::with(&[&ALIYUN_CLI]);
    desk.configure(
        "[aliyun.default]\naccess_key_id_file = 'id'\naccess_key_secret_file = 'secret'\n",
    );
    desk.write(".config/joblens/id", "");
    desk.write(".config/joblens/secret", "\n");
    let run = desk.get(JOB).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let message = "access_key_id_file of profile 'default' (aliyun) refers to id, which is empty";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(desk.server.received().is_empty());
}
