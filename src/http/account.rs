mod clock_skew;
mod problems;
mod retry_decision;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::SemaphorePermit;
use tokio::time::sleep;

use self::retry_decision::{Next, Refused};
use super::circuit_breaker::CircuitBreaker;
use super::clients::PoolKey;
use super::clock_offset::{ClockOffset, signing_time};
use super::progress::RequestProgress;
use super::tls::TlsConfig;
use super::{
    ClientOptions, Deadline, Endpoint, Request, RequestError, Response, ResponseInfo, Route,
    Signer, Transport, TransportEvent, attempt, body, html,
};
use crate::crypto;
use crate::error::{Category, Problem, TransportFailure, TransportFailureKind};
use crate::model::NoticeCode;
use crate::secret::Secret;
use crate::settings::Profile;

/// One credential of one cloud and what is known of it in this run.
#[derive(Debug)]
pub struct ApiClient {
    transport: Arc<Transport>,
    cloud: &'static str,
    profile: String,
    credential: Arc<RwLock<String>>,
    tls: TlsConfig,
    circuit_breaker: CircuitBreaker,
    /// True when another host can be asked, so that a broken way to this one is not tried again.
    has_failover: bool,
    options: ClientOptions,
    /// True when no proxy is asked, whatever the environment says.
    bypasses_proxy: bool,
    clock_offset: ClockOffset,
}

