//! Limits how often requests are sent.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::ClientOptions;
use super::retry::MAX_RETRY_AFTER;
use crate::sync::lock;

/// Spaces the requests of one account to one host, and pauses all of them if the cloud requests fewer requests.
#[derive(Debug)]
pub(super) struct RateLimiter {
    min_interval: Option<Duration>,
    burst: u32,
    /// Time at which the next request would be sent without a burst.
    next_slot_at: Mutex<Option<Instant>>,
    paused_until: Mutex<Option<Instant>>,
}

impl RateLimiter {
    /// Creates a limiter with the interval and the burst of the options.
    pub(super) fn new(options: &ClientOptions) -> Self {
        Self {
            min_interval: options.min_interval,
            burst: options.burst,
            next_slot_at: Mutex::new(None),
            paused_until: Mutex::new(None),
        }
    }

    /// Reserves the next slot and returns its time; `None` if requests are not spaced.
    pub(super) fn reserve_slot(&self) -> Option<Instant> {
        let interval = self.min_interval?;
        let mut next = lock(&self.next_slot_at);
        let now = Instant::now();
        let slot = next.map_or(now, |next| next.max(now));
        *next = Some(slot + interval);
        let early = interval * self.burst.saturating_sub(1);
        Some(slot.checked_sub(early).map_or(now, |turn| turn.max(now)))
    }

    /// Pauses all requests for this long, since the cloud requested fewer requests.
    pub(super) fn pause_for(&self, pause: Duration) {
        // A request for which the cloud requested a longer pause has already failed.
        let until = Instant::now() + pause.min(MAX_RETRY_AFTER);
        let mut not_before = lock(&self.paused_until);
        *not_before = (*not_before).max(Some(until));
    }

    /// Returns the rest of the pause; `None` if requests are not paused.
    pub(super) fn pause_left(&self) -> Option<Duration> {
        (*lock(&self.paused_until))?
            .checked_duration_since(Instant::now())
            .filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_sent_at_once_and_further_requests_at_the_minimum_interval() {
        let limiter = RateLimiter::new(&ClientOptions {
            min_interval: Some(Duration::from_millis(100)),
            burst: 10,
            ..ClientOptions::default()
        });
        let started = Instant::now();
        let turn = || (limiter.reserve_slot().unwrap() - started).as_millis();
        let turns: Vec<u128> = (0..13).map(|_| turn()).collect();
        assert_eq!(turns[..10], [0; 10]);
        assert_eq!(turns[10..], [100, 200, 300]);
        // Unused slots are saved up to the burst only.
        tokio::time::advance(Duration::from_secs(60)).await;
        let turns: Vec<u128> = (0..12).map(|_| turn()).collect();
        assert_eq!(turns[..10], [60_000; 10]);
        assert_eq!(turns[10..], [60_100, 60_200]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_requested_pause_counts_up_to_the_maximum() {
        let limiter = RateLimiter::new(&ClientOptions::default());
        assert_eq!(limiter.pause_left(), None);
        limiter.pause_for(Duration::from_secs(20));
        limiter.pause_for(Duration::from_secs(5));
        assert_eq!(limiter.pause_left(), Some(Duration::from_secs(20)));
        limiter.pause_for(MAX_RETRY_AFTER * 2);
        assert_eq!(limiter.pause_left(), Some(MAX_RETRY_AFTER));
        tokio::time::advance(MAX_RETRY_AFTER).await;
        assert_eq!(limiter.pause_left(), None);
    }
}
