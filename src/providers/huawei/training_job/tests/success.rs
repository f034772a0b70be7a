//! Tests which responses count as a success of a completed job.

use super::*;

#[test]
fn a_completed_job_with_a_conflicting_secondary_phase_is_unknown() {
    let read = |phase: &str, secondary: &str, exit_code: i64| {
        let statuses = json!([{"task": "worker-0", "exit_code": exit_code}]);
        let status = json!({
            "phase": phase, "secondary_phase": secondary, "task_statuses": statuses,
        });
        let found = read(&json!({"metadata": {"id": ID}, "status": status})).unwrap();
        let message = found
            .notices
            .into_iter()
            .map(|notice| notice.message)
            .next();
        (found.job.state, found.job.ended, message)
    };
    for (phase, secondary) in [
        ("Completed", "Failed"),
        ("completed", "ABNORMAL"),
        ("Completed", "Lost"),
        ("Completed", "Stopped"),
        ("Completed", "CompletedWithErrors"),
        ("Completed", "Hanged"),
        ("Completed", "Deleted"),
        ("Completed", "Preempted"),
        ("Completed", "已中断"),
        ("Completed", "已终止"),
    ] {
        let text = format!("the phase is {phase}, but the secondary phase is {secondary}");
        let notice = format!("huawei/training-job/{ID}: {text}; shown as unknown");
        assert_eq!(
            read(phase, secondary, 0),
            (State::Unknown, true, Some(notice))
        );
        assert_eq!(read(phase, secondary, 3), (State::Failed, true, None));
    }
    for secondary in ["", "completed", "已完成", "Training Completed"] {
        assert_eq!(
            read("Completed", secondary, 0),
            (State::Succeeded, true, None)
        );
    }
    let notice =
        format!("huawei/training-job/{ID}: unrecognized state 'Whatever' in the secondary phase");
    let found = read("Completed", "Whatever", 0);
    assert_eq!(found, (State::Succeeded, true, Some(notice)));
    for secondary in [
        "Running",
        "Suspended",
        "Paused",
        "Waiting",
        "Scheduling",
        "Saving output",
        "Blocked",
        "挂起",
        "恢复中",
        "Queuing",
        "Stopping",
        "Unknown",
        "Restarting",
        "rescheduling",
        "运行中",
    ] {
        let found = read("Completed", secondary, 0);
        assert_eq!(found, (State::Unknown, false, None), "{secondary}");
        assert_eq!(read("Completed", secondary, 3).0, State::Failed);
    }
    assert_eq!(read("Failed", "Completed", 0), (State::Failed, true, None));
    assert_eq!(read("Running", "Failed", 0).0, State::Running);
}

#[test]
fn a_completed_job_whose_last_run_or_task_reports_a_failure_is_unknown() {
    let read = |reasons: &[&str], message: &str| {
        let runs: Vec<Value> = reasons
            .iter()
            .zip(1_789_351_331..)
            .map(|(reason, start)| json!({"start_at": start, "end_reason": reason}))
            .collect();
        let status = json!({
            "phase": "Completed", "running_records": runs,
            "task_statuses": [{"task": "worker-0", "exit_code": 0, "message": message}],
        });
        let job = read(&json!({"metadata": {"id": ID}, "status": status}))
            .unwrap()
            .job;
        (job.state, job.ended, job.message)
    };
    let unknown = |text: &str| {
        let text = format!("the phase is Completed, but {text}");
        (State::Unknown, true, Some(text))
    };
    let found = read(&["", "node fault"], "");
    assert_eq!(found, unknown("the last run ended with: node fault"));
    let found = read(&[""], "OOMKilled");
    assert_eq!(found, unknown("worker-0 ended with: OOMKilled"));
    let found = read(&["job_hanged"], "");
    assert_eq!(found, unknown("the last run ended with: job_hanged"));
    let found = read(&[], "exit code 137");
    assert_eq!(found, unknown("worker-0 ended with: exit code 137"));
    let found = read(&["worker-0 exit code 137"], "");
    assert_eq!(
        found,
        unknown("the last run ended with: worker-0 exit code 137")
    );
    // The job continued after the run that a fault ended.
    for (reasons, message) in [
        (&["node fault", ""][..], ""),
        (&["completed"], "no error"),
        (&["worker-0 exit code 0"], "exit code 0"),
        (&[], ""),
    ] {
        assert_eq!(read(reasons, message), (State::Succeeded, true, None));
    }
}

