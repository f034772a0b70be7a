//! `joblens demo` and `joblens emulate`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::config::settings::Config;
use crate::support::emulated::requests;
use crate::support::joblens;
use crate::support::jobs::{JOB, KINDS, WORLD};

const BINARY: &str = env!("CARGO_BIN_EXE_joblens");

#[test]
fn demo_shows_example_jobs_and_the_commands_to_emulate_them() {
    let run = joblens(&["demo"]).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let rows: Vec<&str> = run
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(rows.len(), 7, "{}", run.stdout);
    for (row, state) in rows[1..].iter().zip([
        "failed",
        "succeeded",
        "failed",
        "running",
        "failed",
        "unknown",
    ]) {
        assert_eq!(row.split_whitespace().nth(1), Some(state), "{row}");
    }
    for command in [
        " emulate\n",
        "emulate --print-env)\"\n",
        " get aliyun/job/ehpc-hz-FYUr32/train-7",
    ] {
        assert!(run.stdout.contains(command), "{command}: {}", run.stdout);
    }
}

#[test]
fn demo_ignores_settings_accounts_and_proxies() {
    let run = joblens(&["demo", "-o", "json", "-p", "prod"])
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "mine")
        .env("JOBLENS_ALIYUN_ENDPOINT", "http://127.0.0.1:9")
        .env("JOBLENS_PROFILE", "prod")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        (
            &run.json()["command"],
            run.json()["jobs"].as_array().unwrap().len()
        ),
        (&"demo".into(), 6)
    );
    assert!(run.stderr.contains("emulate --print-env"), "{}", run.stderr);
    assert_eq!(
        run.json()["jobs"][1]["ref"],
        "aliyun/job/ehpc-hz-FYUr32/10_3"
    );
}

#[test]
fn the_printed_scenario_is_the_built_in_one() {
    let run = joblens(&["emulate", "--print-scenario"]).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.toml");
    std::fs::write(&path, &run.stdout).unwrap();
    let printed = joblens::emulator::Scenario::read(&path).unwrap();
    assert_eq!(printed, joblens::emulator::Scenario::built_in().unwrap());
    let both = joblens(&["emulate", "--print-scenario", "--print-env"]).run();
    assert_eq!(both.code, 2, "{}", both.stderr);
}

/// A running emulator that ends with the test.
struct Served {
    child: Child,
    port: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["emulate", "--port", "0"])
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let port = first.rsplit(':').next().unwrap().to_owned();
        let second = lines.next().unwrap().unwrap();
        assert!(
            second.ends_with(&format!("emulate --print-env --port {port})\"")),
            "{second}"
        );
        // Its log must be read, or it would block when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exports(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(|line| {
            let (name, value) = line
                .strip_prefix("export ")
                .unwrap()
                .split_once('=')
                .unwrap();
            (name.to_owned(), value.trim_matches('\'').to_owned())
        })
        .collect()
}

#[test]
fn emulate_serves_clients_that_use_the_printed_variables() {
    let served = Served::start(&[]);
    let printed = joblens(&["emulate", "--print-env", "--port", &served.port]).run();
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let reference = "aliyun/invocation/ehpc-hz-FYUr32/c-hz01v8x80o4";
    let run = joblens(&["get", "-o", "json", reference, JOB])
        .envs(exports(&printed.stdout))
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["jobs"][0]["exit_code"], 2);
    let counted = requests(&format!("http://127.0.0.1:{}", served.port));
    assert_eq!(counted["aliyun/ListInvocationStatus"], 1);
    assert_eq!(counted["aliyun/ListInvocationResults"], 1);
    assert_eq!(counted["aliyun/DescribeServerlessJobs"], 1);
    let taken = joblens(&["emulate", "--port", &served.port]).run();
    assert_eq!(taken.code, 2);
    assert!(
        taken.stderr.contains("cannot listen on") && taken.stderr.contains("--port"),
        "{}",
        taken.stderr
    );
}

#[test]
fn emulate_serves_a_scenario_file_and_reports_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, WORLD).unwrap();
    let served = Served::start(&["--scenario", path.to_str().unwrap()]);
    let environment = joblens::emulator::environment(&format!("http://127.0.0.1:{}", served.port));
    let mut arguments = vec!["get", "-o", "json"];
    arguments.extend(KINDS);
    let run = joblens(&arguments).envs(environment).run();
    assert_eq!(
        (run.code, run.json()["jobs"].as_array().unwrap().len()),
        (0, 5)
    );
    std::fs::write(&path, "[[job]]\nref = 'aliyun/job/C/1'\nsates = []\n").unwrap();
    let wrong = joblens(&[
        "emulate",
        "--port",
        "0",
        "--scenario",
        path.to_str().unwrap(),
    ])
    .run();
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("mine.toml:3: "), "{}", wrong.stderr);
}

#[test]
fn print_env_prints_lines_that_a_shell_can_evaluate() {
    let run = joblens(&["emulate", "--print-env"]).run();
    assert_eq!(run.code, 0);
    let origins = run
        .stdout
        .lines()
        .filter(|line| line.ends_with("_ENDPOINT='http://127.0.0.1:7411'"))
        .count();
    assert!(origins > 12, "{}", run.stdout);
    let shell = Command::new("sh")
        .args([
            "-c",
            "eval \"$1\" && printf %s \"$JOBLENS_SUGON_ENDPOINT\"",
            "sh",
            &run.stdout,
        ])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(shell.stdout, b"http://127.0.0.1:7411");
}

