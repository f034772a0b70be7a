//! Sugon AI (曙光, SCNet): container instances of the open API v2.

mod centre;
mod exchange;
mod host_policy;
mod list;
mod serve;
mod sign;
mod tools;
mod wire;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::login::{Issued, Learned, Login, Missed};
use super::shapes::{Shapes, shape};
use super::states::Level;
use super::{
    Ask, Boxed, Cloud, Credential, Cursor, Filter, Found, Kind, ListOrder, Page, Untold,
    wall_clock::WallClock,
};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::http::{Account, Answer, Deadline, Endpoint, Method, Refusal, Request, Wire};
use crate::model::Time;
use crate::reference::{Reference, Scope, Segment, Template};
use crate::settings::{KeySpec, Profile};

use centre::Hosts;
use host_policy::{AI_HOSTS, HostPolicy};

pub use wire::{Details, StartScript, Tensorboard};

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
        levels: &[
            Level {
                takes_own: true,
                ..Level::new("job", wire::STATES)
            },
            Level::new("notebook", &[]),
            Level::new("container", &[]),
        ],
        details: Shapes {
            job: &[shape::<Details>],
            ..Shapes::NONE
        },
        operation: "GET /ai/openapi/v2/instance-service/{id}/detail",
        permission: "a token of the computing region (the platform's own token is not enough)",
        list_operation: "GET /ai/openapi/v2/instance-service/task",
        list_permission: "a token of the computing region (the platform's own token is not enough)",
        list_order: ListOrder::NewestFirst,
        list_untold: &[Untold::User, Untold::Queue],
        list_limit: None,
    }],
    places: None,
    scope_details: &[],
    keys: &[
        KeySpec::secret("token", &["JOBLENS_SUGON_TOKEN"]),
        KeySpec::id("access_key", &["JOBLENS_SUGON_ACCESS_KEY"]),
        KeySpec::id("user", &["JOBLENS_SUGON_USER"]),
        KeySpec::secret("secret_key", &["JOBLENS_SUGON_SECRET_KEY"]),
        KeySpec::setting("cluster_id", &[]),
        KeySpec::setting("auth_endpoint", &[]),
        KeySpec::setting("platform_endpoint", &[]),
        KeySpec::setting(AI_HOSTS, &[]),
    ],
    tools: &tools::TOOLS,
    public_domains: &["scnet.cn", "sugon.com", "hpccube.com"],
    connect: |profile, wire| Ok(Box::new(Client::new(profile, wire)?)),
    server: serve::SERVER,
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
    account: Account,
    wire: Arc<Wire>,
    /// The host that is set, else the platform's, which knows the hosts of the region.
    endpoint: Endpoint,
    hosts: OnceCell<Hosts>,
    /// Which hosts of the region may receive the token.
    policy: HostPolicy,
    no_hosts: Missed,
    /// The hosts that an earlier run found with a token that it fetched.
    learned: Option<Learned>,
    login: Login<sign::Signer>,
    /// True when the token was given and no other can be fetched.
    is_given: bool,
    clock: WallClock,
    /// How this region takes a call for the list, once it has answered one.
    list_form: OnceLock<list::Form>,
    /// True once the list has been refused with a filter and given without.
    no_filter: AtomicBool,
    profile: String,
}

