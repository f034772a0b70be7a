//! Sugon AI (曙光, SCNet): container instances and HPC jobs of the open API v2.

mod credential_files;
mod envelope;
mod errors;
mod host_policy;
mod hosts;
mod instance;
mod job;
mod region;
mod sign;
pub(crate) mod token_exchange;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use super::{Cloud, CloudApi, CloudClient, CredentialInfo, KindEntry, kinds_of};
use crate::error::Problem;
use crate::http::{Endpoint, Transport};
use crate::kind::{DetailTypes, Name};
use crate::secret::quotable;
use crate::settings::{Profile, SettingSpec, SettingsSchema};
use crate::sync::lock;

use host_policy::{AI_HOSTS, HostPolicy, PATHS};
use instance::{INSTANCE, Instances};
use job::{JOB, Jobs};
use region::Region;
use token_exchange::{TokenExchange, TokenScope};

/// Every kind of the cloud, with its operations.
static KINDS: [KindEntry<Api>; 2] = [(&INSTANCE, &Instances), (&JOB, &Jobs)];

/// The names of the cloud.
const CLOUD_NAME: Name = Name::new("sugon", "scnet");

/// Sugon SCNet.
pub static CLOUD: Cloud = Cloud {
    schema: &SettingsSchema {
        cloud: CLOUD_NAME.long,
        keys: &[
            SettingSpec::secret("token", &["JOBLENS_SUGON_TOKEN"]),
            SettingSpec::secret("platform_token", &["JOBLENS_SUGON_PLATFORM_TOKEN"]),
            SettingSpec::id("access_key", &["JOBLENS_SUGON_ACCESS_KEY"]),
            SettingSpec::id("user", &["JOBLENS_SUGON_USER"]),
            SettingSpec::secret("secret_key", &["JOBLENS_SUGON_SECRET_KEY"]),
            SettingSpec::setting("cluster_id", &[]),
            SettingSpec::setting("scheduler_id", &[]),
            SettingSpec::setting("auth_endpoint", &[]),
            SettingSpec::setting("platform_endpoint", &[]),
            SettingSpec::setting(AI_HOSTS, &[]),
        ],
        all_public_domains: super::all_public_domains,
        variable_prefixes: &["SCNET_", "SUGON_"],
        client_cert_is_credential: false,
    },
    kinds: &kinds_of(&KINDS),
    scope_listings: &[],
    scope_details: DetailTypes::NONE,
    minimal_keys: &["user", "access_key", "secret_key"],
    sources: &credential_files::SOURCES,
    public_domains: &["scnet.cn", "sugon.com", "hpccube.com"],
    endpoint: plain_endpoint,
    new_client: |profile, transport| Ok(Box::new(new_client(profile, transport)?)),
};

/// Settings whose values are masked in responses.
const SECRET_KEYS: [&str; 4] = ["token", "platform_token", "access_key", "secret_key"];

/// The name used here for the operation that returns the hosts of a computing region's services.
const CENTRE: &str = "GetCenterInfo";

/// The name used here for the operation that exchanges a key pair for tokens.
const TOKENS: &str = "GetUserTokens";

const REGION_TOKEN: &str = "a token of the computing region (a platform token is not sufficient)";

fn new_client(profile: &Profile, transport: &Arc<Transport>) -> Result<CloudClient<Api>, Problem> {
    Ok(CloudClient::new(Api::new(profile, transport)?, &KINDS))
}

/// Client for one account: its configured computing region, and other regions that its key can access.
struct Api {
    home: Arc<Region>,
    /// Other regions by their ids; the platform has the key `None`.
    others: Mutex<HashMap<Option<String>, Arc<Region>>>,
    /// Exchanges the key for tokens; `None` if a token is configured.
    exchange: Option<Arc<TokenExchange>>,
    list_state: instance::ListState,
    profile: Profile,
}

impl Api {
    fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        let exchange = token_exchange::is_configured(profile)
            .then(|| TokenExchange::new(profile, transport).map(Arc::new))
            .transpose()?;
        let home = Region::new(profile, transport, exchange.as_ref(), TokenScope::Home)?;
        Ok(Self {
            home: Arc::new(home),
            others: Mutex::default(),
            exchange,
            list_state: instance::ListState::default(),
            profile: profile.clone(),
        })
    }

    /// Returns the region with this id, with its own token.
    ///
    /// # Errors
    /// An error unless the profile's token is known to belong to the region.
    fn region(&self, id: &str) -> Result<Arc<Region>, Problem> {
        let home = self.profile.get("cluster_id");
        if home == Some(id) {
            return Ok(Arc::clone(&self.home));
        }
        match (&self.exchange, home) {
            (Some(_), _) => self.for_scope(TokenScope::Region(id)),
            (None, None) => {
                let setting = "region of the token";
                let (key, variable) = ("cluster_id", "JOBLENS_SUGON_CLUSTER_ID");
                Err(self.profile.missing(setting, &[key], &[variable]))
            }
            (None, Some(home)) => {
                let message = format!("the token is for computing region '{}'", quotable(home));
                let problem = self.profile.missing_credentials(message);
                Err(problem.with_hint(format!(
                    "use a profile for region '{}', or set user, access_key and secret_key to fetch tokens of all regions",
                    quotable(id)
                )))
            }
        }
    }

    /// Returns the platform, which lists the jobs of all regions.
    ///
    /// # Errors
    /// An error if the platform's token is missing.
    fn platform(&self) -> Result<Arc<Region>, Problem> {
        self.for_scope(TokenScope::Platform)
    }

    fn for_scope(&self, scope: TokenScope<'_>) -> Result<Arc<Region>, Problem> {
        let id = match scope {
            TokenScope::Region(id) => Some(id.to_owned()),
            TokenScope::Home | TokenScope::Platform => None,
        };
        let mut others = lock(&self.others);
        if let Some(known) = others.get(&id) {
            return Ok(Arc::clone(known));
        }
        let transport = &self.home.transport;
        let region = Region::new(&self.profile, transport, self.exchange.as_ref(), scope)?;
        let region = Arc::new(region);
        others.insert(id, Arc::clone(&region));
        Ok(region)
    }
}

impl CloudApi for Api {
    fn endpoint(&self) -> Option<String> {
        Some(self.home.endpoint.origin())
    }

    fn credential(&self) -> CredentialInfo {
        self.home.client.credentials.credential()
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.home.client.http.clock_ahead()
    }
}

/// Returns the endpoint from a setting, otherwise the default.
fn address(
    profile: &Profile,
    key: &str,
    default: Option<&str>,
    transport: &Transport,
) -> Result<Option<Endpoint>, Problem> {
    let text = profile.get(key).or(default);
    text.map(|text| Endpoint::parse(text, PATHS, transport.options().allow_http))
        .transpose()
        .map_err(|problem| profile.unusable(key, problem))
}

/// Returns the endpoint from the settings, and checks the setting for additional hosts.
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
