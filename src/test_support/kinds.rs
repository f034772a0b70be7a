//! Tests that apply to every kind, through its cloud's client: reading its fixtures, masking their secrets, and the
//! emulator.
//!
//! A fixture is `fixtures/CLOUD/KIND/NAME.json` with its model `NAME.model.json`. The model is a
//! job, or a list of jobs if the fixture is a response of the list operation. Responses of other
//! operations are in `NAME.OPERATION.json`.

use std::fs;
use std::sync::Arc;

use serde_json::Value;

use super::{
    EmulatedJob, EmulatedState, Responder, ServerRequest, ServerResponse, StateChange, TestServer,
    emulated, start_time,
};
use crate::error::Category;
use crate::http::Transport;
use crate::kind::Kind;
use crate::providers::test_support::{self, assert_model, get_options, json, model, path, profile};
use crate::providers::{self, Client, Cloud, Cursor, Filter, RECORDING_MASKS, RequestOptions};
use crate::reference::{DEFAULT_PROFILE, Reference, ReferenceParser, Scope, Target};
use crate::settings::Profile;

/// The observation time of models that contain none.
pub(super) const OBSERVED_AT: &str = "2026-01-02T03:04:05Z";

/// Prefixes of secrets in fixtures; masked output must not contain them.
const SECRETS: [&str; 3] = ["secret-in-", "tok-in-", "s3cret"];

/// Defines a test that checks a kind.
macro_rules! check_kind {
    ($kind:expr, essential: $essential:expr, evidence: $evidence:expr) => {
        #[tokio::test]
        async fn fixtures_match_their_models_and_emulated_jobs_are_found() {
            $crate::test_support::kinds::check($kind).await;
        }

        #[tokio::test]
        async fn a_field_of_another_type_only_loses_its_own_value() {
            let fields = $crate::test_support::mutations::Fields {
                essential: &$essential,
                evidence: &$evidence,
                evidence_keys: $kind.evidence,
            };
            $crate::test_support::mutations::check_kind($kind, fields).await;
        }
    };
}
pub(crate) use check_kind;

/// Checks the behavior that all kinds share.
pub async fn check(kind: &'static Kind) {
    let cloud = providers::cloud(kind.template.cloud).unwrap();
    let names = fixtures(kind);
    assert!(!names.is_empty(), "{kind} has no fixture");
    for name in names {
        let expected = json(&format!("{name}.model.json"));
        let responder = responder(cloud, kind, &name, expected.is_array());
        let client = serve(cloud, Arc::clone(&responder)).await;
        let read = match &expected {
            Value::Array(rows) => list(&*client, kind, rows.first()).await,
            job => get(&*client, kind, &name, job).await,
        };
        assert_model(&format!("{name}.model.json"), &read);
        let client = serve(cloud, recorded(responder)).await;
        let replayed = match &expected {
            Value::Array(rows) => list(&*client, kind, rows.first()).await,
            job => get_once(&*client, kind, &name, job, [false, false]).await,
        };
        assert_eq!(replayed, read, "{name} is another job in a recording");
    }
    check_emulated(cloud, kind).await;
}

/// Creates a client of an emulator with this responder.
async fn serve(cloud: &'static Cloud, responder: Responder) -> Box<dyn Client> {
    let state = EmulatedState::new(Vec::new(), start_time());
    new_client(cloud, &TestServer::start(cloud, state, responder).await)
}

/// Returns the responses as in a recording, without secrets.
fn recorded(responder: Responder) -> Responder {
    Arc::new(move |request| {
        let mut response = responder(request)?;
        let mut text = String::from_utf8(response.body).unwrap();
        match serde_json::from_str(&text) {
            Ok(mut document) => {
                (RECORDING_MASKS.document)(&mut document);
                text = document.to_string();
            }
            Err(_) => (RECORDING_MASKS.text)(&mut text),
        }
        let shown = SECRETS.iter().find(|word| text.contains(**word));
        assert_eq!(shown, None, "{text}");
        response.body = text.into_bytes();
        Some(response)
    })
}

/// Returns the fixtures that have a model, as paths below `fixtures/` without extensions.
pub(super) fn fixtures(kind: &Kind) -> Vec<String> {
    let files = fs::read_dir(path(&kind.to_string())).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let stems = names.filter_map(|name| Some(name.strip_suffix(".model.json")?.to_owned()));
    let stems = stems.map(|stem| format!("{kind}/{stem}"));
    let mut stems: Vec<String> = stems
        .filter(|stem| path(&format!("{stem}.json")).exists())
        .collect();
    stems.sort();
    stems
}

/// Responds with the files of a fixture, and for other operations as the emulator.
fn responder(cloud: &'static Cloud, kind: &Kind, name: &str, is_list: bool) -> Responder {
    let list = kind.list.as_ref().map(|list| list.operation);
    let main = match is_list {
        true => list.expect("a list of jobs is a model of a kind that is listed"),
        false => kind.get,
    };
    let name = name.to_owned();
    Arc::new(move |request: &ServerRequest| {
        let operation = emulated(cloud).operation(request)?;
        let file = match operation == main.name {
            true => format!("{name}.json"),
            false => format!("{name}.{operation}.json"),
        };
        let body = fs::read_to_string(path(&file)).ok()?;
        Some(ServerResponse::document(200, &body))
    })
}

fn new_client(cloud: &'static Cloud, server: &TestServer) -> Box<dyn Client> {
    client(cloud, server, &server.transport())
}