impl Client {
    fn new(profile: &Profile, wire: &Arc<Wire>) -> Result<Self, Problem> {
        let is_given = !exchange::is_asked_for(profile);
        let (login, label) = match is_given {
            true => (
                Login::of(profile, token, token_label)?,
                token_label(profile),
            ),
            false => (
                Login::issued(exchange::Exchange::new(profile, wire)?).kept(profile, wire),
                exchange::label(profile),
            ),
        };
        let secrets = ["token", "secret_key"]
            .iter()
            .filter_map(|key| profile.secret(key));
        let account = Account::new(wire, profile, label, secrets);
        let address = |key, default| address(profile, key, default, wire);
        let (endpoint, is_host) = match address("endpoint", None)? {
            Some(host) => (host, true),
            None => {
                // A token is shown to no host that nobody has named.
                let platform = Some(centre::PLATFORM).filter(|_| !is_given);
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
            account,
            wire: Arc::clone(wire),
            endpoint,
            learned: match is_given || hosts.initialized() {
                true => None,
                false => login.learned(CENTRE),
            },
            hosts,
            policy,
            no_hosts: Missed::default(),
            login,
            is_given,
            clock: WallClock::of(profile)?,
            list_form: OnceLock::new(),
            no_filter: AtomicBool::new(false),
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
            .filter(|at| *at <= self.wire.now())
            .and_then(Time::new);
        let Some(at) = expired else {
            return Ok(());
        };
        let message = format!("the token expired at {}", at.rfc3339());
        let problem = Problem::new(Category::Refused, message);
        let mut problem = problem.of_account(CLOUD.name, &self.profile);
        problem.credential = Some(self.account.credential());
        problem.host = Some(self.endpoint.authority().to_owned());
        Err(problem.hint("log in again and set the new token of the computing region"))
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
        classify: &(dyn Fn(&Answer) -> Option<Refusal> + Sync),
        deadline: Deadline,
    ) -> Result<Answer, Problem> {
        let held = self.login.good(&self.account, deadline).await?;
        if self.is_given {
            self.check_expiry(held.signer.expires_at())?;
        }
        let hosts = self.hosts.get_or_try_init(|| self.find(deadline)).await?;
        let answered = hosts.send(&self.login, request, classify, deadline).await;
        answered.map_err(|problem| match problem.category {
            Category::Network => {
                // They may have moved.
                self.learned.iter().for_each(Learned::forget);
                problem
            }
            Category::Refused if !self.is_given => problem.hint(
                "check that this account may use the computing region; cluster_id chooses another",
            ),
            _ => problem,
        })
    }

    /// The hosts of the region, as an earlier run found them or as the platform names them.
    async fn find(&self, deadline: Deadline) -> Result<Hosts, Problem> {
        let known = self.learned.as_ref().and_then(Learned::get);
        let known = known.and_then(|parts| Hosts::from_parts(&parts, &self.account, &self.policy));
        if let Some(hosts) = known {
            return Ok(hosts);
        }
        let (account, login) = (&self.account, &self.login);
        if let Some(problem) = self.no_hosts.recent("host", account.now()) {
            return Err(problem);
        }
        let found = centre::find(account, login, &self.endpoint, &self.policy, deadline).await;
        let hosts = found.inspect_err(|problem| self.no_hosts.note(problem, account.now()))?;
        if let Some(learned) = &self.learned {
            learned.put(hosts.parts()).await;
        }
        Ok(hosts)
    }

    async fn instance(&self, reference: &Reference, ask: &Ask) -> Result<Found, Problem> {
        let mut request = self.request(reference);
        let answer = self
            .send(&mut request, &wire::classify, ask.deadline)
            .await?;
        wire::read(&answer.body, reference, ask, self.clock)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))
    }
}

impl super::Client for Client {
    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.origin())
    }

    fn credential(&self) -> Credential {
        self.login.credential()
    }

    fn look_up<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a Ask,
    ) -> Boxed<'a, Result<Found, Problem>> {
        Box::pin(self.instance(reference, ask))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        filter: &'a Filter,
        page: Option<Cursor>,
        ask: &'a Ask,
    ) -> Option<Boxed<'a, Result<Page, Problem>>> {
        Some(Box::pin(self.instances(scope, filter, page, ask)))
    }
}

fn token_label(profile: &Profile) -> String {
    profile.credential_label("token", "token")
}

/// The token of a profile.
fn token(profile: &Profile) -> Result<Issued<sign::Signer>, Problem> {
    let token = profile.secret("token").ok_or_else(|| {
        let problem = profile.missing("token", &["token"], &["JOBLENS_SUGON_TOKEN"]);
        let hint = problem.hint.clone().unwrap_or_default();
        problem.hint(format!(
            "{hint}; or set user, access_key and secret_key, for which tokens are fetched"
        ))
    })?;
    if !sign::is_token(token.expose()) {
        return Err(profile.wrong("token", "holds characters that no token has"));
    }
    Ok(sign::Signer::issued(token.clone()))
}

/// The address that a key gives, else the default.
fn address(
    profile: &Profile,
    key: &str,
    default: Option<&str>,
    wire: &Wire,
) -> Result<Option<Endpoint>, Problem> {
    let text = profile.get(key).or(default);
    text.map(|text| Endpoint::parse(text, &["/ai"], wire.limits().allow_http))
        .transpose()
        .map_err(|problem| problem.of_account(profile.cloud, &profile.name))
}

#[cfg(test)]
mod tests;
