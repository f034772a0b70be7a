use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use clap::{Args, Command};
use clap_mangen::Man;

use super::context::CommandContext;
use crate::error::Problem;

/// The date of the pages of this version.
const RELEASE_DATE: &str = "2026-11-27";

const EXIT_STATUS: [(&str, &str); 8] = [
    ("0", "Success; or the gate passed."),
    (
        "1",
        "The gate failed; or with -e the last output of --jq is null or false.",
    ),
    (
        "2",
        "Usage error in options, references or the config file.",
    ),
    ("3", "A resource does not exist."),
    (
        "4",
        "Configuration or credentials are missing, rejected, expired or lack permission.",
    ),
    ("5", "Service or network error, or an invalid response."),
    (
        "8, 124",
        "A gate is undecided: jobs still active, or timed out.",
    ),
    (
        "130, 143, 141",
        "Interrupted, terminated, or the output was closed.",
    ),
];

/// Write man pages, one for each command, into a folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  joblens man ~/.local/share/man/man1")]
pub(super) struct Arguments {
    /// Output directory (created if missing)
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages, the same ones for the same joblens on every day, and prints where they are.
pub(super) fn run(session: &CommandContext, arguments: &Arguments, program: Command) -> u8 {
    let folder = &arguments.folder;
    let mut command = program.disable_help_subcommand(true);
    command.build();
    let mut written = String::new();
    let result = fs::create_dir_all(folder).and_then(|()| pages(&command, folder, &mut written));
    match result {
        Ok(()) => session.print(written, false),
        Err(error) => {
            let why = error.kind();
            let problem = format!("cannot write man pages to {} ({why})", folder.display());
            session.usage_error("man", vec![Problem::usage(problem)])
        }
    }
}

fn pages(command: &Command, folder: &Path, written: &mut String) -> io::Result<()> {
    let help = command.get_after_help().map(ToString::to_string);
    // Options that short help leaves out would have no text.
    let page = command.clone().after_help(None::<&str>);
    let page = page.mut_args(|argument| argument.hide_short_help(false));
    let page = Man::new(page)
        .date(date())
        .source(concat!("joblens ", env!("CARGO_PKG_VERSION")))
        .manual("joblens");
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)?;
    text.extend(sections(&help.unwrap_or_default()).into_bytes());
    fs::write(&path, text)?;
    *written += &format!("{}\n", path.display());
    let shown = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    shown
        .into_iter()
        .try_for_each(|inner| pages(inner, folder, written))
}

/// The day of the release, or of `SOURCE_DATE_EPOCH`, as builds that can be repeated set it.
fn date() -> String {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let epoch = epoch.and_then(|seconds| seconds.parse().ok());
    let day = epoch.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    day.map_or(RELEASE_DATE.to_owned(), |day| {
        day.format("%Y-%m-%d").to_string()
    })
}

/// The sections after the options: exit status, examples, and what else the help says.
fn sections(help: &str) -> String {
    let mut text = ".SH \"EXIT STATUS\"\n".to_owned();
    for (code, meaning) in EXIT_STATUS {
        text += &format!(".TP\n\\fB{code}\\fR\n{meaning}\n");
    }
    let (mut examples, mut notes) = (Vec::new(), Vec::new());
    for block in help.split("\n\n") {
        match block.strip_prefix("Examples:\n") {
            Some(lines) => examples.push(lines),
            None if !block.is_empty() => notes.push(block),
            None => {}
        }
    }
    for (title, blocks) in [("EXAMPLES", examples), ("NOTES", notes)] {
        if !blocks.is_empty() {
            let lines = blocks.join("\n\n");
            let lines: Vec<_> = lines.lines().map(line).collect();
            text += &format!(".SH {title}\n.nf\n{}\n.fi\n", lines.join("\n"));
        }
    }
    text
}

/// A line as roff prints it unchanged.
fn line(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}
