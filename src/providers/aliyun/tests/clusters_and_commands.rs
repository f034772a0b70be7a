use serde_json::Value;

use super::super::clusters::decode;
use super::super::invocation::{InvocationDetails, Status, decode_commands};
use super::{fixture, invocation, shown};
use crate::providers::aliyun::CLOUD;
use crate::providers::{ScopeListRequest, ScopePage, test_support as fixtures};

fn clusters_of(listing: usize, body: &[u8]) -> Result<ScopePage, String> {
    let options = fixtures::get_options();
    let list = ScopeListRequest::first(&CLOUD.scope_listings[listing], "default", &options);
    decode(body, list, Some("cn-hangzhou"))
}

fn clusters(body: &[u8]) -> Result<ScopePage, String> {
    clusters_of(0, body)
}

#[test]
fn documented_clusters_become_their_model() {
    let page = clusters(&fixture("list-clusters.json")).unwrap();
    assert_eq!(
        (page.total, page.rows_without_id, page.next),
        (Some(3), 1, None)
    );
    let model = serde_json::to_value(&page.rows).unwrap();
    fixtures::assert_model("aliyun/list-clusters.model.json", &model);
}

#[test]
fn no_documented_field_of_a_cluster_is_lost() {
    let page = clusters(&fixture("list-clusters.json")).unwrap();
    let model = serde_json::to_value(&page.rows[0]).unwrap();
    let mut document = fixtures::json("aliyun/list-clusters.json");
    let row = document["Clusters"]["ClusterInfoSimple"][0].take();
    let converted = [
        (".Id", "aliyun/job/ehpc-hz-FYUr32/"),
        (".Status", "running"),
        (".CreateTime", "2020-10-30T07:39:20Z"),
    ];
    fixtures::assert_nothing_lost(&row, &model, &converted);
}

#[test]
fn documented_clusters_of_e_hpc_next_become_their_model() {
    let body = fixture("list-clusters-next.json");
    let page = clusters_of(1, &body).unwrap();
    assert_eq!((page.total, page.rows_without_id), (Some(2), 0));
    let model = serde_json::to_value(&page.rows).unwrap();
    fixtures::assert_model("aliyun/list-clusters-next.model.json", &model);
}

#[test]
fn clusters_are_read_from_both_list_shapes_and_others_are_errors() {
    let count =
        |body: &str| clusters(body.as_bytes()).map(|page| (page.rows.len(), page.rows_without_id));
    for (body, wanted) in [
        (r#"{"TotalCount":1,"Clusters":[{"Id":"c"}]}"#, (1, 0)),
        (r#"{"Clusters":{"ClusterInfoSimple":[]}}"#, (0, 0)),
        (r#"{"Clusters":{}}"#, (0, 0)),
        (r#"{"TotalCount":"0"}"#, (0, 0)),
        (
            r#"{"Clusters":[{"Id":".."},{"Id":"a\nb"},{"Id":null}]}"#,
            (0, 3),
        ),
        (
            r#"{"Clusters":[{"Id":7,"Count":null,"Computes":[]}]}"#,
            (1, 0),
        ),
    ] {
        assert_eq!(count(body), Ok(wanted), "{body}");
    }
    for body in [
        "{}",
        "[]",
        "<html>",
        r#"{"TotalCount":3}"#,
        r#"{"Clusters":"c"}"#,
        r#"{"Clusters":{"ClusterInfoSimple":"c"}}"#,
    ] {
        assert!(count(body).is_err(), "{body}");
    }
    for (body, wanted) in [
        (r#"{"Clusters":["c",{"Id":"d"}]}"#, (1, 1)),
        (r#"{"Clusters":[{"Id":["c"]}]}"#, (0, 1)),
        (r#"{"Clusters":[{"Id":"c","Computes":7}]}"#, (1, 0)),
    ] {
        let page = clusters(body.as_bytes()).unwrap();
        assert_eq!((page.rows.len(), page.rows_without_id), wanted, "{body}");
    }
}

#[test]
fn a_list_of_more_than_200000_elements_is_an_error() {
    let endless = |key: &str| {
        let rows = vec!["{}"; 200_001].join(",");
        format!(r#"{{"TotalCount":200001,"{key}":[{rows}]}}"#)
    };
    let expected = "at most 200000 list elements in one response";
    let read = clusters(endless("Clusters").as_bytes());
    assert_eq!(read.unwrap_err(), expected);
    let read = decode_commands(endless("Commands").as_bytes(), false);
    assert_eq!(read.unwrap_err(), expected);
}

fn commands(show_secrets: bool) -> Vec<InvocationDetails> {
    let body = fixture("invocation/list-commands.json");
    let (commands, total) = decode_commands(&body, show_secrets).unwrap();
    assert_eq!(total, Some(2));
    commands
}

/// Returns the details of the finished command in the documentation.
fn details(show_secrets: bool) -> Value {
    let id = "c-hz01v8x80o3";
    let [command, _] = <[InvocationDetails; 2]>::try_from(commands(show_secrets)).unwrap();
    assert_eq!(command.id(), Some(id));
    let status = Status::decode(&fixture("invocation/list-invocation-status.json"), id).unwrap();
    let (job, _) = status
        .with_command(command)
        .into_job(invocation(id), &[], None, false);
    shown(job)["details"].take()
}

#[test]
fn the_listed_fields_of_a_command_are_in_its_details() {
    let message = details(false);
    assert_eq!(message["content"], "solve --password *** --n 3");
    assert_eq!(message["timeout_seconds"], 60);
    assert_eq!(message["working_dir"], "/root/work");
    let bare = details(true)["content"].take();
    assert!(bare.as_str().unwrap().contains("s3cret"));
}

#[test]
fn commands_are_read_from_both_list_shapes_and_others_are_errors() {
    let count = |body: &str| decode_commands(body.as_bytes(), false).map(|(rows, _)| rows.len());
    assert_eq!(count(r#"{"Commands":[{"CommandId":"c"},{}]}"#), Ok(2));
    assert_eq!(count(r#"{"Commands":{"Command":null}}"#), Ok(0));
    assert_eq!(count(r#"{"TotalCount":0}"#), Ok(0));
    for body in ["{}", r#"{"Commands":7}"#, r#"{"Commands":{"Command":7}}"#] {
        assert!(count(body).is_err(), "{body}");
    }
    let odd = r#"{"Commands":[{"CommandId":"c","Timeout":"soon"},7]}"#;
    let (commands, _) = decode_commands(odd.as_bytes(), false).unwrap();
    let ids: Vec<_> = commands.iter().map(InvocationDetails::id).collect();
    assert_eq!(ids, [Some("c"), None]);
}
