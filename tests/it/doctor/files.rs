//! Files that an account uses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{TOKEN, account, failure};
use crate::support::{Joblens, Server, joblens, json};

/// A home folder with a config file, and a server that replaces a cloud.
struct Sandbox {
    home: tempfile::TempDir,
    server: Server,
}

impl Sandbox {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            server: Server::answering(json(r#"{"code":"0","data":{"total":0,"list":[]}}"#)),
        }
    }

    fn write(&self, place: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.home.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Returns a run with a profile of Sugon in the config file.
    fn doctor(&self, settings: &str, mode: u32) -> Joblens {
        let origin = self.server.origin();
        let toml = format!("[sugon.lab]\nendpoint = '{origin}'\n{settings}\n");
        self.write(".config/joblens/config.toml", &toml, mode);
        joblens(&["doctor", "-o", "json"]).env("HOME", self.home.path().to_str().unwrap())
    }
}

fn warning(account: &Value) -> (String, String) {
    let checks = account["checks"].as_array().unwrap();
    let warned = checks
        .iter()
        .find(|check| check["status"] == "warn")
        .unwrap();
    assert_eq!(warned["name"], "files", "{account:#}");
    let text = |key: &str| warned[key].as_str().unwrap().to_owned();
    (text("message"), text("hint"))
}

fn chmod(path: &Path) -> String {
    format!("run: chmod 600 '{}'", path.display())
}

#[test]
fn a_config_file_with_a_secret_readable_by_others_fails_first() {
    let sandbox = Sandbox::new();
    let run = sandbox.doctor(&format!("token = '{TOKEN}'"), 0o644).run();
    assert_eq!(run.code, 2);
    let json = run.json();
    let check = &json["checks"][0];
    assert_eq!(
        (&check["name"], &check["status"]),
        (&"settings".into(), &"fail".into())
    );
    assert!(
        check["hint"].as_str().unwrap().contains("chmod 600"),
        "{check}"
    );
    assert!(sandbox.server.received().is_empty());
    let run = sandbox.doctor(&format!("token = '{TOKEN}'"), 0o600).run();
    assert_eq!((run.code, &account(&run)["status"]), (0, &"ok".into()));
}

#[test]
fn a_secret_file_readable_by_others_fails_with_a_chmod_hint() {
    let sandbox = Sandbox::new();
    let path = sandbox.write(".config/joblens/lab.token", TOKEN, 0o640);
    let run = sandbox.doctor("token_file = 'lab.token'", 0o644).run();
    failure(&run)
        .is("settings", "usage", 2)
        .contains("token_file")
        .contains("is readable by others (mode 640)")
        .advises(&chmod(&path));
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn a_tool_file_readable_by_others_is_a_warning_with_a_chmod_hint() {
    let sandbox = Sandbox::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sugon/tools/config.json");
    let text = fs::read_to_string(fixture).unwrap();
    let path = sandbox.write(".scnet/config.json", &text, 0o644);
    let server = Server::answering(json(r#"{"code":"10008","msg":"no"}"#));
    let run = joblens(&["doctor", "-o", "json"])
        .env("HOME", sandbox.home.path().to_str().unwrap())
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_AUTH_ENDPOINT", server.origin())
        .with_secret("scnet-default-secret-y7")
        .run();
    let (message, hint) = warning(&account(&run));
    assert!(message.contains(".scnet/config.json"), "{message}");
    assert_eq!(hint, chmod(&path));
}

#[test]
fn a_file_that_is_missing_or_refused_is_reported_and_nothing_is_sent() {
    let sandbox = Sandbox::new();
    let token = format!("token = '{TOKEN}'\n");
    let run = sandbox
        .doctor(&format!("{token}ca_file = 'no.pem'"), 0o600)
        .run();
    failure(&run)
        .is("files", "usage", 2)
        .contains("ca_file")
        .contains("no.pem");
    let key = sandbox.write(".config/joblens/user.key", "x", 0o644);
    sandbox.write(".config/joblens/user.pem", "x", 0o644);
    let identity = format!("{token}client_cert = 'user.pem'\nclient_key = 'user.key'");
    let run = sandbox.doctor(&identity, 0o600).run();
    failure(&run)
        .is("files", "usage", 2)
        .contains("client_key")
        .advises(&chmod(&key));
    let run = sandbox.doctor("token_file = 'no.token'", 0o600).run();
    failure(&run)
        .is("settings", "usage", 2)
        .contains("no.token");
    assert!(sandbox.server.received().is_empty());
}
