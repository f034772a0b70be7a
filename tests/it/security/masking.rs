use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{INSTANCE, JOB, KEY_ID, UNKNOWN_SECRET, command_for, instance_server, job_server};
use super::{refusing_server, shown};
use crate::support::{Server, http, joblens};

#[test]
fn a_secret_argument_after_an_option_that_ends_the_command_is_masked() {
    let server = job_server(&json!({
        "Commands": ["mysql", "--password"],
        "Args": [UNKNOWN_SECRET, "kept"],
    }));
    for arguments in [
        &["describe", JOB][..],
        &["get", JOB, "-o", "json"],
        &["get", JOB, "-o", "json", "--raw"],
    ] {
        let run = command_for(&server, arguments).run();
        let shown = shown(&run);
        assert!(!shown.contains(UNKNOWN_SECRET), "{arguments:?}: {shown}");
        assert!(shown.contains("kept"), "{arguments:?}: {shown}");
    }
}

#[test]
fn secrets_in_raw_output_are_masked_unless_requested() {
    let server = job_server(&json!({
        "Commands": ["sh", "-c", format!("curl -u me:{UNKNOWN_SECRET} http://h")],
        "NewField": {"registryPassword": UNKNOWN_SECRET, "Url": format!("http://u:{UNKNOWN_SECRET}@h")},
        "EnvironmentVars": [{"Key": "A", "Value": UNKNOWN_SECRET}],
    }));
    let arguments = ["get", JOB, "-o", "json", "--raw"];
    let run = command_for(&server, &arguments)
        .with_secret(UNKNOWN_SECRET)
        .run();
    let container = &run.job()["raw"]["JobInfos"][0]["ContainerGroups"][0]["Containers"][0];
    assert_eq!(
        container["NewField"],
        json!({"registryPassword": "***", "Url": "http://***@h"})
    );
    let all = command_for(&server, &[&arguments[..], &["--show-secrets"]].concat()).run();
    assert!(all.stdout.contains(UNKNOWN_SECRET));
}

#[test]
fn tokens_and_passwords_in_a_port_url_are_masked() {
    for url in [
        "h/?token=S",
        "user:S@h/",
        "h/lab#token=S",
        "h/lab;token=S",
        "u:S/x@h/",
        "h/token=S/",
    ] {
        let url = format!("http://{}", url.replace('S', UNKNOWN_SECRET));
        let ports = json!([{"accessUrl": url, "containerPort": 8888}]);
        let server = instance_server(&json!({"containerPortInfoList": ports}));
        for arguments in [
            &["describe", INSTANCE][..],
            &["get", INSTANCE, "-o", "json", "--raw"],
        ] {
            let run = command_for(&server, arguments)
                .with_secret(UNKNOWN_SECRET)
                .run();
            assert!(run.stdout.contains("http://"), "{}", run.stdout);
        }
    }
}

#[test]
fn a_key_id_is_shown_only_in_its_short_form() {
    let server = refusing_server(&format!("Specified access key {KEY_ID} is not found."));
    for arguments in [
        &["get", JOB, "--max-attempts", "1"][..],
        &["doctor", "aliyun", "-o", "markdown"],
    ] {
        let run = command_for(&server, arguments).with_secret(KEY_ID).run();
        assert!(shown(&run).contains("LTAI…000"), "{}", shown(&run));
    }
}

#[test]
fn a_proxy_password_echoed_by_the_proxy_is_masked() {
    const PASSWORD: &str = "pr0xyPassw0rdZZ";
    let server = Server::start(|_, request, stream| {
        let sent = request.header("proxy-authorization").unwrap_or_default();
        let plain = sent
            .strip_prefix("Basic ")
            .and_then(|text| STANDARD.decode(text).ok());
        let plain = String::from_utf8(plain.unwrap_or_default()).unwrap();
        let page = format!("<html><title>{plain}</title>{plain} {sent}</html>");
        let response = http("200 OK", "content-type: text/html\r\n", page.as_bytes());
        let _ = std::io::Write::write_all(stream, &response);
    });
    let encoded = STANDARD.encode(format!("bob:{PASSWORD}"));
    let run = joblens(&["get", INSTANCE, "--allow-http", "--max-attempts", "1", "-v"])
        .env("JOBLENS_SUGON_ENDPOINT", "http://cloud.test")
        .env("JOBLENS_SUGON_TOKEN", "sugonTOKENabcdef0123456789xyz")
        .env(
            "HTTP_PROXY",
            format!("http://bob:{PASSWORD}@127.0.0.1:{}", server.port),
        )
        .with_secret(PASSWORD)
        .with_secret(&encoded[8..])
        .run();
    assert_eq!(
        (run.code, server.received().len()),
        (5, 1),
        "{}",
        run.stderr
    );
    let run = joblens(&[
        "doctor",
        "sugon",
        "-o",
        "markdown",
        "--connect-timeout",
        "300ms",
    ])
    .env("JOBLENS_SUGON_ENDPOINT", "https://cloud.test")
    .env("JOBLENS_SUGON_TOKEN", "sugonTOKENabcdef0123456789xyz")
    .env(
        "HTTPS_PROXY",
        format!("http://bob:x@127.0.0.1:9/?key={PASSWORD}"),
    )
    .with_secret(PASSWORD)
    .run();
    assert!(run.stdout.contains("127.0.0.1"), "{}", run.stdout);
}
