//! What a wait says while it goes on: changes, outages, and that it is alive.

use std::time::Duration;

use super::wait_loop::{HEARTBEAT, WaitLoop};
use crate::commands::gate_report;
use crate::commands::poll::{OutageEvent, PollEvent};
use crate::model::{Notice, NoticeCode};
use crate::output;

impl WaitLoop<'_> {
    pub(super) fn print_changes(&mut self, changes: &[PollEvent]) {
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
                self.log(output::notice_line(&notice));
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
                Some(format!("{clock} {}: {state}{before}", watched.reference))
            }
            PollEvent::Problem(number) => {
                let watched = &self.poller.jobs[*number];
                let problem = watched.problem.as_ref()?;
                Some(format!(
                    "{clock} {}: {}",
                    watched.reference, problem.message
                ))
            }
            PollEvent::Outage(OutageEvent::Started(cloud, message)) => {
                let message = format!("{cloud} is unreachable ({message}); retrying");
                self.lookup
                    .notices
                    .push(Notice::new(NoticeCode::Outage, message.clone()));
                Some(format!("{clock} {message}"))
            }
            PollEvent::Outage(OutageEvent::Ended(cloud, after)) => {
                let after = output::duration(after.as_secs() as i64);
                let message = format!("{cloud} is reachable again after {after}");
                self.lookup
                    .notices
                    .push(Notice::new(NoticeCode::Recovered, message.clone()));
                Some(format!("{clock} {message}"))
            }
        }
    }

    fn log(&mut self, line: String) {
        self.logged_at = self.poller.elapsed();
        self.reporter.println(line);
    }

    /// Tells a log that the command is alive, and a live display the time.
    pub(super) fn heartbeat(&mut self) {
        self.show();
        let now = self.poller.elapsed();
        if self.reporter.is_live() || now < self.logged_at + HEARTBEAT {
            return;
        }
        let evaluations = gate_report::evaluate_all(&self.poller.jobs, &self.options.policy, now);
        let count = |word: &str| {
            evaluations
                .iter()
                .filter(|one| one.as_str() == word)
                .count()
        };
        self.log(format!(
            "{} still waiting: {} done, {} failed, {} pending, {}",
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
}
