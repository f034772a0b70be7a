use std::sync::Arc;
use std::time::Duration;

use super::options::{Timeout, WaitOptions};
use crate::commands::gate_report::{GateReport, GateState, GateStats, GateStatus};
use crate::commands::live_terminal::{LiveTerminal, TerminalEvent};
use crate::commands::lookup::{CredentialExpiry, Lookup};
use crate::commands::poll::{PollEvent, PollOptions, PolledJob};
use crate::commands::reporter::Reporter;
use crate::commands::reports::Reports;
use crate::commands::run_loop::{LoopHandler, NOTICE_CODES, RunLoop};
use crate::commands::signals::Signals;
use crate::error::{Problem, Stop, exit_code};
use crate::gate::{Condition, Counts, Decision, Evaluation, GatePhase, decide};
use crate::model::{Notice, NoticeCode, State, Time};
use crate::output::document::Envelope;
use crate::output::{self, ProgressRow, RenderContext};

/// The maximum time without a line in the log.
const HEARTBEAT: Duration = Duration::from_secs(300);

/// A wait without a deadline reports only credentials that expire within this time.
const EXPIRY_WARNING_WINDOW: Duration = Duration::from_secs(7 * 86_400);

/// The handler that decides about all references of a wait.
pub(super) struct WaitHandler<'a> {
    pub(super) options: WaitOptions,
    pub(super) reports: Reports,
    pub(super) reporter: Reporter,
    /// How the lines of jobs are rendered.
    render_context: RenderContext,
    /// The terminal, if each job has its own line on it.
    terminal: Option<LiveTerminal<'a>>,
    /// When the last line was logged.
    logged_at: Duration,
}

/// Returns the loop that polls for a wait.
pub(super) fn run_loop(lookup: Arc<Lookup>, options: &WaitOptions) -> RunLoop {
    let condition = &options.policy.condition;
    let poll_options = PollOptions {
        interval: options.interval,
        ends_at: options.timeout.limit(),
        is_single_check: options.timeout == Timeout::SingleCheck,
        needs_events: condition.needs_events(),
        warning_free_time: condition.warning_free_time(),
        ..PollOptions::default()
    };
    RunLoop::new(lookup, options.policy.clone(), poll_options, NOTICE_CODES)
}

impl LoopHandler for WaitHandler<'_> {
    type LoopResult = Decision;

    /// Decides by the results so far; stops polling jobs that need no more polls.
    fn check(&mut self, run: &mut RunLoop) -> Option<Decision> {
        self.warn_expiring_credentials(&run.lookup);
        let is_timed_out = self.is_timed_out(run);
        if is_timed_out {
            run.poller.accept_proved_ends();
            run.poller.fail_without_client();
        }
        let evaluations = run.evaluations();
        for (index, evaluation) in evaluations.iter().enumerate() {
            let polled = &mut run.poller.jobs[index];
            polled.current.is_final = match evaluation {
                Evaluation::Pending(pending) => pending.is_final,
                Evaluation::Met | Evaluation::Unmet(_) => polled.current.history.has_ended(),
            };
        }
        let progress = match run.poller.stalls_at() {
            _ if is_timed_out => GatePhase::Over,
            Some(at) if run.poller.elapsed() < at => GatePhase::FirstRound,
            _ => GatePhase::Polling,
        };
        self.show(run, &evaluations);
        let decision = decide(&evaluations, &self.options.policy, progress);
        if decision.is_none() {
            self.log_heartbeat(run, &evaluations);
            self.write_reports(run);
        }
        decision
    }

    fn on_event(&mut self, run: &RunLoop, event: &PollEvent) {
        self.reports.mark_changed();
        let (PollEvent::State(index, _) | PollEvent::Problem(index)) = event else {
            return;
        };
        let polled = &run.poller.jobs[*index];
        let text = match (event, &polled.current.job, &polled.current.problem) {
            (PollEvent::State(..), _, _) if self.reporter.is_live() => return,
            (PollEvent::State(_, before), Some(job), _) => {
                let before = before.map_or_else(String::new, |before| format!(", was {before}"));
                format!("{}{before}", job.state)
            }
            (PollEvent::Problem(_), _, Some(problem)) => problem.message.clone(),
            _ => return,
        };
        let line = format!("{} {}: {text}", run.clock(), polled.reference);
        self.log(run, line);
    }

    fn on_message(&mut self, run: &RunLoop, line: String) {
        self.reports.mark_changed();
        self.log(run, line);
    }

    async fn output_changed(&mut self) -> Option<Decision> {
        let event = LiveTerminal::next_event(&mut self.terminal).await;
        let progress = self.reporter.terminal()?;
        match event {
            TerminalEvent::Resized => {}
            TerminalEvent::Continued => progress.detach(),
            TerminalEvent::Suspended => {
                progress.detach();
                if let Some(terminal) = &mut self.terminal {
                    terminal.stop();
                }
            }
        }
        None
    }

    /// Returns the earliest of: the next report, the deadline, the end of the first round, the heartbeat, and the
    /// next second of a live display.
    fn wake_at(&self, run: &RunLoop) -> Option<Duration> {
        let deadline = self.options.timeout.limit();
        let line = match self.reporter.is_live() {
            true => run.poller.elapsed() + Duration::from_secs(1),
            false => self.logged_at + HEARTBEAT,
        };
        let stall = run.poller.stalls_at();
        let stall = stall.filter(|at| *at > run.poller.elapsed());
        let times = [self.reports.due_at(), deadline, stall, Some(line)];
        times.into_iter().flatten().min()
    }
}

