//! What of the responses confirms that a job succeeded, or shows that it did not.

use std::collections::HashSet;

use super::super::{MAX_INSTANCES, MAX_PAGES, MAX_TASKS};
use super::{BatchJob, Metrics, TaskResponse};
use crate::providers::prelude::*;

impl Metrics {
    fn active(&self) -> [Int; 5] {
        [
            self.submitted_count,
            self.pending_count,
            self.runnable_count,
            self.starting_count,
            self.running_count,
        ]
    }

    fn failed(&self) -> [Int; 2] {
        [self.failed_count, self.failed_interrupted_count]
    }

    /// All but those that succeeded.
    fn others(&self) -> impl Iterator<Item = Int> {
        self.active().into_iter().chain(self.failed())
    }
}

/// The sum of counts.
fn sum(counts: impl IntoIterator<Item = Int>) -> u64 {
    let counts = counts.into_iter().filter_map(Int::unsigned);
    counts.fold(0, u64::saturating_add)
}

/// That parts have failed, by their numbers.
pub(in super::super) fn failed_parts(all: &[(&OptionalObject<Metrics>, &str)]) -> Option<String> {
    all.iter().find_map(|(metrics, what)| {
        let failed = sum(metrics.0.as_ref()?.failed());
        (failed > 0).then(|| format!("{failed} {what} have failed"))
    })
}

/// That parts have not ended, by their numbers, or that a number cannot be right.
pub(super) fn active_parts(all: &[(&OptionalObject<Metrics>, &str)]) -> Option<String> {
    all.iter().find_map(|(metrics, what)| {
        let metrics = metrics.0.as_ref()?;
        let is_negative = |count: Int| count.0.is_some_and(|count| count < 0);
        if metrics.others().any(is_negative) {
            return Some(format!("a number of {what} is negative"));
        }
        let active = sum(metrics.active());
        (active > 0).then(|| format!("{active} {what} have not ended"))
    })
}

impl BatchJob {
    /// That something is still done with the job, such as its termination.
    pub(super) fn under_way(&self) -> Option<String> {
        let action = self.next_action.trimmed()?;
        Some(format!("its next action is {action}"))
    }

    /// How many tasks the job has, by their numbers.
    pub(in super::super) fn counted_tasks(&self) -> u64 {
        self.tasks
            .0
            .as_ref()
            .map_or(0, |tasks| sum(tasks.others().chain([tasks.succeed_count])))
    }

    /// How many instances have succeeded, by their numbers.
    pub(in super::super) fn counted_successes(&self) -> u64 {
        let metrics = self.task_instances.0.as_ref();
        metrics.map_or(0, |metrics| sum([metrics.succeed_count]))
    }
}

/// That some of so many tasks are not read.
pub(in super::super) fn unread_tasks(count: usize) -> Option<String> {
    (count > MAX_TASKS).then(|| {
        format!("only the instances of {MAX_TASKS} of the {count} tasks that have begun were read")
    })
}

/// The message of a job that the cloud calls succeeded.
pub(in super::super) fn doubted_success(doubt: &str) -> String {
    format!("the job has succeeded, but {doubt}")
}

/// What a job that succeeded lacks of its tasks, of which it has so many by their numbers.
pub(in super::super) fn missing_tasks(tasks: &[Task], counted: u64) -> Option<String> {
    let names: HashSet<&str> = tasks.iter().filter_map(|task| task.id.as_deref()).collect();
    let read = names.len() as u64;
    let lacks_word = |task: &Task| task.id.is_none() || task.state_raw.is_none();
    if read < counted.max(1) {
        let counted = counted.max(tasks.len() as u64);
        return Some(format!("only {read} of {counted} tasks are listed"));
    }
    let lacks_word = tasks.iter().any(lacks_word);
    lacks_word.then(|| "a task has no readable name or state".to_owned())
}

impl TaskResponse {
    /// How many different instances it has.
    fn count(&self) -> u64 {
        let indexes = self.task_instance_set.0.iter();
        let indexes = indexes.filter_map(|instance| instance.task_instance_index.0);
        indexes.collect::<HashSet<_>>().len() as u64
    }

    /// Where the next page begins, if there are more instances and this one had some that are not `known`.
    pub(in super::super) fn next_offset(
        &self,
        offset: usize,
        known: &mut HashSet<i64>,
    ) -> Option<usize> {
        let before = known.len();
        let rows = &self.task_instance_set.0;
        known.extend(rows.iter().filter_map(|row| row.task_instance_index.0));
        let next = offset + rows.len();
        let has_more = self.task_instance_total_count.unsigned() > Some(next as u64);
        (has_more && known.len() > before).then_some(next)
    }

    /// The same with the instances of the next page.
    pub(in super::super) fn join(mut self, next: Self) -> Self {
        self.task_instance_set.0.extend(next.task_instance_set.0);
        self
    }

    /// That there are fewer instances than the response counts.
    pub(in super::super) fn missing_instances(&self, task: &str) -> Option<String> {
        let (total, read) = (self.task_instance_total_count.unsigned()?, self.count());
        (total > read)
            .then(|| format!("only {read} of {total} instances of the task {task} were read"))
    }

    /// What does not confirm that the task succeeded.
    pub(in super::super) fn doubt(&self, task: &str) -> Option<String> {
        let instances = &self.task_instance_set.0;
        let Some(total) = self.task_instance_total_count.unsigned() else {
            return Some(format!(
                "the number of instances of the task {task} is missing"
            ));
        };
        if instances.is_empty() {
            return Some(format!("the instances of the task {task} are missing"));
        }
        let is_past_limit = instances.len() >= MAX_PAGES * MAX_INSTANCES;
        let is_known = self.count() >= total || is_past_limit && self.all_succeeded(total);
        if !is_known {
            return self.missing_instances(task);
        }
        for instance in instances {
            let index = instance.task_instance_index.0;
            let index = index.map_or_else(|| "?".to_owned(), |index| index.to_string());
            if instance.task_instance_state.trimmed().is_none() {
                return Some(format!("the instance {task}/{index} has no readable state"));
            }
            if let Some(reason) = states::failure(instance.state_reason.clone()) {
                return Some(format!(
                    "the instance {task}/{index} has the reason {reason}"
                ));
            }
        }
        let active = active_parts(&[(&self.task_instance_metrics, "instances")])?;
        Some(format!("{active} of the task {task}"))
    }

    /// True where so many instances succeeded, by their numbers.
    fn all_succeeded(&self, total: u64) -> bool {
        let metrics = self.task_instance_metrics.0.as_ref();
        metrics.is_some_and(|metrics| metrics.succeed_count.unsigned() >= Some(total))
    }

    /// That instances have failed.
    pub(in super::super) fn failed_instances(&self) -> Option<String> {
        failed_parts(&[(&self.task_instance_metrics, "instances")])
    }
}
