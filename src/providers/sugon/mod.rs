//! Sugon AI (曙光, SCNet): container instances of the open API v2.

mod ai_hosts;
mod credential_files;
mod host_policy;
mod list;
mod serve;
mod sign;
mod token_exchange;
mod wire;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::login::{Credential, CredentialCache, NegativeCache, StoredFact};
use super::shapes::{DetailSchemas, schema_of};
use super::states::StateTable;
use super::{
    BoxFuture, Cloud, CredentialInfo, Cursor, Filter, GetOptions, GetResult, Kind, ListOrder, Page,
    UnlistedField, wall_clock::WallClock,
};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::http::{
    ApiClient, Deadline, Endpoint, Method, Request, RequestError, Response, Transport,
};
use crate::model::Time;
use crate::reference::{Reference, Scope, Segment, Template};
use crate::settings::{Profile, SettingSpec};

use ai_hosts::Hosts;
use host_policy::{AI_HOSTS, HostPolicy};

pub use wire::{InstanceDetails, StartScript, Tensorboard};

/// Sugon AI.
pub static CLOUD: Cloud = Cloud {
    name: "sugon",
    kinds: &[Kind {
        template: Template {
            cloud: "sugon",
            cloud_short: "scnet",
            kind: "instance",
            kind_short: "inst",
            segments: &[Segment {
                name: "INSTANCE",
                setting: None,
            }],
            scope_segments: 0,
            ranges: false,
            sample: "sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f",
        },
        state_tables: &[
            StateTable {
                allows_user_states: true,
                ..StateTable::new("job", wire::STATES)
            },
            StateTable::new("notebook", &[]),
            StateTable::new("container", &[]),
        ],
        details: DetailSchemas {
            job: &[schema_of::<InstanceDetails>],
            ..DetailSchemas::NONE
        },
        operation: "GET /ai/openapi/v2/instance-service/{id}/detail",
        permission: "a token of the computing region (a platform token is not sufficient)",
        list_operation: "GET /ai/openapi/v2/instance-service/task",
        list_permission: "a token of the computing region (a platform token is not sufficient)",
        list_order: ListOrder::NewestFirst,
        unlisted_fields: &[UnlistedField::User, UnlistedField::Queue],
        list_limit: None,
    }],
    scope_listing: None,
    scope_details: &[],
    keys: &[
        SettingSpec::secret("token", &["JOBLENS_SUGON_TOKEN"]),
        SettingSpec::id("access_key", &["JOBLENS_SUGON_ACCESS_KEY"]),
        SettingSpec::id("user", &["JOBLENS_SUGON_USER"]),
        SettingSpec::secret("secret_key", &["JOBLENS_SUGON_SECRET_KEY"]),
        SettingSpec::setting("cluster_id", &[]),
        SettingSpec::setting("auth_endpoint", &[]),
        SettingSpec::setting("platform_endpoint", &[]),
        SettingSpec::setting(AI_HOSTS, &[]),
    ],
    sources: &credential_files::SOURCES,
    public_domains: &["scnet.cn", "sugon.com", "hpccube.com"],
    connect: |profile, wire| Ok(Box::new(Client::new(profile, wire)?)),
    emulator: serve::EMULATOR,
};

/// Our name of the operation that tells all about one instance; the vendor gives it none.
const OPERATION: &str = "InstanceServiceDetail";

/// Our name of the operation that lists instances.
const LIST: &str = "ListInstances";

/// Our name of the operation that tells where the services of a computing region are.
const CENTRE: &str = "GetCenterInfo";

/// Our name of the operation that gives tokens for a key pair.
const TOKENS: &str = "GetUserTokens";

/// One account in one computing region.
struct Client {
    api: ApiClient,
    transport: Arc<Transport>,
    /// The host that is set, else the platform's, which knows the hosts of the region.
    endpoint: Endpoint,
    hosts: OnceCell<Hosts>,
    /// Which hosts of the region may receive the token.
    policy: HostPolicy,
    host_failures: NegativeCache,
    /// The hosts that an earlier run found with a token that it fetched.
    stored_hosts: Option<StoredFact>,
    credentials: CredentialCache<sign::Signer>,
    /// True when the token was given and no other can be fetched.
    is_static_token: bool,
    clock: WallClock,
    /// How this region takes a call for the list, once it has answered one.
    working_variant: OnceLock<list::ListVariant>,
    /// True once the list has been refused with a filter and given without.
    filter_unsupported: AtomicBool,
    profile: String,
}