impl<'a> WaitHandler<'a> {
    pub(super) fn new(
        options: WaitOptions,
        reports: Reports,
        reporter: Reporter,
        render_context: RenderContext,
    ) -> Self {
        Self {
            options,
            reports,
            terminal: None,
            reporter,
            render_context,
            logged_at: Duration::ZERO,
        }
    }

    /// Starts the commands that print credentials, and waits for them if no account is used before they have ended.
    /// Writes the reports before. Returns a signal that is received meanwhile.
    ///
    /// # Errors
    /// Returns the usage errors that were only found with the credentials.
    pub(super) async fn run_commands(
        &mut self,
        lookup: &Arc<Lookup>,
        signals: &mut Signals,
    ) -> Result<Option<Stop>, Vec<Problem>> {
        if lookup.clients.awaits_commands() {
            let run = run_loop(Arc::clone(lookup), &self.options);
            self.write_reports(&run);
        }
        let stop = tokio::select! {
            biased;
            stop = signals.next() => Some(stop),
            ended = lookup.run_commands() => match ended {
                Ok(()) => None,
                Err(problems) => {
                    let envelope = Envelope::new("wait", Vec::new(), problems.clone(), Vec::new());
                    self.reports.rewrite(&envelope.without_requests());
                    return Err(problems);
                }
            },
        };
        // Until now, Ctrl-Z has stopped the process at once.
        self.terminal = self.reporter.is_live().then(|| LiveTerminal::new(None));
        Ok(stop)
    }

    /// Subtracts elapsed time from the time limit.
    pub(super) fn shorten(&mut self, passed: Duration) {
        self.options.shorten(passed);
    }

    /// Warns of credentials that expire before the deadline, and of unusual options.
    pub(super) fn warn(&mut self, lookup: &Lookup) {
        self.warn_expiring_credentials(lookup);
        if let Some(warning) = self.options.warning {
            self.reporter.println(format!("warning: {warning}"));
        }
    }

    /// Warns of credentials that expire before the deadline, or soon if there is none.
    fn warn_expiring_credentials(&mut self, lookup: &Lookup) {
        // A clock outside the supported range makes each poll fail anyway.
        let Ok(now) = lookup.now() else {
            return;
        };
        let time = match self.options.timeout {
            Timeout::After(limit) => limit,
            Timeout::SingleCheck => Duration::ZERO,
            Timeout::Never => EXPIRY_WARNING_WINDOW,
        };
        let time = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let is_near =
            |end: &CredentialExpiry| (1..time).contains(&end.expires_at.seconds_since(now));
        let expiries = lookup.clients.take_expiries().into_iter();
        for end in expiries.filter(is_near) {
            let line = format!("warning: {}", end.line(now, self.render_context.zone));
            self.reporter.println(line);
            let notice = Notice::new(NoticeCode::CredentialEnds, end.message());
            lookup.notices.push(notice);
        }
    }

    fn log(&mut self, run: &RunLoop, line: String) {
        self.warn_expiring_credentials(&run.lookup);
        self.logged_at = run.poller.elapsed();
        self.reporter.println(line);
    }

    /// Returns `true` if the time is up, or for a single check, if everything was checked once.
    fn is_timed_out(&self, run: &RunLoop) -> bool {
        match self.options.timeout {
            Timeout::SingleCheck => run.poller.has_polled_all(),
            Timeout::After(limit) => run.poller.elapsed() >= limit,
            Timeout::Never => false,
        }
    }

    /// Logs that the command is still running if nothing was logged for a while.
    fn log_heartbeat(&mut self, run: &RunLoop, evaluations: &[Evaluation]) {
        let is_due = run.poller.elapsed() >= self.logged_at + HEARTBEAT;
        if self.reporter.is_live() || !is_due {
            return;
        }
        let counts = Counts::of(evaluations);
        let line = format!(
            "{} still waiting: {} done, {} failed, {} pending, {}",
            run.clock(),
            counts.met,
            counts.unmet,
            counts.pending,
            output::requests(run.lookup.transport.requests_sent())
        );
        self.log(run, line);
    }

    /// Shows each job in a live display.
    fn show(&mut self, run: &RunLoop, evaluations: &[Evaluation]) {
        if !self.reporter.is_live() {
            return;
        }
        let status = self.status(run, evaluations);
        let Some(terminal) = self.reporter.terminal() else {
            return;
        };
        let (jobs, now) = (&run.poller.jobs, run.lookup.now().ok());
        let row = |index: usize| {
            let polled = &jobs[index];
            ProgressRow {
                reference: polled.reference.to_string(),
                state: polled.current.history.state(),
                seconds: seconds_in_state(polled, now, run.poller.elapsed()),
            }
        };
        let is_final: Vec<bool> = jobs.iter().map(|polled| polled.current.is_final).collect();
        terminal.draw(&is_final, &row, &status, &self.render_context);
    }

