//! Reports invalid command lines, in the layout of every other error and in the requested document format.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::rc::Rc;

use chrono::Utc;
use clap::ValueEnum as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::print::write_problem;
use super::terminal_support::TerminalSupport;
use super::{global, jq, suggestions};
use crate::error::{Problem, closest_match, exit_code};
use crate::model::Time;
use crate::output::document::Envelope;
use crate::output::{self, Format, OutputOptions, Query, RenderContext, Zone};
use crate::secret::quotable;
use crate::settings::Environment;

/// Prints help, the version, or an error about the options in the layout of every
/// other error. Returns the exit code.
pub(super) fn print(
    error: &clap::Error,
    commands: &clap::Command,
    arguments: &[OsString],
    environment: &Environment,
) -> u8 {
    let texts: Vec<&str> = arguments.iter().filter_map(|text| text.to_str()).collect();
    let is_terminal = io::stderr().is_terminal() && TerminalSupport::new(environment).color;
    let render_context = RenderContext {
        width: None,
        color: color(&texts).is_on(is_terminal, environment),
        zone: Zone::Utc,
        now: Time::new(Utc::now()).expect("the current year is before 10000"),
    };
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => exit_code::OK,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_code::BROKEN_PIPE,
            Err(error) => {
                let problem = write_problem(&error);
                let _ = output::write_problem(&mut io::stderr().lock(), &problem, &render_context);
                exit_code::SERVICE
            }
        };
    }
    let command = command(&texts);
    let help = help_command(command, &texts, commands);
    let problem = match suggestions::help_hint(error, &texts, commands) {
        Some(hint) => Problem::usage(message(error)).with_hint(hint),
        None => problem(error, command, &help, commands),
    };
    let (format, query) = document_format(&texts, environment);
    // An error on stderr that cannot be written does not prevent the document on stdout.
    let _ = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if format.is_none() => error.print(),
        _ => output::write_problem(&mut io::stderr().lock(), &problem, &render_context),
    };
    let envelope = Envelope::new(name(command, &texts), Vec::new(), vec![problem], Vec::new());
    let envelope = envelope.without_requests();
    let Some(format) = format else {
        return envelope.exit.code;
    };
    let options = OutputOptions {
        format,
        columns: None,
        headers: true,
        query: query.map(Rc::new),
    };
    match output::write(
        &mut io::stdout().lock(),
        &envelope,
        &options,
        &render_context,
    ) {
        Ok(()) => envelope.exit.code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_code::BROKEN_PIPE,
        Err(error) => {
            let problem = write_problem(&error);
            let _ = output::write_problem(&mut io::stderr().lock(), &problem, &render_context);
            envelope.exit.code
        }
    }
}

/// Converts an error of clap to a problem, without its usage lines.
fn problem(
    error: &clap::Error,
    command: Option<&str>,
    help: &str,
    commands: &clap::Command,
) -> Problem {
    Problem::usage(message(error)).with_hint(hint(error, command, help, commands))
}

fn message(error: &clap::Error) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue).map(quotable);
    match (error.kind(), argument, value) {
        (ErrorKind::UnknownArgument, Some(argument), _) => {
            format!("unexpected argument '{}' found", quotable(argument))
        }
        (ErrorKind::InvalidValue, Some(argument), Some(value)) => {
            format!("invalid value '{value}' for {}", name_of(argument))
        }
        (ErrorKind::ValueValidation, Some(argument), Some(value)) => {
            let source = std::error::Error::source(error);
            let reason = source.map_or_else(String::new, |source| format!(": {source}"));
            format!("invalid value '{value}' for {}{reason}", name_of(argument))
        }
        (ErrorKind::InvalidSubcommand, ..) => {
            let word = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("unknown command '{}'", quotable(word))
        }
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, ..) => "missing subcommand".into(),
        _ => first_paragraph(error),
    }
}

/// Returns the name of an option, without its value.
fn name_of(argument: &str) -> &str {
    let is_option = argument.starts_with('-');
    let name = argument.split([' ', '=']).next().unwrap_or(argument);
    if is_option { name } else { argument }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Returns the message of clap on one line, without the lists that it appends.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim);
    let lines = lines.take_while(|line| !line.is_empty());
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with('[')).collect();
    let message = lines.join(" ");
    message.strip_prefix("error: ").unwrap_or(&message).into()
}

