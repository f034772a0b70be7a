use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::error::Problem;
use crate::http::ClientOptions;
use crate::output;
use crate::settings::{self, Environment, SettingsFile};

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Form of the answer
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORMAT"
    )]
    output: Format,
    /// Profile of references without @PROFILE
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Settings file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Columns of table, csv, tsv and markdown, such as ref,state,exit_code
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAMES")]
    pub columns: Vec<String>,
    /// Sort by a column; -COLUMN for the greatest first
    #[arg(long, global = true, allow_hyphen_values = true, value_name = "COLUMN")]
    pub sort_by: Option<String>,
    /// Show what an expression of jq makes of the JSON envelope, texts as they are
    #[arg(long, global = true, value_name = "EXPR")]
    jq: Option<String>,
    /// Leave the names of the columns out
    #[arg(long, global = true)]
    no_headers: bool,
    /// Zone of the times that people read [default: local on a terminal, utc elsewhere]
    #[arg(long, global = true, value_enum, value_name = "ZONE")]
    time: Option<Zone>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    color: Color,
    /// Calls in flight at once, for each cloud [default: 8]
    #[arg(long, global = true, value_name = "N")]
    concurrency: Option<String>,
    /// Time to open a connection [default: 5s]
    #[arg(long, global = true, value_name = "TIME", hide_short_help = true)]
    connect_timeout: Option<String>,
    /// Time for one attempt of a call [default: 30s]
    #[arg(long, global = true, value_name = "TIME", hide_short_help = true)]
    request_timeout: Option<String>,
    /// Largest answer that is read [default: 64MiB]
    #[arg(long, global = true, value_name = "SIZE", hide_short_help = true)]
    max_body: Option<String>,
    /// How often a call is sent at most [default: 4]
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    pub max_attempts: Option<String>,
    /// Allow plain HTTP beyond loopback
    #[arg(long, global = true, hide_short_help = true)]
    allow_http: bool,
    /// A private CA besides the system's store, in PEM form
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    ca_file: Vec<PathBuf>,
    /// Show each request and answer on standard error, secrets masked
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Keep standard error silent
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// The words of `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Columns for people
    Table,
    /// The same with more columns
    Wide,
    /// One JSON envelope
    #[value(alias = "json/1")]
    Json,
    /// A JSON record a line, as things come
    Jsonl,
    /// The envelope as YAML, every string quoted
    Yaml,
    /// For spreadsheets
    Csv,
    /// For scripts: exact text, tabs and line ends escaped
    Tsv,
    /// A table for documents
    Markdown,
    /// References only, one a line
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Zone {
    /// Coordinated Universal Time
    Utc,
    /// The zone of this machine, or of TZ
    Local,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR or TERM=dumb says no
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Format> for output::Format {
    fn from(word: Format) -> Self {
        match word {
            Format::Table => Self::Table,
            Format::Wide => Self::Wide,
            Format::Json => Self::Json,
            Format::Jsonl => Self::Jsonl,
            Format::Yaml => Self::Yaml,
            Format::Csv => Self::Csv,
            Format::Tsv => Self::Tsv,
            Format::Markdown => Self::Markdown,
            Format::Name => Self::Name,
        }
    }
}

impl GlobalArgs {
    /// The form of the answer.
    pub(super) fn format(&self) -> output::Format {
        self.output.into()
    }

    /// The form alone, for what must be told before the other options are understood.
    pub(super) fn plain_output_options(&self) -> output::OutputOptions {
        output::OutputOptions {
            format: self.format(),
            columns: None,
            headers: !self.no_headers,
            query: None,
        }
    }

    /// How an answer is shown; a command with columns of its own reads their names itself.
    ///
    /// # Errors
    /// Wrong use: a column or an expression that cannot be read, or that the form has no place for.
    pub(super) fn output_options(
        &self,
        own_columns: bool,
    ) -> Result<output::OutputOptions, Problem> {
        let format = match (&self.jq, self.format()) {
            (None, format) => format,
            // The expression works on the envelope.
            (Some(_), output::Format::Table | output::Format::Json) => output::Format::Json,
            (Some(_), _) => {
                return Err(Problem::usage("--jq works on the JSON envelope")
                    .with_hint("leave -o out: joblens get REF --jq '.jobs[].state'"));
            }
        };
        let has_columns = matches!(
            format,
            output::Format::Table
                | output::Format::Wide
                | output::Format::Csv
                | output::Format::Tsv
                | output::Format::Markdown
        );
        if !self.columns.is_empty() && !has_columns {
            return Err(
                Problem::usage("--columns is for table, csv, tsv and markdown")
                    .with_hint("--jq picks fields of the JSON: --jq '.jobs[] | {ref, state}'"),
            );
        }
        let names = self.columns.iter().filter(|_| !own_columns);
        let columns: Vec<output::JobColumn> = names
            .map(|name| output::JobColumn::named(name))
            .collect::<Result<_, _>>()?;
        let query = self.jq.as_deref().map(output::Query::parse).transpose()?;
        Ok(output::OutputOptions {
            format,
            columns: Some(columns).filter(|columns| !columns.is_empty()),
            headers: !self.no_headers,
            query: query.map(Rc::new),
        })
    }

    /// What things are sorted by, where that was chosen; a command with columns of its own sorts none.
    ///
    /// # Errors
    /// Wrong use, with the nearest column.
    pub(super) fn sort(&self, own_columns: bool) -> Result<Option<output::Sort>, Problem> {
        let column = self.sort_by.as_deref().filter(|_| !own_columns);
        column.map(output::Sort::parse).transpose()
    }

    /// The zone of times that people read, if it was chosen.
    pub(super) fn zone(&self) -> Option<output::Zone> {
        self.time.map(|zone| match zone {
            Zone::Utc => output::Zone::Utc,
            Zone::Local => output::Zone::Local,
        })
    }

    /// Whether colours may be used on a stream.
    pub(super) fn colour(&self, terminal: bool, environment: &Environment) -> bool {
        let forced = environment
            .get("CLICOLOR_FORCE")
            .is_some_and(|value| value != "0");
        let dumb = environment.get("TERM") == Some("dumb");
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if environment.get("NO_COLOR").is_some() => false,
            Color::Auto => forced || (terminal && !dumb),
        }
    }

    /// The limits of the wire: options before `[wire]` of the settings file before the defaults.
    ///
    /// # Errors
    /// Wrong use, naming the option or key.
    pub(super) fn client_options(&self, file: &SettingsFile) -> Result<ClientOptions, Problem> {
        let default = ClientOptions::default();
        let pick = |option: &Option<String>, key: &str| {
            option.clone().or_else(|| file.wire(key).map(str::to_owned))
        };
        let time = |option: &Option<String>, key: &str, default: Duration| match pick(option, key) {
            None => Ok(default),
            Some(text) => settings::duration(&text)
                .filter(|time| !time.is_zero())
                .ok_or_else(|| wrong(key, &text, "a time with its unit, such as 5s or 1m30s")),
        };
        let number = |option: &Option<String>, key: &str, default: u32| match pick(option, key) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| (1..=1000).contains(number))
                .ok_or_else(|| wrong(key, &text, "a number from 1 to 1000")),
        };
        let max_body = match pick(&self.max_body, "max_body") {
            None => default.max_body,
            Some(text) => settings::byte_size(&text)
                .filter(|size| *size > 0)
                .ok_or_else(|| wrong("max_body", &text, "a size with its unit, such as 64MiB"))?,
        };
        let allow_http = match file.wire("allow_http") {
            _ if self.allow_http => true,
            None | Some("false") => false,
            Some("true") => true,
            Some(text) => return Err(wrong("allow_http", text, "true or false")),
        };
        Ok(ClientOptions {
            connect_timeout: time(
                &self.connect_timeout,
                "connect_timeout",
                default.connect_timeout,
            )?,
            request_timeout: time(
                &self.request_timeout,
                "request_timeout",
                default.request_timeout,
            )?,
            max_body,
            max_attempts: number(&self.max_attempts, "max_attempts", default.max_attempts)?,
            concurrency: number(&self.concurrency, "concurrency", 8)? as usize,
            allow_http,
            min_interval: None,
            ca_files: self.ca_file.clone(),
        })
    }
}

fn wrong(key: &str, text: &str, wanted: &str) -> Problem {
    let text = crate::secret::quotable(text);
    Problem::usage(format!("{key} is “{text}”; expected {wanted}"))
}
