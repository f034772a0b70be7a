//! The loop of `wait`, `watch` and `events --follow`: polls jobs and lists scopes
//! until the handler ends it or a signal comes.

mod scopes;

use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::gate_report;
use super::lookup::Lookup;
use super::poll::{OutageEvent, PollEvent, PollOptions, Poller};
use crate::error::{Problem, Stop};
use crate::gate::{Evaluation, GatePolicy};
use crate::http::Stopwatch;
use crate::model::NoticeCode;
use crate::output;
use scopes::{ScopeUpdate, ScopeWatcher};

/// The maximum time between two checks of a handler.
const MAX_SLEEP: Duration = Duration::from_secs(300);

/// The notices that `wait`, `watch` and `metrics` print at once, each only once.
pub(super) const NOTICE_CODES: &[NoticeCode] = &[
    NoticeCode::UnknownState,
    NoticeCode::ClockCorrected,
    NoticeCode::ExitCodesUnread,
    NoticeCode::FailedParts,
    NoticeCode::PartsUnread,
    NoticeCode::UnreadableField,
    NoticeCode::WatchUnavailable,
    NoticeCode::ListWindow,
];

/// Decides when the loop ends, and shows its progress.
pub(super) trait LoopHandler {
    /// The result if the handler ends the loop.
    type LoopResult;

    /// Checks all jobs, at the start and after each change. A returned result ends the loop.
    fn check(&mut self, run: &mut RunLoop) -> Option<Self::LoopResult>;

    /// Handles a job that was read or could not be read.
    fn on_event(&mut self, run: &RunLoop, event: &PollEvent);

    /// Handles a scope that cannot be listed; `is_final` if it is not retried. An outage of its account is also
    /// reported as a message.
    fn on_scope_failure(&mut self, _run: &RunLoop, _problem: &Problem, _is_final: bool) {}

    /// Handles a line about an outage, or a notice.
    fn on_message(&mut self, run: &RunLoop, line: String);

    /// Returns when the next check is due even if nothing changes, as time since the start.
    fn wake_at(&self, run: &RunLoop) -> Option<Duration>;

    /// Waits for a change of the output. Returns a result if it was closed, or `None` if it must be redrawn.
    async fn output_changed(&mut self) -> Option<Self::LoopResult> {
        future::pending().await
    }
}

/// The jobs and scopes of a command that runs until its handler ends it.
pub(super) struct RunLoop {
    pub poller: Poller,
    pub scopes: ScopeWatcher,
    pub lookup: Arc<Lookup>,
    /// The policy by which the state of a job is evaluated.
    pub policy: GatePolicy,
    /// The notices that are printed at once.
    notice_codes: &'static [NoticeCode],
    /// The time since the start.
    stopwatch: Stopwatch,
}

impl RunLoop {
    /// Creates a loop that has not polled anything yet.
    pub(super) fn new(
        lookup: Arc<Lookup>,
        policy: GatePolicy,
        options: PollOptions,
        notice_codes: &'static [NoticeCode],
    ) -> Self {
        let session = &lookup.transport.options().session;
        Self {
            stopwatch: session.stopwatch(),
            scopes: ScopeWatcher::new(&lookup, options.interval),
            poller: Poller::new(Arc::clone(&lookup), options),
            lookup,
            policy,
            notice_codes,
        }
    }

    /// Runs until the handler returns a result.
    ///
    /// # Errors
    /// Returns the result of `stopped` if it completes first.
    pub(super) async fn run<G: LoopHandler>(
        &mut self,
        handler: &mut G,
        stopped: Pin<&mut impl Future<Output = Stop>>,
    ) -> Result<G::LoopResult, Stop> {
        let end = self.poll(handler, stopped).await;
        self.lookup.transport.options().session.resume_clock();
        end
    }

