use std::io::{self, Write};

use serde::Serialize;

use crate::json;
use crate::output::document::Envelope;

/// Writes the envelope, indented, with a line end.
///
/// # Errors
/// Returns errors of the writer.
pub fn write(out: &mut dyn Write, envelope: &Envelope) -> io::Result<()> {
    write_document(out, envelope)
}

/// Writes a document, indented, with a line end.
pub(super) fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    json::write(out, document, true)
}

/// Writes a value as one line, with a line end.
pub(super) fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    json::write(out, value, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::needs_escape;
    use crate::model::Job;
    use proptest::prelude::*;

    fn written(name: &str) -> String {
        let job = Job {
            name: Some(name.into()),
            ..Job::default()
        };
        let mut out = Vec::new();
        write(&mut out, &Envelope::new("get", vec![job], vec![], vec![])).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_key_is_present_and_absent_values_are_null() {
        let value: serde_json::Value = serde_json::from_str(&written("x")).unwrap();
        assert_eq!(value["schema"], "joblens/1");
        assert_eq!(value["jobs"][0]["tasks"], serde_json::json!([]));
        assert!(value["jobs"][0]["message"].is_null());
        assert!(value.as_object().unwrap().contains_key("gate"));
        assert_eq!(value["exit"], serde_json::json!({"code": 0, "word": "ok"}));
    }

    #[test]
    fn ci_commands_in_a_text_are_escaped_without_changing_its_value() {
        let json = written("::error::##[group]\u{9b}##vso[x] [[");
        assert!(
            json.contains(r##""::error::#\u0023[group]\u009b#\u0023vso[x] [[""##),
            "{json}"
        );
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            value["jobs"][0]["name"],
            "::error::##[group]\u{9b}##vso[x] [["
        );
    }

    #[test]
    fn is_indented_like_any_pretty_json_at_every_depth() {
        let mut deep = serde_json::json!([1, {}, [], {"a": [], "b": null}]);
        for _ in 0..50 {
            deep = serde_json::json!([{"in": deep, "n": 1.5}, "x"]);
        }
        let job = Job {
            raw: Some(Box::new(deep)),
            ..Job::default()
        };
        let envelope = Envelope::new("get", vec![job], vec![], vec![]);
        let mut out = Vec::new();
        write(&mut out, &envelope).unwrap();
        let usual = serde_json::to_string_pretty(&envelope).unwrap() + "\n";
        assert!(String::from_utf8(out).unwrap() == usual);
    }

    proptest! {
        #[test]
        fn any_text_reads_back_unchanged_and_emits_no_control_character(name in any::<String>()) {
            let json = written(&name);
            prop_assert!(!json.replace('\n', "").contains(needs_escape));
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(value["jobs"][0]["name"].as_str(), Some(name.as_str()));
        }
    }
}
