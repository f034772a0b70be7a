//! Sources of keys and tokens, and invalid ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::config::settings::{Config, assert_usage, profile};
use crate::support::emulated::Emulated;
use crate::support::jobs::{CLOUDS, IMAGE_JOB, INSTANCE, JOB, SERVICE, WORLD};

#[test]
fn settings_can_be_read_from_a_named_variable_or_file() {
    let emulated = Emulated::start(WORLD);
    let origin = &emulated.origin;
    let toml = format!(
        "[aliyun.prod]\nendpoint = '{origin}'\nregion_env = 'MY_REGION'\naccess_key_id_env = 'MY_ID'\naccess_key_secret_file = 'key.txt'\n"
    );
    let config = Config::new(&toml);
    config.write("joblens/key.txt", "testsecret\r\n", 0o600);
    let get = || config.get(&["-p", "prod", JOB]).env("MY_ID", "testid");
    let run = get().env("MY_REGION", "cn-hangzhou").run();
    assert_eq!(run.job()["region"], "cn-hangzhou");
    let unset = get().run();
    assert_usage(&unset, "refers to the variable MY_REGION, which is not set");
    fs::remove_file(config.folder.path().join("joblens/key.txt")).unwrap();
    assert_usage(
        &get().env("MY_REGION", "cn-hangzhou").run(),
        "joblens/key.txt, which cannot be read (no such file)",
    );
}

#[test]
fn a_config_file_with_a_secret_readable_by_others_is_refused() {
    let emulated = Emulated::start(WORLD);
    let toml = profile(&emulated, "sugon", "default");
    let config = Config::new(&toml);
    let path = config.write("joblens/config.toml", &toml, 0o640);
    let run = config.get(&[INSTANCE]).run();
    assert_usage(
        &run,
        "contains a secret and is readable by others (mode 640)",
    );
    assert_eq!(
        run.error()["hint"],
        format!("run: chmod 600 '{}'", path.display())
    );
    assert!(emulated.accesses().is_empty());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(config.get(&[INSTANCE]).run().code, 0);
}

#[test]
fn an_incomplete_credential_in_the_environment_is_an_error() {
    let emulated = Emulated::start(WORLD);
    let toml = CLOUDS
        .map(|(cloud, _)| profile(&emulated, cloud, "default"))
        .concat();
    let config = Config::new(&toml);
    for (reference, variable) in [
        (JOB, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (JOB, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        (JOB, "ALIBABA_CLOUD_SECURITY_TOKEN"),
        (IMAGE_JOB, "HUAWEICLOUD_SDK_AK"),
        (IMAGE_JOB, "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        (SERVICE, "TENCENTCLOUD_SECRET_KEY"),
        (SERVICE, "TENCENTCLOUD_TOKEN"),
    ] {
        let run = config.get(&[reference]).env(variable, "half").run();
        assert_eq!(
            (&run.error()["category"], run.code),
            (&json!("missing_credentials"), 4),
            "{variable}"
        );
    }
    assert!(emulated.accesses().is_empty());
    assert_eq!(
        config
            .get(&[JOB])
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", " ")
            .run()
            .code,
        2,
        "blank is not unset"
    );
}

#[test]
fn a_key_may_end_with_a_line_break_but_not_contain_a_space() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .get(&[JOB])
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret\r\n")
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = emulated
        .get(&[JOB])
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test hunter2")
        .with_secret("hunter2")
        .run();
    assert_usage(
        &run,
        "access_key_secret of profile 'default' (aliyun) contains whitespace (from ALIBABA_CLOUD_ACCESS_KEY_SECRET)",
    );
}
