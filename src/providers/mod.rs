//! Registry of the supported clouds: their names, kinds, settings and clients.
//!
//! Each cloud is a folder and an entry in [`CLOUDS`].

pub mod aliyun;
mod api;
mod batch;
mod changes;
mod client;
mod cloud_client;
mod details_schema;
mod endpoints;
mod errors;
mod event_order;
mod get_result;
pub mod huawei;
pub mod kubernetes;
mod latest;
mod list;
mod list_all;
mod listed_ends;
mod log_source;
mod logs;
mod mask;
mod prelude;
mod products;
mod raw;
mod request;
mod request_id;
mod runs;
mod slurm;
pub mod states;
pub mod sugon;
pub mod tencent;
#[cfg(test)]
pub(crate) mod test_support;
mod wall_clock;

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::credentials::{
    CredentialChain, CredentialInfo, CredentialSource, SourceCache, check_source,
};
use crate::error::{Category, Problem};
use crate::http::{Deadline, Endpoint, Transport};
use crate::kind::{DetailTypes, Kind, KindFlag};
pub use crate::lenient;
use crate::model::{Job, Notice};
use crate::reference::Reference;
use crate::settings::{Profile, Settings, SettingsSchema};
use client::{BatchResult, KindOps};
use cloud_client::{CloudClient, KindEntry, kinds_of};
use list::{count_distinct, has_more, is_list_unavailable};
use logs::{FilePart, LogFile, REPLACED_LOG, REPLACEMENT, continues, log_text, read_file};
use request::{BatchRequest, GetRequest, ListRequest};

pub use changes::Changes;
pub use client::{Client, CloudApi};
pub use details_schema::describe_details;
pub use latest::latest;
pub use list::{COMPARED_FIELDS, Cursor, Filter, Page, ScopePage};
pub use list_all::{ListStats, Truncation, list_all, list_all_scopes, ready};
pub use logs::{
    COMPARED_BYTES, LogBody, LogChunk, LogParams, LogPosition, LogRequest, LogSource, NOT_STARTED,
};
pub use mask::{RECORDING_MASKS, mask_job, mask_row_ids, mask_scope};
pub use request::{EventDetail, ScopeListRequest};

/// All supported clouds.
pub static CLOUDS: [&Cloud; 5] = [
    &aliyun::CLOUD,
    &sugon::CLOUD,
    &huawei::CLOUD,
    &tencent::CLOUD,
    &kubernetes::CLOUD,
];

/// Returns the domains of the public hosts of all clouds.
fn all_public_domains() -> &'static [&'static str] {
    static DOMAINS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let domains = CLOUDS.iter().flat_map(|cloud| cloud.public_domains);
        domains.copied().collect()
    });
    &DOMAINS
}

/// A supported cloud.
pub struct Cloud {
    /// Schema of the settings of its profiles, with its long name.
    pub schema: &'static SettingsSchema,
    /// Kinds of jobs that joblens can read.
    pub kinds: &'static [&'static Kind],
    /// Listings of the scopes that contain jobs, such as clusters; empty if jobs are in no such scope.
    pub scope_listings: &'static [ScopeListSpec],
    /// Schemas of the `details` of its scopes.
    pub scope_details: DetailTypes,
    /// Settings that suffice for a profile.
    pub minimal_keys: &'static [&'static str],
    /// Tools of this cloud that store credentials in files, in the order in which they are read.
    pub(crate) sources: &'static [CredentialSource],
    /// Domains of its public hosts.
    pub public_domains: &'static [&'static str],
    /// Returns the endpoint that the plain settings define.
    ///
    /// # Errors
    /// `missing_credentials` for a missing setting, which a credential source can still provide; `usage` for
    /// settings that cannot be used.
    pub endpoint: fn(&Profile, &Transport) -> Result<Endpoint, Problem>,
    /// Creates the client of a profile without sending a request.
    ///
    /// # Errors
    /// `missing_credentials` or `usage`, with the settings to add or correct.
    pub new_client: NewClient,
}

