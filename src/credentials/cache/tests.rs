mod expiry;

use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicI64, AtomicUsize};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::credentials::{StoredFields, test_support};
use crate::http::{ClientOptions, Endpoint, Method, RequestError};

const BORN: &str = "2026-01-02T03:04:05Z";

#[derive(Debug, PartialEq)]
pub(in crate::credentials) struct Plain(pub String);

impl Storable for Plain {
    fn parts(&self) -> StoredFields {
        StoredFields::from([("token".to_owned(), self.0.clone())])
    }

    fn from_parts(parts: &StoredFields) -> Option<Credential<Self>> {
        let token = parts.get("token")?;
        Some(Credential {
            signer: Self(token.clone()),
            secrets: vec![Secret::new(token)],
            expires_at: None,
        })
    }
}

impl Signer for Plain {
    fn sign(&self, _request: &Request, _now: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        SigningInstructions {
            headers: vec![("token", Secret::new(&self.0))],
            query: Vec::new(),
        }
    }
}

/// Issues these tokens in order, then the last one repeatedly.
struct Service {
    tokens: Vec<&'static str>,
    requested: Arc<AtomicUsize>,
    lifetime: Option<TimeDelta>,
    seconds: Arc<AtomicI64>,
    /// Changes the clock while a token is issued.
    meanwhile: fn(&AtomicI64),
}

#[async_trait]
impl CredentialProvider<Plain> for Service {
    async fn provide(&self, _deadline: Deadline) -> Result<Credential<Plain>, Problem> {
        let turn = self.requested.fetch_add(1, Ordering::Relaxed);
        (self.meanwhile)(&self.seconds);
        let token = self.tokens.get(turn).or(self.tokens.last());
        let token = *token.ok_or_else(|| Problem::usage("no more").with_hint("ask"))?;
        Ok(Credential {
            signer: Plain(token.to_owned()),
            secrets: vec![Secret::new(token)],
            expires_at: self.lifetime.map(|span| moment(&self.seconds) + span),
        })
    }
}

fn moment(seconds: &AtomicI64) -> DateTime<Utc> {
    test_support::moment(BORN) + TimeDelta::seconds(seconds.load(Ordering::Relaxed))
}

struct Stage {
    http: ApiClient,
    transport: Arc<Transport>,
    credentials: CredentialCache<Plain>,
    requested: Arc<AtomicUsize>,
    seconds: Arc<AtomicI64>,
    request: Request,
    seen: Arc<StdMutex<Vec<String>>>,
}

/// Returns a client, and a server that accepts the good token and rejects every other.
async fn stage(tokens: &[&'static str], lifetime: Option<TimeDelta>, good: &'static str) -> Stage {
    let takes = move |token: &str, _: &AtomicI64| token == good;
    stage_where(tokens, lifetime, takes, |_| {}).await
}

/// Serves HTTP and logs the token of each request.
async fn serve(
    listener: TcpListener,
    log: Arc<StdMutex<Vec<String>>>,
    clock: Arc<AtomicI64>,
    takes: Arc<impl Fn(&str, &AtomicI64) -> bool + Send + Sync + 'static>,
) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (log, clock, takes) = (log.clone(), clock.clone(), takes.clone());
        tokio::spawn(async move {
            let mut got = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                got.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&got).into_owned();
                let Some((_, rest)) = text.split_once("\r\ntoken: ") else {
                    continue;
                };
                let token = rest.lines().next().unwrap_or_default().to_owned();
                let status = match takes(&token, &clock) {
                    true => "200 OK",
                    false => "401 No",
                };
                log.lock().unwrap().push(token);
                got.clear();
                let response = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                stream.write_all(response.as_bytes()).await.unwrap();
            }
        });
    }
}

