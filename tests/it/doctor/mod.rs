//! `joblens doctor` with the emulator, and with other servers and proxies that can be in its place.

mod files;
mod formats;
mod network;
mod responses;
mod settings;
mod tls;

use crate::support::{Joblens, Run, joblens};
use serde_json::Value;

const TOKEN: &str = crate::support::SECRETS[0];
const ALIYUN_SECRET: &str = crate::support::SECRETS[1];

/// Returns a run with a token for Sugon at an endpoint.
fn sugon(endpoint: &str, options: &[&str]) -> Joblens {
    sugon_in("json", endpoint, options)
}

/// Returns the run with another output format.
fn sugon_in(form: &str, endpoint: &str, options: &[&str]) -> Joblens {
    joblens(&[&["doctor", "-o", form], options].concat())
        .env("JOBLENS_SUGON_ENDPOINT", endpoint)
        .env("JOBLENS_SUGON_TOKEN", TOKEN)
}

/// Returns a run with a key for Aliyun at an endpoint.
fn aliyun(endpoint: &str, options: &[&str]) -> Joblens {
    aliyun_in("json", endpoint, options)
}

/// Returns the run with another output format.
fn aliyun_in(form: &str, endpoint: &str, options: &[&str]) -> Joblens {
    joblens(&[&["doctor", "-o", form], options].concat())
        .env("JOBLENS_ALIYUN_ENDPOINT", endpoint)
        .env("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIexample0001abc")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ALIYUN_SECRET)
}

/// Returns the only account of a run.
fn account(run: &Run) -> Value {
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 1, "{json:#}");
    accounts[0].clone()
}

/// Returns the last check of a run's only account, which must be the failed one.
fn failure(run: &Run) -> Failure {
    let account = account(run);
    assert_eq!(account["status"], "fail", "{account:#}");
    let checks = account["checks"].as_array().unwrap();
    let (last, before) = checks.split_last().unwrap();
    assert_eq!(last["status"], "fail", "{account:#}");
    assert!(
        before.iter().all(|check| check["status"] != "fail"),
        "{account:#}"
    );
    let text = |key: &str| last[key].as_str().unwrap_or_default().to_owned();
    Failure {
        name: text("name"),
        message: text("message"),
        hint: text("hint"),
        category: text("category"),
        before: before.iter().map(outcome).collect(),
        code: run.code,
    }
}

/// Returns a check as `dns ok`.
fn outcome(check: &Value) -> String {
    let text = |key: &str| check[key].as_str().unwrap().to_owned();
    format!("{} {}", text("name"), text("status"))
}

#[derive(Debug)]
struct Failure {
    name: String,
    message: String,
    hint: String,
    category: String,
    before: Vec<String>,
    code: i32,
}

impl Failure {
    /// Fails unless this check failed with this category and exit code.
    fn is(&self, name: &str, category: &str, code: i32) -> &Self {
        let found = (self.name.as_str(), self.category.as_str(), self.code);
        assert_eq!(found, (name, category, code), "{self:#?}");
        self
    }

    /// Fails unless the message contains this text.
    fn contains(&self, text: &str) -> &Self {
        assert!(self.message.contains(text), "{text}: {self:#?}");
        self
    }

    /// Fails unless the hint contains this text.
    fn advises(&self, text: &str) -> &Self {
        assert!(self.hint.contains(text), "{text}: {self:#?}");
        self
    }

    /// Fails unless these checks succeeded before.
    fn after(&self, well: &[&str]) -> &Self {
        for one in well {
            assert!(
                self.before.contains(&format!("{one} ok")),
                "{one}: {self:#?}"
            );
        }
        self
    }
}
