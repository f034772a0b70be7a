mod unread_events;

use std::cell::Cell;
use std::io::{self, IsTerminal as _};
use std::pin::{Pin, pin};
use std::time::Duration;

use super::display::{FollowOutput, problem_lines};
use super::rows::{read_failure, row, rows};
use crate::commands::account_problems::AccountErrors;
use crate::commands::context::CommandContext;
use crate::commands::job_control::is_in_background;
use crate::commands::live_terminal::{LiveTerminal, TerminalEvent};
use crate::commands::poll::PollEvent;
use crate::commands::print::write_problem;
use crate::commands::reporter::Reporter;
use crate::commands::run_loop::{LoopHandler, RunLoop};
use crate::commands::stdout_writer::{FLUSH_TIMEOUT, StdoutWriter};
use crate::error::{Category, Problem, Stop, exit_code};
use crate::gate::Evaluation;
use crate::model::Job;
use crate::output::{Frame, RenderContext, Summary, TerminalSize, restore_modes};
use unread_events::{UnreadEvents, failure};

/// Maximum number of messages that are kept until a live table no longer covers the terminal.
const MAX_DEFERRED_LINES: usize = 200;
/// How long the command waits for stderr to accept the last messages.
const STDERR_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the ages in a live table are redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_secs(1);

/// The last reported failure of an unreadable job: its category, whether it is final, and whether only its events were
/// not read.
type LastReported = Option<(Category, bool, bool)>;

/// The handler that follows all jobs to their end and shows them.
pub(super) struct FollowHandler<'a> {
    context: &'a CommandContext,
    display: FollowOutput,
    stdout: StdoutWriter,
    reporter: Reporter,
    /// The terminal of a live table.
    terminal: Option<LiveTerminal<'a>>,
    /// For each job, in the order of the poller.
    last_reported: Vec<LastReported>,
    /// The ended jobs whose events are read again.
    unread_events: UnreadEvents,
    /// The accounts whose errors were printed.
    account_errors: AccountErrors,
    /// The newest messages, shown below a live table.
    notes: Vec<String>,
    /// Messages to print when the table no longer covers the terminal.
    deferred: Option<Vec<String>>,
}

impl LoopHandler for FollowHandler<'_> {
    /// An error if the output can no longer be written.
    type LoopResult = io::Result<()>;

    /// Removes jobs that need no more polls, reports unreadable ones, and draws the others.
    fn check(&mut self, run: &mut RunLoop) -> Option<io::Result<()>> {
        self.last_reported.resize(run.poller.jobs.len(), None);
        let now = run.poller.elapsed();
        for index in 0..run.poller.jobs.len() {
            let polled = &mut run.poller.jobs[index];
            // With a scope, there can be thousands of ended jobs.
            if polled.has_finished() {
                continue;
            }
            let evaluation = polled.current.history.evaluate(&run.policy, now);
            let events_error = self.unread_events.retried_error(index, polled, now);
            let is_final = events_error.is_none()
                && match &evaluation {
                    Evaluation::Pending(pending) => pending.is_final,
                    Evaluation::Met | Evaluation::Unmet(_) => true,
                };
            polled.current.is_final = is_final;
            let is_of_events = events_error.is_some();
            let failure = events_error.or_else(|| read_failure(polled, &evaluation));
            let reported = failure.as_ref();
            let reported = reported.map(|problem| (problem.category, is_final, is_of_events));
            if let Some(problem) = failure.filter(|_| reported != self.last_reported[index]) {
                self.report_failure(run, &problem, is_final);
                if is_of_events {
                    self.log_line(failure_line(run, &problem, is_final));
                }
            }
            self.last_reported[index] = reported;
            if is_final {
                self.show_held(run, index);
            }
            let polled = &mut run.poller.jobs[index];
            if polled.has_finished() && !self.display.needs_rows() {
                polled.drop_details();
            }
        }
        self.redraw(run);
        let is_done = run.poller.jobs.iter().all(|polled| polled.current.is_final);
        (is_done && run.scopes.is_done()).then_some(Ok(()))
    }

    fn on_event(&mut self, run: &RunLoop, event: &PollEvent) {
        let at = self.render_context().now;
        let job = |index: &usize| {
            let job = run.poller.jobs[*index].current.job.as_ref();
            job.expect("the job that was just read is kept")
        };
        let part = match event {
            PollEvent::State(index, previous) => self.display.transition(at, job(index), *previous),
            PollEvent::Read(index) => {
                let now = run.poller.elapsed();
                match self.unread_events.hold(*index, job(index), now) {
                    true => return,
                    false => self.display.on_read(at, job(index)),
                }
            }
            // Reported later, when the outage rules have decided whether the failure is final.
            PollEvent::Problem(_) => return,
            // The loop reports these as messages.
            PollEvent::Outage(_) | PollEvent::Replaced(_) => return,
        };
        self.stdout.write(part);
    }

    /// Reports the failure, also below a live table, which has no row for a scope.
    fn on_scope_failure(&mut self, run: &RunLoop, problem: &Problem, is_final: bool) {
        self.report_failure(run, problem, is_final);
        if is_final || !problem.is_transient() {
            push_bounded(&mut self.notes, failure_line(run, problem, is_final));
        }
    }

    fn on_message(&mut self, _run: &RunLoop, line: String) {
        if !self.context.global.quiet {
            push_bounded(&mut self.notes, line.clone());
        }
        self.log_line(line);
    }

    /// Returns the time of the next redraw of a live table.
    fn wake_at(&self, run: &RunLoop) -> Option<Duration> {
        let is_live = self.terminal.is_some();
        is_live.then(|| run.poller.elapsed() + REDRAW_INTERVAL)
    }

    async fn output_changed(&mut self) -> Option<io::Result<()>> {
        let event = tokio::select! {
            biased;
            error = self.stdout.closed() => return Some(Err(error)),
            event = LiveTerminal::next_event(&mut self.terminal) => event,
        };
        match event {
            TerminalEvent::Resized => {
                if let Some(live) = self.display.live() {
                    live.invalidate();
                }
            }
            TerminalEvent::Suspended => {
                self.leave_screen();
                self.stdout.flush_blocking();
                if let Some(terminal) = &mut self.terminal {
                    terminal.stop();
                }
            }
            // The process was stopped without notice, and the shell has written to the screen since.
            TerminalEvent::Continued => self.leave_screen(),
        }
        None
    }
}

