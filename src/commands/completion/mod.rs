//! Shell completion: a script for each shell, and the hidden command that the scripts run on each Tab.
//!
//! Clap's engine finds the candidates for the word at the cursor. The scripts are not
//! clap's, because references contain characters at which bash splits words, and
//! because completion must not execute any typed text.

mod references;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Arg, Args, Command, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete as candidates};

use super::context::{CommandContext, CommandResult};
use crate::error::exit_code;
use crate::model::State;
use crate::output;
use references::CompletionData;

/// Generate a shell completion script
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    # bash\n  \
    joblens completion bash > ~/.local/share/bash-completion/completions/joblens\n  \
    # zsh\n  \
    joblens completion zsh > \"${fpath[1]}/_joblens\"\n  \
    # fish\n  \
    joblens completion fish > ~/.config/fish/completions/joblens.fish\n  \
    # PowerShell\n  \
    joblens completion powershell | Out-String | Invoke-Expression")]
pub(super) struct Arguments {
    /// Shell to generate the script for
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// GNU bash 4 or later
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
    /// PowerShell 5 or later
    Powershell,
}

/// The words of a command line up to the cursor
#[derive(Debug, Args)]
pub(super) struct CompletionRequest {
    /// A new word begins after the last one
    #[arg(long)]
    new: bool,
    /// The words, the program first
    #[arg(last = true)]
    words: Vec<OsString>,
}

/// Prints the script for a shell.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    context.check_only_format("completion prints a script")?;
    let script = match arguments.shell {
        Shell::Bash => include_str!("scripts/joblens.bash"),
        Shell::Zsh => include_str!("scripts/joblens.zsh"),
        Shell::Fish => include_str!("scripts/joblens.fish"),
        Shell::Powershell => include_str!("scripts/joblens.ps1"),
    };
    Ok(context.print(script.to_owned(), false))
}

/// Prints the candidates for the last word, one per line, each followed by a tab and its description. Returns exit code
/// 1 if there are none and the word is not the name of a file, so that the shell completes no file names.
///
/// Sends no request and skips files that cannot be read: completion must not print errors.
pub(super) fn complete(context: &CommandContext, words: CompletionRequest, program: Command) -> u8 {
    let mut typed = words.words;
    if words.new || typed.len() < 2 {
        typed.push(OsString::new());
    }
    let last = typed.len() - 1;
    let is_option = typed[last].as_encoded_bytes().first() == Some(&b'-');
    let known = Arc::new(CompletionData::read(context, &typed));
    let expects_file = Arc::new(AtomicBool::new(false));
    let mut command = with_candidates(program, &known, &expects_file);
    let folder = std::env::current_dir().ok();
    let found = candidates(&mut command, typed, last, folder.as_deref()).unwrap_or_default();
    let mut text = String::new();
    for candidate in found {
        let value = candidate.get_value().to_str();
        let is_offered = |value: &&str| is_insertable(value) && !repeats_item(value);
        let Some(value) = value.filter(is_offered) else {
            continue;
        };
        // Commands have many options: list them only if the word begins with `-`.
        if is_option || !value.starts_with('-') {
            let help = candidate.get_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let help = output::escape(help.lines().next().unwrap_or_default()).into_owned();
            let _ = writeln!(text, "{value}\t{help}");
        }
    }
    let has_nothing = text.is_empty() && !expects_file.load(Ordering::Relaxed);
    match context.print(text, false) {
        exit_code::OK => has_nothing.into(),
        code => code,
    }
}

/// Returns `true` if the last item of a list with commas is in the list already: `failed,failed`.
fn repeats_item(word: &str) -> bool {
    let Some((items, last)) = word.rsplit_once(',') else {
        return false;
    };
    // The name of an option can be in the same word.
    let items = match items.strip_prefix("--") {
        Some(option) => option.split_once('=').map_or(items, |(_, items)| items),
        None if items.starts_with('-') => items.get(2..).unwrap_or_default(),
        None => items,
    };
    items.split(',').any(|item| item == last)
}

/// Returns `true` if a shell needs no quotes for this word. The scripts insert it unquoted.
fn is_insertable(word: &str) -> bool {
    let has_meaning = |c: char| "$`\"'\\;&|<>(){}[]*?!~#^".contains(c);
    !word.contains(has_meaning) && output::escape(word) == word
}

