use super::*;
use crate::error::{TransportFailure, TransportFailureKind};

#[test]
fn the_reason_after_the_maximum_outage_names_the_limit() {
    let reason = |category, limit, at| {
        let policy = GatePolicy {
            max_outage: Some(Duration::from_millis(limit)),
            ..policy("succeeded")
        };
        let mut history = JobHistory::new(false);
        history.observe(Observation::Read(&job(State::Running)), seconds(0));
        history.observe(Observation::Failed(&problem(category)), seconds(10));
        match history.evaluate(&policy, seconds(at)) {
            Evaluation::Pending(pending) => pending.reason.into_owned(),
            other => panic!("{other:?}"),
        }
    };
    for (category, limit, at, expected) in [
        (Category::Network, 60_000, 69, "network"),
        (
            Category::Network,
            60_000,
            70,
            "could not be read for 1m (--max-outage): network",
        ),
        (
            Category::InvalidArgument,
            500,
            11,
            "could not be read for 500ms (--max-outage): invalid_argument",
        ),
        (Category::Unauthenticated, 500, 11, "unauthenticated"),
    ] {
        assert_eq!(reason(category, limit, at), expected);
    }
}

#[test]
fn a_tls_error_is_final_unless_the_job_was_read_before() {
    use TransportFailureKind::{ConnectionRefused, NoTls, UnknownHost, WrongName};
    let is_final = |kind, was_read, retryable, at| {
        let mut history = JobHistory::new(false);
        if was_read {
            history.observe(Observation::Read(&job(State::Running)), seconds(0));
        }
        let failed = Problem {
            retryable,
            transport_failure: Some(TransportFailure::direct(kind)),
            ..problem(Category::Network)
        };
        history.observe(Observation::Failed(&failed), seconds(10));
        match history.evaluate(&policy("succeeded"), seconds(at)) {
            Evaluation::Pending(pending) => pending.is_final,
            other => panic!("{other:?}"),
        }
    };
    for kind in [WrongName, NoTls] {
        assert!(is_final(kind, false, false, 10));
        assert!(!is_final(kind, true, false, 609));
        assert!(is_final(kind, true, false, 610));
    }
    assert!(!is_final(NoTls, false, true, 100_000));
    for kind in [UnknownHost, ConnectionRefused] {
        assert!(!is_final(kind, false, false, 100_000));
    }
}
