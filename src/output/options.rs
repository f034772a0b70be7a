use std::rc::Rc;

use clap::ValueEnum;

use super::{JobColumn, Query};
use crate::error::Problem;

/// The output formats, with the words of `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Human-readable table
    Table,
    /// Table with more columns
    Wide,
    /// A single JSON document
    #[value(alias = "json/1")]
    Json,
    /// Newline-delimited JSON, streamed
    Jsonl,
    /// YAML document; all strings quoted
    Yaml,
    /// CSV with BOM, formula-safe
    Csv,
    /// TSV for scripts; tabs and newlines escaped
    Tsv,
    /// Markdown table
    Markdown,
    /// References only, one per line
    Name,
}

impl Format {
    /// Returns `true` if output without rows still has a header.
    pub fn has_header(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::Markdown)
    }

    /// Returns `true` if the format also contains errors.
    pub fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl | Self::Yaml)
    }
}

/// The options of the output.
#[derive(Debug, Clone)]
pub struct OutputOptions {
    /// The format.
    pub format: Format,
    /// The chosen columns of tables, csv, tsv and markdown, if any.
    pub columns: Option<Vec<JobColumn>>,
    /// Whether tables begin with the names of their columns.
    pub headers: bool,
    /// The expression whose output replaces the JSON envelope.
    pub query: Option<Rc<Query>>,
}

impl OutputOptions {
    /// Checks that no expression is given, for a command that prints while it runs.
    ///
    /// # Errors
    /// Returns a usage error that names the command.
    pub fn check_no_query(&self, command: &str) -> Result<(), Problem> {
        match self.query {
            None => Ok(()),
            Some(_) => Err(Problem::usage(format!("{command} does not support --jq"))
                .with_hint("pipe the lines of -o jsonl to jq")),
        }
    }
}
