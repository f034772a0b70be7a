//! Huawei Cloud: Workspace APP (云应用), ModelArts, and the asynchronous jobs of other services.

mod credential_files;
mod error_body;
mod errors;
mod iam;
mod image_job;
mod instance_role;
mod job;
mod products;
mod regions;
pub(crate) mod sign;
mod sub_jobs;
mod training_job;

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::api::{DecodeError, Decoded, SigningClient};
use super::products::Product;
use super::{Cloud, CloudApi, CloudClient, CredentialInfo, KindEntry, RequestOptions, kinds_of};
use crate::credentials::temporary_key::TemporaryKey;
use crate::credentials::{Credential, CredentialCache, KeySource, NegativeCache};
use crate::error::Problem;
use crate::http::{ApiClient, Deadline, Endpoint, Method, Request, Transport, pairs};
use crate::kind::{DetailTypes, Name};
use crate::secret::Secret;
use crate::settings::{Profile, SettingSpec, SettingsSchema};
use image_job::{IMAGE_JOB, ImageJobs, ListRotation};
use job::{AsyncJobs, JOB};
use products::{endpoint, first_endpoint};
use training_job::{TRAINING_JOB, TrainingJobs};

/// Every kind of the cloud, with its operations.
static KINDS: [KindEntry<Api>; 3] = [
    (&IMAGE_JOB, &ImageJobs),
    (&TRAINING_JOB, &TrainingJobs),
    (&JOB, &AsyncJobs),
];

/// The names of the cloud.
const CLOUD_NAME: Name = Name::new("huawei", "hw");

/// Huawei Cloud.
pub static CLOUD: Cloud = Cloud {
    schema: &SettingsSchema {
        cloud: CLOUD_NAME.long,
        keys: &[
            SettingSpec::setting("region", &["HW_REGION_NAME"]),
            SettingSpec::setting(
                "project_id",
                &["HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID"],
            ),
            SettingSpec::id("access_key_id", &["HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY"])
                .with_aliases(&["access", "ak"]),
            SettingSpec::secret(
                "secret_access_key",
                &["HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY"],
            )
            .with_aliases(&["secret", "sk"]),
            SettingSpec::secret(
                "security_token",
                &["HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"],
            )
            .with_aliases(&["session_token"]),
            SettingSpec::secret("token", &["JOBLENS_HUAWEI_TOKEN"]),
            SettingSpec::id("user", &["JOBLENS_HUAWEI_USER"]),
            SettingSpec::secret("password", &["JOBLENS_HUAWEI_PASSWORD"]),
            SettingSpec::id("domain", &["JOBLENS_HUAWEI_DOMAIN"]),
            SettingSpec::setting("iam_endpoint", &["HUAWEICLOUD_SDK_IAM_ENDPOINT"]),
            SettingSpec::setting("workspace", &[]),
            SettingSpec::setting("modelarts_endpoint", &[]),
        ],
        all_public_domains: super::all_public_domains,
        variable_prefixes: &["HUAWEICLOUD_", "HUAWEI_", "HWC_", "HW_", "OS_", "OTC_"],
        client_cert_is_credential: false,
    },
    kinds: &kinds_of(&KINDS),
    scope_listings: &[],
    scope_details: DetailTypes::NONE,
    minimal_keys: &["region", "access_key_id", "secret_access_key"],
    sources: &credential_files::SOURCES,
    public_domains: &[
        "myhuaweicloud.com",
        "myhuaweicloud.eu",
        "huaweicloud.com",
        "huaweicloud.eu",
        "hwclouds.com",
    ],
    endpoint: |profile, transport| {
        if profile.get("project_id").is_some() {
            project_id_of(profile)?;
        }
        first_endpoint(profile, transport.options().allow_http)
    },
    new_client: |profile, transport| Ok(Box::new(new_client(profile, transport)?)),
};

/// The vendor's name of the operation that exchanges a password for a token.
const TOKEN: &str = "KeystoneCreateUserTokenByPassword";

/// The vendor's name of the operation that lists projects.
const PROJECTS: &str = "KeystoneListProjects";

fn new_client(profile: &Profile, transport: &Arc<Transport>) -> Result<CloudClient<Api>, Problem> {
    Ok(CloudClient::new(Api::new(profile, transport)?, &KINDS))
}

