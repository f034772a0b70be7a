//! Checks that documents are read like by serde_json, with errors at the same positions.

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{Deserializer, Error, UNREADABLE};

fn ours<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    let mut deserializer = Deserializer::new(text);
    let value = T::deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

fn kind(is_end: bool, is_syntax: bool) -> &'static str {
    match (is_end, is_syntax) {
        (true, _) => "end",
        (_, true) => "syntax",
        _ => "data",
    }
}

/// Checks that both parsers read the document as this type, or both reject it.
fn check<'de, T: Deserialize<'de> + PartialEq + std::fmt::Debug>(text: &'de str) {
    assert_eq!(
        ours::<T>(text).ok(),
        serde_json::from_str(text).ok(),
        "{text}"
    );
}

/// Checks that both parsers read the document as any type, and reject it at the same position.
fn check_all(text: &str) {
    check::<Value>(text);
    check::<Option<i64>>(text);
    check::<Vec<String>>(text);
    let ignored = serde_json::from_str::<IgnoredAny>(text);
    assert_eq!(ours::<IgnoredAny>(text).is_ok(), ignored.is_ok(), "{text}");
    let (Err(ours), Err(theirs)) = (ours::<Value>(text), serde_json::from_str::<Value>(text))
    else {
        return;
    };
    let expected = (theirs.line(), theirs.column());
    assert_eq!(ours.position(text.as_bytes()), expected, "{text}: {theirs}");
    let expected = kind(theirs.is_eof(), theirs.is_syntax());
    assert_eq!(kind(ours.is_end(), ours.is_syntax()), expected, "{text}");
}

#[test]
fn documents_are_accepted_and_rejected_as_by_serde_json() {
    for text in [
        "",
        " ",
        "null",
        "nul",
        "nulL",
        "true",
        "fals",
        "1",
        "-1",
        "-0",
        "0",
        "00",
        "01",
        "-",
        "-x",
        "1.",
        "1.5",
        "1.5e",
        "1e5",
        "1E+5",
        "1e-",
        ".5",
        "18446744073709551616",
        "-9223372036854775809",
        "1x",
        "\"",
        "\"a",
        "\"a\"",
        "\"\\",
        "\"\\u",
        "\"\\u12",
        "\"\\u12x4\"",
        "\"\\n\\/\\b\"",
        "\"\\x\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\n\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ude00\"",
        "\"a\tb\"",
        "\"训练\\t好\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[]",
        "[[]]",
        "[[],[1,[2]],{}]",
        "{",
        "{}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":1.50}",
        "[\"a\",\"\\n\"]",
        "{\"a\":\n1,\n\"b\": x}",
        "[1] x",
        "[true,false,nil]",
        "{\"\\u0061\":1}",
        "[\"a\",1]",
        "\"x\" ",
        "1.7976931348623157e309",
    ] {
        check_all(text);
    }
}

#[test]
fn a_float_is_read_to_its_last_digit_and_an_overflow_is_an_error() {
    for text in ["1.5", "-5.8539154292451485e+116", "7", "-0"] {
        assert_eq!(ours(text), Ok(text.parse::<f64>().unwrap()));
    }
    assert!(ours::<f64>("1e400").is_err());
}

#[test]
fn nesting_is_limited_as_by_serde_json_except_in_ignored_values() {
    for depth in [100, 127, 128, 200] {
        check::<Value>(&("[".repeat(depth) + &"]".repeat(depth)));
        check::<Value>(&("{\"a\":".repeat(depth) + "1" + &"}".repeat(depth)));
    }
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert!(ours::<IgnoredAny>(&deep).is_ok());
}

#[test]
fn an_enum_variant_is_read_from_a_string() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Word {
        Yes,
        #[serde(other)]
        Other,
    }
    assert_eq!(ours("\"Yes\""), Ok(Word::Yes));
    assert_eq!(ours("\"\\u0059es\""), Ok(Word::Yes));
    assert_eq!(ours("\"No\""), Ok(Word::Other));
    assert!(ours::<Word>("1").is_err_and(|error| error.is_data()));
}

fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| serde_json::to_string(&number).unwrap()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\"(\\\\u[0-9a-dA-D]{4}|[a-z ]|\\\\[bfnrt/])*\"",
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6);
        let list = (list, " ?").prop_map(|(list, blank)| format!("[{}]{blank}", list.join(",")));
        let object = prop::collection::vec(("[a-c\n\"]{0,2}", inner), 0..6);
        let object = object.prop_map(|fields| {
            let fields = fields.iter().map(|(key, value)| {
                let key = serde_json::to_string(key).unwrap();
                format!("{key}:\n{value}")
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        });
        prop_oneof![list, object]
    })
}

proptest! {
    #[test]
    fn any_document_is_read_as_by_serde_json(text in json()) {
        check_all(&text);
    }

    #[test]
    fn any_damaged_document_is_rejected_where_serde_json_rejects_it(
        text in json(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..3,
        piece in "[\\[\\]{}:,\"0-9a-f.\\\\ +-]{0,3}",
    ) {
        let characters: Vec<char> = text.chars().collect();
        let from = at.index(characters.len() + 1);
        let to = (from + length).min(characters.len());
        let head: String = characters[..from].iter().collect();
        let tail: String = characters[to..].iter().collect();
        check_all(&(head + &piece + &tail));
    }
}

#[test]
fn a_struct_or_map_is_only_read_from_a_readable_object() {
    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Fields {
        a: i64,
    }
    type Map = std::collections::BTreeMap<String, i64>;
    let unreadable = format!("{{\"{UNREADABLE}\":0}}");
    assert!(ours::<Fields>(&unreadable).is_err());
    assert!(ours::<Map>(&unreadable).is_err());
    assert!(ours::<Value>(&unreadable).is_ok());
    assert!(ours::<Fields>("[1]").is_err());
    assert_eq!(ours::<Fields>("{\"a\":1}"), Ok(Fields { a: 1 }));
    assert_eq!(ours::<Map>("{}"), Ok(Map::new()));
}
