use std::path::PathBuf;

use clap::Args;

use super::super::args::PollArgs;
use super::super::follow::FollowOptions;
use super::super::kind_flags::KindFlags;
use super::super::lookup::Inputs;
use super::super::run_loop::NOTICE_CODES;
use crate::error::Problem;
use crate::output::{Format, OutputOptions};

/// Watch jobs until they finish (live table, or one line per change when piped)
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
        joblens watch aliyun/job/ehpc-hz-FYUr32/ huawei/image-job/702364883651395584\n  \
        joblens watch -o jsonl - < references.txt | \\\n      \
        jq -c 'select(.type == \"transition\")'",
    after_help = "Keys on a terminal: q quits, Ctrl-Z suspends.\n\
        To act on the result, use joblens wait.\n\
        Exit codes: 0 all finished, regardless of result · 2 usage error · 3 not found · 4 authentication or permission · \
        5 service or network error · 130/143 interrupted (130 after q) · 141 output closed"
)]
pub(in crate::commands) struct Arguments {
    /// References or scopes to watch; a scope (aliyun/job/CLUSTER/) also picks up new jobs, @latest selects the current newest in a scope, - reads references from stdin (on a terminal, - is the reference used last), %1 is row 1 of the last list
    #[arg(value_name = "REF|SCOPE/")]
    references: Vec<String>,
    /// Also read references from FILE, one per line, or from stdin if FILE is - (repeatable)
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pub kind_flags: KindFlags,
    #[command(flatten)]
    pub poll: PollArgs,
}

impl Arguments {
    /// Returns the references and files to read.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs::new(&self.references, &self.files)
    }
}

/// # Errors
/// Returns a usage error that names the option.
pub(super) fn options(poll: &PollArgs, output: &OutputOptions) -> Result<FollowOptions, Problem> {
    output.check_no_query("watch")?;
    let format = output.format;
    if !matches!(format, Format::Table | Format::Wide | Format::Jsonl) {
        return Err(
            Problem::usage("watch supports only -o table, wide and jsonl")
                .with_hint("use -o jsonl for one record per change; it can be piped to jq"),
        );
    }
    FollowOptions::new(poll, NOTICE_CODES)
}
