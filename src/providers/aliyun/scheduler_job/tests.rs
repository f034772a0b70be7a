mod contradictions;
mod slurm;
mod unread_list;

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::error::Category;
use crate::providers::RequestOptions;
use crate::providers::aliyun::CLOUD;
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::test_support::{get_options, lookup, moment, profile, reference, transport};
use crate::test_support::kinds::{check_kind, client};
use crate::test_support::{EmulatedState, Responder, ServerResponse, TestServer, start_time};

check_kind!(
    &SCHEDULER_JOB,
    essential: [
        "Message", "Message.JobInfo", "Message.JobInfo.2.scheduler",
        "Message.JobInfo.2.scheduler.job_state",
        "Success", "Jobs", "Jobs[]", "Jobs[].Id", "Jobs[].State",
    ],
    evidence: ["Message.JobInfo.2.scheduler.Exit_status", "Jobs[].ArrayRequest"]
);

fn read(info: Value, trust: bool) -> Result<GetResult, DecodeError> {
    let body = json!({"RequestId": "r", "Message": {"JobInfo": info}}).to_string();
    read_body(&body, trust)
}

fn read_body(body: &str, trust: bool) -> Result<GetResult, DecodeError> {
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
    ];
    let transport = transport(moment("2026-01-02T03:04:05Z"));
    let api = Api::new(&profile(&CLOUD, &variables), &transport).unwrap();
    let options = RequestOptions {
        flags: trust.then_some(TRUST_FINISHED.name).into_iter().collect(),
        raw: true,
        ..get_options()
    };
    let reference = reference(&SCHEDULER_JOB, &["c", "2"]);
    decode_job(body.as_bytes(), &api, lookup(&reference, &options)).map(|(found, _)| found)
}

fn outcome(job: Value, trust: bool) -> (State, bool, Option<i64>) {
    let job = read(json!({"2.scheduler": job}), trust).unwrap().job;
    (job.state, job.ended, job.exit_code)
}

