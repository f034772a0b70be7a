mod options;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use options::Arguments;

use super::context::CommandContext;
use super::gate_report::{self, GateState, GateStats, Stop};
use super::lookup::{CredentialExpiry, Lookup, LookupPlan};
use super::poll::{MIN_CALL_INTERVAL, OutageEvent, PollEvent, PollOptions, Poller};
use super::print::{lose_output, write_problem};
use super::reporter::Reporter;
use super::reports::Reports;
use super::runtime::block_on;
use super::shutdown::{self, Signals};
use crate::error::Problem;
use crate::gate::{Condition, Decision, Evaluation, Progress, decide};
use crate::model::{Notice, NoticeCode};
use crate::output::document::Envelope;
use crate::output::{self, Zone};
use options::WaitOptions;

/// What a log is told when nothing has changed for so long.
const HEARTBEAT: Duration = Duration::from_secs(300);
/// A credential that lasts longer is no news to a wait without a deadline.
const EXPIRY_WARNING_WINDOW: Duration = Duration::from_secs(7 * 86_400);

/// Waits, and returns the verdict as exit code.
pub(super) fn run(session: &CommandContext, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok((lens, plan, reports)) => block_on(run_wait(session, lens, &plan, reports)),
        Err(problems) => session.usage_error("wait", problems),
    }
}

type Setup = (Arc<Lookup>, WaitOptions, Reports);

fn prepare(session: &CommandContext, arguments: &Arguments) -> Result<Setup, Vec<Problem>> {
    let one = |problem| vec![problem];
    let plan = arguments.options(&session.environment).map_err(one)?;
    let reports = Reports::parse(&arguments.reports, &session.environment).map_err(one)?;
    let settings = session.settings().map_err(one)?;
    let options = arguments.output.options(&arguments.kind_flags);
    let lookup = LookupPlan::parse(session, settings, &arguments.references, options)?;
    if lookup.references.is_empty() && !arguments.allow_empty {
        return Err(one(Problem::usage("no references given").with_hint(
            "pass a reference, or use --allow-empty to accept an empty list",
        )));
    }
    gate_report::check_condition(&lookup.references, &plan.policy.condition).map_err(one)?;
    // Creates folders, and comes before any credential_command is run.
    reports.check().map_err(one)?;
    let lookup = lookup.connect_all(session, Some(MIN_CALL_INTERVAL))?;
    Ok((Arc::new(lookup), plan, reports))
}

/// How a wait came to its end.
enum WaitEnd {
    /// It has not come yet: what a report says meanwhile.
    NotYet,
    Decided(Decision),
    /// By a signal, with its exit code.
    Stopped(u8),
}

async fn run_wait(
    session: &CommandContext,
    lens: Arc<Lookup>,
    plan: &WaitOptions,
    reports: Reports,
) -> u8 {
    let voice = Reporter::new(
        session.global.quiet,
        !session.may_redraw(),
        lens.references.len(),
    );
    warn_expiring_credentials(session, &lens, plan, &voice);
    if let Some(warning) = plan.warning {
        voice.println(format!("joblens: note: {warning}"));
    }
    let mut wait = WaitLoop::new(lens, plan, reports, voice);
    let mut signals = Signals::new();
    let end = tokio::select! {
        biased;
        code = signals.next() => WaitEnd::Stopped(code),
        decision = wait.until_decided() => WaitEnd::Decided(decision),
    };
    let mut report = wait.report(&end);
    let mut told = Vec::new();
    let mut tell = |problem: &Problem| {
        // A Vec takes everything.
        let _ = writeln!(told, "joblens: {}", output::escape(&problem.message));
    };
    let mut annotations = Vec::new();
    if wait
        .reports
        .finish(&report, &mut annotations, &mut tell)
        .is_err()
    {
        lose_output(&mut report);
    }
    told.extend(annotations);
    let signalled = matches!(end, WaitEnd::Stopped(_));
    let reported = report.exit.code;
    let signal = signalled.then_some(reported);
    let (answer, told) = shutdown::run_interruptible(&session.output_options, signal, || {
        session.rendered_gate(&mut report, told)
    });
    let screen = session.render_context(io::stderr().is_terminal());
    let complain = |error: &io::Error| {
        let mut lines = Vec::new();
        // A Vec takes everything.
        let _ = output::write_problem(&mut lines, &write_problem(error), &screen);
        lines
    };
    let written = shutdown::write(wait.reporter, answer, told, signals, signalled, complain).await;
    if written.failure.is_some() {
        lose_output(&mut report);
    }
    if report.exit.code != reported {
        wait.reports.amend(&report);
    }
    written.code.unwrap_or(report.exit.code)
}

/// Tells of credentials that end before the wait may, or soon where it has no deadline.
fn warn_expiring_credentials(
    session: &CommandContext,
    lens: &Lookup,
    plan: &WaitOptions,
    voice: &Reporter,
) {
    let zone = session.global.zone().unwrap_or(Zone::Local);
    // A clock that is out of all bounds fails each look by itself.
    let Ok(now) = lens.now() else {
        return;
    };
    let time = plan.timeout.unwrap_or(EXPIRY_WARNING_WINDOW).as_secs();
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    let is_near = |end: &&CredentialExpiry| (1..time).contains(&end.at.seconds_since(now));
    for end in lens.credential_expiries().iter().filter(is_near) {
        voice.println(format!("joblens: note: {}", end.line(now, zone)));
        lens.notices
            .push(Notice::new(NoticeCode::CredentialEnds, end.message()));
    }
}

