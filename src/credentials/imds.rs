//! What the metadata services of several clouds' machines have in common: they are asked only when a
//! profile says so, over plain HTTP, past any proxy, at one address, with little patience.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::tool_files::{SourceResult, ToolFiles};
use crate::error::{Category, Problem};
use crate::http::{
    ApiClient, ClientOptions, Deadline, Endpoint, Method, Request, Response, SigningInstructions,
    Transport,
};
use crate::lenient::{self, Text};
use crate::secret::{Secret, quotable};
use crate::settings::{METADATA, Origin, Profile, SOURCE};

/// A larger answer is none of a metadata service.
const MAX_RESPONSE_BYTES: u64 = 64 << 10;
/// A longer name is not a valid role's.
const MAX_ROLE_LEN: usize = 128;
const ENDPOINT: &str = "metadata_endpoint";
/// Where a profile keeps why the service is not to be asked.
const FORBIDDEN: &str = "metadata_forbidden";

/// A cloud's metadata service, as it is documented.
pub struct ImdsService {
    /// `http://` and its host.
    pub address: &'static str,
    /// Connection timeout.
    pub connect_timeout: Duration,
    /// Time for the response after that.
    pub response_timeout: Duration,
    /// What gives a machine of this cloud a role.
    pub hint: &'static str,
}

/// The metadata service as a source: with a role, or with the one that the machine has.
///
/// With `off`, a variable that people set to `true`, the service is not asked.
pub fn source(
    desk: &ToolFiles,
    role: Option<&str>,
    off: Option<&str>,
) -> Vec<(&'static str, Secret)> {
    let mut said = vec![(METADATA, Secret::new(role.unwrap_or_default()))];
    let is_true = |name: &&str| is_true(desk, name);
    said.extend(
        off.filter(is_true)
            .map(|name| (FORBIDDEN, Secret::new(name))),
    );
    said
}

