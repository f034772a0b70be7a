use std::collections::BTreeSet;

use super::*;

/// Returns the cloud's own variables that contain the key `ENVKEY`.
pub(super) fn variables(cloud: &str) -> [(&'static str, &'static str); 4] {
    match cloud {
        "aliyun" => [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ENVKEY"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret-v4"),
            ("ALIBABA_CLOUD_REGION_ID", "cn-env"),
            ("X", ""),
        ],
        "huawei" => [
            ("HW_ACCESS_KEY", "ENVKEY"),
            ("HW_SECRET_KEY", "env-secret-v4"),
            ("HW_REGION_NAME", "cn-env"),
            ("HW_PROJECT_ID", "p-env"),
        ],
        "sugon" => [
            ("JOBLENS_SUGON_ACCESS_KEY", "ENVKEY"),
            ("JOBLENS_SUGON_SECRET_KEY", "env-secret-v4"),
            ("JOBLENS_SUGON_USER", "envuser"),
            ("X", ""),
        ],
        _ => [
            ("TENCENTCLOUD_SECRET_ID", "ENVKEY"),
            ("TENCENTCLOUD_SECRET_KEY", "env-secret-v4"),
            ("TENCENTCLOUD_REGION", "env"),
            ("X", ""),
        ],
    }
}

/// Returns a profile of the config file with the key `FILEKEY`.
fn table(cloud: &str, profile: &str) -> String {
    let keys = match cloud {
        "aliyun" => {
            "access_key_id = 'FILEKEY'\naccess_key_secret = 'file-secret-w5'\nregion = 'cn-file'"
        }
        "huawei" => {
            "access_key_id = 'FILEKEY'\nsecret_access_key = 'file-secret-w5'\nproject_id = 'p-file'"
        }
        "sugon" => {
            "access_key = 'FILEKEY'\nsecret_key = 'file-secret-w5'\nuser = 'fileuser'\nauth_endpoint = 'ORIGIN'"
        }
        _ => "secret_id = 'FILEKEY'\nsecret_key = 'file-secret-w5'\nregion = 'file'",
    };
    format!("[{cloud}.{profile}]\nendpoint = 'ORIGIN'\n{keys}\n")
}

/// Cloud, reference, file of a tool, the key in it, and its `source`.
const CASES: [(&str, &str, &ToolFile, &str, &str); 7] = [
    ("aliyun", JOB, &ALIYUN_CLI, "STS.cliProdKey12", "aliyun-cli"),
    (
        "aliyun",
        JOB,
        &ALIYUN_SDK,
        "LTAIsdkDefaultKey",
        "alibabacloud",
    ),
    ("tencent", SERVICE, &TCCLI, "AKIDcliDefaultKey", "tccli"),
    (
        "tencent",
        SERVICE,
        &TENCENT_SDK,
        "AKIDsdkDefaultKey",
        "tencentcloud",
    ),
    (
        "huawei",
        IMAGE_JOB,
        &HUAWEI_SDK,
        "HWSDKBASICKEY0001",
        "huaweicloud",
    ),
    ("huawei", IMAGE_JOB, &KOOCLI, "HWCLIDEFAULTKEY03", "koocli"),
    ("sugon", INSTANCE, &SCNET, "scnetDefaultKey01", "scnet"),
];

#[test]
fn keys_come_from_variables_then_the_config_file_then_tool_files() {
    for (cloud, reference, file, tool_key, _) in CASES {
        for with_variables in [false, true] {
            for with_table in [false, true] {
                for with_tool in [false, true] {
                    let sandbox = match with_tool {
                        true => Sandbox::with(&[file]),
                        false => Sandbox::new(),
                    };
                    if with_table {
                        sandbox.configure(&table(cloud, "default"));
                    }
                    let own = variables(cloud);
                    let mut run = sandbox
                        .get(reference)
                        .with_secret("env-secret-v4")
                        .with_secret("file-secret-w5");
                    let region = format!("JOBLENS_{}_REGION", cloud.to_ascii_uppercase());
                    match with_variables {
                        true => run = run.envs(own),
                        // The files of SDKs contain no region.
                        false => run = run.env(&region, "r1"),
                    }
                    let run = run.run();
                    let expected = match (with_variables, with_table, with_tool) {
                        (true, _, _) => "ENVKEY",
                        (_, true, _) => "FILEKEY",
                        (_, _, true) => tool_key,
                        _ => {
                            assert_eq!(run.error()["category"], "missing_credentials");
                            assert!(sandbox.server.received().is_empty());
                            continue;
                        }
                    };
                    let shape = (with_variables, with_table, with_tool);
                    assert!(
                        !sandbox.server.received().is_empty(),
                        "{shape:?}: {}",
                        run.stderr
                    );
                    assert_eq!(sandbox.signed_by(), expected, "{cloud} {shape:?}");
                }
            }
        }
    }
}

