use super::*;

pub(crate) const FILES: [(&ToolFile, &str); 7] = [
    (&ALIYUN_CLI, JOB),
    (&ALIYUN_SDK, JOB),
    (&TCCLI, SERVICE),
    (&TENCENT_SDK, SERVICE),
    (&HUAWEI_SDK, IMAGE_JOB),
    (&KOOCLI, IMAGE_JOB),
    (&SCNET, INSTANCE),
];

/// Checks that this file makes a request fail with its path and a hint, and that nothing is sent; returns the
/// message.
fn refused(sandbox: &Sandbox, path: &Path, reference: &str) -> String {
    let run = sandbox.get(reference).run();
    let error = run.error();
    let message = format!("{}\n{}", error["message"], error["hint"]);
    assert_eq!(run.code, 4, "{message}");
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(error["hint"].is_string(), "{message}");
    assert!(sandbox.server.received().is_empty(), "{message}");
    message
}

#[test]
fn a_truncated_tool_file_is_an_error_that_names_it() {
    let cuts = [
        "access_key_s",
        "access_key_s",
        "\"secretK",
        "secret_k",
        "\ns",
        "secretA",
        "secret_k",
    ];
    for ((file, reference), cut) in FILES.into_iter().zip(cuts) {
        let text = file.text();
        let at = text.find(cut).unwrap() + cut.len();
        let sandbox = Sandbox::new();
        let path = sandbox.write(file.path, &text[..at]);
        let message = refused(&sandbox, &path, reference);
        assert!(message.contains("is invalid: expected"), "{message}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_that_names_the_file() {
    for ((file, reference), id) in [FILES[0], FILES[2], FILES[5], FILES[6]].into_iter().zip([
        "\"STS.cliProdKey12\"",
        "\"AKIDcliDefaultKey\"",
        "\"HWCLIDEFAULTKEY03\"",
        "\"scnetDefaultKey01\"",
    ]) {
        let damaged = file.text().replace(id, &format!("[{id}]"));
        let sandbox = Sandbox::new();
        let path = sandbox.write(file.path, &damaged);
        let message = refused(&sandbox, &path, reference);
        assert!(message.contains("is invalid: expected"), "{message}");
    }
    let sandbox = Sandbox::new();
    for (file, reference) in [FILES[1], FILES[3], FILES[4]] {
        let path = sandbox.write(file.path, "[1, 2]\n");
        let message = refused(&sandbox, &path, reference);
        assert!(
            message.contains("no credentials in") || message.contains("has no profile"),
            "{message}"
        );
    }
}

#[test]
fn an_unsupported_mode_in_a_tool_file_is_an_error_with_a_hint() {
    for (file, reference, from, to, expected) in [
        (
            &ALIYUN_CLI,
            JOB,
            "\"StsToken\"",
            "\"Quantum\"",
            "with an unknown mode",
        ),
        (
            &ALIYUN_SDK,
            JOB,
            "= access_key\n",
            "= oidc_role_arn\n",
            "of type oidc_role_arn",
        ),
        (
            &ALIYUN_SDK,
            JOB,
            "= access_key\n",
            "= sts\n",
            "has no security_token in [default]",
        ),
        (
            &TCCLI,
            SERVICE,
            "\"secretId\"",
            "\"type\": \"quantum\", \"x\"",
            "has an unknown type",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"false\"",
            "\"true\"",
            "hcloud configure set --cli-auth-encrypt=false",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "authEncrypt",
            "other",
            "hcloud configure set --cli-auth-encrypt=false",
        ),
        (
            &HUAWEI_SDK,
            IMAGE_JOB,
            "ak = HWSDKBASICKEY0001\nsk = hwsdk-basic-secret-q8\n",
            "idp_id = x\nid_token_file = /x\n",
            "uses an identity provider (idp_id, id_token_file), which is not supported in [basic]",
        ),
        (
            &HUAWEI_SDK,
            IMAGE_JOB,
            "[basic]\n",
            "[basic]\nID_TOKEN_FILE = /x\n",
            "uses an identity provider",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"AKSK\"",
            "\"sso\"",
            "has mode SSO, which is not supported for profile 'default'",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"AKSK\"",
            "\"quantum\"",
            "has an unknown mode for profile 'default'",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"mode\": \"AKSK\"",
            "\"agencyName\": \"ops\"",
            "uses an agency (agencyName), which is not supported",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"projectId\"",
            "\"agencyDomainName\": \"other\", \"x\"",
            "uses an agency (agencyDomainName), which is not supported",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"mode\": \"AKSK\",\n      \"accessKeyId\": \"HWCLIDEFAULTKEY03\",\n      \"secretAccessKey\": \"hwcli-default-secret-s1\"",
            "\"mode\": \"ecsAgency\"",
            "has mode ecsAgency, which is not supported",
        ),
    ] {
        let text = file.text();
        assert!(text.contains(from), "{from}");
        let sandbox = Sandbox::new();
        let path = sandbox.write(file.path, &text.replace(from, to));
        let message = refused(&sandbox, &path, reference);
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_tool_file_that_is_a_folder_or_not_utf_8_is_named_in_the_error() {
    for (file, reference) in FILES {
        let sandbox = Sandbox::new();
        let path = sandbox.home.path().join(file.path);
        fs::create_dir_all(&path).unwrap();
        let message = refused(&sandbox, &path, reference);
        assert!(
            message.contains("cannot be read (not a regular file)"),
            "{message}"
        );
        fs::remove_dir(&path).unwrap();
        for (bytes, why) in [
            (&b"\xff\xfe\x00"[..], "it is UTF-16, not UTF-8"),
            (b"# \n\xd6\xd0", "line 2 is not UTF-8"),
        ] {
            fs::write(&path, bytes).unwrap();
            let message = refused(&sandbox, &path, reference);
            let why = format!("cannot be read ({why})");
            assert!(message.contains(&why), "{message}");
        }
    }
}

/// Returns `true` if the tests run as root, so that permissions do not apply.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// Returns `true` if every user can run the program.
pub(crate) fn is_program_open() -> bool {
    let program = Path::new(env!("CARGO_BIN_EXE_joblens"));
    let is_open = |path: &Path| {
        fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o005 == 0o005)
    };
    program.ancestors().all(is_open)
}

#[test]
fn a_variable_with_the_path_of_a_missing_file_is_named_in_the_error() {
    for (variable, reference) in [
        ("ALIBABA_CLOUD_CONFIG_FILE", JOB),
        ("ALIBABA_CLOUD_CREDENTIALS_FILE", JOB),
        ("HUAWEICLOUD_SDK_CREDENTIALS_FILE", IMAGE_JOB),
    ] {
        let sandbox = Sandbox::with(&[&KOOCLI]);
        let run = sandbox.get(reference).env(variable, "/nope").run();
        assert_eq!(run.code, 4, "{variable}: {}", run.stderr);
        let error = run.error();
        let message = format!("{variable}: /nope cannot be read (no such file)");
        assert_eq!(error["message"], message);
        assert_eq!(error["hint"], format!("fix or unset {variable}"));
        let folder = sandbox.home.path().to_str().unwrap();
        let run = sandbox.get(reference).env(variable, folder).run();
        let hint = format!("fix the file or its permissions, or unset {variable}");
        assert_eq!(run.error()["hint"], hint);
        assert!(sandbox.server.received().is_empty());
    }
}

#[test]
fn a_tool_file_without_read_permission_is_an_error_that_names_it() {
    if is_root() && !is_program_open() {
        // Writes to standard error directly, since the test harness hides the output of passing tests.
        let why = "skipped: the program is in a folder where no other user can start it";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), why.as_bytes());
        return;
    }
    for (file, reference) in FILES {
        let sandbox = Sandbox::with(&[file]);
        let path = sandbox.home.path().join(file.path);
        let folders = [sandbox.home.path(), path.parent().unwrap()];
        for folder in folders {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let run = sandbox.get(reference);
        let run = if is_root() {
            run.with_user_nobody()
        } else {
            run
        };
        let run = run.run();
        let error = run.error();
        assert_eq!(run.code, 4, "{error}");
        let expected = format!("{} cannot be read (permission denied)", path.display());
        assert_eq!(error["message"], expected.as_str());
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("fix the file or its permissions"), "{hint}");
        assert!(sandbox.server.received().is_empty());
    }
}

#[test]
fn a_tool_file_readable_by_others_is_used_with_a_notice() {
    for (file, reference) in FILES {
        let sandbox = Sandbox::with(&[file]);
        let path = sandbox.home.path().join(file.path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut run = sandbox.get(reference);
        for cloud in ["ALIYUN", "HUAWEI", "TENCENT"] {
            run = run.env(&format!("JOBLENS_{cloud}_REGION"), "r1");
        }
        let run = run.run();
        assert!(!sandbox.server.received().is_empty(), "{}", run.stderr);
        let notices = run.json()["notices"].clone();
        assert_eq!(notices[0]["code"], "readable_by_others", "{notices}");
        let hint = format!("chmod 600 '{}'", path.display());
        assert!(run.stderr.contains(&hint), "{}", run.stderr);
    }
}

#[test]
fn a_damaged_tool_file_does_not_affect_other_clouds_or_keys_of_variables() {
    let sandbox = Sandbox::with(&[&TCCLI]);
    sandbox.write(ALIYUN_CLI.path, "{");
    let run = sandbox
        .joblens(&["get", "-o", "json", "--max-attempts", "1", JOB, SERVICE])
        .run();
    assert_eq!(run.json()["errors"].as_array().unwrap().len(), 2);
    assert_eq!(sandbox.signed_by(), "AKIDcliDefaultKey");
    sandbox
        .get(JOB)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "ENVKEY")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret-v4")
        .env("JOBLENS_ALIYUN_REGION", "cn-x")
        .run();
    assert_eq!(sandbox.signed_by(), "ENVKEY");
}

#[test]
fn expired_keys_and_unsupported_modes_are_errors_with_a_hint_and_run_nothing() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    for (profile, category, expected) in [
        (
            "stale",
            "unauthenticated",
            "expired at 2023-11-14T22:13:20Z",
        ),
        ("external", "missing_credentials", "credential_command"),
    ] {
        let run = sandbox.get(JOB).env("ALIBABA_CLOUD_PROFILE", profile).run();
        assert_eq!(
            (run.code, &run.error()["category"]),
            (4, &category.into()),
            "{profile}"
        );
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    assert!(sandbox.server.received().is_empty());
    assert!(!Path::new("process-command-ran").exists());
    assert!(!sandbox.home.path().join("process-command-ran").exists());
}

#[test]
fn errors_in_a_tool_file_are_described_in_json_terms() {
    for (text, expected) in [
        ("null", "expected an object at line 1 column 4"),
        ("[]", "expected an object at line 1 column"),
        (
            r#"{"current":"a","current":"b"}"#,
            "expected current only once at ",
        ),
    ] {
        let sandbox = Sandbox::new();
        let path = sandbox.write(ALIYUN_CLI.path, text);
        let message = refused(&sandbox, &path, JOB);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_dangling_link_to_a_tool_or_config_file_is_an_error() {
    let sandbox = Sandbox::with(&[&ALIYUN_SDK]);
    let link = |place: &str| {
        let path = sandbox.home.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
        path
    };
    let path = link(ALIYUN_CLI.path);
    let message = refused(&sandbox, &path, JOB);
    assert!(message.contains("cannot be read"), "{message}");
    let path = link(".config/joblens/config.toml");
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let message = format!("cannot read the config file {}", path.display());
    assert!(run.stderr.contains(&message), "{}", run.stderr);
    assert!(sandbox.server.received().is_empty());
}
