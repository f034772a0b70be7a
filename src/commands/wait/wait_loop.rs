use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::options::WaitOptions;
use crate::commands::gate_report::{self, GateState, GateStats, Stop};
use crate::commands::lookup::Lookup;
use crate::commands::poll::{PollOptions, Poller};
use crate::commands::reporter::Reporter;
use crate::commands::reports::Reports;
use crate::gate::{Condition, Decision, Evaluation, Progress, decide};
use crate::output::document::Envelope;

/// The interval of the line that a log gets when nothing has changed.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(300);
/// How a wait came to its end.
pub(super) enum WaitEnd {
    /// It has not come yet: what a report says meanwhile.
    NotYet,
    Decided(Decision),
    /// By a signal, with its exit code.
    Stopped(u8),
}

/// Polls all references of a wait until there is a decision.
pub(super) struct WaitLoop<'a> {
    pub(super) poller: Poller,
    pub(super) lookup: Arc<Lookup>,
    pub(super) options: &'a WaitOptions,
    pub(super) reports: Reports,
    pub(super) reporter: Reporter,
    /// When the last line was logged.
    pub(super) logged_at: Duration,
}

impl<'a> WaitLoop<'a> {
    pub(super) fn new(
        lookup: Arc<Lookup>,
        options: &'a WaitOptions,
        reports: Reports,
        reporter: Reporter,
    ) -> Self {
        let needs_events = matches!(options.policy.condition, Condition::NoWarnings(_));
        let poll_options = PollOptions {
            interval: options.interval,
            ends_at: options.timeout.filter(|timeout| !timeout.is_zero()),
            needs_events,
            check_existence: needs_events,
            ..PollOptions::default()
        };
        Self {
            poller: Poller::new(Arc::clone(&lookup), poll_options),
            lookup,
            options,
            reports,
            reporter,
            logged_at: Duration::ZERO,
        }
    }

    /// Polls until there is a decision.
    pub(super) async fn until_decided(&mut self) -> Decision {
        loop {
            if let Some(decision) = self.decide() {
                return decision;
            }
            self.write_reports();
            self.poller.start_due();
            let (busy, wake_at) = (self.poller.is_busy(), self.wake_at());
            tokio::select! {
                biased;
                changes = self.poller.next(), if busy => self.print_changes(&changes),
                () = tokio::time::sleep_until(wake_at) => self.heartbeat(),
            }
        }
    }

    /// Decides by what was seen so far; resources that need no more checks are dropped.
    fn decide(&mut self) -> Option<Decision> {
        let now = self.poller.elapsed();
        let evaluations = gate_report::evaluate_all(&self.poller.jobs, &self.options.policy, now);
        for (number, evaluation) in evaluations.iter().enumerate() {
            let watched = &mut self.poller.jobs[number];
            let settled = match evaluation {
                Evaluation::Pending(open) => open.is_final,
                Evaluation::Met | Evaluation::Unmet(_) => watched.history.has_ended(),
            };
            watched.is_final = settled;
            if settled {
                self.reporter.finish_job(number);
            }
        }
        let progress = match self.poller.has_polled_all() {
            _ if self.is_timed_out(now) => Progress::Over,
            true => Progress::Polling,
            false => Progress::FirstRound,
        };
        decide(&evaluations, &self.options.policy, progress)
    }

    /// True when no time is left; with a time of 0, when everything was checked once.
    fn is_timed_out(&self, now: Duration) -> bool {
        match self.options.timeout {
            Some(Duration::ZERO) => self.poller.has_polled_all(),
            Some(timeout) => now >= timeout,
            None => false,
        }
    }

    /// When to wake up: the next check or report, the deadline, a start that is overdue, an outage
    /// that lasts too long, the heartbeat, or the next second of a live display.
    fn wake_at(&self) -> Instant {
        let now = self.poller.elapsed();
        let live = self
            .reporter
            .is_live()
            .then(|| now + Duration::from_secs(1));
        let deadline = self.options.timeout.filter(|timeout| !timeout.is_zero());
        let start = self.options.policy.start_timeout.filter(|at| *at > now);
        let outage = self.poller.outage_limit_at(&self.options.policy);
        let heartbeat = (!self.reporter.is_live()).then(|| self.logged_at + HEARTBEAT);
        let wake = [
            self.poller.next_due(),
            self.reports.due_at(),
            deadline,
            start,
            outage.filter(|at| *at > now),
            live,
            heartbeat,
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(HEARTBEAT);
        Instant::now() + wake.saturating_sub(now)
    }

    /// Rewrites the reports when they are due, so that a killed runner leaves true ones.
    fn write_reports(&mut self) {
        let now = self.poller.elapsed();
        if !self.reports.due(now) {
            return;
        }
        let report = self.report(&WaitEnd::NotYet);
        let reporter = &self.reporter;
        self.reports.write(&report, now, &mut |problem| {
            reporter.println(format!("error: {}", problem.message));
        });
    }

    /// What is known so far, as the document of the command.
    pub(super) fn report(&self, end: &WaitEnd) -> Envelope {
        let now = self.poller.elapsed();
        let evaluations = gate_report::evaluate_all(&self.poller.jobs, &self.options.policy, now);
        let pending = match self.options.timeout {
            Some(Duration::ZERO) => 8,
            _ => 124,
        };
        let (decision, code) = match end {
            WaitEnd::NotYet => (Decision::undecided(), 8),
            WaitEnd::Decided(decision) => (decision.clone(), decision.exit_code(pending)),
            WaitEnd::Stopped(code) => (Decision::undecided(), *code),
        };
        let stop = match end {
            WaitEnd::NotYet => Stop::Running,
            WaitEnd::Stopped(130) => Stop::Interrupted,
            WaitEnd::Stopped(_) => Stop::Terminated,
            WaitEnd::Decided(_) if !self.is_timed_out(now) => Stop::Certain,
            WaitEnd::Decided(_) if pending == 8 => Stop::OneCheck,
            WaitEnd::Decided(_) => Stop::TimedOut,
        };
        let spent = GateStats {
            elapsed: now,
            requests: self.lookup.transport.calls(),
            stop,
        };
        let notices = self.lookup.notices.all();
        let state = GateState {
            watched: &self.poller.jobs,
            evaluations: &evaluations,
            rules: &self.options.policy,
            decision: &decision,
            spent,
        };
        gate_report::report("wait", &state, notices, code)
    }
}
