//! Lists the jobs of a kind, one resource after the other.

use super::super::job_pods::{DerivedJobs, JobPods};
use super::super::not_found::is_not_served;
use super::super::{Api, list};
use super::choice::is_denied;
use super::response::CustomObject;
use super::{CustomJobs, add_start};
use crate::providers::list::count_distinct;
use crate::providers::prelude::*;
use crate::reference::Scope;

/// Number of consecutive resources with HTTP 500 after which the problem is taken for one of the server.
const MAX_BROKEN: usize = 2;

/// Reads one page of the jobs of a kind, from the first resource at or after `cursor` that is served and can be
/// listed. The first offset of the cursor is the page of the list of its resource.
///
/// # Errors
/// As [`list::page`], if no resource can be listed, or several in a row return HTTP 500; otherwise these problems are
/// failed parts. Or no resource is served (the product is not installed), if the user named the scope. A resource of
/// which a page was read is installed, so
/// that one whose later page is not served is a failed part as well.
pub(super) async fn page(
    jobs: &CustomJobs,
    api: &Api,
    list: ListRequest<'_>,
) -> Result<Page, Problem> {
    let first = list.cursor.resource;
    let mut page_number = list.cursor.lists.offsets[0].unwrap_or(0).max(1);
    let is_later = (first, page_number) != (0, 1);
    if !is_later {
        api.custom_jobs.begin_list(list.scope);
    }
    let mut unlisted = Unlisted::default();
    for (number, resource) in jobs.resources.iter().enumerate().skip(first) {
        let (derived, label) = (DerivedJobs::default(), resource.pods_label);
        let read = |row: CustomObject, reference: &Reference| {
            let namespace = reference.segment("NAMESPACE").unwrap_or_default();
            let name = reference.id();
            let pods = JobPods::with_name_label(namespace, name, label, row.owner());
            let found = row.into_result(jobs, reference, api);
            derived.add(&found.job, pods);
            found
        };
        let is_first = number == 0 && page_number == 1;
        let cursor = Cursor {
            page: page_number,
            ..Cursor::FIRST
        };
        page_number = 1;
        let page_list = ListRequest { cursor, ..list };
        match list::page_of(api, &resource.objects, page_list, is_first, read).await {
            Ok(mut page) => {
                let next = match page.next {
                    Some(next) => Some((number, next.page)),
                    None => (number + 1 < jobs.resources.len()).then_some((number + 1, 1)),
                };
                let rows = page.rows.len().max(1);
                page.next = next.and_then(|(number, page_number)| {
                    let mut next = list.cursor.after(rows, Some(u64::MAX))?;
                    (next.resource, next.lists.offsets[0]) = (number, Some(page_number));
                    Some(next)
                });
                derived
                    .add_states(api, page_list, label, &mut page, add_start)
                    .await;
                mark_ambiguous(jobs, api, list.scope, number, &mut page);
                page.failed_parts
                    .extend(failed_parts(jobs, unlisted.failed));
                return Ok(page);
            }
            Err(problem) => unlisted.add(jobs, number, page_list.cursor.page, problem)?,
        }
    }
    api.custom_jobs.end_list(list.scope);
    // If the user did not name the scope, a product that is not installed has an empty list.
    let is_unnamed = unlisted.failed.is_empty() && list.filter.is_optional;
    if is_later || is_unnamed {
        return Ok(Page {
            failed_parts: failed_parts(jobs, unlisted.failed),
            ..Page::default()
        });
    }
    let missing = unlisted.missing.into_iter().next();
    let problem = merged(jobs, unlisted.failed).or(missing);
    Err(jobs.not_installed(problem.expect("a kind has a resource"), false))
}

/// The resources that could not be listed since the last one that could.
#[derive(Default)]
struct Unlisted {
    /// The indexes of the resources that are broken or must not be listed, with their problems.
    failed: Vec<(usize, Problem)>,
    /// The problems of resources that are not installed.
    missing: Vec<Problem>,
}

