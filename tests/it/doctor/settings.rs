//! Accounts that are only partly configured, or not configured.

use super::{TOKEN, account, failure, sugon};
use crate::support::{Server, joblens, json};

#[test]
fn without_accounts_the_hint_names_the_variables_and_the_demo() {
    let run = joblens(&["doctor", "-o", "json"]).run();
    assert_eq!(run.code, 4);
    let json = run.json();
    let last = json["checks"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["name"], &last["status"]),
        (&"accounts".into(), &"fail".into())
    );
    let hint = last["hint"].as_str().unwrap();
    for word in [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "KUBECONFIG",
        "joblens config init",
        "joblens demo",
    ] {
        assert!(hint.contains(word), "{hint}");
    }
    assert!(json["accounts"].as_array().unwrap().is_empty());
    let run = joblens(&["doctor", "-p", "nobody"]).run();
    assert_eq!(run.code, 4);
    assert!(
        run.stdout.contains("unknown profile 'nobody'"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_endpoint_without_a_key_is_missing_credentials_but_a_lone_region_is_not() {
    let run = joblens(&["doctor", "-o", "json"])
        .env("JOBLENS_SUGON_ENDPOINT", "https://ai.example")
        .run();
    failure(&run)
        .is("settings", "missing_credentials", 4)
        .advises("JOBLENS_SUGON_TOKEN");
    // A region without other settings is often set for other programs.
    let run = joblens(&["doctor", "-o", "json"])
        .env("TENCENTCLOUD_REGION", "ap-guangzhou")
        .run();
    assert!(run.json()["accounts"].as_array().unwrap().is_empty());
}

#[test]
fn a_named_cloud_is_checked_even_without_configuration() {
    let run = joblens(&["doctor", "-o", "json", "qcloud"]).run();
    failure(&run).is("settings", "missing_credentials", 4);
    assert_eq!(account(&run)["cloud"], "tencent");
    let run = joblens(&["doctor", "-o", "json", "tencent@lab"]).run();
    failure(&run)
        .is("settings", "missing_credentials", 4)
        .contains("no profile 'lab'");
}

#[test]
fn an_unknown_cloud_is_a_usage_error() {
    for (word, hint) in [
        ("sugin", "did you mean 'sugon'?"),
        ("alyun@prod", "did you mean 'aliyun'?"),
        ("azure", "aliyun@prod"),
        ("aliyun/job/C", "aliyun@prod"),
        ("aliyun/job/C/5", "aliyun@prod"),
    ] {
        let run = joblens(&["doctor", word]).run();
        assert_eq!(run.code, 2, "{word}: {}", run.stdout);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
        let is_resource = word.contains('/');
        let message = "doctor checks accounts, not resources";
        assert_eq!(run.stderr.contains(message), is_resource, "{}", run.stderr);
    }
    let run = joblens(&["doctor", "aliyun/job"]).run();
    let message = "error: aliyun/job: doctor checks accounts, not resources";
    assert!(run.stderr.starts_with(message), "{}", run.stderr);
}

#[test]
fn profiles_can_be_selected_by_option_and_by_argument() {
    let server = Server::answering(json(r#"{"code":"0","data":{"total":0,"list":[]}}"#));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let table = |name: &str| {
        format!(
            "[sugon.{name}]\nendpoint = '{}'\ntoken_env = 'LAB_TOKEN'\n",
            server.origin()
        )
    };
    std::fs::write(&path, table("lab") + &table("prod")).unwrap();
    let requested = |more: &[&str]| -> Vec<String> {
        let config = ["--config", path.to_str().unwrap()];
        let run = sugon(&server.origin(), &[&config[..], more].concat())
            .env("LAB_TOKEN", TOKEN)
            .run();
        assert_eq!(run.code, 0, "{}", run.stdout);
        let json = run.json();
        let accounts = json["accounts"].as_array().unwrap().iter();
        accounts
            .map(|one| one["profile"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(requested(&[]), ["default", "lab", "prod"]);
    assert_eq!(requested(&["-p", "prod"]), ["prod"]);
    assert_eq!(requested(&["sugon@lab"]), ["lab"]);
    assert_eq!(requested(&["sugon@lab", "scnet@prod"]), ["lab", "prod"]);
    assert_eq!(requested(&["scnet"]), ["default", "lab", "prod"]);
}

#[test]
fn insecure_skip_verify_for_a_public_cloud_fails_the_settings_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[sugon.default]\ninsecure_skip_verify = true\n").unwrap();
    let run = sugon("https://ai.scnet.cn", &["--config", path.to_str().unwrap()]).run();
    let failed = failure(&run);
    failed
        .is("settings", "usage", 2)
        .contains("a host of a public cloud");
    assert!(failed.before.is_empty(), "{failed:#?}");
}

#[test]
fn an_overridden_source_is_listed_as_not_used() {
    let server = Server::answering(json(r#"{"code":"0","data":{"total":0,"list":[]}}"#));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[sugon.default]\ntoken_env = 'OTHER'\n").unwrap();
    let run = sugon(&server.origin(), &["--config", path.to_str().unwrap()])
        .env("OTHER", "x")
        .run();
    let checks = account(&run)["checks"].clone();
    let message = checks[0]["message"].as_str().unwrap();
    assert!(message.ends_with("; not used: config file"), "{message}");
}