impl Cloud {
    /// Returns the long name.
    pub fn name(&self) -> &'static str {
        self.schema.cloud
    }

    /// Checks the plain settings before any credential is read, because invalid ones are wrong with any
    /// credential. Returns the endpoint if they define one.
    ///
    /// # Errors
    /// `usage`, with the name of the setting.
    pub fn check_settings(
        &self,
        plain: &Profile,
        transport: &Transport,
    ) -> Result<Option<Endpoint>, Problem> {
        check_source(plain, self.sources)?;
        endpoints::check(plain, self.schema.keys, transport.options().allow_http)?;
        match (self.endpoint)(plain, transport) {
            Ok(endpoint) => Ok(Some(endpoint)),
            Err(problem) if problem.category == Category::Usage => Err(problem),
            Err(_) => Ok(None),
        }
    }

    /// Checks the service addresses, also those that are not needed, and creates the client of a profile without
    /// sending a request.
    ///
    /// # Errors
    /// `missing_credentials` or `usage`, with the settings to add or correct.
    pub fn client(
        &self,
        profile: &Profile,
        transport: &Arc<Transport>,
    ) -> Result<Box<dyn Client>, Problem> {
        endpoints::check(profile, self.schema.keys, transport.options().allow_http)?;
        (self.new_client)(profile, transport)
    }
}

/// A listing of scopes that contain jobs, such as clusters.
#[derive(Debug)]
pub struct ScopeListSpec {
    /// Kinds of the jobs in the scopes; the listed scopes are scopes of the first kind.
    pub kinds: &'static [&'static Kind],
    /// Kinds that a server may lack. Their jobs are listed across all scopes at once.
    pub optional_kinds: &'static [&'static Kind],
    /// The operation that lists the scopes, with the name of its API.
    pub operation: &'static str,
    /// The permission that the operation needs, as the cloud writes it.
    pub permission: &'static str,
}

/// Creates the client of a profile.
pub type NewClient = fn(&Profile, &Arc<Transport>) -> Result<Box<dyn Client>, Problem>;

/// A boxed future, as returned by functions in the registry.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Options of the requests of a lookup or a list.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// Whether to keep the raw response.
    pub raw: bool,
    /// Whether to leave secrets in `details` and `raw` unmasked.
    pub show_secrets: bool,
    /// Names of the given flags that only some kinds have.
    pub flags: Vec<&'static str>,
    /// States of the config file for this kind: the cloud's word and the state it maps to.
    pub states: Vec<(String, crate::model::State)>,
    /// The deadline of the request.
    pub deadline: Deadline,
    /// Timeout of the additional requests that affect neither a state nor a verdict, once the job itself was
    /// read; `None` to use the deadline.
    pub details_timeout: Option<Duration>,
    /// Receives the changes of jobs that the cloud can watch; `None` if the request is not repeated.
    pub changes: Option<Arc<Changes>>,
    /// Whether to read the job again even if a watch stream has a copy, since there is no further request before the
    /// caller's deadline.
    pub refresh: bool,
    /// Which events of the job and its parts are read.
    pub events: EventDetail,
    /// True for a request for a part of a job that is sent before the job was read; the request for the job decides
    /// whether the cloud can be reached.
    pub is_prefetch: bool,
}

impl RequestOptions {
    /// Returns `true` if this flag was given.
    fn has_flag(&self, flag: &KindFlag) -> bool {
        self.flags.contains(&flag.name)
    }

    /// Creates the default options, which mask secrets.
    pub fn new(deadline: Deadline) -> Self {
        Self {
            raw: false,
            show_secrets: false,
            flags: Vec::new(),
            states: Vec::new(),
            deadline,
            details_timeout: None,
            changes: None,
            refresh: false,
            events: EventDetail::default(),
            is_prefetch: false,
        }
    }

