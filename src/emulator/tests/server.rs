//! Tests the server: connections, bodies, the clock, and the access log.

use super::*;

#[tokio::test]
async fn keeps_a_connection_alive() {
    let (emulator, accesses) = start(Scenario::default()).await;
    let mut stream = connect(&emulator).await;
    let both = "GET /fake/A HTTP/1.1\r\nhost: x\r\n\r\nGET /fake/B HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(both.as_bytes()).await.unwrap();
    let reply = read(&mut stream).await;
    assert_eq!(reply.text().matches("HTTP/1.1 200 OK").count(), 1);
    assert_eq!(accesses.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_clock_offset_changes_the_date_header_and_the_time_of_the_cloud() {
    let offset = TimeDelta::minutes(-20);
    let (emulator, _) = start(Scenario {
        clock: EmulatorClock { offset },
        ..Scenario::default()
    })
    .await;
    let earliest = Utc::now().timestamp() + offset.num_seconds();
    let reply = get(&emulator, "/fake/Echo").await;
    let latest = Utc::now().timestamp() + offset.num_seconds();
    let date = reply.header("date").unwrap();
    assert!(date.ends_with(" GMT"), "{date}");
    let date = DateTime::parse_from_rfc2822(date).unwrap().timestamp();
    assert!((earliest..=latest).contains(&date));
    let now = reply.json()["now"].as_i64().unwrap();
    assert!((earliest..=latest).contains(&now));
}

#[tokio::test]
async fn answers_from_the_jobs_of_the_scenario() {
    let step = |after, state: &str| StateChange {
        after: Duration::from_secs(after),
        state: state.to_owned(),
        ..StateChange::default()
    };
    let (emulator, _) = start(Scenario {
        jobs: vec![EmulatedJob {
            kind: "fake/job".into(),
            segments: vec!["5".into()],
            age: Duration::from_secs(60),
            steps: vec![
                step(0, "Pending"),
                step(60, "Running"),
                step(86_400, "Failed"),
            ],
            ..EmulatedJob::default()
        }],
        ..Scenario::default()
    })
    .await;
    let reply = get(&emulator, "/fake/Look").await;
    assert_eq!(reply.json(), json!({"state": "Running"}));
}

#[tokio::test]
async fn a_request_is_handled_by_the_first_cloud_that_supports_it() {
    let (emulator, accesses) = start(Scenario::default()).await;
    get(&emulator, "/fake/Mine").await;
    assert_eq!(get(&emulator, "/greedy").await.json(), "greedy");
    let clouds: Vec<_> = accesses.lock().unwrap().iter().map(|a| a.cloud).collect();
    assert_eq!(clouds, [Some("fake"), Some("greedy")]);
}

#[tokio::test]
async fn a_request_for_no_cloud_gets_404_and_a_description_of_the_emulator() {
    let (emulator, accesses) = start(Scenario::default()).await;
    let reply = get(&emulator, "/index.html?secret=1").await;
    assert_eq!(reply.status(), 404);
    assert!(reply.text().contains("joblens emulator"));
    let line = accesses.lock().unwrap()[0].to_string();
    assert_eq!(line, "404 GET /index.html");
}

#[tokio::test]
async fn traces_show_requests_without_queries_and_headers() {
    let (emulator, accesses) = start(Scenario {
        faults: vec![Fault {
            cloud: Some("fake"),
            operation: Some("Look".into()),
            effect: Effect::Throttle,
            skip: 0,
            times: Some(1),
            retry_after: None,
            from: Duration::ZERO,
            until: None,
        }],
        ..Scenario::default()
    })
    .await;
    for _ in 0..2 {
        send(
            &emulator,
            "GET /fake/Look?Signature=hunter2 HTTP/1.1\r\nhost: x\r\nx-token: hunter2\r\nconnection: close\r\n\r\n",
        )
        .await;
    }
    let lines: Vec<String> = accesses
        .lock()
        .unwrap()
        .iter()
        .map(AccessRecord::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "400 GET /fake/Look fake Look (fault: throttle)",
            "404 GET /fake/Look fake Look"
        ]
    );
    assert!(!format!("{:?}", accesses.lock().unwrap()).contains("hunter2"));
    let counts = get(&emulator, "/_emulator/requests").await.json();
    assert_eq!(counts, json!({"fake/Look": 2}));
    assert_eq!(json!(emulator.requests()), counts);
}

#[tokio::test]
async fn accepts_request_bodies_up_to_64_kib() {
    let (emulator, _) = start(Scenario::default()).await;
    let post = |length: usize| {
        let body = "b".repeat(length);
        format!(
            "POST /fake/Echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let reply = send(&emulator, &post(65_536)).await;
    assert_eq!(reply.json()["length"], 65_536);
    assert_eq!(send(&emulator, &post(65_537)).await.status(), 413);
}

#[tokio::test]
async fn a_panic_or_invalid_response_of_one_cloud_does_not_affect_others() {
    let (emulator, _) = start(Scenario::default()).await;
    assert_eq!(get(&emulator, "/fake/NoHttp").await.status(), 500);
    assert_eq!(get(&emulator, "/fake/Panic").await.head, "");
    assert_eq!(
        send(&emulator, "\x16\x03\x01 hello\r\n\r\n").await.status(),
        400
    );
    assert_eq!(get(&emulator, "/fake/Echo").await.status(), 200);
}

#[tokio::test]
async fn compresses_responses_for_clients_that_accept_gzip() {
    let (emulator, _) = start(Scenario {
        gzip: true,
        ..Scenario::default()
    })
    .await;
    let plain = get(&emulator, "/fake/Long").await;
    assert_eq!(plain.header("content-encoding"), None);
    let packed = send(
        &emulator,
        "GET /fake/Long HTTP/1.1\r\nhost: x\r\naccept-encoding: br, gzip;q=0.5\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn serves_300_connections_at_once() {
    let (emulator, _) = start(Scenario {
        latency: Duration::from_millis(20),
        ..Scenario::default()
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        streams.push(connect(&emulator).await);
    }
    for stream in &mut streams {
        let request = b"GET /fake/Echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
    }
    for stream in &mut streams {
        assert_eq!(read(stream).await.status(), 200);
    }
    assert_eq!(emulator.requests()["fake/Echo"], 300);
}

#[tokio::test]
async fn stopping_closes_connections_and_frees_the_port() {
    let (emulator, _) = start(Scenario::default()).await;
    let port = emulator.address.port();
    assert_eq!(emulator.origin(), format!("http://127.0.0.1:{port}"));
    let again = || Emulator::start(Scenario::default(), port, Arc::new(|_| {}));
    assert_eq!(again().await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let mut stream = connect(&emulator).await;
    emulator.stop().await;
    assert_eq!(read(&mut stream).await.body, b"");
    assert!(again().await.is_ok());
}
