//! Tencent Cloud, CCS (API 2.0): events of the services of a cluster.

mod list;
mod machine;
mod regions;
mod serve;
mod sign;
mod tools;
mod wire;

use std::sync::Arc;

use super::login::{Issued, Login};
use super::metadata;
use super::shapes::{Shapes, shape};
use super::states::Level;
use super::{
    Ask, Boxed, Cloud, Credential, Cursor, Filter, Found, Kind, ListOrder, Page, Places, ScopePage,
    Untold, wall_clock::WallClock,
};
use crate::error::{Category, Problem};
use crate::http::{Account, Answer, Endpoint, Method, Refusal, Request, Wire};
use crate::reference::{Reference, Scope, Segment, Template};
use crate::settings::{KeySpec, Profile};

pub use wire::{ClusterDetails, Details, LoadBalancer};

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
        levels: &[Level::new("job", &[])],
        details: Shapes {
            job: &[shape::<Details>],
            ..Shapes::NONE
        },
        operation: "CCS API 2.0 DescribeServiceEvent",
        permission: "ccs:DescribeServiceEvent",
        list_operation: "CCS API 2.0 DescribeClusterService",
        list_permission: "ccs:DescribeClusterService",
        list_order: ListOrder::Unsorted,
        list_untold: &[Untold::State, Untold::User, Untold::Queue],
        list_limit: None,
    }],
    places: Some(Places {
        operation: "CCS API 2.0 DescribeCluster",
        permission: "ccs:DescribeCluster",
    }),
    scope_details: &[shape::<ClusterDetails>],
    keys: &[
        KeySpec::setting("region", &["TENCENTCLOUD_REGION"]),
        KeySpec::setting("cluster", &[]),
        KeySpec::setting("namespace", &[]),
        KeySpec::id("secret_id", &["TENCENTCLOUD_SECRET_ID"]),
        KeySpec::secret("secret_key", &["TENCENTCLOUD_SECRET_KEY"]),
        KeySpec::secret("token", &["TENCENTCLOUD_TOKEN"]),
    ],
    tools: &tools::TOOLS,
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
    server: serve::SERVER,
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
    account: Account,
    endpoint: Endpoint,
    login: Login<sign::Signer>,
    clock: WallClock,
    region: String,
}

impl Client {
    fn new(profile: &Profile, wire: &Arc<Wire>) -> Result<Self, Problem> {
        let login = match profile.is_of_machine() {
            true => Login::issued(machine::Machine::new(profile, wire)?),
            false => Login::of(profile, credential, label)?,
        };
        let secrets = CREDENTIAL_KEYS.iter().filter_map(|key| profile.secret(key));
        let region = profile
            .get("region")
            .ok_or_else(|| profile.missing("region", &["region"], &["TENCENTCLOUD_REGION"]))?;
        let endpoint = profile
            .get("endpoint")
            .unwrap_or("https://ccs.api.qcloud.com");
        let endpoint = Endpoint::parse(endpoint, &[], wire.limits().allow_http)?;
        Ok(Self {
            account: Account::new(wire, profile, label(profile), secrets),
            endpoint,
            login,
            clock: WallClock::of(profile)?,
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

    async fn send(&self, request: &Request, ask: &Ask) -> Result<Answer, Problem> {
        let classify = |answer: &Answer| {
            let no = wire::classify(answer)?;
            Some(with_hint(no, request.operation, &self.region))
        };
        self.login
            .send(&self.account, request, &classify, ask.deadline)
            .await
            .map_err(|problem| self.with_retirement_hint(problem))
    }

    async fn service(&self, reference: &Reference, ask: &Ask) -> Result<Found, Problem> {
        let request = self.request(OPERATION, reference);
        let answer = self.send(&request, ask).await?;
        let region = Some(self.region.as_str());
        wire::read(&answer.body, reference, ask, region, self.clock)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))
    }

    /// A service that does not exist has no events either, so their absence says nothing.
    async fn exists(&self, reference: &Reference, ask: &Ask) -> Result<(), Problem> {
        let request = self.request(INFO, reference);
        let answer = self.send(&request, ask).await?;
        match wire::has_service(&answer.body, reference) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let what = format!("the cluster has no service {}", reference.id());
                let mut problem = self.account.problem(&request, Category::NotFound, what);
                problem.http_status = Some(answer.status);
                problem.hint = Some(wire::CHECK_ADDRESS.to_owned());
                Err(problem)
            }
            Err(expected) => Err(self.account.unreadable(&request, &answer, &expected)),
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
    match profile.is_of_machine() {
        true => metadata::label(profile),
        false => profile.credential_label("secret_id", "key"),
    }
}

/// The key pair of a profile, with the token of a temporary one.
fn credential(profile: &Profile) -> Result<Issued<sign::Signer>, Problem> {
    const VARIABLES: [&str; 2] = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"];
    let part = |key| {
        let missing = || profile.missing("secret id and key", &CREDENTIAL_KEYS[..2], &VARIABLES);
        profile.secret(key).cloned().ok_or_else(missing)
    };
    Ok(Issued {
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

    fn credential(&self) -> Credential {
        self.login.credential()
    }

    fn look_up<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a Ask,
    ) -> Boxed<'a, Result<Found, Problem>> {
        Box::pin(self.service(reference, ask))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        _filter: &'a Filter,
        _page: Option<Cursor>,
        ask: &'a Ask,
    ) -> Option<Boxed<'a, Result<Page, Problem>>> {
        Some(Box::pin(self.services(scope, ask)))
    }

    fn scopes<'a>(
        &'a self,
        profile: &'a str,
        page: Option<Cursor>,
        ask: &'a Ask,
    ) -> Option<Boxed<'a, Result<ScopePage, Problem>>> {
        let at = page.unwrap_or(Cursor::FIRST);
        Some(Box::pin(self.clusters(profile, at, ask)))
    }

    fn confirm<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a Ask,
    ) -> Option<Boxed<'a, Result<(), Problem>>> {
        Some(Box::pin(self.exists(reference, ask)))
    }
}

/// What to do about a "no" to this operation. A parameter that is not taken may be the region, which
/// has two spellings.
fn with_hint(mut refusal: Refusal, operation: &str, region: &str) -> Refusal {
    if refusal.category == Category::Permission {
        refusal.hint = Some(format!("ask for permission ccs:{operation}"));
    }
    if refusal.code.as_deref() == Some("4000") {
        refusal.hint = regions::other_spelling(region).map(|other| {
            format!("check the parameters; the region {region} is also spelt {other}")
        });
    }
    refusal
}

#[cfg(test)]
mod tests;
