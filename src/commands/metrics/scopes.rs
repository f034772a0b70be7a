//! Keeps the results of the last poll of each scope, and merges them with those of the next poll.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::AUTH_COOLDOWN;
use super::jobs::JobRow;
use crate::commands::lookup::Lookup;
use crate::error::{Category, Problem};
use crate::http::Stopwatch;
use crate::model::{State, Time};
use crate::output::problem_line;

/// The result of a poll for a scope or a reference.
#[derive(Debug, Clone, Default)]
pub(super) struct ScopeReading {
    /// Canonical scope or reference.
    pub scope: String,
    /// Long name of its cloud.
    pub cloud: String,
    /// The jobs that were read.
    pub rows: Vec<JobRow>,
    /// Why the scope, or a part of it, could not be read.
    pub problem: Option<Box<Problem>>,
    /// The scope has, or may have, more jobs than were read.
    pub is_truncated: bool,
    /// Number of invalid rows.
    pub unreadable: usize,
}

/// End and duration of a poll.
#[derive(Debug, Clone, Copy)]
pub(super) struct PollTime {
    /// End of the poll.
    pub ended: Instant,
    /// End of the poll by the clocks of the servers.
    pub ended_at: Option<Time>,
    /// Duration of the poll.
    pub duration: Duration,
    /// Maximum age of rows.
    pub max_age: Duration,
}

impl PollTime {
    /// Returns the time of a poll that ends now; in a replay, the time of the recorded poll with this number.
    pub(super) fn ending_now(
        lookup: &Lookup,
        number: usize,
        stopwatch: &Stopwatch,
        max_age: Duration,
    ) -> Self {
        let session = &lookup.transport.options().session;
        let now = || lookup.now().ok().map(Time::rfc3339);
        let at = session.recorded_value(&format!("end of poll {number}"), now);
        Self {
            ended: Instant::now(),
            ended_at: at.and_then(|at| Time::from_rfc3339(&at)),
            duration: stopwatch.measure(&format!("poll {number}")),
            max_age,
        }
    }
}

/// The state of a scope after its last poll.
#[derive(Debug, Clone, Default)]
pub(super) struct ScopeSnapshot {
    /// The result of the last poll, with the rows that are kept from earlier polls.
    pub reading: ScopeReading,
    /// When rows were last read, or the scope was known to have none.
    pub rows_read: Option<Instant>,
    /// When all rows were last read, or the scope was known to have none.
    pub complete_at: Option<Instant>,
    /// When the whole scope was last read, by the clocks of the servers.
    pub last_success: Option<Time>,
    /// Duration of the last poll; `None` before the first poll.
    pub duration: Option<Duration>,
}

impl ScopeSnapshot {
    /// Creates the snapshot of a scope that was not polled yet.
    pub(super) fn unread(scope: String, cloud: &str) -> Arc<Self> {
        let reading = ScopeReading {
            scope,
            cloud: cloud.to_owned(),
            ..ScopeReading::default()
        };
        Arc::new(Self {
            reading,
            ..Self::default()
        })
    }

    /// Returns `true` if the last poll succeeded and its rows are fresh.
    pub(super) fn is_up(&self, max_age: Duration) -> bool {
        self.reading.problem.is_none() && self.is_fresh(max_age)
    }

    /// Returns `true` if the rows were read recently enough to be shown.
    pub(super) fn is_fresh(&self, max_age: Duration) -> bool {
        let max_age = max_age_after(self.duration.unwrap_or_default(), max_age);
        self.rows_read.is_some_and(|at| at.elapsed() <= max_age)
    }
}

/// Returns the maximum age of rows after a poll of this duration: the next poll starts twice the duration after the
/// start of the poll.
fn max_age_after(duration: Duration, max_age: Duration) -> Duration {
    max_age.max(duration * 4)
}

/// A scope with the values to show.
#[derive(Debug)]
pub(super) struct ScopeStatus {
    pub snapshot: Arc<ScopeSnapshot>,
    pub is_up: bool,
    /// Number of jobs in each state of [`State::ALL`]; `None` if the rows are too old to be shown.
    pub states: Option<[u64; State::ALL.len()]>,
    /// Number of jobs that are left out.
    pub dropped: u64,
}

impl ScopeStatus {
    /// Returns the current status; older rows than `max_age` are not shown.
    pub(super) fn new(snapshot: Arc<ScopeSnapshot>, max_age: Duration) -> Self {
        let count = |state| {
            let rows = snapshot.reading.rows.iter();
            rows.filter(|row| row.state == state).count() as u64
        };
        Self {
            is_up: snapshot.is_up(max_age),
            states: snapshot.is_fresh(max_age).then(|| State::ALL.map(count)),
            dropped: 0,
            snapshot,
        }
    }
}

