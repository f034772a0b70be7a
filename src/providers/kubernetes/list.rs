//! Reads lists of objects page by page.

use super::object::{ApiObject, ObjectList};
use super::{Api, path};
use crate::crypto::percent_encode;
use crate::error::FailureDetail;
use crate::providers::lenient;
use crate::providers::prelude::*;

/// Maximum number of objects of a page; kubectl uses the same.
pub(super) const PAGE_SIZE: usize = 500;

/// Returns `true` if the `resourceVersion` or `continue` token of the request has expired.
pub(super) fn is_expired(problem: &Problem) -> bool {
    matches!(problem.code.as_deref(), Some("Expired" | "Gone")) || problem.http_status == Some(410)
}

/// Reads the page at `cursor` of the list at a path. If its `continue` token has expired, reads the whole list
/// instead, as kubectl does; the caller drops the rows that it has already returned.
///
/// # Errors
/// An error of the server or of the connection.
pub(super) async fn page<R>(
    api: &Api,
    operation: &'static str,
    path: &str,
    filter: &Filter,
    cursor: Cursor,
    options: &RequestOptions,
    decode: impl Fn(&[u8]) -> Result<(Page<R>, Option<String>), String> + Sync + Send,
) -> Result<Page<R>, Problem> {
    let mut page_size = filter.page_size(PAGE_SIZE);
    let token = api
        .continue_at(path, cursor.page)
        .filter(|_| cursor.page > 1);
    let selector = filter.selector.as_deref();
    let base_query: Vec<_> = selector
        .map(|text| ("labelSelector", text))
        .into_iter()
        .collect();
    let mut query = base_query.clone();
    query.extend(token.iter().map(|token| ("continue", token.as_str())));
    let request = PageRequest {
        operation,
        path,
        query,
    };
    let mut response = request.send(api, &mut page_size, options, &decode).await;
    if token.is_some() && response.as_ref().is_err_and(is_expired) {
        response = api
            .call(operation, path, &base_query, options, &decode)
            .await;
    }
    let response = response?;
    let (mut page, token) = response.data;
    page.notices.extend(response.unreadable);
    page.is_snapshot = true;
    let token = token.filter(|token| !token.is_empty());
    page.next = token.and_then(|token| {
        let next = cursor.after(page.rows.len().max(1), Some(u64::MAX))?;
        api.set_continue(path, next.page, &token);
        Some(next)
    });
    Ok(page)
}

/// Returns `true` if the response exceeded the size limit.
fn is_too_large(problem: &Problem) -> bool {
    problem.detail == Some(FailureDetail::ResponseTooLarge)
}

/// A request for one page of a list.
pub(super) struct PageRequest<'a> {
    pub operation: &'static str,
    pub path: &'a str,
    pub query: Vec<(&'a str, &'a str)>,
}

impl PageRequest<'_> {
    /// Reads at most `page_size` objects, and halves it each time the response is too large.
    ///
    /// # Errors
    /// An error of the server or of the connection.
    pub async fn send<T>(
        &self,
        api: &Api,
        page_size: &mut usize,
        options: &RequestOptions,
        decode: impl Fn(&[u8]) -> Result<T, String> + Sync + Send,
    ) -> Result<Decoded<T>, Problem> {
        loop {
            let limit = page_size.to_string();
            let mut query = self.query.clone();
            query.push(("limit", &limit));
            let response = api.call(self.operation, self.path, &query, options, &decode);
            match response.await {
                Err(problem) if is_too_large(&problem) && *page_size > 1 => *page_size /= 2,
                response => return response,
            }
        }
    }
}

/// How the objects of a resource are read, listed and watched.
pub(super) struct Resource {
    /// The operation name of a lookup.
    pub get: &'static str,
    /// The operation of a list.
    pub list: Operation,
    /// The operation name of a watch.
    pub watch: &'static str,
    /// The path of the API, and the plural name of the resource in it.
    pub path: (&'static str, &'static str),
    /// Decodes an object as a job.
    pub read: fn(&[u8], &Api, GetRequest<'_>) -> Result<GetResult, String>,
}

/// Reads one page of the objects of a resource, in a namespace or in all. `is_first` is true for the first
/// page of the first resource of a kind.
///
/// # Errors
/// As [`page`]; `not_found` if the list is empty because the specified namespace does not exist.
pub(super) async fn page_of<T: ApiObject>(
    api: &Api,
    resource: &'static Resource,
    list: ListRequest<'_>,
    is_first: bool,
    read: impl Fn(T, &Reference) -> GetResult + Sync + Send,
) -> Result<Page, Problem> {
    let namespace = list.scope.segment("NAMESPACE");
    let (group, plural) = resource.path;
    let path = path(group, namespace, plural);
    let address = |row: &T| {
        let (own, name) = row.metadata().address()?;
        match namespace {
            Some(namespace) => list.scope.reference(&[name]).filter(|_| own == namespace),
            None => list.scope.reference(&[own, name]),
        }
    };
    let decode = |body: &[u8]| {
        let mut objects: ObjectList<T> = lenient::decode_response(body)?;
        let rows = objects.take_rows()?;
        let page = Page::from_addressed_rows(list.cursor, None, rows, address, &read);
        Ok((page, objects.metadata.0.r#continue.0))
    };
    let operation = resource.list.name;
    let page = page(
        api,
        operation,
        &path,
        list.filter,
        list.cursor,
        list.options,
        decode,
    );
    let page = page.await?;
    let is_empty = page.rows.is_empty() && page.problems.is_empty() && is_first;
    if let Some(namespace) = namespace.filter(|_| is_empty && list.filter.checks_scope) {
        check_namespace(api, namespace, list.options).await?;
    }
    Ok(page)
}

/// Checks that a namespace exists, since the list of a missing namespace is empty. A namespace that cannot be
/// read is assumed to exist.
///
/// # Errors
/// `not_found`: the namespace does not exist.
async fn check_namespace(
    api: &Api,
    namespace: &str,
    options: &RequestOptions,
) -> Result<(), Problem> {
    let path = format!("/api/v1/namespaces/{}", percent_encode(namespace));
    let read = api.call(
        "ReadNamespace",
        &path,
        &[],
        options,
        |_| Ok::<_, String>(()),
    );
    match read.await {
        Err(problem) if problem.category == Category::NotFound => Err(problem),
        _ => Ok(()),
    }
}
