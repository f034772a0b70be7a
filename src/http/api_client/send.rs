//! Sends a request and retries it until its result is final.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::retry_decision::{FailedAttempt, RetryDecision};
use super::{ApiClient, Attempt};
use crate::error::{Category, Problem, TransportFailureKind};
use crate::http::credential_state::{CredentialState, Rejection};
use crate::http::progress::RequestProgress;
use crate::http::request_limits::Permits;
use crate::http::{
    Classify, Deadline, Request, RequestError, Response, Signer, body, errors, html,
};

/// A request without a response after this time no longer blocks other accounts that use the same key, since its
/// host may hang. A rejection arrives sooner.
const KEY_TIMEOUT: Duration = Duration::from_secs(5);

/// A request with the data that all its attempts share.
struct RetryingRequest<'a> {
    client: &'a ApiClient,
    request: &'a Request,
    signer: &'a dyn Signer,
    classify: Classify<'a>,
    deadline: Deadline,
    started: Instant,
    /// The state of the signing key if other accounts can use the same key.
    shared_key: Option<Arc<CredentialState>>,
    /// Generation of the credential at the start of the request.
    generation: u64,
}

impl ApiClient {
    /// Sends a request until there is a response or a final error, or until attempts or time run out.
    ///
    /// Each attempt is signed again. `classify` reads a cloud's error from a response, by the cloud's code before
    /// the HTTP status.
    ///
    /// # Errors
    /// The error that `classify` returned or that of the connection, with operation and account.
    pub async fn send(
        &self,
        request: &Request,
        signer: &dyn Signer,
        classify: Classify<'_>,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let shared_key = self.options.key_states.get(self.cloud, &signer.key());
        let credential_state = &self.limits.credential;
        let generation = shared_key
            .as_deref()
            .unwrap_or(credential_state)
            .generation();
        let retrying = RetryingRequest {
            client: self,
            request,
            signer,
            classify,
            deadline,
            started: Instant::now(),
            shared_key,
            generation,
        };
        retrying.run().await
    }
}

fn is_timeout(error: &RequestError) -> bool {
    let failure = error.transport_failure.map(|failure| failure.kind);
    failure == Some(TransportFailureKind::Timeout)
}

