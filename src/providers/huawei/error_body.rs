//! Reads errors in the bodies of responses.

use serde_json::{Map, Value};

use crate::json::UNREADABLE;
use crate::model::{Job, State};
use crate::providers::{lenient, states};

/// Error bodies are short; a longer body is not searched for a code.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// Field names of an error's code and message, in the order in which the vendor's SDK 3.1.219 looks for them.
const FIELD_NAMES: [(&str, &str); 3] = [
    ("error_code", "error_msg"),
    ("errorCode", "errorMsg"),
    ("code", "message"),
];

/// Makes the state of a succeeded job unknown if the response to its lookup also contains the message of an error.
/// A response with the code of an error is rejected before it is decoded.
pub(super) fn contradict_by_message(job: &mut Job, body: &[u8]) {
    let document = parse_short(body).filter(|_| job.state == State::Succeeded);
    let top = document.as_ref().and_then(Value::as_object);
    if let Some((_, Some(message))) = top.and_then(error_in_success) {
        let message = strip_echo(&message);
        let text = format!("the job has succeeded, but the response has the error {message}");
        states::contradict(job, text);
    }
}

/// Parses a body that is short enough to be that of an error.
pub(super) fn parse_short(body: &[u8]) -> Option<Value> {
    let body = Some(body).filter(|body| body.len() <= MAX_ERROR_BYTES);
    body.and_then(lenient::parse)
}

/// Code and message of an error body.
pub(super) type ErrorBody = (Option<String>, Option<String>);

/// Returns the error of the object, or of the first nested object that has one.
pub(super) fn error_in(map: &Map<String, Value>) -> Option<ErrorBody> {
    error_in_object(map, &FIELD_NAMES)
        .or_else(|| map.values().filter_map(Value::as_object).find_map(error_in))
}

/// Returns the error in a response with a 2xx status, where a code can also mean "no error".
pub(super) fn error_in_success(top: &Map<String, Value>) -> Option<ErrorBody> {
    let error = top.get("error").and_then(Value::as_object);
    let is_failure =
        |text: &Option<String>| text.as_deref().and_then(states::failure_text).is_some();
    let in_spelling = |map, spelling: &(&'static str, &'static str)| {
        let details = error_in_object(map, std::slice::from_ref(spelling));
        details.filter(|(code, message)| is_failure(code) || is_failure(message))
    };
    let mut objects = [Some(top), error].into_iter().flatten();
    objects.find_map(|map| {
        let mut names = FIELD_NAMES.iter();
        names.find_map(|spelling| in_spelling(map, spelling))
    })
}

fn error_in_object(map: &Map<String, Value>, names: &[(&str, &str)]) -> Option<ErrorBody> {
    names.iter().find_map(|(code, message)| {
        let code = map.get(*code).and_then(text);
        let message = map.get(*message).and_then(text);
        (code.is_some() || message.is_some()).then_some((code, message))
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        // It can be the code of an error.
        Value::Object(fields) if fields.contains_key(UNREADABLE) => Some("unreadable".to_owned()),
        _ => None,
    }
}

/// Removes the canonical request, including its headers, that the gateway appends to a signature error (with `|`
/// for line ends). Only the tests of the signer need it.
pub(super) fn strip_echo(message: &str) -> String {
    match message.split_once('|') {
        Some((head, _)) => format!("{head}…"),
        None => message.to_owned(),
    }
}
