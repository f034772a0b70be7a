use super::*;
use crate::model::{Array, Reason};

fn unread(cause: Option<Category>) -> Job {
    Job {
        reason: Some(Reason::SubtasksUnread),
        message: Some("10_5 was not found".to_owned()),
        unread_cause: cause,
        ..job(State::Unknown)
    }
}

#[test]
fn the_cause_of_unread_subtasks_determines_the_cause_of_a_pending_gate() {
    for (cause, expected) in [
        (None, (PendingCause::Time, false)),
        (
            Some(Category::PermissionDenied),
            (PendingCause::Credentials, true),
        ),
        (Some(Category::ServiceError), (PendingCause::Service, false)),
        (
            Some(Category::InvalidResponse),
            (PendingCause::Service, false),
        ),
    ] {
        for condition in ["succeeded", "ended", "no-warnings=1s"] {
            let mut history = JobHistory::new(false);
            history.observe(Observation::Read(&unread(cause)), seconds(0));
            let Evaluation::Pending(pending) = history.evaluate(&policy(condition), seconds(0))
            else {
                panic!("{condition} {cause:?}")
            };
            assert_eq!(
                (pending.cause, pending.is_final),
                expected,
                "{condition} {cause:?}"
            );
            assert_eq!(pending.reason, "10_5 was not found");
            // Regardless of how long nothing happens.
            history.observe(Observation::Read(&unread(cause)), seconds(60));
            let evaluation = history.evaluate(&policy(condition), seconds(60));
            assert_eq!(evaluation.as_str(), "pending", "{condition} {cause:?}");
        }
    }
}

#[test]
fn a_missing_part_of_an_ended_job_is_final_only_after_a_minute() {
    let job = Job {
        ended: true,
        ..unread(Some(Category::NotFound))
    };
    let mut history = JobHistory::new(false);
    for (at, is_final) in [(0, false), (59, false), (60, true)] {
        history.observe(Observation::Read(&job), seconds(at));
        assert_eq!(
            history.evaluate(&policy("ended"), seconds(at)),
            Evaluation::Met
        );
        let Evaluation::Pending(pending) = history.evaluate(&policy("succeeded"), seconds(at))
        else {
            panic!("{at}")
        };
        assert_eq!(
            (pending.cause, pending.is_final),
            (PendingCause::Service, is_final)
        );
    }
}

#[test]
fn a_failed_subtask_decides_the_outcome_before_the_job_has_ended() {
    let failed = Job {
        ended: false,
        message: Some("10_5: exit code 1".to_owned()),
        ..job(State::Failed)
    };
    let evaluation = |condition: &str| {
        let mut history = JobHistory::new(false);
        history.observe(Observation::Read(&failed), seconds(0));
        assert!(!history.has_ended());
        history.evaluate(&policy(condition), seconds(0))
    };
    let reason = "failed: 10_5: exit code 1".to_owned();
    assert_eq!(evaluation("succeeded"), Evaluation::Unmet(reason));
    assert_eq!(evaluation("failed"), Evaluation::Met);
    assert_eq!(evaluation("ended").as_str(), "pending");
}

#[test]
fn the_no_warnings_condition_is_unmet_for_an_active_failed_resource() {
    for state in [State::Failed, State::Canceled] {
        let active = Job {
            ended: false,
            message: Some("10_5: exit code 1".to_owned()),
            ..job(state)
        };
        let mut history = JobHistory::new(false);
        for at in [0, 60] {
            history.observe(Observation::Read(&active), seconds(at));
            assert!(!history.has_ended());
            let reason = format!("{state}: 10_5: exit code 1");
            assert_eq!(
                history.evaluate(&policy("no-warnings=1s"), seconds(at)),
                Evaluation::Unmet(reason)
            );
        }
    }
}

