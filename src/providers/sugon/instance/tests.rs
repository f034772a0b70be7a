use super::*;
use crate::http::RetryAction;
use crate::providers::RequestOptions;
use crate::providers::sugon::errors::ERRORS;
use crate::providers::test_support::{self, classify, codes, error_of, lookup};
use crate::test_support::kinds::check_kind;

const SAMPLE: &str = "8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f";
const RUNNING: &str = "3f4e5d6c7b8a9d2e8f5b34b6c2f1c58a";
const CHINA: WallClock = WallClock {
    offset_seconds: 8 * 3600,
    is_assumed: true,
};

fn reference(id: &str) -> Reference {
    test_support::reference(&INSTANCE, &[id])
}

fn read_text(body: &str) -> Result<GetResult, DecodeError> {
    decode(
        body.as_bytes(),
        lookup(&reference("i1"), &test_support::get_options()),
        CHINA,
    )
}

check_kind!(
    &INSTANCE,
    essential: [
        "code", "data", "data[]", "data.records", "data.records[]", "data.id", "data.status",
        "data[].id", "data[].status", "data.records[].id", "data.records[].status",
    ],
    evidence: []
);

#[test]
fn the_documented_sample_becomes_its_model() {
    let body = test_support::read("sugon/instance/waiting.json");
    let found = decode(
        &body,
        lookup(&reference(SAMPLE), &test_support::get_options()),
        CHINA,
    )
    .unwrap();
    assert_eq!(codes(&found), ["assumed_utc_offset"]);
    let model = test_support::model(found, "2022-05-11T12:00:00Z", true);
    test_support::assert_model("sugon/instance/waiting.model.json", &model);
}

#[test]
fn a_running_instance_becomes_its_model() {
    let body = test_support::read("sugon/instance/running.json");
    let found = decode(
        &body,
        lookup(&reference(RUNNING), &test_support::get_options()),
        CHINA,
    )
    .unwrap();
    let model = test_support::model(found, "2024-03-02T04:00:00Z", true);
    test_support::assert_model("sugon/instance/running.model.json", &model);
}

#[test]
fn a_finished_instance_becomes_its_model() {
    let body = test_support::read("sugon/instance/completed.json");
    let found = decode(
        &body,
        lookup(&reference(RUNNING), &test_support::get_options()),
        CHINA,
    )
    .unwrap();
    let model = test_support::model(found, "2024-03-02T04:00:00Z", true);
    test_support::assert_model("sugon/instance/completed.model.json", &model);
}

#[test]
fn no_documented_field_is_lost() {
    let document = test_support::json("sugon/instance/completed.json");
    let options = RequestOptions {
        show_secrets: true,
        ..test_support::get_options()
    };
    let body = test_support::read("sugon/instance/completed.json");
    let found = decode(&body, lookup(&reference(RUNNING), &options), CHINA).unwrap();
    let model = test_support::model(found, "2024-03-03T00:00:00Z", false);
    test_support::assert_nothing_lost(
        &document["data"],
        &model,
        &[
            (".ramSize", "66571993088"),
            (".cpuNumber", "31.0"),
            (".createTime", "2024-03-01T01:02:03Z"),
            (".startTime", "2024-03-01T01:05:03Z"),
            (".endTime", "2024-03-01T03:07:05Z"),
            (".containerPortInfoList.0.containerPort", "22"),
            (".containerPortInfoList.1.containerPort", "8888"),
        ],
    );
    assert_eq!(model["details"]["start_script"]["enabled"], true);
}

#[test]
fn secrets_are_masked_in_the_raw_response_unless_requested() {
    let body = test_support::read("sugon/instance/running.json");
    let shown = |show_secrets| {
        let options = RequestOptions {
            raw: true,
            show_secrets,
            ..test_support::get_options()
        };
        let found = decode(&body, lookup(&reference(RUNNING), &options), CHINA).unwrap();
        test_support::model(found, "2024-03-02T04:00:00Z", !show_secrets).to_string()
    };
    for secret in ["tok-in-url-query", "secret-in-script"] {
        assert!(!shown(false).contains(secret), "{secret}");
        assert_eq!(shown(true).matches(secret).count(), 2, "{secret}");
    }
}

#[test]
fn a_too_deeply_nested_raw_response_is_omitted_with_a_notice() {
    let deep = format!(
        r#"{{"code":"0","data":{{"id":"i1","x":{}{}}}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let options = RequestOptions {
        raw: true,
        ..test_support::get_options()
    };
    let found = decode(deep.as_bytes(), lookup(&reference("i1"), &options), CHINA).unwrap();
    assert_eq!(codes(&found), ["raw_omitted"]);
    assert_eq!(found.job.raw, None);
}

#[test]
fn the_time_zone_is_reported_only_if_it_is_assumed_and_used() {
    let timed =
        r#"{"code":0,"data":{"id":"i1","status":"Running","createTime":"2024-01-01 00:00:00"}}"#;
    assert_eq!(codes(&read_text(timed).unwrap()), ["assumed_utc_offset"]);
    let untimed = r#"{"code":0,"data":{"id":"i1","status":"Running","createTime":"--"}}"#;
    assert!(codes(&read_text(untimed).unwrap()).is_empty());
    let set = WallClock {
        offset_seconds: 0,
        is_assumed: false,
    };
    let found = decode(
        timed.as_bytes(),
        lookup(&reference("i1"), &test_support::get_options()),
        set,
    )
    .unwrap();
    assert!(codes(&found).is_empty());
    assert_eq!(
        found.job.created_at.unwrap().rfc3339(),
        "2024-01-01T00:00:00Z"
    );
}

