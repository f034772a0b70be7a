use std::sync::Mutex;
use std::time::Duration;

use super::retry_decision::{FailedAttempt, RetryDecision};
use super::*;
use crate::error::{Category, Problem, TransportFailure, TransportFailureKind};
use crate::http::{ClientOptions, Endpoint, Method, RetryAction};
use crate::settings::{Environment, SettingSpec, Settings, SettingsSchema};
use chrono::DateTime;

const SCHEMA: SettingsSchema = SettingsSchema {
    cloud: "sugon",
    keys: &[SettingSpec::setting("token", &["TOKEN"])],
    all_public_domains: || &[],
    variable_prefixes: &[],
    client_cert_is_credential: false,
};

/// Returns the client of a machine whose clock is at 1,700,000,000, and the events it reports.
fn client() -> (ApiClient, Arc<Mutex<Vec<TransportEvent>>>) {
    client_behind(&[])
}

fn client_behind(proxies: &[(String, String)]) -> (ApiClient, Arc<Mutex<Vec<TransportEvent>>>) {
    let text = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&text);
    let transport = Transport::new(
        ClientOptions::default(),
        proxies,
        Arc::new(|| DateTime::from_timestamp(1_700_000_000, 0).unwrap()),
        Arc::new(move |event| sink.lock().unwrap().push(event)),
    )
    .unwrap();
    let variables = [("TOKEN".to_owned(), "to/ken+==".to_owned())];
    let profile = Settings::from_environment(Environment::new(variables))
        .plain_profile(&SCHEMA, "default")
        .unwrap();
    let secret = profile.secret("token").unwrap().clone();
    let client = ApiClient::new(&transport, &profile, "token".to_owned(), [&secret]);
    (client, text)
}

fn request() -> Request {
    Request {
        operation: "Read",
        method: Method::Get,
        endpoint: Endpoint::parse("http://127.0.0.1:1", &[], false).unwrap(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        is_optional: false,
    }
}

fn dated(date: &str) -> Response {
    Response {
        headers: vec![("date".to_owned(), date.to_owned())],
        ..Response::default()
    }
}

/// Returns a failed attempt that was signed with this offset, after this many immediate retries.
fn attempt(response: &Response, offset: i64, resends: u32) -> FailedAttempt<'_> {
    FailedAttempt {
        response: Some(response),
        offset,
        attempts: resends + 1,
        resends,
    }
}

#[test]
fn a_secret_echoed_in_a_decoded_error_is_masked() {
    let (client, _) = client();
    let mut error = RequestError::new(Category::Unauthenticated, "no such token: to/ken+==.");
    error.code = Some("to/ken+==".to_owned());
    error.request_id = Some("to/ken+==".to_owned());
    let problem = client.to_problem(&request(), error, None, 1);
    assert_eq!(problem.message, "no such token: ***");
    assert!(!format!("{problem:?}").contains("to/ken"));
}

#[test]
fn a_secret_in_the_reference_of_a_failed_row_is_masked() {
    let (client, _) = client();
    let mut problem = Problem::new(Category::InvalidResponse, "no state");
    problem.reference = Some("aliyun/invocation/c1/to/ken+==".to_owned());
    problem.input.clone_from(&problem.reference);
    client.transport.mask(&mut problem);
    let masked = Some("aliyun/invocation/c1/***".to_owned());
    assert_eq!((&problem.reference, &problem.input), (&masked, &masked));
}

#[test]
fn a_corrected_clock_is_reported_once() {
    let (client, text) = client();
    let mut error = RequestError::new(Category::ClockSkew, "expired.");
    let mut correct =
        |date, signed| client.adjust_clock_skew(&request(), &dated(date), signed, &mut error);
    assert!(!correct("Tue, 14 Nov 2023 22:13:30 GMT", 0));
    assert!(text.lock().unwrap().is_empty());
    assert!(correct("Tue, 14 Nov 2023 22:33:20 GMT", 0));
    assert!(correct("Tue, 14 Nov 2023 22:33:21 GMT", 0));
    assert_eq!(text.lock().unwrap().len(), 1);
    assert!(!correct("Fri, 31 Dec 262142 23:59:59 GMT", 1201));
    assert_eq!(text.lock().unwrap().len(), 1);
    assert_eq!(client.clock_offset.seconds(), 1201);
}

