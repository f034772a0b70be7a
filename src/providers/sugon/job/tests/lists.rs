//! Tests lists that lose rows while they are read.

use super::*;
use crate::test_support::jobs::{LeavingRows, listed_ids, serve};

#[tokio::test]
async fn a_list_of_live_jobs_that_loses_rows_is_read_again() {
    for (parents, states) in [
        (&[][..], &[][..]),
        (&[], &[State::Running]),
        (&SCOPE[..1], &[]),
        (&SCOPE[..], &[]),
    ] {
        let live = LeavingRows::default();
        let respond: Responder = Arc::new(move |request| {
            let number = |name| request.parameter(name).and_then(|text| text.parse().ok());
            let size = number("size").or(number("limit"))?;
            let offset = match number("page") {
                Some(page) => (page - 1_usize) * size,
                None => number("start")?,
            };
            let (rows, total) = match request.path.contains("history") {
                true => (Vec::new(), 0),
                false => live.page(offset, size),
            };
            let row = |id| {
                let [region, scheduler] = SCOPE;
                json!({"clusterId": region, "jobManagerId": scheduler, "jobId": id, "jobState": "statR"})
            };
            let rows: Vec<Value> = rows.into_iter().map(row).collect();
            let body = json!({"code": "0", "data": {"total": total, "list": rows}});
            Some(ServerResponse::json(200, &body))
        });
        let (_server, client) = serve(&CLOUD, Vec::new(), respond).await;
        let scope = Scope::at(&JOB, "default", parents).unwrap();
        let (ids, truncation) = listed_ids(&*client, &scope, states).await;
        assert_eq!(ids.len(), LeavingRows::ROWS, "{parents:?} {states:?}");
        assert_eq!(truncation, None, "{parents:?} {states:?}");
    }
}
