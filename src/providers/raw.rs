use serde_json::Value;

use super::mask::mask_document;
use super::{GetOptions, lenient};
use crate::model::{Job, Notice, NoticeCode};

/// Keeps the raw response in the job, if requested; its secrets are masked, unless they are to be shown.
pub(super) fn attach_raw(
    job: &mut Job,
    notices: &mut Vec<Notice>,
    body: &[u8],
    options: &GetOptions,
) {
    attach(job, notices, options, || document(body, options));
}

/// The document of a response as it is shown; `None` when it is nested too deep.
pub(super) fn document(body: &[u8], options: &GetOptions) -> Option<Value> {
    let mut document = lenient::parse_raw(body)?;
    if !options.show_secrets {
        mask_document(&mut document);
    }
    Some(document)
}

/// Keeps the document that `read` makes in the job, if it was requested.
pub(super) fn attach(
    job: &mut Job,
    notices: &mut Vec<Notice>,
    options: &GetOptions,
    read: impl FnOnce() -> Option<Value>,
) {
    if !options.raw {
        return;
    }
    job.raw = read();
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
