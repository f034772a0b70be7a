//! The clouds: what each is called, what it can be asked, and how.
//!
//! A cloud is one folder and one line in [`CLOUDS`].

pub mod aliyun;
mod credential_file;
mod endpoints;
mod fields;
pub mod huawei;
mod imds;
pub mod lenient;
mod list;
mod login;
mod mask;
pub mod serve;
mod shapes;
pub mod states;
pub mod sugon;
pub mod tencent;
#[cfg(test)]
pub(crate) mod test_support;
mod vendor;
mod wall_clock;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use crate::error::Problem;
use crate::http::{Deadline, Transport};
use crate::model::{Job, Notice};
use crate::reference::{Reference, Scope, Template};
use crate::settings::{CredentialSource, Profile, SettingSpec, SettingsSchema};
use list::has_more;
use shapes::SchemaFn;
use states::StateTable;

pub use fields::find_field;
pub use list::{
    Cursor, Filter, ListStats, Page, ScopePage, Truncation, UnlistedField, latest, list_all,
    list_all_scopes, ready,
};
pub use login::CredentialInfo;
pub use mask::{mask_job, redact_job, redact_scope, visit_strings};
pub use shapes::{DetailSchemas, describe_details};

/// Every cloud there is.
pub static CLOUDS: [&Cloud; 4] = [
    &aliyun::CLOUD,
    &sugon::CLOUD,
    &huawei::CLOUD,
    &tencent::CLOUD,
];

/// Domains of the public hosts of every cloud.
static PUBLIC_DOMAINS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let domains = CLOUDS.iter().flat_map(|cloud| cloud.public_domains);
    domains.copied().collect()
});

/// Kinds that are spoken for and not served yet, as `cloud/kind`.
pub const RESERVED_KINDS: [&str; 2] = ["aliyun/scheduler-job", "aliyun/instant-job"];

/// One cloud.
pub struct Cloud {
    /// Long name.
    pub name: &'static str,
    /// What can be checked.
    pub kinds: &'static [Kind],
    /// How the parent scopes of its resources are listed; `None` where there are none.
    pub scope_listing: Option<ScopeListing>,
    /// What the `details` of its places can be.
    pub scope_details: &'static [SchemaFn],
    /// Settings of a profile of this cloud, besides those every cloud has.
    pub keys: &'static [SettingSpec],
    /// Tools of this cloud whose files hold credentials, in the order in which they are asked.
    pub sources: &'static [CredentialSource],
    /// Domains of its public hosts.
    pub public_domains: &'static [&'static str],
    /// Makes the client of a profile. Nothing is sent.
    ///
    /// # Errors
    /// `missing_credentials` or `usage` problems, with what to set.
    pub connect: Connect,
    /// What the emulator does in the cloud's place.
    pub emulator: serve::EmulatedApi,
}

impl Cloud {
    /// What the settings know of this cloud.
    pub fn settings_schema(&self) -> SettingsSchema {
        SettingsSchema {
            cloud: self.name,
            keys: self.keys,
            sources: self.sources,
            public_domains: &PUBLIC_DOMAINS,
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
        wire: &Arc<Transport>,
    ) -> Result<Box<dyn Client>, Problem> {
        endpoints::check(profile, self.keys, wire.options().allow_http)?;
        (self.connect)(profile, wire)
    }
}

/// How the places of a cloud, such as clusters, are listed.
#[derive(Debug, Clone, Copy)]
pub struct ScopeListing {
    /// The operation behind the list, with the interface it belongs to.
    pub operation: &'static str,
    /// The permission that listing needs, as the cloud writes it.
    pub permission: &'static str,
}

/// Makes the client of a profile.
pub type Connect = fn(&Profile, &Arc<Transport>) -> Result<Box<dyn Client>, Problem>;

/// One kind of resource in a cloud.
pub struct Kind {
    /// Template of its references.
    pub template: Template,
    /// What the cloud's states mean, first those of the resource itself.
    pub state_tables: &'static [StateTable],
    /// What its `details` can be.
    pub details: DetailSchemas,
    /// The operation behind a request, with the interface it belongs to.
    pub operation: &'static str,
    /// The permission that getting it requires, as the cloud writes it.
    pub permission: &'static str,
    /// The operation behind a list.
    pub list_operation: &'static str,
    /// The permission that listing needs, as the cloud writes it.
    pub list_permission: &'static str,
    /// The order in which a list comes.
    pub list_order: ListOrder,
    /// What the rows of a list do not report.
    pub unlisted_fields: &'static [UnlistedField],
    /// Default limit of a list where each resource costs requests of its own.
    pub list_limit: Option<usize>,
}

/// The order in which a cloud lists the resources of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// Newest first, as the cloud is asked to.
    NewestFirst,
    /// An undocumented order; rows have the creation time.
    Unsorted,
    /// Rows do not have the creation time.
    Undated,
}

