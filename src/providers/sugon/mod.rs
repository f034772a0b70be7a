//! Sugon AI (曙光, SCNet): container instances of the open API v2.

mod ai_hosts;
mod credential_files;
mod errors;
mod host_policy;
mod instance;
mod sign;
pub(crate) mod token_exchange;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::api::{DecodeError, Decoded, SigningClient};
use super::{Cloud, CloudApi, Connected, CredentialInfo, wall_clock::WallClock};
use crate::credentials::{Credential, CredentialCache, NegativeCache, StoredFact};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Deadline, Endpoint, Method, Request, Response, Transport};
use crate::model::Time;
use crate::settings::{Profile, SettingSpec};

use ai_hosts::Hosts;
use host_policy::{AI_HOSTS, HostPolicy};
use instance::{INSTANCE, Instances};

/// Sugon AI.
pub static CLOUD: Cloud = Cloud {
    name: "sugon",
    kinds: &[&INSTANCE],
    scope_listings: &[],
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
    variable_prefixes: &["SCNET_", "SUGON_"],
    public_domains: &["scnet.cn", "sugon.com", "hpccube.com"],
    endpoint: plain_endpoint,
    connect: |profile, transport| Ok(Box::new(connect(profile, transport)?)),
};

/// Our name of the operation that reports where the services of a computing region are.
const CENTRE: &str = "GetCenterInfo";

/// Our name of the operation that gives tokens for a key pair.
const TOKENS: &str = "GetUserTokens";

fn connect(profile: &Profile, transport: &Arc<Transport>) -> Result<Connected<Api>, Problem> {
    Ok(Connected {
        rejected_lists: super::RejectedLists::default(),
        api: Api::new(profile, transport)?,
        kinds: &[&Instances],
    })
}

/// One account in one computing region.
struct Api {
    client: SigningClient<sign::Signer>,
    transport: Arc<Transport>,
    /// The host that is set, else the platform's, which knows the hosts of the region.
    endpoint: Endpoint,
    hosts: OnceCell<Hosts>,
    /// Which hosts of the region may receive the token.
    policy: HostPolicy,
    host_failures: NegativeCache,
    /// The hosts that an earlier run found with a token that it fetched.
    stored_hosts: Option<StoredFact>,
    /// True when the token was given and no other can be fetched.
    is_static_token: bool,
    /// True when the token had expired by the local clock at the start, which may be wrong.
    doubts_clock: bool,
    clock: WallClock,
    list_state: instance::ListState,
    profile: String,
}

impl Api {
    fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        let is_given = !token_exchange::is_configured(profile);
        let (login, label) = match is_given {
            true => (
                CredentialCache::from_profile(profile, token, token_label)?,
                token_label(profile),
            ),
            false => (
                CredentialCache::from_provider(token_exchange::TokenExchangeProvider::new(
                    profile, transport,
                )?)
                .persistent(profile, transport),
                token_exchange::label(profile),
            ),
        };
        let secrets = ["token", "secret_key"]
            .iter()
            .filter_map(|key| profile.secret(key));
        let account = ApiClient::new(transport, profile, label, secrets);
        let address = |key, default| address(profile, key, default, transport);
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
        let stored_hosts = match is_given || hosts.initialized() {
            true => None,
            false => login.stored_fact(CENTRE),
        };
        let mut api = Self {
            client: SigningClient {
                http: account,
                credentials: login,
                errors: &errors::ERRORS,
                region: None,
            },
            transport: Arc::clone(transport),
            endpoint,
            stored_hosts,
            hosts,
            policy,
            host_failures: NegativeCache::default(),
            is_static_token: is_given,
            doubts_clock: true,
            clock: WallClock::from_profile(profile)?,
            list_state: instance::ListState::default(),
            profile: profile.name.clone(),
        };
        if is_given {
            let expires_at = token(profile)?.expires_at;
            api.check_expiry(expires_at)?;
            api.doubts_clock = expires_at.is_some_and(|at| at <= transport.now());
        }
        Ok(api)
    }

    /// Tells an expired token before anything is sent with it.
    fn check_expiry(&self, expires_at: Option<DateTime<Utc>>) -> Result<(), Problem> {
        let expired = expires_at
            .filter(|at| match self.doubts_clock {
                true => self.transport.is_past(*at),
                false => *at <= self.transport.server_now(),
            })
            .and_then(Time::new);
        let Some(at) = expired else {
            return Ok(());
        };
        let message = format!("the token expired at {}", at.rfc3339());
        let problem = Problem::new(Category::Unauthenticated, message);
        let mut problem = problem.with_account(CLOUD.name, &self.profile);
        problem.credential = Some(self.client.http.credential());
        problem.host = Some(self.endpoint.authority().to_owned());
        Err(problem.with_hint("log in again and set the new token of the computing region"))
    }

    fn request(&self, operation: &'static str, path: &str) -> Request {
        Request {
            operation,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Calls an operation at a host of the region; see [`SigningClient::call`].
    async fn call<T, E: Into<DecodeError>>(
        &self,
        mut request: Request,
        deadline: Deadline,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let response = self.send(&mut request, deadline).await?;
        self.client.decode(&request, &response, decode)
    }

    /// Sends a call to a host of the region; `request` names the one that was asked last.
    async fn send(&self, request: &mut Request, deadline: Deadline) -> Result<Response, Problem> {
        let client = &self.client;
        let held = client.credentials.get(&client.http, deadline).await?;
        if self.is_static_token {
            self.check_expiry(held.signer.expires_at())?;
        }
        let hosts = self.hosts.get_or_try_init(|| self.find(deadline)).await?;
        let answered = hosts.send(client, request, deadline).await;
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
        let known =
            known.and_then(|parts| Hosts::from_parts(&parts, &self.client.http, &self.policy));
        if let Some(hosts) = known {
            return Ok(hosts);
        }
        let account = &self.client.http;
        if let Some(problem) = self.host_failures.get("host", account.now()) {
            return Err(problem);
        }
        let found = ai_hosts::find(&self.client, &self.endpoint, &self.policy, deadline).await;
        let hosts =
            found.inspect_err(|problem| self.host_failures.insert(problem, account.now()))?;
        if let Some(learned) = &self.stored_hosts {
            learned.put(hosts.parts()).await;
        }
        Ok(hosts)
    }
}

impl CloudApi for Api {
    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.origin())
    }

    fn credential(&self) -> CredentialInfo {
        self.client.credentials.credential()
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
    Ok(sign::Signer::credential(token.clone()))
}

/// The address that a key gives, else the default.
fn address(
    profile: &Profile,
    key: &str,
    default: Option<&str>,
    transport: &Transport,
) -> Result<Option<Endpoint>, Problem> {
    let text = profile.get(key).or(default);
    text.map(|text| Endpoint::parse(text, &["/ai"], transport.options().allow_http))
        .transpose()
        .map_err(|problem| problem.with_account(profile.cloud, &profile.name))
}

/// The endpoint that plain settings name, with the hosts that may be asked besides.
fn plain_endpoint(profile: &Profile, transport: &Transport) -> Result<Endpoint, Problem> {
    let endpoint = address(profile, "endpoint", None, transport)?;
    let platform = address(profile, "platform_endpoint", None, transport)?;
    let endpoint = endpoint.or(platform);
    let endpoint = endpoint
        .ok_or_else(|| profile.missing("endpoint", &["endpoint"], &["JOBLENS_SUGON_ENDPOINT"]))?;
    HostPolicy::new(profile, &endpoint)?;
    Ok(endpoint)
}

#[cfg(test)]
mod tests;
