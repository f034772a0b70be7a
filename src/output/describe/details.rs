use std::io;

use serde_json::Value as Json;

use super::page::{Fields, PageWriter, Value};
use crate::model::{Details, Job, Time};

/// Fields of one kind only, with dotted names; null and empty fields are left out.
///
/// The structs are known to their clouds alone, so that they are read as the JSON that they become.
pub(super) fn fields(page: &PageWriter, details: Option<&dyn Details>) -> Fields {
    let mut fields = Fields::default();
    // Each of these structs can be written as JSON; one that could not would show nothing.
    if let Some(Ok(json)) = details.map(serde_json::to_value) {
        add(page, &json, "", &mut fields);
    }
    fields
}

/// The section with the fields of this kind only.
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

/// Times among the details are in the zone of all others.
fn shown(page: &PageWriter, text: &str) -> String {
    let time = Time::from_rfc3339(text).filter(|time| time.rfc3339() == text);
    time.map_or_else(|| text.to_owned(), |time| page.moment(time))
}
