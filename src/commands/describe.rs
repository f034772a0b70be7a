use std::io;
use std::pin::pin;
use std::sync::Arc;

use clap::Args;

use super::args::LookupArgs;
use super::context::{CommandContext, CommandResult};
use super::interrupt_handler::InterruptHandler;
use super::logs;
use super::lookup::{self, Lookup};
use super::pager::Pager;
use super::runtime::block_on;
use crate::error::Stop;
use crate::output::document::Envelope;
use crate::output::{DetailLevel, Format, LogTail, PageOptions};

/// Show details of resources, most likely failure cause first
#[derive(Debug, Args)]
#[command(
    alias = "desc",
    before_help = "Examples:\n  \
    joblens describe aliyun/job/ehpc-hz-FYUr32/5\n  \
    joblens describe huawei/image-job/702364883651395584 --time utc | less",
    after_help = "With -o table and wide, describe prints a details page; other formats are the same as for get.\n\
    On a terminal, the page opens in $JOBLENS_PAGER, $PAGER or less; an empty value means no pager.\n\
    Times are local even in a pipe; use --time utc to change that.\n\
    Exit codes: 0 success · 2 usage error · 3 not found · 4 authentication or permission · 5 service or network error · 130/143 interrupted · 141 output closed"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    lookup: LookupArgs,
    /// Show all tasks and events, without a limit
    #[arg(long)]
    all: bool,
    /// Don't use a pager
    #[arg(long)]
    no_pager: bool,
    /// Don't show the last log lines of the part that failed
    #[arg(long)]
    no_logs: bool,
}

/// Gets the named jobs and shows all their details.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let lookup = arguments
        .lookup
        .lookup(context, arguments.lookup.options())?;
    context.show_progress();
    // Handles signals until the output is written.
    let mut interrupt_handler = InterruptHandler::new();
    let stopped = interrupt_handler.stopped(context);
    let Description {
        envelope,
        log_tails,
        stop,
    } = block_on(read(context, arguments, &lookup, stopped));
    let pager = pager(context, arguments).filter(|_| stop.is_none());
    if pager.is_some() {
        // The pager handles the signals.
        drop(interrupt_handler);
    }
    let extent = match arguments.all {
        true => DetailLevel::All,
        false => DetailLevel::Limited,
    };
    let log_tails = &log_tails;
    let options = PageOptions { extent, log_tails };
    Ok(context.print_describe(envelope, options, pager))
}

/// Returns the pager, unless it is turned off or stdout cannot be redrawn.
fn pager(context: &CommandContext, arguments: &Arguments) -> Option<Pager> {
    let is_used = !arguments.no_pager && context.may_redraw(&io::stdout());
    is_used.then(|| Pager::new(&context.environment)).flatten()
}

/// The jobs, and what is only shown in pages.
struct Description {
    envelope: Envelope,
    log_tails: Vec<LogTail>,
    /// Why the command was stopped before it had everything, if it was.
    stop: Option<Stop>,
}

/// Gets the jobs and the logs of the parts that failed, until `stopped` completes.
async fn read(
    context: &CommandContext,
    arguments: &Arguments,
    lookup: &Arc<Lookup>,
    stopped: impl Future<Output = Stop>,
) -> Description {
    let is_page = matches!(context.output_options.format, Format::Table | Format::Wide);
    let shows_logs = !arguments.no_logs && is_page && context.output_options.columns.is_none();
    let mut stopped = pin!(stopped);
    let (results, mut stop) = lookup.get_all_until(&mut stopped, |_| {}).await;
    let mut log_tails = Vec::new();
    if shows_logs && stop.is_none() {
        tokio::select! {
            biased;
            reason = stopped => stop = Some(reason),
            tails = logs::failure_tails(lookup, &results) => log_tails = tails,
        }
    }
    Description {
        envelope: lookup::envelope("describe", results, stop, lookup),
        log_tails,
        stop,
    }
}
