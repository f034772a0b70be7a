//! Tencent Cloud: services of CCS (API 2.0), training tasks of TI-ONE and jobs of Batch (API 3.0).

mod batch_job;
mod clusters;
mod credential_files;
mod errors;
mod instance_role;
mod list;
pub(crate) mod products;
mod regions;
mod service;
pub(crate) mod sign;
pub(crate) mod tc3;
#[cfg(test)]
mod test_support;
mod training_task;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::{DecodeError, Decoded, SigningClient};
use super::details_schema::schema_of;
use super::lenient::{self, OptionalObject, Required, Text};
use super::products::{Endpoints, Product};
use super::{
    Cloud, CloudApi, CloudClient, CredentialInfo, KindEntry, RequestOptions, ScopeListRequest,
    ScopeListSpec, ScopePage, kinds_of, wall_clock::WallClock,
};
use crate::credentials::temporary_key::TemporaryKey;
use crate::credentials::{Credential, CredentialCache, KeySource};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Endpoint, Method, Request, Transport, pairs};
use crate::kind::{DetailTypes, Name};
use crate::secret::Secret;
use crate::settings::{Profile, SettingSpec, SettingsSchema};
use batch_job::{BATCH_JOB, BatchJobs};
use clusters::ClusterDetails;
use service::{SERVICE, Service};
use training_task::{TRAINING_TASK, TrainingTasks};

/// Every kind of the cloud, with its operations.
static KINDS: [KindEntry<Api>; 3] = [
    (&SERVICE, &Service),
    (&TRAINING_TASK, &TrainingTasks),
    (&BATCH_JOB, &BatchJobs),
];

/// The names of the cloud.
const CLOUD_NAME: Name = Name::new("tencent", "qcloud");

/// Tencent Cloud.
pub static CLOUD: Cloud = Cloud {
    schema: &SettingsSchema {
        cloud: CLOUD_NAME.long,
        keys: &[
            SettingSpec::setting("region", &["TENCENTCLOUD_REGION"]),
            SettingSpec::setting("cluster", &[]),
            SettingSpec::setting("namespace", &[]),
            SettingSpec::id("secret_id", &["TENCENTCLOUD_SECRET_ID"])
                .with_aliases(&["tmp_secret_id", "access_key_id"]),
            SettingSpec::secret("secret_key", &["TENCENTCLOUD_SECRET_KEY"])
                .with_aliases(&["tmp_secret_key", "secret_access_key"]),
            SettingSpec::secret("token", &["TENCENTCLOUD_TOKEN"]).with_aliases(&["session_token"]),
            SettingSpec::setting("tione_endpoint", &[]),
            SettingSpec::setting("batch_endpoint", &[]),
        ],
        all_public_domains: super::all_public_domains,
        // `TKE_` is the prefix of the variables that TKE sets in pods with a role.
        variable_prefixes: &["QCLOUD_", "TENCENTCLOUD_", "TENCENT_", "TKE_"],
        client_cert_is_credential: false,
    },
    kinds: &kinds_of(&KINDS),
    scope_listings: &[ScopeListSpec {
        kinds: &[&SERVICE],
        optional_kinds: &[],
        operation: "CCS API 2.0 DescribeCluster",
        permission: "ccs:DescribeCluster",
    }],
    scope_details: DetailTypes::new(&[schema_of::<ClusterDetails>]),
    minimal_keys: &["region", "secret_id", "secret_key"],
    sources: &credential_files::SOURCES,
    public_domains: &[
        "qcloud.com",
        "myqcloud.com",
        "tencent.com",
        "tencent-cloud.com",
        "tencentcloud.com",
        "tencentcloudapi.com",
        "tencentcs.com",
        "tencentyun.com",
    ],
    endpoint,
    new_client: |profile, transport| Ok(Box::new(new_client(profile, transport)?)),
};

/// The vendor's name of the operation that lists clusters.
const CLUSTERS: &str = "DescribeCluster";

/// The vendor uses this path for all requests of API 2.0.
const PATH: &str = "/v2/index.php";

