//! Exchanges a key pair for tokens, one for each computing region.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::errors::EXCHANGE_ERRORS;
use super::{SECRET_KEYS, TOKENS, address, sign};
use crate::credentials::{Credential, CredentialCache, CredentialProvider};
use crate::crypto::{hex, hmac_sha256};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Deadline, Endpoint, Method, Request, SigningInstructions, Transport};
use crate::providers::lenient::{self, List, Text};
use crate::secret::{Secret, quotable};
use crate::settings::Profile;

/// The default host for the exchange.
const HOST: &str = "https://api.scnet.cn";

/// What a token gives access to.
#[derive(Debug, Clone, Copy)]
pub(super) enum TokenScope<'a> {
    /// The configured region, or the only one.
    Home,
    /// The region with this id.
    Region(&'a str),
    /// The platform.
    Platform,
}

impl<'a> TokenScope<'a> {
    /// Returns the name under which the token is stored between runs; the home region's is empty.
    pub(super) fn as_str(self) -> &'a str {
        match self {
            Self::Home => "",
            Self::Region(id) => id,
            Self::Platform => PLATFORM_ID,
        }
    }
}

/// Id of the platform in the list of regions; its token gives no access to regions.
const PLATFORM_ID: &str = "0";

/// Setting names of the credential.
const PARTS: [&str; 3] = ["user", "access_key", "secret_key"];

/// Environment variables for these settings.
const VARIABLES: [&str; 3] = [
    "JOBLENS_SUGON_USER",
    "JOBLENS_SUGON_ACCESS_KEY",
    "JOBLENS_SUGON_SECRET_KEY",
];

/// Returns `true` if the profile has a key pair, or at least one part of it.
pub(super) fn is_configured(profile: &Profile) -> bool {
    PARTS.iter().any(|key| profile.secret(key).is_some())
}

/// Key pair that signs the exchange request.
pub(super) struct KeyPair {
    user: String,
    access_key: Secret,
    secret_key: Secret,
}

impl crate::http::Signer for KeyPair {
    fn key(&self) -> Vec<&str> {
        let [access_key, secret_key] = [&self.access_key, &self.secret_key].map(Secret::expose);
        vec![&self.user, access_key, secret_key]
    }

    fn sign(&self, _request: &Request, now: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        let timestamp = now.timestamp().to_string();
        let message = message(self.access_key.expose(), &timestamp, &self.user);
        let signature = signature(self.secret_key.expose(), &message);
        SigningInstructions {
            headers: vec![
                ("user", Secret::new(&self.user)),
                ("accesskey", self.access_key.clone()),
                ("timestamp", Secret::new(timestamp)),
                ("signature", Secret::new(signature)),
            ],
            query: Vec::new(),
        }
    }
}

/// Returns the text to sign: JSON in exactly this order, with only backslashes and quotes escaped.
pub(crate) fn message(access_key: &str, timestamp: &str, user: &str) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        r#"{{"accessKey":"{}","timestamp":"{}","user":"{}"}}"#,
        escaped(access_key),
        escaped(timestamp),
        escaped(user)
    )
}

/// Returns the HMAC-SHA256 in lower-case hex.
pub(crate) fn signature(secret_key: &str, message: &str) -> String {
    hex(&hmac_sha256(secret_key.as_bytes(), message.as_bytes()))
}

/// Exchanges a profile's key pair; one request returns the tokens of all scopes.
pub(super) struct TokenExchange {
    api: ApiClient,
    credentials: CredentialCache<KeyPair>,
    endpoint: Endpoint,
    cluster_id: Option<String>,
    issued: Mutex<IssuedTokens>,
}

/// The tokens of the last exchange.
#[derive(Default)]
struct IssuedTokens {
    regions: Vec<RegionToken>,
    /// The tokens that were already used. Requesting one of them again causes a new exchange.
    used: Vec<String>,
}

