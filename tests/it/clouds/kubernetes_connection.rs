//! The connections of kubeconfig files: servers, certificates, credentials and impersonation.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::tls::{Authority, write};
use crate::support::{Joblens, Run, joblens};

/// An API server with the recorded job `ok`, and the heads of the requests it received.
struct Cluster {
    authority: Authority,
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    home: tempfile::TempDir,
}

impl Cluster {
    fn start(name: &str, wants_certificates: bool) -> Self {
        let authority = Authority::new(|_| {});
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heads);
        let leaf = authority.signed(name, |_| {});
        let port = authority.serve(&leaf, wants_certificates, move |head| {
            seen.lock().unwrap().push(head.to_owned());
            respond(head)
        });
        Self {
            authority,
            port,
            heads,
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in the folder of the kubeconfig.
    fn file(&self, name: &str, text: &str, mode: u32) -> String {
        fs::create_dir_all(self.path("kube")).unwrap();
        let path = self.path("kube").join(name);
        write(&path, text, mode);
        path.display().to_string()
    }

    /// Writes the kubeconfig with these fields of its cluster and its user.
    fn kubeconfig(&self, cluster: Value, user: Value) -> String {
        let mut fields = json!({
            "server": format!("https://127.0.0.1:{}/k8s/clusters/c-1", self.port),
            "certificate-authority-data": base64(&self.authority.pem()),
        });
        for (key, value) in cluster.as_object().unwrap() {
            fields[key] = value.clone();
        }
        let config = json!({
            "current-context": "main",
            "clusters": [{"name": "c", "cluster": fields}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u"}}],
        });
        self.file("config", &config.to_string(), 0o600)
    }

    fn joblens(&self, arguments: &[&str]) -> Joblens {
        let config = self.path("kube/config").display().to_string();
        joblens(arguments)
            .env("KUBECONFIG", config)
            .env("PATH", "/usr/bin:/bin")
    }

    fn get(&self) -> Run {
        self.joblens(&["get", "-o", "json", "kubernetes/job/train/ok"])
            .run()
    }

    /// Returns the values of a header of the first request.
    fn header(&self, name: &str) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        let lines = heads.first().map_or("", String::as_str).lines();
        let lines = lines.filter_map(|line| line.split_once(": "));
        let own = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.to_owned()).collect()
    }
}

fn respond(head: &str) -> Vec<u8> {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let job = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kubernetes/job/ok.json");
    let (status, body) = match path.strip_prefix("/k8s/clusters/c-1") {
        Some("/apis/batch/v1/namespaces/train/jobs/ok") => {
            ("200 OK", fs::read_to_string(job).unwrap())
        }
        Some(_) => ("200 OK", json!({"kind": "List", "items": []}).to_string()),
        None => ("404 Not Found", "404 page not found\n".to_owned()),
    };
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

pub(super) fn base64(text: &str) -> String {
    use std::io::Write as _;
    let mut child = std::process::Command::new("base64")
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn assert_found(run: &Run) {
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.job()["state"], "succeeded");
}

#[test]
fn tokens_of_a_kubeconfig_are_sent_over_tls_with_the_path_of_the_server() {
    for (user, token) in [
        (json!({"token": "tok-given"}), "Bearer tok-given"),
        (
            json!({"token": "x", "tokenFile": "token"}),
            "Bearer tok-of-file",
        ),
    ] {
        let cluster = Cluster::start("127.0.0.1", false);
        cluster.file("token", "tok-of-file\n", 0o600);
        cluster.kubeconfig(json!({}), user);
        assert_found(&cluster.get());
        assert_eq!(cluster.header("authorization"), [token]);
    }
}

#[test]
fn certificates_of_a_kubeconfig_are_presented() {
    let cluster = Cluster::start("127.0.0.1", true);
    let (certificate, key) = cluster.authority.signed("me", |_| {});
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    cluster.file("me.crt", &certificate, 0o600);
    cluster.file("me.key", &key, 0o600);
    cluster.file("ca.crt", &cluster.authority.pem(), 0o600);
    let data =
        json!({"client-certificate-data": base64(&certificate), "client-key-data": base64(&key)});
    let files = json!({"client-certificate": "me.crt", "client-key": "./me.key"});
    for (cluster_fields, user) in [
        (json!({}), data),
        (
            json!({"certificate-authority-data": null, "certificate-authority": "ca.crt"}),
            files,
        ),
    ] {
        cluster.kubeconfig(cluster_fields, user);
        assert_found(&cluster.get());
    }
    cluster.kubeconfig(json!({}), json!({"token": "t"}));
    let run = cluster.get();
    assert_eq!(run.code, 4, "{}", run.stderr);
}

#[test]
fn an_exec_plugin_is_run_once_for_its_token_or_certificate() {
    let cluster = Cluster::start("127.0.0.1", true);
    let (certificate, key) = cluster.authority.signed("me", |_| {});
    let status = json!({
        "clientCertificateData": certificate.pem(), "clientKeyData": key.serialize_pem(),
        "expirationTimestamp": "2100-01-01T00:00:00Z", "token": "tok-of-plugin",
    });
    let version = "client.authentication.k8s.io/v1beta1";
    let response = json!({"apiVersion": version, "kind": "ExecCredential", "status": status});
    cluster.file("response.json", &response.to_string(), 0o600);
    let folder = cluster.path("kube").display().to_string();
    let script = format!(
        "#!/bin/sh\necho run >> {folder}/runs\nprintf %s \"$KUBERNETES_EXEC_INFO\" > {folder}/info\n\
         test \"$1\" = login -a \"$WHO\" = me && cat {folder}/response.json\n"
    );
    cluster.file("plugin", &script, 0o700);
    let exec = json!({
        "apiVersion": version, "command": "./plugin", "args": ["login"],
        "env": [{"name": "WHO", "value": "me"}],
    });
    cluster.kubeconfig(json!({}), json!({"exec": exec}));
    assert_found(&cluster.get());
    assert_eq!(cluster.header("authorization"), ["Bearer tok-of-plugin"]);
    let read = |name: &str| fs::read_to_string(cluster.path("kube").join(name)).unwrap();
    assert_eq!(read("runs"), "run\n");
    let info: Value = serde_json::from_str(&read("info")).unwrap();
    assert_eq!(
        info,
        json!({"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": false}})
    );
    let status = cluster.joblens(&["auth", "status"]).run();
    assert!(
        status.stdout.contains("kubeconfig context main, exec"),
        "{}",
        status.stdout
    );
    cluster.file(
        "plugin",
        "#!/bin/sh\necho 'please log in' >&2\nexit 3\n",
        0o700,
    );
    let run = cluster.get();
    assert_eq!(run.code, 4, "{}", run.stderr);
    let message = run.error()["message"].to_string();
    assert!(
        message.contains("failed with exit code 3: please log in"),
        "{message}"
    );
}

