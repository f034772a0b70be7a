//! Huawei Cloud, Workspace APP (云应用): jobs of image servers.

mod batch;
mod credential_files;
mod iam;
mod instance_role;
mod list;
mod merge;
mod regions;
mod serve;
mod sign;
mod wire;

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::imds;
use super::login::{Credential, CredentialCache, NegativeCache};
use super::shapes::{DetailSchemas, schema_of};
use super::states::StateTable;
use super::{
    BoxFuture, Cloud, CredentialInfo, Cursor, Filter, GetOptions, GetResult, Kind, ListOrder, Page,
    UnlistedField,
};
use crate::crypto::percent_encode;
use crate::error::Problem;
use crate::http::{ApiClient, Deadline, Endpoint, Method, Request, Transport};
use crate::reference::{Reference, Scope, Segment, Template};
use crate::secret::{Secret, is_region_like};
use crate::settings::{Profile, SettingSpec};

pub use wire::{ImageJobDetails, SubJobDetails};

/// Huawei Cloud.
pub static CLOUD: Cloud = Cloud {
    name: "huawei",
    kinds: &[Kind {
        template: Template {
            cloud: "huawei",
            cloud_short: "hw",
            kind: "image-job",
            kind_short: "img",
            segments: &[Segment {
                name: "JOB",
                setting: None,
            }],
            scope_segments: 0,
            ranges: false,
            sample: "huawei/image-job/702364883651395584",
        },
        state_tables: &[
            StateTable {
                allows_user_states: true,
                ..StateTable::new("job", wire::JOB_STATES)
            },
            StateTable {
                allows_user_states: true,
                ..StateTable::new("sub_job", wire::STATES)
            },
        ],
        details: DetailSchemas {
            job: &[schema_of::<ImageJobDetails>],
            task: &[schema_of::<SubJobDetails>],
        },
        operation: "Workspace APP GET /v1/{project_id}/image-server-jobs/{job_id}",
        permission: "Workspace ReadOnlyAccess",
        list_operation: "Workspace APP GET /v1/{project_id}/image-server-jobs, once for each job type",
        list_permission: "Workspace ReadOnlyAccess",
        list_order: ListOrder::Unsorted,
        unlisted_fields: &[UnlistedField::User, UnlistedField::Queue],
        list_limit: None,
    }],
    scope_listing: None,
    scope_details: &[],
    keys: &[
        SettingSpec::setting("region", &["HW_REGION_NAME"]),
        SettingSpec::setting(
            "project_id",
            &["HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID"],
        ),
        SettingSpec::id("access_key_id", &["HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY"]),
        SettingSpec::secret(
            "secret_access_key",
            &["HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY"],
        ),
        SettingSpec::secret(
            "security_token",
            &["HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"],
        ),
        SettingSpec::secret("token", &["JOBLENS_HUAWEI_TOKEN"]),
        SettingSpec::id("user", &["JOBLENS_HUAWEI_USER"]),
        SettingSpec::secret("password", &["JOBLENS_HUAWEI_PASSWORD"]),
        SettingSpec::id("domain", &["JOBLENS_HUAWEI_DOMAIN"]),
        SettingSpec::setting("iam_endpoint", &["HUAWEICLOUD_SDK_IAM_ENDPOINT"]),
    ],
    sources: &credential_files::SOURCES,
    public_domains: &[
        "myhuaweicloud.com",
        "myhuaweicloud.eu",
        "huaweicloud.com",
        "huaweicloud.eu",
        "hwclouds.com",
    ],
    connect: |profile, wire| Ok(Box::new(Client::new(profile, wire)?)),
    emulator: serve::EMULATOR,
};

/// The vendor's name of the operation that tells all about one job.
const OPERATION: &str = "ShowImageJob";

/// The vendor's name of the operation that lists jobs without their sub-jobs.
const LIST: &str = "ListImageJobs";

/// The vendor's name of the operation that gives a token for a password.
const TOKEN: &str = "KeystoneCreateUserTokenByPassword";

/// The vendor's name of the operation that lists projects.
const PROJECTS: &str = "KeystoneListProjects";

/// One key, token or user of one project.
struct Client {
    api: ApiClient,
    endpoint: Endpoint,
    credentials: CredentialCache<sign::Signer>,
    /// True for a key pair, which signs each call.
    is_key: bool,
    region: Option<String>,
    /// The project that is set, or was found for a key.
    project: OnceCell<String>,
    project_failures: NegativeCache,
    /// Who knows the project, when it is not set.
    iam: Option<Endpoint>,
    list_rotation: batch::ListRotation,
}

