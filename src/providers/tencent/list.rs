//! Lists of API 3.0.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Api, decode_product};
use crate::error::Problem;
use crate::providers::api::Decoded;
use crate::providers::lenient::{Int, List, Required, Text};
use crate::providers::products::Product;
use crate::providers::{Cursor, Filter, GetOptions, GetResult, Page};
use crate::reference::{Reference, Scope};

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

/// One page of a list that is asked for with these parameters besides its place and size.
///
/// # Errors
/// As [`Api::call_product`].
pub(super) async fn list<R: Row>(
    api: &Api,
    scope: &Scope,
    mut parameters: Value,
    filter: &Filter,
    at: Cursor,
    options: &GetOptions,
) -> Result<Page, Problem> {
    parameters["Offset"] = at.offset.into();
    parameters["Limit"] = filter.page_size(R::PAGE_SIZE).into();
    let decode = |body: &[u8]| -> Result<_, String> {
        let response: ListResponse<R> = decode_product(body)?;
        let (total, request_id) = (response.total_count.0, response.request_id.0);
        let rows = response.rows.rows("of rows", total)?;
        let address = |row: &R| scope.reference(&[row.id()?]);
        let read = |row: R, reference: &Reference| {
            let found = row.into_result(reference, api, options);
            found.with_request_id(request_id.clone())
        };
        Ok(Page::from_addressed_rows(at, total, rows, address, read))
    };
    let (product, operation) = (R::PRODUCT, R::OPERATION);
    let found = api.call_product(product, operation, &parameters, options, decode);
    found.await.map(Decoded::into_page)
}
