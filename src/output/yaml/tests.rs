#[path = "../../../tests/it/support/yaml.rs"]
mod reader;

use proptest::prelude::*;
use reader::json_of;
use serde_json::{Value, json};

use super::super::text::{ci_command_at, needs_escape};
use super::*;

fn written(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn is_block_style_with_every_string_quoted() {
    let value = json!({
        "schema": "joblens/1",
        "jobs": [{"id": "10_3", "ended": true, "tasks": [], "labels": {}, "exit_code": null,
            "array": {"start": 1}}, {"id": "no"}],
        "nested": [[1, 2], [], [["x"]]],
        "no": "no",
        "a b": 0.5,
    });
    assert_eq!(
        written(&value),
        r#"schema: "joblens/1"
jobs:
  - id: "10_3"
    ended: true
    tasks: []
    labels: {}
    exit_code: null
    array:
      start: 1
  - id: "no"
nested:
  - - 1
    - 2
  - []
  - - - "x"
"no": "no"
"a b": 0.5
"#
    );
    assert_eq!(json_of(&written(&value)), value);
}

#[test]
fn characters_that_yaml_does_not_allow_are_escaped() {
    let value = json!({"a\u{fffe}": "\u{ffff}b", "c": "\u{1fffe}中"});
    let text = written(&value);
    assert_eq!(text, "\"a\\ufffe\": \"\\uffffb\"\nc: \"\u{1fffe}中\"\n");
    assert_eq!(json_of(&text), value);
}

#[test]
fn numbers_are_written_in_a_form_that_every_yaml_reader_accepts() {
    let value: Value =
        serde_json::from_str(r#"[1e5, 1.5E-7, 123456789012345678901234567890]"#).unwrap();
    assert_eq!(
        written(&value),
        "- 1.0e+5\n- 1.5e-7\n- 123456789012345678901234567890\n"
    );
}

#[test]
fn a_key_that_is_too_long_for_a_line_is_read_back_as_a_key() {
    let value = json!({"a": [{"长 ".repeat(2_000): {"b": 1}, "c": 2}]});
    assert_eq!(json_of(&written(&value)), value);
}

#[test]
fn an_empty_or_scalar_document_is_written_like_json() {
    for value in [json!([]), json!({}), json!("x"), json!(1), json!(null)] {
        assert_eq!(written(&value).trim_end(), value.to_string());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "(?s:.){0,12}|[ \\-?:,\\[\\]{}#&*!|>'\"%@`~\t\n\r\u{85}\u{2028}\u{feff}]{0,6}|y|no|null|1_0|0x1|::x|##\\[x"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec(("(?s:.){0,6}|on|[a-z]{1,4}", inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_reads_back_unchanged_and_emits_no_control_character(value in any_json()) {
        let text = written(&value);
        for line in text.lines() {
            prop_assert!(!line.contains(needs_escape), "{line:?}");
            prop_assert!(ci_command_at(line).is_none(), "{line:?}");
            prop_assert!(!line.ends_with(' '), "{line:?}");
        }
        prop_assert_eq!(json_of(&text), value);
    }
}
