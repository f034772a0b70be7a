//! Reads the pods of many jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;

use super::super::objects::Row;
use super::super::parts::{self, Pods, decode_pods};
use super::super::pod::{self, PodTask};
use super::super::stream::Stream;
use super::super::watch::Listed;
use super::super::{Api, events, path};
use crate::providers::lookup::summarize;
use crate::providers::prelude::*;
use crate::sync::lock;

/// Maximum number of jobs that the selector of a list of pods names; for more, the pods of all jobs are
/// listed.
const MAX_NAMES: usize = 50;

/// Maximum length of the value of a label: a selector with a longer name of a job is rejected.
const MAX_LABEL: usize = 63;

/// Maximum number of pods that a list reads.
const MAX_PODS: &str = "2000";

/// Adds the pods of the jobs whose state they decide, with one list for each namespace. If a list takes too
/// long, its jobs are left to lookups, so that they do not delay other jobs.
pub(super) async fn add_pods(api: &Api, rows: &mut [Option<Row>], options: &GetOptions) {
    let mut starting: BTreeMap<String, Vec<&mut Row>> = BTreeMap::new();
    for row in rows.iter_mut().flatten() {
        let job = &mut row.result.job;
        match job.state {
            State::Succeeded => job.exit_code = Some(0),
            State::Starting => {
                let namespace = job.namespace.clone().unwrap_or_default();
                starting.entry(namespace).or_default().push(row);
            }
            _ => {}
        }
    }
    let limited = options.for_details();
    let lists = starting.iter().map(async |(namespace, rows)| {
        let names: Vec<&str> = rows.iter().map(|row| row.result.job.id.as_str()).collect();
        pods_of(api, namespace, &names, &limited).await
    });
    let lists = join_all(lists).await;
    let is_limited = limited.deadline < options.deadline;
    let mut open = BTreeSet::new();
    for ((namespace, mut rows), pods) in starting.into_iter().zip(lists) {
        match pods {
            Ok(pods) => {
                if options.changes.is_some() && rows.len() <= MAX_NAMES {
                    let jobs = rows.iter().map(|row| &row.result.job);
                    watch_pods(api, &namespace, jobs, pods.version.clone(), options);
                }
                share(rows, pods);
            }
            Err(problem) if is_limited && problem.is_deadline_exceeded() => {
                open.insert(namespace);
            }
            Err(problem) => {
                let result = &mut rows[0].result;
                let notice = events::unread("pods", &result.job, &events::reason(&problem));
                result.notices.push(notice);
            }
        }
    }
    for entry in rows {
        let is_open = |row: &Row| {
            let namespace = row.result.job.namespace.as_deref().unwrap_or_default();
            row.result.job.state == State::Starting && open.contains(namespace)
        };
        if entry.as_ref().is_some_and(is_open) {
            *entry = None;
        }
    }
}

/// Watches the pods of jobs, since the state of such a job can change without a change of its object.
fn watch_pods<'a>(
    api: &Api,
    namespace: &str,
    jobs: impl Iterator<Item = &'a Job>,
    version: Option<String>,
    options: &GetOptions,
) {
    let path = path("/api/v1", Some(namespace), pod::RESOURCE);
    let watch = api.watches.of_pods(&path);
    let jobs: Vec<_> = jobs
        .map(|job| (job.id.as_str(), job.reference.clone()))
        .collect();
    watch.follow(&jobs, options);
    watch.replace(Listed {
        version,
        ..Listed::default()
    });
    Stream::start(api, &watch, pod::WATCH, path);
}

/// Lists the pods of the jobs with these names.
async fn pods_of(
    api: &Api,
    namespace: &str,
    names: &[&str],
    options: &GetOptions,
) -> Result<Pods, Problem> {
    let (selector, _) = selector(names);
    let query = [("labelSelector", selector.as_str()), ("limit", MAX_PODS)];
    let path = path("/api/v1", Some(namespace), pod::RESOURCE);
    let response = api.call(pod::LIST.name, &path, &query, options, decode_pods);
    Ok(response.await?.data)
}

/// How long a list of jobs waits for the pods of the jobs of a page.
const PODS_TIMEOUT: Duration = Duration::from_secs(5);

