//! Tests which responses count as a success of a job.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_stop_or_a_history_that_does_not_end_with_a_success_leaves_a_success_undecided() {
    let time = |minute: u8| format!("2026-01-12T15:{minute:02}:00Z");
    let entry = |word: &str, start: u8, end: Option<u8>| {
        let end = end.map_or_else(String::new, time);
        json!({"Status": word, "StartTime": time(start), "EndTime": end})
    };
    let (ran, runs) = (entry("Running", 1, Some(2)), entry("Running", 1, None));
    let succeeded = || entry("Succeeded", 2, None);
    let failed = entry("Failed", 2, None);
    let restarted = json!([
        failed,
        entry("Running", 3, Some(4)),
        entry("Succeeded", 4, None)
    ]);
    let history = |entries: Value| ("StatusHistory", entries);
    for ((field, value), state) in [
        (("GmtStoppedTime", json!(time(1))), State::Unknown),
        (("GmtStoppedTime", json!({"x": 1})), State::Unknown),
        (("GmtStoppedTime", json!("")), State::Succeeded),
        (history(json!([ran, succeeded()])), State::Succeeded),
        (history(json!([succeeded(), ran])), State::Succeeded),
        (history(json!([ran])), State::Succeeded),
        (history(json!([])), State::Succeeded),
        (history(restarted), State::Succeeded),
        (history(json!([runs])), State::Unknown),
        (history(json!([ran, failed])), State::Unknown),
        (
            history(json!([ran, entry("Stopped", 2, None)])),
            State::Unknown,
        ),
        (history(json!([{"Status": ["Failed"]}])), State::Unknown),
        (history(json!("x")), State::Unknown),
    ] {
        let body = json!({"JobId": "dlc1", "Status": "Succeeded", field: value});
        let job = read(&body).unwrap().job;
        assert_eq!((job.state, job.ended), (state, state.is_end()), "{body}");
    }
}

#[test]
fn an_undecided_success_names_the_field_that_contradicts_it() {
    let [early, late] = ["2026-01-12T15:00:00Z", "2026-01-12T16:00:00Z"];
    let times = |failed: &str, stopped: &str| {
        json!({
            "GmtSuccessedTime": early, "GmtFailedTime": failed, "GmtStoppedTime": stopped,
        })
    };
    let history = |entry: Value| {
        let succeeded = json!({"Status": "Succeeded", "StartTime": early, "EndTime": ""});
        json!({"StatusHistory": [succeeded, entry]})
    };
    for (fields, expected) in [
        (
            times(early, ""),
            "GmtFailedTime is the same as GmtSuccessedTime",
        ),
        (
            times("", late),
            "GmtStoppedTime is later than GmtSuccessedTime",
        ),
        (
            json!({"GmtStoppedTime": early}),
            "it has a GmtStoppedTime, but no GmtSuccessedTime",
        ),
        (
            json!({"ReasonCode": "Preempted"}),
            "ReasonCode is Preempted",
        ),
        (json!({"ReasonCode": "JobHang"}), "ReasonCode is JobHang"),
        (
            json!({"ReasonMessage": "OOMKilled"}),
            "ReasonMessage is OOMKilled",
        ),
        (
            json!({"ReasonCode": "JobSucceeded", "ReasonMessage": "worker exit code: 137"}),
            "ReasonMessage is worker exit code: 137",
        ),
        (
            history(json!({"Status": "Failed", "StartTime": late})),
            "the last entry of StatusHistory is Failed",
        ),
        (
            history(json!({"Status": "失败", "StartTime": late})),
            "the last entry of StatusHistory is 失败",
        ),
        (
            history(json!({"Status": "Failed", "StartTime": null})),
            "an entry of StatusHistory without StartTime is Failed",
        ),
        (
            history(json!({})),
            "an entry of StatusHistory without StartTime has no Status",
        ),
        (
            history(json!({"Status": "Running", "StartTime": ""})),
            "an entry of StatusHistory without StartTime is Running",
        ),
    ] {
        let mut body = json!({"JobId": "dlc1", "Status": "Succeeded"});
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let job = read(&body).unwrap().job;
        assert_eq!((job.state, job.ended), (State::Unknown, false), "{body}");
        assert_eq!(job.unread_cause, Some(Category::InvalidResponse));
        assert_eq!(job.reason, Some(Reason::SubtasksUnread));
        let message = format!("the job is Succeeded, but {expected}");
        assert_eq!(job.message, Some(message));
    }
}

