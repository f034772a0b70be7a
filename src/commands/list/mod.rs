mod collector;
mod footer;
mod lister;
mod merge;
mod options;
mod report;
mod rows;
mod scopes;
mod short_references;
mod snapshot;
mod target;
mod words;

use std::collections::HashMap;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

pub(super) use merge::keep_last_rows;
pub(super) use options::Arguments;
pub(super) use scopes::{default_scopes, defaults, nothing_configured, targets_of_cloud};
pub(super) use snapshot::{ListedScope, list_jobs};
pub(super) use target::ListTarget;

use super::account_problems::merge_account_problems;
use super::completion_cache::ListedReferences;
use super::context::{CommandContext, CommandResult};
use super::lookup::{AccountId, Lookup, Pacing, check_columns};
use super::poll::MIN_CALL_INTERVAL;
use super::recording::incomplete_replay;
use super::runtime::block_on;
use super::shutdown;
use super::signals::Signals;
use super::stdout_writer::StdoutWriter;
use crate::error::{Category, Problem, Stop, exit_code};
use crate::model::{Notice, NoticeCode};
use crate::output::document::{Coverage, Envelope, Exit};
use crate::output::{self, OutputOptions, RenderContext, Zone};
use crate::sort::SortExt as _;
use collector::{ListCollector, ListEnd};
use lister::{ScopeLister, Sender};
use options::{ListOptions, is_human_format};
use report::{ScopeReport, unsupported_filter};
use rows::ListedRows;
use short_references::record_rows;

/// How many requests of an account can be sent at once, after the first, before its rate is limited.
const EXTRA_BURST: u32 = 9;

/// Lists the given scopes, or those of all configured profiles, and returns the exit code.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    Ok(block_on(prepare(context, arguments)?.run(context)))
}

/// The parsed and checked command, before the first call.
struct ListRun {
    lookup: Arc<Lookup>,
    options: Arc<ListOptions>,
    targets: Vec<ListTarget>,
    /// Active jobs are shown before those that have ended.
    active_first: bool,
    /// Targets that are skipped because their rows lack a field of the filter, with this field.
    skipped: Vec<(ListTarget, String)>,
    /// Tables of profiles that are not listed because they name no user whose jobs could be.
    profiles_without_user: Vec<String>,
}

fn prepare(context: &CommandContext, arguments: &Arguments) -> Result<ListRun, Vec<Problem>> {
    let zone = context.zone(Zone::Local);
    let settings = context.settings()?;
    let mut options = arguments.options(&context.current_time(), zone, settings.file())?;
    context.global.client_options(settings.file())?;
    let targets = scopes::targets(context, &settings, &arguments.scopes, arguments.recursive)?;
    if targets.is_empty() {
        return Err(Problem::usage("no scope given")
            .with_hint(
                "pass a scope such as aliyun/job/CLUSTER, or none for all configured profiles",
            )
            .into());
    }
    let kinds = targets.iter().flat_map(ListTarget::listed_kinds);
    check_columns(context, kinds)?;
    let checked = targets.into_iter().map(|target| {
        let unlisted = options.unsupported_by(&target);
        (target, unlisted)
    });
    let (targets, skipped): (Vec<_>, Vec<_>) = checked.partition(|(_, skipped)| skipped.is_empty());
    let mut targets: Vec<ListTarget> = targets.into_iter().map(|(target, _)| target).collect();
    if let Some((target, unlisted)) = skipped.first()
        && (targets.is_empty() || target.is_named() && !arguments.scopes.is_empty())
    {
        let problem = Problem {
            category: Category::Usage,
            ..unsupported_filter(target, unlisted)
        };
        return Err(problem.into());
    }
    let mut profiles_without_user = Vec::new();
    if options.requests_own_jobs() {
        (options.users, profiles_without_user) = scopes::users(&settings, &targets)?;
        let is_needed = options.users.is_empty() || !arguments.scopes.is_empty();
        if is_needed && !profiles_without_user.is_empty() {
            return Err(footer::without_user(&profiles_without_user).into());
        }
        targets.retain(|target| options.users.contains_key(&target.account()));
    }
    let named: Vec<_> = targets.iter().map(ListTarget::named).collect();
    let is_named = !arguments.scopes.is_empty();
    let lookup = Lookup::for_scopes(context, settings, &named, is_named, pacing(&targets))?;
    Ok(ListRun {
        lookup: Arc::new(lookup),
        options: Arc::new(options),
        targets,
        profiles_without_user,
        active_first: arguments.scopes.is_empty() && context.sort.is_none(),
        skipped,
    })
}