fn new_client(profile: &Profile, transport: &Arc<Transport>) -> Result<CloudClient<Api>, Problem> {
    Ok(CloudClient::new(Api::new(profile, transport)?, &KINDS))
}

/// Client for one key and one region.
struct Api {
    client: SigningClient<sign::Signer>,
    /// The endpoint of CCS.
    ccs_endpoint: Endpoint,
    /// The endpoints of the products of API 3.0.
    endpoints: Endpoints,
    clock: WallClock,
    region: String,
}

impl Api {
    fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        let credentials = CredentialCache::from_key_source(&KEYS, profile, transport)?;
        let secrets = profile.secrets(&CREDENTIAL_KEYS);
        let region = profile
            .get("region")
            .ok_or_else(|| profile.missing("region", &["region"], &["TENCENTCLOUD_REGION"]))?;
        let allow_http = transport.options().allow_http;
        Ok(Self {
            ccs_endpoint: endpoint(profile, transport)?,
            endpoints: Endpoints::new(&products::ALL, |product| {
                products::endpoint(product, profile, allow_http)
            })?,
            client: SigningClient {
                http: ApiClient::new(transport, profile, label(profile), secrets),
                credentials,
                errors: &errors::ERRORS,
                region: Some(region.to_owned()),
            },
            clock: WallClock::from_profile(profile)?,
            region: region.to_owned(),
        })
    }

    /// Creates a request for an operation of CCS, in API 2.0.
    fn ccs_request(&self, operation: &'static str, parameters: &[(&str, &str)]) -> Request {
        let common = [("Action", operation), ("Region", &self.region)];
        Request {
            query: pairs(&[&common, parameters].concat()),
            ..Request::get(operation, &self.ccs_endpoint, PATH)
        }
    }

    /// Calls an operation of CCS; see [`SigningClient::call`].
    async fn call_ccs<T, E: Into<DecodeError>>(
        &self,
        operation: &'static str,
        parameters: &[(&str, &str)],
        options: &RequestOptions,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let request = self.ccs_request(operation, parameters);
        let response = self.client.call(&request, options.deadline, decode).await;
        response.map_err(|problem| self.with_retirement_hint(problem))
    }

    /// Calls an operation of API 3.0; see [`SigningClient::call`].
    async fn call_product<T, E: Into<DecodeError>>(
        &self,
        product: &Product,
        operation: &'static str,
        parameters: &Value,
        options: &RequestOptions,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let region = products::region_name(&self.region).to_owned();
        let request = Request {
            method: Method::Post,
            headers: vec![
                ("content-type", tc3::JSON.to_owned()),
                ("x-tc-action", operation.to_owned()),
                ("x-tc-version", product.version.to_owned()),
                ("x-tc-region", region),
            ],
            body: parameters.to_string().into_bytes(),
            ..Request::get(operation, self.endpoints.of(product), "/")
        };
        self.client.call(&request, options.deadline, decode).await
    }

    /// Calls an operation of API 3.0 whose response needs no further checks than its fields.
    async fn read_product<T: DeserializeOwned + Default>(
        &self,
        product: &Product,
        operation: &'static str,
        parameters: &Value,
        options: &RequestOptions,
    ) -> Result<Decoded<T>, Problem> {
        self.call_product(product, operation, parameters, options, decode_product)
            .await
    }

    /// Adds the hint about the retired API to network errors: a host that no longer exists looks like a network
    /// failure, unless it is this machine.
    fn with_retirement_hint(&self, mut problem: Problem) -> Problem {
        if problem.category == Category::Network && !self.ccs_endpoint.is_loopback() {
            let hint = problem.hint.take();
            let hint = hint.map_or_else(String::new, |hint| format!("{hint}; "));
            problem.hint = Some(format!("{hint}{}", errors::RETIRED));
        }
        problem
    }
}

#[async_trait]
impl CloudApi for Api {
    fn endpoint(&self) -> Option<String> {
        Some(self.ccs_endpoint.origin())
    }