impl Client {
    fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        let is_given = !token_exchange::is_configured(profile);
        let (login, label) = match is_given {
            true => (
                CredentialCache::from_profile(profile, token, token_label)?,
                token_label(profile),
            ),
            false => (
                CredentialCache::from_provider(token_exchange::TokenExchangeProvider::new(
                    profile, wire,
                )?)
                .persistent(profile, wire),
                token_exchange::label(profile),
            ),
        };
        let secrets = ["token", "secret_key"]
            .iter()
            .filter_map(|key| profile.secret(key));
        let account = ApiClient::new(wire, profile, label, secrets);
        let address = |key, default| address(profile, key, default, wire);
        let (endpoint, is_host) = match address("endpoint", None)? {
            Some(host) => (host, true),
            None => {
                // A token is shown to no host that nobody has named.
                let platform = Some(ai_hosts::PLATFORM).filter(|_| !is_given);
                let platform = address("platform_endpoint", platform)?.ok_or_else(|| {
                    profile.missing("endpoint", &["endpoint"], &["JOBLENS_SUGON_ENDPOINT"])
                })?;
                (platform, false)
            }
        };
        let policy = HostPolicy::new(profile, &endpoint)?;
        let hosts = is_host.then(|| Hosts::new(vec![endpoint.clone()], &account, &policy));
        let hosts = OnceCell::new_with(hosts);
        let client = Self {
            api: account,
            transport: Arc::clone(wire),
            endpoint,
            stored_hosts: match is_given || hosts.initialized() {
                true => None,
                false => login.stored_fact(CENTRE),
            },
            hosts,
            policy,
            host_failures: NegativeCache::default(),
            credentials: login,
            is_static_token: is_given,
            clock: WallClock::from_profile(profile)?,
            working_variant: OnceLock::new(),
            filter_unsupported: AtomicBool::new(false),
            profile: profile.name.clone(),
        };
        if is_given {
            client.check_expiry(token(profile)?.expires_at)?;
        }
        Ok(client)
    }

    /// Tells an expired token before anything is sent with it.
    fn check_expiry(&self, expires_at: Option<DateTime<Utc>>) -> Result<(), Problem> {
        let expired = expires_at
            .filter(|at| *at <= self.transport.now())
            .and_then(Time::new);
        let Some(at) = expired else {
            return Ok(());
        };
        let message = format!("the token expired at {}", at.rfc3339());
        let problem = Problem::new(Category::Unauthenticated, message);
        let mut problem = problem.with_account(CLOUD.name, &self.profile);
        problem.credential = Some(self.api.credential());
        problem.host = Some(self.endpoint.authority().to_owned());
        Err(problem.with_hint("log in again and set the new token of the computing region"))
    }

    fn request(&self, reference: &Reference) -> Request {
        Request {
            operation: OPERATION,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: format!(
                "/ai/openapi/v2/instance-service/{}/detail",
                percent_encode(reference.id())
            ),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sends a call to a host of the region; `request` names the one that was asked last.
    async fn send(
        &self,
        request: &mut Request,
        classify: &(dyn Fn(&Response) -> Option<RequestError> + Sync),
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let held = self.credentials.get(&self.api, deadline).await?;
        if self.is_static_token {
            self.check_expiry(held.signer.expires_at())?;
        }
        let hosts = self.hosts.get_or_try_init(|| self.find(deadline)).await?;
        let answered = hosts
            .send(&self.credentials, request, classify, deadline)
            .await;
        answered.map_err(|problem| match problem.category {
            Category::Network => {
                // They may have moved.
                self.stored_hosts.iter().for_each(StoredFact::invalidate);
                problem
            }
            Category::Unauthenticated if !self.is_static_token => problem.with_hint(
                "check that this account may use the computing region; cluster_id chooses another",
            ),
            _ => problem,
        })
    }

    /// The hosts of the region, as an earlier run found them or as the platform names them.
    async fn find(&self, deadline: Deadline) -> Result<Hosts, Problem> {
        let known = self.stored_hosts.as_ref().and_then(StoredFact::get);
        let known = known.and_then(|parts| Hosts::from_parts(&parts, &self.api, &self.policy));
        if let Some(hosts) = known {
            return Ok(hosts);
        }
        let (account, login) = (&self.api, &self.credentials);
        if let Some(problem) = self.host_failures.get("host", account.now()) {
            return Err(problem);
        }
        let found = ai_hosts::find(account, login, &self.endpoint, &self.policy, deadline).await;
        let hosts =
            found.inspect_err(|problem| self.host_failures.insert(problem, account.now()))?;
        if let Some(learned) = &self.stored_hosts {
            learned.put(hosts.parts()).await;
        }
        Ok(hosts)
    }

    async fn instance(
        &self,
        reference: &Reference,
        ask: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let mut request = self.request(reference);
        let answer = self
            .send(&mut request, &wire::classify, ask.deadline)
            .await?;
        wire::decode(&answer.body, reference, ask, self.clock)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))
    }
}

impl super::Client for Client {
    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.origin())
    }

    fn credential(&self) -> CredentialInfo {
        self.credentials.credential()
    }

    fn get<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a GetOptions,
    ) -> BoxFuture<'a, Result<GetResult, Problem>> {
        Box::pin(self.instance(reference, ask))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        filter: &'a Filter,
        page: Option<Cursor>,
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Page, Problem>>> {
        Some(Box::pin(self.instances(scope, filter, page, ask)))
    }
}

fn token_label(profile: &Profile) -> String {
    profile.credential_label("token", "token")
}

/// The token of a profile.
fn token(profile: &Profile) -> Result<Credential<sign::Signer>, Problem> {
    let token = profile.secret("token").ok_or_else(|| {
        let problem = profile.missing("token", &["token"], &["JOBLENS_SUGON_TOKEN"]);
        let hint = problem.hint.clone().unwrap_or_default();
        problem.with_hint(format!(
            "{hint}; or set user, access_key and secret_key to fetch tokens automatically"
        ))
    })?;
    if !sign::is_token(token.expose()) {
        return Err(profile.invalid("token", "contains invalid characters"));
    }
    Ok(sign::Signer::credential(token.clone()))
}

/// The address that a key gives, else the default.
fn address(
    profile: &Profile,
    key: &str,
    default: Option<&str>,
    wire: &Transport,
) -> Result<Option<Endpoint>, Problem> {
    let text = profile.get(key).or(default);
    text.map(|text| Endpoint::parse(text, &["/ai"], wire.options().allow_http))
        .transpose()
        .map_err(|problem| problem.with_account(profile.cloud, &profile.name))
}

#[cfg(test)]
mod tests;
