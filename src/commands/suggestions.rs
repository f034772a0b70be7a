//! Hints for commands and options of other tools.

use clap::error::{ContextKind, ContextValue};

use crate::error::{Problem, closest_match};
use crate::reference::find_first_character;

/// Returns a hint for a command of other tools.
fn foreign_command_hint(word: &str) -> Option<&'static str> {
    Some(match word {
        "cancel" | "delete" | "rm" | "stop" | "kill" | "submit" | "create" | "run" | "start"
        | "restart" | "scale" | "apply" => {
            "joblens is read-only; use the console or the command-line tool of the cloud"
        }
        "history" | "timeline" => "to show what happened: joblens events REF",
        "tail" | "output" | "peek" => "to print a log: joblens logs REF",
        "view" | "show" | "inspect" | "info" => "to show details: joblens describe REF",
        "status" => "to get a resource: joblens get REF",
        "diagnose" | "check" | "ping" | "test" => "to diagnose problems: joblens doctor",
        "ps" | "jobs" | "squeue" | "qstat" | "find" | "search" => {
            "to list resources: joblens list SCOPE, e.g. joblens list aliyun/job/CLUSTER --active"
        }
        "top" => "to watch jobs: joblens watch REF…",
        "version" => "to print the version: joblens --version",
        _ => return None,
    })
}

/// The names of the commands.
pub(super) const COMMANDS: [&str; 20] = [
    "get",
    "describe",
    "logs",
    "events",
    "list",
    "ls",
    "wait",
    "watch",
    "metrics",
    "kinds",
    "states",
    "schema",
    "auth",
    "doctor",
    "config",
    "completion",
    "man",
    "demo",
    "emulate",
    "help",
];

/// Returns the problem of a first word that is neither a command nor a reference.
pub(super) fn unknown_command(word: &str) -> Problem {
    let problem = Problem::usage(format!("unknown command '{word}'"));
    if let Some(advice) = foreign_command_hint(&word.to_ascii_lowercase()) {
        return problem.with_hint(advice);
    }
    if let Some((message, corrected)) = find_first_character(word) {
        return Problem::usage(message).with_hint(format!("did you mean '{corrected}'?"));
    }
    match closest_match(COMMANDS, word) {
        Some(command) => problem.with_hint(format!("did you mean 'joblens {command}'?")),
        None => problem.with_hint(
            "a reference contains a slash, e.g. aliyun/job/CLUSTER/JOB; see joblens --help",
        ),
    }
}

/// Returns a hint for a command that `help` does not know, at any depth: `joblens help config ini`.
pub(super) fn help_hint(
    error: &clap::Error,
    arguments: &[&str],
    commands: &clap::Command,
) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let words = arguments.iter().skip(1);
    let words = words.take_while(|text| *text != word);
    let (helps, words): (Vec<&str>, Vec<&str>) = words.partition(|text| **text == "help");
    if helps.is_empty() {
        return None;
    }
    let (mut parent, mut path) = (commands, String::new());
    for word in words {
        if let Some(next) = parent.find_subcommand(word) {
            parent = next;
            path += &format!("{} ", next.get_name());
        }
    }
    let nested = parent.get_subcommands().map(clap::Command::get_name);
    let closest = match path.is_empty() {
        true => closest_match(COMMANDS, word),
        false => closest_match(nested, word),
    };
    Some(match closest {
        Some(name) => format!("did you mean 'joblens help {path}{name}'?"),
        None => format!("see: joblens {path}--help"),
    })
}

