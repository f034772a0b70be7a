use super::*;
use crate::commands::list::target::ListTarget;
use crate::model::{State, Time};
use crate::providers;
use crate::reference::Scope;

fn job(id: &str, state: State, observed_at: i64) -> Job {
    Job {
        reference: format!("sugon/instance/{id}"),
        state,
        observed_at: Time::from_unix(observed_at),
        ..Job::default()
    }
}

/// The jobs, and for each scope the number of its rows and of those that other scopes also have.
type Merged = (Vec<(String, State)>, Vec<(usize, usize)>);

/// Returns the merged rows of these scopes.
fn merged(scopes: Vec<Vec<Job>>) -> Merged {
    let kind = providers::kinds().find(|kind| kind.list.is_some()).unwrap();
    let target = ListTarget::Jobs {
        scope: Scope {
            kind,
            profile: "default".into(),
            segments: Vec::new(),
            input: String::new(),
        },
        is_named: true,
    };
    let reports = scopes.iter().map(|_| ScopeReport::new(target.clone()));
    let mut reports: Vec<ScopeReport> = reports.collect();
    let found = scopes.into_iter().map(|jobs| ListedRows {
        jobs,
        ..ListedRows::default()
    });
    let left = merge(&mut reports, found.collect(), &Filter::default());
    let jobs = left.jobs.into_iter();
    (
        jobs.map(|job| (job.reference[15..].to_owned(), job.state))
            .collect(),
        reports
            .iter()
            .map(|one| (one.count, one.repeated))
            .collect(),
    )
}

#[test]
fn a_job_in_several_scopes_is_kept_once_with_its_last_read_state() {
    use State::{Failed, Running};
    let (left, counts) = merged(vec![
        vec![
            job("a", Running, 5),
            job("b", Failed, 9),
            job("a", Running, 6),
        ],
        vec![
            job("c", Running, 7),
            job("a", Failed, 7),
            job("b", Running, 8),
        ],
    ]);
    let expected = [("a", Failed), ("b", Failed), ("c", Running)];
    assert_eq!(left, expected.map(|(id, state)| (id.to_owned(), state)));
    assert_eq!(counts, [(2, 0), (3, 2)]);
}

#[test]
fn the_last_row_of_a_job_is_kept_in_the_place_of_its_first() {
    let rows = ["a1", "b1", "a2", "c1", "b2", "a3"].map(|row| (row[..1].to_owned(), row));
    let mut rows = rows.to_vec();
    keep_last_rows(&mut rows, |(reference, _)| reference);
    let rows: Vec<&str> = rows.iter().map(|(_, row)| *row).collect();
    assert_eq!(rows, ["a3", "b2", "c1"]);
}
