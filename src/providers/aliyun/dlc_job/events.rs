//! Reads the events of a job, which are lines of text that begin with a time.

use super::super::{Api, products::DLC};
use super::{FIRST_TIME, path};
use crate::model::Event;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;

const EVENTS: &str = "GetJobEvents";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EventsResponse {
    events: Required<Words>,
}

/// Maximum number of events that the cloud returns.
const MAX_EVENTS: usize = 2000;

/// Adds the events of a job, or a notice if they cannot be read.
pub(super) async fn read(api: &Api, lookup: GetRequest<'_>, result: &mut GetResult) {
    let created_at = result.job.created_at.map(|at| at.rfc3339());
    // Without a start time the cloud returns the events of the last 7 days.
    let query = [("StartTime", created_at.as_deref().or(Some(FIRST_TIME)))];
    let path = format!("{}/events", path(lookup.reference));
    let request = api.path_request(&DLC, EVENTS, path, &query);
    let decode = |body: &[u8]| lenient::decode_response::<EventsResponse>(body);
    let options = lookup.options.for_parts(&result.job);
    let response = api.call(request, &options, decode).await;
    let Some(response) = result.events_part(response) else {
        return;
    };
    let Words(lines) = match response.events {
        Required::Present(lines) => lines,
        Required::Null | Required::Empty => Words::default(),
        Required::Missing | Required::Unreadable => {
            result.job.events_unreadable = true;
            return;
        }
    };
    if lines.len() >= MAX_EVENTS {
        // Which events it omits is not documented.
        let text = format!("{} may have more events", result.job.reference);
        result.note(NoticeCode::EventsTruncated, text);
        result.job.events_unreadable = true;
    }
    let lines: Vec<_> = lines.iter().map(|line| split(line)).collect();
    let created_at = result.job.created_at;
    let is_early = |(time, _): &(Timestamp, &str)| api.clock.at(time) < created_at;
    // The time zone is not documented. If an event would precede the job's creation in the assumed zone, it is UTC.
    let is_utc = lines.iter().any(|line| line.0.is_local() && is_early(line));
    if !is_utc {
        let times = lines.iter().map(|(time, _)| time);
        api.clock.note_assumed("aliyun", times, &mut result.notices);
    }
    let at = |time: &Timestamp| match is_utc {
        true => time.utc(),
        false => api.clock.at(time),
    };
    let events = lines.iter().map(|(time, message)| Event {
        first_at: at(time),
        last_at: at(time),
        message: Some((*message).to_owned()),
        ..Event::default()
    });
    result.job.events = EventOrder::OldestFirst.newest_first(events.collect());
}

/// Splits a line such as `2026-01-12 14:20:00 Created pod: x` into time and text.
fn split(line: &str) -> (Timestamp, &str) {
    let spaces = line.match_indices(' ').map(|(at, _)| at);
    let ends: Vec<usize> = spaces.take(2).collect();
    let read = |end: &usize| {
        let time = Timestamp::parse(&line[..*end]);
        time.utc()?;
        Some((time, line[*end..].trim_start()))
    };
    let dated = ends.iter().rev().find_map(read);
    dated.unwrap_or((Timestamp::default(), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_line_is_split_after_its_time_or_kept_whole() {
        let read = |line| {
            let (time, message) = split(line);
            (time.utc().map(|at| at.rfc3339()), message.to_owned())
        };
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("2021-01-28 14:07:24 Created pod: 训练-0"),
            (at("2021-01-28T14:07:24Z"), "Created pod: 训练-0".to_owned())
        );
        assert_eq!(
            read("2021-01-28T14:07:24+08:00 Created pod"),
            (at("2021-01-28T06:07:24Z"), "Created pod".to_owned())
        );
        for line in [
            "",
            "Created",
            "创建 pod 训练-0",
            "5 pods created",
            "14:07:24 x",
        ] {
            assert_eq!(read(line), (None, line.to_owned()), "{line}");
        }
    }
}
