use std::sync::Mutex;

use super::*;
use crate::http::{Endpoint, Limits, Method};
use crate::settings::{CloudKeys, Environment, KeySpec, Settings};
use chrono::DateTime;

const KEYS: CloudKeys = CloudKeys {
    cloud: "sugon",
    keys: &[KeySpec::secret("token", &["TOKEN"])],
    tools: &[],
    public_domains: &[],
};

/// An account of a machine whose clock stands at 1,700,000,000, and what it tells.
fn account() -> (Account, Arc<Mutex<Vec<Happening>>>) {
    account_behind(&[])
}

fn account_behind(proxies: &[(String, String)]) -> (Account, Arc<Mutex<Vec<Happening>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let wire = Wire::new(
        Limits::default(),
        proxies,
        Arc::new(|| DateTime::from_timestamp(1_700_000_000, 0).unwrap()),
        Arc::new(move |happening| sink.lock().unwrap().push(happening)),
    )
    .unwrap();
    let variables = [("TOKEN".to_owned(), "to/ken+==".to_owned())];
    let profile = Settings::of(Environment::new(variables))
        .profile(&KEYS, "default")
        .unwrap();
    let secret = profile.secret("token").unwrap().clone();
    let account = Account::new(&wire, &profile, "token".to_owned(), [&secret]);
    (account, told)
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
    }
}

fn dated(date: &str) -> Answer {
    Answer {
        headers: vec![("date".to_owned(), date.to_owned())],
        ..Answer::default()
    }
}

#[test]
fn an_echo_that_only_decoding_brings_out_is_scrubbed() {
    let (account, _) = account();
    let mut refusal = Refusal::new(Category::Refused, "no such token: to/ken+==.");
    refusal.code = Some("to/ken+==".to_owned());
    refusal.request_id = Some("to/ken+==".to_owned());
    let problem = account.framed(&request(), refusal, None, 1);
    assert_eq!(problem.message, "no such token: ***");
    assert!(!format!("{problem:?}").contains("to/ken"));
}

#[test]
fn a_corrected_clock_is_told_once() {
    let (account, told) = account();
    let mut refusal = Refusal::new(Category::Clock, "expired.");
    let mut correct = |date| account.correct_clock(&request(), &dated(date), &mut refusal);
    assert!(!correct("Tue, 14 Nov 2023 22:13:30 GMT"));
    assert!(told.lock().unwrap().is_empty());
    assert!(correct("Tue, 14 Nov 2023 22:33:20 GMT"));
    assert!(correct("Tue, 14 Nov 2023 22:33:21 GMT"));
    assert_eq!(told.lock().unwrap().len(), 1);
    assert!(!correct("Fri, 31 Dec 262142 23:59:59 GMT"));
    assert_eq!(told.lock().unwrap().len(), 1);
    assert_eq!(
        account.clock_offset.at(account.now()),
        account.now() + chrono::TimeDelta::seconds(1201)
    );
}

#[test]
fn a_clock_that_is_too_far_off_is_said_and_not_corrected() {
    let (account, told) = account();
    let mut refusal = Refusal::new(Category::Clock, "expired.");
    refusal.retry = Retry::Clock;
    let answer = dated("Thu, 16 Nov 2023 22:13:20 GMT");
    let next = account.next(&request(), &mut refusal, Some(&answer), 1, true);
    assert!(matches!(next, Next::Fail));
    let said = "expired; this machine's clock is 2 days behind that of 127.0.0.1:1, and a difference of more than one day is not corrected";
    assert_eq!(
        (refusal.category, &*refusal.message),
        (Category::Clock, said)
    );
    assert!(told.lock().unwrap().is_empty());
    assert_eq!(account.clock_offset.at(account.now()), account.now());
}

#[test]
fn only_a_code_about_the_time_corrects_the_clock() {
    let (account, _) = account();
    let answer = dated("Tue, 14 Nov 2023 22:33:20 GMT");
    for category in [Category::Refused, Category::Service, Category::Throttled] {
        let mut refusal = Refusal::new(category, "no");
        refusal.retry = Retry::Once;
        account.next(&request(), &mut refusal, Some(&answer), 1, true);
        assert_eq!(account.clock_offset.at(account.now()), account.now());
    }
}

/// Answers every request with this word, and counts.
async fn listening(word: &'static str) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n{word}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

struct Unsigned;

impl Signer for Unsigned {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _nonce: &str) -> crate::http::Proof {
        crate::http::Proof::default()
    }
}

#[tokio::test]
async fn a_direct_account_goes_past_every_proxy_and_others_do_not() {
    let proxy = listening("proxy").await;
    let host = listening("host.").await;
    let variables = ["HTTP_PROXY", "ALL_PROXY"].map(|name| (name.to_owned(), proxy.to_string()));
    let request = Request {
        // Reaches this machine and is no loopback address by its look.
        endpoint: Endpoint::parse(&format!("http://0.0.0.0:{}", host.port()), &[], true).unwrap(),
        ..request()
    };
    let (account, _) = account_behind(&variables);
    let deadline = Deadline::after(Duration::from_secs(30));
    let ask = async |account: &Account| {
        let answer = account.send(&request, &Unsigned, &|_| None, deadline).await;
        answer.unwrap().body
    };
    assert_eq!(ask(&account).await, b"proxy");
    let direct = account.direct(Limits::default());
    assert_eq!(ask(&direct).await, b"host.");
    assert_eq!(ask(&direct.at_another_host(false)).await, b"host.");
}