/// Client for one credential (key, token or user) and one project.
struct Api {
    client: SigningClient<sign::Signer>,
    /// The endpoint of the first product.
    endpoint: Endpoint,
    profile: Profile,
    allow_http: bool,
    /// `true` for a key pair, which signs each request.
    is_key: bool,
    /// The configured project, or the one found for a key.
    project: OnceCell<String>,
    project_failures: NegativeCache,
    /// The IAM endpoint for looking up the project if it is not configured.
    iam: Option<Endpoint>,
    /// The state of the lookups in lists of image jobs.
    image_lists: ListRotation,
}

impl Api {
    fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        let has_user = iam::is_configured(profile);
        let given = has_user
            .then(|| iam::check_exclusive(profile))
            .transpose()?;
        let of_key = || CredentialCache::from_key_source(&KEYS, profile, transport);
        let key_or_token = given.is_none().then(of_key).transpose()?;
        let allow_http = transport.options().allow_http;
        let endpoint = first_endpoint(profile, allow_http)?;
        let is_key = !has_user && profile.secret("token").is_none();
        let project_id = profile.get("project_id").is_some() || !(is_key || has_user);
        let project_id = project_id.then(|| project_id_of(profile)).transpose()?;
        let iam = match has_user || project_id.is_none() {
            true => Some(iam::endpoint(profile, transport)?),
            false => None,
        };
        let project = OnceCell::new_with(project_id);
        let secrets = profile.secrets(&SECRET_KEYS);
        let http = ApiClient::new(transport, profile, label(profile), secrets);
        let credentials = match (key_or_token, &iam) {
            (Some(credentials), _) => credentials,
            (None, iam) => CredentialCache::from_provider(iam::IamPasswordProvider::new(
                profile,
                // Its responses contain tokens that are not masked, so they must not be recorded.
                ApiClient::new(
                    transport,
                    profile,
                    label(profile),
                    profile.secret("password"),
                )
                .for_credentials(),
                iam.clone()
                    .expect("a profile with a user has the endpoint of IAM"),
            )?)
            .persistent(profile, transport, ""),
        };
        Ok(Self {
            client: SigningClient {
                http,
                credentials,
                errors: &errors::ERRORS,
                region: profile.get("region").map(str::to_owned),
            },
            endpoint,
            profile: profile.clone(),
            allow_http,
            is_key,
            project,
            project_failures: NegativeCache::default(),
            iam,
            image_lists: ListRotation::default(),
        })
    }

    /// Returns the project id, from the settings or from IAM.
    async fn project(&self, deadline: Deadline) -> Result<String, Problem> {
        let client = &self.client;
        if !self.is_key {
            // The project of a token is known only once the token is.
            let credential = client.credentials.get(&client.http, deadline).await?;
            if let Some(project) = credential.signer.project() {
                return Ok(project.to_owned());
            }
        }
        let find = async || {
            let now = client.http.now();
            if let Some(problem) = self.project_failures.get("project", now) {
                return Err(problem);
            }
            let iam = self.iam.as_ref();
            let iam = iam.expect("a missing project is resolved by IAM");
            let region = self.region().unwrap_or_default();
            let (http, credentials) = (&client.http, &client.credentials);
            let result = iam::find_project(http, credentials, iam, region, deadline).await;
            result.inspect_err(|problem| self.project_failures.insert(problem, http.now()))
        };
        self.project.get_or_try_init(find).await.cloned()
    }

    fn region(&self) -> Option<&str> {
        self.client.region.as_deref()
    }

    /// Builds a request below the project's path.
    fn request(
        &self,
        project_request: &ProjectRequest<'_>,
        endpoint: &Endpoint,
        project: &str,
    ) -> Request {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if self.is_key {
            headers.push(("x-project-id", project.to_owned()));
        }
        let version = project_request.product.version;
        let path = format!("/{version}/{project}/{}", project_request.path);
        Request {
            method: project_request.body.map_or(Method::Get, |_| Method::Post),
            query: pairs(project_request.query),
            headers,
            body: project_request
                .body
                .map_or_else(Vec::new, |body| body.to_string().into_bytes()),
            ..Request::get(project_request.operation, endpoint, path)
        }
    }

    /// Calls an operation below the project's path; see [`SigningClient::call`].
    async fn call<T, E: Into<DecodeError>>(
        &self,
        project_request: ProjectRequest<'_>,
        options: &RequestOptions,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let endpoint = endpoint(project_request.product, &self.profile, self.allow_http)?;
        let project = self.project(options.deadline).await?;
        // The project of a token can change with the token, so the path gets a placeholder.
        let is_of_token = self.project.get().is_none();
        let project = match is_of_token {
            true => sign::PROJECT_PLACEHOLDER,
            false => &project,
        };
        let request = self.request(&project_request, &endpoint, project);
        self.client.call(&request, options.deadline, decode).await
    }
}

