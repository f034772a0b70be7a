use serde_json::{Value, json};

use super::*;

/// Returns the account of a cloud's profile in `auth status -o json`, and the exit code.
fn account(
    sandbox: &Sandbox,
    cloud: &str,
    profile: &str,
    variables: &[(&str, &str)],
) -> (Value, i32) {
    let run = sandbox
        .joblens(&["auth", "status", "-o", "json"])
        .envs(variables.iter().copied())
        .run();
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap();
    let is_meant = |one: &&Value| one["cloud"] == cloud && one["profile"] == profile;
    (accounts.iter().find(is_meant).unwrap().clone(), run.code)
}

#[test]
fn auth_status_shows_the_credential_in_use_without_any_request() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &ALIYUN_SDK, &TCCLI_LAB]);
    sandbox.configure("[tencent.lab]\nsource = 'tccli:lab'\nendpoint = 'ORIGIN'\n");
    let (aliyun, code) = account(&sandbox, "aliyun", "default", &[]);
    let path = sandbox.home.path().join(ALIYUN_CLI.path);
    for (field, value) in [
        ("status", "ready"),
        ("source", "aliyun-cli profile prod"),
        ("location", path.to_str().unwrap()),
        ("key", "STS.…y12"),
        ("region", "cn-shanghai"),
        ("endpoint", &sandbox.server.origin()),
    ] {
        assert_eq!(aliyun[field], value, "{field}");
    }
    assert_eq!(aliyun["skipped_sources"][0]["source"], "alibabacloud");
    let (lab, _) = account(&sandbox, "tencent", "lab", &[]);
    assert_eq!(lab["source"], "tccli profile lab");
    assert_eq!(lab["expires_at"], "2100-01-01T00:00:00Z");
    let (sugon, _) = account(&sandbox, "sugon", "default", &[]);
    assert_eq!(sugon["status"], "not_configured");
    assert_eq!(code, 0);
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn later_sources_are_listed_as_skipped_with_the_reason() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.write(ALIYUN_SDK.path, "cut");
    sandbox.configure("[aliyun.default]\naccess_key_id = 'FILEKEY'\naccess_key_secret = 'x'\n");
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIenvironment"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret-v4"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-env"),
    ];
    let (account, code) = account(&sandbox, "aliyun", "default", &variables);
    assert_eq!((code, &account["source"]), (0, &"environment".into()));
    let passed = account["skipped_sources"].as_array().unwrap();
    let sources: Vec<&str> = passed
        .iter()
        .map(|one| one["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["config file", "aliyun-cli", "alibabacloud"]);
    assert_eq!(passed[0]["why"], "overridden by environment");
    let why = passed[2]["why"].as_str().unwrap();
    assert!(
        why.contains("is invalid: expected key = value at line 1"),
        "{why}"
    );
}

#[test]
fn a_user_name_is_labelled_user_and_not_key() {
    let sandbox = Sandbox::with(&[]);
    let kubeconfig = json!({
        "current-context": "main",
        "clusters": [{"name": "c", "cluster": {"server": sandbox.server.origin()}}],
        "users": [{"name": "cluster-admin-of-c", "user": {"token": "tok-in-kubeconfig"}}],
        "contexts": [{"name": "main", "context": {"cluster": "c", "user": "cluster-admin-of-c"}}],
    });
    let path = sandbox.write("kubeconfig", &kubeconfig.to_string());
    let run = sandbox
        .joblens(&["auth", "status"])
        .env("KUBECONFIG", path.to_str().unwrap())
        .env("JOBLENS_HUAWEI_USER", "operator-of-jobs")
        .env("JOBLENS_HUAWEI_PASSWORD", "s3cret-password")
        .env("JOBLENS_HUAWEI_DOMAIN", "company")
        .env("JOBLENS_HUAWEI_REGION", "cn-north-4")
        .run();
    for user in [
        "  user         cluster-admin-of-c\n",
        "  user         oper…obs\n",
    ] {
        assert!(run.stdout.contains(user), "{user} in:\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("  key "), "{}", run.stdout);
}

#[test]
fn a_secret_without_its_id_is_not_shown_as_a_token() {
    let sandbox = Sandbox::new();
    let secret = [("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret-v4")];
    let (lone, _) = account(&sandbox, "aliyun", "default", &secret);
    assert_eq!(
        (&lone["status"], &lone["key"]),
        (&"broken".into(), &Value::Null)
    );
    let token = [("JOBLENS_SUGON_TOKEN", "env-secret-v4")];
    let (token, _) = account(&sandbox, "sugon", "default", &token);
    assert_eq!(token["key"], "token");
}

#[test]
fn variables_that_are_not_read_are_listed_as_skipped_sources() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &KOOCLI, &TCCLI]);
    for (cloud, variables, why) in [
        (
            "aliyun",
            &[
                "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
                "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
            ][..],
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE are set but not read",
        ),
        (
            "aliyun",
            &["ALIBABA_CLOUD_CREDENTIALS_URI"],
            "ALIBABA_CLOUD_CREDENTIALS_URI is set but not read",
        ),
        (
            "huawei",
            &["HUAWEICLOUD_SDK_IDP_ID"],
            "HUAWEICLOUD_SDK_IDP_ID is set but not read",
        ),
        (
            "tencent",
            &["TKE_WEB_IDENTITY_TOKEN_FILE"],
            "TKE_WEB_IDENTITY_TOKEN_FILE is set but not read",
        ),
        (
            "aliyun",
            &["JOBLENS_ALIYUN_REGON"],
            "JOBLENS_ALIYUN_REGON is set but not read; did you mean JOBLENS_ALIYUN_REGION?",
        ),
        (
            "aliyun",
            &[
                "JOBLENS_ALIYUN_ACCESS_KEY_ID",
                "JOBLENS_ALIYUN_CREDENTIAL_COMMAND",
            ],
            "JOBLENS_ALIYUN_ACCESS_KEY_ID, JOBLENS_ALIYUN_CREDENTIAL_COMMAND are set but not read; \
             did you mean ALIBABA_CLOUD_ACCESS_KEY_ID?; credential_command can only be set in the config file",
        ),
        (
            "tencent",
            &["JOBLENS_TENCENT_QUUX"],
            "JOBLENS_TENCENT_QUUX is set but not read",
        ),
    ] {
        let set: Vec<_> = variables.iter().map(|name| (*name, "x")).collect();
        let (account, _) = account(&sandbox, cloud, "default", &set);
        let expected = serde_json::json!({"source": "environment", "why": why});
        let skipped = account["skipped_sources"].as_array().unwrap();
        assert!(skipped.contains(&expected), "{account}");
    }
    let (account, _) = account(&sandbox, "huawei", "default", &[]);
    assert!(!account.to_string().contains("not read"), "{account}");
}

