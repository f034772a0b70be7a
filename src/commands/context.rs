//! The context of every command: its global options, the environment, and values derived from them.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;

use super::global::{GlobalArgs, RowKind};
use super::job_control::is_in_background;
use super::notices::NoticeLog;
use super::progress_line::ProgressLine;
use super::signals::{Signals, end_process_by_signals};
use super::since::CurrentTime;
use super::terminal_support::TerminalSupport;
use crate::credentials::{CredentialChain, PromptSink, SourceCache};
use crate::error::{Problem, Stop};
use crate::http::{Clock, EventSink, ServerClocks, Session, TransportEvent};
use crate::model::{Notice, Time};
use crate::output::{self, OutputOptions, RenderContext, Sort, Zone};
use crate::providers::{self, CLOUDS};
use crate::reference::DEFAULT_PROFILE;
use crate::settings::{Environment, RecordedSettings, Settings, SettingsFile};

/// The exit code of a command, or its usage errors.
pub(super) type CommandResult = Result<u8, Vec<Problem>>;

/// The context of every command: global options, environment, and output options.
pub(super) struct CommandContext {
    pub global: GlobalArgs,
    /// The environment variables, read once at the start.
    pub environment: Environment,
    /// The format and options of the output.
    pub output_options: OutputOptions,
    /// The requested order of jobs, if any.
    pub sort: Option<Sort>,
    /// The time for requests, signatures and tables.
    pub clock: Clock,
    /// Where requests are recorded, or replayed from.
    pub session: Session,
    /// The differences between the servers' clocks and this one, from responses.
    server_clocks: Arc<ServerClocks>,
    /// The capabilities of the terminal, by `TERM`.
    pub terminal: TerminalSupport,
    /// The line that shows slow requests.
    pub progress: ProgressLine,
    /// Cached results of reading the sources of credentials.
    source_cache: SourceCache,
}

impl CommandContext {
    /// Creates the context of a command from its global options.
    ///
    /// # Errors
    /// Returns a usage error, and a context to print it with.
    pub(super) fn new(
        global: GlobalArgs,
        environment: Environment,
        rows: RowKind,
        session: Result<Session, Problem>,
    ) -> Result<Self, (Box<Self>, Problem)> {
        let (session, session_problem) = match session {
            Ok(session) => (session, None),
            Err(problem) => (Session::Live, Some(problem)),
        };
        let environment = match &session {
            Session::Replay(replay) => environment.for_replay(replay.settings()),
            Session::Live | Session::Record(_) => environment,
        };
        let output_options = global.output_options(rows, &environment);
        let sort = global.sort(rows);
        let progress = ProgressLine::default();
        let prompts = progress.clone();
        let mut context = Self {
            output_options: global.plain_output_options(),
            sort: None,
            global,
            terminal: TerminalSupport::new(&environment),
            environment,
            clock: session.clock(),
            session,
            server_clocks: Arc::default(),
            source_cache: SourceCache::new(PromptSink::new(
                move |line| {
                    let write = || output::write_line(&mut io::stderr().lock(), line);
                    drop(prompts.suspend(write));
                },
                io::stderr().is_terminal(),
                end_process_by_signals,
            )),
            progress,
        };
        match (output_options, sort, session_problem) {
            (Ok(output_options), Ok(sort), None) => {
                (context.output_options, context.sort) = (output_options, sort);
                Ok(context)
            }
            (Err(problem), ..) | (_, Err(problem), _) | (_, _, Some(problem)) => {
                Err((Box::new(context), problem))
            }
        }
    }

    /// Returns the context of a command with these global options, in an empty environment.
    #[cfg(test)]
    pub(super) fn from_options(options: &[&str]) -> Self {
        use clap::{Args as _, FromArgMatches as _};
        let command = GlobalArgs::augment_args(clap::Command::new("joblens"));
        let matches = command.get_matches_from([&["joblens"], options].concat());
        let global = GlobalArgs::from_arg_matches(&matches).expect("clap has checked them");
        let (environment, session) = (Environment::default(), Ok(Session::Live));
        let context = Self::new(global, environment, RowKind::Jobs, session);
        let context = context.map_err(|(_, problem)| problem);
        context.expect("these options are right")
    }