#[test]
fn the_last_run_is_the_one_that_began_last() {
    let read = |runs: Value| {
        let status = json!({"phase": "Completed", "running_records": runs});
        let found = read(&json!({"metadata": {"id": ID}, "status": status}));
        found.unwrap().job.state
    };
    let ended = json!({"start_at": 1_789_351_331, "end_at": 1_789_362_651, "end_reason": ""});
    let failed =
        json!({"start_at": 1_789_370_000, "end_at": 1_789_380_000, "end_reason": "node fault"});
    assert_eq!(read(json!([failed, ended])), State::Unknown);
    assert_eq!(read(json!([ended, failed])), State::Unknown);
    assert_eq!(read(json!([ended])), State::Succeeded);
    // The last run has no end, or its order is not known.
    let open = |start: Value| json!({"start_at": start, "end_at": null, "end_reason": ""});
    let later = open(json!(1_789_370_000));
    assert_eq!(read(json!([ended, later])), State::Unknown);
    assert_eq!(read(json!([open(json!(null)), ended])), State::Unknown);
    let earlier = open(json!(1_789_350_000));
    assert_eq!(read(json!([earlier, ended])), State::Succeeded);
    assert_eq!(read(json!([later])), State::Succeeded);
}

#[test]
fn a_failed_run_without_a_start_leaves_a_completed_job_undecided() {
    let read = |runs: Value| {
        let status = json!({"phase": "Completed", "running_records": runs});
        let found = read(&json!({"metadata": {"id": ID}, "status": status}));
        let job = found.unwrap().job;
        (job.state, job.ended, job.message)
    };
    let run = |start: Value, reason: &str| json!({"start_at": start, "end_reason": reason});
    let start = || json!(1_789_351_331);
    let later = || json!(1_789_370_000);
    let null = || Value::Null;
    let fault = "node fault";
    for (runs, index) in [
        (json!([run(start(), ""), run(null(), fault)]), 1),
        (json!([run(start(), ""), run(json!(0), fault)]), 1),
        (json!([run(null(), fault), run(start(), "")]), 0),
        (json!([run(null(), fault), run(null(), "")]), 0),
        (json!([run(null(), ""), run(null(), fault)]), 1),
        (json!([run(start(), fault), run(null(), "")]), 0),
        (json!([run(start(), fault), run(start(), "")]), 0),
    ] {
        let record = format!("running_records[{index}]");
        let message = format!(
            "the phase is Completed, but {record} ended with: node fault, and {record}.start_at does not show whether another run followed"
        );
        let expected = (State::Unknown, false, Some(message));
        assert_eq!(read(runs.clone()), expected, "{runs}");
    }
    let only = json!([run(null(), fault)]);
    let message = "the phase is Completed, but the last run ended with: node fault";
    assert_eq!(read(only), (State::Unknown, true, Some(message.to_owned())));
    for runs in [
        json!([run(start(), ""), run(null(), "")]),
        json!([run(null(), ""), run(null(), "")]),
        json!([run(start(), fault), run(later(), "")]),
        json!([run(later(), ""), run(start(), fault)]),
    ] {
        assert_eq!(read(runs.clone()), (State::Succeeded, true, None), "{runs}");
    }
}