#[test]
fn a_message_without_a_failure_and_entries_of_a_success_do_not_contradict_a_success() {
    let [early, late] = ["2026-01-12T15:00:00Z", "2026-01-12T16:00:00Z"];
    for fields in [
        json!({"ReasonCode": "JobSucceeded", "ReasonMessage": "exited with code 0"}),
        json!({"ReasonMessage": "Job is succeeded."}),
        json!({"StatusHistory": [{"Status": "Creating", "EndTime": early}]}),
        json!({"StatusHistory": [{"Status": "SucceededReserving"}]}),
        json!({"StatusHistory": [
            {"Status": "NewWord", "StartTime": early}, {"Status": "Succeeded", "StartTime": late},
        ]}),
        // The reason of an earlier run that failed.
        json!({
            "ReasonCode": "JobFailed", "ReasonMessage": "OOMKilled", "GmtFailedTime": early,
            "GmtSuccessedTime": late,
        }),
    ] {
        let mut body = json!({"JobId": "dlc1", "Status": "Succeeded"});
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let job = read(&body).unwrap().job;
        assert_eq!(job.state, State::Succeeded, "{body}");
    }
}

fn read_list(body: &Value) -> Page {
    let scope = Scope::at(&DLC_JOB, "default", &[]).unwrap();
    let list = ListRequest {
        scope: &scope,
        filter: &Filter::default(),
        cursor: Cursor::FIRST,
        options: &get_options(),
    };
    decode_list(body.to_string().as_bytes(), &api(), list).unwrap()
}

#[test]
fn the_row_of_a_success_proves_nothing_if_it_lacks_a_field_that_can_show_a_failure() {
    let row = row("Succeeded");
    let read = |row: &Value| {
        let body = json!({"TotalCount": 1, "Jobs": [row]});
        let mut page = read_list(&body);
        let job = page.rows.remove(0).job;
        (job.state, job.unread_cause)
    };
    assert_eq!(read(&row), (State::Succeeded, None));
    for name in DLC_JOB.evidence {
        let mut row = row.clone();
        row.as_object_mut().unwrap().remove(*name);
        let expected = (State::Succeeded, Some(Category::InvalidResponse));
        assert_eq!(read(&row), expected, "{name}");
        row["Status"] = "Failed".into();
        assert_eq!(read(&row), (State::Failed, None), "{name}");
    }
}

#[test]
fn the_reason_of_a_success_does_not_explain_a_failure() {
    let [early, late] = ["2026-01-12T15:00:00Z", "2026-01-12T16:00:00Z"];
    let cause = |word: &str, failed_at: &str| {
        let body = json!({
            "JobId": "dlc1", "Status": word, "ReasonCode": "JobSucceeded", "ReasonMessage": "ok",
            "GmtSuccessedTime": early, "GmtFailedTime": failed_at,
        });
        let job = read(&body).unwrap().job;
        (job.state, job.reason.map(String::from), job.message)
    };
    let failed = |reason: Option<&str>| (State::Failed, reason.map(str::to_owned), None);
    assert_eq!(cause("Succeeded", late), failed(Some("JobFailed")));
    assert_eq!(cause("Failed", late), failed(None));
    let (state, reason, message) = cause("Succeeded", "");
    assert_eq!(state, State::Succeeded);
    assert_eq!(reason.as_deref(), Some("JobSucceeded"));
    assert_eq!(message.as_deref(), Some("ok"));
}