impl<'a> FollowHandler<'a> {
    /// Creates a handler for a display; `terminal` is that of a live table.
    pub(super) fn new(
        context: &'a CommandContext,
        display: FollowOutput,
        stdout: StdoutWriter,
        reporter: Reporter,
        terminal: Option<LiveTerminal<'a>>,
    ) -> Self {
        Self {
            context,
            display,
            stdout,
            reporter,
            // The table covers messages that are printed while it is drawn.
            deferred: (terminal.is_some() && io::stderr().is_terminal()).then(Vec::new),
            terminal,
            last_reported: Vec::new(),
            unread_events: UnreadEvents::default(),
            account_errors: AccountErrors::default(),
            notes: Vec::new(),
        }
    }

    /// Follows the jobs until the end, or until `stopped` or `quit` completes. Returns the exit code.
    pub(super) async fn run(
        mut self,
        run: &mut RunLoop,
        mut stopped: Pin<&mut impl Future<Output = Stop>>,
        quit: impl Future<Output = ()>,
    ) -> u8 {
        let has_quit = Cell::new(false);
        let stopped_or_quit = async {
            tokio::select! {
                biased;
                stop = stopped.as_mut() => stop,
                () = quit => {
                    has_quit.set(true);
                    // As after Ctrl-C: 0 would mean that all jobs have ended.
                    Stop::Interrupted
                }
            }
        };
        let end = run.run(&mut self, pin!(stopped_or_quit)).await;
        self.finish(run, end, has_quit.get(), stopped).await
    }

    /// Reports a job or scope that cannot be read. A transient failure is part of an outage, which is reported as a
    /// message. An error of an account's credentials is printed once.
    fn report_failure(&mut self, run: &RunLoop, problem: &Problem, is_final: bool) {
        let render_context = self.render_context();
        let part = self.display.error(render_context.now, problem);
        self.stdout.write(part);
        if is_final {
            match self.account_errors.count(problem) {
                None | Some(0) => {}
                Some(before) => {
                    if before == 1 {
                        let account = problem.cloud.as_deref().unwrap_or_default();
                        let text = "other references have the same error";
                        self.log_line(format!("{} {account}: {text}", run.clock()));
                    }
                    return;
                }
            }
            let colorless = RenderContext {
                color: false,
                ..render_context
            };
            for line in problem_lines(problem, &colorless) {
                self.print_line(line);
            }
        } else if !problem.is_transient() {
            self.log_line(failure_line(run, problem, is_final));
        }
    }

    /// Prints a line like [`Self::print_line`], but not with `-q`.
    fn log_line(&mut self, line: String) {
        if !self.context.global.quiet {
            self.print_line(line);
        }
    }

    /// Prints a line on stderr, delayed until no live table covers the terminal.
    fn print_line(&mut self, line: String) {
        match &mut self.deferred {
            Some(deferred) => push_bounded(deferred, line),
            None => self.reporter.println(line),
        }
    }

