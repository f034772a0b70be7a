//! The client of an account, and the operations of a kind that it is made of.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::list::not_listed;
use super::request::{BatchRequest, GetRequest, ListRequest};
use super::{
    CredentialInfo, Cursor, Filter, GetOptions, GetResult, LogChunk, LogRequest, LogSource, Page,
    ScopeListing, ScopePage,
};
use crate::error::Problem;
use crate::kind::Kind;
use crate::model::Job;
use crate::reference::{Reference, Scope};

/// One account of one cloud, whatever the cloud.
#[async_trait]
pub trait Client: Send + Sync {
    /// What all kinds of the account share.
    fn api(&self) -> &dyn CloudApi;

    /// Looks one job up.
    ///
    /// Address and region are filled. The common part is masked by the caller (see
    /// [`mask_job`](super::mask_job)), so that all clouds are masked alike; `details` and `raw` are
    /// masked by the kind that made them.
    ///
    /// # Errors
    /// An error of the cloud or of the connection.
    async fn get(&self, reference: &Reference, options: &GetOptions) -> Result<GetResult, Problem>;

    /// True when [`Client::batch_get`] is cheaper than a lookup of each of these references, which are
    /// of one kind.
    fn can_batch(&self, _references: &[Reference]) -> bool {
        false
    }

    /// True when a lookup that finds the end of this job sends a second request to confirm it.
    fn confirms_end(&self, _reference: &Reference) -> bool {
        false
    }

    /// What list calls report of several jobs of one kind: one entry for each reference, in their order;
    /// `None` for those that the lists do not contain.
    ///
    /// # Errors
    /// What went wrong on the way, so that nothing is known of any.
    async fn batch_get(
        &self,
        references: &[Reference],
        _options: &GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        Ok(references.iter().map(|_| None).collect())
    }

    /// One page of a scope, newest first where the cloud can sort; `at` is the `next` of the page
    /// before it. [`list_all`](super::list_all()) requests all of them.
    ///
    /// Rows contain less than a lookup: no parts, no events, no document of the cloud's own. They are
    /// addressed and masked as in [`Client::get`]. Filters that the cloud supports are part of the request;
    /// all of `filter` is the caller's to apply.
    ///
    /// # Errors
    /// An error of the cloud or of the connection; `usage` for a kind that cannot be listed.
    async fn list(
        &self,
        scope: &Scope,
        _filter: &Filter,
        _at: Cursor,
        _options: &GetOptions,
    ) -> Result<Page, Problem> {
        Err(not_listed(scope.kind))
    }

    /// The logs of a job that was looked up, init containers first.
    fn log_sources(&self, _reference: &Reference, job: &Job) -> Vec<LogSource> {
        LogSource::of_job(job)
    }

    /// One piece of a log, for kinds whose [`Kind::logs`] is an operation. Its text is not masked.
    ///
    /// # Errors
    /// An error of the cloud or of the connection; `not_found` where the log is not there;
    /// `usage` for a kind without such an operation.
    async fn read_log(&self, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        Err(request.unsupported())
    }

    /// Checks whether a job exists, for kinds with [`Kind::needs_check_exists`].
    ///
    /// # Errors
    /// `not_found` when it does not exist, or what went wrong.
    async fn check_exists(
        &self,
        _reference: &Reference,
        _options: &GetOptions,
    ) -> Result<(), Problem> {
        Ok(())
    }
}

/// What all kinds of a cloud share: an account with its endpoint.
#[async_trait]
pub trait CloudApi: Send + Sync {
    /// Scheme, host and port that are queried; `None` while it has not been read from the cloud.
    fn endpoint(&self) -> Option<String>;

    /// The URL of the proxy that the profile names, its name and password masked.
    fn proxy(&self) -> Option<String> {
        None
    }

    /// What is known of the account's credential without a request.
    fn credential(&self) -> CredentialInfo;

    /// How far the clocks of the servers are known to be ahead of the local one.
    fn clock_ahead(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    /// One page of the scopes of this account that contain jobs, such as clusters; `listing` is one
    /// of its cloud's, `profile` the profile's name, for their references.
    ///
    /// # Errors
    /// The error of the cloud, or of the connection; `usage` where jobs are in no clusters.
    async fn list_scopes(
        &self,
        _listing: &'static ScopeListing,
        _profile: &str,
        _at: Cursor,
        _options: &GetOptions,
    ) -> Result<ScopePage, Problem> {
        Err(Problem::usage("its jobs are in no clusters"))
    }

    /// Those of the optional kinds of a listing whose lists may contain jobs: all that are not known to be
    /// missing.
    async fn served_kinds(
        &self,
        listing: &'static ScopeListing,
        _options: &GetOptions,
    ) -> Vec<&'static Kind> {
        listing.optional_kinds.to_vec()
    }
}

/// What lists report of several jobs, in their order; `None` where the kind has no list of its own for it.
pub(super) type BatchResult = Result<Option<Vec<Option<GetResult>>>, Problem>;

/// The operations of one kind on the API of its cloud. What each does is described at [`Client`].
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

    /// As [`Client::batch_get`], for kinds with [`Kind::batch_from`] whose lists need more than
    /// [`batch`](super::batch) does; `None` for the others.
    async fn batch_get(&self, _api: &A, _batch: BatchRequest<'_>) -> BatchResult {
        Ok(None)
    }

    /// What the jobs of a list by ids must have in common, such as a workspace; `None` where it is not
    /// known of this one.
    fn batch_group(&self, _api: &A, _id: &str) -> Option<String> {
        None
    }

    /// As [`Client::list`], for kinds with [`Kind::list`].
    async fn list(&self, _api: &A, list: ListRequest<'_>) -> Result<Page, Problem> {
        let kind = list.scope.kind;
        Err(not_listed(kind))
    }

    /// As [`Client::log_sources`].
    fn log_sources(&self, kind: &Kind, job: &Job) -> Vec<LogSource> {
        LogSource::of_kind(kind, job)
    }

    /// As [`Client::read_log`], for kinds whose [`Kind::logs`] is an operation.
    async fn read_log(&self, _api: &A, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        Err(request.unsupported())
    }

    /// As [`Client::check_exists`], for kinds with [`Kind::needs_check_exists`].
    async fn check_exists(&self, _api: &A, _lookup: GetRequest<'_>) -> Result<(), Problem> {
        Ok(())
    }
}
