mod emulated;
mod failures;
mod history;
mod lists;
mod live_evidence;
mod parts;
mod runs;

use std::sync::Arc;

use serde_json::json;

use super::super::CLOUD;
use super::super::envelope::ListPage;
use super::response::JobFields;
use super::*;
use crate::providers::test_support::{self, get_options, lookup};
use crate::providers::wall_clock::WallClock;
use crate::providers::{Filter, RequestOptions};
use crate::reference::Scope;
use crate::test_support::kinds::{check_kind, client};
use crate::test_support::{EmulatedState, Responder, ServerResponse, TestServer, start_time};

check_kind!(
    &JOB,
    essential: [
        "code", "data", "data.jobId", "data.jobStatus", "data.jobState", "data.jobmanagerId",
        "data.list", "data.list[]", "data.list[].jobId", "data.list[].jobStatus", "data.list[].jobState",
        "data.list[].acctTime"
    ],
    evidence: [
        "data.jobInitAttr", "data.jobInitAttr.JobState", "data.jobInitAttr.ExitCode", "data.exitCode",
        "data.reason", "data.jobExitStatus", "data.list[].jobInitAttr", "data.list[].reason",
        "data.jobInitAttr.Reason", "data.list[].jobInitAttr.JobState", "data.list[].jobInitAttr.ExitCode",
        "data.jobInitAttr.ArrayJobId", "data.jobInitAttr.ArrayTaskId",
        "data.jobInitAttr.HetJobId", "data.jobInitAttr.HetJobOffset"
    ]
);

const SCOPE: [&str; 2] = ["11112", "1638523853"];

fn reference(id: &str) -> Reference {
    test_support::reference(&JOB, &[SCOPE[0], SCOPE[1], id])
}

const CHINA: WallClock = WallClock {
    offset_seconds: 8 * 3600,
    is_assumed: false,
};

/// Returns the state, whether the job has ended, and the exit code for the data of a response.
fn state(origin: RecordSource, mut data: Value) -> (State, bool, Option<i64>) {
    data["jobId"] = "7".into();
    let body = json!({"code": "0", "data": data}).to_string();
    let found = decode_job(
        body.as_bytes(),
        origin,
        lookup(&reference("7"), &get_options()),
        None,
        CHINA,
    );
    let job = found.unwrap().unwrap().job;
    (job.state, job.ended, job.exit_code)
}

