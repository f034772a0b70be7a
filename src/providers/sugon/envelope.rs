//! Decodes the envelope that surrounds the data of every response.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::errors::check_code;
use crate::providers::lenient::{
    self, Checked, Int, List, ListOrObject, OptionalObject, Required, Text,
};

#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Default + DeserializeOwned")]
struct ObjectResponse<T> {
    code: Checked<Text>,
    data: Checked<OptionalObject<T>>,
}

/// Decodes a response about one resource. Returns `None` if a success contains no data, which is how this cloud
/// reports a missing resource.
///
/// # Errors
/// A description of what was expected, such as `expected` in data.
pub(super) fn decode_data<T>(body: &[u8], expected: &str) -> Result<Option<T>, String>
where
    T: Default + PartialEq + DeserializeOwned,
{
    let envelope: ObjectResponse<T> = lenient::decode_response(body)?;
    check_code(&envelope.code)?;
    let data = envelope.data.value.0.map(|data| *data);
    let data = data.filter(|data| *data != T::default());
    match data.is_none() && envelope.data.is_unreadable {
        true => Err(format!("{expected} in data")),
        false => Ok(data),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Default + DeserializeOwned")]
struct ListResponse<T> {
    code: Checked<Text>,
    data: Required<ListOrObject<T, ListObject<T>>>,
}

/// A list inside an object, as in most lists of this cloud. The vendor's command-line tool reads one list directly
/// from `data`.
#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Default + DeserializeOwned")]
struct ListObject<T> {
    total: Int,
    data: Required<List<T>>,
    list: Required<List<T>>,
    records: Required<List<T>>,
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct ListPage<T> {
    /// Total number of rows.
    pub total: Option<i64>,
    /// The rows, which may have fewer fields than a lookup.
    pub rows: Vec<T>,
}

impl<T: Default + DeserializeOwned> ListPage<T> {
    /// Decodes a response without a failure.
    ///
    /// # Errors
    /// A description of what is missing in the response.
    pub(super) fn decode(body: &[u8]) -> Result<Self, String> {
        let envelope: ListResponse<T> = lenient::decode_response(body)?;
        check_code(&envelope.code)?;
        let (total, rows) = match envelope.data {
            Required::Present(ListOrObject {
                list: Some(rows), ..
            }) => (None, rows),
            Required::Present(ListOrObject {
                object: Some(inner),
                ..
            }) => {
                let (total, rows) = (inner.total.0, inner.data.or(inner.list).or(inner.records));
                (total, rows.rows("data", total)?)
            }
            // Null and an empty text mean that there are no rows.
            Required::Present(_) | Required::Empty | Required::Null => (None, Vec::new()),
            Required::Missing | Required::Unreadable => return Err("a list at data".to_owned()),
        };
        Ok(Self { total, rows })
    }
}