impl RetryingRequest<'_> {
    async fn run(&self) -> Result<Response, Problem> {
        let client = self.client;
        let number = client
            .transport
            .next_request
            .fetch_add(1, Ordering::Relaxed);
        let progress = RequestProgress::new(&client.transport, client.cloud, number);
        let mut attempts = 0;
        let mut resends = 0;
        // The error of the previous attempt, which is more specific than a timeout after it.
        let mut earlier: Option<Problem> = None;
        loop {
            let mut permits = match self.acquire_permit(attempts).await {
                Ok(permits) => permits,
                Err(problem) if problem.category == Category::Network => {
                    return Err(self.with_duration(earlier.unwrap_or(problem), attempts));
                }
                Err(problem) => return Err(problem),
            };
            attempts += 1;
            let is_throttled = |problem: &Problem| problem.category == Category::Throttled;
            progress.attempt(attempts, earlier.as_ref().is_some_and(is_throttled));
            let offset = client.clock_offset.seconds();
            let attempt = self.attempt_with_key_timeout(&mut permits, attempts, offset);
            let (mut error, response) = match attempt.await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            drop(permits);
            let is_cut = response.is_none() && self.deadline.remaining().is_zero();
            if let Some(problem) = earlier.take().filter(|_| is_cut) {
                return Err(self.with_duration(problem, attempts));
            }
            if is_cut && let Some(problem) = self.explain_cut(&mut error, attempts) {
                return Err(problem);
            }
            let is_elsewhere = client.has_failover && response.is_none();
            let decision = match is_elsewhere || attempts >= client.options.max_attempts {
                true => RetryDecision::Fail,
                false => {
                    let attempt = FailedAttempt {
                        response: response.as_ref(),
                        offset,
                        attempts,
                        resends,
                    };
                    client.retry_decision(self.request, &mut error, attempt)
                }
            };
            let problem = client.to_problem(self.request, error, response.as_ref(), attempts);
            client.count_error(self.request, problem.category);
            match decision {
                RetryDecision::Immediate => resends += 1,
                RetryDecision::After(pause) if pause < self.deadline.remaining() => {
                    if is_throttled(&problem) {
                        client.limits.rate.pause_for(pause);
                    }
                    progress.failed(&problem);
                    earlier = Some(problem);
                    sleep(pause).await;
                }
                RetryDecision::After(_) | RetryDecision::Fail => {
                    if response.is_none() && !self.request.is_optional {
                        client.limits.on_unreachable(&problem);
                    }
                    return Err(self.with_duration(problem, attempts));
                }
            }
        }
    }

    /// Sends one attempt. Other accounts can use the same key after [`KEY_TIMEOUT`], even without a response.
    ///
    /// # Errors
    /// As [`RetryingRequest::attempt_once`].
    async fn attempt_with_key_timeout(
        &self,
        permits: &mut Permits<'_>,
        number: u32,
        clock_offset: i64,
    ) -> Result<Response, (RequestError, Option<Response>)> {
        let mut attempt = pin!(self.attempt_once(number, clock_offset));
        match timeout(KEY_TIMEOUT, &mut attempt).await {
            Ok(outcome) => outcome,
            Err(_) => {
                permits.release_key();
                attempt.await
            }
        }
    }

    /// Sends one attempt and records its result for the credential and the service. It is recorded before the
    /// permits are released, so that no other request is sent with a rejected key.
    ///
    /// # Errors
    /// The error that a response reports, with that response, or the reason why no response arrived.
    async fn attempt_once(
        &self,
        number: u32,
        clock_offset: i64,
    ) -> Result<Response, (RequestError, Option<Response>)> {
        let client = self.client;
        let attempt = Attempt {
            request: self.request,
            signer: self.signer,
            deadline: self.deadline,
            number,
            clock_offset,
        };
        let response = client.send_or_replay(attempt).await.map_err(|error| {
            self.record_auth_outcome(&error);
            (error, None)
        })?;
        match self.read_error(&response) {
            None => {
                self.on_accepted();
                Ok(response)
            }
            Some(error) => {
                let error = error.at_status(response.status);
                self.record_auth_outcome(&error);
                Err((error, Some(response)))
            }
        }
    }

    /// Returns the error that a response reports, or an error if the response cannot be read.
    fn read_error(&self, response: &Response) -> Option<RequestError> {
        let encoding = body::unsupported_encoding(response);
        if encoding.is_some() && (200..300).contains(&response.status) {
            return encoding;
        }
        let mut error = (self.classify)(response)?;
        match encoding {
            Some(encoding) => error.message = format!("{}: {}", error.message, encoding.message),
            None => html::explain(&mut error, response, self.client.transport.redactor()),
        }
        let is_direct = self.client.bypasses_proxy;
        let proxy = self.client.proxies().proxy_for(&self.request.endpoint);
        errors::explain_login(&mut error, response, proxy.filter(|_| !is_direct));
        Some(error)
    }

    /// Waits until the request may be sent.
    async fn acquire_permit(&self, attempts: u32) -> Result<Permits<'_>, Problem> {
        let limits = &self.client.limits;
        let turn = limits.acquire(self.shared_key.as_deref());
        let permits = timeout(self.deadline.remaining(), turn).await;
        let message = "timed out waiting for a request slot";
        let permits = permits.map_err(|_| self.deadline_exceeded(message, attempts))?;
        let cooldown = self.client.options.auth_cooldown;
        if let Some(rejection) = self.credential().rejection(cooldown) {
            return Err(self.skipped(rejection));
        }
        match limits.unreachable() {
            None => Ok(permits),
            Some(mut problem) => {
                problem.operation = Some(self.request.operation.to_owned());
                Err(problem)
            }
        }
    }

    /// Returns the state of the credential that signs.
    fn credential(&self) -> &CredentialState {
        let credential_state = &self.client.limits.credential;
        self.shared_key.as_deref().unwrap_or(credential_state)
    }

    /// Returns the problem of a request that is not sent because its credential was rejected before.
    fn skipped(&self, rejection: Rejection) -> Problem {
        let profile = match rejection.profile == self.client.profile {
            true => String::new(),
            false => format!(
                " for profile '{}', which has the same key",
                rejection.profile
            ),
        };
        let mut error = rejection.error;
        let message = error.message;
        error.message = format!("skipped: authentication already failed{profile}: {message}");
        self.client.to_problem(self.request, error, None, 0)
    }

    /// Records that the cloud accepted the credential.
    fn on_accepted(&self) {
        let cooldown = self.client.options.auth_cooldown;
        self.client.limits.credential.on_success(cooldown);
        if let Some(key) = &self.shared_key {
            key.on_success(cooldown);
        }
    }

    /// Returns the problem of a request whose last attempt timed out in the little time that was left. This does not
    /// mean that the service is down if it has responded in this run; otherwise the error stays, with the hint of the
    /// deadline.
    fn explain_cut(&self, error: &mut RequestError, attempts: u32) -> Option<Problem> {
        if !is_timeout(error) {
            return None;
        }
        if self.client.limits.credential.is_accepted() {
            return Some(self.deadline_exceeded("timed out before the response", attempts));
        }
        error.hint = self.deadline.exceeded("").hint;
        None
    }

    /// Returns the problem of a request whose deadline passed after this number of attempts.
    fn deadline_exceeded(&self, message: &str, attempts: u32) -> Problem {
        let problem = self
            .client
            .problem(self.request, Category::Network, message);
        let Problem {
            transport_failure,
            hint,
            ..
        } = self.deadline.exceeded("");
        Problem {
            attempts,
            transport_failure,
            hint,
            ..problem
        }
    }

    /// Records an error response in the state of the credential.
    fn record_auth_outcome(&self, error: &RequestError) {
        match error.category {
            Category::Unauthenticated => {
                let problem = self.client.to_problem(self.request, error.clone(), None, 1);
                let shown = RequestError {
                    message: problem.message,
                    code: problem.code,
                    request_id: problem.request_id,
                    ..error.clone()
                };
                let profile = &self.client.profile;
                self.credential()
                    .on_rejection(shown, profile, self.generation);
            }
            Category::NotFound | Category::PermissionDenied if error.code.is_some() => {
                self.on_accepted();
            }
            _ => {}
        }
    }

    /// Adds the number of attempts and the time spent to the problem of a request without a complete response.
    fn with_duration(&self, mut problem: Problem, attempts: u32) -> Problem {
        use TransportFailureKind::{Broken, ConnectTimeout, Timeout};
        let failure = problem.transport_failure.map(|failure| failure.kind);
        if matches!(failure, Some(Broken | ConnectTimeout | Timeout)) && attempts > 1 {
            problem.attempts = attempts;
            problem.message = format!(
                "no complete response after {attempts} attempts in {} s: {}",
                self.started.elapsed().as_secs(),
                problem.message
            );
        }
        problem
    }
}
