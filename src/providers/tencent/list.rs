//! Reads lists of API 3.0.

use serde::de::DeserializeOwned;

use super::{Api, decode_product};
use crate::providers::prelude::*;
use crate::providers::products::Product;

/// A row of a list.
pub(super) trait Row: DeserializeOwned + Send {
    /// The product that the list belongs to.
    const PRODUCT: &'static Product;
    /// The operation that returns the list.
    const OPERATION: &'static str;
    /// The field of the response with the rows.
    const FIELD: &'static str;
    /// Maximum number of rows per page.
    const PAGE_SIZE: usize;
    /// `true` if the order of the list is undocumented and cannot be chosen.
    const IS_UNSORTED: bool;

    /// Returns the id; `None` if it is missing or unreadable.
    fn id(&self) -> Option<&str>;

    /// Converts the row to a job.
    fn into_result(self, api: &Api, lookup: GetRequest<'_>) -> GetResult;
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

/// Requests a page of a list; offset and limit are added to `parameters`.
///
/// # Errors
/// The errors of [`Api::call_product`].
pub(super) async fn list<R: Row>(
    api: &Api,
    list: ListRequest<'_>,
    mut parameters: Value,
) -> Result<Page, Problem> {
    parameters["Offset"] = list.cursor.offset.into();
    parameters["Limit"] = list.filter.page_size(R::PAGE_SIZE).into();
    let decode = |body: &[u8]| -> Result<_, String> {
        let response: ListResponse<R> = decode_product(body)?;
        let (total, request_id) = (response.total_count.0, response.request_id.0);
        let rows = response.rows.rows(R::FIELD, total)?;
        let read = |row: R, lookup: GetRequest<'_>| row.into_result(api, lookup);
        let page = list.page(total, rows, R::id, read);
        Ok(Page {
            // Without a total, only rows in common show that no row has left the list between two pages.
            may_overlap: R::IS_UNSORTED || page.total.is_none(),
            ..page.with_request_id(&request_id)
        })
    };
    let (product, operation) = (R::PRODUCT, R::OPERATION);
    let result = api.call_product(product, operation, &parameters, list.options, decode);
    result.await.map(Decoded::into_page)
}
