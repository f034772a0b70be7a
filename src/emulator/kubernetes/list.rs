//! Selectors and pages of lists.

use super::{TypeMeta, status};
use crate::crypto::{base64url, from_base64url};
use crate::emulator::prelude::*;

/// Returns a page of the objects that a request selects, as a list of objects of this type.
pub(super) fn respond(
    call: &EmulatedCall<'_>,
    type_meta: TypeMeta,
    mut items: Vec<Value>,
) -> HandlerResult {
    select(call, &mut items)?;
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
    let mut metadata = json!({"resourceVersion": super::version(call, call.now())});
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
    call.data(json!({
        "kind": format!("{}List", type_meta.kind), "apiVersion": type_meta.api_version,
        "metadata": metadata, "items": page,
    }))
}

/// Keeps the objects that a request selects.
///
/// # Errors
/// An error for an invalid selector.
pub(super) fn select(call: &EmulatedCall<'_>, items: &mut Vec<Value>) -> Result<(), EmulatedError> {
    for (name, is_label) in [("labelSelector", true), ("fieldSelector", false)] {
        if let Some(selector) = call.parameter(name) {
            let requirements = requirements(selector);
            let requirements = requirements.ok_or_else(|| bad_selector(selector))?;
            items.retain(|item| requirements.iter().all(|one| one.matches(item, is_label)));
        }
    }
    Ok(())
}

fn bad_selector(selector: &str) -> EmulatedError {
    let message = format!("unable to parse requirement: {selector}");
    EmulatedError::Response(status(400, "BadRequest", &message, json!({})))
}

/// A condition of a selector: the key must have, or must not have, one of the values.
struct Requirement<'a> {
    key: &'a str,
    /// Empty if any value matches.
    values: Vec<&'a str>,
    is_negated: bool,
}

/// Parses the conditions of a selector such as `a=b,c!=d,e in (f,g),h`.
fn requirements(selector: &str) -> Option<Vec<Requirement<'_>>> {
    let mut depth = 0;
    let parts = selector.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    parts.map(requirement).collect()
}

fn requirement(part: &str) -> Option<Requirement<'_>> {
    if let Some((key, values)) = part.split_once('(') {
        let values = values.strip_suffix(')')?.split(',').map(str::trim);
        let (key, operator) = key.trim().rsplit_once(' ')?;
        let is_negated = operator == "notin";
        return (is_negated || operator == "in").then_some(Requirement {
            key: key.trim(),
            values: values.collect(),
            is_negated,
        });
    }
    match part.split_once('=') {
        Some((key, value)) => Some(Requirement {
            key: key.trim_end_matches('!').trim(),
            values: vec![value.trim_start_matches('=').trim()],
            is_negated: key.ends_with('!'),
        }),
        None => Some(Requirement {
            key: part.trim_start_matches('!').trim(),
            values: Vec::new(),
            is_negated: part.starts_with('!'),
        }),
    }
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
        let is_met = match self.values.is_empty() {
            true => found.is_some(),
            false => {
                let found = found.and_then(Value::as_str).unwrap_or_default();
                self.values.contains(&found)
            }
        };
        is_met != self.is_negated
    }
}
