use std::sync::Arc;

use clap::Args;

use super::look_up::{self, Lens, Options};
use super::references::Allowed;
use super::{Session, runtime};
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
    /// What to tell about; @latest as the last segment is the newest of its scope; - reads references
    /// from standard input, one a line
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Add the cloud's own document to the JSON
    #[arg(long)]
    vendor: bool,
    /// Show values of environment variables and other secrets of the jobs
    #[arg(long)]
    show_secrets: bool,
    /// Take a finished invocation whose exit codes cannot be read as succeeded
    #[arg(long)]
    trust_finished: bool,
}

/// Looks up what was named and tells everything about it.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match answer(session, arguments) {
        Ok(report) => session.finish_pages(report),
        Err(problems) => session.refuse("describe", problems),
    }
}

fn answer(session: &Session, arguments: &Arguments) -> Result<Report, Vec<Problem>> {
    if arguments.references.is_empty() {
        return Err(vec![Problem::usage("nothing to tell about").hint(
            "name a reference, such as aliyun/job/CLUSTER/JOB, or - for standard input",
        )]);
    }
    let settings = session.settings().map_err(|problem| vec![problem])?;
    let options = Options {
        vendor: arguments.vendor,
        show_secrets: arguments.show_secrets,
        trust_finished: arguments.trust_finished,
        allowed: Allowed {
            newest: true,
            ..Allowed::default()
        },
    };
    let lens = Arc::new(Lens::prepare(
        session,
        settings,
        &arguments.references,
        options,
        None,
    )?);
    let runtime = runtime();
    let outcomes = runtime.block_on(lens.outcomes());
    // A DNS call that still hangs must not hold up the answer.
    runtime.shutdown_background();
    Ok(look_up::report("describe", outcomes, &lens))
}
