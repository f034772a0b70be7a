mod endless;
mod no_warnings;
mod outage;
mod properties;
mod subtasks;

use super::super::{Decision, GatePhase, Verdict, decide};
use super::*;
use crate::model::{Event, Level, Object, Reason, Time};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn job(state: State) -> Job {
    Job {
        state,
        ended: state.is_end(),
        state_raw: Some(state.as_str().to_uppercase()),
        ..Job::default()
    }
}

fn policy(condition: &str) -> GatePolicy {
    GatePolicy::new(Condition::parse(condition, &[]).unwrap())
}

fn problem(category: Category) -> Problem {
    Problem::new(category, category.as_str())
}

/// Returns the evaluation after polls at 0 s, 10 s, 20 s, …
fn evaluation(condition: &str, states: &[State]) -> &'static str {
    let mut history = JobHistory::new(false);
    for (number, state) in states.iter().enumerate() {
        history.observe(Observation::Read(&job(*state)), seconds(10 * number as u64));
    }
    history
        .evaluate(&policy(condition), seconds(10 * states.len() as u64))
        .as_str()
}

#[test]
fn a_condition_is_met_pending_or_unmet_depending_on_the_seen_states() {
    use State::{Canceled, Failed, Pending, Running, Stopping, Succeeded, Unknown};
    let cases: [(&str, &[State], &str); 22] = [
        ("succeeded", &[Pending, Running], "pending"),
        ("succeeded", &[Succeeded], "met"),
        ("succeeded", &[Running, Failed], "unmet"),
        ("succeeded", &[Canceled], "unmet"),
        ("failed", &[Failed], "met"),
        ("failed", &[Succeeded], "unmet"),
        ("failed,canceled", &[Canceled], "met"),
        ("running", &[Pending], "pending"),
        ("running", &[Running], "met"),
        // Passed between two polls.
        ("running", &[Pending, Succeeded], "met"),
        // A stopping job can have never run.
        ("running", &[Pending, Stopping], "pending"),
        ("running", &[Pending, Stopping, Canceled], "unmet"),
        ("running", &[Pending, Stopping, Succeeded], "met"),
        ("running", &[Running, Stopping], "met"),
        ("running", &[Running, Failed], "unmet"),
        ("running", &[Running, Unknown], "pending"),
        ("stopping", &[Running, Succeeded], "unmet"),
        ("stopping", &[Stopping, Succeeded], "met"),
        ("ended", &[Running], "pending"),
        ("ended", &[Failed], "met"),
        // The first end that was seen counts, even if the job is started again.
        ("succeeded", &[Failed, Running, Succeeded], "unmet"),
        ("succeeded", &[Succeeded, Running], "met"),
    ];
    for (condition, states, expected) in cases {
        assert_eq!(
            evaluation(condition, states),
            expected,
            "{condition} {states:?}"
        );
    }
}

#[test]
fn an_unknown_state_is_pending_unless_the_policy_fails_it() {
    let mut history = JobHistory::new(false);
    history.observe(Observation::Read(&job(State::Unknown)), seconds(0));
    assert_eq!(
        history.evaluate(&policy("succeeded"), seconds(0)).as_str(),
        "pending"
    );
    let strict = GatePolicy {
        unknown_fails: true,
        ..policy("succeeded")
    };
    assert_eq!(history.evaluate(&strict, seconds(0)).as_str(), "unmet");
}

#[test]
fn an_end_without_a_known_outcome_is_finally_undecided_after_a_minute() {
    let mut unread = job(State::Unknown);
    unread.ended = true;
    let mut history = JobHistory::new(false);
    history.observe(Observation::Read(&unread), seconds(0));
    let strict = GatePolicy {
        unknown_fails: true,
        ..policy("succeeded")
    };
    for (at, is_final) in [(0, false), (59, false), (60, true)] {
        history.observe(Observation::Read(&unread), seconds(at));
        let Evaluation::Pending(pending) = history.evaluate(&strict, seconds(at)) else {
            panic!()
        };
        let expected = (PendingCause::Service, is_final);
        assert_eq!((pending.cause, pending.is_final), expected, "{at}");
        assert_eq!(
            history.evaluate(&policy("ended"), seconds(at)),
            Evaluation::Met
        );
    }
    let mut readable = job(State::Succeeded);
    readable.ended = true;
    history.observe(Observation::Read(&readable), seconds(61));
    assert_eq!(history.evaluate(&strict, seconds(61)), Evaluation::Met);
}