/// Creates a client of the server. The transport may be shared with other clients.
pub fn client(
    cloud: &'static Cloud,
    server: &TestServer,
    transport: &Arc<Transport>,
) -> Box<dyn Client> {
    (cloud.new_client)(&profile_at(cloud, &server.origin), transport).unwrap()
}

/// Returns the profile of the only account of a server at this origin.
pub(super) fn profile_at(cloud: &'static Cloud, origin: &str) -> Profile {
    let endpoint = format!("JOBLENS_{}_ENDPOINT", cloud.name().to_uppercase());
    let mut variables = vec![(endpoint.as_str(), origin)];
    variables.extend(emulated(cloud).environment());
    profile(cloud, &variables)
}

pub fn reference(kind: &'static Kind, text: &str) -> Reference {
    let parser = ReferenceParser {
        kinds: &[kind],
        default_profile: DEFAULT_PROFILE,
        setting: &|_, _, _| Ok(None),
    };
    match parser.parse(text) {
        Ok(Target::Jobs(mut one)) if one.len() == 1 => one.remove(0),
        other => panic!("{text}: {other:?}"),
    }
}

pub fn scope(kind: &'static Kind) -> Scope {
    let sample = reference(kind, kind.template.sample);
    let (_, parents) = sample.segments.split_last().unwrap();
    let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
    Scope::at(kind, DEFAULT_PROFILE, &parents).unwrap()
}

/// Returns the model of a fixture. The reference is in the expected model, otherwise it is the kind's sample.
async fn get(client: &dyn Client, kind: &'static Kind, name: &str, expected: &Value) -> Value {
    let read = |options| get_once(client, kind, name, expected, options);
    let (masked, shown) = (read([true, false]).await, read([true, true]).await);
    assert!(!shown["raw"].is_null(), "{name} keeps no raw response");
    let (masked, shown) = (masked.to_string(), shown.to_string());
    let document = String::from_utf8(test_support::read(&format!("{name}.json"))).unwrap();
    for secret in SECRETS.iter().filter(|word| document.contains(**word)) {
        assert!(!masked.contains(secret), "{name} shows {secret}");
        assert!(shown.contains(secret), "{name} loses {secret}");
    }
    read([false, false]).await
}

/// Returns the model, with or without raw response and secrets.
async fn get_once(
    client: &dyn Client,
    kind: &'static Kind,
    name: &str,
    expected: &Value,
    [raw, show_secrets]: [bool; 2],
) -> Value {
    let text = expected["ref"].as_str().unwrap_or(kind.template.sample);
    let (reference, observed_at) = (reference(kind, text), observed_at(expected));
    let options = RequestOptions {
        raw,
        show_secrets,
        ..get_options()
    };
    let found = client.get(&reference, &options).await;
    let found = found.unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
    model(found, observed_at, !show_secrets)
}

/// Returns the models of a list's rows.
async fn list(client: &dyn Client, kind: &'static Kind, first: Option<&Value>) -> Value {
    let filter = Filter {
        page_rows: Some(1),
        ..Filter::default()
    };
    let (scope, options) = (scope(kind), get_options());
    let page = client.list(&scope, &filter, Cursor::FIRST, &options).await;
    let rows = page.unwrap().rows.into_iter();
    let observed_at = first.map_or(OBSERVED_AT, observed_at);
    rows.map(|row| model(row, observed_at, true)).collect()
}

fn observed_at(model: &Value) -> &str {
    model["observed_at"].as_str().unwrap_or(OBSERVED_AT)
}

/// Checks that the client finds and lists an emulated job, and does not find a missing one.
async fn check_emulated(cloud: &'static Cloud, kind: &'static Kind) {
    let sample = reference(kind, kind.template.sample);
    let words = kind.states.first().into_iter().flat_map(|table| table.map);
    let steps = words.take(1).map(|(word, _)| StateChange {
        state: (*word).to_owned(),
        ..StateChange::default()
    });
    let job = EmulatedJob {
        kind: kind.to_string(),
        segments: sample.segments.clone(),
        steps: steps.collect(),
        parts: 1,
        ..EmulatedJob::default()
    };
    let state = EmulatedState::new(vec![job], start_time());
    let server = TestServer::start(cloud, state, Arc::new(|_| None)).await;
    let client = new_client(cloud, &server);
    let found = client.get(&sample, &get_options()).await.unwrap();
    assert_eq!(found.job.reference, sample.to_string());
    if kind.has_states() {
        assert!(found.job.state_raw.is_some(), "{kind} has no state");
    }
    assert_eq!(client.check_exists(&sample, &get_options()).await, Ok(()));
    let mut other = sample.clone();
    if let Some(id) = other.segments.last_mut() {
        "nowhere".clone_into(id);
    }
    let missing = match kind.needs_check_exists {
        true => client.check_exists(&other, &get_options()).await,
        false => client.get(&other, &get_options()).await.map(|_| ()),
    };
    assert_eq!(missing.unwrap_err().category, Category::NotFound, "{kind}");
    if kind.list.is_some() {
        let (scope, filter) = (scope(kind), Filter::default());
        let page = client
            .list(&scope, &filter, Cursor::FIRST, &get_options())
            .await;
        let rows = page.unwrap().rows;
        let ids: Vec<&str> = rows.iter().map(|row| row.job.reference.as_str()).collect();
        assert_eq!(ids, [sample.to_string()]);
    }
}
