//! The config file: its path, and a template to fill in.

mod template;

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tempfile::NamedTempFile;

use super::context::{CommandContext, CommandResult};
use crate::error::{Problem, kind_text};
use crate::output;
use crate::output::document::{ConfigPath, Envelope};
use crate::settings::{NO_FILE, SettingsFile, check_folders};

/// Create a config file, or print its path
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  joblens config init\n  $EDITOR \"$(joblens config path)\"")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

impl Arguments {
    /// Returns the name of the command on the command line.
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::Init => "config init",
            Action::Path => "config path",
        }
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a commented config file (never overwrites)
    #[command(
        before_help = "Examples:\n  joblens config init\n  joblens config init --config ./joblens.toml"
    )]
    Init,
    /// Print the config file path
    #[command(
        before_help = "Examples:\n  joblens config path\n  $EDITOR \"$(joblens config path)\""
    )]
    Path,
}

/// Runs the requested action on the config file that the other commands would read.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let command = arguments.name();
    context.check_catalog_format(command)?;
    let config_path = settings_path(context)?;
    if matches!(arguments.action, Action::Init) {
        check_is_file(context, &config_path)?;
        write(&config_path)?;
        if !context.global.quiet {
            let shown = config_path.display();
            let line = format!("created {shown} (mode 0600); uncomment the settings you need");
            let _ = output::write_line(&mut io::stderr(), &line);
        }
    }
    let path = ConfigPath {
        schema: Envelope::SCHEMA,
        command,
        path: config_path.display().to_string(),
    };
    context.print_catalog(command, |out, form, render_context| {
        output::write_config_path(out, &path, form, render_context)
    })
}

fn settings_path(context: &CommandContext) -> Result<PathBuf, Problem> {
    let config = context.global.config.clone();
    SettingsFile::locate(config, &context.environment)
        .0
        .ok_or_else(|| {
            Problem::usage("cannot determine the config path")
                .with_hint("set HOME, or pass --config FILE")
        })
}

/// Rejects the path that means no config file, as in a shell that uses the emulator.
fn check_is_file(context: &CommandContext, config_path: &Path) -> Result<(), Problem> {
    if config_path != Path::new(NO_FILE) {
        return Ok(());
    }
    let (setting, hint) = match context.global.config {
        Some(_) => ("--config ", "pass another path with --config"),
        None => ("JOBLENS_CONFIG=", "unset it, or pass --config FILE"),
    };
    let message = format!("{setting}{NO_FILE} means no config file, so none can be created");
    Err(Problem::usage(message).with_hint(hint))
}

/// Writes the file atomically; never overwrites an existing one.
fn write(config_path: &Path) -> Result<(), Problem> {
    let shown = config_path.display();
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Problem::usage(format!("the config file {shown} already exists"))
                .with_hint("nothing was changed; to start over, move it away first")
        }
        kind => {
            let reason = kind_text(kind);
            Problem::usage(format!("cannot write the config file {shown} ({reason})"))
                .with_hint("pass a writable path with --config")
        }
    };
    if config_path.symlink_metadata().is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    if let Some(folder) = config_path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut folders = DirBuilder::new();
        folders.recursive(true).mode(0o700);
        folders.create(folder).map_err(failed)?;
    }
    check_folders(config_path).map_err(|insecure| {
        let message = format!("the config file {shown} {}", insecure.reason);
        Problem::usage(message).with_hint(
            "pass a path in another folder with --config, or fix the permissions of this folder",
        )
    })?;
    write_new(config_path).map_err(failed)
}

fn write_new(config_path: &Path) -> io::Result<()> {
    let folder = config_path.parent().unwrap_or(Path::new(""));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(template::text().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(config_path)?;
    Ok(())
}