/// True when a variable is set to `true`.
pub fn is_true(desk: &ToolFiles, name: &str) -> bool {
    let text = desk.variable(name);
    text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Reads `source = "metadata"` and `source = "metadata:ROLE"`.
pub fn read(desk: &ToolFiles, role: Option<&str>) -> Result<SourceResult, Problem> {
    Ok(SourceResult::InstanceRole(source(desk, role, None)))
}

/// The metadata service of this machine.
pub struct ImdsClient {
    api: ApiClient,
    /// For the step that asks for a token: a host that answers no such call may answer others.
    token_api: ApiClient,
    endpoint: Endpoint,
    service: &'static ImdsService,
    role: Option<String>,
}

/// Whoever asks from this machine is answered.
struct Anonymous;

impl crate::http::Signer for Anonymous {
    fn sign(&self, _: &Request, _: DateTime<Utc>, _nonce: &str) -> SigningInstructions {
        SigningInstructions::default()
    }
}

impl ImdsClient {
    /// # Errors
    /// A usage error: an address that is neither the documented one nor a loopback address, or what
    /// is not a valid role name. `missing_credentials` where a variable forbids to ask.
    pub fn new(
        service: &'static ImdsService,
        profile: &Profile,
        wire: &Arc<Transport>,
    ) -> Result<Self, Problem> {
        if let Some(variable) = profile.get(FORBIDDEN) {
            let message = format!(
                "profile '{}' ({}) uses the metadata service, which {variable} disables",
                profile.name, profile.cloud
            );
            let hint = format!("unset {variable}, or use another source");
            return Err(Problem::new(Category::MissingCredentials, message).with_hint(hint));
        }
        let role = profile.get(METADATA).filter(|role| !role.is_empty());
        if role.is_some_and(|role| !is_role_name(role)) {
            let key = match profile.origin(METADATA) {
                Some(Origin::Machine) => SOURCE,
                _ => "the name of the role",
            };
            return Err(profile.invalid(key, "is not a valid role name"));
        }
        let limits = wire.options();
        let limits = ClientOptions {
            connect_timeout: service.connect_timeout.min(limits.connect_timeout),
            request_timeout: (service.connect_timeout + service.response_timeout)
                .min(limits.request_timeout),
            max_body: MAX_RESPONSE_BYTES.min(limits.max_body),
            max_attempts: 1,
            min_interval: None,
            ..limits.clone()
        };
        // Its answers hold secrets, which are not masked there, and never shown.
        let account = ApiClient::new(wire, profile, label(profile), None).without_proxy(limits);
        Ok(Self {
            token_api: account.for_host(false),
            api: account,
            endpoint: endpoint(service, profile)?,
            service,
            role: role.map(str::to_owned),
        })
    }

    /// The role that the profile names.
    pub fn named_role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The time as this machine has it.
    pub fn now(&self) -> DateTime<Utc> {
        self.api.now()
    }

    /// Asks for a token; `None` when it gives none.
    ///
    /// # Errors
    /// That there was no response. A service that asks for no token may be reached all the same.
    pub async fn token(
        &self,
        operation: &'static str,
        path: &str,
        ttl: (&'static str, &str),
        deadline: Deadline,
    ) -> Result<(u16, Option<Secret>), Problem> {
        let request = self.request(operation, Method::Put, path, Some(ttl));
        let answer = self
            .token_api
            .send(&request, &Anonymous, &|_| None, deadline)
            .await
            .map_err(|problem| self.unreachable(problem))?;
        let text = text(&answer).filter(|_| answer.status == 200);
        let is_header = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
        Ok((answer.status, text.filter(is_header).map(Secret::new)))
    }

    /// Asks for what stands at a path, with a token where there is one.
    ///
    /// # Errors
    /// That there was no response, or that the machine has nothing there.
    pub async fn get(
        &self,
        operation: &'static str,
        path: &str,
        token: Option<(&'static str, &Secret)>,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let answer = self.get_raw(operation, path, token, deadline).await?;
        self.check_status(operation, answer)
    }

    /// The same, whatever the status.
    ///
    /// # Errors
    /// That there was no response.
    pub async fn get_raw(
        &self,
        operation: &'static str,
        path: &str,
        token: Option<(&'static str, &Secret)>,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let header = token.map(|(name, token)| (name, token.expose()));
        let request = self.request(operation, Method::Get, path, header);
        self.api
            .send(&request, &Anonymous, &|_| None, deadline)
            .await
            .map_err(|problem| self.unreachable(problem))
    }

    /// A response with a good status.
    ///
    /// # Errors
    /// What any other means.
    pub fn check_status(
        &self,
        operation: &'static str,
        answer: Response,
    ) -> Result<Response, Problem> {
        match answer.status {
            200 => Ok(answer),
            404 => Err(self.no_role(operation, 404)),
            status => {
                let is_passing = status == 429 || status >= 500;
                let category = match is_passing {
                    true => Category::ServiceError,
                    false => Category::MissingCredentials,
                };
                let what = format!("the metadata service returned HTTP {status}");
                let mut problem = self.problem(operation, category, &what);
                problem.retryable = is_passing;
                Err(with_status(problem.with_hint(self.service.hint), status))
            }
        }
    }

    /// That the machine has no role, or not the one that is named.
    pub fn no_role(&self, operation: &'static str, status: u16) -> Problem {
        let what = match &self.role {
            Some(role) => format!("the metadata service has no role {role}"),
            None => "no role is attached to this instance".to_owned(),
        };
        let problem = self.problem(operation, Category::MissingCredentials, &what);
        with_status(problem.with_hint(self.service.hint), status)
    }

    /// A role's name in a response, fit for a path.
    ///
    /// # Errors
    /// That it is none.
    pub fn role(&self, operation: &'static str, answer: &Response) -> Result<String, Problem> {
        let first = text(answer).and_then(|text| text.lines().next());
        match first.map(str::trim).filter(|text| is_role_name(text)) {
            Some(role) => Ok(role.to_owned()),
            None => Err(self.unreadable(operation, "the name of a role")),
        }
    }

    /// A response as a cloud writes it.
    ///
    /// # Errors
    /// What was expected; nothing of the response is shown.
    pub fn decode<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static str,
        answer: &Response,
    ) -> Result<T, Problem> {
        lenient::decode(&answer.body).map_err(|expected| self.unreadable(operation, &expected))
    }

    /// A part of a credential in a response.
    ///
    /// # Errors
    /// That it is none, with its name.
    pub fn secret(
        &self,
        operation: &'static str,
        name: &str,
        text: &Text,
    ) -> Result<Secret, Problem> {
        let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let text = text.trimmed().filter(is_plain);
        text.map(Secret::new).ok_or_else(|| {
            let expected = format!("{name} of printable ASCII characters");
            self.unreadable(operation, &expected)
        })
    }

    /// A response that is not what it should be. Its text is not shown, since it may be a secret.
    pub fn unreadable(&self, operation: &'static str, expected: &str) -> Problem {
        let what = format!("invalid response from the metadata service: expected {expected}");
        let problem = self.problem(operation, Category::InvalidResponse, &what);
        problem.with_hint(
            "check that this machine is an instance of this cloud, and check metadata_endpoint",
        )
    }

    /// The end of a credential, which must lie ahead.
    ///
    /// # Errors
    /// That it does not.
    pub fn check_expiry(
        &self,
        operation: &'static str,
        expires_at: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, Problem> {
        if expires_at > self.now() {
            return Ok(expires_at);
        }
        let at = expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let what = format!("the credential from the metadata service expired at {at}");
        let problem = self.problem(operation, Category::MissingCredentials, &what);
        Err(problem.with_hint("check the local clock, and that the role still exists"))
    }

    /// A "no" that stands in a good response.
    pub fn refused(&self, operation: &'static str, code: &str) -> Problem {
        let what = "the metadata service returned no credential for the instance role";
        let mut problem = self.problem(operation, Category::MissingCredentials, what);
        // Any other text is not a code, and may be a secret.
        problem.code = Some(code)
            .filter(|code| is_role_name(code))
            .map(str::to_owned);
        problem.with_hint(self.service.hint)
    }

    fn problem(&self, operation: &'static str, category: Category, what: &str) -> Problem {
        let request = self.request(operation, Method::Get, "/", None);
        self.api.problem(&request, category, what)
    }

    fn unreachable(&self, mut problem: Problem) -> Problem {
        if problem.category == Category::InvalidResponse {
            problem.hint = Some(self.service.hint.to_owned());
            return problem;
        }
        // It says nothing of the way to the cloud.
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
            operation,
            method,
            endpoint: self.endpoint.clone(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: header.into_iter().collect(),
            body: Vec::new(),
        }
    }
}

const NOT_THE_SERVICE: &str = "is neither the metadata service's address nor a loopback address";

/// How messages call a credential that comes from the machine: `role NAME (aliyun-cli profile ecs)`.
pub fn label(profile: &Profile) -> String {
    let from = profile.origin(METADATA);
    let from = from.map_or_else(String::new, |from| format!(" ({})", from.label()));
    match profile.get(METADATA) {
        Some(role) if !role.is_empty() => {
            format!("instance role {}{from}", quotable(role))
        }
        _ => format!("instance role{from}"),
    }
}

/// Checks that the address of the service, where one is set, is one at all.
///
/// # Errors
/// Usage: it is not the address of a plain HTTP service.
pub fn check_endpoint(profile: &Profile) -> Result<(), Problem> {
    let is_usable = |text: &str| Endpoint::parse(text, &[], true).is_ok_and(|at| !at.is_https());
    match profile.get(ENDPOINT) {
        Some(text) if !is_usable(text) => Err(profile
            .invalid(ENDPOINT, NOT_THE_SERVICE)
            .with_hint("fix or remove it")),
        _ => Ok(()),
    }
}

/// The documented address, or this machine.
fn endpoint(service: &ImdsService, profile: &Profile) -> Result<Endpoint, Problem> {
    let parse = |text: &str| Endpoint::parse(text, &[], true);
    let documented = parse(service.address)?;
    let Some(text) = profile.get(ENDPOINT) else {
        return Ok(documented);
    };
    let wrong = || {
        profile
            .invalid(ENDPOINT, NOT_THE_SERVICE)
            .with_hint(format!("use {}, or remove it", service.address))
    };
    let endpoint = parse(text).map_err(|_| wrong())?;
    let is_here = endpoint.is_loopback() && !endpoint.is_https();
    match endpoint == documented || is_here {
        true => Ok(endpoint),
        false => Err(wrong()),
    }
}

fn text(answer: &Response) -> Option<&str> {
    let text = std::str::from_utf8(&answer.body).ok()?.trim();
    (!text.is_empty()).then_some(text)
}

/// Letters, digits and signs that names of roles have; no word that a path would swallow.
fn is_role_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+=,".contains(&byte);
    text.len() <= MAX_ROLE_LEN
        && text.bytes().all(is_plain)
        && text.bytes().any(|byte| byte != b'.')
}

fn with_status(mut problem: Problem, status: u16) -> Problem {
    problem.http_status = Some(status);
    problem
}

#[cfg(test)]
mod tests;
