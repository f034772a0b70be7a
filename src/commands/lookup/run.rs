use std::sync::Arc;
use std::time::Duration;

use super::account::{
    account_of, account_of_scope, list_permission, with_account_context, with_reference,
};
use super::clients::{Clients, CommandRuns};
use super::targets::AllowedTargets;
use crate::commands::notices::NoticeLog;
use crate::commands::recording::incomplete_replay;
use crate::credentials::CredentialCommand;
use crate::error::{Category, Problem, Stop};
use crate::http::{Deadline, Transport};
use crate::kind::Kind;
use crate::model::{Job, Notice, Time};
use crate::output::document::Envelope;
use crate::providers::{self, Client, EventDetail, GetResult, RequestOptions, mask_job};
use crate::reference::{LATEST, Reference, Scope};
use crate::settings::Settings;

/// The total time limit of a request.
pub(in crate::commands) const LOOKUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Time limit of requests for details once a job was read, for callers that only need its state.
pub(in crate::commands) const DETAILS_TIMEOUT: Duration = Duration::from_secs(5);

/// The options of the requests for all references of a run.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct LookupOptions {
    /// Keep the clouds' original documents.
    pub raw: bool,
    /// Show secrets in responses.
    pub show_secrets: bool,
    /// Kind-specific switches.
    pub flags: Vec<&'static str>,
    /// Which events of jobs and their parts are read.
    pub events: EventDetail,
    /// Time limit of further requests that do not affect the result, once a job was read.
    pub details_timeout: Option<Duration>,
    /// Read large numbers of jobs from lists; see [`MAX_DETAILS`](super::MAX_DETAILS).
    pub lists: bool,
    /// How the commands that print credentials are run.
    pub commands: CommandRuns,
    /// What is allowed among the references.
    pub allowed: AllowedTargets,
}

/// The result of looking up one reference.
pub(in crate::commands) type LookupResult = Result<Job, Problem>;

/// Everything that the requests need, prepared and checked before the first one.
pub(in crate::commands) struct Lookup {
    /// The references, in the given order, each once.
    pub references: Vec<Reference>,
    /// The scopes, in the given order, each once.
    pub scopes: Vec<Scope>,
    /// The scopes whose newest job is requested, each with the number of references before it.
    pub latest: Vec<(usize, Scope)>,
    /// The transport that the clients share.
    pub transport: Arc<Transport>,
    /// The notices of the run.
    pub notices: NoticeLog,
    /// The settings of the config file and the environment.
    pub settings: Settings,
    pub(super) options: LookupOptions,
    /// The clients of all accounts of the run.
    pub clients: Clients,
}

/// A job with the notices of its response.
pub(in crate::commands) type NotedJob = (Job, Vec<Notice>);

impl Lookup {
    /// Returns the client of a reference's account.
    ///
    /// # Errors
    /// Returns why the account cannot be used, with the reference.
    pub(in crate::commands) fn client(
        &self,
        reference: &Reference,
    ) -> Result<Arc<dyn Client>, Problem> {
        self.clients
            .get(&account_of(reference))
            .map_err(|problem| with_reference(problem, reference))
    }

    /// Returns the client of a scope's account. Waits for a command that prints the credential.
    ///
    /// # Errors
    /// Returns why the account cannot be used.
    pub(in crate::commands) async fn client_for_scope(
        &self,
        scope: &Scope,
    ) -> Result<Arc<dyn Client>, Problem> {
        self.clients.wait_for_client(&account_of_scope(scope)).await
    }

    /// Returns the command that prints the credential for a reference, if it has not ended.
    pub(in crate::commands) fn running_command(
        &self,
        reference: &Reference,
    ) -> Option<&CredentialCommand> {
        self.clients.running_command(&account_of(reference))
    }

    /// Returns the options for requests of a kind until a deadline.
    pub(in crate::commands) fn options_for(
        &self,
        kind: &Kind,
        deadline: Deadline,
    ) -> RequestOptions {
        RequestOptions {
            raw: self.options.raw,
            show_secrets: self.options.show_secrets,
            flags: self.options.flags.clone(),
            events: self.options.events,
            details_timeout: self.options.details_timeout,
            states: self.settings.file().states(&kind.to_string()).to_vec(),
            ..RequestOptions::new(deadline)
        }
    }

    /// Gets one job.
    pub(in crate::commands) async fn get(
        &self,
        reference: &Reference,
        deadline: Deadline,
    ) -> LookupResult {
        let result = self.request(reference, deadline).await?;
        self.finalize(result, reference)
    }

