use std::collections::{HashMap, HashSet};

use crate::model::{Job, State, Time};
use crate::output::document::{EventFilter, EventSubject, TimelineEvent};

/// Removes timeline entries that were already reported: reports each once, and again when its count grows.
pub(in crate::commands) struct EventDeduplicator {
    filter: EventFilter,
    /// By reference.
    reported: HashMap<String, ReportedEvents>,
    /// Jobs whose first bad entry was reported.
    marked: HashSet<String>,
}

/// The identity of an entry across polls: everything except its count and the time it was last seen.
type EventKey = (
    EventSubject,
    Option<State>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Time>,
);

type LastSeen = (Option<u64>, Option<Time>);

/// The reported entries of a job.
#[derive(Default)]
struct ReportedEvents {
    /// With the number of the last read that contained the entry.
    entries: HashMap<EventKey, (LastSeen, u64)>,
    /// The number of reads with all events.
    reads: u64,
}

/// Entries of a job are removed only if there are more.
const MAX_ENTRIES: usize = 1_000;
/// An entry is removed after this many reads without it: the cloud no longer keeps it.
const MAX_READS_WITHOUT_ENTRY: u64 = 100;

impl ReportedEvents {
    /// Updates the entries of the current read, and removes old ones, since a job can run for weeks.
    fn update(&mut self, seen: HashMap<EventKey, LastSeen>) {
        for (key, now) in seen {
            let (kept, last_read) = self.entries.entry(key).or_insert((now, self.reads));
            *kept = (kept.0.max(now.0), kept.1.max(now.1));
            *last_read = self.reads;
        }
        if self.entries.len() > MAX_ENTRIES {
            let reads = self.reads;
            self.entries
                .retain(|_, (_, last_read)| reads - *last_read < MAX_READS_WITHOUT_ENTRY);
        }
    }
}

impl EventDeduplicator {
    /// Creates a deduplicator that only reports entries that match `filter`.
    pub(in crate::commands) fn new(filter: EventFilter) -> Self {
        Self {
            filter,
            reported: HashMap::new(),
            marked: HashSet::new(),
        }
    }

    /// Returns new entries of a job, and those with a higher count or a later time, oldest first.
    pub(super) fn new_events(&mut self, job: &Job) -> Vec<TimelineEvent> {
        let reported = self.reported.entry(job.reference.clone()).or_default();
        reported.reads += u64::from(!job.events_unreadable);
        let mut new = Vec::new();
        // A response can contain an entry twice. Compare it with earlier polls, not with its duplicate.
        let mut seen: HashMap<EventKey, LastSeen> = HashMap::new();
        for mut one in TimelineEvent::all_of(job) {
            let key = event_key(&one);
            let now = (one.count, one.last_at);
            let is_new = reported
                .entries
                .get(&key)
                .is_none_or(|(before, _)| now.0 > before.0 || now.1 > before.1);
            let kept = seen.entry(key).or_insert(now);
            *kept = (kept.0.max(now.0), kept.1.max(now.1));
            if is_new && self.filter.matches(&one) {
                one.first_bad = one.first_bad && self.marked.insert(job.reference.clone());
                new.push(one);
            }
        }
        reported.update(seen);
        new
    }
}

fn event_key(event: &TimelineEvent) -> EventKey {
    // The first time of an event moves when a cloud drops the first occurrence, so it is not part of the key.
    let at = event
        .happened_at
        .filter(|_| event.what != EventSubject::Event);
    (
        event.what,
        event.state,
        event.task.clone(),
        event.container.clone(),
        event.object.kind.clone(),
        event.object.name.clone(),
        event
            .reason
            .clone()
            .filter(|_| event.what == EventSubject::Event),
        event
            .message
            .clone()
            .filter(|_| event.what == EventSubject::Event),
        at,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Level};

    fn at(seconds: i64) -> Option<Time> {
        Time::from_unix(1_700_000_000 + seconds)
    }

    fn warning(count: u64, last: i64) -> Event {
        Event {
            level: Some(Level::Warning),
            count: Some(count),
            first_at: at(0),
            last_at: at(last),
            reason: Some("BackOff".into()),
            ..Event::default()
        }
    }

    fn job(events: Vec<Event>) -> Job {
        Job {
            reference: "aliyun/job/c/5".into(),
            state: State::Running,
            created_at: at(-5),
            events,
            ..Job::default()
        }
    }

    fn counts(new: &[TimelineEvent]) -> Vec<Option<u64>> {
        new.iter().map(|one| one.count).collect()
    }

    #[test]
    fn reports_an_entry_once_and_again_when_its_count_grows() {
        let mut dedup = EventDeduplicator::new(EventFilter::default());
        let first = dedup.new_events(&job(vec![warning(1, 1)]));
        assert_eq!(counts(&first), [None, Some(1)]);
        assert!(dedup.new_events(&job(vec![warning(1, 1)])).is_empty());
        assert_eq!(
            counts(&dedup.new_events(&job(vec![warning(3, 9)]))),
            [Some(3)]
        );
        // An entry that disappears and is reported again is not new.
        assert!(dedup.new_events(&job(vec![])).is_empty());
        assert!(dedup.new_events(&job(vec![warning(2, 5)])).is_empty());
    }

    #[test]
    fn only_entries_that_were_absent_for_long_are_removed_if_there_are_many() {
        let mut dedup = EventDeduplicator::new(EventFilter::default());
        let reason = |number: usize| Event {
            reason: Some(number.to_string()),
            ..warning(1, 1)
        };
        dedup.new_events(&job((0..MAX_ENTRIES).map(reason).collect()));
        let kept = |dedup: &EventDeduplicator| dedup.reported["aliyun/job/c/5"].entries.len();
        let next = job(vec![reason(MAX_ENTRIES)]);
        let unread = Job {
            events_unreadable: true,
            ..next.clone()
        };
        for _ in 1..MAX_READS_WITHOUT_ENTRY {
            dedup.new_events(&next);
            dedup.new_events(&unread);
        }
        assert!(kept(&dedup) > MAX_ENTRIES);
        dedup.new_events(&next);
        // The creation of the job, and the current event.
        assert_eq!(kept(&dedup), 2);
        assert!(dedup.new_events(&next).is_empty());
    }

    #[test]
    fn two_rows_of_one_event_in_a_response_are_not_reported_again() {
        let mut dedup = EventDeduplicator::new(EventFilter::default());
        let twice = job(vec![warning(4, 9), warning(1, 2)]);
        assert_eq!(dedup.new_events(&twice).len(), 3);
        assert!(dedup.new_events(&twice).is_empty());
    }

    #[test]
    fn marks_the_first_problem_of_a_job_once() {
        let mut dedup = EventDeduplicator::new(EventFilter::default());
        let marks = |new: Vec<TimelineEvent>| new.iter().filter(|one| one.first_bad).count();
        assert_eq!(marks(dedup.new_events(&job(vec![]))), 0);
        assert_eq!(marks(dedup.new_events(&job(vec![warning(1, 1)]))), 1);
        assert_eq!(marks(dedup.new_events(&job(vec![warning(2, 2)]))), 0);
    }

    #[test]
    fn reports_nothing_that_the_filter_drops() {
        let filter = EventFilter {
            bad_only: true,
            since: at(5).map(Into::into),
        };
        let mut dedup = EventDeduplicator::new(filter);
        assert!(dedup.new_events(&job(vec![warning(1, 1)])).is_empty());
        assert_eq!(dedup.new_events(&job(vec![warning(2, 6)])).len(), 1);
    }
}
