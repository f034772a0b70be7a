//! Tests responses that report the end of a job in several fields.

use serde_json::{Value, json};

use super::*;

#[test]
fn of_two_end_states_in_a_history_entry_the_worse_one_counts() {
    let completed = json!({"jobStatus": "statC", "jobExitStatus": 0});
    for (field, value, expected) in [
        ("jobInitAttr", json!({"JobState": "FAILED"}), State::Failed),
        (
            "initContentAttr",
            json!(r#"{"JobState":"CANCELLED"}"#),
            State::Canceled,
        ),
        ("jobState", json!("FAILED"), State::Failed),
        ("jobState", json!("statD"), State::Failed),
        ("jobState", json!("statR"), State::Succeeded),
        (
            "jobInitAttr",
            json!({"JobState": "RUNNING"}),
            State::Succeeded,
        ),
        ("reason", json!("NonZeroExitCode"), State::Failed),
    ] {
        let mut data = completed.clone();
        data[field] = value;
        assert_eq!(
            state(RecordSource::History, data),
            (expected, true, Some(0)),
            "{field}"
        );
    }
}

#[test]
fn a_bad_end_state_in_another_field_overrules_completed() {
    for (origin, own, expected) in [
        (
            RecordSource::Live,
            json!({"jobInitAttr": {"JobState": "FAILED"}}),
            State::Failed,
        ),
        (
            RecordSource::Live,
            json!({"jobState": "statD"}),
            State::Failed,
        ),
        (
            RecordSource::History,
            json!({"jobInitAttr": {"JobState": "CANCELLED"}}),
            State::Canceled,
        ),
        (
            RecordSource::History,
            json!({"jobState": "statC"}),
            State::Succeeded,
        ),
    ] {
        let mut data = own.clone();
        data["jobStatus"] = "COMPLETED".into();
        assert_eq!(state(origin, data).0, expected, "{own}");
    }
}

#[test]
fn two_scheduler_records_are_merged_and_the_worse_one_counts() {
    let content = |word: &str, code: &str| json!({"JobState": word, "ExitCode": code}).to_string();
    for (attributes, content, outer, expected) in [
        (
            json!({"Reason": "None"}),
            content("FAILED", "1:0"),
            "",
            (State::Failed, true, Some(1)),
        ),
        (
            json!({"JobState": "COMPLETED"}),
            content("FAILED", ""),
            "",
            (State::Failed, true, None),
        ),
        (
            json!({"ExitCode": "0:0"}),
            content("COMPLETED", ""),
            "",
            (State::Succeeded, true, Some(0)),
        ),
        (
            json!({"JobState": "COMPLETED", "ExitCode": "0:0"}),
            String::new(),
            "5:0",
            (State::Failed, true, Some(5)),
        ),
        (
            json!({"JobState": []}),
            content("COMPLETED", "0:0"),
            "",
            (State::Unknown, true, Some(0)),
        ),
    ] {
        let data = json!({
            "jobStatus": "statC", "jobInitAttr": attributes, "initContentAttr": content,
            "exitCode": outer,
        });
        assert_eq!(state(RecordSource::Live, data.clone()), expected, "{data}");
    }
}

#[test]
fn a_sign_of_failure_in_any_field_prevents_a_success() {
    let completed = json!({
        "jobStatus": "COMPLETED", "reason": "None",
        "jobInitAttr": {"JobState": "COMPLETED", "ExitCode": "0:0", "Reason": "None"},
    });
    let content = |text: &str| json!({"initContentAttr": text});
    let record = |name: &str, value: &str| {
        let mut record = completed["jobInitAttr"].clone();
        record[name] = value.into();
        record
    };
    let with = |fields: &Value| {
        let mut data = completed.clone();
        let fields = fields.as_object().unwrap().clone();
        data.as_object_mut().unwrap().extend(fields);
        state(RecordSource::Live, data).0
    };
    for (fields, expected) in [
        (json!({}), State::Succeeded),
        (json!({"reason": "none"}), State::Succeeded),
        (json!({"reason": "Priority"}), State::Succeeded),
        (content("null"), State::Succeeded),
        (
            content(r#"{"StartTime": "Unknown", "JobState": "COMPLETED"}"#),
            State::Succeeded,
        ),
        (json!({"reason": "nonzeroexitcode"}), State::Failed),
        (json!({"reason": "RaisedSignal"}), State::Failed),
        (json!({"reason": "RaisedSignal:9(Killed)"}), State::Failed),
        (json!({"reason": "NodeDown"}), State::Failed),
        (
            json!({"reason": "none", "jobInitAttr": record("Reason", "NonZeroExitCode")}),
            State::Failed,
        ),
        (
            json!({"reason": "Priority", "jobInitAttr": record("Reason", "OutOfMemory")}),
            State::Failed,
        ),
        (
            json!({"jobInitAttr": record("Reason", "TimeLimit")}),
            State::Failed,
        ),
        (content(r#"{"Reason": "NonZeroExitCode"}"#), State::Failed),
        (content(r#"{"ExitCode": "1:0"}"#), State::Failed),
        (
            json!({"exitCode": "1:0", "jobInitAttr": record("ExitCode", "0: 0")}),
            State::Failed,
        ),
        (
            json!({"jobInitAttr": [record("JobState", "FAILED")]}),
            State::Unknown,
        ),
        (
            json!({"jobInitAttr": r#"{"JobState":"FAILED"}"#}),
            State::Unknown,
        ),
        (
            content(r#"{"JobState":"FAILED","ExitCode":"1:0""#),
            State::Unknown,
        ),
        (json!({"initContentAttr": ["x"]}), State::Unknown),
        (json!({"reason": ["x"]}), State::Unknown),
        (json!({"jobState": "NEW_WORD"}), State::Unknown),
    ] {
        assert_eq!(with(&fields), expected, "{fields}");
    }
    for (fields, expected) in [
        (json!({"exitCode": "1:0"}), State::Failed),
        (
            json!({"jobInitAttr": record("ExitCode", "1:0")}),
            State::Failed,
        ),
        (json!({"exitCode": "0:0"}), State::Succeeded),
    ] {
        let mut data = fields.clone();
        data["jobState"] = "statC".into();
        assert_eq!(state(RecordSource::History, data).0, expected, "{fields}");
    }
    for reason in ["RaisedSignal", "RaisedSignal:15(Terminated)"] {
        let only_reason = json!({"jobStatus": "statC", "reason": reason});
        assert_eq!(state(RecordSource::Live, only_reason).0, State::Unknown);
    }
}

#[test]
fn a_failed_step_of_a_job_that_succeeded_is_a_notice() {
    let read = |data: Value| {
        let mut data = data.clone();
        data["jobId"] = "7".into();
        let body = json!({"code": "0", "data": data}).to_string();
        let (reference, options) = (reference("7"), get_options());
        let lookup = lookup(&reference, &options);
        let found = decode_job(body.as_bytes(), RecordSource::Live, lookup, None, CHINA);
        let found = found.unwrap().unwrap();
        let messages = found.notices.into_iter().map(|notice| notice.message);
        (found.job.state, messages.collect::<Vec<_>>())
    };
    let record = |word: &str, code: &str| json!({"JobState": word, "ExitCode": "0:0", "DerivedExitCode": code});
    let text = "sugon/job/11112/1638523853/7: the job has succeeded, but a step of it ended with exit code 1:0 \
                (DerivedExitCode)";
    let noted = (State::Succeeded, vec![text.to_owned()]);
    let data = json!({"jobStatus": "statC", "jobInitAttr": record("COMPLETED", "1:0")});
    assert_eq!(read(data), noted);
    let content = record("COMPLETED", "1:0").to_string();
    let data = json!({"jobStatus": "COMPLETED", "initContentAttr": content});
    assert_eq!(read(data), noted);
    let data = json!({"jobStatus": "statC", "jobInitAttr": record("COMPLETED", "0:0")});
    assert_eq!(read(data), (State::Succeeded, vec![]));
    let data = json!({"jobStatus": "statR", "jobInitAttr": record("RUNNING", "1:0")});
    assert_eq!(read(data), (State::Running, vec![]));
}

/// Returns the state, reason and message for the data of a response.
fn cause(origin: RecordSource, mut data: Value) -> (State, Option<String>, Option<String>) {
    data["jobId"] = "7".into();
    let body = json!({"code": "0", "data": data}).to_string();
    let (reference, options) = (reference("7"), get_options());
    let lookup = lookup(&reference, &options);
    let found = decode_job(body.as_bytes(), origin, lookup, None, CHINA);
    let job = found.unwrap().unwrap().job;
    (job.state, job.reason.map(String::from), job.message)
}

#[test]
fn a_scheduler_state_that_explains_an_end_is_its_reason() {
    for (data, expected) in [
        (
            json!({"jobState": "TIMEOUT", "jobExitStatus": 10006, "walltime": 3480}),
            (
                State::Failed,
                "TIMEOUT",
                Some("reached its time limit (58m)"),
            ),
        ),
        (
            json!({"jobState": "NODE_FAIL", "jobExitStatus": 0}),
            (State::Failed, "NODE_FAIL", None),
        ),
        (
            json!({"jobState": "CANCELLED by 1001", "jobExitStatus": 0}),
            (State::Canceled, "CANCELLED by 1001", None),
        ),
        (
            json!({"jobState": "OUT_OF_MEMORY", "jobExitStatus": 137}),
            (State::Failed, "OUT_OF_MEMORY", Some("exit code 137")),
        ),
    ] {
        let (state, reason, message) = cause(RecordSource::History, data.clone());
        let shown = (state, reason.as_deref().unwrap_or("-"), message.as_deref());
        assert_eq!(shown, expected, "{data}");
    }
    let failed = json!({"jobState": "FAILED", "jobExitStatus": 1});
    let (_, reason, message) = cause(RecordSource::History, failed);
    assert_eq!((reason, message.as_deref()), (None, Some("exit code 1")));
}

#[test]
fn slurm_memory_and_time_limits_are_not_described_as_signals() {
    for (word, code, reason, expected) in [
        (
            "OUT_OF_MEMORY",
            "0:125",
            "OutOfMemory",
            "exceeded its memory limit",
        ),
        (
            "TIMEOUT",
            "0:15",
            "TimeLimit",
            "reached its time limit (1h00m)",
        ),
        ("FAILED", "0:11", "RaisedSignal:11", "signal 11"),
    ] {
        let record = json!({"JobState": word, "ExitCode": code});
        let data = json!({
            "jobStatus": "statC", "jobInitAttr": record, "reason": reason, "wallTimeReq": "01:00:00",
        });
        let (state, shown, message) = cause(RecordSource::Live, data);
        assert_eq!((state, shown.as_deref()), (State::Failed, Some(reason)));
        assert_eq!(message.as_deref(), Some(expected), "{word}");
    }
}

#[test]
fn the_start_time_unknown_is_not_an_unreadable_field() {
    let record = |start: &str| json!({"JobState": "PENDING", "StartTime": start});
    let read = |start: &str| {
        let data = json!({"jobId": "7", "jobStatus": "statQ", "jobInitAttr": record(start)});
        let body = json!({"code": "0", "data": data}).to_string();
        let decode = |body: &[u8]| {
            let (reference, options) = (reference("7"), get_options());
            decode_job(
                body,
                RecordSource::Live,
                lookup(&reference, &options),
                None,
                CHINA,
            )
        };
        let (found, unreadable) = lenient::collect_unreadable(|| decode(body.as_bytes()));
        (found.unwrap().unwrap().job.started_at, unreadable.count)
    };
    assert_eq!(read("Unknown"), (None, 0));
    assert_eq!(read("soon"), (None, 1));
}

#[test]
fn the_message_names_the_field_that_leaves_a_success_undecided() {
    let success = |fields: Value| {
        let mut record = json!({"JobState": "COMPLETED", "ExitCode": "0:0"});
        let fields = fields.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(fields);
        json!({"jobStatus": "statC", "jobInitAttr": record})
    };
    for (data, expected) in [
        (
            success(json!({"Reason": "Prolog failed"})),
            "the job is statC, but its reason is Prolog failed",
        ),
        (
            json!({"jobStatus": "statC", "reason": "RaisedSignal:9(Killed)"}),
            "the job is statC, but its reason is RaisedSignal:9(Killed)",
        ),
        (
            json!({"jobStatus": "statC", "exitCode": "0:15"}),
            "the job is statC, but its exit code shows a failure: signal 15",
        ),
        (
            success(json!({"ExitCode": "odd"})),
            "the job is statC, but a field that can show a failure cannot be read",
        ),
        (
            json!({"jobStatus": "statC", "jobInitAttr": {"JobState": "NEW"}}),
            "the job is statC, but the scheduler's state NEW is not known",
        ),
        (
            json!({"jobStatus": "statC", "reason": "Priority"}),
            "statC does not show whether the job succeeded",
        ),
    ] {
        let (state, reason, message) = cause(RecordSource::Live, data.clone());
        assert_eq!(state, State::Unknown, "{data}");
        assert_eq!(reason.as_deref(), Some("outcome unknown"), "{data}");
        assert_eq!(message.as_deref(), Some(expected), "{data}");
    }
}
