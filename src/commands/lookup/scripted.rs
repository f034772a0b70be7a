//! A client with scripted responses, for tests of timing on a paused clock, on which no test really waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::account::{account_of, account_of_scope};
use super::clients::Clients;
use super::{Lookup, LookupOptions};
use crate::commands::notices::NoticeLog;
use crate::credentials::CredentialInfo;
use crate::error::{Category, Problem};
use crate::http::{ClientOptions, Transport};
use crate::model::{Job, Reason, State, Time};
use crate::providers::{Client, CloudApi, Cursor, Filter, GetResult, Page, RequestOptions, job_at};
use crate::reference::{Reference, Scope};
use crate::settings::Settings;
use crate::sync::lock;

/// The scripted response for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Reply {
    /// It is in this state.
    State(State),
    /// It does not exist.
    NotFound,
    /// The request is throttled, with this time to wait.
    Throttled(Duration),
    /// It cannot be read, with this category.
    Failed(Category),
    /// No response until the request times out.
    Nothing,
    /// It has succeeded, but the deadline passes before the parts that could show a failure are read.
    Cut,
    /// The deadline passes before the request is sent.
    Unsent,
}

/// A request: the time since the start, and the requested id; `list` for a list of all.
pub(in crate::commands) type Received = (Duration, String);

/// Returns the response for the time since the start and the id.
type Script = dyn Fn(Duration, &str) -> Reply + Send + Sync;

/// Completes a job with more than its state, for the time since the start.
type Edit = dyn Fn(Duration, &mut Job) + Send + Sync;

/// A client with scripted responses and the request rate of an account.
pub(in crate::commands) struct ScriptedClient {
    started: Instant,
    script: Box<Script>,
    edit: Box<Edit>,
    /// Responses to lookups, if they differ from those of lists.
    lookups: Option<Box<Script>>,
    response_time: Duration,
    min_interval: Duration,
    has_list: bool,
    next_slot: Mutex<Instant>,
    received: Mutex<Vec<Received>>,
}