/// Returns the environment of a typical user: accounts, profiles and hosts of the real clouds in every form.
fn busy_shell(config: &str) -> Vec<(&'static str, String)> {
    let canary = "http://127.0.0.1:9";
    let mut shell: Vec<_> = [
        "JOBLENS_ALIYUN_ENDPOINT",
        "JOBLENS_HUAWEI_IAM_ENDPOINT",
        "HUAWEICLOUD_SDK_IAM_ENDPOINT",
        "ALIBABA_CLOUD_STS_ENDPOINT",
        "JOBLENS_SUGON_AUTH_ENDPOINT",
        "JOBLENS_SUGON_PLATFORM_ENDPOINT",
        "JOBLENS_TENCENT_METADATA_ENDPOINT",
    ]
    .map(|name| (name, canary.to_owned()))
    .to_vec();
    shell.extend(
        [
            ("JOBLENS_CONFIG", config),
            ("JOBLENS_PROFILE", "prod"),
            ("JOBLENS_ALIYUN_SOURCE", "aliyun-cli"),
            ("JOBLENS_HUAWEI_SOURCE", "metadata"),
            ("ALIBABA_CLOUD_SECURITY_TOKEN", "real-token-r1"),
            ("ALICLOUD_ACCESS_KEY", "LTAIreal"),
            ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "real-token-r1"),
            ("JOBLENS_HUAWEI_TOKEN", "real-token-r1"),
            ("JOBLENS_HUAWEI_USER", "real"),
            ("JOBLENS_SUGON_ACCESS_KEY", "real"),
            ("JOBLENS_SUGON_SECRET_KEY", "real-secret-r2"),
            ("TENCENTCLOUD_TOKEN", "real-token-r1"),
            ("JOBLENS_ALIYUN_CLUSTER", "ehpc-mine"),
            ("JOBLENS_ALIYUN_REGION", "cn-beijing"),
            ("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::1:role/real"),
            ("JOBLENS_HUAWEI_WORKSPACE", "mine"),
            ("JOBLENS_HUAWEI_CA_FILE", "/nope.pem"),
            ("JOBLENS_KUBERNETES_CLIENT_CERT", "/nope.pem"),
            ("JOBLENS_KUBERNETES_NAMESPACE", "mine"),
            ("JOBLENS_TENCENT_UTC_OFFSET", "-05:00"),
        ]
        .map(|(name, value)| (name, value.to_owned())),
    );
    shell
}

#[test]
fn the_printed_variables_override_every_other_account_setting() {
    let config = Config::new(
        "[aliyun.prod]\nendpoint = 'http://127.0.0.1:9'\naccess_key_id = 'LTAIreal'\naccess_key_secret = 'x'\n\
         [sugon.default]\nendpoint = 'http://127.0.0.1:9'\n",
    );
    let served = Served::start(&[]);
    let printed = joblens(&["emulate", "--print-env", "--port", &served.port]).run();
    let inside = |arguments: &[&str]| {
        joblens(arguments)
            .envs(busy_shell(&config.path()))
            .envs(exports(&printed.stdout))
            .run()
    };
    let mut get = vec!["get", "-o", "json"];
    get.extend(KINDS);
    let run = inside(&get);
    assert!(run.code == 0 || run.code == 3, "{}", run.stderr);
    let answered = requests(&format!("http://127.0.0.1:{}", served.port));
    let clouds = ["aliyun", "huawei", "sugon", "tencent"];
    for cloud in clouds {
        let is_of = |name: &&String| name.starts_with(cloud);
        assert!(
            answered.keys().any(|name| is_of(&name)),
            "{cloud}: {answered:?}"
        );
    }
    let run = inside(&["auth", "status", "-o", "json"]);
    let accounts = run.json()["accounts"].as_array().unwrap().clone();
    let shown: Vec<_> = accounts
        .iter()
        .map(|one| {
            (
                one["cloud"].as_str().unwrap(),
                one["source"].as_str().unwrap(),
            )
        })
        .collect();
    let expected =
        ["aliyun", "sugon", "huawei", "tencent", "kubernetes"].map(|cloud| (cloud, "environment"));
    assert_eq!(shown, expected, "{}", run.stderr);
    for account in &accounts {
        assert_eq!(
            account["endpoint"],
            format!("http://127.0.0.1:{}", served.port)
        );
    }
    let list = ["list", "-R", "-o", "json"];
    let plain = joblens(&list).envs(exports(&printed.stdout)).run();
    let (listed, expected) = (inside(&list).json(), plain.json());
    for field in ["ref", "created_at"] {
        let each = |json: &Value| {
            let jobs = json["jobs"].as_array().unwrap().iter();
            let mut values: Vec<String> = jobs.map(|job| job[field].to_string()).collect();
            values.sort();
            values
        };
        assert!(!each(&expected).is_empty());
        assert_eq!(each(&listed), each(&expected));
    }
    let run = inside(&["get", "-o", "json", "aliyun@prod/job/C/1"]);
    assert!(
        run.stderr.contains("aliyun has no profile 'prod'"),
        "{}",
        run.stderr
    );
}
