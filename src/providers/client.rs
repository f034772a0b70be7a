//! Defines the client of an account and the operations of a kind.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::request::{BatchRequest, GetRequest, ListRequest, ScopeListRequest};
use super::{
    CredentialInfo, Cursor, Filter, GetResult, LogChunk, LogRequest, LogSource, Page,
    RequestOptions, ScopeListSpec, ScopePage,
};
use crate::error::Problem;
use crate::kind::Kind;
use crate::model::Job;
use crate::reference::{Reference, Scope};

/// The client of one account of any cloud.
#[async_trait]
pub trait Client: Send + Sync {
    /// Returns the parts of the client that all kinds share.
    fn api(&self) -> &dyn CloudApi;

    /// Looks up one job.
    ///
    /// The result contains the reference and the region. The caller masks the fields that all clouds have (see
    /// [`mask_job`](super::mask_job)), so that they are masked in the same way; the kind masks `details` and
    /// `raw`.
    ///
    /// # Errors
    /// An error of the cloud or the connection.
    async fn get(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<GetResult, Problem>;

    /// Returns `true` if [`Client::batch_get`] is cheaper than single lookups of these references, which are of
    /// one kind.
    fn can_batch(&self, _references: &[Reference]) -> bool {
        false
    }

    /// Returns `true` if a lookup that finds this job ended sends a second request to confirm it.
    fn confirms_end(&self, _reference: &Reference) -> bool {
        false
    }

    /// Looks up several jobs of one kind with list requests. Returns one entry per reference, in the same
    /// order; `None` for jobs that the lists do not contain.
    ///
    /// # Errors
    /// The problem of a list request; then no job was looked up.
    async fn batch_get(
        &self,
        references: &[Reference],
        _options: &RequestOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        Ok(references.iter().map(|_| None).collect())
    }

    /// Lists one page of a scope, newest jobs first if the cloud can sort. `cursor` is the `next` of the page
    /// before. [`list_all`](super::list_all()) requests all pages.
    ///
    /// Rows contain less than a lookup: no parts, no events and no raw response. References and masks are as in
    /// [`Client::get`]. Filters that the cloud supports are part of the request; the caller must still apply
    /// all of `filter`.
    ///
    /// # Errors
    /// An error of the cloud or the connection; `usage` for a kind that cannot be listed.
    async fn list(
        &self,
        scope: &Scope,
        _filter: &Filter,
        _cursor: Cursor,
        _options: &RequestOptions,
    ) -> Result<Page, Problem> {
        Err(scope.kind.not_listed())
    }

    /// Returns the logs of a job that was looked up, init containers first.
    fn log_sources(&self, _reference: &Reference, job: &Job) -> Vec<LogSource> {
        LogSource::of_job(job)
    }

    /// Reads one piece of a log, for kinds whose [`Kind::logs`] is an operation. The text is not masked.
    ///
    /// # Errors
    /// An error of the cloud or the connection; `not_found` if the log does not exist; `usage` for a kind
    /// without such an operation.
    async fn read_log(&self, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        Err(request.unsupported())
    }

    /// Checks whether a job exists, for kinds with [`Kind::needs_check_exists`].
    ///
    /// # Errors
    /// `not_found` if it does not exist; an error of the cloud or the connection.
    async fn check_exists(
        &self,
        _reference: &Reference,
        _options: &RequestOptions,
    ) -> Result<(), Problem> {
        Ok(())
    }
}

/// The parts of a client that all kinds of a cloud share: an account with its endpoint.
#[async_trait]
pub trait CloudApi: Send + Sync {
    /// Returns scheme, host and port of the endpoint; `None` until it has been read from the cloud.
    fn endpoint(&self) -> Option<String>;

    /// Returns the URL of the profile's proxy, with its user name and password masked.
    fn proxy(&self) -> Option<String> {
        None
    }

    /// Describes the account's credential without a request.
    fn credential(&self) -> CredentialInfo;

    /// Returns how far the server's clock is ahead of the local one, as far as responses have shown it.
    fn clock_ahead(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    /// Forgets what earlier responses have shown about a job, because its reference belongs to another one now.
    fn forget(&self, _reference: &Reference) {}

    /// Lists one page of the scopes of this account that contain jobs, such as clusters.
    ///
    /// # Errors
    /// An error of the cloud or the connection; `usage` if jobs are in no such scope.
    async fn list_scopes(&self, _request: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
        Err(Problem::usage("jobs of this cloud are not in clusters"))
    }

    /// Returns the optional kinds of a listing that the server may have: all that are not known to be missing.
    async fn served_kinds(
        &self,
        listing: &'static ScopeListSpec,
        _options: &RequestOptions,
    ) -> Vec<&'static Kind> {
        listing.optional_kinds.to_vec()
    }
}

/// The result of [`KindOps::batch_get`]: one entry per reference, or `None` if the kind does not implement it.
pub(super) type BatchResult = Result<Option<Vec<Option<GetResult>>>, Problem>;

/// The operations of one kind on the API of its cloud. See [`Client`] for what each one does.
#[async_trait]
pub(super) trait KindOps<A: Sync>: Sync {
    /// As [`Client::get`].
    async fn get(&self, api: &A, lookup: GetRequest<'_>) -> Result<GetResult, Problem>;

    /// As [`Client::can_batch`].
    fn can_batch(&self, _api: &A, references: &[Reference]) -> bool {
        let first = references.first();
        let min = first.and_then(|first| first.kind.batch_from);
        min.is_some_and(|min| references.len() >= min)
    }

    /// As [`Client::confirms_end`].
    fn confirms_end(&self, _reference: &Reference) -> bool {
        false
    }

    /// Like [`Client::batch_get`], for kinds with [`Kind::batch_from`] whose lists need more than
    /// [`batch`](super::batch) provides; `None` for other kinds.
    async fn batch_get(&self, _api: &A, _batch: BatchRequest<'_>) -> BatchResult {
        Ok(None)
    }

    /// Returns the property, such as a workspace, that all jobs of one list by ids must share; `None` if it is
    /// not known for this job.
    fn batch_group(&self, _api: &A, _id: &str) -> Option<String> {
        None
    }

    /// Like [`Client::list`], for kinds with [`Kind::list`].
    async fn list(&self, _api: &A, list: ListRequest<'_>) -> Result<Page, Problem> {
        Err(list.scope.kind.not_listed())
    }

    /// As [`Client::log_sources`].
    fn log_sources(&self, kind: &Kind, job: &Job) -> Vec<LogSource> {
        LogSource::of_kind(kind, job)
    }

    /// Like [`Client::read_log`], for kinds whose [`Kind::logs`] is an operation.
    async fn read_log(&self, _api: &A, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        Err(request.unsupported())
    }

    /// Like [`Client::check_exists`], for kinds with [`Kind::needs_check_exists`].
    async fn check_exists(&self, _api: &A, _lookup: GetRequest<'_>) -> Result<(), Problem> {
        Ok(())
    }
}