/// Returns the next step: joblens's equivalent, the closest name, the possible values, or the help.
fn hint(
    error: &clap::Error,
    command: Option<&str>,
    help: &str,
    commands: &clap::Command,
) -> String {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    if error.kind() == ErrorKind::UnknownArgument {
        if let Some(advice) = suggestions::flag_hint(argument, command) {
            return advice.to_owned();
        }
        let owners = suggestions::commands_with(argument, commands);
        if let Some(command) = command.filter(|command| owners.contains(command)) {
            return format!("options of a command follow it: joblens {command} {argument}");
        }
        if !owners.is_empty() {
            return format!("{argument} is an option of {}", owners.join(", "));
        }
    }
    if let Some(name) = suggestion(error) {
        return format!("did you mean '{name}'?");
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(names)) if !names.is_empty() => {
            let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
            let closest = closest_match(names.iter().map(String::as_str), value);
            let closest =
                closest.map_or_else(String::new, |near| format!("did you mean '{near}'? "));
            format!("{closest}possible values: {}", names.join(", "))
        }
        _ => format!("see: {help}"),
    }
}

/// Returns the command that prints the help for the arguments: `joblens auth status --help`.
fn help_command(
    command: Option<&'static str>,
    arguments: &[&str],
    commands: &clap::Command,
) -> String {
    let Some(name) = command.filter(|name| *name != "help") else {
        return "joblens --help".to_owned();
    };
    let mut words = arguments.iter().skip_while(|word| **word != name).skip(1);
    let command = commands.find_subcommand(name);
    let nested = command.and_then(|command| words.find_map(|word| command.find_subcommand(word)));
    let nested = nested.map_or_else(String::new, |nested| format!(" {}", nested.get_name()));
    format!("joblens {name}{nested} --help")
}

/// Returns the name that clap suggests for the typed one, unless it only resembles a part of it.
fn suggestion(error: &clap::Error) -> Option<&str> {
    use ContextKind as Kind;
    [
        (Kind::InvalidArg, Kind::SuggestedArg),
        (Kind::InvalidSubcommand, Kind::SuggestedSubcommand),
    ]
    .into_iter()
    .find_map(|(typed, suggested)| {
        let name = match error.get(suggested)? {
            ContextValue::String(name) => name,
            ContextValue::Strings(names) => names.first()?,
            _ => return None,
        };
        // Do not suggest options that make a run less safe.
        let is_unsafe = ["--allow-http", "--show-secrets"].contains(&name.as_str());
        closest_match([name.as_str()], text(error, typed)?).filter(|_| !is_unsafe)
    })
}

/// Returns the command on the command line: the first word that is the name of one.
fn command(arguments: &[&str]) -> Option<&'static str> {
    let mut words = arguments.iter().skip(1);
    words.find_map(|word| {
        let mut commands = suggestions::COMMANDS.into_iter();
        commands.find(|command| command == word)
    })
}

