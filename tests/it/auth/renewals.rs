//! Credentials that the user's tools and commands renew while joblens runs.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::tokens::rotate;
use crate::config::settings::Config;
use crate::support::emulated::{Emulated, passed_on};
use crate::support::jobs::{CLOUDS, IMAGE_JOB, INSTANCE, JOB, SERVICE, WORLD};
use crate::support::{Joblens, Server, joblens};

/// Returns a scenario with a job of each cloud that has keys with tokens, in one state.
fn world(state: [&str; 2]) -> String {
    let [aliyun, huawei] = state;
    let job = |reference: &str, state: &str| {
        format!(
            "[[job]]\nref = \"{reference}\"\nage = '1h'\nstates = [{{ after = '0s', state = '{state}' }}]\n"
        )
    };
    job(JOB, aliyun) + &job(IMAGE_JOB, huawei)
}

/// Starts two emulators within one second, so that their jobs are created at the same time.
fn started_at_once(scenarios: [&str; 2]) -> [Emulated; 2] {
    let second = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    loop {
        let before = second();
        let emulated = scenarios.map(Emulated::start);
        if second() == before {
            return emulated;
        }
    }
}

/// Returns the settings that a cloud's profile needs besides a credential.
fn settings_of(cloud: &str, origin: &str) -> String {
    let beside = match cloud {
        "aliyun" => "region = 'cn-hangzhou'",
        "sugon" => "",
        "huawei" => "region = 'cn-north-4'\nproject_id = 'a4da8115c9d8464ead3a38309130523f'",
        _ => "region = 'gz'",
    };
    format!("[{cloud}.default]\nendpoint = '{origin}'\n{beside}\n")
}

/// Returns a run with these settings and this home folder, in which the standard programs are found.
fn at_home(config: &Config, arguments: &[&str]) -> Joblens {
    let home = config.folder.path().to_str().unwrap();
    joblens(arguments)
        .env("HOME", home)
        .env("JOBLENS_CONFIG", config.path())
        .env("PATH", "/usr/bin:/bin")
}

/// Writes credentials to files that a command prints; its second run prints the second file.
fn printing(config: &Config, first: &str, second: &str) -> String {
    config.write("first", first, 0o600);
    config.write("second", second, 0o600);
    let folder = config.folder.path().display();
    let script = format!("cd {folder}; echo run >> runs; cat first; cp second first");
    format!("credential_command = [\"sh\", \"-c\", \"{script}\"]\n")
}

fn runs(config: &Config) -> usize {
    let runs = fs::read_to_string(config.folder.path().join("runs")).unwrap();
    runs.lines().count()
}

/// Returns a command's output for a cloud's key that the emulator accepts or rejects.
fn printed(emulated: &Emulated, cloud: &str, is_good: bool) -> String {
    let secret = if is_good {
        "testsecret"
    } else {
        "an-old-secret-of-mine"
    };
    let token = emulated.environment().into_iter();
    let token = token.filter(|(name, _)| name == "JOBLENS_SUGON_TOKEN");
    let token: String = token.map(|(_, token)| token).collect();
    match cloud {
        "aliyun" => format!("access_key_id=testid\naccess_key_secret={secret}\n"),
        "sugon" if is_good => format!("token={token}\n"),
        "sugon" => "token=an-old-secret-of-mine\n".to_owned(),
        "huawei" => format!("access_key_id=testid\nsecret_access_key={secret}\n"),
        _ => format!("secret_id=testid\nsecret_key={secret}\n"),
    }
}

#[test]
fn a_command_whose_credential_was_refused_is_run_again() {
    for (cloud, reference) in CLOUDS {
        let emulated = Emulated::start(WORLD);
        let config = Config::new("");
        let [old, new] = [false, true].map(|is_good| printed(&emulated, cloud, is_good));
        let toml = settings_of(cloud, &emulated.origin) + &printing(&config, &old, &new);
        config.write("joblens/config.toml", &toml, 0o600);
        let run = at_home(&config, &["get", "-o", "json", reference])
            .with_secret("testsecret")
            .with_secret("an-old-secret")
            .run();
        assert_eq!(run.code, 0, "{cloud}: {}", run.stderr);
        assert_eq!(emulated.answers_of(cloud).len(), 2, "{cloud}");
        assert_eq!(runs(&config), 2, "{cloud}");
    }
}

#[test]
fn a_refused_credential_that_the_command_prints_again_is_not_sent_again() {
    for (cloud, reference) in CLOUDS {
        let emulated = Emulated::start(WORLD);
        let config = Config::new("");
        let old = printed(&emulated, cloud, false);
        let toml = settings_of(cloud, &emulated.origin) + &printing(&config, &old, &old);
        config.write("joblens/config.toml", &toml, 0o600);
        let run = at_home(&config, &["get", "-o", "json", reference]).run();
        assert_eq!(run.error()["category"], "unauthenticated", "{cloud}");
        assert_eq!(emulated.answers_of(cloud).len(), 1, "{cloud}");
        assert_eq!(runs(&config), 2, "{cloud}");
    }
}

