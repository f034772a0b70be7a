use std::io;
use std::sync::Arc;

use clap::Args;

use super::look_up::{self, Collected, Options};
use super::{Session, references, runtime, system_clock};
use crate::error::Problem;
use crate::http::{Happening, Sink, Wire};
use crate::model::{Notice, Report};
use crate::output;
use crate::settings::Settings;

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
        Ok(report) => session.finish(&report),
        Err(problems) => session.finish(&Report::new("get", Vec::new(), problems, Vec::new())),
    }
}

fn answer(session: &Session, arguments: &Arguments) -> Result<Report, Vec<Problem>> {
    let one = |problem| vec![problem];
    if arguments.references.is_empty() {
        return Err(one(Problem::usage("nothing to look up").hint(
            "name a reference, such as aliyun/job/CLUSTER/JOB, or - for standard input",
        )));
    }
    let settings = Settings::load(
        session.global.config.clone(),
        session.environment.clone(),
        &look_up::all_cloud_keys(),
    )
    .map_err(one)?;
    let limits = session.global.limits(settings.file()).map_err(one)?;
    let default_profile = session
        .global
        .profile
        .as_deref()
        .or_else(|| session.environment.get("JOBLENS_PROFILE"))
        .unwrap_or(crate::reference::DEFAULT_PROFILE);
    let references = references::read(&arguments.references, &settings, default_profile)?;
    let told = Collected::default();
    let sink = sink(session, &told);
    let proxies = session.environment.proxies();
    let wire = Wire::new(limits, &proxies, system_clock(), sink).map_err(one)?;
    let options = Options {
        vendor: arguments.vendor,
        show_secrets: arguments.show_secrets,
        trust_finished: arguments.trust_finished,
    };
    let runtime = runtime();
    let (outcomes, mut notices) =
        runtime.block_on(look_up::look_up(&references, &settings, &wire, options));
    // A DNS call that still hangs must not hold up the answer.
    runtime.shutdown_background();
    notices.extend(told.take());
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(job) => jobs.push(job),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(Report::new("get", jobs, problems, notices))
}

/// Traces go to standard error at once, notices are told with the answer.
pub(super) fn sink(session: &Session, told: &Collected) -> Sink {
    let (verbose, told) = (session.global.verbose, told.clone());
    Arc::new(move |happening| match happening {
        Happening::Trace(line) if verbose => {
            let _ = output::write_trace(&mut io::stderr().lock(), &line);
        }
        Happening::Trace(_) => {}
        Happening::Notice(code, message) => told.keep(Notice::new(code, message)),
    })
}
