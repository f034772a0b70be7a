//! Merges the lists of all job types into one list, newest first.

use super::response::{ImageJob, JobPage};
use crate::providers::prelude::*;
use crate::providers::{count_distinct, has_more};
use crate::sort::SortExt as _;

/// A page of the list of one type.
pub(super) struct TypePage {
    /// Index of the job type.
    pub list: usize,
    /// How many rows of the list precede the page.
    pub offset: usize,
    /// The cloud's request id.
    pub request_id: Option<String>,
    /// The fields that could not be read.
    pub unreadable: Option<Notice>,
    /// The rows.
    pub page: JobPage,
}

/// A page of the list of all types.
pub(super) struct MergedPage {
    /// The rows, each with the cloud's id of the request that returned it.
    pub rows: Vec<(ImageJob, Option<String>)>,
    /// Start of the next page; `None` if this page is the last.
    pub next: Option<Cursor>,
    /// Total number of rows, if every list reports a total.
    pub total: Option<u64>,
    /// The fields that could not be read.
    pub notices: Vec<Notice>,
}

/// Merges one page from each list that has not ended.
///
/// A row is left for the next page, and requested again there, if another list may still contain newer rows.
/// This keeps the merged list sorted, newest first. If the cloud does not sort a list by time, all rows are
/// used in the order in which they arrive.
pub(super) fn merge(cursor: Cursor, pages: Vec<TypePage>) -> MergedPage {
    let cutoff = cutoff(&pages);
    let mut lists = cursor.lists;
    let is_open = |offsets: &[Option<usize>]| offsets.iter().flatten().count();
    // The total is unknown if a list was not queried this time.
    let mut total = cursor.lists.ended_total;
    total = total.filter(|_| is_open(&lists.offsets) == pages.len());
    let (mut rows, mut notices) = (Vec::new(), Vec::new());
    for TypePage {
        list,
        offset,
        request_id,
        unreadable,
        page,
    } in pages
    {
        notices.extend(unreadable);
        let count = page.total;
        total = total
            .zip(count)
            .map(|(total, count)| total.saturating_add(count));
        let received = page.items.len();
        let is_used = |row: &ImageJob| cutoff.is_none() || row.begin_time() >= cutoff;
        let used = page.items.iter().take_while(|row| is_used(row)).count();
        // A repeated row would move the start of the next page over a row that no page contains.
        let distinct = count_distinct(page.items[..used].iter().map(ImageJob::id));
        let end = offset.saturating_add(distinct);
        let items = page.items.into_iter().take(used);
        rows.extend(items.map(|row| (row, request_id.clone())));
        if used < received || has_more(end, distinct, count) {
            lists.offsets[list] = Some(end);
        } else {
            lists.offsets[list] = None;
            let ended = lists.ended_total.zip(count);
            lists.ended_total = ended.map(|(total, count)| total.saturating_add(count));
        }
    }
    rows.order_by_key(|(row, _)| std::cmp::Reverse(row.begin_time()));
    let next = Cursor {
        page: cursor.page.saturating_add(1),
        lists,
        ..cursor
    };
    let is_more = is_open(&lists.offsets) > 0;
    MergedPage {
        rows,
        next: is_more.then_some(next),
        total,
        notices,
    }
}

