use serde_json::Value;

use super::*;
use crate::providers::tencent::CLOUD;
use crate::providers::test_support;

const CHINA: WallClock = WallClock {
    offset_seconds: 8 * 3600,
    is_assumed: true,
};

fn decode(body: &[u8]) -> Result<ScopePage, String> {
    let options = test_support::get_options();
    let list = ScopeListRequest::first(&CLOUD.scope_listings[0], "default", &options);
    decode_page(body, list, "ap-guangzhou", CHINA)
}

fn shown(page: &ScopePage) -> Value {
    serde_json::to_value(&page.rows).unwrap()
}

#[test]
fn both_list_names_of_clusters_become_the_same_model() {
    let page = decode(&test_support::read("tencent/clusters.json")).unwrap();
    assert_eq!(
        (page.total, page.rows_without_id, page.next),
        (Some(2), 0, None)
    );
    assert_eq!(page.notices.len(), 1, "the assumed zone is noted once");
    test_support::assert_model("tencent/clusters.model.json", &shown(&page));
    let page = decode(&test_support::read("tencent/clusters-set.json")).unwrap();
    test_support::assert_model("tencent/clusters.model.json", &shown(&page));
}

#[test]
fn no_documented_field_is_lost() {
    let name = "tencent/clusters.json";
    let model = shown(&decode(&test_support::read(name)).unwrap());
    let document = test_support::json(name)["data"]["clusters"][0].take();
    let converted = [
        (".clusterId", "tencent/service/cls-fxxxxxxk/"),
        (".totalCpu", "15.5"),
        (".totalMem", "25769803776"),
        (".createdAt", "2017-05-19T07:07:44Z"),
        (".updatedAt", "2017-06-19T07:07:44Z"),
        (".openHttps", "false"),
    ];
    test_support::assert_nothing_lost(&document, &model, &converted);
}

#[test]
fn an_empty_list_is_accepted_and_a_missing_list_is_an_error() {
    let count = |body: &str| decode(body.as_bytes()).map(|page| page.rows.len());
    for body in [
        r#"{"code":0,"data":{"clusters":[]}}"#,
        r#"{"code":"0","data":{"clusterSet":null}}"#,
        r#"{"code":0,"data":{"totalCount":0}}"#,
    ] {
        assert_eq!(count(body), Ok(0), "{body}");
    }
    for body in [
        "{}",
        r#"{"code":0}"#,
        r#"{"code":0,"data":[]}"#,
        r#"{"code":0,"data":{"totalCount":3}}"#,
        r#"{"code":0,"data":{"clusters":{"a":1}}}"#,
        r#"{"code":0,"data":7}"#,
    ] {
        assert!(count(body).is_err(), "{body}");
    }
    let odd = r#"{"code":0,"data":{"clusters":["cls-1",{"clusterId":"cls-2","nodeNum":"many"}]}}"#;
    let page = decode(odd.as_bytes()).unwrap();
    assert_eq!((page.rows.len(), page.rows_without_id), (1, 1));
}

#[test]
fn negative_and_too_large_numbers_are_left_out() {
    let body = format!(
        r#"{{"code":0,"data":{{"totalCount":-1,"clusters":[{{"clusterId":"c","totalMem":{0},"totalCpu":{0}}}]}}}}"#,
        i64::MAX
    );
    let page = decode(body.as_bytes()).unwrap();
    assert_eq!((page.total, page.rows.len()), (None, 1));
    assert!(shown(&page)[0]["details"]["memory_bytes"].is_null());
}
