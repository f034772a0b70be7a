use serde_json::{Value, json};

use super::*;
use crate::error::Category;
use crate::providers::huawei::errors::ERRORS;
use crate::providers::test_support::{classify, get_options, lookup, reference, response};
use crate::test_support::kinds::check_kind;

check_kind!(
    &JOB,
    essential: ["job_id", "status"],
    evidence: ["entities.sub_jobs[].entities.errorcode_message"]
);

fn read(body: &Value) -> Result<GetResult, String> {
    let reference = reference(&JOB, &["ecs", "7"]);
    decode(
        body.to_string().as_bytes(),
        lookup(&reference, &get_options()),
        None,
    )
}

#[test]
fn only_success_and_fail_are_final_states() {
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
fn a_failed_job_has_the_reason_of_its_sub_job_else_its_own() {
    let job = |sub_jobs: Value| {
        let body = json!({
            "job_id": "7", "status": "FAIL", "error_code": "Ecs.0001", "fail_reason": "sub job failed",
            "entities": {"sub_jobs": sub_jobs},
        });
        let job = read(&body).unwrap().job;
        (job.reason.unwrap(), job.message.unwrap())
    };
    let own = ("Ecs.0001".into(), "sub job failed".to_owned());
    assert_eq!(job(json!([])), own);
    let failed = json!({
        "job_id": "8", "status": "FAIL", "error_code": "Ecs.0219", "fail_reason": "capacity",
        "entities": {"errorcode_message": "no valid host was found"},
    });
    let because = ("Ecs.0219".into(), "8: no valid host was found".to_owned());
    assert_eq!(job(json!([failed])), because);
}

#[test]
fn a_failed_sub_job_makes_a_succeeded_job_failed() {
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
fn a_success_of_a_batch_job_without_sub_jobs_is_undecided() {
    let sub_jobs = json!({"sub_jobs": [{"job_id": "8", "status": "SUCCESS"}]});
    for (job_type, entities, expected) in [
        ("createServer", json!(null), State::Unknown),
        ("batchCreateVolume", json!({}), State::Unknown),
        (
            "baremetalBatchCreate",
            json!({"sub_jobs": []}),
            State::Unknown,
        ),
        ("createServer", sub_jobs, State::Succeeded),
        ("deleteVolume", json!(null), State::Succeeded),
    ] {
        let body =
            json!({"job_id": "7", "status": "SUCCESS", "job_type": job_type, "entities": entities});
        assert_eq!(read(&body).unwrap().job.state, expected, "{body}");
    }
}

#[test]
fn an_error_field_or_a_failed_part_makes_a_succeeded_job_failed() {
    let failed = |fields: Value| {
        let mut body = json!({"job_id": "7", "status": "SUCCESS", "error_code": null});
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let job = read(&body).unwrap().job;
        (job.state, job.reason, job.message)
    };
    for (fields, reason, message) in [
        (json!({"error_code": "Ecs.1"}), Some("Ecs.1"), None),
        (json!({"fail_reason": "capacity"}), None, Some("capacity")),
        (
            json!({"code": "Ecs.2", "message": "busy"}),
            Some("Ecs.2"),
            Some("busy"),
        ),
        (
            json!({"entities": {"error": "too large"}}),
            None,
            Some("too large"),
        ),
        (
            json!({"entities": {"addition_error_code": "IMG.0147"}}),
            Some("IMG.0147"),
            None,
        ),
        (
            json!({"entities": {"errorcode_message": "no stock"}}),
            None,
            Some("no stock"),
        ),
        (
            json!({"entities": {"sub_jobs": [{"job_id": "8", "status": "SUCCESS", "code": "Ecs.1", "message": "busy"}]}}),
            Some("Ecs.1"),
            Some("8: busy"),
        ),
        (
            json!({"entities": {"results": [{"status": "SUCCESS"}, {"image_id": "i-2", "status": "FAIL"}]}}),
            None,
            Some("image i-2: FAIL"),
        ),
        (
            json!({"entities": {"results": [{"image_id": "i-3", "status": " fail"}]}}),
            None,
            Some("image i-3: FAIL"),
        ),
        (
            json!({"entities": {"sub_jobs": [{"job_id": "8", "status": "SUCCESS", "error_code": "Ecs.3"}]}}),
            Some("Ecs.3"),
            Some("8: Ecs.3"),
        ),
        (
            json!({"entities": {"sub_jobs": [{"job_id": "8", "status": "SUCCESS",
                "entities": {"sub_jobs": [{"job_id": "9", "status": "FAIL"}]}}]}}),
            None,
            Some("9 has failed"),
        ),
    ] {
        let expected = (
            State::Failed,
            reason.map(Reason::from),
            message.map(str::to_owned),
        );
        assert_eq!(failed(fields.clone()), expected, "{fields}");
    }
    for fine in [
        json!({"error_code": "", "entities": {"alarm_code": "1", "results": [{"status": "SUCCESS"}]}}),
        json!({"error_code": "0"}),
        json!({"error_code": 0, "fail_reason": ""}),
        json!({"fail_reason": "null"}),
        json!({"entities": {"subJobId": "8", "sub_jobs": [{"job_id": "8", "status": "SUCCESS"}]}}),
        json!({"code": "0", "message": "success", "error": {}}),
        json!({"entities": {"error_code": "00", "error": "null", "errorcode_message": "SUCCESS"}}),
    ] {
        assert_eq!(
            failed(fine.clone()),
            (State::Succeeded, None, None),
            "{fine}"
        );
    }
}

#[test]
fn a_success_is_undecided_if_a_part_of_it_may_have_failed() {
    let message = |fields: Value| {
        let mut body = json!({"job_id": "7", "status": "SUCCESS"});
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let job = read(&body).unwrap().job;
        let found = (job.state, job.ended, job.unread_cause);
        let expected = (State::Unknown, false, Some(Category::InvalidResponse));
        assert_eq!(found, expected, "{fields}");
        job.message.unwrap()
    };
    let sub_job = |id: &str, entities: Value| json!({"job_id": id, "status": "SUCCESS", "entities": entities});
    let image =
        |word: Value| json!({"entities": {"results": [{"image_id": "i-1", "status": word}]}});
    let nested = |entities: Value| json!({"entities": {"sub_jobs": [sub_job("8", entities)]}});
    for (fields, expected) in [
        (image(json!("RUNNING")), "image i-1 is RUNNING"),
        (image(json!("FAILED")), "image i-1 is FAILED"),
        (image(Value::Null), "image i-1 is without a status"),
        (
            nested(json!({"sub_jobs_total": 2, "sub_jobs": []})),
            "8 has 2 sub-jobs and lists 0",
        ),
        (
            nested(json!({"sub_jobs_list": ["X"], "sub_jobs_result": []})),
            "sub-job X is not listed",
        ),
        (
            nested(json!({"results": [{"status": "ERROR"}]})),
            "image ? is ERROR",
        ),
        (
            json!({"entities": {"sub_jobs_list": ["A", "B"],
                "sub_jobs_result": [sub_job("A", json!({})), sub_job("C", json!({}))]}}),
            "sub-job B is not listed",
        ),
        (
            json!({"entities": {"subJobId": "X", "sub_jobs": [sub_job("A", json!({}))]}}),
            "sub-job X is not listed",
        ),
        (
            json!({"error": {"code": "Ecs.1", "message": "busy"}}),
            "the response has the error Ecs.1",
        ),
        (
            json!({"errorCode": "APIGW.0201"}),
            "the response has the error APIGW.0201",
        ),
        (
            json!({"error_msg": "busy"}),
            "the response has the error busy",
        ),
    ] {
        let text = message(fields.clone());
        assert_eq!(
            text,
            format!("the job has succeeded, but {expected}"),
            "{fields}"
        );
    }
}

#[test]
fn sub_jobs_at_every_depth_affect_the_state() {
    let job = |word: &str| {
        let mut entities = json!({"sub_jobs": [{"job_id": "last", "status": word}]});
        for depth in 0..20 {
            let below =
                json!({"job_id": depth.to_string(), "status": "SUCCESS", "entities": entities});
            entities = json!({"sub_jobs_total": 1, "sub_jobs_result": [below]});
        }
        let found =
            read(&json!({"job_id": "7", "status": "success", "entities": entities})).unwrap();
        let messages = found.notices.into_iter().map(|notice| notice.message);
        (found.job, messages.collect::<Vec<_>>())
    };
    let outcome = |word: &str| {
        let (job, notices) = job(word);
        assert_eq!(
            (job.tasks.len(), notices.len()),
            (21, usize::from(word == "DONE"))
        );
        (job.state, job.ended, job.message)
    };
    let (success, failure) = (State::Succeeded, State::Failed);
    assert_eq!(outcome("Success"), (success, true, None));
    let failed = Some("last has failed".to_owned());
    assert_eq!(outcome("fail"), (failure, true, failed));
    for word in ["RUNNING", "init", "DONE"] {
        let message = format!("the cloud reports success, but last is {word}");
        assert_eq!(outcome(word), (State::Unknown, false, Some(message)));
    }
}

#[test]
fn a_success_is_undecided_if_fewer_sub_jobs_are_listed_than_counted() {
    let state = |total: i64| {
        let sub_job = json!({"job_id": "8", "status": "SUCCESS"});
        let entities = json!({"sub_jobs_total": total, "sub_jobs": [sub_job]});
        let body = json!({"job_id": "7", "status": "SUCCESS", "entities": entities});
        let job = read(&body).unwrap().job;
        (job.state, job.ended)
    };
    assert_eq!(state(1), (State::Succeeded, true));
    assert_eq!(state(0), (State::Succeeded, true));
    assert_eq!(state(3), (State::Unknown, false));
    let sub_job = |id: &str| json!({"job_id": id, "status": "SUCCESS"});
    let without_status = json!({"job_id": "8", "status": null});
    for entities in [
        json!({"sub_jobs_list": ["8", "9"], "sub_jobs_result": [sub_job("8")]}),
        json!({"sub_jobs_list": ["8"], "sub_jobs_result": null}),
        json!({"sub_jobs_total": 2, "sub_jobs": [sub_job("8"), sub_job("8")]}),
        json!({"sub_jobs_total": 1, "sub_jobs": [without_status]}),
    ] {
        let body = json!({"job_id": "7", "status": "SUCCESS", "entities": entities});
        let job = read(&body).unwrap().job;
        assert_eq!(job.state, State::Unknown, "{body}");
    }
    let whole =
        json!({"sub_jobs_list": ["8", "9"], "sub_jobs_result": [sub_job("8"), sub_job("9")]});
    let body = json!({"job_id": "7", "status": "SUCCESS", "entities": whole});
    assert_eq!(read(&body).unwrap().job.state, State::Succeeded);
}

#[test]
fn the_code_and_message_of_an_image_are_of_the_same_error() {
    let failure = |code: Value, entities: Value| {
        let body =
            json!({"job_id": "7", "status": "FAIL", "error_code": code, "entities": entities});
        let job = read(&body).unwrap().job;
        (job.reason.unwrap(), job.message.unwrap())
    };
    let own = json!({"error_code": "IMG.0067", "error": "image is too large"});
    let expected = ("IMG.0067".into(), "image is too large".to_owned());
    assert_eq!(failure(json!(null), own), expected);
    let added = json!({"addition_error_code": "IMG.2", "addition_error_msg": "driver missing"});
    let expected = ("IMG.2".into(), "driver missing".to_owned());
    assert_eq!(failure(json!("IMG.1"), added), expected);
}

#[test]
fn an_error_instead_of_a_job_is_an_error_whatever_the_http_status() {
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
    let body = json!({"status": 200, "code": "Ecs.0203", "message": "busy"});
    let error = classify(&ERRORS, &response(200, &body.to_string())).unwrap();
    assert_eq!(error.code.as_deref(), Some("Ecs.0203"));
    // `error_code` is the code of the failed job, not of the request.
    let body = json!({"job_id": "7", "status": "FAIL", "error_code": "Ecs.0219"}).to_string();
    assert_eq!(classify(&ERRORS, &response(200, &body)), None);
}

#[test]
fn a_response_about_another_or_no_job_is_an_error() {
    for body in [json!({}), json!({"job_id": "70", "status": "SUCCESS"})] {
        assert!(read(&body).is_err(), "{body}");
    }
}
