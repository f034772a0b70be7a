//! Lookups and lists of API 3.0.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Api, Product, decode_product};
use crate::error::Problem;
use crate::model::{Job, Notice, NoticeCode};
use crate::providers::api::{DecodeError, Decoded};
use crate::providers::lenient::{Int, List, Required, Text};
use crate::providers::{Cursor, GetOptions, GetResult, Page, is_list_unavailable, raw};
use crate::reference::{Reference, Scope};
use crate::sync::lock;

/// A lookup that calls several operations.
pub(super) struct Lookup<'a> {
    pub api: &'a Api,
    pub product: &'static Product,
    pub options: &'a GetOptions,
    responses: Mutex<Responses>,
}

/// What the calls have left beside their data.
#[derive(Default)]
struct Responses {
    /// The documents by operation and part.
    documents: Map<String, Value>,
    /// True where one is too deeply nested to be kept.
    is_incomplete: bool,
    notices: Vec<Notice>,
}

impl<'a> Lookup<'a> {
    pub fn new(api: &'a Api, product: &'static Product, options: &'a GetOptions) -> Self {
        Self {
            api,
            product,
            options,
            responses: Mutex::default(),
        }
    }

    /// Calls an operation whose response is decoded and then checked by `read`.
    ///
    /// # Errors
    /// As [`Api::call_product`].
    pub async fn call<W: DeserializeOwned + Default, T: Send>(
        &self,
        operation: &'static str,
        parameters: Value,
        read: impl FnOnce(W) -> Result<T, DecodeError> + Send,
    ) -> Result<T, Problem> {
        self.call_part(operation, None, parameters, read).await
    }

    /// Calls an operation that reports a part of a job, or something about it; `None` and a notice where
    /// it fails. `part` is the name of the part, where there are several.
    pub async fn part<W: DeserializeOwned + Default + Send>(
        &self,
        operation: &'static str,
        part: Option<&str>,
        parameters: Value,
    ) -> Option<W> {
        let read = |wire: W| Ok::<_, DecodeError>(wire);
        match self.call_part(operation, part, parameters, read).await {
            Ok(data) => Some(data),
            Err(problem) => {
                let hint = problem
                    .hint
                    .map_or_else(String::new, |hint| format!("; {hint}"));
                let what = format!("{operation} failed: {}{hint}", problem.message);
                self.note(NoticeCode::PartsUnread, what);
                None
            }
        }
    }

    /// Adds a notice.
    pub fn note(&self, code: NoticeCode, message: String) {
        lock(&self.responses)
            .notices
            .push(Notice::new(code, message));
    }

    /// True unless a part could not be read.
    pub fn is_whole(&self) -> bool {
        let responses = lock(&self.responses);
        let mut codes = responses.notices.iter().map(|notice| notice.code);
        codes.all(|code| code != NoticeCode::PartsUnread)
    }

    /// The job with what the calls have left.
    pub fn into_result(self, mut job: Job, mut notices: Vec<Notice>) -> GetResult {
        let responses = self
            .responses
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        notices.extend(responses.notices);
        // What is true of many parts is said once.
        let mut known = HashSet::new();
        notices.retain(|notice| known.insert(notice.clone()));
        raw::attach(&mut job, &mut notices, self.options, || {
            (!responses.is_incomplete).then_some(Value::Object(responses.documents))
        });
        GetResult { job, notices }
    }

    async fn call_part<W: DeserializeOwned + Default, T: Send>(
        &self,
        operation: &'static str,
        part: Option<&str>,
        parameters: Value,
        read: impl FnOnce(W) -> Result<T, DecodeError> + Send,
    ) -> Result<T, Problem> {
        let decode = |body: &[u8]| {
            let data = read(decode_product(body)?)?;
            if self.options.raw {
                self.keep(operation, part, raw::document(body, self.options));
            }
            Ok::<_, DecodeError>(data)
        };
        let (api, options) = (self.api, self.options);
        let called = api.call_product(self.product, operation, &parameters, options, decode);
        let found = called.await?;
        lock(&self.responses).notices.extend(found.unreadable);
        Ok(found.data)
    }

    fn keep(&self, operation: &str, part: Option<&str>, document: Option<Value>) {
        let mut responses = lock(&self.responses);
        let Some(document) = document else {
            responses.is_incomplete = true;
            return;
        };
        let of_operation = responses.documents.entry(operation).or_insert(Value::Null);
        match part {
            None => *of_operation = document,
            Some(part) => of_operation[part] = document,
        }
    }
}

