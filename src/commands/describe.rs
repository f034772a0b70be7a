use clap::Args;

use super::args::LookupArgs;
use super::context::CommandContext;
use super::lookup;
use super::runtime::block_on;
use crate::error::Problem;
use crate::output::document::Envelope;

/// Show details of resources, most likely failure cause first
#[derive(Debug, Args)]
#[command(
    alias = "desc",
    before_help = "Examples:\n  \
    joblens describe aliyun/job/ehpc-hz-FYUr32/5\n  \
    joblens describe huawei/image-job/702364883651395584 --time utc | less",
    after_help = "table and wide print a details page; other formats are the same as for get.\n\
    Times are local even when piped; use --time utc to change that\n\
    Exit codes: 0 success · 2 usage error · 3 not found · 4 authentication or permission · 5 service or network error"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    lookup: LookupArgs,
}

/// Gets the named resources and shows all their details.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> u8 {
    match build_report(context, &arguments.lookup) {
        Ok(report) => context.print_describe(report),
        Err(problems) => context.usage_error("describe", problems),
    }
}

fn build_report(
    context: &CommandContext,
    requested: &LookupArgs,
) -> Result<Envelope, Vec<Problem>> {
    let lookup = requested.lookup(context, requested.options())?;
    context.show_progress();
    let outcomes = block_on(lookup.outcomes());
    Ok(lookup::report("describe", outcomes, &lookup))
}