#[test]
fn a_named_profile_never_uses_keys_of_the_environment_or_a_tool() {
    for (cloud, reference, file, _, _) in CASES {
        let sandbox = Sandbox::with(&[file]);
        let named = reference.replacen(cloud, &format!("{cloud}@lone"), 1);
        sandbox.configure(&table(cloud, "lone"));
        sandbox.get(&named).envs(variables(cloud)).run();
        assert_eq!(sandbox.signed_by(), "FILEKEY", "{cloud}");

        sandbox.configure(&format!("[{cloud}.lone]\nendpoint = 'ORIGIN'\n"));
        let before = sandbox.server.received().len();
        let run = sandbox.get(&named).envs(variables(cloud)).run();
        assert_eq!(
            run.error()["category"],
            "missing_credentials",
            "{}",
            run.stderr
        );
        let run = sandbox
            .get(&reference.replacen(cloud, &format!("{cloud}@other"), 1))
            .run();
        assert_eq!(run.error()["category"], "missing_credentials");
        assert_eq!(sandbox.server.received().len(), before);
    }
}

#[test]
fn a_configured_source_overrides_variables_of_the_environment() {
    for (cloud, reference, file, tool_key, source) in CASES {
        let sandbox = Sandbox::with(&[file]);
        for profile in ["default", "lone"] {
            let region = match cloud {
                "sugon" => "auth_endpoint = 'ORIGIN'\n",
                _ => "region = 'cn-north-4'\n",
            };
            let project = if cloud == "huawei" {
                "project_id = 'p'\n"
            } else {
                ""
            };
            sandbox.configure(&format!(
                "[{cloud}.{profile}]\nendpoint = 'ORIGIN'\nsource = '{source}'\n{region}{project}"
            ));
            let named = reference.replacen(cloud, &format!("{cloud}@{profile}"), 1);
            let run = sandbox.get(&named).envs(variables(cloud)).run();
            assert!(
                !sandbox.server.received().is_empty(),
                "{source}: {}",
                run.stderr
            );
            assert_eq!(sandbox.signed_by(), tool_key, "{source} {profile}");
            assert!(run.stderr.contains(&format!("({source}")), "{}", run.stderr);
        }
    }
}

#[test]
fn a_source_can_name_a_profile_of_a_tool() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &ALIYUN_SDK, &TCCLI, &TCCLI_LAB, &KOOCLI]);
    for (source, reference, key) in [
        ("aliyun-cli:default", JOB, "LTAIcliDefaultKey"),
        ("aliyun-cli:sso", JOB, "STS.cliSsoKey345"),
        ("alibabacloud:prod", JOB, "LTAIsdkProdKey99"),
        ("tccli:lab", SERVICE, "AKIDcliLabKey456"),
        ("koocli:lab", IMAGE_JOB, "HWCLILABKEY000004"),
    ] {
        let cloud = reference.split('/').next().unwrap();
        sandbox.configure(&format!(
            "[{cloud}.lone]\nendpoint = 'ORIGIN'\nsource = '{source}'\nregion = 'cn-x'\n"
        ));
        let run = sandbox
            .get(&reference.replacen(cloud, &format!("{cloud}@lone"), 1))
            .run();
        assert!(
            !sandbox.server.received().is_empty(),
            "{source}: {}",
            run.stderr
        );
        assert_eq!(sandbox.signed_by(), key, "{source}");
        let (tool, profile) = source.split_once(':').unwrap();
        let label = format!("({tool} profile {profile})");
        assert!(run.stderr.contains(&label), "{label}: {}", run.stderr);
    }
}

