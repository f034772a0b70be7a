use serde_json::json;

use super::*;
use crate::providers::test_support::{moment, profile, transport};

const TOKEN: (&str, &str) = ("JOBLENS_KUBERNETES_TOKEN", "t");

fn api(variables: &[(&str, &str)]) -> Result<Api, Problem> {
    let transport = transport(moment("2026-11-27T00:00:00Z"));
    Api::new(&profile(&CLOUD, variables), &transport)
}

#[test]
fn the_path_of_a_server_stands_before_all_others() {
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
fn what_cannot_be_used_is_an_error_before_the_first_request() {
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
fn a_document_is_kept_without_what_repeats_it() {
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