/// The field selector that excludes pods that have ended.
const ACTIVE: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// The states that pods can decide.
const DERIVED: [State; 3] = [State::Pending, State::Starting, State::Running];

/// Sets the state and the reason of the jobs of a page whose pods decide them, as a lookup of each would,
/// with one list of pods for all of them. If that fails, they remain starting, with a notice. If the list has a
/// filter for states, it is then incomplete. Later pages send no request after a failure.
pub(super) async fn add_pod_states(api: &Api, list: ListRequest<'_>, page: &mut Page) {
    let states = &list.filter.states;
    let rows = page.rows.iter_mut().map(|row| &mut row.job);
    let jobs: Vec<_> = rows.filter(|job| parts::depends_on_pods(job)).collect();
    if jobs.is_empty() || !states.is_empty() && !DERIVED.iter().any(|one| states.contains(one)) {
        return;
    }
    let path = path("/api/v1", list.scope.segment("NAMESPACE"), pod::RESOURCE);
    if list.cursor.page == 1 {
        lock(&api.unread_pods).remove(&path);
    } else if lock(&api.unread_pods).contains(&path) {
        return;
    }
    let names: BTreeSet<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let options = GetOptions {
        details_timeout: list.options.details_timeout.or(Some(PODS_TIMEOUT)),
        ..list.options.clone()
    };
    let options = options.for_details();
    let (selector, has_names) = selector(&names);
    let mut query = vec![("labelSelector", selector.as_str()), ("limit", MAX_PODS)];
    if !has_names {
        query.push(("fieldSelector", ACTIVE));
    }
    let response = api.call(pod::LIST.name, &path, &query, &options, decode_pods);
    let problem = match response.await {
        Ok(read) => {
            let (mut by_owner, are_all) = by_owner(read.data);
            for job in jobs {
                let pods = job.uid.as_ref().and_then(|uid| by_owner.remove(uid));
                let pods = pods.unwrap_or_default();
                // An active job has pods: without any, they were not selected.
                let has_pods = !pods.is_empty();
                parts::add_pods(job, pods, are_all && has_names && has_pods);
                job.tasks.clear();
            }
            if are_all {
                return;
            }
            let message = format!("some pods could not be read, or there are more than {MAX_PODS}");
            Problem::new(Category::InvalidResponse, message)
        }
        Err(problem) => problem,
    };
    lock(&api.unread_pods).insert(path);
    if states.is_empty() {
        let (scope, reason) = (list.scope, summarize(&problem));
        let text = format!(
            "cannot read the pods of the jobs in {scope} that are starting, which may be pending or run: {reason}"
        );
        page.notices
            .push(Notice::new(NoticeCode::PartsUnread, text));
    } else {
        let message = format!(
            "cannot filter by the states that pods decide: {}",
            problem.message
        );
        page.failed_parts.push(Problem { message, ..problem });
    }
}

/// Returns the selector of the pods of the jobs with these names, and whether it contains the names.
fn selector(names: &[&str]) -> (String, bool) {
    let is_label = |name: &&&str| name.len() <= MAX_LABEL;
    let names: Vec<&str> = names.iter().filter(is_label).copied().collect();
    match (1..=MAX_NAMES).contains(&names.len()) {
        true => (format!("job-name in ({})", names.join(",")), true),
        false => ("job-name".to_owned(), false),
    }
}

/// Groups pods by the UID of their owner; also returns whether all pods were read.
fn by_owner(pods: Pods) -> (HashMap<String, Vec<PodTask>>, bool) {
    let mut by_owner: HashMap<String, Vec<PodTask>> = HashMap::new();
    for pod in pods.pods {
        if let Some(owner) = pod.owner_uid.clone() {
            by_owner.entry(owner).or_default().push(pod);
        }
    }
    (by_owner, pods.are_all)
}

/// Adds to each job its pods.
fn share(rows: Vec<&mut Row>, pods: Pods) {
    let (mut by_owner, are_all) = by_owner(pods);
    for row in rows {
        let row_pods = by_owner.remove(&row.uid).unwrap_or_default();
        parts::add_pods(&mut row.result.job, row_pods, are_all);
    }
}
