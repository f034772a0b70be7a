//! Malicious exec plugins and kubeconfig files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::support::{Run, joblens};

/// Looks up a job with a kubeconfig and a plugin next to it.
fn get(kubeconfig: &str, plugin: &str) -> Run {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let config = write("config", kubeconfig, 0o600);
    write("plugin", &format!("#!/bin/sh\n{plugin}\n"), 0o700);
    let path = |path: &Path| path.display().to_string();
    joblens(&["get", "-o", "json", "kubernetes/job/train/ok"])
        .env("KUBECONFIG", path(&config))
        .env("PATH", "/usr/bin:/bin")
        .run()
}

fn kubeconfig() -> String {
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
        "interactiveMode": "IfAvailable",
    });
    let config = json!({
        "current-context": "main",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": exec}}],
        "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
    });
    config.to_string()
}

#[test]
fn a_plugin_that_prompts_floods_or_prints_invalid_output_is_an_error() {
    for (plugin, message) in [
        ("read answer && echo \"{}\"", "failed with exit code 1"),
        ("yes | head -c 20000000", "printed 64 KiB or more"),
        ("echo 'kind: ExecCredential'", "did not print JSON"),
        (
            "yes | head -c 2000000 >&2; exit 1",
            "failed with exit code 1",
        ),
        ("echo '{\"kind\": \"Secret\", \"token\": \"t\"}'", "printed"),
        ("printf '\\033[2J\\000'", "did not print"),
    ] {
        let run = get(&kubeconfig(), plugin);
        assert_eq!(run.code, 4, "{plugin}: {}{}", run.stdout, run.stderr);
        let error = run.error();
        assert_eq!(error["category"], "missing_credentials", "{error:#}");
        let text = error["message"].as_str().unwrap();
        assert!(text.contains(message), "{plugin}: {text}");
        assert!(!text.contains("key=value"), "{plugin}: {text}");
        assert!(run.stdout.len() < 10_000, "{plugin}: {}", run.stdout.len());
        assert!(!run.stderr.contains('\u{1b}'), "{plugin}: {}", run.stderr);
    }
}

#[test]
fn a_kubeconfig_that_is_too_large_or_too_deep_is_an_error() {
    let large = format!("{}\n#{}\n", kubeconfig(), "x".repeat(10 << 20));
    let deep = format!("a: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let many = format!("contexts: [{}]\n", "{name: x},".repeat(400_000));
    for text in [large, deep, many] {
        let run = get(&text, "exit 0");
        assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("config "), "{message}");
        assert!(message.len() < 500, "{message}");
    }
}

#[test]
fn a_damaged_kubeconfig_is_reported_for_a_reference_without_a_namespace() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    fs::write(&config, "contexts: [").unwrap();
    let config = config.display().to_string();
    let run = joblens(&["get", "-o", "json", "k8s/job/ok"])
        .env("KUBECONFIG", &config)
        .run();
    let error = run.error();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&config), "{error:#}");
}

#[test]
fn an_unusable_client_certificate_is_reported_with_its_user_and_file() {
    let user = json!({"client-certificate-data": "eA==", "client-key-data": "eA=="});
    let mut config: serde_json::Value = serde_json::from_str(&kubeconfig()).unwrap();
    config["users"][0]["user"] = user;
    let run = get(&config.to_string(), "exit 0");
    assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
    let message = run.error()["message"].as_str().unwrap().to_owned();
    let expected = "/config: user 'u': client-certificate contains no certificate";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn an_invalid_cluster_entry_is_reported_with_its_name_and_file() {
    for (key, value, what) in [
        (
            "server",
            "ftp://127.0.0.1",
            "has a server that is not a URL of http or https",
        ),
        (
            "server",
            "https://",
            "has a server that is not a URL of http or https",
        ),
        (
            "certificate-authority-data",
            "eA==",
            "has a certificate-authority that contains no usable certificate",
        ),
        (
            "certificate-authority-data",
            "%",
            "has a certificate-authority that is not Base64",
        ),
    ] {
        let mut config: serde_json::Value = serde_json::from_str(&kubeconfig()).unwrap();
        config["clusters"][0]["cluster"][key] = json!(value);
        let run = get(&config.to_string(), "exit 0");
        assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert!(
            message.ends_with(&format!("/config: cluster 'c' {what}")),
            "{message}"
        );
    }
}

#[test]
fn the_error_for_a_missing_kubeconfig_names_its_path() {
    let message = |path: Option<&str>| {
        let run = joblens(&["get", "-o", "json", "kubernetes/job/train/ok"]);
        let run = match path {
            Some(path) => run.env("KUBECONFIG", path),
            None => run,
        };
        let run = run.run();
        assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
        run.error()["message"].as_str().unwrap().to_owned()
    };
    let named = message(Some("/nowhere/config"));
    assert!(
        named.contains("no kubeconfig found (KUBECONFIG=/nowhere/config)"),
        "{named}"
    );
    let none = message(None);
    assert!(none.contains("~/.kube/config"), "{none}");
}
