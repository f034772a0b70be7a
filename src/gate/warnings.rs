//! Finds the warnings of a job that are new since the first response.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::model::{Event, Job, Level, Time};

/// The warnings of one job in all responses so far.
#[derive(Debug, Clone)]
pub(super) struct Warnings {
    events: HashMap<Key, ObservedEvent>,
    /// The time of the first response, until a response contains all events: earlier warnings are not new.
    without_baseline: Option<Time>,
    /// Since when it is certain that no warning has occurred.
    warning_free_since: Duration,
    new: Option<String>,
    undated: Option<String>,
    /// The latest response may omit warnings that could not be read.
    are_unreadable: bool,
}

/// The identity of an event in two responses: kind and name of its object, reason, message, and when it was first
/// seen, as a time or as an unreadable text.
type Key = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Time>,
    Option<String>,
);

/// All rows of one response with the same key.
#[derive(Debug, Clone)]
struct ObservedEvent {
    rows: usize,
    count: Option<u64>,
    last_at: Option<Time>,
    /// Texts of the last occurrence that are not readable as times.
    unreadable: BTreeSet<String>,
    /// A time shows whether the warning occurred again.
    is_dated: bool,
}

impl Warnings {
    /// Records the warnings of the first response, at this time from the start of the gate. None of them is new.
    pub(super) fn first(job: &Job, elapsed: Duration) -> Self {
        let mut warnings = Self {
            events: HashMap::new(),
            without_baseline: job.observed_at.filter(|_| job.events_unreadable),
            warning_free_since: elapsed,
            new: None,
            undated: None,
            are_unreadable: false,
        };
        for (key, (now, text)) in observed_events(&job.events) {
            warnings.note_undated(&now, text, elapsed);
            warnings.events.insert(key, now);
        }
        warnings.note_unreadable(job, elapsed);
        warnings
    }

    /// Records a later response.
    pub(super) fn observe(&mut self, job: &Job, elapsed: Duration) {
        (self.undated, self.are_unreadable) = (None, false);
        let started = self.without_baseline;
        let is_later =
            |now: &ObservedEvent| started.is_none_or(|started| now.last_at >= Some(started));
        for (key, (now, text)) in observed_events(&job.events) {
            let before = self.events.remove(&key);
            let is_new = match &before {
                Some(before) => now.is_newer_than(before),
                None => is_later(&now),
            };
            if is_new && self.new.is_none() {
                self.new = Some(text.clone());
            }
            if before.as_ref().is_some_and(|before| !before.is_dated) {
                // It may have occurred up to now.
                self.warning_free_since = elapsed;
            }
            self.note_undated(&now, text, elapsed);
            let known = match before {
                Some(before) => before.merged_with(now),
                None => now,
            };
            self.events.insert(key, known);
        }
        self.note_unreadable(job, elapsed);
        if !job.events_unreadable && self.without_baseline.take().is_some() {
            // Earlier warnings could not be read.
            self.warning_free_since = elapsed;
        }
    }

    /// Records that a response may omit warnings that could not be read.
    fn note_unreadable(&mut self, job: &Job, elapsed: Duration) {
        if job.events_unreadable {
            (self.warning_free_since, self.are_unreadable) = (elapsed, true);
        }
    }

    /// Returns `true` if the latest response may omit warnings that could not be read.
    pub(super) fn are_unreadable(&self) -> bool {
        self.are_unreadable
    }

    /// Returns the text of the first new warning, if any.
    pub(super) fn new_one(&self) -> Option<&str> {
        self.new.as_deref()
    }

    /// Returns the text of a warning in the latest response, if it is unknown whether it still occurs.
    pub(super) fn undated(&self) -> Option<&str> {
        self.undated.as_deref()
    }

    /// Returns since when it is certain that no warning has occurred, as time from the start of the gate.
    pub(super) fn warning_free_since(&self) -> Duration {
        self.warning_free_since
    }

    fn note_undated(&mut self, now: &ObservedEvent, text: String, elapsed: Duration) {
        if !now.is_dated {
            self.warning_free_since = elapsed;
            self.undated.get_or_insert(text);
        }
    }
}

impl ObservedEvent {
    fn of(event: &Event) -> Self {
        Self {
            rows: 1,
            count: event.count,
            last_at: event.last_at,
            unreadable: event.unreadable_times.last.iter().cloned().collect(),
            // A single occurrence has no later time, unless the cloud reports an unreadable one.
            is_dated: event.last_at.is_some()
                || (event.count == Some(1)
                    && event.first_at.is_some()
                    && event.unreadable_times.last.is_none()),
        }
    }

