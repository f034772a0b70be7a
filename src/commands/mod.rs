//! The commands: one file each, with its arguments and its implementation.

mod account_problems;
mod args;
mod auth;
mod completion;
mod completion_cache;
mod config;
mod context;
mod demo;
mod describe;
mod doctor;
mod early_rows;
mod emulate;
mod events;
mod follow;
mod gate_report;
mod get;
mod global;
mod help;
mod interrupt_handler;
mod introspect;
mod job_control;
mod job_identity;
mod jq;
mod keyboard;
mod kind_flags;
mod kinds;
mod list;
mod live_terminal;
mod logs;
mod lookup;
mod man;
mod metrics;
mod notices;
mod pager;
mod panic_hook;
mod poll;
mod print;
mod progress_line;
mod recording;
mod reporter;
mod reports;
mod run_loop;
mod runtime;
mod schema;
mod shell_session;
mod shutdown;
mod signals;
mod since;
mod states;
mod stdout_writer;
mod suggestions;
mod terminal_support;
mod usage_error;
mod wait;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::credentials::end_commands;
use crate::error::{Problem, exit_code};
use crate::settings::Environment;
use context::{CommandContext, CommandResult};
use global::{GlobalArgs, RowKind};
use recording::RecordingSupport;
use terminal_support::TerminalSupport;

#[cfg(any(test, fuzzing))]
pub(crate) use logs::fuzz_logs;
pub use panic_hook::install_panic_hook;
pub use runtime::on_sufficient_stack;

/// Inspect, wait for and watch jobs and containers across clouds (read-only)
#[derive(Debug, Parser)]
#[command(
    name = "joblens",
    version,
    subcommand_precedence_over_arg = true,
    before_help = "Examples:\n  \
        joblens aliyun/job/ehpc-hz-FYUr32/5 huawei/image-job/702364883651395584\n  \
        joblens demo",
    after_help = "References: CLOUD[@PROFILE]/KIND/SEGMENT…   Clouds: aliyun, sugon, huawei, tencent, kubernetes   (see: joblens kinds)\n\
        Exit codes: 0 success · 1 gate failed · 2 usage error · 3 not found · 4 authentication or permission · \
        5 service or network error · 8 still pending · 124 timed out · 130/143 interrupted · 141 output closed"
)]
struct Cli {
    #[command(flatten)]
    bare: get::Arguments,
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(get::Arguments),
    Describe(describe::Arguments),
    Logs(logs::Arguments),
    Events(events::Arguments),
    List(list::Arguments),
    Wait(wait::Arguments),
    Watch(watch::Arguments),
    Metrics(metrics::Arguments),
    Kinds(kinds::Arguments),
    States(states::Arguments),
    Schema(schema::Arguments),
    Auth(auth::Arguments),
    Doctor(doctor::Arguments),
    Config(config::Arguments),
    Completion(completion::Arguments),
    #[command(name = "__complete", hide = true)]
    Complete(completion::CompletionRequest),
    #[command(hide = true)]
    Man(man::Arguments),
    Demo(demo::Arguments),
    Emulate(emulate::Arguments),
}

/// Properties of a command.
struct CommandSpec {
    /// Its name on the command line.
    name: &'static str,
    /// Whether it can be recorded and replayed.
    recording: RecordingSupport,
    /// The rows that it prints.
    rows: RowKind,
}

impl CommandSpec {
    /// The command that is run if none is given.
    const GET: Self = Self::new("get", RecordingSupport::AnyCommand);

    const fn new(name: &'static str, recording: RecordingSupport) -> Self {
        Self {
            name,
            recording,
            rows: RowKind::Jobs,
        }
    }

    const fn with_rows(self, rows: RowKind) -> Self {
        Self { rows, ..self }
    }
}

impl Command {
    /// Returns the properties of the command.
    fn spec(&self) -> CommandSpec {
        use RecordingSupport::{AnyCommand, SameCommand, Unavailable};
        const OFFLINE: RecordingSupport = Unavailable("it sends no requests");
        const SHELL: RecordingSupport = Unavailable("the shell calls it for each completion");
        const OWN_EMULATOR: RecordingSupport =
            Unavailable("its responses come from an emulator in the same process");
        const SERVER: RecordingSupport = Unavailable("it only receives requests");
        let spec = CommandSpec::new;
        match self {
            Self::Get(_) => CommandSpec::GET,
            Self::Describe(_) => spec("describe", AnyCommand),
            Self::Logs(_) => spec("logs", AnyCommand).with_rows(RowKind::LogLines),
            Self::Events(arguments) => spec("events", AnyCommand).with_rows(arguments.rows()),
            Self::List(_) => spec("list", AnyCommand).with_rows(RowKind::JobsAndScopes),
            Self::Wait(_) => spec("wait", AnyCommand),
            Self::Watch(_) => spec("watch", AnyCommand).with_rows(RowKind::WatchedJobs),
            Self::Metrics(_) => spec("metrics", SameCommand).with_rows(RowKind::Other),
            Self::Kinds(_) => spec("kinds", SameCommand).with_rows(RowKind::Other),
            Self::States(_) => spec("states", SameCommand).with_rows(RowKind::Other),
            Self::Schema(_) => spec("schema", SameCommand).with_rows(RowKind::Other),
            Self::Auth(_) => spec("auth status", SameCommand).with_rows(RowKind::Other),
            Self::Doctor(_) => spec("doctor", AnyCommand).with_rows(RowKind::Other),
            Self::Config(arguments) => spec(arguments.name(), OFFLINE).with_rows(RowKind::Other),
            Self::Completion(_) => spec("completion", OFFLINE),
            Self::Complete(_) => spec("__complete", SHELL),
            Self::Man(_) => spec("man", OFFLINE),
            Self::Demo(_) => spec("demo", OWN_EMULATOR),
            Self::Emulate(_) => spec("emulate", SERVER),
        }
    }
}

