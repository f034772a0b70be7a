//! A secret that was pasted in the wrong place of a file is not shown by any command.

use serde_json::Value;

use super::damaged::FILES;
use super::*;

const PASTED: &str = "SuperSecretValue0123456789ab";

/// Runs the commands that show accounts; each run fails if it shows the secret.
fn show(sandbox: &Sandbox, reference: &str, variables: &[(&str, &str)]) {
    let cloud = reference.split(['/', '@']).next().unwrap();
    let get = ["get", "--max-attempts", "1", reference];
    for arguments in [
        &get[..],
        &["auth", "status"],
        &["auth", "status", "-o", "json"],
        &["doctor", cloud],
    ] {
        // `doctor` spends most of its time reading the system's certificates.
        let run = sandbox.joblens(arguments).env("SSL_CERT_FILE", "/dev/null");
        let run = run.with_secret(PASTED).envs(variables.iter().copied());
        run.run();
    }
}

/// Returns copies of the document, each with the secret in place of one text.
fn pasted(document: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut each = |value: &Value, wrap: &dyn Fn(Value) -> Value| {
        all.extend(pasted(value).into_iter().map(wrap));
    };
    match document {
        Value::String(_) => all.push(PASTED.into()),
        Value::Array(list) => {
            for (number, value) in list.iter().enumerate() {
                each(value, &|value| {
                    let mut list = list.clone();
                    list[number] = value;
                    list.into()
                });
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                each(value, &|value| {
                    let mut map = map.clone();
                    map.insert(key.clone(), value);
                    map.into()
                });
            }
        }
        _ => {}
    }
    all
}

#[test]
fn a_secret_pasted_as_any_value_of_a_tool_file_is_not_shown() {
    for (file, reference) in FILES {
        let text = file.text();
        let texts: Vec<String> = match serde_json::from_str::<Value>(&text) {
            Ok(document) => pasted(&document).iter().map(Value::to_string).collect(),
            Err(_) => {
                let lines: Vec<&str> = text.lines().collect();
                let replaced = |number: usize| {
                    let mut lines = lines.clone();
                    let line = match lines[number].split_once('=') {
                        Some((key, _)) => format!("{key}= {PASTED}"),
                        None => format!("[{PASTED}]"),
                    };
                    lines[number] = &line;
                    lines.join("\n")
                };
                (0..lines.len()).map(replaced).collect()
            }
        };
        for text in texts {
            let sandbox = Sandbox::new();
            sandbox.write(file.path, &text);
            show(&sandbox, reference, &[]);
        }
    }
}

#[test]
fn a_secret_pasted_as_a_key_or_line_of_an_ini_file_is_not_shown() {
    let credentials = ".alibabacloud/credentials";
    let region = [("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")];
    for text in [
        format!("[default]\ntype = access_key\n  accesskeysecret = {PASTED}\n"),
        format!("[default]\ntype = access_key\n  {PASTED}\n"),
        format!("[default]\n{PASTED} = access_key\n"),
        format!("[default]\n{PASTED}\n"),
        format!("{PASTED}\n"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(credentials, &text);
        show(&sandbox, JOB, &region);
    }
    let sandbox = Sandbox::new();
    sandbox.write(credentials, &format!(
        "[default]\ntype = access_key\n  access_key_id = LTAIabcdefgh12345678\n  access_key_secret = {PASTED}\n"
    ));
    show(&sandbox, JOB, &region);
    assert_eq!(sandbox.signed_by(), "LTAIabcdefgh12345678");
}

#[test]
fn a_secret_pasted_as_any_setting_is_not_shown() {
    for (profile, reference, keys) in [
        (
            "aliyun.p",
            "aliyun@p/job/ehpc-hz-1/5",
            &[
                "region",
                "role_arn",
                "role_session_name",
                "sts_endpoint",
                "cluster",
            ][..],
        ),
        (
            "sugon.p",
            "sugon@p/instance/i1",
            &[
                "cluster_id",
                "auth_endpoint",
                "platform_endpoint",
                "ai_hosts",
            ],
        ),
        (
            "huawei.p",
            "huawei@p/image-job/7",
            &["region", "project_id", "iam_endpoint"],
        ),
        (
            "tencent.p",
            "tencent@p/service/cls-1/default/web",
            &["region", "cluster", "namespace"],
        ),
    ] {
        let all = [
            "endpoint",
            "utc_offset",
            "ca_file",
            "client_cert",
            "source",
            "metadata_endpoint",
            "token_cache",
            "insecure_skip_verify",
            "region_file",
        ];
        let tables = all
            .iter()
            .chain(keys)
            .map(|key| format!("{key} = '{PASTED}'"));
        let command = format!("credential_command = ['{PASTED}']");
        for line in tables.chain([
            command,
            format!("{PASTED} = 'x'"),
            "region = 'x'".to_owned(),
        ]) {
            let sandbox = Sandbox::new();
            sandbox.configure(&format!("[{profile}]\n{line}\n"));
            show(&sandbox, reference, &[]);
        }
    }
}

#[test]
fn a_secret_pasted_as_a_table_or_key_of_the_config_file_is_not_shown() {
    for text in [
        format!("{PASTED} = 'x'\n"),
        format!("[aliyun]\n{PASTED} = 'x'\n"),
        format!("[http]\nconnect_timeout = '{PASTED}'\n"),
        format!("[{PASTED}.default]\n"),
        format!("[states.'{PASTED}']\n"),
        format!("[states.'aliyun/job']\nX = '{PASTED}'\n"),
        format!("[aliyun.default]\nregion = {PASTED}\n"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.configure(&text);
        show(&sandbox, JOB, &[]);
    }
}

#[test]
fn an_invalid_setting_is_an_error_even_if_it_is_not_needed() {
    for (profile, key, value) in [
        ("aliyun", "utc_offset", "abc"),
        ("huawei", "utc_offset", "abc"),
        ("tencent", "utc_offset", "+25:00"),
        ("aliyun", "sts_endpoint", "foo"),
        ("aliyun", "metadata_endpoint", "foo"),
        ("huawei", "metadata_endpoint", "foo"),
        ("tencent", "metadata_endpoint", "https://foo"),
        ("huawei", "iam_endpoint", "foo"),
        ("sugon", "auth_endpoint", "foo"),
        ("sugon", "platform_endpoint", "foo"),
        ("aliyun", "token_cache", "perhaps"),
    ] {
        let (keys, rest) = match profile {
            "aliyun" => (
                "region = 'cn-hangzhou'\naccess_key_id = 'a1'\naccess_key_secret = 's1'",
                "job/c/1",
            ),
            "huawei" => (
                "region = 'cn-north-4'\nproject_id = 'p'\ntoken = 't1'",
                "image-job/7",
            ),
            "tencent" => (
                "region = 'gz'\nsecret_id = 'a1'\nsecret_key = 's1'",
                "service/c/n/w",
            ),
            _ => ("token = 't1'", "instance/i1"),
        };
        let sandbox = Sandbox::new();
        sandbox.configure(&format!(
            "[{profile}.p]\nendpoint = 'ORIGIN'\n{keys}\n{key} = '{value}'\n"
        ));
        let run = sandbox.get(&format!("{profile}@p/{rest}")).run();
        let error = run.error();
        assert_eq!(run.code, 2, "{profile} {key}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("{key} of profile 'p' ({profile})")),
            "{message}"
        );
        assert!(sandbox.server.received().is_empty(), "{error}");
    }
}