    /// Merges two rows, of one response or of two.
    fn merged_with(self, other: Self) -> Self {
        Self {
            rows: self.rows.max(other.rows),
            count: self.count.max(other.count),
            last_at: self.last_at.max(other.last_at),
            unreadable: &self.unreadable | &other.unreadable,
            is_dated: other.is_dated,
        }
    }

    /// Returns `true` if the warning has occurred again since an earlier response. A
    /// field that is missing in either is ignored.
    fn is_newer_than(&self, before: &Self) -> bool {
        let has_grown = is_greater(self.count, before.count);
        if self.is_dated {
            return has_grown || is_greater(self.last_at, before.last_at);
        }
        // A lower count means a new occurrence, unless a row has disappeared.
        let has_changed = is_greater(before.count, self.count) && self.rows >= before.rows;
        let has_another_text =
            !before.unreadable.is_empty() && !self.unreadable.is_subset(&before.unreadable);
        has_grown || has_changed || has_another_text || self.rows > before.rows
    }
}

fn is_greater<T: PartialOrd>(left: Option<T>, right: Option<T>) -> bool {
    left.zip(right).is_some_and(|(left, right)| left > right)
}

/// Returns the warnings of one response by their key, each with its text. A row that appears twice in a response is
/// not newer: rows are only compared with earlier responses.
fn observed_events(events: &[Event]) -> HashMap<Key, (ObservedEvent, String)> {
    let mut all: HashMap<Key, (ObservedEvent, String)> = HashMap::new();
    for event in events
        .iter()
        .filter(|event| Level::may_be_warning(event.level))
    {
        let now = ObservedEvent::of(event);
        all.entry(key(event))
            .and_modify(|(known, _)| {
                *known = ObservedEvent {
                    rows: known.rows + 1,
                    is_dated: known.is_dated && now.is_dated,
                    ..known.clone().merged_with(now.clone())
                };
            })
            .or_insert_with(|| (now, text(event)));
    }
    all
}

fn text(event: &Event) -> String {
    let text = event.message.as_deref().or(event.reason.as_deref());
    text.unwrap_or("(no text)").trim().to_owned()
}

