mod options;

use std::io;
use std::sync::Arc;

pub(super) use options::Arguments;

use super::args::PollArgs;
use super::context::CommandContext;
use super::follow::{self, FollowOptions, FollowOutput};
use super::kind_flags::KindFlags;
use super::lookup::{
    AllowedTargets, CommandMode, CommandRuns, DETAILS_TIMEOUT, Inputs, Lookup, LookupOptions,
    LookupPlan,
};
use super::poll::MIN_CALL_INTERVAL;
use crate::error::Problem;
use crate::output::Live;

/// Follows the given jobs until their end, and returns the exit code.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> u8 {
    run_with(
        context,
        arguments.inputs(),
        &arguments.kind_flags,
        &arguments.poll,
    )
}

/// Runs the command like [`run`], with the parts of the arguments.
pub(super) fn run_with(
    context: &CommandContext,
    inputs: Inputs<'_>,
    flags: &KindFlags,
    poll: &PollArgs,
) -> u8 {
    let prepared = prepare(context, inputs, flags, poll);
    let ended = prepared.and_then(|(lookup, options)| {
        let live = live(context);
        let zone = context.render_context(false).zone;
        let display = FollowOutput::of_states(&context.output_options, zone, live);
        follow::run(context, lookup, options, display)
    });
    ended.unwrap_or_else(|problems| context.usage_error("watch", problems))
}

fn prepare(
    context: &CommandContext,
    inputs: Inputs<'_>,
    flags: &KindFlags,
    poll: &PollArgs,
) -> Result<(Arc<Lookup>, FollowOptions), Vec<Problem>> {
    let follow_options = options::options(poll, &context.output_options)?;
    if context.sort.is_some() {
        let problem = Problem::usage(
            "--sort-by cannot be used with watch, which keeps the order of the references",
        )
        .with_hint("to sort once: joblens get REF… --sort-by COLUMN");
        return Err(problem.into());
    }
    let plan_options = LookupOptions {
        allowed: AllowedTargets::All,
        flags: flags.given.clone(),
        details_timeout: Some(DETAILS_TIMEOUT),
        commands: CommandRuns {
            deadline: None,
            // A redrawn table would overwrite the prompts of a command.
            mode: match context.may_redraw(&io::stdout()) {
                true => CommandMode::Awaited,
                false => CommandMode::Background,
            },
        },
        ..LookupOptions::default()
    };
    let settings = context.settings()?;
    let plan = LookupPlan::parse(context, settings, inputs, plan_options)?;
    let lookup = plan.into_lookup(context, Some(MIN_CALL_INTERVAL))?;
    if lookup.references.is_empty() && lookup.scopes.is_empty() && lookup.latest.is_empty() {
        let problem = Problem::usage("no references given").with_hint(
            "pass a reference such as aliyun/job/CLUSTER/JOB, a scope such as aliyun/job/CLUSTER/, or - to read from stdin",
        );
        return Err(problem.into());
    }
    Ok((Arc::new(lookup), follow_options))
}

/// Returns the table, if it can be redrawn in place.
fn live(context: &CommandContext) -> Option<Live> {
    let has_alternate_screen = context.terminal.alternate_screen;
    let is_drawn = context.may_redraw(&io::stdout());
    is_drawn.then(|| Live::new(&context.output_options, has_alternate_screen))
}