/// Returns the request rate: scopes that are listed concurrently share the rate of their account. The pages of a
/// single scope are requested one after the other.
fn pacing(targets: &[ListTarget]) -> Pacing {
    match targets {
        [] | [ListTarget::Jobs { .. }] => Pacing::default(),
        _ => Pacing {
            min_interval: Some(MIN_CALL_INTERVAL),
            extra_burst: EXTRA_BURST,
            ..Pacing::default()
        },
    }
}

impl ListRun {
    async fn run(self, context: &CommandContext) -> u8 {
        let stdout = match StdoutWriter::open(context) {
            Ok(stdout) => stdout,
            Err(error) => return context.exit_code_after_write(Err(error), exit_code::OK),
        };
        let output_options = &context.output_options;
        let render_context = context.render_context(io::stdout().is_terminal());
        let filter = self.options.filter.clone();
        let mut collector = ListCollector {
            filter: &filter,
            unwritten: self.targets.iter().map(|_| ListedRows::default()).collect(),
            listed: self.targets.iter().cloned().map(ScopeReport::new).collect(),
            shown: ListedReferences::default(),
            rows: output::RowWriter::new(output_options, render_context),
            // A later row can show that a job has left the requested states.
            streams: self.targets.len() == 1
                && self.options.filter.states.is_empty()
                && !self.active_first
                && context.sort.is_none()
                && !(self.options.recursive && self.targets[0].kind().is_none()),
            signals: Signals::new(),
            session: &context.session,
            stdout,
        };
        context.show_progress();
        let (sender, mut events) = mpsc::unbounded_channel();
        let running = self.start(context, &sender);
        drop(sender);
        let end = collector.run_to_end(&mut events).await;
        context.progress.stop();
        // Stop the remaining lists before the last rows are written.
        drop(running);
        let stop = match end {
            ListEnd::Done => None,
            ListEnd::Stopped(stop) => Some(stop),
            ListEnd::Closed(error) => {
                return context.exit_code_after_write(Err(error), exit_code::OK);
            }
        };
        self.finish(context, collector, stop).await
    }

    /// Writes the remaining rows, then the messages.
    async fn finish(
        self,
        context: &CommandContext,
        mut collector: ListCollector<'_>,
        stop: Option<Stop>,
    ) -> u8 {
        let output_options = &context.output_options;
        let render_context = context.render_context(io::stdout().is_terminal());
        let is_streamed = collector.is_streamed();
        collector.order_by_parent();
        let ListCollector {
            unwritten,
            mut listed,
            mut shown,
            rows,
            mut signals,
            stdout,
            ..
        } = collector;
        let found = merge::merge(&mut listed, unwritten, &self.options.filter);
        if !is_streamed {
            shown.record(found.references());
        }
        listed.extend(self.skipped.iter().map(ScopeReport::unsupported));
        // In the order of the scopes, which does not depend on which response was received first.
        for scope in &listed {
            self.lookup.keep_notices(scope.notices.take_all());
        }
        let mut envelope = self.envelope(&listed, found, stop);
        if self.active_first {
            envelope.content.jobs.order_by_key(|job| job.ended);
        }
        let left_out = self.sort_and_limit(context, &mut envelope);
        let reason = footer::reason(&listed, left_out, &self.options, stop);
        let rendered = shutdown::run_interruptible(output_options, &context.session, stop, || {
            final_output(
                rows,
                &envelope,
                stop,
                reason.as_deref(),
                output_options,
                &render_context,
            )
        });
        match rendered {
            Ok(part) => stdout.write(part),
            Err(error) => return context.exit_code_after_write(Err(error), exit_code::OK),
        }
        if is_streamed || stop.is_none() {
            record_rows(context, &envelope, is_streamed.then_some(&shown));
        }
        if let Some(stop) = stop {
            stdout.close_soon().await;
            if let Some(problem) = stop.problem() {
                context.print_problem(&problem);
            }
            return stop.exit_code();
        }
        let failure = tokio::select! {
            failure = stdout.close() => failure,
            stop = signals.next() => return stop.exit_code(),
        };
        if let Some(error) = failure {
            return context.exit_code_after_write(Err(error), exit_code::OK);
        }
        self.print_messages(context, &envelope, &listed, left_out);
        let code = envelope.exit.code;
        if code == exit_code::OK {
            shown.save(&context.environment);
        }
        // The process exits next: freeing thousands of jobs would only take time.
        std::mem::forget(envelope);
        context.code_after_query(code)
    }

