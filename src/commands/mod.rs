//! The commands: a file each, its arguments and its run side by side.

mod auth;
mod completion;
mod completion_cache;
mod config;
mod demo;
mod describe;
mod doctor;
mod emulate;
mod events;
mod follow;
mod gate_report;
mod get;
mod global;
mod introspect;
mod kinds;
mod list;
mod lookup;
mod lookup_args;
mod man;
mod panic_hook;
mod poll;
mod poll_args;
mod references;
mod reporter;
mod reports;
mod schema;
mod shutdown;
mod since;
mod states;
mod stdout_writer;
mod suggestions;
mod usage_error;
mod wait;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use chrono::Utc;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::error::{Category, Problem};
use crate::http::{EventSink, TransportEvent};
use crate::model::{Job, Notice, NoticeCode, Time};
use crate::output::document::{Envelope, Exit};
use crate::output::{self, OutputOptions, RenderContext, Sort, Zone};
use crate::providers;
use crate::reference::DEFAULT_PROFILE;
use crate::settings::{Environment, Settings};
use global::GlobalArgs;
use lookup::NoticeLog;

pub use panic_hook::install_panic_hook;

/// Inspect, wait for and watch jobs and containers across clouds (read-only)
#[derive(Debug, Parser)]
#[command(
    name = "joblens",
    version,
    subcommand_precedence_over_arg = true,
    after_help = "Examples:\n  \
        joblens aliyun/job/ehpc-hz-FYUr32/5 huawei/image-job/702364883651395584\n  \
        joblens demo\n\n\
        References: CLOUD[@PROFILE]/KIND/SEGMENT…   Clouds: aliyun, sugon, huawei, tencent   (see: joblens kinds)\n\
        Exit codes: 0 success · 1 gate failed · 2 usage error · 3 not found · 4 authentication or permission ·\n\
        5 service or network error · 8 still pending · 124 timed out"
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
    Events(events::Arguments),
    List(list::Arguments),
    Wait(wait::Arguments),
    Watch(watch::Arguments),
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

impl Command {
    /// The word that calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Describe(_) => "describe",
            Self::Events(_) => "events",
            Self::List(_) => "list",
            Self::Wait(_) => "wait",
            Self::Watch(_) => "watch",
            Self::Kinds(_) => "kinds",
            Self::States(_) => "states",
            Self::Schema(_) => "schema",
            Self::Auth(_) => "auth status",
            Self::Doctor(_) => "doctor",
            Self::Config(_) => "config",
            Self::Completion(_) => "completion",
            Self::Complete(_) => "__complete",
            Self::Man(_) => "man",
            Self::Demo(_) => "demo",
            Self::Emulate(_) => "emulate",
        }
    }

    /// True where rows are not resources, so that the columns of resources do not apply.
    fn has_own_columns(&self) -> bool {
        matches!(
            self,
            Self::Events(_)
                | Self::Kinds(_)
                | Self::States(_)
                | Self::Schema(_)
                | Self::Auth(_)
                | Self::Doctor(_)
        )
    }
}

/// Runs the command line and returns the exit code of the process.
///
/// `arguments` begin with the program's own name; the environment is taken once.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    let environment =
        Environment::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage_error::print(&error, &arguments),
    };
    let name = cli.command.as_ref().map_or("get", Command::name);
    let own_columns = cli.command.as_ref().is_some_and(Command::has_own_columns);
    let session = match CommandContext::new(cli.global, environment, own_columns) {
        Ok(session) => session,
        Err((session, problem)) => return session.usage_error(name, vec![problem]),
    };
    match cli.command {
        Some(_) if !cli.bare.is_empty() => session.usage_error(
            "get",
            vec![
                Problem::usage("references and get options must come after the command")
                    .with_hint("write them after it: joblens get REF…"),
            ],
        ),
        Some(Command::Get(arguments)) => get::run(&session, &arguments),
        Some(Command::Describe(arguments)) => describe::run(&session, &arguments),
        Some(Command::Events(arguments)) => events::run(&session, &arguments),
        Some(Command::List(arguments)) => list::run(&session, &arguments),
        Some(Command::Wait(arguments)) => wait::run(&session, &arguments),
        Some(Command::Watch(arguments)) => watch::run(&session, &arguments),
        Some(Command::Kinds(arguments)) => kinds::run(&session, &arguments),
        Some(Command::States(arguments)) => states::run(&session, &arguments),
        Some(Command::Schema(arguments)) => schema::run(&session, &arguments),
        Some(Command::Auth(arguments)) => auth::run(&session, &arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&session, &arguments),
        Some(Command::Config(arguments)) => config::run(&session, &arguments),
        Some(Command::Completion(arguments)) => completion::run(&session, &arguments),
        Some(Command::Complete(words)) => completion::complete(&session, words),
        Some(Command::Man(arguments)) => man::run(&session, &arguments),
        Some(Command::Demo(arguments)) => demo::run(&session, &arguments),
        Some(Command::Emulate(arguments)) => emulate::run(&session, &arguments),
        None => match cli.bare.first_word() {
            None => {
                // Help that was not requested is an error, so it goes to stderr.
                let help = Cli::command().render_help().to_string();
                let _ = write!(io::stderr(), "{help}");
                2
            }
            Some(word) if !word.contains('/') && word != "-" => {
                session.usage_error("get", vec![suggestions::unknown_command(word)])
            }
            Some(_) => get::run(&session, &cli.bare),
        },
    }
}

