use super::*;

#[test]
fn a_failure_in_a_field_of_another_name_is_unclear() {
    for text in [
        "State=FAILED",
        "JobId=1 exit_code=1 Name=a",
        "ExitReason=OutOfMemory",
        " last_status = timeout",
        "JobState=COMPLETED Reason=TimeLimit ExitCode=0:0",
        "JobState=COMPLETED Reason=NodeDown",
        r#"{"JobState": "COMPLETED", "Reason": "InactiveLimit"}"#,
        r#"{"state_reason": "RaisedSignal:9(Killed)"}"#,
        r#"{"State": "FAILED"}"#,
        r#"{"state": {"current": ["NODE_FAIL"]}}"#,
        r#"{"exit_code": {"return_code": {"set": true, "number": 1}}}"#,
        r#"{"exitCode": "137"}"#,
        r#"{"job": [{"result": "任务失败"}]}"#,
        r#"{"job_status": "canceled", "exit-code": 0}"#,
        r#"{"exit-code": 1}"#,
        r#"{"exit_code": {"signal": 9}}"#,
        r#"{"state": {"0": "FAILED"}}"#,
        r#"{"success": false}"#,
        r#"{"failed": true}"#,
    ] {
        let evidence = EndEvidence::of_extra_info(text);
        assert!(evidence.is_unclear, "{text}: {evidence:?}");
    }
    for text in [
        "State=COMPLETED Reason=None exit_code=0 substate=92",
        "JobName=failed Command=/home/a/error.sh return_code=0",
        r#"{"state": {"current": ["COMPLETED"], "reason": "None"}, "name": "error"}"#,
        r#"{"exit_code": {"return_code": {"set": true, "number": 0}}, "exitCode": "0:0"}"#,
        r#"{"Variables": {"STATE": "failed"}, "exit_code": null}"#,
        r#"{"exit_code": "None", "return_code": "success", "exitCode": 0.0, "success": true}"#,
        "exit_code=N/A return_code=(null)",
    ] {
        let evidence = EndEvidence::of_extra_info(text);
        assert_eq!(evidence, EndEvidence::default(), "{text}");
    }
}

#[test]
fn the_command_and_the_comment_of_a_job_are_not_evidence() {
    for owner_text in [
        "SubmitLine=sbatch --signal=B:USR1@120 run.sh",
        "Command=/home/u/run.sh --exit-code=1",
        "Comment=grid lr=0.1 last_status=failed job killed",
    ] {
        for text in [
            format!("JobId=2\n JobState=COMPLETED ExitCode=0:0\n {owner_text}\n"),
            format!("JobId=2 {owner_text} JobState=COMPLETED Reason=None ExitCode=0:0"),
        ] {
            let evidence = EndEvidence::of_extra_info(&text);
            let expected = EndEvidence {
                exit_code: Some(0),
                ..EndEvidence::default()
            };
            assert_eq!(evidence, expected, "{text}");
        }
    }
}
