use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::context::CommandContext;
use crate::error::Problem;

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
    let path = Man::new(command.clone())
        .date("")
        .source(concat!("joblens ", env!("CARGO_PKG_VERSION")))
        .manual("joblens")
        .generate_to(folder)?;
    *written += &format!("{}\n", path.display());
    let shown = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    shown
        .into_iter()
        .try_for_each(|inner| pages(inner, folder, written))
}
