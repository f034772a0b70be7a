use super::{Ask, lenient, visit_texts};
use crate::model::{Job, Notice};

/// Keeps the cloud's own document in the job, if it was asked for.
///
/// `mask` is called with every text and the keys that lead to it, unless secrets are to be shown.
pub(super) fn attach(
    job: &mut Job,
    notices: &mut Vec<Notice>,
    body: &[u8],
    ask: &Ask,
    mask: &mut dyn FnMut(&[String], &mut String),
) {
    if !ask.vendor {
        return;
    }
    job.vendor = lenient::document(body);
    match &mut job.vendor {
        None => notices.push(Notice::new(
            "vendor_omitted",
            format!(
                "the document of {} is nested too deep or too large and was left out",
                job.reference
            ),
        )),
        Some(document) if !ask.show_secrets => visit_texts(document, mask),
        Some(_) => {}
    }
}
