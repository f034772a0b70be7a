//! A credential that is known to expire before the end of the wait.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use super::{INSTANCE, JOB, job};
use crate::support::emulated::Emulated;
use crate::support::{Joblens, Run, joblens};

/// A home folder with a config file.
struct Home(tempfile::TempDir);

impl Home {
    fn new(toml: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.write("config.toml", toml);
        home
    }

    fn write(&self, place: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn wait(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["wait", "-o", "json", "--interval", "50ms", "--time", "utc"];
        all.extend_from_slice(arguments);
        self.joblens(&all).run()
    }

    fn joblens(&self, arguments: &[&str]) -> Joblens {
        let config = self.0.path().join("config.toml");
        joblens(arguments)
            .env("HOME", self.0.path().to_str().unwrap())
            .env("JOBLENS_CONFIG", config.to_str().unwrap())
            .env("PATH", "/usr/bin:/bin")
            .with_secret("testsecret")
    }
}

/// Returns a time in whole seconds, about an hour from now.
fn in_an_hour() -> DateTime<Utc> {
    let now = Utc::now() + TimeDelta::minutes(60);
    DateTime::from_timestamp(now.timestamp(), 0).unwrap()
}

fn ends(run: &Run) -> Vec<String> {
    let json = run.json();
    let notices = json["notices"].as_array().unwrap().iter();
    let ends = notices.filter(|notice| notice["code"] == "credential_ends");
    ends.map(|notice| notice["message"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns settings of Aliyun with a command that prints a key with this expiry.
fn printed(emulated: &Emulated, end: &str) -> Home {
    Home::new(&format!(
        "[aliyun.default]\nendpoint = '{}'\nregion = 'cn-x'\ncredential_command = ['printf', 'access_key_id=testid\\naccess_key_secret=testsecret\\nexpiration={end}\\n']\n",
        emulated.origin
    ))
}

#[test]
fn an_expiry_during_the_wait_is_reported_on_the_first_line() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let at = in_an_hour();
    let home = printed(&emulated, &at.to_rfc3339());
    for deadline in [&["-t", "2h"][..], &["-t", "none"], &[]] {
        let run = home.wait(&[&[JOB], deadline].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let first = run.stderr.lines().next().unwrap();
        let [begin, end] = [
            "warning: key te… (credential_command) for aliyun@default expires in ",
            &format!(
                ", at {}; the command is run again when it expires",
                at.format("%Y-%m-%d %H:%M:%S %:z")
            ),
        ];
        assert!(first.starts_with(begin) && first.ends_with(end), "{first}");
        let expected = format!(
            "key te… (credential_command) for aliyun@default expires at {}; the command is run again when it expires",
            at.format("%Y-%m-%dT%H:%M:%SZ")
        );
        assert_eq!(ends(&run), [expected]);
    }
}

#[test]
fn the_expiry_is_in_local_time_if_stderr_is_not_a_terminal() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let at = in_an_hour();
    let home = printed(&emulated, &at.to_rfc3339());
    let run = home.joblens(&["wait", JOB]).env("TZ", "UTC-8").run();
    let local = at.with_timezone(&FixedOffset::east_opt(8 * 3600).unwrap());
    let expected = format!(", at {};", local.format("%Y-%m-%d %H:%M:%S %:z"));
    let first = run.stderr.lines().next().unwrap();
    assert!(first.contains(&expected), "{first}");
}

#[test]
fn no_expiry_is_reported_if_it_is_after_the_deadline_or_far_away() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let soon = printed(&emulated, &in_an_hour().to_rfc3339());
    let far = printed(&emulated, "2100-01-01T00:00:00Z");
    for (home, deadline) in [(&soon, "10m"), (&soon, "0"), (&far, "none"), (&far, "2h")] {
        let run = home.wait(&[JOB, "-t", deadline]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains("expires"), "{}", run.stderr);
        assert!(ends(&run).is_empty());
    }
    let quiet = soon.wait(&[JOB, "-q"]);
    assert!(!quiet.stderr.contains("expires"), "{}", quiet.stderr);
    assert_eq!(ends(&quiet).len(), 1, "the JSON has the notice");
}

/// Returns a token of Sugon that expires at this time.
fn token(at: DateTime<Utc>) -> String {
    let claims = format!(r#"{{"expireTime":"{}"}}"#, at.timestamp_millis());
    format!("e30.{}.c2ln", joblens::crypto::base64url(claims.as_bytes()))
}

#[test]
fn the_expiry_of_a_token_is_reported_with_what_to_do() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Running"));
    let token = token(in_an_hour());
    let toml = |line: &str| {
        format!(
            "[sugon.default]\nendpoint = '{}'\n{line}\n",
            emulated.origin
        )
    };
    for (line, expected) in [
        (
            format!("token = '{token}'"),
            "use a longer-lived credential",
        ),
        (
            "token_file = 'token'".to_owned(),
            "its file is re-read when it expires; renew it before that",
        ),
    ] {
        let home = Home::new(&toml(&line));
        home.write("token", &token);
        let run = home.wait(&[INSTANCE, "-t", "2h"]);
        assert_eq!(run.code, 4, "{}", run.stderr);
        let first = run.stderr.lines().next().unwrap();
        let begin = "warning: token (config file) for sugon@default expires in ";
        assert!(first.starts_with(begin), "{first}");
        assert!(first.contains(expected), "{first}");
        assert!(ends(&run)[0].contains(expected));
        assert!(!run.stderr.contains(&token) && !run.stdout.contains(&token));
    }
}

#[test]
fn the_expiry_of_a_tool_key_is_reported_with_its_file() {
    let emulated = Emulated::start(&job(super::SERVICE, "0s Running"));
    let home = Home::new(&format!(
        "[tencent.default]\nendpoint = '{}'\nregion = 'gz'\nsource = 'tccli'\n",
        emulated.origin
    ));
    let path = home.write(
        ".tccli/default.credential",
        &format!(
            r#"{{"secretId":"testid","secretKey":"testsecret","token":"t","type":"sso","expiresAt":{}}}"#,
            in_an_hour().timestamp()
        ),
    );
    let run = home.wait(&[super::SERVICE, "-t", "2h", "--for", "no-warnings=1s"]);
    let first = run.stderr.lines().next().unwrap();
    let expected = format!(
        "; {} is re-read when it expires; log in with tccli before that",
        path.display()
    );
    assert!(first.ends_with(&expected), "{first}");
}
