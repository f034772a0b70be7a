mod errors;

use super::*;
use crate::model::State;
use crate::providers::huawei::CLOUD;
use crate::providers::test_support::{self, codes, lookup};
use crate::test_support::ServerResponse;
use crate::test_support::jobs::{responding, serve};
use crate::test_support::kinds::check_kind;

const SAMPLE: &str = "702364883651395584";

fn reference(id: &str) -> Reference {
    test_support::reference(&IMAGE_JOB, &[id])
}

fn read_file(name: &str) -> GetResult {
    let body = test_support::read(name);
    let region = Some("cn-north-4");
    decode(
        &body,
        lookup(&reference(SAMPLE), &test_support::get_options()),
        region,
    )
    .unwrap()
}

fn read_text(body: &str) -> Result<GetResult, String> {
    decode(
        body.as_bytes(),
        lookup(&reference("7"), &test_support::get_options()),
        None,
    )
}

check_kind!(
    &IMAGE_JOB,
    essential: ["id", "status", "items", "items[]", "items[].id", "items[].status"],
    evidence: []
);

#[test]
fn responses_become_their_models() {
    for (name, notices) in [
        ("success", vec![]),
        ("failed", vec!["count_mismatch"]),
        ("running", vec![]),
        ("waiting", vec![]),
    ] {
        let found = read_file(&format!("huawei/image-job/{name}.json"));
        assert_eq!(codes(&found), notices, "{name}");
        let model = test_support::model(found, "2024-05-20T12:00:00Z", true);
        test_support::assert_model(&format!("huawei/image-job/{name}.model.json"), &model);
    }
}

