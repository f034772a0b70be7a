use super::super::{Decision, Progress, decide};
use super::*;
use crate::model::{Event, Level, Object, Time, Verdict};
use proptest::prelude::*;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn job(state: State) -> Job {
    Job {
        state,
        ended: state.is_end(),
        state_raw: Some(state.word().to_uppercase()),
        ..Job::default()
    }
}

fn rules(goal: &str) -> Rules {
    Rules::new(Goal::parse(goal).unwrap())
}

fn problem(category: Category) -> Problem {
    Problem::new(category, category.word())
}

/// The standing after looks at 0 s, 10 s, 20 s, …
fn standing(goal: &str, states: &[State]) -> &'static str {
    let mut track = Track::new(false);
    for (number, state) in states.iter().enumerate() {
        track.see(Look::Job(&job(*state)), seconds(10 * number as u64));
    }
    track
        .standing(&rules(goal), seconds(10 * states.len() as u64))
        .word()
}

#[test]
fn an_end_otherwise_than_asked_is_no() {
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
        // Passed between two looks.
        ("running", &[Pending, Succeeded], "met"),
        // What is stopping may never have run.
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
        // An end counts when it was seen, even if the thing is started again.
        ("succeeded", &[Failed, Running, Succeeded], "unmet"),
        ("succeeded", &[Succeeded, Running], "met"),
    ];
    for (goal, states, expected) in cases {
        assert_eq!(standing(goal, states), expected, "{goal} {states:?}");
    }
}

#[test]
fn a_word_that_no_table_knows_is_open_unless_it_shall_fail() {
    let mut track = Track::new(false);
    track.see(Look::Job(&job(State::Unknown)), seconds(0));
    assert_eq!(
        track.standing(&rules("succeeded"), seconds(0)).word(),
        "pending"
    );
    let strict = Rules {
        unknown_fails: true,
        ..rules("succeeded")
    };
    assert_eq!(track.standing(&strict, seconds(0)).word(), "unmet");
}

#[test]
fn an_end_whose_outcome_cannot_be_read_stays_open_and_is_an_end() {
    let mut unread = job(State::Unknown);
    unread.ended = true;
    let mut track = Track::new(false);
    track.see(Look::Job(&unread), seconds(0));
    let strict = Rules {
        unknown_fails: true,
        ..rules("succeeded")
    };
    let Standing::Open(open) = track.standing(&strict, seconds(0)) else {
        panic!()
    };
    assert_eq!((open.cause, open.settled), (Cause::Service, false));
    assert_eq!(track.standing(&rules("ended"), seconds(0)), Standing::Yes);
}

#[test]
fn missing_is_believed_after_two_looks_apart_and_after_the_grace() {
    let missing = problem(Category::NotFound);
    let settled_at = |looks: &[u64]| {
        let mut track = Track::new(false);
        for at in looks {
            track.see(Look::Failed(&missing), seconds(*at));
        }
        let Standing::Open(open) = track.standing(&rules("succeeded"), seconds(200)) else {
            panic!()
        };
        assert_eq!(open.cause, Cause::Missing);
        open.settled
    };
    assert!(!settled_at(&[0]));
    assert!(!settled_at(&[0, 20]));
    assert!(!settled_at(&[0, 59]));
    assert!(settled_at(&[0, 60]));
    assert!(!settled_at(&[90, 104]));
    assert!(settled_at(&[90, 105]));
}

#[test]
fn one_good_look_makes_a_missing_thing_present_again() {
    let mut track = Track::new(false);
    track.see(Look::Failed(&problem(Category::NotFound)), seconds(0));
    track.see(Look::Job(&job(State::Running)), seconds(50));
    track.see(Look::Failed(&problem(Category::NotFound)), seconds(70));
    let Standing::Open(open) = track.standing(&rules("succeeded"), seconds(70)) else {
        panic!()
    };
    assert!(!open.settled);
    assert_eq!(open.why, "disappeared (was running)");
}

#[test]
fn missing_can_be_waited_for() {
    let mut track = Track::new(false);
    for at in [0, 100] {
        track.see(Look::Failed(&problem(Category::NotFound)), seconds(at));
    }
    let patient = Rules {
        waits_for_missing: true,
        ..rules("succeeded")
    };
    let Standing::Open(open) = track.standing(&patient, seconds(100)) else {
        panic!()
    };
    assert!(!open.settled);
}

