mod arrays;

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::memory::memory_bytes;
use super::super::scheduler_job::SCHEDULER_JOB;
use super::response::decode_job;
use super::*;
use crate::error::Category;
use crate::providers::RequestOptions;
use crate::providers::aliyun::CLOUD;
use crate::providers::aliyun::tests::api;
use crate::providers::api::DecodeError;
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::test_support::{get_options, lookup, reference};
use crate::test_support::jobs::{job, serve};
use crate::test_support::kinds::check_kind;

check_kind!(
    &HPC_JOB,
    essential: [
        "Success", "JobInfo", "JobInfo.JobId", "JobInfo.State",
        "Jobs", "Jobs[]", "Jobs[].JobSpec", "Jobs[].JobSpec.Id", "Jobs[].JobSpec.State",
    ],
    evidence: [
        "JobInfo.ExtraInfo", "JobInfo.ArrayJobId", "JobInfo.ArrayRequest", "JobInfo.ArrayJobSubId",
        "Jobs[].JobSpec.ArrayJobId", "Jobs[].JobSpec.ArrayRequest", "Jobs[].JobSpec.ArrayJobSubId",
    ]
);

fn read(body: &Value, trust: bool) -> Result<GetResult, DecodeError> {
    read_as("1", body, trust)
}

/// Decodes a response to the request for a job with this id.
fn read_as(id: &str, body: &Value, trust: bool) -> Result<GetResult, DecodeError> {
    let options = RequestOptions {
        flags: trust.then_some(TRUST_FINISHED.name).into_iter().collect(),
        ..get_options()
    };
    let reference = reference(&HPC_JOB, &["c", id]);
    decode_job(
        body.to_string().as_bytes(),
        &api(),
        lookup(&reference, &options),
    )
}

fn state(mut fields: Value, trust: bool) -> (State, bool, Option<i64>) {
    fields["JobId"] = "1".into();
    let job = read(&json!({"JobInfo": fields}), trust).unwrap().job;
    (job.state, job.ended, job.exit_code)
}

#[test]
fn fields_of_the_scheduler_explain_queued_and_failed_jobs() {
    let cause = |mut fields: Value| {
        fields["JobId"] = "1".into();
        let job = read(&json!({"JobInfo": fields}), false).unwrap().job;
        let text = |text: Option<String>| text.unwrap_or_default();
        [text(job.reason.map(String::from)), text(job.message)]
    };
    let waits = r#"{"comment": "Not Running: ngpus --password s3cret-comment"}"#;
    let pending = cause(json!({"State": "Queued", "ExtraInfo": waits}));
    assert_eq!(pending, ["", "Not Running: ngpus --password ***"]);
    let exceeded = r#"{"Exit_status": 271, "comment": "job killed: walltime exceeded limit"}"#;
    let failed = cause(json!({"State": "Finished", "ExtraInfo": exceeded}));
    assert_eq!(failed, ["", "job killed: walltime exceeded limit"]);
    let timeout = r#"{"ExitCode": "0:15", "JobState": "TIMEOUT"}"#;
    let failed = cause(json!({"State": "Failed", "ExtraInfo": timeout}));
    assert_eq!(failed, ["TIMEOUT", "signal 15"]);
    // A comment of Slurm is its owner's.
    let own = json!({"State": "Queued", "Comment": "night run", "ExtraInfo": ""});
    assert_eq!(cause(own), ["", ""]);
}