#[test]
fn a_job_is_finally_missing_after_the_grace_period_and_two_lookups() {
    let missing = problem(Category::NotFound);
    let settled_at = |observations: &[u64]| {
        let mut history = JobHistory::new(false);
        for at in observations {
            history.observe(Observation::Failed(&missing), seconds(*at));
        }
        let Evaluation::Pending(pending) = history.evaluate(&policy("succeeded"), seconds(200))
        else {
            panic!()
        };
        assert_eq!(pending.cause, PendingCause::Missing);
        pending.is_final
    };
    assert!(!settled_at(&[0]));
    assert!(!settled_at(&[0, 20]));
    assert!(!settled_at(&[0, 59]));
    assert!(settled_at(&[0, 60]));
    assert!(!settled_at(&[90, 104]));
    assert!(settled_at(&[90, 105]));
}

#[test]
fn one_successful_poll_makes_a_missing_job_present_again() {
    let mut history = JobHistory::new(false);
    history.observe(
        Observation::Failed(&problem(Category::NotFound)),
        seconds(0),
    );
    history.observe(Observation::Read(&job(State::Running)), seconds(50));
    history.observe(
        Observation::Failed(&problem(Category::NotFound)),
        seconds(70),
    );
    let Evaluation::Pending(pending) = history.evaluate(&policy("succeeded"), seconds(70)) else {
        panic!()
    };
    assert!(!pending.is_final);
    assert_eq!(pending.reason, "disappeared (was running)");
}

#[test]
fn a_longer_grace_period_of_a_kind_delays_a_final_missing_state() {
    let missing = problem(Category::NotFound);
    let mut history = JobHistory::new(false).with_missing_grace(Duration::from_secs(180));
    let mut is_final = |observation: Observation<'_>, at| {
        history.observe(observation, seconds(at));
        match history.evaluate(&policy("succeeded"), seconds(at)) {
            Evaluation::Pending(pending) => pending.is_final,
            other => panic!("{other:?}"),
        }
    };
    for (at, expected) in [(0, false), (100, false), (179, false), (180, true)] {
        assert_eq!(
            is_final(Observation::Failed(&missing), at),
            expected,
            "{at}"
        );
    }
    // After a successful read the time starts again.
    assert!(!is_final(Observation::Read(&job(State::Running)), 200));
    for (at, expected) in [(500, false), (679, false), (680, true)] {
        assert_eq!(
            is_final(Observation::Failed(&missing), at),
            expected,
            "{at}"
        );
    }
}

#[test]
fn a_missing_job_is_never_final_if_the_policy_waits_for_it() {
    let mut history = JobHistory::new(false);
    for at in [0, 100] {
        history.observe(
            Observation::Failed(&problem(Category::NotFound)),
            seconds(at),
        );
    }
    let patient = GatePolicy {
        waits_for_missing: true,
        ..policy("succeeded")
    };
    let Evaluation::Pending(pending) = history.evaluate(&patient, seconds(100)) else {
        panic!()
    };
    assert!(!pending.is_final);
}

#[test]
fn transient_failures_stay_pending_and_rejections_are_final() {
    let after = |category, policy: &GatePolicy, at| {
        let mut history = JobHistory::new(false);
        history.observe(Observation::Read(&job(State::Running)), seconds(0));
        history.observe(Observation::Failed(&problem(category)), seconds(10));
        let Evaluation::Pending(pending) = history.evaluate(policy, seconds(at)) else {
            panic!()
        };
        (pending.cause, pending.is_final)
    };
    let usual = policy("succeeded");
    for category in [
        Category::Network,
        Category::ServiceError,
        Category::Throttled,
        Category::InvalidResponse,
    ] {
        assert_eq!(
            after(category, &usual, 100_000),
            (PendingCause::Service, false)
        );
    }
    for category in [
        Category::Unauthenticated,
        Category::PermissionDenied,
        Category::MissingCredentials,
    ] {
        assert_eq!(
            after(category, &usual, 10),
            (PendingCause::Credentials, true)
        );
    }
    for (at, settled) in [(10, false), (609, false), (610, true)] {
        assert_eq!(
            after(Category::InvalidArgument, &usual, at),
            (PendingCause::Service, settled),
            "a request that had a response before"
        );
    }
    let mut never_read = JobHistory::new(false);
    never_read.observe(
        Observation::Failed(&problem(Category::InvalidArgument)),
        seconds(10),
    );
    let Evaluation::Pending(pending) = never_read.evaluate(&usual, seconds(10)) else {
        panic!()
    };
    assert_eq!(
        (pending.cause, pending.is_final),
        (PendingCause::Service, true)
    );
    let impatient = GatePolicy {
        max_outage: Some(seconds(600)),
        ..policy("succeeded")
    };
    assert_eq!(
        after(Category::Network, &impatient, 609),
        (PendingCause::Service, false)
    );
    assert_eq!(
        after(Category::Network, &impatient, 610),
        (PendingCause::Service, true)
    );
}