#[test]
fn a_completed_job_whose_last_recovery_failed_is_unknown() {
    let read = |runs: Value| {
        let status = json!({"phase": "Completed", "running_records": runs});
        let found = read(&json!({"metadata": {"id": ID}, "status": status}));
        let job = found.unwrap().job;
        (job.state, job.ended, job.message)
    };
    let run = |began: Value, recoveries: &[(Value, &str)]| {
        let recoveries = recoveries.iter().map(
            |(began, result)| json!({"recover_start_at": began, "recover_result": result, "reason": "node fault"}),
        );
        json!({"start_at": began, "end_reason": "", "recover_records": Vec::from_iter(recoveries)})
    };
    let at = |seconds: i64| json!(1_789_351_000 + seconds);
    let none = || Value::Null;
    let unknown = |result: &str, ended: bool| {
        let text =
            format!("the phase is Completed, but the result of the last recovery is {result}");
        (State::Unknown, ended, Some(text))
    };
    let failed = || run(at(10), &[(at(20), "success"), (at(30), "failed")]);
    for runs in [
        json!([failed()]),
        json!([run(at(10), &[(at(30), "failed"), (at(20), "success")])]),
        json!([run(none(), &[(none(), "success"), (none(), "failed")])]),
        // Recorded with an earlier run than the one after which it began.
        json!([run(at(10), &[(at(50), "failed")]), run(at(40), &[])]),
    ] {
        assert_eq!(read(runs.clone()), unknown("failed", true), "{runs}");
    }
    // Another run may have followed.
    for runs in [
        json!([run(none(), &[(none(), "failed")]), run(none(), &[])]),
        json!([run(none(), &[(at(20), "failed")]), run(none(), &[])]),
        json!([run(none(), &[(none(), "failed")]), run(at(10), &[])]),
    ] {
        let text = "the phase is Completed, but running_records[0] has a recovery with the result failed, and running_records[0].start_at does not show whether another run followed";
        let expected = (State::Unknown, false, Some(text.to_owned()));
        assert_eq!(read(runs.clone()), expected, "{runs}");
    }
    for word in [
        "Recovering",
        "恢复中",
        "Training not finished",
        "Waiting finished",
    ] {
        let recovering = json!([run(at(10), &[(at(20), word)])]);
        assert_eq!(read(recovering), unknown(word, false));
    }
    for runs in [
        // The job continued after the failed recovery.
        json!([failed(), run(at(40), &[])]),
        json!([run(at(40), &[]), failed()]),
        json!([run(at(10), &[(at(20), "failed"), (at(30), "success")])]),
        json!([run(at(10), &[(at(20), "downgrade"), (at(30), "success")])]),
        json!([run(at(10), &[(at(20), "Training finished")])]),
        json!([run(at(10), &[])]),
    ] {
        assert_eq!(read(runs.clone()), (State::Succeeded, true, None), "{runs}");
    }
}

