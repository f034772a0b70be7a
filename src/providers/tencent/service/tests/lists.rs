use std::collections::BTreeMap;

use super::*;

fn read(name: &str) -> Vec<GetResult> {
    let rows = services(&test_support::read(name), Some("default")).unwrap();
    rows.into_iter()
        .map(|row| {
            let segments = ["cls-xxxxx", "default", row.service_name.trimmed().unwrap()];
            let reference = test_support::reference(&SERVICE, &segments);
            row.into_result(&reference, &api(Some("+08:00")))
        })
        .collect()
}

#[test]
fn the_status_of_a_service_is_its_reason_and_not_its_state() {
    let [web, quiet] = <[GetResult; 2]>::try_from(read("tencent/service/list.json")).unwrap();
    assert_eq!(web.job.state, State::Unknown);
    assert_eq!(quiet.job.created_at, None, "a time of zeros is none");
    assert_eq!(web.job.reason.as_deref(), Some("Abnormal"));
}

#[test]
fn no_documented_field_is_lost() {
    let mut document =
        test_support::json("tencent/service/list.json")["data"]["services"][0].take();
    let [web, _] = <[GetResult; 2]>::try_from(read("tencent/service/list.json")).unwrap();
    let model = test_support::model(web, "2026-01-02T03:04:05Z", false);
    document["reasonMap"].take();
    test_support::assert_nothing_lost(&document, &model, &[(".createdAt", "2017-05-22T02:15:36Z")]);
    let reasons = serde_json::json!({"镜像拉取失败": 2, "CrashLoopBackOff": 1});
    assert_eq!(model["details"]["reasons"], reasons);
}

#[test]
fn an_empty_list_is_accepted_and_a_missing_list_is_an_error() {
    let read = |body: &str| services(body.as_bytes(), Some("default")).map(|rows| rows.len());
    for body in [
        r#"{"code":0,"data":{"services":[]}}"#,
        r#"{"code":0,"data":{"services":null}}"#,
        r#"{"code":"0","services":[]}"#,
    ] {
        assert_eq!(read(body), Ok(0), "{body}");
    }
    for body in [
        "{}",
        r#"{"code":0}"#,
        r#"{"code":0,"data":null}"#,
        r#"{"services":[]}"#,
        r#"{"code":0,"data":{"services":{"a":1}}}"#,
        r#"{"code":0,"data":7}"#,
    ] {
        assert!(read(body).is_err(), "{body}");
    }
    let odd = r#"{"code":0,"data":{"services":[7,{"serviceName":"s","reasonMap":"Failed"}]}}"#;
    let services = services(odd.as_bytes(), Some("default")).unwrap();
    let names: Vec<_> = services
        .iter()
        .map(|row| row.service_name.trimmed())
        .collect();
    assert_eq!(names, [None, Some("s")]);
}

#[test]
fn the_number_of_reasons_of_a_service_is_limited() {
    let reasons: BTreeMap<String, u64> = (0..5000).map(|n| (format!("r{n:05}"), n)).collect();
    let row = serde_json::json!({"serviceName": "s", "reasonMap": reasons});
    let body = serde_json::json!({"code": 0, "services": [row]}).to_string();
    let rows = services(body.as_bytes(), Some("default")).unwrap();
    let kept = &rows[0].reasons.0;
    assert_eq!(kept.len(), Map::<Int>::MAX_ENTRIES);
}