impl Client {
    fn new(profile: &Profile, wire: &Arc<Transport>) -> Result<Self, Problem> {
        let has_user = iam::is_configured(profile);
        let given = has_user
            .then(|| iam::check_exclusive(profile))
            .transpose()?;
        let login = || match profile.uses_instance_role() {
            true => Ok(CredentialCache::from_provider(
                instance_role::InstanceRoleProvider::new(profile, wire)?,
            )),
            false => CredentialCache::from_profile(profile, credential, label),
        };
        let key_or_token = given.is_none().then(login).transpose()?;
        let endpoint = endpoint(profile, wire)?;
        let is_key = !has_user && profile.secret("token").is_none();
        let project_id = profile.get("project_id").is_some() || !(is_key || has_user);
        let project_id = project_id.then(|| project_id_of(profile)).transpose()?;
        let iam = match has_user || project_id.is_none() {
            true => Some(iam::endpoint(profile, wire)?),
            false => None,
        };
        let project = OnceCell::new_with(project_id);
        let secrets = SECRET_KEYS.iter().filter_map(|key| profile.secret(key));
        let account = ApiClient::new(wire, profile, label(profile), secrets);
        let login = match (key_or_token, &iam) {
            (Some(login), _) => login,
            (None, iam) => CredentialCache::from_provider(iam::IamPasswordProvider::new(
                profile,
                // Its answers hold tokens, which are not masked there.
                ApiClient::new(wire, profile, label(profile), profile.secret("password")),
                iam.clone().expect("only IAM knows users"),
            )?)
            .persistent(profile, wire),
        };
        Ok(Self {
            api: account,
            endpoint,
            credentials: login,
            is_key,
            region: profile.get("region").map(str::to_owned),
            project,
            project_failures: NegativeCache::default(),
            iam,
            list_rotation: batch::ListRotation::default(),
        })
    }

    /// The id of the project, from the settings or from IAM.
    async fn project(&self, deadline: Deadline) -> Result<String, Problem> {
        if !self.is_key {
            // The project of a token is known when the token is.
            let held = self.credentials.get(&self.api, deadline).await?;
            if let Some(project) = held.signer.project() {
                return Ok(project.to_owned());
            }
        }
        let find = async || {
            let now = self.api.now();
            if let Some(problem) = self.project_failures.get("project", now) {
                return Err(problem);
            }
            let iam = self.iam.as_ref();
            let iam = iam.expect("a missing project is resolved by IAM");
            let region = self.region.as_deref().unwrap_or_default();
            let found =
                iam::find_project(&self.api, &self.credentials, iam, region, deadline).await;
            found.inspect_err(|problem| self.project_failures.insert(problem, self.api.now()))
        };
        self.project.get_or_try_init(find).await.cloned()
    }

    fn request(&self, project: &str, reference: &Reference) -> Request {
        let path = format!("image-server-jobs/{}", percent_encode(reference.id()));
        self.get_request(OPERATION, project, &path, Vec::new())
    }

    /// A call below the project's path.
    fn get_request(
        &self,
        operation: &'static str,
        project: &str,
        path: &str,
        query: Vec<(String, String)>,
    ) -> Request {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if self.is_key {
            headers.push(("x-project-id", project.to_owned()));
        }
        Request {
            operation,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: format!("/v1/{project}/{path}"),
            query,
            headers,
            body: Vec::new(),
        }
    }

    async fn image_job(
        &self,
        reference: &Reference,
        ask: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let request = self.request(&self.project(ask.deadline).await?, reference);
        let answer = self
            .credentials
            .send(&self.api, &request, &wire::classify, ask.deadline)
            .await?;
        let request_id = answer.header("x-request-id").map(str::to_owned);
        let mut found = wire::decode(&answer.body, reference, ask, self.region.as_deref())
            .map_err(|expected| {
                let mut problem = self.api.decode_problem(&request, &answer, &expected);
                problem.request_id.clone_from(&request_id);
                problem
            })?;
        found.job.request_id = request_id;
        Ok(found)
    }
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
        Box::pin(self.image_job(reference, ask))
    }

    fn batch_get<'a>(
        &'a self,
        references: &'a [Reference],
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Vec<Option<GetResult>>, Problem>>> {
        let is_worth_it = references.len() > 1 && self.list_rotation.can_list();
        is_worth_it.then(|| Box::pin(self.batch_get_jobs(references, ask)) as BoxFuture<'_, _>)
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        filter: &'a Filter,
        page: Option<Cursor>,
        ask: &'a GetOptions,
    ) -> Option<BoxFuture<'a, Result<Page, Problem>>> {
        let at = page.unwrap_or(Cursor::FIRST);
        Some(Box::pin(self.image_jobs(scope, filter, at, ask)))
    }
}