#[test]
fn a_success_is_undecided_unless_every_sub_job_has_succeeded() {
    let job = |status: &str, rest: &str| {
        let body =
            format!(r#"{{"id":"7","status":"SUCCESS","sub_jobs":[{{"id":"8",{status}}}]{rest}}}"#);
        read_text(&body).unwrap().job
    };
    let good = r#""status":"SUCCESS""#;
    assert_eq!(job(good, "").state, State::Succeeded);
    assert_eq!(job(good, r#","sub_jobs_total":1"#).state, State::Succeeded);
    for (status, rest) in [
        (good, r#","sub_jobs_total":99"#),
        (good, r#","sub_jobs_total":-1"#),
        (r#""status":null"#, ""),
        (r#""status":"FAIL""#, ""),
        (r#""status":"RUNNING""#, ""),
        (r#""status":"WAITING""#, ""),
        (r#""status":"ABNORMAL""#, ""),
    ] {
        let job = job(status, rest);
        assert_eq!((job.state, job.ended), (State::Unknown, false), "{status}");
        let message = job.message.unwrap();
        assert!(message.contains(", but "), "{message}");
    }
    assert_eq!(job(r#""status":"failed""#, "").state, State::Failed);
    let none = |rest: &str| read_text(&format!(r#"{{"id":"7","status":"SUCCESS"{rest}}}"#));
    let state = |rest: &str| none(rest).unwrap().job.state;
    for (rest, expected) in [
        ("", State::Unknown),
        (r#","sub_jobs":null,"sub_jobs_total":null"#, State::Unknown),
        (r#","sub_jobs":[],"sub_jobs_total":2"#, State::Unknown),
        (r#","sub_jobs":[],"sub_jobs_total":-1"#, State::Unknown),
        (r#","sub_jobs_total":-1"#, State::Unknown),
        (r#","sub_jobs_total":0"#, State::Succeeded),
        (r#","sub_jobs":null,"sub_jobs_total":0"#, State::Succeeded),
        (r#","sub_jobs":[]"#, State::Succeeded),
    ] {
        assert_eq!(state(rest), expected, "{rest}");
    }
}

#[test]
fn a_sub_job_of_another_job_leaves_a_success_undecided() {
    let job = |parent: &str, execution: &str| {
        let sub_job = format!(
            r#"{{"id":"8","status":"SUCCESS","job_id":{parent},"job_execute_info":{execution}}}"#
        );
        let body = format!(r#"{{"id":"7","status":"SUCCESS","sub_jobs":[{sub_job}]}}"#);
        let job = read_text(&body).unwrap().job;
        (job.state, job.message)
    };
    let fine = (State::Succeeded, None);
    assert_eq!(job("7", "null"), fine);
    assert_eq!(job("null", "null"), fine);
    let none = r#"{"error_code":"0","error_message":"Success"}"#;
    assert_eq!(job("7", none), fine);
    let message = "the job has succeeded, but 8 is a sub-job of 999".to_owned();
    assert_eq!(job("\"999\"", "null"), (State::Unknown, Some(message)));
}

#[test]
fn a_list_row_can_have_succeeded_without_sub_jobs() {
    let body = r#"{"count":1,"items":[{"id":"7","status":"SUCCESS","sub_jobs_total":3}]}"#;
    let page = JobPage::decode(body.as_bytes()).unwrap();
    let (reference, options) = (reference("7"), test_support::get_options());
    let rows = page.items.into_iter();
    let mut states = rows.map(|row| row.into_row(lookup(&reference, &options), None).job.state);
    assert_eq!(states.next(), Some(State::Succeeded));
}

#[test]
fn no_documented_field_is_lost() {
    let document = test_support::json("huawei/image-job/failed.json");
    let found = read_file("huawei/image-job/failed.json");
    let model = test_support::model(found, "2024-05-20T12:00:00Z", false);
    let mut converted = vec![
        (".begin_time", "2024-05-20T10:39:49Z"),
        (".end_time", "2024-05-20T11:03:24Z"),
        (".sub_jobs.0.begin_time", "2024-05-20T10:40:01Z"),
        (".sub_jobs.0.end_time", "2024-05-20T10:55:31Z"),
        (".sub_jobs.1.begin_time", "2024-05-20T10:40:02Z"),
        (".sub_jobs.1.end_time", "2024-05-20T11:01:00Z"),
        (".sub_jobs.2.begin_time", "2024-05-20T10:40:03Z"),
        (".sub_jobs.2.end_time", "2024-05-20T11:03:24Z"),
    ];
    let repeated: Vec<(String, String)> = (0..3)
        .flat_map(|n| {
            [
                (format!(".sub_jobs.{n}.status"), "FAILED".to_owned()),
                (format!(".sub_jobs.{n}.job_id"), SAMPLE.to_owned()),
            ]
        })
        .collect();
    converted.extend(repeated.iter().map(|(at, is)| (at.as_str(), is.as_str())));
    converted.extend([(".id", SAMPLE), (".status", "FAILED")]);
    test_support::assert_nothing_lost(&document, &model, &converted);
    for (n, task) in model["tasks"].as_array().unwrap().iter().enumerate() {
        assert_eq!(task["details"]["job_id"], SAMPLE, "{n}");
        assert_eq!(task["state_raw"], "FAILED", "{n}");
    }
}

#[test]
fn a_failed_job_has_the_reason_of_its_first_failed_sub_job() {
    let job = read_file("huawei/image-job/failed.json").job;
    assert_eq!(job.reason.as_deref(), Some("WKS.00170208"));
    assert_eq!(
        job.message.as_deref(),
        Some("win2019-office-01: The quota of image instances is used up. (and 2 more)")
    );
    let bare = r#"{"id":"7","status":"FAILED","sub_jobs":[{"id":"8","status":"FAILED","job_execute_info":{"error_code":"","error_message":""}}]}"#;
    let job = read_text(bare).unwrap().job;
    assert_eq!(
        (job.reason, job.message.as_deref()),
        (None, Some("8: failed"))
    );
}

#[test]
fn a_waiting_job_has_not_started_and_a_running_one_has_no_end() {
    let job = |state: &str| {
        let part = if state == "SUCCESS" { state } else { "RUNNING" };
        let body = format!(
            r#"{{"id":7,"status":"{state}","begin_time":"2024-05-20T10:00:00Z","end_time":"2024-05-20T10:09:00Z",
            "sub_jobs":[{{"status":"{part}","begin_time":"2024-05-20T10:00:02.5Z","end_time":"2024-05-20T10:00:03"}}]}}"#
        );
        let found = read_text(&body).unwrap();
        test_support::model(found, "2024-05-20T12:00:00Z", true)
    };
    assert!(job("WAITING")["started_at"].is_null());
    let running = job("running\\n");
    assert_eq!(running["started_at"], "2024-05-20T10:00:02Z");
    assert!(running["finished_at"].is_null());
    assert!(running["tasks"][0]["finished_at"].is_null());
    assert_eq!(job("FAILED")["finished_at"], "2024-05-20T10:09:00Z");
}

#[test]
fn some_state_words_are_known_for_sub_jobs_but_not_for_jobs() {
    let body = |job: &str, sub_job: &str| {
        format!(
            r#"{{"id":"7","status":"{job}","sub_jobs":[{{"status":"{sub_job}"}},{{"status":"{sub_job}"}}]}}"#
        )
    };
    for (word, state) in [
        ("ROLLBACK", State::Stopping),
        ("ABORTING", State::Stopping),
        ("ABNORMAL", State::Unknown),
    ] {
        let found = read_text(&body("RUNNING", word)).unwrap();
        let task = &found.job.tasks[0];
        assert_eq!((task.state, task.ended), (state, false), "{word}");
        assert!(codes(&found).is_empty(), "{word}");
        let found = read_text(&body(word, "RUNNING")).unwrap();
        assert_eq!((found.job.state, found.job.ended), (State::Unknown, false));
        assert_eq!(codes(&found), ["unknown_state"], "{word}");
    }
    let found = read_text(&body("RUNNING", "PAUSED")).unwrap();
    assert_eq!(codes(&found), ["unknown_state"]);
}

#[test]
fn a_missing_status_is_unknown_with_a_reason() {
    let job = read_text(r#"{"id":"7"}"#).unwrap().job;
    assert_eq!((job.state, job.ended), (State::Unknown, false));
    assert_eq!(job.state_raw, None);
    assert_eq!(job.reason.as_deref(), Some("no status"));
    assert_eq!(job.message.as_deref(), Some("the response has no status"));
}

#[test]
fn a_response_about_another_or_no_job_is_an_error() {
    for body in [
        "{}",
        "[]",
        "null",
        "",
        r#"{"id":"8","status":"SUCCESS"}"#,
        r#"{"id":"70","status":"SUCCESS"}"#,
        r#"{"status":"SUCCESS"}"#,
        r#"{"job":{"job_id":"7","job_status":1}}"#,
    ] {
        assert!(read_text(body).is_err(), "{body}");
    }
    let long = "123456789012345678901234567890";
    let body = format!(r#"{{"id":{long}}}"#);
    let found = decode(
        body.as_bytes(),
        lookup(&reference(long), &test_support::get_options()),
        None,
    );
    assert_eq!(found.unwrap().job.id, long);
}

#[test]
fn the_raw_response_is_kept_if_requested() {
    let options = RequestOptions {
        raw: true,
        ..test_support::get_options()
    };
    let body = test_support::read("huawei/image-job/success.json");
    let found = decode(&body, lookup(&reference(SAMPLE), &options), None).unwrap();
    assert_eq!(
        found.job.raw.as_deref(),
        Some(&test_support::json("huawei/image-job/success.json"))
    );
}

#[test]
fn rows_of_the_list_become_jobs_without_sub_jobs() {
    let page = JobPage::decode(&test_support::read("huawei/image-job/list.json")).unwrap();
    assert_eq!(page.total, Some(3));
    let found: Vec<Option<GetResult>> = page
        .items
        .into_iter()
        .map(|row| {
            let at = reference(row.id().unwrap());
            row.has_state().then(|| {
                row.into_row(
                    lookup(&at, &test_support::get_options()),
                    Some("cn-north-4"),
                )
            })
        })
        .collect();
    let [Some(running), None, Some(failed)] = <[_; 3]>::try_from(found).unwrap() else {
        panic!("a row without a status is left out")
    };
    assert_eq!(codes(&failed), [""; 0], "its sub-jobs were never listed");
    assert_eq!((failed.job.state, failed.job.reason), (State::Failed, None));
    assert_eq!(running.job.state, State::Running);
}

#[test]
fn an_empty_list_is_accepted_and_a_missing_list_is_an_error() {
    for body in [
        "{}",
        r#"{"count":3}"#,
        "[]",
        "<html>",
        r#"{"items":{"a":1}}"#,
    ] {
        assert!(JobPage::decode(body.as_bytes()).is_err(), "{body}");
    }
    assert!(
        JobPage::decode(br#"{"count":0,"items":null}"#)
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_job_with_conflicting_rows_is_left_to_a_single_lookup() {
    let row = |id: &str, status: &str| json!({"id": id, "status": status});
    let rows = [
        row("1", "RUNNING"),
        row("1", "FAILED"),
        row("2", "RUNNING"),
        row("2", "RUNNING"),
    ];
    let body = json!({"count": 4, "items": rows});
    let responder = responding(&CLOUD, &[LIST.name], ServerResponse::json(200, &body));
    let (_server, client) = serve(&CLOUD, Vec::new(), responder).await;
    let references = ["1", "2"].map(reference);
    let found = client
        .batch_get(&references, &test_support::get_options())
        .await;
    let is_used: Vec<bool> = found.unwrap().iter().map(Option::is_some).collect();
    assert_eq!(is_used, [false, true]);
}
