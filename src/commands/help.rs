//! Accepts global options after `help`, where clap accepts only the names of commands.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args as _, Command};

use super::global::GlobalArgs;

/// Returns `true` if clap has taken an option after `help` for a command.
pub(super) fn is_option_of_help(error: &clap::Error, arguments: &[OsString]) -> bool {
    let word = error.get(ContextKind::InvalidSubcommand);
    error.kind() == ErrorKind::InvalidSubcommand
        && matches!(word, Some(ContextValue::String(word)) if word.starts_with('-'))
        && arguments.iter().any(|argument| argument == "help")
}

/// Returns the arguments without the global options.
///
/// # Errors
/// Returns the error of an option that is invalid or not a global one.
pub(super) fn without_options(arguments: &[OsString]) -> Result<Vec<OsString>, clap::Error> {
    let words = Arg::new("words").action(ArgAction::Append).num_args(0..);
    let help = Arg::new("help").short('h').long("help");
    let command = GlobalArgs::augment_args(Command::new("joblens"))
        .disable_help_flag(true)
        .arg(words.value_parser(clap::value_parser!(OsString)))
        .arg(help.action(ArgAction::SetTrue));
    let matches = command.try_get_matches_from(arguments)?;
    let words = matches.get_many::<OsString>("words").unwrap_or_default();
    let program = arguments.iter().take(1);
    Ok(program.chain(words).cloned().collect())
}