    /// Gets one job without [`Lookup::finalize`]. Waits for a command that prints the credential.
    ///
    /// # Errors
    /// Returns why the job cannot be read.
    pub(in crate::commands) async fn request(
        &self,
        reference: &Reference,
        deadline: Deadline,
    ) -> Result<GetResult, Problem> {
        let client = self.clients.wait_for_client(&account_of(reference)).await;
        let client = client.map_err(|problem| with_reference(problem, reference))?;
        let result = client
            .get(reference, &self.options_for(reference.kind, deadline))
            .await;
        result.map_err(|mut problem| {
            self.transport.mask(&mut problem);
            with_reference(problem, reference)
        })
    }

    /// Completes the result of a client: times, masks, notices.
    ///
    /// # Errors
    /// Returns an error if the clock is outside the supported range.
    pub(in crate::commands) fn finalize(
        &self,
        result: GetResult,
        reference: &Reference,
    ) -> LookupResult {
        let (job, notices) = self.complete(result, reference)?;
        self.keep_notices(notices);
        Ok(job)
    }

    /// Completes a result like [`Lookup::finalize`], but returns its notices.
    pub(super) fn complete(
        &self,
        result: GetResult,
        reference: &Reference,
    ) -> Result<NotedJob, Problem> {
        let now = self
            .now()
            .map_err(|problem| with_reference(problem, reference))?;
        Ok(self.complete_at(result, now))
    }

    /// Completes a result like [`Lookup::complete`], for a given time. Its notices are not masked.
    pub(in crate::commands) fn complete_at(&self, mut result: GetResult, now: Time) -> NotedJob {
        result.job.finalize(now);
        if let Some(problem) = &mut result.job.events_problem {
            self.transport.mask(problem);
        }
        let redactor = self.transport.redactor();
        mask_job(&mut result.job, redactor, self.options.show_secrets);
        (result.job, result.notices)
    }

    /// Keeps the notices of a response, masked.
    pub(in crate::commands) fn keep_notices(&self, notices: impl IntoIterator<Item = Notice>) {
        for mut notice in notices {
            self.transport.redactor().text(&mut notice.message);
            self.notices.push(notice);
        }
    }

    /// Returns the current time.
    ///
    /// # Errors
    /// Returns an error if the clock is outside the supported range.
    pub(in crate::commands) fn now(&self) -> Result<Time, Problem> {
        Time::new(self.transport.server_now()).ok_or_else(|| {
            let message = "the local clock is not between the years 1 and 9999";
            Problem::new(Category::ClockSkew, message)
        })
    }

    /// Finds the newest job of a scope. The reference has the typed text of the scope.
    ///
    /// # Errors
    /// Returns errors of [`providers::latest`], or why the account cannot be used.
    pub(in crate::commands) async fn latest_in(&self, scope: &Scope) -> Result<Reference, Problem> {
        let account = account_of_scope(scope);
        let with_context = |mut problem: Problem| {
            problem = with_account_context(problem, &account, list_permission(scope.kind));
            problem.reference = Some(format!("{scope}{LATEST}"));
            problem.input = Some(scope.input.clone());
            problem
        };
        let client = self.client_for_scope(scope).await.map_err(with_context)?;
        let options = self.options_for(scope.kind, Deadline::after(LOOKUP_TIMEOUT));
        let newest = providers::latest(&*client, scope, &options).await;
        let mut reference = newest.map_err(with_context)?;
        reference.input = scope.input.as_str().into();
        Ok(reference)
    }
}

/// Creates the envelope of the results. `stop` is why the command was stopped before all of them were known, if it was.
pub(in crate::commands) fn envelope(
    command: &'static str,
    results: Vec<LookupResult>,
    stop: Option<Stop>,
    lookup: &Lookup,
) -> Envelope {
    let mut problems = Vec::new();
    // Reuses the memory of the results: there can be thousands.
    let results = results.into_iter();
    let jobs = results.filter_map(|result| result.map_err(|problem| problems.push(problem)).ok());
    let jobs = jobs.collect();
    problems.extend(incomplete_replay(
        &lookup.transport.options().session,
        &problems,
    ));
    Envelope {
        requests: lookup.transport.requests_sent(),
        ..Envelope::new(command, jobs, problems, lookup.notices.all()).stopped(stop)
    }
}
