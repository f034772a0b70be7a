//! Paths of the fields of a document.

use serde_json::Value;

/// Removes the indices: `JobInfos[].State` for `JobInfos[0].State`.
pub(super) fn pattern(path: &str) -> String {
    let parts = path.split('[').map(|part| match part.split_once(']') {
        Some((_, rest)) => format!("[]{rest}"),
        None => part.to_owned(),
    });
    parts.collect()
}

/// Collects the fields of a document as JSON pointers and paths.
pub(super) fn pointers_of(
    value: &Value,
    pointer: &str,
    path: &str,
    into: &mut Vec<(String, String)>,
) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{escaped}");
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                into.push((pointer.clone(), path.clone()));
                pointers_of(value, &pointer, &path, into);
            }
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                let (pointer, path) = (format!("{pointer}/{at}"), format!("{path}[{at}]"));
                into.push((pointer.clone(), path.clone()));
                pointers_of(value, &pointer, &path, into);
            }
        }
        _ => {}
    }
}
