//! Prepares the documents of objects for `--raw`.

use super::object::LAST_APPLIED;
use crate::providers::prelude::*;

/// Attaches a response to the job, without its redundant fields.
pub(super) fn attach_raw(result: &mut GetResult, body: &[u8], options: &RequestOptions) {
    raw::attach(&mut result.job, &mut result.notices, options, || {
        let mut document = raw::document(body, options)?;
        trim_document(&mut document);
        Some(document)
    });
}

/// Removes redundant fields from a document: the last applied configuration, which contains every secret a
/// second time, and the managers of each field.
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
