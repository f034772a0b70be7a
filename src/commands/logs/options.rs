use std::time::Duration;

use clap::{Arg, Args};

use super::super::args::check_required;
use super::super::context::CommandContext;
use super::super::global::RowKind;
use super::super::kind_flags::KindFlags;
use super::super::lookup::{AllowedTargets, LookupOptions};
use super::super::since::parse_since;
use crate::error::Problem;
use crate::kind::{Kind, LogSpec, LogSupport};
use crate::model::Since;
use crate::output::{Format, Zone};
use crate::providers::LogParams;
use crate::settings::parse_duration;

/// The default polling interval of a followed log.
const INTERVAL: Duration = Duration::from_secs(2);

/// Print the log of a job's container, node or output file
#[derive(Debug, Args)]
#[command(
    alias = "log",
    // -p means --previous here, as in kubectl, so the profile has only its long name.
    arg = profile_argument(),
    before_help = "Examples:\n  \
        joblens logs aliyun/job/ehpc-hz-FYUr32/train-7\n  \
        joblens logs -f --tail 20 aliyun/job/ehpc-hz-FYUr32/5\n  \
        joblens logs --all-containers -o jsonl \\\n      \
        aliyun/invocation/ehpc-hz-FYUr32/c-hz01v8x80o4",
    after_help = "If there are several containers, logs prints the one that failed or crashes repeatedly,\n\
        otherwise the first main container that has started, otherwise the first main one; stderr names the\n\
        others. For an ended job without standard output, its standard error is printed.\n\
        In a pipe, bytes are unchanged; on a terminal, control characters are escaped.\n\
        Exit codes: 0 success · 2 usage error, or no log operation in the API · 3 no log (yet) · \
        4 authentication or permission · 5 service or network error · 130/143 interrupted · 141 output closed"
)]
pub(in crate::commands) struct Arguments {
    /// Reference of the job; @latest selects the newest in a scope, - reads the reference from stdin (on a terminal, - is the reference used last), %1 is row 1 of the last list
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// Print the log of this container, or of a stream such as stderr
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// Print the log of this task (container group, node or pod), by ID, name, or index in an Indexed job
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Print the logs of all containers, each line prefixed with TASK/CONTAINER
    #[arg(long, conflicts_with = "container")]
    pub all_containers: bool,
    /// Number of lines to print from the end of the log; -1 for all
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = parse_tail
    )]
    tail: Option<i64>,
    /// Print only lines since TIME: a duration (2h), a date, or an RFC 3339 time such as
    /// 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Print the log of the container before its last restart
    #[arg(short, long, conflicts_with = "follow")]
    previous: bool,
    /// Print each line's time before it
    #[arg(long)]
    timestamps: bool,
    /// Print new lines until the job has ended
    #[arg(short, long)]
    pub follow: bool,
    /// With --follow, polling interval [default: 2s]
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    interval: Option<String>,
    #[command(flatten)]
    kind_flags: KindFlags,
}

/// Returns the global option for the profile, without its short form.
fn profile_argument() -> Arg {
    Arg::new("profile")
        .long("profile")
        .value_name("NAME")
        .help("Default profile for references without @PROFILE [env: JOBLENS_PROFILE]")
        .help_heading("Global options")
}

/// Parses a number of lines, or -1 for all.
fn parse_tail(text: &str) -> Result<i64, String> {
    let lines = text.parse().ok().filter(|lines| *lines >= -1);
    lines.ok_or_else(|| "expected a number of lines, or -1 for all".to_owned())
}

impl Arguments {
    /// Returns the options for looking up the job.
    pub(super) fn lookup_options(&self) -> LookupOptions {
        LookupOptions {
            flags: self.kind_flags.given.clone(),
            allowed: AllowedTargets::ReferencesAndLatest,
            ..LookupOptions::default()
        }
    }

    /// Returns the polling interval.
    ///
    /// # Errors
    /// Returns a usage error for an invalid duration, or without `--follow`.
    pub(super) fn interval(&self) -> Result<Duration, Problem> {
        let given = ("--interval", self.interval.is_some());
        check_required(given, ("--follow", self.follow))?;
        let text = self.interval.as_deref();
        let interval = text
            .map(|text| parse_duration("--interval", text))
            .transpose()?;
        Ok(interval.unwrap_or(INTERVAL))
    }

    /// Checks that the format supports logs.
    ///
    /// # Errors
    /// Returns a usage error for any other format, and for options about the rows of tables.
    pub(super) fn check_format(&self, context: &CommandContext) -> Result<(), Problem> {
        context.output_options.check_no_query("logs")?;
        match context.output_options.format {
            format if !context.global.columns.is_empty() => {
                Err(Problem::usage("logs does not support --columns")
                    .with_hint(RowKind::LogLines.selection_hint(format)))
            }
            _ if context.global.sort_by.is_some() => Err(Problem::usage(
                "logs does not support --sort-by; lines keep the order of the log",
            )),
            Format::Table | Format::Jsonl => Ok(()),
            _ => Err(Problem::usage("logs supports only -o table and jsonl")
                .with_hint("use -o jsonl for one record per line; it can be piped to jq")),
        }
    }

    /// Returns the time since which lines are requested.
    ///
    /// # Errors
    /// Returns a usage error.
    pub(super) fn since(&self, context: &CommandContext) -> Result<Option<Since>, Problem> {
        let (current, since) = (context.current_time(), self.since.as_deref());
        let zone = context.zone(Zone::Local);
        let since = since.map(|text| parse_since(text, &current, zone));
        since.transpose()
    }

    /// Returns `true` if the log of the previous container is requested.
    pub(super) fn is_previous(&self) -> bool {
        self.previous
    }

    /// Returns the parameters of the log, except its start, and how the kind reads logs.
    ///
    /// # Errors
    /// Returns a usage error if the API of the kind has no operation for logs, or one
    /// that does not support the options.
    pub(super) fn params(
        &self,
        context: &CommandContext,
        kind: &'static Kind,
    ) -> Result<(LogParams, &'static LogSpec), Problem> {
        let spec = match &kind.logs {
            LogSupport::Operation(spec) => spec,
            LogSupport::Unavailable(hint) => {
                let message = format!("{kind}: the API has no operation for logs");
                return Err(Problem::usage(message).with_hint(*hint));
            }
        };
        let unsupported = |is_given: bool, is_there: bool, option: &str| match is_given && !is_there
        {
            false => Ok(()),
            true => {
                let operation = spec.operation.name;
                let message = format!("{option} cannot be used with {kind}");
                let hint = format!("{operation} has no such parameter; omit {option}");
                Err(Problem::usage(message).with_hint(hint))
            }
        };
        unsupported(self.since.is_some(), spec.since, "--since")?;
        unsupported(self.previous, spec.previous, "--previous")?;
        unsupported(self.timestamps, spec.timestamps, "--timestamps")?;
        let is_jsonl = context.output_options.format == Format::Jsonl;
        let params = LogParams {
            tail_lines: self.tail.and_then(|lines| u64::try_from(lines).ok()),
            since: None,
            previous: self.previous,
            follow: self.follow,
            timestamps: spec.timestamps && (self.timestamps || self.follow || is_jsonl),
        };
        Ok((params, spec))
    }

    /// Returns `true` if lines are printed with the timestamps of the cloud.
    pub(super) fn shows_timestamps(&self) -> bool {
        self.timestamps
    }
}