/// Returns a client, and a server that accepts the tokens for which `takes` is true. `takes` and `meanwhile` can
/// set the clock.
async fn stage_where(
    tokens: &[&'static str],
    lifetime: Option<TimeDelta>,
    takes: impl Fn(&str, &AtomicI64) -> bool + Send + Sync + 'static,
    meanwhile: fn(&AtomicI64),
) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<StdMutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let seconds = Arc::new(AtomicI64::new(0));
    let (clock, takes) = (Arc::clone(&seconds), Arc::new(takes));
    tokio::spawn(serve(listener, log, clock, takes));
    let clock = Arc::clone(&seconds);
    let transport = Transport::new(
        ClientOptions::default(),
        &[],
        Arc::new(move || moment(&clock)),
        Arc::new(|_| {}),
    )
    .unwrap();
    let profile = test_support::profile(&[]);
    let requested = Arc::new(AtomicUsize::new(0));
    let service = Service {
        tokens: tokens.to_vec(),
        requested: Arc::clone(&requested),
        lifetime,
        seconds: Arc::clone(&seconds),
        meanwhile,
    };
    Stage {
        http: ApiClient::new(&transport, &profile, "token".to_owned(), []),
        transport,
        credentials: CredentialCache::from_provider(service),
        requested,
        seconds,
        request: Request {
            operation: "Read",
            method: Method::Get,
            endpoint: Endpoint::parse(&origin, &[], false).unwrap(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            is_optional: false,
        },
        seen,
    }
}

impl Stage {
    async fn send(&self) -> Result<Response, Problem> {
        let deadline = Deadline::after(Duration::from_secs(60));
        self.credentials
            .send(
                &self.http,
                &self.request,
                &RequestError::from_status,
                deadline,
            )
            .await
    }

    fn issued(&self) -> usize {
        self.requested.load(Ordering::Relaxed)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn keeps_a_credential_until_a_minute_before_it_expires() {
    let hour = Some(TimeDelta::hours(1));
    let stage = stage(&["token-1"], hour, "token-1").await;
    for (second, issued) in [
        (0, 1),
        (1800, 1),
        (3539, 1),
        (3540, 2),
        (3600, 2),
        (9999, 3),
    ] {
        stage.seconds.store(second, Ordering::Relaxed);
        stage.send().await.unwrap();
        assert_eq!(stage.issued(), issued, "after {second} s");
    }
}

#[tokio::test]
async fn refreshes_a_rejected_credential_once_and_repeats_the_request() {
    let stage = stage(&["token-1", "token-2"], None, "token-2").await;
    stage.send().await.unwrap();
    stage.send().await.unwrap();
    assert_eq!(stage.seen(), ["token-1", "token-2", "token-2"]);
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn never_sends_a_rejected_credential_again() {
    let stage = stage(&["token-1"], None, "token-2").await;
    for _ in 0..3 {
        let problem = stage.send().await.unwrap_err();
        assert_eq!(problem.category, Category::Unauthenticated);
    }
    assert_eq!(stage.seen(), ["token-1"]);
}

#[tokio::test]
async fn a_rejected_refreshed_credential_ends_the_call() {
    let stage = stage(&["token-1", "token-2", "token-3"], None, "none").await;
    let problem = stage.send().await.unwrap_err();
    assert_eq!(problem.category, Category::Unauthenticated);
    stage.send().await.unwrap_err();
    assert_eq!(stage.seen(), ["token-1", "token-2"]);
}

#[tokio::test]
async fn calls_rejected_at_the_same_time_refresh_the_credential_once() {
    let stage = stage(&["token-1", "token-2", "token-3"], None, "token-2").await;
    let outcomes = tokio::join!(
        stage.send(),
        stage.send(),
        stage.send(),
        stage.send(),
        stage.send()
    );
    let all = [outcomes.0, outcomes.1, outcomes.2, outcomes.3, outcomes.4];
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn reports_why_a_rejected_credential_cannot_be_refreshed() {
    let stage = stage(&["token-1"], None, "token-2").await;
    let Stage { credentials, .. } = &stage;
    let deadline = Deadline::after(Duration::from_secs(60));
    credentials.get(&stage.http, deadline).await.unwrap();
    let empty = CredentialCache {
        provider: Some(Box::new(Service {
            tokens: Vec::new(),
            requested: Arc::clone(&stage.requested),
            lifetime: None,
            seconds: Arc::clone(&stage.seconds),
            meanwhile: |_| {},
        })),
        active: Mutex::new(credentials.active.lock().await.take()),
        negative_cache: NegativeCache::default(),
        expires_at: None,
        store: None,
    };
    let problem = empty
        .send(
            &stage.http,
            &stage.request,
            &RequestError::from_status,
            deadline,
        )
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::Unauthenticated);
    assert_eq!(
        problem.hint.as_deref(),
        Some("it cannot be refreshed: no more; ask")
    );
}

#[tokio::test]
async fn a_credential_that_has_worked_may_be_refreshed_again() {
    let stage = stage(
        &["token-1", "token-2", "token-1", "token-2"],
        None,
        "token-2",
    )
    .await;
    stage.send().await.unwrap();
    stage.credentials.active.lock().await.take();
    stage.send().await.unwrap();
    assert_eq!(stage.issued(), 4);
}

#[tokio::test]
async fn a_failed_refresh_keeps_the_current_credential_until_it_expires() {
    let mut stage = stage(&[], Some(TimeDelta::hours(1)), "token-1").await;
    let first = Credential {
        signer: Plain("token-1".to_owned()),
        secrets: vec![Secret::new("token-1")],
        expires_at: Some(test_support::moment(BORN) + TimeDelta::seconds(3600)),
    };
    stage.credentials.active = Mutex::new(Some(Arc::new(ActiveCredential::new(first, None))));
    stage.seconds.store(3599, Ordering::Relaxed);
    stage.send().await.unwrap();
    stage.seconds.store(3609, Ordering::Relaxed);
    assert_eq!(stage.send().await.unwrap_err().message, "no more");
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn a_service_that_issued_no_credential_is_not_requested_for_10_s() {
    let stage = stage(&[], None, "token-1").await;
    let looks = (0..400).map(|_| stage.send());
    for outcome in futures_util::future::join_all(looks).await {
        let problem = outcome.unwrap_err();
        assert!(problem.message.ends_with("no more"), "{problem}");
    }
    assert_eq!(stage.issued(), 1);
    for (second, issued) in [(9, 1), (10, 2), (-20, 3)] {
        stage.seconds.store(second, Ordering::Relaxed);
        stage.send().await.unwrap_err();
        assert_eq!(stage.issued(), issued, "after {second} s");
    }
}