/// A request to a product, below the project's path.
struct ProjectRequest<'a> {
    product: &'a Product,
    operation: &'static str,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    /// If present, the request is a POST with this body.
    body: Option<&'a Value>,
}

impl<'a> ProjectRequest<'a> {
    /// Builds a GET request without a query.
    fn get(product: &'a Product, operation: &'static str, path: &'a str) -> Self {
        Self {
            product,
            operation,
            path,
            query: &[],
            body: None,
        }
    }
}

impl CloudApi for Api {
    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.origin())
    }

    fn credential(&self) -> CredentialInfo {
        self.client.credentials.credential()
    }

    fn clock_ahead(&self) -> TimeDelta {
        self.client.http.clock_ahead()
    }
}

/// Settings whose values are masked in responses.
const SECRET_KEYS: [&str; 5] = [
    "access_key_id",
    "secret_access_key",
    "security_token",
    "token",
    "password",
];

/// Parts of a credential; each is sent in a header.
const CREDENTIAL_KEYS: [&str; 4] = [
    "access_key_id",
    "secret_access_key",
    "security_token",
    "token",
];

static KEYS: KeySource<sign::Signer> = KeySource {
    from_profile: credential,
    issued,
    label,
    imds: &instance_role::SERVICE,
};

fn label(profile: &Profile) -> String {
    let (key, what) = match () {
        () if iam::is_configured(profile) => ("user", "user"),
        () if profile.secret("token").is_some() => ("token", "token"),
        () => ("access_key_id", "key"),
    };
    profile.credential_label(key, what)
}

fn issued(key: TemporaryKey) -> Credential<sign::Signer> {
    let id = Secret::key_id(key.id);
    Credential {
        secrets: vec![id.clone(), key.secret.clone(), key.token.clone()],
        signer: sign::Signer::Key {
            id,
            secret: key.secret,
            security_token: Some(key.token),
        },
        expires_at: Some(key.expires_at),
    }
}

fn credential(profile: &Profile) -> Result<Credential<sign::Signer>, Problem> {
    Ok(Credential {
        signer: signer(profile)?,
        secrets: profile.secrets(&CREDENTIAL_KEYS).cloned().collect(),
        expires_at: None,
    })
}

/// Returns the signer for a key pair or a token. Having both is an error, because either could be meant.
fn signer(profile: &Profile) -> Result<sign::Signer, Problem> {
    let missing = || {
        let variables = ["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"];
        profile.missing("access key", &CREDENTIAL_KEYS[..2], &variables)
    };
    let part = |key| profile.secret(key).cloned().ok_or_else(missing);
    let has_key = CREDENTIAL_KEYS[..3]
        .iter()
        .any(|key| profile.secret(key).is_some());
    match (profile.secret("token"), has_key) {
        (Some(_), true) => Err(profile
            .invalid("token", "and an access key are mutually exclusive")
            .with_hint("remove one of them")),
        (Some(token), false) => Ok(sign::Signer::credential(token.clone(), None).signer),
        (None, true) => Ok(sign::Signer::Key {
            id: part("access_key_id")?,
            secret: part("secret_access_key")?,
            security_token: profile.secret("security_token").cloned(),
        }),
        (None, false) => Err(missing()),
    }
}

/// Returns the project id, checked to be safe in a path segment and a header.
fn project_id_of(profile: &Profile) -> Result<String, Problem> {
    const PROJECT_ID_HINT: &str =
        "find it in the console under My Credentials > API Credentials (我的凭证), one per region";
    let Some(id) = profile.get("project_id") else {
        let problem = profile.missing(
            "project id",
            &["project_id"],
            &["HUAWEICLOUD_SDK_PROJECT_ID"],
        );
        let hint = problem.hint.clone().unwrap_or_default();
        return Err(problem.with_hint(format!("{hint}; {PROJECT_ID_HINT}")));
    };
    if !is_project_id(id) {
        return Err(profile
            .invalid("project_id", "contains invalid characters")
            .with_hint(PROJECT_ID_HINT));
    }
    Ok(id.to_owned())
}

fn is_project_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;