#[test]
fn a_completed_job_succeeds_only_if_its_tasks_have_exit_code_0() {
    let zero = json!([{"task": "worker-0", "exit_code": 0}, {"task": "worker-1", "exit_code": 0}]);
    let job = in_state("Completed", zero.clone()).job;
    assert_eq!((job.state, job.exit_code), (State::Succeeded, Some(0)));
    let job = in_state("Failed", zero).job;
    assert_eq!((job.state, job.exit_code), (State::Failed, None));
    let one = json!([{"task": "worker-0", "exit_code": 0}, {"task": "worker-1", "exit_code": 3}]);
    let job = in_state("Completed", one).job;
    assert_eq!((job.state, job.exit_code), (State::Failed, Some(3)));
    assert_eq!(job.message.as_deref(), Some("worker-1: exit code 3"));
    for second in [
        json!({"task": "worker-0", "exit_code": 1}),
        json!({"exit_code": 1}),
    ] {
        for order in [[0, 1], [1, 0]] {
            let first = json!({"task": "worker-0", "exit_code": 0});
            let both = [first, second.clone()];
            let statuses = json!(order.map(|at: usize| both[at].clone()));
            let job = in_state("completed", statuses).job;
            assert_eq!((job.state, job.exit_code), (State::Failed, Some(1)));
        }
    }
    let code =
        |name: &str, code: Value| json!({"task": name, "exit_code": code, "message": "OOMKilled"});
    for (statuses, name) in [
        (json!([code("worker-0", json!(0))]), "worker-1"),
        (
            json!([code("worker-0", json!(0)), code("worker-1", Value::Null)]),
            "worker-1",
        ),
        (
            json!([
                code("worker-0", json!(0)),
                code("worker-1", json!(0)),
                code("worker-2", Value::Null)
            ]),
            "worker-2",
        ),
    ] {
        let job = in_state("Completed", statuses).job;
        let found = (job.state, job.ended, job.unread_cause);
        assert_eq!(
            found,
            (State::Unknown, false, Some(Category::InvalidResponse))
        );
        let message = format!("the phase is Completed, but {name} has no exit code");
        assert_eq!(job.message, Some(message));
    }
    let found = in_state("Completed", Value::Null).job;
    assert_eq!((found.state, found.exit_code), (State::Succeeded, None));
    let found = in_state("Finished", Value::Null);
    assert_eq!((found.job.state, found.job.ended), (State::Unknown, false));
    assert_eq!(found.notices.len(), 1);
    let job = in_state("Pending", Value::Null).job;
    assert_eq!(job.tasks[1].state, State::Pending);
    let job = in_state("Running", Value::Null).job;
    assert_eq!(job.tasks[1].state, State::Running);
}

#[tokio::test]
async fn a_completed_job_with_an_unreadable_description_of_a_failure_is_undecided() {
    let state = async |statuses: Value, runs: Value| {
        let status = json!({
            "phase": "Completed", "task_statuses": statuses, "running_records": runs,
        });
        let body = json!({"metadata": {"id": ID}, "status": status});
        let responder = responding(&CLOUD, &[GET.name], ServerResponse::json(200, &body));
        let (_server, client) = serve(&CLOUD, Vec::new(), responder).await;
        let found = client
            .get(&reference(&TRAINING_JOB, &[ID]), &get_options())
            .await;
        found.unwrap().job.state
    };
    let statuses = |message: Value| json!([{"task": "a", "exit_code": 0, "message": message}]);
    let runs = |reason: Value| json!([{"start_at": 1_789_351_331, "end_reason": reason}]);
    let found = state(statuses(json!("")), runs(json!(""))).await;
    assert_eq!(found, State::Succeeded);
    for (message, runs) in [
        (json!({"e": "OOMKilled"}), runs(json!(""))),
        (json!(""), runs(json!(["NodeFault"]))),
        (json!(""), json!("NodeFault")),
        (
            json!(""),
            json!([{"start_at": 1_789_351_331, "end_reason": ""}, "NodeFault"]),
        ),
        (json!(""), json!([{"start_at": ["x"], "end_reason": ""}])),
        (
            json!(""),
            json!([{"start_at": 1_789_351_331, "recover_records": "x"}]),
        ),
        (
            json!(""),
            json!([{"start_at": 1_789_351_331, "recover_records": [{"recover_result": ["failed"]}]}]),
        ),
    ] {
        let found = state(statuses(message.clone()), runs.clone()).await;
        assert_eq!(found, State::Unknown, "{message} {runs}");
    }
}

#[test]
fn a_completed_job_with_the_message_of_an_error_is_undecided() {
    let state = |text: &str| {
        let status = json!({"phase": "Completed"});
        let body = json!({"metadata": {"id": ID}, "status": status, "error_msg": text});
        let job = read(&body).unwrap().job;
        (job.state, job.ended)
    };
    for error in ["busy", "job is not completed"] {
        assert_eq!(state(error), (State::Unknown, false), "{error}");
    }
    for fine in ["", "Completed", "job is completed", "done"] {
        assert_eq!(state(fine), (State::Succeeded, true), "{fine}");
    }
}
