use super::*;

fn unread(cause: Option<Category>) -> Job {
    Job {
        reason: Some(Job::SUBTASKS_UNREAD.to_owned()),
        message: Some("10_5 was not found".to_owned()),
        unread_cause: cause,
        ..job(State::Unknown)
    }
}

#[test]
fn what_kept_subtasks_from_being_read_decides_how_the_gate_stays_open() {
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
        for goal in ["succeeded", "ended", "no-warnings=1s"] {
            let mut track = JobHistory::new(false);
            track.observe(Observation::Read(&unread(cause)), seconds(0));
            let Evaluation::Pending(open) = track.evaluate(&rules(goal), seconds(0)) else {
                panic!("{goal} {cause:?}")
            };
            assert_eq!((open.cause, open.is_final), expected, "{goal} {cause:?}");
            assert_eq!(open.reason, "10_5 was not found");
            // However long nothing happens.
            track.observe(Observation::Read(&unread(cause)), seconds(60));
            let evaluation = track.evaluate(&rules(goal), seconds(60));
            assert_eq!(evaluation.as_str(), "pending", "{goal} {cause:?}");
        }
    }
}

#[test]
fn a_failed_subtask_settles_the_outcome_before_the_end() {
    let failed = Job {
        ended: false,
        message: Some("10_5: exit code 1".to_owned()),
        ..job(State::Failed)
    };
    let standing = |goal: &str| {
        let mut track = JobHistory::new(false);
        track.observe(Observation::Read(&failed), seconds(0));
        assert!(!track.has_ended());
        track.evaluate(&rules(goal), seconds(0))
    };
    let why = "failed: 10_5: exit code 1".to_owned();
    assert_eq!(standing("succeeded"), Evaluation::Unmet(why));
    assert_eq!(standing("failed"), Evaluation::Met);
    assert_eq!(standing("ended").as_str(), "pending");
}

#[test]
fn a_resource_in_a_bad_state_is_not_without_warnings_before_its_end() {
    for state in [State::Failed, State::Canceled] {
        let active = Job {
            ended: false,
            message: Some("10_5: exit code 1".to_owned()),
            ..job(state)
        };
        let mut track = JobHistory::new(false);
        for at in [0, 60] {
            track.observe(Observation::Read(&active), seconds(at));
            assert!(!track.has_ended());
            let why = format!("{state}: 10_5: exit code 1");
            assert_eq!(
                track.evaluate(&rules("no-warnings=1s"), seconds(at)),
                Evaluation::Unmet(why)
            );
        }
    }
}

#[test]
fn a_resource_in_an_unrecognized_state_is_not_without_warnings() {
    for (ended, cause) in [(false, PendingCause::Time), (true, PendingCause::Service)] {
        let unrecognized = Job {
            ended,
            ..job(State::Unknown)
        };
        let mut track = JobHistory::new(false);
        for at in [0, 60] {
            track.observe(Observation::Read(&unrecognized), seconds(at));
        }
        let goal = rules("no-warnings=1s");
        let Evaluation::Pending(open) = track.evaluate(&goal, seconds(60)) else {
            panic!("{ended}")
        };
        assert_eq!((open.cause, open.is_final), (cause, false));
        let strict = GatePolicy {
            unknown_fails: true,
            ..goal
        };
        let expected = if ended { "pending" } else { "unmet" };
        assert_eq!(track.evaluate(&strict, seconds(60)).as_str(), expected);
    }
}
