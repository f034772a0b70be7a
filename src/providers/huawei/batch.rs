//! Cheap looks at many jobs: the list of jobs, which takes a status and no ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Client;
use super::wire::{self, JOB_TYPES, PAGE_SIZE, Page, Row};
use crate::error::{Category, Problem};
use crate::providers::{GetOptions, GetResult};
use crate::reference::Reference;

/// The words of jobs on their way. Ended ones are not listed: their number only grows, and a job
/// that has ended is looked at by itself once more anyway, for its sub-jobs.
const ACTIVE_STATUSES: [&str; 2] = ["RUNNING", "WAITING"];

/// How many lists there are: one for each type of job and word.
const LISTS: usize = JOB_TYPES.len() * ACTIVE_STATUSES.len();

/// How many pages a round may ask for: far fewer than looks at each reference.
fn max_pages(references: usize) -> usize {
    const REFERENCES_PER_PAGE: usize = 50;
    let for_each_list = LISTS.min(references / 2);
    references.div_ceil(REFERENCES_PER_PAGE).max(for_each_list)
}

/// What earlier rounds have shown.
#[derive(Debug, Default)]
pub(super) struct ListRotation {
    /// The list to begin with, since the pages of a round may not do for all.
    first: AtomicUsize,
    /// True once the cloud has said that this key may not list jobs.
    lists_unavailable: AtomicBool,
}

impl ListRotation {
    /// False when lists are known not to be given.
    pub(super) fn can_list(&self) -> bool {
        !self.lists_unavailable.load(Ordering::Relaxed)
    }
}

impl Client {
    /// What a few pages of the list tell of the references.
    ///
    /// # Errors
    /// What went wrong on the way, so that nothing is told of any.
    pub(super) async fn batch_get_jobs(
        &self,
        references: &[Reference],
        ask: &GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let mut wanted: HashMap<&str, Option<Row>> =
            references.iter().map(|r| (r.id(), None)).collect();
        let mut pages = max_pages(references.len());
        let first = self.list_rotation.first.load(Ordering::Relaxed);
        // Of the lists that were asked: how many were found there, and its number.
        let mut best = (0, first);
        for turn in 0..LISTS {
            if pages == 0 || wanted.values().all(Option::is_some) {
                break;
            }
            let list = (first + turn) % LISTS;
            let found = match self.read_pages(list, &mut pages, &mut wanted, ask).await {
                Ok(found) => found,
                Err(problem) if is_list_unavailable(&problem) => {
                    self.list_rotation
                        .lists_unavailable
                        .store(true, Ordering::Relaxed);
                    return Ok(references.iter().map(|_| None).collect());
                }
                Err(problem) => return Err(problem),
            };
            best = match found > best.0 {
                true => (found, list),
                // Where none was found the next round goes on after what this one has seen.
                false if best.0 == 0 => (0, (list + 1) % LISTS),
                false => best,
            };
        }
        self.list_rotation.first.store(best.1, Ordering::Relaxed);
        let told = |reference: &Reference| {
            let row = wanted.remove(reference.id())?.filter(Row::has_state)?;
            Some(row.into_result(reference, ask, self.region.as_deref()))
        };
        Ok(references.iter().map(told).collect())
    }

    /// Reads pages of one type and status until all that is wanted is found, the list ends, or no page may be
    /// asked for any more; how many were found.
    async fn read_pages(
        &self,
        list: usize,
        pages: &mut usize,
        wanted: &mut HashMap<&str, Option<Row>>,
        ask: &GetOptions,
    ) -> Result<usize, Problem> {
        let job_type = JOB_TYPES[list / ACTIVE_STATUSES.len()];
        let status = ACTIVE_STATUSES[list % ACTIVE_STATUSES.len()];
        let (mut offset, mut found) = (0, 0);
        while *pages > 0 && wanted.values().any(Option::is_none) {
            *pages -= 1;
            let project = self.project(ask.deadline).await?;
            let request = self.list_request(&project, job_type, Some(status), offset);
            let answer = self
                .credentials
                .send(&self.api, &request, &wire::classify, ask.deadline)
                .await?;
            let page = Page::decode(&answer.body)
                .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))?;
            let rows = page.items.len();
            offset += rows;
            for row in page.items {
                let place = row.id().and_then(|id| wanted.get_mut(id));
                if let Some(place) = place.filter(|place| place.is_none()) {
                    *place = Some(row);
                    found += 1;
                }
            }
            let more = match page.count {
                Some(count) => usize::try_from(count).is_ok_and(|count| offset < count),
                None => rows >= PAGE_SIZE,
            };
            if rows == 0 || !more {
                break;
            }
        }
        Ok(found)
    }
}

/// True when the cloud answered well and gives no such list.
fn is_list_unavailable(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::PermissionDenied | Category::InvalidArgument
    )
}
