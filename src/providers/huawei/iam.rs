//! Calls IAM: exchanges a password for a token, and finds the project of a region.

use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::errors::IAM_ERRORS;
use super::{PROJECTS, TOKEN, is_project_id, sign};
use crate::credentials::{Credential, CredentialCache, CredentialProvider, reload};
use crate::http::{
    ApiClient, Deadline, Endpoint, Method, Request, Signer, SigningInstructions, Transport,
};
use crate::providers::prelude::*;
use crate::secret::Secret;
use crate::settings::{Profile, RerunReason};
use crate::sync::lock;

/// Setting names of a user's credential.
const PARTS: [&str; 3] = ["user", "password", "domain"];

/// Environment variables for these settings.
const VARIABLES: [&str; 3] = [
    "JOBLENS_HUAWEI_USER",
    "JOBLENS_HUAWEI_PASSWORD",
    "JOBLENS_HUAWEI_DOMAIN",
];

/// Returns `true` if the profile has a user, or at least one part of its credential.
pub(super) fn is_configured(profile: &Profile) -> bool {
    PARTS.iter().any(|key| profile.secret(key).is_some())
}

/// Rejects a profile that has another credential besides the user.
///
/// # Errors
/// A usage error if there is one.
pub(super) fn check_exclusive(profile: &Profile) -> Result<(), Problem> {
    let credential_key = super::CREDENTIAL_KEYS
        .iter()
        .find(|key| profile.secret(key).is_some());
    match credential_key {
        None => Ok(()),
        Some(key) => Err(profile
            .invalid(key, "and a user are mutually exclusive")
            .with_hint("remove all but one of user, access key and token")),
    }
}

/// Returns the endpoint of IAM: the configured one, otherwise the one of the region.
///
/// # Errors
/// A usage error for an invalid setting, or `missing_credentials` without a region.
pub(super) fn endpoint(profile: &Profile, transport: &Transport) -> Result<Endpoint, Problem> {
    let Some(region) = profile.get("region") else {
        let keys = ["region", "project_id"];
        return Err(profile.missing(
            "region, whose project would be used",
            &keys,
            &["JOBLENS_HUAWEI_REGION"],
        ));
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !region.bytes().all(is_plain) {
        return Err(profile.invalid("region", "contains invalid characters"));
    }
    let default_endpoint = format!("https://iam.{region}.myhuaweicloud.com");
    let text = profile.get("iam_endpoint").unwrap_or(&default_endpoint);
    Endpoint::parse(text, &["/v3"], transport.options().allow_http)
        .map_err(|problem| profile.unusable("iam_endpoint", problem))
}

/// Domain, name and password of a user, sent in the request body.
struct User<'a>([&'a str; 3]);

impl Signer for User<'_> {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        SigningInstructions::default()
    }

    fn key(&self) -> Vec<&str> {
        self.0.to_vec()
    }
}

/// Credential provider that exchanges a user's password for tokens.
pub(super) struct IamPasswordProvider {
    profile: Profile,
    http: ApiClient,
    endpoint: Endpoint,
    /// The password from the last read.
    password: Mutex<Secret>,
}

impl IamPasswordProvider {
    /// Creates the provider.
    ///
    /// # Errors
    /// An error if a part of the credential is missing.
    pub(super) fn new(
        profile: &Profile,
        http: ApiClient,
        endpoint: Endpoint,
    ) -> Result<Self, Problem> {
        if PARTS.iter().any(|key| profile.secret(key).is_none()) {
            let setting = "complete user (user, password and domain)";
            return Err(profile.missing(setting, &PARTS, &VARIABLES));
        }
        Ok(Self {
            password: Mutex::new(password(profile)),
            profile: profile.clone(),
            http,
            endpoint,
        })
    }

    fn user<'a>(&'a self, password: &'a Secret) -> User<'a> {
        let text = |key| self.profile.get(key).unwrap_or_default();
        User([text("domain"), text("user"), password.expose()])
    }

