use std::cmp::Ordering;

use super::cell::Cell;
use super::{JobColumn, Zone};
use crate::error::Problem;
use crate::model::{Job, State};
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
        if self.column.name == "state" {
            let index = |job: &Job| State::ALL.iter().position(|state| *state == job.state);
            jobs.order_by(|one, other| self.directed(index(one).cmp(&index(other))));
            return;
        }
        jobs.order_by(|one, other| {
            let one = self.column.cell(one, Zone::Utc);
            let other = self.column.cell(other, Zone::Utc);
            let order = one.compare(&other);
            match (one, other) {
                (Cell::Absent, _) | (_, Cell::Absent) => order,
                _ => self.directed(order),
            }
        });
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
