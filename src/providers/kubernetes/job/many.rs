//! Reads the pods of many jobs that are looked up together.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::super::job_pods::{JobPods, MAX_NAMES, MAX_PODS, PodIndex, selector};
use super::super::objects::Row;
use super::super::parts::{self, Pods, decode_pods};
use super::super::pod;
use super::super::stream::Stream;
use super::super::watch::{JOB_LABEL, Listed};
use super::super::{Api, events, path};
use super::response::JobObject;
use crate::providers::lenient;
use crate::providers::prelude::*;

/// Adds the pods of the jobs whose state they decide, with one list for each namespace. If a list takes too
/// long or cannot select the pods of a job, its jobs are left to lookups, so that they do not delay other jobs.
pub(super) async fn add_pods(api: &Api, rows: &mut [Option<Row>], options: &RequestOptions) {
    let mut starting: BTreeMap<String, Vec<(&mut Row, JobPods)>> = BTreeMap::new();
    for entry in rows.iter_mut() {
        match entry.as_mut().map(|row| &mut row.result.job) {
            Some(job) if job.state == State::Succeeded => job.exit_code = Some(0),
            Some(job) if job.state == State::Starting => {
                let namespace = job.namespace.clone().unwrap_or_default();
                match entry.as_ref().and_then(|row| own_pods(row, &namespace)) {
                    Some(pods) => {
                        let row = entry.as_mut().map(|row| (row, pods));
                        starting.entry(namespace).or_default().extend(row);
                    }
                    None => *entry = None,
                }
            }
            _ => {}
        }
    }
    let limited = options.for_details();
    let lists = starting.iter().map(async |(namespace, rows)| {
        let names = rows.iter().map(|(row, _)| row.result.job.id.as_str());
        pods_of(api, namespace, &names.collect(), &limited).await
    });
    let lists = join_all(lists).await;
    let is_limited = limited.deadline < options.deadline;
    let mut open = BTreeSet::new();
    for ((namespace, mut rows), pods) in starting.into_iter().zip(lists) {
        match pods {
            Ok(pods) => {
                if options.changes.is_some() && rows.len() <= MAX_NAMES {
                    let jobs = rows.iter().map(|(row, _)| &row.result.job);
                    watch_pods(api, &namespace, jobs, pods.version.clone(), options);
                }
                share(rows, pods);
            }
            Err(problem) if is_limited && problem.is_deadline_exceeded() => {
                open.insert(namespace);
            }
            Err(problem) => {
                let result = &mut rows[0].0.result;
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

/// Returns how the pods of a row are recognized; `None` if a list by the names of jobs does not select them.
fn own_pods(row: &Row, namespace: &str) -> Option<JobPods> {
    let mut job: JobObject = lenient::decode_response(row.body.as_bytes()).ok()?;
    Some(job.pods(namespace)).filter(|pods| pods.has_name_label)
}

/// Watches the pods of jobs, since the state of such a job can change without a change of its object.
fn watch_pods<'a>(
    api: &Api,
    namespace: &str,
    jobs: impl Iterator<Item = &'a Job>,
    version: Option<String>,
    options: &RequestOptions,
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
    names: &BTreeSet<&str>,
    options: &RequestOptions,
) -> Result<Pods, Problem> {
    let (selector, _) = selector(JOB_LABEL, names);
    let query = [("labelSelector", selector.as_str()), ("limit", MAX_PODS)];
    let path = path("/api/v1", Some(namespace), pod::RESOURCE);
    let response = api.call(pod::LIST.name, &path, &query, options, decode_pods);
    Ok(response.await?.data)
}

/// Adds to each job its pods.
fn share(rows: Vec<(&mut Row, JobPods)>, read: Pods) {
    let mut pods = PodIndex::new(read.pods);
    for (row, own) in rows {
        let row_pods = pods.take(&own);
        parts::add_pods(&mut row.result.job, row_pods, read.are_all);
    }
}
