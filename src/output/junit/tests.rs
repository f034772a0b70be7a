use std::collections::BTreeMap;

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

use super::super::test_case::tests::{envelope, job, unread};
use super::*;
use crate::error::Category;
use crate::gate::Verdict;
use crate::model::State;

/// A parsed element.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn child(&self, name: &str) -> &Self {
        let found = self.children.iter().find(|child| child.name == name);
        found.unwrap_or_else(|| panic!("{name} in {self:?}"))
    }

    /// Returns the only test of a suite.
    fn test(&self) -> &Self {
        self.child("testcase")
    }
}

fn written(envelope: &Envelope) -> String {
    let mut out = Vec::new();
    write(&mut out, envelope).unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(xml: &str) -> Element {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => open.last_mut().unwrap().children.push(element(&start)),
            Event::End(_) => {
                let closed = open.pop().unwrap();
                open.last_mut().unwrap().children.push(closed);
            }
            Event::Text(text) => open.last_mut().unwrap().text += &text,
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref().unwrap() {
                    Some(c) => c.to_string(),
                    None => quick_xml::escape::unescape(&format!("&{};", &*reference))
                        .unwrap()
                        .into_owned(),
                };
                open.last_mut().unwrap().text += &text;
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "every element is closed");
    let mut roots = open.pop().unwrap().children;
    assert_eq!(roots.len(), 1);
    roots.pop().unwrap()
}

fn element(start: &BytesStart<'_>) -> Element {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).unwrap();
        (attribute.key.as_ref().to_owned(), value.into_owned())
    });
    Element {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.collect(),
        ..Element::default()
    }
}

/// The common subset of `junit-10.xsd` of Jenkins and `surefire-test-report.xsd`: each element with its attributes
/// (those with `!` are required) and its children in order. Only the former has `testsuites` and `timestamp`.
const GRAMMAR: [(&str, &[&str], &[&str]); 8] = [
    (
        "testsuites",
        &["name", "time", "tests", "failures", "errors"],
        &["testsuite"],
    ),
    (
        "testsuite",
        &[
            "name!",
            "tests!",
            "failures!",
            "errors!",
            "skipped!",
            "time",
            "timestamp",
        ],
        &["properties", "testcase"],
    ),
    ("properties", &[], &["property"]),
    ("property", &["name!", "value!"], &[]),
    (
        "testcase",
        &["name!", "classname", "time!"],
        &["failure", "skipped", "error"],
    ),
    ("failure", &["message", "type!"], &[]),
    ("error", &["message", "type!"], &[]),
    ("skipped", &["message"], &[]),
];

fn assert_valid(element: &Element) {
    let (_, attributes, children) = GRAMMAR
        .iter()
        .find(|(name, ..)| *name == element.name)
        .unwrap_or_else(|| panic!("no schema contains {}", element.name));
    for name in element.attributes.keys() {
        let known = attributes
            .iter()
            .any(|known| known.trim_end_matches('!') == name);
        assert!(known, "{} has {name}", element.name);
    }
    for needed in attributes.iter().filter_map(|name| name.strip_suffix('!')) {
        assert!(
            element.attributes.contains_key(needed),
            "{} lacks {needed}",
            element.name
        );
    }
    if let Some(time) = element.attributes.get("time") {
        assert!(time.bytes().all(|b| b.is_ascii_digit()), "{time}");
    }
    let place = |child: &Element| children.iter().position(|name| *name == child.name);
    let places: Vec<_> = element.children.iter().map(place).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{} contains {places:?}",
        element.name
    );
    element.children.iter().for_each(assert_valid);
}

/// Checks that each count attribute of a suite matches its tests.
fn assert_counts(root: &Element) {
    let count = |suites: &[Element], name: &str| {
        let tests = suites.iter().flat_map(|suite| &suite.children);
        let found = tests.flat_map(|test| &test.children);
        found.filter(|child| child.name == name).count().to_string()
    };
    assert_eq!(root.attributes["tests"], root.children.len().to_string());
    assert_eq!(
        root.attributes["failures"],
        count(&root.children, "failure")
    );
    assert_eq!(root.attributes["errors"], count(&root.children, "error"));
    for suite in &root.children {
        let one = std::slice::from_ref(suite);
        assert_eq!(suite.attributes["failures"], count(one, "failure"));
        assert_eq!(suite.attributes["errors"], count(one, "error"));
        assert_eq!(suite.attributes["skipped"], count(one, "skipped"));
    }
}

fn read_back(envelope: &Envelope) -> Element {
    let root = parsed(&written(envelope));
    assert_valid(&root);
    assert_counts(&root);
    root
}

#[test]
fn every_outcome_has_its_element() {
    let mut named = job("5", State::Succeeded, "met");
    named.name = Some("训练".into());
    named.duration_seconds = Some(3600);
    named.observed_at = Time::from_rfc3339("2026-01-02T03:04:05Z");
    let mut failed = job("6", State::Failed, "unmet");
    failed.message = Some("exit code 137".into());
    let error = unread("sugon/instance/8a85", Category::InvalidResponse, "no JSON");
    let envelope = envelope(
        vec![named, failed, job("7", State::Pending, "pending")],
        vec![error],
        Verdict::Undecided,
        124,
    );
    let root = read_back(&envelope);
    let [good, bad, late, unread] = &root.children[..] else {
        panic!("{root:?}");
    };
    assert_eq!(good.attributes["timestamp"], "2026-01-02T03:04:05");
    assert_eq!(good.test().attributes["name"], "训练");
    assert_eq!(good.test().attributes["time"], "3600");
    assert_eq!(
        good.test().attributes["classname"],
        "aliyun.job.ehpc-hz-FYUr32"
    );
    let property = &good.child("properties").children[0].attributes;
    assert_eq!(property["name"], "ref");
    assert_eq!(property["value"], "aliyun@prod/job/ehpc-hz-FYUr32/5");
    let failure = bad.test().child("failure");
    assert_eq!(failure.attributes["type"], "failed");
    assert_eq!(failure.text, "failed: exit code 137");
    let failure = late.test().child("failure");
    assert_eq!(failure.attributes["type"], "timeout");
    assert_eq!(failure.text, "still pending after 10m");
    let error = unread.test().child("error");
    assert_eq!(error.attributes["type"], "invalid_response");
    assert_eq!(error.text, "no JSON");
}

