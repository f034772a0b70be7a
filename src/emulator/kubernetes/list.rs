//! Lists of objects: selectors and pages.

use serde_json::{Value, json};

use super::status;
use crate::crypto::{base64url, from_base64url};
use crate::emulator::api::{Answer, EmulatedCall, EmulatedError};

/// The objects that a call selects, as a page of a list of this kind.
pub(super) fn respond(
    call: &EmulatedCall<'_>,
    kind: &str,
    version: &str,
    mut items: Vec<Value>,
) -> Answer {
    for (name, is_label) in [("labelSelector", true), ("fieldSelector", false)] {
        if let Some(selector) = call.parameter(name) {
            let requirements = requirements(selector);
            let requirements = requirements.ok_or_else(|| bad_selector(selector))?;
            items.retain(|item| requirements.iter().all(|one| one.matches(item, is_label)));
        }
    }
    let limit = call.number("limit", 0, 0..=usize::MAX)?;
    let start = call.parameter("continue").map_or(Some(0), |token| {
        String::from_utf8(from_base64url(token)?).ok()?.parse().ok()
    });
    let start: usize = start.ok_or(EmulatedError::Invalid("continue"))?;
    let total = items.len();
    let end = if limit == 0 {
        total
    } else {
        total.min(start.saturating_add(limit))
    };
    let page: Vec<Value> = items.into_iter().take(end).skip(start).collect();
    let mut metadata = json!({"resourceVersion": "1000"});
    if end < total {
        metadata["continue"] = base64url(end.to_string().as_bytes()).into();
        if call
            .parameter("labelSelector")
            .or(call.parameter("fieldSelector"))
            .is_none()
        {
            metadata["remainingItemCount"] = (total - end).into();
        }
    }
    let kind = format!("{kind}List");
    call.data(json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": page}))
}

fn bad_selector(selector: &str) -> EmulatedError {
    let message = format!("unable to parse requirement: {selector}");
    EmulatedError::Response(status(400, "BadRequest", &message, json!({})))
}

/// A part of a selector: a key, and the value that it must have or must not have.
struct Requirement<'a> {
    key: &'a str,
    value: &'a str,
    is_negated: bool,
}

fn requirements(selector: &str) -> Option<Vec<Requirement<'_>>> {
    let parts = selector.split(',').filter(|part| !part.is_empty());
    let parts = parts.map(|part| {
        let (key, value) = part.split_once('=')?;
        let is_negated = key.ends_with('!');
        Some(Requirement {
            key: key.trim_end_matches('!').trim(),
            value: value.trim_start_matches('=').trim(),
            is_negated,
        })
    });
    parts.collect()
}

impl Requirement<'_> {
    fn matches(&self, item: &Value, is_label: bool) -> bool {
        let found = match is_label {
            true => item["metadata"]["labels"].get(self.key),
            false => self
                .key
                .split('.')
                .try_fold(item, |value, key| value.get(key)),
        };
        let is_equal = found.and_then(Value::as_str).unwrap_or_default() == self.value;
        is_equal != self.is_negated
    }
}
