//! Cheap looks at many jobs: the list of jobs, which takes a status and no ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Client;
use super::wire::{self, PAGE_SIZE, Page, Row};
use crate::error::{Category, Problem};
use crate::providers::{Ask, Found};
use crate::reference::Reference;

/// The words of jobs on their way. Ended ones are not listed: their number only grows, and a job
/// that has ended is looked at by itself once more anyway, for its sub-jobs.
const ON_THEIR_WAY: [&str; 2] = ["RUNNING", "WAITING"];

/// At most one page is asked for so many references.
const REFERENCES_A_PAGE: usize = 50;

/// What earlier rounds have shown.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The word to begin with, since the pages of a round may not do for both.
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
        let mut pages = references.len().div_ceil(REFERENCES_A_PAGE);
        let first = self.rounds.first.load(Ordering::Relaxed);
        for turn in 0..ON_THEIR_WAY.len() {
            let word = ON_THEIR_WAY[(first + turn) % ON_THEIR_WAY.len()];
            let found = match self.drain(word, &mut pages, &mut wanted, ask).await {
                Ok(found) => found,
                Err(problem) if is_no_list(&problem) => {
                    self.rounds.no_lists.store(true, Ordering::Relaxed);
                    return Ok(references.iter().map(|_| None).collect());
                }
                Err(problem) => return Err(problem),
            };
            if turn == 0 && found * 2 < wanted.len() {
                let other = (first + 1) % ON_THEIR_WAY.len();
                self.rounds.first.store(other, Ordering::Relaxed);
            }
        }
        let told = |reference: &Reference| {
            let row = wanted.remove(reference.id())?.filter(Row::has_state)?;
            Some(row.into_found(reference, ask, self.region.as_deref()))
        };
        Ok(references.iter().map(told).collect())
    }

    /// Reads pages of one status until all that is wanted is found, the list ends, or no page may be
    /// asked for any more; how many were found.
    async fn drain(
        &self,
        status: &str,
        pages: &mut usize,
        wanted: &mut HashMap<&str, Option<Row>>,
        ask: &Ask,
    ) -> Result<usize, Problem> {
        let (mut offset, mut found) = (0, 0);
        while *pages > 0 && wanted.values().any(Option::is_none) {
            *pages -= 1;
            let project = self.project(ask.deadline).await?;
            let request = self.list_request(&project, Some(status), offset);
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