#[test]
fn variables_of_a_tool_select_its_profile() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &ALIYUN_SDK, &TCCLI, &TCCLI_LAB]);
    for (name, value, reference, key) in [
        ("ALIBABA_CLOUD_PROFILE", "default", JOB, "LTAIcliDefaultKey"),
        (
            "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
            "true",
            JOB,
            "LTAIsdkDefaultKey",
        ),
        ("TCCLI_PROFILE", "lab", SERVICE, "AKIDcliLabKey456"),
    ] {
        sandbox
            .get(reference)
            .env(name, value)
            .env("JOBLENS_ALIYUN_REGION", "cn-x")
            .run();
        assert_eq!(sandbox.signed_by(), key, "{name}");
    }
    let token = sandbox
        .server
        .received()
        .last()
        .unwrap()
        .target()
        .contains("Token=tccli-lab-token-n5");
    assert!(token, "the token comes with its key");
    let before = sandbox.server.received().len();
    let run = sandbox
        .get(JOB)
        .env("ALIBABA_CLOUD_PROFILE", "nobody")
        .run();
    assert_eq!(run.code, 4);
    assert!(
        run.stderr
            .contains("has no profile 'nobody'; available: default, prod"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.server.received().len(), before);
}

#[test]
fn variables_of_a_tool_do_not_affect_a_named_profile() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.configure("[aliyun.lone]\nendpoint = 'ORIGIN'\nsource = 'aliyun-cli'\n");
    for name in [
        "ALIBABA_CLOUD_PROFILE",
        "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
    ] {
        let value = ["default", "true"][usize::from(name.ends_with("DISABLED"))];
        sandbox
            .get("aliyun@lone/job/ehpc-hz-1/5")
            .env(name, value)
            .run();
        assert_eq!(sandbox.signed_by(), "STS.cliProdKey12", "{name}");
    }
}

#[test]
fn a_list_without_a_scope_uses_the_accounts_of_tools() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &TCCLI]);
    sandbox.joblens(&["list", "--max-attempts", "1"]).run();
    let received = sandbox.server.received();
    let ids = received.iter().map(|request| {
        let key = key_of(request);
        // TC3 appends the scope of the signature to the key.
        key.split('/').next().unwrap_or_default().to_owned()
    });
    let keys: BTreeSet<String> = ids.collect();
    let expected = ["AKIDcliDefaultKey", "STS.cliProdKey12"];
    assert_eq!(keys, BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn credentials_of_two_variable_families_are_not_mixed() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .get(IMAGE_JOB)
        .envs(variables("huawei"))
        .env("HUAWEICLOUD_SDK_AK", "SDKKEY")
        .env("HUAWEICLOUD_SDK_SK", "sdk-env-secret")
        .env("HW_SECURITY_TOKEN", "hw-env-token")
        .run();
    let got = sandbox.server.received();
    assert!(!got.is_empty(), "{}", run.stderr);
    assert_eq!(sandbox.signed_by(), "SDKKEY");
    assert_eq!(got[0].header("x-security-token"), None);
    assert!(got[0].target().contains("/p-env/"), "{}", got[0].target());
}

#[test]
fn an_unknown_source_or_profile_is_a_usage_error_that_lists_the_known_ones() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &TCCLI]);
    for (cloud, source, reference, expected) in [
        (
            "aliyun",
            "aliyun",
            JOB,
            "aliyun supports aliyun-cli, alibabacloud, metadata",
        ),
        (
            "aliyun",
            "aliyuncli",
            JOB,
            "did you mean 'aliyun-cli'? aliyun supports",
        ),
        (
            "aliyun",
            "aliyun-cli:nobody",
            JOB,
            "available: default, prod, sso, stale, external, role",
        ),
        ("tencent", "tccli:../../x", SERVICE, "available: default"),
        (
            "huawei",
            "aliyun-cli",
            IMAGE_JOB,
            "huawei supports huaweicloud, koocli, metadata",
        ),
    ] {
        sandbox.configure(&format!("[{cloud}.default]\nsource = '{source}'\n"));
        let run = sandbox.get(reference).run();
        assert_eq!(
            (run.code, &run.error()["category"]),
            (2, &"usage".into()),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    sandbox.configure("[huawei.default]\nsource = 'koocli'\n");
    let run = sandbox.get(IMAGE_JOB).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("no file of koocli was found"),
        "{}",
        run.stderr
    );
    assert!(sandbox.server.received().is_empty());
}
