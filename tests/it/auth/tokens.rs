//! Credentials that are fetched, expire or are rotated.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::settings::{Config, profile};
use crate::support::emulated::{Emulated, passed_on};
use crate::support::jobs::{CLOUDS, IMAGE_JOB, INSTANCE, JOB, SERVICE, WORLD};
use crate::support::{Server, joblens, json};

const SECRET_KEYS: [&str; 4] = [
    "access_key_secret",
    "token",
    "secret_access_key",
    "secret_key",
];

/// Moves the secret of a profile into a separate file; returns the settings and the secret.
fn in_a_file(toml: &str, key: &str) -> (String, String) {
    let begins = format!("{key} = ");
    let line = toml.lines().find(|line| line.starts_with(&begins)).unwrap();
    let secret = line.split('\'').nth(1).unwrap().to_owned();
    let named = format!("{key}_file = 'secret.txt'");
    (toml.replace(line, &named), secret)
}

/// Writes a secret like secret stores do: to a new file that is then renamed.
pub fn rotate(path: &Path, secret: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, secret).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(beside, path).unwrap();
}

/// Starts a cloud whose secret is rotated during the first call.
fn rotating(origin: String, path: PathBuf, secret: String) -> Server {
    Server::start(move |number, got, stream| {
        if number == 0 {
            rotate(&path, &secret);
        }
        let response = passed_on(&origin, &got.head, stream);
        let _ = stream.write_all(&response);
    })
}

#[test]
fn a_refused_secret_is_read_again_from_a_rotated_file() {
    for ((cloud, reference), key) in CLOUDS.iter().zip(SECRET_KEYS) {
        let emulated = Emulated::start(WORLD);
        let (toml, secret) = in_a_file(&profile(&emulated, cloud, "default"), key);
        let config = Config::new(&toml);
        let path = config.write("joblens/secret.txt", "an-old-secret-of-mine", 0o600);
        let server = rotating(emulated.origin.clone(), path, secret.clone());
        let toml = toml.replace(&emulated.origin, &server.origin());
        config.write("joblens/config.toml", &toml, 0o600);
        let run = config
            .get(&[reference])
            .with_secret("an-old-secret")
            .with_secret(&secret)
            .run();
        assert_eq!(run.code, 0, "{cloud}: {}", run.stderr);
        assert_eq!(emulated.answers_of(cloud).len(), 2, "{cloud}");
    }
}

#[test]
fn a_refused_secret_of_an_unchanged_file_is_sent_only_once() {
    let emulated = Emulated::start(WORLD);
    for ((cloud, reference), key) in CLOUDS.iter().zip(SECRET_KEYS) {
        let (toml, _) = in_a_file(&profile(&emulated, cloud, "default"), key);
        let config = Config::new(&toml);
        config.write("joblens/secret.txt", "an-old-secret-of-mine", 0o600);
        let run = config.get(&[reference]).with_secret("an-old-secret").run();
        assert_eq!(run.error()["category"], "unauthenticated", "{cloud}");
        assert_eq!(emulated.answers_of(cloud).len(), 1, "{cloud}");
    }
}

