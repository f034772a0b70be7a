use std::time::Duration;

use clap::Args;

use super::super::follow::Plan;
use super::super::since;
use crate::error::Problem;
use crate::gate::{Goal, Rules};
use crate::model::{Sieve, Time};
use crate::output::{Format, Zone};
use crate::settings;

/// Show what happened to things, all clouds in one timeline, the first bad event marked
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
        joblens events aliyun/job/ehpc-hz-FYUr32/5 tencent/service/cls-xxxxx/default/web\n  \
        joblens events --warnings --since 2h -f tencent/service/cls-xxxxx/default/web",
    after_help = "Exit codes: 0 all looked up · 2 wrong use · 3 not found · 4 credentials · 5 service or network ·\n\
        130/143 interrupted · 141 output closed. What a cloud no longer keeps is told as a note."
)]
pub(in crate::commands) struct Arguments {
    /// What to look at; @latest as the last segment is the newest of its scope; - reads references
    /// from standard input, one a line
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// Only warnings and failed ends
    #[arg(long)]
    warnings: bool,
    /// Only what was seen since then: a time ago such as 2h, a date, or a time such as
    /// 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Go on with what happens until all have ended
    #[arg(short, long)]
    pub follow: bool,
    /// Take a finished invocation whose exit codes cannot be read as succeeded
    #[arg(long)]
    pub trust_finished: bool,
    /// With --follow, a fixed time between two looks, in place of 2s rising to 30s
    #[arg(long, value_name = "TIME", hide_short_help = true, requires = "follow")]
    interval: Option<String>,
    /// With --follow, time from the start in which nothing is believed to be missing
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        hide_short_help = true
    )]
    missing_grace: String,
}

impl Arguments {
    /// What is wanted of a timeline.
    ///
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn sieve(&self, now: Time, zone: Zone) -> Result<Sieve, Problem> {
        let since = self.since.as_deref();
        let since = since.map(|text| since::moment(text, now, zone));
        Ok(Sieve {
            bad_only: self.warnings,
            since: since.transpose()?,
        })
    }

    /// How things are followed; `is_plain` when neither columns nor an expression were chosen.
    ///
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn plan(&self, format: Format, is_plain: bool) -> Result<Plan, Problem> {
        let streams = matches!(format, Format::Table | Format::Wide | Format::Jsonl);
        if !streams || !is_plain {
            return Err(Problem::usage(
                "events --follow is a stream, which is a table or jsonl as it is",
            )
            .hint("-o jsonl writes a record for each event"));
        }
        let interval = self.interval.as_deref();
        let interval = interval.map(|text| time("--interval", text)).transpose()?;
        if interval.is_some_and(|interval| interval.is_zero()) {
            let problem = Problem::usage("--interval 0 would never rest").hint("write 5s or 30s");
            return Err(problem);
        }
        Ok(Plan {
            rules: Rules {
                missing_grace: time("--missing-grace", &self.missing_grace)?,
                ..Rules::new(Goal::Ended)
            },
            interval,
            said: &["unknown_state", "clock_corrected", "events_truncated"],
        })
    }
}

fn time(option: &str, text: &str) -> Result<Duration, Problem> {
    settings::duration(text).ok_or_else(|| {
        let message = format!("{option} {text}: a time with its unit was expected");
        Problem::usage(message).hint("write 90s, 15m, 2h30m or 1d")
    })
}