    /// Returns the settings from the environment and from the config file that options or environment name.
    pub(super) fn settings(&self) -> Result<Settings, Problem> {
        let schemas = CLOUDS.map(|cloud| cloud.schema);
        let kinds: Vec<String> = providers::kinds()
            .filter(|kind| kind.has_states())
            .map(ToString::to_string)
            .collect();
        let environment = self.environment.clone();
        if let Session::Replay(replay) = &self.session {
            let recorded = replay.settings();
            return match recorded.problem() {
                Some(problem) => Err(problem.clone()),
                None => Ok(Settings::from_recorded(environment, recorded)),
            };
        }
        let config = self.global.config.clone();
        let settings =
            Settings::load(config.clone(), environment, &schemas, &kinds).and_then(|settings| {
                providers::states::check_user_states(&settings)?;
                Ok(settings)
            });
        if let Session::Record(recorder) = &self.session {
            let (config_path, _) = SettingsFile::locate(config, &self.environment);
            let recorded = match &settings {
                Ok(settings) => settings.to_recorded(config_path),
                Err(problem) => RecordedSettings::unreadable(problem, config_path),
            };
            recorder.update_settings(|settings| *settings = recorded);
        }
        settings
    }

    /// Waits for a signal, or for the end of the replayed recording.
    pub(super) async fn stopped(&self, signals: &mut Signals) -> Stop {
        tokio::select! {
            biased;
            stop = signals.next() => stop,
            stop = self.session.ended() => stop,
        }
    }

    /// Returns the sources of the credentials in the settings. Each source is read once per run.
    pub(super) fn credentials(&self, settings: &Settings) -> CredentialChain {
        providers::credential_chain(settings, &self.source_cache)
    }

    /// Returns the profile for references without `@PROFILE`.
    pub(super) fn default_profile<'a>(&'a self, settings: &'a Settings) -> &'a str {
        self.chosen_profile(settings).unwrap_or(DEFAULT_PROFILE)
    }

    /// Returns the profile that the options or the environment select.
    pub(super) fn chosen_profile<'a>(&'a self, settings: &'a Settings) -> Option<&'a str> {
        let option = self.global.profile.as_deref();
        option.or_else(|| settings.environment().get("JOBLENS_PROFILE"))
    }

    /// Returns a sink that prints traces to stderr at once and keeps notices for the output.
    pub(super) fn event_sink(&self, notices: &NoticeLog) -> EventSink {
        let (verbose, notices) = (self.global.verbose, notices.clone());
        let (progress, server_clocks) = (self.progress.clone(), Arc::clone(&self.server_clocks));
        Arc::new(move |event| match event {
            TransportEvent::Sending { .. } | TransportEvent::Finished(_) => {
                progress.record(&event);
            }
            TransportEvent::Trace(line) if verbose => {
                let _ = output::write_line(&mut io::stderr().lock(), &line);
            }
            TransportEvent::Responded(response) => server_clocks.record(&response),
            TransportEvent::Trace(_) | TransportEvent::DnsResolved { .. } => {}
            TransportEvent::Notice(code, message) => {
                progress.suspend(|| notices.push_and_print(Notice::new(code, message)))
            }
        })
    }

    /// Returns `true` if a stream is a terminal that can be redrawn: not with traces on
    /// it, not without known support for cursor movement, not while another job has
    /// the terminal, and not in CI, which keeps all output as a log.
    pub(super) fn may_redraw(&self, stream: &(impl IsTerminal + AsFd)) -> bool {
        let is_log = self.global.verbose || self.environment.is_ci();
        stream.is_terminal() && self.terminal.cursor && !is_log && !is_in_background(stream)
    }

    /// Shows slow requests on stderr until the output is printed.
    pub(super) fn show_progress(&self) {
        if self.may_redraw(&io::stderr()) && !self.global.quiet {
            self.progress.start();
        }
    }

    /// Returns the local time and the known differences of the servers' clocks.
    pub(super) fn current_time(&self) -> CurrentTime {
        CurrentTime {
            now: (self.clock)(),
            clocks: Arc::clone(&self.server_clocks),
        }
    }

    /// Returns the time zone for display, with `default` if none was chosen. A replay uses that of the
    /// recording, to be independent of its own machine.
    pub(super) fn zone(&self, default: Zone) -> Zone {
        match (
            self.global.zone().unwrap_or(default),
            self.session.utc_offset(),
        ) {
            (Zone::Local, Some(offset)) => Zone::Fixed(offset),
            (zone, _) => zone,
        }
    }

    /// Returns the rendering options of tables: width and colors of the terminal, time zone and time.
    pub(super) fn render_context(&self, terminal: bool) -> RenderContext {
        let width = terminal
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0));
        RenderContext {
            width: terminal.then(|| width.unwrap_or(80)),
            color: self
                .global
                .color(terminal && self.terminal.color, &self.environment),
            zone: self.zone(if terminal { Zone::Local } else { Zone::Utc }),
            now: Time::new(self.server_clocks.correct((self.clock)()))
                .expect("the current year is before 10000, and a corrected time too"),
        }
    }
}

/// Returns the program as it was called, for command lines to copy.
pub(super) fn program() -> String {
    std::env::args()
        .next()
        .unwrap_or_else(|| "joblens".to_owned())
}
