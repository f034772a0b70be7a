use std::io;

use serde_json::Value as Json;

use super::page::{Fields, PageWriter, Value};
use crate::model::{Details, Job, Time};

/// Returns the kind-specific fields, with dotted names; omits null and empty fields.
///
/// Only the clouds know the types of the details, so they are read as JSON.
pub(super) fn fields(page: &PageWriter, details: Option<&dyn Details>) -> Fields {
    let mut fields = Fields::default();
    // Each of these types can be serialized to JSON; otherwise nothing is shown.
    if let Some(Ok(json)) = details.map(serde_json::to_value) {
        add(page, &json, "", &mut fields);
    }
    fields
}

/// Writes the section with the kind-specific fields.
pub(super) fn write(page: &mut PageWriter, job: &Job) -> io::Result<()> {
    let fields = fields(page, job.details.as_deref());
    if fields.is_empty() {
        return Ok(());
    }
    page.heading("Details", "")?;
    page.fields(2, &fields)
}

fn add(page: &PageWriter, json: &Json, name: &str, into: &mut Fields) {
    match json {
        Json::Null => {}
        Json::Bool(_) | Json::Number(_) => into.text(name, Some(json.to_string())),
        Json::String(text) => into.text(name, Some(shown(page, text))),
        Json::Array(list) if list.iter().all(is_plain) => {
            let texts = list.iter().filter_map(plain);
            into.add(name, texts.map(Value::Text).collect());
        }
        Json::Array(list) => {
            for (number, element) in list.iter().enumerate() {
                add(page, element, &format!("{name}.{number}"), into);
            }
        }
        Json::Object(map) => {
            for (key, value) in map {
                let dot = if name.is_empty() { "" } else { "." };
                add(page, value, &format!("{name}{dot}{key}"), into);
            }
        }
    }
}

fn is_plain(json: &Json) -> bool {
    !json.is_array() && !json.is_object()
}

fn plain(json: &Json) -> Option<String> {
    match json {
        Json::Null => None,
        Json::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        other => Some(other.to_string()),
    }
}

/// Converts times in the details to the time zone of the page.
fn shown(page: &PageWriter, text: &str) -> String {
    let time = Time::from_rfc3339(text).filter(|time| time.rfc3339() == text);
    time.map_or_else(|| text.to_owned(), |time| page.moment(time))
}
