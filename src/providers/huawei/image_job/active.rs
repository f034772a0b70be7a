//! Looks up many jobs at once in the lists of active jobs. The lists do not accept ids; there is one for each
//! job type and status.
//!
//! Finished jobs are not listed, because their number only grows. A finished job is requested individually once
//! more anyway, because its row does not contain everything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::response::{ImageJob, JOB_TYPES, JobPage};
use super::{Api, list_page};
use crate::providers::count_distinct;
use crate::providers::prelude::*;

/// The status words of active jobs.
const STATUSES: [&str; 2] = ["RUNNING", "WAITING"];

/// The number of lists.
const LISTS: usize = JOB_TYPES.len() * STATUSES.len();

/// The requested ids, each with the row that was found and the unreadable fields of its page.
type Wanted<'a> = HashMap<&'a str, Option<(ImageJob, Option<Notice>)>>;

/// The rotation of the lists, which continues from one round to the next.
#[derive(Debug, Default)]
pub(in super::super) struct ListRotation {
    /// The list to begin with, because a round may run out of pages before it has read all lists.
    first: AtomicUsize,
}

/// Returns how many pages a round may request: far fewer than one request per reference. For a single reference, one
/// page of every list is read to compare its row with a lookup.
fn max_pages(references: usize) -> usize {
    const REFERENCES_PER_PAGE: usize = 50;
    if references == 1 {
        return LISTS;
    }
    let for_each_list = LISTS.min(references / 2);
    references.div_ceil(REFERENCES_PER_PAGE).max(for_each_list)
}

impl ListRotation {
    /// Looks up the references in a few pages of the lists.
    ///
    /// # Errors
    /// The error of the first failed request; no reference is then looked up here.
    pub(super) async fn batch_get(
        &self,
        api: &Api,
        batch: BatchRequest<'_>,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let mut wanted: Wanted<'_> = batch.references.iter().map(|r| (r.id(), None)).collect();
        let mut pages = max_pages(batch.references.len());
        let first = self.first.load(Ordering::Relaxed);
        // The list with the most hits so far: number of hits, number of the list.
        let mut best = (0, first);
        let mut complete = 0;
        for turn in 0..LISTS {
            if pages == 0 || wanted.values().all(Option::is_some) {
                break;
            }
            let list = (first + turn) % LISTS;
            let (hits, is_complete) =
                read_pages(api, list, &mut pages, &mut wanted, batch.options).await?;
            complete += usize::from(is_complete);
            best = match hits > best.0 {
                true => (hits, list),
                // Without any hit, the next round continues after the lists that this round has read.
                false if best.0 == 0 => (0, (list + 1) % LISTS),
                false => best,
            };
        }
        self.first.store(best.1, Ordering::Relaxed);
        let row = |reference: &Reference| {
            let row = wanted.remove(reference.id())?;
            if row.is_none() && complete < LISTS {
                batch.ends.skip(reference);
            }
            let (row, unreadable) = row.filter(|(row, _)| row.has_state())?;
            let mut result = row.into_row(
                GetRequest {
                    reference,
                    options: batch.options,
                },
                api.region(),
            );
            result.notices.extend(unreadable);
            Some(result)
        };
        Ok(batch.references.iter().map(row).collect())
    }
}

/// Reads pages of a list until all wanted rows are found, the list ends, or no pages are left. Returns how many
/// rows were found, and whether the list was read up to its end.
async fn read_pages(
    api: &Api,
    list: usize,
    pages: &mut usize,
    wanted: &mut Wanted<'_>,
    options: &RequestOptions,
) -> Result<(usize, bool), Problem> {
    let job_type = JOB_TYPES[list / STATUSES.len()];
    let status = Some(STATUSES[list % STATUSES.len()]);
    let (mut next, mut found) = (Some(Cursor::FIRST), 0);
    while let Some(at) = next.filter(|_| *pages > 0 && wanted.values().any(Option::is_none)) {
        *pages -= 1;
        let page = list_page(api, job_type, status, at.offset, options).await?;
        let JobPage { total, items } = page.data;
        next = at.after(count_distinct(items.iter().map(ImageJob::id)), total);
        for row in items {
            let slot = row.id().and_then(|id| wanted.get_mut(id));
            match slot {
                // Contradicting rows are not used: the job is then requested individually.
                Some(Some((known, _))) => known.compare_state(&row),
                Some(slot) => {
                    *slot = Some((row, page.unreadable.clone()));
                    found += 1;
                }
                None => {}
            }
        }
    }
    Ok((found, next.is_none()))
}
