//! Parses the indexes of an Indexed job: ranges such as `0-2,5`.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::super::pod::INDEX_LABEL;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;

/// Maximum number of failed indexes that become tasks.
const MAX_INDEXES: usize = 10_000;

/// Maximum length of a text; longer ones are not parsed.
const MAX_LENGTH: usize = 1 << 20;

/// Parses the ranges of a text; `None` if it has another format.
fn ranges(text: &str) -> Option<Vec<RangeInclusive<u32>>> {
    let text = Some(text).filter(|text| text.len() <= MAX_LENGTH)?;
    let ranges = text.split(',').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = first.trim().parse().ok()?..=last.trim().parse().ok()?;
        (!range.is_empty()).then_some(range)
    });
    ranges.collect()
}

/// Counts the different indexes in a text.
pub(super) fn count(text: &Text) -> Option<u64> {
    count_below(text.trimmed()?, u64::MAX)
}

/// Counts the different indexes in a text that are less than `end`; `None` if the text has another format.
pub(super) fn count_below(text: &str, end: u64) -> Option<u64> {
    let mut ranges = ranges(text)?;
    ranges.order_by_key(|range| *range.start());
    let (mut count, mut counted_to) = (0, 0);
    for range in ranges {
        let first = counted_to.max(u64::from(*range.start()));
        let past_last = end.min(u64::from(*range.end()) + 1);
        count += past_last.saturating_sub(first);
        counted_to = counted_to.max(past_last);
    }
    Some(count)
}

/// Adds a task for each failed index of which no failed pod was read, before the pods.
pub(super) fn add_failed(result: &mut GetResult, failed: Option<&str>) {
    let Some(ranges) = failed.and_then(ranges) else {
        return;
    };
    let mut indexes: Vec<u32> = ranges.into_iter().flatten().take(MAX_INDEXES + 1).collect();
    if indexes.len() > MAX_INDEXES {
        indexes.truncate(MAX_INDEXES);
        let reference = &result.job.reference;
        let text = format!("only the first {MAX_INDEXES} failed indexes of {reference} are shown");
        result.note(NoticeCode::PartsUnread, text);
    }
    let pods = std::mem::take(&mut result.job.tasks);
    let failed = pods.iter().filter(|pod| pod.state == State::Failed);
    let labels = failed.filter_map(|pod| pod.labels.get(INDEX_LABEL)?.clone());
    let known: HashSet<String> = labels.collect();
    let ids = indexes.into_iter().map(|index| index.to_string());
    let others = ids.filter(|id| !known.contains(id));
    result.job.tasks = others.map(failed_index).chain(pods).collect();
}

fn failed_index(index: String) -> Task {
    Task {
        id: Some(index),
        kind: "subtask".to_owned(),
        state: State::Failed,
        ended: true,
        ..Task::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Container, Job, Time};

    #[test]
    fn index_ranges_are_counted_and_invalid_ones_rejected() {
        let count = |text: &str| count(&Text(Some(text.to_owned())));
        for (text, expected) in [
            ("0-2,5", Some(4)),
            ("7", Some(1)),
            ("0-4294967295", Some(4_294_967_296)),
            ("", None),
            ("3-1", None),
            ("1,,2", None),
            ("-7", None),
            ("1-2-3", None),
            ("0-99999999999", None),
            ("0,0", Some(1)),
            ("2-4,0-3", Some(5)),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
        for (text, expected) in [("0-1", 2), ("5-6", 0), ("0,1-9", 3), ("1-2,1-2", 2)] {
            assert_eq!(count_below(text, 3), Some(expected), "{text}");
        }
    }

    #[test]
    fn failed_indexes_without_a_failed_pod_precede_the_pods_up_to_a_limit() {
        let pod = |index: &str, reason: &str, created_at: &str| Task {
            kind: "pod".to_owned(),
            created_at: Time::from_rfc3339(created_at),
            containers: vec![Container::default()],
            state: State::Failed,
            reason: Some(reason.to_owned()),
            labels: [(INDEX_LABEL.to_owned(), Some(index.to_owned()))].into(),
            ..Task::default()
        };
        let found = |failed: &str| {
            let tasks = vec![
                pod("3", "Error", "2026-11-27T20:00:00Z"),
                pod("3", "OOMKilled", "2026-11-27T20:01:00Z"),
                pod("4", "Error", "2026-11-27T20:02:00Z"),
            ];
            let job = Job {
                tasks,
                ..Job::default()
            };
            let mut found = GetResult {
                job,
                notices: Vec::new(),
            };
            add_failed(&mut found, Some(failed));
            found
        };
        let few = found("1,3");
        let tasks = few
            .job
            .tasks
            .iter()
            .map(|task| (task.kind.as_str(), task.reason.as_deref()));
        let expected = [
            ("subtask", None),
            ("pod", Some("Error")),
            ("pod", Some("OOMKilled")),
            ("pod", Some("Error")),
        ];
        assert_eq!(tasks.collect::<Vec<_>>(), expected);
        let many = found("0-4294967295");
        assert_eq!(
            (many.job.tasks.len(), many.notices.len()),
            (MAX_INDEXES + 1, 1)
        );
        assert_eq!(found("x").job.tasks.len(), 3);
    }
}