impl Unlisted {
    /// Adds the problem of a resource at a page of its list.
    ///
    /// # Errors
    /// A problem that probably concerns all resources.
    fn add(
        &mut self,
        jobs: &CustomJobs,
        number: usize,
        page: usize,
        problem: Problem,
    ) -> Result<(), Problem> {
        let is_missing = is_not_served(&problem);
        if is_missing && page == 1 {
            self.missing.push(problem);
            return Ok(());
        }
        let may_be_only_one = jobs.resources.len() > 1 && is_broken(&problem);
        if !is_missing && !may_be_only_one && !is_denied(&problem) {
            return Err(problem);
        }
        self.failed.push((number, problem));
        // Such a request is sent several times, which takes seconds.
        let is_retried = |(_, problem): &&(usize, Problem)| problem.http_status == Some(500);
        let broken = self.failed.iter().filter(is_retried);
        let broken = broken.map(|(number, _)| jobs.resources[*number].objects.path.1);
        if count_distinct(broken) < MAX_BROKEN {
            return Ok(());
        }
        merged(jobs, std::mem::take(&mut self.failed)).map_or(Ok(()), Err)
    }
}

/// Returns `true` if the problem may concern only the list of one resource, such as HTTP 500 for a failed conversion
/// webhook. HTTP 502 to 504 are those of gateways and of an overloaded server, which concern all resources.
fn is_broken(problem: &Problem) -> bool {
    match problem.category {
        Category::ServiceError => problem.http_status == Some(500),
        Category::InvalidResponse => true,
        _ => false,
    }
}

/// Returns the problems of the resources that could not be listed as one, which names all of them; `None` if there are
/// none.
fn merged(jobs: &CustomJobs, failed: Vec<(usize, Problem)>) -> Option<Problem> {
    let is_denied = |(_, problem): &(usize, Problem)| is_denied(problem);
    let (denied, broken): (Vec<_>, Vec<_>) = failed.into_iter().partition(is_denied);
    let broken = with_names(jobs, "cannot list", broken);
    let denied = with_names(jobs, "no permission to list", denied);
    match (broken, denied) {
        (Some(broken), Some(denied)) => Some(Problem {
            message: format!("{}; {}", broken.message, denied.message),
            ..broken
        }),
        (broken, denied) => broken.or(denied),
    }
}

/// Returns the first problem with the names of all resources that have such a problem.
fn with_names(jobs: &CustomJobs, label: &str, failed: Vec<(usize, Problem)>) -> Option<Problem> {
    let names = jobs.names(failed.iter().map(|(number, _)| *number))?;
    let (_, problem) = failed.into_iter().next()?;
    Some(Problem {
        message: format!("{label} {names}: {}", problem.message),
        ..problem
    })
}

/// Returns the problems of the resources that could not be listed: first one for each resource that is broken, then one
/// for all those that must not be listed.
fn failed_parts(jobs: &CustomJobs, failed: Vec<(usize, Problem)>) -> Vec<Problem> {
    let is_denied = |(_, problem): &(usize, Problem)| is_denied(problem);
    let (denied, broken): (Vec<_>, Vec<_>) = failed.into_iter().partition(is_denied);
    let mut parts: Vec<(&str, Problem)> = Vec::new();
    for (number, problem) in broken {
        let (_, name) = jobs.resources[number].objects.path;
        // Another version of the resource has the same problem.
        if parts.iter().all(|(known, _)| *known != name) {
            parts.push((name, problem));
        }
    }
    let broken = parts.into_iter().map(|(name, problem)| Problem {
        message: format!("cannot list {name}: {}", problem.message),
        ..problem
    });
    let denied = with_names(jobs, "no permission to list", denied);
    broken.chain(denied).collect()
}

/// Makes the state of jobs unknown whose names an earlier resource of the list contains as well.
fn mark_ambiguous(jobs: &CustomJobs, api: &Api, scope: &Scope, number: usize, page: &mut Page) {
    if jobs.resources.len() == 1 {
        return;
    }
    let rows = page.rows.iter().map(|row| &row.job);
    let others = api.custom_jobs.other_resources(scope, number, rows);
    for (row, other) in page.rows.iter_mut().zip(others) {
        if let Some(other) = other {
            let message = jobs.ambiguity(&row.job.id, &[other, number]);
            states::contradict(&mut row.job, message);
        }
    }
    if page.next.is_none() {
        api.custom_jobs.end_list(scope);
    }
}