/// Returns `command` with candidates from the config file and from the last lists. `expects_file` is set when the
/// name of a file is completed.
fn with_candidates(
    command: Command,
    known: &Arc<CompletionData>,
    expects_file: &Arc<AtomicBool>,
) -> Command {
    let command = command.mut_args(|argument| with_values(argument, known, expects_file));
    command.mut_subcommands(|inner| with_candidates(inner, known, expects_file))
}

fn with_values(argument: Arg, known: &Arc<CompletionData>, expects_file: &Arc<AtomicBool>) -> Arg {
    let name = argument.get_value_names().and_then(<[_]>::first);
    let name = name
        .map(|name| name.as_str().to_owned())
        .unwrap_or_default();
    let (known, expects_file) = (Arc::clone(known), Arc::clone(expects_file));
    let candidates: ArgValueCompleter = match (name.as_str(), argument.get_id().as_str()) {
        ("REF" | "REF|SCOPE/", _) => {
            ArgValueCompleter::new(move |typed: &OsStr| known.references(typed))
        }
        ("SCOPE", _) => ArgValueCompleter::new(move |typed: &OsStr| known.scopes(typed)),
        ("CLOUD[@PROFILE]", _) => {
            ArgValueCompleter::new(move |typed: &OsStr| known.accounts(typed))
        }
        ("CLOUD[/KIND]", _) => ArgValueCompleter::new(move |typed: &OsStr| known.kinds(typed)),
        (_, "profile") => ArgValueCompleter::new(move |typed: &OsStr| known.profiles(typed)),
        ("STATE", _) => ArgValueCompleter::new(|typed: &OsStr| {
            let states = State::ALL.iter().map(|state| state.as_str());
            prefix_matches(&typed.to_ascii_lowercase(), states)
        }),
        ("CONDITION", _) => ArgValueCompleter::new(goals),
        ("KIND[=FILE]", _) => ArgValueCompleter::new(move |typed: &OsStr| {
            let words = ["junit=", "github", "gitlab-dotenv=", "json="];
            if typed.as_encoded_bytes().contains(&b'=') {
                expects_file.store(true, Ordering::Relaxed);
            }
            // After a complete word the value is a file, which the shell completes.
            prefix_matches(typed, words.into_iter().filter(|word| typed != *word))
        }),
        (_, "columns") => ArgValueCompleter::new(|typed: &OsStr| {
            prefix_matches(typed, output::JobColumn::names())
        }),
        (_, "sort_by") => ArgValueCompleter::new(sort_keys),
        _ => match argument.get_value_hint() {
            // The shell completes paths itself: it expands `~`, variables and quotes,
            // and escapes what it inserts.
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath => {
                ArgValueCompleter::new(move |_: &OsStr| {
                    expects_file.store(true, Ordering::Relaxed);
                    Vec::new()
                })
            }
            _ => return argument,
        },
    };
    argument.add(candidates)
}

/// Completes the conditions of `wait --for`; several states are separated by commas.
fn goals(typed: &OsStr) -> Vec<CompletionCandidate> {
    // Conditions are case-insensitive.
    let typed = typed.to_ascii_lowercase();
    let text = typed.to_str().unwrap_or("\0");
    let states = State::ALL.iter().filter(|state| **state != State::Unknown);
    let states = states.map(|state| state.as_str());
    match text.rsplit_once(',') {
        None => prefix_matches(&typed, states.chain(["ended", "no-warnings="])),
        Some((before, _)) => {
            let words: Vec<_> = states.map(|state| format!("{before},{state}")).collect();
            prefix_matches(&typed, words.iter().map(String::as_str))
        }
    }
}

/// Completes the columns of `--sort-by`, with the minus sign of a descending order if it was typed.
fn sort_keys(typed: &OsStr) -> Vec<CompletionCandidate> {
    let is_descending = typed.as_encoded_bytes().starts_with(b"-");
    let sign = if is_descending { "-" } else { "" };
    let keys: Vec<_> = output::JobColumn::names()
        .map(|name| format!("{sign}{name}"))
        .collect();
    prefix_matches(typed, keys.iter().map(String::as_str))
}

/// Returns the words that begin with the typed text.
fn prefix_matches<'a>(
    typed: &OsStr,
    words: impl IntoIterator<Item = &'a str>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_str().unwrap_or("\0");
    let words = words.into_iter().filter(|word| word.starts_with(typed));
    words.map(CompletionCandidate::new).collect()
}