impl Kind {
    /// False when its resources report events only.
    pub fn has_states(&self) -> bool {
        self.state_tables.iter().any(|level| !level.map.is_empty())
    }
}

/// A future that the registry can hold.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One account of one cloud that can be asked.
pub trait Client: Send + Sync {
    /// Scheme, host and port that are asked; `None` while only the cloud knows.
    fn endpoint(&self) -> Option<String> {
        None
    }

    /// What is known of the account's credential without a request.
    fn credential(&self) -> CredentialInfo {
        CredentialInfo::default()
    }

    /// Gets one resource.
    ///
    /// The job's address is filled from the reference (see [`job_at`]). The common part is masked
    /// by the caller (see [`mask_job`]), so that all clouds are masked alike; `details` and `vendor`
    /// are masked by the cloud that knows them.
    fn get<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a GetOptions,
    ) -> BoxFuture<'a, Result<GetResult, Problem>>;

    /// What cheap list requests report of several resources of one kind and scope: their states and
    /// the other fields of list rows. One entry for each reference, in their order; `None` for
    /// those that the lists do not contain.
    ///
    /// `None` in place of a future: this kind has no such call, or too few were requested to gain
    /// anything.
    fn batch_get<'a>(
        &'a self,
        _references: &'a [Reference],
        _ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Vec<Option<GetResult>>, Problem>>> {
        None
    }

    /// One page of what is in a scope, newest first where the cloud can sort; `page` is the `next` of
    /// the page before it. [`drain`] asks for all of them.
    ///
    /// Rows have fewer fields than a single request: no parts, no events, no raw response. They are
    /// addressed and masked as in [`Client::look_up`].
    ///
    /// What the cloud can filter by itself it is asked to; all of `filter` is the caller's to apply.
    ///
    /// `None` in place of a future: this kind has no list.
    fn list<'a>(
        &'a self,
        _scope: &'a Scope,
        _filter: &'a Filter,
        _page: Option<Cursor>,
        _ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Page, Problem>>> {
        None
    }

    /// One page of the parent scopes of this account, such as clusters; `profile` is the profile's
    /// name, for their scopes.
    ///
    /// `None` in place of a future: the resources of this cloud have no parent scopes.
    fn list_scopes<'a>(
        &'a self,
        _profile: &'a str,
        _page: Option<Cursor>,
        _ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<ScopePage, Problem>>> {
        None
    }

    /// Checks whether a resource exists, for kinds whose request returns the same for a mistyped
    /// name.
    ///
    /// `None` in place of a future: the request itself reports.
    ///
    /// # Errors
    /// `not_found` when it does not exist, or what went wrong.
    fn check_exists<'a>(
        &'a self,
        _reference: &'a Reference,
        _ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<(), Problem>>> {
        None
    }
}

/// How a resource is requested.
#[derive(Debug, Clone)]
pub struct GetOptions {
    /// Keep the raw response.
    pub raw: bool,
    /// Leave secrets in `details` and `vendor` unmasked.
    pub show_secrets: bool,
    /// Treat a Finished invocation as succeeded when its exit codes are unavailable.
    pub trust_finished: bool,
    /// State words of the config file for this kind: word and state.
    pub states: Vec<(String, crate::model::State)>,
    /// The deadline of the request.
    pub deadline: Deadline,
}

impl GetOptions {
    /// A request with default options, secrets masked.
    pub fn new(deadline: Deadline) -> Self {
        Self {
            raw: false,
            show_secrets: false,
            trust_finished: false,
            states: Vec::new(),
            deadline,
        }
    }
}

/// The result of a request.
#[derive(Debug)]
pub struct GetResult {
    /// The resource.
    pub job: Job,
    /// What a reader should know besides.
    pub notices: Vec<Notice>,
}

/// Every kind of every cloud.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    CLOUDS.iter().flat_map(|cloud| cloud.kinds)
}

/// The kind with this form of references.
///
/// # Panics
/// For a form that no cloud of the registry has, of which no reference can be made.
pub fn kind(template: &Template) -> &'static Kind {
    kinds()
        .find(|kind| kind.template == *template)
        .expect("every template belongs to a registered kind")
}

/// The cloud with this long name.
pub fn cloud(name: &str) -> Option<&'static Cloud> {
    CLOUDS.iter().copied().find(|cloud| cloud.name == name)
}

/// A job of which only its address is known.
pub fn job_at(reference: &Reference, region: Option<&str>) -> Job {
    Job {
        reference: reference.to_string(),
        input: reference.input.clone(),
        cloud: reference.template.cloud.to_owned(),
        profile: reference.profile.clone(),
        region: region.map(str::to_owned),
        kind: reference.template.kind.to_owned(),
        cluster: reference.segment("CLUSTER").map(str::to_owned),
        namespace: reference.segment("NAMESPACE").map(str::to_owned),
        id: reference.id().to_owned(),
        ..Job::default()
    }
}
