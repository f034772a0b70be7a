use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::SemaphorePermit;
use tokio::time::sleep;

use super::clients::ClientKey;
use super::clock_offset::{ClockOffset, Correction, describe};
use super::condition::Condition;
use super::retry::{LONGEST_HINT, backoff};
use super::trust::Trust;
use super::{
    Answer, Endpoint, Happening, Heard, Limits, Refusal, Request, Retry, Route, Signer, Wire,
    attempt, excerpt,
};
use crate::crypto;
use crate::error::{Category, Fault, FaultKind, Problem};
use crate::secret::Secret;
use crate::settings::Profile;

/// The moment by which a look-up must be done, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much time from now.
    pub fn after(time: Duration) -> Self {
        /// Later than any run ends, and still a time that the clock can show.
        const MAX_TIMEOUT: Duration = Duration::from_secs(36_500 * 86_400);
        Self(Instant::now() + time.min(MAX_TIMEOUT))
    }

    /// What is left of it.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

const SET_CLOCK: &str = "set this machine's clock, and check that the endpoint is the cloud's own";

/// What follows a refusal.
enum Next {
    Fail,
    /// The call is sent again at once, signed anew.
    AtOnce,
    /// The call is sent again after a while.
    After(Duration),
}

/// One credential of one cloud and what is known of it in this run.
#[derive(Debug)]
pub struct Account {
    wire: Arc<Wire>,
    cloud: &'static str,
    profile: String,
    credential: Arc<RwLock<String>>,
    trust: Trust,
    condition: Condition,
    /// True when another host can be asked, so that a broken way to this one is not tried again.
    has_twin: bool,
    limits: Limits,
    /// True when no proxy is asked, whatever the environment says.
    is_direct: bool,
    clock_offset: ClockOffset,
}

