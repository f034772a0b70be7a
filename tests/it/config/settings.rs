//! Profiles, the sources of their values, and settings that are rejected.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::json;

use crate::support::emulated::Emulated;
use crate::support::jobs::{CLOUDS, INSTANCE, JOB, WORLD};
use crate::support::{Joblens, Run, joblens};

/// A folder with a config file that only its owner can read.
pub struct Config {
    pub folder: tempfile::TempDir,
}

impl Config {
    pub fn new(toml: &str) -> Self {
        let config = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        config.write("joblens/config.toml", toml, 0o600);
        config
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub fn path(&self) -> String {
        self.folder
            .path()
            .join("joblens/config.toml")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Runs `get` in JSON with this file and an empty environment.
    pub fn get(&self, arguments: &[&str]) -> Joblens {
        let mut all = vec!["get", "-o", "json", "--config"];
        let path = self.path();
        all.push(&path);
        all.extend_from_slice(arguments);
        joblens(&all)
    }
}

/// Returns the settings of one cloud with which a run uses the emulator.
pub fn profile(emulated: &Emulated, cloud: &str, name: &str) -> String {
    let origin = &emulated.origin;
    let token = emulated
        .environment()
        .into_iter()
        .find(|(name, _)| name == "JOBLENS_SUGON_TOKEN")
        .unwrap()
        .1;
    let credential = match cloud {
        "aliyun" => "region = 'cn-hangzhou'\naccess_key_id = 'testid'\naccess_key_secret = 'testsecret'".to_owned(),
        "sugon" => format!("token = '{token}'"),
        "huawei" => "region = 'cn-north-4'\nproject_id = 'a4da8115c9d8464ead3a38309130523f'\naccess_key_id = 'testid'\nsecret_access_key = 'testsecret'".to_owned(),
        _ => "region = 'gz'\nsecret_id = 'testid'\nsecret_key = 'testsecret'".to_owned(),
    };
    format!("[{cloud}.{name}]\nendpoint = '{origin}'\n{credential}\n")
}

pub fn assert_usage(run: &Run, message: &str) {
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(run.error()["category"], "usage");
    assert!(run.stderr.contains(message), "{message}: {}", run.stderr);
}

#[test]
fn every_cloud_can_be_configured_by_the_file_only() {
    let emulated = Emulated::start(WORLD);
    let toml = CLOUDS
        .map(|(cloud, _)| profile(&emulated, cloud, "default"))
        .concat();
    let config = Config::new(&toml);
    let run = config.get(&CLOUDS.map(|(_, reference)| reference)).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["jobs"][0]["region"], "cn-hangzhou");
    assert_eq!(run.json()["jobs"][3]["region"], "gz");
    let refused = config.get(&["aliyun/job/other/5"]).run();
    assert!(
        refused.stderr.contains("key te… (config file)"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_config_file_is_found_by_option_variable_or_xdg_folder_in_order() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new(&profile(&emulated, "sugon", "default"));
    let folder = config.folder.path().to_str().unwrap();
    let get = || joblens(&["get", "-o", "json", INSTANCE]);
    assert_eq!(get().env("XDG_CONFIG_HOME", folder).run().code, 0);
    assert_eq!(get().env("JOBLENS_CONFIG", config.path()).run().code, 0);
    let other = Config::new("[http]\nmax_attempts = 1\n");
    let run = get()
        .env("XDG_CONFIG_HOME", folder)
        .env("JOBLENS_CONFIG", other.path())
        .run();
    assert_eq!(
        (run.code, &run.error()["category"]),
        (4, &json!("missing_credentials"))
    );
    assert_eq!(
        config
            .get(&[INSTANCE])
            .env("JOBLENS_CONFIG", other.path())
            .run()
            .code,
        0
    );
    let missing = joblens(&[
        "get",
        "-o",
        "json",
        "--config",
        "/nonexistent/x.toml",
        INSTANCE,
    ])
    .run();
    assert_usage(&missing, "cannot read the config file /nonexistent/x.toml");
}

#[test]
fn a_profile_is_selected_by_reference_option_or_variable_in_this_order() {
    let emulated = Emulated::start(WORLD);
    let toml = ["prod", "test", "dev"]
        .map(|name| profile(&emulated, "sugon", name))
        .concat();
    let config = Config::new(&toml);
    let id = INSTANCE.rsplit('/').next().unwrap();
    let at_prod = format!("sugon@prod/instance/{id}");
    let run = config
        .get(&["-p", "test", &at_prod])
        .env("JOBLENS_PROFILE", "dev")
        .run();
    assert_eq!(
        (&run.job()["profile"], &run.job()["ref"]),
        (&json!("prod"), &json!(at_prod))
    );
    let run = config
        .get(&["-p", "test", INSTANCE])
        .env("JOBLENS_PROFILE", "dev")
        .run();
    assert_eq!(run.job()["profile"], "test");
    assert_eq!(run.job()["ref"], format!("sugon@test/instance/{id}"));
    let run = config.get(&[INSTANCE]).env("JOBLENS_PROFILE", "dev").run();
    assert_eq!(run.job()["profile"], "dev");
    let run = config.get(&[INSTANCE]).env("JOBLENS_PROFILE", "").run();
    assert_eq!((run.code, &run.error()["profile"]), (4, &json!("default")));
}

#[test]
fn a_named_profile_never_falls_back_to_the_environment() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new("[aliyun.prod]\nregion = 'cn-hangzhou'\n");
    let path = config.path();
    for (profile, cause) in [
        ("prod", "missing access key for "),
        ("other", "has no profile 'other'; available: prod"),
    ] {
        let run = emulated.get(&["--config", &path, "-p", profile, JOB]).run();
        let error = run.error();
        assert_eq!(
            (&error["category"], run.code),
            (&json!("missing_credentials"), 4),
            "{error:#}"
        );
        assert!(
            error["message"].as_str().unwrap().contains(cause),
            "{error:#}"
        );
        assert!(
            error["hint"]
                .as_str()
                .unwrap()
                .contains(&format!("[aliyun.{profile}]")),
            "{error:#}"
        );
    }
    let run = emulated.get(&["-p", "prod", INSTANCE]).run();
    assert_eq!(
        (run.code, &run.error()["category"]),
        (4, &json!("missing_credentials"))
    );
    assert!(emulated.accesses().is_empty());
}

#[test]
fn one_command_can_use_two_profiles_of_a_cloud() {
    let emulated = Emulated::start(WORLD);
    let other = Emulated::start(
        "[[job]]\nref = 'aliyun/job/C/5'\nstates = [{ after = '0s', state = 'Pending' }]\n",
    );
    let config = Config::new(
        &(profile(&emulated, "aliyun", "default") + &profile(&other, "aliyun", "'生产'")),
    );
    let run = config.get(&[JOB, "aliyun@生产/job/C/5"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let json = run.json();
    assert_eq!(json["jobs"][1]["state"], "pending");
    assert_eq!(json["jobs"][1]["profile"], "生产");
    let canonical = json["jobs"][1]["ref"].as_str().unwrap();
    assert_eq!(canonical, "aliyun@%E7%94%9F%E4%BA%A7/job/C/5");
    assert_eq!(config.get(&[canonical]).run().job()["ref"], canonical);
}

#[test]
fn unknown_settings_of_the_file_are_reported_with_their_lines() {
    let cases = [
        (
            "[aliyun.default]\nregoin = 'x'\n",
            "config.toml:2:1: unknown key 'regoin' in aliyun; did you mean 'region'?",
        ),
        (
            "\n\n[azure.default]\n",
            "config.toml:3:2: unknown table 'azure'",
        ),
        (
            "[http]\nretries = 3\n",
            "config.toml:2:1: unknown key 'retries' in [http]",
        ),
        (
            "[aliyun.default\n",
            "config.toml:1:16: invalid table header",
        ),
        (
            "[states.\"aliyun/job\"]\nDone = 'succeeded'\n",
            "config.toml:2:1: states cannot be mapped to succeeded",
        ),
        (
            "[states.\"tencent/service\"]\nDone = 'failed'\n",
            "config.toml:1:9: unknown kind 'tencent/service'",
        ),
    ];
    for (toml, message) in cases {
        assert_usage(&Config::new(toml).get(&[JOB]).run(), message);
    }
}

#[test]
fn network_settings_are_read_from_the_file_and_options_come_first() {
    let fault = "[[fault]]\noperation = '*'\nkind = 'status'\nstatus = 503\nretry_after = '0s'\n";
    let emulated = Emulated::start(&format!("{WORLD}{fault}"));
    let config = Config::new("[http]\nmax_attempts = 3\nrequest_timeout = '2s'\nconcurrency = 1\n");
    let path = config.path();
    let run = emulated.get(&["--config", &path, JOB]).run();
    assert_eq!((run.code, &run.error()["attempts"]), (5, &json!(3)));
    let run = emulated
        .get(&["--config", &path, "--max-attempts", "1", JOB])
        .run();
    assert_eq!(run.error()["attempts"], 1);
    for (toml, message) in [
        (
            "[http]\nmax_attempts = 0\n",
            "joblens/config.toml:2:16: invalid value '0' for max_attempts: expected a whole number from 1 to 1000",
        ),
        (
            "[http]\nrequest_timeout = 5\n",
            "joblens/config.toml:2:19: invalid value '5' for request_timeout: missing unit",
        ),
        (
            "[http]\nmax_body = '64MB'\n",
            "joblens/config.toml:2:12: invalid value '64MB' for max_body",
        ),
        (
            "[http]\nallow_http = 'maybe'\n",
            "joblens/config.toml:2:14: invalid value 'maybe' for allow_http",
        ),
    ] {
        assert_usage(&Config::new(toml).get(&[JOB]).run(), message);
    }
    let wrong = emulated.get(&["--connect-timeout", "5", JOB]).run();
    assert_usage(
        &wrong,
        "invalid value '5' for --connect-timeout: missing unit",
    );
    let unconfigured = joblens(&["list", "-o", "json", "--concurrency", "0"]).run();
    assert_usage(&unconfigured, "invalid value '0' for --concurrency");
}

#[test]
fn plain_http_beyond_loopback_must_be_allowed() {
    let run = joblens(&["get", "-o", "json", INSTANCE])
        .env("JOBLENS_SUGON_ENDPOINT", "http://ai.example.com")
        .env("JOBLENS_SUGON_TOKEN", "t")
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("--allow-http"), "{}", run.stderr);
}

#[test]
fn an_unknown_state_word_can_be_mapped_in_the_config_file() {
    let scenario = "[[job]]\nref = 'aliyun/job/C/5'\nstates = [{ after = '0s', state = 'Suspended', unrecognized = true }]\n";
    let emulated = Emulated::start(scenario);
    let unmapped = emulated.get(&["aliyun/job/C/5"]).run();
    assert_eq!(unmapped.job()["state"], "unknown");
    assert_eq!(unmapped.json()["notices"][0]["code"], "unknown_state");
    assert!(unmapped.stderr.contains("Suspended"), "{}", unmapped.stderr);
    let config = Config::new("[states.\"aliyun/job\"]\nsuspended = 'stopping'\n");
    let mapped = emulated
        .get(&["--config", &config.path(), "aliyun/job/C/5"])
        .run();
    let job = mapped.job();
    assert_eq!(
        (&job["state"], &job["state_raw"], &job["ended"]),
        (&json!("stopping"), &json!("Suspended"), &json!(false))
    );
    assert_eq!(mapped.json()["notices"], json!([]));
}

#[test]
fn variables_override_the_file_for_the_default_profile() {
    let emulated = Emulated::start(WORLD);
    let dead = "[aliyun.default]\nendpoint = 'http://127.0.0.1:9'\nregion = 'cn-beijing'\naccess_key_id = 'x'\naccess_key_secret = 'y'\ncluster = 'ehpc-hz-FYUr32'\n";
    let config = Config::new(dead);
    let job = emulated
        .get(&["--config", &config.path(), "aliyun/job/train-7"])
        .run()
        .job();
    assert_eq!(
        (&job["region"], &job["ref"]),
        (&json!("cn-hangzhou"), &json!(JOB))
    );
    let job = emulated
        .get(&["--config", &config.path(), JOB])
        .env("JOBLENS_ALIYUN_REGION", "cn-shanghai")
        .run()
        .job();
    assert_eq!(job["region"], "cn-shanghai");
}

#[test]
fn a_config_file_that_cannot_be_parsed_has_an_error_with_the_cause() {
    for (toml, message) in [
        (
            "[http]\nconcurrency = 1.5\n",
            "expected a whole number from 1 to 1000",
        ),
        ("# \0\n", "config.toml:1:3: the control character U+0000"),
    ] {
        let run = Config::new(toml).get(&[JOB]).run();
        assert_usage(&run, message);
        assert!(!run.stderr.contains("UTF-16"), "{}", run.stderr);
    }
    let run = joblens(&["get", "-o", "json", "--config", "/proc/self/mem", JOB]).run();
    assert_usage(&run, "(Input/output error)");
}
