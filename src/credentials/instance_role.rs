//! Fetches the credential of this machine's role from its metadata service. The service is called only when a
//! profile selects it, over plain HTTP, without a proxy, at one address, with a short timeout.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::imds::{
    CredentialPath, ImdsService, TOKEN_ONLY, check_enabled, endpoint, is_role_name, role,
};
use super::temporary_key::{KeyError, TemporaryKey};
use super::{Anonymous, Credential, CredentialProvider};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::http::{
    ApiClient, ClientOptions, Deadline, Endpoint, Method, Request, Response, Transport,
};
use crate::secret::Secret;
use crate::settings::Profile;

/// A larger response does not come from a metadata service.
const MAX_RESPONSE_BYTES: u64 = 64 << 10;
/// Names of the steps in messages and traces.
pub(crate) const TOKEN: &str = "MetadataToken";
pub(crate) const ROLE: &str = "MetadataRole";
pub(crate) const CREDENTIALS: &str = "MetadataCredentials";

/// Hint for a response that does not come from a metadata service.
const CHECK_ENDPOINT_HINT: &str =
    "check that this machine is an instance of this cloud, and check metadata_endpoint";

/// Requested lifetime of a session token.
const TTL_SECONDS: &str = "21600";

/// Provides the credential of this machine's role from its metadata service.
pub(crate) struct InstanceRoleProvider<S> {
    service: &'static ImdsService,
    api: ApiClient,
    /// Client for the token request: a host that does not respond to it may still respond to others.
    token_api: ApiClient,
    endpoint: Endpoint,
    role: Option<String>,
    /// The variable that requires a session token, if it is set.
    token_only: Option<String>,
    issue: fn(TemporaryKey) -> Credential<S>,
}

impl<S> InstanceRoleProvider<S> {
    /// Creates the provider for the role of a profile; `issue` creates a cloud's credential from a key pair.
    ///
    /// # Errors
    /// A usage error for an address that is neither the documented one nor a loopback address, or for an invalid
    /// role name. `missing_credentials` if a variable forbids the call.
    pub(crate) fn new(
        service: &'static ImdsService,
        profile: &Profile,
        transport: &Arc<Transport>,
        issue: fn(TemporaryKey) -> Credential<S>,
    ) -> Result<Self, Problem> {
        check_enabled(profile)?;
        let limits = transport.options();
        let limits = ClientOptions {
            connect_timeout: service.connect_timeout.min(limits.connect_timeout),
            request_timeout: (service.connect_timeout + service.response_timeout)
                .min(limits.request_timeout),
            max_body: MAX_RESPONSE_BYTES.min(limits.max_body),
            max_attempts: 1,
            min_interval: None,
            ..limits.clone()
        };
        let role = role(service, profile)?;
        // The responses contain secrets. They are never shown, so they are not masked.
        let api = ApiClient::new(
            transport,
            profile,
            profile.credential_label("", "key"),
            None,
        )
        .without_proxy(limits)
        .for_credentials();
        Ok(Self {
            token_api: api.for_host(false),
            api,
            endpoint: endpoint(service, profile)?,
            service,
            role: role.map(str::to_owned),
            token_only: profile.get(TOKEN_ONLY).map(str::to_owned),
            issue,
        })
    }

