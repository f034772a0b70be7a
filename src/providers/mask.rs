use std::sync::Arc;

use serde_json::Value;

use super::states::is_known_word;
use crate::model::{Container, Details, Job, ScopeSummary, Task, TextField};
use crate::secret::{MASK, Redactor, mask_arguments, mask_url_query};

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
        TextField::Value(value) if value != id => redactor.value(value),
        TextField::Value(_) => {}
        TextField::Word(word) => text_unless_word(word),
        TextField::Document(document) => {
            visit_strings(document, &mut |_, text| text_unless_word(text));
        }
        TextField::Details(details) => redact_details(details, &text_unless_word),
    }
}

/// Details are typed and cannot be changed: where a text of them holds a secret, their document
/// takes their place.
fn redact_details(details: &mut Arc<dyn Details>, redact: &dyn Fn(&mut String)) {
    let Ok(mut document) = serde_json::to_value(&**details) else {
        return;
    };
    let mut is_changed = false;
    visit_strings(&mut document, &mut |_, text| {
        let before = text.clone();
        redact(text);
        is_changed |= *text != before;
    });
    if is_changed {
        *details = Arc::new(document);
    }
}

/// Masks the secrets that travel in answers: values of environment variables, contents of config
/// files, options of volume drivers, argument values after words like password, and the query part
/// of access URLs. What stands in `details` is masked by the cloud that wrote it.
pub fn mask_job(job: &mut Job) {
    job.tasks.iter_mut().for_each(mask_task);
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
    mask_arguments(&mut container.command);
    mask_arguments(&mut container.args);
    let probes = [
        &mut container.probes.liveness,
        &mut container.probes.readiness,
    ];
    for probe in probes.into_iter().flatten() {
        mask_arguments(&mut probe.exec);
    }
    for port in &mut container.ports {
        if let Some(url) = &mut port.access_url {
            *url = mask_url_query(url);
        }
    }
}

fn mask_value(text: &mut Option<String>) {
    if let Some(text) = text {
        MASK.clone_into(text);
    }
}

/// Visits every text of a raw response, with the keys that lead to it (list positions left out), so
/// that a cloud can mask what it knows to be secret.
pub fn visit_strings(document: &mut Value, visit: &mut dyn FnMut(&[String], &mut String)) {
    fn walk(
        value: &mut Value,
        keys: &mut Vec<String>,
        visit: &mut dyn FnMut(&[String], &mut String),
    ) {
        match value {
            Value::String(text) => visit(keys, text),
            Value::Array(list) => list.iter_mut().for_each(|value| walk(value, keys, visit)),
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    keys.push(key.clone());
                    walk(value, keys, visit);
                    keys.pop();
                }
            }
            _ => {}
        }
    }
    walk(document, &mut Vec::new(), visit);
}
