//! Options shared by several commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::context::CommandContext;
use super::kind_flags::KindFlags;
use super::lookup::{AllowedTargets, Inputs, Lookup, LookupOptions, LookupPlan};
use crate::error::Problem;
use crate::output::Format;
use crate::settings::{invalid_value, parse_duration};

/// The jobs that a command gets once, and how.
#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// References to get; @latest selects the newest in a scope, - reads references from stdin (on a terminal, - is the reference used last), %1 is row 1 of the last list
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// Also read references from FILE, one per line, or from stdin if FILE is - (repeatable)
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub kind_flags: KindFlags,
}

/// What the JSON of a job contains in addition.
#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// Include the raw API response (-o json, jsonl and yaml only)
    #[arg(long)]
    raw: bool,
    /// Don't mask secrets in the output
    #[arg(long)]
    show_secrets: bool,
}

impl OutputArgs {
    /// # Errors
    /// Returns a usage error if the format does not show raw API responses.
    pub(super) fn check(&self, context: &CommandContext) -> Result<(), Problem> {
        let format = context.output_options.format;
        let shows_raw = matches!(format, Format::Json | Format::Jsonl | Format::Yaml);
        match self.raw && !shows_raw {
            true => Err(Problem::usage("--raw requires -o json, jsonl or yaml")
                .with_hint("add -o json, or omit --raw")),
            false => Ok(()),
        }
    }

    /// Returns the options of a request, with the given kind-specific flags.
    pub(super) fn options(&self, kind_flags: &KindFlags) -> LookupOptions {
        LookupOptions {
            raw: self.raw,
            show_secrets: self.show_secrets,
            flags: kind_flags.given.clone(),
            ..LookupOptions::default()
        }
    }
}

impl LookupArgs {
    /// Returns `true` if no reference, file or option was given.
    pub(super) fn is_empty(&self) -> bool {
        let is_plain = !self.output.raw && !self.output.show_secrets;
        self.inputs().is_empty() && is_plain && self.kind_flags.given.is_empty()
    }

    /// Returns the references and files to read.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs::new(&self.references, &self.files)
    }

    /// Returns the options of the request.
    pub(super) fn options(&self) -> LookupOptions {
        LookupOptions {
            allowed: AllowedTargets::ReferencesAndLatest,
            ..self.output.options(&self.kind_flags)
        }
    }

    /// Reads and checks the references, before any client is created.
    ///
    /// # Errors
    /// Usage errors: no reference was given, or the errors of all invalid references.
    pub(super) fn plan(
        &self,
        context: &CommandContext,
        options: LookupOptions,
    ) -> Result<LookupPlan, Vec<Problem>> {
        if self.inputs().is_empty() {
            return Err(vec![Problem::usage("no references given").with_hint(
                "pass a reference such as aliyun/job/CLUSTER/JOB, or - to read from stdin",
            )]);
        }
        self.output.check(context)?;
        let settings = context.settings().map_err(|problem| vec![problem])?;
        LookupPlan::parse(context, settings, self.inputs(), options)
    }

    /// Prepares everything that the request needs. Sends nothing.
    ///
    /// # Errors
    /// Usage errors, as for [`LookupArgs::plan`] and [`LookupPlan::into_lookup`].
    pub(super) fn lookup(
        &self,
        context: &CommandContext,
        options: LookupOptions,
    ) -> Result<Arc<Lookup>, Vec<Problem>> {
        self.plan(context, options)?
            .into_lookup(context, None)
            .map(Arc::new)
    }
}

/// Checks that an option is given only together with the one that it requires. clap would name only the missing one.
///
/// # Errors
/// Returns a usage error that names both options.
pub(super) fn check_required(
    (option, is_given): (&str, bool),
    (required, is_present): (&str, bool),
) -> Result<(), Problem> {
    match is_given && !is_present {
        true => Err(Problem::usage(format!("{option} requires {required}"))
            .with_hint(format!("add {required}, or omit {option}"))),
        false => Ok(()),
    }
}

/// The default time for which a job can be absent before it is reported as missing.
const MISSING_GRACE: &str = "60s";

/// Options of `wait`, `watch` and `events --follow`.
#[derive(Debug, Default, Args)]
pub(super) struct PollArgs {
    /// Polling interval [default: adaptive, 2s to 30s]
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    interval: Option<String>,
    /// Don't report a resource as missing until this time has passed, and never before two checks 15s apart [default: 60s]
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    missing_grace: Option<String>,
}

impl PollArgs {
    /// Returns the fixed polling interval, if set.
    ///
    /// # Errors
    /// Returns a usage error for an invalid or zero duration.
    pub(super) fn interval(&self) -> Result<Option<Duration>, Problem> {
        let text = self.interval.as_deref();
        let interval = text
            .map(|text| parse_duration("--interval", text))
            .transpose()?;
        match interval {
            Some(Duration::ZERO) => {
                let text = text.unwrap_or_default();
                let problem = invalid_value("--interval", text, "must be greater than 0");
                Err(problem.with_hint("use e.g. 5s or 30s"))
            }
            interval => Ok(interval),
        }
    }

    /// Returns `true` if the option for a fixed polling interval is given.
    pub(super) fn has_interval(&self) -> bool {
        self.interval.is_some()
    }

    /// Returns `true` if the option for the time until a job is missing is given.
    pub(super) fn has_missing_grace(&self) -> bool {
        self.missing_grace.is_some()
    }

    /// # Errors
    /// Returns a usage error for an invalid duration.
    pub(super) fn missing_grace(&self) -> Result<Duration, Problem> {
        let text = self.missing_grace.as_deref();
        parse_duration("--missing-grace", text.unwrap_or(MISSING_GRACE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_without_the_one_that_it_requires_is_an_error_that_names_both() {
        let check = |is_given, is_present| {
            check_required(("--interval", is_given), ("--follow", is_present))
        };
        assert!(check(false, false).is_ok() && check(false, true).is_ok());
        assert!(check(true, true).is_ok());
        let problem = check(true, false).unwrap_err();
        assert_eq!(problem.message, "--interval requires --follow");
        assert_eq!(problem.hint.unwrap(), "add --follow, or omit --interval");
    }
}