#[test]
fn weather_stays_open_and_refusals_settle() {
    let after = |category, rules: &Rules, at| {
        let mut track = Track::new(false);
        track.see(Look::Job(&job(State::Running)), seconds(0));
        track.see(Look::Failed(&problem(category)), seconds(10));
        let Standing::Open(open) = track.standing(rules, seconds(at)) else {
            panic!()
        };
        (open.cause, open.settled)
    };
    let usual = rules("succeeded");
    for category in [
        Category::Network,
        Category::Service,
        Category::Throttled,
        Category::Unreadable,
    ] {
        assert_eq!(after(category, &usual, 100_000), (Cause::Service, false));
    }
    for category in [
        Category::Refused,
        Category::Permission,
        Category::NoCredentials,
    ] {
        assert_eq!(after(category, &usual, 10), (Cause::Credentials, true));
    }
    assert_eq!(
        after(Category::Rejected, &usual, 10),
        (Cause::Service, true)
    );
    let impatient = Rules {
        max_outage: Some(seconds(600)),
        ..rules("succeeded")
    };
    assert_eq!(
        after(Category::Network, &impatient, 609),
        (Cause::Service, false)
    );
    assert_eq!(
        after(Category::Network, &impatient, 610),
        (Cause::Service, true)
    );
}

