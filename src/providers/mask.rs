mod document;
mod recorded;
mod xml;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use memchr::memmem::Finder;
use serde_json::Value;

use super::states::is_known_word;
use crate::json;
use crate::model::{Container, Details, Job, ScopeSummary, Task, TextField, Texts};
use crate::secret::{
    MASK, Masks, Redactor, is_secret_field, mask_access_url, mask_arguments, mask_message,
    mask_urls,
};

pub(super) use document::{mask_document, mask_named};
pub use recorded::RECORDING_MASKS;
pub(super) use xml::mask_xml;

/// Masks the secrets in all texts of a job: those of the run's credentials and, unless `show_secrets` is set,
/// those in responses. Never changes state, ids, references and numbers.
pub fn mask_job(job: &mut Job, redactor: &Redactor, show_secrets: bool) {
    if !show_secrets {
        mask_fields(job);
    }
    let id = job.id.clone();
    let mut masking = Masking::new(&id, redactor.masks(), show_secrets);
    job.visit_parts(&mut |part| masking.part(part));
}

/// Masks the secrets of the run's credentials in the reference and the ids of a row of a list, which the cloud
/// sent. Masks only secrets that cannot be an ordinary id.
pub fn mask_row_ids(job: &mut Job, redactor: &Redactor) {
    let masks = redactor.masks();
    let parents = job.cluster.iter_mut().chain(&mut job.namespace);
    for id in parents.chain([&mut job.reference, &mut job.id]) {
        masks.value(id);
    }
    if masks.may_mask(&job.input) {
        let mut input = job.input.to_string();
        masks.value(&mut input);
        job.input = input.into();
    }
}

/// Like [`mask_job`], for a scope. Masks the secrets of the run's credentials only.
pub fn mask_scope(scope: &mut ScopeSummary, redactor: &Redactor) {
    let id = scope.scope.clone();
    Masking::new(&id, redactor.masks(), true).part(scope);
    redactor.masks().value(&mut scope.scope);
}

struct Masking<'a, M> {
    /// The id of the job, which is not masked; `None` if a server sent a secret as the id.
    id: Option<&'a str>,
    masks: M,
    show_secrets: bool,
    /// All texts of a part, because one search in all of them is much faster than a search in each.
    texts: Vec<u8>,
    url: Finder<'static>,
}

impl<'a, M: Deref<Target = Masks>> Masking<'a, M> {
    fn new(id: &'a str, masks: M, show_secrets: bool) -> Self {
        let mut masked = id.to_owned();
        masks.value(&mut masked);
        Self {
            id: Some(id).filter(|id| *id == masked),
            masks,
            show_secrets,
            texts: Vec::new(),
            url: Finder::new("://"),
        }
    }

    fn part(&mut self, part: &mut dyn Texts) {
        self.texts.clear();
        let mut has_document = false;
        part.visit_texts(&mut |field| has_document |= !self.collect(&field));
        let has_url =
            || self.url.find(&self.texts).is_some() || memchr::memchr(b'@', &self.texts).is_some();
        if !self.show_secrets && has_url() {
            part.visit_texts(&mut mask_url_field);
        }
        let texts = std::str::from_utf8(&self.texts);
        if has_document || texts.map_or(true, |texts| self.masks.may_mask(texts)) {
            part.visit_texts(&mut |field| self.field(field));
        }
    }

    /// Adds a text to the texts of its part. Returns `false` for a field that must be searched separately.
    fn collect(&mut self, field: &TextField<'_>) -> bool {
        let is_taken = match field {
            TextField::Free(text)
            | TextField::Name(text)
            | TextField::Key(text)
            | TextField::Value(text)
            | TextField::Word(text) => {
                self.texts.extend_from_slice(text.as_bytes());
                true
            }
            TextField::Details(details) => {
                json::collect_texts(&mut self.texts, &***details).is_ok()
            }
            TextField::Document(_) => false,
        };
        self.texts.push(b'\n');
        is_taken
    }