#[test]
fn the_scheduler_state_and_exit_code_decide_how_a_live_job_ended() {
    use State::{Canceled, Failed, Pending, Running, Stopping, Succeeded, Unknown};
    for (fields, expected) in [
        ("statC COMPLETED 0:0 None", (Succeeded, true, Some(0))),
        ("statC COMPLETED - None", (Succeeded, true, None)),
        ("statC COMPLETED 2:0 None", (Failed, true, Some(2))),
        ("statC COMPLETED 0:9 None", (Failed, true, None)),
        ("statC COMPLETED text None", (Unknown, true, None)),
        ("statC FAILED 1:0 NonZeroExitCode", (Failed, true, Some(1))),
        (
            "statC COMPLETED 0:0 NonZeroExitCode",
            (Failed, true, Some(0)),
        ),
        ("statC CANCELLED_by_1234 0:15 None", (Canceled, true, None)),
        ("statC CANCELLED+ 0:0 None", (Canceled, true, Some(0))),
        ("statC NODE_FAIL 0:0 None", (Failed, true, Some(0))),
        ("statC COMPLETING 0:0 None", (Stopping, false, Some(0))),
        ("statC - - NonZeroExitCode", (Failed, true, None)),
        ("statC - - None", (Unknown, true, None)),
        ("statC NEW_WORD 0:0 None", (Unknown, true, Some(0))),
        ("statC OUT_OF_ME+ 0:0 None", (Failed, true, Some(0))),
        ("statC COMPLE+ 0:0 None", (Unknown, true, Some(0))),
        ("COMPLETED OUT_OF_ME+ - None", (Failed, true, None)),
        ("COMPLETED NEW_WORD 0:0 None", (Unknown, true, Some(0))),
        ("COMPLETED COMPLETED 0:0 None", (Succeeded, true, Some(0))),
        ("COMPLETED RUNNING - None", (Running, false, None)),
        ("COMPLETED PENDING 0:0 None", (Pending, false, Some(0))),
        ("COMPLETED COMPLETING 0:0 None", (Stopping, false, Some(0))),
        ("COMPLETED FAILED 1:0 None", (Failed, true, Some(1))),
        ("COMPLETED COMPLETED 0:0 内存不足", (Unknown, true, Some(0))),
        ("statC - - 内存不足", (Unknown, true, None)),
        ("COMPLETED+ - - None", (Unknown, false, None)),
        ("COMPLETED_by_7 - - None", (Unknown, false, None)),
        ("COMPLETED_with - - None", (Unknown, false, None)),
        ("statE - - None", (Stopping, false, None)),
        ("statE TIMEOUT 0:0 None", (Failed, true, Some(0))),
        ("statX RUNNING 0:0 None", (Running, false, Some(0))),
        ("statX - - None", (Unknown, false, None)),
        ("statR COMPLETED 0:0 None", (Running, false, Some(0))),
        ("statD - - None", (Failed, true, None)),
        ("statC - 3:0 None", (Failed, true, Some(3))),
        ("statC - 0:15 None", (Unknown, true, None)),
        ("CANCELLED_by_7 - - None", (Canceled, true, None)),
        ("CANCELLED+ - - None", (Canceled, true, None)),
        ("NEW_by_7 - - None", (Unknown, false, None)),
    ] {
        let words: Vec<String> = fields
            .split(' ')
            .map(|word| word.replace('-', ""))
            .collect();
        let [word, own] = [0, 1].map(|at: usize| {
            words[at]
                .replace("_by_", " by ")
                .replace("_with", " with errors")
        });
        let data = json!({
            "jobStatus": word, "jobInitAttr": {"JobState": own, "ExitCode": words[2]},
            "exitCode": "", "reason": words[3],
        });
        assert_eq!(state(RecordSource::Live, data), expected, "{fields}");
    }
}

#[test]
fn the_history_decides_how_a_job_ended_with_exit_codes_up_to_255() {
    use State::{Canceled, Failed, Pending, Succeeded, Unknown};
    for (word, status, expected) in [
        ("statC", json!(0), (Succeeded, true, Some(0))),
        ("statC", json!(null), (Succeeded, true, None)),
        ("statC", json!(3), (Failed, true, Some(3))),
        ("statC", json!([]), (Unknown, true, None)),
        ("COMPLETED", json!(0), (Succeeded, true, Some(0))),
        ("TIMEOUT", json!(10006), (Failed, true, None)),
        ("statDE", json!(0), (Canceled, true, Some(0))),
        ("statEX", json!(1), (Failed, true, Some(1))),
        ("statRQ", json!(0), (Pending, false, Some(0))),
        ("CANCELLED by 7", json!(0), (Canceled, true, Some(0))),
        ("statE", json!(0), (Unknown, true, Some(0))),
        ("statX", json!(null), (Unknown, true, None)),
        ("statX", json!(4), (Failed, true, Some(4))),
        ("statR", json!(0), (Unknown, true, Some(0))),
        ("", json!(null), (Unknown, false, None)),
    ] {
        let data = json!({"jobState": word, "jobExitStatus": status});
        assert_eq!(
            state(RecordSource::History, data),
            expected,
            "{word} {status}"
        );
    }
}

#[test]
fn a_history_entry_with_an_end_time_has_ended() {
    for (status, expected) in [(0, State::Unknown), (2, State::Failed)] {
        let data = json!({"jobEndTime": "2026-03-24 20:58:12", "jobExitStatus": status});
        let found = state(RecordSource::History, data);
        assert_eq!(found, (expected, true, Some(status)));
    }
}

#[test]
fn a_response_about_a_job_of_another_region_or_scheduler_is_an_error() {
    let read = |fields: Value| {
        let mut data = json!({"jobId": "7", "jobStatus": "statR"});
        data.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let body = json!({"code": "0", "data": data}).to_string();
        let (reference, options) = (reference("7"), get_options());
        let lookup = lookup(&reference, &options);
        decode_job(body.as_bytes(), RecordSource::Live, lookup, None, CHINA).is_ok()
    };
    assert!(read(
        json!({"clusterId": 11112, "jobManagerId": 1_638_523_853})
    ));
    assert!(!read(json!({"clusterId": 22222})));
    assert!(!read(json!({"jobmanagerId": 999})));
}

