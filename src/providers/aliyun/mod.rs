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

use super::login::CredentialCache;
use super::serve::EmulatedApi;
use super::shapes::{DetailSchemas, schema_of};
use super::{
    BoxFuture, Client, Cloud, CredentialInfo, Cursor, Filter, GetOptions, GetResult, Kind,
    ListOrder, Page, ScopeListing, ScopePage, UnlistedField, job_at,
};
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Endpoint, Method, Request, Response, Transport};
use crate::model::{Job, Notice, NoticeCode};
use crate::reference::{Reference, Scope, Segment, Template};
use crate::settings::{Profile, ROLE, SettingSpec};
use sign::Signer;
use wire::details::{ClusterDetails, GroupDetails, InvocationDetails, JobDetails, NodeDetails};
use wire::{Command, DecodeError, Described, ErrorContext};

const VERSION: &str = "2018-04-12";

const CLUSTER: Segment = Segment {
    name: "CLUSTER",
    setting: Some("cluster"),
};

/// Alibaba Cloud E-HPC.
pub static CLOUD: Cloud = Cloud {
    name: "aliyun",
    kinds: &[
        Kind {
            template: Template {
                cloud: "aliyun",
                cloud_short: "ali",
                kind: "job",
                kind_short: "job",
                segments: &[
                    CLUSTER,
                    Segment {
                        name: "JOB",
                        setting: None,
                    },
                ],
                scope_segments: 1,
                ranges: true,
                sample: "aliyun/job/ehpc-hz-FYUr32/5",
            },
            state_tables: states::JOB,
            details: DetailSchemas {
                job: &[schema_of::<JobDetails>],
                task: &[schema_of::<GroupDetails>],
            },
            operation: "E-HPC 2018-04-12 DescribeServerlessJobs",
            permission: "ehpc:DescribeServerlessJobs",
            list_operation: "E-HPC 2018-04-12 ListServerlessJobs",
            list_permission: "ehpc:ListServerlessJobs",
            list_order: ListOrder::NewestFirst,
            unlisted_fields: &[],
            list_limit: None,
        },
        Kind {
            template: Template {
                cloud: "aliyun",
                cloud_short: "ali",
                kind: "invocation",
                kind_short: "inv",
                segments: &[
                    CLUSTER,
                    Segment {
                        name: "COMMAND",
                        setting: None,
                    },
                ],
                scope_segments: 1,
                ranges: false,
                sample: "aliyun/invocation/ehpc-hz-FYUr32/c-hz01v8x80o3",
            },
            state_tables: states::INVOCATION,
            details: DetailSchemas {
                job: &[schema_of::<InvocationDetails>],
                task: &[schema_of::<NodeDetails>],
            },
            operation: "E-HPC 2018-04-12 ListInvocationStatus, ListInvocationResults",
            permission: "ehpc:ListInvocationStatus, ehpc:ListInvocationResults",
            list_operation: "E-HPC 2018-04-12 ListCommands, then a request for each",
            list_permission: "ehpc:ListCommands, ehpc:ListInvocationStatus, ehpc:ListInvocationResults",
            list_order: ListOrder::Undated,
            unlisted_fields: &[
                UnlistedField::User,
                UnlistedField::Queue,
                UnlistedField::CreatedAt,
            ],
            list_limit: Some(20),
        },
    ],
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
    connect,
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

fn connect(profile: &Profile, wire: &Arc<Transport>) -> Result<Box<dyn Client>, Problem> {
    Ehpc::new(profile, wire).map(|ehpc| Box::new(ehpc) as Box<dyn Client>)
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
            format!("serverless job {} not found in the cluster", reference.id()),
        );
        problem.http_status = Some(answer.status);
        problem.attempts = 1;
        problem.hint =
            Some("check the job id; a subtask of an array job is JOB_INDEX, e.g. 10_3".to_owned());
        problem
    }
}

impl Client for Ehpc {
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
        Box::pin(async move {
            match reference.template.kind {
                "invocation" => self.invocation(reference, Command::default(), ask).await,
                _ => self.job(reference, ask).await,
            }
        })
    }

    fn batch_get<'a>(
        &'a self,
        references: &'a [Reference],
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Vec<Option<GetResult>>, Problem>>> {
        let clusters = self.batchable(references)?;
        Some(Box::pin(self.batch_get_jobs(clusters, references, ask)))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        filter: &'a Filter,
        page: Option<Cursor>,
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Page, Problem>>> {
        let at = page.unwrap_or(Cursor::FIRST);
        Some(match scope.template.kind {
            "invocation" => Box::pin(self.list_commands(scope, filter, at, ask)),
            _ => Box::pin(self.list_jobs(scope, filter, at, ask)),
        })
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
            NoticeCode::VendorOmitted,
            format!(
                "{}: the raw response is too large or too deeply nested to include",
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
            .invalid("region", "is not a valid region id")
            .with_hint("use the cloud's form, e.g. cn-hangzhou"));
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