#[test]
fn a_token_rejected_during_a_wait_is_read_again_from_its_file() {
    let config = Config::new("");
    let path = config.write("joblens/secret.txt", "first-token", 0o600);
    let server = Server::start(move |number, got, stream| {
        let word = match (number, got.header("token")) {
            (0 | 1, Some("first-token")) => "Running",
            (2, _) => {
                rotate(&path, "second-token");
                let _ = stream.write_all(&json(r#"{"code":"10008","msg":"权限不足"}"#));
                return;
            }
            (_, Some("second-token")) => "Completed",
            (_, token) => panic!("{token:?}"),
        };
        let id = got.target().split('/').nth(5).unwrap();
        let body = format!(r#"{{"code":"0","data":{{"id":"{id}","status":"{word}"}}}}"#);
        let _ = stream.write_all(&json(body));
    });
    let toml = format!(
        "[sugon.default]\nendpoint = '{}'\ntoken_file = 'secret.txt'\n",
        server.origin()
    );
    let path = config.write("joblens/config.toml", &toml, 0o600);
    let config = path.to_str().unwrap();
    let run = joblens(&[
        "wait",
        "-o",
        "json",
        "--interval",
        "50ms",
        "--config",
        config,
        INSTANCE,
    ])
    .with_secret("first-token")
    .with_secret("second-token")
    .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(server.received().len(), 4);
}

/// Returns settings of Sugon with a key pair; all others are fetched.
fn key_pair(emulated: &Emulated, secret: &str) -> String {
    let origin = &emulated.origin;
    format!(
        "[sugon.default]\nauth_endpoint = '{origin}'\nplatform_endpoint = '{origin}'\nuser = 'a\"b\\c'\naccess_key = 'testid'\nsecret_key = '{secret}'\n"
    )
}

#[test]
fn a_key_pair_of_sugon_is_exchanged_for_a_token_and_its_host_is_found() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new(&key_pair(&emulated, "testsecret"));
    let run = config
        .get(&["-v", INSTANCE])
        .with_secret("testsecret")
        .run();
    assert_eq!(run.job()["state"], "canceled", "{}", run.stderr);
    assert_eq!(
        operations(&emulated),
        ["GetUserTokens", "GetCenterInfo", "InstanceServiceDetail"]
    );
    // Tokens begin with this prefix. No part of them is shown.
    assert!(!run.stderr.contains("eyJ"), "{}", run.stderr);
}

#[test]
fn a_refused_key_pair_is_sent_once_and_reported_as_a_token_service_error() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new(&key_pair(&emulated, "some-wrong-secret"));
    let run = config
        .get(&[INSTANCE])
        .with_secret("some-wrong-secret")
        .run();
    assert_eq!(run.code, 4);
    assert_eq!(run.error()["code"], "10009");
    assert_eq!(run.error()["operation"], "GetUserTokens");
    assert_eq!(emulated.accesses().len(), 1);
}

/// Returns the requested operations in order.
fn operations(emulated: &Emulated) -> Vec<String> {
    let accesses = emulated.accesses().into_iter();
    accesses.filter_map(|access| access.operation).collect()
}

/// Returns settings of Huawei with this credential; the project is fetched.
fn huawei(emulated: &Emulated, credential: &str) -> Config {
    let origin = &emulated.origin;
    Config::new(&format!(
        "[huawei.default]\nregion = 'cn-north-4'\nendpoint = '{origin}'\niam_endpoint = '{origin}'\n{credential}\n"
    ))
}

#[test]
fn a_password_of_huawei_is_exchanged_for_a_token() {
    let emulated = Emulated::start(WORLD);
    let user = "user = 'testid'\npassword = 'testsecret'\ndomain = '公司'";
    let config = huawei(&emulated, user);
    let run = config
        .get(&["-v", IMAGE_JOB])
        .with_secret("testsecret")
        .run();
    assert_eq!(run.job()["state"], "failed", "{}", run.stderr);
    let requested = ["KeystoneCreateUserTokenByPassword", "ShowImageJob"];
    assert_eq!(operations(&emulated), requested);
    // Tokens begin with this prefix. No part of them is shown.
    assert!(!run.stderr.contains("MII"), "{}", run.stderr);
}

#[test]
fn role_credentials_come_from_sts_the_metadata_service_or_both() {
    const KEY: &str = "access_key_id = 'testid'\naccess_key_secret = 'testsecret'\nrole_arn = 'acs:ram::1:role/reader'\n";
    const MACHINE: &str = "source = 'metadata'\n";
    let both = [MACHINE, "role_arn = 'acs:ram::1:role/reader'\n"].concat();
    let emulated = Emulated::start(WORLD);
    let of_machine = ["MetadataToken", "MetadataRole", "MetadataCredentials"];
    for (cloud, reference, settings, requested) in [
        ("aliyun", JOB, KEY, vec!["AssumeRole"]),
        ("aliyun", JOB, MACHINE, of_machine.to_vec()),
        (
            "aliyun",
            JOB,
            &both,
            [&of_machine[..], &["AssumeRole"]].concat(),
        ),
        ("tencent", SERVICE, MACHINE, of_machine[1..].to_vec()),
        (
            "huawei",
            IMAGE_JOB,
            MACHINE,
            vec![of_machine[0], of_machine[2]],
        ),
    ] {
        let origin = &emulated.origin;
        let region = if cloud == "huawei" {
            "cn-north-4"
        } else {
            "ap-guangzhou"
        };
        let hosts = match cloud {
            "aliyun" => format!("sts_endpoint = '{origin}'\n"),
            "huawei" => format!("iam_endpoint = '{origin}'\n"),
            _ => String::new(),
        };
        let config = Config::new(&format!(
            "[{cloud}.default]\nregion = '{region}'\nendpoint = '{origin}'\nmetadata_endpoint = '{origin}'\n{hosts}{settings}"
        ));
        let before = operations(&emulated).len();
        let run = config
            .get(&["-v", reference])
            .with_secret("testsecret")
            .run();
        assert_eq!(run.code, 0, "{cloud}: {}", run.stderr);
        let steps = operations(&emulated).split_off(before);
        assert_eq!(steps[..requested.len()], requested, "{cloud}");
        // No part of a token or key is shown.
        for begins in ["STS.", "AKID", "HST3", "/+=="] {
            assert!(!run.stderr.contains(begins), "{begins}: {}", run.stderr);
        }
    }
}

#[test]
fn role_keys_are_cached_between_runs_unless_the_machine_assumes_the_role() {
    const KEY: &str = "access_key_id = 'testid'\naccess_key_secret = 'testsecret'\nrole_arn = 'acs:ram::1:role/reader'";
    for (settings, of_second_run) in [
        (KEY, &["DescribeServerlessJobs"][..]),
        (
            "source = 'metadata'\nrole_arn = 'acs:ram::1:role/reader'",
            &[
                "MetadataToken",
                "MetadataRole",
                "MetadataCredentials",
                "AssumeRole",
            ],
        ),
    ] {
        let emulated = Emulated::start(WORLD);
        let origin = &emulated.origin;
        let config = Config::new(&format!(
            "[aliyun.default]\nregion = 'cn-x'\nendpoint = '{origin}'\nsts_endpoint = '{origin}'\nmetadata_endpoint = '{origin}'\ntoken_cache = true\n{settings}\n"
        ));
        let cache = tempfile::tempdir().unwrap();
        let mut before = 0;
        for _ in 0..2 {
            before = operations(&emulated).len();
            let run = config.get(&["-v", JOB]).with_secret("testsecret");
            let run = run
                .env("XDG_CACHE_HOME", cache.path().to_str().unwrap())
                .run();
            assert_eq!(run.code, 0, "{}", run.stderr);
            assert!(!run.stderr.contains("/+=="), "{}", run.stderr);
        }
        let steps = operations(&emulated).split_off(before);
        assert_eq!(steps[..of_second_run.len()], *of_second_run);
    }
}

#[test]
fn a_key_that_sts_rejects_is_reported_with_the_role() {
    let emulated = Emulated::start(WORLD);
    let origin = &emulated.origin;
    let config = Config::new(&format!(
        "[aliyun.default]\nregion = 'cn-hangzhou'\nendpoint = '{origin}'\nsts_endpoint = '{origin}'\naccess_key_id = 'testid'\naccess_key_secret = 'some-wrong-secret'\nrole_arn = 'acs:ram::1:role/reader'\n"
    ));
    let run = config.get(&[JOB]).with_secret("some-wrong-secret").run();
    let error = run.error();
    assert_eq!(
        (run.code, &error["code"]),
        (4, &"SignatureDoesNotMatch".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("cannot assume acs:ram::1:role/reader: "),
        "{message}"
    );
    assert_eq!(operations(&emulated), ["AssumeRole"]);
}

#[test]
fn a_wrong_password_from_a_file_is_sent_only_once() {
    let emulated = Emulated::start(WORLD);
    let user = "user = 'testid'\npassword_file = 'secret.txt'\ndomain = 'd'";
    let config = huawei(&emulated, user);
    config.write("joblens/secret.txt", "a-wrong-password", 0o600);
    let run = config
        .get(&[IMAGE_JOB])
        .with_secret("a-wrong-password")
        .run();
    assert_eq!(run.code, 4);
    assert_eq!(
        run.error()["operation"],
        "KeystoneCreateUserTokenByPassword"
    );
    assert_eq!(emulated.accesses().len(), 1);
}

#[test]
fn the_huawei_project_of_a_key_is_looked_up_by_its_region() {
    let emulated = Emulated::start(WORLD);
    let key = "access_key_id = 'testid'\nsecret_access_key = 'testsecret'";
    let config = huawei(&emulated, key);
    let run = config.get(&[IMAGE_JOB]).with_secret("testsecret").run();
    assert_eq!(run.job()["state"], "failed", "{}", run.stderr);
    let requested = ["KeystoneListProjects", "ShowImageJob"];
    assert_eq!(operations(&emulated), requested);
}

#[test]
fn a_refused_secret_for_fetching_a_token_is_read_again_from_its_file() {
    for (cloud, reference, credential, host, operation) in [
        (
            "aliyun",
            JOB,
            "region = 'cn-x'\naccess_key_id = 'testid'\naccess_key_secret_file = 'secret.txt'\nrole_arn = 'acs:ram::1:role/r'",
            "sts_endpoint",
            "AssumeRole",
        ),
        (
            "sugon",
            INSTANCE,
            "user = 'bob'\naccess_key = 'testid'\nsecret_key_file = 'secret.txt'",
            "auth_endpoint",
            "GetUserTokens",
        ),
        (
            "huawei",
            IMAGE_JOB,
            "region = 'cn-north-4'\nuser = 'testid'\ndomain = 'd'\npassword_file = 'secret.txt'",
            "iam_endpoint",
            "KeystoneCreateUserTokenByPassword",
        ),
    ] {
        let emulated = Emulated::start(WORLD);
        let config = Config::new("");
        let path = config.write("joblens/secret.txt", "an-old-secret-of-mine", 0o600);
        let server = rotating(emulated.origin.clone(), path, "testsecret".to_owned());
        let toml = format!(
            "[{cloud}.default]\nendpoint = '{}'\n{host} = '{}'\n{credential}\ntoken_cache = true\n",
            emulated.origin,
            server.origin()
        );
        config.write("joblens/config.toml", &toml, 0o600);
        let cache = tempfile::tempdir().unwrap();
        let run = || {
            config
                .get(&["-v", reference])
                .with_secret("an-old-secret")
                .with_secret("testsecret")
                .env("XDG_CACHE_HOME", cache.path().to_str().unwrap())
                .run()
        };
        let first = run();
        assert_eq!(first.code, 0, "{cloud}: {}", first.stderr);
        assert_eq!(operations(&emulated)[..2], [operation; 2], "{cloud}");
        // No token that was issued for the new secret is stored for the old one.
        let kept = || {
            let found = fs::read_dir(cache.path().join("joblens/tokens"));
            found.map_or(0, Iterator::count)
        };
        assert_eq!(kept(), 0, "{cloud}");
        for _ in 0..2 {
            assert_eq!(run().code, 0, "{cloud}");
            assert_eq!(kept(), 1, "{cloud}");
        }
        let requested = operations(&emulated).into_iter();
        assert_eq!(
            requested.filter(|one| one == operation).count(),
            3,
            "{cloud}"
        );
    }
}
