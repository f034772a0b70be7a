//! The clouds: the name of each, its operations and how to call them.
//!
//! A cloud is one folder and one line in [`CLOUDS`].

pub mod aliyun;
mod api;
mod batch;
mod changes;
mod client;
mod connected;
mod endpoints;
mod errors;
pub mod huawei;
pub mod kubernetes;
mod latest;
mod list;
mod list_all;
mod log_source;
mod logs;
mod lookup;
mod mask;
mod prelude;
mod products;
mod raw;
mod request;
mod request_id;
mod shapes;
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
use crate::kind::{Kind, KindFlag, SchemaFn};
pub use crate::lenient;
use crate::model::{Job, Notice};
use crate::reference::Reference;
use crate::settings::{Profile, SettingSpec, Settings, SettingsSchema};
use client::{BatchResult, KindOps};
use connected::Connected;
use list::{has_more, is_list_unavailable};
use logs::{FilePart, LogFile, REPLACED_LOG, REPLACEMENT, continues, log_text, read_file};
use request::{BatchRequest, GetRequest, ListRequest};

pub use changes::Changes;
pub use client::{Client, CloudApi};
pub use latest::latest;
pub use list::{COMPARED_FIELDS, Cursor, Filter, Page, ScopePage};
pub use list_all::{ListStats, Truncation, list_all, list_all_scopes, ready};
pub use logs::{
    COMPARED_BYTES, LogBody, LogChunk, LogParams, LogPosition, LogRequest, LogSource, NOT_STARTED,
};
pub use mask::{RECORDING_MASKS, mask_job, mask_row_ids, mask_scope};
pub use shapes::describe_details;

/// Every cloud there is.
pub static CLOUDS: [&Cloud; 5] = [
    &aliyun::CLOUD,
    &sugon::CLOUD,
    &huawei::CLOUD,
    &tencent::CLOUD,
    &kubernetes::CLOUD,
];

/// Domains of the public hosts of every cloud.
static PUBLIC_DOMAINS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let domains = CLOUDS.iter().flat_map(|cloud| cloud.public_domains);
    domains.copied().collect()
});

/// One cloud.
pub struct Cloud {
    /// Long name.
    pub name: &'static str,
    /// What can be checked.
    pub kinds: &'static [&'static Kind],
    /// How the parent scopes of its jobs are listed, such as clusters; empty where there are none.
    pub scope_listings: &'static [ScopeListing],
    /// What the `details` of its places can be.
    pub scope_details: &'static [SchemaFn],
    /// Settings of a profile of this cloud, in addition to those every cloud has.
    pub keys: &'static [SettingSpec],
    /// Those that are enough for a profile, the first ones to fill in.
    pub minimal_keys: &'static [&'static str],
    /// Tools of this cloud whose files contain credentials, in the order in which they are queried.
    pub(crate) sources: &'static [CredentialSource],
    /// How the names of variables begin that other programs read for this cloud.
    pub variable_prefixes: &'static [&'static str],
    /// Domains of its public hosts.
    pub public_domains: &'static [&'static str],
    /// The endpoint that plain settings name.
    ///
    /// # Errors
    /// `missing_credentials` for what is not set, which a credential source may still give; `usage`
    /// for settings that cannot be used.
    pub endpoint: fn(&Profile, &Transport) -> Result<Endpoint, Problem>,
    /// Makes the client of a profile. Nothing is sent.
    ///
    /// # Errors
    /// `missing_credentials` or `usage` problems, with what to set.
    pub connect: Connect,
}

impl Cloud {
    /// The schema of the settings of this cloud.
    pub fn settings_schema(&self) -> SettingsSchema {
        SettingsSchema {
            cloud: self.name,
            keys: self.keys,
            public_domains: &PUBLIC_DOMAINS,
            variable_prefixes: self.variable_prefixes,
        }
    }

    /// Checks plain settings, before any credential is read: those that cannot be used are wrong
    /// whatever the credential is. Gives the endpoint as far as they name one.
    ///
    /// # Errors
    /// Usage, naming the setting.
    pub fn check_settings(
        &self,
        plain: &Profile,
        transport: &Transport,
    ) -> Result<Option<Endpoint>, Problem> {
        check_source(plain, self.sources)?;
        endpoints::check(plain, self.keys, transport.options().allow_http)?;
        match (self.endpoint)(plain, transport) {
            Ok(endpoint) => Ok(Some(endpoint)),
            Err(problem) if problem.category == Category::Usage => Err(problem),
            Err(_) => Ok(None),
        }
    }

    /// The client of a profile. Nothing is sent.
    ///
    /// # Errors
    /// `no_credentials` or `usage` problems, with what to set; the addresses of services that are not
    /// needed have to be addresses too.
    pub fn client(
        &self,
        profile: &Profile,
        transport: &Arc<Transport>,
    ) -> Result<Box<dyn Client>, Problem> {
        endpoints::check(profile, self.keys, transport.options().allow_http)?;
        (self.connect)(profile, transport)
    }
}