/// The exit code of an output that was closed by its reader.
fn closed() -> u8 {
    141
}

/// What every command has: global options, environment, and where to write.
struct CommandContext {
    global: GlobalArgs,
    environment: Environment,
    output_options: OutputOptions,
    sort: Option<Sort>,
}

impl CommandContext {
    /// Reads the options that say how an answer is shown.
    ///
    /// # Errors
    /// A usage error, with a session that can show it.
    fn new(
        global: GlobalArgs,
        environment: Environment,
        own_columns: bool,
    ) -> Result<Self, (Box<Self>, Problem)> {
        let (form, sort) = (global.output_options(own_columns), global.sort(own_columns));
        let mut session = Self {
            output_options: global.plain_output_options(),
            sort: None,
            global,
            environment,
        };
        match (form, sort) {
            (Ok(form), Ok(sort)) => {
                (session.output_options, session.sort) = (form, sort);
                Ok(session)
            }
            (Err(problem), _) | (_, Err(problem)) => Err((Box::new(session), problem)),
        }
    }

    /// The config file that options and environment name, with the environment.
    fn settings(&self) -> Result<Settings, Problem> {
        let clouds = lookup::all_cloud_keys();
        let kinds: Vec<String> = providers::kinds()
            .filter(|kind| kind.has_states())
            .map(ToString::to_string)
            .collect();
        let config = self.global.config.clone();
        Settings::load(config, self.environment.clone(), &clouds, &kinds)
    }

    /// The profile of references without `@PROFILE`.
    fn default_profile<'a>(&'a self, settings: &'a Settings) -> &'a str {
        self.chosen_profile(settings).unwrap_or(DEFAULT_PROFILE)
    }

    /// The profile that options or environment choose.
    fn chosen_profile<'a>(&'a self, settings: &'a Settings) -> Option<&'a str> {
        let option = self.global.profile.as_deref();
        option.or_else(|| settings.environment().get("JOBLENS_PROFILE"))
    }

    /// Traces go to stderr at once, notices are printed with the output.
    fn event_sink(&self, told: &NoticeLog) -> EventSink {
        let (verbose, told) = (self.global.verbose, told.clone());
        Arc::new(move |happening| match happening {
            TransportEvent::Trace(line) if verbose => {
                let _ = output::write_trace(&mut io::stderr().lock(), &line);
            }
            TransportEvent::Trace(_)
            | TransportEvent::DnsResolved { .. }
            | TransportEvent::Responded(_) => {}
            TransportEvent::Notice(code, message) => {
                told.push_and_print(Notice::new(code, message))
            }
        })
    }

    /// Prints an answer and what failed, and returns the exit code.
    fn print_report(&self, report: Envelope) -> u8 {
        self.print_with(report, |out, report, screen| {
            output::write(out, report, &self.output_options, screen)
        })
    }

    /// The same with pages for people in the place of tables, unless columns were chosen. Nobody
    /// parses a page, so that its times are local wherever it goes.
    fn print_describe(&self, report: Envelope) -> u8 {
        let is_table = matches!(
            self.output_options.format,
            output::Format::Table | output::Format::Wide
        );
        if !is_table || self.output_options.columns.is_some() {
            return self.print_report(report);
        }
        self.print_with(report, |out, report, screen| {
            let zone = self.global.zone().unwrap_or(Zone::Local);
            output::write_pages(out, &report.jobs, &RenderContext { zone, ..*screen })
        })
    }

    /// Tells what failed, writes the answer to stdout, and returns the exit code.
    fn print_with(
        &self,
        mut report: Envelope,
        write: impl FnOnce(&mut dyn io::Write, &Envelope, &RenderContext) -> io::Result<()>,
    ) -> u8 {
        self.sort(&mut report.jobs);
        if !self.global.quiet {
            self.print_messages(&report);
        }
        let stdout = io::stdout();
        let screen = self.render_context(stdout.is_terminal());
        let written = write(&mut stdout.lock(), &report, &screen);
        let code = self.exit_code_after_write(written, report.exit.code);
        // The process ends here: to take thousands of containers apart would be time for nothing.
        std::mem::forget(report);
        code
    }

    /// The exit code of a command whose answer was written, or was not.
    fn exit_code_after_write(&self, written: io::Result<()>, code: u8) -> u8 {
        match written {
            Ok(()) => code,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => closed(),
            Err(error) => {
                self.print_problem(&write_problem(&error));
                // A cause that is known already says more.
                match code {
                    0 => Exit::new(5).code,
                    code => code,
                }
            }
        }
    }

