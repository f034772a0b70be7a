use super::*;
use serde_json::json;

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["name", "state", "parts", "details", "gate"],
        "properties": {
            "name": { "type": ["string", "null"], "description": "Its name." },
            "state": { "$ref": "#/$defs/State" },
            "word": { "type": "string", "enum": ["yes", "no"] },
            "parts": { "type": "array", "items": { "$ref": "#/$defs/Part" } },
            "details": { "$ref": "#/$defs/Details" },
            "gate": { "anyOf": [{ "$ref": "#/$defs/Part" }, { "type": "null" }] },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "raw": {},
        },
        "$defs": {
            "State": { "oneOf": [{ "type": "string", "const": "a" }, { "type": "string", "const": "b" }] },
            "Part": {
                "type": "object",
                "required": ["size", "at"],
                "properties": {
                    "size": { "type": "integer", "minimum": 0 },
                    "at": { "type": "string", "format": "date-time" },
                },
            },
            "Other": { "type": "object", "properties": { "x": { "type": "string" } } },
            "Details": { "$comment": "extensible", "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/Part" }] },
            "Alone": { "type": "object", "properties": { "x": { "type": "string" } } },
        },
    })
}

/// Returns the changes if the value at a path is replaced or removed.
fn changed(pointer: &str, value: Option<Value>) -> SchemaChanges {
    let mut new = schema();
    match value {
        Some(value) => {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            new.pointer_mut(parent).unwrap()[key] = value;
        }
        None => {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = new.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent.remove(key).unwrap();
        }
    }
    compare(&schema(), &new)
}

fn breaks(pointer: &str, value: Option<Value>, message: &str) {
    let changes = changed(pointer, value);
    assert!(
        changes.broken.iter().any(|one| one == message),
        "{changes:?}"
    );
}

#[test]
fn a_changed_description_is_not_a_change_of_the_schema() {
    let changes = changed("/properties/name/description", Some(json!("The name.")));
    assert_eq!(changes, SchemaChanges::default());
}

#[test]
fn a_removed_field_is_a_breaking_change_at_every_depth() {
    breaks("/properties/name", None, "name is gone");
    breaks("/$defs/Part/properties/size", None, "parts[].size is gone");
    breaks("/$defs/Alone/properties/x", None, "Alone.x is gone");
    breaks("/$defs/Alone", None, "Alone has lost its description");
}

#[test]
fn a_different_wider_or_narrower_type_is_a_breaking_change() {
    let size = "/$defs/Part/properties/size";
    breaks(
        &format!("{size}/type"),
        Some(json!("string")),
        "parts[].size may now be string",
    );
    let wider = json!(["integer", "string"]);
    breaks(
        &format!("{size}/type"),
        Some(wider),
        "parts[].size may now be string",
    );
    breaks(
        "/properties/name/type",
        Some(json!("null")),
        "name can no longer be string",
    );
    breaks(
        "/properties/raw/type",
        Some(json!("object")),
        "raw can no longer be anything",
    );
    let either =
        json!([{ "$ref": "#/$defs/Part" }, { "type": "null" }, { "$ref": "#/$defs/Other" }]);
    breaks(
        "/properties/gate/anyOf",
        Some(either),
        "gate may now be Other",
    );
    breaks(
        "/properties/labels/additionalProperties",
        Some(json!({ "type": "integer" })),
        "labels.* may now be integer",
    );
}

#[test]
fn adding_or_removing_null_is_a_breaking_change() {
    let at = "/$defs/Part/properties/at/type";
    breaks(
        at,
        Some(json!(["string", "null"])),
        "parts[].at may now be null",
    );
    breaks(
        "/properties/name/type",
        Some(json!("string")),
        "name can no longer be null",
    );
    let never = json!([{ "$ref": "#/$defs/Part" }]);
    breaks(
        "/properties/gate/anyOf",
        Some(never),
        "gate can no longer be null",
    );
}

#[test]
fn a_field_that_becomes_optional_is_a_breaking_change() {
    breaks(
        "/required",
        Some(json!(["state", "parts", "details", "gate"])),
        "name may now be missing",
    );
}

#[test]
fn a_removed_or_added_enum_word_is_a_breaking_change() {
    breaks(
        "/properties/word/enum",
        Some(json!(["yes"])),
        "word has lost the word \"no\"",
    );
    breaks(
        "/properties/word/enum",
        Some(json!(["yes", "no", "open"])),
        "word has a new word \"open\"",
    );
    breaks(
        "/properties/word/enum",
        None,
        "word no longer enumerates its values, or enumerates them again",
    );
    let fewer = json!([{ "type": "string", "const": "a" }]);
    breaks(
        "/$defs/State/oneOf",
        Some(fewer),
        "state has lost the word \"b\"",
    );
}

#[test]
fn a_changed_format_or_minimum_is_a_breaking_change() {
    breaks(
        "/$defs/Part/properties/at/format",
        None,
        "parts[].at has another format",
    );
    breaks(
        "/$defs/Part/properties/size/minimum",
        Some(json!(-1)),
        "parts[].size has another minimum",
    );
}

#[test]
fn a_new_field_and_a_new_type_of_details_are_additions() {
    let more = changed(
        "/$defs/Part/properties/color",
        Some(json!({ "type": "string" })),
    );
    assert_eq!(
        (more.broken.len(), more.added),
        (0, vec!["parts[].color".to_owned()])
    );
    let sorts =
        json!([{ "type": "null" }, { "$ref": "#/$defs/Part" }, { "$ref": "#/$defs/Other" }]);
    let more = changed("/$defs/Details/anyOf", Some(sorts));
    assert_eq!(
        (more.broken.len(), more.added),
        (0, vec!["details<Other>".to_owned()])
    );
    let fewer = json!([{ "type": "null" }]);
    breaks(
        "/$defs/Details/anyOf",
        Some(fewer),
        "details can no longer be Part",
    );
}
