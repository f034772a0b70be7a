use std::thread;

use jaq_core::{Ctx, Vars};
use jaq_json::Val;
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Value, json};

use super::super::compile::compile;
use super::super::functions::{self, Data};
use super::super::projection::Part;
use super::super::value::{part_to_jaq, to_jaq};
use super::super::{STACK_SIZE, message};

/// Runs a function with the stack of an expression.
fn with_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_SIZE);
        let run = || {
            functions::mark_stack();
            run()
        };
        thread.spawn_scoped(scope, run).unwrap().join().unwrap()
    })
}

fn variables() -> [String; 2] {
    ["$ENV".to_owned(), "$given".to_owned()]
}

/// Returns the value created from the parts of a document that an expression reads.
fn part(expression: &str, document: &Value) -> Value {
    with_stack(|| {
        let Ok((_, projection)) = compile(expression, &variables()) else {
            panic!("{expression}")
        };
        let value = part_to_jaq(document, projection.part()).unwrap();
        serde_json::from_str(&value.to_string()).unwrap()
    })
}

/// Returns the first outputs of an expression for each whole document, and for the part of it that is read.
fn outputs(expression: &str, documents: &[Value]) -> Vec<[Vec<String>; 2]> {
    const MAX_OUTPUTS: usize = 50;
    with_stack(|| {
        let Ok((filter, projection)) = compile(expression, &variables()) else {
            panic!("{expression}")
        };
        let outputs = |document: &Value, part: Part<'_>| {
            let input = part_to_jaq(document, part).unwrap();
            let context = Ctx::<Data>::new(&filter.lut, Vars::new([Val::Null, Val::Null]));
            let outputs = filter.id.run((context, input)).take(MAX_OUTPUTS);
            let outputs = outputs.map(|output| match jaq_core::unwrap_valr(output) {
                Ok(value) => value.to_string(),
                Err(error) => format!("error: {}", message::of(error, expression)),
            });
            outputs.collect()
        };
        let documents = documents.iter();
        let parts = [Part::Whole, projection.part()];
        documents
            .map(|document| parts.map(|part| outputs(document, part)))
            .collect()
    })
}

#[test]
fn only_the_parts_of_a_document_that_an_expression_reads_are_taken() {
    let document = json!({
        "a": [{"b": 1, "c": {"d": 2}}, {"b": 3, "c": null}],
        "e": {"f": 4, "g": [5]},
        "h": "text",
    });
    let of_b = json!({"a": [{"b": 1}, {"b": 3}]});
    let whole_a = json!({"a": document["a"]});
    for (expression, expected) in [
        ("1", json!({})),
        (".h", json!({"h": "text"})),
        (".a[].b", of_b.clone()),
        (".a[0].b", of_b.clone()),
        (".a | map(.b)", of_b.clone()),
        ("[.a[] | select(.b == 3) | .b] | length", of_b.clone()),
        (".a | sort_by(.b) | first.b", of_b.clone()),
        (".a | any(.b == $given)", of_b.clone()),
        ("reduce .a[] as $x (0; . + $x.b)", of_b.clone()),
        (".a[] as $x | $x.b", of_b.clone()),
        (".a[] | if .b then \"\\(.b)\" else empty end", of_b.clone()),
        (".a[]? | .b | tostring | test(\"1\")", of_b.clone()),
        ("first(.a[]) | {b}", of_b),
        (".a | length", json!({"a": [{}, {}]})),
        (
            ".a[] | select(.c) | .b",
            json!({"a": [{"b": 1, "c": {}}, {"b": 3, "c": null}]}),
        ),
        (".e | keys", json!({"e": {"f": 4, "g": []}})),
        (".a", whole_a.clone()),
        (".a[0:1][].b", whole_a.clone()),
        (".a[] as {c: {d: $x}} | $x", whole_a.clone()),
        (".a | to_entries | .[].value.b", whole_a),
        (".e.g, (.e | .f)", json!({"e": document["e"]})),
        (".e | .f, .[]", json!({"e": document["e"]})),
        (".", document.clone()),
        (".. | .b?", document.clone()),
        (".a = 1 | .h", document.clone()),
        ("def f: .h; f", document.clone()),
        (". as $x | [1] | test($x.h)", document.clone()),
        (".a as [$x] ?// $x | $x", document.clone()),
    ] {
        assert_eq!(part(expression, &document), expected, "{expression}");
    }
}

#[test]
fn the_whole_document_is_taken_for_an_expression_with_too_many_paths() {
    let document = json!({"a": {"a": 1}, "z": 2});
    let expression = "(.a, .b) | ".repeat(200) + ".";
    assert_eq!(part(&expression, &document), document);
}