    /// Sorts resources in the requested order.
    fn sort(&self, jobs: &mut [Job]) {
        if let Some(sort) = &self.sort {
            sort.apply(jobs);
        }
    }

    /// What a gate ends with: the answer for stdout, and for stderr what failed after what was
    /// reported besides, and one line with the verdict, which comes last even with `-q`.
    ///
    /// An answer that cannot be made turns exit code 0 of the report into 5: a program that reads
    /// the answer must not take its absence for success.
    fn rendered_gate(&self, report: &mut Envelope, mut told: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        self.sort(&mut report.jobs);
        let screen = self.render_context(io::stderr().is_terminal());
        for problem in &report.errors {
            let _ = output::write_problem(&mut told, problem, &screen);
        }
        let mut answer = Vec::new();
        let paper = self.render_context(io::stdout().is_terminal());
        if let Err(error) = output::write(&mut answer, report, &self.output_options, &paper) {
            let _ = output::write_problem(&mut told, &write_problem(&error), &screen);
            lose_output(report);
        }
        if let Some(gate) = &report.gate {
            let _ = output::write_verdict(&mut told, gate);
        }
        (answer, told)
    }

    /// Ends a gate of a single check. Output that cannot be written changes exit code 0 to 5.
    fn finish_gate(&self, mut report: Envelope) -> u8 {
        let (answer, told) = self.rendered_gate(&mut report, Vec::new());
        if let Err(error) = shutdown::write_out(&answer) {
            self.print_problem(&write_problem(&error));
            lose_output(&mut report);
        }
        let _ = io::stderr().write_all(&told);
        report.exit.code
    }

    /// Ends a command that was used wrongly.
    fn usage_error(&self, command: &'static str, problems: Vec<Problem>) -> u8 {
        self.print_report(Envelope::new(command, Vec::new(), problems, Vec::new()))
    }

    /// Prints a text that is not the response of a cloud, and returns the exit code.
    fn print(&self, text: String, beside: bool) -> u8 {
        let written = match beside {
            true => io::stderr().write_all(text.as_bytes()),
            false => io::stdout().write_all(text.as_bytes()),
        };
        self.exit_code_after_write(written, 0)
    }

    fn print_messages(&self, report: &Envelope) {
        for problem in &report.errors {
            self.print_problem(problem);
        }
        for notice in report
            .notices
            .iter()
            .filter(|notice| self.should_print(notice))
        {
            let _ = output::write_notice(&mut io::stderr().lock(), notice);
        }
    }

    /// Notices that only say how an answer was read stay in the envelope, unless `-v` asks.
    fn should_print(&self, notice: &Notice) -> bool {
        match notice.code {
            // The footer of a list says it.
            NoticeCode::ListIncomplete | NoticeCode::InsecureSkipVerify => false,
            NoticeCode::AssumedUtcOffset | NoticeCode::EventsTruncated => self.global.verbose,
            _ => true,
        }
    }

    /// Whether a terminal may be drawn on again and again: not between the lines of traces, not where
    /// nothing says that it can move its cursor, and not in CI, which keeps all of it as a log.
    fn may_redraw(&self) -> bool {
        let can_move = self
            .environment
            .get("TERM")
            .is_some_and(|term| term != "dumb");
        can_move && !self.global.verbose && self.environment.get("CI").is_none()
    }

    fn print_problem(&self, problem: &Problem) {
        let screen = self.render_context(io::stderr().is_terminal());
        let _ = output::write_problem(&mut io::stderr().lock(), problem, &screen);
    }

    fn render_context(&self, terminal: bool) -> RenderContext {
        let width = terminal
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0));
        RenderContext {
            width: terminal.then(|| width.unwrap_or(80)),
            colour: self.global.colour(terminal, &self.environment),
            zone: self.global.zone().unwrap_or(match terminal {
                true => Zone::Local,
                false => Zone::Utc,
            }),
            now: Time::new(Utc::now()).expect("the current year is before 10000"),
        }
    }
}

/// The output of a gate is lost: exit code 0 becomes 5, every other code says more already.
fn lose_output(report: &mut Envelope) {
    if report.exit.code == 0 {
        report.exit = Exit::new(5);
    }
}

/// An answer that could not be written, or not be made of what was found.
fn write_problem(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::InvalidData => {
            Problem::new(Category::InvalidResponse, format!("--jq: {error}"))
                .with_hint("use -o json to see the whole document")
        }
        _ => Problem::usage(format!("cannot write the output ({error})")),
    }
}

/// The program as it was called, for command lines that can be copied.
fn program() -> String {
    std::env::args()
        .next()
        .unwrap_or_else(|| "joblens".to_owned())
}

/// A runtime on the one thread that this process needs.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the operating system gives an event queue")
}
