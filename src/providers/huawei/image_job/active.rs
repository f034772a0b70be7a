//! Lookups of many jobs by lists of active ones, which take no ids: one for each type of job and word.
//!
//! Jobs that have ended are not listed: their number only grows, and a job that has ended is requested by
//! itself once more anyway, for all that its row does not report.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::response::{ImageJob, JOB_TYPES, JobPage};
use super::{Api, list_page};
use crate::providers::prelude::*;

/// The words of active jobs.
const STATUSES: [&str; 2] = ["RUNNING", "WAITING"];

/// How many lists there are.
const LISTS: usize = JOB_TYPES.len() * STATUSES.len();

/// The rows that were found by their ids, each with the fields of its page that could not be read.
type Wanted<'a> = HashMap<&'a str, Option<(ImageJob, Option<Notice>)>>;

/// What earlier rounds have shown of the lists.
#[derive(Debug, Default)]
pub(in super::super) struct ListRotation {
    /// The list to begin with, since the pages of a round may not do for all.
    first: AtomicUsize,
}

/// How many pages of the lists a round may request: far fewer than one request per reference.
fn max_pages(references: usize) -> usize {
    const REFERENCES_PER_PAGE: usize = 50;
    let for_each_list = LISTS.min(references / 2);
    references.div_ceil(REFERENCES_PER_PAGE).max(for_each_list)
}

impl ListRotation {
    /// What a few pages of the lists report of the references.
    ///
    /// # Errors
    /// What went wrong on the way, so that nothing is known of any.
    pub(super) async fn batch_get(
        &self,
        api: &Api,
        batch: BatchRequest<'_>,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let mut wanted: Wanted<'_> = batch.references.iter().map(|r| (r.id(), None)).collect();
        let mut pages = max_pages(batch.references.len());
        let first = self.first.load(Ordering::Relaxed);
        // Of the lists that were queried: how many were found there, and its number.
        let mut best = (0, first);
        for turn in 0..LISTS {
            if pages == 0 || wanted.values().all(Option::is_some) {
                break;
            }
            let list = (first + turn) % LISTS;
            let found = read_pages(api, list, &mut pages, &mut wanted, batch.options).await?;
            best = match found > best.0 {
                true => (found, list),
                // Where none was found the next round goes on after what this one has seen.
                false if best.0 == 0 => (0, (list + 1) % LISTS),
                false => best,
            };
        }
        self.first.store(best.1, Ordering::Relaxed);
        let row = |reference: &Reference| {
            let row = wanted.remove(reference.id())?;
            let (row, unreadable) = row.filter(|(row, _)| row.has_state())?;
            let mut found = row.into_row(
                GetRequest {
                    reference,
                    options: batch.options,
                },
                api.region(),
            );
            found.notices.extend(unreadable);
            Some(found)
        };
        Ok(batch.references.iter().map(row).collect())
    }
}

/// Reads pages of a list until all that is wanted is found, the list ends, or no page may be requested
/// any more; how many were found.
async fn read_pages(
    api: &Api,
    list: usize,
    pages: &mut usize,
    wanted: &mut Wanted<'_>,
    options: &GetOptions,
) -> Result<usize, Problem> {
    let job_type = JOB_TYPES[list / STATUSES.len()];
    let status = Some(STATUSES[list % STATUSES.len()]);
    let (mut next, mut found) = (Some(Cursor::FIRST), 0);
    while let Some(at) = next.filter(|_| *pages > 0 && wanted.values().any(Option::is_none)) {
        *pages -= 1;
        let page = list_page(api, job_type, status, at.offset, options).await?;
        let JobPage { total, items } = page.data;
        next = at.after(items.len(), total);
        for row in items {
            let place = row.id().and_then(|id| wanted.get_mut(id));
            match place {
                // Rows that contradict each other are not used: the job is looked up by itself.
                Some(Some((known, _))) => known.compare_state(&row),
                Some(place) => {
                    *place = Some((row, page.unreadable.clone()));
                    found += 1;
                }
                None => {}
            }
        }
    }
    Ok(found)
}
