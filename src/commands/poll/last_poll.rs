//! Schedules the last poll of each job before the deadline.

use std::time::Duration;

use super::super::lookup::{LOOKUP_TIMEOUT, MAX_DETAILS};
use super::{MAX_IN_FLIGHT, MIN_CALL_INTERVAL, Poller};

/// The minimum time between the last poll and the deadline.
const MIN_LEAD: Duration = Duration::from_secs(1);
/// The maximum time between the last poll and the deadline: no poll takes longer.
const MAX_LEAD: Duration = LOOKUP_TIMEOUT;
/// Extra time for delays outside of a response, such as a busy machine or a reconnect.
const MARGIN: Duration = Duration::from_millis(500);

/// The usual response time of an account.
#[derive(Debug, Default)]
pub(super) struct ResponseTimes(Duration);

impl ResponseTimes {
    /// Records a poll with a response: a slower one counts at once, faster ones lower the usual time gradually.
    pub(super) fn record(&mut self, elapsed: Duration) {
        self.0 = elapsed.max(self.0 * 3 / 4 + elapsed / 4);
    }

    /// Returns the usual time; zero before the first response.
    pub(super) fn usual(&self) -> Duration {
        self.0
    }
}

/// A poll that is scheduled relative to the deadline.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LastPoll {
    at: Option<Duration>,
    is_started: bool,
}

impl LastPoll {
    /// Returns when it is due; `None` if it is not scheduled or was started.
    pub(super) fn due_at(self) -> Option<Duration> {
        self.at.filter(|_| !self.is_started)
    }

    /// Returns `true` if it is due.
    pub(super) fn is_due(self, now: Duration) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    /// Records that a poll starts now; it is this one if this one is due.
    pub(super) fn start(&mut self, now: Duration) {
        self.is_started |= self.at.is_some_and(|at| at <= now);
    }
}

/// The unfinished jobs of one account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UnfinishedCounts {
    all: u32,
    /// Jobs that no list call covers.
    single: u32,
    /// The number of list calls that cover all of them, for kinds whose calls take a limited number of ids.
    list_calls: f64,
}

impl UnfinishedCounts {
    /// Returns the time that one round of list calls takes at the account's rate.
    pub(super) fn list_time(self) -> Duration {
        MIN_CALL_INTERVAL.mul_f64(self.list_calls)
    }

    /// Returns the number of list calls after the first.
    fn more_lists(self) -> u32 {
        // Always far below `u32::MAX`.
        (self.list_calls.ceil() as u32).saturating_sub(1)
    }
}

/// Returns how long before a deadline the last polls of an account start: the time of their responses, plus the time
/// to send this many single requests.
fn lead_time(responses: Duration, usual: Duration, requests: u32, deadline: Duration) -> Duration {
    let max_in_flight = u32::try_from(MAX_IN_FLIGHT).unwrap_or(u32::MAX);
    let queue = MIN_CALL_INTERVAL
        .max(usual / max_in_flight)
        .saturating_mul(requests);
    let lead = responses.saturating_add(queue).saturating_add(MARGIN);
    lead.clamp(MIN_LEAD, MAX_LEAD).min(deadline / 2)
}

/// How long before a deadline the last polls of an account start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LeadTimes {
    /// List calls that leave enough time to confirm each row by a separate request.
    early: Duration,
    /// The last list calls; the same as `early` if the two would be close together.
    list: Duration,
    /// Lookups of single jobs.
    single: Duration,
    /// Lookups of single jobs whose end is confirmed by a second request.
    confirmed: Duration,
}

impl LeadTimes {
    /// Allows twice the usual time for what a second request confirms: a change in a list call, and the end of some
    /// jobs, for which no earlier poll took this long.
    ///
    /// If the lists take many calls, they are read only once.
    fn new(usual: Duration, unfinished: UnfinishedCounts, deadline: Duration) -> Self {
        let twice = usual.saturating_mul(2);
        let lists = unfinished.more_lists();
        let early = lead_time(twice, usual, unfinished.all.saturating_add(lists), deadline);
        let late = lead_time(twice, usual, unfinished.single, deadline);
        let is_read_again = lists == 0 && early > late + MARGIN;
        Self {
            early,
            list: if is_read_again { late } else { early },
            single: lead_time(usual, usual, unfinished.single, deadline),
            confirmed: late,
        }
    }
}

impl Poller {
    /// Sets when the last polls of each job before the deadline start.
    ///
    /// Any row of a list call can need a confirming request, so the list is read early enough to confirm all of
    /// them, and once more right before the deadline.
    pub(super) fn schedule_last_polls(&mut self) {
        self.select_lookups();
        self.count_unfinished();
        let Some(deadline) = self.options.ends_at else {
            return;
        };
        let leads = self.accounts.iter();
        let leads = leads.map(|one| LeadTimes::new(one.response_times.0, one.unfinished, deadline));
        let leads: Vec<LeadTimes> = leads.collect();
        let at = |lead| Some(deadline.saturating_sub(lead));
        let unfinished = self.jobs.iter_mut();
        for polled in unfinished.filter(|polled| !polled.current.is_final) {
            let (leads, polls) = (leads[polled.account], &mut polled.deadline_polls);
            polls.early.at = at(leads.early).filter(|_| polled.requests.is_listed);
            let is_listed = polled.requests.is_listed && !polled.current.explains_last;
            polls.last.at = match (is_listed, polled.confirms_end) {
                (true, _) => at(leads.list),
                (false, true) => at(leads.confirmed),
                (false, false) => at(leads.single),
            };
        }
    }