    /// Returns for example `waiting for succeeded: 1 of 3 met, 1 failed, times out in 12m`.
    fn status(&self, run: &RunLoop, evaluations: &[Evaluation]) -> String {
        let policy = &self.options.policy;
        let any = if policy.any { "any " } else { "" };
        let Counts { met, unmet, .. } = Counts::of(evaluations);
        let all = evaluations.len();
        let condition_text = match &policy.condition {
            Condition::NoWarnings(time) => format!("no new warning in {} s", time.as_secs()),
            condition => condition.to_string(),
        };
        let mut status = format!("waiting for {any}{condition_text}: {met} of {all} met");
        if unmet > 0 {
            status += &format!(", {unmet} failed");
        }
        match self.options.timeout {
            Timeout::SingleCheck => {}
            Timeout::After(limit) => {
                let seconds_left = limit.saturating_sub(run.poller.elapsed()).as_secs();
                status += &format!(", times out in {}", output::duration(seconds_left as i64));
            }
            Timeout::Never => status += ", no timeout",
        }
        status
    }

    /// Rewrites the reports when they are due, so that they are correct even if the runner is killed.
    pub(super) fn write_reports(&mut self, run: &RunLoop) {
        let now = run.poller.elapsed();
        if !self.reports.due(now) {
            return;
        }
        let (report, notices, code) = self.gate_report(run, None);
        let jobs = run.poller.jobs.iter();
        let jobs = jobs.map(|polled| polled.current.job.clone());
        let envelope = report.into_envelope("wait", jobs.collect(), notices, code);
        let reporter = &mut self.reporter;
        self.reports.write(&envelope, now, &mut |problem| {
            reporter.println(format!("error: {}", problem.message));
        });
    }

    /// Returns the document of the command; `end` is the decision, or why there is none. Moves the jobs into
    /// it: there can be thousands.
    pub(super) fn envelope(&self, run: &mut RunLoop, end: &Result<Decision, Stop>) -> Envelope {
        let polled = run.poller.jobs.iter();
        run.lookup
            .note_list_rows(polled.filter_map(|polled| polled.current.job.as_ref()));
        let (report, notices, code) = self.gate_report(run, Some(end));
        let jobs = std::mem::take(&mut run.poller.jobs).into_iter();
        let jobs = jobs.map(|polled| polled.current.job).collect();
        report.into_envelope("wait", jobs, notices, code)
    }

    /// Returns the current report with its notices and the exit code; `end` is `None` while the wait continues.
    fn gate_report(
        &self,
        run: &RunLoop,
        end: Option<&Result<Decision, Stop>>,
    ) -> (GateReport, Vec<Notice>, u8) {
        let is_single_check = self.options.timeout == Timeout::SingleCheck;
        let pending = match is_single_check {
            true => exit_code::PENDING,
            false => exit_code::TIMED_OUT,
        };
        let (decision, code, status) = match end {
            None => (
                Decision::undecided(),
                exit_code::PENDING,
                GateStatus::Running,
            ),
            Some(Err(stop)) => (
                Decision::undecided(),
                stop.exit_code(),
                GateStatus::Stopped(*stop),
            ),
            Some(Ok(decision)) => {
                let status = match is_single_check {
                    _ if !self.is_timed_out(run) => GateStatus::Certain,
                    true => GateStatus::SingleCheck,
                    false => GateStatus::TimedOut,
                };
                (decision.clone(), decision.exit_code(pending), status)
            }
        };
        let stats = GateStats {
            elapsed: match end {
                Some(_) => run.total_elapsed(),
                None => run.shown_elapsed(),
            },
            requests: run.lookup.transport.requests_sent(),
            status,
        };
        let state = GateState {
            polled: &run.poller.jobs,
            evaluations: &run.evaluations(),
            policy: &run.policy,
            decision: &decision,
            running_command: &|reference| run.lookup.running_command(reference),
            stats,
        };
        (GateReport::new(&state), run.lookup.notices.all(), code)
    }
}

/// Returns how many seconds a job has been in its state: by the cloud's times if reported, otherwise since the state
/// was first seen, or since the start before the first response.
fn seconds_in_state(polled: &PolledJob, now: Option<Time>, elapsed: Duration) -> i64 {
    let reported = polled.current.job.as_ref().and_then(|job| match job.state {
        _ if job.ended => job.finished_at,
        State::Pending => job.created_at,
        State::Running => job.started_at,
        _ => None,
    });
    match reported.zip(now) {
        Some((since, now)) => now.seconds_since(since).max(0),
        None => {
            let since = polled.current.history.since().unwrap_or_default();
            elapsed.saturating_sub(since).as_secs() as i64
        }
    }
}
