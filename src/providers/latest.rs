use std::ops::ControlFlow;

use super::list::{Cursor, Filter};
use super::list_all::{list_all, ready};
use crate::error::{Category, Problem};
use crate::kind::{ListOrder, ListSpec};
use crate::model::Time;
use crate::providers::{Client, GetResult, RequestOptions};
use crate::reference::{LATEST, Reference, Scope};

/// Rows of the single page that is requested from a cloud that sorts: enough to check the order.
const LATEST_PAGE_SIZE: usize = 10;

/// Returns the newest job of a scope that has all its segments.
///
/// Requests one page if the cloud sorts by time, otherwise all pages within the deadline of `options`.
///
/// # Errors
/// `usage` for a kind without a list or without times in it, before the first request; `not_found` for an empty
/// scope; `invalid_response` if the cloud does not report which job is the newest; errors of the list requests.
pub async fn latest(
    client: &dyn Client,
    scope: &Scope,
    options: &RequestOptions,
) -> Result<Reference, Problem> {
    let Some(ListSpec { order, .. }) = scope.kind.list else {
        return Err(with_scope(scope.kind.not_listed(), scope));
    };
    if order == ListOrder::Undated {
        return Err(with_scope(times_not_reported(scope), scope));
    }
    if order == ListOrder::NewestFirst
        && let Some(reference) = first_of_sorted(client, scope, options).await?
    {
        return Ok(reference);
    }
    latest_of_all(client, scope, options).await
}

/// Returns the first job of the first page; `None` if the page is incomplete or not sorted by time.
async fn first_of_sorted(
    client: &dyn Client,
    scope: &Scope,
    options: &RequestOptions,
) -> Result<Option<Reference>, Problem> {
    let few = Filter {
        page_rows: Some(LATEST_PAGE_SIZE),
        ..Filter::default()
    };
    let page = client.list(scope, &few, Cursor::FIRST, options).await;
    let page = page.map_err(|problem| with_scope(problem, scope))?;
    let times = page.rows.iter().map(|row| row.job.created_at);
    let times: Option<Vec<Time>> = times.collect();
    let is_complete =
        page.rows_without_id == 0 && page.failed_parts.is_empty() && page.problems.is_empty();
    let (Some(first), Some(times)) = (page.rows.first(), times.filter(|_| is_complete)) else {
        return Ok(None);
    };
    if !times.is_sorted_by(|time, next| time >= next) {
        return Ok(None);
    }
    if let [at, next, ..] = times[..]
        && at == next
    {
        return Err(with_scope(same_creation_time(at), scope));
    }
    Ok(scope.reference_of(&first.job.reference))
}

/// Returns the job with the latest creation time in the whole list.
async fn latest_of_all(
    client: &dyn Client,
    scope: &Scope,
    options: &RequestOptions,
) -> Result<Reference, Problem> {
    let mut best: Option<(Time, String)> = None;
    let (mut is_tied, mut undated_rows) = (false, 0_usize);
    let mut failed_part = None;
    let mut on_page = |page: super::Page<GetResult>| {
        failed_part = failed_part.take().or(page.failed_parts.into_iter().next());
        // An unreadable row may be the newest job.
        undated_rows += page.problems.len();
        for found in page.rows {
            let Some(at) = found.job.created_at else {
                undated_rows += 1;
                continue;
            };
            match &best {
                Some((best_at, _)) if *best_at > at => {}
                // A job is passed on again if its state has changed.
                Some((_, best)) if *best == found.job.reference => {}
                Some((best_at, _)) if *best_at == at => is_tied = true,
                _ => {
                    is_tied = false;
                    best = Some((at, found.job.reference));
                }
            }
        }
        ready(match options.deadline.remaining().is_zero() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    };
    let everything = Filter::default();
    let listed = list_all(client, scope, &everything, options, None, &mut on_page).await;
    let listed = listed.map_err(|problem| with_scope(problem, scope))?;
    if let Some(problem) = failed_part {
        return Err(with_scope(problem, scope));
    }
    let problem = match (listed.truncation, best) {
        (Some(cut), _) => undetermined(format!("the list is incomplete: {cut}")),
        _ if undated_rows > 0 => undetermined(format!("{undated_rows} resources have no time")),
        (None, Some((at, _))) if is_tied => same_creation_time(at),
        (None, Some((_, reference))) => {
            return Ok(scope
                .reference_of(&reference)
                .expect("a listed job is in its scope"));
        }
        (None, None) => Problem::new(Category::NotFound, "the scope is empty"),
    };
    Err(with_scope(problem, scope))
}

fn times_not_reported(scope: &Scope) -> Problem {
    let (cloud, kind) = (scope.kind.template.cloud, scope.kind.template.kind);
    Problem::usage(format!(
        "{cloud} does not report when a {kind} was created; {LATEST} is not available"
    ))
    .with_hint(format!("pick one from: joblens list {scope}"))
}

fn same_creation_time(at: Time) -> Problem {
    undetermined(format!(
        "several resources were created at {}",
        at.rfc3339()
    ))
}

fn undetermined(reason: String) -> Problem {
    Problem::new(
        Category::InvalidResponse,
        format!("cannot determine the newest resource: {reason}"),
    )
}

fn with_scope(mut problem: Problem, scope: &Scope) -> Problem {
    problem.reference = Some(format!("{scope}{LATEST}"));
    problem.input = Some(scope.input.clone());
    if problem.category == Category::InvalidResponse && problem.hint.is_none() {
        problem.hint = Some(format!("pick one from: joblens list {scope}"));
    }
    problem
}
