//! Conditions of `wait`, and the verdicts of jobs from start to end.

use std::time::Duration;

use super::{
    IMAGE_JOB, INSTANCE, INVOCATION, JOB, LONG, MAX_DURATION, OTHER_JOB, are, job, reason, verdicts,
};
use crate::support::emulated::Emulated;
use crate::support::in_parallel;

#[test]
fn jobs_that_succeed_on_three_clouds_pass() {
    let scenario = job(JOB, "0s Pending, 300ms Running, 600ms Succeeded")
        + &job(INSTANCE, "0s Waiting, 400ms Running, 900ms Completed")
        + &job(IMAGE_JOB, "0s RUNNING, 500ms SUCCESS")
        + "[[job]]\nref = 'aliyun/invocation/C/c-1'\nstates = [{after='0s', state='Running'}, {after='700ms', state='Finished', exit_code=0}]\n";
    let emulated = Emulated::start(&scenario);
    let references = [JOB, INSTANCE, IMAGE_JOB, INVOCATION];
    let run = emulated
        .wait(&[&references[..], &["-t", LONG]].concat())
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(verdicts(&run), are(&references.map(|one| (one, "met"))));
    let json = run.json();
    assert_eq!(json["gate"]["verdict"], "passed");
    assert_eq!(
        (
            &json["gate"]["met"],
            &json["gate"]["unmet"],
            &json["gate"]["pending"]
        ),
        (&4.into(), &0.into(), &0.into())
    );
    assert_eq!(json["exit"]["code"], 0);
    assert!(run.stderr.lines().last().unwrap().contains("passed"));
}

#[test]
fn a_failed_job_ends_a_wait_while_another_still_runs() {
    let scenario = job(JOB, "0s Running, 500ms Failed") + &job(INSTANCE, "0s Running");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[INSTANCE, JOB, "-t", LONG]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(
        verdicts(&run),
        are(&[(INSTANCE, "pending"), (JOB, "unmet")])
    );
    assert!(run.elapsed < MAX_DURATION);
    assert!(
        reason(&run).starts_with(&format!("{JOB} failed")),
        "{}",
        reason(&run)
    );
}

#[test]
fn no_fail_fast_waits_for_the_other_jobs_after_a_failure() {
    let scenario = job(JOB, "0s Failed") + &job(INSTANCE, "0s Running, 1s Completed");
    let emulated = Emulated::start(&scenario);
    let run = emulated
        .wait(&[INSTANCE, JOB, "--no-fail-fast", "-t", LONG])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(verdicts(&run), are(&[(INSTANCE, "met"), (JOB, "unmet")]));
}

#[test]
fn a_canceled_job_fails_the_gate_for_each_kind_with_that_state() {
    let canceled = [
        (JOB, "0s Running, 400ms Canceled"),
        (INVOCATION, "0s Running, 400ms Stopped"),
        (INSTANCE, "0s Running, 400ms Terminated"),
    ];
    in_parallel(canceled, |(reference, life)| {
        let emulated = Emulated::start(&job(reference, life));
        let run = emulated.wait(&[reference, "-t", LONG]).run();
        assert_eq!(run.code, 1, "{reference}: {}", run.stderr);
        assert!(
            reason(&run).starts_with(&format!("{reference} canceled")),
            "{reason}",
            reason = reason(&run)
        );
    });
}

/// Returns the exit code of a wait for a goal on a job with these states, long before its deadline.
fn code(life: &str, goal: &str) -> i32 {
    let emulated = Emulated::start(&job(JOB, life));
    let run = emulated.wait(&[JOB, "--for", goal, "-t", LONG]).run();
    assert!(run.elapsed < MAX_DURATION, "{life}: {}", run.stderr);
    run.code
}

#[test]
fn each_goal_passes_at_its_states_and_fails_at_other_final_states() {
    let cases = [
        ("0s Pending, 300ms Running", "running", 0),
        ("0s Pending, 300ms Failed", "running", 1),
        ("0s Running, 300ms Failed", "failed", 0),
        ("0s Running, 300ms Succeeded", "failed", 1),
        ("0s Running, 300ms Failed", "ended", 0),
        ("0s Running, 300ms Canceled", "ended", 0),
        ("0s Pending, 300ms Canceled", "failed,canceled", 0),
        ("0s Pending, 300ms Succeeded", "failed,canceled", 1),
    ];
    in_parallel(cases, |(life, goal, expected)| {
        assert_eq!(code(life, goal), expected, "{life}: {goal}");
    });
}

