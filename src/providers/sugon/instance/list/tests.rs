use super::super::INSTANCE;
use super::*;
use crate::model::State;
use crate::providers::sugon::CLOUD;
use crate::providers::wall_clock::WallClock;
use crate::providers::{GetResult, test_support};
use crate::reference::Scope;
use crate::test_support::jobs::{LeavingRows, listed_ids, serve};
use crate::test_support::{Responder, ServerResponse};

const CHINA: WallClock = WallClock {
    offset_seconds: 8 * 3600,
    is_assumed: false,
};

fn found(row: Instance) -> GetResult {
    let id = row.id().unwrap().to_owned();
    let reference = test_support::reference(&INSTANCE, &[&id]);
    row.into_result(
        test_support::lookup(&reference, &test_support::get_options()),
        CHINA,
    )
}

#[test]
fn rows_become_instances_with_the_reported_fields() {
    let page =
        ListPage::<Instance>::decode(&test_support::read("sugon/instance/list.json")).unwrap();
    assert_eq!(page.total, None);
    let [running, other, unnamed] = <[Instance; 3]>::try_from(page.rows).ok().unwrap();
    assert_eq!(found(running).job.state, State::Running);
    let other = found(other);
    assert_eq!((other.job.state, other.job.ended), (State::Unknown, false));
    assert_eq!(other.job.state_raw.as_deref(), Some("Hibernating"));
    assert_eq!(other.job.name, None);
    assert_eq!(other.notices[0].code.as_str(), "unknown_state");
    assert_eq!(unnamed.id(), None);
}

#[test]
fn a_list_may_be_nested_in_data_under_several_names() {
    let page =
        ListPage::<Instance>::decode(&test_support::read("sugon/instance/list-records.json"))
            .unwrap();
    assert_eq!(page.total, Some(21));
    assert_eq!(page.rows.len(), 1);
    for name in ["data", "list", "records"] {
        let body = format!(r#"{{"code":"0","data":{{"{name}":[{{"id":"i"}},{{"id":"j"}}]}}}}"#);
        assert_eq!(
            ListPage::<Instance>::decode(body.as_bytes())
                .unwrap()
                .rows
                .len(),
            2
        );
    }
}

#[test]
fn an_empty_list_is_accepted_and_a_missing_list_is_an_error() {
    for body in [
        r#"{"code":"0","data":[]}"#,
        r#"{"code":"0","data":null}"#,
        r#"{"code":"0","data":{"total":0,"list":null}}"#,
        r#"{"code":"0","data":{"records":[]}}"#,
    ] {
        let page = ListPage::<Instance>::decode(body.as_bytes());
        assert!(page.is_ok_and(|page| page.rows.is_empty()), "{body}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "<html>",
        r#"{"code":"0"}"#,
        r#"{"data":[]}"#,
        r#"{"code":"0","data":{"total":3}}"#,
        r#"{"code":"0","data":"a new id"}"#,
        r#"{"code":"0","data":{"id":"i","status":"Running"}}"#,
    ] {
        assert!(
            ListPage::<Instance>::decode(body.as_bytes()).is_err(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_list_without_a_total_that_loses_rows_is_read_again() {
    for has_total in [false, true] {
        let running = LeavingRows::default();
        let respond: Responder = Arc::new(move |request| {
            let number = |name| request.parameter(name)?.parse().ok();
            let (rows, total) = running.page(number("start")?, number("limit")?);
            let row = |id| json!({"id": format!("{id:032x}"), "status": "Running"});
            let rows: Vec<Value> = rows.into_iter().map(row).collect();
            let data = match has_total {
                true => json!({"total": total, "list": rows}),
                false => json!(rows),
            };
            let body = json!({"code": "0", "data": data});
            Some(ServerResponse::json(200, &body))
        });
        let (_server, client) = serve(&CLOUD, Vec::new(), respond).await;
        let scope = Scope::at(&INSTANCE, "default", &[]).unwrap();
        let (ids, truncation) = listed_ids(&*client, &scope, &[State::Running]).await;
        assert_eq!((ids.len(), truncation), (LeavingRows::ROWS, None));
    }
}