/// A row of a list.
pub(super) trait Row: DeserializeOwned + Send {
    /// The product that has the list.
    const PRODUCT: &'static Product;
    /// The operation that gives the list.
    const OPERATION: &'static str;
    /// The most rows of a page that the cloud allows.
    const PAGE_SIZE: usize;

    /// The id; `None` for a row without one that can be read.
    fn id(&self) -> Option<&str>;

    /// What the row reports of a job.
    fn into_result(self, reference: &Reference, api: &Api, options: &GetOptions) -> GetResult;
}

#[derive(Deserialize)]
#[serde(default, rename_all = "PascalCase", bound = "R: Deserialize<'de>")]
struct ListResponse<R> {
    total_count: Int,
    #[serde(alias = "TrainingTaskSet", alias = "JobSet")]
    rows: Required<List<R>>,
    request_id: Text,
}

impl<R> Default for ListResponse<R> {
    fn default() -> Self {
        Self {
            total_count: Int::default(),
            rows: Required::Missing,
            request_id: Text::default(),
        }
    }
}

/// The rows that one call gives, with the count of all rows and the id of the request.
struct Rows<R> {
    rows: Vec<R>,
    total: Option<i64>,
    request_id: Option<String>,
}

async fn rows<R: Row>(
    api: &Api,
    parameters: &Value,
    options: &GetOptions,
) -> Result<Decoded<Rows<R>>, Problem> {
    let decode = |body: &[u8]| -> Result<_, String> {
        let response: ListResponse<R> = decode_product(body)?;
        let total = response.total_count.0;
        Ok(Rows {
            rows: response.rows.rows("of rows", total)?,
            total,
            request_id: response.request_id.0,
        })
    };
    let (product, operation) = (R::PRODUCT, R::OPERATION);
    api.call_product(product, operation, parameters, options, decode)
        .await
}

/// One page of a list that is asked for with these parameters besides its place.
///
/// # Errors
/// As [`Api::call_product`].
pub(super) async fn list<R: Row>(
    api: &Api,
    scope: &Scope,
    mut parameters: Value,
    page_rows: usize,
    at: Cursor,
    options: &GetOptions,
) -> Result<Page, Problem> {
    parameters["Offset"] = at.offset.into();
    parameters["Limit"] = page_rows.into();
    let found = rows::<R>(api, &parameters, options).await?;
    let Rows {
        rows,
        total,
        request_id,
    } = found.data;
    let address = |row: &R| scope.reference(&[row.id()?]);
    let read = |row: R, reference: &Reference| {
        let found = row.into_result(reference, api, options);
        found.with_request_id(request_id.clone())
    };
    let mut page = Page::from_addressed_rows(at, total, rows, address, read);
    page.notices.extend(found.unreadable);
    Ok(page)
}

/// What lists by id report of each of the references; `None` for all of them where the cloud gives no
/// such list, so that each is looked up. `parameters` makes the filter for some ids.
///
/// # Errors
/// As [`Api::call_product`].
pub(super) async fn batch_get<R: Row>(
    api: &Api,
    references: &[Reference],
    parameters: fn(&[&str]) -> Value,
    options: &GetOptions,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let pages = references.chunks(R::PAGE_SIZE).map(async |references| {
        let ids: Vec<&str> = references.iter().map(Reference::id).collect();
        let mut parameters = parameters(&ids);
        parameters["Limit"] = R::PAGE_SIZE.into();
        rows::<R>(api, &parameters, options).await
    });
    let mut found = HashMap::new();
    for page in join_all(pages).await {
        let page = match page {
            Ok(page) => page,
            Err(problem) if is_list_unavailable(&problem) => continue,
            Err(problem) => return Err(problem),
        };
        let rows = page.data.rows.into_iter();
        let rows = rows.filter_map(|row| Some((row.id()?.to_owned(), row)));
        found.extend(rows.map(|(id, row)| (id, (row, page.unreadable.clone()))));
    }
    let read = |reference: &Reference| {
        let (row, unreadable) = found.remove(reference.id())?;
        let mut found = row.into_result(reference, api, options);
        found.notices.extend(unreadable);
        Some(found)
    };
    Ok(references.iter().map(read).collect())
}
