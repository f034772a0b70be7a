//! `logs`: the log of a job's container, node or output file.

mod absent;
mod failures;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod job_logs;
mod lines;
mod message;
mod options;
mod printer;
mod resume;
mod select;
mod source_log;
mod streams;
mod window;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pub(super) use failures::failure_tails;
#[cfg(any(test, fuzzing))]
pub(crate) use fuzz::logs as fuzz_logs;
pub(super) use options::Arguments;

use super::context::{CommandContext, CommandResult};
use super::job_identity::KnownIdentity;
use super::lookup::{Lookup, LookupPlan};
use super::poll::MIN_CALL_INTERVAL;
use super::print::write_problem;
use super::runtime::block_on;
use super::signals::Signals;
use super::stdout_writer::StdoutWriter;
use crate::error::{Problem, Stop, exit_code};
use crate::kind::{Kind, LogSpec};
use crate::model::Since;
use crate::output::{Format, RecordWriter, Summary};
use crate::providers::LogParams;
use crate::reference::Reference;
use crate::secret::shell_word;
use job_logs::{JobLogs, LogError, Outage};
use printer::{Printer, Style};
use select::LogSelection;
use streams::Streams;

/// Prints the log of a job, and returns the exit code.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let setup = prepare(context, arguments)?;
    context.show_progress();
    let code = block_on(print(context, arguments, setup));
    context.progress.stop();
    Ok(code)
}

/// Everything that the command needs, checked before the first request.
struct Setup {
    lookup: Arc<Lookup>,
    params: LogParams,
    since: Option<Since>,
    spec: &'static LogSpec,
    interval: Duration,
}

fn prepare(context: &CommandContext, arguments: &Arguments) -> Result<Setup, Vec<Problem>> {
    let interval = arguments.interval()?;
    if arguments.references.is_empty() {
        return Err(Problem::usage("no reference given")
            .with_hint("pass a reference such as aliyun/job/CLUSTER/JOB")
            .into());
    }
    arguments.check_format(context)?;
    let settings = context.settings()?;
    let options = arguments.lookup_options();
    let plan = LookupPlan::parse(context, settings, &arguments.references, options);
    let plan = plan.map_err(|problems| match arguments.is_previous() {
        true => problems.into_iter().map(with_profile_hint).collect(),
        false => problems,
    })?;
    let kind = only_kind(&plan)?;
    let (params, spec) = arguments.params(context, kind)?;
    let since = arguments.since(context)?;
    let min_interval = arguments.follow.then_some(MIN_CALL_INTERVAL);
    let lookup = Arc::new(plan.into_lookup(context, min_interval)?);
    Ok(Setup {
        lookup,
        params,
        since,
        spec,
        interval,
    })
}

/// Adds a hint to the problem of a word that can be the name of a profile: in other commands, `-p` selects one.
fn with_profile_hint(problem: Problem) -> Problem {
    match problem.input.as_deref().filter(|word| !word.contains('/')) {
        Some(word) => {
            let profile = shell_word(word).into_owned();
            problem.with_hint(format!(
                "-p is --previous here; to select a profile: --profile {profile}"
            ))
        }
        None => problem,
    }
}

/// Returns the kind of the only referenced job.
///
/// # Errors
/// Returns a usage error if there are several.
fn only_kind(plan: &LookupPlan) -> Result<&'static Kind, Problem> {
    let mut kinds = plan.kinds();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Ok(kind),
        _ => Err(Problem::usage("logs prints one job at a time")
            .with_hint("run it once for each reference")),
    }
}

async fn print(context: &CommandContext, arguments: &Arguments, setup: Setup) -> u8 {
    let stdout = match StdoutWriter::open(context) {
        Ok(stdout) => stdout,
        Err(error) => {
            context.print_problem(&write_problem(&error));
            return exit_code::SERVICE;
        }
    };
    let mut signals = Signals::new();
    let mut stopped = pin!(context.stopped(&mut signals));
    let reference = tokio::select! {
        biased;
        stop = &mut stopped => Err(LogEnd::stopped(stop)),
        reference = reference(&setup.lookup) => reference.map_err(LogEnd::from),
    };
    let reference = match reference {
        Ok(reference) => reference,
        Err(end) => return finish(context, &setup.lookup, style(context), stdout, end).await,
    };
    let mut logs = job_logs(context, arguments, &setup, reference, stdout);
    let read = tokio::select! {
        biased;
        stop = &mut stopped => {
            logs.write_partial_lines();
            Err(LogEnd::stopped(stop))
        }
        read = read(&mut logs, arguments.follow.then_some(setup.interval)) => Ok(read),
    };
    let mut problems = logs.unread_problems();
    let stop = match read {
        Ok(Ok(())) => None,
        Ok(Err(LogError::Problem(problem))) => {
            if !problems.contains(&problem) {
                problems.push(*problem);
            }
            None
        }
        Ok(Err(LogError::Output(error))) => {
            return context.exit_code_after_write(Err(error), exit_code::OK);
        }
        Err(end) => {
            problems.extend(end.problems);
            end.stop
        }
    };
    let is_empty = stop.is_none() && problems.is_empty();
    let end = LogEnd {
        was_read: is_empty || logs.logs.iter().any(|log| log.is_opened),
        problems,
        stop,
    };
    let JobLogs {
        mut printer,
        stdout,
        ..
    } = logs;
    stdout.write(printer.take_line_end().to_vec());
    finish(context, &setup.lookup, printer.style, stdout, end).await
}

