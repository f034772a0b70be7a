//! Follows jobs until their end; shared by `watch` and `events --follow`.

mod dedup;
mod display;
mod handler;
mod rows;
#[cfg(test)]
mod tests;

use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

pub(super) use dedup::EventDeduplicator;
pub(super) use display::FollowOutput;

use super::args::PollArgs;
use super::context::{CommandContext, CommandResult};
use super::keyboard::Keyboard;
use super::live_terminal::LiveTerminal;
use super::lookup::Lookup;
use super::poll::{MAX_FIRST_OUTAGE, PollOptions};
use super::print::write_problem;
use super::reporter::Reporter;
use super::run_loop::RunLoop;
use super::runtime::block_on;
use super::signals::Signals;
use super::stdout_writer::StdoutWriter;
use crate::error::{Problem, exit_code};
use crate::gate::{Condition, GatePolicy};
use crate::model::NoticeCode;
use handler::FollowHandler;

/// Options for following jobs.
pub(super) struct FollowOptions {
    /// Decides when a job needs no more polls.
    pub policy: GatePolicy,
    /// A fixed polling interval.
    pub interval: Option<Duration>,
    /// Codes of the notices that are printed at once.
    pub notice_codes: &'static [NoticeCode],
}

impl FollowOptions {
    /// Returns options that follow each job until it has ended.
    ///
    /// # Errors
    /// Returns a usage error that names the option.
    pub(super) fn new(
        poll: &PollArgs,
        notice_codes: &'static [NoticeCode],
    ) -> Result<Self, Problem> {
        Ok(Self {
            interval: poll.interval()?,
            policy: GatePolicy {
                missing_grace: poll.missing_grace()?,
                max_first_outage: Some(MAX_FIRST_OUTAGE),
                ..GatePolicy::new(Condition::Ended)
            },
            notice_codes,
        })
    }
}

/// Follows the jobs of `lookup` until the end, and returns the exit code.
///
/// # Errors
/// Returns the usage errors that were only found with the credentials.
pub(super) fn run(
    context: &CommandContext,
    lookup: Arc<Lookup>,
    options: FollowOptions,
    display: FollowOutput,
) -> CommandResult {
    block_on(async {
        let stdout = match StdoutWriter::open(context) {
            Ok(stdout) => stdout,
            Err(error) => {
                context.print_problem(&write_problem(&error));
                return Ok(exit_code::SERVICE);
            }
        };
        let mut signals = Signals::new().with_quit();
        let connected = tokio::select! {
            biased;
            stop = signals.next() => Ok(Some(stop)),
            ended = lookup.run_commands() => ended.map(|()| None),
        };
        let stop = match connected {
            Ok(stop) => stop,
            Err(problems) => {
                signals.release();
                return Err(problems);
            }
        };
        let is_live = matches!(display, FollowOutput::Live(_));
        let keyboard = is_live.then(Keyboard::open).flatten();
        let terminal = is_live.then(|| LiveTerminal::new(keyboard.as_ref()));
        let reporter = Reporter::lines(&context.progress);
        let mut run = run_loop(lookup, options, &display);
        let handler = FollowHandler::new(context, display, stdout, reporter, terminal);
        if !is_live {
            context.show_progress();
        }
        let code = {
            let stopped = pin!(async {
                match stop {
                    Some(stop) => stop,
                    None => context.stopped(&mut signals).await,
                }
            });
            handler
                .run(&mut run, stopped, quit(keyboard.as_ref()))
                .await
        };
        context.progress.stop();
        Ok(code)
    })
}

/// Waits for the key `q`; forever without a keyboard.
async fn quit(keyboard: Option<&Keyboard>) {
    match keyboard {
        Some(keyboard) => keyboard.quit().await,
        None => future::pending().await,
    }
}

/// Returns the loop that polls for a display.
fn run_loop(lookup: Arc<Lookup>, options: FollowOptions, display: &FollowOutput) -> RunLoop {
    let poll_options = PollOptions {
        interval: options.interval,
        needs_events: display.needs_events(),
        emit_reads: display.needs_events(),
        ..PollOptions::default()
    };
    RunLoop::new(lookup, options.policy, poll_options, options.notice_codes)
}
