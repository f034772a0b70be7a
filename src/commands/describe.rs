use clap::Args;

use super::context::CommandContext;
use super::lookup;
use super::lookup_args::{self, LookupArgs};
use crate::error::Problem;
use crate::model::Envelope;

/// Tell everything about things, the likely cause of a failure first
#[derive(Debug, Args)]
#[command(
    alias = "desc",
    before_help = "Examples:\n  \
    joblens describe aliyun/job/ehpc-hz-FYUr32/5\n  \
    joblens describe huawei/image-job/702364883651395584 --time utc | less",
    after_help = "-o table and wide are the page for people; the other forms are those of get.\n\
    Times on a page are local, in a pipe as well; --time utc changes that.\n\
    Exit codes: 0 all looked up · 2 wrong use · 3 not found · 4 credentials · 5 service or network."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    lookup: LookupArgs,
}

/// Looks up what was named and tells everything about it.
pub(super) fn run(session: &CommandContext, arguments: &Arguments) -> u8 {
    match build_report(session, &arguments.lookup) {
        Ok(report) => session.print_describe(report),
        Err(problems) => session.usage_error("describe", problems),
    }
}

fn build_report(session: &CommandContext, asked: &LookupArgs) -> Result<Envelope, Vec<Problem>> {
    let lens = asked.lookup(session, asked.options())?;
    let outcomes = lookup_args::outcomes(&lens);
    Ok(lookup::report("describe", outcomes, &lens))
}
