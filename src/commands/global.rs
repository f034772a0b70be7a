mod http_settings;

use std::path::PathBuf;
use std::rc::Rc;

use clap::{Args, ValueEnum, ValueHint};

use super::jq;
use crate::error::Problem;
use crate::output::{self, Format, Zone};
use crate::reference::find_first_character;
use crate::settings::Environment;

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Output format
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORMAT"
    )]
    output: Format,
    /// Default profile for references without @PROFILE [env: JOBLENS_PROFILE]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Path to the config file [env: JOBLENS_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Comma-separated columns to show (table, csv, tsv, markdown), e.g. ref,state,exit_code
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAMES")]
    pub columns: Vec<String>,
    /// Sort by COLUMN; prefix with - to reverse
    #[arg(long, global = true, allow_hyphen_values = true, value_name = "COLUMN")]
    pub sort_by: Option<String>,
    /// Filter JSON output using a jq expression; strings are printed raw
    #[arg(long, global = true, allow_hyphen_values = true, value_name = "EXPR")]
    jq: Option<String>,
    /// Set $NAME in the jq expression to a string (repeatable)
    #[arg(
        long,
        global = true,
        num_args = 2,
        value_names = ["NAME", "VALUE"],
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    arg: Vec<String>,
    /// Set $NAME in the jq expression to a JSON value (repeatable)
    #[arg(
        long,
        global = true,
        num_args = 2,
        value_names = ["NAME", "JSON"],
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    argjson: Vec<String>,
    /// Exit 1 instead of 0 if the last output of --jq is null or false, or there is none
    #[arg(short = 'e', long, global = true, hide_short_help = true)]
    pub jq_exit_status: bool,
    /// Don't print column headers
    #[arg(long, global = true)]
    no_headers: bool,
    /// Time zone for displayed times [default: local on a terminal and in messages, describe and events, otherwise utc]
    #[arg(long, global = true, value_enum, value_name = "ZONE")]
    time: Option<Zone>,
    /// When to use color
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    color: Color,
    /// Maximum concurrent requests per account [default: 8]
    #[arg(long, global = true, value_name = "N", allow_hyphen_values = true)]
    concurrency: Option<String>,
    /// Connection timeout [default: 5s]
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    connect_timeout: Option<String>,
    /// Timeout of each request attempt [default: 30s]
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    request_timeout: Option<String>,
    /// Maximum response size [default: 64MiB]
    #[arg(
        long,
        global = true,
        value_name = "SIZE",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    max_body: Option<String>,
    /// Maximum attempts per request [default: 4]
    #[arg(
        long,
        global = true,
        value_name = "N",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    pub max_attempts: Option<String>,
    /// Allow plain HTTP to hosts other than localhost
    #[arg(long, global = true, hide_short_help = true)]
    allow_http: bool,
    /// Additional CA certificates (PEM) (repeatable)
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    ca_file: Vec<PathBuf>,
    /// Record requests and responses in a new folder (secrets masked)
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        hide_short_help = true
    )]
    pub record: Option<PathBuf>,
    /// Replay responses from a recording; no requests are sent
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        hide_short_help = true
    )]
    pub replay: Option<PathBuf>,
    /// Log requests and responses to stderr (secrets masked)
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print only errors, security warnings and the verdict of wait on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// The rows that a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    /// Resources.
    Jobs,
    /// Resources, and scopes such as clusters.
    JobsAndScopes,
    /// Resources, printed while the command runs.
    WatchedJobs,
    /// Events, with columns of their own.
    Events,
    /// Events, printed while the command runs; their columns cannot be selected.
    FollowedEvents,
    /// The lines of a log, which have no columns.
    LogLines,
    /// Rows of other commands.
    Other,
}

impl RowKind {
    /// Returns `true` if the columns of resources apply.
    fn are_jobs(self) -> bool {
        matches!(self, Self::Jobs | Self::JobsAndScopes | Self::WatchedJobs)
    }

    /// Checks that the format of a command that supports `--columns` has columns. The other commands report
    /// themselves that they do not support it.
    fn check_format_of_columns(self, format: Format) -> Result<(), Problem> {
        let has_columns = matches!(
            format,
            Format::Table | Format::Wide | Format::Csv | Format::Tsv | Format::Markdown
        );
        let formats = match self {
            Self::FollowedEvents | Self::LogLines | Self::Other => return Ok(()),
            _ if has_columns => return Ok(()),
            Self::WatchedJobs => "table or wide",
            Self::Jobs | Self::JobsAndScopes | Self::Events => "table, wide, csv, tsv or markdown",
        };
        Err(Problem::usage(format!("--columns requires -o {formats}"))
            .with_hint(self.selection_hint(format)))
    }

