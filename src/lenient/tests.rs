use super::*;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Answer {
    text: Text,
    int: Int,
    num: Num,
    flag: Flag,
    list: List<Text>,
    part: OptionalObject<Inner>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Inner {
    id: Text,
}

#[test]
fn absence_in_four_spellings_is_one() {
    for absent in ["null", "\"\"", "\"--\"", "\" \""] {
        let json = format!(
            r#"{{"text":{absent},"int":{absent},"num":{absent},"flag":{absent},"list":{absent},"part":{absent}}}"#
        );
        assert_eq!(
            decode::<Answer>(json.as_bytes()),
            Ok(Answer::default()),
            "{absent}"
        );
    }
    assert_eq!(decode::<Answer>(b"\xef\xbb\xbf{}"), Ok(Answer::default()));
}

#[test]
fn an_empty_list_is_an_absent_part_and_a_filled_one_is_none() {
    assert_eq!(decode::<Answer>(br#"{"part":[]}"#), Ok(Answer::default()));
    assert!(decode::<Answer>(br#"{"part":[{"id":"x"}]}"#).is_err());
}

#[test]
fn a_list_is_no_row_of_fields() {
    assert!(decode::<Answer>(br#"["x"]"#).is_err());
    assert!(decode::<List<Inner>>(br#"[["x"]]"#).is_err());
    assert_eq!(
        decode::<List<Inner>>(br#"[{"id":"x"}]"#).unwrap().0[0]
            .id
            .trimmed(),
        Some("x")
    );
}

#[test]
fn words_of_a_command_line_are_kept_as_they_came() {
    let words: List<Verbatim> = decode(br#"["a\n", "", "--", null, 7.0, true]"#).unwrap();
    let words: Vec<_> = words.0.into_iter().map(|word| word.0).collect();
    assert_eq!(words, ["a\n", "", "--", "", "7.0", "true"]);
    assert!(decode::<List<Verbatim>>(b"[[]]").is_err());
}

#[test]
fn a_number_is_no_object() {
    let error = decode::<Answer>(br#"{"part":5}"#).unwrap_err();
    assert!(error.starts_with("an object at part"), "{error}");
}

#[test]
fn numbers_come_as_integer_float_or_text() {
    for int in ["7", "7.0", "\"7\"", "\" 7.0 \"", "7e0"] {
        let answer: Answer = decode(format!(r#"{{"int":{int},"num":{int}}}"#).as_bytes()).unwrap();
        assert_eq!((answer.int.0, answer.num.0), (Some(7), Some(7.0)), "{int}");
    }
    let id = decode::<Answer>(br#"{"text":702364883651395584123456789}"#).unwrap();
    assert_eq!(id.text.0.as_deref(), Some("702364883651395584123456789"));
    assert!(decode::<Answer>(br#"{"int":7.5}"#).is_err());
    assert!(decode::<Answer>(br#"{"num":1e400}"#).is_err());
}

#[test]
fn an_error_names_the_place_and_never_the_value() {
    let error = decode::<Answer>(b"{\"part\":\n{\"id\":[\"hunter2\"]}}").unwrap_err();
    assert_eq!(error, "text at part.id, line 2 column 7");
    let error = decode::<Answer>(br#"{"int":"hunter2"}"#).unwrap_err();
    assert!(error.starts_with("a whole number at int"), "{error}");
    for (body, expected) in [
        (r#"{"num": {}, "int": 1}"#, "a number at num"),
        (r#"{"int": 1, "num": ["x"]}"#, "a number at num"),
        (r#"{"list": [1, "x", {"hunter2": 1}]}"#, "text at list[2]"),
        (r#"{"list": [1, [2], 3]}"#, "text at list[1]"),
        (r#"{"list": "hunter2"}"#, "a list at list"),
        (r#"{"list": {"a": 1}}"#, "a list at list"),
        (r#"{"part": [1]}"#, "an object at part"),
        (r#"{"part": 7, "int": 1}"#, "an object at part"),
        (
            r#"{"part": {"id": true, "id": {}}}"#,
            "part.id only once at line 1 column 26",
        ),
    ] {
        let error = decode::<Answer>(body.as_bytes()).unwrap_err();
        let said = error.split(',').next();
        assert_eq!(said, Some(expected), "{body}");
    }
    let error = decode::<Answer>(b"<html>hunter2").unwrap_err();
    assert_eq!(error, "JSON at line 1 column 1");
    let error = decode::<Answer>(br#"{"text":"hunter2"#).unwrap_err();
    assert!(error.starts_with("more JSON after line 1"), "{error}");
}

#[test]
fn refuses_more_elements_than_fit_into_memory() {
    let list = format!(r#"{{"list":[{}1]}}"#, "1,".repeat(200_000));
    assert_eq!(decode::<Answer>(list.as_bytes()).unwrap_err(), TOO_MANY);
    let list = format!(r#"{{"list":[{}1]}}"#, "1,".repeat(199_999));
    assert!(decode::<Answer>(list.as_bytes()).is_ok());
}

#[test]
fn ignored_fields_may_nest_deep() {
    let deep = format!(
        r#"{{"other":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(decode::<Answer>(deep.as_bytes()).is_ok());
    assert_eq!(parse_raw(deep.as_bytes()), None);
}
