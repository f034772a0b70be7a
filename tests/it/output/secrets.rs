//! No output contains anything that authenticates the caller.

use std::io::Write as _;

use crate::support::emulated::Emulated;
use crate::support::jobs::{CLOUDS, KINDS, WORLD};
use crate::support::{ReceivedRequest, Server, http, joblens};

#[test]
fn verbose_shows_every_request_of_every_cloud_and_no_secret() {
    let emulated = Emulated::start(WORLD);
    let mut arguments = KINDS.to_vec();
    arguments.push("-v");
    let run = emulated.get(&arguments).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let sent: Vec<&str> = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("> "))
        .collect();
    assert_eq!(sent.len(), 6, "{}", run.stderr);
    assert_eq!(
        run.stderr
            .lines()
            .filter(|line| line.starts_with("< 200 in "))
            .count(),
        6
    );
    for operation in [
        "DescribeServerlessJobs",
        "ListInvocationStatus",
        "ListInvocationResults",
        "InstanceServiceDetail",
        "ShowImageJob",
        "DescribeServiceEvent",
    ] {
        assert!(
            sent.iter().any(|line| line.contains(operation)),
            "{operation}: {}",
            run.stderr
        );
    }
    let tencent = sent
        .iter()
        .find(|line| line.contains("/v2/index.php"))
        .unwrap();
    for name in [
        "Signature=***",
        "SecretId=***",
        "Action=DescribeServiceEvent",
    ] {
        assert!(tencent.contains(name), "{tencent}");
    }
}

/// Returns all parts of a request that authenticate the caller.
fn proofs(got: &ReceivedRequest) -> Vec<String> {
    let headers = [
        "authorization",
        "token",
        "x-auth-token",
        "x-acs-security-token",
        "x-security-token",
    ];
    let headers = headers
        .iter()
        .filter_map(|name| got.header(name))
        .map(str::to_owned);
    let query = got.target().split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        ["Signature", "SecretId", "Token"]
            .contains(&name)
            .then(|| value.to_owned())
    });
    let mut proofs: Vec<String> = headers.chain(parameters).collect();
    let signatures: Vec<String> = proofs
        .iter()
        .filter_map(|proof| Some(proof.split_once("Signature=")?.1.to_owned()))
        .collect();
    let decoded: Vec<String> = proofs
        .iter()
        .map(|proof| {
            proof
                .replace("%2B", "+")
                .replace("%2F", "/")
                .replace("%3D", "=")
        })
        .collect();
    proofs.extend(signatures);
    proofs.extend(decoded);
    proofs
}

/// Starts a server that returns everything it receives, like a careless gateway.
fn echoing(status: &'static str, words: &'static str) -> Server {
    Server::start(move |_, got, stream| {
        let echo = got
            .head
            .replace('\\', "")
            .replace('"', "'")
            .replace("\r\n", " ");
        let body = format!(
            "{{{words}, \"Message\": \"{echo}\", \"error_msg\": \"{echo}\", \"msg\": \"{echo}\", \"message\": \"{echo}\"}}"
        );
        let headers = format!(
            "content-type: application/json\r\nx-request-id: {}\r\n",
            echo.replace(':', "")
        );
        let _ = stream.write_all(&http(status, &headers, body.as_bytes()));
    })
}

#[test]
fn an_error_response_that_echoes_the_request_leaks_no_credential() {
    const VARIABLES: [(&str, &str); 7] = [
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "aliyun-test-secret-91c2"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "test-session-token-2e4d"),
        ("JOBLENS_SUGON_TOKEN", "sugon-test-token-7f3a"),
        ("HUAWEICLOUD_SDK_SK", "huawei-test-secret-5d0e"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "test-session-token-2e4d"),
        ("TENCENTCLOUD_SECRET_KEY", "tencent-test-secret-b86f"),
        ("TENCENTCLOUD_TOKEN", "test-session-token-2e4d"),
    ];
    let refusals = [
        ("403 Forbidden", r#""Code": "SignatureDoesNotMatch""#),
        ("401 Unauthorized", r#""error_code": "APIGW.0301""#),
        ("200 OK", r#""code": "10008""#),
        ("200 OK", r#""code": 4100"#),
    ];
    for (status, words) in refusals {
        for (cloud, reference) in CLOUDS {
            let server = echoing(status, words);
            let run = joblens(&["get", "-v", "-o", "json", "--max-attempts", "1", reference])
                .envs(joblens::emulator::environment(&server.origin()))
                .envs(VARIABLES)
                .run();
            assert_ne!(run.code, 0, "{}", run.stdout);
            let got = server.received();
            assert_eq!(got.len(), 1, "{cloud}");
            let proofs = proofs(&got[0]);
            assert!(!proofs.is_empty(), "{cloud}");
            for proof in proofs {
                assert!(
                    !run.stderr.contains(&proof),
                    "{cloud}: {proof} in {}",
                    run.stderr
                );
                assert!(
                    !run.stdout.contains(&proof),
                    "{cloud}: {proof} in {}",
                    run.stdout
                );
            }
        }
    }
}
