//! Shared by the commands about joblens itself: selects kinds, and prints catalogs.

use std::io::{self, IsTerminal as _, Write};

use super::context::{CommandContext, CommandResult};
use super::global::RowKind;
use crate::error::{Problem, closest_match, exit_code};
use crate::kind::Kind;
use crate::output::{self, Format, OutputOptions, RenderContext};
use crate::providers::{self, CLOUDS, Cloud};
use crate::reference::find_mistake;

/// Returns the kinds that `CLOUD` or `CLOUD/KIND` selects, by long or short names; all if `named` is `None`.
///
/// # Errors
/// Returns a usage error for an unknown cloud or kind, with the closest known one.
pub(super) fn kinds_of(named: Option<&str>) -> Result<Vec<&'static Kind>, Problem> {
    let Some(named) = named else {
        return Ok(providers::kinds().collect());
    };
    let resembles_cloud = |text: &str| {
        let mut clouds = CLOUDS.into_iter();
        clouds.any(|cloud| {
            closest_match([cloud.name()].into_iter().chain(short_name(cloud)), text).is_some()
        })
    };
    if let Some(problem) = find_mistake(named, &resembles_cloud) {
        return Err(problem);
    }
    let (cloud_name, kind) = match named.trim_end_matches('/').split_once('/') {
        Some((cloud_name, kind)) => (cloud_name, Some(kind)),
        None => (named.trim_end_matches('/'), None),
    };
    let cloud = CLOUDS.into_iter().find(|cloud| {
        let mut names = std::iter::once(cloud.name()).chain(short_name(cloud));
        names.any(|name| name.eq_ignore_ascii_case(cloud_name))
    });
    let Some(cloud) = cloud else {
        let names = CLOUDS.iter().map(|cloud| cloud.name());
        let message = format!("unknown cloud '{cloud_name}'");
        let hint = hint(names.clone().collect(), closest_match(names, cloud_name));
        return Err(unknown(named, 0..cloud_name.len(), message, hint));
    };
    let Some(kind) = kind else {
        return Ok(cloud.kinds.to_vec());
    };
    let is_named = |other: &&&Kind| {
        let names = [other.template.kind, other.template.kind_short];
        names.iter().any(|name| name.eq_ignore_ascii_case(kind))
    };
    match cloud.kinds.iter().find(is_named) {
        Some(kind) => Ok(vec![kind]),
        None => {
            let names = cloud.kinds.iter().map(|kind| kind.template.kind);
            let closest = closest_match(names.clone(), kind)
                .map(|closest| format!("{}/{closest}", cloud.name()));
            let message = format!("unknown kind '{kind}' for {}", cloud.name());
            let hint = hint(names.collect(), closest.as_deref());
            Err(unknown(
                named,
                cloud_name.len() + 1..named.len(),
                message,
                hint,
            ))
        }
    }
}

fn short_name(cloud: &Cloud) -> Option<&'static str> {
    cloud.kinds.first().map(|kind| kind.template.cloud_short)
}

/// Suggests the closest name, or lists all names if none is close.
fn hint(names: Vec<&str>, closest: Option<&str>) -> String {
    match closest {
        Some(closest) => format!("did you mean '{closest}'?"),
        None => format!("available: {}", names.join(", ")),
    }
}

fn unknown(named: &str, span: std::ops::Range<usize>, wrong: String, hint: String) -> Problem {
    let mut problem = Problem::usage(wrong);
    problem.input = Some(named.to_owned());
    problem.span = Some(span);
    problem.with_hint(hint)
}

impl CommandContext {
    /// Checks that output other than a list of jobs supports the requested format.
    ///
    /// # Errors
    /// Returns a usage error for a format or an option that only applies to jobs.
    pub(super) fn check_catalog_format(&self, command: &str) -> Result<(), Problem> {
        let format = self.output_options.format;
        let (what, hint) = match () {
            () if !self.global.columns.is_empty() => (
                "does not support --columns",
                RowKind::Other.selection_hint(format),
            ),
            () if self.global.sort_by.is_some() => (
                "does not support --sort-by",
                "use --jq, or sort the output of -o csv".to_owned(),
            ),
            () if !output::is_for_catalogs(format) => (
                "does not support this output format",
                "use -o table, wide, json, yaml, csv, tsv or markdown".to_owned(),
            ),
            () => return Ok(()),
        };
        Err(Problem::usage(format!("{command} {what}")).with_hint(hint))
    }

    /// Checks that no other format was requested from a command that has only one.
    ///
    /// # Errors
    /// Returns a usage error if an option for another format was given.
    pub(super) fn check_only_format(&self, what: &str) -> Result<(), Problem> {
        let (options, global) = (&self.output_options, &self.global);
        let picks =
            !global.columns.is_empty() || global.sort_by.is_some() || options.query.is_some();
        match options.format == Format::Table && !picks {
            true => Ok(()),
            false => Err(Problem::usage(format!("{what} only"))
                .with_hint("omit -o, --jq, --columns and --sort-by")),
        }
    }

    /// Prints a catalog of joblens itself, and returns the exit code.
    pub(super) fn print_catalog(
        &self,
        command: &'static str,
        write: impl FnOnce(&mut dyn Write, &OutputOptions, &RenderContext) -> io::Result<()>,
    ) -> CommandResult {
        self.check_catalog_format(command)?;
        self.progress.stop();
        let stdout = io::stdout();
        let render_context = self.render_context(stdout.is_terminal());
        let written = write(&mut stdout.lock(), &self.output_options, &render_context);
        Ok(self.exit_code_after_write(written, exit_code::OK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(named: &str) -> Vec<String> {
        let kinds = kinds_of(Some(named)).unwrap();
        kinds.iter().map(|kind| kind.template.to_string()).collect()
    }

    #[test]
    fn takes_clouds_and_kinds_by_long_and_short_names() {
        assert_eq!(
            names("hw"),
            [
                "huawei/image-job/JOB",
                "huawei/training-job/JOB",
                "huawei/job/SERVICE/JOB"
            ]
        );
        assert_eq!(names("Ali/INV/"), ["aliyun/invocation/CLUSTER/COMMAND"]);
        assert_eq!(names("aliyun/").len(), 6);
        assert_eq!(kinds_of(None).unwrap().len(), providers::kinds().count());
    }

    #[test]
    fn an_unknown_cloud_or_kind_is_marked_with_a_suggestion() {
        let wrong = |named| kinds_of(Some(named)).err().unwrap();
        let cloud = wrong("sugin");
        assert_eq!(cloud.span, Some(0..5));
        assert_eq!(cloud.hint.as_deref(), Some("did you mean 'sugon'?"));
        let kind = wrong("aliyun/jbo");
        assert_eq!(kind.span, Some(7..10));
        assert_eq!(kind.hint.as_deref(), Some("did you mean 'aliyun/job'?"));
    }
}
