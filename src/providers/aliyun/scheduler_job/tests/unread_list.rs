//! Tests of jobs whose state only the list shows, while the list cannot be read.

use super::*;
use crate::model::Reason;

/// Looks up a job with this record; the request for the list has this response.
async fn read(info: &str, list: (u16, Value), trust: bool) -> Job {
    let info = json!({"RequestId": "r", "Message": {"JobInfo": info}});
    let respond: Responder = Arc::new(move |request| {
        let is_list = request.header("x-acs-action") == Some("ListJobsWithFilters");
        Some(match is_list {
            true => ServerResponse::json(list.0, &list.1),
            false => ServerResponse::json(200, &info),
        })
    });
    get(respond, trust).await.job
}

#[tokio::test]
async fn a_job_without_a_state_is_undecided_while_the_list_is_unread() {
    let denied = json!({"RequestId": "r", "Code": "Forbidden.RAM", "Message": "m"});
    let row = |state: &str| json!({"Id": "2", "State": state});
    let rows =
        json!({"RequestId": "r", "TotalCount": 2, "Jobs": [row("RUNNING"), row("FINISHED")]});
    // The row without an id can be that of the job.
    let without_id = json!({"RequestId": "r", "TotalCount": 1, "Jobs": [{"State": "RUNNING"}]});
    for (list, cause) in [
        ((501, json!({})), Category::ServiceError),
        ((200, json!({})), Category::InvalidResponse),
        ((200, rows), Category::InvalidResponse),
        ((200, without_id), Category::InvalidResponse),
        ((403, denied), Category::PermissionDenied),
    ] {
        for word in ["", "JobState=RUNNING", "JobState=COMPLETED ExitCode=0:0"] {
            for trust in [false, true] {
                let info = format!("JobId=2 JobName=a {word}");
                let job = read(&info, list.clone(), trust).await;
                let found = (job.state, job.ended, job.reason, job.unread_cause);
                let unread = Some(Reason::SubtasksUnread);
                assert_eq!(
                    found,
                    (State::Unknown, false, unread, Some(cause)),
                    "{word}"
                );
                assert!(job.message.unwrap().starts_with("the list of jobs, which"));
            }
        }
        let failed = "JobId=2 JobName=a JobState=FAILED ExitCode=1:0";
        let job = read(failed, list.clone(), false).await;
        assert_eq!((job.state, job.unread_cause), (State::Failed, None));
    }
}
