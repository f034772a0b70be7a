use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::lenient::parse_shown;
use crate::secret::{
    MASK, Sensitivity, field_sensitivity, is_secret_field, mask_access_url, mask_arguments,
    mask_message, mask_text, mask_urls,
};
use crate::sort::SortExt as _;

/// Fields that contain secrets of any sort.
pub(super) const SECRETS: [&str; 5] = [
    "FlexVolumeOptions",
    "LoginCommand",
    "PrologScript",
    "Script",
    "startScriptContent",
];

/// Fields that contain secrets only in these lists or objects.
pub(super) const SECRETS_OF_LISTS: [(&str, &str); 11] = [
    ("env", "value"),
    ("flexVolume", "options"),
    ("headers", "value"),
    ("httpHeaders", "value"),
    ("outputs", "result"),
    ("raw", "data"),
    ("script", "source"),
    ("EnvironmentVars", "Value"),
    ("Envs", "Value"),
    ("Variables", "Value"),
    ("ConfigFileVolumeConfigFileToPaths", "Content"),
];

/// Fields with a command line. The fields of one object form one command line, with `Args` at its end.
pub(super) const COMMANDS: [&str; 14] = [
    "Arg",
    "Args",
    "Cmd",
    "Command",
    "CommandContent",
    "CommandLine",
    "Commands",
    "Entrypoint",
    "Exec",
    "Execs",
    "PsStartCmd",
    "StartCmd",
    "WorkerStartCmd",
    "startScriptPath",
];

/// Fields with text that a user wrote, which can contain a command line or a setting.
const TEXTS: [&str; 8] = [
    "AppExtraInfo",
    "Comment",
    "Description",
    "JobDescription",
    "Message",
    "Path",
    "Remark",
    "TuningParameters",
];

/// Fields with the URL of a page.
const ACCESS_URLS: [&str; 2] = ["accessUrl", "callbackUrl"];

/// Fields with the value that belongs to a name in the same object. A parameter of a workflow has its value in
/// its default and its choices, too.
const NAMED_VALUES: [&str; 4] = ["default", "enum", "value", "TagValue"];

pub(super) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Masks the secrets of a raw response: the fields that are masked in the model, fields with the name of a
/// secret, and the user info of URLs.
pub(in super::super) fn mask_document(document: &mut Value) {
    mask_below(document, "");
}

/// Masks the secrets in `value`, which is at the key `parent`.
fn mask_below(value: &mut Value, parent: &str) {
    match value {
        Value::String(text) => {
            mask_inner_document(text);
            mask_string(text);
        }
        Value::Array(list) => {
            mask_options(list);
            list.iter_mut().for_each(|value| mask_below(value, parent));
        }
        Value::Object(map) => mask_object(map, parent),
        _ => {}
    }
}

/// Masks the arguments of a command line in a list of any name.
fn mask_options(list: &mut [Value]) {
    let is_option = |word: &Value| word.as_str().is_some_and(|word| word.starts_with('-'));
    if list.iter().any(is_option) {
        mask_arguments(list.iter_mut().filter_map(|word| match word {
            Value::String(word) => Some(word),
            _ => None,
        }));
    }
}

fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Masks the fields of a document in a text, such as a copy of a manifest in an annotation. A document without
/// secrets keeps its original text. Returns `false` if the text is not a document.
fn mask_inner_document(text: &mut String) -> bool {
    let document = Some(&*text).filter(|text| is_document(text));
    let Some(document) = document.and_then(|text| parse_shown(text.as_bytes())) else {
        return false;
    };
    let mut masked = document.clone();
    mask_document(&mut masked);
    if masked != document {
        *text = masked.to_string();
    }
    true
}

/// Returns `true` for the value of an `Authorization` header.
fn is_credentials(text: &str) -> bool {
    let value = ["Basic ", "Bearer "]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    value.is_some_and(|value| value.len() >= 8 && !value.contains(char::is_whitespace))
}

/// Masks the secrets of a command line that a message repeats, and credentials in its URLs.
fn mask_sentence(text: &mut String) {
    if let Cow::Owned(masked) = mask_urls(text) {
        *text = masked;
    }
    if let Cow::Owned(masked) = mask_message(text) {
        *text = masked;
    }
}

pub(super) fn mask_string(text: &mut String) {
    if is_credentials(text) {
        return *text = MASK.to_owned();
    }
    let is_url = text.contains("://") && !text.contains(char::is_whitespace);
    let is_command = text.contains("PRIVATE KEY-----")
        || text.contains("uthorization: ")
        || begins_with_variable(text);
    if is_url || is_command || is_document(text) {
        *text = mask_text(text);
    } else {
        mask_sentence(text);
    }
}

/// Returns `true` for `NAME=…` and `export NAME=…`.
fn begins_with_variable(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches("export ");
    let name = text.split_once('=').map_or("", |(name, _)| name);
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part)
}