#[test]
fn a_response_about_another_or_no_instance_is_invalid() {
    for body in [
        r#"{"code":"0","data":{"id":"i2","status":"Completed"}}"#,
        r#"{"code":"0","data":{"status":"Completed"}}"#,
        r#"{"data":{"id":"i1","status":"Completed"}}"#,
        r#"{"code":"0","data":"token is valid"}"#,
        r#"{"code":"0","data":[{"id":"i1"}]}"#,
        "<html>ok</html>",
        "[]",
    ] {
        let read = read_text(body).unwrap_err();
        assert!(matches!(read, DecodeError::Invalid(_)), "{body}");
        assert_eq!(error_of(&ERRORS, 200, body), None, "{body}");
    }
}

#[test]
fn an_unknown_state_word_is_kept() {
    let found = read_text(r#"{"code":"0","data":{"id":"i1","status":" Shutting\n"}}"#).unwrap();
    assert_eq!(found.job.state, State::Unknown);
    assert_eq!(found.job.state_raw.as_deref(), Some("Shutting"));
    assert_eq!(codes(&found), ["unknown_state"]);
}

#[test]
fn a_missing_status_is_unknown_with_a_reason() {
    let job = read_text(r#"{"code":"0","data":{"id":"i1","status":"--"}}"#)
        .unwrap()
        .job;
    assert_eq!((job.state, job.ended), (State::Unknown, false));
    assert_eq!(job.reason.as_deref(), Some("no status"));
}

#[test]
fn an_impossible_memory_size_is_not_shown() {
    for ram in ["-1", "1e30", "9e18"] {
        let body = format!(r#"{{"code":"0","data":{{"id":"i1","ramSize":{ram}}}}}"#);
        let found = read_text(&body).unwrap();
        assert_eq!(found.job.resources.memory_bytes, None, "{ram}");
    }
}

#[test]
fn success_without_data_means_not_found_whatever_the_message_is() {
    for body in [
        r#"{"code":"0","msg":"操作成功","data":null}"#,
        r#"{"code":0,"msg":"failed","data":{}}"#,
        r#"{"code":"0","data":[]}"#,
        r#"{"code":"0"}"#,
    ] {
        assert_eq!(error_of(&ERRORS, 200, body), None, "{body}");
        let Err(DecodeError::Failed(missing)) = read_text(body) else {
            panic!("{body}")
        };
        assert_eq!(missing.category, Category::NotFound, "{body}");
        assert_eq!(missing.code, None);
    }
}

#[test]
fn error_codes_take_precedence_over_the_http_status() {
    use Category::{InvalidArgument, PermissionDenied, ServiceError, Throttled, Unauthenticated};
    let cases = [
        (200, "\"10008\"", Unauthenticated, RetryAction::No),
        (500, "10008", Unauthenticated, RetryAction::No),
        (200, "\"10007\"", PermissionDenied, RetryAction::No),
        (200, "\"10009\"", PermissionDenied, RetryAction::No),
        (200, "\"10003\"", InvalidArgument, RetryAction::No),
        (200, "\"10004\"", InvalidArgument, RetryAction::No),
        (200, "\"10012\"", ServiceError, RetryAction::Backoff),
        (500, "\"10001\"", ServiceError, RetryAction::No),
        (200, "\"716020\"", ServiceError, RetryAction::No),
        (429, "\"716020\"", Throttled, RetryAction::Backoff),
    ];
    for (status, code, category, retry) in cases {
        let body = format!(r#"{{"code":{code},"msg":"x","data":null}}"#);
        let error = error_of(&ERRORS, status, &body).unwrap();
        assert_eq!((error.category, error.retry), (category, retry), "{code}");
        assert_eq!(error.code.as_deref(), Some(code.trim_matches('"')));
    }
}

#[test]
fn errors_of_the_console_and_of_gateways_are_read() {
    let response = test_support::fixture_response(200, "sugon/error-console.json");
    let rejected = classify(&ERRORS, &response).unwrap();
    assert_eq!(rejected.category, Category::Unauthenticated);
    assert_eq!(rejected.message, "jwt token is invalid");
    let expired = classify(
        &ERRORS,
        &test_support::fixture_response(200, "sugon/error-10008.json"),
    )
    .unwrap();
    assert_eq!(expired.category, Category::Unauthenticated);
    assert!(
        expired
            .message
            .starts_with("permission denied or token expired")
    );
    for (status, category) in [
        (401, Category::Unauthenticated),
        (403, Category::PermissionDenied),
        (404, Category::InvalidArgument),
        (502, Category::ServiceError),
        (302, Category::InvalidResponse),
    ] {
        let page = classify(
            &ERRORS,
            &test_support::fixture_response(status, "sugon/gateway.html"),
        )
        .unwrap();
        assert_eq!(page.category, category, "{status}");
    }
}
