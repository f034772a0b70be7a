//! Client for the scope of one token: a computing region, or the platform.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::host_policy::HostPolicy;
use super::hosts::{self, Hosts, Service};
use super::token_exchange::{self, TokenExchange, TokenScope};
use super::{CLOUD, SECRET_KEYS, address, errors, sign};
use crate::credentials::{Credential, CredentialCache, NegativeCache, StoredValue};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Deadline, Endpoint, Request, Response, Transport};
use crate::model::Time;
use crate::providers::api::{DecodeError, Decoded, SigningClient};
use crate::providers::wall_clock::WallClock;
use crate::settings::Profile;

/// A computing region, or the platform.
pub(super) struct Region {
    pub client: SigningClient<sign::Signer>,
    pub transport: Arc<Transport>,
    /// The configured host, otherwise the platform's, which lists the hosts of the region.
    pub endpoint: Endpoint,
    /// In the order of [`Service::ALL`].
    pub services: [ServiceHosts; 2],
    /// Policy for the hosts of the region that may receive the token.
    policy: HostPolicy,
    /// `true` if the token is configured and cannot be renewed.
    is_static_token: bool,
    /// `true` if the token had already expired at the start according to the local clock, which may be wrong.
    clock_may_be_wrong: bool,
    pub clock: WallClock,
    profile: String,
}

/// The hosts of a region's service.
pub(super) struct ServiceHosts {
    hosts: OnceCell<Hosts>,
    failures: NegativeCache,
    /// The hosts that an earlier run found with a token from the exchange.
    pub stored: Option<StoredValue>,
}

impl Region {
    /// Creates the client for a scope; without `exchange`, it uses the token of the profile.
    ///
    /// # Errors
    /// A usage error, or an error for a missing setting.
    pub(super) fn new(
        profile: &Profile,
        transport: &Arc<Transport>,
        exchange: Option<&Arc<TokenExchange>>,
        scope: TokenScope<'_>,
    ) -> Result<Self, Problem> {
        let (credentials, label) = match exchange {
            None => {
                let read = match scope {
                    TokenScope::Platform => platform_token,
                    TokenScope::Home | TokenScope::Region(_) => token,
                };
                let credentials = CredentialCache::from_profile(profile, read, token_label)?;
                (credentials, token_label(profile))
            }
            Some(exchange) => {
                let credentials = CredentialCache::from_provider(exchange.provider(scope));
                let credentials = credentials.persistent(profile, transport, scope.as_str());
                (credentials, token_exchange::label(profile))
            }
        };
        let secrets = profile.secrets(&SECRET_KEYS);
        let http = ApiClient::new(transport, profile, label, secrets);
        let is_static_token = exchange.is_none();
        let (endpoint, is_host) = endpoint(profile, transport, is_static_token, scope)?;
        let policy = HostPolicy::new(profile, &endpoint)?;
        let services = Service::ALL.map(|service| {
            let hosts = is_host.then(|| Hosts::new(vec![endpoint.clone()], &http, &policy));
            let is_stored = !is_static_token && !is_host;
            let stored = is_stored.then(|| credentials.stored_value(service.stored_key()));
            ServiceHosts {
                hosts: OnceCell::new_with(hosts),
                failures: NegativeCache::default(),
                stored: stored.flatten(),
            }
        });
        let mut region = Self {
            client: SigningClient {
                http,
                credentials,
                errors: &errors::ERRORS,
                region: None,
            },
            transport: Arc::clone(transport),
            endpoint,
            services,
            policy,
            is_static_token,
            clock_may_be_wrong: true,
            clock: WallClock::from_profile(profile)?,
            profile: profile.name.clone(),
        };
        if is_static_token {
            let given = match scope {
                TokenScope::Platform => platform_token(profile)?,
                TokenScope::Home | TokenScope::Region(_) => token(profile)?,
            };
            region.check_expiry(given.expires_at)?;
            region.clock_may_be_wrong = given.expires_at.is_some_and(|at| at <= transport.now());
        }
        Ok(region)
    }

    /// Rejects an expired token before it is sent.
    fn check_expiry(&self, expires_at: Option<DateTime<Utc>>) -> Result<(), Problem> {
        let expired = expires_at
            .filter(|at| match self.clock_may_be_wrong {
                true => self.transport.is_past(*at),
                false => *at <= self.transport.server_now(),
            })
            .and_then(Time::new);
        let Some(at) = expired else {
            return Ok(());
        };
        let now = Time::new(self.transport.server_now()).map(Time::rfc3339);
        let now = now.unwrap_or_default();
        let message = format!("the token expired at {}", at.rfc3339());
        let problem = Problem::new(Category::Unauthenticated, message);
        let mut problem = problem.with_account(CLOUD.name(), &self.profile);
        problem.credential = Some(self.client.http.credential());
        problem.host = Some(self.endpoint.authority().to_owned());
        Err(problem.with_hint(format!(
            "log in again and set the new token of the computing region; if the time is not {now}, correct the local clock"
        )))
    }

