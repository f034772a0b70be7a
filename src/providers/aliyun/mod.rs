//! Alibaba Cloud E-HPC, product `EHPC`, API version `2018-04-12`.
//!
//! Source: alibabacloud_ehpc20180412 4.0.0 and the E-HPC 1.0 API reference.

mod access_key;
mod array;
mod assume_role;
mod batch;
mod credential_files;
mod instance_role;
mod invocation;
mod list;
mod serve;
mod sign;
mod sign_v1;
mod states;
mod wire;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;

use super::login::CredentialCache;
use super::serve::EmulatedApi;
use super::shapes::schema_of;
use super::{
    Cloud, CloudApi, Connected, CredentialInfo, Cursor, Filter, GetOptions, GetResult, KindOps,
    Page, ScopeListing, ScopePage, job_at,
};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Endpoint, Method, Request, Response, Transport};
use crate::kind::{
    DetailSchemas, Kind, ListOrder, ListSpec, Operation, Segment, Template, UnlistedField,
};
use crate::model::{Job, Notice};
use crate::reference::{Reference, Scope};
use crate::settings::{Profile, ROLE, SettingSpec};
use sign::Signer;
use wire::details::{ClusterDetails, GroupDetails, InvocationDetails, JobDetails, NodeDetails};
use wire::{Command, DecodeError, Described, ErrorContext};

const VERSION: &str = "2018-04-12";

const CLUSTER: Segment = Segment::with_setting("CLUSTER", "cluster");

/// Serverless jobs.
pub static JOB: Kind = Kind {
    template: Template {
        cloud: "aliyun",
        cloud_short: "ali",
        kind: "job",
        kind_short: "job",
        segments: &[CLUSTER, Segment::required("JOB")],
        scope_segments: 1,
        ranges: true,
        sample: "aliyun/job/ehpc-hz-FYUr32/5",
    },
    states: states::JOB,
    details: DetailSchemas {
        job: &[schema_of::<JobDetails>],
        task: &[schema_of::<GroupDetails>],
    },
    get: Operation {
        name: "DescribeServerlessJobs",
        description: "E-HPC 2018-04-12 DescribeServerlessJobs",
        permission: "ehpc:DescribeServerlessJobs",
    },
    list: Some(ListSpec {
        operation: Operation {
            name: "ListServerlessJobs",
            description: "E-HPC 2018-04-12 ListServerlessJobs",
            permission: "ehpc:ListServerlessJobs",
        },
        order: ListOrder::NewestFirst,
        unlisted: &[],
        default_limit: None,
    }),
    batch_from: Some(2),
    needs_check_exists: false,
    flags: &[],
};

/// Commands on the nodes of a cluster.
pub static INVOCATION: Kind = Kind {
    template: Template {
        cloud: "aliyun",
        cloud_short: "ali",
        kind: "invocation",
        kind_short: "inv",
        segments: &[CLUSTER, Segment::required("COMMAND")],
        scope_segments: 1,
        ranges: false,
        sample: "aliyun/invocation/ehpc-hz-FYUr32/c-hz01v8x80o3",
    },
    states: states::INVOCATION,
    details: DetailSchemas {
        job: &[schema_of::<InvocationDetails>],
        task: &[schema_of::<NodeDetails>],
    },
    get: Operation {
        name: "ListInvocationStatus",
        description: "E-HPC 2018-04-12 ListInvocationStatus, ListInvocationResults",
        permission: "ehpc:ListInvocationStatus, ehpc:ListInvocationResults",
    },
    list: Some(ListSpec {
        operation: Operation {
            name: "ListCommands",
            description: "E-HPC 2018-04-12 ListCommands, then a look-up of each",
            permission: "ehpc:ListCommands, ehpc:ListInvocationStatus, ehpc:ListInvocationResults",
        },
        order: ListOrder::Undated,
        unlisted: &[
            UnlistedField::User,
            UnlistedField::Queue,
            UnlistedField::CreatedAt,
        ],
        default_limit: Some(20),
    }),
    batch_from: None,
    needs_check_exists: false,
    flags: &[],
};

