use proptest::prelude::*;

use super::*;

/// A step in the lifecycle of a random job.
#[derive(Debug, Clone)]
enum Step {
    State(State),
    Problem(Category),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::sample::select(State::ALL.to_vec()).prop_map(Step::State),
        1 => proptest::sample::select(vec![
            Category::NotFound, Category::Unauthenticated, Category::PermissionDenied, Category::Network,
            Category::Throttled, Category::ServiceError, Category::InvalidArgument, Category::InvalidResponse,
        ]).prop_map(Step::Problem),
    ]
}

/// Runs a gate over sequences of observations in steps of 10 s; the last one repeats until the deadline.
fn run(lives: &[Vec<Step>], policy: &GatePolicy) -> (Decision, usize) {
    const DEADLINE: usize = 30;
    let mut tracks = vec![JobHistory::new(false); lives.len()];
    for round in 0..=DEADLINE {
        let at = seconds(10 * round as u64);
        for (history, life) in tracks.iter_mut().zip(lives) {
            match &life[round.min(life.len() - 1)] {
                Step::State(state) => history.observe(Observation::Read(&job(*state)), at),
                Step::Problem(category) => {
                    history.observe(Observation::Failed(&problem(*category)), at)
                }
            }
        }
        let standings: Vec<_> = tracks
            .iter()
            .map(|history| history.evaluate(policy, at))
            .collect();
        let progress = match round {
            DEADLINE => GatePhase::Over,
            _ => GatePhase::Polling,
        };
        if let Some(decision) = decide(&standings, policy, progress) {
            return (decision, round);
        }
    }
    unreachable!("the last round always decides");
}

/// Returns the first end that was seen up to a round.
fn first_end(life: &[Step], round: usize) -> Option<State> {
    life.iter().take(round + 1).find_map(|step| match step {
        Step::State(state) if state.is_end() => Some(*state),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_gate_passes_or_fails_only_in_agreement_with_how_its_jobs_ended(
        lives in proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..4),
        condition in proptest::sample::select(vec!["succeeded", "running", "failed", "ended", "running,succeeded"]),
        any in any::<bool>(),
        fail_fast in any::<bool>(),
    ) {
        let policy = GatePolicy { any, fail_fast, ..policy(condition) };
        let (decision, round) = run(&lives, &policy);
        let badly = |end: State| match &policy.condition {
            Condition::Ended | Condition::NoWarnings(_) => false,
            Condition::States(states) => {
                let passed = end == State::Succeeded && states.contains(&State::Running);
                !states.contains(&end) && !passed
            }
        };
        let ends: Vec<_> = lives.iter().map(|life| first_end(life, round)).collect();
        let bad = ends.iter().flatten().filter(|end| badly(**end)).count();
        match (decision.verdict, any) {
            (Verdict::Passed, false) => prop_assert_eq!(bad, 0),
            (Verdict::Passed, true) => prop_assert!(bad < lives.len()),
            (Verdict::Failed, false) => prop_assert!(bad > 0),
            (Verdict::Failed, true) => prop_assert_eq!(bad, lives.len()),
            (Verdict::Undecided, _) => prop_assert!(decision.cause.is_some()),
        }
    }
}
