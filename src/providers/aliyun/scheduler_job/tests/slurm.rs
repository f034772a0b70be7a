//! Tests jobs of Slurm, whose records have `JobState` and `ExitCode`.

use super::*;

fn text(fields: &str) -> Value {
    json!(format!("JobId=2 JobName=a\n   {fields}"))
}

#[tokio::test]
async fn a_completed_job_with_exit_code_0_has_succeeded_unless_another_field_contradicts_it() {
    let row = || json!({"Id": "2", "State": "FINISHED"});
    let state = async |fields: &str, row: Value, trust| {
        read_listed(text(fields), json!([row]), trust)
            .await
            .job
            .state
    };
    let success = "JobState=COMPLETED Reason=None ExitCode=0:0";
    for owner_text in [
        "SubmitLine=sbatch --signal=B:USR1@120 run.sh",
        "Command=/home/u/run.sh --exit-code=1",
        "Comment=grid lr=0.1 last_status=failed",
        "WorkDir=/home/u",
    ] {
        let fields = format!("{success}\n   {owner_text}");
        assert_eq!(
            state(&fields, row(), false).await,
            State::Succeeded,
            "{fields}"
        );
    }
    for fields in [
        "JobState=COMPLETED Reason=TimeLimit ExitCode=0:0",
        "JobState=COMPLETED ExitCode=0:0 exit_code=1",
        "JobState=COMPLETED ExitCode=0:0 ExitCode=1:0",
        "JobState=CANCELLED ExitCode=0:0",
        "JobState=RUNNING ExitCode=0:0",
    ] {
        for trust in [false, true] {
            assert_eq!(
                state(fields, row(), trust).await,
                State::Unknown,
                "{fields}"
            );
        }
    }
    for fields in [
        "JobState=COMPLETED",
        "ExitCode=0:0",
        "JobState=COMPLETED ExitCode=0",
    ] {
        assert_eq!(
            state(fields, row(), false).await,
            State::Unknown,
            "{fields}"
        );
    }
    // The record can be that of one subtask or component.
    for part in [
        "ArrayTaskId=3",
        "HetJobId=2 HetJobOffset=0",
        "HetJobOffset=1",
    ] {
        let fields = format!("{success} {part}");
        assert_eq!(state(&fields, row(), false).await, State::Unknown, "{part}");
    }
    let array = json!({"Id": "2", "State": "FINISHED", "ArrayRequest": "1-5"});
    assert_eq!(state(success, array, false).await, State::Unknown);
    let failed = json!({"Id": "2", "State": "FINISHED", "Exit_status": 1});
    assert_eq!(state(success, failed, false).await, State::Failed);
    let running = json!({"Id": "2", "State": "RUNNING"});
    assert_eq!(state(success, running, true).await, State::Running);
}

#[tokio::test]
async fn the_word_of_slurm_is_the_state_of_a_job_that_the_list_lacks() {
    let read = async |fields: &str, rows: Value| {
        let job = read_listed(text(fields), rows, false).await.job;
        (job.state, job.ended, job.state_raw, job.exit_code)
    };
    let word = |word: &str| Some(word.to_owned());
    for (fields, expected) in [
        (
            "JobState=FAILED ExitCode=1:0",
            (State::Failed, true, word("FAILED"), Some(1)),
        ),
        (
            "JobState=TIMEOUT ExitCode=0:0",
            (State::Failed, true, word("TIMEOUT"), None),
        ),
        (
            "JobState=CANCELLED ExitCode=0:0",
            (State::Canceled, true, word("CANCELLED"), None),
        ),
        (
            "JobState=RUNNING ExitCode=0:0",
            (State::Running, false, word("RUNNING"), None),
        ),
        (
            "JobState=COMPLETED ExitCode=0:0",
            (State::Succeeded, true, word("COMPLETED"), Some(0)),
        ),
        (
            "JobState=COMPLETED Reason=NodeDown ExitCode=0:0",
            (State::Unknown, true, word("COMPLETED"), Some(0)),
        ),
        (
            "JobState=COMPLETED",
            (State::Unknown, true, word("COMPLETED"), None),
        ),
        (
            "JobState=COMPLETED ExitCode=0:0 ArrayTaskId=3",
            (State::Unknown, true, word("COMPLETED"), None),
        ),
        (
            "JobState=NEW ExitCode=0:0",
            (State::Unknown, false, None, None),
        ),
        ("ExitCode=1:0", (State::Unknown, false, None, None)),
    ] {
        assert_eq!(read(fields, json!([])).await, expected, "{fields}");
    }
    // Two rows in different states contradict a success, but not a failure.
    let row = |state: &str| json!({"Id": "2", "State": state});
    let rows = || json!([row("RUNNING"), row("FINISHED")]);
    let success = read("JobState=COMPLETED ExitCode=0:0", rows()).await;
    let undecided = (State::Unknown, false, word("COMPLETED"), None);
    assert_eq!(success, undecided);
    let failure = read("JobState=FAILED ExitCode=1:0", rows()).await;
    assert_eq!(failure.0, State::Failed);
}

