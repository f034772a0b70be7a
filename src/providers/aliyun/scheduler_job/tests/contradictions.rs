//! Tests responses of DescribeJob whose fields contradict each other.

use super::*;

#[test]
fn an_ended_array_job_has_not_succeeded_while_subtasks_are_counted_as_active() {
    let ended = |counts: Value| {
        let job = json!({"job_state": "F", "Exit_status": 0, "array_state_count": counts});
        let job = read(json!({"2.scheduler": job}), true).unwrap().job;
        (job.state, job.ended, job.message)
    };
    let undecided = |text: &str| {
        let message = format!("the job is F, but {text}");
        (State::Unknown, false, Some(message))
    };
    let counts = "Queued:1 Running:2 Exiting:0 Expired:97";
    assert_eq!(
        ended(json!(counts)),
        undecided("its array_state_count has Queued:1")
    );
    let counts = "Queued:0 Running:2 Exiting:0 Expired:97 ";
    assert_eq!(
        ended(json!(counts)),
        undecided("its array_state_count has Running:2")
    );
    for unreadable in [
        json!("Queued:x"),
        json!("5"),
        json!("Running:-1"),
        json!({"Queued": 1}),
    ] {
        assert_eq!(
            ended(unreadable),
            undecided("its array_state_count cannot be read")
        );
    }
    for fine in [
        json!("Queued:0 Running:0 Exiting:0 Expired:5"),
        json!(""),
        Value::Null,
    ] {
        assert_eq!(ended(fine), (State::Succeeded, true, None));
    }
    let failed = json!({"job_state": "F", "Exit_status": 1, "array_state_count": "Running:1"});
    assert_eq!(outcome(failed, false), (State::Failed, true, Some(1)));
    let running = json!({"job_state": "B", "array_state_count": "Running:1"});
    assert_eq!(outcome(running, false), (State::Running, false, None));
}

#[test]
fn a_comment_about_a_bad_end_or_an_unreadable_comment_leaves_a_success_undecided() {
    for (comment, expected) in [
        (
            json!("Job run at Mon Nov 30 at 10:00 on (node1) and failed"),
            State::Unknown,
        ),
        (json!(["job killed"]), State::Unknown),
        (
            json!("Job run at Mon Nov 30 at 10:00 on (node1) and finished"),
            State::Succeeded,
        ),
        (json!(""), State::Succeeded),
        (Value::Null, State::Succeeded),
    ] {
        let record = json!({"job_state": "F", "Exit_status": 0, "comment": comment});
        assert_eq!(outcome(record, true).0, expected, "{comment}");
    }
}

#[test]
fn a_job_that_was_deleted_or_terminated_has_not_succeeded() {
    let run = "Job run at Sun Nov 29 at 20:46 on (n1:ncpus=2)+(n2:ncpus=2)";
    let state = |comment: &str, substate: Value, exit_status: Value, trust| {
        let record = json!({
            "job_state": "F", "Exit_status": exit_status, "comment": comment, "substate": substate,
        });
        outcome(record, trust).0
    };
    for end in [
        "terminated",
        "terminated by root@manager",
        "failed",
        "failed ",
        "failed, node down",
        "exceeded resource walltime",
        "requeued",
    ] {
        let comment = format!("{run} and {end}");
        for exit_status in [json!(0), Value::Null] {
            let found = state(&comment, json!(92), exit_status.clone(), true);
            assert_eq!(found, State::Unknown, "{comment} {exit_status}");
        }
    }
    for comment in [
        "Job deleted by user",
        "Subjob failed",
        "Not Running: x and Terminated by root",
    ] {
        assert_eq!(state(comment, json!(92), json!(0), true), State::Unknown);
    }
    for substate in [json!(91), json!(93), json!("91"), json!([91])] {
        for exit_status in [json!(0), Value::Null] {
            let found = state("", substate.clone(), exit_status, true);
            assert_eq!(found, State::Unknown, "{substate}");
        }
        // A failure remains one.
        assert_eq!(state("", substate, json!(271), true), State::Failed);
    }
    for comment in [
        "",
        run,
        &format!("{run} and finished"),
        &format!("{run} and finished."),
    ] {
        assert_eq!(state(comment, json!(92), json!(0), false), State::Succeeded);
    }
}

