mod in_pod;
mod lookup;
mod readable;
mod renewals;
mod vendors;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use super::*;
use crate::credentials::CredentialProgram;
use crate::crypto::base64;
use crate::model::Time;
use crate::settings::{CA_DATA, Environment, PROXY_URL, TLS_SERVER_NAME};

/// The certificate that replaces `Q0E=` in [`FILE`].
static CA_CERTIFICATE: LazyLock<String> = LazyLock::new(|| {
    let own = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap();
    base64(own.cert.pem().as_bytes())
});

/// A kubeconfig with two clusters and the users of the tests.
const FILE: &str = "
apiVersion: v1
kind: Config
current-context: a
clusters:
- {name: c, cluster: {server: 'https://k8s.example:6443/k8s/clusters/c-1', certificate-authority-data: Q0E=,
   tls-server-name: kubernetes, proxy-url: 'socks5://127.0.0.1:1080'}}
- {name: plain, cluster: {server: 'http://127.0.0.1:8001'}}
- {name: upper, cluster: {server: 'HTTPS://k8s.example'}}
- {name: bare, cluster: {server: '127.0.0.1:8080'}}
- {name: both, cluster: {server: 'https://x', certificate-authority-data: Q0E=, insecure-skip-tls-verify: true}}
users:
- {name: cert, user: {client-certificate-data: Q1JU, client-key-data: S0VZ}}
- {name: token, user: {token: ' tok-1 '}}
- {name: file, user: {token: tok-1, tokenFile: token}}
- {name: lost-file, user: {token: tok-1, tokenFile: nowhere}}
- {name: half, user: {client-certificate-data: Q1JU}}
- {name: password, user: {username: u, password: p}}
- {name: oidc, user: {auth-provider: {name: oidc}}}
- {name: boss, user: {token: t, as: root, as-groups: [a, b], as-uid: '7', as-user-extra: {'Scopes/x': [v, w]}}}
- {name: groups, user: {token: t, as-groups: [a]}}
- {name: extra, user: {token: t, as: root, as-user-extra: {a: b}}}
- {name: env, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: p, env: [{name: A, value: [b]}]}}}
- {name: 272000000000000001, user: {token: digits}}
- {name: none, user: {}}
- {name: exec-token, user: {token: t, exec: {apiVersion: x, command: y}}}
- name: exec
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/plugin, args: [get, --x], interactiveMode: Never,
           env: [{name: A, value: b}], provideClusterInfo: true, installHint: \" brew install\\n  plugin \"}
- {name: beta, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: plugin}}}
- {name: alpha, user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: plugin}}}
- {name: prompts, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p, interactiveMode: Always}}}
- {name: silent, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p}}}
contexts:
- {name: a, context: {cluster: c, user: cert, namespace: train}}
- {name: lost, context: {cluster: c, user: nobody}}
- {name: nowhere, context: {cluster: gone, user: cert}}
- {name: http, context: {cluster: plain, user: token}}
- {name: bare, context: {cluster: bare, user: token}}
- {name: both, context: {cluster: both, user: token}}
- {name: upper, context: {cluster: upper, user: token}}
- {name: http-boss, context: {cluster: plain, user: boss}}
- {name: extra, context: {cluster: c, user: extra}}
- {name: env, context: {cluster: c, user: env}}
- {name: anonymous, context: {cluster: c}}
";

