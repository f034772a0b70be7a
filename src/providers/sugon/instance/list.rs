//! Lists instances page by page.
//!
//! The vendor's documentation shows a GET with a JSON body, the vendor's command-line tool sends
//! the same names in the query, and another client uses a different path. It is not documented
//! which of these a region accepts, so they are tried in this order until one works.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::envelope::ListPage;
use super::{Api, Instance, LIST, STATES};
use crate::http::Request;
use crate::providers::prelude::*;

/// Requested page size in rows.
const PAGE_SIZE: usize = 100;

/// A way to request the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum ListVariant {
    /// A JSON body, as documented. The query repeats the parameters: otherwise, a server that only reads the query
    /// would return its first page again and again.
    JsonBody,
    /// Parameters in the query.
    Query,
    /// Parameters in the query, with `/list` added to the path.
    ListPath,
}

const VARIANTS: [ListVariant; 3] = [
    ListVariant::JsonBody,
    ListVariant::Query,
    ListVariant::ListPath,
];

/// Parameters of a request, except for the offset.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct ListParams {
    /// The only status to list, if any.
    pub status: Option<&'static str>,
    /// Maximum number of rows.
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

/// What earlier list requests have shown about the region.
#[derive(Debug, Default)]
pub(in super::super) struct ListState {
    /// The variant that the region accepts, once it has accepted one.
    working_variant: OnceLock<ListVariant>,
    /// `true` once the list was rejected with a filter but accepted without.
    filter_unsupported: AtomicBool,
}

/// Requests a page of the instances, newest first, with the variant that worked before or the first one that works.
///
/// Filters by status if the filter requests a single one, unless the cloud rejects such a request and accepts it
/// without a status. The caller then filters the rows.
///
/// # Errors
/// The error of the first variant if none is accepted, or any other error.
pub(super) async fn list(api: &Api, mut list: ListRequest<'_>) -> Result<Page, Problem> {
    let is_first = list.cursor == Cursor::FIRST;
    // The pages of a list must be all filtered or all unfiltered, otherwise their offsets do not match.
    let is_plain = match is_first {
        true => api.list_state.filter_unsupported.load(Ordering::Relaxed),
        false => list.cursor.is_unfiltered,
    };
    let params = ListParams {
        status: list
            .filter
            .single_state_word(STATES, &list.options.states)
            .filter(|_| !is_plain),
        rows: list.filter.page_size(PAGE_SIZE),
    };
    let result = try_variants(api, list.cursor, &params, list.options).await;
    let ((listed, unreadable), is_plain) = match result {
        Err(problem) if is_first && params.status.is_some() && is_rejected(&problem) => {
            let plain = ListParams {
                status: None,
                ..params
            };
            let Ok(listed) = try_variants(api, list.cursor, &plain, list.options).await else {
                return Err(problem);
            };
            let state = &api.list_state;
            state.filter_unsupported.store(true, Ordering::Relaxed);
            (listed, true)
        }
        other => (other?, is_plain),
    };
    list.cursor.is_unfiltered = is_plain;
    let read = |row: Instance, lookup: GetRequest<'_>| row.into_result(lookup, api.home.clock);
    let mut page = list.page(listed.total, listed.rows, Instance::id, read);
    page.notices.extend(unreadable);
    // Without a total, only rows in common show that no row has left the list between two pages.
    page.may_overlap = page.total.is_none();
    Ok(page)
}

async fn try_variants(
    api: &Api,
    cursor: Cursor,
    params: &ListParams,
    options: &RequestOptions,
) -> Result<(ListPage<Instance>, Option<Notice>), Problem> {
    let known = api.list_state.working_variant.get();
    let mut first_error = None;
    for variant in known.map_or(&VARIANTS[..], std::slice::from_ref) {
        let request = list_request(api, *variant, cursor.offset, params);
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

/// Returns `true` if the cloud responded and may accept another variant.
fn is_variant_error(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::InvalidResponse
    ) || is_rejected(problem)
}

/// Returns `true` if the cloud may have rejected a parameter.
fn is_rejected(problem: &Problem) -> bool {
    problem.category == Category::InvalidArgument || problem.code.as_deref() == Some(INTERNAL_ERROR)
}

#[cfg(test)]
mod tests;
