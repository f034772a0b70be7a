mod options;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use options::Arguments;

use super::ending::{self, Signals};
use super::gated::{self, GateState, Spent, Stop};
use super::look_up::{CredentialEnd, Lens, Options};
use super::poll::{Change, Manner, PACE, Poller, Turn};
use super::reports::Reports;
use super::voice::Voice;
use super::{Session, lose_output, runtime, unwritable};
use crate::error::Problem;
use crate::gate::{Decision, Goal, Progress, Standing, decide};
use crate::model::{Notice, Report};
use crate::output::{self, Zone};
use options::Plan;

/// What a log is told when nothing has changed for so long.
const HEARTBEAT: Duration = Duration::from_secs(300);
/// A credential that lasts longer is no news to a wait without a deadline.
const SOON: Duration = Duration::from_secs(7 * 86_400);

/// Waits, and returns the verdict as exit code.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok((lens, plan, reports)) => {
            let runtime = runtime();
            let ended = runtime.block_on(watch_over(session, lens, &plan, reports));
            // A DNS call that still hangs must not hold up the end.
            runtime.shutdown_background();
            ended
        }
        Err(problems) => session.refuse("wait", problems),
    }
}

type Prepared = (Arc<Lens>, Plan, Reports);

fn prepare(session: &Session, arguments: &Arguments) -> Result<Prepared, Vec<Problem>> {
    let one = |problem| vec![problem];
    let plan = arguments.plan(&session.environment).map_err(one)?;
    let reports = Reports::read(&arguments.reports, &session.environment).map_err(one)?;
    let settings = session.settings().map_err(one)?;
    let options = Options {
        vendor: arguments.vendor,
        show_secrets: arguments.show_secrets,
        trust_finished: arguments.trust_finished,
        ..Options::default()
    };
    let lens = Lens::prepare(
        session,
        settings,
        &arguments.references,
        options,
        Some(PACE),
    )?;
    if lens.references.is_empty() && !arguments.allow_empty {
        return Err(one(Problem::usage("nothing to wait for").hint(
            "name a reference, or say --allow-empty if an empty list is fine",
        )));
    }
    gated::check_goal(&lens.references, &plan.rules.goal).map_err(one)?;
    // Comes last, since it creates folders.
    reports.check().map_err(one)?;
    Ok((Arc::new(lens), plan, reports))
}

/// How a wait came to its end.
enum End {
    /// It has not come yet: what a report says meanwhile.
    NotYet,
    Decided(Decision),
    /// By a signal, with its exit code.
    Stopped(u8),
}

async fn watch_over(session: &Session, lens: Arc<Lens>, plan: &Plan, reports: Reports) -> u8 {
    let quiet_goal = matches!(plan.rules.goal, Goal::NoWarnings(_));
    let manner = Manner {
        interval: plan.interval,
        ends_at: plan.timeout.filter(|timeout| !timeout.is_zero()),
        needs_events: quiet_goal,
        confirms: quiet_goal,
        ..Manner::default()
    };
    let voice = Voice::new(
        session.global.quiet,
        !session.may_redraw(),
        lens.references.len(),
    );
    tell_ends(session, &lens, plan, &voice);
    if let Some(warning) = plan.warning {
        voice.line(format!("joblens: note: {warning}"));
    }
    let mut wait = Wait {
        poller: Poller::new(Arc::clone(&lens), manner),
        lens,
        plan,
        reports,
        voice,
        spoken_at: Duration::ZERO,
    };
    let mut signals = Signals::new();
    let end = wait.until_the_end(&mut signals).await;
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
    let signalled = matches!(end, End::Stopped(_));
    let reported = report.exit.code;
    let signal = signalled.then_some(reported);
    let (answer, told) = ending::making(&session.form, signal, || {
        session.rendered_gate(&mut report, told)
    });
    let screen = session.screen(io::stderr().is_terminal());
    let complain = |error: &io::Error| {
        let mut lines = Vec::new();
        // A Vec takes everything.
        let _ = output::write_problem(&mut lines, &unwritable(error), &screen);
        lines
    };
    let written = ending::write(wait.voice, answer, told, signals, signalled, complain).await;
    if written.failure.is_some() {
        lose_output(&mut report);
    }
    if report.exit.code != reported {
        wait.reports.amend(&report);
    }
    written.code.unwrap_or(report.exit.code)
}