#[tokio::test]
async fn the_end_of_a_completed_job_that_the_list_lacks_can_be_trusted() {
    let read = async |info: Value, trust| {
        let job = read_listed(info, json!([]), trust).await.job;
        (job.state, job.ended, job.message.unwrap_or_default())
    };
    let completed = "JobState=COMPLETED";
    let (state, ended, message) = read(text(completed), false).await;
    assert_eq!((state, ended), (State::Unknown, true));
    let expected = "COMPLETED does not show whether the job succeeded; --trust-finished";
    assert!(message.starts_with(expected), "{message}");
    let trusted = read(text(completed), true).await;
    assert_eq!(trusted, (State::Succeeded, true, String::new()));
    for unclear in [
        "Reason=NodeDown",
        "ArrayTaskId=3",
        "HetJobId=2 HetJobOffset=0",
    ] {
        let fields = format!("{completed} ExitCode=0:0 {unclear}");
        let (state, ended, _) = read(text(&fields), true).await;
        assert_eq!((state, ended), (State::Unknown, true), "{unclear}");
    }
    let counted = json!({"JobId": "2", "JobState": "COMPLETED", "ExitCode": "0:0", "array_state_count": "Running:1"});
    let message = "the job is COMPLETED, but its array_state_count has Running:1";
    let expected = (State::Unknown, false, message.to_owned());
    assert_eq!(read(counted, true).await, expected);
}

#[tokio::test]
async fn the_exit_code_of_an_earlier_run_is_not_that_of_a_requeued_job() {
    for (fields, state, ended) in [
        (
            "JobState=PENDING Reason=BeginTime Restarts=1 ExitCode=1:0",
            State::Pending,
            false,
        ),
        (
            "JobState=SPECIAL_EXIT Restarts=1 ExitCode=1:0",
            State::Pending,
            false,
        ),
        ("JobState=REQUEUED ExitCode=1:0", State::Pending, false),
        (
            "JobState=CONFIGURING Restarts=1 ExitCode=1:0",
            State::Starting,
            false,
        ),
        ("JobState=RUNNING ExitCode=0:15", State::Running, false),
        ("JobState=SUSPENDED ExitCode=0:15", State::Running, false),
        (
            "JobState=PREEMPTED Requeue=1 Restarts=0 ExitCode=0:15",
            State::Unknown,
            false,
        ),
        (
            "JobState=PREEMPTED Requeue=0 Restarts=2 ExitCode=0:0",
            State::Unknown,
            false,
        ),
        (
            "JobState=PREEMPTED Requeue=0 Restarts=0 ExitCode=0:0",
            State::Canceled,
            true,
        ),
        (
            "JobState=FAILED Requeue=1 Restarts=1 ExitCode=1:0",
            State::Failed,
            true,
        ),
    ] {
        let job = read_listed(text(fields), json!([]), true).await.job;
        assert_eq!((job.state, job.ended), (state, ended), "{fields}");
    }
    // The list and the record were read at different times.
    let row = json!({"Id": "2", "State": "FINISHED"});
    let fields = "JobState=PENDING Restarts=1 ExitCode=1:0";
    let job = read_listed(text(fields), json!([row]), true).await.job;
    assert_eq!(job.state, State::Unknown);
}
