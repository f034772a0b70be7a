use std::io;

use clap::Args;

use super::args::LookupArgs;
use super::context::{CommandContext, CommandResult};
use super::logs;
use super::lookup;
use super::pager::Pager;
use super::runtime::block_on;
use crate::error::Problem;
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

/// Gets the named resources and shows all their details.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let (report, log_tails) = build_report(context, arguments)?;
    let extent = match arguments.all {
        true => DetailLevel::All,
        false => DetailLevel::Limited,
    };
    let log_tails = &log_tails;
    let options = PageOptions { extent, log_tails };
    Ok(context.print_describe(report, options, pager(context, arguments)))
}

/// Returns the pager, unless it is turned off or stdout cannot be redrawn.
fn pager(context: &CommandContext, arguments: &Arguments) -> Option<Pager> {
    let is_used = !arguments.no_pager && context.may_redraw(&io::stdout());
    is_used.then(|| Pager::new(&context.environment)).flatten()
}

fn build_report(
    context: &CommandContext,
    arguments: &Arguments,
) -> Result<(Envelope, Vec<LogTail>), Vec<Problem>> {
    let lookup = arguments
        .lookup
        .lookup(context, arguments.lookup.options())?;
    context.show_progress();
    let is_page = matches!(context.output_options.format, Format::Table | Format::Wide);
    let shows_logs = !arguments.no_logs && is_page && context.output_options.columns.is_none();
    let (outcomes, log_tails) = block_on(async {
        let outcomes = lookup.outcomes().await;
        let log_tails = match shows_logs {
            true => logs::failure_tails(&lookup, &outcomes).await,
            false => Vec::new(),
        };
        (outcomes, log_tails)
    });
    Ok((lookup::report("describe", outcomes, &lookup), log_tails))
}
