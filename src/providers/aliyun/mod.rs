//! Alibaba Cloud: E-HPC (API versions `2018-04-12` and `2024-07-30`), E-HPC Instant and PAI-DLC.
//!
//! Source: alibabacloud_ehpc20180412 4.0.0 and the E-HPC 1.0 API reference.

mod access_key;
mod assume_role;
mod clusters;
mod credential_files;
mod details;
mod dlc_job;
mod document;
mod errors;
mod hpc_job;
mod instance_role;
mod instant_job;
mod invocation;
mod job;
mod memory;
mod products;
mod scheduler;
mod scheduler_job;
mod scheduler_log;
pub(crate) mod sign;
pub(crate) mod sign_v1;
mod xml;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::api::{DecodeError, Decoded, SigningClient};
use super::details_schema::schema_of;
use super::products::{Endpoints, Product};
use super::wall_clock::WallClock;
use super::{
    Cloud, CloudApi, CloudClient, CredentialInfo, KindEntry, RequestOptions, ScopeListRequest,
    ScopeListSpec, ScopePage, kinds_of,
};
use crate::credentials::CredentialCache;
use crate::error::Problem;
use crate::http::{ApiClient, Method, Request, Transport, pairs};
use crate::kind::{DetailTypes, Name, Segment};
use crate::reference::Reference;
use crate::settings::{Profile, ROLE, STS_ENDPOINT, SettingSpec, SettingsSchema};
use chrono::TimeDelta;
use clusters::ClusterDetails;
use dlc_job::{DLC_JOB, DlcJobs, WorkspaceLists};
use hpc_job::{HPC_JOB, HpcJobs};
use instant_job::{INSTANT_JOB, InstantJobs};
use invocation::{INVOCATION, Invocations};
use job::{JOB, Jobs, KnownArrays};
use products::EHPC;
use scheduler_job::{SCHEDULER_JOB, SchedulerJobs};
use sign::Signer;

const CLUSTER: Segment = Segment::with_setting("CLUSTER", "cluster");

/// Every kind of the cloud, with its operations.
static KINDS: [KindEntry<Api>; 6] = [
    (&JOB, &Jobs),
    (&INVOCATION, &Invocations),
    (&HPC_JOB, &HpcJobs),
    (&DLC_JOB, &DlcJobs),
    (&INSTANT_JOB, &InstantJobs),
    (&SCHEDULER_JOB, &SchedulerJobs),
];

/// The names of the cloud.
const CLOUD_NAME: Name = Name::new("aliyun", "ali");

/// Alibaba Cloud: E-HPC, E-HPC Instant and PAI-DLC.
pub static CLOUD: Cloud = Cloud {
    schema: &SettingsSchema {
        cloud: CLOUD_NAME.long,
        keys: &[
            // Variables of the SDKs, of aliyun-cli with its two other prefixes, and of Terraform.
            SettingSpec::setting(
                "region",
                &[
                    "ALIBABA_CLOUD_REGION_ID",
                    "ALIBABACLOUD_REGION_ID",
                    "ALICLOUD_REGION_ID",
                    "ALICLOUD_REGION",
                ],
            ),
            SettingSpec::setting("cluster", &[]),
            SettingSpec::id(
                "access_key_id",
                &[
                    "ALIBABA_CLOUD_ACCESS_KEY_ID",
                    "ALIBABACLOUD_ACCESS_KEY_ID",
                    "ALICLOUD_ACCESS_KEY_ID",
                    "ALICLOUD_ACCESS_KEY",
                ],
            ),
            SettingSpec::secret(
                "access_key_secret",
                &[
                    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
                    "ALIBABACLOUD_ACCESS_KEY_SECRET",
                    "ALICLOUD_ACCESS_KEY_SECRET",
                    "ALICLOUD_SECRET_KEY",
                ],
            )
            .with_aliases(&["secret_access_key"]),
            // The alias `sts_token` is the name that programs for the CLI's mode External use. The variable of the
            // third family also belongs to the fourth, as in Terraform.
            SettingSpec::secret(
                "security_token",
                &[
                    "ALIBABA_CLOUD_SECURITY_TOKEN",
                    "ALIBABACLOUD_SECURITY_TOKEN",
                    "ALICLOUD_SECURITY_TOKEN",
                    "ALICLOUD_SECURITY_TOKEN",
                ],
            )
            .with_aliases(&["sts_token", "session_token"]),
            // The vendor's variables for a role belong to another login method. None of them makes a key pair
            // assume a role.
            SettingSpec::setting(ROLE, &[]),
            SettingSpec::setting("role_session_name", &[]),
            SettingSpec::setting(STS_ENDPOINT, &["ALIBABA_CLOUD_STS_ENDPOINT"]),
            SettingSpec::setting("workspace", &[]),
            SettingSpec::setting("eci_endpoint", &[]),
            SettingSpec::setting("dlc_endpoint", &[]),
            SettingSpec::setting("instant_endpoint", &[]),
            SettingSpec::setting("workspace_endpoint", &[]),
        ],
        all_public_domains: super::all_public_domains,
        variable_prefixes: &["ALIBABACLOUD_", "ALIBABA_CLOUD_", "ALICLOUD_", "ALIYUN_"],
        client_cert_is_credential: false,
    },
    kinds: &kinds_of(&KINDS),
    scope_listings: &[
        ScopeListSpec {
            kinds: &[&JOB, &INVOCATION, &SCHEDULER_JOB],
            optional_kinds: &[],
            operation: "E-HPC 2018-04-12 ListClusters",
            permission: "ehpc:ListClusters",
        },
        ScopeListSpec {
            kinds: &[&HPC_JOB],
            optional_kinds: &[],
            operation: "E-HPC 2024-07-30 ListClusters",
            permission: "ehpc:ListClusters",
        },
    ],
    scope_details: DetailTypes::new(&[schema_of::<ClusterDetails>]),
    minimal_keys: &["region", "access_key_id", "access_key_secret"],
    sources: &credential_files::SOURCES,
    public_domains: &[
        "aliyuncs.com",
        "aliyun.com",
        "alibabacloud.com",
        "alicloud.com",
    ],
    endpoint: |profile, transport| {
        if let Some(role) = profile.get(ROLE) {
            assume_role::check_role(role, profile)?;
        }
        products::endpoint(&EHPC, profile, transport.options().allow_http)
    },
    new_client: |profile, transport| Ok(Box::new(new_client(profile, transport)?)),
};

