//! Tencent Cloud, CCS (API 2.0): events of the services of a cluster.

mod credential_files;
mod instance_role;
mod list;
mod regions;
mod serve;
mod sign;
mod wire;

use std::sync::Arc;

use super::imds;
use super::login::{Credential, CredentialCache};
use super::shapes::{DetailSchemas, schema_of};
use super::states::StateTable;
use super::{
    BoxFuture, Cloud, CredentialInfo, Cursor, Filter, GetOptions, GetResult, Kind, ListOrder, Page,
    ScopeListing, ScopePage, UnlistedField, wall_clock::WallClock,
};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Endpoint, Method, Request, RequestError, Response, Transport};
use crate::reference::{Reference, Scope, Segment, Template};
use crate::settings::{Profile, SettingSpec};

pub use wire::{ClusterDetails, LoadBalancer, ServiceDetails};

/// Tencent Cloud.
pub static CLOUD: Cloud = Cloud {
    name: "tencent",
    kinds: &[Kind {
        template: Template {
            cloud: "tencent",
            cloud_short: "qcloud",
            kind: "service",
            kind_short: "svc",
            segments: &[
                Segment {
                    name: "CLUSTER",
                    setting: Some("cluster"),
                },
                Segment {
                    name: "NAMESPACE",
                    setting: Some("namespace"),
                },
                Segment {
                    name: "SERVICE",
                    setting: None,
                },
            ],
            scope_segments: 1,
            ranges: false,
            sample: "tencent/service/cls-xxxxx/default/test-web-service",
        },
        state_tables: &[StateTable::new("job", &[])],
        details: DetailSchemas {
            job: &[schema_of::<ServiceDetails>],
            ..DetailSchemas::NONE
        },
        operation: "CCS API 2.0 DescribeServiceEvent",
        permission: "ccs:DescribeServiceEvent",
        list_operation: "CCS API 2.0 DescribeClusterService",
        list_permission: "ccs:DescribeClusterService",
        list_order: ListOrder::Unsorted,
        unlisted_fields: &[
            UnlistedField::State,
            UnlistedField::User,
            UnlistedField::Queue,
        ],
        list_limit: None,
    }],
    scope_listing: Some(ScopeListing {
        operation: "CCS API 2.0 DescribeCluster",
        permission: "ccs:DescribeCluster",
    }),
    scope_details: &[schema_of::<ClusterDetails>],
    keys: &[
        SettingSpec::setting("region", &["TENCENTCLOUD_REGION"]),
        SettingSpec::setting("cluster", &[]),
        SettingSpec::setting("namespace", &[]),
        SettingSpec::id("secret_id", &["TENCENTCLOUD_SECRET_ID"]),
        SettingSpec::secret("secret_key", &["TENCENTCLOUD_SECRET_KEY"]),
        SettingSpec::secret("token", &["TENCENTCLOUD_TOKEN"]),
    ],
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
    connect: |profile, wire| Ok(Box::new(Client::new(profile, wire)?)),
    emulator: serve::EMULATOR,
};

/// The vendor's name of the operation that tells a service's events.
const OPERATION: &str = "DescribeServiceEvent";

/// The vendor's name of the operation that tells whether a service exists.
const INFO: &str = "DescribeClusterServiceInfo";

/// The vendor's name of the operation that lists the services of a cluster.
const LIST: &str = "DescribeClusterService";

/// The vendor's name of the operation that lists clusters.
const CLUSTERS: &str = "DescribeCluster";

/// Fixed by the vendor for every call of API 2.0.
const PATH: &str = "/v2/index.php";

/// One key of one region.
struct Client {
    api: ApiClient,
    endpoint: Endpoint,
    credentials: CredentialCache<sign::Signer>,
    clock: WallClock,
    region: String,
}