#[test]
fn a_job_that_never_starts_is_not_waited_for() {
    let strict = Rules {
        start_timeout: Some(seconds(1800)),
        ..rules("succeeded")
    };
    let mut track = Track::new(false);
    track.see(Look::Job(&job(State::Pending)), seconds(0));
    assert_eq!(track.standing(&strict, seconds(1799)).word(), "pending");
    let Standing::Open(open) = track.standing(&strict, seconds(1800)) else {
        panic!()
    };
    assert_eq!((open.cause, open.settled), (Cause::Time, true));
    assert_eq!(open.why, "not started after 1800 s (pending)");
    track.see(Look::Job(&job(State::Running)), seconds(1801));
    let Standing::Open(open) = track.standing(&strict, seconds(4000)) else {
        panic!()
    };
    assert!(!open.settled);
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
fn a_warning_is_new_when_its_row_is_or_when_it_grew() {
    let after = |second: Vec<Event>| {
        let mut track = Track::new(true);
        track.confirm();
        let mut one = job(State::Unknown);
        one.events = vec![warning("old", 5, 100)];
        track.see(Look::Job(&one), seconds(0));
        one.events = second;
        track.see(Look::Job(&one), seconds(600));
        track
            .standing(&rules("no-warnings=10m"), seconds(600))
            .word()
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
fn a_row_that_one_answer_holds_twice_is_no_newer() {
    let mut track = Track::new(true);
    track.confirm();
    let mut twice = job(State::Unknown);
    for events in [
        vec![warning("old", 5, 100), warning("old", 9, 200)],
        vec![warning("old", 9, 200), warning("old", 5, 100)],
    ] {
        twice.events = events;
        track.see(Look::Job(&twice), seconds(0));
        let standing = track.standing(&rules("no-warnings=10m"), seconds(0));
        assert_eq!(standing.word(), "pending");
    }
    twice.events = vec![warning("old", 5, 100), warning("old", 10, 200)];
    track.see(Look::Job(&twice), seconds(10));
    let standing = track.standing(&rules("no-warnings=10m"), seconds(10));
    assert_eq!(standing.word(), "unmet");
}

#[test]
fn an_array_job_whose_subtasks_are_in_doubt_has_not_failed() {
    let mut parent = job(State::Unknown);
    parent.reason = Some(Job::SUBTASKS_UNREAD.to_owned());
    parent.message = Some("2 of 3 subtasks were seen succeeded".to_owned());
    let mut track = Track::new(false);
    track.see(Look::Job(&parent), seconds(0));
    let strict = Rules {
        unknown_fails: true,
        ..rules("succeeded")
    };
    let Standing::Open(open) = track.standing(&strict, seconds(0)) else {
        panic!()
    };
    assert_eq!(open.why, "2 of 3 subtasks were seen succeeded");
    assert!(!open.settled);
}

#[test]
fn quiet_holds_only_after_its_time_and_for_things_that_exist() {
    let goal = rules("no-warnings=10m");
    let mut track = Track::new(true);
    track.see(Look::Job(&job(State::Unknown)), seconds(5));
    track.see(Look::Job(&job(State::Unknown)), seconds(700));
    assert_eq!(track.standing(&goal, seconds(700)).word(), "pending");
    track.confirm();
    assert_eq!(track.standing(&goal, seconds(700)).word(), "met");
    let mut short = Track::new(true);
    short.confirm();
    short.see(Look::Job(&job(State::Unknown)), seconds(5));
    // Time in which nothing was read does not count as quiet.
    assert_eq!(short.standing(&goal, seconds(5000)).word(), "pending");
}

#[test]
fn quiet_is_no_for_a_job_that_ended_badly() {
    let mut track = Track::new(false);
    track.see(Look::Job(&job(State::Failed)), seconds(0));
    assert_eq!(
        track.standing(&rules("no-warnings=1s"), seconds(0)).word(),
        "unmet"
    );
}

/// A step of a random life.
#[derive(Debug, Clone)]
enum Step {
    State(State),
    Problem(Category),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::sample::select(State::ALL.to_vec()).prop_map(Step::State),
        1 => proptest::sample::select(vec![
            Category::NotFound, Category::Refused, Category::Permission, Category::Network,
            Category::Throttled, Category::Service, Category::Rejected, Category::Unreadable,
        ]).prop_map(Step::Problem),
    ]
}

/// Runs a gate over lives in steps of 10 s; the last step of a life repeats until the deadline.
fn run(lives: &[Vec<Step>], rules: &Rules) -> (Decision, usize) {
    const DEADLINE: usize = 30;
    let mut tracks = vec![Track::new(false); lives.len()];
    for round in 0..=DEADLINE {
        let at = seconds(10 * round as u64);
        for (track, life) in tracks.iter_mut().zip(lives) {
            match &life[round.min(life.len() - 1)] {
                Step::State(state) => track.see(Look::Job(&job(*state)), at),
                Step::Problem(category) => track.see(Look::Failed(&problem(*category)), at),
            }
        }
        let standings: Vec<_> = tracks
            .iter()
            .map(|track| track.standing(rules, at))
            .collect();
        let progress = match round {
            DEADLINE => Progress::Over,
            _ => Progress::Polling,
        };
        if let Some(decision) = decide(&standings, rules, progress) {
            return (decision, round);
        }
    }
    unreachable!("the last round always decides");
}

/// The first end that was seen up to a round.
fn first_end(life: &[Step], round: usize) -> Option<State> {
    life.iter().take(round + 1).find_map(|step| match step {
        Step::State(state) if state.is_end() => Some(*state),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_holds_when_a_job_ended_otherwise_and_never_fails_when_none_did(
        lives in proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..4),
        goal in proptest::sample::select(vec!["succeeded", "running", "failed", "ended", "running,succeeded"]),
        any in any::<bool>(),
        fail_fast in any::<bool>(),
    ) {
        let rules = Rules { any, fail_fast, ..rules(goal) };
        let (decision, round) = run(&lives, &rules);
        let badly = |end: State| match &rules.goal {
            Goal::Ended | Goal::NoWarnings(_) => false,
            Goal::States(states) => {
                let passed = end == State::Succeeded && states.contains(&State::Running);
                !states.contains(&end) && !passed
            }
        };
        let ends: Vec<_> = lives.iter().map(|life| first_end(life, round)).collect();
        let bad = ends.iter().flatten().filter(|end| badly(**end)).count();
        match (decision.verdict, any) {
            (Verdict::Holds, false) => prop_assert_eq!(bad, 0),
            (Verdict::Holds, true) => prop_assert!(bad < lives.len()),
            (Verdict::Fails, false) => prop_assert!(bad > 0),
            (Verdict::Fails, true) => prop_assert_eq!(bad, lives.len()),
            (Verdict::Undecided, _) => prop_assert!(decision.cause.is_some()),
        }
    }
}