    /// Returns how to select fields without columns, for a command in this format.
    pub(super) fn selection_hint(self, format: Format) -> String {
        let selected = match self {
            Self::Other => "fields of the JSON",
            _ if format == Format::Jsonl => return "to select fields, pipe the lines to jq".into(),
            Self::WatchedJobs | Self::FollowedEvents | Self::LogLines => {
                return "to select fields, pipe the lines of -o jsonl to jq".into();
            }
            Self::Jobs => "JSON fields: --jq '.jobs[] | {ref, state}'",
            Self::JobsAndScopes => {
                "JSON fields: --jq '.jobs[] | {ref, state}', or for clusters '.scopes[] | {scope, status}'"
            }
            Self::Events => "JSON fields: --jq '.events[] | {ref, reason}'",
        };
        match format {
            Format::Table | Format::Json => format!("use --jq to select {selected}"),
            _ => format!("omit -o, and use --jq to select {selected}"),
        }
    }
}

/// The words of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// Color if stdout is a terminal; honors NO_COLOR and TERM
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Returns `true` if a stream gets colors; `terminal` if it is a terminal that supports them.
    pub(super) fn is_on(self, terminal: bool, environment: &Environment) -> bool {
        let forced = environment
            .get("CLICOLOR_FORCE")
            .is_some_and(|value| value != "0");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if environment.get("NO_COLOR").is_some() => false,
            Self::Auto => forced || terminal,
        }
    }
}

impl GlobalArgs {
    /// Returns the output format.
    pub(super) fn format(&self) -> Format {
        self.output
    }

    /// Returns only the format and the header option, for errors before the other options are parsed.
    pub(super) fn plain_output_options(&self) -> output::OutputOptions {
        output::OutputOptions {
            format: self.format(),
            columns: None,
            headers: !self.no_headers,
            query: None,
        }
    }

    /// Returns the output options. A command with its own columns parses their names itself.
    ///
    /// # Errors
    /// Returns a usage error for a column or an expression that is invalid or does not apply to the format.
    pub(super) fn output_options(
        &self,
        rows: RowKind,
        environment: &Environment,
    ) -> Result<output::OutputOptions, Problem> {
        let format = match (&self.jq, self.format()) {
            (None, format) => format,
            // The expression reads the JSON envelope.
            (Some(_), Format::Table | Format::Json) => Format::Json,
            (Some(_), given) => {
                let hint = match given {
                    Format::Jsonl => "omit --jq, and pipe the lines of -o jsonl to jq",
                    _ => "omit -o, or pipe the lines of -o jsonl to jq",
                };
                return Err(Problem::usage("--jq requires JSON output").with_hint(hint));
            }
        };
        if !self.columns.is_empty() {
            rows.check_format_of_columns(format)?;
        }
        let names = self.columns.iter().filter(|_| rows.are_jobs());
        let columns: Vec<output::JobColumn> = names
            .map(|name| output::JobColumn::by_name(name))
            .collect::<Result<_, _>>()?;
        let query = self.query(environment)?;
        Ok(output::OutputOptions {
            format,
            columns: Some(columns).filter(|columns| !columns.is_empty()),
            headers: !self.no_headers,
            query: query.map(Rc::new),
        })
    }

    /// Compiles the expression of `--jq` with its variables.
    fn query(&self, environment: &Environment) -> Result<Option<output::Query>, Problem> {
        let Some(expression) = &self.jq else {
            let needs = [
                (!self.arg.is_empty(), "--arg"),
                (!self.argjson.is_empty(), "--argjson"),
                (self.jq_exit_status, "-e"),
            ];
            return match needs.into_iter().find(|(given, _)| *given) {
                Some((_, option)) => Err(Problem::usage(format!("{option} requires --jq"))),
                None => Ok(None),
            };
        };
        jq::query(expression, &self.arg, &self.argjson, environment).map(Some)
    }

    /// Returns the sort order of jobs, if chosen; a command with its own columns does not sort.
    ///
    /// # Errors
    /// Returns a usage error that names the closest column.
    pub(super) fn sort(&self, rows: RowKind) -> Result<Option<output::Sort>, Problem> {
        let column = self.sort_by.as_deref().filter(|_| rows.are_jobs());
        let correct_dash = |text: &str| find_first_character(text).map(|(_, corrected)| corrected);
        let parse = |text| output::Sort::parse(text, correct_dash);
        column.map(parse).transpose()
    }

    /// Returns the time zone for display, if chosen.
    pub(super) fn zone(&self) -> Option<Zone> {
        self.time
    }

    /// Returns `true` if a stream gets colors; `terminal` if it is a terminal that supports them.
    pub(super) fn color(&self, terminal: bool, environment: &Environment) -> bool {
        self.color.is_on(terminal, environment)
    }
}
