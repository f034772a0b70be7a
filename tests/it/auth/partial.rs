//! Tests which sources the parts of a credential and related settings come from.

use super::precedence::variables;
use super::*;

#[test]
fn the_region_of_a_tool_is_used_unless_another_is_set() {
    let sandbox = Sandbox::with(&[&TCCLI]);
    sandbox.get(SERVICE).run();
    sandbox
        .get(SERVICE)
        .env("TENCENTCLOUD_REGION", "ap-x")
        .run();
    let got = sandbox.server.received();
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
        let sandbox = Sandbox::new();
        sandbox.write(SCNET.path, &text.replace("{}", overrides));
        let run = sandbox.get(INSTANCE).run();
        let is_reported = run
            .stderr
            .contains("has base_overrides (api) for profile 'default'");
        assert_eq!(is_reported, expected, "{}", run.stderr);
        assert_eq!(sandbox.signed_by(), "scnetDefaultKey01");
    }
}

#[test]
fn a_missing_profile_of_a_tool_does_not_fall_back_to_another_tool() {
    let sandbox = Sandbox::with(&[&TCCLI, &TENCENT_SDK, &ALIYUN_SDK]);
    let current = ALIYUN_CLI
        .text()
        .replace(r#""current": "prod""#, r#""current": "gone""#);
    assert!(current.contains("gone"), "{current}");
    sandbox.write(ALIYUN_CLI.path, &current);
    let bare = Sandbox::with(&[&TENCENT_SDK]);
    for (sandbox, reference, message) in [
        (&sandbox, SERVICE, "TCCLI_PROFILE is 'nobody'"),
        (&bare, SERVICE, "TCCLI_PROFILE is 'nobody'"),
        (
            &sandbox,
            JOB,
            "has no profile 'gone'; available: default, prod",
        ),
    ] {
        let run = sandbox.get(reference).env("TCCLI_PROFILE", "nobody").run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert!(run.error()["hint"].is_string(), "{}", run.stderr);
        assert!(sandbox.server.received().is_empty(), "{}", run.stderr);
    }
}

#[test]
fn an_incomplete_credential_is_not_completed_from_another_source() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox
        .configure("[aliyun.default]\naccess_key_id = 'X'\naccess_key_secret = 'file-secret-w5'\n");
    let run = sandbox
        .get(JOB)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "ENVKEY")
        .run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    let message = "has access_key_id from ALIBABA_CLOUD_ACCESS_KEY_ID, but no access_key_secret";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    let hint = "set ALIBABA_CLOUD_ACCESS_KEY_SECRET as well, or unset ALIBABA_CLOUD_ACCESS_KEY_ID";
    assert_eq!(run.error()["hint"], hint);
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn the_hint_for_half_a_credential_names_the_other_half_in_the_same_source() {
    let sandbox = Sandbox::new();
    let hint = |reference: &str, variables: &[(&str, &str)]| {
        let mut get = sandbox.get(reference);
        for (name, value) in variables {
            get = get.env(name, value);
        }
        let run = get.run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        run.error()["hint"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        hint(IMAGE_JOB, &[("HW_ACCESS_KEY", "ID")]),
        "set HW_SECRET_KEY as well, or unset HW_ACCESS_KEY"
    );
    assert_eq!(
        hint(JOB, &[("ALICLOUD_SECRET_KEY", "env-secret-w5")]),
        "set ALICLOUD_ACCESS_KEY as well, or unset ALICLOUD_SECRET_KEY"
    );
    sandbox.configure("[aliyun.default]\naccess_key_id = 'X'\n");
    assert_eq!(
        hint(JOB, &[]),
        "add access_key_secret to [aliyun.default] of the config file"
    );
}

#[test]
fn a_token_without_its_key_is_reported_with_its_source() {
    let sandbox = Sandbox::new();
    let key = "access_key_id = 'X'\n";
    let tables = format!(
        "[aliyun.default]\n{key}access_key_secret = 'file-secret-w5'\n\
         [huawei.default]\n{key}secret_access_key = 'file-secret-w5'\n\
         [tencent.default]\nsecret_id = 'X'\nsecret_key = 'file-secret-w5'\n"
    );
    sandbox.configure(&tables);
    for (reference, variable, token, absent, wanted) in [
        (
            JOB,
            "ALIBABA_CLOUD_SECURITY_TOKEN",
            "security_token",
            "access_key_id and access_key_secret",
            "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        ),
        (
            SERVICE,
            "TENCENTCLOUD_TOKEN",
            "token",
            "secret_id and secret_key",
            "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY",
        ),
        (
            IMAGE_JOB,
            "HUAWEICLOUD_SDK_SECURITY_TOKEN",
            "security_token",
            "access_key_id and secret_access_key",
            "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
        ),
        (
            IMAGE_JOB,
            "HW_SECURITY_TOKEN",
            "security_token",
            "access_key_id and secret_access_key",
            "HW_ACCESS_KEY and HW_SECRET_KEY",
        ),
    ] {
        let run = sandbox.get(reference).env(variable, "token-w5").run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        let message = format!("has {token} from {variable}, but no {absent}");
        assert!(run.stderr.contains(&message), "{}", run.stderr);
        let hint = format!("set {wanted} as well, or unset {variable}");
        assert_eq!(run.error()["hint"], hint.as_str());
    }
    sandbox.configure(
        "[aliyun.default]\ncredential_command = ['echo', '{\"security_token\": \"token-w5\"}']\n",
    );
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("has security_token from echo, but no access_key_id and access_key_secret"),
        "{}",
        run.stderr
    );
    assert_eq!(
        run.error()["hint"],
        "credential_command echo must print access_key_id and access_key_secret as well"
    );
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn the_project_comes_from_the_same_variable_family_as_the_key() {
    let sandbox = Sandbox::new();
    sandbox
        .get(IMAGE_JOB)
        .envs(variables("huawei"))
        .env("HUAWEICLOUD_SDK_PROJECT_ID", "p-of-another")
        .run();
    let got = sandbox.server.received();
    assert!(got[0].target().contains("/p-env/"), "{}", got[0].target());
}

#[test]
fn an_empty_key_file_is_an_error_without_fallback_to_other_sources() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.configure(
        "[aliyun.default]\naccess_key_id_file = 'id'\naccess_key_secret_file = 'secret'\n",
    );
    let path = sandbox.write(".config/joblens/id", "");
    sandbox.write(".config/joblens/secret", "\n");
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let message = format!(
        "access_key_id_file of profile 'default' (aliyun) refers to {}, which is empty",
        path.display()
    );
    assert!(run.stderr.contains(&message), "{}", run.stderr);
    assert!(sandbox.server.received().is_empty());
}
