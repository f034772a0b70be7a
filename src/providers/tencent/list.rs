//! What there is: the clusters of a region by pages, and the services of a cluster, which come on
//! one page.

use super::wire::{self, ServiceRow};
use super::{CLOUD, CLUSTERS, Client, LIST};
use crate::error::Problem;
use crate::providers::{Cursor, GetOptions, Page, ScopePage};
use crate::reference::Scope;

/// How many clusters a page is asked to hold: as many as the cloud gives when nobody says, since
/// it does not document how many it would.
const CLUSTERS_PAGE_SIZE: usize = 20;

impl Client {
    /// All services of a cluster, or of one namespace of it.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn services(&self, scope: &Scope, ask: &GetOptions) -> Result<Page, Problem> {
        let namespace = scope.segment("NAMESPACE");
        let cluster = scope.segment("CLUSTER").unwrap_or_default();
        let of = match namespace {
            Some(namespace) => ("namespace", namespace),
            None => ("allnamespace", "1"),
        };
        let request = self.call(LIST, &[("clusterId", cluster), of]);
        let answer = self.send(&request, ask).await?;
        let rows = wire::read_services(&answer.body, namespace)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))?;
        let total = i64::try_from(rows.len()).ok();
        let found = |row: ServiceRow, reference: &_| {
            row.into_result(reference, Some(&self.region), self.clock)
        };
        let address = |row: &ServiceRow| match namespace {
            Some(_) => scope.reference(&[row.name()?]),
            None => scope.reference(&[row.namespace()?, row.name()?]),
        };
        Ok(Page::from_addressed_rows(
            Cursor::FIRST,
            total,
            rows,
            address,
            found,
        ))
    }

    /// One page of the clusters of the region, newest first.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn clusters(
        &self,
        profile: &str,
        at: Cursor,
        ask: &GetOptions,
    ) -> Result<ScopePage, Problem> {
        let (offset, limit) = (at.offset.to_string(), CLUSTERS_PAGE_SIZE.to_string());
        let request = self.call(CLUSTERS, &[("offset", &offset), ("limit", &limit)]);
        let answer = self.send(&request, ask).await?;

        let scope_of =
            |id: &str| Scope::at(CLOUD.kinds[0], profile, &[id]).map(|scope| scope.to_string());
        wire::read_clusters(&answer.body, at, &self.region, self.clock, scope_of)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))
    }
}
