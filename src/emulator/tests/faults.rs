use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Accesses, connect, get, start};
use crate::emulator::{Effect, Emulator, Fault, Scenario};

fn first_request(effect: Effect) -> Fault {
    Fault {
        cloud: None,
        operation: None,
        effect,
        skip: 0,
        times: Some(1),
        retry_after: None,
        from: Duration::ZERO,
        until: None,
    }
}

async fn start_with_fault(effect: Effect) -> (Emulator, Accesses) {
    start(Scenario {
        faults: vec![first_request(effect)],
        ..Scenario::default()
    })
    .await
}

#[tokio::test]
async fn faults_respond_in_place_of_the_cloud() {
    let to = "http://127.0.0.1:9/elsewhere";
    let cases = [
        (Effect::Throttle, 400, "{\"code\":\"Throttling\"}"),
        (Effect::Status(503), 503, "{\"code\":\"Unavailable\"}"),
        (Effect::Empty, 200, ""),
        (Effect::Redirect(to.to_owned()), 302, ""),
    ];
    for (effect, status, body) in cases {
        let (emulator, _) = start_with_fault(effect.clone()).await;
        let reply = get(&emulator, "/fake/Echo").await;
        assert_eq!((reply.status(), reply.text()), (status, body));
        assert_eq!(
            reply.header("content-length").unwrap(),
            body.len().to_string()
        );
        let location = matches!(effect, Effect::Redirect(_)).then_some(to);
        assert_eq!(reply.header("location"), location);
        assert_eq!(get(&emulator, "/fake/Echo").await.status(), 200);
    }
    let (emulator, _) = start_with_fault(Effect::Html(502)).await;
    let reply = get(&emulator, "/fake/Echo").await;
    assert_eq!(reply.status(), 502);
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert!(reply.text().starts_with("<html>") && reply.text().contains("502 Bad Gateway"));
}

#[tokio::test]
async fn retry_after_of_a_fault_replaces_the_clouds_own() {
    let (emulator, _) = start(Scenario {
        faults: vec![Fault {
            retry_after: Some(Duration::from_millis(1500)),
            ..first_request(Effect::Throttle)
        }],
        ..Scenario::default()
    })
    .await;
    let reply = get(&emulator, "/fake/Echo").await;
    // Also that in its own header.
    assert_eq!(reply.head.matches("retry-after: ").count(), 1);
    assert_eq!(reply.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn a_truncated_response_announces_twice_the_length_it_sends() {
    for path in ["/fake/Echo", "/fake/Long"] {
        let (emulator, _) = start_with_fault(Effect::Truncate).await;
        let reply = get(&emulator, path).await;
        assert_eq!(reply.status(), 200);
        let announced: usize = reply.header("content-length").unwrap().parse().unwrap();
        assert_eq!(reply.body.len(), announced / 2);
        assert!(reply.end.is_ok(), "{:?}", reply.end);
    }
}

#[tokio::test]
async fn a_reset_fault_resets_the_connection_once() {
    let (emulator, accesses) = start_with_fault(Effect::Reset).await;
    let reply = get(&emulator, "/fake/Echo").await;
    let error = reply.end.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(accesses.lock().unwrap()[0].fault, Some("reset"));
    assert_eq!(get(&emulator, "/fake/Echo").await.status(), 200);
}

#[tokio::test]
async fn a_slow_response_is_complete_after_its_delay() {
    let (emulator, _) = start_with_fault(Effect::Slow(Duration::from_millis(120))).await;
    let begin = Instant::now();
    let reply = get(&emulator, "/fake/Echo").await;
    assert!(begin.elapsed() >= Duration::from_millis(120));
    assert_eq!(reply.json()["method"], "GET");
}

#[tokio::test]
async fn a_dripping_response_is_chunked_without_a_content_length() {
    let (emulator, _) = start_with_fault(Effect::Drip).await;
    let mut stream = connect(&emulator).await;
    stream
        .write_all(b"GET /fake/Echo HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut seen = String::new();
    while seen.matches("1\r\n \r\n").count() < 3 {
        let mut bytes = [0; 1024];
        let n = stream.read(&mut bytes).await.unwrap();
        assert!(n > 0, "the response ended: {seen}");
        seen.push_str(std::str::from_utf8(&bytes[..n]).unwrap());
    }
    assert!(seen.contains("transfer-encoding: chunked"));
    assert!(!seen.contains("content-length"));
}

#[tokio::test]
async fn an_outage_ends_at_its_configured_time() {
    let (emulator, _) = start(Scenario {
        faults: vec![Fault {
            times: None,
            until: Some(Duration::from_millis(300)),
            ..first_request(Effect::Status(503))
        }],
        ..Scenario::default()
    })
    .await;
    assert_eq!(get(&emulator, "/fake/Echo").await.status(), 503);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(get(&emulator, "/fake/Echo").await.status(), 200);
}
