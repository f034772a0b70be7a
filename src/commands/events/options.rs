use clap::Args;

use super::super::follow::FollowOptions;
use super::super::kind_flags::KindFlags;
use super::super::poll_args::PollArgs;
use super::super::since;
use crate::error::Problem;
use crate::gate::{Condition, GatePolicy};
use crate::model::{NoticeCode, Time};
use crate::output::document::EventFilter;
use crate::output::{Format, Zone};

const INTERVAL: &str =
    "With --follow, a fixed time between two looks, in place of 2s rising to 30s";
const MISSING_GRACE: &str =
    "With --follow, time from the start in which nothing is believed to be missing";

/// Show what happened to things, all clouds in one timeline, the first bad event marked
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
        joblens events aliyun/job/ehpc-hz-FYUr32/5 tencent/service/cls-xxxxx/default/web\n  \
        joblens events --warnings --since 2h -f tencent/service/cls-xxxxx/default/web",
    mut_arg("interval", |one| one.requires("follow").help(INTERVAL)),
    mut_arg("missing_grace", |one| one.help(MISSING_GRACE)),
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
    #[command(flatten)]
    pub kind_flags: KindFlags,
    #[command(flatten)]
    poll: PollArgs,
}

impl Arguments {
    /// What is wanted of a timeline.
    ///
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn filter(&self, now: Time, zone: Zone) -> Result<EventFilter, Problem> {
        let since = self.since.as_deref();
        let since = since.map(|text| since::parse_since(text, now, zone));
        Ok(EventFilter {
            bad_only: self.warnings,
            since: since.transpose()?,
        })
    }

    /// How things are followed; `is_plain` when neither columns nor an expression were chosen.
    ///
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn options(&self, format: Format, is_plain: bool) -> Result<FollowOptions, Problem> {
        let streams = matches!(format, Format::Table | Format::Wide | Format::Jsonl);
        if !streams || !is_plain {
            return Err(Problem::usage(
                "events --follow is a stream, which is a table or jsonl as it is",
            )
            .with_hint("-o jsonl writes a record for each event"));
        }
        Ok(FollowOptions {
            interval: self.poll.interval()?,
            policy: GatePolicy {
                missing_grace: self.poll.missing_grace()?,
                ..GatePolicy::new(Condition::Ended)
            },
            notice_codes: &[
                NoticeCode::UnknownState,
                NoticeCode::ClockCorrected,
                NoticeCode::EventsTruncated,
            ],
        })
    }
}
