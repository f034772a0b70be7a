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
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let wire = Wire::new(
        Limits::default(),
        &[],
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
fn a_clock_is_corrected_by_what_a_clock_can_be_off_and_told_once() {
    let (account, told) = account();
    let correct = |date| account.correct_clock(&request(), &dated(date));
    assert!(!correct("Fri, 31 Dec 262142 23:59:59 GMT"));
    assert!(!correct("Tue, 14 Nov 2023 22:13:30 GMT"));
    assert!(told.lock().unwrap().is_empty());
    assert!(correct("Tue, 14 Nov 2023 22:33:20 GMT"));
    assert!(correct("Tue, 14 Nov 2023 22:33:21 GMT"));
    assert_eq!(told.lock().unwrap().len(), 1);
    assert_eq!(account.clock_offset_seconds.load(Ordering::Relaxed), 1201);
}
