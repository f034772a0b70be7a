//! The pods of many jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::join_all;

use super::super::objects::Row;
use super::super::parts::{self, Pods, decode_pods};
use super::super::pod::{self, PodTask};
use super::super::stream::Stream;
use super::super::watch::Listed;
use super::super::{Api, events, path};
use crate::providers::prelude::*;

/// This many jobs are named in the selector of a list of pods; for more it is one of all jobs.
const MAX_NAMES: usize = 50;

/// This many pods of a namespace are read at most.
const MAX_PODS: &str = "2000";

/// Adds the pods of those jobs whose state they decide, by one list for each namespace. Jobs whose pods take long
/// are left to lookups, so that they delay no other job.
pub(super) async fn add_pods(api: &Api, rows: &mut [Option<Row>], options: &GetOptions) {
    let mut starting: BTreeMap<String, Vec<&mut Row>> = BTreeMap::new();
    for row in rows.iter_mut().flatten() {
        let job = &mut row.found.job;
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
        let names: Vec<&str> = rows.iter().map(|row| row.found.job.id.as_str()).collect();
        pods_of(api, namespace, &names, &limited).await
    });
    let lists = join_all(lists).await;
    let is_limited = limited.deadline < options.deadline;
    let mut open = BTreeSet::new();
    for ((namespace, mut rows), pods) in starting.into_iter().zip(lists) {
        match pods {
            Ok(pods) => {
                if options.changes.is_some() && rows.len() <= MAX_NAMES {
                    let jobs = rows.iter().map(|row| &row.found.job);
                    watch_pods(api, &namespace, jobs, pods.version.clone(), options);
                }
                share(rows, pods);
            }
            Err(problem) if is_limited && problem.is_deadline_exceeded() => {
                open.insert(namespace);
            }
            Err(problem) => {
                let found = &mut rows[0].found;
                let notice = events::unread("pods", &found.job, &problem.message);
                found.notices.push(notice);
            }
        }
    }
    for entry in rows {
        let is_open = |row: &Row| {
            let namespace = row.found.job.namespace.as_deref().unwrap_or_default();
            row.found.job.state == State::Starting && open.contains(namespace)
        };
        if entry.as_ref().is_some_and(is_open) {
            *entry = None;
        }
    }
}

/// Watches the pods of jobs, whose states may change without a change of the job.
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

/// The pods of the jobs with these names.
async fn pods_of(
    api: &Api,
    namespace: &str,
    names: &[&str],
    options: &GetOptions,
) -> Result<Pods, Problem> {
    let selector = match names.len() <= MAX_NAMES {
        true => format!("job-name in ({})", names.join(",")),
        false => "job-name".to_owned(),
    };
    let query = [("labelSelector", selector.as_str()), ("limit", MAX_PODS)];
    let path = path("/api/v1", Some(namespace), pod::RESOURCE);
    let called = api.call(pod::LIST.name, &path, &query, options, decode_pods);
    Ok(called.await?.data)
}

/// Gives each job its pods.
fn share(rows: Vec<&mut Row>, pods: Pods) {
    let mut by_owner: HashMap<String, Vec<PodTask>> = HashMap::new();
    for pod in pods.pods {
        if let Some(owner) = pod.owner_uid.clone() {
            by_owner.entry(owner).or_default().push(pod);
        }
    }
    for row in rows {
        let own = by_owner.remove(&row.uid).unwrap_or_default();
        parts::add_pods(&mut row.found.job, own, pods.are_all);
    }
}
