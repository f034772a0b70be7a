use serde_json::{Map, Value};

use super::api::Decoded;
use super::mask::mask_document;
use super::{GetResult, RequestOptions, lenient};
use crate::error::Problem;
use crate::model::{Job, Notice, NoticeCode};

impl GetResult {
    /// Adds the raw response, if requested. Its secrets are masked unless they are to be shown.
    pub(super) fn with_raw(mut self, body: &[u8], options: &RequestOptions) -> Self {
        let read = || document(body, options);
        attach(&mut self.job, &mut self.notices, options, read);
        self
    }
}

/// Adds the raw response to the job, if requested. `mask` masks the secrets in fields that [`mask_document`]
/// does not know.
pub(super) fn attach_masked(
    result: &mut GetResult,
    body: &[u8],
    options: &RequestOptions,
    mask: impl FnOnce(&mut Value),
) {
    attach(&mut result.job, &mut result.notices, options, || {
        let mut document = document(body, options)?;
        if !options.show_secrets {
            mask(&mut document);
        }
        Some(document)
    });
}

/// Returns the document of a response as it is shown; `None` if it is nested too deeply.
pub(super) fn document(body: &[u8], options: &RequestOptions) -> Option<Value> {
    let mut document = lenient::parse_shown(body)?;
    if !options.show_secrets {
        mask_document(&mut document);
    }
    Some(document)
}

/// Adds the document that `read` returns to the job, if requested.
pub(super) fn attach(
    job: &mut Job,
    notices: &mut Vec<Notice>,
    options: &RequestOptions,
    read: impl FnOnce() -> Option<Value>,
) {
    if !options.raw {
        return;
    }
    job.raw = read().map(Box::new);
    if job.raw.is_none() {
        notices.push(Notice::new(
            NoticeCode::RawOmitted,
            format!(
                "the raw response of {} is too large or too deeply nested to include",
                job.reference
            ),
        ));
    }
}

/// The raw responses of a lookup with several operations, by operation and part.
pub(super) struct Documents<'a> {
    options: &'a RequestOptions,
    /// `None` if one of them is nested too deeply.
    all: Option<Map<String, Value>>,
}

impl<'a> Documents<'a> {
    pub fn new(options: &'a RequestOptions) -> Self {
        let all = Some(Map::new());
        Self { options, all }
    }

    /// Adds the response of a successful request, if raw responses were requested. `part` is the name of the part
    /// of the job, if there are several.
    pub fn add<T>(
        &mut self,
        operation: &str,
        part: Option<&str>,
        response: &Result<Decoded<T>, Problem>,
    ) {
        let Some(response) = response.as_ref().ok().filter(|_| self.options.raw) else {
            return;
        };
        let document = document(&response.body, self.options);
        self.all = self.all.take().zip(document).map(|(mut all, document)| {
            let of_operation = all.entry(operation).or_insert(Value::Null);
            match part {
                None => *of_operation = document,
                Some(part) => of_operation[part] = document,
            }
            all
        });
    }

    /// Adds the documents to the job.
    pub fn attach(self, result: &mut GetResult) {
        let read = || self.all.map(Value::Object);
        attach(&mut result.job, &mut result.notices, self.options, read);
    }
}
