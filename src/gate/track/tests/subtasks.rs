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
        for goal in ["succeeded", "ended"] {
            let mut track = JobHistory::new(false);
            track.observe(Observation::Read(&unread(cause)), seconds(0));
            let Evaluation::Pending(open) = track.evaluate(&rules(goal), seconds(0)) else {
                panic!("{goal} {cause:?}")
            };
            assert_eq!((open.cause, open.is_final), expected, "{goal} {cause:?}");
            assert_eq!(open.reason, "10_5 was not found");
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
