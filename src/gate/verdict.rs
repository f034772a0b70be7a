use super::{Cause, Rules, Standing};
use crate::model::Verdict;

/// What a gate decided, or that it is over undecided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// What keeps an undecided gate from a verdict.
    pub cause: Option<Cause>,
    /// What decided, in words.
    pub reason: String,
}

impl Decision {
    /// A gate that was stopped before it could decide.
    pub fn undecided(reason: String) -> Self {
        Self {
            verdict: Verdict::Undecided,
            cause: None,
            reason,
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

/// Decides a gate, or says that it must look again (`None`).
///
/// `over` is true when no time is left, so that something must be decided.
pub fn decide(standings: &[Standing], rules: &Rules, over: bool) -> Option<Decision> {
    let verdict = certain(standings, rules.any);
    let can_change = standings.iter().any(is_on_its_way);
    let done = over || !can_change || (rules.fail_fast && verdict.is_some());
    done.then(|| match verdict {
        Some(verdict) => Decision {
            verdict,
            cause: None,
            reason: decisive(standings, rules, verdict),
        },
        None => undecided(standings),
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

fn decisive(standings: &[Standing], rules: &Rules, verdict: Verdict) -> String {
    let no = standings.iter().find_map(|standing| match standing {
        Standing::No(why) => Some(why.clone()),
        _ => None,
    });
    match verdict {
        Verdict::Fails => no.unwrap_or_default(),
        _ if standings.is_empty() => "there was nothing to wait for".to_owned(),
        _ if rules.any => format!("one is {}", rules.goal),
        _ => format!("all are {}", rules.goal),
    }
}

/// The weightiest cause among the open ones.
fn undecided(standings: &[Standing]) -> Decision {
    let heaviest = standings
        .iter()
        .filter_map(|standing| match standing {
            Standing::Open(open) => Some(open),
            _ => None,
        })
        .min_by_key(|open| open.cause);
    Decision {
        verdict: Verdict::Undecided,
        cause: heaviest.map(|open| open.cause),
        reason: heaviest.map_or_else(String::new, |open| open.why.clone()),
    }
}

#[cfg(test)]
mod tests;
