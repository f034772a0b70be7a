//! Client certificates of Kubernetes, in the config file and in a kubeconfig.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::kubernetes_tls::{Cluster, JOB, user};
use crate::support::tls::Authority;
use crate::support::{Joblens, joblens};

/// Writes a client certificate that ends in `days`, negative for one that has expired, and returns a run with a
/// profile that contains only this certificate.
fn with_files(cluster: &Cluster, days: i64, arguments: &[&str]) -> Joblens {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = rcgen::date_time_ymd(1970, 1, 1) + age;
    let length = Duration::from_secs(days.unsigned_abs() * 86_400);
    let end = if days < 0 { now - length } else { now + length };
    let (certificate, key) = cluster.authority.signed("me", |leaf| leaf.not_after = end);
    cluster.file("me.crt", &certificate.pem(), 0o600);
    cluster.file("me.key", &key.serialize_pem(), 0o600);
    let config = format!(
        "[kubernetes.default]\nendpoint = '{}'\nca_file = 'ca.crt'\nclient_cert = 'me.crt'\nclient_key = 'me.key'\n",
        cluster.emulated.origin
    );
    let config = cluster.file("config.toml", &config, 0o600);
    joblens(&[arguments, &["--config", config.to_str().unwrap()]].concat())
}

#[test]
fn a_client_certificate_of_the_config_file_is_shown_as_the_credential() {
    let cluster = Cluster::start();
    let status = with_files(&cluster, 300, &["auth", "status", "-o", "json"]).run();
    let account = &status.json()["accounts"][4];
    assert_eq!(account["status"], "ready", "{account:#}");
    assert_eq!(account["source"], "config file");
    assert!(account["location"].to_string().contains("config.toml"));
    assert_eq!(account["key"], "certificate");
    assert!(account["expires_at"].is_string(), "{account:#}");
    let text = with_files(&cluster, 300, &["auth", "status"]).run().stdout;
    assert!(text.contains("  key          certificate\n"), "{text}");

    for (days, is_soon) in [(3, true), (300, false)] {
        let run = with_files(&cluster, days, &["doctor", "kubernetes"]).run();
        let shown = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            shown.contains("settings certificate from the config file"),
            "{shown}"
        );
        assert!(shown.contains("credential certificate accepted"), "{shown}");
        assert_eq!(
            shown.contains("the client certificate ends soon"),
            is_soon,
            "{shown}"
        );
        let hint = "hint replace the files of client_cert and client_key (";
        assert_eq!(shown.contains(hint), is_soon, "{shown}");
    }

    let missing = with_files(&cluster, 300, &["get", "kubernetes/job/ci/none"]).run();
    assert!(
        missing.stderr.contains("certificate (config file)"),
        "{}",
        missing.stderr
    );
    let gate = with_files(&cluster, 3, &["wait", "-t", "10000h", JOB]).run();
    let line = "client certificate (config file) for kubernetes@default expires in 2d";
    assert!(gate.stderr.contains(line), "{}", gate.stderr);
}

#[test]
fn an_expired_client_certificate_of_the_config_file_is_reported_before_any_request() {
    let cluster = Cluster::start();
    let run = with_files(&cluster, -1, &["get", "-o", "json", JOB]).run();
    let error = run.error();
    assert_eq!(
        (&error["category"], run.code),
        (&"unauthenticated".into(), 4)
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("the client certificate expired at "),
        "{message}"
    );
    assert_eq!(error["operation"], Value::Null);
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("client_cert and client_key ("), "{hint}");
    let status = with_files(&cluster, -1, &["auth", "status", "-o", "json"]).run();
    assert_eq!(status.json()["accounts"][4]["status"], "broken");
    assert_eq!(status.code, 4);
    let doctor = with_files(&cluster, -1, &["doctor", "kubernetes"]).run();
    assert!(
        doctor.stdout.contains("fail  settings"),
        "{}",
        doctor.stdout
    );
}

#[test]
fn a_client_certificate_with_an_endpoint_takes_precedence_over_a_kubeconfig() {
    let cluster = Cluster::start();
    let user = user(&cluster.authority, |_| {});
    cluster.joblens(user, &["get", JOB]);
    let kubeconfig = cluster.home.path().join("config").display().to_string();
    let run = with_files(&cluster, 300, &["get", "-o", "json", JOB]);
    let run = run.env("KUBECONFIG", &kubeconfig).run();
    assert_eq!(
        run.job()["ref"],
        "kubernetes/job/ci/%E8%BF%81%E7%A7%BB",
        "{}",
        run.stderr
    );
}

