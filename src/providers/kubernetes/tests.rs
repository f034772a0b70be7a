mod hanging;
mod lists;
mod verdicts;
mod warnings;

use serde_json::json;

use super::document::trim_document;
use super::*;
use crate::error::TransportFailure;
use crate::providers::test_support::{moment, profile, transport};

const TOKEN: (&str, &str) = ("JOBLENS_KUBERNETES_TOKEN", "t");

/// The fields without which no object can be used.
pub(super) const ESSENTIAL: [&str; 9] = [
    "kind",
    "metadata",
    "metadata.name",
    "metadata.namespace",
    "items",
    "items[]",
    "items[].metadata",
    "items[].metadata.name",
    "items[].metadata.namespace",
];

fn api(variables: &[(&str, &str)]) -> Result<Api, Problem> {
    let transport = transport(moment("2026-11-27T00:00:00Z"));
    Api::new(&profile(&CLOUD, variables), &transport)
}

#[test]
fn the_path_of_an_endpoint_is_the_prefix_of_all_request_paths() {
    for (endpoint, origin, prefix) in [
        ("https://k8s.example:6443", "https://k8s.example:6443", ""),
        ("https://10.0.0.1/", "https://10.0.0.1", ""),
        (
            "https://rancher.example/k8s/clusters/c-1/",
            "https://rancher.example",
            "/k8s/clusters/c-1",
        ),
    ] {
        let api = api(&[TOKEN, ("JOBLENS_KUBERNETES_ENDPOINT", endpoint)])
            .ok()
            .unwrap();
        assert_eq!(
            (api.server.endpoint.origin().as_str(), &*api.server.prefix),
            (origin, prefix)
        );
    }
}

#[test]
fn missing_settings_and_plain_http_are_errors_before_the_first_request() {
    for (variables, category, message) in [
        (
            &[][..],
            Category::MissingCredentials,
            "missing kubeconfig context",
        ),
        (
            &[("JOBLENS_KUBERNETES_ENDPOINT", "https://k8s.example")],
            Category::MissingCredentials,
            "missing token",
        ),
        (
            &[TOKEN, ("JOBLENS_KUBERNETES_ENDPOINT", "http://k8s.example")],
            Category::Usage,
            "plain HTTP",
        ),
    ] {
        let problem = api(variables).err().unwrap();
        assert_eq!(problem.category, category, "{}", problem.message);
        assert!(problem.message.contains(message), "{}", problem.message);
    }
}

#[test]
fn the_error_for_a_missing_context_has_the_reason_and_the_hint_the_next_step() {
    let mut default = profile(&CLOUD, &[]);
    let missing = "missing kubeconfig context for profile 'default' (kubernetes)";
    let hint = "set KUBECONFIG to a file with a current-context, or JOBLENS_KUBERNETES_ENDPOINT and \
        JOBLENS_KUBERNETES_TOKEN, or context in [kubernetes.default] of the config file \
        (see: joblens config init)";
    for (skipped, reason) in [
        (
            &[][..],
            "no kubeconfig found in KUBECONFIG or ~/.kube/config",
        ),
        (
            &["kubeconfig: no kubeconfig found (KUBECONFIG=/nope)"],
            "no kubeconfig found (KUBECONFIG=/nope)",
        ),
        (&["environment: a", "kubeconfig: b"], "environment: a; b"),
    ] {
        default.skipped_sources = skipped.iter().map(ToString::to_string).collect();
        let problem = no_context(&default);
        assert_eq!(problem.message, format!("{missing}: {reason}"));
        assert_eq!(problem.hint.as_deref(), Some(hint));
    }
    let named = Profile {
        name: "prod".to_owned(),
        skipped_sources: Vec::new(),
        ..default
    };
    let problem = no_context(&named);
    assert_eq!(problem.message, missing.replace("default", "prod"));
    assert_eq!(
        problem.hint.as_deref(),
        Some("set context in [kubernetes.prod] of the config file (see: joblens config init)")
    );
}

#[test]
fn an_unknown_tke_host_has_a_hint_about_the_hosts_file() {
    let api_at = |endpoint| {
        api(&[TOKEN, ("JOBLENS_KUBERNETES_ENDPOINT", endpoint)])
            .ok()
            .unwrap()
    };
    let mut problem = Problem::new(Category::Network, "no such host").with_hint("usual");
    problem.transport_failure = Some(TransportFailure {
        kind: TransportFailureKind::UnknownHost,
        at_proxy: false,
    });
    for (endpoint, hint) in [
        (
            "https://cls-1.ccs.tencent-cloud.com",
            "add to /etc/hosts the entry that the TKE console shows",
        ),
        ("https://k8s.example", "usual"),
    ] {
        let found = api_at(endpoint).with_host_hint(problem.clone());
        assert_eq!(found.hint.as_deref(), Some(hint));
    }
}

#[test]
fn the_hint_for_a_failed_proxy_names_the_setting_that_defines_it() {
    let problem = |at_proxy| {
        let check = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY";
        let mut problem = Problem::new(Category::Network, "refused").with_hint(check);
        let kind = TransportFailureKind::ConnectionRefused;
        problem.transport_failure = Some(TransportFailure { kind, at_proxy });
        problem
    };
    let endpoint = ("JOBLENS_KUBERNETES_ENDPOINT", "https://k8s.example");
    let proxy = ("JOBLENS_KUBERNETES_PROXY_URL", "http://127.0.0.1:9");
    let own = api(&[TOKEN, endpoint, proxy]).ok().unwrap();
    let hint = own.with_host_hint(problem(true)).hint.unwrap();
    assert_eq!(hint, "check proxy_url (JOBLENS_KUBERNETES_PROXY_URL)");
    let none = api(&[TOKEN, endpoint]).ok().unwrap();
    let hint = none.with_host_hint(problem(true)).hint.unwrap();
    assert!(hint.starts_with("check HTTPS_PROXY"), "{hint}");
}

#[test]
fn managed_fields_and_last_applied_configuration_are_removed() {
    let mut document = json!({
        "items": [{"metadata": {
            "name": "x", "managedFields": [{"manager": "kubectl"}],
            "annotations": {"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        }}],
    });
    trim_document(&mut document);
    let expected = json!({"items": [{"metadata": {"name": "x", "annotations": {"a": "b"}}}]});
    assert_eq!(document, expected);
}

#[test]
fn a_token_without_an_endpoint_names_the_variable_that_hides_the_kubeconfig() {
    let home = tempfile::tempdir().unwrap();
    let variables = [TOKEN, ("HOME", home.path().to_str().unwrap())];
    let problem = api(&variables).err().unwrap();
    let message =
        "profile 'default' (kubernetes) has token from JOBLENS_KUBERNETES_TOKEN, but no endpoint";
    assert_eq!(problem.message, message);
    let hint = problem.hint.unwrap();
    assert_eq!(
        hint,
        "set JOBLENS_KUBERNETES_ENDPOINT as well, or unset JOBLENS_KUBERNETES_TOKEN to use the kubeconfig"
    );
}
