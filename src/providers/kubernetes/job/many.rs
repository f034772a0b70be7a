//! The pods of many jobs.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;

use super::super::objects::Row;
use super::super::pod::{self, PodTask};
use super::super::{Api, events, path};
use super::{Pods, decode_pods, response};
use crate::error::{Category, Problem};
use crate::model::State;
use crate::providers::GetOptions;

/// So many jobs are named in the selector of a list of pods; for more it is one of all jobs.
const MAX_NAMES: usize = 50;

/// So many pods of a namespace are read at most.
const MAX_PODS: &str = "2000";

/// Adds the pods of those jobs whose state they decide, by one list for each namespace.
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
    let lists = starting.iter().map(async |(namespace, rows)| {
        let names: Vec<&str> = rows.iter().map(|row| row.found.job.id.as_str()).collect();
        pods_of(api, namespace, &names, options).await
    });
    let lists = join_all(lists).await;
    for (rows, pods) in starting.into_values().zip(lists) {
        match pods {
            Ok(pods) => share(rows, pods),
            Err(problem) => {
                let are_all = problem.category != Category::InvalidResponse;
                for (number, row) in rows.into_iter().enumerate() {
                    let found = &mut row.found;
                    if number == 0 {
                        let notice = events::unread("pods", &found.job, &problem);
                        found.notices.push(notice);
                    }
                    response::add_pods(&mut found.job, Vec::new(), are_all);
                }
            }
        }
    }
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
    let are_all = pods.are_all && !pods.has_more;
    let mut by_owner: HashMap<String, Vec<PodTask>> = HashMap::new();
    for pod in pods.pods {
        if let Some(owner) = pod.owner_uid.clone() {
            by_owner.entry(owner).or_default().push(pod);
        }
    }
    for row in rows {
        let own = by_owner.remove(&row.uid).unwrap_or_default();
        // One that is active has pods.
        let are_all = are_all && !own.is_empty();
        response::add_pods(&mut row.found.job, own, are_all);
    }
}
