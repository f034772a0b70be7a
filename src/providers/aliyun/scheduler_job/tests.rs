use serde_json::json;

use super::*;
use crate::error::Category;
use crate::providers::aliyun::CLOUD;
use crate::providers::test_support::{ask, moment, profile, reference, transport};
use crate::test_support::kinds::check_kind;

check_kind!(
    &SCHEDULER_JOB,
    essential: [
        "Message", "Message.JobInfo", "Message.JobInfo.2.scheduler",
        "Message.JobInfo.2.scheduler.job_state",
        "Success", "Jobs", "Jobs[]", "Jobs[].Id", "Jobs[].State",
    ],
    evidence: ["Message.JobInfo.2.scheduler.Exit_status", "Jobs[].ArrayRequest"]
);

fn read(info: Value, trust: bool) -> Result<GetResult, DecodeError> {
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
    ];
    let wire = transport(moment("2026-01-02T03:04:05Z"));
    let api = Api::new(&profile(&CLOUD, &variables), &wire).unwrap();
    let options = GetOptions {
        flags: trust.then_some(TRUST_FINISHED.name).into_iter().collect(),
        raw: true,
        ..ask()
    };
    let body = json!({"RequestId": "r", "Message": {"JobInfo": info}}).to_string();
    let reference = reference(&SCHEDULER_JOB, &["c", "2"]);
    decode_job(body.as_bytes(), &reference, &api, &options)
}

fn outcome(job: Value, trust: bool) -> (State, bool, Option<i64>) {
    let job = read(json!({"2.scheduler": job}), trust).unwrap().job;
    (job.state, job.ended, job.exit_code)
}

#[test]
fn the_end_of_a_job_succeeds_only_with_an_exit_status_or_by_the_switch() {
    for word in ["F", "FINISHED", "X"] {
        let ended =
            |exit: Value, trust| outcome(json!({"job_state": word, "Exit_status": exit}), trust);
        assert_eq!(ended(json!(null), false), (State::Unknown, true, None));
        assert_eq!(ended(json!(null), true), (State::Succeeded, true, None));
        assert_eq!(ended(json!("0"), false), (State::Succeeded, true, Some(0)));
        assert_eq!(ended(json!(271), true), (State::Failed, true, Some(271)));
        assert_eq!(ended(json!(-3), true), (State::Failed, true, Some(-3)));
        assert_eq!(ended(json!([]), false), (State::Unknown, true, None));
    }
    assert_eq!(
        outcome(json!({"job_state": "R", "Exit_status": 1}), true).0,
        State::Running
    );
    assert_eq!(
        outcome(json!({"job_state": "M"}), true),
        (State::Unknown, false, None)
    );
}

#[test]
fn a_response_is_about_the_job_whether_it_is_text_or_an_object() {
    let job = json!({"2.scheduler": {
        "job_state": "Q", "Variable_List": {"TOKEN": "s3cret"},
        "Submit_arguments": "-N relax --password s3cret",
    }});
    for info in [job.clone(), Value::String(job.to_string())] {
        let found = read(info, false).unwrap().job;
        assert_eq!(found.state, State::Pending);
        let text = serde_json::to_string(&(&found.raw, &found.details)).unwrap();
        assert!(text.contains("TOKEN") && !text.contains("s3cret"), "{text}");
    }
    for missing in [
        json!(null),
        json!({}),
        json!(""),
        json!("{}"),
        json!([]),
        json!("[]"),
    ] {
        let Err(DecodeError::Failed(error)) = read(missing.clone(), false) else {
            panic!("{missing}");
        };
        assert_eq!(error.category, Category::NotFound);
    }
    for other in [json!({"12.scheduler": {"job_state": "Q"}}), json!(5)] {
        let found = read(other.clone(), false);
        assert!(matches!(found, Err(DecodeError::Invalid(_))), "{other}");
    }
}

#[test]
fn the_first_node_is_found_in_the_forms_of_lists_and_schedulers() {
    for (nodes, node) in [
        (r#"["compute2", "compute3"]"#, Some("compute2")),
        ("compute-2/0+compute3/0", Some("compute-2")),
        ("compute000", Some("compute000")),
        ("[]", None),
        ("", None),
    ] {
        assert_eq!(first_node(nodes), node, "{nodes}");
    }
}
