mod clock_skew;
mod problems;
mod retry_decision;
mod send;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::clients::PoolKey;
use super::clock_offset::{ClockOffset, signing_time};
use super::lines::LineBody;
use super::proxies::{Proxy, ProxyConfig};
use super::recording::{Outgoing, RecordingAttempt};
use super::request_limits::RequestLimits;
use super::signed_request::SignedRequest;
use super::tls::TlsConfig;
use super::{
    Chunks, ClientOptions, Deadline, Endpoint, Lines, Request, RequestError, Response,
    ResponseInfo, Route, Session, Signer, Transport, TransportEvent,
};
use crate::crypto;
use crate::error::{TransportFailure, TransportFailureKind};
use crate::model::NoticeCode;
use crate::secret::{Secret, mask_proxy_url, proxy_secrets};
use crate::settings::{PROXY_URL, Profile};
use crate::sync::lock;

/// Sends the requests of one account: its credential and the state of that credential in this run.
#[derive(Debug)]
pub struct ApiClient {
    transport: Arc<Transport>,
    cloud: &'static str,
    profile: String,
    credential: Arc<RwLock<String>>,
    /// The source of each value of the profile, by key.
    setting_locations: Arc<HashMap<&'static str, String>>,
    tls: TlsConfig,
    /// The proxy that the profile configures.
    proxy: Option<(Secret, Arc<ProxyConfig>)>,
    limits: RequestLimits,
    /// `true` if another host can be called instead, so that a failed connection to this one is not retried.
    has_failover: bool,
    options: ClientOptions,
    /// `true` if no proxy is used, whatever the environment contains.
    bypasses_proxy: bool,
    clock_offset: ClockOffset,
    /// For streams: receives the unread body of a successful response. `None` if bodies are read at once.
    unread_body: Option<Mutex<Option<LineBody>>>,
    /// `true` if its responses contain credentials.
    is_for_credentials: bool,
}

/// One attempt at a request.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    request: &'a Request,
    signer: &'a dyn Signer,
    deadline: Deadline,
    /// Number of the attempt, from 1.
    number: u32,
    /// Seconds by which the server's clock is ahead of the local one.
    clock_offset: i64,
}

