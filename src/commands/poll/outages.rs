use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::lookup::with_reference;
use super::{AccountIndex, JobIndex, Poller};
use crate::collect::CollectExt as _;
use crate::error::{Category, FailureDetail, Problem};
use crate::gate::GatePolicy;
use crate::http::UNREACHABLE_PREFIX;
use crate::model::{Notice, NoticeCode};
use crate::output;
use crate::reference::Scope;

/// The start or the end of an outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum OutageEvent {
    /// An account cannot be read: the message.
    Started(String),
    /// All failed jobs are readable again: the account, and the duration of the outage.
    Ended(String, Duration),
}

impl OutageEvent {
    /// Returns the notice about the event.
    pub(in crate::commands) fn notice(&self) -> Notice {
        match self {
            Self::Started(message) => Notice::new(NoticeCode::Outage, message.clone()),
            Self::Ended(account, after) => {
                let after = output::duration(after.as_secs() as i64);
                Notice::new(
                    NoticeCode::Recovered,
                    format!("{account} responds again after {after}"),
                )
            }
        }
    }
}

/// Tracks which accounts cannot be read at the moment.
#[derive(Debug, Default)]
pub(super) struct OutageTracker {
    outages: BTreeMap<AccountIndex, Outage>,
    /// Nothing is polled again.
    is_single_check: bool,
}

#[derive(Debug)]
struct Outage {
    /// The name of the account.
    account: String,
    since: Duration,
    affected: BTreeSet<Affected>,
}

/// What cannot be read during an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Affected {
    /// A job.
    Job(JobIndex),
    /// A scope, by its number.
    Scope(usize),
}

impl OutageTracker {
    /// Creates a tracker; `is_single_check` if nothing is polled again after an error.
    pub(super) fn new(is_single_check: bool) -> Self {
        Self {
            is_single_check,
            ..Self::default()
        }
    }

    /// Records that a job or scope could not be read. The first failure of an account starts an outage; `name`
    /// returns the name of the account.
    pub(super) fn record_failure(
        &mut self,
        account: AccountIndex,
        affected: Affected,
        problem: &Problem,
        now: Duration,
        name: impl FnOnce() -> String,
    ) -> Option<OutageEvent> {
        if let Some(outage) = self.outages.get_mut(&account) {
            outage.affected.insert(affected);
            return None;
        }
        let outage = Outage {
            account: name(),
            since: now,
            affected: [affected].into_iter().collect_set(),
        };
        let next = if self.is_single_check {
            ""
        } else {
            "; retrying"
        };
        let message = describe_outage(&outage.account, problem) + next;
        self.outages.insert(account, outage);
        Some(OutageEvent::Started(message))
    }

    /// Records that a job or scope was read. The recovery of the last one that failed ends the outage.
    pub(super) fn record_success(
        &mut self,
        account: AccountIndex,
        affected: Affected,
        now: Duration,
    ) -> Option<OutageEvent> {
        let outage = self.remove(account, affected)?;
        let time = now.saturating_sub(outage.since);
        Some(OutageEvent::Ended(outage.account, time))
    }

    /// Records that a job or scope whose last request failed is not requested again: it must not keep the outage from
    /// ending, and is not evidence of a recovery.
    pub(super) fn forget(&mut self, account: AccountIndex, affected: Affected) {
        self.remove(account, affected);
    }

    /// Removes a job or scope from an outage. Returns the outage if nothing else is affected.
    fn remove(&mut self, account: AccountIndex, affected: Affected) -> Option<Outage> {
        let outage = self.outages.get_mut(&account)?;
        outage.affected.remove(&affected);
        match outage.affected.is_empty() {
            true => self.outages.remove(&account),
            false => None,
        }
    }
}

/// Replaces the problem of a request that was not sent, because its host did not respond before, by that of the
/// earlier request: it is sent later, so only the cause counts.
pub(in crate::commands) fn strip_unsent(problem: &mut Problem) {
    if let Some(FailureDetail::NotSent { attempts }) = problem.detail {
        (problem.attempts, problem.detail) = (attempts, None);
    }
    if let Some(cause) = problem.message.strip_prefix(UNREACHABLE_PREFIX) {
        problem.message = cause.to_owned();
    }
}

/// Describes the problem of an account. A cloud that reports an error is reachable.
pub(in crate::commands) fn describe_outage(account: &str, problem: &Problem) -> String {
    let message = &problem.message;
    let is_gateway = matches!(problem.http_status, Some(502..=504));
    let status = problem.http_status.filter(|status| *status >= 400);
    // Without a code, the status is what distinguishes the error.
    let cause = match (&problem.code, status) {
        (Some(code), _) => format!("{code}: {message}"),
        (None, Some(status)) if !message.starts_with("HTTP ") => {
            format!("HTTP {status}: {message}")
        }
        (None, _) => message.clone(),
    };
    match problem.category {
        Category::Throttled => format!("{account} is throttling requests"),
        Category::InvalidResponse => {
            format!("the response of {account} cannot be read ({message})")
        }
        Category::Network => format!("{account} is unreachable ({message})"),
        _ if is_gateway && problem.code.is_none() => {
            format!("{account} is unreachable ({cause})")
        }
        _ => format!("{account} reports an error ({cause})"),
    }
}

impl Poller {
    /// Records the result of listing a scope. `failure` is why it could not be listed, and whether this is final.
    pub(in crate::commands) fn record_list(
        &mut self,
        scope: &Scope,
        number: usize,
        failure: Option<(&Problem, bool)>,
    ) -> Option<OutageEvent> {
        let now = self.elapsed();
        let account = self.account_index(scope.kind.template.cloud, &scope.profile);
        let affected = Affected::Scope(number);
        match failure.filter(|(problem, _)| problem.is_transient()) {
            None => self.outages.record_success(account, affected, now),
            Some((problem, false)) => {
                let name = || scope.account();
                self.outages
                    .record_failure(account, affected, problem, now, name)
            }
            Some((_, true)) => {
                self.outages.forget(account, affected);
                None
            }
        }
    }

