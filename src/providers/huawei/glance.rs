//! Cheap looks at many jobs: the list of jobs, which takes a status and no ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Client;
use super::wire::{self, JOB_TYPES, PAGE_SIZE, Page, Row};
use crate::error::{Category, Problem};
use crate::providers::{Ask, Found};
use crate::reference::Reference;

/// The words of jobs on their way. Ended ones are not listed: their number only grows, and a job
/// that has ended is looked at by itself once more anyway, for its sub-jobs.
const ON_THEIR_WAY: [&str; 2] = ["RUNNING", "WAITING"];

/// How many lists there are: one for each type of job and word.
const LISTS: usize = JOB_TYPES.len() * ON_THEIR_WAY.len();

/// How many pages a round may ask for: far fewer than looks at each reference.
fn max_pages(references: usize) -> usize {
    const REFERENCES_A_PAGE: usize = 50;
    let for_each_list = LISTS.min(references / 2);
    references.div_ceil(REFERENCES_A_PAGE).max(for_each_list)
}

/// What earlier rounds have shown.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The list to begin with, since the pages of a round may not do for all.
    first: AtomicUsize,
    /// True once the cloud has said that this key may not list jobs.
    no_lists: AtomicBool,
}

impl Rounds {
    /// False when lists are known not to be given.
    pub(super) fn may_list(&self) -> bool {
        !self.no_lists.load(Ordering::Relaxed)
    }
}

impl Client {
    /// What a few pages of the list tell of the references.
    ///
    /// # Errors
    /// What went wrong on the way, so that nothing is told of any.
    pub(super) async fn glance_at(
        &self,
        references: &[Reference],
        ask: &Ask,
    ) -> Result<Vec<Option<Found>>, Problem> {
        let mut wanted: HashMap<&str, Option<Row>> =
            references.iter().map(|r| (r.id(), None)).collect();
        let mut pages = max_pages(references.len());
        let first = self.rounds.first.load(Ordering::Relaxed);
        // Of the lists that were asked: how many were found there, and its number.
        let mut best = (0, first);
        for turn in 0..LISTS {
            if pages == 0 || wanted.values().all(Option::is_some) {
                break;
            }
            let list = (first + turn) % LISTS;
            let found = match self.drain(list, &mut pages, &mut wanted, ask).await {
                Ok(found) => found,
                Err(problem) if is_no_list(&problem) => {
                    self.rounds.no_lists.store(true, Ordering::Relaxed);
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
        self.rounds.first.store(best.1, Ordering::Relaxed);
        let told = |reference: &Reference| {
            let row = wanted.remove(reference.id())?.filter(Row::has_state)?;
            Some(row.into_found(reference, ask, self.region.as_deref()))
        };
        Ok(references.iter().map(told).collect())
    }

    /// Reads pages of one type and status until all that is wanted is found, the list ends, or no page may be
    /// asked for any more; how many were found.
    async fn drain(
        &self,
        list: usize,
        pages: &mut usize,
        wanted: &mut HashMap<&str, Option<Row>>,
        ask: &Ask,
    ) -> Result<usize, Problem> {
        let job_type = JOB_TYPES[list / ON_THEIR_WAY.len()];
        let status = ON_THEIR_WAY[list % ON_THEIR_WAY.len()];
        let (mut offset, mut found) = (0, 0);
        while *pages > 0 && wanted.values().any(Option::is_none) {
            *pages -= 1;
            let project = self.project(ask.deadline).await?;
            let request = self.list_request(&project, job_type, Some(status), offset);
            let answer = self
                .login
                .send(&self.account, &request, &wire::classify, ask.deadline)
                .await?;
            let page = Page::read(&answer.body)
                .map_err(|expected| self.account.unreadable(&request, &answer, &expected))?;
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
fn is_no_list(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::Permission | Category::Rejected
    )
}
