//! The formats in which tools write their files, and the names of their variables.

use super::*;

/// Returns the key and the region that `auth status` shows for the profile `default`.
fn account(sandbox: &Sandbox, cloud: &str, variables: &[(&str, &str)]) -> (String, String) {
    let run = sandbox
        .joblens(&["auth", "status", "-o", "json"])
        .envs(variables.to_vec())
        .run();
    let accounts = run.json()["accounts"].as_array().unwrap().clone();
    let account = accounts.into_iter().find(|one| one["cloud"] == cloud);
    let account = account.unwrap();
    let text = |field: &str| account[field].as_str().unwrap_or_default().to_owned();
    let problem = account["problem"]["message"].as_str().unwrap_or_default();
    (format!("{}{problem}", text("key")), text("region"))
}

#[test]
fn the_region_is_read_from_every_version_of_the_tccli_files() {
    let sandbox = Sandbox::with(&[&TCCLI, &TCCLI_LAB]);
    let real = |file: &ToolFile| {
        let place = file.fixture.replace(".credential", ".configure");
        ToolFile {
            path: "",
            fixture: place.leak(),
        }
        .text()
    };
    // Format of tccli 3.1.189: an entry for each service, one of which is named region.
    assert!(real(&TCCLI).contains("region.tencentcloudapi.com"));
    let region = |variables: &[(&str, &str)]| account(&sandbox, "tencent", variables).1;
    assert_eq!(region(&[]), "ap-guangzhou");
    assert_eq!(region(&[("TCCLI_PROFILE", "lab")]), "ap-beijing");
    for (text, expected) in [
        (r#"{"region": "gz", "output": "json"}"#, "gz"),
        (r#"{"_sys_param": {"region": "a"}, "region": "b"}"#, "a"),
        (
            r#"{"_sys_param": {"region": "a", "arrayCount": {}, "new": [1]}, "region": [], "cvm": null, "x": 1}"#,
            "a",
        ),
        (r#"{"_sys_param": null, "region": {"version": "1"}}"#, ""),
    ] {
        sandbox.write(".tccli/default.configure", text);
        assert_eq!(region(&[]), expected, "{text}");
    }
    for text in [
        r#"{"_sys_param": ["ap-beijing"]}"#,
        r#"{"_sys_param": {"region": {"x": 1}}}"#,
    ] {
        sandbox.write(".tccli/default.configure", text);
        let (message, _) = account(&sandbox, "tencent", &[]);
        assert!(message.contains("is invalid: expected"), "{message}");
    }
}

#[test]
fn ini_files_may_have_comments_quotes_and_continued_lines() {
    for (place, reference, head, id, secret) in [
        (
            ALIYUN_SDK.path,
            JOB,
            "default",
            "access_key_id",
            "access_key_secret",
        ),
        (HUAWEI_SDK.path, IMAGE_JOB, "basic", "ak", "sk"),
        (
            TENCENT_SDK.path,
            SERVICE,
            "default",
            "secret_id",
            "secret_key",
        ),
    ] {
        for text in [
            "[HEAD]   # the usual [account]\nID = KEY1 # id\nSECRET: s ; secret\n",
            "[HEAD]\nID = \"KEY1\"\nSECRET = 's'  # quoted\n",
            "[HEAD]\nnote = first line\n  second = line\nID = KEY1\nSECRET = s\n",
            "[HEAD]\nID = KEY1\nSECRET = s\n[other]\ntype = x\npolicy = {\n  \"Version\": \"1\"\n}\n",
            "[other]\nno line of its own\nID = 1\nID = 2\n[HEAD]\nID = KEY1\nSECRET = s\n[cut",
        ] {
            let sandbox = Sandbox::new();
            let text = text.replace("HEAD", head);
            sandbox.write(place, &text.replace("ID", id).replace("SECRET", secret));
            let region = format!("JOBLENS_{}_REGION", reference.split('/').next().unwrap());
            let run = sandbox
                .get(reference)
                .env(&region.to_ascii_uppercase(), "r1");
            let run = run.env("HUAWEICLOUD_SDK_PROJECT_ID", "p1").run();
            assert!(
                !sandbox.server.received().is_empty(),
                "{text}: {}",
                run.stderr
            );
            assert_eq!(sandbox.signed_by(), "KEY1", "{text}");
        }
    }
}

#[test]
fn the_default_section_is_inherited_only_where_the_vendors_sdk_does_so() {
    let sandbox = Sandbox::new();
    sandbox.write(
        ALIYUN_SDK.path,
        "[DEFAULT]\naccess_key_id = LTAIofAllSections#1\n[default]\naccess_key_secret = s#1\n",
    );
    sandbox.write(
        HUAWEI_SDK.path,
        "[DEFAULT]\nsk = s\n[basic]\nak = HWofBasicAlone\n",
    );
    sandbox.write(
        TENCENT_SDK.path,
        "[DEFAULT]\nsecret_key = s\n[default]\nsecret_id = AKIDofDefault\n",
    );
    let region = [
        ("ALIBABA_CLOUD_REGION_ID", "cn-x"),
        ("HW_REGION_NAME", "cn-north-4"),
    ];
    let shown = |cloud| account(&sandbox, cloud, &region).0;
    assert_eq!(shown("aliyun"), "LTAI…ons");
    assert!(shown("huawei").starts_with("HWof…"), "{}", shown("huawei"));
    let message = shown("tencent");
    assert!(message.contains("secret_key in [default]"), "{message}");
}

#[test]
fn an_invalid_profile_that_is_not_used_is_ignored() {
    for (file, reference, from, key) in [
        (
            &ALIYUN_CLI,
            JOB,
            "\"access_key_id\": \"LTAIcliDefaultKey\"",
            "STS.cliProdKey12",
        ),
        (
            &KOOCLI,
            IMAGE_JOB,
            "\"accessKeyId\": \"HWCLILABKEY000004\"",
            "HWCLIDEFAULTKEY03",
        ),
        (
            &SCNET,
            INSTANCE,
            "\"access_key\": \"scnetLabKey000002\"",
            "scnetDefaultKey01",
        ),
    ] {
        let text = file.text();
        assert!(text.contains(from), "{from}");
        let name = from.split(':').next().unwrap();
        let sandbox = Sandbox::new();
        sandbox.write(file.path, &text.replace(from, &format!("{name}: [{{}}]")));
        sandbox.get(reference).run();
        assert_eq!(sandbox.signed_by(), key);
    }
}

#[test]
fn aliyun_profile_variables_have_the_precedence_of_its_cli() {
    const NAMES: [&str; 3] = [
        "ALIBABACLOUD_PROFILE",
        "ALIBABA_CLOUD_PROFILE",
        "ALICLOUD_PROFILE",
    ];
    let of_cli = Sandbox::with(&[&ALIYUN_CLI]);
    let of_sdk = Sandbox::with(&[&ALIYUN_SDK]);
    for (at, name) in NAMES.into_iter().enumerate() {
        let later = NAMES[at + 1..].iter().map(|later| (*later, "sso"));
        let variables: Vec<_> = later.chain([(name, "default")]).collect();
        assert_eq!(
            account(&of_cli, "aliyun", &variables).1,
            "cn-beijing",
            "{name}"
        );
        let region = ("ALIBABA_CLOUD_REGION_ID", "cn-x");
        let (key, _) = account(&of_sdk, "aliyun", &[(name, "prod"), region]);
        assert_eq!(key, "LTAI…y99", "{name}");
    }
    // The SDKs read only one variable, even if aliyun-cli would read both.
    let both = [
        ("ALIBABACLOUD_PROFILE", "default"),
        ("ALIBABA_CLOUD_PROFILE", "prod"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-x"),
    ];
    assert_eq!(account(&of_sdk, "aliyun", &both).0, "LTAI…y99");
    for name in [
        "ALIBABA_CLOUD_IGNORE_PROFILE",
        "ALIBABACLOUD_IGNORE_PROFILE",
    ] {
        let (message, _) = account(&of_cli, "aliyun", &[(name, "TRUE")]);
        assert!(
            message.starts_with("missing access key for "),
            "{name}: {message}"
        );
    }
}

#[test]
fn aliyun_variable_families_are_read_in_order_with_only_their_own_token() {
    const TOKEN: &str = "ALICLOUD_SECURITY_TOKEN";
    let families = [
        [
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_REGION_ID",
        ],
        [
            "ALIBABACLOUD_ACCESS_KEY_ID",
            "ALIBABACLOUD_ACCESS_KEY_SECRET",
            "ALIBABACLOUD_REGION_ID",
        ],
        [
            "ALICLOUD_ACCESS_KEY_ID",
            "ALICLOUD_ACCESS_KEY_SECRET",
            "ALICLOUD_REGION_ID",
        ],
        [
            "ALICLOUD_ACCESS_KEY",
            "ALICLOUD_SECRET_KEY",
            "ALICLOUD_REGION",
        ],
    ];
    let sandbox = Sandbox::new();
    for (at, family) in families.iter().enumerate() {
        let mut run = sandbox.get(JOB).env(TOKEN, "alicloud-token-t1");
        for later in &families[at..] {
            let values = [format!("KEY{}", later[0]), "x".into(), "cn-x".into()];
            run = run.envs(later.iter().zip(values));
        }
        run.run();
        assert_eq!(sandbox.signed_by(), format!("KEY{}", family[0]));
        let got = sandbox.server.received();
        let token = got.last().unwrap().header("x-acs-security-token");
        let is_of_family = family[0].starts_with("ALICLOUD_");
        assert_eq!(
            token,
            is_of_family.then_some("alicloud-token-t1"),
            "{family:?}"
        );
    }
    let before = sandbox.server.received().len();
    let run = sandbox.get(JOB).env(TOKEN, "alicloud-token-t1").run();
    assert_eq!(
        run.error()["category"],
        "missing_credentials",
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.server.received().len(), before);
}