#[test]
fn an_undone_clock_correction_is_reported() {
    let (client, text) = client();
    let mut error = RequestError::new(Category::ClockSkew, "expired.");
    let mut correct =
        |date, signed| client.adjust_clock_skew(&request(), &dated(date), signed, &mut error);
    assert!(correct("Wed, 15 Nov 2023 18:13:20 GMT", 0));
    assert!(correct("Tue, 14 Nov 2023 22:13:20 GMT", 72_000));
    assert_eq!(client.clock_offset.seconds(), 0);
    let messages = [
        "the local clock is 20 hours behind 127.0.0.1:1; using the server time for signing",
        "the local clock agrees with 127.0.0.1:1 again; using the local time for signing",
    ];
    let expected = messages
        .map(|message| TransportEvent::Notice(NoticeCode::ClockCorrected, message.to_owned()));
    assert_eq!(*text.lock().unwrap(), expected);
}

#[test]
fn a_request_is_repeated_immediately_at_most_twice() {
    let (client, _) = client();
    let dates = [
        "Wed, 15 Nov 2023 18:13:20 GMT",
        "Tue, 14 Nov 2023 22:13:20 GMT",
    ];
    for (retry, expected) in [
        (RetryAction::AfterClockSync, [true, true, false, false]),
        (RetryAction::Immediate, [true, true, false, false]),
    ] {
        let is_resent = |resends: u32| {
            let mut error = RequestError::new(Category::ClockSkew, "expired");
            error.retry = retry;
            let response = dated(dates[resends as usize % 2]);
            let attempt = attempt(&response, client.clock_offset.seconds(), resends);
            let decision = client.retry_decision(&request(), &mut error, attempt);
            matches!(decision, RetryDecision::Immediate)
        };
        assert_eq!([0, 1, 2, 3].map(is_resent), expected, "{retry:?}");
    }
}

#[test]
fn a_clock_that_is_too_far_off_is_reported_and_not_corrected() {
    let (client, text) = client();
    let mut error = RequestError::new(Category::ClockSkew, "expired.");
    error.retry = RetryAction::AfterClockSync;
    let response = dated("Thu, 16 Nov 2023 22:13:20 GMT");
    let decision = client.retry_decision(&request(), &mut error, attempt(&response, 0, 0));
    assert!(matches!(decision, RetryDecision::Fail));
    let expected = "expired; the local clock is 2 days behind 127.0.0.1:1, and differences of more than one day are not corrected";
    assert_eq!(
        (error.category, &*error.message),
        (Category::ClockSkew, expected)
    );
    assert!(text.lock().unwrap().is_empty());
    assert_eq!(client.clock_offset.seconds(), 0);
}

#[test]
fn only_an_error_about_clock_skew_corrects_the_clock() {
    let (client, _) = client();
    let response = dated("Tue, 14 Nov 2023 22:33:20 GMT");
    for category in [
        Category::Unauthenticated,
        Category::ServiceError,
        Category::Throttled,
    ] {
        let mut error = RequestError::new(category, "no");
        error.retry = RetryAction::Immediate;
        client.retry_decision(&request(), &mut error, attempt(&response, 0, 0));
        assert_eq!(client.clock_offset.seconds(), 0);
    }
}

/// Starts a server that responds to every request with this word and counts them.
async fn listening(word: &'static str) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let response =
                format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n{word}");
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    address
}

struct Anonymous;

impl Signer for Anonymous {
    fn sign(
        &self,
        _: &Request,
        _: DateTime<Utc>,
        _nonce: &str,
    ) -> crate::http::SigningInstructions {
        crate::http::SigningInstructions::default()
    }
}