/// Returns the scopes after a poll. The first of `readings` is the target itself; if it failed, earlier scopes that
/// are missing from `readings` fail with the same problem. A scope that could not be read keeps its rows, unless the
/// cloud reports that it does not exist.
pub(super) fn merge(
    previous: &[Arc<ScopeSnapshot>],
    readings: Vec<ScopeReading>,
    time: PollTime,
) -> Vec<Arc<ScopeSnapshot>> {
    let failure = readings.first().and_then(|first| first.problem.clone());
    let by_name = previous.iter().map(|one| (&*one.reading.scope, &**one));
    let by_name: HashMap<&str, &ScopeSnapshot> = by_name.collect();
    let mut names = HashSet::new();
    let mut scopes = Vec::with_capacity(readings.len());
    for reading in readings {
        if names.insert(reading.scope.clone()) {
            let before = by_name.get(&*reading.scope).copied();
            let scope = after(before, reading, time);
            scopes.push(Arc::new(scope));
        }
    }
    if let Some(problem) = failure {
        let unlisted = previous.iter().map(|one| one.as_ref().clone());
        let unlisted = unlisted.filter(|one| !names.contains(&one.reading.scope));
        scopes.extend(unlisted.map(|mut one| {
            one.reading.problem = Some(problem.clone());
            Arc::new(one)
        }));
    }
    scopes
}

fn after(
    previous: Option<&ScopeSnapshot>,
    mut reading: ScopeReading,
    time: PollTime,
) -> ScopeSnapshot {
    let category = reading.problem.as_ref().map(|problem| problem.category);
    let keeps_rows = category.is_some_and(|category| category != Category::NotFound);
    // Old rows are not kept, even if the poll has read other rows of the scope.
    let is_recent = |previous: &&ScopeSnapshot| {
        let complete_at = previous.complete_at;
        let max_age = max_age_after(time.duration, time.max_age);
        complete_at.is_some_and(|at| time.ended.duration_since(at) <= max_age)
    };
    let kept = previous.filter(|_| keeps_rows).filter(is_recent);
    let is_read = !keeps_rows || !reading.rows.is_empty();
    // Without the rows of an earlier poll, those after the failure are missing.
    reading.is_truncated |= match kept {
        Some(kept) => kept.reading.is_truncated,
        None => keeps_rows && is_read,
    };
    if let Some(ScopeSnapshot { reading: kept, .. }) = kept {
        let read = reading.rows.iter().map(|row| &*row.reference);
        let read: HashSet<&str> = read.collect();
        let missing = kept
            .rows
            .iter()
            .filter(|row| !read.contains(&*row.reference));
        let missing: Vec<JobRow> = missing.cloned().collect();
        reading.rows.extend(missing);
    }
    ScopeSnapshot {
        reading,
        rows_read: match is_read {
            true => Some(time.ended),
            false => previous.and_then(|previous| previous.rows_read),
        },
        complete_at: match keeps_rows {
            true => previous.and_then(|previous| previous.complete_at),
            false => Some(time.ended),
        },
        last_success: match category {
            None => time.ended_at,
            Some(_) => previous.and_then(|previous| previous.last_success),
        },
        duration: Some(time.duration),
    }
}