#[test]
fn a_command_that_prints_an_expired_credential_is_run_again_before_use() {
    let emulated = Emulated::start(WORLD);
    for end in ["expiration=2026-01-01T00:00:00Z", "expires_at=1767225600"] {
        let config = Config::new("");
        let old = printed(&emulated, "aliyun", false) + end;
        let new = printed(&emulated, "aliyun", true) + "expiration=2100-01-01T00:00:00Z\n";
        let toml = settings_of("aliyun", &emulated.origin) + &printing(&config, &old, &new);
        config.write("joblens/config.toml", &toml, 0o600);
        let before = emulated.answers_of("aliyun").len();
        let run = at_home(&config, &["get", "-o", "json", JOB]).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(emulated.answers_of("aliyun").len(), before + 1);
        assert_eq!(runs(&config), 2);
    }
}

#[test]
fn a_command_that_fails_when_it_is_run_again_is_reported_with_the_refusal() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new("");
    let old = printed(&emulated, "aliyun", false);
    let toml = settings_of("aliyun", &emulated.origin) + &printing(&config, &old, "");
    let toml = toml.replace("cat first;", "test -s first || exit 3; cat first;");
    config.write("joblens/config.toml", &toml, 0o600);
    let run = at_home(&config, &["get", "-o", "json", JOB]).run();
    assert_eq!(run.error()["category"], "unauthenticated", "{}", run.stderr);
    let hint = run.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("it cannot be refreshed"), "{hint}");
    assert!(hint.contains("failed with exit code 3"), "{hint}");
}

/// A file in the format of a tool, with a key and possibly a token.
struct ToolFile {
    cloud: &'static str,
    reference: &'static str,
    source: &'static str,
    path: &'static str,
    text: fn(id: &str, secret: &str, token: &str) -> String,
}

