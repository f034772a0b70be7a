//! One account: its settings, its files, and one harmless call.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::auth;
use super::super::list::{ListTarget, default_scopes};
use super::super::lookup::{LOOKUP_TIMEOUT, list_permission, with_account_context};
use super::accounts::Candidate;
use super::checks::CallEvidence;
use super::credential::credential;
use super::files;
use super::log::Log;
use crate::credentials::CredentialChain;
use crate::error::Problem;
use crate::http::{Deadline, Transport, TransportEvent};
use crate::model::Time;
use crate::output::document::{AccountCheck, AccountStatus, Check, CheckName, CheckStatus};
use crate::providers::{Client, Cursor, Filter, GetOptions};
use crate::settings::ReferencedFile;

/// A client certificate that ends within this time is a warning.
const CERTIFICATE_MARGIN: TimeDelta = TimeDelta::days(14);

/// An account, ready for requests.
pub(super) struct AccountProbe {
    account: AccountStatus,
    client: Option<Box<dyn Client>>,
    files: Vec<ReferencedFile>,
    target: Option<ListTarget>,
    transport: Arc<Transport>,
    log: Log,
}

/// What came of the call.
struct Call {
    outcome: Result<(), Problem>,
    elapsed: Duration,
}

impl AccountProbe {
    /// Finds out what the account would use. Nothing is sent.
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
        let files = files.map(|found| settings.files(&cloud.settings_schema(), found));
        let mut places = default_scopes(settings, cloud, &profile).into_iter();
        Self {
            account: account.status,
            client: account.client,
            files: files.unwrap_or_default(),
            target: places.next(),
            transport,
            log,
        }
    }

    /// Its cloud.
    pub(super) fn cloud(&self) -> &'static str {
        self.account.cloud
    }

    /// Looks at everything from the settings to the answer.
    pub(super) async fn run(self) -> AccountCheck {
        let mut checks = vec![settings(&self.account, self.transport.server_now())];
        checks.extend(files::checks(&self.files));
        let is_fit = checks.iter().all(|check| check.status != CheckStatus::Fail);
        let call = match (&self.client, is_fit) {
            (Some(client), true) => self.call(&**client).await,
            _ => None,
        };
        let happenings = self.log.all();
        let mut problem = self.account.problem.clone();
        if let Some(call) = call {
            let evidence = CallEvidence {
                account: &self.account,
                transport: &self.transport,
                events: &happenings,
                proxy: self.client.as_ref().and_then(|client| client.proxy()),
                problem: call.outcome.as_ref().err(),
                elapsed: call.elapsed,
            };
            let found = evidence.checks();
            // Some settings are only seen to be wrong when they are used.
            if found.iter().any(|check| check.name == CheckName::Settings) {
                checks.retain(|check| check.name != CheckName::Settings);
            }
            checks.extend(found);
            problem = call.outcome.err();
        }
        let heard = happenings
            .iter()
            .rev()
            .find_map(|happening| match happening {
                TransportEvent::Responded(heard) => Some(heard),
                _ => None,
            });
        let worst = checks.iter().map(|check| check.status).max();
        AccountCheck {
            cloud: self.account.cloud,
            status: worst.unwrap_or(CheckStatus::Ok),
            operation: heard.map(|heard| heard.operation.to_owned()),
            clock_ahead_seconds: heard.and_then(|heard| heard.clock_ahead_seconds),
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

    /// Asks for the first page of a list; `None` where nothing of this cloud can be listed.
    async fn call(&self, client: &dyn Client) -> Option<Call> {
        let started = Instant::now();
        let ask = GetOptions::new(Deadline::after(LOOKUP_TIMEOUT));
        let filter = Filter {
            page_rows: Some(1),
            ..Filter::default()
        };
        let place = self.target.as_ref()?;
        let outcome = match place {
            ListTarget::Jobs { scope, .. } if scope.kind.list.is_none() => return None,
            ListTarget::Jobs { scope, .. } => {
                let page = client.list(scope, &filter, Cursor::FIRST, &ask).await;
                page.map(|_| ())
            }
            ListTarget::Scopes { cloud, listing } => {
                let page = client.list_scopes(listing, &cloud.profile, Cursor::FIRST, &ask);
                page.await.map(|_| ())
            }
        };
        let permission = place.kind().and_then(list_permission);
        let addressed = |problem| with_account_context(problem, &place.account(), permission);
        Some(Call {
            outcome: outcome.map_err(addressed),
            elapsed: started.elapsed(),
        })
    }
}

/// Whether all is there that a call needs.
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
        message += &format!(", valid until {}", at.rfc3339());
    }
    let behind: Vec<&str> = account
        .skipped_sources
        .iter()
        .map(|one| one.source.as_str())
        .collect();
    if !behind.is_empty() {
        message += &format!("; not used: {}", behind.join(", "));
    }
    let end = account.expires_at.filter(|_| account.is_certificate);
    let left = end
        .zip(Time::new(now))
        .map(|(at, now)| at.seconds_since(now));
    match left.is_some_and(|seconds| seconds < CERTIFICATE_MARGIN.num_seconds()) {
        true => {
            let message = format!("{message}; the client certificate ends soon");
            Check::warn(CheckName::Settings, message, "download a new kubeconfig")
        }
        false => Check::ok(CheckName::Settings, message),
    }
}
