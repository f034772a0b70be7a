//! Tests of keys that occur twice with different values, and of invalid numbers.

use std::collections::BTreeMap;

use super::*;

#[test]
fn a_contradictory_value_and_an_invalid_number_are_unreadable_as_any_type() {
    fn read<T: Default + DeserializeOwned>(json: &str) -> T {
        #[derive(Deserialize)]
        struct One<T> {
            a: T,
        }
        let one: One<T> = decode_response(json.as_bytes()).unwrap();
        one.a
    }
    for json in [
        r#"{"a":NaN}"#,
        r#"{"a":NaN,"a":NaN}"#,
        r#"{"a":NaN,"a":null}"#,
        r#"{"a": -Infinity}"#,
        r#"{"a":null,"a":1}"#,
        r#"{"a":{"id":"x"},"a":{}}"#,
        r#"{"a":["x"],"a":[]}"#,
    ] {
        let is_unreadable = [
            read::<Checked<Text>>(json).is_unreadable,
            read::<Checked<Int>>(json).is_unreadable,
            read::<Checked<Num>>(json).is_unreadable,
            read::<Checked<Flag>>(json).is_unreadable,
            read::<Checked<Timestamp>>(json).is_unreadable,
            read::<Checked<Words>>(json).is_unreadable,
            read::<Checked<Map<Text>>>(json).is_unreadable,
            read::<Checked<List<Inner>>>(json).is_unreadable,
            read::<Checked<WrappedList<Inner>>>(json).is_unreadable,
            read::<Checked<OptionalObject<Inner>>>(json).is_unreadable,
            read::<Checked<DefaultObject<Inner>>>(json).is_unreadable,
            read::<Checked<ListOrObject<Inner, Inner>>>(json).is_unreadable,
            read::<Required<List<Inner>>>(json) == Required::Unreadable,
            read::<Required<OptionalObject<Inner>>>(json) == Required::Unreadable,
        ];
        assert_eq!(is_unreadable, [true; 14], "{json}");
        let body = parse(json.as_bytes()).unwrap().to_string();
        assert_eq!(body, r#"{"a":{"$unreadable":0}}"#);
    }
    let nested = decode_response::<BTreeMap<String, Inner>>(br#"{"a":NaN}"#);
    assert!(nested.is_err(), "a struct is not read from it");
    for body in ["NaN", "{\"$unreadable\":0}"] {
        assert!(
            decode_response::<Answer>(body.as_bytes()).is_err(),
            "{body}"
        );
    }
}

#[test]
fn a_name_of_a_map_with_different_values_is_unreadable() {
    let read = |json: &str| {
        let decoded = || decode_response::<Answer>(json.as_bytes());
        let (answer, unreadable) = collect_unreadable(decoded);
        let map = answer.unwrap().map.0.into_iter();
        let map: Vec<_> = map.map(|(name, Int(value))| (name, value)).collect();
        (map, unreadable.named)
    };
    let (map, named) = read(r#"{"map":{"x":1,"y":2,"x":3}}"#);
    assert_eq!(map, [("x".to_owned(), None), ("y".to_owned(), Some(2))]);
    assert_eq!(named, ["map.x (expected a whole number)"]);
    let (map, named) = read(r#"{"map":{"x":1,"x":1}}"#);
    assert_eq!(map, [("x".to_owned(), Some(1))]);
    assert!(named.is_empty());
}

#[test]
fn a_shown_document_has_the_last_value_of_a_duplicate_key() {
    let shown = |json: &str| parse_shown(json.as_bytes()).unwrap().to_string();
    assert_eq!(shown(r#"{"a":1,"a":[2]}"#), r#"{"a":[2]}"#);
    assert_eq!(shown(r#"{"a":NaN,"b":1}"#), r#"{"a":null,"b":1}"#);
    let read = parse(br#"{"a":1,"a":[2],"b":[NaN],"c":"x"}"#)
        .unwrap()
        .to_string();
    assert_eq!(shown(&read), r#"{"a":null,"b":[null],"c":"x"}"#);
}
