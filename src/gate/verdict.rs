use super::{Cause, Rules, Standing};
use crate::model::Verdict;

/// What a gate decided, or that it is over undecided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// What keeps an undecided gate from a verdict.
    pub cause: Option<Cause>,
}

impl Decision {
    /// A gate that was stopped before it could decide.
    pub fn undecided() -> Self {
        Self {
            verdict: Verdict::Undecided,
            cause: None,
        }
    }

    /// The exit code; `pending` is that of a gate that ran out of time: 124, or 8 for one look.
    pub fn exit_code(&self, pending: u8) -> u8 {
        match (self.verdict, self.cause) {
            (Verdict::Holds, _) => 0,
            (Verdict::Fails, _) => 1,
            (Verdict::Undecided, Some(Cause::Credentials)) => 4,
            (Verdict::Undecided, Some(Cause::Service)) => 5,
            (Verdict::Undecided, Some(Cause::Missing)) => 3,
            (Verdict::Undecided, Some(Cause::Time) | None) => pending,
        }
    }
}

/// How far the polling of a gate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A reference has neither been answered nor failed yet.
    FirstRound,
    /// Every reference was answered or failed at least once.
    Polling,
    /// No time is left, so that the gate ends.
    Over,
}

/// Decides a gate, or returns `None` while it must poll again.
///
/// A verdict that is certain early waits for the first round, so that it never depends on which
/// response comes first, and every reference is reported.
pub fn decide(standings: &[Standing], rules: &Rules, progress: Progress) -> Option<Decision> {
    let verdict = certain(standings, rules.any);
    let can_change = standings.iter().any(is_on_its_way);
    let done = match progress {
        Progress::FirstRound => false,
        Progress::Polling => !can_change || (rules.fail_fast && verdict.is_some()),
        Progress::Over => true,
    };
    done.then(|| match verdict {
        Some(verdict) => Decision {
            verdict,
            cause: None,
        },
        None => Decision {
            verdict: Verdict::Undecided,
            cause: heaviest(standings),
        },
    })
}

/// All asked: any no fails, all yes holds. Any asked: any yes holds, all no fails.
fn certain(standings: &[Standing], any: bool) -> Option<Verdict> {
    let is_yes = |standing: &Standing| matches!(standing, Standing::Yes);
    let is_no = |standing: &Standing| matches!(standing, Standing::No(_));
    match any {
        _ if standings.is_empty() => Some(Verdict::Holds),
        false if standings.iter().any(is_no) => Some(Verdict::Fails),
        false if standings.iter().all(is_yes) => Some(Verdict::Holds),
        true if standings.iter().any(is_yes) => Some(Verdict::Holds),
        true if standings.iter().all(is_no) => Some(Verdict::Fails),
        _ => None,
    }
}

fn is_on_its_way(standing: &Standing) -> bool {
    matches!(standing, Standing::Open(open) if !open.settled)
}

/// The weightiest cause among the open ones.
fn heaviest(standings: &[Standing]) -> Option<Cause> {
    let causes = standings.iter().filter_map(|standing| match standing {
        Standing::Open(open) => Some(open.cause),
        _ => None,
    });
    causes.min()
}

#[cfg(test)]
mod tests;
