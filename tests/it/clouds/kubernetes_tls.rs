//! The emulated API server over TLS: client certificates, streams and logs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use joblens::http::ServerTls;
use rcgen::CertificateParams;
use serde_json::{Value, json};

use super::kubernetes_connection::base64;
use crate::support::emulated::Emulated;
use crate::support::tls::{Authority, write};
use crate::support::{Joblens, joblens};

pub(super) const JOB: &str = "kubernetes/job/ci/迁移";

const SCENARIO: &str = "[[job]]\nref = 'kubernetes/job/ci/迁移'\nlog = [{ after = '0s', line = '第一行' }]\n\
     states = [{ after = '0s', state = 'Running' }, { after = '500ms', state = 'Complete' }]\n\
     [[job]]\nref = 'huawei/image-job/42'\nstates = [{ after = '0s', state = 'SUCCESS' }]\n";

/// An emulator with TLS, the CAs of its certificate and of its clients, and their files.
pub(super) struct Cluster {
    pub(super) emulated: Emulated,
    pub(super) authority: Authority,
    pub(super) home: tempfile::TempDir,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let authority = Authority::new(|_| {});
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let (certificate, key) = authority.signed("127.0.0.1", |_| {});
        write(&path("tls.crt"), &certificate.pem(), 0o600);
        write(&path("tls.key"), &key.serialize_pem(), 0o600);
        write(&path("ca.crt"), &authority.pem(), 0o600);
        let tls = ServerTls::read(&path("tls.crt"), &path("tls.key"), Some(&path("ca.crt")));
        Self {
            emulated: Emulated::start_tls(SCENARIO, tls.unwrap()),
            authority,
            home,
        }
    }

    pub(super) fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.home.path().join(name);
        write(&path, text, mode);
        path
    }

    /// Returns a run as this user of a kubeconfig.
    pub(super) fn joblens(&self, user: Value, arguments: &[&str]) -> Joblens {
        let cluster = json!({"server": self.emulated.origin, "certificate-authority": "ca.crt"});
        let config = json!({
            "current-context": "main",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
        });
        let config = self.file("config", &config.to_string(), 0o600);
        joblens(arguments)
            .env("KUBECONFIG", config.display().to_string())
            .env("PATH", "/usr/bin:/bin")
    }
}

/// Returns a user with a certificate of this CA.
pub(super) fn user(authority: &Authority, adapt: impl FnOnce(&mut CertificateParams)) -> Value {
    let (certificate, key) = authority.signed("me", adapt);
    json!({
        "client-certificate-data": base64(&certificate.pem()),
        "client-key-data": base64(&key.serialize_pem()),
    })
}

#[test]
fn commands_use_client_certificates_of_a_kubeconfig_or_an_exec_plugin() {
    let cluster = Cluster::start();
    let (certificate, key) = cluster.authority.signed("me", |_| {});
    let version = "client.authentication.k8s.io/v1";
    let status = json!({
        "clientCertificateData": certificate.pem(), "clientKeyData": key.serialize_pem(),
    });
    let response = json!({"apiVersion": version, "kind": "ExecCredential", "status": status});
    let response = cluster.file("response.json", &response.to_string(), 0o600);
    let script = format!("#!/bin/sh\ncat {}\n", response.display());
    cluster.file("plugin", &script, 0o700);
    let exec = json!({"apiVersion": version, "command": "./plugin", "interactiveMode": "Never"});
    for user in [user(&cluster.authority, |_| {}), json!({"exec": exec})] {
        let run = |arguments: &[&str]| cluster.joblens(user.clone(), arguments).run();
        let gate = run(&["wait", "-o", "json", JOB]);
        assert_eq!(gate.job()["state"], "succeeded", "{}", gate.stderr);
        let shown = run(&["get", "-o", "json", JOB]);
        assert_eq!(shown.job()["exit_code"], 0, "{}", shown.stderr);
        let watched = run(&["watch", "-o", "jsonl", JOB]);
        assert_eq!(watched.code, 0, "{}", watched.stderr);
        assert!(watched.stdout.contains("succeeded"), "{}", watched.stdout);
        let logs = run(&["logs", "-f", JOB]);
        assert_eq!(
            (logs.code, &*logs.stdout),
            (0, "第一行\n"),
            "{}",
            logs.stderr
        );
    }
}

#[test]
fn a_client_without_a_valid_certificate_or_token_is_refused() {
    let cluster = Cluster::start();
    let foreign = user(&Authority::new(|_| {}), |_| {});
    let old = user(&cluster.authority, |leaf| {
        leaf.not_before = rcgen::date_time_ymd(2100, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2101, 1, 1);
    });
    let token = |token: &str| json!({"token": token});
    let mut both = foreign.clone();
    both["token"] = json!("joblens-emulator-token");
    for (user, category) in [
        (foreign, Some("unauthenticated")),
        (old, Some("unauthenticated")),
        (token("wrong"), Some("unauthenticated")),
        (token("joblens-emulator-token"), None),
        (both, None),
    ] {
        let run = cluster
            .joblens(user.clone(), &["get", "-o", "json", JOB])
            .run();
        let found = (run.code != 0).then(|| run.error()["category"].clone());
        assert_eq!(found, category.map(Value::from), "{user}: {}", run.stderr);
    }
    let anonymous = cluster
        .joblens(json!({}), &["get", "-o", "json", JOB])
        .run();
    let error = anonymous.error();
    assert_eq!(error["category"], "missing_credentials", "{error:#}");
}

#[test]
fn doctor_reports_that_a_client_certificate_expires_soon() {
    let cluster = Cluster::start();
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = rcgen::date_time_ymd(1970, 1, 1) + age;
    for (days, is_soon) in [(3, true), (300, false)] {
        let end = now + Duration::from_secs(days * 86_400);
        let user = user(&cluster.authority, |leaf| leaf.not_after = end);
        let run = cluster.joblens(user, &["doctor", "kubernetes"]).run();
        assert_eq!(
            run.stdout.contains("the client certificate ends soon"),
            is_soon,
            "{}{}",
            run.stdout,
            run.stderr
        );
    }
}

#[test]
fn the_printed_variables_make_all_clouds_use_the_emulator_over_tls() {
    let cluster = Cluster::start();
    let origin = &cluster.emulated.origin;
    let port = origin.rsplit(':').next().unwrap();
    let path = |name: &str| cluster.home.path().join(name).display().to_string();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    let print = |key: &str| {
        let options = ["--tls-cert", &certificate, "--tls-key", key];
        joblens(&[&["emulate", "--print-env", "--port", port][..], &options].concat()).run()
    };
    let printed = print(&key).stdout;
    let variables = printed.lines().map(|line| {
        let (name, value) = line
            .strip_prefix("export ")
            .unwrap()
            .split_once('=')
            .unwrap();
        (name, value.trim_matches('\''))
    });
    let variables: Vec<_> = variables.collect();
    assert!(
        variables.contains(&("JOBLENS_KUBERNETES_ENDPOINT", origin)),
        "{printed}"
    );
    let run = joblens(&["get", "-o", "name", JOB, "huawei/image-job/42"]).envs(variables);
    let run = run.run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let wrong = joblens(&[
        "emulate",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &certificate,
    ])
    .run();
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("contains no readable private key"),
        "{}",
        wrong.stderr
    );
}