#[tokio::test]
async fn rows_of_another_scheduler_are_left_out_of_a_list() {
    let respond: Responder = Arc::new(|request| {
        let row = |id: &str, scheduler: Value| json!({"jobId": id, "jobStatus": "statR", "jobmanagerId": scheduler, "jobState": "statR"});
        let rows = [
            row("7", json!("1638523853")),
            row("8", json!(999)),
            row("9", json!(null)),
        ];
        let data = json!({"total": 3, "list": rows});
        let body = json!({"code": "0", "data": data});
        request
            .path
            .starts_with("/hpc/")
            .then(|| ServerResponse::json(200, &body))
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let client = client(&CLOUD, &server, &server.transport());
    let scope = Scope::at(&JOB, "default", &SCOPE).unwrap();
    let mut at = Some(Cursor::FIRST);
    while let Some(cursor) = at {
        let page = client
            .list(&scope, &Filter::default(), cursor, &get_options())
            .await;
        let page = page.unwrap();
        let ids: Vec<&str> = page.rows.iter().map(|row| row.job.id.as_str()).collect();
        assert_eq!((ids, page.total), (vec!["7", "9"], None));
        at = page.next;
    }
}

#[test]
fn the_reason_is_a_failure_state_or_a_suspension_but_not_completed() {
    for (word, own, reason) in [
        ("statC", "COMPLETED", None),
        ("statC", "OUT_OF_MEMORY", Some("OUT_OF_MEMORY")),
        ("statR", "SUSPENDED", Some("suspended")),
    ] {
        let body = json!({"code": "0", "data": {
            "jobId": "7", "jobStatus": word, "jobInitAttr": {"JobState": own, "ExitCode": "1:0"},
        }});
        let body = body.to_string();
        let found = decode_job(
            body.as_bytes(),
            RecordSource::Live,
            lookup(&reference("7"), &get_options()),
            None,
            CHINA,
        );
        let job = found.unwrap().unwrap().job;
        assert_eq!(job.reason.as_deref(), reason, "{word} {own}");
    }
}

#[test]
fn secrets_of_a_command_are_masked_in_the_model_and_the_raw_response() {
    let body = test_support::read("sugon/job/timeout.GetHistoryJob.json");
    for (show_secrets, is_shown) in [(false, false), (true, true)] {
        let options = RequestOptions {
            raw: true,
            show_secrets,
            ..get_options()
        };
        let found = decode_job(
            &body,
            RecordSource::History,
            lookup(&reference("8231456"), &options),
            None,
            CHINA,
        );
        let job = serde_json::to_string(&found.unwrap().unwrap().job).unwrap();
        assert!(job.contains("train.py"));
        assert_eq!(job.contains("s3cret-command"), is_shown);
    }
}

#[test]
fn rows_of_the_platform_list_contain_region_scheduler_and_id() {
    let body = test_support::read("sugon/job/page-list.json");
    let rows = ListPage::<JobFields>::decode(&body).unwrap().rows;
    let addresses = rows
        .iter()
        .map(|row| (row.region(), row.scheduler(), row.id()));
    let expected = [
        (Some("11112"), Some("1638523853"), Some("8231456")),
        (Some("11250"), Some("1700000001"), Some("77_4")),
    ];
    assert!(addresses.eq(expected));
    let jobs = rows.into_iter().map(|row| {
        row.into_result(
            RecordSource::Live,
            lookup(&reference("7"), &get_options()),
            CHINA,
        )
        .job
    });
    let jobs: Vec<Job> = jobs.collect();
    assert_eq!(
        [jobs[0].state, jobs[1].state],
        [State::Running, State::Succeeded]
    );
    let details = serde_json::to_value(&jobs[0].details).unwrap();
    assert_eq!(details["time_limit_seconds"], 86_400);
    assert_eq!(jobs[0].resources.accelerator_type.as_deref(), Some("dcu"));
}
