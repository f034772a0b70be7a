//! Following resources until the end: what `watch` and `events --follow` share.

mod dedup;
mod display;
mod handler;
mod rows;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pub(super) use dedup::EventDeduplicator;
pub(super) use display::FollowOutput;

use super::args::PollArgs;
use super::context::CommandContext;
use super::lookup::Lookup;
use super::poll::PollOptions;
use super::print::write_problem;
use super::reporter::Reporter;
use super::run_loop::RunLoop;
use super::runtime::block_on;
use super::signals::Signals;
use super::stdout_writer::StdoutWriter;
use crate::error::Problem;
use crate::gate::{Condition, GatePolicy};
use crate::model::NoticeCode;
use handler::FollowHandler;

/// How resources are followed.
pub(super) struct FollowOptions {
    /// When a resource needs no more checks.
    pub policy: GatePolicy,
    /// A fixed polling interval.
    pub interval: Option<Duration>,
    /// The codes of the notices that are printed as they come.
    pub notice_codes: &'static [NoticeCode],
}

impl FollowOptions {
    /// Follows each resource until it has ended.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub(super) fn new(
        poll: &PollArgs,
        notice_codes: &'static [NoticeCode],
    ) -> Result<Self, Problem> {
        Ok(Self {
            interval: poll.interval()?,
            policy: GatePolicy {
                missing_grace: poll.missing_grace()?,
                ..GatePolicy::new(Condition::Ended)
            },
            notice_codes,
        })
    }
}

/// Follows what the lookup names until the end, and returns the exit code; `opened` is what the
/// display begins with.
pub(super) fn run(
    context: &CommandContext,
    lookup: Arc<Lookup>,
    options: FollowOptions,
    (display, opened): (FollowOutput, Vec<u8>),
) -> u8 {
    block_on(async {
        let stdout = match StdoutWriter::open() {
            Ok(stdout) => stdout,
            Err(error) => {
                context.print_problem(&write_problem(&error));
                return 5;
            }
        };
        stdout.write(opened);
        let covers = matches!(display, FollowOutput::Live(_)) && io::stderr().is_terminal();
        let reporter = Reporter::new(context.global.quiet, true, 0);
        let mut run = run_loop(lookup, options, &display);
        let handler = FollowHandler::new(context, display, stdout, reporter, covers);
        let mut signals = Signals::new().with_quit();
        handler.run(&mut run, pin!(signals.next())).await
    })
}

/// The loop that polls for a display.
fn run_loop(lookup: Arc<Lookup>, options: FollowOptions, display: &FollowOutput) -> RunLoop {
    let poll_options = PollOptions {
        interval: options.interval,
        needs_events: display.needs_events(),
        emit_reads: display.needs_events(),
        ..PollOptions::default()
    };
    RunLoop::new(lookup, options.policy, poll_options, options.notice_codes)
}
