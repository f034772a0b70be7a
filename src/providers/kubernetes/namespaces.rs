//! Lists the namespaces of a cluster as scopes.

use serde::Deserialize;

use super::object::{ObjectList, ObjectMeta};
use super::{Api, list};
use crate::error::Problem;
use crate::model::ScopeSummary;
use crate::providers::lenient::{self, DefaultObject, Text};
use crate::providers::{Filter, ScopeListRequest, ScopePage};

pub(super) const LIST: &str = "ListNamespace";

const PATH: &str = "/api/v1/namespaces";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Namespace {
    metadata: DefaultObject<ObjectMeta>,
    status: DefaultObject<NamespaceStatus>,
}

impl Namespace {
    fn name(&self) -> Option<&str> {
        self.metadata.0.name.value.trimmed()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamespaceStatus {
    phase: Text,
}

/// Lists one page of the namespaces.
///
/// # Errors
/// An error of the server or of the connection.
pub(super) async fn list(api: &Api, request: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
    let decode = |body: &[u8]| {
        let mut list: ObjectList<Namespace> = lenient::decode_response(body)?;
        let rows = list.take_rows()?;
        let read = |row: Namespace, scope| ScopeSummary {
            scope,
            name: row.name().map(str::to_owned),
            status: row.status.0.phase.0,
            created_at: row.metadata.0.creation_timestamp.utc(),
            region: Some(api.host().to_owned()),
            details: None,
        };
        let page = request.page(None, rows, Namespace::name, read);
        Ok((page, list.metadata.0.r#continue.0))
    };
    let (filter, options) = (Filter::default(), request.options);
    list::page(api, LIST, PATH, &filter, request.cursor, options, decode).await
}
