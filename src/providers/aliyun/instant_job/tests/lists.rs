//! Tests lists that lose rows while they are read.

use super::*;
use crate::reference::Scope;
use crate::test_support::jobs::{LeavingRows, listed_ids};

#[tokio::test]
async fn a_filtered_list_without_a_total_is_read_until_no_row_is_missing() {
    let read = async |has_total: bool, states: &[State]| {
        let running = LeavingRows::default();
        let respond: Responder = Arc::new(move |request| {
            let number = |name| request.parameter(name)?.parse::<usize>().ok();
            let (page, size) = (number("PageNumber")?, number("PageSize")?);
            let (rows, total) = running.page((page - 1) * size, size);
            let row = |id| json!({"JobId": format!("job-{id}"), "Status": "Running"});
            let rows: Vec<Value> = rows.into_iter().map(row).collect();
            let mut body = json!({"RequestId": "r", "JobList": rows});
            if has_total {
                body["TotalCount"] = total.into();
            }
            Some(ServerResponse::json(200, &body))
        });
        let (server, client) = serve(&CLOUD, Vec::new(), respond).await;
        let scope = Scope::at(&INSTANT_JOB, "default", &[]).unwrap();
        let (ids, truncation) = listed_ids(&*client, &scope, states).await;
        (ids.len(), truncation, server.requested().len())
    };
    let all = LeavingRows::ROWS;
    // The second pass has the rows that were missing, and the third one no others.
    assert_eq!(read(false, &[State::Running]).await, (all, None, 12));
    assert_eq!(read(true, &[State::Running]).await, (all, None, 6));
    // Jobs that end do not leave this list.
    assert_eq!(read(false, &[]).await.2, 4);
}
