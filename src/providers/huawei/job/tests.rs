use serde_json::{Value, json};

use super::*;
use crate::error::Category;
use crate::providers::huawei::errors::ERRORS;
use crate::providers::test_support::{ask, classify, lookup, reference, response};
use crate::test_support::kinds::check_kind;

check_kind!(&JOB, essential: ["job_id", "status"], evidence: []);

fn read(body: &Value) -> Result<GetResult, String> {
    let reference = reference(&JOB, &["ecs", "7"]);
    decode(
        body.to_string().as_bytes(),
        lookup(&reference, &ask()),
        None,
    )
}

#[test]
fn only_two_words_are_final() {
    for (word, state, ended) in [
        ("INIT", State::Pending, false),
        ("WAITING_EXECUTE", State::Pending, false),
        ("RUNNING", State::Running, false),
        ("LISTENING", State::Running, false),
        ("SUCCESS", State::Succeeded, true),
        ("FAIL", State::Failed, true),
        ("FAILED", State::Unknown, false),
        ("DONE", State::Unknown, false),
    ] {
        let job = read(&json!({"job_id": "7", "status": word})).unwrap().job;
        assert_eq!((job.state, job.ended), (state, ended), "{word}");
    }
}

#[test]
fn a_failed_job_says_why_by_its_sub_job_else_by_itself() {
    let job = |sub_jobs: Value| {
        let body = json!({
            "job_id": "7", "status": "FAIL", "error_code": "Ecs.0001", "fail_reason": "sub job failed",
            "entities": {"sub_jobs": sub_jobs},
        });
        let job = read(&body).unwrap().job;
        (job.reason.unwrap(), job.message.unwrap())
    };
    let own = ("Ecs.0001".to_owned(), "sub job failed".to_owned());
    assert_eq!(job(json!([])), own);
    let failed = json!({
        "job_id": "8", "status": "FAIL", "error_code": "Ecs.0219", "fail_reason": "capacity",
        "entities": {"errorcode_message": "no valid host was found"},
    });
    let because = (
        "Ecs.0219".to_owned(),
        "8: no valid host was found".to_owned(),
    );
    assert_eq!(job(json!([failed])), because);
}

#[test]
fn a_job_whose_sub_job_failed_has_failed_whatever_its_word_says() {
    for list in ["sub_jobs", "sub_jobs_result"] {
        let failed = json!({
            "job_id": "8", "status": "FAIL", "error_code": "Ecs.0219", "fail_reason": "capacity",
        });
        let body = json!({"job_id": "7", "status": "SUCCESS", "entities": {list: [failed]}});
        let job = read(&body).unwrap().job;
        assert_eq!((job.state, job.ended), (State::Failed, true), "{list}");
        assert_eq!(job.state_raw.as_deref(), Some("SUCCESS"));
        assert_eq!(job.reason.as_deref(), Some("Ecs.0219"));
        assert_eq!(job.message.as_deref(), Some("8: capacity"));
    }
}

#[test]
fn code_and_message_of_an_image_are_those_of_one_error() {
    let failure = |code: Value, entities: Value| {
        let body =
            json!({"job_id": "7", "status": "FAIL", "error_code": code, "entities": entities});
        let job = read(&body).unwrap().job;
        (job.reason.unwrap(), job.message.unwrap())
    };
    let own = json!({"error_code": "IMG.0067", "error": "image is too large"});
    let expected = ("IMG.0067".to_owned(), "image is too large".to_owned());
    assert_eq!(failure(json!(null), own), expected);
    let added = json!({"addition_error_code": "IMG.2", "addition_error_msg": "driver missing"});
    let expected = ("IMG.2".to_owned(), "driver missing".to_owned());
    assert_eq!(failure(json!("IMG.1"), added), expected);
}

#[test]
fn an_error_in_the_place_of_a_job_is_an_error_whatever_the_status() {
    let body = json!({"code": "Common.0011", "message": "job not found"}).to_string();
    let error = classify(&ERRORS, &response(200, &body)).unwrap();
    assert_eq!(error.category, Category::ServiceError);
    assert_eq!(error.code.as_deref(), Some("Common.0011"));
    let error = classify(&ERRORS, &response(404, &body)).unwrap();
    assert_eq!(error.category, Category::NotFound);
    let body = json!({"error": {"code": "EVS.0000", "message": "bad request"}}).to_string();
    let error = classify(&ERRORS, &response(400, &body)).unwrap();
    assert_eq!(error.category, Category::InvalidArgument);
    let body = json!({"job_id": "7", "status": null, "code": "Ecs.0203", "message": "busy"});
    let error = classify(&ERRORS, &response(200, &body.to_string())).unwrap();
    assert_eq!(error.code.as_deref(), Some("Ecs.0203"));
    // A job that failed has a code of its own.
    let body = json!({"job_id": "7", "status": "FAIL", "error_code": "Ecs.0219"}).to_string();
    assert_eq!(classify(&ERRORS, &response(200, &body)), None);
}

#[test]
fn another_jobs_response_is_never_taken() {
    for body in [json!({}), json!({"job_id": "70", "status": "SUCCESS"})] {
        assert!(read(&body).is_err(), "{body}");
    }
}