/// How the command ended.
struct LogEnd {
    /// A log was read, even if it has no lines.
    was_read: bool,
    problems: Vec<Problem>,
    /// Why the command was stopped, if it was.
    stop: Option<Stop>,
}

impl LogEnd {
    fn stopped(stop: Stop) -> Self {
        Self {
            was_read: false,
            problems: stop.problem().into_iter().collect(),
            stop: Some(stop),
        }
    }
}

impl From<Problem> for LogEnd {
    fn from(problem: Problem) -> Self {
        Self {
            was_read: false,
            problems: vec![problem],
            stop: None,
        }
    }
}

/// Returns the referenced job, or the newest one of the scope.
async fn reference(lookup: &Lookup) -> Result<Reference, Problem> {
    match (lookup.references.first(), lookup.latest.first()) {
        (Some(reference), _) => Ok(reference.clone()),
        (None, Some((_, scope))) => lookup.latest_in(scope).await,
        (None, None) => Err(Problem::usage("no reference given")),
    }
}

fn job_logs<'a>(
    context: &'a CommandContext,
    arguments: &'a Arguments,
    setup: &'a Setup,
    reference: Reference,
    stdout: StdoutWriter,
) -> JobLogs<'a> {
    JobLogs {
        context,
        lookup: &setup.lookup,
        printer: Printer {
            style: style(context),
            reference: reference.to_string(),
            has_prefix: arguments.all_containers,
            has_timestamps: setup.params.timestamps,
            shows_timestamps: arguments.shows_timestamps(),
            redactor: setup.lookup.transport.redactor(),
            open_line: None,
        },
        reference,
        spec: setup.spec,
        params: setup.params.clone(),
        since: setup.since.as_ref(),
        choice: LogSelection {
            task: arguments.task.as_deref(),
            container: arguments.container.as_deref(),
            all: arguments.all_containers,
            previous: setup.params.previous,
        },
        stdout,
        logs: Vec::new(),
        others: Vec::new(),
        is_following: arguments.follow,
        streams: Streams::default(),
        identity: KnownIdentity::default(),
        outage: Outage::default(),
        unread: BTreeMap::new(),
    }
}

/// Returns how lines are printed.
fn style(context: &CommandContext) -> Style {
    // Azure Pipelines and TeamCity do not set CI.
    let mut ci = ["TF_BUILD", "TEAMCITY_VERSION"].into_iter();
    let is_ci =
        context.environment.is_ci() || ci.any(|name| context.environment.get(name).is_some());
    match context.output_options.format {
        Format::Jsonl => Style::Records(RecordWriter::default()),
        _ if io::stdout().is_terminal() || is_ci => Style::Escaped,
        _ => Style::Bytes,
    }
}

async fn read(logs: &mut JobLogs<'_>, interval: Option<Duration>) -> Result<(), LogError> {
    match interval {
        None => logs.print_once().await,
        Some(interval) => logs.follow(interval).await,
    }
}

/// Ends the output with the errors, if any, and returns the exit code. If the command was stopped, output that cannot
/// be written soon is lost.
async fn finish(
    context: &CommandContext,
    lookup: &Lookup,
    style: Style,
    stdout: StdoutWriter,
    end: LogEnd,
) -> u8 {
    let problems = &end.problems;
    if let Style::Records(mut records) = style {
        let now = context.render_context(false).now;
        let mut out = Vec::new();
        for problem in problems {
            // Writing to a vector cannot fail.
            let _ = records.write(&mut out, now, problem);
        }
        let summary = Summary {
            jobs: u64::from(end.was_read),
            errors: problems.len() as u64,
            requests: lookup.transport.requests_sent(),
            complete: problems.is_empty() && end.stop.is_none(),
            notices: lookup.notices.all(),
            gate: None,
            exit: None,
        };
        let _ = records.write(&mut out, now, summary);
        stdout.write(out);
    }
    if let Some(stop) = end.stop {
        stdout.close_soon().await;
        if let Some(problem) = stop.problem() {
            context.print_problem(&problem);
        }
        return stop.exit_code();
    }
    let written = stdout.close().await;
    for problem in problems {
        context.print_problem(problem);
    }
    let code = exit_code::of(problems);
    context.exit_code_after_write(written.map_or(Ok(()), Err), code)
}
