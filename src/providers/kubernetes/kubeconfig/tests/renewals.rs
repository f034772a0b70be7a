//! Tests of kubeconfig files that are rewritten while joblens runs.

use super::*;
use crate::providers::kubernetes::CLOUD;
use crate::providers::test_support::profile;

/// Returns a kubeconfig with these fields of its cluster and this token.
fn config(cluster: &str, token: &str) -> String {
    format!(
        "current-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]\n"
    )
}

#[test]
fn a_reloaded_token_is_not_used_if_the_server_settings_changed() {
    let home = tempfile::tempdir().unwrap();
    let first = format!(
        "server: 'https://k8s.example', certificate-authority-data: {}, tls-server-name: k, \
         proxy-url: 'http://u:hunter2@127.0.0.1:1'",
        *CA_CERTIFICATE
    );
    write(home.path(), ".kube/config", &config(&first, "old"));
    let profile = profile(&CLOUD, &[("HOME", home.path().to_str().unwrap())]);
    let reloaded = |cluster: &str| {
        write(home.path(), ".kube/config", &config(cluster, "new"));
        profile.reload_now().unwrap()
    };
    let same = reloaded(&first).unwrap();
    assert_eq!(same.secret("token").unwrap().expose(), "new");
    let other_ca = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    let other_ca = base64(other_ca.cert.pem().as_bytes());
    for (from, to, key) in [
        ("k8s.example", "other.example", SERVER),
        (&**CA_CERTIFICATE, &other_ca, CA_DATA),
        ("tls-server-name: k", "tls-server-name: l", TLS_SERVER_NAME),
        ("tls-server-name: k, ", "", TLS_SERVER_NAME),
        ("127.0.0.1:1", "127.0.0.1:2", PROXY_URL),
    ] {
        let problem = reloaded(&first.replace(from, to)).unwrap_err();
        assert_eq!(problem.category, Category::MissingCredentials);
        let begins = format!("the {key} of profile 'default' (kubernetes) changed during this run");
        assert!(problem.message.starts_with(&begins), "{}", problem.message);
        assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        assert_eq!(problem.hint.as_deref(), Some("run the command again"));
    }
}