    fn redraw(&mut self, run: &RunLoop) {
        let render_context = self.render_context();
        let (Some(live), Some(terminal)) = (self.display.live(), &self.terminal) else {
            return;
        };
        // Skip frames while the terminal is slow: queued frames would be out of date.
        if self.stdout.has_backlog() || is_in_background(io::stdout()) {
            return;
        }
        if let Some(keyboard) = terminal.keyboard {
            keyboard.take();
        }
        let size = TerminalSize::of(io::stdout());
        let render_context = RenderContext {
            width: Some(size.width),
            ..render_context
        };
        let jobs = &run.poller.jobs;
        let read_at = jobs.iter();
        let read_at = read_at.filter_map(|polled| polled.current.history.read_at());
        let read_at = read_at.chain(run.scopes.listed_at());
        let since = |at| run.poller.elapsed().saturating_sub(at).as_secs();
        let frame = Frame {
            jobs: &jobs
                .iter()
                .map(|polled| polled.current.job.as_ref())
                .collect::<Vec<_>>(),
            read_status: &|index| jobs[index].read_status(),
            row: &|index| row(&run.poller, &jobs[index], &run.policy),
            notes: &self.notes,
            scopes: run.scopes.counts(),
            last_read: read_at.max().map(|at| since(at) as i64),
            has_keys: terminal.keyboard.is_some(),
        };
        self.stdout.write(live.frame(&frame, &render_context, size));
    }

    /// Restores the terminal until the next frame.
    fn leave_screen(&mut self) {
        if let Some(live) = self.display.live() {
            self.stdout.write(live.suspend());
            restore_modes();
        }
    }

    fn render_context(&self) -> RenderContext {
        self.context.render_context(io::stdout().is_terminal())
    }

    /// Writes the last output, and returns the exit code. Waits for a slow reader unless a signal comes or has
    /// come; the key `q` does not count as a signal.
    async fn finish(
        mut self,
        run: &RunLoop,
        end: Result<io::Result<()>, Stop>,
        has_quit: bool,
        stopped: Pin<&mut impl Future<Output = Stop>>,
    ) -> u8 {
        let render_context = self.render_context();
        let over = end.as_ref().err().and_then(|stop| stop.problem());
        if let Some(problem) = &over {
            self.report_failure(run, problem, true);
        }
        self.show_all_held(run);
        let unread = self.report_unread_events(run);
        let rows = rows(&run.poller, &run.policy);
        let jobs = &run.poller.jobs;
        let problems = jobs.iter().filter_map(failure);
        let problems = problems
            .chain(run.scopes.problems())
            .chain(&over)
            .chain(&unread);
        let problems: Vec<&Problem> = problems.collect();
        let is_read = |job: &Job| !job.events_unreadable;
        let was_read = jobs
            .iter()
            .all(|polled| polled.current.job.as_ref().is_some_and(is_read));
        let was_read = was_read && run.scopes.are_listed();
        let read = jobs.iter().filter(|polled| polled.current.job.is_some());
        let summary = Summary {
            jobs: read.count() as u64,
            errors: problems.len() as u64,
            requests: run.lookup.transport.requests_sent(),
            complete: problems.is_empty() && was_read,
            notices: run.lookup.notices.all(),
            gate: None,
            exit: None,
        };
        self.stdout
            .write(self.display.close(&rows, &render_context, summary));
        restore_modes();
        let waits_for_reader = matches!(end, Ok(Ok(()))) || (has_quit && end.is_err());
        let end = match waits_for_reader {
            true => tokio::select! {
                failure = self.stdout.close() => failure.map_or(end, |error| Ok(Err(error))),
                stop = stopped => Err(stop),
            },
            false => {
                self.stdout.close_soon().await;
                end
            }
        };
        for line in self.deferred.into_iter().flatten() {
            self.reporter.println(line);
        }
        let code = match &end {
            Ok(Ok(())) => exit_code::of(problems),
            Err(stop) => stop.exit_code(),
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit_code::BROKEN_PIPE,
            Ok(Err(error)) => {
                for line in problem_lines(&write_problem(error), &render_context) {
                    self.reporter.println(line);
                }
                exit_code::SERVICE
            }
        };
        self.reporter.finish_within(match end {
            Err(_) => FLUSH_TIMEOUT,
            Ok(_) => STDERR_FLUSH_TIMEOUT,
        });
        code
    }
}

/// Returns for example `3s aliyun/job/c-1/5: not found; retrying`.
fn failure_line(run: &RunLoop, problem: &Problem, is_final: bool) -> String {
    let reference = problem.reference.as_deref().unwrap_or_default();
    let next = if is_final { "" } else { "; retrying" };
    format!("{} {reference}: {}{next}", run.clock(), problem.message)
}

fn push_bounded(lines: &mut Vec<String>, line: String) {
    if lines.len() == MAX_DEFERRED_LINES {
        lines.remove(0);
    }
    lines.push(line);
}