    /// Selects jobs whose last poll is a lookup: they do not run, and the list does
    /// not contain the events that may explain why.
    fn select_lookups(&mut self) {
        let explained = self.jobs.iter();
        let explained = explained.filter(|polled| polled.current.is_explained);
        let mut left = MAX_DETAILS.saturating_sub(explained.count());
        for polled in &mut self.jobs {
            polled.current.explains_last = left > 0 && polled.is_unexplained();
            left -= usize::from(polled.current.explains_last);
        }
    }

    fn count_unfinished(&mut self) {
        let is_large = self.jobs.len() > MAX_DETAILS;
        for account in &mut self.accounts {
            account.unfinished = UnfinishedCounts::default();
        }
        for polled in self.jobs.iter().filter(|polled| !polled.current.is_final) {
            let count = &mut self.accounts[polled.account].unfinished;
            let (kind, is_listed) = (polled.reference.kind, polled.requests.is_listed);
            count.single += u32::from(!is_listed || polled.current.explains_last);
            count.all += u32::from(!(is_listed && is_large && kind.conclusive_rows));
            count.list_calls += kind.max_ids.map_or(0.0, |ids| 1.0 / ids as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_usual_response_time_rises_at_once_and_falls_slowly() {
        let mut times = ResponseTimes::default();
        let mut after = |seconds| {
            times.record(Duration::from_secs(seconds));
            times.0
        };
        assert_eq!(after(1), Duration::from_secs(1));
        assert_eq!(after(8), Duration::from_secs(8));
        assert_eq!(after(4), Duration::from_secs(7));
    }

    /// Returns the early, list, single and confirmed leads in milliseconds.
    fn leads(usual: u64, all: u32, single: u32, deadline: Duration) -> [u128; 4] {
        let usual = Duration::from_millis(usual);
        let unfinished = UnfinishedCounts {
            all,
            single,
            ..UnfinishedCounts::default()
        };
        let leads = LeadTimes::new(usual, unfinished, deadline);
        [leads.early, leads.list, leads.single, leads.confirmed].map(|lead| lead.as_millis())
    }

    #[test]
    fn the_last_poll_of_a_single_job_leaves_time_for_one_response_within_bounds() {
        let single = |usual, requests, deadline| leads(usual, requests, requests, deadline)[2];
        assert_eq!(single(50, 1, HOUR), 1000);
        assert_eq!(single(2000, 0, HOUR), 2500);
        assert_eq!(single(2000, 1, HOUR), 2625);
        assert_eq!(single(2000, 300, HOUR), 40_000);
        assert_eq!(single(59_000, 1, HOUR), 60_000);
        assert_eq!(single(50, 1, Duration::from_secs(1)), 500);
        assert_eq!(single(u64::MAX, u32::MAX, HOUR), 60_000);
    }

    #[test]
    fn the_last_poll_of_an_end_to_confirm_leaves_time_for_two_responses() {
        let confirmed = |usual, requests, deadline| leads(usual, requests, requests, deadline)[3];
        assert_eq!(confirmed(50, 1, HOUR), 1000);
        assert_eq!(confirmed(2000, 0, HOUR), 4500);
        assert_eq!(confirmed(2000, 300, HOUR), 42_000);
        assert_eq!(confirmed(50_000, 1, HOUR), 60_000);
        assert_eq!(confirmed(50, 1, Duration::from_secs(1)), 500);
        assert_eq!(confirmed(u64::MAX, u32::MAX, HOUR), 60_000);
    }

    #[test]
    fn a_list_is_read_early_enough_to_confirm_each_row_and_before_the_deadline() {
        assert_eq!(leads(50, 20, 0, HOUR), [2600, 1000, 1000, 1000]);
        assert_eq!(leads(50, 20, 20, HOUR), [2600, 2600, 2550, 2600]);
        assert_eq!(leads(50, 5, 0, HOUR), [1100, 1100, 1000, 1000]);
        assert_eq!(leads(50, 1000, 0, HOUR), [60_000, 1000, 1000, 1000]);
        let short = Duration::from_secs(20);
        assert_eq!(leads(50, 1000, 0, short), [10_000, 1000, 1000, 1000]);
        // With slow responses, the list is not read again right before the deadline.
        assert_eq!(leads(2000, 2, 0, HOUR), [4750, 4750, 2500, 4500]);
        assert_eq!(leads(2000, 20, 1, HOUR), [7000, 4625, 2625, 4625]);
    }

    #[test]
    fn a_list_of_many_calls_is_read_once_and_early_enough_for_all_calls() {
        let unfinished = UnfinishedCounts {
            list_calls: 99.8,
            ..UnfinishedCounts::default()
        };
        let leads = LeadTimes::new(Duration::from_millis(50), unfinished, HOUR);
        assert_eq!(leads.early, Duration::from_millis(10_500));
        assert_eq!(leads.list, leads.early);
        assert_eq!(unfinished.list_time(), Duration::from_millis(9980));
    }

    #[test]
    fn a_started_last_poll_is_not_started_again_when_rescheduled() {
        let second = Duration::from_secs;
        let mut poll = LastPoll {
            at: Some(second(10)),
            is_started: false,
        };
        poll.start(second(9));
        assert_eq!(poll.due_at(), Some(second(10)));
        poll.start(second(10));
        poll.at = Some(second(11));
        assert_eq!(poll.due_at(), None);
    }
}
