mod options;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

pub(super) use options::Arguments;

use super::context::CommandContext;
use super::follow::{self, FollowOptions, FollowOutput};
use super::lookup::{AllowedTargets, Lookup, LookupPlan, Options};
use super::poll::MIN_CALL_INTERVAL;
use crate::error::Problem;

/// Follows what was named until the end, and returns the exit code.
pub(super) fn run(session: &CommandContext, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok((lookup, plan)) => {
            let display = FollowOutput::open(&session.output_options, is_live(session));
            follow::run(session, lookup, plan, display)
        }
        Err(problems) => session.usage_error("watch", problems),
    }
}

fn prepare(
    session: &CommandContext,
    arguments: &Arguments,
) -> Result<(Arc<Lookup>, FollowOptions), Vec<Problem>> {
    let one = |problem| vec![problem];
    let plan = arguments
        .options(session.output_options.format)
        .map_err(one)?;
    if session.sort.is_some() {
        let problem = Problem::usage(
            "--sort-by cannot be used with watch, which keeps the order of the references",
        )
        .with_hint("joblens get REF… --sort-by COLUMN");
        return Err(one(problem));
    }
    let options = Options {
        allowed: AllowedTargets {
            scopes: true,
            latest: true,
        },
        flags: arguments.kind_flags.given.clone(),
        ..Options::default()
    };
    let settings = session.settings().map_err(one)?;
    let inputs = &arguments.references;
    let targets = LookupPlan::parse(session, settings, inputs, options)?;
    let lookup = targets.connect(session, Some(MIN_CALL_INTERVAL))?;
    if lookup.references.is_empty() && lookup.scopes.is_empty() && lookup.latest.is_empty() {
        return Err(one(Problem::usage("no references given").with_hint(
            "pass a reference such as aliyun/job/CLUSTER/JOB, a scope such as aliyun/job/CLUSTER/, or - to read from stdin",
        )));
    }
    Ok((Arc::new(lookup), plan))
}

/// True when a table can be drawn in place.
fn is_live(session: &CommandContext) -> bool {
    io::stdout().is_terminal() && session.may_redraw()
}
