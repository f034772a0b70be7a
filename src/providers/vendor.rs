use super::{GetOptions, lenient, visit_strings};
use crate::model::{Job, Notice, NoticeCode};

/// Keeps the raw response in the job, if requested.
///
/// `mask` is called with every text and the keys that lead to it, unless secrets are to be shown.
pub(super) fn attach_raw(
    job: &mut Job,
    notices: &mut Vec<Notice>,
    body: &[u8],
    ask: &GetOptions,
    mask: &mut dyn FnMut(&[String], &mut String),
) {
    if !ask.raw {
        return;
    }
    job.vendor = lenient::parse_raw(body);
    match &mut job.vendor {
        None => notices.push(Notice::new(
            NoticeCode::VendorOmitted,
            format!(
                "the raw response of {} is too large or too deeply nested to include",
                job.reference
            ),
        )),
        Some(document) if !ask.show_secrets => visit_strings(document, mask),
        Some(_) => {}
    }
}