    /// Returns options for requests that affect neither a state nor a verdict and start now.
    fn for_details(&self) -> Self {
        let limit = self.details_timeout.map(Deadline::for_details);
        Self {
            deadline: limit.map_or(self.deadline, |limit| self.deadline.min(limit)),
            ..self.clone()
        }
    }

    /// Returns options for requests for the parts and events of a job that was read. A gate for warnings needs
    /// them, unless the job has failed.
    fn for_parts(&self, job: &Job) -> Self {
        match self.events.needs_all_warnings() && !job.state.is_unsuccessful() {
            true => self.clone(),
            false => self.for_details(),
        }
    }
}

/// The result of a lookup.
#[derive(Debug)]
pub struct GetResult {
    /// The job.
    pub job: Job,
    /// Additional notices.
    pub notices: Vec<Notice>,
}

impl GetResult {
    /// Sets the cloud's id of the request that returned the job.
    fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.job.request_id = request_id;
        self
    }
}

/// Returns the credential sources of all clouds. Credentials that were already read come from the cache.
pub fn credential_chain(settings: &Settings, cache: &SourceCache) -> CredentialChain {
    let sources = CLOUDS.map(|cloud| (cloud.name(), cloud.sources));
    CredentialChain::new(settings.clone(), sources.to_vec(), cache.clone())
}

/// Returns a plain setting of a profile as text: from environment variables or the config file, otherwise from
/// the tool's file that contains the credential.
///
/// # Errors
/// `usage` or another problem of the profile.
pub fn plain_setting(
    settings: &Settings,
    cloud: &Cloud,
    profile: &str,
    key: &str,
) -> Result<Option<String>, Problem> {
    let settings_profile = settings.profile_with_setting(cloud.schema, profile, key)?;
    let set = settings_profile.get(key).map(str::to_owned);
    match set {
        Some(set) => Ok(Some(set)),
        None => credential_chain(settings, &SourceCache::default()).tool_setting(
            cloud.schema,
            profile,
            key,
        ),
    }
}

/// Returns all kinds of all clouds.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    CLOUDS.iter().flat_map(|cloud| cloud.kinds.iter().copied())
}

/// Returns `true` if list rows of a kind, by its cloud and bare name, show the end of a job like lookups do.
pub fn has_conclusive_rows(cloud: &str, kind: &str) -> bool {
    let is_kind = |known: &&Kind| known.template.cloud == cloud && known.template.kind == kind;
    kinds()
        .find(is_kind)
        .is_some_and(|kind| kind.conclusive_rows)
}

/// Returns the cloud with this long name.
pub fn cloud(name: &str) -> Option<&'static Cloud> {
    CLOUDS.iter().copied().find(|cloud| cloud.name() == name)
}

/// Returns the listing of the scopes that contain jobs of a kind; `None` if there are no such scopes.
pub fn scope_listing(kind: &Kind) -> Option<&'static ScopeListSpec> {
    let mut listings = CLOUDS.iter().flat_map(|cloud| cloud.scope_listings);
    listings.find(|listing| {
        let mut kinds = listing.kinds.iter().chain(listing.optional_kinds);
        kinds.any(|one| std::ptr::eq(*one, kind))
    })
}

/// Creates a job of which only the reference and the region are known.
pub fn job_at(reference: &Reference, region: Option<&str>) -> Job {
    Job {
        reference: reference.to_string(),
        input: Arc::clone(&reference.input),
        cloud: Cow::Borrowed(reference.kind.template.cloud),
        profile: Arc::clone(&reference.profile),
        region: region.map(str::to_owned),
        kind: Cow::Borrowed(reference.kind.template.kind),
        cluster: reference.segment("CLUSTER").map(str::to_owned),
        namespace: reference.segment("NAMESPACE").map(str::to_owned),
        id: reference.id().to_owned(),
        ..Job::default()
    }
}