#[test]
fn the_no_warnings_condition_is_not_met_in_an_unrecognized_state() {
    for (ended, cause) in [(false, PendingCause::Time), (true, PendingCause::Service)] {
        let unrecognized = Job {
            ended,
            ..job(State::Unknown)
        };
        let mut history = JobHistory::new(false);
        for at in [0, 60] {
            history.observe(Observation::Read(&unrecognized), seconds(at));
        }
        let condition = policy("no-warnings=1s");
        let Evaluation::Pending(pending) = history.evaluate(&condition, seconds(60)) else {
            panic!("{ended}")
        };
        assert_eq!((pending.cause, pending.is_final), (cause, ended));
        let strict = GatePolicy {
            unknown_fails: true,
            ..condition
        };
        let expected = if ended { "pending" } else { "unmet" };
        assert_eq!(history.evaluate(&strict, seconds(60)).as_str(), expected);
    }
}

#[test]
fn an_active_state_counts_only_if_the_subtasks_could_be_read() {
    let active = |reason: Option<Reason>| Job {
        unread_cause: reason.as_ref().map(|_| Category::ServiceError),
        reason,
        ..job(State::Running)
    };
    let (certain, uncertain) = (active(None), active(Some(Reason::SubtasksUnread)));
    let failed = Job {
        ended: false,
        ..job(State::Failed)
    };
    let condition = policy("running");
    for (observations, expected) in [
        ([&uncertain, &uncertain], "pending"),
        ([&uncertain, &certain], "met"),
        // A failed subtask counts, whatever was reached before.
        ([&uncertain, &failed], "unmet"),
        ([&certain, &failed], "unmet"),
    ] {
        let mut history = JobHistory::new(false);
        for (at, observation) in (0..).zip(observations) {
            history.observe(Observation::Read(observation), seconds(at));
        }
        let evaluation = history.evaluate(&condition, seconds(2));
        assert_eq!(evaluation.as_str(), expected, "{observations:?}");
    }
    let mut history = JobHistory::new(false);
    history.observe(Observation::Read(&uncertain), seconds(0));
    let Evaluation::Pending(pending) = history.evaluate(&condition, seconds(0)) else {
        panic!("the subtasks were not read")
    };
    assert_eq!(pending.cause, PendingCause::Service);
    for other in ["succeeded", "ended"] {
        let Evaluation::Pending(pending) = history.evaluate(&policy(other), seconds(0)) else {
            panic!("{other}")
        };
        assert_eq!(
            pending.cause,
            PendingCause::Time,
            "{other}: it is active anyway"
        );
    }
}

#[test]
fn warnings_of_subtasks_leave_an_array_job_undecided() {
    let array = |start, end, step, index| Job {
        reference: "aliyun/job/c/10".to_owned(),
        array: Some(Array {
            start,
            end,
            step,
            index,
        }),
        ..job(State::Running)
    };
    for (step, end, references) in [
        (Some(2), Some(9), "10_1-9:2"),
        (Some(1), Some(9), "10_1-9"),
        (None, Some(9), "10_1-9"),
        (None, None, "10_INDEX"),
    ] {
        let mut history = JobHistory::new(false);
        for at in [0, 60] {
            let whole = array(Some(1), end, step, None);
            history.observe(Observation::Read(&whole), seconds(at));
            let evaluation = history.evaluate(&policy("no-warnings=1s"), seconds(at));
            let Evaluation::Pending(pending) = evaluation else {
                panic!("{references}")
            };
            assert_eq!(
                (pending.cause, pending.is_final),
                (PendingCause::Time, true)
            );
            let hint = format!("wait for aliyun/job/c/{references} instead");
            assert!(pending.reason.ends_with(&hint), "{}", pending.reason);
        }
    }
    let mut history = JobHistory::new(false);
    for at in [0, 60] {
        let subtask = array(Some(1), Some(9), None, Some(3));
        history.observe(Observation::Read(&subtask), seconds(at));
    }
    let evaluation = history.evaluate(&policy("no-warnings=1s"), seconds(60));
    assert_eq!(evaluation, Evaluation::Met);
}