/// What is masked in answers.
const SECRET_KEYS: [&str; 5] = [
    "access_key_id",
    "secret_access_key",
    "security_token",
    "token",
    "password",
];

/// Parts of a credential; each of them travels in a header.
const CREDENTIAL_KEYS: [&str; 4] = [
    "access_key_id",
    "secret_access_key",
    "security_token",
    "token",
];

fn label(profile: &Profile) -> String {
    if profile.uses_instance_role() {
        return imds::label(profile);
    }
    if iam::is_configured(profile) {
        return profile.credential_label("user", "user");
    }
    match profile.secret("token") {
        None if profile.uses_instance_role() => imds::label(profile),
        None => profile.credential_label("access_key_id", "key"),
        Some(_) => profile.credential_label("token", "token"),
    }
}

fn credential(profile: &Profile) -> Result<Credential<sign::Signer>, Problem> {
    Ok(Credential {
        signer: signer(profile)?,
        secrets: CREDENTIAL_KEYS
            .iter()
            .filter_map(|key| profile.secret(key).cloned())
            .collect(),
        expires_at: None,
    })
}

/// A key pair or a token, never both: a silent choice would be a guess.
fn signer(profile: &Profile) -> Result<sign::Signer, Problem> {
    for key in CREDENTIAL_KEYS {
        let is_header =
            |secret: &Secret| secret.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if profile.secret(key).is_some_and(|secret| !is_header(secret)) {
            return Err(profile.invalid(key, "contains invalid characters"));
        }
    }
    let part = |key: &'static str, variable: &'static str| {
        profile
            .secret(key)
            .cloned()
            .ok_or_else(|| profile.missing(&key.replace('_', " "), &[key], &[variable]))
    };
    let has_key = CREDENTIAL_KEYS[..3]
        .iter()
        .any(|key| profile.secret(key).is_some());
    match (profile.secret("token"), has_key) {
        (Some(_), true) => Err(profile
            .invalid("token", "and an access key are mutually exclusive")
            .with_hint("remove one of them")),
        (Some(token), false) => Ok(sign::Signer::credential(token.clone(), None).signer),
        (None, true) => Ok(sign::Signer::Key {
            id: part("access_key_id", "HUAWEICLOUD_SDK_AK")?,
            secret: part("secret_access_key", "HUAWEICLOUD_SDK_SK")?,
            security_token: profile.secret("security_token").cloned(),
        }),
        (None, false) => Err(profile.missing(
            "access key",
            &["access_key_id", "secret_access_key"],
            &["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"],
        )),
    }
}

fn endpoint(profile: &Profile, wire: &Transport) -> Result<Endpoint, Problem> {
    let parse = |text: &str| Endpoint::parse(text, &[], wire.options().allow_http);
    if let Some(text) = profile.get("endpoint") {
        return parse(text);
    }
    let region = profile
        .get("region")
        .ok_or_else(|| profile.missing("region", &["region"], &["JOBLENS_HUAWEI_REGION"]))?;
    match regions::host(region) {
        Some(host) => parse(&format!("https://{host}")),
        None => {
            let what = match is_region_like(region) {
                true => format!("is '{region}', which has no known endpoint"),
                false => "has no known endpoint".to_owned(),
            };
            Err(profile.invalid("region", &what).with_hint(
                "set endpoint to the address of Workspace APP in that region, or fix the region",
            ))
        }
    }
}

/// The project id, fit for a path segment and a header.
fn project_id_of(profile: &Profile) -> Result<String, Problem> {
    const WHERE: &str =
        "find it in the console under My Credentials > API Credentials (我的凭证), one per region";
    let Some(id) = profile.get("project_id") else {
        let problem = profile.missing(
            "project id",
            &["project_id"],
            &["HUAWEICLOUD_SDK_PROJECT_ID"],
        );
        let hint = problem.hint.clone().unwrap_or_default();
        return Err(problem.with_hint(format!("{hint}; {WHERE}")));
    };
    if !is_project_id(id) {
        return Err(profile
            .invalid("project_id", "contains invalid characters")
            .with_hint(WHERE));
    }
    Ok(id.to_owned())
}

fn is_project_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
