use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::args::{LookupArgs, PollArgs};
use super::context::{CommandContext, CommandResult};
use super::early_rows::EarlyRows;
use super::gate_report::{self, GateReport, GateState, GateStats, GateStatus};
use super::interrupt_handler::InterruptHandler;
use super::lookup::{self, AllowedTargets, DETAILS_TIMEOUT, Lookup, LookupPlan, LookupResult};
use super::poll::PolledJob;
use super::runtime::block_on;
use super::watch;
use crate::error::{Problem, Stop, exit_code};
use crate::gate::{Condition, Decision, GatePhase, GatePolicy, decide};
use crate::model::State;
use crate::output::document::Envelope;

/// Get one or more resources
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
    joblens get aliyun/job/ehpc-hz-FYUr32/5 \\\n      \
    sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f\n  \
    joblens get - -o json < references.txt | jq '.jobs[].state'",
    after_help = "Exit codes: 0 success · 2 usage error · 3 not found · 4 authentication or permission · 5 service or network error · 130/143 interrupted · 141 output closed\n\
    With --exit-status: 0 all succeeded · 1 any failed · 8 still pending; otherwise as above"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    lookup: LookupArgs,
    /// Request each job individually; by default, more than 20 jobs of one account and kind are read from lists
    #[arg(long)]
    detail: bool,
    /// Exit 0 if all succeeded, 1 if any failed, 8 if still pending
    #[arg(long)]
    exit_status: bool,
    /// Watch the resources until they finish, as joblens watch does
    #[arg(short, long, conflicts_with_all = ["exit_status", "raw", "show_secrets"])]
    watch: bool,
}

impl Arguments {
    /// Returns `true` if no reference or option was given.
    pub(super) fn is_empty(&self) -> bool {
        self.lookup.is_empty() && !self.detail && !self.exit_status && !self.watch
    }

    /// Returns the first reference; `-` if references are read from a file.
    pub(super) fn first_word(&self) -> Option<&str> {
        let file = self.lookup.files.first().map(|_| "-");
        self.lookup.references.first().map(String::as_str).or(file)
    }
}

/// Looks up the references and shows the jobs.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    if arguments.watch {
        let (inputs, flags) = (arguments.lookup.inputs(), &arguments.lookup.kind_flags);
        return Ok(watch::run_with(
            context,
            inputs,
            flags,
            &PollArgs::default(),
        ));
    }
    print(context, arguments)
}

/// Prints the jobs and returns the exit code.
fn print(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let requested = &arguments.lookup;
    let mut options = requested.options();
    // With `--exit-status`, references must be fixed, so `@latest` is not allowed.
    if arguments.exit_status {
        options.allowed = AllowedTargets::References;
    }
    options.lists = !arguments.detail;
    options.details_timeout = Some(DETAILS_TIMEOUT);
    let plan = requested.plan(context, options)?;
    let policy = GatePolicy::new(Condition::States(vec![State::Succeeded]));
    if arguments.exit_status {
        check_gate(&plan, &policy)?;
    }
    let lookup = Arc::new(plan.into_lookup(context, None)?);
    let stopwatch = context.session.stopwatch();
    context.show_progress();
    // Handles signals until the output is written.
    let mut interrupt_handler = InterruptHandler::new();
    let stopped = interrupt_handler.stopped(context);
    Ok(match arguments.exit_status {
        false => {
            let mut rows = EarlyRows::new(context, &lookup.references);
            let results = lookup.get_all_until(stopped, |results| rows.print(results));
            let (results, stop) = block_on(results);
            rows.finish(lookup::envelope("get", results, stop, &lookup))
        }
        true => {
            let (results, stop) = block_on(lookup.get_all_until(stopped, |_| {}));
            let elapsed = stopwatch.measure("elapsed");
            context.finish_gate(poll_once(&lookup, results, stop, &policy, elapsed))
        }
    })
}

/// Checks the references of a gate, before any client is created.
///
/// # Errors
/// Returns a usage error: no reference, or one of a kind without states.
fn check_gate(plan: &LookupPlan, policy: &GatePolicy) -> Result<(), Vec<Problem>> {
    if plan.references.is_empty() {
        return Err(vec![Problem::usage("no references given")]);
    }
    gate_report::check_condition(&plan.references, &policy.condition).map_err(Vec::from)
}

/// Evaluates a gate once: jobs that are still active leave it undecided, and so does `stop`.
fn poll_once(
    lookup: &Lookup,
    results: Vec<LookupResult>,
    stop: Option<Stop>,
    policy: &GatePolicy,
    elapsed: Duration,
) -> Envelope {
    let polled: Vec<PolledJob> = lookup
        .references
        .iter()
        .zip(results)
        .map(|(reference, result)| PolledJob::polled_once(reference, result))
        .collect();
    let evaluations = gate_report::evaluate_all(&polled, policy, Duration::ZERO);
    let decision = match stop {
        Some(_) => Decision::undecided(),
        None => decide(&evaluations, policy, GatePhase::Over)
            .expect("a gate past its deadline has a verdict"),
    };
    let code = stop.map_or_else(|| decision.exit_code(exit_code::PENDING), Stop::exit_code);
    let stats = GateStats {
        elapsed,
        requests: lookup.transport.requests_sent(),
        status: stop.map_or(GateStatus::SingleCheck, GateStatus::Stopped),
    };
    let notices = lookup.notices.all();
    let state = GateState {
        polled: &polled,
        evaluations: &evaluations,
        policy,
        decision: &decision,
        running_command: &|_| None,
        stats,
    };
    let report = GateReport::new(&state);
    let jobs = polled.into_iter().map(|polled| polled.current.job);
    report.into_envelope("get", jobs.collect(), notices, code)
}