#[test]
fn impersonation_is_sent_in_headers() {
    let cluster = Cluster::start("127.0.0.1", false);
    let user = json!({
        "token": "t", "as": "root", "as-groups": ["a", "b"], "as-user-extra": {"Scopes": ["x"]},
    });
    cluster.kubeconfig(json!({}), user);
    assert_found(&cluster.get());
    assert_eq!(cluster.header("impersonate-user"), ["root"]);
    assert_eq!(cluster.header("impersonate-group"), ["a", "b"]);
    assert_eq!(cluster.header("impersonate-extra-scopes"), ["x"]);
}

#[test]
fn the_server_is_verified_as_the_cluster_entry_requires() {
    let token = || json!({"token": "t"});
    let other = Authority::new(|_| {});
    let cluster = Cluster::start("kubernetes.default", false);
    cluster.kubeconfig(json!({}), token());
    let run = cluster.get();
    assert_eq!(
        run.code, 5,
        "the name of the certificate is another: {}",
        run.stderr
    );
    cluster.kubeconfig(json!({"tls-server-name": "kubernetes.default"}), token());
    assert_found(&cluster.get());
    let fields = json!({
        "tls-server-name": "kubernetes.default", "certificate-authority-data": base64(&other.pem()),
    });
    cluster.kubeconfig(fields, token());
    let system = cluster.file("system.pem", &cluster.authority.pem(), 0o600);
    let run = cluster
        .joblens(&["get", "kubernetes/job/train/ok"])
        .env("SSL_CERT_FILE", system)
        .run();
    assert_eq!(
        run.code, 5,
        "the CA of the cluster is the only one: {}",
        run.stderr
    );
    let insecure = json!({"certificate-authority-data": null, "insecure-skip-tls-verify": true});
    cluster.kubeconfig(insecure, token());
    let run = cluster.get();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let settings = "[kubernetes.default]\ninsecure_skip_verify = true\n";
    let settings = cluster.file("config.toml", settings, 0o600);
    let run = cluster
        .joblens(&[
            "get",
            "-o",
            "json",
            "--config",
            &settings,
            "kubernetes/job/train/ok",
        ])
        .run();
    assert_found(&run);
    assert_eq!(run.json()["notices"][0]["code"], "insecure_skip_verify");
}