fn key(event: &Event) -> Key {
    (
        event.object.kind.clone(),
        event.object.name.clone(),
        event.reason.clone(),
        event.message.clone(),
        event.first_at,
        event.unreadable_times.first.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnreadableTimes;

    const AT: fn(u64) -> Duration = Duration::from_secs;

    fn warning(message: &str, count: Option<u64>, last: Option<i64>) -> Event {
        Event {
            level: Some(Level::Warning),
            message: Some(message.into()),
            count,
            last_at: last.and_then(Time::from_unix),
            ..Event::default()
        }
    }

    fn with(events: &[Event]) -> Job {
        Job {
            events: events.to_vec(),
            observed_at: Time::from_unix(1_000),
            ..Job::default()
        }
    }

    fn without_some(events: &[Event]) -> Job {
        Job {
            events_unreadable: true,
            ..with(events)
        }
    }

    /// Returns the new warning, the undated one, and the start of the warning-free time after two responses.
    fn after(first: &[Event], second: &[Event]) -> (Option<String>, Option<String>, u64) {
        let mut warnings = Warnings::first(&with(first), AT(1));
        warnings.observe(&with(second), AT(10));
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (
            owned(warnings.new_one()),
            owned(warnings.undated()),
            warnings.warning_free_since().as_secs(),
        )
    }

    #[test]
    fn a_warning_without_a_time_is_never_over_while_it_is_reported() {
        for count in [None, Some(5)] {
            let old = [warning("重启", count, None)];
            assert_eq!(after(&old, &old), (None, Some("重启".to_owned()), 10));
            assert_eq!(after(&old, &[]), (None, None, 1));
        }
    }

    #[test]
    fn unreadable_events_may_be_warnings_and_restart_the_warning_free_time() {
        let mut warnings = Warnings::first(&with(&[]), AT(1));
        warnings.observe(&without_some(&[]), AT(10));
        assert!(warnings.are_unreadable());
        warnings.observe(&with(&[]), AT(20));
        assert!(!warnings.are_unreadable());
        assert_eq!(warnings.warning_free_since(), AT(10));
    }

    #[test]
    fn a_warning_older_than_a_first_response_without_events_is_not_new() {
        let [old, new] = [-60, 1].map(|after| warning("pull", Some(1), Some(1_000 + after)));
        let seen = |event: &Event| {
            let mut warnings = Warnings::first(&without_some(&[]), AT(0));
            warnings.observe(&without_some(&[]), AT(5));
            warnings.observe(&with(std::slice::from_ref(event)), AT(10));
            assert_eq!(
                (warnings.undated(), warnings.warning_free_since()),
                (None, AT(10))
            );
            warnings
        };
        assert_eq!(seen(&new).new_one(), Some("pull"));
        let mut warnings = seen(&old);
        assert_eq!(warnings.new_one(), None);
        // After the first response with events, another warning is new whatever its time.
        warnings.observe(&with(&[old, warning("other", Some(1), Some(900))]), AT(20));
        assert_eq!(warnings.new_one(), Some("other"));
    }

    #[test]
    fn a_warning_without_a_time_is_new_when_anything_of_it_changes() {
        let old = warning("pull", Some(5), None);
        let new = |second: &[Event]| after(std::slice::from_ref(&old), second).0;
        for changed in [
            warning("pull", Some(6), None),
            warning("pull", Some(1), None),
            warning("pull again", Some(5), None),
        ] {
            assert_eq!(new(std::slice::from_ref(&changed)), changed.message);
        }
        assert!(new(&[old.clone(), old.clone()]).is_some());
        assert!(new(&[warning("pull", None, None)]).is_none());
        assert!(after(&[], std::slice::from_ref(&old)).0.is_some());
        // One of two rows has disappeared.
        let two = [old.clone(), warning("pull", Some(1), None)];
        assert_eq!(after(&two, &two[1..]).0, None);
    }

    #[test]
    fn a_warning_whose_time_becomes_readable_is_not_new_but_restarts_the_warning_free_time() {
        let (old, new) = (
            warning("a", Some(5), None),
            warning("a", Some(5), Some(100)),
        );
        let (old, new) = ([old], [new]);
        assert_eq!(after(&old, &new), (None, None, 10));
        assert_eq!(after(&new, &old), (None, Some("a".to_owned()), 10));
    }

    #[test]
    fn a_warning_that_occurred_once_is_dated_by_its_first_time_only() {
        let once = |count| Event {
            first_at: Time::from_unix(100),
            ..warning("a", Some(count), None)
        };
        assert_eq!(after(&[once(1)], &[once(1)]), (None, None, 1));
        assert_eq!(after(&[once(2)], &[once(2)]).1, Some("a".to_owned()));
    }

    /// Returns a warning that occurred once at a known time, with these unreadable texts of times.
    fn unreadable(first: Option<&str>, last: Option<&str>) -> Event {
        Event {
            first_at: Time::from_unix(100),
            unreadable_times: UnreadableTimes {
                first: first.map(str::to_owned),
                last: last.map(str::to_owned),
            },
            ..warning("a", Some(1), None)
        }
    }

    #[test]
    fn a_warning_with_an_unreadable_time_is_undated_and_new_if_that_changes() {
        let text = |first, last| [unreadable(first, last)];
        let a = Some("a".to_owned());
        let before = text(None, Some("1 分钟前"));
        assert_eq!(after(&before, &before), (None, a.clone(), 10));
        let later = text(None, Some("刚刚"));
        assert_eq!(after(&before, &later), (a.clone(), a.clone(), 10));
        assert_eq!(after(&text(None, None), &later), (None, a.clone(), 10));
        assert_eq!(after(&text(Some("b"), None), &text(Some("c"), None)).0, a);
        // One of two rows has disappeared.
        let two = [before[0].clone(), later[0].clone()];
        assert_eq!(after(&two, &before).0, None);
    }

    #[test]
    fn every_level_but_normal_counts_as_a_warning() {
        for word in [None, Some("Error"), Some("Warn"), Some("警告"), Some("2")] {
            let event = Event {
                level: word.and_then(Level::parse),
                level_raw: word.map(str::to_owned),
                ..warning("a", Some(1), Some(100))
            };
            assert_eq!(after(&[], &[event]).0, Some("a".to_owned()), "{word:?}");
        }
        let harmless = Event {
            level: Level::parse(" NORMAL "),
            ..warning("a", Some(1), Some(100))
        };
        assert_eq!(after(&[], &[harmless]).0, None);
    }
}
