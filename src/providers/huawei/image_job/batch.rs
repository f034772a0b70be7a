//! Cheap checks of many jobs: the list of jobs, which takes a status and no ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::wire::{ImageJob, JOB_TYPES};
use super::{Api, PAGE_SIZE, list_page};
use crate::error::Problem;
use crate::model::Notice;
use crate::providers::{GetOptions, GetResult};
use crate::reference::Reference;

/// The states of active jobs. Ended ones are not listed: their number only grows, and a job that
/// has ended is requested by itself once more anyway, for its sub-jobs.
const ACTIVE_STATUSES: [&str; 2] = ["RUNNING", "WAITING"];

/// How many lists there are: one for each type of job and word.
const LISTS: usize = JOB_TYPES.len() * ACTIVE_STATUSES.len();

/// A row, and the fields of its page that could not be read.
type ImageJobRow = (ImageJob, Option<Notice>);

/// How many pages a round may ask for: far fewer than one request per reference.
fn max_pages(references: usize) -> usize {
    const REFERENCES_PER_PAGE: usize = 50;
    let for_each_list = LISTS.min(references / 2);
    references.div_ceil(REFERENCES_PER_PAGE).max(for_each_list)
}

/// What earlier rounds have shown.
#[derive(Debug, Default)]
pub(in super::super) struct ListRotation {
    /// The list to begin with, since the pages of a round may not do for all.
    first: AtomicUsize,
}

/// What a few pages of the list tell of the references.
///
/// # Errors
/// What went wrong on the way, so that nothing is known of any.
pub(super) async fn batch_get(
    api: &Api,
    references: &[Reference],
    options: &GetOptions,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let mut wanted: HashMap<&str, Option<ImageJobRow>> =
        references.iter().map(|r| (r.id(), None)).collect();
    let rotation = &api.list_rotation;
    let mut pages = max_pages(references.len());
    let first = rotation.first.load(Ordering::Relaxed);
    // Of the lists that were asked: how many were found there, and its number.
    let mut best = (0, first);
    for turn in 0..LISTS {
        if pages == 0 || wanted.values().all(Option::is_some) {
            break;
        }
        let list = (first + turn) % LISTS;
        let found = read_pages(api, list, &mut pages, &mut wanted, options).await?;
        best = match found > best.0 {
            true => (found, list),
            // Where none was found the next round goes on after what this one has seen.
            false if best.0 == 0 => (0, (list + 1) % LISTS),
            false => best,
        };
    }
    rotation.first.store(best.1, Ordering::Relaxed);
    let told = |reference: &Reference| {
        let row = wanted.remove(reference.id())?;
        let (row, unreadable) = row.filter(|(row, _)| row.has_state())?;
        let mut found = row.into_row(reference, options, api.region());
        found.notices.extend(unreadable);
        Some(found)
    };
    Ok(references.iter().map(told).collect())
}

/// Reads pages of one type and status until all that is wanted is found, the list ends, or no page
/// may be requested any more; how many were found.
async fn read_pages(
    api: &Api,
    list: usize,
    pages: &mut usize,
    wanted: &mut HashMap<&str, Option<ImageJobRow>>,
    options: &GetOptions,
) -> Result<usize, Problem> {
    let job_type = JOB_TYPES[list / ACTIVE_STATUSES.len()];
    let status = ACTIVE_STATUSES[list % ACTIVE_STATUSES.len()];
    let (mut offset, mut found) = (0, 0);
    while *pages > 0 && wanted.values().any(Option::is_none) {
        *pages -= 1;
        let page = list_page(api, job_type, Some(status), offset, options).await?;
        let (page, unreadable) = (page.data, page.unreadable);
        let rows = page.items.len();
        offset += rows;
        for row in page.items {
            let place = row.id().and_then(|id| wanted.get_mut(id));
            if let Some(place) = place.filter(|place| place.is_none()) {
                *place = Some((row, unreadable.clone()));
                found += 1;
            }
        }
        let more = match page.total {
            Some(total) => (offset as u64) < total,
            None => rows >= PAGE_SIZE,
        };
        if rows == 0 || !more {
            break;
        }
    }
    Ok(found)
}