/// Tells of credentials that end before the wait may, or soon where it has no deadline.
fn tell_ends(session: &Session, lens: &Lens, plan: &Plan, voice: &Voice) {
    let zone = session.global.zone().unwrap_or(Zone::Local);
    // A clock that is out of all bounds fails each look by itself.
    let Ok(now) = lens.now() else {
        return;
    };
    let time = plan.timeout.unwrap_or(SOON).as_secs();
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    let is_near = |end: &&CredentialEnd| (1..time).contains(&end.at.seconds_since(now));
    for end in lens.ends.iter().filter(is_near) {
        voice.line(format!("joblens: note: {}", end.line(now, zone)));
        lens.told
            .keep(Notice::new("credential_ends", end.message()));
    }
}

struct Wait<'a> {
    poller: Poller,
    lens: Arc<Lens>,
    plan: &'a Plan,
    reports: Reports,
    voice: Voice,
    /// When the log was last told something.
    spoken_at: Duration,
}

impl Wait<'_> {
    async fn until_the_end(&mut self, signals: &mut Signals) -> End {
        loop {
            if let Some(decision) = self.decide() {
                return End::Decided(decision);
            }
            self.write_reports();
            self.poller.start_due();
            let (busy, wake_at) = (self.poller.is_busy(), self.wake_at());
            tokio::select! {
                biased;
                code = signals.next() => return End::Stopped(code),
                changes = self.poller.next(), if busy => self.tell(&changes),
                () = tokio::time::sleep_until(wake_at) => self.beat(),
            }
        }
    }

    /// Decides by what was seen so far; things that need no more looks are let go.
    fn decide(&mut self) -> Option<Decision> {
        let now = self.poller.elapsed();
        let standings = gated::standings(&self.poller.watched, &self.plan.rules, now);
        for (number, standing) in standings.iter().enumerate() {
            let watched = &mut self.poller.watched[number];
            let settled = match standing {
                Standing::Open(open) => open.settled,
                Standing::Yes | Standing::No(_) => watched.track.has_ended(),
            };
            watched.done = settled;
            if settled {
                self.voice.settle(number);
            }
        }
        let progress = match self.poller.has_looked_at_all() {
            _ if self.is_over(now) => Progress::Over,
            true => Progress::Polling,
            false => Progress::FirstRound,
        };
        decide(&standings, &self.plan.rules, progress)
    }

    /// True when no time is left; with a time of 0, when everything was looked at once.
    fn is_over(&self, now: Duration) -> bool {
        match self.plan.timeout {
            Some(Duration::ZERO) => self.poller.has_looked_at_all(),
            Some(timeout) => now >= timeout,
            None => false,
        }
    }

    /// When to look up from waiting: the next look or report, the deadline, a start that is overdue,
    /// an outage that lasts too long, the heartbeat, or the next second of a live display.
    fn wake_at(&self) -> Instant {
        let now = self.poller.elapsed();
        let live = self.voice.is_live().then(|| now + Duration::from_secs(1));
        let deadline = self.plan.timeout.filter(|timeout| !timeout.is_zero());
        let start = self.plan.rules.start_timeout.filter(|at| *at > now);
        let outage = self.poller.given_up_at(&self.plan.rules);
        let heartbeat = (!self.voice.is_live()).then(|| self.spoken_at + HEARTBEAT);
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
        let report = self.report(&End::NotYet);
        let voice = &self.voice;
        self.reports.write(&report, now, &mut |problem| {
            voice.line(format!("joblens: {}", problem.message));
        });
    }

    fn tell(&mut self, changes: &[Change]) {
        if !changes.is_empty() {
            self.reports.mark_changed();
        }
        let now = self.poller.elapsed();
        for change in changes {
            if let Some(line) = self.line(change, now) {
                self.say(line);
            }
        }
        for notice in self.lens.told.fresh() {
            if notice.code == "unknown_state" || notice.code == "clock_corrected" {
                self.say(format!("joblens: note: {}", notice.message));
            }
        }
        self.show();
    }

    fn line(&self, change: &Change, now: Duration) -> Option<String> {
        let clock = output::duration(now.as_secs() as i64);
        match change {
            Change::Read(_) => None,
            Change::State(..) if self.voice.is_live() => None,
            Change::State(number, before) => {
                let watched = &self.poller.watched[*number];
                let state = watched.job.as_ref()?.state;
                let before = before.map_or_else(String::new, |before| format!(", was {before}"));
                Some(format!(
                    "joblens: {clock} {}: {state}{before}",
                    watched.reference
                ))
            }
            Change::Problem(number) => {
                let watched = &self.poller.watched[*number];
                let problem = watched.problem.as_ref()?;
                Some(format!(
                    "joblens: {clock} {}: {}",
                    watched.reference, problem.message
                ))
            }
            Change::Weather(Turn::Outage(cloud, message)) => {
                let message = format!("{cloud} does not answer ({message}); looking on");
                self.lens.told.keep(Notice::new("outage", message.clone()));
                Some(format!("joblens: {clock} {message}"))
            }
            Change::Weather(Turn::Recovered(cloud, after)) => {
                let after = output::duration(after.as_secs() as i64);
                let message = format!("{cloud} answers again after {after}");
                self.lens
                    .told
                    .keep(Notice::new("recovered", message.clone()));
                Some(format!("joblens: {clock} {message}"))
            }
        }
    }

    fn say(&mut self, line: String) {
        self.spoken_at = self.poller.elapsed();
        self.voice.line(line);
    }

    /// Tells a log that the command is alive, and a live display the time.
    fn beat(&mut self) {
        self.show();
        let now = self.poller.elapsed();
        if self.voice.is_live() || now < self.spoken_at + HEARTBEAT {
            return;
        }
        let standings = gated::standings(&self.poller.watched, &self.plan.rules, now);
        let count = |word: &str| standings.iter().filter(|one| one.word() == word).count();
        self.say(format!(
            "joblens: {} still waiting: {} done, {} failed, {} pending, {}",
            output::duration(now.as_secs() as i64),
            count("met"),
            count("unmet"),
            count("pending"),
            output::requests(self.lens.wire.calls())
        ));
    }

    fn show(&self) {
        if !self.voice.is_live() {
            return;
        }
        let now = self.poller.elapsed();
        for (number, watched) in self.poller.watched.iter().enumerate() {
            let since = now.saturating_sub(watched.track.since().unwrap_or_default());
            let reference = watched.reference.to_string();
            let seconds = since.as_secs() as i64;
            self.voice
                .show(number, &reference, watched.track.state(), seconds);
        }
    }

    fn report(&self, end: &End) -> Report {
        let now = self.poller.elapsed();
        let standings = gated::standings(&self.poller.watched, &self.plan.rules, now);
        let pending = match self.plan.timeout {
            Some(Duration::ZERO) => 8,
            _ => 124,
        };
        let (decision, code) = match end {
            End::NotYet => (Decision::undecided(), 8),
            End::Decided(decision) => (decision.clone(), decision.exit_code(pending)),
            End::Stopped(code) => (Decision::undecided(), *code),
        };
        let stop = match end {
            End::NotYet => Stop::Running,
            End::Stopped(130) => Stop::Interrupted,
            End::Stopped(_) => Stop::Terminated,
            End::Decided(_) if !self.is_over(now) => Stop::Certain,
            End::Decided(_) if pending == 8 => Stop::OneCheck,
            End::Decided(_) => Stop::TimedOut,
        };
        let spent = Spent {
            elapsed: now,
            requests: self.lens.wire.calls(),
            stop,
        };
        let notices = self.lens.told.all();
        let state = GateState {
            watched: &self.poller.watched,
            standings: &standings,
            rules: &self.plan.rules,
            decision: &decision,
            spent,
        };
        gated::report("wait", &state, notices, code)
    }
}
