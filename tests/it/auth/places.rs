//! Values that cannot be used, and keys that a cloud rejects, are reported with their source.

use super::*;
use crate::support::emulated::Emulated;
use crate::support::jobs::{CLOUDS, WORLD};

const KEY: &str = "LTAI5tKey0123456789";

/// A reference of each cloud, a secret key of its profiles, and the variable for it.
const SECRETS: [(&str, &str, &str); 4] = [
    (JOB, "access_key_secret", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
    (SERVICE, "secret_key", "TENCENTCLOUD_SECRET_KEY"),
    (IMAGE_JOB, "secret_access_key", "HUAWEICLOUD_SDK_SK"),
    (INSTANCE, "token", "JOBLENS_SUGON_TOKEN"),
];

/// Returns values as they are copied by mistake, and the reason for which each is rejected.
fn copied() -> [(String, &'static str); 6] {
    [
        (format!("\"{KEY}\""), "is in quotes"),
        (format!("“{KEY}”"), "is in quotes"),
        (format!("{KEY}\u{200b}"), "a zero-width character (U+200B)"),
        (format!("\u{feff}{KEY}"), "a byte order mark (U+FEFF)"),
        (format!("LTAI\u{a0}{KEY}"), "a no-break space (U+00A0)"),
        (
            format!("\u{202d}{KEY}\u{202c}"),
            "a direction mark (U+202D)",
        ),
    ]
}

fn assert_refused(sandbox: &Sandbox, run: Joblens, expected: &[&str]) {
    assert_refused_with(2, sandbox, run, expected);
}

fn assert_refused_with(code: i32, sandbox: &Sandbox, run: Joblens, expected: &[&str]) {
    let run = run.with_secret(KEY).run();
    assert_eq!(run.code, code, "{expected:?}: {}", run.stderr);
    for part in expected {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert!(sandbox.server.received().is_empty(), "{expected:?}");
}

#[test]
fn a_variable_with_quotes_or_invisible_characters_is_named_in_the_error() {
    let sandbox = Sandbox::new();
    for (reference, key, variable) in SECRETS {
        for (value, why) in copied() {
            let run = sandbox.get(reference).env(variable, value);
            let from = format!("(from {variable})");
            assert_refused(&sandbox, run, &[key, why, &from]);
        }
    }
}

#[test]
fn an_invalid_key_is_reported_with_its_line_in_the_config_file() {
    let sandbox = Sandbox::new();
    for (reference, key, _) in SECRETS {
        let cloud = reference.split('/').next().unwrap();
        for (value, why) in copied() {
            // The reader of the file removes a byte order mark, which editors write.
            if value.starts_with('\u{feff}') {
                continue;
            }
            sandbox.configure(&format!("# mine\n[{cloud}.default]\n{key} = '{value}'\n"));
            let place =
                |line: usize, name: &str| format!("joblens/config.toml:{line}:{})", name.len() + 4);
            let of_key = place(3, key);
            assert_refused(&sandbox, sandbox.get(reference), &[key, why, &of_key]);
            sandbox.configure(&format!("[{cloud}.default]\n\n{key}_env = 'MY_KEY'\n"));
            let run = sandbox.get(reference).env("MY_KEY", &value);
            let of_variable = place(3, &format!("{key}_env"));
            assert_refused(&sandbox, run, &["(from MY_KEY, named in ", &of_variable]);
            sandbox.configure(&format!("[{cloud}.default]\n{key}_file = 'my.key'\n"));
            sandbox.write(".config/joblens/my.key", &value);
            let of_file = place(2, &format!("{key}_file"));
            let expected = ["joblens/my.key, named in ", &*of_file];
            assert_refused(&sandbox, sandbox.get(reference), &expected);
        }
    }
}

#[test]
fn an_invalid_key_is_reported_with_its_command_or_tool_file() {
    let sandbox = Sandbox::new();
    for (reference, key, variable) in SECRETS {
        let cloud = reference.split('/').next().unwrap();
        sandbox.configure(&format!(
            "[{cloud}.default]\ncredential_command = ['printenv', 'MY_KEY']\n"
        ));
        let printed = format!("{variable}={KEY}\u{200b}");
        let run = sandbox.get(reference).env("MY_KEY", printed);
        let run = run.env("PATH", "/usr/bin:/bin");
        let expected = [key, "(from credential_command printenv)"];
        assert_refused_with(4, &sandbox, run, &expected);
    }
    let sandbox = Sandbox::new();
    let profile = format!(
        r#"{{"current":"a","profiles":[{{"name":"a","access_key_id":"{KEY}\u200b","access_key_secret":"x"}}]}}"#
    );
    sandbox.write(ALIYUN_CLI.path, &profile);
    let expected = ["access_key_id of profile", ".aliyun/config.json)"];
    assert_refused_with(4, &sandbox, sandbox.get(JOB), &expected);
}

#[test]
fn non_ascii_names_are_accepted_but_no_invisible_password_characters() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .get(IMAGE_JOB)
        .env("JOBLENS_HUAWEI_REGION", "cn-north-4")
        .env("JOBLENS_HUAWEI_USER", "张三")
        .env("JOBLENS_HUAWEI_DOMAIN", "某公司")
        .env("JOBLENS_HUAWEI_PASSWORD", "\"密码\u{200b}\"")
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("password of profile"), "{}", run.stderr);
    assert!(!run.stderr.contains("user of profile"), "{}", run.stderr);
}

#[test]
fn the_hint_for_a_rejected_key_names_its_file_or_variable() {
    let emulated = Emulated::start(WORLD);
    for (cloud, reference) in CLOUDS {
        let wrong = |key: &str| match cloud {
            "aliyun" => key.replace("testsecret", "wrong0secret"),
            "sugon" => key.replace("token = '", "token = 'x"),
            _ => key.replace("testsecret", "wrong0secret"),
        };
        let toml = wrong(&crate::config::settings::profile(
            &emulated, cloud, "default",
        ));
        let config = crate::config::settings::Config::new(&toml);
        let run = config.get(&[reference]).with_secret("wrong0secret").run();
        assert_eq!(run.code, 4, "{cloud}: {}", run.stderr);
        let hint = run.error()["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("joblens/config.toml:"), "{cloud}: {hint}");
    }
    let run = emulated
        .get(&[crate::support::jobs::JOB])
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong0secret")
        .run();
    let hint = run.error()["hint"].as_str().unwrap().to_owned();
    assert!(
        hint.starts_with("check access_key_secret (ALIBABA_CLOUD_ACCESS_KEY_SECRET): "),
        "{hint}"
    );
}

#[test]
fn variables_set_but_not_read_are_named_if_a_key_is_missing() {
    let sandbox = Sandbox::new();
    for (reference, variables) in [
        (
            JOB,
            &["ALIYUN_ACCESS_KEY_ID", "JOBLENS_ALIYUN_ACCESS_KEY_SECRET"][..],
        ),
        (SERVICE, &["QCLOUD_SECRET_KEY", "TENCENT_SECRET_ID"]),
        (IMAGE_JOB, &["OS_PASSWORD", "HUAWEICLOUD_ACCESS_KEY"]),
        (INSTANCE, &["SCNET_TOKEN"]),
    ] {
        let run = variables
            .iter()
            .fold(sandbox.get(reference), |run, name| run.env(name, KEY))
            .env("OTHER_SECRET_KEY", KEY)
            .env("ALIYUN_REGION", "cn-x")
            .env("JOBLENS_HUAWEI_REGION", "cn-north-4")
            .env("TENCENTCLOUD_REGION", "gz")
            .with_secret(KEY)
            .run();
        assert_eq!(run.code, 4, "{reference}: {}", run.stderr);
        let text = |key: &str| run.error()[key].as_str().unwrap().to_owned();
        let (hint, message) = (text("hint"), text("message"));
        let verb = if variables.len() == 1 { "is" } else { "are" };
        assert!(hint.contains("joblens config init"), "{hint}");
        assert!(
            message.contains(&format!(" {verb} set but not read")),
            "{message}"
        );
        for name in variables {
            assert!(message.contains(name), "{name}: {message}");
        }
        assert!(!message.contains("OTHER"), "{message}");
    }
    let run = sandbox.get(JOB).run();
    assert!(!run.stderr.contains("not read"), "{}", run.stderr);
}

#[test]
fn the_region_of_a_tool_file_is_used_with_keys_of_variables() {
    let key = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAImine"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "mine"),
        ("TENCENTCLOUD_SECRET_ID", "AKIDmine"),
        ("TENCENTCLOUD_SECRET_KEY", "mine"),
        ("HUAWEICLOUD_SDK_AK", "HWmine"),
        ("HUAWEICLOUD_SDK_SK", "mine"),
    ];
    let sandbox = Sandbox::with(&[&ALIYUN_CLI, &TCCLI, &KOOCLI]);
    let accounts = |variables: &[(&str, &str)]| {
        let run = sandbox.joblens(&["auth", "status", "-o", "json"]);
        let run = run.envs(key).envs(variables.iter().copied()).run();
        let accounts = run.json()["accounts"].as_array().unwrap().clone();
        let region = |cloud: &str| {
            let account = accounts.iter().find(|one| one["cloud"] == cloud);
            let account = account.unwrap();
            assert_eq!(account["source"], "environment", "{cloud}");
            account["region"].as_str().unwrap_or_default().to_owned()
        };
        ["aliyun", "huawei", "tencent"].map(region)
    };
    assert_eq!(accounts(&[]), ["cn-shanghai", "cn-north-4", "ap-guangzhou"]);
    let own = [("ALICLOUD_REGION", "cn-beijing")];
    assert_eq!(accounts(&own)[0], "cn-beijing");
    // A profile without keys, and a file that cannot be parsed.
    let profile = r#"{"current":"r","profiles":[{"name":"r","region_id":"cn-zhangjiakou"}]}"#;
    sandbox.write(ALIYUN_CLI.path, profile);
    assert_eq!(accounts(&[])[0], "cn-zhangjiakou");
    sandbox.write(ALIYUN_CLI.path, "{");
    assert_eq!(accounts(&[])[0], "");
    let run = sandbox
        .get(JOB)
        .envs(key)
        .env("JOBLENS_ALIYUN_ENDPOINT", "");
    let run = run.run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    for part in ["missing region", ".aliyun/config.json"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    // tccli has a separate file for the region.
    fs::remove_file(sandbox.home.path().join(TCCLI.path)).unwrap();
    assert_eq!(accounts(&[])[2], "ap-guangzhou");
}

#[test]
fn an_invalid_account_is_reported_before_a_command_of_another_account_runs() {
    let sandbox = Sandbox::new();
    let marker = sandbox.home.path().join("ran");
    let command = format!(
        "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['touch', '{}']\n",
        marker.display()
    );
    let huawei = "[huawei.default]\nregion = 'cn-north-4'\nproject_id = 'p'\n";
    for (other, why) in [
        (
            "token = 'a'\naccess_key_id = 'b'\nsecret_access_key = 'c'\n",
            "mutually exclusive",
        ),
        ("token = 'a'\nuser = 'b'\n", "mutually exclusive"),
        ("token = '“a”'\n", "is in quotes"),
        (
            "token_file = 'gone'\n",
            "joblens/gone, which cannot be read",
        ),
        ("token_env = 'GONE_TOKEN'\n", "GONE_TOKEN, which is not set"),
    ] {
        sandbox.configure(&format!("{command}{huawei}{other}"));
        for words in [
            &["get", "-o", "json", JOB, IMAGE_JOB][..],
            &["wait", "-o", "json", "-t", "1s", JOB, IMAGE_JOB],
            &["describe", "-o", "json", JOB, IMAGE_JOB],
        ] {
            let run = sandbox.joblens(words).env("PATH", "/usr/bin:/bin").run();
            assert_eq!(run.code, 2, "{words:?} {other}: {}", run.stderr);
            assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
        }
    }
    assert!(!marker.exists());
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn the_hint_for_a_missing_part_names_the_source_of_the_other_parts() {
    let sandbox = Sandbox::new();
    let hint = |run: Joblens| {
        let run = run.env("PATH", "/usr/bin:/bin").with_secret(KEY).run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        run.error()["hint"].as_str().unwrap().to_owned()
    };
    for (reference, id, secret) in [
        (JOB, "access_key_id", "access_key_secret"),
        (SERVICE, "secret_id", "secret_key"),
        (IMAGE_JOB, "access_key_id", "secret_access_key"),
    ] {
        let cloud = reference.split('/').next().unwrap();
        sandbox.configure(&format!(
            "[{cloud}.default]\nregion = 'cn-north-4'\nproject_id = 'p'\ncredential_command = ['echo', '{id}=x']\n"
        ).replace("project_id = 'p'\n", if cloud == "huawei" { "project_id = 'p'\n" } else { "" }));
        let expected = format!("credential_command echo must print {secret} as well");
        assert_eq!(hint(sandbox.get(reference)), expected);
    }
    sandbox.configure("");
    let run = sandbox
        .get(JOB)
        .env("ALICLOUD_ACCESS_KEY", KEY)
        .env("ALICLOUD_SECRET_KEY", KEY)
        .env("ALIBABA_CLOUD_SECURITY_TOKEN", KEY)
        .env("ALIBABA_CLOUD_REGION_ID", "cn-x");
    let run = run.with_secret(KEY).run();
    let message = run.error()["message"].as_str().unwrap().to_owned();
    let names = "ALICLOUD_ACCESS_KEY, overridden by ALIBABA_CLOUD_SECURITY_TOKEN";
    assert!(message.contains(names), "{message}");
}