#[tokio::test]
async fn only_an_account_configured_as_direct_bypasses_every_proxy() {
    let proxy = listening("proxy").await;
    let host = listening("host.").await;
    let variables = ["HTTP_PROXY", "ALL_PROXY"].map(|name| (name.to_owned(), proxy.to_string()));
    let request = Request {
        // An address of this machine that does not look like a loopback address.
        endpoint: Endpoint::parse(&format!("http://0.0.0.0:{}", host.port()), &[], true).unwrap(),
        ..request()
    };
    let (client, _) = client_behind(&variables);
    let deadline = Deadline::after(Duration::from_secs(30));
    let send = async |client: &ApiClient| {
        let response = client.send(&request, &Anonymous, &|_| None, deadline).await;
        response.unwrap().body
    };
    assert_eq!(send(&client).await, b"proxy");
    let direct = client.without_proxy(ClientOptions::default());
    assert_eq!(send(&direct).await, b"host.");
    assert_eq!(send(&direct.for_host(false)).await, b"host.");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_cut_by_the_deadline_is_counted() {
    // It accepts connections and never responds.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", server.local_addr().unwrap());
    let request = Request {
        endpoint: Endpoint::parse(&origin, &[], false).unwrap(),
        ..request()
    };
    let (client, _) = client();
    let deadline = Deadline::after(Duration::from_secs(60));
    let sent = client.send(&request, &Anonymous, &|_| None, deadline);
    let problem = sent.await.unwrap_err();
    assert_eq!(
        problem.message,
        "no complete response after 2 attempts in 60 s: request timed out after 30 s"
    );
    assert_eq!(problem.attempts, 2);
}

/// A signer whose key several accounts can share.
struct Keyed;

impl Signer for Keyed {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _: &str) -> crate::http::SigningInstructions {
        crate::http::SigningInstructions::default()
    }

    fn key(&self) -> Vec<&str> {
        vec!["id", "secret"]
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_blocks_a_shared_key_for_five_seconds() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", server.local_addr().unwrap());
    let request = Request {
        endpoint: Endpoint::parse(&origin, &[], false).unwrap(),
        ..request()
    };
    let (client, events) = client();
    let other = client.for_host(false);
    let deadline = Deadline::after(Duration::from_secs(60));
    let send = |client| ApiClient::send(client, &request, &Keyed, &|_| None, deadline);
    let calls = async { tokio::join!(send(&client), send(&client), send(&client), send(&other)) };
    let sent = || {
        let is_sending = |event: &&TransportEvent| matches!(event, TransportEvent::Sending { .. });
        events.lock().unwrap().iter().filter(is_sending).count()
    };
    let counted = async {
        let mut counts = Vec::new();
        for pause in [4900, 200, 20_000] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            counts.push(sent());
        }
        counts
    };
    tokio::select! {
        _ = calls => panic!("the server responded"),
        counts = counted => assert_eq!(counts, [2, 3, 3]),
    }
}

#[test]
fn long_texts_of_an_error_response_are_cut_without_showing_a_secret() {
    let (client, _) = client();
    let mut error = RequestError::new(Category::ServiceError, "长".repeat(5000) + "to/ken+==");
    error.code = Some("c".repeat(5000));
    error.request_id = Some("r".repeat(5000));
    let problem = client.to_problem(&request(), error, None, 1);
    assert_eq!(problem.message, "长".repeat(4096) + "…");
    assert_eq!(problem.code.unwrap(), "c".repeat(200) + "…");
    assert_eq!(problem.request_id.unwrap(), "r".repeat(200) + "…");
    // No part of a secret is shown.
    let error = RequestError::new(Category::ServiceError, "x".repeat(4090) + " to/ken+==");
    let problem = client.to_problem(&request(), error, None, 1);
    assert_eq!(problem.message, "x".repeat(4090) + " ***");
}

#[test]
fn the_retry_after_of_a_proxy_is_handled_like_that_of_a_cloud() {
    let (client, _) = client();
    let decide = |seconds| {
        let failure = TransportFailure::at_proxy(TransportFailureKind::ProxyRefused);
        let mut error = RequestError::new(Category::Network, "HTTP 429 to CONNECT");
        error.retry = RetryAction::Backoff;
        error.transport_failure = Some(failure);
        error.retry_after = Some(Duration::from_secs(seconds));
        let attempt = FailedAttempt {
            response: None,
            offset: 0,
            attempts: 1,
            resends: 0,
        };
        let decision = client.retry_decision(&request(), &mut error, attempt);
        (decision, error.category, error.message)
    };
    let (decision, category, _) = decide(7);
    let pause = matches!(decision, RetryDecision::After(pause) if pause.as_secs() == 7);
    assert!(pause && category == Category::Network);
    let (decision, category, message) = decide(600);
    assert!(matches!(decision, RetryDecision::Fail) && category == Category::Throttled);
    let expected = "HTTP 429 to CONNECT; the proxy requests a wait of 600 s";
    assert_eq!(message, expected);
}

#[test]
fn the_longer_of_two_requested_waits_counts() {
    let (client, _) = client();
    for (own, standard, longer) in [(200, "40", 40_000), (50_000, "40", 50_000)] {
        let mut error = RequestError::new(Category::Throttled, "too many requests");
        error.retry = RetryAction::Backoff;
        error.retry_after = Some(Duration::from_millis(own));
        let response = Response {
            status: 429,
            headers: vec![("retry-after".to_owned(), standard.to_owned())],
            body: Vec::new(),
        };
        let attempt = FailedAttempt {
            response: Some(&response),
            offset: 0,
            attempts: 1,
            resends: 0,
        };
        let longer = Duration::from_millis(longer);
        let decision = client.retry_decision(&request(), &mut error, attempt);
        assert!(matches!(decision, RetryDecision::After(pause) if pause == longer));
        let problem = client.to_problem(&request(), error, Some(&response), 1);
        assert_eq!(problem.retry_after, Some(longer));
    }
}