/// Alibaba Cloud E-HPC.
pub static CLOUD: Cloud = Cloud {
    name: "aliyun",
    kinds: &[&JOB, &INVOCATION],
    scope_listing: Some(ScopeListing {
        operation: "E-HPC 2018-04-12 ListClusters",
        permission: "ehpc:ListClusters",
    }),
    scope_details: &[schema_of::<ClusterDetails>],
    keys: &[
        // As the SDKs, aliyun-cli with its two other prefixes, and Terraform name them.
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
        ),
        // The other name is that of programs of mode External of the CLI.
        SettingSpec::secret(
            "security_token",
            &[
                "ALIBABA_CLOUD_SECURITY_TOKEN",
                "ALIBABACLOUD_SECURITY_TOKEN",
                "ALICLOUD_SECURITY_TOKEN",
                "ALICLOUD_SECURITY_TOKEN",
            ],
        )
        .with_aliases(&["sts_token"]),
        // Variables of the vendor's that name a role belong to another way to log in; none of them
        // makes a key pair take on a role.
        SettingSpec::setting(ROLE, &[]),
        SettingSpec::setting("role_session_name", &[]),
        SettingSpec::setting("sts_endpoint", &["ALIBABA_CLOUD_STS_ENDPOINT"]),
    ],
    sources: &credential_files::SOURCES,
    public_domains: &[
        "aliyuncs.com",
        "aliyun.com",
        "alibabacloud.com",
        "alicloud.com",
    ],
    connect: |profile, transport| Ok(Box::new(connect(profile, transport)?)),
    emulator: EmulatedApi {
        operation: serve::operation,
        respond: serve::respond,
        throttled: serve::throttled,
        refused: serve::refused,
        unavailable: serve::unavailable,
        environment: &serve::ENVIRONMENT,
    },
};

/// One profile's access to E-HPC.
struct Ehpc {
    api: ApiClient,
    endpoint: Endpoint,
    region: Option<String>,
    credentials: CredentialCache<Signer>,
    /// True once the cloud has said that this key may not list jobs, or that it takes no such list.
    lists_unavailable: AtomicBool,
    /// True once the cloud has said that this key may not list jobs.
    list_denied: AtomicBool,
}

fn connect(profile: &Profile, transport: &Arc<Transport>) -> Result<Connected<Ehpc>, Problem> {
    Ok(Connected {
        api: Ehpc::new(profile, transport)?,
        kinds: &[&Jobs, &Invocations],
    })
}

impl Ehpc {
    fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        let (login, label) = match profile.get(ROLE) {
            None => (
                access_key::credential_cache(profile, wire)?,
                access_key::label(profile),
            ),
            Some(role) => {
                let label = assume_role::label(role, &access_key::label(profile));
                let sts = assume_role::AssumeRoleProvider::new(role, profile, wire)?;
                let login = CredentialCache::from_provider(sts);
                // Which role the machine has is not told by the profile.
                let login = match profile.uses_instance_role() {
                    true => login,
                    false => login.persistent(profile, wire),
                };
                (login, label)
            }
        };
        Ok(Self {
            api: ApiClient::new(wire, profile, label, access_key::secrets(profile)),
            endpoint: endpoint(profile, wire.options().allow_http)?,
            region: profile.get("region").map(str::to_owned),
            credentials: login,
            lists_unavailable: AtomicBool::new(false),
            list_denied: AtomicBool::new(false),
        })
    }

    /// A call of an operation. All parameters stand in the query, the body is empty.
    fn request(&self, operation: &'static str, method: Method, query: &[(&str, &str)]) -> Request {
        Request {
            operation,
            method,
            endpoint: self.endpoint.clone(),
            path: "/".to_owned(),
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            headers: vec![
                ("accept", "application/json".to_owned()),
                ("x-acs-action", operation.to_owned()),
                ("x-acs-version", VERSION.to_owned()),
            ],
            body: Vec::new(),
        }
    }

    async fn send(
        &self,
        request: &Request,
        cluster: &str,
        ask: &GetOptions,
    ) -> Result<Response, Problem> {
        let asked = ErrorContext {
            operation: request.operation,
            cluster,
            region: self.region.as_deref(),
        };
        let classify = |answer: &Response| wire::classify(&asked, answer);
        self.credentials
            .send(&self.api, request, &classify, ask.deadline)
            .await
    }

    async fn describe(
        &self,
        reference: &Reference,
        ask: &GetOptions,
    ) -> Result<Described, Problem> {
        let (cluster, id) = (cluster_of(reference), reference.id());
        let query = [("ClusterId", cluster), ("JobIds.1", id)];
        let request = self.request("DescribeServerlessJobs", Method::Post, &query);
        let answer = self.send(&request, cluster, ask).await?;
        let at = job_at(reference, self.region.as_deref());
        let mut described =
            wire::read_jobs(&answer.body, at, &ask.states).map_err(|miss| match miss {
                DecodeError::NotFound(request_id) => Problem {
                    request_id,
                    ..self.no_such_job(&request, &answer, reference)
                },
                DecodeError::Invalid(expected) => {
                    self.api.decode_problem(&request, &answer, &expected)
                }
            })?;
        if ask.raw {
            described.job.vendor = wire::vendor_document(&answer.body, ask.show_secrets);
            note_raw_omitted(&described.job, &mut described.notices);
        }
        Ok(described)
    }

    fn no_such_job(&self, request: &Request, answer: &Response, reference: &Reference) -> Problem {
        let mut problem = self.api.problem(
            request,
            Category::NotFound,
            format!("the cluster has no serverless job {}", reference.id()),
        );
        problem.http_status = Some(answer.status);
        problem.attempts = 1;
        problem.hint = Some(
            "check the job id; a subtask of an array job is asked for as JOB_INDEX, such as 10_3"
                .to_owned(),
        );
        problem
    }
}