/// Terms without other terms.
const LEAVES: &[&str] = &[
    ".",
    ".",
    ".a",
    ".b",
    ".a.b",
    ".[]",
    ".[0]",
    ".[-1]",
    ".[]?",
    ".a?",
    "1",
    "null",
    "false",
    "\"a\"",
    "$x",
    "..",
    "length",
    "keys",
    "type",
    "not",
    "first",
    "last",
    "values",
    "objects",
    "add",
    "sort",
    "reverse",
    "tojson",
    "to_entries",
    "any",
    "has(\"a\")",
    "{a}",
    "{\"b\", $x}",
    "del(.a)",
    "getpath([\"a\", \"b\"])",
    "empty",
    "error",
    "[paths]",
    ".[1:]",
    "map_values(.a?)",
    "@json",
    "input",
    "env",
    "ascii_downcase",
];
/// Terms with other terms, each written as `E`.
const FORMS: &[&str] = &[
    "(E | E)",
    "(E | E)",
    "(E | E)",
    "(E, E)",
    "(E // E)",
    "[E]",
    "{a: E}",
    "{(E): E}",
    "(E == E)",
    "(E + E)",
    "(E < E)",
    "(E and E)",
    "(E or E)",
    "select(E)",
    "map(E)",
    "if E then E else E end",
    "if E then E end",
    "(E as $x | E)",
    "(E as [$x] | E)",
    "(E as {a: $x} | E)",
    "(E as {(E): $x} | E)",
    "(E as [$x] ?// $x | E)",
    "(try E)",
    "(try E catch .)",
    "(try E catch E)",
    "(reduce E as $x (E; E))",
    "[limit(9; foreach E as $x (E; E))]",
    "first(E)",
    "last(E)",
    "limit(2; E)",
    "isempty(E)",
    "sort_by(E)",
    "group_by(E)",
    "unique_by(E)",
    "min_by(E)",
    "max_by(E)",
    "any(E)",
    "all(E)",
    "any(E; E)",
    "IN(E)",
    "(E).a",
    "(E)[]",
    "(E)[0]",
    "(E)?",
    "(E)[E]?",
    "(E)[E:]?",
    "\"-\\(E)-\"",
    "@json \"\\(E)\"",
    "(.a = E)",
    "(.a |= E)",
    "(.a += E)",
    "(.a //= E)",
    "(def f: E; E | f)",
    "(def select(f): f; select(E))",
    "(label $l | E, break $l, E)",
    "-(E)",
    "with_entries(E)",
    "path(E)",
    "del(E)",
    "has(E)",
    "index(E)",
    "contains(E)",
    "splits(E)",
    "skip(1; E)",
    "walk(E)",
    "to_entries[E]?",
    "(. as $y | E | $y)",
    "(. as {$a} | E | $a)",
];

/// The number of cases; each one compiles the definitions of jq.
const CASES: u32 = 128;

/// Generates expressions from the known and many unknown parts of jq.
fn any_expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(LEAVES).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 2, |inner| {
        let forms = FORMS.iter().map(|form| {
            let count = form.matches('E').count();
            let parts = proptest::collection::vec(inner.clone(), count);
            let fill = move |parts: Vec<String>| {
                let mut parts = parts.into_iter();
                let fill = |c: char| match c {
                    'E' => parts.next().unwrap_or_default(),
                    c => c.to_string(),
                };
                form.chars().map(fill).collect::<String>()
            };
            parts.prop_map(fill).boxed()
        });
        Union::new(forms)
    })
}

/// Generates lists of objects that differ in few values, like those of jobs.
fn any_document() -> impl Strategy<Value = Value> {
    let scalar = || {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[ab]?".prop_map(Value::from),
        ]
    };
    let value = prop_oneof![
        scalar(),
        proptest::collection::vec(scalar(), 0..3).prop_map(Value::from),
        scalar().prop_map(|value| json!({"a": value})),
    ];
    let item = (value.clone(), value).prop_map(|(a, b)| json!({"a": a, "b": b}));
    let items = proptest::collection::vec(item.clone(), 0..5);
    (items, item).prop_map(|(a, b)| json!({"a": a, "b": b}))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn outputs_for_a_partial_document_equal_those_for_the_whole_document(
        before in proptest::sample::select(&[".", ".a", ".a", ".a[]", ".b"][..]),
        expression in any_expression(),
        after in proptest::sample::select(&[".", ".a?", ".[]?.b?", ".[0]?.a?", "length"][..]),
        documents in proptest::collection::vec(any_document(), 4),
    ) {
        let expression = format!("null as $x | {before} | {expression} | {after}");
        for [of_whole, of_part] in outputs(&expression, &documents) {
            prop_assert_eq!(of_part, of_whole, "{}", expression);
        }
    }
}

#[test]
fn every_form_of_term_has_the_same_outputs_for_a_partial_document() {
    let item = |a: Value, b: Value| json!({"a": a, "b": b});
    let document = json!({
        "a": [
            item(json!({"a": 3, "b": {"a": 1}}), json!([1, {"b": 2}])),
            item(json!({"a": 1, "b": {"a": 2}}), json!([])),
            item(json!({"a": 2, "b": {}}), json!([0, {"b": 0}])),
            item(json!({"a": 1, "b": {"a": 2}}), json!("a")),
        ],
        "b": {"a": {"a": "b"}, "b": 0},
    });
    let documents = [document];
    for form in FORMS {
        for (inner, before, after) in [
            (".a", ".a", ".[]?.b?"),
            (".b", ".a", ".[0]?.a.a?"),
            (".b", ".a[]", "."),
            (".a", ".b", ".a?"),
            (".", ".a", ".[1]?"),
            (".a.b", ".a[]", ".b?"),
        ] {
            let term = form.replace('E', inner);
            let expression = format!("null as $x | {before} | {term} | {after}");
            for [of_whole, of_part] in outputs(&expression, &documents) {
                assert_eq!(of_part, of_whole, "{expression}");
            }
        }
    }
}

#[test]
fn an_object_with_a_long_number_is_read_in_part_without_losing_digits() {
    let document: Value =
        serde_json::from_str(r#"{"a": {"b": 702364883651395584999, "c": 1}}"#).unwrap();
    assert_eq!(
        part(".a.b", &document)["a"],
        json!({"b": document["a"]["b"]})
    );
    assert_eq!(to_jaq(&document).unwrap().to_string(), document.to_string());
}