fn new_client(profile: &Profile, transport: &Arc<Transport>) -> Result<CloudClient<Api>, Problem> {
    Ok(CloudClient::new(Api::new(profile, transport)?, &KINDS))
}

/// A client of the products for one profile.
struct Api {
    client: SigningClient<Signer>,
    endpoints: Endpoints,
    /// The UTC offset of times that the cloud sends without a zone.
    clock: WallClock,
    /// True once the cloud has rejected a list of serverless jobs because the permission is missing or the list
    /// is not supported.
    lists_unavailable: AtomicBool,
    /// True once the cloud has denied this key the permission to list serverless jobs.
    list_denied: AtomicBool,
    /// Which serverless jobs are array jobs, according to earlier responses.
    known_arrays: KnownArrays,
    /// The workspace whose PAI-DLC jobs are listed, if the profile sets one.
    workspace: Option<String>,
    /// The positions in the lists of the jobs of all workspaces of PAI-DLC.
    workspace_lists: Mutex<WorkspaceLists>,
    /// The workspaces of PAI-DLC jobs, by job id, according to earlier responses.
    dlc_workspaces: Mutex<HashMap<String, String>>,
}

impl Api {
    fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        let (credentials, label) = match profile.get(ROLE) {
            None => (
                access_key::credential_cache(profile, transport)?,
                access_key::label(profile),
            ),
            Some(role) => {
                let label = assume_role::label(role, &access_key::label(profile));
                let sts = assume_role::AssumeRoleProvider::new(role, profile, transport)?;
                let credentials = CredentialCache::from_provider(sts);
                // The profile does not identify the machine's role, so its keys are not kept between runs.
                let credentials = match profile.uses_instance_role() {
                    true => credentials,
                    false => credentials.persistent(profile, transport, ""),
                };
                (credentials, label)
            }
        };
        Ok(Self {
            client: SigningClient {
                http: ApiClient::new(transport, profile, label, access_key::secrets(profile)),
                credentials,
                errors: &errors::ERRORS,
                region: profile.get("region").map(str::to_owned),
            },
            endpoints: Endpoints::new(&products::ALL, |product| {
                products::endpoint(product, profile, transport.options().allow_http)
            })?,
            clock: WallClock::from_profile(profile)?,
            lists_unavailable: AtomicBool::new(false),
            list_denied: AtomicBool::new(false),
            known_arrays: KnownArrays::default(),
            workspace: profile.get("workspace").map(str::to_owned),
            workspace_lists: Mutex::default(),
            dlc_workspaces: Mutex::default(),
        })
    }

    fn region(&self) -> Option<&str> {
        self.client.region.as_deref()
    }

    /// Creates a request for an operation. All parameters are in the query; the body is empty.
    fn request(
        &self,
        product: &Product,
        operation: &'static str,
        method: Method,
        query: &[(&str, &str)],
    ) -> Request {
        Request {
            method,
            query: pairs(query),
            headers: vec![
                ("accept", "application/json".to_owned()),
                ("x-acs-action", operation.to_owned()),
                ("x-acs-version", product.version.to_owned()),
            ],
            ..Request::get(operation, self.endpoints.of(product), "/")
        }
    }

    /// Creates a request for an operation with its own path. Parameters without a value are omitted.
    fn path_request(
        &self,
        product: &Product,
        operation: &'static str,
        path: String,
        query: &[(&str, Option<&str>)],
    ) -> Request {
        let query = query.iter();
        let query: Vec<(&str, &str)> = query
            .filter_map(|(name, value)| Some((*name, (*value)?)))
            .collect();
        Request {
            path,
            ..self.request(product, operation, Method::Get, &query)
        }
    }

    /// Sends a request and decodes the response; see [`SigningClient::call`].
    async fn call<T, E: Into<DecodeError>>(
        &self,
        request: Request,
        options: &RequestOptions,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        self.client.call(&request, options.deadline, decode).await
    }
}

#[async_trait]
impl CloudApi for Api {
    fn forget(&self, reference: &Reference) {
        self.known_arrays.forget(reference);
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.endpoints.of(&EHPC).origin())
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

/// Returns the cluster of a reference or scope.
fn cluster_of(segment: Option<&str>) -> &str {
    segment.expect("the template of the kind has a cluster")
}

#[cfg(test)]
mod tests;