#[async_trait]
impl CloudApi for Ehpc {
    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.origin())
    }

    fn credential(&self) -> CredentialInfo {
        self.credentials.credential()
    }

    async fn list_scopes(
        &self,
        profile: &str,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<ScopePage, Problem> {
        self.clusters(profile, at, options).await
    }
}

/// The operations on serverless jobs.
struct Jobs;

#[async_trait]
impl KindOps<Ehpc> for Jobs {
    fn kind(&self) -> &'static Kind {
        &JOB
    }

    async fn get(
        &self,
        api: &Ehpc,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        api.job(reference, options).await
    }

    fn can_batch(&self, api: &Ehpc, references: &[Reference]) -> bool {
        api.batchable(references).is_some()
    }

    async fn batch_get(
        &self,
        api: &Ehpc,
        references: &[Reference],
        options: &GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        // Another lookup may have learned meanwhile that this account may not list.
        let clusters = api.batchable(references).unwrap_or_default();
        api.batch_get_jobs(clusters, references, options).await
    }

    async fn list(
        &self,
        api: &Ehpc,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        api.list_jobs(scope, filter, at, options).await
    }
}

/// The operations on commands.
struct Invocations;

#[async_trait]
impl KindOps<Ehpc> for Invocations {
    fn kind(&self) -> &'static Kind {
        &INVOCATION
    }

    async fn get(
        &self,
        api: &Ehpc,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        api.invocation(reference, Command::default(), options).await
    }

    async fn list(
        &self,
        api: &Ehpc,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        api.list_commands(scope, filter, at, options).await
    }
}

fn cluster_of(reference: &Reference) -> &str {
    reference
        .segment("CLUSTER")
        .expect("every template of this cloud has a cluster")
}

/// A failed call in one line: operation, the cloud's code, what it said, and what to do.
fn summarize(problem: &Problem) -> String {
    let operation = problem.operation.as_deref().unwrap_or_default();
    let code = problem
        .code
        .as_deref()
        .unwrap_or_else(|| problem.category.as_str());
    let hint = problem.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{operation}: {code}: {}{hint}", problem.message)
}

fn note_raw_omitted(job: &Job, notices: &mut Vec<Notice>) {
    if job.vendor.is_none() {
        notices.push(Notice::new(
            "vendor_omitted",
            format!(
                "{}: the cloud's own document is nested too deep or too large to be shown",
                job.reference
            ),
        ));
    }
}

/// The endpoint that is set, else `https://ehpc.REGION.aliyuncs.com`.
fn endpoint(profile: &Profile, allow_http: bool) -> Result<Endpoint, Problem> {
    let region = profile.get("region");
    let is_region = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if region.is_some_and(|region| !is_region(region)) {
        return Err(profile
            .invalid("region", "is no region id")
            .with_hint("write it as the cloud does, such as cn-hangzhou"));
    }
    let text = match (profile.get("endpoint"), region) {
        (Some(endpoint), _) => endpoint.to_owned(),
        (None, Some(region)) => format!("https://ehpc.{region}.aliyuncs.com"),
        (None, None) => {
            return Err(profile.missing("region", &["region"], &["ALIBABA_CLOUD_REGION_ID"]));
        }
    };
    Endpoint::parse(&text, &[], allow_http)
        .map_err(|problem| problem.with_account(profile.cloud, &profile.name))
}

#[cfg(test)]
mod tests;
