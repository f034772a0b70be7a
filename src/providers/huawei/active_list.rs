//! Lookups of many jobs by lists of active ones, which take no ids.
//!
//! Jobs that have ended are not listed: their number only grows, and a job that has ended is requested by
//! itself once more anyway, for all that its row does not report.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Problem;
use crate::model::Notice;
use crate::providers::{BoxFuture, Cursor, GetOptions, GetResult};
use crate::reference::Reference;

/// A row of a list.
pub(super) trait Row: Send {
    /// The id of the job.
    fn id(&self) -> Option<&str>;

    /// True when the row gives a state.
    fn has_state(&self) -> bool;

    /// The job as far as the list reports it.
    fn into_row(
        self,
        reference: &Reference,
        options: &GetOptions,
        region: Option<&str>,
    ) -> GetResult;
}

/// A page of a list.
pub(super) struct RowPage<R> {
    pub rows: Vec<R>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
    /// The fields that could not be read.
    pub unreadable: Option<Notice>,
}

/// Gives a page of the list with a number.
pub(super) type PageOf<'a, R> =
    dyn Fn(usize, Cursor) -> BoxFuture<'a, Result<RowPage<R>, Problem>> + Sync + 'a;

/// What earlier rounds have shown of several lists.
#[derive(Debug, Default)]
pub(super) struct ListRotation {
    /// The list to begin with, since the pages of a round may not do for all.
    first: AtomicUsize,
}

/// How many pages of so many lists a round may ask for: far fewer than one request per reference.
fn max_pages(references: usize, lists: usize) -> usize {
    const REFERENCES_PER_PAGE: usize = 50;
    let for_each_list = lists.min(references / 2);
    references.div_ceil(REFERENCES_PER_PAGE).max(for_each_list)
}

impl ListRotation {
    /// What a few pages of `lists` lists report of the references.
    ///
    /// # Errors
    /// What went wrong on the way, so that nothing is known of any.
    pub async fn batch_get<R: Row>(
        &self,
        references: &[Reference],
        lists: usize,
        page_of: &PageOf<'_, R>,
        options: &GetOptions,
        region: Option<&str>,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let mut wanted: HashMap<&str, Option<(R, Option<Notice>)>> =
            references.iter().map(|r| (r.id(), None)).collect();
        let mut pages = max_pages(references.len(), lists);
        let first = self.first.load(Ordering::Relaxed);
        // Of the lists that were asked: how many were found there, and its number.
        let mut best = (0, first);
        for turn in 0..lists {
            if pages == 0 || wanted.values().all(Option::is_some) {
                break;
            }
            let list = (first + turn) % lists;
            let found = read_pages(list, page_of, &mut pages, &mut wanted).await?;
            best = match found > best.0 {
                true => (found, list),
                // Where none was found the next round goes on after what this one has seen.
                false if best.0 == 0 => (0, (list + 1) % lists),
                false => best,
            };
        }
        self.first.store(best.1, Ordering::Relaxed);
        let row = |reference: &Reference| {
            let row = wanted.remove(reference.id())?;
            let (row, unreadable) = row.filter(|(row, _)| row.has_state())?;
            let mut found = row.into_row(reference, options, region);
            found.notices.extend(unreadable);
            Some(found)
        };
        Ok(references.iter().map(row).collect())
    }
}

/// Reads pages of a list until all that is wanted is found, the list ends, or no page may be requested
/// any more; how many were found.
async fn read_pages<R: Row>(
    list: usize,
    page_of: &PageOf<'_, R>,
    pages: &mut usize,
    wanted: &mut HashMap<&str, Option<(R, Option<Notice>)>>,
) -> Result<usize, Problem> {
    let (mut next, mut found) = (Some(Cursor::FIRST), 0);
    while let Some(at) = next.filter(|_| *pages > 0 && wanted.values().any(Option::is_none)) {
        *pages -= 1;
        let page = page_of(list, at).await?;
        for row in page.rows {
            let place = row.id().and_then(|id| wanted.get_mut(id));
            if let Some(place) = place.filter(|place| place.is_none()) {
                *place = Some((row, page.unreadable.clone()));
                found += 1;
            }
        }
        next = page.next;
    }
    Ok(found)
}
