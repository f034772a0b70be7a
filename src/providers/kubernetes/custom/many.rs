//! Custom resources of many references.

use futures_util::future::join_all;

use super::super::objects::{self, Row};
use super::{Api, CustomJobs};
use crate::error::Problem;
use crate::model::State;
use crate::providers::{BatchRequest, GetOptions, GetResult};
use crate::reference::Reference;
use crate::sync::lock;

/// What lists or streams report of several jobs of a kind. Where it is not known yet which resource holds
/// a job, all are listed once.
///
/// # Errors
/// What went wrong where nothing could be read.
pub(super) async fn batch_get(
    jobs: &CustomJobs,
    api: &Api,
    batch: BatchRequest<'_>,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let numbers = batch.references.iter().map(|one| jobs.number(api, one));
    let numbers: Vec<Option<usize>> = numbers.collect();
    let once = GetOptions {
        changes: None,
        ..batch.options.clone()
    };
    let of_resource = |number| [(number, Some(number), batch.options), (number, None, &once)];
    let calls = (0..jobs.resources.len()).flat_map(of_resource);
    let calls = calls.map(async |(number, known, own_options)| {
        let is_wanted = |at: &usize| numbers[*at] == known;
        let wanted: Vec<usize> = (0..batch.references.len()).filter(is_wanted).collect();
        // A lookup of one job costs no more.
        if wanted.is_empty() || (known.is_none() && wanted.len() == 1) {
            return Ok(Vec::new());
        }
        let own = wanted.iter().map(|at| batch.references[*at].clone());
        let own: Vec<Reference> = own.collect();
        let objects = &jobs.resources[number].objects;
        let own_batch = BatchRequest {
            references: &own,
            options: own_options,
        };
        let rows = objects::get_many(api, objects, own_batch).await?;
        let rows = wanted.into_iter().zip(rows);
        let rows = rows.filter_map(|(at, row)| Some((at, number, row?)));
        Ok(rows.collect::<Vec<_>>())
    });
    let mut found: Vec<Vec<(usize, Row)>> = batch.references.iter().map(|_| Vec::new()).collect();
    let mut problem = None;
    for outcome in join_all(calls).await {
        match outcome {
            Ok(rows) => {
                for (at, number, row) in rows {
                    found[at].push((number, row));
                }
            }
            Err(failure) => problem = Some(failure),
        }
    }
    let is_open = numbers.contains(&None) || !found.iter().all(Vec::is_empty);
    match problem {
        Some(problem) if !is_open => Err(jobs.not_installed(problem)),
        _ => {
            let rows = batch.references.iter().zip(found);
            Ok(rows.map(|(one, rows)| only(api, one, rows)).collect())
        }
    }
}

/// The only job of a name; `None` where a lookup has to tell, as it does of one whose pods decide its
/// state. Two versions of one resource hold the same object.
fn only(api: &Api, reference: &Reference, rows: Vec<(usize, Row)>) -> Option<GetResult> {
    let mut rows = rows.into_iter();
    let (number, row) = rows.next()?;
    if rows.any(|(_, other)| other.uid != row.uid || row.uid.is_empty()) {
        return None;
    }
    lock(&api.resources).insert(reference.to_string(), number);
    let job = &row.found.job;
    let is_derived = job.state == State::Starting && job.state_raw.is_none();
    (!is_derived).then_some(row.found)
}