#[test]
fn an_unusable_account_is_shown_as_broken_with_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.write(TCCLI.path, "{");
    let (broken, code) = account(&sandbox, "tencent", "default", &[]);
    assert_eq!((code, &broken["status"]), (4, &"broken".into()));
    assert!(
        broken["problem"]["hint"]
            .as_str()
            .unwrap()
            .contains("tccli configure")
    );
    let run = sandbox.joblens(&["auth", "status"]).run();
    assert_eq!(run.code, 4);
    assert!(
        run.stdout
            .contains("\ntencent default: broken\n  problem      "),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("\nsugon default: not configured\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn all_output_formats_except_jsonl_and_name_show_the_accounts() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &TCCLI, &KOOCLI]);
    for form in ["table", "wide", "json", "yaml", "csv", "tsv", "markdown"] {
        let run = sandbox.joblens(&["auth", "status", "-o", form]).run();
        assert_eq!(run.code, 0, "{form}: {}", run.stdout);
        assert!(run.stdout.contains("AKID…Key"), "{form}: {}", run.stdout);
    }
    for form in ["jsonl", "name"] {
        assert_eq!(
            sandbox.joblens(&["auth", "status", "-o", form]).run().code,
            2,
            "{form}"
        );
    }
    let run = sandbox.joblens(&["auth", "status", "-p", "nobody"]).run();
    assert_eq!(run.code, 4);
    assert!(
        run.stderr.contains("unknown profile 'nobody'"),
        "{}",
        run.stderr
    );
}

#[test]
fn auth_status_shows_the_expiry_of_a_configured_token() {
    // {"expireTime":"4102444800000"}
    let token = "e30.eyJleHBpcmVUaW1lIjoiNDEwMjQ0NDgwMDAwMCJ9.c2ln";
    let sandbox = Sandbox::new();
    let variables = [
        ("JOBLENS_SUGON_TOKEN", token),
        ("JOBLENS_SUGON_ENDPOINT", "https://h.example.com"),
    ];
    let (account, code) = account(&sandbox, "sugon", "default", &variables);
    assert_eq!(code, 0);
    assert_eq!(account["expires_at"], "2100-01-01T00:00:00Z");
}

#[test]
fn columns_and_sort_by_are_usage_errors_of_auth_status() {
    for option in ["--columns=key", "--sort-by=key"] {
        let run = Sandbox::new().joblens(&["auth", "status", option]).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("does not support --"), "{}", run.stderr);
    }
}