#[test]
fn an_earlier_state_counts_as_reached_unless_the_job_failed_or_was_canceled() {
    assert_eq!(code("0s Succeeded", "running"), 0);
    assert_eq!(code("0s Running", "pending"), 0);
    assert_eq!(code("0s Canceled", "running"), 1);
    assert_eq!(code("0s Failed", "pending,running"), 1);
}

#[test]
fn any_passes_as_soon_as_one_job_succeeds() {
    let scenario = job(JOB, "0s Failed")
        + &job(OTHER_JOB, "0s Running, 600ms Succeeded")
        + &job(INSTANCE, "0s Running");
    let emulated = Emulated::start(&scenario);
    let run = emulated
        .wait(&[JOB, OTHER_JOB, INSTANCE, "--any", "-t", LONG])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = [(JOB, "unmet"), (OTHER_JOB, "met"), (INSTANCE, "pending")];
    assert_eq!(verdicts(&run), are(&expected));
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn any_fails_only_when_none_can_pass() {
    let scenario = job(JOB, "0s Failed") + &job(INSTANCE, "0s Running, 700ms Terminated");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, INSTANCE, "--any", "-t", LONG]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(verdicts(&run), are(&[(JOB, "unmet"), (INSTANCE, "unmet")]));
}

#[test]
fn an_unknown_state_is_reported_once_and_polled_again() {
    let scenario = job(JOB, "0s Hibernating, 1s Succeeded");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let emulated = Emulated::start(&job(JOB, "0s Hibernating"));
    let run = emulated.wait(&[JOB, "-t", "1s"]).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    let message = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning:"));
    assert_eq!(message.count(), 1, "{}", run.stderr);
    assert!(reason(&run).contains("Hibernating"));
}

