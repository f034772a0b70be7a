//! The list of instances, by pages.
//!
//! The vendor's page shows a JSON body on a GET, the vendor's own command-line tool sends the same
//! names as a query, another client uses a path of its own. Which of them a region answers is not
//! documented, so they are tried in this order until one does.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::envelope::ListPage;
use super::{Api, Instance, LIST, STATES};
use crate::http::Request;
use crate::providers::prelude::*;

/// The page size that is requested, in rows.
const PAGE_SIZE: usize = 100;

/// A way to request the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum ListVariant {
    /// A JSON body, as documented. The query repeats it: a server that reads only that would
    /// else answer with its first page again and again.
    JsonBody,
    /// A query.
    Query,
    /// A query below `/list`.
    ListPath,
}

const VARIANTS: [ListVariant; 3] = [
    ListVariant::JsonBody,
    ListVariant::Query,
    ListVariant::ListPath,
];

/// The parameters of a call other than the offset.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct ListParams {
    /// The only status, if there is one.
    pub status: Option<&'static str>,
    /// How many rows at most.
    pub rows: usize,
}

impl Default for ListParams {
    fn default() -> Self {
        Self {
            status: None,
            rows: PAGE_SIZE,
        }
    }
}

/// What earlier calls of the list have shown.
#[derive(Debug, Default)]
pub(in super::super) struct ListState {
    /// Which request this region accepts, once it has accepted one.
    working_variant: OnceLock<ListVariant>,
    /// True once the list has been refused with a filter and given without.
    filter_unsupported: AtomicBool,
}

/// One page of the instances, newest first, in the form that has answered before, else in the first
/// that answers.
///
/// Of one status where the filter requests that, unless the cloud refuses such a call and
/// gives the same without it; what it does not filter is filtered by the caller.
///
/// # Errors
/// The error of the first form when none is accepted, or what went wrong on the way.
pub(super) async fn list(api: &Api, mut list: ListRequest<'_>) -> Result<Page, Problem> {
    let is_first = list.at == Cursor::FIRST;
    // Pages of one list must all be filtered, or none, or their offsets would not fit.
    let is_plain = match is_first {
        true => api.list_state.filter_unsupported.load(Ordering::Relaxed),
        false => list.at.is_unfiltered,
    };
    let params = ListParams {
        status: list
            .filter
            .single_state_word(STATES, &list.options.states)
            .filter(|_| !is_plain),
        rows: list.filter.page_size(PAGE_SIZE),
    };
    let result = try_variants(api, list.at, &params, list.options).await;
    let ((listed, unreadable), is_plain) = match result {
        Err(problem) if is_first && params.status.is_some() && is_refused(&problem) => {
            let plain = ListParams {
                status: None,
                ..params
            };
            let Ok(listed) = try_variants(api, list.at, &plain, list.options).await else {
                return Err(problem);
            };
            let state = &api.list_state;
            state.filter_unsupported.store(true, Ordering::Relaxed);
            (listed, true)
        }
        other => (other?, is_plain),
    };
    list.at.is_unfiltered = is_plain;
    let read = |row: Instance, lookup: GetRequest<'_>| row.into_result(lookup, api.home.clock);
    let mut page = list.page(listed.total, listed.rows, Instance::id, read);
    page.notices.extend(unreadable);
    Ok(page)
}

async fn try_variants(
    api: &Api,
    at: Cursor,
    params: &ListParams,
    options: &GetOptions,
) -> Result<(ListPage<Instance>, Option<Notice>), Problem> {
    let known = api.list_state.working_variant.get();
    let mut first_error = None;
    for variant in known.map_or(&VARIANTS[..], std::slice::from_ref) {
        let request = list_request(api, *variant, at.offset, params);
        match api
            .home
            .call(request, options.deadline, ListPage::decode)
            .await
        {
            Ok(page) => {
                api.list_state.working_variant.get_or_init(|| *variant);
                return Ok((page.data, page.unreadable));
            }
            Err(problem) if is_variant_error(&problem) => {
                first_error.get_or_insert(problem);
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(first_error.expect("there is at least one form"))
}

pub(in super::super) fn list_request(
    api: &Api,
    variant: ListVariant,
    offset: usize,
    params: &ListParams,
) -> Request {
    let path = match variant {
        ListVariant::JsonBody | ListVariant::Query => "/ai/openapi/v2/instance-service/task",
        ListVariant::ListPath => "/ai/openapi/v2/instance-service/task/list",
    };
    let status = params.status.map(|status| ("status", status.to_owned()));
    let query = [
        ("start", offset.to_string()),
        ("limit", params.rows.to_string()),
        ("sort", "desc".to_owned()),
    ];
    let query = query.into_iter().chain(status);
    let mut request = api.home.request(LIST.name, path);
    request.query = query
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if variant == ListVariant::JsonBody {
        let mut body = json!({"start": offset, "limit": params.rows, "sort": "desc"});
        if let Some(status) = params.status {
            body["status"] = json!(status);
        }
        request.body = body.to_string().into_bytes();
        let content_type = ("content-type", "application/json".to_owned());
        request.headers.push(content_type);
    }
    request
}

const INTERNAL_ERROR: &str = "10001";

/// True when the cloud responded and may accept another form.
fn is_variant_error(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::InvalidResponse
    ) || is_refused(problem)
}

/// True when the cloud may not accept a parameter.
fn is_refused(problem: &Problem) -> bool {
    problem.category == Category::InvalidArgument || problem.code.as_deref() == Some(INTERNAL_ERROR)
}

#[cfg(test)]
mod tests;