struct WaitLoop<'a> {
    poller: Poller,
    lookup: Arc<Lookup>,
    options: &'a WaitOptions,
    reports: Reports,
    reporter: Reporter,
    /// When the log was last told something.
    logged_at: Duration,
}

impl<'a> WaitLoop<'a> {
    fn new(
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
    async fn until_decided(&mut self) -> Decision {
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

    /// Decides by what was seen so far; things that need no more looks are let go.
    fn decide(&mut self) -> Option<Decision> {
        let now = self.poller.elapsed();
        let standings = gate_report::evaluate_all(&self.poller.jobs, &self.options.policy, now);
        for (number, standing) in standings.iter().enumerate() {
            let watched = &mut self.poller.jobs[number];
            let settled = match standing {
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
        decide(&standings, &self.options.policy, progress)
    }

    /// True when no time is left; with a time of 0, when everything was looked at once.
    fn is_timed_out(&self, now: Duration) -> bool {
        match self.options.timeout {
            Some(Duration::ZERO) => self.poller.has_polled_all(),
            Some(timeout) => now >= timeout,
            None => false,
        }
    }

    /// When to look up from waiting: the next look or report, the deadline, a start that is overdue,
    /// an outage that lasts too long, the heartbeat, or the next second of a live display.
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
        let voice = &self.reporter;
        self.reports.write(&report, now, &mut |problem| {
            voice.println(format!("joblens: {}", problem.message));
        });
    }

    fn print_changes(&mut self, changes: &[PollEvent]) {
        if !changes.is_empty() {
            self.reports.mark_changed();
        }
        let now = self.poller.elapsed();
        for change in changes {
            if let Some(line) = self.line(change, now) {
                self.log(line);
            }
        }
        for notice in self.lookup.notices.take_new() {
            if notice.code == NoticeCode::UnknownState || notice.code == NoticeCode::ClockCorrected
            {
                self.log(format!("joblens: note: {}", notice.message));
            }
        }
        self.show();
    }

    fn line(&self, change: &PollEvent, now: Duration) -> Option<String> {
        let clock = output::duration(now.as_secs() as i64);
        match change {
            PollEvent::Read(_) => None,
            PollEvent::State(..) if self.reporter.is_live() => None,
            PollEvent::State(number, before) => {
                let watched = &self.poller.jobs[*number];
                let state = watched.job.as_ref()?.state;
                let before = before.map_or_else(String::new, |before| format!(", was {before}"));
                Some(format!(
                    "joblens: {clock} {}: {state}{before}",
                    watched.reference
                ))
            }
            PollEvent::Problem(number) => {
                let watched = &self.poller.jobs[*number];
                let problem = watched.problem.as_ref()?;
                Some(format!(
                    "joblens: {clock} {}: {}",
                    watched.reference, problem.message
                ))
            }
            PollEvent::Outage(OutageEvent::Started(cloud, message)) => {
                let message = format!("{cloud} is unreachable ({message}); retrying");
                self.lookup
                    .notices
                    .push(Notice::new(NoticeCode::Outage, message.clone()));
                Some(format!("joblens: {clock} {message}"))
            }
            PollEvent::Outage(OutageEvent::Ended(cloud, after)) => {
                let after = output::duration(after.as_secs() as i64);
                let message = format!("{cloud} is reachable again after {after}");
                self.lookup
                    .notices
                    .push(Notice::new(NoticeCode::Recovered, message.clone()));
                Some(format!("joblens: {clock} {message}"))
            }
        }
    }

    fn log(&mut self, line: String) {
        self.logged_at = self.poller.elapsed();
        self.reporter.println(line);
    }

    /// Tells a log that the command is alive, and a live display the time.
    fn heartbeat(&mut self) {
        self.show();
        let now = self.poller.elapsed();
        if self.reporter.is_live() || now < self.logged_at + HEARTBEAT {
            return;
        }
        let standings = gate_report::evaluate_all(&self.poller.jobs, &self.options.policy, now);
        let count = |word: &str| standings.iter().filter(|one| one.as_str() == word).count();
        self.log(format!(
            "joblens: {} still waiting: {} done, {} failed, {} pending, {}",
            output::duration(now.as_secs() as i64),
            count("met"),
            count("unmet"),
            count("pending"),
            output::requests(self.lookup.transport.calls())
        ));
    }

    fn show(&self) {
        if !self.reporter.is_live() {
            return;
        }
        let now = self.poller.elapsed();
        for (number, watched) in self.poller.jobs.iter().enumerate() {
            let since = now.saturating_sub(watched.history.since().unwrap_or_default());
            let reference = watched.reference.to_string();
            let seconds = since.as_secs() as i64;
            self.reporter
                .update(number, &reference, watched.history.state(), seconds);
        }
    }

    fn report(&self, end: &WaitEnd) -> Envelope {
        let now = self.poller.elapsed();
        let standings = gate_report::evaluate_all(&self.poller.jobs, &self.options.policy, now);
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
            standings: &standings,
            rules: &self.options.policy,
            decision: &decision,
            spent,
        };
        gate_report::report("wait", &state, notices, code)
    }
}
