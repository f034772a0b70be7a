use clap::Args;

use super::look_up::{LookUp, Options};
use super::{Session, runtime};
use crate::error::Problem;
use crate::model::Report;

/// Look things up, once, all clouds at the same time
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    joblens get aliyun/job/ehpc-hz-FYUr32/5 sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f\n  \
    joblens get - -o json < references.txt | jq '.jobs[].state'")]
pub(super) struct Arguments {
    /// What to look up; - reads references from standard input, one a line
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// Add the cloud's own document to the JSON
    #[arg(long)]
    pub vendor: bool,
    /// Show values of environment variables and other secrets of the jobs
    #[arg(long)]
    pub show_secrets: bool,
    /// Take a finished invocation whose exit codes cannot be read as succeeded
    #[arg(long)]
    pub trust_finished: bool,
}

impl Arguments {
    /// True when nothing of it was given.
    pub(super) fn is_empty(&self) -> bool {
        self.references.is_empty() && !self.vendor && !self.show_secrets && !self.trust_finished
    }

    /// The first reference.
    pub(super) fn first_word(&self) -> Option<&str> {
        self.references.first().map(String::as_str)
    }
}

/// Looks up what was named and shows it.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match answer(session, arguments) {
        Ok(report) => {
            let code = session.finish(&report);
            // The process ends here: to take thousands of containers apart would be time for nothing.
            std::mem::forget(report);
            code
        }
        Err(problems) => session.refuse("get", problems),
    }
}

fn answer(session: &Session, arguments: &Arguments) -> Result<Report, Vec<Problem>> {
    if arguments.references.is_empty() {
        return Err(vec![Problem::usage("nothing to look up").hint(
            "name a reference, such as aliyun/job/CLUSTER/JOB, or - for standard input",
        )]);
    }
    let settings = session.settings().map_err(|problem| vec![problem])?;
    let options = Options {
        vendor: arguments.vendor,
        show_secrets: arguments.show_secrets,
        trust_finished: arguments.trust_finished,
    };
    let look_up = LookUp::prepare(session, settings, &arguments.references, options)?;
    let runtime = runtime();
    let report = runtime.block_on(look_up.report("get"));
    // A DNS call that still hangs must not hold up the answer.
    runtime.shutdown_background();
    Ok(report)
}