impl ApiClient {
    /// An account that was not used yet.
    ///
    /// `credential` is the masked key and where it came from; `secrets` are masked in everything
    /// that is shown of the run.
    pub fn new<'a>(
        wire: &Arc<Transport>,
        profile: &Profile,
        credential: String,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        let trust = TlsConfig::from_profile(profile);
        wire.redactor().add(secrets);
        if trust.skips_verification {
            let (cloud, name) = (profile.cloud, &profile.name);
            wire.emit(TransportEvent::Notice(
                NoticeCode::InsecureSkipVerify,
                format!("profile '{name}' ({cloud}): the server's certificate is not checked"),
            ));
        }
        Self {
            transport: Arc::clone(wire),
            cloud: profile.cloud,
            profile: profile.name.clone(),
            credential: Arc::new(RwLock::new(credential)),
            tls: trust,
            circuit_breaker: CircuitBreaker::new(
                wire.concurrency_for(profile.cloud),
                wire.options(),
            ),
            has_failover: false,
            options: wire.options().clone(),
            bypasses_proxy: false,
            clock_offset: ClockOffset::default(),
        }
    }

    /// The same account at another host, where another condition holds. With `has_twin` a request
    /// that fails in transit is not sent again, since there are more hosts to ask.
    pub fn for_host(&self, has_twin: bool) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            cloud: self.cloud,
            profile: self.profile.clone(),
            credential: Arc::clone(&self.credential),
            tls: self.tls.clone(),
            circuit_breaker: CircuitBreaker::new(
                self.transport.concurrency_for(self.cloud),
                &self.options,
            ),
            has_failover: has_twin,
            options: self.options.clone(),
            bypasses_proxy: self.bypasses_proxy,
            clock_offset: ClockOffset::default(),
        }
    }

    /// The same account for a host that only a server has named: its certificate is always checked.
    pub fn with_verification(self) -> Self {
        let mut trust = self.tls;
        trust.skips_verification = false;
        Self { tls: trust, ..self }
    }

    /// The same account with limits of its own, whose calls go past any proxy: for services that
    /// stand beside the machine.
    pub fn without_proxy(self, limits: ClientOptions) -> Self {
        Self {
            circuit_breaker: CircuitBreaker::new(
                self.transport.concurrency_for(self.cloud),
                &limits,
            ),
            options: limits,
            bypasses_proxy: true,
            ..self
        }
    }

    /// Sends a call until it is answered, refused, or out of attempts or time.
    ///
    /// Each attempt is signed anew. `classify` reads a cloud's "no" from a response, by the cloud's
    /// code before the HTTP status.
    ///
    /// # Errors
    /// What `classify` said, or what went wrong on the way, framed with operation and account.
    pub async fn send(
        &self,
        request: &Request,
        signer: &dyn Signer,
        classify: &(dyn Fn(&Response) -> Option<RequestError> + Sync),
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let renewals = self.circuit_breaker.generation();
        let started = Instant::now();
        let number = self.transport.requests.fetch_add(1, Ordering::Relaxed);
        let progress = RequestProgress::new(&self.transport, self.cloud, number);
        let mut attempts = 0;
        let mut resends = 0;
        // What the attempt before said; running out of time after it says less.
        let mut earlier: Option<Problem> = None;
        loop {
            let permits = match self.acquire_permit(request, deadline, attempts).await {
                Ok(permits) => permits,
                Err(problem) if problem.category == Category::Network => {
                    return Err(with_duration(earlier.unwrap_or(problem), started));
                }
                Err(problem) => return Err(problem),
            };
            attempts += 1;
            let is_throttled = |problem: &Problem| problem.category == Category::Throttled;
            progress.attempt(attempts, earlier.as_ref().is_some_and(is_throttled));
            let offset = self.clock_offset.seconds();
            let outcome = self
                .attempt(request, signer, deadline, attempts, offset)
                .await;
            let (mut refusal, answer) = match outcome {
                Ok(answer) => match self.read_error(&answer, classify) {
                    None => {
                        self.circuit_breaker.on_success();
                        return Ok(answer);
                    }
                    Some(refusal) => (refusal.at_status(answer.status), Some(answer)),
                },
                Err(fault) => (fault, None),
            };
            // Learned before the places are free, so that no other call is sent with a bad key.
            if answer.is_some() {
                self.record_auth_outcome(request, &refusal, renewals);
            }
            drop(permits);
            let is_cut = answer.is_none() && deadline.remaining().is_zero();
            if let Some(problem) = earlier.take().filter(|_| is_cut) {
                return Err(with_duration(problem, started));
            }
            let fail = |refusal: RequestError| {
                let problem = self.to_problem(request, refusal, answer.as_ref(), attempts);
                if answer.is_none() {
                    self.circuit_breaker.on_unreachable(&problem);
                }
                Err(with_duration(problem, started))
            };
            let is_elsewhere = self.has_failover && answer.is_none();
            if is_elsewhere || attempts >= self.options.max_attempts {
                return fail(refusal);
            }
            let refused = Refused {
                answer: answer.as_ref(),
                offset,
                attempts,
                resends,
            };
            let pause = match self.next(request, &mut refusal, refused) {
                Next::AtOnce => {
                    resends += 1;
                    continue;
                }
                Next::After(pause) if pause < deadline.remaining() => pause,
                Next::After(_) | Next::Fail => return fail(refusal),
            };
            if refusal.category == Category::Throttled {
                self.circuit_breaker.pause_for(pause);
            }
            earlier = Some(self.to_problem(request, refusal, answer.as_ref(), attempts));
            sleep(pause).await;
        }
    }

    /// What an error response says, or one that cannot be read whatever it says.
    fn read_error(
        &self,
        response: &Response,
        classify: &(dyn Fn(&Response) -> Option<RequestError> + Sync),
    ) -> Option<RequestError> {
        let encoding = body::unsupported_encoding(response);
        if encoding.is_some() && (200..300).contains(&response.status) {
            return encoding;
        }
        let mut error = classify(response)?;
        if let Some(encoding) = encoding {
            error.message = format!("{}: {}", error.message, encoding.message);
        }
        html::explain(&mut error, response, self.transport.redactor());
        Some(error)
    }

    /// The time as this machine has it.
    pub fn now(&self) -> DateTime<Utc> {
        self.transport.now()
    }

    /// Takes another credential in the place of one that was refused, so that calls go out again.
    pub fn credential_replaced(&self) {
        self.circuit_breaker.reset();
    }

    /// The masked key in use and where it came from.
    pub fn credential(&self) -> String {
        let credential = self.credential.read();
        credential.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names another credential in messages from now on.
    pub fn set_credential_label(&self, credential: String) {
        let held = self.credential.write();
        *held.unwrap_or_else(PoisonError::into_inner) = credential;
    }

    /// Masks more secrets in everything that is shown of the run from now on.
    pub fn redact(&self, secrets: &[Secret]) {
        self.transport.redactor().add(secrets);
    }

    /// Waits until the call may go out.
    async fn acquire_permit(
        &self,
        request: &Request,
        deadline: Deadline,
        attempts: u32,
    ) -> Result<[SemaphorePermit<'_>; 2], Problem> {
        let out_of_time = || {
            let mut problem = self.problem(
                request,
                Category::Network,
                "timed out waiting for a request slot",
            );
            problem.attempts = attempts;
            problem
        };
        let permits = tokio::time::timeout(deadline.remaining(), self.circuit_breaker.acquire())
            .await
            .map_err(|_| out_of_time())?;
        match self.circuit_breaker.open_reason() {
            None => Ok(permits),
            Some(mut problem) => {
                problem.operation = Some(request.operation.to_owned());
                Err(problem)
            }
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        signer: &dyn Signer,
        deadline: Deadline,
        number: u32,
        clock_offset: i64,
    ) -> Result<Response, RequestError> {
        let signed_at = signing_time(self.transport.now(), clock_offset);
        let signing = signer.sign(request, signed_at, &crypto::nonce());
        let is_direct = self.bypasses_proxy || request.endpoint.is_loopback();
        let has_proxy = !is_direct && self.has_proxy(&request.endpoint)?;
        let client = self.transport.clients.get(&PoolKey {
            https: request.endpoint.is_https(),
            bypasses_proxy: is_direct,
            connect_timeout: self.options.connect_timeout,
            tls: self.tls.clone(),
            insecure_host: self.tls.insecure_host(&request.endpoint)?,
        })?;
        self.transport.calls.fetch_add(1, Ordering::Relaxed);
        let sending = attempt::Attempt {
            request,
            signing: &signing,
            number,
            max_body: self.options.max_body,
            timeout: self.options.request_timeout.min(deadline.remaining()),
            has_proxy,
            proxy_authorization: self.proxy_authorization(&request.endpoint, is_direct),
        };
        if let Some(signature) = signing.signature() {
            self.transport.redactor().add_signature(&signature);
        }
        let answer = sending
            .send(&client, &|line| self.transport.trace(line))
            .await?;
        let response_info =
            ResponseInfo::from_response(&answer, request, self.now(), self.transport.redactor());
        self.transport
            .emit(TransportEvent::Responded(response_info));
        Ok(answer)
    }

    /// What an HTTP proxy is shown with a request that it reads itself, which is reported.
    fn proxy_authorization(&self, endpoint: &Endpoint, is_direct: bool) -> Option<Secret> {
        let is_read = !is_direct && !endpoint.is_https();
        let proxy = self.transport.clients.proxy_for(endpoint);
        let proxy = proxy.filter(|proxy| is_read && proxy.reads_requests())?;
        let message = format!(
            "requests to {} and their credentials are readable by the proxy {proxy}, since the endpoint is http://",
            endpoint.origin()
        );
        let notice = TransportEvent::Notice(NoticeCode::PlaintextProxy, message);
        self.transport.emit(notice);
        proxy.authorization()
    }

    /// Whether a call goes through a proxy.
    fn has_proxy(&self, endpoint: &Endpoint) -> Result<bool, RequestError> {
        match self.transport.route(endpoint) {
            Route::Direct | Route::Bypassed(_) => Ok(false),
            Route::Proxied { .. } => Ok(true),
            Route::Unusable { problem } => {
                let mut refusal = RequestError::new(problem.category, problem.message);
                refusal.hint = problem.hint;
                refusal.transport_failure = Some(TransportFailure {
                    kind: TransportFailureKind::InvalidProxy,
                    at_proxy: true,
                });
                Err(refusal)
            }
        }
    }

    /// What an error response says about the credential.
    fn record_auth_outcome(&self, request: &Request, refusal: &RequestError, renewals: u64) {
        match refusal.category {
            Category::Unauthenticated => {
                let problem = self.to_problem(request, refusal.clone(), None, 1);
                self.circuit_breaker.on_auth_failure(problem, renewals);
            }
            Category::NotFound | Category::PermissionDenied if refusal.code.is_some() => {
                self.circuit_breaker.on_success();
            }
            _ => {}
        }
    }
}

/// Says how often and how long a request without a complete response was tried.
fn with_duration(mut problem: Problem, started: Instant) -> Problem {
    use TransportFailureKind::{Broken, ConnectTimeout, Timeout};
    let failure = problem.transport_failure.map(|failure| failure.kind);
    if matches!(failure, Some(Broken | ConnectTimeout | Timeout)) && problem.attempts > 1 {
        problem.message = format!(
            "no complete response after {} attempts in {} s: {}",
            problem.attempts,
            started.elapsed().as_secs(),
            problem.message
        );
    }
    problem
}

#[cfg(test)]
mod tests;
