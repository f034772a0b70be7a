//! Checks one account: its settings, its files, and one read-only call.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::auth;
use super::super::list::{ListTarget, default_scopes};
use super::super::lookup::{LOOKUP_TIMEOUT, list_permission, with_account_context};
use super::accounts::Candidate;
use super::checks::ExaminedCall;
use super::credential::credential;
use super::files;
use super::log::Log;
use crate::credentials::CredentialChain;
use crate::error::{Category, Problem};
use crate::http::{Deadline, Transport, TransportEvent};
use crate::model::Time;
use crate::output::document::{AccountCheck, AccountStatus, Check, CheckName, CheckStatus};
use crate::providers::{Client, Cursor, Filter, RequestOptions, ScopeListRequest, scope_listing};
use crate::reference::Scope;
use crate::settings::{ReferencedFile, table_header};

/// A client certificate that expires within this time is a warning.
const CERTIFICATE_MARGIN: TimeDelta = TimeDelta::days(14);

/// An account to check, with its client.
pub(super) struct AccountProbe {
    account: AccountStatus,
    client: Option<Box<dyn Client>>,
    files: Vec<ReferencedFile>,
    target: Option<ListTarget>,
    transport: Arc<Transport>,
    log: Log,
}

/// The result of the call.
struct Call {
    outcome: Result<(), Problem>,
    /// The configured scope cannot be listed, but this other one can.
    warning: Option<Check>,
    elapsed: Duration,
}

impl AccountProbe {
    /// Resolves the account's settings and credential. Sends nothing.
    pub(super) fn new(
        credentials: &CredentialChain,
        candidate: Candidate,
        transport: Arc<Transport>,
        log: Log,
    ) -> Self {
        let Candidate { cloud, profile } = candidate;
        let account = auth::account(credentials, cloud, &profile, &transport);
        let settings = credentials.settings();
        let files = account.profile.as_ref();
        let files = files.map(|values| settings.files(values));
        let mut targets = default_scopes(settings, cloud, &profile).into_iter();
        Self {
            account: account.status,
            client: account.client,
            files: files.unwrap_or_default(),
            target: targets.next().map(ListTarget::of_first_kind),
            transport,
            log,
        }
    }

    /// Runs all checks, from the settings to the response.
    pub(super) async fn run(self) -> AccountCheck {
        let mut checks = vec![settings(&self.account, self.transport.server_now())];
        checks.extend(self.file_checks());
        let is_fit = checks.iter().all(|check| check.status != CheckStatus::Fail);
        let call = match (&self.client, is_fit) {
            (Some(client), true) => self.call(&**client).await,
            _ => None,
        };
        let events = self.log.all();
        let mut problem = self.account.problem.clone();
        if let Some(call) = call {
            let examined = ExaminedCall {
                account: &self.account,
                transport: &self.transport,
                events: &events,
                proxy: self.client.as_ref().and_then(|client| client.api().proxy()),
                problem: call.outcome.as_ref().err(),
                elapsed: call.elapsed,
            };
            let new_checks = examined.checks();
            // Some invalid settings are only found by using them.
            if new_checks
                .iter()
                .any(|check| check.name == CheckName::Settings)
            {
                checks.retain(|check| check.name != CheckName::Settings);
            }
            checks.extend(new_checks);
            checks.extend(call.warning);
            problem = call.outcome.err();
        }
        let response = events.iter().rev().find_map(|event| match event {
            TransportEvent::Responded(response) => Some(response),
            _ => None,
        });
        let worst = checks.iter().map(|check| check.status).max();
        AccountCheck {
            cloud: self.account.cloud,
            status: worst.unwrap_or(CheckStatus::Ok),
            operation: response.map(|response| response.operation.to_owned()),
            clock_ahead_seconds: response.and_then(|response| response.clock_ahead_seconds),
            checks,
            problem,
            profile: self.account.profile,
            source: self.account.source,
            location: self.account.location,
            key: self.account.key,
            region: self.account.region,
            endpoint: self.account.endpoint,
        }
    }

    /// Checks the files; in a replay, returns the checks of the recorded run.
    fn file_checks(&self) -> Vec<Check> {
        let session = &self.transport.options().session;
        let (cloud, profile) = (self.account.cloud, &self.account.profile);
        session.recorded_value(&format!("files of {cloud} {profile}"), || {
            files::checks(&self.files)
        })
    }