/// Reads the connection of a context of [`FILE`], or of the context that is created for one of its users.
fn read(context: &str) -> Result<SourceResult, Problem> {
    let home = tempfile::tempdir().unwrap();
    let users = [
        "cert",
        "token",
        "file",
        "half",
        "password",
        "oidc",
        "boss",
        "groups",
        "none",
        "lost-file",
    ];
    let more = [
        "exec-token",
        "exec",
        "beta",
        "alpha",
        "prompts",
        "silent",
        "272000000000000001",
    ];
    let made = users.iter().chain(&more);
    let made =
        made.map(|user| format!("- {{name: {user}, context: {{cluster: c, user: {user}}}}}\n"));
    let text = format!("{FILE}{}", made.collect::<String>()).replace("Q0E=", &CA_CERTIFICATE);
    write(home.path(), ".kube/config", &text);
    write(home.path(), ".kube/token", "tok-2\n");
    load(&files(home.path(), &[]), Some(context))
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn files(home: &Path, variables: &[(&str, &str)]) -> ToolFiles {
    let home_variable = ("HOME", home.to_str().unwrap());
    let variables = variables.iter().chain([&home_variable]);
    let variables = variables.map(|(name, value)| (name.to_string(), value.to_string()));
    let now = Time::from_unix(1_700_000_000).unwrap();
    ToolFiles::new(Environment::new(variables), now).below(home)
}

fn found(result: Result<SourceResult, Problem>) -> FoundCredential {
    match result.unwrap() {
        SourceResult::Found(found) => found,
        other => panic!("{other:?}"),
    }
}

fn program(result: Result<SourceResult, Problem>) -> CredentialProgram {
    match result.unwrap() {
        SourceResult::Program(program) => *program,
        other => panic!("{other:?}"),
    }
}

fn get(found: &FoundCredential, key: &str) -> Option<String> {
    let mut values = found.values.iter();
    let value = values.find(|(known, _)| *known == key);
    value.map(|(_, value)| value.expose().to_owned())
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[test]
fn a_context_provides_the_settings_of_its_cluster_and_user() {
    let a = found(read("a"));
    for (key, value) in [
        (SERVER, "https://k8s.example:6443/k8s/clusters/c-1"),
        (CA_DATA, &**CA_CERTIFICATE),
        (TLS_SERVER_NAME, "kubernetes"),
        (PROXY_URL, "socks5h://127.0.0.1:1080"),
        ("namespace", "train"),
        ("user", "cert"),
        ("client_certificate_data", "Q1JU"),
        ("client_key_data", "S0VZ"),
    ] {
        assert_eq!(get(&a, key), text(value), "{key}");
    }
    assert_eq!(a.profile, text("a"));
    let digits = found(read("272000000000000001"));
    assert_eq!(get(&digits, "token"), text("digits"));
}

#[test]
fn an_existing_token_file_takes_precedence_over_a_token() {
    assert_eq!(get(&found(read("token")), "token"), text("tok-1"));
    assert_eq!(get(&found(read("file")), "token"), text("tok-2"));
    assert_eq!(get(&found(read("lost-file")), "token"), text("tok-1"));
    let named = |context| found(read(context)).profile.unwrap();
    let path = named("file");
    assert!(
        path.starts_with("file, tokenFile /") && path.ends_with("/token"),
        "{path}"
    );
    assert_eq!(named("lost-file"), "lost-file");
}

#[test]
fn no_token_is_used_for_a_server_without_tls() {
    for (context, server) in [
        ("http", "http://127.0.0.1:8001"),
        ("bare", "http://127.0.0.1:8080"),
    ] {
        let found = found(read(context));
        assert_eq!(get(&found, SERVER), text(server));
        assert_eq!(get(&found, "token"), None);
    }
    let boss = found(read("http-boss"));
    assert_eq!(get(&boss, "token"), None);
    let headers = get(&boss, IMPERSONATION).unwrap();
    assert!(
        headers.contains(r#"["Impersonate-User","root"]"#),
        "{headers}"
    );
    let upper = found(read("upper"));
    assert_eq!(get(&upper, SERVER), text("https://k8s.example"));
    assert_eq!(get(&upper, "token"), text("tok-1"));
}

#[test]
fn impersonation_becomes_headers() {
    let headers = get(&found(read("boss")), IMPERSONATION).unwrap();
    let headers: Vec<(String, String)> = serde_json::from_str(&headers).unwrap();
    let expected = [
        ("Impersonate-User", "root"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes%2Fx", "v"),
        ("Impersonate-Extra-scopes%2Fx", "w"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(headers, expected);
}

#[test]
fn an_invalid_or_unsupported_context_or_user_is_an_error() {
    for (context, message) in [
        (
            "lost",
            "context 'lost' names the user 'nobody', which does not exist",
        ),
        (
            "nowhere",
            "context 'nowhere' names the cluster 'gone', which does not exist",
        ),
        ("both", "are mutually exclusive"),
        (
            "half",
            "user 'half' has client-certificate and no client-key",
        ),
        (
            "password",
            "has a password, which Kubernetes does not accept",
        ),
        ("oidc", "has an auth-provider, which is not supported"),
        ("groups", "and no user (as)"),
        ("extra", "has a value at a that is not a list of texts"),
        (
            "env",
            "has a value at env that is not a list of names and values",
        ),
        (
            "alpha",
            "has exec with apiVersion client.authentication.k8s.io/v1alpha1",
        ),
        ("prompts", "has exec with interactiveMode Always"),
        (
            "silent",
            "has exec without interactiveMode, which v1 requires",
        ),
        ("anonymous", "context 'anonymous' has no user"),
        (
            "none",
            "user 'none' has no token, certificate or exec plugin",
        ),
        ("missing", "has no context 'missing'"),
    ] {
        let problem = read(context).unwrap_err();
        assert!(
            problem.message.contains(message),
            "{context}: {}",
            problem.message
        );
    }
}

#[test]
fn an_exec_plugin_is_prepared_but_not_run() {
    let plugin = program(read("exec"));
    assert!(
        plugin.command.ends_with("/.kube/bin/plugin"),
        "{}",
        plugin.command
    );
    assert_eq!(plugin.arguments, ["get", "--x"]);
    assert_eq!(plugin.install_hint.as_deref(), Some("brew install plugin"));
    let variable = |name: &str| {
        let mut environment = plugin.environment.iter();
        environment
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(variable("A"), text("b"));
    let info: serde_json::Value =
        serde_json::from_str(&variable("KUBERNETES_EXEC_INFO").unwrap()).unwrap();
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(
        info["spec"]["cluster"]["server"],
        "https://k8s.example:6443/k8s/clusters/c-1"
    );
    assert_eq!(program(read("beta")).command, "plugin");
    assert_eq!(get(&found(read("exec-token")), "token"), text("t"));
}

#[test]
fn an_invalid_response_of_an_exec_plugin_is_an_error() {
    let plugin = program(read("beta"));
    let version = "client.authentication.k8s.io/v1beta1";
    let check = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| (key.to_string(), Secret::new(*value)));
        (plugin.check)(&plugin, &pairs.collect())
    };
    let base = [("kind", "ExecCredential"), ("apiVersion", version)];
    let with = |more: &[(&'static str, &'static str)]| [&base[..], more].concat();
    assert_eq!(check(&with(&[("token", "t")])), Ok(()));
    let pair = [("clientCertificateData", "c"), ("clientKeyData", "k")];
    assert_eq!(check(&with(&pair)), Ok(()));
    for (pairs, error) in [
        (
            vec![("kind", "Secret"), ("token", "t")],
            "printed no ExecCredential",
        ),
        (with(&[]), "printed neither a token nor a certificate"),
        (with(&pair[..1]), "printed a certificate without its key"),
        (with(&pair[1..]), "printed a key without its certificate"),
        (
            vec![
                ("kind", "ExecCredential"),
                ("apiVersion", "v2"),
                ("token", "t"),
            ],
            "printed apiVersion v2, expected client.authentication.k8s.io/v1beta1",
        ),
    ] {
        assert_eq!(check(&pairs), Err(error.to_owned()));
    }
}
