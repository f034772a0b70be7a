//! Converts jobs to the rows that metrics are written from.

use crate::model::{Job, State, Time};
use crate::providers;

/// The fields of a job that metrics use.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct JobRow {
    /// Canonical reference.
    pub reference: String,
    pub cloud: String,
    pub kind: String,
    pub profile: String,
    pub region: Option<String>,
    pub cluster: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub user: Option<String>,
    pub queue: Option<String>,
    pub state: State,
    /// The response did not contain a state.
    pub has_no_state: bool,
    /// The row of a list, which may lack what a lookup shows.
    pub is_listed: bool,
    /// Rows of lists of its kind show the end of a job like lookups do.
    pub is_conclusive: bool,
    pub reason: Option<String>,
    pub ended: bool,
    pub created_at: Option<Time>,
    pub started_at: Option<Time>,
    pub finished_at: Option<Time>,
    pub updated_at: Option<Time>,
    pub exit_code: Option<i64>,
    /// Restarts of its containers; `None` if no container reports them.
    pub restarts: Option<u64>,
    /// Number of warning events; `None` if events were not read.
    pub warnings: Option<u64>,
}

impl JobRow {
    /// Creates the row of a job. Events are not read for a job from a list.
    pub(super) fn new(job: Job) -> Self {
        let containers = job.tasks.iter().flat_map(|task| &task.containers);
        let restarts = containers.filter_map(|container| container.restart_count);
        let restarts = restarts.fold(None, |sum: Option<u64>, count| {
            Some(sum.unwrap_or(0).saturating_add(count))
        });
        let has_events = !job.from_list && !job.events_unreadable;
        Self {
            restarts,
            warnings: has_events.then_some(job.warning_count),
            has_no_state: job.state == State::Unknown && job.state_raw.is_none(),
            is_listed: job.from_list,
            is_conclusive: providers::has_conclusive_rows(&job.cloud, &job.kind),
            reference: job.reference,
            cloud: job.cloud.into_owned(),
            kind: job.kind.into_owned(),
            profile: job.profile.to_string(),
            region: job.region,
            cluster: job.cluster,
            namespace: job.namespace,
            name: job.name,
            user: job.user,
            queue: job.queue,
            state: job.state,
            reason: job.reason.map(String::from),
            ended: job.ended,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            updated_at: job.updated_at,
            exit_code: job.exit_code,
        }
    }

    /// Creates the row of a job from a list.
    pub(super) fn listed(job: Job) -> Self {
        Self {
            warnings: None,
            is_listed: true,
            ..Self::new(job)
        }
    }

    /// Returns `true` if this row of a list shows the same run as `known`, the result of an earlier lookup of an ended
    /// job: a job of the same name can have been created again, and an ended job can run again.
    pub(super) fn is_run_of(&self, known: &Self) -> bool {
        let agree = |row: Option<Time>, known: Option<Time>| match (row, known) {
            (Some(row), Some(known)) => row == known,
            _ => true,
        };
        agree(self.created_at, known.created_at)
            && agree(self.finished_at, known.finished_at)
            && (self.state == known.state || self.has_no_state || !self.is_conclusive)
    }

    /// Returns the end of an ended job, or its last update, which is not earlier.
    pub(super) fn end(&self) -> Option<Time> {
        self.finished_at.or(self.updated_at)
    }

    /// Fills in missing values from another row of the same job, since a list and a lookup have different fields: a
    /// label that appears or disappears would start a new time series.
    pub(super) fn complete_from(&mut self, other: &Self) {
        let is_other_run = match (self.created_at, other.created_at) {
            (Some(value), Some(other_value)) => value != other_value,
            _ => other.ended && !self.ended,
        };
        if is_other_run {
            return;
        }
        let labels = [
            (&mut self.region, &other.region),
            (&mut self.cluster, &other.cluster),
            (&mut self.namespace, &other.namespace),
            (&mut self.name, &other.name),
            (&mut self.user, &other.user),
            (&mut self.queue, &other.queue),
        ];
        for (value, other_value) in labels {
            if value.is_none() {
                value.clone_from(other_value);
            }
        }
        self.created_at = self.created_at.or(other.created_at);
        self.started_at = self.started_at.or(other.started_at);
        self.restarts = self.restarts.or(other.restarts);
        self.warnings = self.warnings.or(other.warnings);
        if self.state == other.state && self.reason.is_none() {
            self.reason.clone_from(&other.reason);
        }
    }

    /// Returns a sort key: active jobs before ended ones, and the newest first in each group.
    pub(super) fn priority(&self) -> (bool, std::cmp::Reverse<Option<Time>>) {
        let at = match self.ended {
            true => self.last_change(),
            false => self.created_at,
        };
        (self.ended, std::cmp::Reverse(at))
    }

    fn last_change(&self) -> Option<Time> {
        self.end().or(self.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Container, Task};

    fn at(seconds: i64) -> Option<Time> {
        Time::from_unix(seconds)
    }

    #[test]
    fn a_row_is_completed_only_from_a_row_of_the_same_run() {
        let row = |created_at, user: Option<&str>, started_at| JobRow {
            created_at,
            user: user.map(str::to_owned),
            started_at,
            state: State::Running,
            ..JobRow::default()
        };
        let mut listed = row(at(1), Some("lin"), None);
        listed.complete_from(&row(at(1), Some("wang"), at(2)));
        assert_eq!(listed, row(at(1), Some("lin"), at(2)));
        let mut listed = row(at(1), None, None);
        listed.complete_from(&row(at(5), Some("wang"), at(6)));
        assert_eq!(listed, row(at(1), None, None));
        let ended = JobRow {
            ended: true,
            ..row(None, Some("wang"), at(2))
        };
        listed.complete_from(&ended);
        assert_eq!(listed, row(at(1), None, None));
    }

    #[test]
    fn rows_of_each_kind_are_as_conclusive_as_its_lists() {
        for kind in providers::kinds() {
            let job = Job {
                cloud: kind.template.cloud.into(),
                kind: kind.template.kind.into(),
                ..Job::default()
            };
            assert_eq!(
                JobRow::new(job).is_conclusive,
                kind.conclusive_rows,
                "{kind}"
            );
        }
    }

    #[test]
    fn restarts_are_summed_and_list_rows_have_no_warning_count() {
        let container = |restart_count| Container {
            restart_count,
            ..Container::default()
        };
        let job = Job {
            warning_count: 2,
            tasks: vec![Task {
                containers: vec![container(Some(2)), container(None), container(Some(3))],
                ..Task::default()
            }],
            ..Job::default()
        };
        let row = JobRow::new(job.clone());
        assert_eq!((row.restarts, row.warnings), (Some(5), Some(2)));
        assert_eq!(JobRow::listed(job).warnings, None);
        let row = JobRow::new(Job::default());
        assert_eq!((row.restarts, row.warnings), (None, Some(0)));
    }
}
