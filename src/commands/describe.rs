use clap::Args;

use super::Session;
use super::asked::{self, Asked};
use super::look_up;
use crate::error::Problem;
use crate::model::Report;

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
    asked: Asked,
}

/// Looks up what was named and tells everything about it.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match answer(session, &arguments.asked) {
        Ok(report) => session.finish_pages(report),
        Err(problems) => session.refuse("describe", problems),
    }
}

fn answer(session: &Session, asked: &Asked) -> Result<Report, Vec<Problem>> {
    let lens = asked.lens(session, asked.options())?;
    let outcomes = asked::outcomes(&lens);
    Ok(look_up::report("describe", outcomes, &lens))
}
