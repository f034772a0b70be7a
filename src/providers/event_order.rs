//! Finds the order in which events happened, also within a second.

use chrono::DateTime;

use crate::model::{Event, Time};

/// The number of hexadecimal digits of a time in nanoseconds, from 2006 to 2262.
const TIME_DIGITS: usize = 16;

/// The order in which an API returns events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventOrder {
    OldestFirst,
    NewestFirst,
}

impl EventOrder {
    /// Returns the events of a response newest first. Their times decide in which order the API returned them;
    /// if the times do not show an order, this one is assumed. It decides the order of events of the same time.
    pub fn newest_first(self, mut events: Vec<Event>) -> Vec<Event> {
        let times = || events.iter().filter_map(Event::happened_at);
        let order = match (times().is_sorted(), times().rev().is_sorted()) {
            (true, false) => Self::OldestFirst,
            (false, true) => Self::NewestFirst,
            _ => self,
        };
        if order == Self::OldestFirst {
            events.reverse();
        }
        events
    }
}

/// Returns the time at the end of the name of an event of Kubernetes, such as `train-x7k2p.18ebc5f52ad50551`: when it
/// was recorded first, in nanoseconds since 1970. The times in its fields are often whole seconds.
pub(super) fn time_in_name(name: &str) -> Option<Time> {
    let (_, end) = name.rsplit_once('.')?;
    let is_time = end.len() == TIME_DIGITS && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    let nanoseconds = i64::from_str_radix(end, 16).ok().filter(|_| is_time)?;
    Time::new(DateTime::from_timestamp_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the letters of events in the order in which they are shown; each has a letter and a second.
    fn sorted(order: EventOrder, events: &[(&str, i64)]) -> String {
        let event = |(letter, second): &(&str, i64)| Event {
            message: Some((*letter).to_owned()),
            last_at: Time::from_unix(*second),
            ..Event::default()
        };
        let events = order.newest_first(events.iter().map(event).collect());
        events.into_iter().filter_map(|one| one.message).collect()
    }

    #[test]
    fn the_times_of_events_show_their_order_before_the_assumed_order_does() {
        let ascending = [("a", 1), ("b", 2), ("c", 2)];
        let descending = [("c", 2), ("b", 2), ("-", 0), ("a", 1)];
        let (equal, mixed) = ([("a", 1), ("b", 1)], [("a", 1), ("b", 2), ("c", 1)]);
        for (order, expected) in [
            (EventOrder::OldestFirst, ["cba", "cb-a", "ba", "cba"]),
            (EventOrder::NewestFirst, ["cba", "cb-a", "ab", "abc"]),
        ] {
            let events: [&[_]; 4] = [&ascending, &descending, &equal, &mixed];
            assert_eq!(events.map(|events| sorted(order, events)), expected);
        }
    }

    #[test]
    fn the_time_in_the_name_of_an_event_is_read() {
        let at = time_in_name("train.x-7k2p.18ebc5f52ad50551").unwrap();
        assert_eq!(at.rfc3339(), "2026-11-27T02:28:53Z");
        assert!(time_in_name("train.18ebc5f52ad50552") > Some(at));
        for name in [
            "",
            "18ebc5f52ad50551",
            "imgpull-xmqql.26lpd",
            "a.deadb",
            "a.+8ebc5f52ad50551",
            "a.f8ebc5f52ad50551",
            "a.018ebc5f52ad50551",
        ] {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }
}