impl TokenExchange {
    /// Creates the exchange.
    ///
    /// # Errors
    /// A usage error, or an error for a missing part of the key.
    pub(super) fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        if profile.secret("token").is_some() {
            return Err(profile
                .invalid("token", "and an access key are mutually exclusive")
                .with_hint("remove one of them"));
        }
        let credentials = CredentialCache::from_profile(profile, key_pair, label)?;
        let endpoint = address(profile, "auth_endpoint", Some(HOST), transport)?;
        Ok(Self {
            api: ApiClient::new(
                transport,
                profile,
                label(profile),
                profile.secrets(&SECRET_KEYS),
            )
            .for_credentials(),
            credentials,
            endpoint: endpoint.expect("there is a default"),
            cluster_id: profile.get("cluster_id").map(str::to_owned),
            issued: Mutex::default(),
        })
    }

    /// Returns the provider of the tokens for one scope.
    pub(super) fn provider(self: &Arc<Self>, scope: TokenScope<'_>) -> TokenExchangeProvider {
        TokenExchangeProvider {
            exchange: Arc::clone(self),
            region_id: match scope {
                TokenScope::Home => self.cluster_id.clone(),
                TokenScope::Region(id) => Some(id.to_owned()),
                TokenScope::Platform => None,
            },
            is_platform: matches!(scope, TokenScope::Platform),
        }
    }

    fn request(&self) -> Request {
        Request {
            method: Method::Post,
            ..Request::get(TOKENS, &self.endpoint, "/api/user/v3/tokens")
        }
    }

    async fn exchange(&self, deadline: Deadline) -> Result<Vec<RegionToken>, Problem> {
        let request = self.request();
        let classify = EXCHANGE_ERRORS.classifier(&request);
        let response = self
            .credentials
            .send(&self.api, &request, &classify, deadline)
            .await?;
        let unreadable = |expected: String| {
            let api = &self.api;
            api.decode_secret_problem(&request, &response, &expected, "auth_endpoint")
        };
        let tokens: Tokens = lenient::decode(&response.body).map_err(unreadable)?;
        Ok(tokens.data.0)
    }

    fn unreadable(&self, expected: &str) -> Problem {
        // The response is not printed: it may contain a token.
        let message = format!("invalid response: expected {expected}");
        let problem = self
            .api
            .problem(&self.request(), Category::InvalidResponse, message);
        problem.with_hint("check auth_endpoint")
    }
}

/// Provider of the tokens for one scope.
pub(super) struct TokenExchangeProvider {
    exchange: Arc<TokenExchange>,
    region_id: Option<String>,
    is_platform: bool,
}

impl TokenExchangeProvider {
    fn select(&self, regions: &[RegionToken]) -> Result<String, (String, String)> {
        match self.is_platform {
            true => select_platform_token(regions),
            false => select_region_token(regions, self.region_id.as_deref()),
        }
    }

    async fn token(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        let exchange = &*self.exchange;
        let mut issued = exchange.issued.lock().await;
        let is_unused = |token: &String| {
            let expires_at = sign::Signer::new(Secret::new(token)).expires_at();
            let is_good = expires_at.is_none_or(|at| at > exchange.api.server_now());
            is_good && !issued.used.contains(token)
        };
        let known = self.select(&issued.regions).ok().filter(is_unused);
        let token = match known {
            Some(token) => token,
            None => {
                issued.regions = exchange.exchange(deadline).await?;
                issued.used.clear();
                self.select(&issued.regions).map_err(|(message, hint)| {
                    let request = exchange.request();
                    let category = Category::MissingCredentials;
                    let problem = exchange.api.problem(&request, category, message);
                    problem.with_hint(hint)
                })?
            }
        };
        if !sign::is_token(&token) {
            return Err(exchange.unreadable("a token of ASCII characters in data"));
        }
        issued.used.push(token.clone());
        Ok(sign::Signer::credential(Secret::new(token)))
    }
}

#[async_trait]
impl CredentialProvider<sign::Signer> for TokenExchangeProvider {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        self.token(deadline).await
    }

    fn label(&self) -> Option<String> {
        Some(self.exchange.api.credential())
    }
}

pub(super) fn label(profile: &Profile) -> String {
    profile.credential_label("access_key", "key")
}