impl Client {
    fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        let login = match profile.uses_instance_role() {
            true => CredentialCache::from_provider(instance_role::InstanceRoleProvider::new(
                profile, wire,
            )?),
            false => CredentialCache::from_profile(profile, credential, label)?,
        };
        let secrets = CREDENTIAL_KEYS.iter().filter_map(|key| profile.secret(key));
        let region = profile
            .get("region")
            .ok_or_else(|| profile.missing("region", &["region"], &["TENCENTCLOUD_REGION"]))?;
        let endpoint = profile
            .get("endpoint")
            .unwrap_or("https://ccs.api.qcloud.com");
        let endpoint = Endpoint::parse(endpoint, &[], wire.options().allow_http)?;
        Ok(Self {
            api: ApiClient::new(wire, profile, label(profile), secrets),
            endpoint,
            credentials: login,
            clock: WallClock::from_profile(profile)?,
            region: region.to_owned(),
        })
    }

    fn request(&self, operation: &'static str, reference: &Reference) -> Request {
        let segment = |name| reference.segment(name).unwrap_or_default();
        self.call(
            operation,
            &[
                ("clusterId", segment("CLUSTER")),
                ("namespace", segment("NAMESPACE")),
                ("serviceName", reference.id()),
            ],
        )
    }

    fn call(&self, operation: &'static str, parameters: &[(&str, &str)]) -> Request {
        let common = [("Action", operation), ("Region", &self.region)];
        let query = common.iter().chain(parameters);
        Request {
            operation,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: PATH.to_owned(),
            query: query
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    async fn send(&self, request: &Request, ask: &GetOptions) -> Result<Response, Problem> {
        let classify = |answer: &Response| {
            let no = wire::classify(answer)?;
            Some(with_hint(no, request.operation, &self.region))
        };
        self.credentials
            .send(&self.api, request, &classify, ask.deadline)
            .await
            .map_err(|problem| self.with_retirement_hint(problem))
    }

    async fn service(&self, reference: &Reference, ask: &GetOptions) -> Result<GetResult, Problem> {
        let request = self.request(OPERATION, reference);
        let answer = self.send(&request, ask).await?;
        let region = Some(self.region.as_str());
        wire::decode(&answer.body, reference, ask, region, self.clock)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))
    }

    /// A service that does not exist has no events either, so their absence says nothing.
    async fn exists(&self, reference: &Reference, ask: &GetOptions) -> Result<(), Problem> {
        let request = self.request(INFO, reference);
        let answer = self.send(&request, ask).await?;
        match wire::has_service(&answer.body, reference) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let what = format!("service {} not found in the cluster", reference.id());
                let mut problem = self.api.problem(&request, Category::NotFound, what);
                problem.http_status = Some(answer.status);
                problem.hint = Some(wire::CHECK_ADDRESS.to_owned());
                Err(problem)
            }
            Err(expected) => Err(self.api.decode_problem(&request, &answer, &expected)),
        }
    }

    /// A host that is gone looks like a broken network, unless it is this machine.
    fn with_retirement_hint(&self, mut problem: Problem) -> Problem {
        if problem.category == Category::Network && !self.endpoint.is_loopback() {
            let hint = problem.hint.take();
            let hint = hint.map_or_else(String::new, |hint| format!("{hint}; "));
            problem.hint = Some(format!("{hint}{}", wire::RETIRED));
        }
        problem
    }
}

/// Parts of a credential; each of them travels with a call or signs it.
const CREDENTIAL_KEYS: [&str; 3] = ["secret_id", "secret_key", "token"];

fn label(profile: &Profile) -> String {
    match profile.uses_instance_role() {
        true => imds::label(profile),
        false => profile.credential_label("secret_id", "key"),
    }
}

/// The key pair of a profile, with the token of a temporary one.
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
        secrets: CREDENTIAL_KEYS
            .iter()
            .filter_map(|key| profile.secret(key).cloned())
            .collect(),
        expires_at: None,
    })
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
        Box::pin(self.service(reference, ask))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        _filter: &'a Filter,
        _page: Option<Cursor>,
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Page, Problem>>> {
        Some(Box::pin(self.services(scope, ask)))
    }

    fn list_scopes<'a>(
        &'a self,
        profile: &'a str,
        page: Option<Cursor>,
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<ScopePage, Problem>>> {
        let at = page.unwrap_or(Cursor::FIRST);
        Some(Box::pin(self.clusters(profile, at, ask)))
    }

    fn check_exists<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<(), Problem>>> {
        Some(Box::pin(self.exists(reference, ask)))
    }
}

/// What to do about a "no" to this operation. A parameter that is not taken may be the region, which
/// has two spellings.
fn with_hint(mut refusal: RequestError, operation: &str, region: &str) -> RequestError {
    if refusal.category == Category::PermissionDenied {
        refusal.hint = Some(format!("grant the permission ccs:{operation}"));
    }
    if refusal.code.as_deref() == Some("4000") {
        refusal.hint = regions::other_spelling(region).map(|other| {
            format!("check the parameters; the region {region} is also spelled {other}")
        });
    }
    refusal
}

#[cfg(test)]
mod tests;