#[test]
fn a_failure_in_another_field_of_the_record_leaves_a_success_undecided() {
    let with = |fields: Value| {
        let mut record = json!({"job_state": "F", "Exit_status": 0, "Stageout_status": 1});
        let fields = fields.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(fields);
        record
    };
    let single = |mut record: Value| {
        record["JobId"] = "2.scheduler".into();
        record
    };
    for (fields, expected) in [
        (json!({"exit_code": 1}), State::Unknown),
        (json!({"result": "failed"}), State::Unknown),
        (json!({"Reason": "NonZeroExitCode"}), State::Unknown),
        (json!({"success": false}), State::Unknown),
        (
            json!({"steps": [{"exit_code": {"number": 2}}]}),
            State::Unknown,
        ),
        (json!({"1.batch": {"ExitCode": "1:0"}}), State::Failed),
        (
            json!({"exit_code": 0, "result": "success", "Reason": "None"}),
            State::Succeeded,
        ),
        (
            json!({"Job_Name": "failed", "Variable_List": {"result": "failed"}}),
            State::Succeeded,
        ),
        (json!({"State": "F"}), State::Succeeded),
    ] {
        let record = with(fields);
        let by_id = json!({"2.scheduler": record});
        let single = single(record);
        for info in [
            by_id.clone(),
            json!(by_id.to_string()),
            single.clone(),
            json!(single.to_string()),
        ] {
            for trust in [false, true] {
                let found = read(info.clone(), trust).unwrap().job;
                assert_eq!(found.state, expected, "{info}");
            }
        }
    }
}

#[tokio::test]
async fn another_field_of_the_record_counts_for_the_listed_state() {
    let row = || json!([{"Id": "2.scheduler", "State": "FINISHED"}]);
    for info in [
        json!({"2.scheduler": {"Exit_status": 0, "result": "failed"}}),
        json!({"2.scheduler": {"JobState": "COMPLETED", "ExitCode": "0:0", "exit_code": 1}}),
        json!("JobId=2 JobState=COMPLETED Reason=NonZeroExitCode ExitCode=0:0"),
    ] {
        let job = read_listed(info.clone(), row(), true).await.job;
        assert_eq!(job.state, State::Unknown, "{info}");
    }
}

#[tokio::test]
async fn the_listed_state_does_not_hide_subtasks_that_are_active() {
    let info = json!({"2.scheduler": {"Exit_status": 0, "array_state_count": "Running:1"}});
    let row = json!([{"Id": "2.scheduler", "State": "FINISHED"}]);
    let job = read_listed(info, row, true).await.job;
    assert_eq!((job.state, job.ended), (State::Unknown, false));
}

#[tokio::test]
async fn the_listed_state_does_not_replace_a_state_that_is_unreadable_or_contradictory() {
    let row = || json!([{"Id": "2.scheduler", "State": "FINISHED"}]);
    for (states, text) in [
        (
            json!({"State": "R", "job_state": "F"}),
            "State is R, but job_state is F; shown as unknown",
        ),
        (
            json!({"State": "F", "job_state": "R"}),
            "State is F, but job_state is R; shown as unknown",
        ),
        (json!({"job_state": ["R"]}), "job_state"),
    ] {
        let mut fields = states.clone();
        fields["Exit_status"] = 0.into();
        let found = read_listed(json!({"2.scheduler": fields}), row(), true).await;
        assert_eq!(
            (found.job.state, found.job.ended),
            (State::Unknown, false),
            "{states}"
        );
        let mut notices = found.notices.iter();
        assert!(
            notices.any(|notice| notice.message.contains(text)),
            "{states}"
        );
    }
    // Without a state, the list decides.
    let fields = json!({"2.scheduler": {"State": "", "job_state": null, "Exit_status": 0}});
    let found = read_listed(fields, row(), false).await;
    assert_eq!((found.job.state, found.job.ended), (State::Succeeded, true));
}
