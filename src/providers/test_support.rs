//! Helpers for the tests of the clouds: fixture files, requests, profiles and comparisons with models.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::timeout;

use super::errors::{ErrorSpec, HintContext};
use super::{Cloud, GetRequest, GetResult, RequestOptions, mask_job};
use crate::credentials::SourceCache;
use crate::http::{
    ClientOptions, Deadline, Endpoint, Request, RequestError, Response, Transport, pairs,
};
use crate::kind::Kind;
use crate::model::Time;
use crate::reference::Reference;
use crate::secret::Redactor;
use crate::settings::{Environment, Profile, Settings};

/// Returns the path of a file below `fixtures/`.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Reads a file below `fixtures/`.
pub fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Reads a JSON file below `fixtures/`.
pub fn json(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap()
}

/// Creates a request for an operation with these query parameters.
pub fn request(operation: &'static str, query: &[(&str, &str)]) -> Request {
    let endpoint = Endpoint::parse("http://127.0.0.1:1", &[], false).unwrap();
    Request {
        query: pairs(query),
        ..Request::get(operation, &endpoint, "/")
    }
}

/// Classifies a response to a request without parameters.
pub(in crate::providers) fn classify(
    spec: &ErrorSpec,
    response: &Response,
) -> Option<RequestError> {
    let context = HintContext {
        request: &request("Operation", &[]),
        region: None,
    };
    spec.classify(&context, response)
}

/// Returns the error that a response with this body has, if any.
pub(in crate::providers) fn error_of(
    spec: &ErrorSpec,
    status: u16,
    body: &str,
) -> Option<RequestError> {
    classify(spec, &response(status, body))
}

/// Creates a response with this body.
pub fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.into(),
    }
}

/// Creates a response with this status and a fixture as its body.
pub fn fixture_response(status: u16, name: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: read(name),
    }
}

/// Returns the codes of the notices of a lookup.
pub fn codes(result: &GetResult) -> Vec<&'static str> {
    let notices = result.notices.iter();
    notices.map(|notice| notice.code.as_str()).collect()
}

/// Creates default options with a timeout of 60 seconds.
pub fn get_options() -> RequestOptions {
    RequestOptions::new(Deadline::after(Duration::from_secs(60)))
}

/// Creates options with a short timeout for requests that affect neither state nor verdict.
pub fn get_options_without_details() -> RequestOptions {
    RequestOptions {
        details_timeout: Some(Duration::from_millis(50)),
        ..get_options()
    }
}

/// Awaits a result that must not depend on hanging requests; panics after 20 seconds.
pub async fn promptly<T>(result: impl Future<Output = T>) -> T {
    let in_time = timeout(Duration::from_secs(20), result).await;
    in_time.expect("a request that hangs is not waited for")
}

/// Creates a lookup of a job.
pub(in crate::providers) fn lookup<'a>(
    reference: &'a Reference,
    options: &'a RequestOptions,
) -> GetRequest<'a> {
    GetRequest { reference, options }
}

/// Creates a reference of the default profile.
pub fn reference(kind: &'static Kind, segments: &[&str]) -> Reference {
    let mut reference = Reference {
        kind,
        profile: "default".into(),
        segments: segments.iter().map(ToString::to_string).collect(),
        input: String::new().into(),
    };
    reference.input = reference.to_string().into();
    reference
}

/// Returns the default profile of a cloud.
pub fn default_profile(cloud: &Cloud, settings: &Settings) -> Profile {
    let chain = super::credential_chain(settings, &SourceCache::default());
    chain.profile(cloud.schema, "default").unwrap()
}

/// Returns the default profile of a cloud with these environment variables and no config file.
pub fn profile(cloud: &Cloud, variables: &[(&str, &str)]) -> Profile {
    let pairs = variables
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let settings = Settings::from_environment(Environment::new(pairs));
    default_profile(cloud, &settings)
}

/// Writes a file that only its user can read.
pub fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Creates a transport whose clock does not advance.
pub fn transport(now: DateTime<Utc>) -> Arc<Transport> {
    Transport::new(
        ClientOptions::default(),
        &[],
        Arc::new(move || now),
        Arc::new(|_| {}),
    )
    .unwrap()
}

/// Parses an RFC 3339 time.
pub fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Converts the job of `result`, read at `observed_at`, to JSON.
pub fn model(result: GetResult, observed_at: &str, is_masked: bool) -> Value {
    let mut job = result.job;
    job.finalize(Time::from_rfc3339(observed_at).unwrap());
    if is_masked {
        mask_job(&mut job, &Redactor::default(), false);
    }
    serde_json::to_value(&job).unwrap()
}

/// Compares a model with its file. Writes the file first if `JOBLENS_BLESS` is 1.
pub fn assert_model(name: &str, model: &Value) {
    let shown = serde_json::to_string_pretty(model).unwrap() + "\n";
    if std::env::var("JOBLENS_BLESS").is_ok_and(|value| value == "1") {
        fs::write(path(name), &shown).unwrap();
    }
    let expected = String::from_utf8(read(name)).unwrap();
    assert_eq!(shown, expected, "{name}; JOBLENS_BLESS=1 rewrites it");
}

/// Collects every text, number and boolean of a document with its path.
fn leaves(value: &Value, at: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) => into.push((at.to_owned(), text.clone())),
        Value::Number(_) | Value::Bool(_) => into.push((at.to_owned(), value.to_string())),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(n, value)| leaves(value, &format!("{at}.{n}"), into)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| leaves(value, &format!("{at}.{key}"), into)),
    }
}

/// Checks that every value of a document is in the model.
///
/// `converted` contains, by path, the text that a value is converted to. Every other value must be in the model
/// unchanged. It must also be unique in the document, so that it cannot be mistaken for another one.
pub fn assert_nothing_lost(document: &Value, model: &Value, converted: &[(&str, &str)]) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    leaves(document, "", &mut inputs);
    leaves(model, "", &mut outputs);
    for (path, text) in &inputs {
        let count = inputs.iter().filter(|(_, other)| other == text).count();
        let conversion = converted.iter().find(|(at, _)| at == path);
        assert!(
            count == 1 || conversion.is_some(),
            "{path} is not unique: {text}"
        );
        let conversion = conversion.map_or(text.as_str(), |(_, becomes)| becomes);
        assert!(
            outputs.iter().any(|(_, text)| text == conversion),
            "{path} is lost: {conversion}"
        );
    }
    for (path, _) in converted {
        assert!(inputs.iter().any(|(at, _)| at == path), "no {path}");
    }
}