    /// Builds a GET request for a path.
    pub(super) fn request(&self, operation: &'static str, path: &str) -> Request {
        Request::get(operation, &self.endpoint, path)
    }

    /// Calls an operation on a host of the region; see [`SigningClient::call`].
    pub(super) async fn call<T, E: Into<DecodeError>>(
        &self,
        mut request: Request,
        deadline: Deadline,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let response = self.send(&mut request, deadline).await?;
        self.client.decode(&request, &response, decode)
    }

    /// Sends a request to a host of the region. Sets the endpoint of `request` to the last host tried.
    async fn send(&self, request: &mut Request, deadline: Deadline) -> Result<Response, Problem> {
        let client = &self.client;
        let credential = client.credentials.get(&client.http, deadline).await?;
        if self.is_static_token {
            self.check_expiry(credential.signer.expires_at())?;
        }
        let service = Service::of_path(&request.path);
        let known = &self.services[service as usize];
        let find = || self.find(service, known, deadline);
        let hosts = known.hosts.get_or_try_init(find).await?;
        let result = hosts.send(client, request, deadline).await;
        result.map_err(|problem| match problem.category {
            Category::Network => {
                // The hosts may have moved.
                known.stored.iter().for_each(StoredValue::invalidate);
                problem
            }
            Category::Unauthenticated if !self.is_static_token => problem.with_hint(
                "check that this account may use the computing region; cluster_id chooses another",
            ),
            _ => problem,
        })
    }

    /// Returns the hosts of a service, from an earlier run or from the platform.
    async fn find(
        &self,
        service: Service,
        known: &ServiceHosts,
        deadline: Deadline,
    ) -> Result<Hosts, Problem> {
        let http = &self.client.http;
        let stored = known.stored.as_ref().and_then(StoredValue::get);
        let stored = stored.and_then(|parts| Hosts::from_parts(&parts, http, &self.policy));
        if let Some(hosts) = stored {
            return Ok(hosts);
        }
        if let Some(problem) = known.failures.get("host", http.now()) {
            return Err(problem);
        }
        let (client, platform) = (&self.client, &self.endpoint);
        let result = hosts::find(client, platform, service, &self.policy, deadline).await;
        let hosts = result.inspect_err(|problem| known.failures.insert(problem, http.now()))?;
        if let Some(learned) = &known.stored {
            learned.put(hosts.parts()).await;
        }
        Ok(hosts)
    }
}

/// Returns the endpoint, and whether it serves the whole scope. If it does not, it is the platform, which lists the
/// hosts.
fn endpoint(
    profile: &Profile,
    transport: &Transport,
    is_static_token: bool,
    scope: TokenScope<'_>,
) -> Result<(Endpoint, bool), Problem> {
    let address = |key, default| address(profile, key, default, transport);
    // A configured token is sent only to hosts that the settings or the cloud name.
    let default = Some(hosts::PLATFORM).filter(|_| !is_static_token);
    let missing = || profile.missing("endpoint", &["endpoint"], &["JOBLENS_SUGON_ENDPOINT"]);
    let is_platform = matches!(scope, TokenScope::Platform);
    let (host, platform) = (
        address("endpoint", None)?,
        address("platform_endpoint", None)?,
    );
    match (host, platform) {
        (_, Some(platform)) if is_platform => Ok((platform, true)),
        (Some(host), _) => Ok((host, true)),
        (None, Some(platform)) => Ok((platform, false)),
        (None, None) => {
            let platform = address("platform_endpoint", default)?.ok_or_else(missing)?;
            Ok((platform, is_platform))
        }
    }
}

pub(super) fn token_label(profile: &Profile) -> String {
    profile.credential_label("token", "token")
}

/// Returns the token of a profile.
fn token(profile: &Profile) -> Result<Credential<sign::Signer>, Problem> {
    let token = profile
        .secret("token")
        .ok_or_else(|| missing(profile, "token", "token", "JOBLENS_SUGON_TOKEN"))?;
    Ok(sign::Signer::credential(token.clone()))
}

/// Returns the platform's token, which a profile can have in addition to the region's token.
fn platform_token(profile: &Profile) -> Result<Credential<sign::Signer>, Problem> {
    let (key, variable) = ("platform_token", "JOBLENS_SUGON_PLATFORM_TOKEN");
    let token = profile.secret(key);
    let token = token.ok_or_else(|| missing(profile, "token of the platform", key, variable))?;
    Ok(sign::Signer::credential(token.clone()))
}

fn missing(profile: &Profile, setting: &str, key: &str, variable: &str) -> Problem {
    let problem = profile.missing(setting, &[key], &[variable]);
    let hint = problem.hint.clone().unwrap_or_default();
    problem.with_hint(format!(
        "{hint}; or set user, access_key and secret_key to fetch tokens automatically"
    ))
}
