//! Reads the jobs of many references.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::super::objects;
use super::super::parts::depends_on_pods;
use super::choice::{is_denied, may_hide_job};
use super::{Api, CustomJobs};
use crate::providers::prelude::*;

/// Returns several jobs of a kind from lists or streams. If the resource that contains a job is not known
/// yet, finds it first, so that later results are about the same object.
///
/// # Errors
/// The problem of a resource, if no job could be read.
pub(super) async fn batch_get(
    jobs: &CustomJobs,
    api: &Api,
    batch: BatchRequest<'_>,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let BatchRequest {
        references, ends, ..
    } = batch;
    find_open(jobs, api, batch).await;
    let number = |reference: &Reference| jobs.number(api, reference);
    let numbers: Vec<Option<usize>> = references.iter().map(number).collect();
    let requests = jobs.resources.iter().enumerate();
    let requests = requests.map(async |(number, resource)| {
        let wanted = (0..references.len()).filter(|at| numbers[*at] == Some(number));
        let wanted: Vec<usize> = wanted.collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let wanted_references = Vec::from_iter(wanted.iter().map(|at| references[*at].clone()));
        let batch = BatchRequest {
            references: &wanted_references,
            ..batch
        };
        let rows = objects::get_many(api, &resource.objects, batch).await?;
        Ok(wanted.into_iter().zip(rows).collect::<Vec<_>>())
    });
    let mut results: Vec<Option<GetResult>> = references.iter().map(|_| None).collect();
    let (mut problem, mut is_empty) = (None, true);
    for outcome in join_all(requests).await {
        match outcome {
            Ok(rows) => {
                for (at, row) in rows {
                    is_empty &= row.is_none();
                    if let Some(number) = numbers[at].filter(|_| row.is_some()) {
                        api.custom_jobs.set_resource(&references[at], number);
                    }
                    // A job whose pods decide its state is left to a lookup.
                    results[at] = row
                        .map(|row| row.result)
                        .filter(|row| !depends_on_pods(&row.job));
                }
            }
            Err(failure) => problem = Some(failure),
        }
    }
    if let Some(result) = results.iter_mut().flatten().next() {
        result.notices.extend(api.custom_jobs.take_notices());
    }
    let is_unread = |at: &usize| problem.is_some() || numbers[*at].is_none();
    let unread = (0..references.len()).filter(is_unread);
    let unread = unread.filter(|at| results[*at].is_none());
    unread.for_each(|at| ends.skip(&references[at]));
    match problem {
        Some(problem) if is_empty && !numbers.contains(&None) => {
            let was_found = references.iter().any(|one| jobs.was_found(api, one));
            Err(jobs.not_installed(problem, was_found))
        }
        _ => Ok(results),
    }
}

/// Finds the resources that contain the jobs of which this is not known yet.
async fn find_open(jobs: &CustomJobs, api: &Api, batch: BatchRequest<'_>) {
    let is_open = |reference: &&Reference| jobs.number(api, reference).is_none();
    let open: Vec<Reference> = batch.references.iter().filter(is_open).cloned().collect();
    let options = batch.options;
    match open.as_slice() {
        [] => {}
        // A lookup of one job costs no more than lists. Its problem is kept for the lookup that follows.
        [reference] => {
            let results = jobs.find(api, GetRequest { reference, options }).await;
            if let Err(problem) = results {
                api.custom_jobs.set_failure(reference, problem);
            }
        }
        references => {
            let batch = BatchRequest {
                references,
                ..batch
            };
            find_by_lists(jobs, api, batch).await;
        }
    }
}

/// Finds the resource that contains each job, with one list of each resource and namespace.
async fn find_by_lists(jobs: &CustomJobs, api: &Api, batch: BatchRequest<'_>) {
    let mut namespaces: BTreeMap<&str, Vec<Reference>> = BTreeMap::new();
    for reference in batch.references {
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let references = namespaces.entry(namespace).or_default();
        references.push(reference.clone());
    }
    let requests = namespaces.values().map(async |references| {
        let batch = BatchRequest {
            references,
            ..batch
        };
        find_in_namespace(jobs, api, batch).await;
    });
    join_all(requests).await;
}

/// Finds the resources that contain the jobs of one namespace. A name in several resources is left to lookups, unless
/// they are two versions of one resource, which contain the same object. If a list cannot be read, every name is left
/// to lookups, or, if only the permission is missing, the names that no other list contains.
async fn find_in_namespace(jobs: &CustomJobs, api: &Api, batch: BatchRequest<'_>) {
    let references = batch.references;
    let once = RequestOptions {
        changes: None,
        ..batch.options.clone()
    };
    let lists = jobs.resources.iter();
    let lists = lists.map(|resource| {
        let batch = BatchRequest {
            options: &once,
            ..batch
        };
        objects::get_many(api, &resource.objects, batch)
    });
    let lists = join_all(lists).await;
    let problems = lists.iter().enumerate();
    let problems = problems.filter_map(|(number, list)| Some((number, list.as_ref().err()?)));
    let problems = problems.filter(|(_, problem)| may_hide_job(problem));
    let (denied, broken): (Vec<_>, Vec<_>) = problems.partition(|(_, problem)| is_denied(problem));
    if !broken.is_empty() {
        return;
    }
    let mut notice = None;
    for (at, reference) in references.iter().enumerate() {
        let rows = lists.iter().enumerate();
        let mut rows =
            rows.filter_map(|(number, rows)| Some((number, rows.as_ref().ok()?[at].as_ref()?)));
        if let Some((number, row)) = rows.next()
            && rows.all(|(_, other)| other.uid == row.uid && !row.uid.is_empty())
        {
            api.custom_jobs.set_resource(reference, number);
            let denied = denied.iter().map(|(number, _)| *number);
            notice = notice.or_else(|| jobs.denied_notice(denied, reference));
        }
    }
    api.custom_jobs.add_notice(notice);
}