#[test]
fn a_profile_can_name_a_context_and_a_kubeconfig_file() {
    let cluster = Cluster::start("127.0.0.1", false);
    let config = cluster.kubeconfig(json!({}), json!({"token": "t"}));
    let settings = "[kubernetes.prod]\ncontext = 'main'\nkubeconfig = 'config'\n\
         [kubernetes.other]\ncontext = 'gone'\nkubeconfig = 'config'\n\
         [kubernetes.both]\ncontext = 'main'\nendpoint = 'https://127.0.0.1:1'\n";
    let settings = cluster.file("config.toml", settings, 0o600);
    let get = |profile: &str| {
        let reference = format!("kubernetes@{profile}/job/train/ok");
        joblens(&["get", "-o", "json", "--config", &settings, &reference]).run()
    };
    assert_found(&get("prod"));
    let run = get("other");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(
        run.error()["message"],
        format!("{config} has no context 'gone'")
    );
    assert_eq!(get("both").code, 2);
    let run = joblens(&["get", "kubernetes/job/train/ok"]).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("missing kubeconfig context"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_server_name_or_proxy_that_is_invalid_is_reported_before_the_first_request() {
    let cluster = Cluster::start("127.0.0.1", false);
    for (field, value, message) in [
        (
            "tls-server-name",
            "https://k8s.internal",
            "is not a host name",
        ),
        ("tls-server-name", "k8s.internal:6443", "is not a host name"),
        ("tls-server-name", "*.internal", "is not a host name"),
        ("tls-server-name", "k8s internal", "is not a host name"),
        ("tls-server-name", "测试.internal", "is not a host name"),
        (
            "proxy-url",
            "ftp://proxy:1",
            "proxy-url is 'ftp://proxy:1', which is not the URL",
        ),
        (
            "proxy-url",
            "http://user:s3cret-in-url@",
            "which is not the URL",
        ),
    ] {
        let config = cluster.kubeconfig(json!({ field: value }), json!({"token": "t"}));
        let run = cluster.get();
        assert_eq!(run.code, 4, "{value}: {}", run.stderr);
        let error = run.error();
        let text = error["message"].as_str().unwrap();
        assert!(
            text.starts_with(&config) && text.contains("cluster 'c'"),
            "{text}"
        );
        assert!(text.contains(message) && text.contains(field), "{text}");
        let hint = error["hint"].as_str().unwrap();
        assert!(!hint.contains("NO_PROXY"), "{hint}");

        let key = field.replace('-', "_");
        let settings = format!(
            "[kubernetes.lab]\nendpoint = 'https://127.0.0.1:{}'\ntoken = 't'\n{key} = '{value}'\n",
            cluster.port
        );
        let settings = cluster.file("config.toml", &settings, 0o600);
        let reference = "kubernetes@lab/job/train/ok";
        let run = joblens(&["get", "-o", "json", "--config", &settings, reference]).run();
        assert_eq!(run.code, 2, "{value}: {}", run.stderr);
        let error = run.error();
        let text = error["message"].as_str().unwrap();
        let place = format!("(from {settings}:4:");
        assert!(text.contains(&key) && text.contains(&place), "{text}");
        assert!(!error["hint"].as_str().unwrap().contains("NO_PROXY"));
    }
    assert!(cluster.heads.lock().unwrap().is_empty());
}

#[test]
fn a_kubeconfig_in_a_folder_whose_name_is_not_utf_8_is_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let cluster = Cluster::start("127.0.0.1", false);
    let config = cluster.kubeconfig(json!({}), json!({"tokenFile": "token"}));
    let folder = cluster.home.path().join(OsStr::from_bytes(b"\xd3\xc3"));
    fs::create_dir(&folder).unwrap();
    fs::rename(config, folder.join("config")).unwrap();
    write(&folder.join("token"), "t", 0o600);
    let run = cluster
        .joblens(&["get", "-o", "json", "kubernetes/job/train/ok"])
        .env("KUBECONFIG", folder.join("config"))
        .run();
    assert_found(&run);
    assert_eq!(cluster.header("authorization"), ["Bearer t"]);
}

#[test]
fn the_hint_for_a_token_that_is_not_sent_over_http_is_to_use_https() {
    let cluster = Cluster::start("127.0.0.1", false);
    let forbidden = crate::support::http(
        "403 Forbidden",
        "content-type: application/json\r\n",
        br#"{"kind":"Status","status":"Failure","message":"jobs.batch \"ok\" is forbidden: User \"system:anonymous\" cannot get resource \"jobs\"","reason":"Forbidden","code":403}"#,
    );
    let server = crate::support::Server::answering(forbidden);
    cluster.kubeconfig(json!({"server": server.origin()}), json!({"token": "t"}));
    let run = cluster.get();
    assert_eq!(run.code, 4, "{}", run.stderr);
    let hint = "no credential is sent over http: use an https:// server in the kubeconfig";
    assert_eq!(run.error()["hint"], hint);
}
