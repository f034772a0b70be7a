//! `joblens doctor` against the emulator, and against whatever may be between it and a cloud.

mod files;
mod forms;
mod network;
mod responses;
mod settings;
mod tls;

use crate::support::{Joblens, Run, joblens};
use serde_json::Value;

const TOKEN: &str = crate::support::SECRETS[0];
const ALIYUN_SECRET: &str = crate::support::SECRETS[1];

/// A run with a token for Sugon at an endpoint.
fn sugon(endpoint: &str, options: &[&str]) -> Joblens {
    sugon_in("json", endpoint, options)
}

/// The same in another form.
fn sugon_in(form: &str, endpoint: &str, options: &[&str]) -> Joblens {
    joblens(&[&["doctor", "-o", form], options].concat())
        .env("JOBLENS_SUGON_ENDPOINT", endpoint)
        .env("JOBLENS_SUGON_TOKEN", TOKEN)
}

/// A run with a key for Aliyun at an endpoint.
fn aliyun(endpoint: &str, options: &[&str]) -> Joblens {
    aliyun_in("json", endpoint, options)
}

/// The same in another form.
fn aliyun_in(form: &str, endpoint: &str, options: &[&str]) -> Joblens {
    joblens(&[&["doctor", "-o", form], options].concat())
        .env("JOBLENS_ALIYUN_ENDPOINT", endpoint)
        .env("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIexample0001abc")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ALIYUN_SECRET)
}

/// The only account of a run.
fn account(run: &Run) -> Value {
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 1, "{json:#}");
    accounts[0].clone()
}

/// The last check of a run's only account, which must be the one that failed.
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

/// `dns ok`
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
    /// Fails unless this is what failed, how, and with what exit code.
    fn is(&self, name: &str, category: &str, code: i32) -> &Self {
        let found = (self.name.as_str(), self.category.as_str(), self.code);
        assert_eq!(found, (name, category, code), "{self:#?}");
        self
    }

    /// Fails unless the message contains this.
    fn contains(&self, text: &str) -> &Self {
        assert!(self.message.contains(text), "{text}: {self:#?}");
        self
    }

    /// Fails unless the hint contains this.
    fn advises(&self, text: &str) -> &Self {
        assert!(self.hint.contains(text), "{text}: {self:#?}");
        self
    }

    /// Fails unless this was found to be well before.
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