    /// Returns when the first current outage will exceed its limit.
    pub(in crate::commands) fn outage_limit_at(&self, policy: &GatePolicy) -> Option<Duration> {
        let active = self.jobs.iter().filter(|polled| !polled.current.is_final);
        let limits = active.filter_map(|polled| {
            let limit = policy.outage_limit(polled.current.history.read_at().is_some())?;
            polled.unreadable_since()?.checked_add(limit)
        });
        limits.min()
    }

    /// Counts a request as failed if it has no response for as long as an outage may last: a server can accept
    /// connections and never respond, or the request is still being repeated after an error.
    pub(in crate::commands) fn fail_unanswered(&mut self, policy: &GatePolicy) {
        let now = self.elapsed();
        let active = self.jobs.iter_mut();
        for polled in active.filter(|polled| !polled.current.is_final) {
            let history = &polled.current.history;
            let Some(limit) = policy.outage_limit(history.read_at().is_some()) else {
                continue;
            };
            let is_failed = history.unreadable_since().is_some();
            let since = polled.unreadable_since().filter(|_| !is_failed);
            let Some(since) = since.filter(|since| now.saturating_sub(*since) >= limit) else {
                continue;
            };
            let (cloud, profile) = (
                polled.reference.kind.template.cloud,
                &polled.reference.profile,
            );
            let failed_attempt = self.lookup.transport.failed_attempt(cloud, profile);
            let problem = failed_attempt.unwrap_or_else(|| {
                let limit = output::duration(limit.as_secs() as i64);
                Problem::new(Category::Network, format!("no response for {limit}"))
            });
            let problem = with_reference(problem, &polled.reference);
            polled.current.record_failure(problem, since);
            polled.requests.was_polled = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cloud_that_does_not_respond_is_called_unreachable() {
        let text = |category, code: Option<&str>, http_status| {
            let problem = Problem {
                code: code.map(str::to_owned),
                http_status,
                ..Problem::new(category, "m")
            };
            let mut outages = OutageTracker::default();
            let name = || "huawei".to_owned();
            match outages.record_failure(0, Affected::Job(0), &problem, Duration::ZERO, name) {
                Some(OutageEvent::Started(text)) => text,
                other => panic!("{other:?}"),
            }
        };
        use Category::{InvalidResponse, Network, ServiceError, Throttled};
        let throttling = "huawei is throttling requests; retrying";
        assert_eq!(text(Throttled, Some("Flow.1"), Some(429)), throttling);
        let unreachable = "huawei is unreachable (m); retrying";
        assert_eq!(text(Network, None, None), unreachable);
        let gateway = "huawei is unreachable (HTTP 502: m); retrying";
        assert_eq!(text(ServiceError, None, Some(502)), gateway);
        let reported = "huawei reports an error (Common.0011: m); retrying";
        for status in [200, 500, 503] {
            let actual = text(ServiceError, Some("Common.0011"), Some(status));
            assert_eq!(actual, reported);
        }
        let reported = "huawei reports an error (HTTP 500: m); retrying";
        assert_eq!(text(ServiceError, None, Some(500)), reported);
        let unread = "the response of huawei cannot be read (m); retrying";
        assert_eq!(text(InvalidResponse, None, Some(200)), unread);
    }

    #[test]
    fn a_request_that_was_not_sent_is_reported_with_its_cause() {
        let message = format!("{UNREACHABLE_PREFIX}the connection failed");
        let mut problem = Problem::new(Category::Network, message);
        problem.detail = Some(FailureDetail::NotSent { attempts: 2 });
        let earlier = Problem {
            attempts: 2,
            ..Problem::new(Category::Network, "the connection failed")
        };
        for _ in 0..2 {
            strip_unsent(&mut problem);
            assert_eq!(problem, earlier);
        }
    }

    #[test]
    fn a_single_check_announces_no_retry() {
        let problem = Problem::new(Category::Network, "m");
        let mut outages = OutageTracker::new(true);
        let started = outages.record_failure(0, Affected::Job(0), &problem, Duration::ZERO, || {
            "aliyun".to_owned()
        });
        let message = "aliyun is unreachable (m)".to_owned();
        assert_eq!(started, Some(OutageEvent::Started(message)));
    }

    #[test]
    fn reports_once_that_a_cloud_is_unreachable_and_once_that_it_is_back() {
        let problem = Problem::new(Category::Network, "no answer");
        let at = Duration::from_secs;
        let name = || "aliyun".to_owned();
        let mut outages = OutageTracker::default();
        let gone = outages.record_failure(0, Affected::Job(0), &problem, at(10), name);
        assert_eq!(
            gone,
            Some(OutageEvent::Started(
                "aliyun is unreachable (no answer); retrying".into()
            ))
        );
        let again = outages.record_failure(0, Affected::Job(1), &problem, at(12), || {
            unreachable!("it is known")
        });
        assert_eq!(again, None);
        assert_eq!(outages.record_success(0, Affected::Job(2), at(13)), None);
        assert_eq!(outages.record_success(1, Affected::Job(0), at(13)), None);
        assert_eq!(outages.record_success(0, Affected::Job(0), at(14)), None);
        assert_eq!(
            outages.record_success(0, Affected::Job(1), at(20)),
            Some(OutageEvent::Ended("aliyun".to_owned(), at(10)))
        );
        assert_eq!(outages.record_success(0, Affected::Job(1), at(21)), None);
    }
}
