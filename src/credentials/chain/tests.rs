use std::fs;
use std::path::PathBuf;

use super::*;
use crate::credentials::test_support;
use crate::error::Category;
use crate::settings::{Environment, SettingSpec};

const SCHEMA: SettingsSchema = SettingsSchema {
    cloud: "aliyun",
    keys: &[
        SettingSpec::setting("region", &["ALIBABA_CLOUD_REGION_ID"]),
        SettingSpec::id("access_key_id", &["ALIBABA_CLOUD_ACCESS_KEY_ID"]),
        SettingSpec::secret("access_key_secret", &["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]),
        SettingSpec::secret("security_token", &["ALIBABA_CLOUD_SECURITY_TOKEN"]),
    ],
    all_public_domains: || &[],
    variable_prefixes: &[],
    client_cert_is_credential: false,
};

fn settings(toml: &str, environment: &[(&str, &str)]) -> Result<CredentialChain, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    test_support::write_secret(&path, toml);
    let pairs = environment
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_string()));
    Settings::load(Some(path), Environment::new(pairs), &[&SCHEMA], &[]).map(test_support::chain)
}

#[test]
fn the_environment_takes_precedence_over_the_file_for_the_default_profile() {
    let toml = "[aliyun.default]\nregion = 'cn-a'\nendpoint = 'https://f'\n";
    let all = settings(
        toml,
        &[
            ("ALIBABA_CLOUD_REGION_ID", "cn-b"),
            ("JOBLENS_ALIYUN_REGION", "cn-c"),
        ],
    );
    let profile = all.unwrap().profile(&SCHEMA, "default").unwrap();
    assert_eq!(profile.get("region"), Some("cn-c"));
    assert_eq!(profile.get("endpoint"), Some("https://f"));
}

#[test]
fn a_credential_is_never_mixed_from_several_sources() {
    let toml = "[aliyun.default]\naccess_key_id='f'\naccess_key_secret='fs'\nsecurity_token='ft'\n";
    let environment = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "e"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "es\n"),
    ];
    let profile = settings(toml, &environment)
        .unwrap()
        .profile(&SCHEMA, "default")
        .unwrap();
    assert_eq!(profile.get("access_key_secret"), Some("es"));
    assert_eq!(profile.get("security_token"), None);
}

#[test]
fn a_named_profile_uses_only_its_own_settings() {
    let environment = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "e"),
        ("JOBLENS_ALIYUN_REGION", "cn-e"),
        ("K", "from-env"),
    ];
    let all = settings("[aliyun.prod]\naccess_key_id_env = 'K'\n", &environment).unwrap();
    let profile = all.profile(&SCHEMA, "prod").unwrap();
    assert_eq!(profile.get("access_key_id"), Some("from-env"));
    assert_eq!(profile.get("region"), None);
    let problem = all.profile(&SCHEMA, "stage").unwrap_err();
    assert_eq!(problem.category, Category::MissingCredentials);
    assert!(problem.message.contains("prod"), "{}", problem.message);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let all = settings(
        "[aliyun.default]\nregion = 'cn-a'\n",
        &[("ALIBABA_CLOUD_REGION_ID", " ")],
    );
    assert_eq!(
        all.unwrap()
            .profile(&SCHEMA, "default")
            .unwrap()
            .get("region"),
        Some("cn-a")
    );
}

#[test]
fn a_relative_ca_file_is_resolved_from_the_folder_of_the_settings_file() {
    let toml = "[aliyun.default]\nca_file = 'ca.pem'\n[aliyun.home]\nca_file = '~/ca.pem'\n[aliyun.none]\nca_file = ''\n";
    let all = settings(toml, &[("HOME", "/home/x")]).unwrap();
    let of = |name| {
        all.profile(&SCHEMA, name)
            .unwrap()
            .get("ca_file")
            .map(PathBuf::from)
    };
    let beside = all
        .settings()
        .file()
        .path()
        .parent()
        .unwrap()
        .join("ca.pem");
    assert_eq!(of("default"), Some(beside));
    assert_eq!(of("home"), Some(PathBuf::from("/home/x/ca.pem")));
    assert_eq!(of("none"), None);
}

#[test]
fn a_secret_given_as_the_name_of_a_variable_is_not_shown() {
    let of = |name: &str| {
        let toml = format!("[aliyun.default]\naccess_key_secret_env = '{name}'\n");
        settings(&toml, &[])
            .unwrap()
            .profile(&SCHEMA, "default")
            .unwrap_err()
            .message
    };
    assert!(of("MY_SECRET").contains("MY_SECRET"));
    assert!(!of("hunter2Hunter2").contains("hunter2"));
}

#[test]
fn a_secret_file_must_be_a_regular_file_of_limited_size() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    // Opening a named pipe blocks until a process writes to it.
    let mut make = std::process::Command::new("mkfifo");
    assert!(make.arg(in_folder("pipe")).status().unwrap().success());
    let large = fs::File::create(in_folder("large")).unwrap();
    large.set_len(2 << 20).unwrap();
    for (name, reason) in [
        ("pipe", "not a regular file"),
        ("large", "it is too large"),
        ("none", "no such file"),
    ] {
        let path = in_folder(name);
        let toml = format!("[aliyun.default]\naccess_key_secret_file = {path:?}\n");
        let all = settings(&toml, &[]).unwrap();
        let problem = all.profile(&SCHEMA, "default").unwrap_err();
        assert_eq!(problem.category, Category::Usage);
        let expected = format!("which cannot be read ({reason})");
        assert!(problem.message.contains(&expected), "{}", problem.message);
    }
}

#[test]
fn rejects_keys_that_contain_whitespace() {
    let all = settings("", &[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "two words")]).unwrap();
    let problem = all.profile(&SCHEMA, "default").unwrap_err();
    assert!(problem.message.contains("contains whitespace"));
    assert!(!problem.message.contains("two words"));
}

#[test]
fn certificate_checks_cannot_be_disabled_by_an_environment_variable() {
    let name = "JOBLENS_ALIYUN_INSECURE_SKIP_VERIFY";
    let toml = "[aliyun.default]\nregion = 'cn-a'\n[aliyun.lab]\ninsecure_skip_verify = true\n";
    for value in ["true", "false"] {
        let all = settings(toml, &[(name, value)]).unwrap();
        let problem = all.profile(&SCHEMA, "default").unwrap_err();
        assert_eq!(problem.category, Category::Usage);
        assert!(problem.message.contains(name), "{}", problem.message);
        assert!(problem.hint.unwrap().contains("[aliyun.lab]"));
        let lab = all.profile(&SCHEMA, "lab").unwrap();
        assert_eq!(lab.get("insecure_skip_verify"), Some("true"));
    }
}
