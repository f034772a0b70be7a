mod handler;
mod options;
#[cfg(test)]
mod tests;
mod unstarted;

use std::io::{self, IsTerminal as _, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

pub(super) use options::Arguments;
pub(super) use unstarted::report_usage_errors;

use super::context::{CommandContext, CommandResult};
use super::gate_report;
use super::lookup::{CommandMode, CommandRuns, DETAILS_TIMEOUT, Lookup, LookupPlan};
use super::poll::MIN_CALL_INTERVAL;
use super::print::write_problem;
use super::reporter::Reporter;
use super::reports::Reports;
use super::runtime::block_on;
use super::shutdown;
use super::signals::Signals;
use crate::error::{Category, Problem, Stop};
use crate::gate::KindWords;
use crate::http::{Session, Stopwatch};
use crate::output::document::Envelope;
use crate::output::{self, RenderContext, Zone};
use crate::providers::EventDetail;
use handler::{WaitHandler, run_loop};
use options::WaitOptions;

/// Waits, and returns the exit code of the verdict.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let (stopwatch, started) = (context.session.stopwatch(), Instant::now());
    let mut reports = Reports::parse(&arguments.reports, &arguments.files, &context.environment)?;
    match prepare(context, arguments, &reports, started) {
        Ok(setup) => block_on(run_wait(context, setup, reports, stopwatch)),
        Err(problems) => {
            let passed = stopwatch.measure("preparation");
            // For example references that were not read in time.
            let is_slow = problems.iter().all(|one| one.category == Category::Network);
            if !is_slow || arguments.time_limit()?.is_none_or(|limit| passed < limit) {
                reports.rewrite(&unstarted::usage_errors(&problems));
                return Err(problems);
            }
            let envelope = unstarted::timed_out(problems, passed);
            Ok(finish_unstarted(context, reports, envelope))
        }
    }
}

/// Writes the reports and the output of a gate that has polled nothing, and returns the exit code.
fn finish_unstarted(context: &CommandContext, mut reports: Reports, envelope: Envelope) -> u8 {
    let mut annotations = Vec::new();
    // A report that cannot be written only changes exit code 0.
    let _ = reports.finish(&envelope, &mut annotations, &mut |problem| {
        context.print_problem(problem);
    });
    let _ = io::stderr().write_all(&annotations);
    context.finish_gate(envelope)
}

/// What is polled and how, checked before the first request.
struct Setup {
    lookup: Arc<Lookup>,
    options: WaitOptions,
}

fn prepare(
    context: &CommandContext,
    arguments: &Arguments,
    reports: &Reports,
    started: Instant,
) -> Result<Setup, Vec<Problem>> {
    arguments.output.check(context)?;
    // Creates folders, so check this before any credential_command is run.
    let plan_options = arguments.output.options(&arguments.kind_flags);
    reports.check(plan_options.show_secrets)?;
    let settings = context.settings()?;
    let mut plan = LookupPlan::parse(context, settings, arguments.inputs(), plan_options)?;
    let mut kinds: Vec<_> = plan.references.iter().map(|one| one.kind).collect();
    kinds.dedup();
    let file = plan.settings().file();
    let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    let own = names.iter().map(|name| file.states(name));
    let kinds: Vec<KindWords<'_>> = kinds.into_iter().zip(own).collect();
    // A replay ends where the recorded run ended.
    let is_replay = matches!(context.session, Session::Replay(_));
    let options = arguments.options(&kinds, context.environment.is_ci() && !is_replay)?;
    if options.policy.condition.needs_events() {
        plan.options.events = EventDetail::Warnings;
    }
    plan.options.details_timeout = Some(DETAILS_TIMEOUT);
    if plan.references.is_empty() && !arguments.allow_empty {
        return Err(Problem::usage("no references given")
            .with_hint("pass a reference, or use --allow-empty to accept an empty list")
            .into());
    }
    gate_report::check_condition(&plan.references, &options.policy.condition)?;
    let limit = options.timeout.limit();
    plan.options.commands = CommandRuns {
        deadline: limit.and_then(|limit| started.checked_add(limit)),
        // A redrawn display would overwrite the prompts of a command.
        mode: match context.may_redraw(&io::stderr()) {
            true => CommandMode::Awaited,
            false => CommandMode::Background,
        },
    };
    let lookup = plan.into_lookup(context, Some(MIN_CALL_INTERVAL))?;
    Ok(Setup {
        lookup: Arc::new(lookup),
        options,
    })
}

async fn run_wait(
    context: &CommandContext,
    setup: Setup,
    reports: Reports,
    stopwatch: Stopwatch,
) -> CommandResult {
    let Setup { lookup, options } = setup;
    let reporter = match context.global.quiet {
        true => Reporter::Quiet,
        false if context.may_redraw(&io::stderr()) => Reporter::progress(),
        false => Reporter::lines(&context.progress),
    };
    // People read the messages, on a terminal or in a log, so they use local time.
    let render_context = RenderContext {
        zone: context.zone(Zone::Local),
        ..context.render_context(io::stderr().is_terminal())
    };
    let mut signals = Signals::new();
    let mut wait = WaitHandler::new(options, reports, reporter, render_context);
    let stop = match wait.run_commands(&lookup, &mut signals).await {
        Ok(stop) => stop,
        Err(problems) => {
            signals.release();
            return Err(problems);
        }
    };
    wait.warn(&lookup);
    wait.shorten(stopwatch.measure("preparation"));
    let mut run = run_loop(lookup, &wait.options).with_stopwatch(stopwatch);
    let end = match stop {
        None => {
            run.run(&mut wait, pin!(context.stopped(&mut signals)))
                .await
        }
        Some(stop) => Err(stop),
    };
    let envelope = wait.envelope(&mut run, &end);
    drop(run);
    let code = finish(context, wait, envelope, end.err(), signals, &render_context).await;
    Ok(code)
}

/// Writes the reports and the output, and returns the exit code. `stop` is why the wait ended without a decision, if it
/// did.
async fn finish(
    context: &CommandContext,
    mut wait: WaitHandler<'_>,
    mut envelope: Envelope,
    stop: Option<Stop>,
    signals: Signals,
    render_context: &RenderContext,
) -> u8 {
    let mut text = Vec::new();
    let mut on_problem = |problem: &Problem| {
        // Writing to a vector cannot fail.
        let _ = writeln!(text, "error: {}", output::escape(&problem.message));
    };
    let mut annotations = Vec::new();
    if wait
        .reports
        .finish(&envelope, &mut annotations, &mut on_problem)
        .is_err()
    {
        envelope.lose_output();
    }
    text.extend(annotations);
    let reported = envelope.exit.code;
    let (options, session) = (&context.output_options, &context.session);
    let gate_output = shutdown::run_interruptible(options, session, stop, || {
        context.gate_output(&mut envelope, text)
    });
    let mut envelope = Arc::new(envelope);
    let write_report = context.gate_writer(&envelope, gate_output.query_output);
    let describe_error = |error: &io::Error| {
        let mut lines = Vec::new();
        // Writing to a vector cannot fail.
        let _ = output::write_problem(&mut lines, &write_problem(error), render_context);
        lines
    };
    let is_signalled = stop.is_some() && !context.session.has_ended();
    let written = shutdown::write(
        wait.reporter,
        write_report,
        gate_output.messages,
        signals,
        is_signalled,
        describe_error,
    )
    .await;
    if written.failure.is_some() {
        Arc::make_mut(&mut envelope).lose_output();
    }
    if envelope.exit.code != reported {
        wait.reports.rewrite(&envelope);
    }
    written.stop.map_or(envelope.exit.code, Stop::exit_code)
}
