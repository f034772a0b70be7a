use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Answer, Refusal, Request, Signer, Wire, excerpt};
use crate::error::{Category, Problem};
use crate::secret::{Scrubber, Secret};

/// The moment by which a look-up must be done, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much time from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What is left of it.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// One credential of one cloud and what is known of it in this run.
#[derive(Debug)]
pub struct Account {
    wire: Arc<Wire>,
    cloud: &'static str,
    profile: String,
    credential: String,
    scrubber: Scrubber,
}

impl Account {
    /// An account that was not used yet.
    ///
    /// `credential` is the masked key and where it came from; `secrets` are masked in everything
    /// that the cloud answers.
    pub fn new<'a>(
        wire: &Arc<Wire>,
        cloud: &'static str,
        profile: &str,
        credential: String,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        Self {
            wire: Arc::clone(wire),
            cloud,
            profile: profile.to_owned(),
            credential,
            scrubber: Scrubber::new(secrets),
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
        let _ = (
            request,
            signer,
            classify,
            deadline,
            &self.wire,
            &self.scrubber,
        );
        unimplemented!()
    }

    /// An answer that could not be understood.
    ///
    /// `expected` says what was expected and where it was missed.
    pub fn unreadable(&self, request: &Request, answer: &Answer, expected: &str) -> Problem {
        let begins = excerpt(&answer.body);
        let message = if begins.is_empty() {
            format!("the answer is empty; expected {expected}")
        } else {
            format!("the answer could not be understood; expected {expected}; it begins: {begins}")
        };
        let mut problem = self.problem(request, Category::Unreadable, message);
        problem.http_status = Some(answer.status);
        problem
    }

    /// A problem of this account and operation.
    pub fn problem(
        &self,
        request: &Request,
        category: Category,
        message: impl Into<String>,
    ) -> Problem {
        let mut problem = Problem::new(category, message);
        problem.cloud = Some(self.cloud.to_owned());
        problem.profile = Some(self.profile.clone());
        problem.operation = Some(request.operation.to_owned());
        problem.host = Some(request.endpoint.authority().to_owned());
        problem.credential = Some(self.credential.clone());
        problem
    }
}