#[test]
fn a_job_that_has_not_started_by_the_start_timeout_is_final() {
    let strict = GatePolicy {
        start_timeout: Some(seconds(1800)),
        ..policy("succeeded")
    };
    let mut history = JobHistory::new(false);
    history.observe(Observation::Read(&job(State::Pending)), seconds(0));
    assert_eq!(history.evaluate(&strict, seconds(1799)).as_str(), "pending");
    let Evaluation::Pending(pending) = history.evaluate(&strict, seconds(1800)) else {
        panic!()
    };
    assert_eq!(
        (pending.cause, pending.is_final),
        (PendingCause::NotStarted, true)
    );
    assert_eq!(pending.reason, "not started after 1800 s (pending)");
    history.observe(Observation::Read(&job(State::Running)), seconds(1801));
    let Evaluation::Pending(pending) = history.evaluate(&strict, seconds(4000)) else {
        panic!()
    };
    assert!(!pending.is_final);
}

fn warning(message: &str, count: u64, last: i64) -> Event {
    Event {
        level: Some(Level::Warning),
        message: Some(message.into()),
        count: Some(count),
        last_at: Time::from_unix(last),
        object: Object::default(),
        ..Event::default()
    }
}

#[test]
fn a_warning_is_new_if_its_row_is_new_or_its_count_or_time_has_grown() {
    let after = |second: Vec<Event>| {
        let mut history = JobHistory::new(true);
        history.confirm();
        let mut one = job(State::Unknown);
        one.events = vec![warning("old", 5, 100)];
        history.observe(Observation::Read(&one), seconds(0));
        one.events = second;
        history.confirm();
        history.observe(Observation::Read(&one), seconds(600));
        history
            .evaluate(&policy("no-warnings=10m"), seconds(600))
            .as_str()
    };
    assert_eq!(after(vec![warning("old", 5, 100)]), "met");
    assert_eq!(after(vec![]), "met");
    assert_eq!(after(vec![warning("old", 6, 100)]), "unmet");
    assert_eq!(after(vec![warning("old", 5, 101)]), "unmet");
    assert_eq!(
        after(vec![warning("new", 1, 1), warning("old", 5, 100)]),
        "unmet"
    );
}

#[test]
fn a_warning_contained_twice_in_a_response_is_not_new() {
    let mut history = JobHistory::new(true);
    history.confirm();
    let mut twice = job(State::Unknown);
    for events in [
        vec![warning("old", 5, 100), warning("old", 9, 200)],
        vec![warning("old", 9, 200), warning("old", 5, 100)],
    ] {
        twice.events = events;
        history.observe(Observation::Read(&twice), seconds(0));
        let evaluation = history.evaluate(&policy("no-warnings=10m"), seconds(0));
        assert_eq!(evaluation.as_str(), "pending");
    }
    twice.events = vec![warning("old", 5, 100), warning("old", 10, 200)];
    history.observe(Observation::Read(&twice), seconds(10));
    let evaluation = history.evaluate(&policy("no-warnings=10m"), seconds(10));
    assert_eq!(evaluation.as_str(), "unmet");
}

#[test]
fn an_array_job_with_unread_subtasks_is_pending_and_not_failed() {
    let mut parent = job(State::Unknown);
    parent.reason = Some(Reason::SubtasksUnread);
    parent.message = Some("2 of 3 subtasks are known to have succeeded".to_owned());
    let mut history = JobHistory::new(false);
    history.observe(Observation::Read(&parent), seconds(0));
    let strict = GatePolicy {
        unknown_fails: true,
        ..policy("succeeded")
    };
    let Evaluation::Pending(pending) = history.evaluate(&strict, seconds(0)) else {
        panic!()
    };
    assert_eq!(
        pending.reason,
        "2 of 3 subtasks are known to have succeeded"
    );
    assert!(!pending.is_final);
}
