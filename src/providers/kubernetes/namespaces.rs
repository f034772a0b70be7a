//! Lists the namespaces of a cluster as scopes.

use serde::Deserialize;

use super::job::JOB;
use super::object::{ObjectList, ObjectMeta};
use super::{Api, list};
use crate::error::Problem;
use crate::model::ScopeSummary;
use crate::providers::lenient::{self, DefaultObject, Text};
use crate::providers::{Cursor, Filter, RequestOptions, ScopePage};
use crate::reference::Scope;

pub(super) const LIST: &str = "ListNamespace";

const PATH: &str = "/api/v1/namespaces";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Namespace {
    metadata: DefaultObject<ObjectMeta>,
    status: DefaultObject<NamespaceStatus>,
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
pub(super) async fn list(
    api: &Api,
    profile: &str,
    cursor: Cursor,
    options: &RequestOptions,
) -> Result<ScopePage, Problem> {
    let decode = |body: &[u8]| {
        let mut list: ObjectList<Namespace> = lenient::decode_response(body)?;
        let rows = list.take_rows()?;
        let page = ScopePage::from_rows(
            cursor,
            None,
            rows,
            |row| {
                let DefaultObject(meta) = row.metadata;
                let name = meta.name.value.trimmed()?;
                Some(ScopeSummary {
                    scope: Scope::at(&JOB, profile, &[name])?.to_string(),
                    name: Some(name.to_owned()),
                    status: row.status.0.phase.0,
                    created_at: meta.creation_timestamp.utc(),
                    region: Some(api.host().to_owned()),
                    details: None,
                })
            },
            |scope| scope.scope.clone(),
        );
        Ok((page, list.metadata.0.r#continue.0))
    };
    list::page(api, LIST, PATH, &Filter::default(), cursor, options, decode).await
}