#[test]
fn a_run_with_a_client_certificate_of_the_config_file_can_be_replayed() {
    let cluster = Cluster::start();
    for arguments in [
        &["get", JOB][..],
        &["get", "kubernetes/job/ci/none"],
        &["doctor", "kubernetes"],
    ] {
        let folder = cluster.home.path().join("recording");
        let folder = folder.to_str().unwrap();
        let recorded = with_files(&cluster, 3, &[arguments, &["--record", folder]].concat()).run();
        let replayed = joblens(&[arguments, &["--replay", folder]].concat()).run();
        let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(&replayed.stdout),
            lines(&recorded.stdout),
            "{}",
            replayed.stderr
        );
        assert_eq!(
            (replayed.code, &replayed.stderr),
            (recorded.code, &recorded.stderr)
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_client_certificate_that_the_handshake_rejects_is_that_of_the_kubeconfig() {
    let cluster = Cluster::start();
    let own = cluster.authority.signed("127.0.0.1", |_| {});
    let port = cluster.authority.serve(&own, true, |_| Vec::new());
    let stranger = user(
        &Authority::new(|params| {
            let name = &mut params.distinguished_name;
            name.push(rcgen::DnType::CommonName, "another CA");
        }),
        |_| {},
    );
    for (user, words) in [
        (stranger, "has the rejected certificate (user 'u')"),
        (
            json!({"token": "t"}),
            "has no client certificate: download a new kubeconfig",
        ),
    ] {
        let server = format!("https://127.0.0.1:{port}");
        let config = json!({
            "current-context": "main",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": "ca.crt"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
        });
        let config = cluster.file("other", &config.to_string(), 0o600);
        let config = config.to_str().unwrap();
        let run = |arguments: &[&str]| joblens(arguments).env("KUBECONFIG", config).run();
        let error = run(&["get", "-o", "json", JOB]).error();
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(words) && hint.contains(config), "{error:#}");
        let doctor = run(&["doctor", "kubernetes", "-o", "json"]).stdout;
        assert!(doctor.contains(words), "{doctor}");
    }
}

#[test]
fn the_name_of_a_user_of_a_kubeconfig_is_shown_and_recorded() {
    let cluster = Cluster::start();
    let user = user(&cluster.authority, |leaf| {
        leaf.not_after = rcgen::date_time_ymd(2080, 1, 1)
    });
    let run = |arguments: &[&str]| cluster.joblens(user.clone(), arguments).run();
    let status = run(&["auth", "status", "-o", "json"]).json();
    assert_eq!(status["accounts"][4]["key"], "u");
    let doctor = run(&["doctor", "kubernetes"]).stdout;
    assert!(doctor.contains("certificate of u accepted"), "{doctor}");
    let folder = cluster.home.path().join("recording");
    let folder = folder.to_str().unwrap();
    let missing = ["get", "kubernetes/job/ci/none"];
    let recorded = run(&[&missing[..], &["--record", folder]].concat());
    let replayed = joblens(&[&missing[..], &["--replay", folder]].concat()).run();
    assert!(
        recorded.stderr.contains("certificate of u ("),
        "{}",
        recorded.stderr
    );
    assert_eq!(replayed.stderr, recorded.stderr);
    let gate = run(&["wait", "-t", "30000d", JOB]);
    assert!(
        gate.stderr.contains("user u (kubeconfig context main)"),
        "{}",
        gate.stderr
    );
}

#[test]
fn a_client_certificate_that_the_server_does_not_know_is_that_of_the_config_file() {
    let cluster = Cluster::start();
    with_files(&cluster, 300, &["get", JOB]);
    let (certificate, key) = Authority::new(|_| {}).signed("me", |_| {});
    cluster.file("me.crt", &certificate.pem(), 0o600);
    cluster.file("me.key", &key.serialize_pem(), 0o600);
    let config = cluster.home.path().join("config.toml");
    let run = joblens(&[
        "get",
        "-o",
        "json",
        JOB,
        "--config",
        config.to_str().unwrap(),
    ])
    .run();
    let error = run.error();
    assert_eq!(error["category"], "unauthenticated", "{error:#}");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("client_cert and client_key ("), "{hint}");
    assert!(!hint.contains("kubeconfig"), "{hint}");
}

#[test]
fn an_expired_client_certificate_next_to_a_token_is_a_warning_of_doctor() {
    let cluster = Cluster::start();
    with_files(&cluster, -1, &["get", JOB]);
    let path = cluster.home.path().join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    cluster.file(
        "config.toml",
        &format!("{config}token = 'joblens-emulator-token'\n"),
        0o600,
    );
    let run = joblens(&["doctor", "kubernetes", "--config", path.to_str().unwrap()]).run();
    let shown = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("warn settings token from the config file"),
        "{shown}"
    );
    assert!(
        shown.contains("the client certificate has expired"),
        "{shown}"
    );
    let user = json!({"token": "joblens-emulator-token"});
    cluster.joblens(user, &["get", JOB]);
    let context =
        "[kubernetes.default]\ncontext = 'main'\nclient_cert = 'me.crt'\nclient_key = 'me.key'\n";
    cluster.file("config.toml", context, 0o600);
    let kubeconfig = cluster.home.path().join("config").display().to_string();
    let run = joblens(&["auth", "status", "--config", path.to_str().unwrap()]);
    let run = run.env("KUBECONFIG", &kubeconfig).run();
    assert!(run.stdout.contains("  user         u\n"), "{}", run.stdout);
}
