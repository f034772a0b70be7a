use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use clap::builder::StyledStr;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::context::{CommandContext, CommandResult};
use crate::error::Problem;

/// The date of this version's pages.
const RELEASE_DATE: &str = "2026-11-27";

/// Write man pages, one for each command, into a folder
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    joblens man ~/.local/share/man/man1\n  \
    joblens man /tmp/man && man /tmp/man/joblens.1")]
pub(super) struct Arguments {
    /// Output directory (created if missing)
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// The beginning of the exit-code paragraph in the help of a command.
const EXIT_CODES: &str = "Exit codes: ";

/// Writes the pages and prints their paths. The same version always writes the same pages.
pub(super) fn run(
    context: &CommandContext,
    arguments: &Arguments,
    program: Command,
) -> CommandResult {
    context.check_only_format("man prints the paths of the pages")?;
    let folder = &arguments.folder;
    let mut command = program.disable_help_subcommand(true);
    command.build();
    let mut written = String::new();
    let result = fs::create_dir_all(folder).and_then(|()| pages(&command, folder, &mut written));
    result.map_err(|error| {
        let reason = error.kind();
        let problem = format!("cannot write man pages to {} ({reason})", folder.display());
        Problem::usage(problem)
    })?;
    Ok(context.print(written, false))
}

/// Renders a page with its sections in the usual order of man pages.
fn render(page: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.get_subcommands().any(|inner| !inner.is_hide_set()) {
        page.render_subcommands_section(&mut text)?;
    }
    let help = |help: Option<&StyledStr>| help.map_or_else(String::new, ToString::to_string);
    let (after, before) = (
        help(command.get_after_help()),
        help(command.get_before_help()),
    );
    let (notes, codes) = after
        .split_once(EXIT_CODES)
        .unwrap_or((&after, "0 success · 2 usage error"));
    let codes = codes.replace(" · ", "\n");
    let codes = codes.replace("No verdict: ", "No verdict:\n");
    let examples = before.trim_start_matches("Examples:\n");
    let mut roff = Roff::new();
    for (heading, text) in [("NOTES", notes), ("EXIT STATUS", &codes)] {
        if text.is_empty() {
            continue;
        }
        roff.control("SH", [heading]);
        for line in text.lines() {
            roff.text([roman(line.trim_start())]).control("br", []);
        }
    }
    add_examples(&mut roff, examples);
    roff.to_writer(&mut text)?;
    if command.get_version().is_some() {
        page.render_version_section(&mut text)?;
    }
    Ok(text)
}

/// Adds a section whose lines are neither filled nor hyphenated, so that the commands can be copied.
fn add_examples(roff: &mut Roff, examples: &str) {
    if examples.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines() {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
}

fn pages(command: &Command, folder: &Path, written: &mut String) -> io::Result<()> {
    // Include the options that the short help omits.
    let complete = command
        .clone()
        .mut_args(|option| option.hide_short_help(false));
    // Options, including global ones, are in the section OPTIONS only.
    let usage = complete.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let page = Man::new(complete.override_usage(usage))
        .date(date())
        .source(concat!("joblens ", env!("CARGO_PKG_VERSION")))
        .manual("joblens");
    let path = folder.join(page.get_filename());
    fs::write(&path, render(&page, command)?)?;
    *written += &format!("{}\n", path.display());
    let shown = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    shown
        .into_iter()
        .try_for_each(|inner| pages(inner, folder, written))
}

/// Returns the release date, or that of `SOURCE_DATE_EPOCH`, which reproducible builds set.
fn date() -> String {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let epoch = epoch.and_then(|seconds| seconds.parse().ok());
    let day = epoch.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    day.map_or(RELEASE_DATE.to_owned(), |day| {
        day.format("%Y-%m-%d").to_string()
    })
}