#[test]
fn a_finished_job_succeeds_only_with_exit_status_0_or_if_trusted() {
    let finished =
        |extra: &str, trust| state(json!({"State": "Finished", "ExtraInfo": extra}), trust);
    for extra in ["", "{}", "text", "[]", r#"{"Exit_status": null}"#] {
        assert_eq!(
            finished(extra, false),
            (State::Unknown, true, None),
            "{extra}"
        );
        assert_eq!(
            finished(extra, true),
            (State::Succeeded, true, None),
            "{extra}"
        );
    }
    for unclear in [
        r#"{"Exit_status": 1"#,
        r#"[{"Exit_status": 1}]"#,
        r#"{"Exit_status": "x"}"#,
        r#"{"ExitCode": "x"}"#,
        r#"{"JobState": "CANCELLED"}"#,
    ] {
        let expected = (State::Unknown, true, None);
        assert_eq!(finished(unclear, true), expected, "{unclear}");
    }
    let slurm = r#"{"JobState": "FAILED", "ExitCode": "1:0"}"#;
    assert_eq!(finished(slurm, true), (State::Failed, true, Some(1)));
    let (zero, signal) = (r#"{"Exit_status": "0"}"#, r#"{"Exit_status": 271}"#);
    assert_eq!(finished(zero, false), (State::Succeeded, true, Some(0)));
    assert_eq!(finished(signal, true), (State::Failed, true, Some(271)));
}

#[test]
fn a_failure_in_a_text_in_a_state_of_pbs_or_below_the_id_of_the_job_counts() {
    use State::{Failed, Succeeded, Unknown};
    for (extra, expected) in [
        ("ExitCode=1:0", (Failed, true, Some(1))),
        (
            "JobId=1 JobState=FAILED ExitCode=1:0",
            (Failed, true, Some(1)),
        ),
        (
            "JobId=1 JobState=TIMEOUT\n ExitCode=0:15",
            (Failed, true, None),
        ),
        (
            "Job Id: 1.manager\n    Exit_status = 271",
            (Failed, true, Some(271)),
        ),
        (
            "comment = job killed: mem exceeded limit",
            (Unknown, true, None),
        ),
        ("JobState=COMPLETED ExitCode=odd", (Unknown, true, None)),
        ("ExitCode=0:0 ExitCode=1:0", (Unknown, true, None)),
        ("the job failed", (Unknown, true, None)),
        ("exit code 1", (Unknown, true, None)),
        (r#"{"job_state": "FAILED"}"#, (Failed, true, None)),
        (r#"{"job_state": "R"}"#, (Unknown, true, None)),
        (r#"{"job_state": ["FAILED"]}"#, (Unknown, true, None)),
        (
            r#"{"1.manager": {"Exit_status": 1}}"#,
            (Failed, true, Some(1)),
        ),
        (
            r#"{"Jobs": {"1.manager": {"job_state": "F", "Exit_status": 2}}}"#,
            (Failed, true, Some(2)),
        ),
        (
            r#"{"jobs": [{"JobState": "FAILED"}]}"#,
            (Failed, true, None),
        ),
        (
            r#"{"1.manager": {"Exit_status": 1, "Exit_status": 0}}"#,
            (Unknown, true, None),
        ),
        (
            r#"{"1.manager": {"array_state_count": "Queued:1 Running:0 Expired:4"}}"#,
            (Unknown, false, None),
        ),
        (
            "JobState=COMPLETED ExitCode=0:0 StdErr=/home/a/error.log",
            (Succeeded, true, Some(0)),
        ),
        (
            "job_state = F\n Exit_status = 0",
            (Succeeded, true, Some(0)),
        ),
        (
            r#"{"job_state": "F", "1.manager": {"job_state": "F", "Exit_status": 0}}"#,
            (Succeeded, true, Some(0)),
        ),
        (
            r#"{"Variable_List": {"JobState": "FAILED", "ExitCode": "1:0"}}"#,
            (Succeeded, true, None),
        ),
        (
            r#"{"resources_used": {"mem": "1gb"}, "comment": "Job run at 10:00 and finished"}"#,
            (Succeeded, true, None),
        ),
        ("night run", (Succeeded, true, None)),
        (
            "slurmstepd: error: exceeded memory limit (mem=4G)",
            (Unknown, true, None),
        ),
        (
            "Job Id: 1.manager\n Job_Name = error-analysis\n Exit_status = 0",
            (Succeeded, true, Some(0)),
        ),
        (
            "JobName=failed ExitCode=0:0 Comment=error",
            (Succeeded, true, None),
        ),
    ] {
        for (word, trust) in [("Completed", false), ("Finished", true)] {
            let found = state(json!({"State": word, "ExtraInfo": extra}), trust);
            assert_eq!(found, expected, "{word} {extra}");
        }
    }
    let body = json!({"JobInfo": {"JobId": "1", "State": "Completed", "ExtraInfo": "job failed"}});
    let message = read(&body, false).unwrap().job.message.unwrap();
    assert!(
        message.contains("(ExtraInfo, comment, exit status)"),
        "{message}"
    );
}

#[test]
fn a_job_that_succeeded_although_a_step_failed_has_a_notice() {
    let codes = |extra: &str, word: &str| {
        let fields = json!({"JobId": "1", "State": word, "ExtraInfo": extra});
        let found = read(&json!({"JobInfo": fields}), false).unwrap();
        let codes = found.notices.iter().map(|notice| notice.code.as_str());
        (found.job.state, codes.collect::<Vec<_>>())
    };
    let steps = |code: &str| {
        format!(r#"{{"JobState":"COMPLETED","ExitCode":"0:0","DerivedExitCode":"{code}"}}"#)
    };
    let noted = (State::Succeeded, vec!["failed_parts"]);
    assert_eq!(codes(&steps("1:0"), "Completed"), noted);
    assert_eq!(
        codes("ExitCode=0:0 DerivedExitCode=0:9", "Completed"),
        noted
    );
    assert_eq!(
        codes(&steps("0:0"), "Completed"),
        (State::Succeeded, vec![])
    );
    assert_eq!(codes(&steps("1:0"), "Running"), (State::Running, vec![]));
}

#[test]
fn completed_is_no_success_with_a_bad_exit_status() {
    let completed = |other: Value| {
        let mut fields = json!({"State": "COMPLETED"});
        fields
            .as_object_mut()
            .unwrap()
            .extend(other.as_object().unwrap().clone());
        state(fields, true)
    };
    assert_eq!(completed(json!({})), (State::Succeeded, true, None));
    let failed = json!({"ExtraInfo": r#"{"Exit_status": 1}"#});
    assert_eq!(completed(failed), (State::Failed, true, Some(1)));
    let unreadable = json!({"ExtraInfo": r#"{"Exit_status": []}"#});
    assert_eq!(completed(unreadable), (State::Unknown, true, None));
}

#[test]
fn other_state_words_are_unknown_and_have_not_ended() {
    for word in ["CANCELLED", "TIMEOUT", "Held", ""] {
        assert_eq!(
            state(json!({"State": word}), true),
            (State::Unknown, false, None),
            "{word}"
        );
    }
}

#[test]
fn a_response_about_another_job_is_invalid_and_one_about_none_not_found() {
    let category = |body: Value| match read(&body, false) {
        Err(DecodeError::Failed(error)) => Some(error.category),
        Err(DecodeError::Invalid(_)) => Some(Category::InvalidResponse),
        Ok(_) => None,
    };
    assert_eq!(category(json!({"JobInfo": {"JobId": "1.manager"}})), None);
    let nameless = category(json!({"JobInfo": {"State": "Completed"}}));
    assert_eq!(nameless, Some(Category::InvalidResponse));
    for other in ["2", "11.manager", "1_3"] {
        let body = json!({"JobInfo": {"JobId": other, "State": "Completed"}});
        assert_eq!(category(body), Some(Category::InvalidResponse), "{other}");
    }
    assert_eq!(category(json!({})), Some(Category::InvalidResponse));
    assert_eq!(
        category(json!({"Success": true, "JobInfo": null})),
        Some(Category::NotFound)
    );
    let failed = json!({"Success": "false", "JobInfo": {"State": "Completed"}});
    assert_eq!(category(failed), Some(Category::ServiceError));
}

#[test]
fn the_list_request_filters_by_user_and_unfinished_jobs() {
    let filter = |states: &[State]| Filter {
        states: states.to_vec(),
        user: Some("lin".to_owned()),
        ..Filter::default()
    };
    let newest = json!({"SubmitOrder": "desc"});
    assert_eq!(
        job_filter(&filter(&[State::Pending, State::Running])),
        json!({"JobStatus": "notfinish", "SortBy": newest, "Users": ["lin"]})
    );
    for states in [
        vec![State::Running, State::Unknown],
        vec![State::Failed],
        vec![],
    ] {
        assert_eq!(
            job_filter(&filter(&states)),
            json!({"SortBy": newest, "Users": ["lin"]})
        );
    }
}

#[test]
fn memory_is_read_in_the_units_of_the_schedulers() {
    assert_eq!(memory_bytes("1gb"), Some(1 << 30));
    assert_eq!(memory_bytes("1536MB"), Some(1536 << 20));
    for wrong in [
        "",
        "gb",
        "1",
        "1.5gb",
        "-1gb",
        "99999999999999999999gb",
        "9999999999999tb",
    ] {
        assert_eq!(memory_bytes(wrong), None, "{wrong}");
    }
}

#[test]
fn an_id_in_both_id_fields_must_be_the_same() {
    let read = |ids: Value| {
        let mut fields = json!({"State": "RUNNING", "StdoutPath": "/a", "OutputLog": "/b"});
        fields
            .as_object_mut()
            .unwrap()
            .extend(ids.as_object().unwrap().clone());
        read(&json!({"JobInfo": fields}), false)
    };
    for ids in [
        json!({"Id": "1"}),
        json!({"JobId": "1"}),
        json!({"Id": "1", "JobId": "1"}),
    ] {
        assert_eq!(read(ids).unwrap().job.state, State::Running);
    }
    for ids in [
        json!({"Id": "2", "JobId": "1"}),
        json!({"Id": [[1]], "JobId": "1"}),
    ] {
        assert!(read(ids).is_err());
    }
}

#[tokio::test]
async fn active_jobs_of_a_cluster_are_looked_up_by_one_list_request() {
    for (kind, running, ended, operation) in [
        (&HPC_JOB, "RUNNING", "Completed", LIST.name),
        (&SCHEDULER_JOB, "R", "F", "ListJobsWithFilters"),
    ] {
        let job = |(cluster, id, word): (&str, &str, &str)| {
            let mut job = job(kind, id, word, &[]);
            job.segments.insert(0, cluster.to_owned());
            job
        };
        let jobs = [
            ("c", "1", running),
            ("c", "2", ended),
            ("c", "3", running),
            ("d", "4", running),
        ];
        let jobs = jobs.map(job).to_vec();
        let (server, client) = serve(&CLOUD, jobs, Arc::new(|_| None)).await;
        let wanted = [("c", "1"), ("c", "2"), ("d", "4"), ("c", "3"), ("c", "9")];
        let wanted = wanted.map(|(cluster, id)| reference(kind, &[cluster, id]));
        assert!(client.can_batch(&wanted), "{kind}");
        let found = client.batch_get(&wanted, &get_options()).await.unwrap();
        let ids: Vec<_> = found
            .iter()
            .map(|row| Some(&*row.as_ref()?.job.id))
            .collect();
        // A job that has ended, or is the only one in its cluster, is looked up by itself.
        assert_eq!(ids, [Some("1"), None, None, Some("3"), None], "{kind}");
        assert_eq!(server.requested(), [operation], "{kind}");
    }
}
