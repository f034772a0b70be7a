mod document;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::states::is_known_word;
use crate::model::{Container, Details, Job, ScopeSummary, Task, TextField};
use crate::secret::{
    MASK, Redactor, is_secret_field, mask_access_url, mask_arguments, mask_user_infos,
};

pub(super) use document::{mask_document, mask_xml};

/// Masks the secrets of the run's credentials in everything that a job reports in text. State, ids,
/// references and numbers stay as they are, whatever the secrets are.
pub fn redact_job(job: &mut Job, redactor: &Redactor) {
    let id = job.id.clone();
    job.visit_texts(&mut |field| redact(field, &id, redactor));
}

/// As [`redact_job`], for a place.
pub fn redact_scope(scope: &mut ScopeSummary, redactor: &Redactor) {
    let id = scope.scope.clone();
    scope.visit_texts(&mut |field| redact(field, &id, redactor));
}

fn redact(field: TextField<'_>, id: &str, redactor: &Redactor) {
    let text_unless_word = |text: &mut String| {
        if !is_known_word(text.trim()) && text != id {
            redactor.text(text);
        }
    };
    match field {
        TextField::Free(text) => redactor.text(text),
        TextField::Name(name) => redactor.name(name),
        TextField::Key(key) => redactor.key(key),
        TextField::Value(value) if value != id => redactor.value(value),
        TextField::Value(_) => {}
        TextField::Word(word) if is_known_word(word.trim()) => {}
        TextField::Word(word) => redactor.name(word),
        TextField::Document(document) => {
            redact_document(document, redactor, &text_unless_word);
        }
        TextField::Details(details) => redact_details(details, redactor, &text_unless_word),
    }
}

/// Details are typed and cannot be changed: where a text of them holds a secret, their document
/// takes their place.
fn redact_details(
    details: &mut Arc<dyn Details>,
    redactor: &Redactor,
    redact: &dyn Fn(&mut String),
) {
    let Ok(mut document) = serde_json::to_value(&**details) else {
        return;
    };
    if redact_document(&mut document, redactor, redact) {
        *details = Arc::new(document);
    }
}

/// Masks the keys of a document, and its texts with `redact`; true when that changed it.
fn redact_document(
    document: &mut Value,
    redactor: &Redactor,
    redact: &dyn Fn(&mut String),
) -> bool {
    match document {
        Value::String(text) => {
            let before = text.clone();
            redact(text);
            *text != before
        }
        Value::Array(list) => list.iter_mut().fold(false, |is_changed, value| {
            redact_document(value, redactor, redact) | is_changed
        }),
        Value::Object(map) => {
            let is_changed = map.values_mut().fold(false, |is_changed, value| {
                redact_document(value, redactor, redact) | is_changed
            });
            redact_keys(map, redactor) | is_changed
        }
        _ => false,
    }
}

/// Masks the keys of an object. Keys that are the same then are reported apart by a number, so that
/// nothing of the document is lost.
fn redact_keys(map: &mut Map<String, Value>, redactor: &Redactor) -> bool {
    let redacted = |key: &str| {
        let mut name = key.to_owned();
        redactor.key(&mut name);
        name
    };
    if map.keys().all(|key| redacted(key) == *key) {
        return false;
    }
    for (key, value) in std::mem::take(map) {
        let name = redacted(&key);
        let mut unique = name.clone();
        let mut number = 1_usize;
        while map.contains_key(&unique) {
            number += 1;
            unique = format!("{name} ({number})");
        }
        map.insert(unique, value);
    }
    true
}

/// Masks the secrets that travel in answers: values of environment variables, contents of config
/// files, options of volume drivers, labels and arguments whose names say that they are secrets, and
/// what grants access in URLs. What stands in `details` is masked by the cloud that wrote it.
pub fn mask_job(job: &mut Job) {
    for (name, value) in &mut job.labels {
        if is_secret_field(name) {
            mask_value(value);
        }
    }
    job.tasks.iter_mut().for_each(mask_task);
    job.visit_texts(&mut |field| {
        if let TextField::Free(text) | TextField::Name(text) = field
            && text.contains("://")
        {
            *text = mask_user_infos(text);
        }
    });
}

fn mask_task(task: &mut Task) {
    for volume in &mut task.volumes {
        for file in &mut volume.config_files {
            mask_value(&mut file.content);
        }
        if let Some(flex) = &mut volume.flex {
            mask_value(&mut flex.options);
        }
    }
    task.containers.iter_mut().for_each(mask_container);
}

fn mask_container(container: &mut Container) {
    for variable in &mut container.env {
        mask_value(&mut variable.value);
    }
    // One command line: an option may stand in the one and its value in the other.
    mask_arguments(container.command.iter_mut().chain(&mut container.args));
    let probes = [
        &mut container.probes.liveness,
        &mut container.probes.readiness,
    ];
    for probe in probes.into_iter().flatten() {
        mask_arguments(&mut probe.exec);
    }
    for port in &mut container.ports {
        if let Some(url) = &mut port.access_url {
            *url = mask_access_url(url);
        }
    }
}

fn mask_value(text: &mut Option<String>) {
    if let Some(text) = text {
        MASK.clone_into(text);
    }
}

#[cfg(test)]
mod tests;