/// Returns a message for each scope that can no longer be read, or can be read again.
pub(super) fn changes(
    previous: &[Arc<ScopeSnapshot>],
    scopes: &[Arc<ScopeSnapshot>],
) -> Vec<String> {
    let failed = previous.iter().filter(|one| one.reading.problem.is_some());
    let failed: HashSet<&str> = failed.map(|one| &*one.reading.scope).collect();
    let changes = scopes.iter().map(|one| &one.reading).filter_map(|one| {
        match (&one.problem, failed.contains(&*one.scope)) {
            (Some(problem), false) => {
                let cause = problem_line(problem);
                let retry = match problem.category {
                    Category::Unauthenticated => {
                        format!("; retrying in {} minutes", AUTH_COOLDOWN.as_secs() / 60)
                    }
                    _ => String::new(),
                };
                Some(format!("{}: cannot be read: {cause}{retry}", one.scope))
            }
            (None, true) => Some(format!("{}: can be read again", one.scope)),
            _ => None,
        }
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(scope: &str, rows: &[&str], failure: Option<Category>) -> ScopeReading {
        let row = |reference: &&str| JobRow {
            reference: (*reference).to_owned(),
            ..JobRow::default()
        };
        ScopeReading {
            scope: scope.to_owned(),
            cloud: "aliyun".to_owned(),
            rows: rows.iter().map(row).collect(),
            problem: failure.map(|category| Box::new(Problem::new(category, "no"))),
            ..ScopeReading::default()
        }
    }

    fn poll(
        previous: &[Arc<ScopeSnapshot>],
        readings: Vec<ScopeReading>,
        second: i64,
    ) -> Vec<Arc<ScopeSnapshot>> {
        let time = PollTime {
            ended: Instant::now(),
            ended_at: Time::from_unix(second),
            duration: Duration::from_secs(1),
            max_age: AGE,
        };
        merge(previous, readings, time)
    }

    fn references(scope: &ScopeSnapshot) -> Vec<&str> {
        let rows = scope.reading.rows.iter();
        rows.map(|row| &*row.reference).collect()
    }

    const AGE: Duration = Duration::from_secs(300);

    #[tokio::test(start_paused = true)]
    async fn a_failed_poll_keeps_rows_while_they_are_fresh() {
        let first = poll(&[], vec![reading("s/", &["a", "b"], None)], 100);
        assert!(first[0].is_up(AGE));
        tokio::time::advance(AGE / 2).await;
        let failed = vec![reading("s/", &[], Some(Category::Network))];
        let second = poll(&first, failed, 200);
        assert_eq!(references(&second[0]), ["a", "b"]);
        assert_eq!(second[0].last_success, Time::from_unix(100));
        assert!(!second[0].is_up(AGE) && second[0].is_fresh(AGE));
        tokio::time::advance(AGE).await;
        assert!(!second[0].is_fresh(AGE));
        let third = poll(&second, vec![reading("s/", &["b"], None)], 300);
        assert_eq!(references(&third[0]), ["b"]);
        assert_eq!(
            changes(&first, &second),
            ["s/: cannot be read: no (network)"]
        );
        assert_eq!(changes(&second, &third), ["s/: can be read again"]);
        let mut rejected = reading("s/", &[], None);
        rejected.problem = Some(Box::new(Problem {
            code: Some("APIGW.0301".to_owned()),
            http_status: Some(401),
            operation: Some("ListImageJobs".to_owned()),
            request_id: Some("r-1".to_owned()),
            attempts: 1,
            hint: Some("check the key".to_owned()),
            ..Problem::new(Category::Unauthenticated, "no")
        }));
        let line = "s/: cannot be read: no (unauthenticated; ListImageJobs; APIGW.0301, HTTP 401, \
                    request id r-1); hint: check the key; retrying in 10 minutes";
        assert_eq!(changes(&third, &poll(&third, vec![rejected], 400)), [line]);
        assert!(changes(&first, &third).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn rows_of_long_polls_are_shown_until_the_next_one_ends() {
        let time = PollTime {
            ended: Instant::now(),
            ended_at: None,
            duration: Duration::from_secs(200),
            max_age: AGE,
        };
        let scopes = merge(&[], vec![reading("s/", &["a"], None)], time);
        tokio::time::advance(Duration::from_secs(600)).await;
        assert!(scopes[0].is_up(AGE));
        tokio::time::advance(Duration::from_secs(201)).await;
        assert!(!scopes[0].is_up(AGE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_partially_read_scope_keeps_its_other_rows_while_they_are_fresh() {
        let first = poll(&[], vec![reading("s/", &["a", "b"], None)], 100);
        let part = vec![reading("s/", &["b", "c"], Some(Category::Throttled))];
        let second = poll(&first, part, 200);
        assert_eq!(references(&second[0]), ["b", "c", "a"]);
        tokio::time::advance(AGE).await;
        let part = || vec![reading("s/", &["b"], Some(Category::Throttled))];
        let third = poll(&second, part(), 300);
        assert_eq!(references(&third[0]), ["b", "c", "a"]);
        tokio::time::advance(Duration::from_secs(1)).await;
        let fourth = poll(&third, part(), 301);
        assert_eq!(references(&fourth[0]), ["b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_partially_read_scope_is_truncated_without_earlier_rows() {
        let part = || vec![reading("s/", &["a"], Some(Category::ServiceError))];
        let first = poll(&[], part(), 100);
        assert_eq!(references(&first[0]), ["a"]);
        assert!(first[0].reading.is_truncated && !first[0].is_up(AGE));
        let all = poll(&first, vec![reading("s/", &["a", "b"], None)], 200);
        assert!(!all[0].reading.is_truncated);
        let kept = poll(&all, part(), 300);
        assert_eq!(references(&kept[0]), ["a", "b"]);
        assert!(!kept[0].reading.is_truncated);
        let failed = vec![reading("s/", &[], Some(Category::ServiceError))];
        let none = poll(&[], failed, 100);
        assert!(!none[0].reading.is_truncated);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scope_that_no_longer_exists_has_no_rows() {
        let first = poll(&[], vec![reading("s/", &["a"], None)], 100);
        let gone = vec![reading("s/", &[], Some(Category::NotFound))];
        let second = poll(&first, gone, 200);
        assert!(second[0].reading.rows.is_empty() && !second[0].is_up(AGE));
    }

    #[tokio::test(start_paused = true)]
    async fn scopes_are_down_when_their_cloud_fails_and_vanish_with_their_cluster() {
        let clusters = || {
            vec![
                reading("aliyun/", &[], None),
                reading("aliyun/job/c/", &["a"], None),
            ]
        };
        let first = poll(&[], clusters(), 100);
        let failed = vec![reading("aliyun/", &[], Some(Category::Network))];
        let second = poll(&first, failed, 200);
        assert_eq!(second[1].reading.scope, "aliyun/job/c/");
        assert!(!second[1].is_up(AGE) && second[1].is_fresh(AGE));
        let third = poll(&second, vec![reading("aliyun/", &[], None)], 300);
        assert_eq!(third.len(), 1);
    }
}