impl Account {
    /// An account that was not used yet.
    ///
    /// `credential` is the masked key and where it came from; `secrets` are masked in everything
    /// that is shown of the run.
    pub fn new<'a>(
        wire: &Arc<Wire>,
        profile: &Profile,
        credential: String,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        let trust = Trust::of(profile);
        wire.redactor().add(secrets);
        if trust.skips_verification {
            let (cloud, name) = (profile.cloud, &profile.name);
            wire.tell(Happening::Notice(
                "insecure_skip_verify",
                format!("profile {name} of {cloud}: the server's certificate is not checked"),
            ));
        }
        Self {
            wire: Arc::clone(wire),
            cloud: profile.cloud,
            profile: profile.name.clone(),
            credential: Arc::new(RwLock::new(credential)),
            trust,
            condition: Condition::new(wire.slots_of(profile.cloud), wire.limits()),
            has_twin: false,
            limits: wire.limits().clone(),
            is_direct: false,
            clock_offset: ClockOffset::default(),
        }
    }

    /// The same account at another host, where another condition holds. With `has_twin` a call that
    /// breaks on its way is not sent again, since there are more hosts to ask.
    pub fn at_another_host(&self, has_twin: bool) -> Self {
        Self {
            wire: Arc::clone(&self.wire),
            cloud: self.cloud,
            profile: self.profile.clone(),
            credential: Arc::clone(&self.credential),
            trust: self.trust.clone(),
            condition: Condition::new(self.wire.slots_of(self.cloud), &self.limits),
            has_twin,
            limits: self.limits.clone(),
            is_direct: self.is_direct,
            clock_offset: ClockOffset::default(),
        }
    }

    /// The same account for a host that only a server has named: its certificate is always checked.
    pub fn with_verification(self) -> Self {
        let mut trust = self.trust;
        trust.skips_verification = false;
        Self { trust, ..self }
    }

    /// The same account with limits of its own, whose calls go past any proxy: for services that
    /// stand beside the machine.
    pub fn direct(self, limits: Limits) -> Self {
        Self {
            condition: Condition::new(self.wire.slots_of(self.cloud), &limits),
            limits,
            is_direct: true,
            ..self
        }
    }

    /// Sends a call until it is answered, refused, or out of attempts or time.
    ///
    /// Each attempt is signed anew. `classify` reads a cloud's "no" from an answer, by the cloud's
    /// code before the HTTP status.
    ///
    /// # Errors
    /// What `classify` said, or what went wrong on the way, framed with operation and account.
    pub async fn send(
        &self,
        request: &Request,
        signer: &dyn Signer,
        classify: &(dyn Fn(&Answer) -> Option<Refusal> + Sync),
        deadline: Deadline,
    ) -> Result<Answer, Problem> {
        let renewals = self.condition.renewals();
        let mut attempts = 0;
        let mut resent_at_once = false;
        // What the attempt before said; running out of time after it says less.
        let mut earlier: Option<Problem> = None;
        loop {
            let permits = match self.admit(request, deadline, attempts).await {
                Ok(permits) => permits,
                Err(problem) if problem.category == Category::Network => {
                    return Err(earlier.unwrap_or(problem));
                }
                Err(problem) => return Err(problem),
            };
            attempts += 1;
            let outcome = self.attempt(request, signer, deadline, attempts).await;
            let (mut refusal, answer) = match outcome {
                Ok(answer) => match classify(&answer) {
                    None => {
                        self.condition.prove();
                        return Ok(answer);
                    }
                    Some(refusal) => (refusal.at_status(answer.status), Some(answer)),
                },
                Err(fault) => (fault, None),
            };
            // Learned before the places are free, so that no other call is sent with a bad key.
            if answer.is_some() {
                self.learn(request, &refusal, renewals);
            }
            drop(permits);
            let is_cut = answer.is_none() && deadline.remaining().is_zero();
            if let Some(problem) = earlier.take().filter(|_| is_cut) {
                return Err(problem);
            }
            let fail = |refusal: Refusal| {
                let problem = self.framed(request, refusal, answer.as_ref(), attempts);
                if answer.is_none() {
                    self.condition.note_fault(&problem);
                }
                Err(problem)
            };
            let is_elsewhere = self.has_twin && answer.is_none();
            if is_elsewhere || attempts >= self.limits.max_attempts {
                return fail(refusal);
            }
            let is_first = !resent_at_once;
            let pause = match self.next(request, &mut refusal, answer.as_ref(), attempts, is_first)
            {
                Next::AtOnce => {
                    resent_at_once = true;
                    continue;
                }
                Next::After(pause) if pause < deadline.remaining() => pause,
                Next::After(_) | Next::Fail => return fail(refusal),
            };
            if refusal.category == Category::Throttled {
                self.condition.hold_back(pause);
            }
            earlier = Some(self.framed(request, refusal, answer.as_ref(), attempts));
            sleep(pause).await;
        }
    }

    /// The time as this machine has it.
    pub fn now(&self) -> DateTime<Utc> {
        self.wire.now()
    }

    /// Takes another credential in the place of one that was refused, so that calls go out again.
    pub fn forgive(&self) {
        self.condition.forgive();
    }

    /// The masked key in use and where it came from.
    pub fn credential(&self) -> String {
        let credential = self.credential.read();
        credential.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Names another credential in messages from now on.
    pub fn rename(&self, credential: String) {
        let held = self.credential.write();
        *held.unwrap_or_else(PoisonError::into_inner) = credential;
    }

    /// Masks more secrets in everything that is shown of the run from now on.
    pub fn mask(&self, secrets: &[Secret]) {
        self.wire.redactor().add(secrets);
    }

    /// An answer that could not be understood.
    ///
    /// `expected` says what was expected and where it was missed.
    pub fn unreadable(&self, request: &Request, answer: &Answer, expected: &str) -> Problem {
        let begins = excerpt(&answer.body, self.wire.redactor());
        let message = if begins.is_empty() {
            format!("the answer is empty; expected {expected}")
        } else {
            format!("the answer could not be understood; expected {expected}; it begins: {begins}")
        };
        let mut problem = self.problem(request, Category::Unreadable, message);
        problem.http_status = Some(answer.status);
        problem.hint =
            Some("check that the endpoint is the cloud's own; -v shows what was asked".to_owned());
        problem
    }

    /// A problem of this account and operation.
    pub fn problem(
        &self,
        request: &Request,
        category: Category,
        message: impl Into<String>,
    ) -> Problem {
        let problem = Problem::new(category, message);
        let mut problem = problem.of_account(self.cloud, &self.profile);
        problem.operation = Some(request.operation.to_owned());
        problem.host = Some(request.endpoint.authority().to_owned());
        problem.credential = Some(self.credential());
        problem.attempts = 1;
        self.wire.redact(&mut problem);
        problem
    }

    /// Waits until the call may go out.
    async fn admit(
        &self,
        request: &Request,
        deadline: Deadline,
        attempts: u32,
    ) -> Result<[SemaphorePermit<'_>; 2], Problem> {
        let out_of_time = || {
            let mut problem = self.problem(
                request,
                Category::Network,
                "the time for one look-up was over before the call could be sent",
            );
            problem.attempts = attempts;
            problem
        };
        let permits = tokio::time::timeout(deadline.remaining(), self.condition.places())
            .await
            .map_err(|_| out_of_time())?;
        match self.condition.obstacle() {
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
    ) -> Result<Answer, Refusal> {
        let signed_at = self.clock_offset.at(self.wire.now());
        let proof = signer.sign(request, signed_at, &crypto::nonce());
        let is_direct = self.is_direct || request.endpoint.is_loopback();
        let has_proxy = !is_direct && self.has_proxy(&request.endpoint)?;
        let client = self.wire.clients.get(&ClientKey {
            https: request.endpoint.is_https(),
            direct: is_direct,
            connect_timeout: self.limits.connect_timeout,
            trust: self.trust.clone(),
            unchecked_host: self.trust.unchecked_host(&request.endpoint)?,
        })?;
        self.wire.calls.fetch_add(1, Ordering::Relaxed);
        let sending = attempt::Attempt {
            request,
            proof: &proof,
            number,
            max_body: self.limits.max_body,
            timeout: self.limits.request_timeout.min(deadline.remaining()),
            has_proxy,
        };
        if let Some(signature) = proof.signature() {
            self.wire.redactor().add_signature(&signature);
        }
        let answer = sending.send(&client, &|line| self.wire.trace(line)).await?;
        let heard = Heard::of(&answer, request, self.now());
        self.wire.tell(Happening::Answered(heard));
        Ok(answer)
    }

    /// Whether a call goes through a proxy.
    fn has_proxy(&self, endpoint: &Endpoint) -> Result<bool, Refusal> {
        match self.wire.route(endpoint) {
            Route::Direct | Route::Excepted(_) => Ok(false),
            Route::Through { .. } => Ok(true),
            Route::Unusable { problem } => {
                let mut refusal = Refusal::new(problem.category, problem.message);
                refusal.hint = problem.hint;
                refusal.fault = Some(Fault {
                    kind: FaultKind::InvalidProxy,
                    at_proxy: true,
                });
                Err(refusal)
            }
        }
    }

    /// What a "no" tells about the credential.
    fn learn(&self, request: &Request, refusal: &Refusal, renewals: u64) {
        match refusal.category {
            Category::Refused => {
                let problem = self.framed(request, refusal.clone(), None, 1);
                self.condition.refuse(problem, renewals);
            }
            Category::NotFound | Category::Permission if refusal.code.is_some() => {
                self.condition.prove();
            }
            _ => {}
        }
    }

    /// What follows a refusal, which may say more afterwards. `may_resend` until a call was sent again
    /// at once.
    fn next(
        &self,
        request: &Request,
        refusal: &mut Refusal,
        answer: Option<&Answer>,
        attempts: u32,
        may_resend: bool,
    ) -> Next {
        // One code may stand for a replay and for a time that is too far off.
        let is_about_time = refusal.category == Category::Clock
            && matches!(refusal.retry, Retry::Clock | Retry::Once);
        let is_corrected = match answer {
            Some(answer) if is_about_time => self.correct_clock(request, answer, refusal),
            _ => false,
        };
        if may_resend && (is_corrected || refusal.retry == Retry::Once) {
            return Next::AtOnce;
        }
        if !refusal.is_transient(answer.map(|answer| answer.status)) {
            return Next::Fail;
        }
        let pause = self.pause(refusal, answer, attempts);
        if pause > LONGEST_HINT {
            refusal.category = Category::Throttled;
            let seconds = pause.as_secs();
            refusal.message = format!("{}; the cloud asks to wait {seconds} s", refusal.message);
            return Next::Fail;
        }
        Next::After(pause)
    }

    /// Corrects the clock by the answer to a call whose time is wrong; true when it should be sent
    /// again with the corrected time. A difference that is too large becomes part of the refusal.
    fn correct_clock(&self, request: &Request, answer: &Answer, refusal: &mut Refusal) -> bool {
        let host = request.endpoint.authority();
        match self.clock_offset.correct(answer.date(), self.wire.now()) {
            Correction::None => false,
            Correction::Applied { seconds, is_new } => {
                if is_new {
                    self.wire.tell(Happening::Notice(
                        "clock_corrected",
                        format!(
                            "this machine's clock is {}; calls are signed with the cloud's time",
                            describe(seconds, host)
                        ),
                    ));
                }
                true
            }
            Correction::Refused { seconds } => {
                refusal.message = format!(
                    "{}; this machine's clock is {}, and a difference of more than one day is not corrected",
                    refusal.message.trim_end().trim_end_matches(['.', '。']),
                    describe(seconds, host)
                );
                refusal.hint = Some(SET_CLOCK.to_owned());
                false
            }
        }
    }

    fn pause(&self, refusal: &Refusal, answer: Option<&Answer>, attempts: u32) -> Duration {
        let hint = refusal
            .retry_after
            .or_else(|| answer.and_then(|answer| answer.retry_after(self.wire.now())));
        let jitter = backoff(attempts, crypto::random_fraction());
        hint.map_or(jitter, |hint| {
            hint.max(jitter.min(Duration::from_millis(100)))
        })
    }

    fn framed(
        &self,
        request: &Request,
        refusal: Refusal,
        answer: Option<&Answer>,
        attempts: u32,
    ) -> Problem {
        let message = refusal.message.trim_end().trim_end_matches(['.', '。']);
        let mut problem = self.problem(request, refusal.category, message);
        problem.code = refusal.code;
        problem.request_id = refusal.request_id;
        problem.retry_after = refusal
            .retry_after
            .or_else(|| answer.and_then(|answer| answer.retry_after(self.wire.now())));
        problem.retryable = refusal.retry != Retry::Never;
        problem.hint = refusal.hint;
        problem.fault = refusal.fault;
        problem.http_status = answer.map(|answer| answer.status);
        problem.attempts = attempts;
        self.wire.redact(&mut problem);
        problem
    }
}

#[cfg(test)]
mod tests;