#[test]
fn a_job_with_contradictory_keys_is_undecided_or_invalid() {
    let bad = r#"{"job_state":"F","Exit_status":2}"#;
    let good = r#"{"job_state":"F","Exit_status":0}"#;
    let state = |info: &str, trust| {
        let body = |info: &str| format!(r#"{{"Message":{{"JobInfo":{info}}}}}"#);
        let text = Value::from(info).to_string();
        let states =
            [info, &text].map(|info| read_body(&body(info), trust).map(|one| one.job.state));
        let [object, text] = states.map(|state| state.unwrap_or(State::Unknown));
        assert_eq!(object, text, "{info}");
        object
    };
    let by_id = |one: &str, other: &str| format!(r#"{{"2.s":{one},"2.s":{other}}}"#);
    assert_eq!(state(&by_id(good, good), false), State::Succeeded);
    let differing = json!({"2.scheduler": {"State": "R", "job_state": "F"}});
    assert_eq!(
        read(differing, false).unwrap().notices[0].message,
        "aliyun/scheduler-job/c/2: State is R, but job_state is F; shown as unknown"
    );
    let same = r#"{"2.s":{"State":"F","job_state":"f","Exit_status":0}}"#;
    assert_eq!(state(same, false), State::Succeeded);
    for info in [
        by_id(bad, good),
        by_id(good, bad),
        by_id("null", good),
        by_id("[]", good),
        r#"{"2.s":{"job_state":"F","Exit_status":2,"Exit_status":0}}"#.to_owned(),
        r#"{"2.s":{"job_state":"F","Exit_status":NaN}}"#.to_owned(),
        r#"{"JobId":"2.s","job_state":"F","Exit_status":2,"Exit_status":0}"#.to_owned(),
        r#"{"JobId":"2.s","JobId":"3.s","job_state":"F","Exit_status":0}"#.to_owned(),
        r#"{"JobId":"2.s","job_state":"R","job_state":"F","Exit_status":0}"#.to_owned(),
        r#"{"2.s":{"job_state":"R","job_state":"F","Exit_status":0}}"#.to_owned(),
        r#"{"2.s":{"job_state":"F","Exit_status":0,"comment":"job killed: walltime 60 exceeded limit"}}"#.to_owned(),
        r#"{"2.s":{"State":"F","job_state":"R","Exit_status":0}}"#.to_owned(),
        r#"{"2.s":{"State":"R","job_state":"F","Exit_status":0}}"#.to_owned(),
        r#"{"2.s":{"State":"F","job_state":{},"Exit_status":0}}"#.to_owned(),
    ] {
        for trust in [false, true] {
            assert_eq!(state(&info, trust), State::Unknown, "{info}");
        }
    }
    let job = |exit: &str| format!(r#"{{"JobInfo":{{"2.s":{exit}}}}}"#);
    for body in [
        format!(r#"{{"Message":{},"Message":{}}}"#, job(bad), job(good)),
        format!(r#"{{"Message":{{"JobInfo":{{"2.s":{bad}}},"JobInfo":{{"2.s":{good}}}}}}}"#),
    ] {
        assert!(read_body(&body, true).is_err(), "{body}");
    }
}

#[test]
fn an_ended_job_succeeds_only_with_exit_status_0_or_if_trusted() {
    for word in ["F", "FINISHED", "X"] {
        let ended =
            |exit: Value, trust| outcome(json!({"job_state": word, "Exit_status": exit}), trust);
        assert_eq!(ended(json!(null), false), (State::Unknown, true, None));
        assert_eq!(ended(json!(null), true), (State::Succeeded, true, None));
        assert_eq!(ended(json!("0"), false), (State::Succeeded, true, Some(0)));
        assert_eq!(ended(json!(271), true), (State::Failed, true, Some(271)));
        assert_eq!(ended(json!(-3), true), (State::Failed, true, Some(-3)));
        assert_eq!(ended(json!([]), false), (State::Unknown, true, None));
        assert_eq!(ended(json!([1]), true), (State::Unknown, true, None));
    }
    assert_eq!(
        outcome(json!({"job_state": "R", "Exit_status": 1}), true).0,
        State::Running
    );
    assert_eq!(
        outcome(json!({"job_state": "M"}), true),
        (State::Unknown, false, None)
    );
}

#[test]
fn the_job_is_read_from_a_json_text_or_an_object() {
    let job = json!({"2.scheduler": {
        "job_state": "Q", "Variable_List": {"TOKEN": "s3cret"},
        "Submit_arguments": "-N relax --password s3cret",
    }});
    for info in [job.clone(), Value::String(job.to_string())] {
        let found = read(info, false).unwrap().job;
        assert_eq!(found.state, State::Pending);
        let text = serde_json::to_string(&(&found.raw, &found.details)).unwrap();
        assert!(text.contains("TOKEN") && !text.contains("s3cret"), "{text}");
    }
    for missing in [
        json!(null),
        json!({}),
        json!(""),
        json!("{}"),
        json!([]),
        json!("[]"),
    ] {
        let Err(DecodeError::Failed(error)) = read(missing.clone(), false) else {
            panic!("{missing}");
        };
        assert_eq!(error.category, Category::NotFound);
    }
    for other in [json!({"12.scheduler": {"job_state": "Q"}}), json!(5)] {
        let found = read(other.clone(), false);
        assert!(matches!(found, Err(DecodeError::Invalid(_))), "{other}");
    }
}

#[test]
fn an_id_without_its_server_that_matches_several_jobs_is_an_error() {
    let jobs = json!({"2.a": {"job_state": "F"}, "2.b": {"job_state": "R"}});
    let Err(DecodeError::Failed(error)) = read(jobs, false) else {
        panic!("two jobs");
    };
    assert_eq!(error.category, Category::InvalidArgument);
    assert_eq!(error.message, "2 is the id of several jobs: 2.a, 2.b");
    let exact = json!({"2.a": {"job_state": "F"}, "2": {"job_state": "R"}});
    assert_eq!(read(exact, false).unwrap().job.state, State::Running);
}

#[test]
fn variables_and_arguments_are_masked_and_other_fields_kept() {
    let job = json!({"2.scheduler": {
        "job_state": "R",
        "Variable_List": {"GREETING": "s3cret-1", "DB_PASSWORD": "s3cret-2", "Z": "s3cret-3"},
        "argument_list": "<jsdl-hpcpa:Argument>--password</jsdl-hpcpa:Argument><jsdl-hpcpa:Argument>s3cret-4<",
        "Submit_arguments": ["--password", "s3cret-5"], "comment": "token=s3cret-6",
        "queue": "workq",
    }});
    let deep = format!(
        r#"{{"2.scheduler":{{"job_state":"R","Variable_List":{{"A":"s3cret-7"}},"x":{}{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let flat =
        json!({"JobId": "2", "Command": "a --password s3cret-8", "Variable_List": "A=s3cret-9"});
    let text = "JobId=2 JobState=RUNNING Command=run --password s3cret-10";
    for info in [
        job.clone(),
        Value::String(job.to_string()),
        flat,
        json!(text),
        json!(deep),
    ] {
        let Ok(found) = read(info.clone(), false) else {
            assert_eq!(info, json!(deep));
            continue;
        };
        let raw = found.job.raw.unwrap();
        assert!(!raw.to_string().contains("s3cret"), "{raw}");
    }
    let raw = read(Value::String(job.to_string()), false).unwrap().job.raw;
    let shown = raw.unwrap()["Message"]["JobInfo"]
        .as_str()
        .map(str::to_owned);
    let shown: Value = serde_json::from_str(&shown.unwrap()).unwrap();
    assert_eq!(shown["2.scheduler"]["queue"], "workq");
    assert_eq!(shown["2.scheduler"]["Variable_List"]["GREETING"], "***");
}

/// Returns a job whose state only these rows of the list report.
async fn read_listed(info: Value, rows: Value, trust: bool) -> GetResult {
    let respond: Responder = Arc::new(move |request| {
        let is_list = request.header("x-acs-action") == Some("ListJobsWithFilters");
        let body = match is_list {
            true => json!({"RequestId": "r", "TotalCount": 1, "Jobs": rows}),
            false => json!({"RequestId": "r", "Message": {"JobInfo": info}}),
        };
        Some(ServerResponse::json(200, &body))
    });
    get(respond, trust).await
}

/// Looks up a job at a server with these responses.
async fn get(respond: Responder, trust: bool) -> GetResult {
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let client = client(&CLOUD, &server, &server.transport());
    let options = RequestOptions {
        flags: trust.then_some(TRUST_FINISHED.name).into_iter().collect(),
        ..get_options()
    };
    let reference = reference(&SCHEDULER_JOB, &["c", "2"]);
    client.get(&reference, &options).await.unwrap()
}

#[tokio::test]
async fn rows_of_one_job_in_different_states_leave_it_undecided() {
    let row = |state: &str| json!({"Id": "2.scheduler", "State": state});
    let exited = json!({"2.scheduler": {"Exit_status": 0}});
    for (states, expected) in [
        (["FINISHED", "FINISHED"], State::Succeeded),
        (["FINISHED", "RUNNING"], State::Unknown),
        (["RUNNING", "FINISHED"], State::Unknown),
    ] {
        let rows = json!(states.map(row));
        let found = read_listed(exited.clone(), rows, true).await;
        assert_eq!(found.job.state, expected, "{states:?}");
        let is_noted = found
            .notices
            .iter()
            .any(|one| one.message.contains("in different states"));
        assert_eq!(is_noted, expected == State::Unknown);
    }
}

/// Returns state, whether it has ended, and exit code of a job whose state only the list reports.
async fn listed(info: Value, row: Value, trust: bool) -> (State, bool, Option<i64>) {
    let job = read_listed(info, json!([row]), trust).await.job;
    assert_eq!(job.state_raw.as_deref(), Some("FINISHED"));
    (job.state, job.ended, job.exit_code)
}

#[tokio::test]
async fn an_exit_status_without_a_state_counts_for_the_listed_state() {
    use State::{Failed, Succeeded, Unknown};
    let pbs = |exit: Value| json!({"2.scheduler": {"Exit_status": exit}});
    let slurm = |word: &str, code: &str| json!({"2": {"JobState": word, "ExitCode": code}});
    let flat = json!({"JobId": 2, "JobState": "FAILED", "ExitCode": "1:0"});
    let text = |end: &str| {
        json!(format!(
            "JobId=2 JobName=a
   {end}"
        ))
    };
    for (info, untrusted, trusted) in [
        (pbs(json!(1)), (Failed, Some(1)), (Failed, Some(1))),
        (pbs(json!(0)), (Succeeded, Some(0)), (Succeeded, Some(0))),
        (pbs(json!([1])), (Unknown, None), (Unknown, None)),
        (
            json!({"2.scheduler": {"$unreadable": 0}}),
            (Unknown, None),
            (Unknown, None),
        ),
        (pbs(json!(null)), (Unknown, None), (Succeeded, None)),
        (slurm("FAILED", "1:0"), (Failed, Some(1)), (Failed, Some(1))),
        (slurm("COMPLETED", "0:9"), (Failed, None), (Failed, None)),
        (slurm("TIMEOUT", "0:0"), (Failed, None), (Failed, None)),
        (
            slurm("CANCELLED by 7", "0:0"),
            (Unknown, None),
            (Unknown, None),
        ),
        (slurm("COMPLETED", "odd"), (Unknown, None), (Unknown, None)),
        (
            slurm("COMPLETED", "0:0"),
            (Succeeded, Some(0)),
            (Succeeded, Some(0)),
        ),
        (flat.clone(), (Failed, Some(1)), (Failed, Some(1))),
        (
            json!(flat.to_string()),
            (Failed, Some(1)),
            (Failed, Some(1)),
        ),
        (
            text("JobState=FAILED ExitCode=1:0"),
            (Failed, Some(1)),
            (Failed, Some(1)),
        ),
        (
            text("JobState=COMPLETED JobState=FAILED"),
            (Unknown, None),
            (Unknown, None),
        ),
    ] {
        for (trust, (state, exit_code)) in [(false, untrusted), (true, trusted)] {
            let row = json!({"Id": "2.scheduler", "State": "FINISHED"});
            let found = listed(info.clone(), row, trust).await;
            assert_eq!(found, (state, true, exit_code), "{info} {trust}");
        }
    }
    let row = json!({"Id": "2", "State": "FINISHED", "ArrayRequest": "1-5"});
    let found = listed(pbs(json!(0)), row, false).await;
    assert_eq!(found, (Unknown, true, Some(0)));
}

#[test]
fn a_response_about_another_job_is_invalid() {
    for other in [
        json!({"JobId": 12, "JobState": "COMPLETED"}),
        json!({"JobId": [2], "JobState": "COMPLETED"}),
        json!("JobId=12 JobState=COMPLETED"),
        json!("JobId=2 JobId=12 JobState=COMPLETED"),
        json!("qstat: Unknown Job Id 2.scheduler"),
    ] {
        let found = read(other.clone(), false);
        assert!(matches!(found, Err(DecodeError::Invalid(_))), "{other}");
    }
}

#[test]
fn the_first_node_is_read_from_json_and_scheduler_lists() {
    for (nodes, node) in [
        (r#"["compute2", "compute3"]"#, Some("compute2")),
        ("compute-2/0+compute3/0", Some("compute-2")),
        ("compute000", Some("compute000")),
        ("[]", None),
        ("", None),
    ] {
        assert_eq!(first_node(nodes), node, "{nodes}");
    }
}