    fn credential(&self) -> CredentialInfo {
        self.client.credentials.credential()
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.client.http.clock_ahead()
    }

    async fn list_scopes(&self, request: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
        clusters::list(self, request).await
    }
}

/// The envelope of every response of CCS. In tables of the documentation, the content is next to the code; in its
/// samples, within `data`. Some write `returnCode`.
#[derive(Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    bound = "T: Default + Deserialize<'de>"
)]
struct CcsEnvelope<T> {
    code: Text,
    return_code: Text,
    data: Required<OptionalObject<T>>,
}

/// Decodes the content of a response of CCS without a failure, from `data` unless `data` is empty.
///
/// # Errors
/// A description of what is missing in the response.
fn decode_ccs<T: DeserializeOwned + Default + PartialEq>(body: &[u8]) -> Result<T, String> {
    let envelope: CcsEnvelope<T> = lenient::decode_response(body)?;
    let codes = [&envelope.code, &envelope.return_code].map(|code| code.trimmed());
    let mut known = codes.into_iter().flatten().peekable();
    if known.peek().is_none() || known.any(|code| code != "0") {
        return Err("code 0".to_owned());
    }
    match envelope.data {
        Required::Unreadable => Err("an object data".to_owned()),
        Required::Present(OptionalObject(Some(data))) if *data != T::default() => Ok(*data),
        _ => lenient::decode_response(body),
    }
}

/// The envelope of every response of API 3.0.
#[derive(Default, Deserialize)]
#[serde(
    default,
    rename_all = "PascalCase",
    bound = "T: Default + Deserialize<'de>"
)]
struct ProductEnvelope<T> {
    response: Required<OptionalObject<T>>,
}

/// Decodes the content of a response of API 3.0.
///
/// # Errors
/// A description of what is missing in the response.
fn decode_product<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, String> {
    let envelope: ProductEnvelope<T> = lenient::decode_response(body)?;
    match envelope.response {
        Required::Present(OptionalObject(Some(content))) => Ok(*content),
        _ => Err("an object Response".to_owned()),
    }
}

/// Parts of a credential; each is sent with a request or signs it.
const CREDENTIAL_KEYS: [&str; 3] = ["secret_id", "secret_key", "token"];

fn endpoint(profile: &Profile, transport: &Transport) -> Result<Endpoint, Problem> {
    let endpoint = profile.get("endpoint");
    let endpoint = endpoint.unwrap_or("https://ccs.api.qcloud.com");
    Endpoint::parse(endpoint, &[], transport.options().allow_http)
        .map_err(|problem| profile.unusable("endpoint", problem))
}

static KEYS: KeySource<sign::Signer> = KeySource {
    from_profile: credential,
    issued,
    label,
    imds: &instance_role::SERVICE,
};

fn label(profile: &Profile) -> String {
    profile.credential_label("secret_id", "key")
}

fn issued(key: TemporaryKey) -> Credential<sign::Signer> {
    let secret_id = Secret::key_id(key.id);
    Credential {
        secrets: vec![secret_id.clone(), key.secret.clone(), key.token.clone()],
        signer: sign::Signer {
            secret_id,
            secret_key: key.secret,
            token: Some(key.token),
        },
        expires_at: Some(key.expires_at),
    }
}

/// Returns the key pair of a profile, with its token if the key pair is temporary.
fn credential(profile: &Profile) -> Result<Credential<sign::Signer>, Problem> {
    const VARIABLES: [&str; 2] = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"];
    let part = |key| {
        let missing = || profile.missing("secret id and key", &CREDENTIAL_KEYS[..2], &VARIABLES);
        profile.secret(key).cloned().ok_or_else(missing)
    };
    Ok(Credential {
        signer: sign::Signer {
            secret_id: part("secret_id")?,
            secret_key: part("secret_key")?,
            token: profile.secret("token").cloned(),
        },
        secrets: profile.secrets(&CREDENTIAL_KEYS).cloned().collect(),
        expires_at: None,
    })
}

#[cfg(test)]
mod tests;