    async fn poll<G: LoopHandler>(
        &mut self,
        handler: &mut G,
        mut stopped: Pin<&mut impl Future<Output = Stop>>,
    ) -> Result<G::LoopResult, Stop> {
        loop {
            self.poller.fail_unanswered(&self.policy);
            if let Some(result) = handler.check(self) {
                return Ok(result);
            }
            self.poller.start_due();
            let poller = &self.poller;
            self.scopes
                .start_due(poller.elapsed(), || poller.unreadable_references());
            let listing = self.scopes.is_busy();
            let (started, wake_at) = (self.poller.started(), self.wake_at(handler));
            tokio::select! {
                biased;
                stop = &mut stopped => return Err(stop),
                result = handler.output_changed() => if let Some(result) = result {
                    return Ok(result);
                },
                events = self.poller.next() => self.on_events(handler, &events),
                update = self.scopes.next(|| started.elapsed()), if listing => {
                    if let Some(update) = update {
                        self.on_scope_update(handler, update);
                    }
                }
                () = sleep_until(wake_at) => {}
            }
        }
    }

    /// Evaluates each job now.
    pub(super) fn evaluations(&self) -> Vec<Evaluation> {
        gate_report::evaluate_all(&self.poller.jobs, &self.policy, self.poller.elapsed())
    }

    /// Returns the time since the start for display. In a recording it is the time of the last response, so
    /// that a replay shows the same.
    pub(super) fn shown_elapsed(&self) -> Duration {
        self.stopwatch.elapsed()
    }

    /// Returns the duration of the whole run; in a replay, that of the recorded run.
    pub(super) fn total_elapsed(&self) -> Duration {
        self.stopwatch.measure("elapsed")
    }

    /// Uses an earlier start for the times that are shown.
    pub(super) fn with_stopwatch(self, stopwatch: Stopwatch) -> Self {
        Self { stopwatch, ..self }
    }

    /// Formats the time since the start for messages.
    pub(super) fn clock(&self) -> String {
        output::duration(self.shown_elapsed().as_secs() as i64)
    }

    /// Returns when to wake up: at the next poll or list, at the start timeout, when an outage lasts too long,
    /// or when the handler requires it.
    fn wake_at(&self, handler: &impl LoopHandler) -> Instant {
        let now = self.poller.elapsed();
        let start = self.policy.start_timeout.filter(|at| *at > now);
        let outage = self.poller.outage_limit_at(&self.policy);
        let wake = [
            self.poller.next_due(),
            self.scopes.next_due(),
            handler.wake_at(self),
            start,
            outage.filter(|at| *at > now),
        ];
        let wake = wake.into_iter().flatten().min();
        Instant::now() + wake.map_or(MAX_SLEEP, |wake| wake.saturating_sub(now))
    }

    fn on_events(&mut self, handler: &mut impl LoopHandler, events: &[PollEvent]) {
        for event in events {
            match event {
                PollEvent::Outage(outage) => self.on_outage(handler, outage),
                PollEvent::Replaced(message) => {
                    handler.on_message(self, format!("{} {message}", self.clock()));
                }
                event => handler.on_event(self, event),
            }
        }
        for notice in self.lookup.notices.take_new() {
            if self.notice_codes.contains(&notice.code) {
                handler.on_message(self, output::notice_line(&notice));
            }
        }
    }

    /// Reports the start or the end of an outage.
    fn on_outage(&self, handler: &mut impl LoopHandler, outage: &OutageEvent) {
        let notice = outage.notice();
        handler.on_message(self, format!("{} {}", self.clock(), notice.message));
        self.lookup.notices.push(notice);
    }

    /// Adds the new jobs of a scope, and reports that it cannot be listed. It is listed again unless this is final,
    /// whatever the cause.
    fn on_scope_update(&mut self, handler: &mut impl LoopHandler, update: ScopeUpdate) {
        for reference in &update.added {
            self.poller.add_discovered(reference, update.follows_ids);
        }
        let (events, accepted) = self.poller.follow_replaced(update.replaced);
        self.scopes.accept(update.number, accepted);
        self.on_events(handler, &events);
        let events = self.poller.show_rows(update.number, update.rows);
        self.on_events(handler, &events);
        let scope = self.scopes.scope(update.number);
        let failure = update.failure.as_ref();
        let failure = failure.map(|failure| (&*failure.problem, failure.is_final));
        let outage = self.poller.record_list(scope, update.number, failure);
        if let Some(outage) = outage {
            self.on_outage(handler, &outage);
        }
        if let Some(failure) = update.failure.filter(|one| one.is_new || one.is_final) {
            let mut problem = failure.problem;
            problem.retryable = !failure.is_final;
            handler.on_scope_failure(self, &problem, failure.is_final);
        }
    }
}