    fn request(&self, password: &Secret) -> Request {
        let text = |key| self.profile.get(key).unwrap_or_default();
        let user = json!({
            "name": text("user"),
            "password": password.expose(),
            "domain": {"name": text("domain")},
        });
        let scope = match self.profile.get("project_id") {
            Some(id) => json!({"id": id}),
            None => json!({"name": text("region")}),
        };
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": scope},
        }});
        Request {
            method: Method::Post,
            query: vec![("nocatalog".to_owned(), "1".to_owned())],
            headers: vec![("content-type", "application/json;charset=utf8".to_owned())],
            body: body.to_string().into_bytes(),
            ..Request::get(TOKEN, &self.endpoint, "/v3/auth/tokens")
        }
    }

    async fn token(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        let known = lock(&self.password).clone();
        let rejected = match self.token_for(&known, deadline).await {
            Err(problem) if problem.category == Category::Unauthenticated => problem,
            outcome => return outcome,
        };
        let again = reload(&self.profile, RerunReason::Rejected)
            .await
            .transpose()?;
        let Some(other) = again.as_ref().map(password).filter(|now| *now != known) else {
            return Err(rejected);
        };
        self.http.mask_secrets(std::slice::from_ref(&other));
        lock(&self.password).clone_from(&other);
        self.token_for(&other, deadline).await
    }

    async fn token_for(
        &self,
        password: &Secret,
        deadline: Deadline,
    ) -> Result<Credential<sign::Signer>, Problem> {
        let request = self.request(password);
        let response = self
            .http
            .send(
                &request,
                &self.user(password),
                &IAM_ERRORS.classifier(&request),
                deadline,
            )
            .await?;
        // The body can contain a token.
        let unreadable = |expected: &str| {
            let id = IAM_ERRORS.request_id.in_error(&response);
            let http = &self.http;
            let mut problem =
                http.decode_secret_problem(&request, &response, expected, "iam_endpoint");
            problem.request_id = id;
            problem
        };
        let body: TokenResponse =
            lenient::decode(&response.body).map_err(|message| unreadable(&message))?;
        let token = response
            .header("x-subject-token")
            .filter(|token| sign::is_token(token))
            .ok_or_else(|| unreadable("a token in the header X-Subject-Token"))?;
        let token_info = body.token.0.unwrap_or_default();
        let project = match self.profile.get("project_id") {
            Some(_) => None,
            None => {
                let id = token_info.project.0.and_then(|project| project.id.0);
                let id = id.filter(|id| is_project_id(id));
                Some(id.ok_or_else(|| unreadable("a project id in token.project.id"))?)
            }
        };
        let expires_at = token_info.expires_at.trimmed();
        Ok(Credential {
            expires_at: expires_at.and_then(|text| {
                let at = DateTime::parse_from_rfc3339(text).ok()?;
                Some(at.to_utc())
            }),
            ..sign::Signer::credential(Secret::new(token), project)
        })
    }
}

#[async_trait]
impl CredentialProvider<sign::Signer> for IamPasswordProvider {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<sign::Signer>, Problem> {
        self.token(deadline).await
    }
}

fn password(profile: &Profile) -> Secret {
    let password = profile.secret("password").cloned();
    password.unwrap_or_else(|| Secret::new(""))
}

/// Requests the id of the project that has the region's name.
///
/// # Errors
/// The error of IAM, or an error if there is no such project or more than one.
pub(super) async fn find_project(
    http: &ApiClient,
    credentials: &CredentialCache<sign::Signer>,
    endpoint: &Endpoint,
    region: &str,
    deadline: Deadline,
) -> Result<String, Problem> {
    let request = Request {
        query: vec![("name".to_owned(), region.to_owned())],
        ..Request::get(PROJECTS, endpoint, "/v3/projects")
    };
    let response = credentials
        .send(http, &request, &IAM_ERRORS.classifier(&request), deadline)
        .await?;
    let listed: Projects = lenient::decode(&response.body).map_err(|expected| {
        let id = IAM_ERRORS.request_id.in_error(&response);
        http.decode_problem(&request, &response, &expected, id)
    })?;
    let ids: Vec<String> = listed
        .projects
        .0
        .into_iter()
        .filter_map(|project| project.id.0)
        .filter(|id| is_project_id(id))
        .collect();
    let (message, hint) = match &ids[..] {
        [id] => return Ok(id.clone()),
        [] => (
            format!("the account has no project of region {region}"),
            "check the region, or set project_id".to_owned(),
        ),
        several => (
            format!("the account has several projects of region {region}"),
            format!("set project_id to one of: {}", several.join(", ")),
        ),
    };
    let problem = http.problem(&request, Category::MissingCredentials, message);
    Err(problem.with_hint(hint))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenResponse {
    token: OptionalObject<TokenInfo>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenInfo {
    expires_at: Text,
    project: OptionalObject<Project>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Projects {
    projects: List<Project>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    id: Text,
}
