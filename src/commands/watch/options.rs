use std::time::Duration;

use clap::Args;

use super::super::follow::Plan;
use crate::error::Problem;
use crate::gate::{Goal, Rules};
use crate::output::Format;
use crate::settings;

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
    /// Take a finished invocation whose exit codes cannot be read as succeeded
    #[arg(long)]
    pub trust_finished: bool,
    /// A fixed time between two looks at a job, in place of 2s rising to 30s
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    interval: Option<String>,
    /// Time from the start in which nothing is believed to be missing
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        hide_short_help = true
    )]
    missing_grace: String,
}

impl Arguments {
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn plan(&self, format: Format) -> Result<Plan, Problem> {
        if !matches!(format, Format::Table | Format::Wide | Format::Jsonl) {
            return Err(
                Problem::usage("watch is a stream, which is a table, wide or jsonl")
                    .hint("-o jsonl writes a record for each change"),
            );
        }
        let interval = self.interval.as_deref();
        let interval = interval.map(|text| time("--interval", text)).transpose();
        let plan = Plan {
            rules: Rules {
                missing_grace: time("--missing-grace", &self.missing_grace)?,
                ..Rules::new(Goal::Ended)
            },
            interval: interval?,
            said: &["unknown_state", "clock_corrected"],
        };
        if plan.interval.is_some_and(|interval| interval.is_zero()) {
            let problem = Problem::usage("--interval 0 would never rest").hint("write 5s or 30s");
            return Err(problem);
        }
        Ok(plan)
    }
}

fn time(option: &str, text: &str) -> Result<Duration, Problem> {
    settings::duration(text).ok_or_else(|| {
        let message = format!("{option} {text}: a time with its unit was expected");
        Problem::usage(message).hint("write 90s, 15m, 2h30m or 1d")
    })
}
