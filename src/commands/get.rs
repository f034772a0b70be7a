use std::time::{Duration, Instant};

use clap::Args;

use super::Session;
use super::asked::{self, Asked};
use super::gated::{self, GateState, Spent, Stop};
use super::look_up::{self, Lens, Outcome};
use super::poll::Watched;
use crate::error::Problem;
use crate::gate::{Goal, Progress, Rules, decide};
use crate::model::{Report, State};

/// Look things up, once, all clouds at the same time
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
    joblens get aliyun/job/ehpc-hz-FYUr32/5 sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f\n  \
    joblens get - -o json < references.txt | jq '.jobs[].state'",
    after_help = "Exit codes: 0 all looked up · 2 wrong use · 3 not found · 4 credentials · 5 service or network.\n\
    With --exit-status: 0 all succeeded · 1 any failed · 8 still pending; otherwise as above."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// Exit 0 if all succeeded, 1 if any failed, 8 if still pending
    #[arg(long)]
    exit_status: bool,
}

impl Arguments {
    /// True when nothing of it was given.
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty() && !self.exit_status
    }

    /// The first reference.
    pub(super) fn first_word(&self) -> Option<&str> {
        self.asked.references.first().map(String::as_str)
    }
}

/// Looks up what was named and shows it.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match answer(session, arguments) {
        Ok((report, true)) => session.finish_gate(report),
        Ok((report, false)) => session.finish(report),
        Err(problems) => session.refuse("get", problems),
    }
}

/// The answer, and whether it is a gate.
type Answer = (Report, bool);

fn answer(session: &Session, arguments: &Arguments) -> Result<Answer, Vec<Problem>> {
    let asked = &arguments.asked;
    let mut options = asked.options();
    // A gate needs a fixed reference.
    options.allowed.newest = !arguments.exit_status;
    let lens = asked.lens(session, options)?;
    let rules = Rules::new(Goal::States(vec![State::Succeeded]));
    if arguments.exit_status {
        if lens.references.is_empty() {
            return Err(vec![Problem::usage(
                "nothing to look up, so that nothing can be decided",
            )]);
        }
        gated::check_goal(&lens.references, &rules.goal).map_err(|problem| vec![problem])?;
    }
    let started = Instant::now();
    let outcomes = asked::outcomes(&lens);
    Ok(match arguments.exit_status {
        false => (look_up::report("get", outcomes, &lens), false),
        true => one_look(&lens, outcomes, &rules, started.elapsed()),
    })
}

/// The gate of one look: what is still on its way leaves it undecided.
fn one_look(lens: &Lens, outcomes: Vec<Outcome>, rules: &Rules, elapsed: Duration) -> Answer {
    const PENDING: u8 = 8;
    let watched: Vec<Watched> = lens
        .references
        .iter()
        .zip(outcomes)
        .map(|(reference, outcome)| Watched::seen_once(reference, outcome))
        .collect();
    let standings = gated::standings(&watched, rules, Duration::ZERO);
    let decision =
        decide(&standings, rules, Progress::Over).expect("a gate whose time is over decides");
    let code = decision.exit_code(PENDING);
    let spent = Spent {
        elapsed,
        requests: lens.wire.calls(),
        stop: Stop::OneCheck,
    };
    let notices = lens.told.all();
    let state = GateState {
        watched: &watched,
        standings: &standings,
        rules,
        decision: &decision,
        spent,
    };
    let report = gated::report("get", &state, notices, code);
    (report, true)
}
