//! Several reports of one end.

use serde_json::{Value, json};

use super::*;

#[test]
fn of_two_words_about_a_job_of_the_history_the_bad_one_counts() {
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
            state(Origin::History, data),
            (expected, true, Some(0)),
            "{field}"
        );
    }
}

#[test]
fn a_success_of_slurm_is_overruled_by_its_own_record() {
    for (origin, own, expected) in [
        (
            Origin::Live,
            json!({"jobInitAttr": {"JobState": "FAILED"}}),
            State::Failed,
        ),
        (Origin::Live, json!({"jobState": "statD"}), State::Failed),
        (
            Origin::History,
            json!({"jobInitAttr": {"JobState": "CANCELLED"}}),
            State::Canceled,
        ),
        (
            Origin::History,
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
fn two_records_of_the_scheduler_complete_each_other_and_the_bad_one_counts() {
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
        assert_eq!(state(Origin::Live, data.clone()), expected, "{data}");
    }
}

#[test]
fn a_sign_of_failure_is_found_in_every_place() {
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
        state(Origin::Live, data).0
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
        assert_eq!(state(Origin::History, data).0, expected, "{fields}");
    }
    for reason in ["RaisedSignal", "RaisedSignal:15(Terminated)"] {
        let only_reason = json!({"jobStatus": "statC", "reason": reason});
        assert_eq!(state(Origin::Live, only_reason).0, State::Unknown);
    }
}