/// The parts of a help text in order; the examples of a command are its `before_help`.
const HELP_TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n\
                             {all-args}{after-help}";

/// Returns the command line parser with all commands.
fn command() -> clap::Command {
    fn with_template(command: clap::Command) -> clap::Command {
        command
            .help_template(HELP_TEMPLATE)
            .mut_subcommands(with_template)
    }
    with_template(Cli::command())
}

/// Returns when help uses colors: not on a terminal that does not support them.
fn help_color(environment: &Environment) -> ColorChoice {
    let is_forced = environment.get("CLICOLOR_FORCE").is_some();
    match is_forced || TerminalSupport::new(environment).color {
        true => ColorChoice::Auto,
        false => ColorChoice::Never,
    }
}

/// Runs the command line and returns the exit code of the process.
///
/// `arguments` begin with the name of the program. The environment is read once.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let code = run_command(arguments);
    end_commands();
    code
}

fn run_command(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let environment = Environment::from_os(std::env::vars_os());
    signals::end_first_process_by_signals();
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = match parse(&arguments, &environment) {
        Ok(cli) => cli,
        Err(error) => {
            return usage_error::print(&error, &command(), &arguments, &environment);
        }
    };
    let command = cli.command.as_ref();
    let CommandSpec {
        name,
        recording,
        rows,
    } = command.map_or(CommandSpec::GET, Command::spec);
    let session = recording::session(&cli.global, name, recording, &arguments);
    let context = match CommandContext::new(cli.global, environment, rows, session) {
        Ok(context) => context,
        Err((context, problem)) => {
            let problems = vec![problem];
            if let Some(Command::Wait(arguments)) = command {
                wait::report_usage_errors(&context, arguments, &problems);
            }
            let code = context.usage_error(name, problems);
            context.finish_recording(code);
            return code;
        }
    };
    let code = dispatch(&context, cli.command, &cli.bare)
        .unwrap_or_else(|problems| context.usage_error(name, problems));
    context.finish_recording(code);
    code
}

/// Parses the command line.
fn parse(arguments: &[OsString], environment: &Environment) -> Result<Cli, clap::Error> {
    let parse = |arguments: &[OsString]| {
        let command = command().color(help_color(environment));
        command.try_get_matches_from(arguments)
    };
    let matches = match parse(arguments) {
        Err(error) if help::is_option_of_help(&error, arguments) => {
            parse(&help::without_options(arguments)?)
        }
        parsed => parsed,
    };
    Cli::from_arg_matches(&matches?)
}

/// Runs a command, or `get` if none is given.
fn dispatch(
    context: &CommandContext,
    command: Option<Command>,
    bare: &get::Arguments,
) -> CommandResult {
    match command {
        Some(command) if !bare.is_empty() => {
            let problem = Problem::usage("references and get options must come after the command")
                .with_hint("write them after it: joblens get REF…");
            let problems = vec![problem];
            if let Command::Wait(arguments) = &command {
                wait::report_usage_errors(context, arguments, &problems);
            }
            Ok(context.usage_error("get", problems))
        }
        Some(Command::Get(arguments)) => get::run(context, &arguments),
        Some(Command::Describe(arguments)) => describe::run(context, &arguments),
        Some(Command::Logs(arguments)) => logs::run(context, &arguments),
        Some(Command::Events(arguments)) => Ok(events::run(context, &arguments)),
        Some(Command::List(arguments)) => list::run(context, &arguments),
        Some(Command::Wait(arguments)) => wait::run(context, &arguments),
        Some(Command::Watch(arguments)) => Ok(watch::run(context, &arguments)),
        Some(Command::Metrics(arguments)) => metrics::run(context, &arguments),
        Some(Command::Kinds(arguments)) => kinds::run(context, &arguments),
        Some(Command::States(arguments)) => states::run(context, &arguments),
        Some(Command::Schema(arguments)) => schema::run(context, &arguments),
        Some(Command::Auth(arguments)) => auth::run(context, &arguments),
        Some(Command::Doctor(arguments)) => doctor::run(context, &arguments),
        Some(Command::Config(arguments)) => config::run(context, &arguments),
        Some(Command::Completion(arguments)) => completion::run(context, &arguments),
        Some(Command::Complete(words)) => Ok(completion::complete(context, words, self::command())),
        Some(Command::Man(arguments)) => man::run(context, &arguments, self::command()),
        Some(Command::Demo(arguments)) => demo::run(context, &arguments),
        Some(Command::Emulate(arguments)) => emulate::run(context, &arguments),
        None => match bare.first_word() {
            None if context.output_options.format.is_document() => {
                Err(Problem::usage("no command or reference given")
                    .with_hint("see: joblens --help")
                    .into())
            }
            None => {
                // Help that was not requested is an error, so print it to stderr.
                let help = self::command().render_help().to_string();
                let _ = write!(io::stderr(), "{help}");
                Ok(exit_code::USAGE)
            }
            Some(word) if !word.contains('/') && word != "-" && !word.starts_with('%') => {
                Err(suggestions::unknown_command(word).into())
            }
            Some(_) => get::run(context, bare),
        },
    }
}