#[test]
fn a_usage_error_is_reported_before_a_credential_command_is_run() {
    let sandbox = Sandbox::new();
    let ran = sandbox.home.path().join("ran");
    sandbox.configure(&format!(
        "[aliyun.default]\nendpoint = 'ORIGIN'\nregion = 'cn-x'\ncredential_command = ['touch', '{}']\n",
        ran.display()
    ));
    for options in [
        &["-o", "name"][..],
        &["-o", "jsonl"],
        &["--columns=key"],
        &["--sort-by=key"],
        &[],
    ] {
        let arguments = [&["auth", "status"], options].concat();
        let run = sandbox
            .joblens(&arguments)
            .env("PATH", "/usr/bin:/bin")
            .run();
        let is_used_right = options.is_empty();
        assert_eq!(run.code, if is_used_right { 4 } else { 2 }, "{options:?}");
        assert_eq!(ran.exists(), is_used_right, "{options:?}: {}", run.stderr);
    }
}

#[test]
fn variables_that_are_not_read_are_named_even_without_a_credential() {
    for (cloud, variable) in [
        ("aliyun", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
        ("aliyun", "JOBLENS_ALIYUN_ACCESS_KEY_ID"),
        ("kubernetes", "JOBLENS_KUBERNETES_USER"),
    ] {
        let sandbox = Sandbox::new();
        let (account, code) = account(&sandbox, cloud, "default", &[(variable, "x")]);
        assert_eq!((code, &account["status"]), (4, &"not_configured".into()));
        let skipped = &account["skipped_sources"][0];
        let why = skipped["why"].as_str().unwrap();
        let expected = format!("{variable} is set but not read");
        assert!(why.starts_with(&expected), "{why}");
    }
}

#[test]
fn an_unknown_profile_is_reported_with_its_table_header_quoted_if_needed() {
    for (profile, table) in [("prod", "[aliyun.prod]"), ("生产", "[aliyun.\"生产\"]")] {
        let run = Sandbox::new()
            .joblens(&["auth", "status", "-p", profile])
            .run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.stderr.contains(table), "{}", run.stderr);
    }
    let sandbox = Sandbox::new();
    sandbox.configure("[aliyun.生产]\nregion = 'cn-x'\n");
    let run = sandbox.joblens(&["auth", "status"]).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("must be quoted"), "{}", run.stderr);
}

#[test]
fn an_account_with_unusable_tls_settings_is_broken() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.configure(
        "[aliyun.open]\nsource = 'aliyun-cli:prod'\ninsecure_skip_verify = true\n[aliyun.lab]\nsource = 'aliyun-cli:prod'\nendpoint = 'https://lab.example.com'\ninsecure_skip_verify = true\n",
    );
    let (open, code) = account(&sandbox, "aliyun", "open", &[]);
    assert_eq!((code, &open["status"]), (4, &"broken".into()));
    let message = open["problem"]["message"].as_str().unwrap();
    assert!(message.contains("a host of a public cloud"), "{message}");
    let (lab, _) = account(&sandbox, "aliyun", "lab", &[]);
    assert_eq!(lab["status"], "ready");
    sandbox.configure("[aliyun.tls]\nsource = 'aliyun-cli:prod'\nca_file = 'missing.pem'\n");
    let (tls, _) = account(&sandbox, "aliyun", "tls", &[]);
    assert_eq!(tls["status"], "broken");
    let message = tls["problem"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("missing.pem cannot be read (no such file)"),
        "{message}"
    );
}

#[test]
fn the_first_of_two_tool_profiles_of_the_same_name_is_used_with_a_notice() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    let profile = |key: &str| {
        serde_json::json!({
            "name": "twin", "mode": "AK", "access_key_id": key,
            "access_key_secret": "s3cret-twin-0123456789", "region_id": "cn-hangzhou",
        })
    };
    let profiles = [profile("LTAIfirstKey12345"), profile("LTAIsecondKey1234")];
    let document = serde_json::json!({"current": "twin", "profiles": profiles});
    let path = sandbox.home.path().join(ALIYUN_CLI.path);
    fs::write(&path, document.to_string()).unwrap();
    let (aliyun, code) = account(&sandbox, "aliyun", "default", &[]);
    assert_eq!((code, &aliyun["status"]), (0, &"ready".into()), "{aliyun}");
    assert_eq!(aliyun["key"], "LTAI…345", "{aliyun}");
    let notice = &aliyun["notices"][0];
    assert_eq!(notice["code"], "duplicate_profile");
    let expected = format!(
        "{} has several profiles 'twin'; the first is used",
        path.display()
    );
    assert_eq!(notice["message"], expected);
    let shown = sandbox.joblens(&["auth", "status"]).run();
    assert!((shown.stdout + &shown.stderr).contains("the first is used"));
}
