mod options;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

pub(super) use options::Arguments;

use super::context::CommandContext;
use super::follow::{self, EventDeduplicator, FollowOptions, FollowOutput};
use super::interrupt_handler::InterruptHandler;
use super::lookup::{AllowedTargets, Lookup, LookupOptions, LookupPlan, LookupResult};
use super::poll::MIN_CALL_INTERVAL;
use super::runtime::block_on;
use crate::error::Problem;
use crate::kind::Kind;
use crate::model::{Job, Notice, NoticeCode};
use crate::output::document::{EventFilter, Timeline};
use crate::output::{self, EventColumn, Format, RecordWriter, RenderContext, TimelineWriter, Zone};
use crate::providers::EventDetail;

/// Shows the timeline of the referenced jobs, and returns the exit code.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> u8 {
    let ended = prepare(context, arguments).and_then(|setup| match setup.options {
        None => Ok(once(context, &setup)),
        Some(follow_options) => {
            let display = display(context, &setup.lookup, setup.filter.clone());
            follow::run(context, setup.lookup, follow_options, display)
        }
    });
    match ended {
        Ok(code) => code,
        Err(problems) if context.output_options.format.has_header() => {
            context.usage_error("events", problems)
        }
        Err(problems) => {
            let timeline = Timeline::from_jobs("events", &[], problems, Vec::new());
            finish(context, &timeline, None)
        }
    }
}

/// Everything that the command needs, checked before the first call.
struct Setup {
    lookup: Arc<Lookup>,
    /// The timeline entries to show.
    filter: EventFilter,
    /// The chosen columns, if any.
    columns: Option<Vec<EventColumn>>,
    /// The options for following jobs; `None` without `--follow`.
    options: Option<FollowOptions>,
}

fn prepare(context: &CommandContext, arguments: &Arguments) -> Result<Setup, Vec<Problem>> {
    arguments.check_poll_options()?;
    if arguments.references.is_empty() {
        return Err(Problem::usage("no references given")
            .with_hint("pass a reference such as aliyun/job/CLUSTER/JOB, or - to read from stdin")
            .into());
    }
    if context.global.sort_by.is_some() {
        let problem =
            Problem::usage("--sort-by cannot be used with events, which are sorted by time");
        return Err(problem
            .with_hint("use --jq, or sort the output of -o csv")
            .into());
    }
    let columns = columns(context)?;
    let zone = context.zone(Zone::Local);
    let filter = arguments.filter(&context.current_time(), zone)?;
    let follow_options = arguments
        .follow
        .then(|| arguments.options(&context.output_options, columns.is_some()));
    let follow_options = follow_options.transpose()?;
    let options = LookupOptions {
        flags: arguments.kind_flags.given.clone(),
        events: EventDetail::All,
        allowed: AllowedTargets::ReferencesAndLatest,
        ..LookupOptions::default()
    };
    let settings = context.settings()?;
    let min_interval = follow_options.is_some().then_some(MIN_CALL_INTERVAL);
    let plan = LookupPlan::parse(context, settings, &arguments.references, options)?;
    let kinds: Vec<&Kind> = plan.kinds().collect();
    let lookup = plan.into_lookup(context, min_interval)?;
    for kind in kinds.into_iter().filter(|kind| !kind.has_events) {
        lookup.notices.push(no_events(kind));
    }
    Ok(Setup {
        lookup: Arc::new(lookup),
        filter,
        columns,
        options: follow_options,
    })
}

/// Returns the notice that a timeline contains only the times of the job and its tasks, which does not show that it had
/// no problems.
fn no_events(kind: &Kind) -> Notice {
    let message = format!(
        "{kind} has no events in its API; only the times of the job and its tasks are shown"
    );
    Notice::new(NoticeCode::NoEvents, message)
}

/// Parses the chosen columns.
fn columns(context: &CommandContext) -> Result<Option<Vec<EventColumn>>, Problem> {
    let names = context.global.columns.iter();
    let columns: Vec<EventColumn> = names
        .map(|name| EventColumn::by_name(name))
        .collect::<Result<_, _>>()?;
    Ok(Some(columns).filter(|columns| !columns.is_empty()))
}

fn once(context: &CommandContext, setup: &Setup) -> u8 {
    let lookup = &setup.lookup;
    context.show_progress();
    // Handles signals until the output is written.
    let mut interrupt_handler = InterruptHandler::new();
    let stopped = interrupt_handler.stopped(context);
    let (results, stop) = block_on(lookup.get_all_until(stopped, |_| {}));
    context.progress.stop();
    let (jobs, problems) = partition(results);
    let timeline = Timeline::from_jobs("events", &jobs, problems, lookup.notices.all());
    let mut timeline = Timeline {
        requests: lookup.transport.requests_sent(),
        ..timeline.stopped(stop)
    };
    timeline.retain(&setup.filter);
    let code = finish(context, &timeline, setup.columns.as_deref());
    // The process exits next: freeing everything would only take time.
    std::mem::forget((jobs, timeline));
    code
}

fn partition(results: Vec<LookupResult>) -> (Vec<Job>, Vec<Problem>) {
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(job) => jobs.push(job),
            Err(problem) => problems.push(problem),
        }
    }
    (jobs, problems)
}

/// Returns the references to follow, as far as they are known.
fn references(lookup: &Lookup) -> Vec<String> {
    let newest = lookup.latest.iter().map(|(_, scope)| scope.to_string());
    let references = lookup.references.iter().map(ToString::to_string);
    references.chain(newest).collect()
}

/// Prints the timeline, then what it does not contain: errors, and events that a cloud does not keep.
fn finish(context: &CommandContext, timeline: &Timeline, columns: Option<&[EventColumn]>) -> u8 {
    let (output_options, render_context) = (&context.output_options, describe_context(context));
    let mut out = io::stdout().lock();
    let written =
        output::write_timeline(&mut out, timeline, columns, output_options, &render_context);
    drop(out);
    if !context.global.quiet {
        print_notes(context, timeline, output_options.format);
    }
    for problem in &timeline.errors {
        context.print_problem(problem);
    }
    context.exit_code_after_write(written, timeline.exit.code)
}

fn print_notes(context: &CommandContext, timeline: &Timeline, format: Format) {
    let is_page = matches!(format, Format::Table | Format::Wide);
    if is_page && timeline.content.events.is_empty() && timeline.errors.is_empty() {
        // A failure to write to stderr does not change the result.
        let _ = context.print("no matching events\n".to_owned(), true);
    }
    let is_reported = |notice: &&Notice| {
        let codes = [NoticeCode::EventsTruncated, NoticeCode::RetiredApi];
        codes.contains(&notice.code) || context.should_print(notice)
    };
    for notice in timeline.notices.iter().filter(is_reported) {
        let _ = output::write_notice(&mut io::stderr().lock(), notice);
    }
}

fn display(context: &CommandContext, lookup: &Lookup, filter: EventFilter) -> FollowOutput {
    let dedup = EventDeduplicator::new(filter);
    match context.output_options.format {
        Format::Jsonl => FollowOutput::Events(RecordWriter::default(), dedup),
        _ => FollowOutput::Page(
            TimelineWriter::new(describe_context(context), &references(lookup)),
            dedup,
        ),
    }
}

/// Returns the rendering options of a timeline, which uses local time even without a terminal.
fn describe_context(context: &CommandContext) -> RenderContext {
    RenderContext {
        zone: context.zone(Zone::Local),
        ..context.render_context(io::stdout().is_terminal())
    }
}
