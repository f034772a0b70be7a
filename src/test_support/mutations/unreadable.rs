//! Values that cannot be read, although they are not of another type: invalid numbers and contradictory keys.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::paths::{pattern, pointers_of};
use super::{Fields, PLACEHOLDER};

/// A field that affects the result.
pub(super) struct UnreadableField {
    /// Path of the field, such as `JobInfos[0].State`.
    pub path: String,
    /// The document with a value of another type, and those with other unreadable values.
    pub texts: Vec<String>,
}

/// Returns the essential fields and the evidence of a document, each pattern once.
pub(super) fn fields(document: &Value, fields: Fields) -> Vec<UnreadableField> {
    let (mut pointers, mut seen) = (Vec::new(), HashSet::new());
    pointers_of(document, "", "", &mut pointers);
    let is_checked =
        |pattern: &str| fields.essential.contains(&pattern) || fields.is_evidence(pattern);
    pointers.retain(|(_, path)| {
        let pattern = pattern(path);
        is_checked(&pattern) && seen.insert(pattern)
    });
    let all = pointers.into_iter().filter_map(|(pointer, path)| {
        let mut mutated = document.clone();
        let old = std::mem::replace(mutated.pointer_mut(&pointer)?, json!(PLACEHOLDER));
        let (parent, key) = pointer.rsplit_once('/')?;
        let (text, place) = (mutated.to_string(), json!(PLACEHOLDER).to_string());
        let with = |value: &str| text.replacen(&place, value, 1);
        let other_type = match old.is_object() || old.is_array() {
            true => json!("text"),
            false => json!({"a": 1}),
        };
        let mut texts = vec![with(&other_type.to_string()), with("NaN")];
        if mutated.pointer(parent)?.is_object() {
            let key = json!(key.replace("~1", "/").replace("~0", "~"));
            texts.push(with(&format!("\"another value\",{key}:{old}")));
        }
        (!old.is_null()).then_some(UnreadableField { path, texts })
    });
    all.collect()
}
