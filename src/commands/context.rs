//! What every command has: its global options, the environment, and what is made of them.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;

use super::global::GlobalArgs;
use super::job_control::is_in_background;
use super::notices::NoticeLog;
use super::progress_line::ProgressLine;
use super::signals::{Signals, end_process_by_signals};
use super::since::CurrentTime;
use super::terminal_support::TerminalSupport;
use crate::credentials::{CredentialChain, PromptSink, SourceCache};
use crate::error::Problem;
use crate::http::{Clock, EventSink, ServerClocks, Session, TransportEvent};
use crate::model::{Notice, Time};
use crate::output::{self, OutputOptions, RenderContext, Sort, Zone};
use crate::providers::{self, CLOUDS, Cloud};
use crate::reference::DEFAULT_PROFILE;
use crate::settings::{Environment, RecordedSettings, Settings, SettingsFile};

/// The exit code of a command, or why it was used wrongly.
pub(super) type CommandResult = Result<u8, Vec<Problem>>;

/// What every command has: global options, environment, and where to write.
pub(super) struct CommandContext {
    pub global: GlobalArgs,
    /// The variables, taken once at the start.
    pub environment: Environment,
    /// How the output is written.
    pub output_options: OutputOptions,
    /// The order of jobs, where one was requested.
    pub sort: Option<Sort>,
    /// The time of requests, signatures and tables.
    pub clock: Clock,
    /// What requests are recorded in, or answered from.
    pub session: Session,
    /// What responses report about that clock.
    server_clocks: Arc<ServerClocks>,
    /// What `TERM` reports about the terminal.
    pub terminal: TerminalSupport,
    /// Names the requests that take long.
    pub progress: ProgressLine,
    /// What was read of the sources of credentials.
    source_cache: SourceCache,
}

impl CommandContext {
    /// Reads the options of the output.
    ///
    /// # Errors
    /// A usage error, with a context that can show it.
    pub(super) fn new(
        global: GlobalArgs,
        environment: Environment,
        own_columns: bool,
        session: Result<Session, Problem>,
    ) -> Result<Self, (Box<Self>, Problem)> {
        let (session, refused) = match session {
            Ok(session) => (session, None),
            Err(problem) => (Session::Live, Some(problem)),
        };
        let environment = match &session {
            Session::Replay(replay) => environment.for_replay(replay.settings()),
            Session::Live | Session::Record(_) => environment,
        };
        let form = global.output_options(own_columns, &environment);
        let sort = global.sort(own_columns);
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
        match (form, sort, refused) {
            (Ok(form), Ok(sort), None) => {
                (context.output_options, context.sort) = (form, sort);
                Ok(context)
            }
            (Err(problem), ..) | (_, Err(problem), _) | (_, _, Some(problem)) => {
                Err((Box::new(context), problem))
            }
        }
    }

    /// The context of a command with these global options, in an empty environment.
    #[cfg(test)]
    pub(super) fn of_options(options: &[&str]) -> Self {
        use clap::{Args as _, FromArgMatches as _};
        let command = GlobalArgs::augment_args(clap::Command::new("joblens"));
        let matches = command.get_matches_from([&["joblens"], options].concat());
        let global = GlobalArgs::from_arg_matches(&matches).expect("clap has checked them");
        let (environment, session) = (Environment::default(), Ok(Session::Live));
        let context = Self::new(global, environment, false, session);
        let context = context.map_err(|(_, problem)| problem);
        context.expect("these options are right")
    }

    /// The config file that options and environment name, with the environment.
    pub(super) fn settings(&self) -> Result<Settings, Problem> {
        let clouds = CLOUDS.map(Cloud::settings_schema);
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
            Settings::load(config.clone(), environment, &clouds, &kinds).and_then(|settings| {
                providers::states::check_user_states(&settings)?;
                Ok(settings)
            });
        if let Session::Record(recorder) = &self.session {
            let (place, _) = SettingsFile::locate(config, &self.environment);
            match &settings {
                Ok(settings) => recorder.set_settings(settings.to_recorded(place)),
                Err(problem) => {
                    recorder.set_settings(RecordedSettings::unreadable(problem, place));
                }
            }
        }
        settings
    }