impl ApiClient {
    /// Creates a client for an account that has not been used yet.
    ///
    /// `credential` is the masked key and its source. `secrets` are masked in all output of the run.
    pub fn new<'a>(
        transport: &Arc<Transport>,
        profile: &Profile,
        credential: String,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        let tls = TlsConfig::from_profile(profile);
        transport.redactor().add(secrets);
        let proxy = profile.get(PROXY_URL).map(|url| {
            transport.redactor().add(&proxy_secrets(url));
            (Secret::new(url), Arc::new(ProxyConfig::from_url(url)))
        });
        if tls.skips_verification {
            let (cloud, name) = (profile.cloud(), &profile.name);
            transport.emit(TransportEvent::Notice(
                NoticeCode::InsecureSkipVerify,
                format!("profile '{name}' ({cloud}): the server's certificate is not checked"),
            ));
        }
        Self {
            transport: Arc::clone(transport),
            cloud: profile.cloud(),
            profile: profile.name.clone(),
            credential: Arc::new(RwLock::new(credential)),
            setting_locations: Arc::new(profile.setting_locations().collect()),
            tls,
            proxy,
            limits: RequestLimits::new(
                transport.concurrency_for(profile.cloud(), &profile.name),
                transport.options(),
            ),
            has_failover: false,
            options: transport.options().clone(),
            bypasses_proxy: false,
            clock_offset: ClockOffset::default(),
            unread_body: None,
            is_for_credentials: false,
        }
    }

    /// Marks the client as one for a service that issues credentials: recordings contain none of them.
    pub fn for_credentials(self) -> Self {
        Self {
            is_for_credentials: true,
            ..self
        }
    }

    /// Allows this many requests in flight before the first success, for servers that do not lock a credential
    /// after a few rejections.
    pub fn with_first_requests(self, count: usize) -> Self {
        Self {
            limits: self.limits.with_trial_requests(count),
            ..self
        }
    }

    /// Returns a client of the same account for another host, with its own limits. With `has_failover`, a
    /// request that fails in transit is not retried, since another host can be called.
    pub fn for_host(&self, has_failover: bool) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            cloud: self.cloud,
            profile: self.profile.clone(),
            credential: Arc::clone(&self.credential),
            setting_locations: Arc::clone(&self.setting_locations),
            tls: self.tls.clone(),
            proxy: self.proxy.clone(),
            limits: RequestLimits::new(
                self.transport.concurrency_for(self.cloud, &self.profile),
                &self.options,
            ),
            has_failover,
            options: self.options.clone(),
            bypasses_proxy: self.bypasses_proxy,
            clock_offset: ClockOffset::default(),
            unread_body: None,
            is_for_credentials: self.is_for_credentials,
        }
    }

    /// Returns a client of the same account for one stream. It leaves the body of a successful response unread, for
    /// [`ApiClient::take_lines`].
    pub fn for_stream(&self) -> Self {
        Self {
            unread_body: Some(Mutex::default()),
            ..self.for_host(false)
        }
    }

    /// Returns the lines of the stream's response as they arrive; `None` without a response or if its body was
    /// already taken. A line has at most `max_line` bytes, and the stream fails after `idle_timeout` without data.
    pub fn take_lines(&self, max_line: usize, idle_timeout: Duration) -> Option<Lines> {
        let body = lock(self.unread_body.as_ref()?).take()?;
        Some(Lines::new(body, max_line, idle_timeout))
    }

    /// Returns the body of the stream's response in parts as they arrive; see [`ApiClient::take_lines`].
    pub fn take_chunks(&self, idle_timeout: Duration) -> Option<Chunks> {
        let body = lock(self.unread_body.as_ref()?).take()?;
        Some(Chunks::new(body, idle_timeout))
    }

    /// Returns the options of its requests.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Reports a line for `-v`; see [`Transport::trace`].
    pub fn trace(&self, line: String) {
        self.transport.trace(line);
    }

    /// Always verifies the certificate: for a host that only a server's response has named.
    pub fn with_verification(self) -> Self {
        let mut tls = self.tls;
        tls.skips_verification = false;
        Self { tls, ..self }
    }

    /// Returns a client of the same account with other options that bypasses any proxy: for services that are local
    /// to the machine.
    pub fn without_proxy(self, options: ClientOptions) -> Self {
        Self {
            limits: RequestLimits::new(
                self.transport.concurrency_for(self.cloud, &self.profile),
                &options,
            ),
            options,
            bypasses_proxy: true,
            ..self
        }
    }

    /// Returns the time of this machine's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.transport.now()
    }

    /// Returns the time by the servers' clocks; see [`Transport::server_now`].
    pub fn server_now(&self) -> DateTime<Utc> {
        self.transport.server_now()
    }

    /// Returns how far the servers' clocks are ahead of this machine's; zero if it is right or if no response has
    /// shown a difference.
    pub fn clock_ahead(&self) -> TimeDelta {
        let now = self.now();
        self.transport.server_clocks.correct(now) - now
    }

    /// Clears the rejection of a token after it was replaced, so that requests are sent again.
    pub fn credential_replaced(&self) {
        self.limits.credential.reset();
    }

    /// Returns the masked key in use and its source.
    pub fn credential(&self) -> String {
        let credential = self.credential.read();
        credential.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the credential that messages name from now on.
    pub fn set_credential_label(&self, credential: String) {
        let guard = self.credential.write();
        *guard.unwrap_or_else(PoisonError::into_inner) = credential;
    }

    /// Masks more secrets in all output of the run from now on.
    pub fn mask_secrets(&self, secrets: &[Secret]) {
        self.transport.redactor().add(secrets);
    }

    /// Returns the random part of a delay; see [`Session::jitter`].
    pub fn jitter(&self) -> f64 {
        self.options.session.jitter()
    }

    /// Sends a request once, or takes its response from a recording.
    async fn send_or_replay(&self, attempt: Attempt<'_>) -> Result<Response, RequestError> {
        let request = attempt.request;
        let counts = &self.transport.counts;
        counts.record_request(self.cloud, request.operation);
        let outgoing = Outgoing {
            cloud: self.cloud,
            profile: &self.profile,
            request,
            attempt: attempt.number,
            is_for_credentials: self.is_for_credentials,
        };
        let unread_body = self.unread_body.as_ref();
        let response = match &self.options.session {
            Session::Live => self.sign_and_send(attempt).await?,
            Session::Record(recorder) => {
                let recording = RecordingAttempt::start(recorder, outgoing, &self.transport);
                let outcome = self.sign_and_send(attempt).await;
                recording.finish(&outcome, unread_body);
                outcome?
            }
            Session::Replay(replay) => {
                let redactor = self.transport.redactor();
                let recorded = replay.take(&outgoing, redactor).await;
                self.transport.requests_sent.fetch_add(1, Ordering::Relaxed);
                replay.respond(recorded, unread_body).await?
            }
        };
        let response_info =
            ResponseInfo::from_response(&response, request, self.now(), self.transport.redactor());
        self.transport
            .emit(TransportEvent::Responded(response_info));
        Ok(response)
    }

    /// Signs a request and sends it once.
    async fn sign_and_send(&self, attempt: Attempt<'_>) -> Result<Response, RequestError> {
        let (request, signer) = (attempt.request, attempt.signer);
        let now = self.options.session.signing_time(self.transport.now());
        let signed_at = signing_time(now, attempt.clock_offset);
        let signing = signer.sign(request, signed_at, &crypto::nonce());
        let is_loopback = request.endpoint.is_loopback() && self.proxy.is_none();
        let is_direct = self.bypasses_proxy || is_loopback;
        let proxy = match is_direct {
            true => None,
            false => self.proxy(&request.endpoint)?,
        };
        let client = self.transport.clients.get(&PoolKey {
            https: request.endpoint.is_https(),
            bypasses_proxy: is_direct,
            connect_timeout: self.options.connect_timeout,
            tls: self.tls.with_identity(signer.identity()),
            proxy_url: self.proxy.as_ref().map(|(url, _)| url.clone()),
            insecure_host: self.tls.insecure_host(&request.endpoint)?,
        })?;
        self.transport.requests_sent.fetch_add(1, Ordering::Relaxed);
        let signed = SignedRequest {
            request,
            signing: &signing,
            headers: signer.headers(),
            number: attempt.number,
            max_body: self.options.max_body,
            timeout: self
                .options
                .request_timeout
                .min(attempt.deadline.remaining()),
            proxy,
            redactor: self.transport.redactor(),
            now: self.transport.now(),
            unread_body: self.unread_body.as_ref(),
            proxy_authorization: proxy
                .and_then(|proxy| self.proxy_authorization(&request.endpoint, proxy)),
        };
        if let Some(signature) = signing.signature() {
            self.transport.redactor().add_signature(&signature);
        }
        let trace = |line| self.transport.trace(line);
        signed.send(&client, &trace).await
    }

    /// Returns the `Proxy-Authorization` header of a request without TLS. Warns that any proxy can read such a
    /// request.
    fn proxy_authorization(&self, endpoint: &Endpoint, proxy: &Proxy) -> Option<Secret> {
        if endpoint.is_https() {
            return None;
        }
        let message = format!(
            "the proxy {proxy} can read requests to {} and their credentials because the endpoint uses http://",
            endpoint.origin()
        );
        let notice = TransportEvent::Notice(NoticeCode::PlaintextProxy, message);
        self.transport.emit(notice);
        let is_http = proxy.is_http();
        is_http.then(|| proxy.authorization()).flatten()
    }

    /// Returns the URL of the profile's proxy with user name and password masked.
    pub fn profile_proxy(&self) -> Option<String> {
        let (url, _) = self.proxy.as_ref()?;
        Some(mask_proxy_url(url.expose()))
    }

    /// Returns the proxies of the profile, else those of the environment.
    fn proxies(&self) -> &ProxyConfig {
        match &self.proxy {
            Some((_, own)) => own,
            None => self.transport.clients.proxies(),
        }
    }

    /// Returns the proxy for a request to an endpoint.
    fn proxy(&self, endpoint: &Endpoint) -> Result<Option<&Proxy>, RequestError> {
        match self.proxies().route(endpoint) {
            Route::Direct | Route::Bypassed(_) => Ok(None),
            Route::Proxied { .. } => Ok(self.proxies().proxy_for(endpoint)),
            Route::Unusable { problem } => {
                let mut error = RequestError::new(problem.category, problem.message);
                error.hint = problem.hint;
                error.transport_failure = Some(TransportFailure::at_proxy(
                    TransportFailureKind::InvalidProxy,
                ));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