/// Returns the name of a command in documents.
fn name(command: Option<&'static str>, arguments: &[&str]) -> &'static str {
    match command {
        Some("config") if arguments.contains(&"init") => "config init",
        Some("config") if arguments.contains(&"path") => "config path",
        None => "get",
        Some("ls") => "list",
        Some("auth") => "auth status",
        Some(command) => command,
    }
}

/// Returns the color option, as far as the arguments can be parsed.
fn color(arguments: &[&str]) -> global::Color {
    let values = option_values(arguments, |argument| {
        let value = argument.strip_prefix("--color")?;
        Some(value.strip_prefix('=').unwrap_or(value))
    });
    let mut words = values.filter_map(|value| global::Color::from_str(value, false).ok());
    words.next_back().unwrap_or(global::Color::Auto)
}

/// Returns the format of the document to print, if any, and the expression of `--jq` to apply to it, as far as the
/// arguments can be parsed. An expression that is invalid, or does not apply to the format, is ignored: the error of
/// the options is reported first.
fn document_format(
    arguments: &[&str],
    environment: &Environment,
) -> (Option<Format>, Option<Query>) {
    let format = output_format(arguments);
    if !matches!(format, None | Some(Format::Table | Format::Json)) {
        return (format.filter(|format| format.is_document()), None);
    }
    match jq_query(arguments, environment) {
        Some(query) => (Some(Format::Json), Some(query)),
        None => (format.filter(|format| format.is_document()), None),
    }
}

/// Compiles the last expression of `--jq` with its variables.
fn jq_query(arguments: &[&str], environment: &Environment) -> Option<Query> {
    let mut expression = None;
    let (mut texts, mut documents): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut words = arguments.iter().skip(1).take_while(|text| **text != "--");
    while let Some(word) = words.next() {
        match *word {
            "--jq" => expression = words.next().copied(),
            "--arg" => texts.extend(words.by_ref().take(2)),
            "--argjson" => documents.extend(words.by_ref().take(2)),
            word => expression = word.strip_prefix("--jq=").or(expression),
        }
    }
    jq::query(expression?, &texts, &documents, environment).ok()
}

/// Returns the last requested format.
fn output_format(arguments: &[&str]) -> Option<Format> {
    let values = option_values(arguments, |argument| {
        let value = argument.strip_prefix("--output").or_else(|| {
            let flags = argument.strip_prefix('-')?;
            flags.trim_start_matches(['f', 'q', 'v']).strip_prefix('o')
        })?;
        Some(value.strip_prefix('=').unwrap_or(value))
    });
    let mut formats = values.filter_map(|value| Format::from_str(value, false).ok());
    formats.next_back()
}

/// Returns the values of an option. `joined` returns the text after its name in the same argument; if it is
/// empty, the value is the next argument.
fn option_values<'a>(
    arguments: &[&'a str],
    joined: fn(&'a str) -> Option<&'a str>,
) -> std::vec::IntoIter<&'a str> {
    let mut values = Vec::new();
    let mut arguments = arguments.iter().skip(1).take_while(|text| **text != "--");
    while let Some(argument) = arguments.next() {
        values.extend(match joined(argument) {
            Some("") => arguments.next().copied(),
            value => value,
        });
    }
    values.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

    fn words(line: &str) -> Vec<&str> {
        line.split(' ').collect()
    }

    #[test]
    fn finds_the_document_format_of_the_last_output_option() {
        let found = |line| document_format(&words(line), &Environment::default()).0;
        for line in [
            "joblens get -o json --bogus",
            "joblens get -ojson --bogus",
            "joblens -o=json get --bogus",
            "joblens --output json --bogus",
            "joblens get --bogus --output=json",
            "joblens --output=json/1 --bogus",
            "joblens events -fqo json --bogus",
            "joblens get -o table -vojson",
        ] {
            assert_eq!(found(line), Some(Format::Json), "{line}");
        }
        assert_eq!(found("joblens get -oyaml -ojsonl"), Some(Format::Jsonl));
        assert_eq!(found("joblens get -o json -o table"), None);
        assert_eq!(found("joblens get -o"), None);
        assert_eq!(found("joblens get -- -o json"), None);
    }

    #[test]
    fn an_expression_selects_json_unless_another_format_is_requested() {
        let found = |line| {
            let (format, query) = document_format(&words(line), &Environment::default());
            (format, query.is_some())
        };
        let filtered = (Some(Format::Json), true);
        for line in [
            "joblens get --bogus --jq .exit",
            "joblens get --jq=.exit --bogus",
            "joblens get -o table --jq .exit",
            "joblens get -o json --jq .exit --bogus",
            "joblens get --jq $a --arg a --jq",
            "joblens get --jq $a+$b --arg a 1 --argjson b 2 --bogus",
        ] {
            assert_eq!(found(line), filtered, "{line}");
        }
        assert_eq!(
            found("joblens get -o yaml --jq .exit"),
            (Some(Format::Yaml), false)
        );
        assert!(!found("joblens get -o csv --jq .exit").1);
        assert_eq!(found("joblens get --jq"), (None, false));
        assert_eq!(
            found("joblens get -o json --jq .["),
            (Some(Format::Json), false)
        );
        assert_eq!(found("joblens get -- --jq .exit"), (None, false));
    }

    #[test]
    fn finds_the_value_of_the_color_option() {
        let found = |line| color(&words(line));
        assert_eq!(found("joblens --bogus"), global::Color::Auto);
        assert_eq!(found("joblens --color never --bogus"), global::Color::Never);
        assert_eq!(found("joblens --color=always -x"), global::Color::Always);
    }

    #[test]
    fn finds_the_command_that_was_meant() {
        let found = |line| name(command(&words(line)), &words(line));
        assert_eq!(found("joblens -v wait --bogus"), "wait");
        assert_eq!(found("joblens ls --bogus"), "list");
        assert_eq!(found("joblens auth status --bogus"), "auth status");
        assert_eq!(found("joblens config init --bogus"), "config init");
        assert_eq!(found("joblens config --bogus"), "config");
        assert_eq!(found("joblens help zzz"), "help");
        assert_eq!(found("wait aliyun/job/c/5 --bogus"), "get");
    }

    #[test]
    fn the_names_before_a_profile_are_those_of_the_clouds() {
        let names = providers::CLOUDS.iter().flat_map(|cloud| {
            let template = &cloud.kinds[0].template;
            [template.cloud, template.cloud_short]
        });
        assert!(names.eq(crate::secret::CLOUDS));
    }
}