    /// Starts to list all scopes concurrently, with at most the allowed number of requests in flight per account.
    fn start(&self, context: &CommandContext, sender: &Sender) -> JoinSet<()> {
        let mut turns: HashMap<AccountId, Arc<Semaphore>> = HashMap::new();
        let mut running = JoinSet::new();
        for (number, target) in self.targets.iter().enumerate() {
            let concurrency = self.lookup.transport.options().concurrency;
            let turn = turns
                .entry(target.account())
                .or_insert_with(|| Arc::new(Semaphore::new(concurrency)));
            let lister = ScopeLister {
                number,
                target: target.clone(),
                lookup: Arc::clone(&self.lookup),
                options: Arc::clone(&self.options),
                format: context.output_options.format,
                sorts: context.sort.is_some(),
                active_first: self.active_first,
                turns: Arc::clone(turn),
            };
            running.spawn(lister.run(sender.clone()));
        }
        running
    }

    fn envelope(&self, listed: &[ScopeReport], found: ListedRows, stop: Option<Stop>) -> Envelope {
        let problems = listed.iter().flat_map(|one| {
            let problems = one.problems(listed).cloned();
            problems.chain(one.row_problem())
        });
        let mut problems: Vec<Problem> = problems.collect();
        let session = &self.lookup.transport.options().session;
        problems.extend(stop.and_then(Stop::problem));
        problems.extend(incomplete_replay(session, &problems));
        let mut notices = self.lookup.notices.all();
        notices.extend(footer::notices(listed));
        notices.extend(footer::uncompared(listed, &self.options.filter));
        notices.extend(footer::skipped_users(&self.profiles_without_user));
        let mut envelope = Envelope::new("list", found.jobs, problems, notices);
        envelope.content.scopes = found.scopes;
        envelope.requests = self.lookup.transport.requests_sent();
        envelope.coverage = Coverage {
            complete: self.profiles_without_user.is_empty()
                && listed.iter().all(ScopeReport::is_complete),
            requested: listed.len() as u64,
            answered: listed.iter().filter(|one| one.is_answered()).count() as u64,
        };
        if let Some(stop) = stop {
            envelope.exit = Exit::new(stop.exit_code());
        }
        envelope
    }

    /// Sorts the rows if requested, and applies the limit, since everything was listed in this case. Returns how
    /// many rows the limit leaves out.
    fn sort_and_limit(&self, context: &CommandContext, envelope: &mut Envelope) -> usize {
        let Some(sort) = &context.sort else {
            return 0;
        };
        let (scopes, jobs) = (&mut envelope.content.scopes, &mut envelope.content.jobs);
        sort.apply(jobs);
        sort.apply_to_scopes(scopes);
        let count = scopes.len() + jobs.len();
        let limit = self.options.limit_for_scopes(context.output_options.format);
        let limit = limit.unwrap_or(count);
        let left_out = count.saturating_sub(limit);
        if left_out > 0 {
            sort.truncate(scopes, jobs, limit);
            envelope.coverage.complete = false;
            let message = footer::left_out(limit, left_out);
            envelope
                .notices
                .push(Notice::new(NoticeCode::ListIncomplete, message));
        }
        left_out
    }

    /// Prints errors, notices and the footer to stderr.
    fn print_messages(
        &self,
        context: &CommandContext,
        envelope: &Envelope,
        listed: &[ScopeReport],
        left_out: usize,
    ) {
        for problem in merge_account_problems(&envelope.errors) {
            context.print_problem(&problem);
        }
        if context.global.quiet {
            return;
        }
        context.print_notices(&envelope.notices);
        let zone = context.zone(Zone::Local);
        let for_people = is_human_format(context.output_options.format);
        let mut lines = footer::lines(
            listed,
            words::describe_filter(&self.options.filter, zone).as_deref(),
            for_people,
        );
        if left_out > 0 {
            let shown = envelope.content.scopes.len() + envelope.content.jobs.len();
            lines.push(footer::left_out(shown, left_out));
        }
        for line in lines {
            let _ = output::write_line(&mut io::stderr().lock(), &line);
        }
    }
}

/// Returns the remaining output, including what follows the rows.
fn final_output(
    rows: Option<output::RowWriter<'_>>,
    envelope: &Envelope,
    stop: Option<Stop>,
    incomplete: Option<&str>,
    output_options: &OutputOptions,
    render_context: &RenderContext,
) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    match rows {
        Some(mut rows) => {
            rows.scopes(&mut part, &envelope.content.scopes)?;
            rows.jobs(&mut part, &envelope.content.jobs)?;
            rows.end(&mut part, envelope, incomplete)?;
        }
        // Print no partial table after a signal; documents for programs contain how the list ended.
        None if is_human_format(output_options.format) && stop.is_some_and(Stop::is_signal) => {}
        None => output::write(&mut part, envelope, output_options, render_context)?,
    }
    Ok(part)
}