/// Returns a hint for an option of other tools.
pub(super) fn flag_hint(argument: &str, command: Option<&str>) -> Option<&'static str> {
    let name = argument.split('=').next().unwrap_or_default();
    Some(match name {
        "-n" if command == Some("logs") => "to print the last lines: --tail N",
        "--all" if command == Some("logs") => "to print all logs of the job: --all-containers",
        "-a" | "--all" if matches!(command, Some("list" | "ls")) => {
            "--limit none shows all rows, -R the jobs of all scopes in a scope"
        }
        "--query" | "--filter" | "--jsonpath" => "use --jq: joblens get REF --jq '.jobs[].state'",
        "--region" => "set region in the config file, or JOBLENS_<CLOUD>_REGION",
        "-w" | "--watch" => "to watch jobs: joblens watch REF…",
        "--format" => "use -o table, -o wide or -o json",
        "-A" | "--all-namespaces" => "to list all namespaces: joblens list kubernetes -R",
        "-n" if matches!(command, Some("watch" | "wait")) => {
            "to set the time between polls: --interval 5s; a namespace is a part of the reference"
        }
        "-n" if matches!(command, Some("list" | "ls")) => {
            "--limit N limits the list; a namespace is a part of the scope: kubernetes/job/NAMESPACE"
        }
        "-n" | "--namespace" => {
            "the namespace is a part of the reference: kubernetes/job/NAMESPACE/JOB"
        }
        _ => return None,
    })
}

/// Returns the commands that have this option.
pub(super) fn commands_with<'a>(argument: &str, commands: &'a clap::Command) -> Vec<&'a str> {
    let has_option = |command: &clap::Command| {
        command.get_arguments().any(|option| {
            let long = option.get_long().map(|name| format!("--{name}"));
            let short = option.get_short().map(|letter| format!("-{letter}"));
            [long, short].contains(&Some(argument.to_owned()))
        })
    };
    let shown = commands.get_subcommands().filter(|one| !one.is_hide_set());
    let owners = shown.filter(|command| has_option(command));
    owners.map(clap::Command::get_name).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn commands_of_other_tools_and_misspelled_commands_have_a_hint() {
        let hint = |word| unknown_command(word).hint.unwrap();
        assert!(hint("delete").starts_with("joblens is read-only"));
        assert!(hint("history").contains("joblens events"));
        assert!(hint("tail").contains("joblens logs"));
        assert!(hint("view").contains("joblens describe"));
        assert!(hint("ping").contains("joblens doctor"));
        assert!(hint("squeue").contains("joblens list"));
        assert_eq!(hint("gte"), "did you mean 'joblens get'?");
        assert_eq!(hint("lsit"), "did you mean 'joblens list'?");
        assert!(hint("zzz").contains("slash"));
        assert_eq!(hint("—o"), "did you mean '-o'?");
        assert_eq!(hint("％1"), "did you mean '%1'?");
    }

    #[test]
    fn an_option_of_other_tools_has_a_hint_for_the_command() {
        let hint = |command| flag_hint("-n", Some(command)).unwrap();
        assert!(hint("watch").contains("--interval 5s"));
        assert!(hint("list").contains("--limit N"));
        assert!(hint("logs").contains("--tail N"));
        assert!(!hint("get").contains("--limit"));
    }

    #[test]
    fn help_suggests_commands_at_every_depth() {
        let hint = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let mut commands = crate::commands::Cli::command();
            let error = commands.try_get_matches_from_mut(&words).unwrap_err();
            help_hint(&error, &words, &commands)
        };
        for (line, expected) in [
            ("joblens help lst", "did you mean 'joblens help list'?"),
            (
                "joblens help config ini",
                "did you mean 'joblens help config init'?",
            ),
            (
                "joblens config help ini",
                "did you mean 'joblens help config init'?",
            ),
            (
                "joblens help auth stats",
                "did you mean 'joblens help auth status'?",
            ),
            ("joblens help config zzzz", "see: joblens config --help"),
            ("joblens help zzzz", "see: joblens --help"),
        ] {
            assert_eq!(hint(line).as_deref(), Some(expected), "{line}");
        }
        assert_eq!(hint("joblens config ini"), None);
    }

    #[test]
    fn every_command_is_suggested() {
        let commands = crate::commands::Cli::command();
        let mut names: Vec<&str> = commands
            .get_subcommands()
            .filter(|command| !command.get_name().starts_with("__"))
            .flat_map(|command| {
                std::iter::once(command.get_name()).chain(command.get_visible_aliases())
            })
            .collect();
        names.push("help");
        names.sort_unstable();
        let mut known = COMMANDS;
        known.sort_unstable();
        assert_eq!(names, known);
    }
}
