use jaq_json::read::parse_single;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Job;
use crate::output::document::Envelope;

fn is_as_text(document: &impl Serialize) -> bool {
    let text = serde_json::to_vec(document).unwrap();
    // Compare as text: for jaq, 4.0 equals 4.
    to_jaq(document).unwrap().to_string() == parse_single(&text).unwrap().to_string()
}

#[test]
fn an_envelope_is_converted_to_the_same_value_as_its_json_text() {
    let mut job = Job {
        reference: "aliyun/job/c/训练".into(),
        exit_code: Some(137),
        raw: serde_json::from_str("[18446744073709551616, 1.10, 1e3, -0.0]").unwrap(),
        ..Job::default()
    };
    job.resources.cpu = Some(0.5);
    job.labels.insert("k".into(), None);
    assert!(is_as_text(&Envelope::new("get", vec![job], vec![], vec![])));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "(?s:.){0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("(?s:.){0,4}", inner, 0..5)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #[test]
    fn every_document_is_converted_to_the_same_value_as_its_json_text(document in any_json()) {
        prop_assert!(is_as_text(&document));
    }
}