impl ScriptedClient {
    /// Creates a client whose responses take 50 ms, with this minimum time between two requests.
    pub(in crate::commands) fn new(
        min_interval: Duration,
        script: impl Fn(Duration, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self {
            started: Instant::now(),
            script: Box::new(script),
            edit: Box::new(|_, _| {}),
            lookups: None,
            response_time: Duration::from_millis(50),
            min_interval,
            has_list: false,
            next_slot: Mutex::new(Instant::now()),
            received: Mutex::default(),
        }
    }

    /// Sets the time for each response.
    pub(in crate::commands) fn with_response_time(mut self, time: Duration) -> Self {
        self.response_time = time;
        self
    }

    /// Sets a function that completes the jobs.
    pub(in crate::commands) fn with_jobs(
        mut self,
        edit: impl Fn(Duration, &mut Job) + Send + Sync + 'static,
    ) -> Self {
        self.edit = Box::new(edit);
        self
    }

    /// Adds support for requests that list all jobs. A scope contains the job `7`, if the script has a state
    /// for it.
    pub(in crate::commands) fn with_list(mut self) -> Self {
        self.has_list = true;
        self
    }

    /// Adds support for requests that list jobs, and a separate script for lookups.
    pub(in crate::commands) fn with_list_and_lookups(
        self,
        lookups: impl Fn(Duration, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self {
            lookups: Some(Box::new(lookups)),
            ..self.with_list()
        }
    }

    /// Returns the requests so far.
    pub(in crate::commands) fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// Sends a request when its turn comes, and records the time of its arrival.
    async fn send(&self, what: &str, options: &RequestOptions, hangs: bool) -> Result<(), Problem> {
        let slot = {
            let mut next = lock(&self.next_slot);
            let slot = (*next).max(Instant::now());
            *next = slot + self.min_interval;
            slot
        };
        let response = async {
            sleep_until(slot).await;
            let request = (self.started.elapsed(), what.to_owned());
            lock(&self.received).push(request);
            match hangs {
                true => std::future::pending().await,
                false => sleep(self.response_time).await,
            }
        };
        timeout(options.deadline.remaining(), response)
            .await
            .map_err(|_| {
                let mut problem = Problem::new(Category::Network, "no response in time");
                problem.attempts = 1;
                problem
            })
    }

    /// Returns the row of a list, if the job can be read.
    fn row(&self, reference: &Reference) -> Option<GetResult> {
        match (self.script)(self.started.elapsed(), reference.id()) {
            Reply::State(state) => {
                let mut row = self.found(reference, state);
                row.job.from_list = true;
                Some(row)
            }
            _ => None,
        }
    }

    /// Returns a job that was created a day ago, so that it is polled every 30 s.
    fn found(&self, reference: &Reference, state: State) -> GetResult {
        let mut job = Job {
            state,
            ended: state.is_end(),
            created_at: Time::new(now() - TimeDelta::days(1)),
            ..job_at(reference, None)
        };
        (self.edit)(self.started.elapsed(), &mut job);
        GetResult {
            job,
            notices: Vec::new(),
        }
    }
}

/// Returns the time of the clients in a scripted lookup.
pub(in crate::commands) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

impl CloudApi for ScriptedClient {
    fn endpoint(&self) -> Option<String> {
        None
    }

    fn credential(&self) -> CredentialInfo {
        CredentialInfo::default()
    }
}

#[async_trait]
impl Client for ScriptedClient {
    fn api(&self) -> &dyn CloudApi {
        self
    }

    async fn get(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<GetResult, Problem> {
        let script = self.lookups.as_ref().unwrap_or(&self.script);
        let reply = || script(self.started.elapsed(), reference.id());
        let hangs = reply() == Reply::Nothing;
        self.send(reference.id(), options, hangs).await?;
        match reply() {
            Reply::State(state) => Ok(self.found(reference, state)),
            Reply::Throttled(hint) => {
                let mut problem = Problem::new(Category::Throttled, "too many requests");
                problem.retry_after = Some(hint);
                Err(problem)
            }
            Reply::Cut => {
                sleep(options.deadline.remaining()).await;
                let mut result = self.found(reference, State::Unknown);
                result.job.reason = Some(Reason::SubtasksUnread);
                result.job.unread_cause = Some(Category::Network);
                Ok(result)
            }
            Reply::Unsent => {
                sleep(options.deadline.remaining()).await;
                Err(Problem::deadline_exceeded("no request slot"))
            }
            Reply::Failed(category) => Err(Problem::new(category, "a failure of the script")),
            Reply::NotFound | Reply::Nothing => {
                Err(Problem::new(Category::NotFound, "no such job"))
            }
        }
    }

    fn can_batch(&self, references: &[Reference]) -> bool {
        self.has_list && references.len() > 1
    }

    async fn batch_get(
        &self,
        references: &[Reference],
        options: &RequestOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        self.send("list", options, false).await?;
        let rows = references.iter().map(|reference| self.row(reference));
        Ok(rows.collect())
    }

    /// Returns the listed job, or a failure if the script has one for `list`.
    async fn list(
        &self,
        scope: &Scope,
        _: &Filter,
        _: Cursor,
        options: &RequestOptions,
    ) -> Result<Page, Problem> {
        self.send("list", options, false).await?;
        match (self.script)(self.started.elapsed(), "list") {
            Reply::Failed(category) => Err(Problem::new(category, "a failure of the script")),
            _ => {
                let row = scope.reference(&["7"]).filter(|_| self.has_list);
                Ok(Page {
                    rows: row.and_then(|row| self.row(&row)).into_iter().collect(),
                    ..Page::default()
                })
            }
        }
    }
}

impl Lookup {
    /// Creates a lookup of these references with this client, whatever their accounts.
    pub(in crate::commands) fn scripted(
        references: Vec<Reference>,
        client: &Arc<impl Client + 'static>,
    ) -> Self {
        let transport = Transport::new(
            ClientOptions::default(),
            &[],
            Arc::new(now),
            Arc::new(|_| {}),
        );
        let clients = references.iter().map(|reference| {
            let client = Arc::clone(client);
            (account_of(reference), client as Arc<dyn Client>)
        });
        let clients = Clients::of(clients);
        Self {
            references,
            scopes: Vec::new(),
            latest: Vec::new(),
            transport: transport.expect("no file is needed"),
            notices: NoticeLog::default(),
            settings: Settings::default(),
            options: LookupOptions::default(),
            clients,
        }
    }

    /// Creates the same lookup for all jobs of a scope.
    pub(in crate::commands) fn scripted_scope(
        scope: Scope,
        client: &Arc<impl Client + 'static>,
    ) -> Self {
        let mut lookup = Self::scripted(Vec::new(), client);
        let client = Arc::clone(client) as Arc<dyn Client>;
        lookup.clients = Clients::of(std::iter::once((account_of_scope(&scope), client)));
        lookup.scopes.push(scope);
        lookup
    }

    /// Enables reading large numbers of jobs from lists.
    pub(in crate::commands) fn with_lists(mut self) -> Self {
        self.options.lists = true;
        self
    }
}
