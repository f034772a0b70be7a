mod unreadable_values;

use super::*;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Answer {
    text: Text,
    int: Int,
    num: Num,
    flag: Flag,
    list: List<Inner>,
    words: Words,
    part: OptionalObject<Inner>,
    map: Map<Int>,
    time: Timestamp,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Inner {
    id: Text,
}

#[test]
fn all_four_spellings_of_an_absent_value_are_read_as_absent() {
    for absent in ["null", "\"\"", "\"--\"", "\" \""] {
        let json = format!(
            r#"{{"text":{absent},"int":{absent},"num":{absent},"flag":{absent},"list":{absent},"words":{absent},"part":{absent},"map":{absent},"time":{absent}}}"#
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
fn an_empty_list_is_an_absent_object_and_a_filled_list_is_an_error() {
    assert_eq!(decode::<Answer>(br#"{"part":[]}"#), Ok(Answer::default()));
    assert!(decode::<Answer>(br#"{"part":[{"id":"x"}]}"#).is_err());
}

#[test]
fn a_list_is_not_read_as_the_fields_of_an_object() {
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
fn words_of_a_command_line_are_kept_unchanged() {
    let answer: Answer = decode(br#"{"words":["a\n", "", "--", null, 7.0, true]}"#).unwrap();
    assert_eq!(answer.words.0, ["a\n", "", "--", "", "7.0", "true"]);
    assert!(decode::<Answer>(br#"{"words":[[]]}"#).is_err());
}

#[test]
fn a_list_may_be_wrapped_in_an_object() {
    let ids = |json: &str| -> Result<Vec<Option<String>>, String> {
        let list: WrappedList<Inner> = decode(json.as_bytes())?;
        Ok(list.0.into_iter().map(|inner| inner.id.0).collect())
    };
    let one = Ok(vec![Some("a".to_owned())]);
    assert_eq!(ids(r#"{"Item":[{"id":"a"}]}"#), one);
    assert_eq!(ids(r#"[{"id":"a"}]"#), one);
    for empty in [
        "{}",
        "null",
        "[]",
        r#""""#,
        r#"{"Item":null}"#,
        r#"{"Item":{}}"#,
    ] {
        assert_eq!(ids(empty), Ok(vec![]), "{empty}");
    }
    for other in ["7", r#""a""#, r#"{"Item":7}"#, "true"] {
        assert!(ids(other).is_err(), "{other}");
    }
}

#[test]
fn a_required_list_that_is_missing_is_an_error_unless_the_total_is_0() {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Page {
        rows: Required<List<Inner>>,
    }
    let rows = |json: &str, total| {
        let page: Page = decode_response(json.as_bytes()).unwrap();
        page.rows.rows("rows", total).map(|rows| rows.len())
    };
    let missing = Err("a list at rows".to_owned());
    assert_eq!(rows(r#"{"rows":[{},7,null]}"#, None), Ok(3));
    assert_eq!(rows(r#"{"rows":""}"#, None), Ok(0));
    for json in ["{}", r#"{"rows":null}"#] {
        assert_eq!(rows(json, Some(0)), Ok(0));
        assert_eq!(rows(json, Some(1)), missing);
        assert_eq!(rows(json, None), missing);
    }
    for json in [r#"{"rows":""}"#, r#"{"rows":{}}"#] {
        assert_eq!(rows(json, Some(0)), Ok(0));
        assert_eq!(rows(json, None), Ok(0));
        assert_eq!(rows(json, Some(1)), missing);
    }
    let all = |json: &str| {
        let page: Page = decode_response(json.as_bytes()).unwrap();
        page.rows.all_rows("rows").map(|rows| rows.len())
    };
    assert_eq!((all("{}"), all(r#"{"rows":[{}]}"#)), (Ok(0), Ok(1)));
    for json in ["null", r#""""#, "{}", "7"] {
        assert_eq!(all(&format!(r#"{{"rows":{json}}}"#)), missing, "{json}");
    }
    for json in [r#"{"rows":7}"#, r#"{"rows":{"a":1}}"#, r#"{"rows":"x"}"#] {
        assert_eq!(rows(json, Some(0)), missing);
    }
}

#[test]
fn a_value_of_another_type_is_read_as_absent_and_named_once() {
    let other_types = [
        ("text", "{}", "text"),
        ("int", "\"x\"", "a whole number"),
        ("int", "12345678901234567890123", "a whole number"),
        ("num", "[1, [2]]", "a number"),
        ("flag", "-7", "true or false"),
        ("list", "true", "a list"),
        ("words", "{\"a\": 1}", "a list"),
        ("part", "1.5", "an object"),
        ("part", "[{\"id\": 1}]", "an object"),
        ("map", "[{}]", "an object"),
        ("time", "{\"a\": {\"b\": 1}}", "a time"),
        ("time", "\"昨天\"", "a time"),
    ];
    for (field, value, expected) in other_types {
        let json = format!(r#"{{"{field}": {value}, "other": 1}}"#);
        let (answer, unreadable) =
            collect_unreadable(|| decode_response::<Answer>(json.as_bytes()));
        let mut answer = answer.unwrap();
        answer.time = Timestamp::default();
        assert_eq!(answer, Answer::default(), "{json}");
        assert_eq!(unreadable.named, [format!("{field} (expected {expected})")]);
        assert!(decode::<Answer>(json.as_bytes()).is_err(), "{json}");
    }
    let json = br#"{"list": [{"id": "a"}, 7, {"id": []}], "int": 1}"#;
    let (answer, unreadable) = collect_unreadable(|| decode_response::<Answer>(json));
    let answer = answer.unwrap();
    assert_eq!((answer.list.0.len(), answer.int.0), (3, Some(1)));
    let notice = unreadable.notice("List").unwrap();
    assert_eq!(
        notice.message,
        "unreadable fields in the response of List: list[1] (expected an object), list[2].id \
         (expected text)"
    );
}

#[test]
fn nan_and_infinity_only_lose_the_value_of_their_own_field() {
    let json = br#"{"text":"NaN","int":NaN,"list":[{"id":"x"},-Infinity]}"#;
    let (answer, unreadable) = collect_unreadable(|| decode_response::<Answer>(json));
    let answer = answer.unwrap();
    assert_eq!((answer.text.trimmed(), answer.int.0), (Some("NaN"), None));
    assert_eq!(answer.list.0.len(), 2);
    let named = [
        "int (expected a whole number)",
        "list[1] (expected an object)",
    ];
    assert_eq!(unreadable.named, named);
    assert_eq!(parse_shown(json).unwrap()["int"], Value::Null);
    assert!(decode::<Answer>(json).is_err());
}

#[test]
fn a_duplicate_key_only_loses_the_value_of_its_own_field() {
    let read = |json: &str| {
        let (answer, unreadable) =
            collect_unreadable(|| decode_response::<Answer>(json.as_bytes()));
        (answer.unwrap(), unreadable.named)
    };
    let (answer, named) = read(r#"{"text":"a","int":1,"text":"a","other":1,"other":2}"#);
    assert_eq!((answer.text.trimmed(), named.len()), (Some("a"), 0));
    let (answer, named) = read(r#"{"text":"a","int":1,"list":[{"id":"x","id":"y"}],"text":"b"}"#);
    assert_eq!((answer.text.trimmed(), answer.int.0), (None, Some(1)));
    let mut named = named;
    named.sort_unstable();
    assert_eq!(
        named,
        ["list[0].id (expected text)", "text (expected text)"]
    );
    let (answer, named) = read("{\"text\":\"a\",\"text\":\"a\",\"int\":1,\"na\\ud800me\" : 1}");
    assert_eq!((answer.text.trimmed(), answer.int.0), (Some("a"), Some(1)));
    assert_eq!(named, ["na\u{fffd}me (invalid characters)"]);
    assert!(decode::<Answer>(br#"{"text":"a","text":"a"}"#).is_err());
}

#[test]
fn the_first_unreadable_fields_are_named_and_the_others_counted() {
    let list = vec!["{\"id\":{}}"; 30].join(",");
    let json = format!(r#"{{"list":[{list}]}}"#);
    let (answer, unreadable) = collect_unreadable(|| decode_response::<Answer>(json.as_bytes()));
    assert_eq!(answer.unwrap().list.0.len(), 30);
    assert_eq!((unreadable.named.len(), unreadable.count), (8, 30));
    let message = unreadable.notice("List").unwrap().message;
    assert!(
        message.ends_with("list[7].id (expected text), and 22 more"),
        "{message}"
    );
    let (_, unreadable) = collect_unreadable(|| decode_response::<Answer>(b"{}"));
    assert_eq!(unreadable.notice("List"), None);
}

#[test]
fn invalid_characters_are_replaced_and_other_fields_are_read() {
    let half = br#"{"text": "party \ud83d", "part": {"id": "x"}}"#;
    let cut = b"{\"text\": \"party \xe6\x96\", \"part\": {\"id\": \"x\"}}";
    for json in [&half[..], cut] {
        let (answer, unreadable) = collect_unreadable(|| decode_response::<Answer>(json));
        let answer = answer.unwrap();
        assert_eq!(answer.text.trimmed(), Some("party \u{fffd}"));
        assert_eq!(answer.part.0.unwrap().id.trimmed(), Some("x"));
        assert_eq!(unreadable.named, ["text (invalid characters)"]);
        assert_eq!(parse_shown(json).unwrap()["text"], "party \u{fffd}");
        assert!(decode::<Answer>(json).is_err());
    }
}

#[test]
fn a_checked_field_distinguishes_absent_from_unreadable() {
    let read = |json: &str| decode_response::<OneChecked>(json.as_bytes()).unwrap().flag;
    let checked = |value: Option<bool>, is_unreadable| Checked {
        value: Flag(value),
        is_unreadable,
    };
    assert_eq!(read(r#"{"flag": true}"#), checked(Some(true), false));
    assert_eq!(read(r#"{"flag": null}"#), checked(None, false));
    assert_eq!(read(r#"{"flag": []}"#), checked(None, true));
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OneChecked {
    flag: Checked<Flag>,
}

#[test]
fn a_number_is_not_an_object() {
    let error = decode::<Answer>(br#"{"part":5}"#).unwrap_err();
    assert!(error.starts_with("an object at part"), "{error}");
}

#[test]
fn numbers_are_read_from_an_integer_a_float_or_a_text() {
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
fn an_error_names_the_path_and_never_the_value() {
    let error = decode::<Answer>(b"{\"part\":\n{\"id\":[\"hunter2\"]}}").unwrap_err();
    assert_eq!(error, "text at part.id, line 2 column 7");
    let error = decode::<Answer>(br#"{"int":"hunter2"}"#).unwrap_err();
    assert!(error.starts_with("a whole number at int"), "{error}");
    for (body, expected) in [
        (r#"{"num": {}, "int": 1}"#, "a number at num"),
        (r#"{"int": 1, "num": ["x"]}"#, "a number at num"),
        (r#"{"words": [1, "x", {"hunter2": 1}]}"#, "text at words[2]"),
        (r#"{"words": [1, [2], 3]}"#, "text at words[1]"),
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
        let found = error.split(',').next();
        assert_eq!(found, Some(expected), "{body}");
    }
    let error = decode::<Answer>(b"<html>hunter2").unwrap_err();
    assert_eq!(error, "JSON at line 1 column 1");
    let error = decode::<Answer>(br#"{"text":"hunter2"#).unwrap_err();
    assert!(error.starts_with("more JSON after line 1"), "{error}");
}

#[test]
fn rejects_a_list_with_too_many_elements() {
    for field in ["words", "list"] {
        let json = |count| format!(r#"{{"{field}":[{}null]}}"#, "null,".repeat(count));
        let error = decode::<Answer>(json(200_000).as_bytes()).unwrap_err();
        assert_eq!(error, shape::TOO_MANY);
        assert!(decode::<Answer>(json(199_999).as_bytes()).is_ok());
    }
}

#[test]
fn ignored_fields_may_be_nested_deeply() {
    let deep = format!(
        r#"{{"other":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(decode::<Answer>(deep.as_bytes()).is_ok());
    assert_eq!(parse_shown(deep.as_bytes()), None);
}

#[test]
fn the_first_spelling_of_a_field_that_has_a_value_is_read() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Job {
        #[serde(alias = "job_state")]
        state: Checked<Text>,
        #[serde(alias = "stime")]
        start: Int,
    }
    for (job, state, start) in [
        (r#"{"state":"R","job_state":"E","stime":1}"#, "R", 1),
        (
            r#"{"state":null,"stime":"","start":2,"job_state":"E"}"#,
            "E",
            2,
        ),
        (
            r#"{"job_state":"","start":3,"state":"F","stime":null}"#,
            "F",
            3,
        ),
    ] {
        let list = format!(r#"{{"a":[{job},{job}],"b":{{}}}}"#);
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Jobs {
            a: List<Job>,
        }
        let (jobs, unreadable) =
            collect_unreadable(|| decode_response::<Jobs>(list.as_bytes()).unwrap());
        assert!(unreadable.notice("x").is_none(), "{job}");
        for found in &jobs.a.0 {
            assert_eq!(found.state.value.trimmed(), Some(state), "{job}");
            assert_eq!(
                (found.start.0, found.state.is_unreadable),
                (Some(start), false)
            );
        }
    }
}

#[test]
fn an_absent_or_invalid_size_has_no_number_of_bytes() {
    let bytes = |size| Num(Some(size)).times(1 << 30);
    assert_eq!(bytes(0.5), Some(1 << 29));
    for size in [-1.0, 1e300, f64::NAN] {
        assert_eq!(bytes(size), None);
    }
    assert_eq!(Num(None).times(1), None);
}