    async fn fetch(&self, deadline: Deadline) -> Result<Credential<S>, Problem> {
        let service = self.service;
        let mut token = self.token(deadline).await?;
        let path = match service.path {
            CredentialPath::Single(path) => path.to_owned(),
            CredentialPath::Roles(path) => {
                let role = match &self.role {
                    Some(role) => role.clone(),
                    None => self.attached_role(path, token.as_ref(), deadline).await?,
                };
                format!("{path}{}", percent_encode(&role))
            }
        };
        let mut response = self
            .get(CREDENTIALS, &path, token.as_ref(), deadline)
            .await?;
        let is_retried = service.token.as_ref().is_some_and(|step| step.is_retried);
        if is_retried && token.is_none() && response.status == 401 && !self.has_no_role(&response) {
            token = self.token(deadline).await?;
            if token.is_some() {
                response = self
                    .get(CREDENTIALS, &path, token.as_ref(), deadline)
                    .await?;
            }
        }
        if self.has_no_role(&response) {
            return Err(self.no_role(CREDENTIALS, &response));
        }
        self.check_status(CREDENTIALS, &response)?;
        let key = service.fields.decode(&response.body);
        let key = key.map_err(|error| match error {
            KeyError::Rejected(code) => self.rejected(CREDENTIALS, &code),
            KeyError::Invalid(expected) => self.unreadable(CREDENTIALS, &expected, &response),
        })?;
        self.check_expiry(CREDENTIALS, key.expires_at)?;
        Ok((self.issue)(key))
    }

    /// Requests a session token; `None` if the service has none and does not require one.
    async fn token(&self, deadline: Deadline) -> Result<Option<Secret>, Problem> {
        let Some(step) = &self.service.token else {
            return Ok(None);
        };
        let ttl = Some((step.ttl_header, TTL_SECONDS));
        let request = self.request(TOKEN, Method::Put, step.path, ttl);
        let sent = self
            .token_api
            .send(&request, &Anonymous, &|_| None, deadline);
        let issued = sent.await.map(|response| {
            let is_header = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
            let text = text(&response).filter(|_| response.status == 200);
            let token = text.filter(is_header).map(Secret::new);
            token.ok_or(response)
        });
        match (issued, &self.token_only) {
            (Ok(Ok(token)), _) => Ok(Some(token)),
            (Ok(Err(response)), Some(variable)) => Err(self
                .unreadable(TOKEN, "a token", &response)
                .with_hint(format!("{variable} is set, so a token is required"))),
            (Err(problem), Some(_)) => Err(self.unreachable(problem)),
            (Ok(Err(_)) | Err(_), None) => Ok(None),
        }
    }