/// Returns the time before which rows must wait, because another list may still contain newer ones; `None` if
/// all lists have ended or if a list is not sorted by time.
fn cutoff(pages: &[TypePage]) -> Option<Time> {
    let is_sorted = |page: &TypePage| {
        let times = || page.page.items.iter().map(ImageJob::begin_time);
        times().all(|time| time.is_some()) && times().is_sorted_by(|a, b| a >= b)
    };
    if !pages.iter().all(is_sorted) {
        return None;
    }
    let has_next = |page: &&TypePage| {
        let rows = count_distinct(page.page.items.iter().map(ImageJob::id));
        has_more(page.offset.saturating_add(rows), rows, page.page.total)
    };
    let last = |page: &TypePage| page.page.items.last().and_then(ImageJob::begin_time);
    pages.iter().filter(has_next).filter_map(last).max()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Builds the pages of `size` rows that a cloud would return, from the start minutes of the jobs, newest first.
    fn pages(lists: &[Vec<u32>; 3], cursor: Cursor, size: usize, counts: bool) -> Vec<TypePage> {
        let page = |list: usize, offset: usize| {
            let items: Vec<Value> = lists[list]
                .iter()
                .skip(offset)
                .take(size)
                .map(|minute| {
                    let time = format!("2026-09-14T{:02}:{:02}:00Z", minute / 60, minute % 60);
                    json!({"id": format!("{list}-{minute}"), "begin_time": time, "status": "RUNNING"})
                })
                .collect();
            let count = counts.then_some(lists[list].len());
            let body = json!({"count": count, "items": items}).to_string();
            TypePage {
                unreadable: None,
                list,
                offset,
                request_id: Some(list.to_string()),
                page: JobPage::decode(body.as_bytes()).unwrap(),
            }
        };
        let offsets = cursor.lists.offsets.into_iter().enumerate();
        let offsets = offsets.filter_map(|(list, offset)| Some((list, offset?)));
        offsets.map(|(list, offset)| page(list, offset)).collect()
    }

    /// Reads all pages. Returns the ids in the order of arrival, and the last total.
    fn read_all(lists: &[Vec<u32>; 3], size: usize, counts: bool) -> (Vec<String>, Option<u64>) {
        let (mut ids, mut at) = (Vec::new(), Cursor::FIRST);
        for _ in 0..100 {
            let merged = merge(at, pages(lists, at, size, counts));
            ids.extend(
                merged
                    .rows
                    .iter()
                    .map(|(row, _)| row.id().unwrap().to_owned()),
            );
            match merged.next {
                Some(next) => at = next,
                None => return (ids, merged.total),
            }
        }
        panic!("the list does not end");
    }

    fn newest_first(lists: &[Vec<u32>; 3]) -> Vec<String> {
        let mut all: Vec<(u32, usize)> = Vec::new();
        for (list, minutes) in lists.iter().enumerate() {
            all.extend(minutes.iter().map(|minute| (*minute, list)));
        }
        all.order_by_key(|(minute, list)| (std::cmp::Reverse(*minute), *list));
        let ids = all.iter().map(|(minute, list)| format!("{list}-{minute}"));
        ids.collect()
    }

    #[test]
    fn rows_of_all_types_are_listed_once_and_newest_first() {
        let lists = [
            (0..47).rev().map(|n| n * 3).collect(),
            vec![130, 61, 60, 2],
            (0..25).rev().map(|n| n * 5).collect(),
        ];
        for size in [10, 20, 100] {
            let (ids, total) = read_all(&lists, size, true);
            assert_eq!(ids, newest_first(&lists), "{size}");
            assert_eq!(total, Some(76));
            let (ids, total) = read_all(&lists, size, false);
            assert_eq!((ids, total), (newest_first(&lists), None));
        }
        let empty = read_all(&[vec![], vec![], vec![]], 10, true);
        assert_eq!(empty, (vec![], Some(0)));
    }

    #[test]
    fn a_repeated_row_moves_the_start_of_no_page() {
        let lists = [(0..47).rev().collect(), vec![130, 61], vec![]];
        let mut first = pages(&lists, Cursor::FIRST, 20, true);
        let repeated = pages(&lists, Cursor::FIRST, 20, true).swap_remove(0);
        first[0]
            .page
            .items
            .extend(repeated.page.items.into_iter().take(1));
        let merged = merge(Cursor::FIRST, first);
        assert_eq!(merged.rows.len(), 23);
        assert_eq!(merged.next.unwrap().lists.offsets, [Some(20), None, None]);
    }

    #[test]
    fn a_list_that_was_not_requested_is_requested_with_the_next_page() {
        let lists = [vec![9, 3], vec![8], vec![]];
        let mut first = pages(&lists, Cursor::FIRST, 10, true);
        first.truncate(1);
        let merged = merge(Cursor::FIRST, first);
        assert_eq!((merged.rows.len(), merged.total), (2, None));
        let next = merged.next.unwrap();
        assert_eq!(next.lists.offsets, [None, Some(0), Some(0)]);
        let merged = merge(next, pages(&lists, next, 10, true));
        assert_eq!((merged.rows.len(), merged.total), (1, Some(3)));
        assert!(merged.next.is_none());
    }

    #[test]
    fn no_row_is_lost_if_a_list_is_not_sorted_by_time() {
        let lists = [(0..30).collect(), vec![200, 7], vec![]];
        let (mut ids, total) = read_all(&lists, 10, true);
        let mut all = newest_first(&lists);
        ids.sort();
        all.sort();
        assert_eq!((ids, total), (all, Some(32)));
    }
}
