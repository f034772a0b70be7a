use clap::Args;

use super::super::follow::FollowOptions;
use super::super::kind_flags::KindFlags;
use super::super::poll_args::PollArgs;
use crate::error::Problem;
use crate::gate::{Condition, GatePolicy};
use crate::model::NoticeCode;
use crate::output::Format;

/// Follow jobs until all have ended: a live table on a terminal, else a line for each change
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
        joblens watch aliyun/job/ehpc-hz-FYUr32/ huawei/image-job/702364883651395584\n  \
        joblens watch -o jsonl - < references.txt | jq -c 'select(.type == \"transition\")'",
    after_help = "Exit codes: 0 all have ended, however · 2 wrong use · 3 missing · 4 credentials ·\n\
        5 service or network · 130/143 interrupted · 141 output closed. To decide by the outcome: joblens wait."
)]
pub(in crate::commands) struct Arguments {
    /// What to follow; a scope such as aliyun/job/CLUSTER/ follows what appears there too; @latest as
    /// the last segment is what is the newest now; - reads references from standard input, one a line
    #[arg(value_name = "REF|SCOPE/")]
    pub references: Vec<String>,
    #[command(flatten)]
    pub kind_flags: KindFlags,
    #[command(flatten)]
    poll: PollArgs,
}

impl Arguments {
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn options(&self, format: Format) -> Result<FollowOptions, Problem> {
        if !matches!(format, Format::Table | Format::Wide | Format::Jsonl) {
            return Err(
                Problem::usage("watch is a stream, which is a table, wide or jsonl")
                    .with_hint("-o jsonl writes a record for each change"),
            );
        }
        Ok(FollowOptions {
            interval: self.poll.interval()?,
            policy: GatePolicy {
                missing_grace: self.poll.missing_grace()?,
                ..GatePolicy::new(Condition::Ended)
            },
            notice_codes: &[NoticeCode::UnknownState, NoticeCode::ClockCorrected],
        })
    }
}