    /// Returns the name of the instance's role after checking that it is safe in a path.
    async fn attached_role(
        &self,
        path: &str,
        token: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<String, Problem> {
        let response = self.get(ROLE, path, token, deadline).await?;
        self.check_status(ROLE, &response)?;
        let first = text(&response).and_then(|text| text.lines().next());
        let role = first.map(str::trim).filter(|text| is_role_name(text));
        role.map(str::to_owned)
            .ok_or_else(|| self.unreadable(ROLE, "the name of a role", &response))
    }

    async fn get(
        &self,
        operation: &'static str,
        path: &str,
        token: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let step = self.service.token.as_ref();
        let header = step.and_then(|step| Some((step.header, token?.expose())));
        let request = self.request(operation, Method::Get, path, header);
        let sent = self.api.send(&request, &Anonymous, &|_| None, deadline);
        sent.await.map_err(|problem| self.unreachable(problem))
    }

    fn has_no_role(&self, response: &Response) -> bool {
        self.service.no_role.is_some_and(|text| {
            let mut parts = response.body.windows(text.len());
            response.status == 401 && parts.any(|part| part == text.as_bytes())
        })
    }

    fn check_status(&self, operation: &'static str, response: &Response) -> Result<(), Problem> {
        let status = response.status;
        let is_page = self.api.describe_page(response).is_some();
        let (category, hint) = match status {
            200 => return Ok(()),
            404 => return Err(self.no_role(operation, response)),
            429 | 500.. if is_page => (Category::ServiceError, CHECK_ENDPOINT_HINT),
            429 | 500.. => (Category::ServiceError, "try again later"),
            300..=399 if !is_page => (Category::MissingCredentials, CHECK_ENDPOINT_HINT),
            // A metadata service sends its own HTML pages only for 401, 403 and 404.
            _ if is_page && !matches!(status, 401 | 403) => {
                (Category::InvalidResponse, CHECK_ENDPOINT_HINT)
            }
            _ => (Category::MissingCredentials, self.service.hint),
        };
        let message = format!("the metadata service returned HTTP {status}");
        let mut problem = self.problem(operation, category, &message);
        problem.retryable = category == Category::ServiceError;
        Err(self.with_response(problem.with_hint(hint), response))
    }

    /// Returns the problem that the machine has no role, or not the configured one.
    fn no_role(&self, operation: &'static str, response: &Response) -> Problem {
        let message = match &self.role {
            Some(role) => format!("the metadata service has no role {role}"),
            None => "no role is attached to this instance".to_owned(),
        };
        let problem = self.problem(operation, Category::MissingCredentials, &message);
        self.with_response(problem.with_hint(self.service.hint), response)
    }

    /// Adds the status of a response to a problem, and the title if the response is an HTML page.
    fn with_response(&self, mut problem: Problem, response: &Response) -> Problem {
        problem.http_status = Some(response.status);
        if let Some(page) = self.api.describe_page(response) {
            problem.message = format!("{}: {page}", problem.message);
        }
        problem
    }

    /// Returns the problem of an invalid response. Its text is not shown, since it may be a secret.
    fn unreadable(&self, operation: &'static str, expected: &str, response: &Response) -> Problem {
        let page = self.api.describe_page(response);
        let reason = page.unwrap_or_else(|| format!("expected {expected}"));
        let message = format!("invalid response from the metadata service: {reason}");
        let problem = self.problem(operation, Category::InvalidResponse, &message);
        problem.with_hint(CHECK_ENDPOINT_HINT)
    }

    fn check_expiry(
        &self,
        operation: &'static str,
        expires_at: DateTime<Utc>,
    ) -> Result<(), Problem> {
        if expires_at > self.api.server_now() {
            return Ok(());
        }
        let at = expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let message = format!("the credential from the metadata service expired at {at}");
        let problem = self.problem(operation, Category::MissingCredentials, &message);
        Err(problem.with_hint("check the local clock, and that the role still exists"))
    }

    /// Returns the problem of a successful response that contains an error code.
    fn rejected(&self, operation: &'static str, code: &str) -> Problem {
        let message = "the metadata service returned no credential for the instance role";
        let mut problem = self.problem(operation, Category::MissingCredentials, message);
        // Any other text is not a code and may be a secret.
        problem.code = Some(code)
            .filter(|code| is_role_name(code))
            .map(str::to_owned);
        problem.with_hint(self.service.hint)
    }

    fn problem(&self, operation: &'static str, category: Category, message: &str) -> Problem {
        let request = self.request(operation, Method::Get, "/", None);
        self.api.problem(&request, category, message)
    }

    fn unreachable(&self, mut problem: Problem) -> Problem {
        if problem.category == Category::InvalidResponse {
            problem.hint = Some(CHECK_ENDPOINT_HINT.to_owned());
            return problem;
        }
        // The failure is not one of the connection to the cloud.
        problem.transport_failure = None;
        problem.message = format!("the metadata service is unreachable: {}", problem.message);
        problem.hint = Some(format!(
            "this machine may not be an instance of this cloud, or has no role: {}",
            self.service.hint
        ));
        problem
    }

    fn request(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        header: Option<(&'static str, &str)>,
    ) -> Request {
        let header = header.map(|(name, value)| (name, value.to_owned()));
        Request {
            method,
            headers: header.into_iter().collect(),
            ..Request::get(operation, &self.endpoint, path)
        }
    }
}

#[async_trait]
impl<S: Send> CredentialProvider<S> for InstanceRoleProvider<S> {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<S>, Problem> {
        self.fetch(deadline).await
    }
}

fn text(answer: &Response) -> Option<&str> {
    let text = std::str::from_utf8(&answer.body).ok()?.trim();
    (!text.is_empty()).then_some(text)
}
