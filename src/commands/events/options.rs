use clap::Args;

use super::super::args::{PollArgs, check_required};
use super::super::follow::FollowOptions;
use super::super::global::RowKind;
use super::super::kind_flags::KindFlags;
use super::super::since::{CurrentTime, parse_since};
use crate::error::Problem;
use crate::model::NoticeCode;
use crate::output::document::EventFilter;
use crate::output::{Format, OutputOptions, Zone};

const INTERVAL: &str = "With --follow, polling interval [default: adaptive, 2s to 30s]";
const MISSING_GRACE: &str = "With --follow, don't report a resource as missing until this time has passed, \
    and never before two checks 15s apart [default: 60s]";

/// Show a merged event timeline; the first problem is marked
#[derive(Debug, Args)]
#[command(
    mut_arg("interval", |one| one.help(INTERVAL)),
    mut_arg("missing_grace", |one| one.help(MISSING_GRACE)),
    before_help = "Examples:\n  \
        joblens events aliyun/job/ehpc-hz-FYUr32/5 \\\n      \
        tencent/service/cls-xxxxx/default/web\n  \
        joblens events --warnings --since 2h -f tencent/service/cls-xxxxx/default/web",
    after_help = "If a cloud no longer retains older events, a notice reports this. If a request for events fails, \
        the job and its other events are shown, and the exit code is 4 or 5.\n\
        Exit codes: 0 success · 2 usage error · 3 not found · 4 authentication or permission · 5 service or network error · \
        130/143 interrupted · 141 output closed"
)]
pub(in crate::commands) struct Arguments {
    /// References to show events of; @latest selects the newest in a scope, - reads references from stdin (on a terminal, - is the reference used last), %1 is row 1 of the last list
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// Show only warnings, events without a known level, and failures
    #[arg(long)]
    warnings: bool,
    /// Show only events since TIME: a duration (2h), a date, or an RFC 3339 time such as
    /// 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Keep streaming new events until all resources finish
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub kind_flags: KindFlags,
    #[command(flatten)]
    poll: PollArgs,
}

impl Arguments {
    /// Returns the rows that the command prints.
    pub(in crate::commands) fn rows(&self) -> RowKind {
        match self.follow {
            true => RowKind::FollowedEvents,
            false => RowKind::Events,
        }
    }

    /// Checks that the options for polling are given only with `--follow`.
    ///
    /// # Errors
    /// Returns a usage error that names both options.
    pub(super) fn check_poll_options(&self) -> Result<(), Problem> {
        let follow = ("--follow", self.follow);
        check_required(("--interval", self.poll.has_interval()), follow)?;
        check_required(("--missing-grace", self.poll.has_missing_grace()), follow)
    }

    /// Returns the filter of timeline entries.
    ///
    /// # Errors
    /// Returns a usage error that names the option.
    pub(super) fn filter(&self, current: &CurrentTime, zone: Zone) -> Result<EventFilter, Problem> {
        let since = self.since.as_deref();
        let since = since.map(|text| parse_since(text, current, zone));
        Ok(EventFilter {
            bad_only: self.warnings,
            since: since.transpose()?,
        })
    }

    /// Returns the options for following jobs; `has_columns` if columns are given.
    ///
    /// # Errors
    /// Returns a usage error that names the option.
    pub(super) fn options(
        &self,
        output: &OutputOptions,
        has_columns: bool,
    ) -> Result<FollowOptions, Problem> {
        output.check_no_query("events --follow")?;
        let streams = matches!(output.format, Format::Table | Format::Wide | Format::Jsonl);
        if has_columns {
            return Err(Problem::usage("events --follow does not support --columns")
                .with_hint(RowKind::FollowedEvents.selection_hint(output.format)));
        }
        if !streams {
            return Err(
                Problem::usage("events --follow supports only -o table and jsonl")
                    .with_hint("use -o jsonl for one record per event; it can be piped to jq"),
            );
        }
        let notice_codes = &[
            NoticeCode::UnknownState,
            NoticeCode::ClockCorrected,
            NoticeCode::EventsTruncated,
            NoticeCode::NoEvents,
            NoticeCode::PartsUnread,
            NoticeCode::RetiredApi,
            NoticeCode::UnreadableField,
        ];
        FollowOptions::new(&self.poll, notice_codes)
    }
}