    /// Requests the first page of a list. Returns `None` if this cloud has no lists.
    async fn call(&self, client: &dyn Client) -> Option<Call> {
        let elapsed = self.transport.options().session.stopwatch();
        let options = RequestOptions::new(Deadline::after(LOOKUP_TIMEOUT));
        let filter = Filter {
            page_rows: Some(1),
            ..Filter::default()
        };
        let target = self.target.as_ref()?;
        let outcome = match target {
            ListTarget::Jobs { scope, .. } if scope.kind.list.is_none() => return None,
            ListTarget::Jobs { scope, .. } => {
                let page = client.list(scope, &filter, Cursor::FIRST, &options).await;
                page.map(|_| ())
            }
            ListTarget::Scopes { cloud, listing, .. } => {
                let request = ScopeListRequest::first(listing, &cloud.profile, &options);
                client.api().list_scopes(request).await.map(|_| ())
            }
        };
        let elapsed = elapsed.elapsed();
        let permission = target.kind().and_then(list_permission);
        let addressed = |problem| with_account_context(problem, &target.account(), permission);
        let mut call = Call {
            outcome: outcome.map_err(addressed),
            warning: None,
            elapsed,
        };
        if let (ListTarget::Jobs { scope, .. }, Err(problem)) = (target, &mut call.outcome)
            && problem.category == Category::PermissionDenied
            && scope.kind.template.scope_segments == 0
        {
            match permitted_scope(client, scope, &filter, &options).await {
                Some(other) => {
                    call.warning = Some(forbidden(scope, &other, problem));
                    call.outcome = Ok(());
                }
                None => {
                    let permission = problem.hint.take().map(|hint| format!("{hint}, or "));
                    problem.hint = Some(permission.unwrap_or_default() + &scope_hint(scope, None));
                }
            }
        }
        Some(call)
    }
}

/// Finds another scope whose jobs can be listed, if the cloud can list scopes.
async fn permitted_scope(
    client: &dyn Client,
    denied: &Scope,
    filter: &Filter,
    options: &RequestOptions,
) -> Option<Scope> {
    /// Maximum number of scopes to try.
    const MAX_SCOPES: usize = 5;
    let listing = scope_listing(denied.kind)?;
    let request = ScopeListRequest::first(listing, &denied.profile, options);
    let listed = client.api().list_scopes(request).await.ok()?;
    let names = listed.rows.into_iter().filter_map(|row| row.name);
    let scopes = names.filter_map(|name| Scope::at(denied.kind, &denied.profile, &[&*name]));
    let others = scopes.filter(|scope| scope.segments != denied.segments);
    for scope in others.take(MAX_SCOPES) {
        if client
            .list(&scope, filter, Cursor::FIRST, options)
            .await
            .is_ok()
        {
            return Some(scope);
        }
    }
    None
}

/// Reports that the jobs of the configured scope cannot be listed, but those of another scope can.
fn forbidden(denied: &Scope, permitted: &Scope, problem: &Problem) -> Check {
    let message = format!("{denied}: {}; {permitted} can be listed", problem.message);
    Check::warn(
        CheckName::Permission,
        message,
        scope_hint(denied, Some(permitted)),
    )
}

/// Returns for example `set namespace = "train" in [kubernetes.default] of the config file`.
fn scope_hint(denied: &Scope, permitted: Option<&Scope>) -> String {
    let template = &denied.kind.template;
    let key = template.segments[0].setting.unwrap_or_default();
    let value = permitted.and_then(|scope| scope.segments.first());
    let value = value.map_or_else(String::new, |name| format!(" = \"{name}\""));
    let table = table_header(template.cloud, &denied.profile);
    format!("set {key}{value} in {table} of the config file")
}

/// Checks whether all settings for a call are present.
fn settings(account: &AccountStatus, now: DateTime<Utc>) -> Check {
    if let Some(problem) = &account.problem {
        let check = Check::fail(CheckName::Settings, problem.category, &*problem.message);
        return check.hint(problem.hint.clone());
    }
    let mut message = credential(account);
    if let Some(region) = &account.region {
        message += &format!(", region {region}");
    }
    if let Some(endpoint) = &account.endpoint {
        message += &format!(", {endpoint}");
    }
    if let Some(at) = account.expires_at {
        let end = match at.to_datetime() > now {
            true => "valid until",
            false => "expired at",
        };
        message += &format!(", {end} {}", at.rfc3339());
    }
    let behind: Vec<&str> = account
        .skipped_sources
        .iter()
        .map(|one| one.source.as_str())
        .collect();
    if !behind.is_empty() {
        message += &format!("; not used: {}", behind.join(", "));
    }
    let left = account.expires_at.zip(Time::new(now));
    let left = left.map(|(at, now)| at.seconds_since(now));
    let left = left.filter(|seconds| *seconds < CERTIFICATE_MARGIN.num_seconds());
    match account.certificate_renewal.as_ref().zip(left) {
        Some((renewal, left)) => {
            let end = if left > 0 { "ends soon" } else { "has expired" };
            let message = format!("{message}; the client certificate {end}");
            Check::warn(CheckName::Settings, message, renewal)
        }
        _ => Check::ok(CheckName::Settings, message),
    }
}
