//! Tests successes in the history that the live job contradicts.

use serde_json::json;

use super::history::entry;
use super::*;

#[tokio::test]
async fn a_success_in_the_history_is_undecided_if_the_live_job_contradicts_it() {
    let end = "2026-03-25 11:00:00";
    let live = |fields: &str| {
        let text = format!(
            r#"{{"jobId":"7","jobStatus":"statC","jobStartTime":"2026-03-25 10:00:00",{fields}}}"#
        );
        format!(r#"{{"code":"0","data":{text}}}"#)
    };
    for (fields, word, expected, is_noted) in [
        (
            r#""jobInitAttr":{"JobState":"FAILED","JobState":"COMPLETED"}"#,
            "statC",
            State::Unknown,
            true,
        ),
        (r#""jobInitAttr":["FAILED"]"#, "statC", State::Unknown, true),
        (
            r#""jobInitAttr":{"JobState":"COMPLETED","ExitCode":"odd"}"#,
            "statC",
            State::Unknown,
            false,
        ),
        (r#""exitCode":"0:15""#, "statC", State::Unknown, false),
        (
            r#""jobInitAttr":{"ArrayJobId":7,"ArrayTaskId":2}"#,
            "statC",
            State::Unknown,
            false,
        ),
        (
            r#""jobInitAttr":{"ArrayJobId":6,"ArrayTaskId":2}"#,
            "statC",
            State::Succeeded,
            false,
        ),
        (
            r#""reason":"RaisedSignal:9""#,
            "statC",
            State::Unknown,
            false,
        ),
        (r#""reason":"内存不足""#, "statC", State::Unknown, false),
        (r#""reason":"Priority""#, "statC", State::Succeeded, false),
        (r#""jobInitAttr":["FAILED"]"#, "statD", State::Failed, true),
        (
            r#""jobInitAttr":{"JobState":"NEW_WORD"}"#,
            "statC",
            State::Succeeded,
            false,
        ),
        (
            r#""numGpu":["x"],"priority":["x"]"#,
            "statC",
            State::Succeeded,
            true,
        ),
        (r#""exitCode":"""#, "statC", State::Succeeded, false),
    ] {
        let (live, history) = (live(fields), entry(word, end, end));
        let respond: Responder = Arc::new(move |request| {
            let data = &history.1["data"];
            let list = json!({"code": "0", "data": {"total": 1, "list": [data]}});
            match request.path.as_str() {
                "/hpc/openapi/v2/jobs/7" => Some(ServerResponse::document(200, &live)),
                "/hpc/openapi/v2/historyjobs" => Some(ServerResponse::json(200, &list)),
                path if path.starts_with("/hpc/openapi/v2/historyjobs/") => {
                    Some(ServerResponse::json(200, &history.1))
                }
                _ => None,
            }
        });
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, respond).await;
        let client = client(&CLOUD, &server, &server.transport());
        let found = client.get(&reference("7"), &get_options()).await.unwrap();
        let job = found.job;
        assert_eq!(
            (job.state, job.ended),
            (expected, expected != State::Unknown),
            "{fields}"
        );
        if expected == State::Unknown {
            assert_eq!(
                job.reason.as_deref(),
                Some(Reason::SUBTASKS_UNREAD),
                "{fields}"
            );
        }
        let mut notices = found.notices.iter();
        let has_notice = notices.any(|notice| notice.code == NoticeCode::UnreadableField);
        assert_eq!(has_notice, is_noted, "{fields}");
    }
}