    /// Waits for a signal, or for the end of the recording that is replayed.
    pub(super) async fn stopped(&self, signals: &mut Signals) -> u8 {
        tokio::select! {
            biased;
            code = signals.next() => code,
            code = self.session.ended() => code,
        }
    }

    /// The sources of the credentials that settings name. Each is read once in a run.
    pub(super) fn credentials(&self, settings: &Settings) -> CredentialChain {
        providers::credential_chain(settings, &self.source_cache)
    }

    /// The profile of references without `@PROFILE`.
    pub(super) fn default_profile<'a>(&'a self, settings: &'a Settings) -> &'a str {
        self.chosen_profile(settings).unwrap_or(DEFAULT_PROFILE)
    }

    /// The profile that options or environment choose.
    pub(super) fn chosen_profile<'a>(&'a self, settings: &'a Settings) -> Option<&'a str> {
        let option = self.global.profile.as_deref();
        option.or_else(|| settings.environment().get("JOBLENS_PROFILE"))
    }

    /// Traces go to stderr at once, notices are printed with the output.
    pub(super) fn event_sink(&self, notices: &NoticeLog) -> EventSink {
        let (verbose, notices) = (self.global.verbose, notices.clone());
        let (progress, server_clocks) = (self.progress.clone(), Arc::clone(&self.server_clocks));
        Arc::new(move |happening| match happening {
            TransportEvent::Sending { .. } | TransportEvent::Finished(_) => {
                progress.record(&happening);
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

    /// Whether a stream is a terminal that may be drawn on again and again: not between the lines of
    /// traces, not where cursor movement is not known to be supported, not while another job has it, and
    /// not in CI, which keeps all of it as a log.
    pub(super) fn may_redraw(&self, stream: &(impl IsTerminal + AsFd)) -> bool {
        let is_log = self.global.verbose || self.environment.is_ci();
        stream.is_terminal() && self.terminal.cursor && !is_log && !is_in_background(stream)
    }

    /// Names the requests that take long on stderr, until the output is printed.
    pub(super) fn show_progress(&self) {
        if self.may_redraw(&io::stderr()) && !self.global.quiet {
            self.progress.start();
        }
    }

    /// The local time, and what responses report about it.
    pub(super) fn current_time(&self) -> CurrentTime {
        CurrentTime {
            now: (self.clock)(),
            clocks: Arc::clone(&self.server_clocks),
        }
    }

    /// The zone of times that people read, if none was chosen `default`. That of a recording does not depend on
    /// the machine that replays it.
    pub(super) fn zone(&self, default: Zone) -> Zone {
        match (
            self.global.zone().unwrap_or(default),
            self.session.utc_offset(),
        ) {
            (Zone::Local, Some(offset)) => Zone::Fixed(offset),
            (zone, _) => zone,
        }
    }

    /// The width and colors of the terminal, the zone of the reader and the time, for tables.
    pub(super) fn render_context(&self, terminal: bool) -> RenderContext {
        let width = terminal
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0));
        RenderContext {
            width: terminal.then(|| width.unwrap_or(80)),
            colour: self
                .global
                .colour(terminal && self.terminal.colour, &self.environment),
            zone: self.zone(if terminal { Zone::Local } else { Zone::Utc }),
            now: Time::new(self.server_clocks.correct((self.clock)()))
                .expect("the current year is before 10000, and a corrected time too"),
        }
    }
}

/// The program as it was called, for command lines that can be copied.
pub(super) fn program() -> String {
    std::env::args()
        .next()
        .unwrap_or_else(|| "joblens".to_owned())
}
