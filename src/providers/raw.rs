use serde_json::Value;

use super::{GetOptions, lenient, visit_strings};
use crate::model::{Job, Notice, NoticeCode};

/// Keeps the raw response in the job, if requested.
///
/// `mask` is called with every text and the keys that lead to it, unless secrets are to be shown.
pub(super) fn attach_raw(
    job: &mut Job,
    notices: &mut Vec<Notice>,
    body: &[u8],
    options: &GetOptions,
    mask: &mut dyn FnMut(&[String], &mut String),
) {
    attach(job, notices, options, || {
        let mut document = lenient::parse_raw(body)?;
        if !options.show_secrets {
            visit_strings(&mut document, mask);
        }
        Some(document)
    });
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
