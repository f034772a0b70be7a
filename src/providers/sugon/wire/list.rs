use serde::Deserialize;

use super::{Instance, job};
use crate::providers::lenient::{self, Int, List, OptionalObject, Text};
use crate::providers::wall_clock::WallClock;
use crate::providers::{GetOptions, GetResult};
use crate::reference::Reference;

/// One page of the list of instances.
pub struct ListPage {
    /// How many instances there are in all.
    pub total: Option<i64>,
    /// Instances without much that a look at one tells.
    pub rows: Vec<Row>,
}

/// One instance of the list.
pub struct Row(Instance);

/// The list itself as data, as the vendor's command-line tool reads it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DataList {
    code: Text,
    #[serde(deserialize_with = "lenient::deserialize_some")]
    data: Option<List<Instance>>,
}

/// The list within data, as this cloud's other lists have it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DataObject {
    code: Text,
    data: OptionalObject<ListObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListObject {
    total: Int,
    data: Option<List<Instance>>,
    list: Option<List<Instance>>,
    records: Option<List<Instance>>,
}

impl ListPage {
    /// Reads a page that [`super::refusal`] let pass.
    ///
    /// # Errors
    /// What was expected and not there.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        let (code, total, instances) = match lenient::decode::<DataList>(body) {
            Ok(bare) => (bare.code, None, bare.data),
            Err(_) => {
                let wrapped: DataObject = lenient::decode(body)?;
                let inner = wrapped.data.0.map(|inner| *inner).unwrap_or_default();
                let instances = inner.data.or(inner.list).or(inner.records);
                let none = (inner.total.0 == Some(0)).then(List::default);
                (wrapped.code, inner.total.0, instances.or(none))
            }
        };
        if code.trimmed() != Some("0") {
            return Err("code 0".to_owned());
        }
        let List(instances) = instances.ok_or("a list in data")?;
        Ok(Self {
            total,
            rows: instances.into_iter().map(Row).collect(),
        })
    }
}

impl Row {
    /// The id of the instance.
    pub fn id(&self) -> Option<&str> {
        self.0.id.trimmed()
    }

    /// The instance as far as the list tells it.
    pub fn into_result(
        self,
        reference: &Reference,
        ask: &GetOptions,
        clock: WallClock,
    ) -> GetResult {
        let mut notices = Vec::new();
        let job = job(self.0, reference, ask, clock, &mut notices);
        GetResult { job, notices }
    }
}

#[cfg(test)]
mod tests;
