use super::super::{Condition, Pending};
use super::*;
use crate::model::State;

fn policy(any: bool, fail_fast: bool) -> GatePolicy {
    GatePolicy {
        any,
        fail_fast,
        ..GatePolicy::new(Condition::States(vec![State::Succeeded]))
    }
}

fn pending(cause: PendingCause, settled: bool) -> Evaluation {
    Evaluation::Pending(Pending {
        cause,
        is_final: settled,
        reason: format!("{cause:?}").into(),
    })
}

/// Returns every evaluation that a job can have.
fn all_evaluations() -> Vec<Evaluation> {
    let mut all = vec![Evaluation::Met, Evaluation::Unmet("failed".into())];
    for cause in [
        PendingCause::Credentials,
        PendingCause::Service,
        PendingCause::Missing,
        PendingCause::Time,
    ] {
        all.extend([pending(cause, false), pending(cause, true)]);
    }
    all
}

/// Specifies the exit code independently: by counts first, then by the most important cause.
fn specified(evaluations: &[Evaluation], any: bool) -> u8 {
    let count = |word: &str| {
        evaluations
            .iter()
            .filter(|one| one.as_str() == word)
            .count()
    };
    let (yes, no, all) = (count("met"), count("unmet"), evaluations.len());
    if any {
        if yes >= 1 {
            return 0;
        }
        if no == all {
            return 1;
        }
    } else {
        if no >= 1 {
            return 1;
        }
        if yes == all {
            return 0;
        }
    }
    let has = |cause: PendingCause| {
        evaluations
            .iter()
            .any(|one| matches!(one, Evaluation::Pending(pending) if pending.cause == cause))
    };
    match () {
        () if has(PendingCause::Credentials) => 4,
        () if has(PendingCause::Service) => 5,
        () if has(PendingCause::Missing) => 3,
        () => 124,
    }
}

fn each_combination(check: impl Fn(&[Evaluation], bool, bool)) {
    let all = all_evaluations();
    for any in [false, true] {
        for fail_fast in [false, true] {
            for first in &all {
                check(std::slice::from_ref(first), any, fail_fast);
                for second in &all {
                    check(&[first.clone(), second.clone()], any, fail_fast);
                    for third in &all {
                        let three = [first.clone(), second.clone(), third.clone()];
                        check(&three, any, fail_fast);
                    }
                }
            }
        }
    }
}

#[test]
fn the_exit_code_at_the_deadline_matches_the_specification() {
    each_combination(|evaluations, any, fail_fast| {
        let decision = decide(evaluations, &policy(any, fail_fast), GatePhase::Over).unwrap();
        assert_eq!(
            decision.exit_code(124),
            specified(evaluations, any),
            "{evaluations:?} any={any}"
        );
        assert_eq!(
            decision.cause.is_none(),
            decision.verdict != Verdict::Undecided
        );
    });
}

#[test]
fn a_gate_ends_early_only_if_certain_or_if_nothing_can_change() {
    each_combination(|evaluations, any, fail_fast| {
        let decision = decide(evaluations, &policy(any, fail_fast), GatePhase::Polling);
        let unsettled = evaluations
            .iter()
            .any(|one| matches!(one, Evaluation::Pending(pending) if !pending.is_final));
        let is_verdict = specified(evaluations, any) <= 1;
        let ends = !unsettled || (fail_fast && is_verdict);
        assert_eq!(
            decision.is_some(),
            ends,
            "{evaluations:?} any={any} fail_fast={fail_fast}"
        );
        if let Some(decision) = decision {
            assert_eq!(decision.exit_code(124), specified(evaluations, any));
        }
    });
}

#[test]
fn a_single_check_without_a_verdict_has_the_exit_code_for_pending() {
    let decision = decide(
        &[pending(PendingCause::Time, false)],
        &policy(false, true),
        GatePhase::Over,
    )
    .unwrap();
    assert_eq!(decision.exit_code(8), 8);
}

#[test]
fn a_gate_without_jobs_passes() {
    let decision = decide(&[], &policy(false, true), GatePhase::Polling).unwrap();
    assert_eq!(decision.verdict, Verdict::Passed);
}

#[test]
fn there_is_no_verdict_before_the_first_round_is_complete() {
    each_combination(|evaluations, any, fail_fast| {
        let decision = decide(evaluations, &policy(any, fail_fast), GatePhase::FirstRound);
        assert_eq!(decision, None, "{evaluations:?}");
    });
}

#[test]
fn a_job_not_started_in_time_ends_a_fail_fast_gate_for_all_jobs() {
    let evaluations = [
        pending(PendingCause::Time, false),
        pending(PendingCause::NotStarted, true),
    ];
    let code = |any, fail_fast, progress| {
        let decision = decide(&evaluations, &policy(any, fail_fast), progress)?;
        Some(decision.exit_code(124))
    };
    assert_eq!(code(false, true, GatePhase::Polling), Some(124));
    assert_eq!(code(false, true, GatePhase::FirstRound), None);
    assert_eq!(code(false, false, GatePhase::Polling), None);
    assert_eq!(code(true, true, GatePhase::Polling), None);
}
