use std::cmp::Ordering;

use super::cell::Cell;
use super::scope_row::{is_shared, scope_row};
use super::{JobColumn, Zone};
use crate::error::Problem;
use crate::model::{Job, ScopeSummary, State};
use crate::sort::SortExt as _;

/// The sort order of resources.
#[derive(Debug, Clone)]
pub struct Sort {
    column: JobColumn,
    descending: bool,
}

impl Sort {
    /// Parses `COLUMN`, or `-COLUMN` for descending order. `correct_dash` returns a text that begins with a dash of an
    /// editor or an input method, with `-` or `--` instead.
    ///
    /// # Errors
    /// Returns a usage error with the closest name.
    pub fn parse(
        text: &str,
        correct_dash: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Problem> {
        let text = text.trim();
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name.trim_start(), true),
            None => (text, false),
        };
        let column = JobColumn::find(name).ok_or_else(|| {
            let corrected = correct_dash(text).filter(|text| text.starts_with('-'));
            match corrected {
                // The descending order is `-`, also if an editor replaces `--`.
                Some(text) => {
                    JobColumn::unknown(name, ("-", text.trim_start_matches('-').trim_start()))
                }
                None if descending => JobColumn::unknown(name, ("-", name)),
                None => JobColumn::unknown(name, ("", name)),
            }
        })?;
        Ok(Self { column, descending })
    }

    /// Returns the column to sort by.
    pub fn column(&self) -> &JobColumn {
        &self.column
    }

    /// Sorts resources. Equal ones keep their order, and unknown values come last in both directions. States are
    /// sorted in the order of the lifecycle.
    pub fn apply(&self, jobs: &mut [Job]) {
        jobs.order_by(|one, other| self.compare(one, other));
    }

    /// Sorts scopes if they have the column.
    pub fn apply_to_scopes(&self, scopes: &mut [ScopeSummary]) {
        if is_shared(&self.column) {
            scopes.order_by(|one, other| self.compare(&scope_row(one), &scope_row(other)));
        }
    }

    /// Keeps the first `limit` rows of sorted scopes and resources together. Equal scopes precede resources.
    pub fn truncate(&self, scopes: &mut Vec<ScopeSummary>, jobs: &mut Vec<Job>, limit: usize) {
        let mut kept_jobs = 0;
        let mut kept_scopes = 0;
        while kept_jobs + kept_scopes < limit {
            match (scopes.get(kept_scopes), jobs.get(kept_jobs)) {
                (Some(scope), Some(job)) if self.is_after(scope, job) => kept_jobs += 1,
                (Some(_), _) => kept_scopes += 1,
                (None, Some(_)) => kept_jobs += 1,
                (None, None) => return,
            }
        }
        jobs.truncate(kept_jobs);
        scopes.truncate(kept_scopes);
    }

    fn is_after(&self, scope: &ScopeSummary, job: &Job) -> bool {
        match is_shared(&self.column) {
            true => self.compare(&scope_row(scope), job).is_gt(),
            // Unknown values come last.
            false => self.column.cell(job, Zone::Utc) != Cell::Absent,
        }
    }

    fn compare(&self, one: &Job, other: &Job) -> Ordering {
        if self.column.name == "state" {
            let index = |job: &Job| State::ALL.iter().position(|state| *state == job.state);
            return self.directed(index(one).cmp(&index(other)));
        }
        let one = self.column.cell(one, Zone::Utc);
        let other = self.column.cell(other, Zone::Utc);
        let order = one.compare(&other);
        match (one, other) {
            (Cell::Absent, _) | (_, Cell::Absent) => order,
            _ => self.directed(order),
        }
    }

    fn directed(&self, order: Ordering) -> Ordering {
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(by: &str, jobs: Vec<Job>) -> Vec<String> {
        let mut jobs = jobs;
        Sort::parse(by, |_| None).unwrap().apply(&mut jobs);
        jobs.into_iter().map(|job| job.reference).collect()
    }

    #[test]
    fn the_suggested_column_keeps_the_descending_order() {
        let correct_dash = |text: &str| {
            let name = text.trim_start_matches(['－', '—', '–']);
            (name.len() < text.len()).then(|| format!("--{name}"))
        };
        for (text, suggested) in [
            ("－created_at", "-created_at"),
            ("—created_at", "-created_at"),
            ("––Created", "-Created"),
            ("－creatd_at", "-created_at"),
            ("-creatd_at", "-created_at"),
            ("creatd_at", "created_at"),
        ] {
            let hint = Sort::parse(text, correct_dash).unwrap_err().hint.unwrap();
            let expected = format!("did you mean '{suggested}'? available: ");
            assert!(hint.starts_with(&expected), "{text}: {hint}");
        }
        assert!(
            Sort::parse(" -created_at ", correct_dash)
                .unwrap()
                .descending
        );
    }

    #[test]
    fn unknown_values_are_sorted_last_in_both_directions_and_ties_keep_order() {
        let job = |reference: &str, exit_code| Job {
            reference: reference.into(),
            exit_code,
            ..Job::default()
        };
        let jobs = || {
            vec![
                job("none", None),
                job("ten", Some(10)),
                job("nine", Some(9)),
                job("also ten", Some(10)),
            ]
        };
        assert_eq!(
            sorted("exit_code", jobs()),
            ["nine", "ten", "also ten", "none"]
        );
        assert_eq!(
            sorted("-exit_code", jobs()),
            ["ten", "also ten", "nine", "none"]
        );
    }

    #[test]
    fn scopes_are_sorted_and_cut_with_the_resources() {
        let created = |seconds| crate::model::Time::from_unix(seconds);
        let scope = |name: &str, seconds| ScopeSummary {
            scope: name.to_owned(),
            created_at: created(seconds),
            ..ScopeSummary::default()
        };
        let job = |name: &str, seconds| Job {
            reference: name.to_owned(),
            created_at: created(seconds),
            ..Job::default()
        };
        let first = |by: &str, limit| {
            let sort = Sort::parse(by, |_| None).unwrap();
            let mut scopes = vec![scope("a/", 30), scope("b/", 10)];
            let mut jobs = vec![job("c", 40), job("d", 20)];
            sort.apply(&mut jobs);
            sort.apply_to_scopes(&mut scopes);
            sort.truncate(&mut scopes, &mut jobs, limit);
            let scopes = scopes.into_iter().map(|scope| scope.scope);
            let jobs = jobs.into_iter().map(|job| job.reference);
            scopes.chain(jobs).collect::<Vec<_>>()
        };
        assert_eq!(first("created_at", 1), ["b/"]);
        assert_eq!(first("created_at", 2), ["b/", "d"]);
        assert_eq!(first("-created_at", 3), ["a/", "c", "d"]);
        assert_eq!(first("age", 2), ["a/", "c"]);
        assert_eq!(first("ref", 9), ["a/", "b/", "c", "d"]);
        // Scopes have no state, and no job has an exit code.
        assert_eq!(first("state", 3), ["a/", "c", "d"]);
        assert_eq!(first("exit_code", 3), ["a/", "b/", "c"]);
    }

    #[test]
    fn states_are_sorted_in_the_order_of_a_job_life_cycle() {
        let jobs = [
            State::Failed,
            State::Pending,
            State::Unknown,
            State::Running,
        ]
        .map(|state| Job {
            reference: state.as_str().into(),
            state,
            ..Job::default()
        });
        assert_eq!(
            sorted("state", jobs.into()),
            ["pending", "running", "failed", "unknown"]
        );
    }
}