fn mask_object(map: &mut Map<String, Value>, parent: &str) {
    mask_commands(map);
    let name = map
        .iter()
        .find(|(key, _)| is_one_of(key, &["key", "name", "TagKey"]));
    let name = name.and_then(|(_, name)| name.as_str());
    let has_secret_name = name.is_some_and(is_secret_field);
    let is_annotation = parent == "annotations";
    let is_text =
        |key: &str| is_one_of(key, &TEXTS) || is_annotation && field_sensitivity(key).is_none();
    for (key, value) in map.iter_mut() {
        let is_in = |(list, field): &(&str, &str)| {
            list.eq_ignore_ascii_case(parent) && field.eq_ignore_ascii_case(key)
        };
        let is_secret = is_one_of(key, &SECRETS)
            || SECRETS_OF_LISTS.iter().any(is_in)
            || (has_secret_name && is_one_of(key, &NAMED_VALUES));
        match value {
            _ if is_secret => hide(value),
            Value::String(url) if is_one_of(key, &ACCESS_URLS) => *url = mask_access_url(url),
            Value::String(text) if is_text(key) => {
                if !(is_annotation && mask_inner_document(text)) {
                    *text = mask_text(text);
                    mask_string(text);
                }
            }
            Value::String(_) if is_one_of(key, &COMMANDS) => {}
            Value::Array(list) if is_one_of(key, &COMMANDS) => {
                let nested = list.iter_mut().filter(|value| !value.is_string());
                nested.for_each(|value| mask_below(value, key));
            }
            _ => match field_sensitivity(key) {
                Some(sensitivity) => mask_secret(value, key, sensitivity),
                None => mask_below(value, key),
            },
        }
    }
}

/// Masks fields by their names at any depth: all values in `secrets` fields, and texts in `texts` fields that
/// look like secrets.
pub(in super::super) fn mask_named(document: &mut Value, secrets: &[&str], texts: &[&str]) {
    match document {
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| mask_named(value, secrets, texts)),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    _ if secrets.contains(&key.as_str()) => hide_below(value),
                    Value::String(text) if texts.contains(&key.as_str()) => *text = mask_text(text),
                    _ => mask_named(value, secrets, texts),
                }
            }
        }
        _ => {}
    }
}

/// Masks every value, but not the names in a list of names and values.
pub(super) fn hide_below(value: &mut Value) {
    match value {
        Value::Array(list) => {
            for row in list {
                match row.as_object_mut().and_then(value_of_name) {
                    Some(value) => hide(value),
                    None => hide_below(row),
                }
            }
        }
        Value::Object(map) => map.values_mut().for_each(hide_below),
        _ => hide(value),
    }
}

/// Returns the value in an object with a name and a value.
fn value_of_name(row: &mut Map<String, Value>) -> Option<&mut Value> {
    let has_name = row.keys().any(|key| is_one_of(key, &["key", "name"]));
    let mut fields = row.iter_mut();
    let value = fields.find(|(key, _)| is_one_of(key, &["value"]))?.1;
    has_name.then_some(value)
}

/// Masks a value at the name of a secret. In an object, masks all texts except names.
fn mask_secret(value: &mut Value, key: &str, sensitivity: Sensitivity) {
    match value {
        Value::String(text) if sensitivity.covers(text) => hide(value),
        Value::Number(_) if sensitivity == Sensitivity::Certain => hide(value),
        Value::Array(list) => {
            let values = list.iter_mut();
            values.for_each(|value| mask_secret(value, key, sensitivity));
        }
        Value::Object(map) => {
            for (key, value) in map {
                match key.to_ascii_lowercase().ends_with("name") {
                    true => mask_below(value, key),
                    false => mask_secret(value, key, Sensitivity::Likely),
                }
            }
        }
        _ => mask_below(value, key),
    }
}

fn hide(value: &mut Value) {
    // E-HPC sends `--` for a missing value.
    if !value.is_null() && *value != "" && *value != "--" {
        *value = MASK.into();
    }
}

fn mask_commands(map: &mut Map<String, Value>) {
    let mut lines: Vec<_> = map
        .iter_mut()
        .filter(|(key, _)| is_one_of(key, &COMMANDS))
        .collect();
    lines.order_by_key(|(key, _)| is_one_of(key, &["Args"]));
    let mut words: Vec<&mut Value> = Vec::new();
    for (_, line) in lines {
        match line {
            // A list can contain objects, each with its own command line.
            Value::Array(list) => {
                let is_word = |word: &&mut Value| !word.is_object() && !word.is_array();
                words.extend(list.iter_mut().filter(is_word));
            }
            Value::String(_) => words.push(line),
            _ => {}
        }
    }
    let text = |word: &&mut Value| {
        word.as_str()
            .map_or_else(|| word.to_string(), str::to_owned)
    };
    let mut masked: Vec<String> = words.iter().map(text).collect();
    let before = masked.clone();
    mask_arguments(&mut masked);
    for ((word, masked), before) in words.into_iter().zip(masked).zip(before) {
        if masked != before {
            *word = masked.into();
        }
    }
}

#[cfg(test)]
mod tests;