const TOOL_FILES: [ToolFile; 7] = [
    ToolFile {
        cloud: "aliyun",
        reference: JOB,
        source: "aliyun-cli",
        path: ".aliyun/config.json",
        text: |id, secret, token| {
            let mode = if token.is_empty() { "AK" } else { "StsToken" };
            format!(
                r#"{{"current":"default","profiles":[{{"name":"default","mode":"{mode}","access_key_id":"{id}","access_key_secret":"{secret}","sts_token":"{token}"}}]}}"#
            )
        },
    },
    ToolFile {
        cloud: "huawei",
        reference: IMAGE_JOB,
        source: "koocli",
        path: ".hcloud/config.json",
        text: |id, secret, token| {
            format!(
                r#"{{"authEncrypt":"false","current":"default","profiles":[{{"name":"default","mode":"AKSK","accessKeyId":"{id}","secretAccessKey":"{secret}","securityToken":"{token}"}}]}}"#
            )
        },
    },
    ToolFile {
        cloud: "tencent",
        reference: SERVICE,
        source: "tccli",
        path: ".tccli/default.credential",
        text: |id, secret, token| {
            format!(r#"{{"secretId":"{id}","secretKey":"{secret}","token":"{token}"}}"#)
        },
    },
    ToolFile {
        cloud: "aliyun",
        reference: JOB,
        source: "alibabacloud",
        path: ".alibabacloud/credentials",
        text: |id, secret, _| {
            format!(
                "[default]\ntype = access_key\naccess_key_id = {id}\naccess_key_secret = {secret}\n"
            )
        },
    },
    ToolFile {
        cloud: "huawei",
        reference: IMAGE_JOB,
        source: "huaweicloud",
        path: ".huaweicloud/credentials",
        text: |id, secret, _| format!("[basic]\nak = {id}\nsk = {secret}\n"),
    },
    ToolFile {
        cloud: "tencent",
        reference: SERVICE,
        source: "tencentcloud",
        path: ".tencentcloud/credentials",
        text: |id, secret, _| format!("[default]\nsecret_id = {id}\nsecret_key = {secret}\n"),
    },
    ToolFile {
        cloud: "sugon",
        reference: INSTANCE,
        source: "scnet",
        path: ".scnet/config.json",
        text: |id, secret, _| {
            format!(
                r#"{{"current":"default","profiles":{{"default":{{"user":"lin","access_key":"{id}","secret_key":"{secret}"}}}}}}"#
            )
        },
    },
];

impl ToolFile {
    fn settings(&self, origin: &str) -> String {
        let mut toml = settings_of(self.cloud, origin) + &format!("source = '{}'\n", self.source);
        if self.cloud == "sugon" {
            toml += &format!("auth_endpoint = '{origin}'\n");
        }
        toml
    }
}

/// Forwards requests to the emulator and rewrites a file during the first call.
fn rewriting(emulated: &Emulated, path: &Path, text: String) -> Server {
    let (origin, path) = (emulated.origin.clone(), path.to_owned());
    Server::start(move |number, got, stream| {
        if number == 0 {
            rotate(&path, &text);
        }
        let response = passed_on(&origin, &got.head, stream);
        let _ = stream.write_all(&response);
    })
}

#[test]
fn the_file_of_a_tool_is_read_again_after_a_refusal() {
    for tool in TOOL_FILES {
        let emulated = Emulated::start(WORLD);
        let config = Config::new("");
        let old = (tool.text)("OLDIDOFMINE0001", "an-old-secret-of-mine", "");
        let path = config.write(tool.path, &old, 0o600);
        let server = rewriting(&emulated, &path, (tool.text)("testid", "testsecret", ""));
        let toml = tool.settings(&server.origin());
        config.write("joblens/config.toml", &toml, 0o600);
        let run = at_home(&config, &["get", "-o", "json", tool.reference])
            .with_secret("an-old-secret")
            .with_secret("testsecret")
            .run();
        assert_eq!(run.code, 0, "{}: {}", tool.source, run.stderr);
    }
}

#[test]
fn a_refusal_names_the_renewed_key_and_not_the_previous_one() {
    for tool in TOOL_FILES {
        let emulated = Emulated::start(WORLD);
        let config = Config::new("");
        let old = (tool.text)("OLDIDOFMINE0001", "an-old-secret-of-mine", "");
        let path = config.write(tool.path, &old, 0o600);
        let new = (tool.text)("NEWIDOFMINE0002", "another-secret-of-mine", "");
        let server = rewriting(&emulated, &path, new);
        let toml = tool.settings(&server.origin());
        config.write("joblens/config.toml", &toml, 0o600);
        let run = at_home(&config, &["get", "-o", "json", tool.reference]).run();
        assert_eq!(run.error()["category"], "unauthenticated", "{}", run.stderr);
        assert!(run.stderr.contains("key NEWI…002"), "{}", run.stderr);
        assert!(!run.stderr.contains("OLDI"), "{}", run.stderr);
        assert_eq!(server.received().len(), 2, "{}", tool.source);
    }
}

#[test]
fn a_tool_key_rejected_during_a_wait_is_read_again() {
    for tool in TOOL_FILES.into_iter().take(2) {
        let refuse = "[[fault]]\noperation = '*'\nkind = 'refuse'\nskip = 1\ntimes = 1\n";
        let running = world(["Running", "RUNNING"]) + refuse;
        let [running, ended] = started_at_once([&running, &world(["Succeeded", "SUCCESS"])]);
        let config = Config::new("");
        let path = config.write(tool.path, &(tool.text)("testid", "testsecret", ""), 0o600);
        let origins = [running.origin.clone(), ended.origin.clone()];
        let renewed = (tool.text)("testid", "testsecret", "testtoken");
        let server = Server::start(move |number, got, stream| {
            if number == 1 {
                rotate(&path, &renewed);
            }
            let origin = &origins[usize::from(number > 1)];
            let response = passed_on(origin, &got.head, stream);
            let _ = stream.write_all(&response);
        });
        let toml = tool.settings(&server.origin());
        config.write("joblens/config.toml", &toml, 0o600);
        let wait = ["wait", "-o", "json", "--interval", "50ms", tool.reference];
        let run = at_home(&config, &wait).with_secret("testtoken").run();
        assert_eq!(run.code, 0, "{}: {}", tool.source, run.stderr);
        let tokens: Vec<bool> = server
            .received()
            .iter()
            .map(|got| got.head.contains("testtoken"))
            .collect();
        // Each state may be followed by a list of subtasks.
        assert_eq!(tokens[..3], [false, false, true], "{}", tool.source);
    }
}

#[test]
fn an_error_names_the_role_with_the_key_that_last_assumed_it() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new("");
    let old = printed(&emulated, "aliyun", false).replace("testid", "OLDIDOFMINE0001");
    let new = printed(&emulated, "aliyun", true);
    let toml = settings_of("aliyun", &emulated.origin)
        + &format!("sts_endpoint = '{}'\n", emulated.origin)
        + "role_arn = 'acs:ram::1:role/reader'\n"
        + &printing(&config, &old, &new);
    config.write("joblens/config.toml", &toml, 0o600);
    let missing = "aliyun/job/other/5";
    let run = at_home(&config, &["get", "-o", "json", missing])
        .with_secret("testsecret")
        .run();
    let named = "role acs:ram::1:role/reader by key te… (credential_command)";
    assert!(run.stderr.contains(named), "{}", run.stderr);
    assert!(!run.stderr.contains("OLDI"), "{}", run.stderr);
}

#[test]
fn switching_the_account_of_a_tool_during_a_run_is_an_error() {
    let file = |current: &str| {
        format!(
            r#"{{"current":"{current}","profiles":[{{"name":"mine","mode":"AK","access_key_id":"OLDIDOFMINE0001","access_key_secret":"an-old-secret-of-mine"}},{{"name":"other","mode":"AK","access_key_id":"testid","access_key_secret":"testsecret"}}]}}"#
        )
    };
    let emulated = Emulated::start(WORLD);
    let config = Config::new("");
    let path = config.write(".aliyun/config.json", &file("mine"), 0o600);
    let server = rewriting(&emulated, &path, file("other"));
    let toml = TOOL_FILES[0].settings(&server.origin());
    config.write("joblens/config.toml", &toml, 0o600);
    let run = at_home(&config, &["get", "-o", "json", JOB]).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    let expected = "to aliyun-cli profile other";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    assert_eq!(
        server.received().len(),
        1,
        "nothing is requested as another account"
    );
}
