//! Tests array jobs as a whole, and their subtasks.

use super::*;

/// Reads the job with this id in the response. The requested id is the one before the `=`, or else the same.
fn state_of(ids: &str, word: &str, mut fields: Value) -> (State, bool) {
    let (requested, id) = ids.split_once('=').unwrap_or((ids, ids));
    fields["JobId"] = id.into();
    fields["State"] = word.into();
    let job = read_as(requested, &json!({"JobInfo": fields}), false);
    let job = job.unwrap().job;
    (job.state, job.ended)
}

/// Slurm's record of the third subtask of the array job 13.
const SUBTASK: &str =
    r#"{"ArrayJobId": "13", "ArrayTaskId": "3", "JobState": "COMPLETED", "ExitCode": "0:0"}"#;

#[test]
fn an_array_job_as_a_whole_that_is_completed_is_unknown() {
    for (ids, fields) in [
        ("13", json!({"ArrayRequest": "1-5"})),
        ("13", json!({"ArrayRequest": ["1-5"]})),
        ("13", json!({"ArrayJobId": "13"})),
        ("13", json!({"ArrayJobId": ["13"]})),
        // In Slurm, the last subtask keeps the id of its array job.
        ("13", json!({"ArrayJobId": "13", "ArrayJobSubId": "5"})),
        (
            "13",
            json!({"ArrayJobId": 13, "ArrayJobSubId": 5, "ArrayRequest": "1-5:2"}),
        ),
        ("13", json!({"ArrayRequest": "1-5", "ArrayJobSubId": 5})),
        ("13", json!({"ExtraInfo": SUBTASK})),
        (
            "13",
            json!({"ExtraInfo": "ArrayTaskId=3 JobState=COMPLETED ExitCode=0:0"}),
        ),
        (
            "1=1.manager",
            json!({"ArrayJobId": "1", "ArrayJobSubId": "3", "ArrayRequest": "1-5:2"}),
        ),
        (
            "1.manager",
            json!({"ArrayJobId": "1[].manager", "ArrayJobSubId": 3}),
        ),
        ("1[]=1[].manager", json!({})),
        ("1[].manager", json!({"ArrayJobId": "1"})),
    ] {
        let found = state_of(ids, "Completed", fields.clone());
        assert_eq!(found, (State::Unknown, false), "{ids} {fields}");
    }
    // A failure of the subtask is one of the array job.
    let failed = json!({"ArrayJobId": "13", "ArrayJobSubId": "5"});
    assert_eq!(state_of("13", "Failed", failed), (State::Failed, true));
}

#[test]
fn a_subtask_that_is_completed_has_succeeded() {
    let subtask =
        |whole: &str| json!({"ArrayJobId": whole, "ArrayJobSubId": "3", "ArrayRequest": "1-5:2"});
    for (ids, fields) in [
        ("13_3", subtask("13")),
        ("13_3", json!({"ArrayJobSubId": "3"})),
        ("13_3", json!({"ExtraInfo": SUBTASK})),
        ("1[3]=1[3].manager", subtask("1")),
        ("1[3].manager", subtask("1[].manager")),
        // The id of a subtask other than the last one.
        ("14", subtask("13")),
        ("14", json!({"ExtraInfo": SUBTASK})),
        // These jobs are not subtasks.
        ("14", json!({"ArrayJobId": "0", "ArrayJobSubId": "0"})),
        (
            "14",
            json!({"ArrayJobId": "", "ArrayJobSubId": "", "ArrayRequest": ""}),
        ),
    ] {
        let found = state_of(ids, "Completed", fields.clone());
        assert_eq!(found, (State::Succeeded, true), "{ids} {fields}");
    }
}

#[test]
fn an_exit_status_of_a_subtask_is_not_that_of_its_array_job() {
    let finished = |ids: &str, extra: &str, mut fields: Value| {
        fields["ExtraInfo"] = extra.into();
        state_of(ids, "FINISHED", fields)
    };
    let subtask = || json!({"ArrayJobId": "1", "ArrayJobSubId": "3"});
    let zero = r#"{"Exit_status": 0}"#;
    assert_eq!(
        finished("1.manager", zero, subtask()),
        (State::Unknown, true)
    );
    assert_eq!(
        finished("1[3].manager", zero, subtask()),
        (State::Succeeded, true)
    );
    // PBS derives the exit status of an array job from those of its subtasks.
    assert_eq!(
        finished("1[].manager", zero, json!({})),
        (State::Succeeded, true)
    );
}
