use super::*;

#[test]
fn the_reason_after_the_maximum_outage_names_the_limit() {
    let reason = |category, limit, at| {
        let policy = GatePolicy {
            max_outage: Some(Duration::from_millis(limit)),
            ..policy("succeeded")
        };
        let mut track = JobHistory::new(false);
        track.observe(Observation::Read(&job(State::Running)), seconds(0));
        track.observe(Observation::Failed(&problem(category)), seconds(10));
        match track.evaluate(&policy, seconds(at)) {
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