#[test]
fn an_unknown_state_fails_the_gate_with_on_unknown_fail() {
    let emulated = Emulated::start(&job(JOB, "0s Hibernating"));
    let run = emulated
        .wait(&[JOB, "-t", LONG, "--on-unknown", "fail"])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn a_command_whose_results_are_unreadable_for_a_moment_is_pending_even_with_trust_finished() {
    let command = "[[job]]\nref = 'aliyun/invocation/C/c-1'\nstates = [{after='0s', state='Finished', exit_code=3}]\n";
    let fault = "[[fault]]\noperation = 'ListInvocationResults'\nkind = ";
    let emulated = Emulated::start(&format!("{command}{fault}'empty'\n"));
    for options in [&[][..], &["--trust-finished"]] {
        let wait = [&[INVOCATION, "-t", "1s"], options].concat();
        let run = emulated.wait(&wait).run();
        assert_eq!(run.code, 5, "{options:?}: {}", run.stderr);
        assert_eq!(verdicts(&run), are(&[(INVOCATION, "pending")]));
    }
    in_parallel(
        [
            "'empty'",
            "'status'\nstatus = 503",
            "'html'\nstatus = 502",
            "'throttle'",
            "'truncate'",
            "'reset'",
        ],
        |kind| {
            let emulated = Emulated::start(&format!("{command}{fault}{kind}\ntimes = 2\n"));
            let wait = [INVOCATION, "-t", LONG, "--trust-finished"];
            let run = emulated
                .wait(&[&wait[..], &["--max-attempts", "1"]].concat())
                .run();
            assert_eq!(run.code, 1, "{kind}: {}", run.stderr);
        },
    );
}

#[test]
fn a_command_with_a_nonzero_exit_code_fails_even_with_trust_finished() {
    let scenario = "[[job]]\nref = 'aliyun/invocation/C/c-1'\nparts = 3\nstates = [{after='0s', state='Running'}, {after='300ms', state='Finished', exit_code=3}]\n";
    let emulated = Emulated::start(scenario);
    let run = emulated
        .wait(&[INVOCATION, "-t", LONG, "--trust-finished"])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
}

#[test]
fn an_array_job_is_pending_until_every_subtask_has_succeeded() {
    let parent = |last: &str| {
        job("aliyun/job/C/10", "0s Succeeded")
            + &job("aliyun/job/C/10_1-2", "0s Succeeded")
            + &job("aliyun/job/C/10_3", last)
    };
    let emulated = Emulated::start(&parent("0s Running, 1s Succeeded"));
    let run = emulated.wait(&["aliyun/job/C/10", "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let emulated = Emulated::start(&parent("0s Running"));
    let run = emulated
        .wait(&["aliyun/job/C/10", "-t", "1s", "--on-unknown", "fail"])
        .run();
    assert_eq!(run.code, 124, "no job has failed: {}", run.stderr);
    assert!(reason(&run).contains("2 of 3 subtasks"), "{}", reason(&run));
}

#[test]
fn a_job_not_started_within_start_timeout_is_given_up_before_the_deadline() {
    let scenario = job(JOB, "0s Pending") + &job(INSTANCE, "0s Running, 3s Completed");
    let emulated = Emulated::start(&scenario);
    for (option, other) in [("--fail-fast", "pending"), ("--no-fail-fast", "met")] {
        let run = emulated
            .wait(&[
                JOB,
                INSTANCE,
                "--start-timeout",
                "500ms",
                "-t",
                LONG,
                option,
            ])
            .run();
        assert_eq!(run.code, 124, "{}", run.stderr);
        assert!(run.elapsed < MAX_DURATION);
        assert!(reason(&run).contains(": not started after "));
        assert_eq!(verdicts(&run), are(&[(JOB, "pending"), (INSTANCE, other)]));
    }
}

#[test]
fn a_job_still_running_at_the_deadline_leaves_the_gate_undecided() {
    let emulated = Emulated::start(&job(JOB, "0s Running"));
    let run = emulated.wait(&[JOB, "-t", "1s"]).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    let gate = run.json()["gate"].clone();
    assert_eq!(gate["verdict"], "undecided");
    assert!(run.elapsed >= Duration::from_secs(1) && run.elapsed < MAX_DURATION);
}

#[test]
fn a_goal_may_be_a_state_or_a_state_word_of_the_cloud_in_any_case() {
    let emulated = Emulated::start(
        &(job(JOB, "0s Initing")
            + &job(IMAGE_JOB, "0s SUCCESS")
            + "[[job]]\nref = 'aliyun/invocation/C/c-1'\nstates = [{after='0s', state='Finished', exit_code=0}]\n"),
    );
    let code = |reference, goal| emulated.wait(&[reference, "-t", "0", "--for", goal]).run();
    for (reference, goal) in [
        (JOB, "Starting"),
        (JOB, "initing,FAILED"),
        (IMAGE_JOB, "Success"),
        (IMAGE_JOB, "ENDED"),
        (INVOCATION, "Succeeded"),
    ] {
        let run = code(reference, goal);
        assert_eq!(run.code, 0, "{goal}: {}", run.stderr);
    }
    for (goal, message) in [
        (
            "Finished",
            "'Finished' can mean succeeded (aliyun/invocation) or failed (aliyun/invocation)",
        ),
        ("Initing", "unknown state 'Initing'"),
        ("unknown", "cannot wait for the state unknown"),
    ] {
        let run = code(INVOCATION, goal);
        assert_eq!(run.code, 2, "{goal}");
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
}

#[test]
fn words_that_the_config_file_maps_are_conditions_and_filters() {
    let unrecognized = "{ after = '0s', state = 'Suspended', unrecognized = true }";
    let world = format!("[[job]]\nref = '{JOB}'\nstates = [{unrecognized}]\n");
    let emulated = Emulated::start(&(world + &job(INSTANCE, "0s Running")));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    let states =
        "[states.\"aliyun/job\"]\nSuspended = 'stopping'\nparked = 'stopping'\nLost = 'unknown'\n";
    std::fs::write(&path, states).unwrap();
    let config = path.to_str().unwrap();
    for word in ["suspended", "SUSPENDED,failed", "stopping"] {
        let arguments = [JOB, "-t", LONG, "--config", config, "--for", word];
        let run = emulated.wait(&arguments).run();
        assert_eq!(run.code, 0, "{word}: {}", run.stderr);
    }
    // Other kinds have the word as well.
    let ambiguous = ["list", "-s", "suspended", "--config", config];
    assert_eq!(emulated.joblens(&ambiguous).run().code, 2);
    let scope = JOB.rsplit_once('/').unwrap().0;
    let list = [
        "list", scope, "-s", "Parked", "-o", "name", "--config", config,
    ];
    assert_eq!(emulated.joblens(&list).run().stdout, format!("{JOB}\n"));
    let refused = |arguments: &[&str], message: &str| {
        let run = emulated.wait(&[arguments, &["-t", LONG]].concat()).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(message), "{}", run.stderr);
        run.stderr
    };
    refused(
        &[JOB, "--config", config, "--for", "lost"],
        "the state unknown",
    );
    // A mapping applies to its kind only. An opposite state is not suggested.
    let other = [INSTANCE, "--config", config, "--for", "suspended"];
    let stderr = refused(&other, "unknown state 'suspended'");
    assert!(!stderr.contains("did you mean"), "{stderr}");
}
