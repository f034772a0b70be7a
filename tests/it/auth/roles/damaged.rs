use super::*;

#[test]
fn a_file_without_a_secret_may_be_read_by_others() {
    let roles = Roles::with(&[&TCCLI_CVM]);
    let path = roles.sandbox.home.path().join(TCCLI_CVM.path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let run = roles.get(SERVICE).env("TCCLI_PROFILE", "cvm").run();
    assert_eq!(
        run.json()["notices"].as_array().unwrap().len(),
        0,
        "{}",
        run.stderr
    );
}

#[test]
fn an_invalid_role_in_an_sdk_or_tccli_file_is_an_error_that_names_it() {
    for (file, from, to, choice, reference, expected) in [
        (
            &ALIYUN_SDK,
            "role_arn =",
            "x =",
            "ALIBABA_CLOUD_PROFILE=role",
            JOB,
            "has no role_arn in [role]",
        ),
        (
            &ALIYUN_SDK,
            "= LTAIsdkRole",
            "= \n# ",
            "ALIBABA_CLOUD_PROFILE=role",
            JOB,
            "has no access_key_id in [role]",
        ),
        (
            &ALIYUN_SDK,
            "ecs_ram_role",
            "ecs_ram_rôle",
            "ALIBABA_CLOUD_PROFILE=ecs",
            JOB,
            "with an unknown type",
        ),
        (
            &TCCLI_CVM,
            "cvm-role",
            "cvm_role",
            "TCCLI_PROFILE=cvm",
            SERVICE,
            "has an unknown type",
        ),
        (
            &TCCLI_CVM,
            "\"cvm-role\"",
            "[1]",
            "TCCLI_PROFILE=cvm",
            SERVICE,
            "is invalid: expected",
        ),
        (
            &TCCLI_CVM,
            "\"cvm-role\"\n}",
            "\"cvm",
            "TCCLI_PROFILE=cvm",
            SERVICE,
            "is invalid: expected",
        ),
    ] {
        let text = file.text();
        assert!(text.contains(from), "{from}");
        let roles = Roles::with(&[]);
        let path = roles.sandbox.write(file.path, &text.replace(from, to));
        let (name, value) = choice.split_once('=').unwrap();
        let run = roles.get(reference).env(name, value).run();
        let error = run.error();
        let message = error["message"].as_str().unwrap();
        assert_eq!(run.code, 4, "{message}");
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(error["hint"].is_string(), "{message}");
        assert!(roles.steps().is_empty());
    }
}

#[test]
fn an_invalid_role_in_the_aliyun_cli_file_is_an_error() {
    for (from, to, expected) in [
        (
            "\"ram_role_arn\"",
            "\"x\"",
            "has no ram_role_arn for profile 'role'",
        ),
        ("\"cn-beijing\"", "\"cn/../x\"", "an invalid sts_region"),
        ("\"acs:ram::1:role/r\"", "[1]", "is invalid: expected"),
        ("\"RamRoleArn\"", "\"ramrolearn\"", "with an unknown mode"),
        (
            "\"access_key_secret\": \"cli-role",
            "\"x\": \"cli-role",
            "has no access_key_secret",
        ),
    ] {
        let text = ALIYUN_CLI.text();
        assert!(text.contains(from), "{from}");
        let roles = Roles::with(&[]);
        roles
            .sandbox
            .write(ALIYUN_CLI.path, &text.replace(from, to));
        let run = roles.get(JOB).env("ALIBABA_CLOUD_PROFILE", "role").run();
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert_eq!(run.code, 4, "{message}");
        assert!(message.contains(expected), "{expected}: {message}");
        assert!(roles.steps().is_empty());
    }
}