/// How scopes that contain jobs, such as clusters, are listed.
#[derive(Debug)]
pub struct ScopeListing {
    /// The kinds of the jobs in them; the scopes are listed as those of the first.
    pub kinds: &'static [&'static Kind],
    /// Kinds that a server may not serve; the jobs of each are listed in all scopes at once.
    pub optional_kinds: &'static [&'static Kind],
    /// The operation behind the list, with the interface it belongs to.
    pub operation: &'static str,
    /// The permission that listing needs, as the cloud writes it.
    pub permission: &'static str,
}

/// Makes the client of a profile.
pub type Connect = fn(&Profile, &Arc<Transport>) -> Result<Box<dyn Client>, Problem>;

/// The future of a function in the registry.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a resource is requested.
#[derive(Debug, Clone)]
pub struct GetOptions {
    /// Keep the raw response.
    pub raw: bool,
    /// Leave secrets in `details` and `raw` unmasked.
    pub show_secrets: bool,
    /// Names of the switches of single kinds that were given.
    pub flags: Vec<&'static str>,
    /// State words of the config file for this kind: word and state.
    pub states: Vec<(String, crate::model::State)>,
    /// The deadline of the request.
    pub deadline: Deadline,
    /// How long further requests may take that decide nothing, once the job itself was read; `None` for as
    /// long as the deadline allows.
    pub details_timeout: Option<Duration>,
    /// Where changes are reported of jobs that the cloud can watch; `None` for requests that are not
    /// repeated.
    pub changes: Option<Arc<Changes>>,
    /// True for the last request before the caller's deadline: what a stream has shown does not suffice.
    pub is_last: bool,
    /// True where a verdict depends on the warnings of the job and of all its parts: what is not read of them
    /// makes `events_unreadable` true.
    pub needs_events: bool,
}

impl GetOptions {
    /// True when this switch of a kind was given.
    fn has_flag(&self, flag: &KindFlag) -> bool {
        self.flags.contains(&flag.name)
    }

    /// A request with default options, secrets masked.
    pub fn new(deadline: Deadline) -> Self {
        Self {
            raw: false,
            show_secrets: false,
            flags: Vec::new(),
            states: Vec::new(),
            deadline,
            details_timeout: None,
            changes: None,
            is_last: false,
            needs_events: false,
        }
    }

    /// The same for requests that decide neither a state nor a verdict, and begin now.
    fn for_details(&self) -> Self {
        let limit = self.details_timeout.map(Deadline::for_details);
        Self {
            deadline: limit.map_or(self.deadline, |limit| self.deadline.min(limit)),
            ..self.clone()
        }
    }

    /// The same for the parts and events of a job that was read. A gate for warnings needs them, unless the job
    /// has failed.
    fn for_parts(&self, job: &Job) -> Self {
        match self.needs_events && !job.state.is_unsuccessful() {
            true => self.clone(),
            false => self.for_details(),
        }
    }
}

/// The result of a request.
#[derive(Debug)]
pub struct GetResult {
    /// The resource.
    pub job: Job,
    /// Additional notices.
    pub notices: Vec<Notice>,
}

impl GetResult {
    /// The same with the cloud's id of the request that it came from.
    fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.job.request_id = request_id;
        self
    }
}

/// The sources of the credentials of all clouds. What was read once is taken from the cache.
pub fn credential_chain(settings: &Settings, cache: &SourceCache) -> CredentialChain {
    let sources = CLOUDS.map(|cloud| (cloud.name, cloud.sources));
    CredentialChain::new(settings.clone(), sources.to_vec(), cache.clone())
}

/// A plain setting of a profile, as text: that of variables and the config file, else what the file of a
/// tool has next to the credential.
///
/// # Errors
/// What is wrong with the profile.
pub fn plain_setting(
    settings: &Settings,
    cloud: &Cloud,
    profile: &str,
    key: &str,
) -> Result<Option<String>, Problem> {
    let schema = cloud.settings_schema();
    let found = settings.profile_with_setting(&schema, profile, key)?;
    let set = found.get(key).map(str::to_owned);
    match set {
        Some(set) => Ok(Some(set)),
        None => {
            credential_chain(settings, &SourceCache::default()).tool_setting(&schema, profile, key)
        }
    }
}

/// Every kind of every cloud.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    CLOUDS.iter().flat_map(|cloud| cloud.kinds.iter().copied())
}

/// The cloud with this long name.
pub fn cloud(name: &str) -> Option<&'static Cloud> {
    CLOUDS.iter().copied().find(|cloud| cloud.name == name)
}

/// How the scopes that contain jobs of a kind are listed; `None` where there are none.
pub fn scope_listing(kind: &Kind) -> Option<&'static ScopeListing> {
    let mut listings = CLOUDS.iter().flat_map(|cloud| cloud.scope_listings);
    listings.find(|listing| {
        let mut kinds = listing.kinds.iter().chain(listing.optional_kinds);
        kinds.any(|one| std::ptr::eq(*one, kind))
    })
}

/// A job of which only its address is known.
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
