mod lists;

use super::*;
use crate::http::RetryAction;
use crate::model::{Level, UnreadableTimes};
use crate::providers::RequestOptions;
use crate::providers::tencent::errors::ERRORS;
use crate::providers::test_support::{self, classify, codes, error_of, lookup};
use crate::test_support::kinds::check_kind;

/// Returns an API client in the time zone of China, or with `utc_offset` from the profile.
fn api(utc_offset: Option<&str>) -> Api {
    let offset = utc_offset.map(|offset| ("JOBLENS_TENCENT_UTC_OFFSET", offset));
    let variables = [
        ("TENCENTCLOUD_REGION", "ap-guangzhou"),
        ("TENCENTCLOUD_SECRET_ID", "i"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
    ];
    let variables: Vec<_> = variables.into_iter().chain(offset).collect();
    let profile = test_support::profile(&super::super::CLOUD, &variables);
    let now = test_support::moment("2026-01-02T03:04:05Z");
    Api::new(&profile, &test_support::transport(now)).unwrap()
}

fn reference() -> Reference {
    let segments = ["cls-xxxxx", "default", "test-web-service"];
    test_support::reference(&SERVICE, &segments)
}

fn read_bytes(body: &[u8]) -> Result<GetResult, String> {
    decode_events(
        body,
        &api(None),
        lookup(&reference(), &test_support::get_options()),
    )
}

fn read_text(body: &str) -> Result<GetResult, String> {
    read_bytes(body.as_bytes())
}

check_kind!(
    &SERVICE,
    essential: [
        "code", "returnCode", "codeDesc", "data", "data.eventList", "eventList", "data.services", "data.services[]",
        "data.services[].serviceName", "data.services[].namespace", "services", "services[]",
        "services[].serviceName", "services[].namespace",
    ],
    evidence: []
);

#[test]
fn responses_become_their_models() {
    for (name, notices) in [
        (
            "events",
            vec!["events_truncated", "retired_api", "assumed_utc_offset"],
        ),
        (
            "events-top-level",
            vec!["events_truncated", "retired_api", "assumed_utc_offset"],
        ),
        ("empty", vec!["events_truncated", "retired_api"]),
    ] {
        let response = test_support::fixture_response(200, &format!("tencent/service/{name}.json"));
        assert_eq!(classify(&ERRORS, &response), None, "{name}");
        let found = read_bytes(&response.body).unwrap();
        assert_eq!(codes(&found), notices, "{name}");
        let model = test_support::model(found, "2018-12-26T08:00:00Z", true);
        test_support::assert_model(&format!("tencent/service/{name}.model.json"), &model);
    }
}

#[test]
fn no_documented_field_is_lost() {
    let document = test_support::json("tencent/service/events.json");
    let body = test_support::read("tencent/service/events.json");
    let model = test_support::model(read_bytes(&body).unwrap(), "2018-12-26T08:00:00Z", false);
    let times = [
        (".0.firstSeen", "2018-12-25T02:43:33Z"),
        (".0.lastSeen", "2018-12-26T06:50:54Z"),
        (".1.firstSeen", "2018-12-25T02:43:37Z"),
        (".1.lastSeen", "2018-12-26T06:51:09Z"),
        (".2.firstSeen", "2018-12-26T06:00:00Z"),
        (".2.lastSeen", "2018-12-26T06:00:01Z"),
        (".0.objType", "Pod"),
        (".1.objType", "Pod"),
        (".0.objName", "test-web-service-7b7c5c7d4f-abcde"),
        (".1.objName", "test-web-service-7b7c5c7d4f-abcde"),
        (".1.level", "Normal"),
        (".2.level", "Normal"),
    ];
    test_support::assert_nothing_lost(&document["data"]["eventList"], &model, &times);
}

#[test]
fn a_service_has_no_state_and_its_newest_event_comes_first() {
    let body = test_support::read("tencent/service/events.json");
    let model = test_support::model(read_bytes(&body).unwrap(), "2018-12-26T08:00:00Z", true);
    assert_eq!(model["state"], "unknown");
    assert!(model["state_raw"].is_null() && model["reason"].is_null());
    assert_eq!(model["ended"], false);
    assert_eq!(model["warning_count"], 1);
    assert_eq!(model["events"][0]["reason"], "操作重试");
    assert!(
        model["events"][1]["message"]
            .as_str()
            .unwrap()
            .ends_with("\"\n")
    );
}

#[test]
fn every_form_of_an_empty_list_of_events_is_accepted() {
    for rest in [
        r#""data":null"#,
        r#""data":{"eventList":null}"#,
        r#""data":{"eventList":[]}"#,
        r#""eventList":null"#,
        r#""eventList":[],"data":{}"#,
        r#""eventList":[],"message":"","codeDesc":"success""#,
    ] {
        let body = format!(r#"{{"code":0,{rest}}}"#);
        assert_eq!(error_of(&ERRORS, 200, &body), None, "{rest}");
        let found = read_text(&body).unwrap();
        assert_eq!(codes(&found), ["events_truncated", "retired_api"]);
        assert!(found.job.events.is_empty());
        assert_eq!(found.job.state, State::Unknown);
    }
}

#[test]
fn a_response_without_a_list_of_events_is_an_error() {
    for rest in [
        r#""codeDesc":"Success""#,
        r#""data":{}"#,
        r#""data":[]"#,
        r#""data":"""#,
        r#""data":{"events":[{"level":"Warning"}]}"#,
        r#""data":{"event_list":[]},"events":[]"#,
    ] {
        let body = format!(r#"{{"code":0,{rest}}}"#);
        assert_eq!(read_text(&body).unwrap_err(), "eventList", "{rest}");
    }
}

#[test]
fn an_unreadable_time_is_kept_as_text_and_an_absent_one_is_not() {
    let body = r#"{"code":0,"eventList":[{"firstSeen":"2018-12-26 14:51:09","lastSeen":" 刚刚 "},
        {"firstSeen":"--","lastSeen":null},
        {"firstSeen":0,"lastSeen":"0001-01-01 00:00:00"}]}"#;
    let events = read_text(body).unwrap().job.events;
    let texts = |event: &Event| event.unreadable_times.clone();
    let unreadable = UnreadableTimes {
        first: None,
        last: Some("刚刚".to_owned()),
    };
    // Without times, the first row of the response is the oldest event.
    assert_eq!(texts(&events[2]), unreadable);
    assert_eq!(texts(&events[1]), UnreadableTimes::default());
    assert_eq!(texts(&events[0]), UnreadableTimes::default());
}

#[test]
fn a_response_without_a_code_is_an_error() {
    for body in ["{}", "[]", "", "<html>", r#"{"data":{"eventList":[]}}"#] {
        assert_eq!(error_of(&ERRORS, 200, body), None, "{body}");
        assert!(read_text(body).is_err(), "{body}");
    }
    assert!(read_text(r#"{"code":0,"data":{"eventList":{"a":1}}}"#).is_err());
}

#[test]
fn an_unknown_event_level_is_kept_as_text() {
    let body = r#"{"code":"0","data":{"eventList":[{"level":"Fatal\n"},{"level":" warning "}]}}"#;
    let events = read_text(body).unwrap().job.events;
    assert_eq!(events[0].level, Some(Level::Warning));
    assert_eq!(events[1].level, None);
    assert_eq!(events[1].level_raw.as_deref(), Some("Fatal"));
}

#[test]
fn times_are_read_with_the_configured_utc_offset() {
    let body = r#"{"code":0,"data":{"eventList":[{"lastSeen":"2018-12-26 14:51:09"}]}}"#;
    let (api, options) = (api(Some("+00:00")), test_support::get_options());
    let found = decode_events(body.as_bytes(), &api, lookup(&reference(), &options)).unwrap();
    assert_eq!(codes(&found), ["events_truncated", "retired_api"]);
    let last_at = found.job.events[0].last_at.unwrap();
    assert_eq!(last_at.rfc3339(), "2018-12-26T14:51:09Z");
}

#[test]
fn error_codes_of_responses_with_http_200_are_classified() {
    use Category::{
        ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
        Unauthenticated,
    };
    let cases: [(&[u32], Category, RetryAction); 12] = [
        (&[4100, 4104, 4105, 4106], Unauthenticated, RetryAction::No),
        (
            &[4101, 4102, 4103, 4110, 4300],
            PermissionDenied,
            RetryAction::No,
        ),
        (&[4200], ClockSkew, RetryAction::AfterClockSync),
        (&[4400], Throttled, RetryAction::Backoff),
        (&[6000, 6200], ServiceError, RetryAction::Backoff),
        (&[4500], ClockSkew, RetryAction::Immediate),
        (&[4000], InvalidArgument, RetryAction::No),
        (&[4600], InvalidArgument, RetryAction::No),
        (&[5000], NotFound, RetryAction::No),
        (&[5100], ServiceError, RetryAction::No),
        (&[6100], InvalidArgument, RetryAction::No),
        (&[7777], ServiceError, RetryAction::No),
    ];
    for (codes, category, retry) in cases {
        for code in codes {
            for body in [
                format!(r#"{{"code":{code},"message":"(1)m"}}"#),
                format!(r#"{{"code":"{code}","message":"(1)m","codeDesc":"","data":"x"}}"#),
            ] {
                let error = error_of(&ERRORS, 200, &body).unwrap();
                assert_eq!((error.category, error.retry), (category, retry), "{code}");
                assert_eq!(error.code, Some(code.to_string()));
                assert_eq!(error.message, "(1)m");
                assert_eq!(error.request_id, None);
            }
        }
    }
    let retired = error_of(&ERRORS, 200, r#"{"code":6100}"#).unwrap();
    assert!(retired.hint.unwrap().contains("API 2.0 is retired"));
}

#[test]
fn a_success_code_with_an_error_description_is_an_error() {
    let error = error_of(
        &ERRORS,
        200,
        r#"{"code":0,"codeDesc":"InternalError","message":"m"}"#,
    )
    .unwrap();
    assert_eq!(error.category, Category::ServiceError);
    assert_eq!(error.code.as_deref(), Some("InternalError"));
    assert_eq!(
        error_of(&ERRORS, 200, r#"{"code":"0","codeDesc":"SUCCESS"}"#),
        None
    );
}

#[test]
fn an_error_is_classified_by_its_code_or_else_by_the_http_status() {
    let failed = classify(
        &ERRORS,
        &test_support::fixture_response(200, "tencent/error-5100.json"),
    )
    .unwrap();
    assert_eq!(failed.code.as_deref(), Some("5100"));
    assert!(failed.message.starts_with("(100004)"), "{}", failed.message);
    let page = error_of(&ERRORS, 502, "<html>bad gateway</html>").unwrap();
    assert_eq!(
        (page.category, page.retry),
        (Category::ServiceError, RetryAction::Backoff)
    );
    // A wrong endpoint must not be reported as a missing service.
    let elsewhere = error_of(&ERRORS, 404, "<html>not found</html>").unwrap();
    assert_eq!(elsewhere.category, Category::InvalidArgument);
    let odd = error_of(&ERRORS, 503, r#"{"code":0}"#).unwrap();
    assert_eq!(odd.category, Category::ServiceError);
    let coded = error_of(&ERRORS, 500, r#"{"code":4104}"#).unwrap();
    assert_eq!(coded.category, Category::Unauthenticated);
}

#[test]
fn the_raw_response_is_kept_if_requested() {
    let options = RequestOptions {
        raw: true,
        ..test_support::get_options()
    };
    let body = test_support::read("tencent/service/events.json");
    let found = decode_events(&body, &api(None), lookup(&reference(), &options)).unwrap();
    assert_eq!(
        found.job.raw.as_deref(),
        Some(&test_support::json("tencent/service/events.json"))
    );
}

#[test]
fn a_service_exists_only_if_its_name_and_namespace_match() {
    let read = |body: &[u8]| match find_service(body, &reference()) {
        Ok(()) => Ok(true),
        Err(DecodeError::Failed(error)) if error.category == Category::NotFound => Ok(false),
        Err(_) => Err(()),
    };
    let file = test_support::read("tencent/service/service-info.json");
    assert_eq!(read(&file), Ok(true));
    let text = String::from_utf8(file).unwrap();
    let at_the_top = r#"{"returnCode":0,"service":[{"serviceName":"test-web-service"}]}"#;
    assert_eq!(read(at_the_top.as_bytes()), Ok(true));
    for absent in [
        r#"{"code":0,"data":{"service":null}}"#,
        r#"{"code":"0","data":{"service":{}}}"#,
        r#"{"code":0,"data":{"service":[]}}"#,
        r#"{"code":0,"data":[]}"#,
        r#"{"code":0}"#,
    ] {
        assert_eq!(read(absent.as_bytes()), Ok(false), "{absent}");
    }
    for wrong in [
        text.replace("\"test-web-service\"", "\"other\""),
        text.replace("\"default\"", "\"other\""),
        text.replace("\"serviceName\"", "\"service\""),
        r#"{"returnCode":5000}"#.to_owned(),
        "{}".to_owned(),
        "<html>".to_owned(),
    ] {
        assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_field_of_another_type_in_a_service_or_cluster_only_loses_its_value() {
    use crate::test_support::kinds::reference;
    use crate::test_support::mutations::{Action, Case, Fields, check};
    let essential = &[
        "code",
        "codeDesc",
        "data",
        "data.service",
        "data.service.serviceName",
        "data.service.namespace",
        "data.clusters",
        "data.clusters[]",
        "data.clusters[].clusterId",
        "data.clusterSet",
        "data.clusterSet[]",
        "data.clusterSet[].clusterId",
    ];
    let exists = Action::Exists(reference(&SERVICE, SERVICE.template.sample));
    for (action, operation, file) in [
        (exists, INFO, "service/service-info"),
        (Action::Scopes, "DescribeCluster", "clusters"),
        (Action::Scopes, "DescribeCluster", "clusters-set"),
    ] {
        let case = Case {
            kind: &SERVICE,
            action,
            files: vec![(operation.to_owned(), format!("tencent/{file}.json"))],
        };
        let evidence = &[];
        check(
            case,
            Fields {
                evidence_keys: &[],
                essential,
                evidence,
            },
        )
        .await;
    }
}

#[test]
fn events_in_data_and_at_the_top_level_are_read() {
    let body = r#"{"code":0,"data":{"eventList":[{"message":"a"}]},
        "eventList":[{"message":"b","level":"Warning"}]}"#;
    let found = decode_events(
        body.as_bytes(),
        &api(None),
        lookup(&reference(), &test_support::get_options()),
    );
    let messages = found.unwrap().job.events.into_iter();
    let messages: Vec<_> = messages.filter_map(|event| event.message).collect();
    assert_eq!(messages, ["b", "a"]);
}