/// Returns the key pair of a profile.
fn key_pair(profile: &Profile) -> Result<Credential<KeyPair>, Problem> {
    let part = |key: &str| {
        let missing = || profile.missing("complete access key", &PARTS, &VARIABLES);
        profile.secret(key).cloned().ok_or_else(missing)
    };
    let [user, access_key, secret_key] = [part("user")?, part("access_key")?, part("secret_key")?];
    Ok(Credential {
        secrets: vec![access_key.clone(), secret_key.clone()],
        signer: KeyPair {
            user: user.expose().to_owned(),
            access_key,
            secret_key,
        },
        expires_at: None,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    data: List<RegionToken>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RegionToken {
    cluster_name: Text,
    cluster_id: Text,
    token: Text,
}

impl RegionToken {
    fn has_id(&self, wanted: &str) -> bool {
        [&self.cluster_id, &self.cluster_name]
            .map(Text::trimmed)
            .contains(&Some(wanted))
    }

    fn label(&self) -> String {
        let name = self.cluster_name.trimmed();
        let name = name.map_or_else(String::new, |name| format!(" ({name})"));
        format!("{}{name}", self.cluster_id.trimmed().unwrap_or("?"))
    }
}

/// Returns the platform's token, or an error message and a hint.
fn select_platform_token(regions: &[RegionToken]) -> Result<String, (String, String)> {
    let mut platform = regions.iter().filter(|region| region.has_id(PLATFORM_ID));
    let token = platform.find_map(|region| region.token.trimmed());
    token.map(str::to_owned).ok_or_else(|| {
        let message = "no token issued for the platform".to_owned();
        (
            message,
            "list one scheduler: joblens list sugon/job/REGION/SCHEDULER/".to_owned(),
        )
    })
}

/// Returns the token of the wanted region or, if none is specified, of the only region; otherwise an error message
/// and a hint.
fn select_region_token(
    regions: &[RegionToken],
    wanted: Option<&str>,
) -> Result<String, (String, String)> {
    const STOPPED: &str =
        "the account is suspended there; top it up, or set cluster_id to another region";
    let all: Vec<&RegionToken> = regions
        .iter()
        .filter(|region| !region.has_id(PLATFORM_ID))
        .collect();
    let labels = |open: bool| {
        let labels = all
            .iter()
            .filter(|region| !open || region.token.0.is_some());
        labels
            .map(|region| region.label())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let token = |region: &RegionToken| region.token.trimmed().map(str::to_owned);
    if let Some(wanted) = wanted {
        let Some(region) = all.iter().find(|region| region.has_id(wanted)) else {
            let message = format!(
                "unknown computing region '{}' for this account",
                quotable(wanted)
            );
            return Err((message, region_hint(&labels(true), all.is_empty())));
        };
        let stopped = || {
            (
                format!("no token issued for region {}", region.label()),
                STOPPED.to_owned(),
            )
        };
        return token(region).ok_or_else(stopped);
    }
    let tokens: Vec<String> = all.iter().filter_map(|region| token(region)).collect();
    match (&tokens[..], all.is_empty()) {
        ([token], _) => Ok(token.clone()),
        ([], true) => Err((
            "the account has no computing region".to_owned(),
            NO_REGION.to_owned(),
        )),
        ([], false) => {
            let message = format!(
                "no token issued for any region of the account: {}",
                labels(false)
            );
            Err((message, STOPPED.to_owned()))
        }
        _ => Err((
            "the account has several computing regions".to_owned(),
            region_hint(&labels(true), false),
        )),
    }
}

const NO_REGION: &str = "request one on the platform, or set endpoint and token";

/// Returns the hint for an unknown region. `open` are the labels of the regions with a token, `is_empty` is true if the
/// account has no region.
fn region_hint(open: &str, is_empty: bool) -> String {
    match (open, is_empty) {
        (_, true) => format!("the account has no computing region yet: {NO_REGION}"),
        ("", false) => "the account is suspended in all of its regions; top it up".to_owned(),
        (open, false) => format!("set cluster_id to one of: {open}"),
    }
}

#[cfg(test)]
mod tests;