    fn field(&self, field: TextField<'_>) {
        let masks = &self.masks;
        match field {
            TextField::Free(text) => masks.text(text),
            TextField::Name(name) => masks.name(name),
            TextField::Key(key) => masks.key(key),
            TextField::Value(value) if self.id != Some(value) => masks.value(value),
            TextField::Value(_) => {}
            TextField::Word(word) if is_known_word(word.trim()) => {}
            TextField::Word(word) => masks.name(word),
            TextField::Document(document) => {
                self.document(document);
            }
            TextField::Details(details) => {
                replace_details(details, &|document| self.document(document));
            }
        }
    }

    /// Masks the keys and the texts of a document. Returns `true` if it changed.
    fn document(&self, document: &mut Value) -> bool {
        match document {
            Value::String(text) => self.document_text(text),
            Value::Array(list) => list
                .iter_mut()
                .fold(false, |is_changed, value| self.document(value) | is_changed),
            Value::Object(map) => {
                let is_changed = map
                    .values_mut()
                    .fold(false, |is_changed, value| self.document(value) | is_changed);
                self.masks.keys(map) | is_changed
            }
            _ => false,
        }
    }

    fn document_text(&self, text: &mut String) -> bool {
        if !self.masks.may_mask(text) || is_known_word(text.trim()) || self.id == Some(text) {
            return false;
        }
        let before = text.clone();
        self.masks.text(text);
        *text != before
    }
}

/// Masks the secrets in responses: values of environment variables, contents of config files, options of volume
/// drivers, labels and arguments with the names of secrets, and arguments that messages repeat. The cloud's
/// code has masked `details` already.
fn mask_fields(job: &mut Job) {
    for (name, value) in &mut job.labels {
        if is_secret_field(name) {
            mask_value(value);
        }
    }
    job.tasks.iter_mut().for_each(mask_task);
    let messages = job.events.iter_mut().map(|event| &mut event.message);
    messages.chain([&mut job.message]).for_each(mask_sentence);
}

/// Masks the secrets of a command line or a request that a message repeats.
fn mask_sentence(message: &mut Option<String>) {
    if let Some(text) = message
        && let Cow::Owned(masked) = mask_message(text)
    {
        *text = masked;
    }
}

/// Masks credentials in URLs.
fn mask_url_field(field: TextField<'_>) {
    match field {
        TextField::Free(text) | TextField::Name(text) => {
            mask_url_text(text);
        }
        TextField::Details(details) => replace_details(details, &mask_document_urls),
        _ => {}
    }
}

/// Masks credentials in the URLs of a text. Returns `true` if it changed.
fn mask_url_text(text: &mut String) -> bool {
    let masked = match mask_urls(text) {
        Cow::Owned(masked) if masked != *text => masked,
        _ => return false,
    };
    *text = masked;
    true
}

/// Like [`mask_url_text`], for all texts of a document.
fn mask_document_urls(document: &mut Value) -> bool {
    let mut or = |is_changed, value: &mut Value| mask_document_urls(value) | is_changed;
    match document {
        Value::String(text) => mask_url_text(text),
        Value::Array(list) => list.iter_mut().fold(false, &mut or),
        Value::Object(map) => map.values_mut().fold(false, &mut or),
        _ => false,
    }
}

/// Replaces details by their document if `mask` changes it, because typed details cannot be changed.
fn replace_details(details: &mut Arc<dyn Details>, mask: &dyn Fn(&mut Value) -> bool) {
    let Ok(mut document) = serde_json::to_value(&**details) else {
        return;
    };
    if mask(&mut document) {
        *details = Arc::new(document);
    }
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
    mask_sentence(&mut task.message);
}

fn mask_container(container: &mut Container) {
    mask_sentence(&mut container.message);
    if let Some(previous) = &mut container.previous {
        mask_sentence(&mut previous.message);
    }
    for variable in &mut container.env {
        mask_value(&mut variable.value);
    }
    // Both are one command line: an option can be in `command` and its value in `args`.
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
