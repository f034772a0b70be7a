//! Documents of objects as `--raw` shows them.

use super::object::LAST_APPLIED;
use crate::providers::prelude::*;

/// Keeps a response in the job, without what repeats it.
pub(super) fn attach_raw(found: &mut GetResult, body: &[u8], options: &GetOptions) {
    raw::attach(&mut found.job, &mut found.notices, options, || {
        let mut document = raw::document(body, options)?;
        trim_document(&mut document);
        Some(document)
    });
}

/// Drops from a document what repeats it: the last applied configuration, which contains every secret once
/// more, and who set which field.
pub(super) fn trim_document(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            fields.remove("managedFields");
            fields.remove(LAST_APPLIED);
            fields.values_mut().for_each(trim_document);
        }
        Value::Array(list) => list.iter_mut().for_each(trim_document),
        _ => {}
    }
}
