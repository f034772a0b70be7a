//! The services of a namespace, which come on one page.

use super::wire::{self, ServiceRow};
use super::{Client, LIST};
use crate::error::Problem;
use crate::providers::{Ask, Cursor, Page};
use crate::reference::Scope;

impl Client {
    /// All services of a namespace of a cluster.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn services(&self, scope: &Scope, ask: &Ask) -> Result<Page, Problem> {
        let segment = |name| scope.segment(name).unwrap_or_default();
        let namespace = segment("NAMESPACE");
        let request = self.call(
            LIST,
            &[("clusterId", segment("CLUSTER")), ("namespace", namespace)],
        );
        let answer = self.send(&request, ask).await?;
        let rows = wire::read_services(&answer.body, namespace)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))?;
        let total = i64::try_from(rows.len()).ok();
        let found = |row: ServiceRow, reference: &_| {
            row.into_found(reference, Some(&self.region), self.clock)
        };
        let address = |row: &ServiceRow| scope.reference(&[row.name()?]);
        Ok(Page::of(Cursor::FIRST, total, rows, address, found))
    }
}