#[test]
fn jobs_left_by_fail_fast_are_skipped_and_an_empty_gate_has_no_tests() {
    let jobs = vec![
        job("5", State::Failed, "unmet"),
        job("6", State::Running, "pending"),
    ];
    let root = read_back(&envelope(jobs, vec![], Verdict::Failed, 1));
    let skipped = root.children[1].test().child("skipped");
    assert!(skipped.attributes["message"].starts_with("still running"));
    let none = read_back(&envelope(vec![], vec![], Verdict::Passed, 0));
    assert_eq!(none.attributes["tests"], "0");
}

#[test]
fn failures_in_a_passed_gate_are_skipped() {
    let jobs = vec![
        job("5", State::Succeeded, "met"),
        job("6", State::Failed, "unmet"),
    ];
    let error = unread("sugon/instance/8a85", Category::Network, "no route");
    let root = read_back(&envelope(jobs, vec![error], Verdict::Passed, 0));
    assert_eq!(root.attributes["failures"], "0");
    assert_eq!(root.attributes["errors"], "0");
    let message = |at: usize| &root.children[at].test().child("skipped").attributes["message"];
    assert_eq!(message(1), "failed");
    assert_eq!(message(2), "no route");
}

#[test]
fn an_unchecked_job_is_skipped_in_a_decided_gate_and_a_timeout_otherwise() {
    let message = "not checked before the timeout";
    let unchecked = |verdict, code| {
        let error = unread("sugon/instance/8a85", Category::Network, message);
        let jobs = vec![job("5", State::Failed, "unmet")];
        let mut envelope = envelope(jobs, vec![error], verdict, code);
        let gate = envelope.gate.as_mut().unwrap();
        (gate.timed_out, gate.unchecked) = (true, vec!["sugon/instance/8a85".into()]);
        read_back(&envelope)
    };
    let decided = unchecked(Verdict::Failed, 1);
    let skipped = decided.children[1].test().child("skipped");
    assert_eq!(skipped.attributes["message"], message);
    let undecided = unchecked(Verdict::Undecided, 124);
    let failure = undecided.children[1].test().child("failure");
    assert_eq!(failure.attributes["type"], "timeout");
    assert_eq!(failure.text, message);
}

#[test]
fn hostile_texts_are_escaped_and_stay_texts_of_xml() {
    let long = "x".repeat(10_000);
    for (text, shown) in [
        ("a\u{1b}[2Jb\0c\u{fffe}\u{8}", "a[2Jbc"),
        (
            "]]></failure><x y='\"'>&amp;",
            "]]></failure><x y='\"'>&amp;",
        ),
        ("::error::x", "failed: ::error::x"),
        ("one\n  ::error::x\r\ntwo", "one\n  \\u{3a}:error::x\ntwo"),
        ("%0A | 训练 👩‍🚀 \u{202e}", "%0A | 训练 👩‍🚀 \\u{202e}"),
        (&long, &long),
    ] {
        let mut bad = job("5", State::Failed, "unmet");
        bad.name = Some(text.into());
        bad.message = Some(text.into());
        let root = read_back(&envelope(vec![bad], vec![], Verdict::Failed, 1));
        let test = root.children[0].test();
        assert!(!test.attributes["name"].contains(['\n', '\u{1b}', '\0']));
        let failure = test.child("failure");
        assert!(failure.text.contains(shown), "{text:?}: {}", failure.text);
        assert!(failure.attributes["message"].chars().count() <= MAX_ATTRIBUTE_CHARS);
    }
}

proptest! {
    #[test]
    fn any_text_of_a_cloud_reads_back_as_valid_junit(
        name in any::<String>(),
        message in "(?s:.){0,60}|[<>&\"'\\]\\[!:#\n ]{0,30}",
        state in prop::sample::select(&State::ALL[..]),
        verdict in prop::sample::select(&["met", "unmet", "pending"][..]),
        code in prop::sample::select(&[0_u8, 1, 8, 124, 143][..]),
    ) {
        let mut one = job("5", state, verdict);
        one.reference.clone_from(&name);
        one.name = Some(name);
        one.message = Some(message.clone());
        one.duration_seconds = Some(-5);
        let decided = match code { 0 => Verdict::Passed, 1 => Verdict::Failed, _ => Verdict::Undecided };
        let error = unread("a/b/c", Category::Network, &message);
        let envelope = envelope(vec![one], vec![error], decided, code);
        let root = read_back(&envelope);
        prop_assert_eq!(root.children.len(), 2);
        for line in written(&envelope).lines() {
            prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
            prop_assert!(line.chars().all(is_legal), "{line:?}");
        }
    }
}
