//! The last poll of each resource before the deadline.

use std::collections::HashMap;
use std::time::Duration;

use super::super::lookup::{AccountId, LOOKUP_TIMEOUT, account_of};
use super::{MAX_IN_FLIGHT, MIN_CALL_INTERVAL, Poller};

/// The last poll starts at least this long before the deadline.
const MIN_LEAD: Duration = Duration::from_secs(1);
/// The last poll starts at most this long before the deadline: no poll takes longer.
const MAX_LEAD: Duration = LOOKUP_TIMEOUT;
/// Time for what is not part of a response: a busy machine, a reconnect.
const MARGIN: Duration = Duration::from_millis(500);

/// The usual response time of each account.
#[derive(Debug, Default)]
pub(super) struct ResponseTimes(HashMap<AccountId, Duration>);

impl ResponseTimes {
    /// Takes in a poll that got a response: a slower one counts at once, faster ones lower the
    /// usual time by and by.
    pub(super) fn record(&mut self, account: AccountId, elapsed: Duration) {
        let usual = self.0.entry(account).or_default();
        *usual = elapsed.max(*usual * 3 / 4 + elapsed / 4);
    }

    fn usual(&self, account: &AccountId) -> Duration {
        self.0.get(account).copied().unwrap_or_default()
    }
}

/// How long before a deadline the last polls of an account start.
///
/// Twice the usual time, as a state that a list call has seen to change is confirmed by a second
/// request; and the time in which so many single requests can be sent.
fn lead(usual: Duration, requests: u32, deadline: Duration) -> Duration {
    let places = u32::try_from(MAX_IN_FLIGHT).unwrap_or(u32::MAX);
    let queue = MIN_CALL_INTERVAL
        .max(usual / places)
        .saturating_mul(requests);
    let lead = usual.saturating_mul(2).saturating_add(queue);
    let lead = lead.saturating_add(MARGIN);
    lead.clamp(MIN_LEAD, MAX_LEAD).min(deadline / 2)
}

impl Poller {
    /// Sets for each resource when its last poll before the deadline starts.
    pub(super) fn schedule_last_polls(&mut self) {
        let Some(deadline) = self.options.ends_at else {
            return;
        };
        let mut requests: HashMap<AccountId, u32> = HashMap::new();
        for watched in self.jobs.iter().filter(|watched| !watched.is_final) {
            let count = requests.entry(account_of(&watched.reference)).or_default();
            *count += u32::from(!watched.listed);
        }
        let starts: HashMap<AccountId, Duration> = requests
            .into_iter()
            .map(|(account, requests)| {
                let lead = lead(self.response_times.usual(&account), requests, deadline);
                (account, deadline.saturating_sub(lead))
            })
            .collect();
        for watched in &mut self.jobs {
            watched.last_poll_at = starts.get(&account_of(&watched.reference)).copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn account() -> AccountId {
        ("aliyun", "default".to_owned())
    }

    #[test]
    fn the_usual_time_rises_at_once_and_falls_slowly() {
        let mut times = ResponseTimes::default();
        assert_eq!(times.usual(&account()), Duration::ZERO);
        let mut after = |seconds| {
            times.record(account(), Duration::from_secs(seconds));
            times.usual(&account())
        };
        assert_eq!(after(1), Duration::from_secs(1));
        assert_eq!(after(8), Duration::from_secs(8));
        assert_eq!(after(4), Duration::from_secs(7));
    }

    #[test]
    fn the_last_poll_leaves_time_for_two_responses_within_bounds() {
        let millis = |usual, requests, deadline| {
            lead(Duration::from_millis(usual), requests, deadline).as_millis()
        };
        assert_eq!(millis(50, 1, HOUR), 1000);
        assert_eq!(millis(2000, 0, HOUR), 4500);
        assert_eq!(millis(2000, 300, HOUR), 42_000);
        assert_eq!(millis(50_000, 1, HOUR), 60_000);
        assert_eq!(millis(50, 1, Duration::from_secs(1)), 500);
        assert_eq!(millis(u64::MAX, u32::MAX, HOUR), 60_000);
    }
}
